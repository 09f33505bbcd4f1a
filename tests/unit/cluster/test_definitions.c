/* Definitions of custom resources, and what of them the catalog shows. */
#include "local_fixture.h"

#include "object/json.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define GROUP "example.com"

struct maker {
	struct local_fixture *f;
	char *plural;
	pthread_t thread;
};

static json_t *definition(const char *plural)
{
	char *name free_ptr = xasprintf("%s." GROUP, plural);

	return json_pack(
		"{s:s, s:s, s:{s:s}, s:{s:s, s:s, s:{s:s, s:s}, s:[{s:s, s:b, s:b, s:{s:{s:s}}}]}}",
		"apiVersion", "apiextensions.k8s.io/v1", "kind", "CustomResourceDefinition",
		"metadata", "name", name, "spec", "group", GROUP, "scope", "Namespaced", "names",
		"plural", plural, "kind", plural, "versions", "name", "v1", "served", 1, "storage",
		1, "schema", "openAPIV3Schema", "type", "object");
}

static void *run_make(void *arg)
{
	struct maker *m = arg;
	const struct resource *r = catalog_find(m->f->catalog, "apiextensions.k8s.io", "v1",
						"customresourcedefinitions");
	json_t *tree json_auto = definition(m->plural);

	cluster_create_tree(m->f->cluster, NULL, r, "", tree, NULL, NULL, NULL);
	return NULL;
}

/* Whoever makes one finds it in the catalog, also when others make theirs at the same time. */
static void test_several_at_once(void **state)
{
	enum { ROUNDS = 30, MAKERS = 4 };

	struct local_fixture f;
	struct maker makers[MAKERS];

	fixture_open(&f, NULL);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < MAKERS; i++) {
			makers[i].f = &f;
			makers[i].plural = xasprintf("k%dx%d", round, i);
			pthread_create(&makers[i].thread, NULL, run_make, &makers[i]);
		}
		for (int i = 0; i < MAKERS; i++)
			pthread_join(makers[i].thread, NULL);
		struct catalog *now CLEANUP(catalog_unref_cleanup) =
			cluster_catalog(f.cluster, NULL, NULL);

		for (int i = 0; i < MAKERS; i++) {
			assert_non_null(catalog_find(now, GROUP, "v1", makers[i].plural));
			free(makers[i].plural);
		}
	}
	fixture_close(&f);
}

#define FIELDS(list)                                                                \
	"{'spec':{'versions':[{'name':'v1','served':true,'storage':true,'schema':{" \
	"'openAPIV3Schema':{'type':'object','properties':{'spec':{'type':'object'," \
	"'properties':{" list "}}}}}}]}}"

/* Who has looked a type up before its definition changed loses nothing of its objects. */
static void test_looked_up_long_ago(void **state)
{
	static const char label[] = "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}";

	const struct resource *old;
	struct local_fixture f;
	struct error *err = NULL;
	json_t *crd json_auto = definition("things");
	json_t *changed json_auto = NULL, *thing json_auto = NULL;

	fixture_open(&f, NULL);
	assert_int_equal(cluster_create_tree(f.cluster, NULL, fixture_type(&f, "crd"), "", crd,
					     NULL, NULL, NULL),
			 0);
	changed = fixture_patch(&f, "crd", "", "things." GROUP, NULL,
				FIELDS("'one':{'type':'string'}"), &err);
	assert_non_null(changed);
	fixture_reload(&f);
	old = resource_ref(fixture_type(&f, "things"));
	json_decref(changed);
	changed = fixture_patch(&f, "crd", "", "things." GROUP, NULL,
				FIELDS("'one':{'type':'string'},'two':{'type':'string'}"), &err);
	assert_non_null(changed);
	fixture_reload(&f);
	fixture_make(&f, "things", "default",
		     "{'apiVersion':'example.com/v1','kind':'things','metadata':{'name':'a'},"
		     "'spec':{'one':'1','two':'2'}}");
	if (cluster_patch(f.cluster, NULL, old, "default", "a", NULL, PATCH_MERGE, label,
			  strlen(label), NULL, NULL, NULL, &err) < 0)
		fail_msg("%s", error_message(err));
	thing = fixture_get(&f, "things", "default", "a");
	assert_text(thing, "metadata.labels.a", "b");
	assert_text(thing, "spec.two", "2");
	resource_unref(old);
	fixture_close(&f);
}

#define SERVICES "apiservices.apiregistration.k8s.io"

static void assert_no_service(struct local_fixture *f, const char *name)
{
	struct object *o = NULL;

	assert_int_equal(
		cluster_get(f->cluster, NULL, fixture_type(f, SERVICES), "", name, &o, NULL), -1);
}

static void delete_one(struct local_fixture *f, const char *type, const char *name)
{
	const struct delete_options now = {.grace_period_s = -1};

	assert_int_equal(cluster_delete(f->cluster, NULL, fixture_type(f, type), "", name, &now,
					NULL, NULL, NULL),
			 0);
}

/* Each version of a group that is served is registered once, whoever serves it. */
static void test_registered(void **state)
{
	struct local_fixture f;
	json_t *a json_auto = definition("as"), *b json_auto = definition("bs");
	struct str text CLEANUP(str_release) = STR_INIT, other CLEANUP(str_release) = STR_INIT;
	json_t *service json_auto = NULL, *again json_auto = NULL, *after json_auto = NULL;
	json_t *foreign json_auto = NULL;

	fixture_open(&f, NULL);
	fixture_make(&f, SERVICES, "",
		     "{'metadata':{'name':'v2." GROUP "'},'spec':{'group':'" GROUP
		     "','version':'v2','groupPriorityMinimum':5,'versionPriority':5}}");
	json_write(a, &text);
	json_write(b, &other);
	fixture_make(&f, "crd", "", text.s);
	fixture_make(&f, "crd", "", other.s);
	service = fixture_get(&f, SERVICES, "", "v1." GROUP);
	assert_text(service, "metadata.labels[kube-aggregator.kubernetes.io/automanaged]", "true");
	assert_text(service, "status.conditions[0].reason", "Local");
	assert_text(service, "metadata.managedFields[0].manager", "kube-apiserver");
	assert_int_equal(json_path_int(service, "spec.groupPriorityMinimum", 0), 1000);
	/* What was changed is right again when the next definition changes. */
	json_decref(fixture_patch(&f, SERVICES, "", "v1." GROUP, NULL,
				  "{'spec':{'versionPriority':7}}", NULL));
	json_decref(fixture_patch(&f, "crd", "", "as." GROUP, NULL,
				  "{'spec':{'versions':[{'name':'v2','served':true,'storage':false,"
				  "'schema':{'openAPIV3Schema':{'type':'object'}}},{'name':'v1',"
				  "'served':true,'storage':true,'schema':{'openAPIV3Schema':{"
				  "'type':'object'}}}]}}",
				  NULL));
	again = fixture_get(&f, SERVICES, "", "v1." GROUP);
	assert_int_equal(json_path_int(again, "spec.versionPriority", 0), 100);
	foreign = fixture_get(&f, SERVICES, "", "v2." GROUP);
	assert_int_equal(json_path_int(foreign, "spec.versionPriority", 0), 5);
	json_decref(fixture_patch(&f, "crd", "", "bs." GROUP, NULL,
				  "{'spec':{'versions':[{'name':'v1','served':false,'storage':true,"
				  "'schema':{'openAPIV3Schema':{'type':'object'}}}]}}",
				  NULL));
	after = fixture_get(&f, SERVICES, "", "v1." GROUP);
	json_decref(fixture_patch(&f, "crd", "", "as." GROUP, NULL,
				  "{'spec':{'versions':[{'name':'v1','served':false,'storage':true,"
				  "'schema':{'openAPIV3Schema':{'type':'object'}}}]}}",
				  NULL));
	assert_no_service(&f, "v1." GROUP);
	json_decref(fixture_get(&f, SERVICES, "", "v2." GROUP));
	delete_one(&f, SERVICES, "v2." GROUP);
	fixture_close(&f);
}

/* Groups of Kubernetes' own are for what it has agreed to. */
static void test_approved(void **state)
{
	static const struct {
		const char *group, *says, *reason, *message;
	} rows[] = {
		{"x.k8s.io", "https://k8s.io/1", "ApprovedAnnotation",
		 "approved in https://k8s.io/1"},
		{"y.kubernetes.io", "unapproved, \"so\"", "UnapprovedAnnotation",
		 "not approved: \"unapproved, \\\"so\\\"\""},
		{"z.example.com", "https://k8s.io/1", "NoConflicts", "no conflicts found"},
	};
	struct local_fixture f;

	fixture_open(&f, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *crd json_auto = definition("as"), *made json_auto = NULL;
		char *name free_ptr = xasprintf("as.%s", rows[i].group);

		json_path_set(crd, "metadata.name", json_string(name));
		json_path_set(crd, "spec.group", json_string(rows[i].group));
		json_path_set(crd, "metadata.annotations",
			      json_pack("{s:s}", "api-approved.kubernetes.io", rows[i].says));
		assert_int_equal(cluster_create_tree(f.cluster, NULL, fixture_type(&f, "crd"), "",
						     crd, NULL, NULL, NULL),
				 0);
		made = fixture_get(&f, "crd", "", name);
		assert_text(made, "status.conditions[0].reason", rows[i].reason);
		assert_text(made, "status.conditions[0].message", rows[i].message);
	}
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looked_up_long_ago),
		cmocka_unit_test(test_several_at_once),
		cmocka_unit_test(test_registered),
		cmocka_unit_test(test_approved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
