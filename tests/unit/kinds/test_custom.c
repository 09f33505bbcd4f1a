#include "kinds/custom.h"
#include "kinds/custom_rules.h"
#include "kinds/kind.h"
#include "object/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* Written with ' for ". */
static json_t *json(const char *text)
{
	char *copy free_ptr = xstrdup(text);
	json_error_t e;
	json_t *j;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	j = json_loads(copy, JSON_DECODE_ANY, &e);
	if (!j)
		fail_msg("%s: %s", text, e.text);
	return j;
}

static const struct resource any = {.group = "g.example.com", .kind = "Any", .plural = "anys"};

/* All complaints, each "FIELD: MESSAGE", or "". */
static char *complaints(const struct field_errors *errors)
{
	struct error *e CLEANUP(error_free_cleanup) = NULL;
	struct str out = STR_INIT;

	field_errors_finish(errors, &any, "x", &e);
	for (size_t i = 0; e && i < e->n_causes; i++)
		str_addf(&out, "%s%s: %s", i ? "; " : "", e->causes[i].field, e->causes[i].message);
	return out.s ? str_take(&out) : xstrdup("");
}

static void assert_value(const char *schema, const char *value, const char *want)
{
	json_t *s json_auto = json(schema);
	json_t *v json_auto = json(value);
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	struct field root = field_root(v, errors);
	char *got free_ptr = NULL;

	custom_value_validate(&root, s);
	got = complaints(errors);
	if (strcmp(got, want))
		fail_msg("%s under %s:\ngot  %s\nwant %s", value, schema, got, want);
}

static void every_keyword_counts(void **state)
{
	static const struct {
		const char *schema, *value, *want;
	} cases[] = {
		{"{'type':'string'}", "'x'", ""},
		{"{'type':'string'}", "1",
		 "a: Invalid value: \"integer\": a in body must be of type string: \"integer\""},
		{"{'type':'string','nullable':true}", "null", ""},
		{"{'type':'integer','minimum':2,'maximum':4}", "5",
		 "a: Invalid value: 5: a in body should be less than or equal to 4"},
		{"{'type':'integer','minimum':2,'exclusiveMinimum':true}", "2",
		 "a: Invalid value: 2: a in body should be greater than 2"},
		{"{'type':'number','multipleOf':0.5}", "1.5", ""},
		{"{'type':'integer','format':'int32'}", "3000000000",
		 "<nil>: Invalid value: \"\": Checked value must be of type integer with format "
		 "int32 in a"},
		{"{'type':'string','minLength':2}", "'\u00e4'",
		 "a: Invalid value: \"\u00e4\": a in body should be at least 2 chars long"},
		{"{'type':'string','maxLength':1}", "'\u00e4'", ""},
		{"{'type':'string','pattern':'^a+$'}", "'ab'",
		 "a: Invalid value: \"ab\": a in body should match '^a+$'"},
		{"{'type':'string','format':'date-time'}", "'2024-01-01T00:00:00Z'", ""},
		{"{'type':'string','format':'ipv4'}", "'1.2.3'",
		 "a: Invalid value: \"1.2.3\": a in body must be of type ipv4: \"1.2.3\""},
		{"{'type':'string','format':'of-my-own'}", "'x'", ""},
		{"{'type':'string','enum':['a','b']}", "'c'",
		 "a: Unsupported value: \"c\": supported values: \"a\", \"b\""},
		{"{'type':'array','items':{'type':'integer'},'minItems':1}", "[]",
		 "a: Invalid value: 0: a in body should have at least 1 items"},
		{"{'type':'array','items':{'type':'string'}}", "['x',1]",
		 "a[1]: Invalid value: \"integer\": a[1] in body must be of type string: "
		 "\"integer\""},
		{"{'type':'array','x-kubernetes-list-type':'set','items':{'type':'string'}}",
		 "['x','x']", "a[1]: Duplicate value: \"x\""},
		{"{'type':'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['k']"
		 ","
		 "'items':{'type':'object','properties':{'k':{'type':'string'}}}}",
		 "[{'k':'1','v':1},{'k':'1'}]", "a[1]: Duplicate value: {\"k\":\"1\"}"},
		{"{'type':'object','required':['x.y'],'properties':{'x.y':{'type':'string'}}}",
		 "{}", "a.x.y: Required value"},
		{"{'type':'object','additionalProperties':{'type':'integer'}}", "{'k':'v'}",
		 "a.k: Invalid value: \"string\": a.k in body must be of type integer: "
		 "\"string\""},
		{"{'x-kubernetes-int-or-string':true}", "'80%'", ""},
		{"{'x-kubernetes-int-or-string':true}", "true",
		 "a: Invalid value: \"boolean\": a in body must be of type integer,string: "
		 "\"boolean\""},
		{"{'type':'integer','anyOf':[{'minimum':5},{'maximum':2}]}", "1", ""},
		{"{'type':'integer','not':{'minimum':5}}", "7",
		 "<nil>: Invalid value: \"\": \"a\" must not validate the schema (not)"},
		{"{'type':'object','x-kubernetes-embedded-resource':true,"
		 "'x-kubernetes-preserve-unknown-fields':true}",
		 "{'kind':'K'}", "a.apiVersion: Required value: must not be empty"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *schema free_ptr =
			xasprintf("{'type':'object','properties':{'a':%s}}", cases[i].schema);
		char *value free_ptr = xasprintf("{'a':%s}", cases[i].value);

		assert_value(schema, value, cases[i].want);
	}
}

static void only_structural_schemas_pass(void **state)
{
	static const struct {
		const char *schema, *want;
	} cases[] = {
		{"{'type':'object','x-kubernetes-preserve-unknown-fields':true}", ""},
		{"{'properties':{}}", "s.type: Required value: must not be empty at the root"},
		{"{'type':'object','properties':{'a':{}}}",
		 "s.properties[a].type: Required value: must not be empty for specified object "
		 "fields"},
		{"{'type':'object','properties':{'a':{'type':'array'}}}",
		 "s.properties[a].items: Required value: must be specified"},
		{"{'type':'object','properties':{'a':{'type':'string','default':5}}}",
		 "s.properties[a].default: Invalid value: \"integer\": s.properties[a].default in "
		 "body must be of type string: \"integer\""},
		{"{'type':'object','properties':{'a':{'type':'string','anyOf':[{'minLength':1}]}}}",
		 ""},
		{"{'type':'object','properties':{'a':{'type':'string',"
		 "'anyOf':[{'type':'string'}]}}}",
		 "s.properties[a].anyOf[0].type: Forbidden: must be empty to be structural"},
		{"{'type':'object','$ref':'#/x'}", "s.$ref: Forbidden: $ref is not supported"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *s json_auto = json(cases[i].schema);
		struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
		struct field root = field_root(NULL, errors);
		struct field at = {.up = &root, .name = "s", .value = s, .errors = errors};
		char *got free_ptr = NULL;

		custom_schema_validate(&at);
		got = complaints(errors);
		if (strcmp(got, cases[i].want))
			fail_msg("%s:\ngot  %s\nwant %s", cases[i].schema, got, cases[i].want);
	}
}

static const char ruled[] =
	"{'type':'object','properties':{'spec':{'type':'object','x-kubernetes-validations':["
	"{'rule':'self.min <= self.max','message':'min is above max'},"
	"{'rule':'self.min > 0','reason':'FieldValueForbidden','fieldPath':'.min'}],"
	"'properties':{'min':{'type':'integer'},'max':{'type':'integer'},"
	"'fixed':{'type':'string','maxLength':9,'x-kubernetes-validations':["
	"{'rule':'self == oldSelf','messageExpression':'oldSelf + \" stays\"'}]},"
	"'l':{'type':'array','maxItems':3,'x-kubernetes-list-type':'map',"
	"'x-kubernetes-list-map-keys':['k'],'items':{'type':'object','required':['k'],"
	"'properties':{'k':{'type':'string','maxLength':5},'n':{'type':'integer',"
	"'x-kubernetes-validations':[{'rule':'self >= oldSelf'}]}}}}}}}}";

static void assert_rules(const char *value, const char *old, const char *want)
{
	char *text free_ptr = xstrdup(ruled);
	json_t *schema json_auto = NULL, *v json_auto = json(value);
	json_t *o json_auto = old ? json(old) : NULL;
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	struct field root = field_root(v, errors);
	struct custom_rules *rules;
	char *got free_ptr = NULL;

	/* The one place where a rule has quotes of its own. */
	got = strstr(text, "\" stays\"");
	memcpy(got, "` stays`", 8);
	got = NULL;
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p == '`' ? '\'' : *p;
	schema = json_loads(text, 0, NULL);
	assert_non_null(schema);
	rules = custom_rules_new(schema);
	assert_non_null(rules);
	custom_rules_check(rules, &root, o);
	custom_rules_free(rules);
	got = complaints(errors);
	if (strcmp(got, want))
		fail_msg("%s after %s:\ngot  %s\nwant %s", value, old ? old : "nothing", got, want);
}

static void rules_are_evaluated_where_their_schema_occurs(void **state)
{
	assert_rules("{'spec':{'min':1,'max':2,'fixed':'f'}}", NULL, "");
	assert_rules("{'spec':{'min':3,'max':2}}", NULL, "spec: Invalid value: min is above max");
	assert_rules("{'spec':{'min':0,'max':2}}", NULL,
		     "spec.min: Forbidden: failed rule: self.min > 0");
	assert_rules("{'spec':{'min':1,'max':2,'fixed':'g'}}", "{'spec':{'fixed':'f'}}",
		     "spec.fixed: Invalid value: \"g\": f stays");
	/* What was wrong before and did not change is let be. */
	assert_rules("{'spec':{'min':3,'max':2}}", "{'spec':{'min':3,'max':2}}", "");
	/* Elements are found again by their keys. */
	assert_rules("{'spec':{'min':1,'max':2,'l':[{'k':'b','n':2},{'k':'a','n':1}]}}",
		     "{'spec':{'min':1,'max':1,'l':[{'k':'a','n':2},{'k':'b','n':2}]}}",
		     "spec.l[1].n: Invalid value: 1: failed rule: self >= oldSelf");
}

static void rules_that_are_none_are_told(void **state)
{
	static const struct {
		const char *schema, *want;
	} cases[] = {
		{"{'type':'object','properties':{'a':{'type':'string',"
		 "'x-kubernetes-validations':[{'rule':''}]}}}",
		 "s.properties[a].x-kubernetes-validations[0].rule: Required value: rule is not "
		 "specified"},
		{"{'type':'object','properties':{'a':{'type':'string',"
		 "'x-kubernetes-validations':[{'rule':'1'}]}}}",
		 "compilation failed: cel expression must evaluate to a bool"},
		{"{'type':'object','properties':{'a':{'type':'array','items':{'type':'array',"
		 "'items':{'type':'string'}},'x-kubernetes-validations':"
		 "[{'rule':'self.all(x, x.all(y, self.all(z, z == x)))'}]}}}",
		 "estimated rule cost exceeds budget"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *s json_auto = json(cases[i].schema);
		struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
		struct field root = field_root(NULL, errors);
		struct field at = {.up = &root, .name = "s", .value = s, .errors = errors};
		char *got free_ptr = NULL;

		custom_rules_validate(&at);
		got = complaints(errors);
		if (!strstr(got, cases[i].want))
			fail_msg("%s:\ngot  %s\nwant %s", cases[i].schema, got, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_keyword_counts),
		cmocka_unit_test(only_structural_schemas_pass),
		cmocka_unit_test(rules_are_evaluated_where_their_schema_occurs),
		cmocka_unit_test(rules_that_are_none_are_told),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
