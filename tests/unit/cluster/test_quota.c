/* ResourceQuota: what is charged and refused, also when many write at once. */
#include "local_fixture.h"

#include "base/str.h"
#include "object/json.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WRITERS 8
#define ATTEMPTS 1250 /* of each */
#define LIMIT 100

#define POD(name, resources, rest)                                                       \
	"{'metadata':{'name':'" name "'},'spec':{'containers':[{'name':'c','image':'i'," \
	"'resources':{" resources "}}]" rest "}}"

static struct local_fixture f;

static int setup(void **state)
{
	fixture_open(&f, NULL);
	fixture_make(&f, "namespaces", "", "{'metadata':{'name':'n'}}");
	fixture_make(&f, "serviceaccounts", "n", "{'metadata':{'name':'default'}}");
	return 0;
}

static int teardown(void **state)
{
	fixture_close(&f);
	return 0;
}

/* A quota as its controller leaves it: SPEC is what is beside the limits. */
static void make_quota(const char *name, const char *hard, const char *used, const char *spec)
{
	char *quota free_ptr =
		xasprintf("{'metadata':{'name':'%s'},'spec':{'hard':{%s}%s}}", name, hard, spec);
	char *status free_ptr = xasprintf("{'status':{'hard':{%s},'used':{%s}}}", hard, used);
	struct error *err = NULL;
	json_t *tree json_auto = NULL;

	fixture_make(&f, "resourcequotas", "n", quota);
	tree = fixture_patch(&f, "resourcequotas", "n", name, "status", status, &err);
	if (!tree)
		fail_msg("%s", error_message(err));
}

static void assert_used(const char *quota, const char *name, const char *want)
{
	json_t *tree json_auto = fixture_get(&f, "resourcequotas", "n", quota);

	assert_string_equal(
		json_string_value(json_object_get(json_path(tree, "status.used"), name)), want);
}

static void test_compute(void **state)
{
	make_quota("q", "'requests.cpu':'1','limits.memory':'1Gi','pods':'5'",
		   "'requests.cpu':'0','limits.memory':'0','pods':'0'", "");
	fixture_refused(&f, "pods", "n", POD("a", "", ""),
			"pods \"a\" is forbidden: failed quota: q: must specify limits.memory for: "
			"c; requests.cpu for: c");
	fixture_make(&f, "pods", "n",
		     POD("b", "'requests':{'cpu':'600m'},'limits':{'memory':'100Mi'}", ""));
	assert_used("q", "requests.cpu", "600m");
	assert_used("q", "limits.memory", "100Mi");
	assert_used("q", "pods", "1");
	fixture_refused(&f, "pods", "n",
			POD("d", "'requests':{'cpu':'600m'},'limits':{'memory':'2Gi'}", ""),
			"pods \"d\" is forbidden: exceeded quota: q, requested: "
			"limits.memory=2Gi,requests.cpu=600m, used: "
			"limits.memory=100Mi,requests.cpu=600m, limited: "
			"limits.memory=1Gi,requests.cpu=1");
	assert_used("q", "pods", "1");
}

/* An init container runs alone, a sidecar beside all that follows; overhead is counted too. */
static void test_pod_sums(void **state)
{
	make_quota("q", "'requests.cpu':'10'", "'requests.cpu':'0'", "");
	fixture_make(&f, "runtimeclasses", "",
		     "{'metadata':{'name':'vm'},'handler':'vm','overhead':{'podFixed':{'cpu':"
		     "'250m'}}}");
	fixture_make(&f, "pods", "n",
		     "{'metadata':{'name':'a'},'spec':{'runtimeClassName':'vm','initContainers':["
		     "{'name':'s','image':'i','restartPolicy':'Always','resources':{'requests':{"
		     "'cpu':'1'}}},"
		     "{'name':'i','image':'i','resources':{'requests':{'cpu':'3'}}}],"
		     "'containers':[{'name':'c','image':'i','resources':{'requests':{'cpu':'1'}}},"
		     "{'name':'d','image':'i','resources':{'requests':{'cpu':'500m'}}}]}}");
	assert_used("q", "requests.cpu", "4250m");
}

static void test_counts(void **state)
{
	make_quota("q", "'count/deployments.apps':'1','secrets':'0','services.nodeports':'2'",
		   "'count/deployments.apps':'0','secrets':'0','services.nodeports':'0'", "");
	fixture_make(&f, "deployments", "n",
		     "{'metadata':{'name':'d'},'spec':{'selector':{'matchLabels':{'a':'b'}},"
		     "'template':{'metadata':{'labels':{'a':'b'}},'spec':{'containers':[{"
		     "'name':'c','image':'i'}]}}}}");
	assert_used("q", "count/deployments.apps", "1");
	fixture_refused(&f, "secrets", "n", "{'metadata':{'name':'s'}}",
			"secrets \"s\" is forbidden: exceeded quota: q, requested: secrets=1, "
			"used: secrets=0, limited: secrets=0");
	fixture_make(&f, "services", "n",
		     "{'metadata':{'name':'s'},'spec':{'type':'ClusterIP','ports':[{'name':'a',"
		     "'port':80},{'name':'b','port':81}]}}");
	assert_used("q", "services.nodeports", "0");
	/* A change of type is charged with what it adds. */
	json_decref(fixture_patch(&f, "services", "n", "s", NULL, "{'spec':{'type':'NodePort'}}",
				  NULL));
	assert_used("q", "services.nodeports", "2");
}

static void test_storage(void **state)
{
	static const char gold[] = "gold.storageclass.storage.k8s.io/requests.storage";

	make_quota("q",
		   "'requests.storage':'10Gi',"
		   "'gold.storageclass.storage.k8s.io/requests.storage':'3Gi'",
		   "'requests.storage':'0',"
		   "'gold.storageclass.storage.k8s.io/requests.storage':'0'",
		   "");
	fixture_make(&f, "persistentvolumeclaims", "n",
		     "{'metadata':{'name':'a'},'spec':{'storageClassName':'gold','accessModes':["
		     "'ReadWriteOnce'],'resources':{'requests':{'storage':'2Gi'}}}}");
	fixture_refused(&f, "persistentvolumeclaims", "n",
			"{'metadata':{'name':'b'},'spec':{'storageClassName':'gold','accessModes':["
			"'ReadWriteOnce'],'resources':{'requests':{'storage':'2Gi'}}}}",
			"persistentvolumeclaims \"b\" is forbidden: exceeded quota: q, requested: "
			"gold.storageclass.storage.k8s.io/requests.storage=2Gi, used: "
			"gold.storageclass.storage.k8s.io/requests.storage=2Gi, limited: "
			"gold.storageclass.storage.k8s.io/requests.storage=3Gi");
	fixture_make(&f, "persistentvolumeclaims", "n",
		     "{'metadata':{'name':'c'},'spec':{'storageClassName':'tin','accessModes':["
		     "'ReadWriteOnce'],'resources':{'requests':{'storage':'2Gi'}}}}");
	assert_used("q", "requests.storage", "4Gi");
	assert_used("q", gold, "2Gi");
}

static void test_scopes(void **state)
{
	make_quota("best", "'pods':'1'", "'pods':'0'", ",'scopes':['BestEffort']");
	make_quota("ending", "'pods':'0'", "'pods':'0'", ",'scopes':['Terminating']");
	make_quota("high", "'pods':'0'", "'pods':'0'",
		   ",'scopeSelector':{'matchExpressions':[{'scopeName':'PriorityClass',"
		   "'operator':'In','values':['high']}]}");
	fixture_make(&f, "priorityclasses", "", "{'metadata':{'name':'high'},'value':9}");
	fixture_make(&f, "pods", "n", POD("a", "", ""));
	assert_used("best", "pods", "1");
	fixture_make(&f, "pods", "n", POD("b", "'requests':{'cpu':'1'}", ""));
	assert_used("best", "pods", "1");
	fixture_refused(&f, "pods", "n",
			POD("d", "'requests':{'cpu':'1'}", ",'activeDeadlineSeconds':5"),
			"pods \"d\" is forbidden: exceeded quota: ending, requested: pods=1, used: "
			"pods=0, limited: pods=0");
	fixture_refused(&f, "pods", "n",
			POD("e", "'requests':{'cpu':'1'}", ",'priorityClassName':'high'"),
			"pods \"e\" is forbidden: exceeded quota: high, requested: pods=1, used: "
			"pods=0, limited: pods=0");
}

/* A limit that nobody has counted yet is not enforced; one without a count is refused. */
static void test_uncounted(void **state)
{
	fixture_make(&f, "resourcequotas", "n",
		     "{'metadata':{'name':'new'},'spec':{'hard':{'configmaps':'0'}}}");
	fixture_make(&f, "configmaps", "n", "{'metadata':{'name':'a'}}");
	json_decref(fixture_patch(&f, "resourcequotas", "n", "new", "status",
				  "{'status':{'hard':{'configmaps':'5'}}}", NULL));
	fixture_refused(&f, "configmaps", "n", "{'metadata':{'name':'b'}}",
			"configmaps \"b\" is forbidden: status unknown for quota: new, resources: "
			"configmaps");
}

/* What fails, or is only tried, costs nothing. */
static void test_failure_is_free(void **state)
{
	const struct write_options dry = {.dry_run = true};
	static const char json[] = "{\"metadata\":{\"name\":\"c\"}}";

	make_quota("q", "'configmaps':'9'", "'configmaps':'0'", "");
	fixture_make(&f, "configmaps", "n", "{'metadata':{'name':'a'}}");
	fixture_refused(&f, "configmaps", "n", "{'metadata':{'name':'a'}}",
			"configmaps \"a\" already exists");
	assert_int_equal(cluster_create(f.cluster, NULL, fixture_type(&f, "cm"), "n", NULL, NULL,
					json, strlen(json), &dry, NULL, NULL),
			 0);
	assert_used("q", "configmaps", "1");
}

struct writer {
	pthread_t thread;
	unsigned number;
	unsigned made;
};

static _Atomic unsigned wrong;

static void *write_many(void *arg)
{
	struct writer *w = arg;

	for (unsigned i = 0; i < ATTEMPTS; i++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		char *json free_ptr =
			xasprintf("{\"metadata\":{\"name\":\"m-%u-%u\"}}", w->number, i);

		if (cluster_create(f.cluster, NULL, fixture_type(&f, "cm"), "n", NULL, NULL, json,
				   strlen(json), NULL, NULL, &err) == 0)
			w->made++;
		else if (error_code(err) != E_FORBIDDEN)
			wrong++;
	}
	return NULL;
}

static bool count_one(void *arg, const char *json, size_t len)
{
	++*(unsigned *)arg;
	return true;
}

static void test_many_writers(void **state)
{
	struct writer writers[WRITERS] = {0};
	struct list_options opt = {0};
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	unsigned made = 0, there = 0;

	make_quota("q", "'configmaps':'100'", "'configmaps':'0'", "");
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i].number = i;
		assert_int_equal(pthread_create(&writers[i].thread, NULL, write_many, &writers[i]),
				 0);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		pthread_join(writers[i].thread, NULL);
		made += writers[i].made;
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(made, LIMIT);
	assert_int_equal(cluster_list(f.cluster, NULL, fixture_type(&f, "cm"), "n", &opt, count_one,
				      &there, &meta, NULL),
			 0);
	assert_int_equal(there, LIMIT);
	assert_used("q", "configmaps", "100");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_compute),	    TEST(test_pod_sums),     TEST(test_counts),
		TEST(test_storage),	    TEST(test_scopes),	     TEST(test_uncounted),
		TEST(test_failure_is_free), TEST(test_many_writers),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
