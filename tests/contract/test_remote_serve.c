/*
 * The remote cluster against this program's own endpoint, over HTTP/2: what one writes the other
 * reads. Behind the endpoint is the fake cluster, whose behaviour the unit tests know.
 */
#include "cluster/cluster.h"
#include "cluster/fake.h"
#include "object/json.h"
#include "serve/serve.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct both {
	char directory[64];
	struct cluster *fake, *remote;
	struct serve *serve;
	struct catalog *catalog;
	const struct resource *configmaps;
};

static int start(void **state)
{
	struct both *b = xcalloc(1, sizeof(*b));
	struct serve_options opt = {.listen = "127.0.0.1:0", .dir = b->directory};
	struct cluster_config config = {0};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	char *kubeconfig free_ptr = NULL;

	object_init();
	signal(SIGPIPE, SIG_IGN);
	alarm(120);
	snprintf(b->directory, sizeof(b->directory), "/tmp/kubefs-remote-serve-XXXXXX");
	assert_non_null(mkdtemp(b->directory));
	b->fake = cluster_open("fake:", NULL, &err);
	b->serve = serve_start(b->fake, &opt, &err);
	assert_string_equal(error_message(err), "");
	config.kubeconfig = kubeconfig = xasprintf("%s/kubeconfig", b->directory);
	b->remote = cluster_open("remote:", &config, &err);
	assert_string_equal(error_message(err), "");
	b->catalog = cluster_catalog(b->remote, NULL, &err);
	assert_string_equal(error_message(err), "");
	b->configmaps = catalog_find(b->catalog, "", NULL, "configmaps");
	*state = b;
	return b->configmaps ? 0 : -1;
}

static int stop(void **state)
{
	static const char *const names[] = {"kubeconfig",
					    "pki/ca.crt",
					    "pki/ca.key",
					    "pki/server.crt",
					    "pki/server.key",
					    "pki/client.crt",
					    "pki/client.key",
					    "pki/admin.crt",
					    "pki/admin.key",
					    "pki",
					    ""};
	struct both *b = *state;

	catalog_unref(b->catalog);
	cluster_close(b->remote);
	serve_stop(b->serve);
	cluster_close(b->fake);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *path free_ptr = xasprintf("%s/%s", b->directory, names[i]);

		remove(path);
	}
	free(b);
	return 0;
}

/* Every type of the cluster behind the endpoint arrives as it is. */
static void catalogs_are_the_same(void **state)
{
	struct both *b = *state;
	struct catalog *behind CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(b->fake, NULL, NULL);

	assert_int_equal(catalog_count(b->catalog), catalog_count(behind));
	assert_null(catalog_failures(b->catalog)[0]);
	for (size_t i = 0; i < catalog_count(behind); i++) {
		const struct resource *want = catalog_at(behind, i);
		const struct resource *got =
			catalog_find(b->catalog, want->group, want->version, want->plural);

		assert_non_null(got);
		assert_string_equal(got->kind, want->kind);
		assert_string_equal(got->singular, want->singular);
		assert_int_equal(got->verbs, want->verbs);
		assert_int_equal(got->namespaced, want->namespaced);
		assert_int_equal(got->n_subresources, want->n_subresources);
		assert_string_equal(got->storage_version, want->storage_version);
		assert_string_equal(got->storage_group, want->storage_group);
		assert_ptr_equal(got->type, want->type);
	}
}

static struct object *create(struct both *b, const char *name, const char *value)
{
	json_t *tree json_auto =
		json_pack("{s:s, s:s, s:{s:s}, s:{s:s}}", "apiVersion", "v1", "kind", "ConfigMap",
			  "metadata", "name", name, "data", "k", value);
	struct error *err = NULL;
	struct object *o = NULL;

	cluster_create_tree(b->remote, NULL, b->configmaps, "default", tree, NULL, &o, &err);
	assert_string_equal(error_message(err), "");
	return o;
}

static bool count_item(void *arg, const char *json, size_t len)
{
	++*(size_t *)arg;
	return true;
}

static void objects_go_and_come(void **state)
{
	struct both *b = *state;
	struct object *made CLEANUP(object_unref_cleanup) = create(b, "a", "1");
	struct object *got CLEANUP(object_unref_cleanup) = NULL;
	struct object *behind CLEANUP(object_unref_cleanup) = NULL;
	struct error *exists CLEANUP(error_free_cleanup) = NULL;
	struct error *missing CLEANUP(error_free_cleanup) = NULL;
	bool gone = false;

	assert_int_equal(cluster_get(b->remote, NULL, b->configmaps, "default", "a", &got, NULL),
			 0);
	assert_int_equal(cluster_get(b->fake, NULL, b->configmaps, "default", "a", &behind, NULL),
			 0);
	assert_string_equal(got->json, made->json);
	assert_string_equal(got->json, behind->json);
	assert_int_equal(cluster_create(b->remote, NULL, b->configmaps, "default", NULL, NULL,
					got->json, got->len, NULL, NULL, &exists),
			 -1);
	object_unref(steal(&got));
	assert_int_equal(cluster_patch(b->remote, NULL, b->configmaps, "default", "a", NULL,
				       PATCH_MERGE, "{\"data\":{\"k\":\"2\"}}", 18, NULL, &got,
				       NULL, NULL),
			 0);
	assert_true(got->revision > made->revision);
	assert_int_equal(cluster_delete(b->remote, NULL, b->configmaps, "default", "a", NULL, NULL,
					&gone, NULL),
			 0);
	assert_true(gone);
	assert_int_equal(
		cluster_get(b->remote, NULL, b->configmaps, "default", "a", NULL, &missing), -1);
	assert_int_equal(error_code(missing), E_NOT_FOUND);
}

/* More than a page, and all of them in order. */
static void a_list_of_many(void **state)
{
	struct both *b = *state;
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	size_t n = 0;

	for (int i = 0; i < 600; i++) {
		char name[16];

		snprintf(name, sizeof(name), "m%03d", i);
		object_unref(create(b, name, "x"));
	}
	assert_int_equal(cluster_list(b->remote, NULL, b->configmaps, "default", NULL, count_item,
				      &n, &meta, NULL),
			 0);
	assert_int_equal(n, 600);
	assert_true(strtoull(meta.resource_version, NULL, 10) > 0);
}

struct seen {
	pthread_mutex_t lock;
	pthread_cond_t news;
	size_t n[4];
	bool closed;
};

static void on_event(void *arg, const struct watch_event *e)
{
	struct seen *s = arg;

	pthread_mutex_lock(&s->lock);
	s->n[e->type]++;
	pthread_cond_signal(&s->news);
	pthread_mutex_unlock(&s->lock);
}

static void on_closed(void *arg, const struct error *why)
{
	struct seen *s = arg;

	pthread_mutex_lock(&s->lock);
	s->closed = true;
	pthread_cond_signal(&s->news);
	pthread_mutex_unlock(&s->lock);
}

#define WATCHES 150

/* More watches than HTTP/2 takes on one connection by default, all live, and requests beside them.
 */
static void many_watches_at_once(void **state)
{
	static const struct watch_handler handler = {on_event, on_closed};
	struct both *b = *state;
	struct object *first CLEANUP(object_unref_cleanup) = create(b, "w", "1");
	struct watch_options opt = {.resource_version = first->resource_version};
	struct seen s = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};
	struct watch *watches[WATCHES];

	for (size_t i = 0; i < WATCHES; i++) {
		watches[i] = cluster_watch(b->remote, NULL, b->configmaps, "default", &opt,
					   &handler, &s, NULL);
		assert_non_null(watches[i]);
	}
	object_unref(create(b, "w2", "2"));
	cluster_delete(b->remote, NULL, b->configmaps, "default", "w", NULL, NULL, NULL, NULL);
	pthread_mutex_lock(&s.lock);
	while (!s.closed && (s.n[WATCH_ADDED] < WATCHES || s.n[WATCH_DELETED] < WATCHES))
		pthread_cond_wait(&s.news, &s.lock);
	pthread_mutex_unlock(&s.lock);
	for (size_t i = 0; i < WATCHES; i++)
		watch_stop(watches[i]);
	assert_false(s.closed);
	assert_int_equal(s.n[WATCH_ADDED], WATCHES);
	assert_int_equal(s.n[WATCH_DELETED], WATCHES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(catalogs_are_the_same),
		cmocka_unit_test(objects_go_and_come),
		cmocka_unit_test(a_list_of_many),
		cmocka_unit_test(many_watches_at_once),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
