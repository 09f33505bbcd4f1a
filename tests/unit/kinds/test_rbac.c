/* What the rules of roles allow, what one set of them lacks of another, whom subjects mean. */
#include "base/mem.h"
#include "kinds/rbac.h"
#include "object/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct rules {
	struct arena arena;
	struct rbac_rules rules;
};

static void rules_release(struct rules *r)
{
	rbac_rules_release(&r->rules);
	arena_release(&r->arena);
}

/* TEXT: JSON with ' for ". */
static struct rules read_rules(const char *text)
{
	struct rules r = {.arena = ARENA_INIT};
	char *json free_ptr = xstrdup(text);
	json_t *tree json_auto = NULL;

	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	tree = json_read(json, strlen(json), NULL);
	assert_non_null(tree);
	rbac_read_rules(tree, &r.arena, &r.rules);
	return r;
}

static const struct {
	const char *rule;
	struct access access;
	bool allowed;
} decisions[] = {
	{"[{'apiGroups':[''],'resources':['pods'],'verbs':['get','list']}]",
	 {.verb = "list", .group = "", .resource = "pods"},
	 true},
	{"[{'apiGroups':[''],'resources':['pods'],'verbs':['get','list']}]",
	 {.verb = "delete", .group = "", .resource = "pods"},
	 false},
	{"[{'apiGroups':['apps'],'resources':['pods'],'verbs':['*']}]",
	 {.verb = "get", .group = "", .resource = "pods"},
	 false},
	{"[{'apiGroups':['*'],'resources':['*'],'verbs':['*']}]",
	 {.verb = "odd", .group = "a.b", .resource = "c", .subresource = "d", .name = "e"},
	 true},
	{"[{'apiGroups':['*'],'resources':['*'],'verbs':['*']}]",
	 {.verb = "get", .path = "/metrics"},
	 false},
	/* A resource is not its subresources, nor the other way round. */
	{"[{'apiGroups':[''],'resources':['pods'],'verbs':['*']}]",
	 {.verb = "get", .group = "", .resource = "pods", .subresource = "log"},
	 false},
	{"[{'apiGroups':[''],'resources':['pods/log'],'verbs':['*']}]",
	 {.verb = "get", .group = "", .resource = "pods", .subresource = "log"},
	 true},
	{"[{'apiGroups':[''],'resources':['pods/log'],'verbs':['*']}]",
	 {.verb = "get", .group = "", .resource = "pods"},
	 false},
	{"[{'apiGroups':['*'],'resources':['*/scale'],'verbs':['*']}]",
	 {.verb = "get", .group = "apps", .resource = "deployments", .subresource = "scale"},
	 true},
	{"[{'apiGroups':['*'],'resources':['*/scale'],'verbs':['*']}]",
	 {.verb = "get", .group = "apps", .resource = "deployments", .subresource = "status"},
	 false},
	{"[{'apiGroups':['*'],'resources':['*/scale'],'verbs':['*']}]",
	 {.verb = "get", .group = "apps", .resource = "deployments"},
	 false},
	{"[{'apiGroups':[''],'resources':['pods/*'],'verbs':['*']}]",
	 {.verb = "get", .group = "", .resource = "pods", .subresource = "log"},
	 false},
	{"[{'apiGroups':[''],'resources':['pod'],'verbs':['*']}]",
	 {.verb = "get", .group = "", .resource = "pods"},
	 false},
	/* Names: what has none is none of them. */
	{"[{'apiGroups':[''],'resources':['pods'],'resourceNames':['a'],'verbs':['*']}]",
	 {.verb = "get", .group = "", .resource = "pods", .name = "a"},
	 true},
	{"[{'apiGroups':[''],'resources':['pods'],'resourceNames':['a'],'verbs':['*']}]",
	 {.verb = "get", .group = "", .resource = "pods", .name = "b"},
	 false},
	{"[{'apiGroups':[''],'resources':['pods'],'resourceNames':['a'],'verbs':['*']}]",
	 {.verb = "list", .group = "", .resource = "pods"},
	 false},
	/* Paths. */
	{"[{'nonResourceURLs':['/version'],'verbs':['get']}]",
	 {.verb = "get", .path = "/version"},
	 true},
	{"[{'nonResourceURLs':['/version'],'verbs':['get']}]",
	 {.verb = "post", .path = "/version"},
	 false},
	{"[{'nonResourceURLs':['/version'],'verbs':['get']}]",
	 {.verb = "get", .path = "/version/x"},
	 false},
	{"[{'nonResourceURLs':['/api/*'],'verbs':['get']}]",
	 {.verb = "get", .path = "/api/v1"},
	 true},
	{"[{'nonResourceURLs':['/api/*'],'verbs':['get']}]",
	 {.verb = "get", .path = "/api"},
	 false},
	{"[{'nonResourceURLs':['*'],'verbs':['get']}]", {.verb = "get", .path = "/any"}, true},
	{"[{'nonResourceURLs':['*'],'verbs':['*']}]",
	 {.verb = "get", .group = "", .resource = "pods"},
	 false},
	{"[]", {.verb = "get", .path = "/"}, false},
};

static void test_rules_allow(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(decisions); i++) {
		struct rules r CLEANUP(rules_release) = read_rules(decisions[i].rule);
		bool allowed = false;

		for (size_t k = 0; k < r.rules.n; k++)
			allowed |= rbac_rule_allows(&r.rules.v[k], &decisions[i].access);
		if (allowed != decisions[i].allowed)
			fail_msg("row %zu: %s", i, decisions[i].rule);
	}
}

#define READ "[{'apiGroups':[''],'resources':['pods'],'verbs':['get','list']}]"
#define ALL "[{'apiGroups':['*'],'resources':['*'],'verbs':['*']}]"

static const struct {
	const char *owned, *wanted, *missing;
} lacks[] = {
	{READ, READ, ""},
	{ALL, READ, ""},
	{READ, ALL, "{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}"},
	{"[]", READ, "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"get\" \"list\"]}"},
	{"[{'apiGroups':[''],'resources':['pods'],'verbs':['get']}]", READ,
	 "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"list\"]}"},
	/* Two rules together hold what neither does. */
	{"[{'apiGroups':[''],'resources':['pods'],'verbs':['get']},"
	 "{'apiGroups':[''],'resources':['*'],'verbs':['list']}]",
	 READ, ""},
	/* Some names are not all names; all are any. */
	{"[{'apiGroups':[''],'resources':['pods'],'resourceNames':['a'],'verbs':['*']}]", READ,
	 "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"get\" \"list\"]}"},
	{READ, "[{'apiGroups':[''],'resources':['pods'],'resourceNames':['a'],'verbs':['get']}]",
	 ""},
	{"[{'apiGroups':[''],'resources':['pods'],'resourceNames':['a'],'verbs':['get']}]",
	 "[{'apiGroups':[''],'resources':['pods'],'resourceNames':['a','b'],'verbs':['get']}]",
	 "{APIGroups:[\"\"], Resources:[\"pods\"], ResourceNames:[\"b\"], Verbs:[\"get\"]}"},
	{"[{'apiGroups':['apps'],'resources':['*/scale'],'verbs':['*']}]",
	 "[{'apiGroups':['apps'],'resources':['deployments/scale','deployments'],"
	 "'verbs':['get']}]",
	 "{APIGroups:[\"apps\"], Resources:[\"deployments\"], Verbs:[\"get\"]}"},
	{"[{'nonResourceURLs':['/api/*'],'verbs':['get']}]",
	 "[{'nonResourceURLs':['/api/v1','/metrics'],'verbs':['get']}]",
	 "{NonResourceURLs:[\"/metrics\"], Verbs:[\"get\"]}"},
	/* Resources of one group and another are told apart; lines are sorted. */
	{"[]", "[{'apiGroups':['b','a'],'resources':['x'],'verbs':['get']}]",
	 "{APIGroups:[\"a\"], Resources:[\"x\"], Verbs:[\"get\"]}\n"
	 "{APIGroups:[\"b\"], Resources:[\"x\"], Verbs:[\"get\"]}"},
};

static void test_what_is_missing(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(lacks); i++) {
		struct rules owned CLEANUP(rules_release) = read_rules(lacks[i].owned);
		struct rules wanted CLEANUP(rules_release) = read_rules(lacks[i].wanted);
		struct rbac_rules missing CLEANUP(rbac_rules_release) = {0};
		struct str text CLEANUP(str_release) = STR_INIT;

		rbac_missing(&owned.rules, &wanted.rules, &owned.arena, &missing);
		rbac_describe(&missing, &text);
		assert_string_equal(text.s, lacks[i].missing);
	}
}

static void test_rules_survive_json(void **state)
{
	struct rules r CLEANUP(rules_release) = read_rules(
		"[{'apiGroups':[''],'resources':['a'],'resourceNames':['n'],'verbs':['get']},7]");
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *json json_auto = NULL;

	assert_int_equal(r.rules.n, 1);
	json = rbac_rule_json(&r.rules.v[0]);
	json_write(json, &text);
	assert_string_equal(text.s, "{\"apiGroups\":[\"\"],\"resourceNames\":[\"n\"],"
				    "\"resources\":[\"a\"],\"verbs\":[\"get\"]}");
}

static void test_subjects(void **state)
{
	static const char *const groups[] = {"devs", "system:authenticated", NULL};
	static const struct {
		struct rbac_subject subject;
		const char *namespace, *user, *key, *text;
		bool is;
	} rows[] = {
		{{"User", "jane", ""}, "", "jane", "u:jane", "User \"jane\"", true},
		{{"User", "jane", ""}, "", "joe", "u:jane", "User \"jane\"", false},
		{{"Group", "devs", ""}, "", "joe", "g:devs", "Group \"devs\"", true},
		{{"Group", "ops", ""}, "", "ops", "g:ops", "Group \"ops\"", false},
		{{"ServiceAccount", "r", "shop"},
		 "",
		 "system:serviceaccount:shop:r",
		 "u:system:serviceaccount:shop:r",
		 "ServiceAccount \"r/shop\"",
		 true},
		/* Of the binding's own namespace, where it names none. */
		{{"ServiceAccount", "r", ""},
		 "shop",
		 "system:serviceaccount:shop:r",
		 "u:system:serviceaccount:shop:r",
		 "ServiceAccount \"r/shop\"",
		 true},
		{{"ServiceAccount", "r", "shop"},
		 "x",
		 "system:serviceaccount:x:r",
		 "u:system:serviceaccount:shop:r",
		 "ServiceAccount \"r/shop\"",
		 false},
		{{"ServiceAccount", "r", ""},
		 "",
		 "system:serviceaccount::r",
		 NULL,
		 "ServiceAccount \"r/\"",
		 false},
		{{"Robot", "r", ""}, "", "r", NULL, "Robot \"r\"", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct user user = {.name = rows[i].user, .groups = groups};
		struct arena arena CLEANUP(arena_release) = ARENA_INIT;
		struct str text CLEANUP(str_release) = STR_INIT;
		const char *key = rbac_subject_key(&rows[i].subject, rows[i].namespace, &arena);

		assert_int_equal(rbac_subject_is(&rows[i].subject, rows[i].namespace, &user),
				 rows[i].is);
		assert_true(str_equal(key, rows[i].key));
		rbac_subject_describe(&rows[i].subject, rows[i].namespace, &text);
		assert_string_equal(text.s, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_allow),
		cmocka_unit_test(test_what_is_missing),
		cmocka_unit_test(test_rules_survive_json),
		cmocka_unit_test(test_subjects),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
