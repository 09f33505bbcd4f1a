#include "object/json.h"
#include "object/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* A file of tests/vectors, whole. */
static char *vector_file(const char *name, size_t *len)
{
	const char *srcdir = getenv("top_srcdir");
	char *path free_ptr = xasprintf("%s/tests/vectors/%s", srcdir ? srcdir : ".", name);
	struct str text = STR_INIT;
	char buffer[65536];
	size_t n;
	FILE *f = fopen(path, "r");

	if (!f)
		fail_msg("cannot open %s", path);
	while ((n = fread(buffer, 1, sizeof(buffer), f)))
		str_add(&text, buffer, n);
	fclose(f);
	*len = text.len;
	return str_take(&text);
}

struct vector {
	struct object *object;
	const char *expected;
	size_t expected_len;
};

/* Runs CHECK on every recorded pair; returns how many there are. */
static int each_vector(bool (*check)(const struct vector *v))
{
	size_t json_len, yaml_len;
	char *json free_ptr = vector_file("yaml.jsonl", &json_len);
	char *yaml free_ptr = vector_file("yaml.expected", &yaml_len);
	const char *line = json, *document = yaml;
	int n = 0, bad = 0;

	while (*line) {
		const char *line_end = strchr(line, '\n');
		const char *end = strstr(document, "\n---\napiVersion: vectors");
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		struct object *o CLEANUP(object_unref_cleanup) =
			object_parse(line, (size_t)(line_end - line), &err);

		if (!o)
			fail_msg("object %d: %s", n, error_message(err));
		end = end ? end + 1 : yaml + yaml_len - 4;
		bad += !check(&(struct vector){o, document, (size_t)(end - document)});
		document = end + 4;
		line = line_end + 1;
		n++;
	}
	assert_int_equal(bad, 0);
	return n;
}

static bool writes_the_same(const struct vector *v)
{
	struct str got CLEANUP(str_release) = STR_INIT;
	bool same;

	yaml_write(v->object->json, v->object->len, 0, &got);
	same = got.len == v->expected_len && !memcmp(got.s, v->expected, got.len);
	if (!same) {
		size_t i = 0;

		while (i < got.len && got.s[i] == v->expected[i])
			i++;
		i = i > 60 ? i - 60 : 0;
		print_error("%s differs:\n got      %.120s\n expected %.120s\n", v->object->name,
			    got.s + i, v->expected + i);
	}
	assert_int_equal(yaml_size(v->object->json, v->object->len, 0), got.len);
	return same;
}

static void writes_what_kubectl_prints(void **state)
{
	assert_true(each_vector(writes_the_same) > 350);
}

static bool reads_back(const struct vector *v)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct str yaml CLEANUP(str_release) = STR_INIT, json CLEANUP(str_release) = STR_INIT;
	json_t *tree json_auto = NULL;

	yaml_write(v->object->json, v->object->len, 0, &yaml);
	tree = yaml_read_one(yaml.s, yaml.len, &err);
	if (tree)
		json_write(tree, &json);
	/*
	 * What kubectl prints and does not read back: U+2028 and U+2029 are line breaks to
	 * YAML 1.1, which a quoted scalar folds; and the key "<<" is a merge.
	 */
	if (!strcmp(json.s, v->object->json) || strstr(v->object->json, "\xe2\x80\xa8") ||
	    strstr(v->object->json, "\xe2\x80\xa9") || strstr(v->object->json, "\"<<\":"))
		return true;
	print_error("%s does not come back: %s\n %s\n %s\n", v->object->name, error_message(err),
		    json.s, v->object->json);
	return false;
}

static void reads_what_it_writes(void **state)
{
	each_vector(reads_back);
}

static char *written(const char *json, unsigned flags)
{
	struct str out = STR_INIT;

	yaml_write(json, strlen(json), flags, &out);
	assert_int_equal(yaml_size(json, strlen(json), flags), out.len);
	return str_take(&out);
}

static void leaves_out_managed_fields(void **state)
{
	static const struct {
		const char *json, *expected;
	} cases[] = {
		{"{\"metadata\":{\"managedFields\":[{\"a\":1}]}}", "metadata: {}\n"},
		{"{\"metadata\":{\"managedFields\":[],\"name\":\"x\"}}", "metadata:\n  name: x\n"},
		{"{\"metadata\":{\"a\":\"y\",\"managedFields\":[]}}", "metadata:\n  a: \"y\"\n"},
		{"{\"metadata\":{\"a\":1,\"managedFields\":[],\"name\":\"x\"},\"spec\":{"
		 "\"metadata\":"
		 "{\"managedFields\":1}}}",
		 "metadata:\n  a: 1\n  name: x\nspec:\n  metadata:\n    managedFields: 1\n"},
		{"{\"metadata\":{\"x\":{\"managedFields\":1}}}",
		 "metadata:\n  x:\n    managedFields: 1\n"},
		{"{\"items\":[{\"metadata\":{\"managedFields\":1}}]}",
		 "items:\n- metadata:\n    managedFields: 1\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *got free_ptr = written(cases[i].json, YAML_OMIT_MANAGED_FIELDS);

		assert_string_equal(got, cases[i].expected);
	}
	char *kept free_ptr = written("{\"metadata\":{\"managedFields\":1}}", 0);
	assert_string_equal(kept, "metadata:\n  managedFields: 1\n");
}

/* kubectl loses U+0085 and refuses other control characters; here they come back whole. */
static void writes_what_kubectl_cannot(void **state)
{
	char *got free_ptr = written("{\"a\":\"x\xc2\x85y\",\"b\":\"\x7f\",\"c\":\"\xc2\x9b\"}", 0);

	assert_string_equal(got, "a: \"x\\Ny\"\nb: \"\\x7F\"\nc: \"\\x9B\"\n");
}

static void survives_malformed_bytes(void **state)
{
	static const char json[] =
		"{\"a\":[1,{\"b\\n\":\"c\\u0041\"},\"\xe2\x80\xa8\"],\"metadata\":"
		"{\"managedFields\":[{}],\"n\":\"x\\ny\"},\"z\":null}";
	static const char noise[] = {'"', '{', '}', '[', ']', '\\', ',', ':', '\0', '\xe2'};

	for (size_t len = 1; len < sizeof(json); len++)
		for (size_t i = 0; i < sizeof(noise); i++) {
			struct str out CLEANUP(str_release) = STR_INIT;
			char *copy free_ptr = xmemdup(json, len);

			copy[len * 7919 % 104729 % len] = noise[i];
			yaml_write(copy, len, YAML_OMIT_MANAGED_FIELDS, &out);
			assert_int_equal(yaml_size(copy, len, YAML_OMIT_MANAGED_FIELDS), out.len);
		}
}

static void knows_its_size(void **state)
{
	static const char json[] = "{\"metadata\":{\"managedFields\":[1],\"name\":\"x\"}}";
	struct object *o CLEANUP(object_unref_cleanup) = object_parse(json, sizeof(json) - 1, NULL);

	assert_int_equal(object_yaml_size(o), strlen("metadata:\n  name: x\n"));
	assert_int_equal(object_yaml_size(o), strlen("metadata:\n  name: x\n"));
}

/* YAML as canonical JSON, or "error: " and the message. */
static char *read_as_json(const char *yaml, size_t len)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *tree json_auto = yaml_read_one(yaml, len, &err);
	struct str out = STR_INIT;

	if (tree)
		json_write(tree, &out);
	else
		str_addf(&out, "error: %s", error_message(err));
	return str_take(&out);
}

struct reading {
	const char *yaml, *json;
};

static void assert_readings(const struct reading *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *got free_ptr = read_as_json(r[i].yaml, strlen(r[i].yaml));

		assert_string_equal(got, r[i].json);
	}
}

static void reads_scalars_as_kubectl(void **state)
{
	static const struct reading cases[] = {
		{"[y, N, yes, No, on, OFF, true, False, yEs]",
		 "[true,false,true,false,true,false,true,false,\"yEs\"]"},
		{"[~, null, Null, NULL, nULL, '', '~']",
		 "[null,null,null,null,\"nULL\",\"\",\"~\"]"},
		{"a:", "{\"a\":null}"},
		{"[1, -2, +3, 0777, 0o17, 0x1F, 0b101, 1_000, 08, 1__0]",
		 "[1,-2,3,511,15,31,5,1000,8,10]"},
		{"[1:30, 190:20:30]", "[\"1:30\",\"190:20:30\"]"},
		{"[1.5, .5, 1e3, 1.e2, -.5e-1, 1_0.5, 1e999]",
		 "[1.5,0.5,1000,100,-0.05,10.5,\"1e999\"]"},
		{"[9223372036854775807, 9223372036854775808, 18446744073709551615, "
		 "18446744073709551616, -9223372036854775809]",
		 "[9223372036854775807,9223372036854776000,18446744073709552000,"
		 "18446744073709552000,-9223372036854776000]"},
		{"[2001-12-14, 2001-12-14T21:59:43Z, 2001-12-14 21:59:43]",
		 "[\"2001-12-14\",\"2001-12-14T21:59:43Z\",\"2001-12-14 21:59:43\"]"},
		{"[!!str 1, !!float 1, !!int 2, !!bool yes, ! 5, !mine x, !!null '']",
		 "[\"1\",1,2,true,\"5\",\"x\",null]"},
		{"[=, <<, 1.2.3, 10m, 0x, '1', \"yes\"]",
		 "[\"=\",\"<<\",\"1.2.3\",\"10m\",\"0x\",\"1\",\"yes\"]"},
		{"a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}"},
		{"\"\\x41\\u00e9\\U0001F600\\0\"", "\"A\xc3\xa9\xf0\x9f\x98\x80\\u0000\""},
		{"\xef\xbb\xbf"
		 "a: 1",
		 "{\"a\":1}"},
		{"a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}"},
	};

	assert_readings(cases, ARRAY_SIZE(cases));
}

static void reads_keys_as_strings(void **state)
{
	static const struct reading cases[] = {
		{"{1: a, 1.5: b, y: c, 0x10: d, 2001-01-01: e, '1.50': f, 0.1: g, 1e9: h}",
		 "{\"0.1\":\"g\",\"1\":\"a\",\"1.5\":\"b\",\"1.50\":\"f\",\"16\":\"d\",\"1e+09\":"
		 "\"h\",\"2001-01-01\":\"e\",\"true\":\"c\"}"},
		{"? a\n: 1\n? |\n  b\n: 2\n", "{\"a\":1,\"b\\n\":2}"},
		{"~: 1", "error: line 1, column 1: a key is null"},
		{"[a]: 1", "error: line 1, column 1: a key must be a string, a number or a bool"},
		{"a: 1\nb: 2\na: 3\n", "error: line 3, column 1: the key \"a\" is there twice"},
		{"{true: 1, yes: 2}", "error: line 1, column 11: the key \"true\" is there twice"},
		{"\"a\\0b\": 1", "error: line 1, column 1: a key holds a NUL character"},
	};

	assert_readings(cases, ARRAY_SIZE(cases));
}

static void expands_aliases_and_merges(void **state)
{
	static const struct reading cases[] = {
		{"a: &x {b: 1}\nc: *x\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}"},
		{"a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}"},
		{"a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n",
		 "{\"a\":{\"b\":1,\"c\":2},\"d\":{\"b\":1,\"c\":3}}"},
		{"a: {<<: [{b: 1}, {b: 2, c: 3}]}", "{\"a\":{\"b\":1,\"c\":3}}"},
		{"a: {'<<': 1}", "{\"a\":{\"<<\":1}}"},
		{"a: {<<: 1}",
		 "error: line 1, column 5: a merge key takes a map or a list of maps"},
		{"a: {<<: {b: 1}, b: 2, b: 3}",
		 "error: line 1, column 23: the key \"b\" is there twice"},
		{"a: &x [*x]",
		 "error: line 1, column 8: the value of anchor \"x\" contains itself"},
		{"a: &x [&x [*x], *x]",
		 "error: line 1, column 12: the value of anchor \"x\" contains itself"},
		{"a: *x", "error: line 1, column 4: unknown anchor \"x\""},
	};

	assert_readings(cases, ARRAY_SIZE(cases));
}

static void refuses_what_is_no_yaml(void **state)
{
	static const struct reading cases[] = {
		{"a: b: c",
		 "error: line 1, column 5: mapping values are not allowed in this context"},
		{"a: [1\nb: 2\n", "error: line 2, column 2: while parsing a flow sequence: did not "
				  "find expected ',' or ']'"},
		{"a:\n\t- b", "error: line 2, column 1: while scanning for the next token: found "
			      "character that cannot start any token"},
		{"a: .inf",
		 "error: line 1, column 4: infinity and not-a-number have no form in JSON"},
		{"a: !!int x", "error: line 1, column 4: the value does not have the form that its "
			       "tag asks for"},
		{"a: !!binary eA==",
		 "error: line 1, column 4: !!binary is not supported: write the "
		 "base64 text as a string"},
		{"a: b\nc: \xff", "error: line 2, column 4: not UTF-8"},
		{"a: \x01", "error: line 1, column 4: control character U+0001 is not allowed"},
		{"", "error: no document in the text"},
		{"# nothing\n", "error: no document in the text"},
		{"a: 1\n---\nb: 2\n", "error: 2 documents where one is expected"},
		{"--- # x\n---\na: 1\n---\n", "{\"a\":1}"},
	};
	char *nul free_ptr = read_as_json("a: b\0c", 6);

	assert_readings(cases, ARRAY_SIZE(cases));
	assert_string_equal(nul,
			    "error: line 1, column 5: control character U+0000 is not allowed");
}

static void notes_keys_that_are_there_twice(void **state)
{
	static const char text[] = "# first\n---\na: 1\nb: {c: 1, c: 2}\na: 3\n---\na: 9\n";
	json_t *notes json_auto = json_array();
	json_t *tree json_auto = yaml_read_noting(text, strlen(text), notes, NULL);

	assert_int_equal(json_path_int(tree, "a", 0), 3);
	assert_int_equal(json_path_int(tree, "b.c", 0), 2);
	assert_int_equal(json_array_size(notes), 2);
	assert_string_equal(json_string_value(json_array_get(notes, 0)),
			    "line 4: key \"c\" already set in map");
	assert_string_equal(json_string_value(json_array_get(notes, 1)),
			    "line 5: key \"a\" already set in map");
}

static void reads_json_too(void **state)
{
	static const struct reading cases[] = {
		{"{\"a\":\"\\ud83d\\ude00\\/\"}", "{\"a\":\"\xf0\x9f\x98\x80/\"}"},
		{"{\n\t\"a\": [\n\t\t1,\n\t\tnull\n\t]\n}\n", "{\"a\":[1,null]}"},
		{"{\"a\":1,\"a\":2}", "error: line 1, column 8: the key \"a\" is there twice"},
		{"{\"a\":}x", "error: line 1, column 7: did not find expected <document start>"},
	};

	assert_readings(cases, ARRAY_SIZE(cases));
}

static void splits_streams(void **state)
{
	static const char text[] =
		"# first\na: \xc3\xa9\n---\n# nothing\n---\n\nb: 2\n...\n---\nc: 3\n";
	struct yaml_stream s CLEANUP(yaml_stream_release) = {NULL};

	assert_int_equal(yaml_read(text, sizeof(text) - 1, &s, NULL), 0);
	assert_int_equal(s.n, 4);
	assert_int_equal(s.v[0].line, 2);
	assert_int_equal(s.v[0].begin, 8);
	assert_int_equal(s.v[0].end, 14);
	assert_null(s.v[1].tree);
	assert_int_equal(s.v[1].line, 3);
	assert_int_equal(s.v[2].line, 5);
	assert_memory_equal(text + s.v[2].begin, "---\n\nb: 2\n...", 13);
	assert_int_equal(s.v[2].end - s.v[2].begin, 13);
	assert_int_equal(json_path_int(s.v[3].tree, "c", 0), 3);
	assert_int_equal(s.v[3].end, sizeof(text) - 1);
}

static void assert_too_large(const struct str *text)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_null(yaml_read_one(text->s, text->len, &err));
	assert_int_equal(error_code(err), E_TOO_LARGE);
}

static void bounds_what_it_reads(void **state)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *tree json_auto = NULL;

	str_adds(&text, "a0: &a0 [x]\n");
	for (int i = 1; i < 30; i++)
		str_addf(&text, "a%d: &a%d [*a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1);
	assert_too_large(&text);
	str_reset(&text);
	str_addn(&text, '[', YAML_MAX_DEPTH);
	str_addn(&text, ']', YAML_MAX_DEPTH);
	tree = yaml_read_one(text.s, text.len, NULL);
	assert_non_null(tree);
	str_reset(&text);
	str_addn(&text, '[', 100000);
	assert_too_large(&text);
	str_reset(&text);
	for (int i = 0; i < 2000; i++)
		str_addf(&text, "%*s- a:\n", 2 * i, "");
	assert_too_large(&text);
	str_reset(&text);
	str_addn(&text, ' ', YAML_MAX_BYTES + 1);
	assert_too_large(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_what_kubectl_prints),
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(leaves_out_managed_fields),
		cmocka_unit_test(writes_what_kubectl_cannot),
		cmocka_unit_test(survives_malformed_bytes),
		cmocka_unit_test(knows_its_size),
		cmocka_unit_test(reads_scalars_as_kubectl),
		cmocka_unit_test(reads_keys_as_strings),
		cmocka_unit_test(expands_aliases_and_merges),
		cmocka_unit_test(refuses_what_is_no_yaml),
		cmocka_unit_test(notes_keys_that_are_there_twice),
		cmocka_unit_test(reads_json_too),
		cmocka_unit_test(splits_streams),
		cmocka_unit_test(bounds_what_it_reads),
	};

	object_init();
	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
