/* Who may do what in a local cluster: roles and bindings, reviews, and the roles it begins with. */
#include "local_fixture.h"

#include "base/clock.h"
#include "base/mem.h"
#include "object/json.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROLE "roles.rbac.authorization.k8s.io"
#define BINDING "rolebindings.rbac.authorization.k8s.io"
#define FLOW "flowcontrol.apiserver.k8s.io"
#define FLOW_SCHEMA "flowschemas." FLOW
#define CLUSTER_ROLE "clusterroles.rbac.authorization.k8s.io"
#define CLUSTER_BINDING "clusterrolebindings.rbac.authorization.k8s.io"

static const char *const plain[] = {"system:authenticated", NULL};
static const char *const masters[] = {"system:masters", "system:authenticated", NULL};

static int setup(void **state)
{
	struct local_fixture *f = xcalloc(1, sizeof(*f));

	fixture_open(f, NULL);
	fixture_make(f, "namespaces", "", "{'metadata':{'name':'shop'}}");
	fixture_make(f, ROLE, "shop",
		     "{'metadata':{'name':'reader'},'rules':[{'apiGroups':[''],"
		     "'resources':['pods'],'verbs':['get','list']}]}");
	fixture_make(f, BINDING, "shop",
		     "{'metadata':{'name':'read'},'roleRef':{'kind':'Role','name':'reader'},"
		     "'subjects':[{'kind':'User','name':'joe'},{'kind':'User','name':'jane'},"
		     "{'kind':'Group','name':'devs'}]}");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

/* "" or the reason; NULL: not allowed. Borrowed until the next question. */
static const char *ask(struct local_fixture *f, const struct user *user, const char *verb,
		       const char *group, const char *resource, const char *namespace)
{
	static struct str reason = STR_INIT;
	const struct access access = {.user = user,
				      .verb = verb,
				      .group = group,
				      .resource = resource,
				      .namespace = namespace,
				      .name = "x"};

	str_reset(&reason);
	return cluster_authorize(f->cluster, &access, &reason) ? reason.s : NULL;
}

static void test_reasons(void **state)
{
	static const char *const devs[] = {"devs", "system:authenticated", NULL};
	const struct user jane = {.name = "jane", .groups = plain};
	const struct user kim = {.name = "kim", .groups = devs};
	const struct user boss = {.name = "boss", .groups = masters};
	struct local_fixture *f = *state;

	assert_string_equal(
		ask(f, &jane, "get", "", "pods", "shop"),
		"RBAC: allowed by RoleBinding \"read/shop\" of Role \"reader\" to User \"jane\"");
	assert_string_equal(
		ask(f, &kim, "get", "", "pods", "shop"),
		"RBAC: allowed by RoleBinding \"read/shop\" of Role \"reader\" to Group \"devs\"");
	assert_string_equal(ask(f, &boss, "delete", "", "nodes", ""), "");
	assert_null(ask(f, &jane, "delete", "", "pods", "shop"));
	assert_null(ask(f, &jane, "get", "", "pods", "default"));
	assert_null(ask(f, &jane, "get", "", "pods", ""));
	assert_null(ask(f, &jane, "get", "apps", "pods", "shop"));
}

static void test_service_accounts(void **state)
{
	const struct user robot = {.name = "system:serviceaccount:shop:robot", .groups = plain};
	const struct user other = {.name = "system:serviceaccount:default:robot", .groups = plain};
	struct local_fixture *f = *state;

	fixture_make(f, BINDING, "shop",
		     "{'metadata':{'name':'robots'},'roleRef':{'kind':'ClusterRole','name':"
		     "'system:node-proxier'},'subjects':[{'kind':'ServiceAccount','name':"
		     "'robot','namespace':'shop'}]}");
	assert_string_equal(ask(f, &robot, "list", "", "services", "shop"),
			    "RBAC: allowed by RoleBinding \"robots/shop\" of ClusterRole "
			    "\"system:node-proxier\" to ServiceAccount \"robot/shop\"");
	assert_null(ask(f, &robot, "list", "", "services", "default"));
	assert_null(ask(f, &other, "list", "", "services", "shop"));
}

/* Each change holds for the very next question. */
static void test_changes_hold_at_once(void **state)
{
	const struct user jane = {.name = "jane", .groups = plain};
	struct local_fixture *f = *state;

	for (int i = 0; i < 20; i++) {
		json_t *bound json_auto = fixture_patch(
			f, ROLE, "shop", "reader", NULL,
			"{'rules':[{'apiGroups':[''],'resources':['secrets'],'verbs':['get']}]}",
			NULL);
		json_t *back json_auto = NULL;

		assert_non_null(bound);
		assert_null(ask(f, &jane, "get", "", "pods", "shop"));
		assert_non_null(ask(f, &jane, "get", "", "secrets", "shop"));
		back = fixture_patch(f, ROLE, "shop", "reader", NULL,
				     "{'rules':[{'apiGroups':[''],'resources':['pods'],'verbs':"
				     "['get']}]}",
				     NULL);
		assert_non_null(ask(f, &jane, "get", "", "pods", "shop"));
	}
	assert_int_equal(cluster_delete(f->cluster, NULL, fixture_type(f, ROLE), "shop", "reader",
					&(struct delete_options){.grace_period_s = -1}, NULL, NULL,
					NULL),
			 0);
	assert_null(ask(f, &jane, "get", "", "pods", "shop"));
}

/* A binding of a role that is not there allows nothing, and says so. */
static void test_missing_roles_are_told(void **state)
{
	const struct user ann = {.name = "ann", .groups = plain};
	const struct access access = {
		.user = &ann, .verb = "get", .group = "", .resource = "pods", .namespace = "shop"};
	struct str reason CLEANUP(str_release) = STR_INIT;
	struct local_fixture *f = *state;

	fixture_make(f, BINDING, "shop",
		     "{'metadata':{'name':'none'},'roleRef':{'kind':'ClusterRole','name':'gone'},"
		     "'subjects':[{'kind':'User','name':'ann'}]}");
	assert_false(cluster_authorize(f->cluster, &access, &reason));
	assert_string_equal(reason.s,
			    "RBAC: clusterrole.rbac.authorization.k8s.io \"gone\" not found");
}

static const char *review(struct local_fixture *f, const struct user *user, const char *type,
			  const char *namespace, const char *text, struct str *out)
{
	char *json free_ptr = xstrdup(text);
	const struct call call = {.user = user};
	struct object *answer CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	str_reset(out);
	if (cluster_create(f->cluster, &call, fixture_type(f, type), namespace, NULL, NULL, json,
			   strlen(json), NULL, &answer, &err) < 0) {
		str_adds(out, error_message(err));
	} else {
		json_t *tree json_auto = object_tree(answer);

		json_write(json_object_get(tree, "status"), out);
	}
	return out->s;
}

static const struct {
	const char *type, *namespace, *text, *answer;
} reviews[] = {
	{"selfsubjectaccessreviews", "",
	 "{'spec':{'resourceAttributes':{'verb':'list','resource':'pods','namespace':'shop'}}}",
	 "{\"allowed\":true,\"reason\":\"RBAC: allowed by RoleBinding \\\"read/shop\\\" of Role "
	 "\\\"reader\\\" to User \\\"jane\\\"\"}"},
	{"subjectaccessreviews", "",
	 "{'spec':{'user':'bob','resourceAttributes':{'verb':'list','resource':'pods'}}}",
	 "{\"allowed\":false}"},
	{"subjectaccessreviews", "",
	 "{'spec':{'groups':['system:masters'],'nonResourceAttributes':{'verb':'get','path':"
	 "'/metrics'}}}",
	 "{\"allowed\":true}"},
	{"subjectaccessreviews", "",
	 "{'spec':{'resourceAttributes':{'verb':'list','resource':'pods'}}}",
	 ".authorization.k8s.io \"\" is invalid: spec.user: Invalid value: \"\": at least one of "
	 "user or group must be specified"},
	{"selfsubjectaccessreviews", "", "{'spec':{}}",
	 ".authorization.k8s.io \"\" is invalid: spec.resourceAttributes: Invalid value: null: "
	 "exactly one of nonResourceAttributes or resourceAttributes must be specified"},
	{"selfsubjectaccessreviews", "",
	 "{'spec':{'resourceAttributes':{'verb':'get','resource':'pods','fieldSelector':{"
	 "'rawSelector':'a'}}}}",
	 "{\"allowed\":false,\"evaluationError\":\"spec.resourceAttributes.fieldSelector ignored "
	 "due to parse error\"}"},
	{"localsubjectaccessreviews", "shop",
	 "{'spec':{'user':'joe','resourceAttributes':{'verb':'get','resource':'pods','namespace':"
	 "'shop'}}}",
	 "{\"allowed\":true,\"reason\":\"RBAC: allowed by RoleBinding \\\"read/shop\\\" of Role "
	 "\\\"reader\\\" to User \\\"joe\\\"\"}"},
	{"localsubjectaccessreviews", "shop",
	 "{'spec':{'user':'joe','resourceAttributes':{'verb':'get','resource':'pods','namespace':"
	 "'default'}}}",
	 ".authorization.k8s.io \"\" is invalid: spec.resourceAttributes.namespace: Invalid "
	 "value: \"default\": must match metadata.namespace"},
	{"selfsubjectrulesreviews", "", "{'spec':{}}", "no namespace on request"},
};

static void test_reviews(void **state)
{
	const struct user jane = {.name = "jane", .groups = plain};
	struct str out CLEANUP(str_release) = STR_INIT;
	struct local_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(reviews); i++)
		assert_string_equal(review(f, &jane, reviews[i].type, reviews[i].namespace,
					   reviews[i].text, &out),
				    reviews[i].answer);
	review(f, &jane, "selfsubjectrulesreviews", "", "{'spec':{'namespace':'shop'}}", &out);
	assert_non_null(strstr(out.s, "{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],"
				      "\"verbs\":[\"get\",\"list\"]}"));
	assert_non_null(strstr(out.s, "\"incomplete\":false"));
	assert_non_null(strstr(out.s, "\"/openapi/*\""));
}

/* Creates as USER; "" or the refusal. Borrowed until the next call. */
static const char *create_as(struct local_fixture *f, const struct user *user, const char *type,
			     const char *namespace, const char *text)
{
	static struct str out = STR_INIT;
	char *json free_ptr = xstrdup(text);
	const struct call call = {.user = user};
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	str_reset(&out);
	if (cluster_create(f->cluster, &call, fixture_type(f, type), namespace, NULL, NULL, json,
			   strlen(json), NULL, NULL, &err) < 0)
		str_adds(&out, error_message(err));
	return out.s;
}

static void test_nobody_grants_what_he_lacks(void **state)
{
	const struct user joe = {.name = "joe", .groups = plain};
	struct local_fixture *f = *state;

	assert_string_equal(create_as(f, &joe, ROLE, "shop",
				      "{'metadata':{'name':'a'},'rules':[{'apiGroups':[''],"
				      "'resources':['pods'],'verbs':['list']}]}"),
			    "");
	assert_string_equal(
		create_as(f, &joe, ROLE, "shop",
			  "{'metadata':{'name':'b'},'rules':[{'apiGroups':[''],'resources':["
			  "'pods'],'verbs':['get','delete','patch']}]}"),
		ROLE " \"b\" is forbidden: user \"joe\" (groups=[\"system:authenticated\"]) is "
		     "attempting to grant RBAC permissions not currently held:\n"
		     "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"delete\" \"patch\"]}");
	/* Its name is still to be made. */
	assert_string_equal(create_as(f, &joe, ROLE, "shop",
				      "{'metadata':{'generateName':'b-'},'rules':[{'apiGroups':["
				      "''],'resources':['pods'],'verbs':['patch']}]}"),
			    ROLE " is forbidden: user \"joe\" (groups=[\"system:authenticated\"]"
				 ") is attempting to grant RBAC permissions not currently held:\n"
				 "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"patch\"]}");
	assert_string_equal(
		create_as(f, &joe, BINDING, "shop",
			  "{'metadata':{'name':'b'},'roleRef':{'kind':'ClusterRole','name':"
			  "'cluster-admin'},'subjects':[{'kind':'User','name':'joe'}]}"),
		BINDING " \"b\" is forbidden: user \"joe\" (groups=[\"system:authenticated\"]) is "
			"attempting to grant RBAC permissions not currently held:\n"
			"{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}\n"
			"{NonResourceURLs:[\"*\"], Verbs:[\"*\"]}");
	assert_string_equal(create_as(f, &joe, BINDING, "shop",
				      "{'metadata':{'name':'c'},'roleRef':{'kind':'Role','name':"
				      "'none'},'subjects':[]}"),
			    BINDING " \"none\" not found");
	assert_string_equal(create_as(f, &joe, BINDING, "shop",
				      "{'metadata':{'name':'d'},'roleRef':{'kind':'Role','name':"
				      "'reader'},'subjects':[{'kind':'User','name':'x'}]}"),
			    "");
}

static void test_escalate_and_bind(void **state)
{
	const struct user max = {.name = "max", .groups = plain};
	struct local_fixture *f = *state;
	static const char secrets[] = "{'metadata':{'name':'s'},'rules':[{'apiGroups':[''],"
				      "'resources':['secrets'],'verbs':['get']}]}";
	static const char bound[] = "{'metadata':{'name':'s'},'roleRef':{'kind':'ClusterRole',"
				    "'name':'cluster-admin'},'subjects':[]}";
	static const char gathers[] =
		"{'metadata':{'name':'g'},'aggregationRule':{'clusterRoleSelectors':[{"
		"'matchLabels':{'a':'b'}}]}}";

	assert_string_not_equal(create_as(f, &max, ROLE, "shop", secrets), "");
	assert_string_not_equal(create_as(f, &max, BINDING, "shop", bound), "");
	assert_string_equal(create_as(f, &max, CLUSTER_ROLE, "", gathers),
			    CLUSTER_ROLE " \"g\" is forbidden: must have cluster-admin privileges "
					 "to use the aggregationRule");
	fixture_make(f, ROLE, "shop",
		     "{'metadata':{'name':'power'},'rules':[{'apiGroups':["
		     "'rbac.authorization.k8s.io'],'resources':['roles'],'verbs':['escalate']},"
		     "{'apiGroups':['rbac.authorization.k8s.io'],'resources':['clusterroles'],"
		     "'resourceNames':['cluster-admin'],'verbs':['bind']}]}");
	fixture_make(f, BINDING, "shop",
		     "{'metadata':{'name':'power'},'roleRef':{'kind':'Role','name':'power'},"
		     "'subjects':[{'kind':'User','name':'max'}]}");
	assert_string_equal(create_as(f, &max, ROLE, "shop", secrets), "");
	assert_string_equal(create_as(f, &max, BINDING, "shop", bound), "");
	assert_string_not_equal(create_as(f, &max, CLUSTER_BINDING, "", bound), "");
}

/* As USER; "" or the refusal. Borrowed until the next call. */
static const char *patch_as(struct local_fixture *f, const struct user *user, const char *name,
			    const char *patch)
{
	static struct str out = STR_INIT;
	char *json free_ptr = xstrdup(patch);
	const struct call call = {.user = user};
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	str_reset(&out);
	if (cluster_patch(f->cluster, &call, fixture_type(f, "configmaps"), "shop", name, NULL,
			  PATCH_MERGE, json, strlen(json), NULL, NULL, NULL, &err) < 0)
		str_adds(&out, error_message(err));
	return out.s;
}

static void test_owners_are_for_who_may(void **state)
{
	const struct cluster_config config = {.enable_admission =
						      "OwnerReferencesPermissionEnforcement"};
	const struct user ann = {.name = "ann", .groups = plain};
	struct local_fixture f;

	fixture_open(&f, &config);
	fixture_make(&f, "namespaces", "", "{'metadata':{'name':'shop'}}");
	fixture_make(&f, "configmaps", "shop", "{'metadata':{'name':'a'}}");
	assert_string_equal(
		patch_as(&f, &ann, "a",
			 "{'metadata':{'ownerReferences':[{'apiVersion':'v1','kind':'Secret',"
			 "'name':'s','uid':'u'}]}}"),
		"configmaps \"a\" is forbidden: cannot set an ownerRef on a resource you can't "
		"delete: ");
	/* What is not touched is not asked for. */
	assert_string_equal(patch_as(&f, &ann, "a", "{'data':{'x':'y'}}"), "");
	assert_string_equal(
		create_as(&f, &ann, "configmaps", "shop",
			  "{'metadata':{'name':'b','ownerReferences':[{'apiVersion':'v1','kind':"
			  "'Secret','name':'s','uid':'u'}]}}"),
		"");
	assert_string_equal(
		create_as(&f, &ann, "configmaps", "shop",
			  "{'metadata':{'name':'c','ownerReferences':[{'apiVersion':'v1','kind':"
			  "'Secret','name':'s','uid':'u','blockOwnerDeletion':true}]}}"),
		"configmaps \"c\" is forbidden: cannot set blockOwnerDeletion if an "
		"ownerReference refers to a resource you can't set finalizers on: ");
	fixture_make(&f, ROLE, "shop",
		     "{'metadata':{'name':'r'},'rules':[{'apiGroups':[''],'resources':["
		     "'secrets/finalizers'],'resourceNames':['s'],'verbs':['update']},{"
		     "'apiGroups':[''],'resources':['configmaps'],'verbs':['delete']}]}");
	fixture_make(&f, BINDING, "shop",
		     "{'metadata':{'name':'r'},'roleRef':{'kind':'Role','name':'r'},'subjects':[{"
		     "'kind':'User','name':'ann'}]}");
	assert_string_equal(
		patch_as(&f, &ann, "a",
			 "{'metadata':{'ownerReferences':[{'apiVersion':'v1','kind':'Secret',"
			 "'name':'s','uid':'u','blockOwnerDeletion':true}]}}"),
		"");
	fixture_close(&f);
}

static void test_the_first_roles(void **state)
{
	static const char *const names[] = {
		"cluster-admin",	"admin", "edit", "view", "system:discovery", "system:node",
		"system:kube-scheduler"};
	const struct user someone = {.name = "someone", .groups = plain};
	const struct access version = {.user = &someone, .verb = "get", .path = "/version"};
	struct local_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		json_t *role json_auto = fixture_get(f, CLUSTER_ROLE, "", names[i]);

		assert_text(role, "metadata.labels[kubernetes.io/bootstrapping]", "rbac-defaults");
		assert_text(role, "metadata.managedFields[0].manager", "kube-apiserver");
	}
	assert_true(cluster_authorize(f->cluster, &version, NULL));
}

static void reopen(struct local_fixture *f)
{
	char *spec free_ptr = xasprintf("local:%s", f->directory);
	struct error *err = NULL;

	catalog_unref(f->catalog);
	cluster_close(f->cluster);
	f->cluster = cluster_open(spec, NULL, &err);
	if (!f->cluster)
		fail_msg("%s", error_message(err));
	f->catalog = cluster_catalog(f->cluster, NULL, NULL);
}

/* What was taken from the first roles comes back at the next start, what was added stays; what is
 * protected stays as it is. */
static void test_a_start_mends_the_first_roles(void **state)
{
	struct local_fixture *f = *state;
	json_t *role json_auto = NULL;
	json_t *binding json_auto = NULL;
	json_t *protected_role json_auto = NULL;
	json_t *untouched json_auto = fixture_get(f, CLUSTER_ROLE, "", "system:node");
	json_t *same json_auto = NULL;

	json_decref(fixture_patch(f, CLUSTER_ROLE, "", "system:basic-user", NULL,
				  "{'metadata':{'labels':null},'rules':[{'apiGroups':['x'],"
				  "'resources':['y'],'verbs':['get']}]}",
				  NULL));
	json_decref(fixture_patch(f, CLUSTER_BINDING, "", "system:basic-user", NULL,
				  "{'subjects':[{'kind':'User','name':'u'}]}", NULL));
	json_decref(fixture_patch(
		f, CLUSTER_ROLE, "", "system:discovery", NULL,
		"{'metadata':{'annotations':{'rbac.authorization.kubernetes.io/autoupdate':"
		"'false'}},'rules':[]}",
		NULL));
	assert_int_equal(cluster_delete(f->cluster, NULL, fixture_type(f, CLUSTER_ROLE), "", "view",
					&(struct delete_options){.grace_period_s = -1}, NULL, NULL,
					NULL),
			 0);
	reopen(f);
	role = fixture_get(f, CLUSTER_ROLE, "", "system:basic-user");
	assert_text(role, "metadata.labels[kubernetes.io/bootstrapping]", "rbac-defaults");
	assert_text(role, "rules[0].resources[0]", "y");
	assert_int_equal(json_array_size(json_object_get(role, "rules")), 4);
	binding = fixture_get(f, CLUSTER_BINDING, "", "system:basic-user");
	assert_text(binding, "subjects[0].name", "u");
	assert_text(binding, "subjects[1].name", "system:authenticated");
	protected_role = fixture_get(f, CLUSTER_ROLE, "", "system:discovery");
	assert_int_equal(json_array_size(json_object_get(protected_role, "rules")), 0);
	json_decref(fixture_get(f, CLUSTER_ROLE, "", "view"));
	same = fixture_get(f, CLUSTER_ROLE, "", "system:node");
	assert_true(json_equal(untouched, same));
}

static void test_a_start_makes_what_the_server_has_for_itself(void **state)
{
	struct local_fixture *f = *state;
	const struct delete_options now = {.grace_period_s = -1};
	json_t *schema json_auto = fixture_get(f, FLOW_SCHEMA, "", "system-leader-election");
	json_t *level json_auto = fixture_get(f, "prioritylevelconfigurations." FLOW, "", "system");
	json_t *service json_auto =
		fixture_get(f, "apiservices.apiregistration.k8s.io", "", "v1.apps");
	json_t *again json_auto = NULL;

	assert_text(schema, "spec.rules[0].subjects[2].serviceAccount.namespace", "kube-system");
	assert_text(schema, "metadata.managedFields[0].manager",
		    "api-priority-and-fairness-config-producer-v1");
	assert_int_equal(json_path_int(level, "spec.limited.limitResponse.queuing.queues", 0), 64);
	assert_text(service, "status.conditions[0].reason", "Local");
	assert_int_equal(cluster_delete(f->cluster, NULL, fixture_type(f, FLOW_SCHEMA), "",
					"system-leader-election", &now, NULL, NULL, NULL),
			 0);
	reopen(f);
	again = fixture_get(f, FLOW_SCHEMA, "", "system-leader-election");
	assert_true(json_equal(json_path(schema, "spec"), json_path(again, "spec")));
}

struct asker {
	struct local_fixture *f;
	atomic_bool stop, wrong;
	atomic_long asked;
};

static void *keep_asking(void *arg)
{
	const struct user jane = {.name = "jane", .groups = plain};
	struct asker *a = arg;

	while (!atomic_load(&a->stop)) {
		const struct access mine = {.user = &jane,
					    .verb = "get",
					    .group = "",
					    .resource = "pods",
					    .namespace = "shop"};
		const struct access not_mine = {.user = &jane,
						.verb = "get",
						.group = "",
						.resource = "nodes",
						.namespace = ""};

		if (!cluster_authorize(a->f->cluster, &mine, NULL) ||
		    cluster_authorize(a->f->cluster, &not_mine, NULL))
			atomic_store(&a->wrong, true);
		atomic_fetch_add(&a->asked, 1);
	}
	return NULL;
}

/* Questions while bindings come and go beside the one that counts. */
static void test_many_ask(void **state)
{
	struct asker a = {.f = *state};
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, keep_asking, &a), 0);
	for (int i = 0; i < 50 || atomic_load(&a.asked) < 100; i++) {
		char *text free_ptr = xasprintf("{'metadata':{'name':'r%d'},'roleRef':{'kind':"
						"'Role','name':'reader'},'subjects':[{'kind':"
						"'User','name':'u%d'}]}",
						i, i);

		fixture_make(a.f, BINDING, "shop", text);
	}
	atomic_store(&a.stop, true);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_false(atomic_load(&a.wrong));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reasons, setup, teardown),
		cmocka_unit_test_setup_teardown(test_service_accounts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes_hold_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_roles_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reviews, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_grants_what_he_lacks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_escalate_and_bind, setup, teardown),
		cmocka_unit_test(test_owners_are_for_who_may),
		cmocka_unit_test_setup_teardown(test_the_first_roles, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_start_makes_what_the_server_has_for_itself,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_start_mends_the_first_roles, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_many_ask, setup, teardown),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
