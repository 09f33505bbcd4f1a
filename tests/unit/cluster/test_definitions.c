/* Definitions of custom resources, and what of them the catalog shows. */
#include "local_fixture.h"

#include "object/json.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_several_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
