#include "object/json.h"
#include "object/object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static char *canonical(const char *text)
{
	json_t *tree json_auto = json_read(text, strlen(text), NULL);
	struct str out = STR_INIT;

	if (!tree)
		return NULL;
	json_write(tree, &out);
	return str_take(&out);
}

static void writes_values_as_go_does(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{" [ 1 , -0, 0 ] ", "[1,0,0]"},
		{"[1.0, 1e3, 0.1, -2.50]", "[1,1000,0.1,-2.5]"},
		{"1e20", "100000000000000000000"},
		{"1e21", "1e+21"},
		{"1.5e300", "1.5e+300"},
		{"0.000001", "0.000001"},
		{"0.0000001", "1e-7"},
		{"123456789.125", "123456789.125"},
		{"9223372036854775807", "9223372036854775807"},
		{"-9223372036854775808", "-9223372036854775808"},
		{"9223372036854775808", "9223372036854776000"},
		{"18446744073709551615", "18446744073709552000"},
		{"5e-324", "5e-324"},
		{"1e-400", "0"},
		{"-0.0", "0"},
		{"0.1234567890123456789", "0.12345678901234568"},
		{"\"\\u0041\\/\\\"\\\\\\b\\f\\n\\r\\t\\u0001\"",
		 "\"A/\\\"\\\\\\b\\f\\n\\r\\t\\u0001\""},
		{"\"\\u00e9\\ud83d\\ude00<>&\\u2028\"",
		 "\"\xc3\xa9\xf0\x9f\x98\x80<>&\xe2\x80\xa8\""},
		{"\"\\ud800\"", "\"\xef\xbf\xbd\""},
		{"\"\\ud800\\u0041\\udc00\"", "\"\xef\xbf\xbd\x41\xef\xbf\xbd\""},
		{"\"a\\u0000b\"", "\"a\\u0000b\""},
		{"{\"b\":1,\"a\":{},\"b\":[]}", "{\"a\":{},\"b\":[]}"},
		{"{\"\\u0061b\":{\"\\u0063\":null}}", "{\"ab\":{\"c\":null}}"},
		{"[true,false,null]", "[true,false,null]"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *got free_ptr = canonical(cases[i].text);

		assert_non_null(got);
		assert_string_equal(got, cases[i].expected);
	}
}

/* The order that kubectl printed these keys in. */
static void keys_stand_in_kubectls_order(void **state)
{
	static const char *const keys[] = {
		"-",
		"--",
		"<<",
		"^x",
		"_x",
		"~",
		"1",
		"2",
		"10",
		"A",
		"B",
		"a",
		"a9999999999999999999",
		"a b",
		"a(",
		"a-b",
		"a.b",
		"a/b",
		"a_b",
		"a0",
		"a00",
		"a1",
		"a1-",
		"a1_c",
		"a01",
		"a2",
		"a2b",
		"a02",
		"a10",
		"a100",
		"a1b",
		"a\xd9\xa1",
		"a\xd9\xa2",
		"a99999999999999999999",
		"ab",
		"ab1",
		"b",
		"f:a",
		"k:{\"a\"}",
		"k1.5",
		"k1.10",
		"k12",
		"k1a",
		"null",
		"x1",
		"x01",
		"x001",
		"y",
		"z",
		"\xc3\xa9",
		"\xc3\xbc",
		"\xe4\xb8\xad",
		"\xf0\x90\x90\x80",
	};

	for (size_t i = 0; i + 1 < ARRAY_SIZE(keys); i++) {
		size_t a = strlen(keys[i]), b = strlen(keys[i + 1]);

		assert_true(json_key_compare(keys[i], a, keys[i + 1], b) < 0);
		assert_true(json_key_compare(keys[i + 1], b, keys[i], a) > 0);
		assert_int_equal(json_key_compare(keys[i], a, keys[i], a), 0);
	}
}

static void sorts_large_maps(void **state)
{
	json_t *tree json_auto = json_object(), *back json_auto = NULL;
	struct str out CLEANUP(str_release) = STR_INIT;
	char key[32];

	for (int i = 999; i >= 0; i--) {
		snprintf(key, sizeof(key), "key%d", i);
		json_object_set_new(tree, key, json_integer(i));
	}
	json_write(tree, &out);
	assert_memory_equal(out.s, "{\"key0\":0,\"key1\":1,\"key2\":2,", 28);
	back = json_read(out.s, out.len, NULL);
	assert_true(json_equal(tree, back));
}

/* kubectl's order of keys has cycles: what stands in it once stays so. */
static void sorts_cycles_once(void **state)
{
	static const char *const cycle[] = {"991", "9a", "11"};
	struct str text CLEANUP(str_release) = STR_INIT;
	char *once free_ptr = NULL, *twice free_ptr = NULL;

	for (int i = 0; i < 3; i++)
		assert_true(json_key_compare(cycle[i], strlen(cycle[i]), cycle[(i + 1) % 3],
					     strlen(cycle[(i + 1) % 3])) < 0);
	for (int i = 0; i < 120; i++)
		str_addf(&text, "%c\"%s%d\":%d", i ? ',' : '{', cycle[i % 3], i * 7 % 40, i);
	str_addc(&text, '}');
	once = canonical(text.s);
	twice = canonical(once);
	assert_string_equal(once, twice);
}

static void refuses_what_is_no_json(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "line 1, column 1: unexpected end"},
		{"{", "line 1, column 2: expected a key in quotes"},
		{"{\"a\":1,}", "line 1, column 8: expected a key in quotes"},
		{"[1,\n 2,\n x]", "line 3, column 2: not a JSON value"},
		{"[1 2]", "line 1, column 4: expected ',' or ']' in an array"},
		{"{\"a\" 1}", "line 1, column 6: expected ':' after a key"},
		{"01", "line 1, column 1: not a JSON value"},
		{"1.", "line 1, column 1: not a JSON value"},
		{"+1", "line 1, column 1: not a JSON value"},
		{"1e999", "line 1, column 1: a number is out of range"},
		{"truex", "line 1, column 5: more text after the JSON value"},
		{"\"a\nb\"", "line 1, column 3: control character in a string"},
		{"\"abc", "line 1, column 5: a string has no end"},
		{"\"\\x\"", "line 1, column 2: invalid escape in a string"},
		{"\"\\u12g4\"", "line 1, column 2: invalid escape in a string"},
		{"\"\xff\"", "line 1, column 2: not UTF-8"},
		{"\"\xed\xa0\x80\"", "line 1, column 2: not UTF-8"},
		{"{\"a\\u0000\":1}", "line 1, column 11: a key holds a NUL character"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;

		assert_null(json_read(cases[i].text, strlen(cases[i].text), &err));
		assert_string_equal(error_message(err), cases[i].message);
		assert_int_equal(error_code(err), E_BAD_REQUEST);
	}
}

static void assert_too_large(const struct str *text)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_null(json_read(text->s, text->len, &err));
	assert_int_equal(error_code(err), E_TOO_LARGE);
}

static void bounds_what_it_reads(void **state)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *tree json_auto = NULL;

	str_addn(&text, '[', JSON_MAX_DEPTH);
	str_addn(&text, ']', JSON_MAX_DEPTH);
	tree = json_read(text.s, text.len, NULL);
	assert_non_null(tree);
	str_reset(&text);
	str_addn(&text, '[', JSON_MAX_DEPTH + 1);
	assert_too_large(&text);
	str_reset(&text);
	str_addc(&text, '[');
	for (unsigned i = 0; i < JSON_MAX_NODES; i++)
		str_add(&text, "0,", 2);
	assert_too_large(&text);
	str_reset(&text);
	str_addn(&text, ' ', JSON_MAX_BYTES);
	str_adds(&text, "{}");
	assert_too_large(&text);
}

static const char pod[] =
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"annotations\":{\"a\":\"b\"},"
	"\"creationTimestamp\":\"2026-11-23T20:30:00Z\",\"generation\":3,"
	"\"labels\":{\"app.kubernetes.io/name\":\"we\\\"b\",\"t\\u0065am\":\"x\"},"
	"\"name\":\"web\",\"namespace\":\"default\",\"ownerReferences\":["
	"{\"kind\":\"X\",\"name\":\"no\"},{\"apiVersion\":\"apps/v1\",\"controller\":true,"
	"\"kind\":\"ReplicaSet\",\"name\":\"web-1\",\"uid\":\"u\"}],"
	"\"resourceVersion\":\"42\",\"uid\":\"1-2\"},"
	"\"spec\":{\"containers\":[{\"image\":\"a\"},{\"image\":\"b\",\"n\":[[1],[2]]}]}}";

static void notes_keys_that_are_there_twice(void **state)
{
	static const char text[] = "{\"a\":{\"b\":1,\"b\":2,\"b\":3},"
				   "\"l\":[{\"c\":1},{\"c\":1,\"c\":[]}],\"a\":{\"b\":0,\"b\":4}}";
	json_t *duplicates json_auto = json_array();
	json_t *tree json_auto = json_read_noting(text, strlen(text), duplicates, NULL);
	struct str out CLEANUP(str_release) = STR_INIT;

	assert_int_equal(json_path_int(tree, "a.b", 0), 4);
	json_write(duplicates, &out);
	assert_string_equal(out.s, "[\"a.b\",\"a.b\",\"l[1].c\",\"a\",\"a.b\"]");
}

static void finds_in_bytes(void **state)
{
	static const struct {
		const char *path, *raw; /* NULL: not there */
	} cases[] = {
		{"metadata.labels[app.kubernetes.io/name]", "\"we\\\"b\""},
		{"metadata.labels[team]", "\"x\""},
		{"metadata.labels.team", "\"x\""},
		{"spec.containers[1].image", "\"b\""},
		{"spec.containers[1].n[1][0]", "2"},
		{"spec.containers[2].image", NULL},
		{"spec.containers[x]", NULL},
		{"spec.containers.image", NULL},
		{"kind.name", NULL},
		{"nothing", NULL},
		{"metadata.annotations", "{\"a\":\"b\"}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct span at = json_find(pod, sizeof(pod) - 1, cases[i].path);

		if (cases[i].raw)
			assert_true(json_span_equal(at, cases[i].raw));
		else
			assert_null(at.p);
	}
	assert_int_equal(json_find(pod, sizeof(pod) - 1, "").len, sizeof(pod) - 1);
	assert_true(json_span_equal(json_find(" { \"a\" : [ 1 , 2 ] } ", 21, "a[1]"), "2"));
}

static bool use(void *arg, struct span key, struct span value)
{
	free(json_unquote(value));
	json_each(value, use, arg);
	return true;
}

/* Every prefix with bytes changed, in memory of its own size so that ASan sees a step outside. */
static void survives_malformed_bytes(void **state)
{
	static const char noise[] = {'"', '{', '}', '[', ']', '\\', ',', ':', '\0', 'u'};

	for (size_t len = 1; len < sizeof(pod); len++)
		for (size_t i = 0; i < sizeof(noise); i++) {
			char *copy free_ptr = xmemdup(pod, len);
			struct span all = {copy, len};

			copy[len * 7919 % 104729 % len] = copy[len - 1 - len / 3] = noise[i];
			json_find(copy, len, "spec.containers[1].n[1][0]");
			json_find(copy, len, "metadata.labels[team]");
			json_each(all, use, NULL);
			object_unref(object_from_canonical(copy, len, NULL));
			json_decref(json_read(copy, len, NULL));
		}
}

static bool count_until(void *arg, struct span key, struct span value)
{
	int *n = arg;

	if (key.p && key.len == 4 && !memcmp(key.p, "team", 4))
		assert_true(json_span_equal(value, "\"x\""));
	return ++*n < 2;
}

static void each_visits_until_told(void **state)
{
	struct span labels = json_find(pod, sizeof(pod) - 1, "metadata.labels");
	int n = 0;

	assert_false(json_each(labels, count_until, &n));
	assert_int_equal(n, 2);
	n = -10;
	assert_true(json_each((struct span){"[1,2,3]", 7}, count_until, &n));
	assert_int_equal(n, -7);
	assert_false(json_each((struct span){"1", 1}, count_until, &n));
	assert_false(json_each((struct span){NULL, 0}, count_until, &n));
}

static void paths_walk_trees(void **state)
{
	json_t *tree json_auto = json_read(pod, sizeof(pod) - 1, NULL);

	assert_string_equal(json_path_string(tree, "spec.containers[1].image"), "b");
	assert_string_equal(json_path_string(tree, "metadata.labels[app.kubernetes.io/name]"),
			    "we\"b");
	assert_string_equal(json_path_string(tree, "spec.x.y"), "");
	assert_int_equal(json_path_int(tree, "metadata.generation", 7), 3);
	assert_int_equal(json_path_int(tree, "metadata.name", 7), 7);
	assert_true(json_path_bool(tree, "metadata.ownerReferences[1].controller", false));
	json_path_set(tree, "status.a[b.c].d", json_integer(5));
	assert_int_equal(json_path_int(tree, "status.a[b.c].d", 0), 5);
	json_path_set(tree, "spec.containers[0].image", json_string("z"));
	assert_string_equal(json_path_string(tree, "spec.containers[0].image"), "z");
	json_path_set(tree, "spec.containers[9].image", json_string("lost"));
	json_path_del(tree, "metadata.labels[app.kubernetes.io/name]");
	assert_null(json_path(tree, "metadata.labels[app.kubernetes.io/name]"));
	assert_non_null(json_path(tree, "metadata.labels.team"));
	json_path_del(tree, "spec.containers[0]");
	assert_string_equal(json_path_string(tree, "spec.containers[0].image"), "b");
	json_path_del(tree, "no.such.thing");
	json_path_del(tree, "");
}

static void objects_know_their_facts(void **state)
{
	struct object *o CLEANUP(object_unref_cleanup) = object_parse(pod, sizeof(pod) - 1, NULL);
	char *label free_ptr = NULL, *image free_ptr = NULL;
	struct owner owner;

	assert_non_null(o);
	assert_string_equal(o->api_version, "v1");
	assert_string_equal(o->kind, "Pod");
	assert_string_equal(o->name, "web");
	assert_string_equal(o->namespace, "default");
	assert_string_equal(o->uid, "1-2");
	assert_string_equal(o->resource_version, "42");
	assert_string_equal(o->creation_timestamp, "2026-11-23T20:30:00Z");
	assert_string_equal(o->deletion_timestamp, "");
	assert_int_equal(o->generation, 3);
	assert_int_equal(o->revision, 42);
	assert_int_equal(o->json[o->len], 0);
	assert_true(json_span_equal(o->annotations, "{\"a\":\"b\"}"));
	assert_null(o->managed_fields.p);
	assert_ptr_equal(o->labels.p, object_find(o, "metadata.labels").p);
	label = object_label(o, "app.kubernetes.io/name");
	assert_string_equal(label, "we\"b");
	assert_null(object_label(o, "other"));
	image = object_string(o, "spec.containers[1].image");
	assert_string_equal(image, "b");
	assert_int_equal(object_int(o, "metadata.generation", -1), 3);
	assert_int_equal(object_int(o, "metadata.name", -1), -1);
	assert_true(object_controller(o, &owner));
	assert_string_equal(owner.api_version, "apps/v1");
	assert_string_equal(owner.name, "web-1");
	owner_release(&owner);
}

static void objects_come_back_from_their_bytes(void **state)
{
	struct object *o CLEANUP(object_unref_cleanup) = object_parse(pod, sizeof(pod) - 1, NULL);
	json_t *tree json_auto = object_tree(o);
	struct object *again CLEANUP(object_unref_cleanup) = object_from_tree(tree);
	struct object *copy CLEANUP(object_unref_cleanup) =
		object_from_canonical(o->json, o->len, NULL);
	struct object *second CLEANUP(object_unref_cleanup) = object_ref(o);

	assert_string_equal(again->json, o->json);
	assert_string_equal(copy->json, o->json);
	assert_string_equal(copy->name, "web");
	assert_ptr_equal(second, o);
}

static struct object *parse(const char *text)
{
	return object_parse(text, strlen(text), NULL);
}

static void objects_refuse_what_is_none(void **state)
{
	static const char *const cases[] = {
		"[]",
		"1",
		"",
		"{",
		"{} x",
		"{\"metadata\":{\"name\":\"a\\u0000b\"}}",
		"{\"kind\":\"a\\\\\\u0000b\"}",
	};
	struct object *o;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;

		assert_null(object_parse(cases[i], strlen(cases[i]), &err));
		assert_int_equal(error_code(err), E_BAD_REQUEST);
		assert_null(object_from_canonical(cases[i], strlen(cases[i]), NULL));
	}
	o = parse("{\"data\":{\"x\":\"\\u0000\"},\"kind\":\"a\\\\u0000\"}");
	assert_string_equal(o->kind, "a\\u0000");
	assert_string_equal(o->name, "");
	object_unref(o);
	/* An escape that is none, among bytes that claim to be canonical: no text, no endless loop.
	 */
	o = object_from_canonical("{\"kind\":\"\\x\\u0000\"}", 19, NULL);
	assert_non_null(o);
	assert_string_equal(o->kind, "");
	object_unref(o);
	o = parse("{\"metadata\":null,\"kind\":7}");
	assert_string_equal(o->kind, "");
	object_unref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_values_as_go_does),
		cmocka_unit_test(keys_stand_in_kubectls_order),
		cmocka_unit_test(sorts_large_maps),
		cmocka_unit_test(sorts_cycles_once),
		cmocka_unit_test(refuses_what_is_no_json),
		cmocka_unit_test(bounds_what_it_reads),
		cmocka_unit_test(notes_keys_that_are_there_twice),
		cmocka_unit_test(finds_in_bytes),
		cmocka_unit_test(survives_malformed_bytes),
		cmocka_unit_test(each_visits_until_told),
		cmocka_unit_test(paths_walk_trees),
		cmocka_unit_test(objects_know_their_facts),
		cmocka_unit_test(objects_come_back_from_their_bytes),
		cmocka_unit_test(objects_refuse_what_is_none),
	};

	object_init();
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
