#include "kinds/kind.h"
#include "kinds/resource.h"
#include "object/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static void test_verbs(void **state)
{
	struct str s CLEANUP(str_release) = STR_INIT;

	assert_int_equal(verb_parse("watch"), VERB_WATCH);
	assert_int_equal(verb_parse("fly"), 0);
	verbs_write(VERB_WATCH | VERB_CREATE | VERB_GET, &s);
	assert_string_equal(s.s, "[\"create\",\"get\",\"watch\"]");
}

static void test_versions(void **state)
{
	static const char *const in_order[] = {"v10",	  "v2",	      "v1", "v2beta1", "v1beta10",
					       "v1beta2", "v1alpha1", "a",  "v1gamma1"};

	for (size_t i = 1; i < ARRAY_SIZE(in_order); i++) {
		assert_true(version_compare(in_order[i - 1], in_order[i]) < 0);
		assert_true(version_compare(in_order[i], in_order[i - 1]) > 0);
		assert_int_equal(version_compare(in_order[i], in_order[i]), 0);
	}
}

static void test_find(void **state)
{
	struct catalog *c CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	const struct resource *r = catalog_find(c, "apps", NULL, "deployments");

	assert_non_null(r);
	assert_string_equal(r->api_version, "apps/v1");
	assert_string_equal(r->list_kind, "DeploymentList");
	assert_true(r->namespaced);
	assert_non_null(r->type);
	assert_non_null(r->particulars);
	assert_ptr_equal(catalog_find_kind(c, "apps/v1", "Deployment"), r);
	assert_non_null(resource_subresource(r, "scale"));
	assert_null(resource_subresource(r, "log"));
	assert_null(catalog_find(c, "apps", "v2", "deployments"));
	r = catalog_find(c, "autoscaling", NULL, "horizontalpodautoscalers");
	assert_string_equal(r->version, "v2");
}

static void test_shared_storage(void **state)
{
	struct catalog *c CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	const struct resource *r = catalog_find(c, "events.k8s.io", "v1", "events");

	assert_string_equal(r->storage_group, "");
	r = catalog_find(c, "autoscaling", "v1", "horizontalpodautoscalers");
	assert_string_equal(r->storage_version, "v2");
	r = catalog_find(c, "apps", "v1", "deployments");
	assert_string_equal(r->storage_group, "apps");
}

static void test_resolve(void **state)
{
	static const struct {
		const char *name, *group, *plural;
	} table[] = {
		{"po", "", "pods"},
		{"pods", "", "pods"},
		{"Pod", "", "pods"},
		{"deploy", "apps", "deployments"},
		{"deployment.apps", "apps", "deployments"},
		{"deployments.v1.apps", "apps", "deployments"},
		{"events", "", "events"},
		{"events.events.k8s.io", "events.k8s.io", "events"},
		{"pods.v1.", "", "pods"},
		{"hpa", "autoscaling", "horizontalpodautoscalers"},
	};
	struct catalog *c CLEANUP(catalog_unref_cleanup) = catalog_builtin();

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct resource *r = catalog_resolve(c, table[i].name);

		assert_non_null(r);
		assert_string_equal(r->plural, table[i].plural);
		assert_string_equal(r->group, table[i].group);
	}
	assert_null(catalog_resolve(c, "deployments.batch"));
	assert_null(catalog_resolve(c, ""));
}

static int freed;

static void count_free(void *p)
{
	freed++;
}

static void test_custom_row(void **state)
{
	char plural[] = "migrations";
	const char *shorts[] = {"mig", NULL};
	const struct resource *r = resource_new(&(struct resource){.group = "db.company.com",
								   .version = "v1",
								   .plural = plural,
								   .singular = "migration",
								   .kind = "Migration",
								   .short_names = shorts,
								   .namespaced = true,
								   .custom = true,
								   .verbs = VERB_GET},
						count_free);
	struct catalog *c = catalog_new(&r, 1);
	struct str s CLEANUP(str_release) = STR_INIT;

	plural[0] = 'X';
	assert_string_equal(r->plural, "migrations");
	assert_ptr_equal(catalog_resolve(c, "mig"), r);
	assert_ptr_equal(catalog_resolve(c, "migrations.db.company.com"), r);
	resource_directory(r, &s);
	assert_string_equal(s.s, "migrations.db.company.com");
	catalog_add_failure(c, "metrics.k8s.io/v1: down");
	catalog_add_failure(c, "x/v1: gone");
	assert_string_equal(catalog_failures(c)[1], "x/v1: gone");
	assert_null(catalog_failures(c)[2]);
	freed = 0;
	resource_unref(r);
	assert_int_equal(freed, 0);
	catalog_unref(c);
	assert_int_equal(freed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions), cmocka_unit_test(test_verbs),
		cmocka_unit_test(test_find),	 cmocka_unit_test(test_shared_storage),
		cmocka_unit_test(test_resolve),	 cmocka_unit_test(test_custom_row),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
