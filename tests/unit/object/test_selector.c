#include "object/json.h"
#include "object/label.h"
#include "object/selector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static json_t *json(const char *text)
{
	json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);

	if (!j)
		fail_msg("not JSON: %s", text);
	return j;
}

static void text_is_read_and_written(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"", ""},
		{"  ", ""},
		{"app", "app"},
		{"!app", "!app"},
		{"! app", "!app"},
		{"app=web", "app=web"},
		{"app==web", "app==web"},
		{"app = web , tier != db", "app=web,tier!=db"},
		{"z=1,a=2", "a=2,z=1"},
		{"app=", "app="},
		{"app=,b", "app=,b"},
		{"app in (b,a,b)", "app in (a,b)"},
		{"app notin ( a , b )", "app notin (a,b)"},
		{"app in (,a)", "app in (,a)"},
		{"app in (a,)", "app in (,a)"},
		{"app in (,)", "app in ()"},
		{"app in ()", "app in ()"},
		{"app notin ( )", "app notin ()"},
		{"in in (in,notin)", "in in (in,notin)"},
		{"notin=in", "notin=in"},
		{"example.com/app=web", "example.com/app=web"},
		{"age>5,age<10", "age>5,age<10"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error *err = NULL;
		struct selector *s = selector_parse(cases[i].in, &err);
		struct str out CLEANUP(str_release) = STR_INIT;

		if (!s)
			fail_msg("%s: %s", cases[i].in, error_message(err));
		selector_format(s, &out);
		assert_string_equal(out.s, cases[i].out);
		assert_int_equal(selector_empty(s), !*cases[i].out);
		selector_free(s);
	}
}

static void broken_text_is_refused_as_kubernetes_does(void **state)
{
	static const struct {
		const char *in, *message;
	} cases[] = {
		{"a b",
		 "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"},
		{"=x", "found '=', expected: !, identifier, or 'end of string'"},
		{"app in x", "unable to parse requirement: found 'x' expected: '('"},
		{"app in (x", "unable to parse requirement: found '', expected: ',' or ')'"},
		{"app=bad value!", "found 'value', expected: ',' or 'end of string'"},
		{",,", "found ',', expected: !, identifier, or 'end of string'"},
		{"app,", "found '', expected: identifier after ','"},
		{"a>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', "
			"'Lt' operators, the value must be an integer"},
		{"!", "unable to parse requirement: found '', expected: identifier"},
		{"!a=b", "found '=', expected: ',' or 'end of string'"},
		{"a=(", "unable to parse requirement: found '(', expected: identifier"},
		{"a/b/c=x",
		 "unable to parse requirement: <nil>: Invalid value: \"a/b/c\": a valid label key"},
		{"app=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		 "unable to parse requirement: values[0][app]: Invalid value: "},
		{"app=-", "unable to parse requirement: values[0][app]: Invalid value: \"-\": a "
			  "valid label"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error *err = NULL;

		assert_null(selector_parse(cases[i].in, &err));
		assert_int_equal(error_code(err), E_BAD_REQUEST);
		if (!str_has_prefix(error_message(err), cases[i].message))
			fail_msg("\"%s\": %s", cases[i].in, error_message(err));
		error_clear(&err);
	}
}

static void labels_match_in_trees_and_bytes(void **state)
{
	static const struct {
		const char *selector, *labels;
		bool matches;
	} cases[] = {
		{"", "{}", true},
		{"", "{\"a\":\"b\"}", true},
		{"a", "{\"a\":\"\"}", true},
		{"a", "{\"b\":\"\"}", false},
		{"!a", "{\"b\":\"\"}", true},
		{"!a", "{\"a\":\"\"}", false},
		{"a=b", "{\"a\":\"b\"}", true},
		{"a=b", "{\"a\":\"\\u0062\"}", true},
		{"a=b", "{\"\\u0061\":\"b\"}", true},
		{"a=b", "{\"a\":\"c\"}", false},
		{"a=b", "{\"a\":7}", false},
		{"a=", "{\"a\":\"\"}", true},
		{"a=", "{}", false},
		{"a!=b", "{}", true},
		{"a!=b", "{\"a\":\"b\"}", false},
		{"a!=b", "{\"a\":\"c\"}", true},
		{"a in (b,c)", "{\"a\":\"c\"}", true},
		{"a in (b,c)", "{\"a\":\"d\"}", false},
		{"a notin (b,c)", "{\"a\":\"d\"}", true},
		{"a notin (b,c)", "{\"a\":\"b\"}", false},
		{"a notin (b,c)", "{}", true},
		{"a>5", "{\"a\":\"6\"}", true},
		{"a>5", "{\"a\":\"5\"}", false},
		{"a<5", "{\"a\":\"-1\"}", true},
		{"a<5", "{\"a\":\"x\"}", false},
		{"a<5", "{}", false},
		{"a=1,b=2", "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}", true},
		{"a=1,b=2", "{\"a\":\"1\",\"b\":\"3\"}", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct selector *s = selector_parse(cases[i].selector, NULL);
		json_t *labels = json(cases[i].labels);
		struct span span = {cases[i].labels, strlen(cases[i].labels)};

		if (selector_matches_tree(s, labels) != cases[i].matches ||
		    selector_matches_span(s, span) != cases[i].matches)
			fail_msg("%s on %s", cases[i].selector, cases[i].labels);
		assert_false(selector_matches_tree(NULL, labels));
		json_decref(labels);
		selector_free(s);
	}
}

static void label_selectors_are_compiled(void **state)
{
	static const struct {
		const char *in, *out, *message;
	} cases[] = {
		{"{}", "", NULL},
		{"{\"matchLabels\":{\"b\":\"2\",\"a\":\"1\"}}", "a=1,b=2", NULL},
		{"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"y\","
		 "\"x\"]},"
		 "{\"key\":\"b\",\"operator\":\"DoesNotExist\"}]}",
		 "a in (x,y),!b", NULL},
		{"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Bad\"}]}", NULL,
		 "\"Bad\" is not a valid label selector operator"},
		{"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}", NULL,
		 "values: Invalid"},
		{"{\"matchExpressions\":[{\"key\":\"a b\",\"operator\":\"Exists\"}]}", NULL,
		 "key: Invalid value: \"a b\": name part must consist of"},
		{"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\",\"values\":[\"x\"]}"
		 "]}",
		 NULL, "values: Invalid value: values set must be empty"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error *err = NULL;
		json_t *tree = json(cases[i].in);
		struct selector *s = selector_from_label_selector(tree, &err);
		struct str out CLEANUP(str_release) = STR_INIT;

		json_decref(tree);
		assert_int_equal(s != NULL, cases[i].out != NULL);
		selector_format(s, &out);
		if (s)
			assert_string_equal(out.s, cases[i].out);
		else
			assert_true(str_has_prefix(error_message(err), cases[i].message));
		error_clear(&err);
		selector_free(s);
	}
}

static void a_value_that_is_no_string_selects_nothing(void **state)
{
	json_t *map = json("{\"a\":1}"), *labels = json("{\"a\":\"1\"}");
	struct selector *s = selector_from_map(map);

	assert_false(selector_matches_tree(s, labels));
	selector_free(s);
	json_decref(map);
	json_decref(labels);
}

static void label_rules_are_kubernetes(void **state)
{
	static const struct {
		const char *text, *key, *value; /* how the problem begins; NULL: none */
	} cases[] = {
		{"a", NULL, NULL},
		{"A-b_c.d", NULL, NULL},
		{"example.com/a", NULL, "a valid label"},
		{"", "name part must be non-empty", NULL},
		{"/a", "prefix part must be non-empty", "a valid label"},
		{"a/", "name part must be non-empty", "a valid label"},
		{"Example.com/a", "prefix part a lowercase", "a valid label"},
		{"a..b/a", "prefix part a lowercase", "a valid label"},
		{"a.-b/a", "prefix part a lowercase", "a valid label"},
		{"-a", "name part must consist", "a valid label"},
		{"a-", "name part must consist", "a valid label"},
		{"a/b/c", "a valid label key must consist", "a valid label"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *key = label_key_problem(cases[i].text);
		const char *value = label_value_problem(cases[i].text);

		assert_int_equal(!key, !cases[i].key);
		assert_int_equal(!value, !cases[i].value);
		assert_true(!key || str_has_prefix(key, cases[i].key));
		assert_true(!value || str_has_prefix(value, cases[i].value));
	}
}

static void field_selectors_match_objects(void **state)
{
	static const char text[] =
		"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\"},"
		"\"spec\":{\"hostNetwork\":true,\"priority\":7},\"status\":{\"phase\":\"Running\"}"
		"}";
	static const struct {
		const char *selector;
		bool matches;
	} cases[] = {
		{"", true},
		{"=", true}, /* no condition */
		{"!=,metadata.name=web", true},
		{"metadata.name=web", true},
		{"metadata.name==web", true},
		{"metadata.name!=web", false},
		{"metadata.name=web,status.phase!=Running", false},
		{"status.phase=Running,spec.nodeName=", true},
		{"spec.nodeName=n1", false},
		{"spec.nodeName!=", false},
		{"spec.hostNetwork=true", true},
		{"spec.priority=7", true},
		{"metadata.name=a\\,b", false},
	};
	struct object *o = object_parse(text, strlen(text), NULL);
	struct field_selector *s;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error *err = NULL;

		s = field_selector_parse(cases[i].selector, &err);
		if (!s || field_selector_matches(s, o) != cases[i].matches)
			fail_msg("%s: %s", cases[i].selector, error_message(err));
		field_selector_free(s);
	}
	object_unref(o);
	s = field_selector_parse("a=x\\,y,b!=z", NULL);
	assert_string_equal(field_selector_field(s, 0), "a");
	assert_string_equal(field_selector_field(s, 1), "b");
	assert_null(field_selector_field(s, 2));
	assert_string_equal(field_selector_required(s, "a"), "x,y");
	assert_null(field_selector_required(s, "b"));
	field_selector_free(s);
}

static bool reads(const char *text, const char *selector)
{
	struct object *o = object_parse(text, strlen(text), NULL);
	struct field_selector *s = field_selector_parse(selector, NULL);
	bool matches;

	field_selector_place(s, 0, "source.component", "reporter", NULL);
	matches = field_selector_matches(s, o);
	field_selector_free(s);
	object_unref(o);
	return matches;
}

/* Where a field's own place is empty the other is read. */
static void a_field_may_stand_at_two_places(void **state)
{
	static const char head[] = "{\"apiVersion\":\"v1\",\"kind\":\"Event\",";
	char *first free_ptr =
		xasprintf("%s\"source\":{\"component\":\"a\"},\"reporter\":\"b\"}", head);
	char *second free_ptr =
		xasprintf("%s\"source\":{\"component\":\"\"},\"reporter\":\"b\"}", head);
	char *none free_ptr = xasprintf("%s\"source\":{}}", head);

	(void)state;
	assert_true(reads(first, "source=a") && !reads(first, "source=b"));
	assert_true(reads(second, "source=b") && !reads(second, "source="));
	assert_true(reads(none, "source=") && !reads(none, "source=b"));
}

static void broken_field_selectors_are_refused(void **state)
{
	static const char *const cases[] = {"a", "a,b=c", "a!b", "a=b=c", "a=\\x", "a=b\\"};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error *err = NULL;

		assert_null(field_selector_parse(cases[i], &err));
		assert_int_equal(error_code(err), E_BAD_REQUEST);
		error_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_read_and_written),
		cmocka_unit_test(broken_text_is_refused_as_kubernetes_does),
		cmocka_unit_test(labels_match_in_trees_and_bytes),
		cmocka_unit_test(label_selectors_are_compiled),
		cmocka_unit_test(a_value_that_is_no_string_selects_nothing),
		cmocka_unit_test(label_rules_are_kubernetes),
		cmocka_unit_test(field_selectors_match_objects),
		cmocka_unit_test(a_field_may_stand_at_two_places),
		cmocka_unit_test(broken_field_selectors_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
