#include "object/json.h"
#include "object/patch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* Tables are written with ' for ", to be readable. */
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

/* Equal in content and in the order of lists. */
static void assert_json(const json_t *got, const char *want, const char *what)
{
	json_auto json_t *w = json(want);
	char *text free_ptr = NULL;

	if (json_equal(got, w))
		return;
	text = json_to_text(got, JSON_COMPACT);
	fail_msg("%s: got %s, want %s", what, text, want);
}

/* WANT: the result, or the beginning of the error after a '!'. */
static void check(json_t *got, struct error *err, const char *want, const char *what)
{
	if (*want == '!' || *want == '?') {
		if (got || !str_has_prefix(error_message(err), want + 1))
			fail_msg("%s: %s", what, error_message(err));
		assert_int_equal(error_code(err) == E_UNKNOWN, *want == '?');
	} else if (err) {
		fail_msg("%s: %s", what, error_message(err));
	} else {
		assert_json(got, want, what);
	}
	error_clear(&err);
	json_decref(got);
}

/* The examples of RFC 7386, appendix A, and the diff that leads back. */
static void merge_patches_follow_the_rfc(void **state)
{
	static const struct {
		const char *target, *patch, *want;
	} cases[] = {
		{"{'a':'b'}", "{'a':'c'}", "{'a':'c'}"},
		{"{'a':'b'}", "{'b':'c'}", "{'a':'b','b':'c'}"},
		{"{'a':'b'}", "{'a':null}", "{}"},
		{"{'a':'b','b':'c'}", "{'a':null}", "{'b':'c'}"},
		{"{'a':['b']}", "{'a':'c'}", "{'a':'c'}"},
		{"{'a':'c'}", "{'a':['b']}", "{'a':['b']}"},
		{"{'a':{'b':'c'}}", "{'a':{'b':'d','c':null}}", "{'a':{'b':'d'}}"},
		{"{'a':[{'b':'c'}]}", "{'a':[1]}", "{'a':[1]}"},
		{"['a','b']", "['c','d']", "['c','d']"},
		{"{'a':'b'}", "['c']", "['c']"},
		{"{'a':'foo'}", "null", "null"},
		{"{'a':'foo'}", "'bar'", "'bar'"},
		{"{'e':null}", "{'a':1}", "{'e':null,'a':1}"},
		{"[1,2]", "{'a':'b','c':null}", "{'a':'b'}"},
		{"{}", "{'a':{'bb':{'ccc':null}}}", "{'a':{'bb':{}}}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto json_t *target = json(cases[i].target), *patch = json(cases[i].patch);
		json_auto json_t *before = json_deep_copy(target);
		json_auto json_t *got = patch_merge(target, patch);

		assert_json(got, cases[i].want, cases[i].patch);
		assert_true(json_equal(before, target));
	}
}

static void a_diff_leads_from_one_to_the_other(void **state)
{
	static const struct {
		const char *from, *to, *diff;
	} cases[] = {
		{"{'a':1}", "{'a':1}", "{}"},
		{"{'a':1}", "{'a':2}", "{'a':2}"},
		{"{'a':1}", "{}", "{'a':null}"},
		{"{'a':{'b':1,'c':2}}", "{'a':{'b':1,'d':3}}", "{'a':{'c':null,'d':3}}"},
		{"{'a':[1,2]}", "{'a':[2,1]}", "{'a':[2,1]}"},
		{"{'a':{'b':1}}", "{'a':[1]}", "{'a':[1]}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto json_t *from = json(cases[i].from), *to = json(cases[i].to);
		json_auto json_t *diff = patch_diff(from, to), *back = patch_merge(from, diff);

		assert_json(diff, cases[i].diff, cases[i].to);
		assert_true(json_equal(back, to));
	}
}

static void json_patches_follow_the_rfc(void **state)
{
	static const struct {
		const char *target, *patch, *want;
	} cases[] = {
		{"{'a':1}", "[]", "{'a':1}"},
		{"{'a':1}", "[{'op':'add','path':'/b','value':2}]", "{'a':1,'b':2}"},
		{"{'a':1}", "[{'op':'add','path':'/a','value':2}]", "{'a':2}"},
		{"{'a':[1,3]}", "[{'op':'add','path':'/a/1','value':2}]", "{'a':[1,2,3]}"},
		{"{'a':[1]}", "[{'op':'add','path':'/a/-','value':2}]", "{'a':[1,2]}"},
		{"{'a':[1]}", "[{'op':'add','path':'/a/1','value':2}]", "{'a':[1,2]}"},
		{"{'a':1}", "[{'op':'add','path':'','value':{'b':1}}]", "{'b':1}"},
		{"{'a':1,'b':2}", "[{'op':'remove','path':'/a'}]", "{'b':2}"},
		{"{'a':[1,2,3]}", "[{'op':'remove','path':'/a/1'}]", "{'a':[1,3]}"},
		{"{'a':1}", "[{'op':'replace','path':'/a','value':null}]", "{'a':null}"},
		{"{'a':[1,2]}", "[{'op':'replace','path':'/a/0','value':5}]", "{'a':[5,2]}"},
		{"{'a':1}", "[{'op':'replace','path':'','value':{}}]", "{}"},
		{"{'a':{'x':1}}", "[{'op':'move','from':'/a/x','path':'/b'}]", "{'a':{},'b':1}"},
		{"{'a':[1,2,3]}", "[{'op':'move','from':'/a/0','path':'/a/2'}]", "{'a':[2,3,1]}"},
		{"{'a':{'x':1}}", "[{'op':'copy','from':'/a','path':'/b'}]",
		 "{'a':{'x':1},'b':{'x':1}}"},
		{"{'a~b':1,'c/d':2}",
		 "[{'op':'remove','path':'/a~0b'},{'op':'replace','path':'/c~1d','value':3}]",
		 "{'c/d':3}"},
		{"{'a':1}", "[{'op':'test','path':'/a','value':1}]", "{'a':1}"},
		{"{'a':1}", "[{'op':'test','path':'/b','value':null}]", "{'a':1}"},
		{"{'':1}", "[{'op':'remove','path':'/'}]", "{}"},

		{"{}", "{'op':'add'}", "!error decoding patch"},
		{"{'a':1}", "[{'op':'test','path':'/a','value':2}]", "!the server rejected"},
		{"{'a':1}", "[{'op':'remove','path':'/b'}]", "!the server rejected"},
		{"{'a':1}", "[{'op':'replace','path':'/b','value':1}]", "{'a':1,'b':1}"},
		{"{'a':[1]}", "[{'op':'replace','path':'/a/1','value':1}]", "!the server rejected"},
		{"{'a':1}", "[{'op':'add','path':'/b/c','value':1}]", "!the server rejected"},
		{"{'a':1}", "[{'op':'add','path':'/a/c','value':1}]", "!the server rejected"},
		{"{'a':[1]}", "[{'op':'add','path':'/a/2','value':1}]", "!the server rejected"},
		/* API servers count from the end as well, and take signs and zeros. */
		{"{'a':[1,2]}", "[{'op':'add','path':'/a/-1','value':3}]", "{'a':[1,2,3]}"},
		{"{'a':[1,2]}", "[{'op':'add','path':'/a/-3','value':3}]", "{'a':[3,1,2]}"},
		{"{'a':[1,2]}", "[{'op':'remove','path':'/a/-2'}]", "{'a':[2]}"},
		{"{'a':[1,2]}", "[{'op':'replace','path':'/a/-1','value':3}]", "{'a':[1,3]}"},
		{"{'a':[1,2]}", "[{'op':'remove','path':'/a/00'}]", "{'a':[2]}"},
		{"{'a':[1,2]}", "[{'op':'remove','path':'/a/+1'}]", "{'a':[1]}"},
		{"{'a':[1]}", "[{'op':'add','path':'/a/-3','value':1}]", "!the server rejected"},
		{"{'a':[1]}", "[{'op':'remove','path':'/a/-2'}]", "!the server rejected"},
		{"{'a':[1]}", "[{'op':'remove','path':'/a/--1'}]", "!the server rejected"},
		{"{'a':[1]}", "[{'op':'remove','path':'/a/1'}]", "!the server rejected"},
		{"{'a':1}", "[{'op':'remove','path':''}]", "!the server rejected"},
		{"{'a':1}", "[{'op':'remove','path':'a'}]", "!the server rejected"},
		{"{'a':1}", "[{'op':'remove','path':'/~2'}]", "!the server rejected"},
		{"{'a':1}", "[{'op':'bogus','path':'/a'}]", "!the server rejected"},
		{"{'a':1}", "[{'op':'add'}]", "!the server rejected"},
		/* A value that is not said is null. */
		{"{'a':1}", "[{'op':'add','path':'/b'}]", "{'a':1,'b':null}"},
		{"{'a':1}", "[{'op':'test','path':'/b'}]", "{'a':1}"},
		/* A map need not have the key that is copied either. */
		{"{'a':1}", "[{'op':'copy','from':'/c','path':'/b'}]", "{'a':1,'b':null}"},
		{"{'a':[1]}", "[{'op':'copy','from':'/a/1','path':'/b'}]", "!the server rejected"},
		{"{'a':1}", "[{'op':'copy','from':'/c/d','path':'/b'}]", "!the server rejected"},
		{"{'a':1}", "[1]", "!the server rejected"},
		{"{'a':{}}", "[{'op':'move','from':'/a','path':'/a/b'}]", "!the server rejected"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto json_t *target = json(cases[i].target), *patch = json(cases[i].patch);
		json_auto json_t *before = json_deep_copy(target);
		struct error *err = NULL;

		json_t *got = patch_json(target, patch, &err);

		check(got, err, cases[i].want, cases[i].patch);
		assert_true(json_equal(before, target));
	}
}

/* Each copy doubles the document: a few of them would fill any memory. */
static void copies_are_bounded(void **state)
{
	json_auto json_t *target = json("{'a':'0123456789'}"), *patch = json_array();
	struct error *err = NULL;

	for (int i = 0; i < 40; i++)
		json_array_append_new(patch, json_pack("{s:s,s:s,s:s+}", "op", "copy", "from", "",
						       "path", "/", i % 2 ? "x" : "y"));
	assert_null(patch_json(target, patch, &err));
	assert_int_equal(error_code(err), E_TOO_LARGE);
	error_clear(&err);
}

/* Each copy into its own deepest place doubles the depth. */
static void depth_is_bounded(void **state)
{
	json_auto json_t *target = json("{'a':{}}"), *patch = json_array();
	struct str path CLEANUP(str_release) = STR_INIT;
	struct error *err = NULL;

	for (int i = 0; i < 10; i++) {
		str_reset(&path);
		for (int depth = 0; depth < 1 << i; depth++)
			str_adds(&path, "/a");
		json_array_append_new(patch, json_pack("{s:s,s:s,s:s}", "op", "copy", "from", "",
						       "path", path.s));
	}
	assert_null(patch_json(target, patch, &err));
	assert_int_equal(error_code(err), E_INVALID);
	error_clear(&err);
}

#define POD_SPEC "io.k8s.api.core.v1.PodSpec"
#define META "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
#define SERVICE_SPEC "io.k8s.api.core.v1.ServiceSpec"
#define DEPLOYMENT_SPEC "io.k8s.api.apps.v1.DeploymentSpec"

static void strategic_patches_merge_by_key(void **state)
{
	static const struct {
		const char *type, *target, *patch, *want;
	} cases[] = {
		/* Elements are merged by their key; new ones come first; null deletes. */
		{POD_SPEC, "{'containers':[{'name':'a','image':'x'},{'name':'b'}]}",
		 "{'containers':[{'name':'b','image':'y'}]}",
		 "{'containers':[{'name':'a','image':'x'},{'name':'b','image':'y'}]}"},
		{POD_SPEC, "{'containers':[{'name':'a'}]}", "{'containers':[{'name':'n'}]}",
		 "{'containers':[{'name':'n'},{'name':'a'}]}"},
		{POD_SPEC, "{'containers':[{'name':'a','image':'x'}],'nodeName':'n'}",
		 "{'containers':[{'name':'a','image':null}],'nodeName':null}",
		 "{'containers':[{'name':'a'}]}"},
		{POD_SPEC, "{}", "{'containers':[{'name':'a','image':null}]}",
		 "{'containers':[{'name':'a'}]}"},
		{SERVICE_SPEC, "{'ports':[{'port':80},{'port':81}]}",
		 "{'ports':[{'port':80,'targetPort':8080}]}",
		 "{'ports':[{'port':80,'targetPort':8080},{'port':81}]}"},
		/* $patch in lists. */
		{POD_SPEC, "{'containers':[{'name':'a'},{'name':'b'}]}",
		 "{'containers':[{'name':'b','$patch':'delete'}]}",
		 "{'containers':[{'name':'a'}]}"},
		{POD_SPEC, "{'containers':[{'name':'a'}]}",
		 "{'containers':[{'name':'none','$patch':'delete'}]}",
		 "{'containers':[{'name':'a'}]}"},
		{POD_SPEC, "{'containers':[{'name':'a'},{'name':'b'}]}",
		 "{'containers':[{'$patch':'replace'},{'name':'only','image':'x'}]}",
		 "{'containers':[{'name':'only','image':'x'}]}"},
		{POD_SPEC, "{}", "{'volumes':[{'name':'v','$patch':'delete'},{'name':'w'}]}",
		 "{'volumes':[{'name':'w'}]}"},
		{POD_SPEC, "{'containers':[{'name':'a'}]}", "{'containers':[{'$patch':'delete'}]}",
		 "?map does not contain declared merge key: name"},
		{POD_SPEC, "{'containers':[{'name':'a'}]}", "{'containers':[{'image':'x'}]}",
		 "?map does not contain declared merge key: name"},
		{POD_SPEC, "{'containers':[{'name':'a'}]}", "{'containers':[{'$patch':'merge'}]}",
		 "?unknown patch type in a list"},
		{POD_SPEC, "{'containers':[{'name':'a'}]}", "{'containers':[1]}",
		 "?a list of maps"},
		/* $patch in maps. */
		{META, "{'labels':{'a':'1'}}", "{'labels':{'$patch':'replace','c':'3'}}",
		 "{'labels':{'c':'3'}}"},
		{META, "{'labels':{'a':'1'}}", "{'labels':{'$patch':'delete'}}", "{'labels':{}}"},
		{META, "{'labels':{'a':'1'}}", "{'labels':{'$patch':'merge','b':'2'}}",
		 "?unknown patch type: merge"},
		/* Where there is nothing to be replaced, not even what comes with it is kept. */
		{META, "{}", "{'labels':{'$patch':'replace','c':'3'}}", "{}"},
		{META, "{}", "{'labels':{'$patch':'delete'}}", "{}"},
		{META, "{'labels':{'a':'1'}}", "{'labels':{'$patch':'bogus'}}",
		 "?unknown patch type: bogus"},
		/* Order. */
		{POD_SPEC, "{'containers':[{'name':'a'},{'name':'b'}]}",
		 "{'$setElementOrder/containers':[{'name':'b'},{'name':'a'}],"
		 "'containers':[{'name':'a','image':'2'}]}",
		 "{'containers':[{'name':'b'},{'name':'a','image':'2'}]}"},
		{POD_SPEC, "{'containers':[{'name':'a'},{'name':'b'}]}",
		 "{'$setElementOrder/containers':[{'name':'b'},{'name':'a'}]}",
		 "{'containers':[{'name':'b'},{'name':'a'}]}"},
		{POD_SPEC, "{'containers':[{'name':'s'},{'name':'a'},{'name':'b'}]}",
		 "{'$setElementOrder/containers':[{'name':'b'},{'name':'n'},{'name':'a'}],"
		 "'containers':[{'name':'n'}]}",
		 "{'containers':[{'name':'s'},{'name':'b'},{'name':'n'},{'name':'a'}]}"},
		{POD_SPEC, "{'containers':[{'name':'a'}]}",
		 "{'$setElementOrder/containers':[{'name':'b'}],'containers':[{'name':'a'}]}",
		 "?The order in patch list doesn't match"},
		{POD_SPEC, "{}", "{'$setElementOrder/containers':7}",
		 "?invalid patch format of setElementOrder"},
		/* Lists of scalars as sets. */
		{META, "{'finalizers':['1','2']}", "{'finalizers':['3']}",
		 "{'finalizers':['3','1','2']}"},
		{META, "{'finalizers':['1','2']}", "{'finalizers':['2']}",
		 "{'finalizers':['1','2']}"},
		{META, "{'finalizers':['3','1','2']}",
		 "{'$deleteFromPrimitiveList/finalizers':['1']}", "{'finalizers':['3','2']}"},
		{META, "{'finalizers':['1','2']}", "{'$setElementOrder/finalizers':['2','1']}",
		 "{'finalizers':['2','1']}"},
		{META, "{'finalizers':['1']}", "{'finalizers':null}", "{}"},
		{META, "{'finalizers':['1']}", "{'$deleteFromPrimitiveList/finalizers':1}",
		 "{'finalizers':['1']}"},
		/* Lists without a strategy are replaced. */
		{POD_SPEC, "{'tolerations':[{'key':'a'}]}", "{'tolerations':[{'key':'b'}]}",
		 "{'tolerations':[{'key':'b'}]}"},
		{"io.k8s.api.core.v1.Container", "{'args':['a','b']}", "{'args':['c']}",
		 "{'args':['c']}"},
		/* $retainKeys. */
		{DEPLOYMENT_SPEC,
		 "{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':1}}}",
		 "{'strategy':{'$retainKeys':['type'],'type':'Recreate'}}",
		 "{'strategy':{'type':'Recreate'}}"},
		{DEPLOYMENT_SPEC, "{'strategy':{}}",
		 "{'strategy':{'$retainKeys':['x'],'type':'Recreate'}}",
		 "!invalid patch format of retainKeys directive: it does not name type"},
		{DEPLOYMENT_SPEC, "{'strategy':{}}", "{'strategy':{'$retainKeys':1}}",
		 "!invalid patch format of retainKeys"},
		/* A new map has no directives and no nulls; types that differ are replaced. */
		{POD_SPEC, "{}",
		 "{'securityContext':{'$retainKeys':['a'],'runAsUser':1,'fsGroup':null}}",
		 "{'securityContext':{'runAsUser':1}}"},
		{META, "{'labels':{'a':'1'}}", "{'labels':'x'}", "{'labels':'x'}"},
		/* patchStrategy: replace of a map. */
		{"io.k8s.api.policy.v1.PodDisruptionBudgetSpec",
		 "{'selector':{'matchLabels':{'a':'1'}}}", "{'selector':{'matchLabels':{'b':'2'}}}",
		 "{'selector':{'matchLabels':{'b':'2'}}}"},
		/* No schema. */
		{NULL, "{'a':[{'name':'x'}],'m':{'b':1}}", "{'a':[{'name':'y'}],'m':{'c':2}}",
		 "{'a':[{'name':'y'}],'m':{'b':1,'c':2}}"},
		{NULL, "{}", "[]", "!a strategic merge patch must be a map"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto json_t *target = json(cases[i].target), *patch = json(cases[i].patch);
		json_auto json_t *before = json_deep_copy(target), *asked = json_deep_copy(patch);
		const struct schema_type *type =
			cases[i].type ? schema_type_find(cases[i].type) : NULL;
		struct error *err = NULL;

		json_t *got = patch_strategic(target, patch, type, &err);

		check(got, err, cases[i].want, cases[i].patch);
		assert_true(json_equal(before, target));
		assert_true(json_equal(asked, patch));
	}
}

static void three_ways_meet(void **state)
{
	static const struct {
		const char *type, *base, *user, *live, *want;
	} cases[] = {
		{NULL, "{'a':1}", "{'a':1}", "{'a':2}", "{'a':2}"},
		{NULL, "{'a':1}", "{'a':2}", "{'a':1}", "{'a':2}"},
		{NULL, "{'a':1}", "{'a':2}", "{'a':2}", "{'a':2}"},
		{NULL, "{'a':1,'b':1}", "{'a':2,'b':1}", "{'a':1,'b':2}", "{'a':2,'b':2}"},
		{NULL, "{'a':1,'b':1}", "{'b':1}", "{'a':1,'b':2}", "{'b':2}"},
		{NULL, "{'a':1}", "{'a':1,'x':1}", "{'a':1,'y':2}", "{'a':1,'x':1,'y':2}"},
		{NULL, "{}", "{'m':{'x':1}}", "{'m':{'y':2}}", "{'m':{'x':1,'y':2}}"},
		{NULL, "{'a':1}", "{}", "{}", "{}"},
		{NULL, "{'a':[1]}", "{'a':[1,2]}", "{'a':[1]}", "{'a':[1,2]}"},
		{NULL, "{'a':1}", "{'a':2}", "{'a':3}", "!a"},
		{NULL, "{'a':1}", "{}", "{'a':3}", "!a"},
		{NULL, "{'a':1}", "{'a':2}", "{}", "!a"},
		{NULL, "{'m':{'a':[1]}}", "{'m':{'a':[2]}}", "{'m':{'a':[3]}}", "!m.a"},
		{META, "{'labels':{}}", "{'labels':{'x.y/z':'1'}}", "{'labels':{'x.y/z':'2'}}",
		 "!labels[x.y/z]"},
		/* Elements are matched by their key. */
		{POD_SPEC, "{'containers':[{'name':'a','image':'1'},{'name':'b','image':'1'}]}",
		 "{'containers':[{'name':'a','image':'2'},{'name':'b','image':'1'}]}",
		 "{'containers':[{'name':'a','image':'1'},{'name':'b','image':'3'}]}",
		 "{'containers':[{'name':'a','image':'2'},{'name':'b','image':'3'}]}"},
		{POD_SPEC, "{'containers':[{'name':'a'},{'name':'b'}]}",
		 "{'containers':[{'name':'b'}]}",
		 "{'containers':[{'name':'s'},{'name':'a'},{'name':'b','image':'x'}]}",
		 "{'containers':[{'name':'s'},{'name':'b','image':'x'}]}"},
		{POD_SPEC, "{'containers':[{'name':'a'}]}",
		 "{'containers':[{'name':'a'},{'name':'u'}]}",
		 "{'containers':[{'name':'s'},{'name':'a'}]}",
		 "{'containers':[{'name':'s'},{'name':'a'},{'name':'u'}]}"},
		{POD_SPEC, "{'containers':[{'name':'a'},{'name':'b'}]}",
		 "{'containers':[{'name':'b'},{'name':'a'}]}",
		 "{'containers':[{'name':'a'},{'name':'s'},{'name':'b'}]}",
		 "{'containers':[{'name':'b'},{'name':'a'},{'name':'s'}]}"},
		{POD_SPEC, "{'containers':[{'name':'a','image':'1'}]}",
		 "{'containers':[{'name':'a','image':'2'}]}",
		 "{'containers':[{'name':'a','image':'3'}]}", "!containers[name='a'].image"},
		{SERVICE_SPEC, "{'ports':[{'port':80,'protocol':'TCP'}]}",
		 "{'ports':[{'port':80}]}", "{'ports':[{'port':80,'protocol':'TCP','nodePort':3}]}",
		 "{'ports':[{'port':80,'nodePort':3}]}"},
		{META, "{'finalizers':['a','b']}", "{'finalizers':['b','c']}",
		 "{'finalizers':['a','b','d']}", "{'finalizers':['b','c','d']}"},
		/* Twice the same key: no way to tell, so the whole list conflicts. */
		{POD_SPEC, "{'containers':[{'name':'a'}]}",
		 "{'containers':[{'name':'a'},{'name':'a','image':'x'}]}", "{'containers':[]}",
		 "!containers"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto json_t *base = json(cases[i].base), *user = json(cases[i].user);
		json_auto json_t *live = json(cases[i].live);
		const struct schema_type *type =
			cases[i].type ? schema_type_find(cases[i].type) : NULL;
		struct error *err = NULL;
		json_auto json_t *got = patch_three_way(base, user, live, type, &err);

		if (*cases[i].want != '!') {
			assert_null(err);
			assert_json(got, cases[i].want, cases[i].user);
			continue;
		}
		assert_null(got);
		assert_int_equal(error_code(err), E_CONFLICT);
		assert_int_equal(err->n_causes, 1);
		for (char *p = err->causes[0].field; *p; p++)
			*p = *p == '"' ? '\'' : *p;
		assert_string_equal(err->causes[0].field, cases[i].want + 1);
		error_clear(&err);
	}
}

static void every_conflict_is_named(void **state)
{
	json_auto json_t *base = json("{'a':1,'b':1,'c':1}"), *user = json("{'a':2,'b':2,'c':1}");
	json_auto json_t *live = json("{'a':3,'b':3,'c':2}");
	struct error *err = NULL;

	assert_null(patch_three_way(base, user, live, NULL, &err));
	assert_int_equal(err->n_causes, 2);
	assert_string_equal(err->causes[1].field, "b");
	error_clear(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merge_patches_follow_the_rfc),
		cmocka_unit_test(a_diff_leads_from_one_to_the_other),
		cmocka_unit_test(json_patches_follow_the_rfc),
		cmocka_unit_test(copies_are_bounded),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(strategic_patches_merge_by_key),
		cmocka_unit_test(three_ways_meet),
		cmocka_unit_test(every_conflict_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
