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

/* OLD NULL: the value is new. */
static void assert_value(const char *schema, const char *value, const char *old, const char *want)
{
	json_t *s json_auto = json(schema);
	json_t *v json_auto = json(value);
	json_t *o json_auto = old ? json(old) : NULL;
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	struct field root = field_root(v, errors);
	char *got free_ptr = NULL;

	custom_value_validate(&root, s, o);
	custom_embedded_validate(&root, s);
	custom_lists_validate(&root, s, o);
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
		 "{'kind':'K'}", "a.apiVersion: Required value"},
		{"{'type':'object','x-kubernetes-embedded-resource':true,"
		 "'x-kubernetes-preserve-unknown-fields':true}",
		 "{'apiVersion':'a/b/c','kind':'','metadata':{'name':'x/y','labels':{'-':'v'}}}",
		 "a.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c; "
		 "a.kind: Invalid value: \"\": must not be empty; "
		 "a.metadata.name: Invalid value: \"x/y\": may not contain '/'; "
		 "a.metadata.labels: Invalid value: \"-\": name part must consist of alphanumeric "
		 "characters, '-', '_' or '.', and must start and end with an alphanumeric "
		 "character "
		 "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
		 "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"},
		/* Of a text what is wrong first is told. */
		{"{'type':'string','maxLength':1,'pattern':'^a+$'}", "'bb'",
		 "a: Too long: may not be more than 1 bytes"},
		{"{'type':'string','nullable':true,'enum':['x']}", "null",
		 "a: Unsupported value: null: supported values: \"x\""},
		{"{'type':'string','format':'date-time'}", "5",
		 "a: Invalid value: \"int64\": a in body must be of type date-time: \"int64\""},
		{"{'type':'integer','format':'int32'}", "true",
		 "a: Invalid value: \"\": a in body must be of type int32: \"\""},
		{"{'type':'number','format':'int32'}", "3000000000", ""},
		{"{'type':'number','multipleOf':0.5}", "2",
		 "a: Invalid value: 0: factor MultipleOf declared for a must be positive: 0"},
		{"{'type':'integer','maximum':4.5}", "6",
		 "<nil>: Invalid value: \"\": Maximum boundary value must be of type integer "
		 "(default "
		 "format) in a; a: Invalid value: 6: a in body should be less than or equal to "
		 "4.5"},
		{"{'type':'object','additionalProperties':false}", "{'k':1}",
		 "a: Invalid value: \"k\": a.k in body is a forbidden property"},
		{"{'type':'integer','oneOf':[{'minimum':1},{'minimum':2},{'minimum':9}]}", "3",
		 "<nil>: Invalid value: \"\": \"a\" must validate one and only one schema (oneOf). "
		 "Found 2 valid alternatives"},
		/* The alternative that fits best is told of. */
		{"{'type':'object','properties':{'x':{'type':'integer'},'y':{'type':'string'}},"
		 "'oneOf':[{'required':['z']},{'properties':{'x':{'minimum':1},'y':{'minLength':9}}"
		 "}]}",
		 "{'x':3,'y':'s'}",
		 "<nil>: Invalid value: \"\": \"a\" must validate one and only one schema (oneOf). "
		 "Found none valid; a.y: Invalid value: \"s\": a.y in body should be at least 9 "
		 "chars "
		 "long"},
		/* The same complaint once. */
		{"{'type':'object','required':['k'],'allOf':[{'required':['k']},{}]}", "{}",
		 "a.k: Required value; <nil>: Invalid value: \"\": \"a\" must validate all the "
		 "schemas "
		 "(allOf)"},
		{"{'type':'array','x-kubernetes-list-type':'set','items':{'type':'string'}}",
		 "['x','x','x']", "a[1]: Duplicate value: \"x\""},
		{"{'type':'string','format':'isbn'}", "'978-0321751041'", ""},
		{"{'type':'string','format':'creditcard'}", "'4111 1111 1111 1112'",
		 "a: Invalid value: \"4111 1111 1111 1112\": a in body must be of type creditcard: "
		 "\"4111 1111 1111 1112\""},
		{"{'type':'string','format':'k8s-long-name'}", "'a.b'", ""},
		{"{'type':'string','format':'duration'}", "'1 day'", ""},
		{"{'type':'string','format':'duration'}", "'1x'",
		 "a: Invalid value: \"1x\": a in body must be of type duration: \"1x\""},
		{"{'type':'string','format':'hostname'}", "'a_b'",
		 "a: Invalid value: \"a_b\": a in body must be of type hostname: \"a_b\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *schema free_ptr =
			xasprintf("{'type':'object','properties':{'a':%s}}", cases[i].schema);
		char *value free_ptr = xasprintf("{'a':%s}", cases[i].value);

		assert_value(schema, value, NULL, cases[i].want);
	}
}

/* What an update leaves as it was is let be, as far as it can be found again. */
static void what_stays_is_let_be(void **state)
{
	static const char schema[] =
		"{'type':'object','properties':{'a':{'type':'string','maxLength':2},"
		"'l':{'type':'array','items':{'type':'string','maxLength':2}},"
		"'m':{'type':'array','x-kubernetes-list-type':'map',"
		"'x-kubernetes-list-map-keys':['k'],'items':{'type':'object','properties':{"
		"'k':{'type':'string'},'v':{'type':'string','maxLength':2}}}},"
		"'s':{'type':'array','x-kubernetes-list-type':'set','items':{'type':'string'}}}}";

	assert_value(schema, "{'a':'abc','b':1}", "{'a':'abc'}", "");
	assert_value(schema, "{'a':'abcd'}", "{'a':'abc'}",
		     "a: Too long: may not be more than 2 bytes");
	assert_value(schema, "{'l':['abc']}", "{'l':['abc']}", "");
	assert_value(schema, "{'l':['abc','d']}", "{'l':['abc']}",
		     "l[0]: Too long: may not be more than 2 bytes");
	assert_value(schema, "{'m':[{'k':'n','v':'w'},{'k':'1','v':'abc'}]}",
		     "{'m':[{'k':'1','v':'abc'}]}", "");
	assert_value(schema, "{'s':['x','x','y','y']}", "{'s':['x','x']}", "");
}

static void only_structural_schemas_pass(void **state)
{
	static const struct {
		const char *schema, *want;
		bool status;
	} cases[] = {
		{"{'type':'object','x-kubernetes-preserve-unknown-fields':true}", ""},
		{"{'properties':{}}", "s.type: Required value: must not be empty at the root"},
		{"{'type':'object','properties':{'a':{}}}",
		 "s.properties[a].type: Required value: must not be empty for specified object "
		 "fields"},
		{"{'type':'object','properties':{'a':{'type':'array'}}}",
		 "s.properties[a].items: Required value: must be specified"},
		{"{'type':'object','properties':{'a':{'type':'string','default':5}}}",
		 "s.properties[a].default: Invalid value: \"integer\":  in body must be of type "
		 "string: \"integer\""},
		{"{'type':'object','properties':{'a':{'type':'string','anyOf':[{'minLength':1}]}}}",
		 ""},
		{"{'type':'object','properties':{'a':{'type':'string',"
		 "'anyOf':[{'type':'string'}]}}}",
		 "s.properties[a].anyOf[0].type: Forbidden: must be empty to be structural"},
		{"{'type':'object','properties':{'a':{'type':'string',"
		 "'x-kubernetes-validations':[{'rule':' ','reason':'x','fieldPath':'.b'}]}}}",
		 "s.properties[a].x-kubernetes-validations[0].rule: Required value: rule is not "
		 "specified; s.properties[a].x-kubernetes-validations[0].reason: Unsupported "
		 "value: "
		 "\"x\": supported values: \"FieldValueDuplicate\", \"FieldValueForbidden\", "
		 "\"FieldValueInvalid\", \"FieldValueRequired\"; "
		 "s.properties[a].x-kubernetes-validations[0].fieldPath: Invalid value: \".b\": "
		 "must "
		 "be a valid path"},
		{"{'type':'object','$ref':'#/x'}", "s.$ref: Forbidden: $ref is not supported"},
		{"{'type':'object','nullable':true}",
		 "s.nullable: Forbidden: nullable cannot be true at the root"},
		{"{'type':'object','additionalProperties':{'type':'string'}}",
		 "s.additionalProperties: Forbidden: must not be used at the root"},
		{"{'type':'object','properties':{'metadata':{'type':'object','description':'d'}}}",
		 "s.properties[metadata]: Forbidden: must not specify anything other than name and "
		 "generateName, but metadata is implicitly specified"},
		{"{'type':'object','properties':{'kind':{'type':'integer'}}}",
		 "s.properties[kind].type: Invalid value: \"integer\": must be string"},
		{"{'type':'object','properties':{'a':{'x-kubernetes-int-or-string':true,"
		 "'anyOf':[{'type':'integer'},{'type':'string'}]}}}",
		 ""},
		{"{'type':'object','properties':{'a':{'type':'object','properties':{'b':{"
		 "'type':'string','default':'x'}},'default':{'c':1}}}}",
		 "s.properties[a].default: Invalid value: {\"c\":1}: must not have unknown fields"},
		{"{'type':'object','properties':{'metadata':{'type':'object','properties':{"
		 "'name':{'type':'string','default':'x'}}}}}",
		 "s.properties[metadata].properties[name].default: Forbidden: must not be set in "
		 "top-level metadata"},
		{"{'type':'object','anyOf':[{'properties':{'b':{'minLength':1}}}]}",
		 "s.properties[b]: Required value: because it is defined in "
		 "s.anyOf[0].properties[b]"},
		{"{'type':'object','oneOf':[{'properties':{'metadata':{}}}],"
		 "'properties':{'metadata':{'type':'object'}}}",
		 "s.oneOf[0].properties[metadata]: Forbidden: must not be specified in a nested "
		 "context"},
		{"{'type':'object','oneOf':[{'required':['a']}]}",
		 "s: Invalid value: {\"oneOf\":[{\"required\":[\"a\"]}],\"type\":\"object\"}: only "
		 "some "
		 "fields are allowed at the root of the schema if the status subresource is "
		 "enabled",
		 true},
		{"{'type':'object','properties':{'l':{'type':'array','x-kubernetes-list-type':'map'"
		 ","
		 "'x-kubernetes-list-map-keys':['k','k','n'],'items':{'type':'object','properties':"
		 "{"
		 "'k':{'type':'string','nullable':true,'default':'x'}}}}}}",
		 "s.properties[l].x-kubernetes-list-map-keys: Invalid value: [\"k\",\"k\",\"n\"]: "
		 "must "
		 "not contain duplicate entries; "
		 "s.properties[l].x-kubernetes-list-map-keys: Invalid value: [\"k\",\"k\",\"n\"]: "
		 "entries must all be names of item properties; "
		 "s.properties[l].items.properties[k].nullable: Forbidden: this property is in "
		 "x-kubernetes-list-map-keys, so it cannot be nullable; "
		 "s.properties[l].items.properties[k].nullable: Forbidden: this property is in "
		 "x-kubernetes-list-map-keys, so it cannot be nullable"},
		{"{'type':'object','properties':{'l':{'type':'string','x-kubernetes-list-type':'"
		 "set'}}}",
		 "s.properties[l].type: Invalid value: \"string\": must be array if "
		 "x-kubernetes-list-type is specified"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *s json_auto = json(cases[i].schema);
		struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
		struct field root = field_root(NULL, errors);
		struct field at = {.up = &root, .name = "s", .value = s, .errors = errors};
		char *got free_ptr = NULL;

		custom_schema_validate(&at, cases[i].status);
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
	got = field_errors_warning(errors, 0)
		      ? xasprintf("warned: %s", field_errors_warning(errors, 0))
		      : complaints(errors);
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
	/* What was wrong before and did not change is let be, and told. */
	assert_rules("{'spec':{'min':3,'max':2}}", "{'spec':{'min':3,'max':2}}",
		     "warned: spec: Invalid value: min is above max");
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
		{"{'type':'object','properties':{'a':{'type':'array','items':{'type':'string',"
		 "'x-kubernetes-validations':[{'rule':'self == oldSelf'}]}}}}",
		 "s.properties[a].items.x-kubernetes-validations[0].rule: Invalid value: \"self == "
		 "oldSelf\": oldSelf cannot be used on the uncorrelatable portion of the schema "
		 "within s.properties[a]"},
		{"{'type':'object','properties':{'a':{'type':'string',"
		 "'x-kubernetes-validations':[{'rule':'true','optionalOldSelf':true}]}}}",
		 "s.properties[a].x-kubernetes-validations[0].optionalOldSelf: Invalid value: "
		 "true: "
		 "may not be set if oldSelf is not used in rule"},
		{"{'type':'object','properties':{'a':{'type':'string',"
		 "'x-kubernetes-validations':[{'rule':'true','messageExpression':'1'}]}}}",
		 "messageExpression must evaluate to a string"},
		{"{'type':'object','properties':{'a':{'type':'string',"
		 "'x-kubernetes-validations':[{'rule':'1'}]}}}",
		 "cel expression must evaluate to a bool"},
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
		cmocka_unit_test(what_stays_is_let_be),
		cmocka_unit_test(only_structural_schemas_pass),
		cmocka_unit_test(rules_are_evaluated_where_their_schema_occurs),
		cmocka_unit_test(rules_that_are_none_are_told),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
