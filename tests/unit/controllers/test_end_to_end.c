/*
 * Reconcilers, scheduler and simulated nodes together on the embedded cluster in a directory of its
 * own: the seed's Deployment from its manifest to its end. Every wait is for a state, told by
 * events; a watcher of every pod event keeps the books on Ready pods.
 */
#include "base/map.h"
#include "cluster/local.h"
#include "controllers/controllers.h"
#include "node/nodes.h"
#include "object/json.h"
#include "scheduler/scheduler.h"

#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_S 60

struct world {
	char directory[64];
	struct cluster *cluster;
	struct catalog *catalog;
	struct informers *informers;
	struct controllers *controllers;
	struct scheduler *scheduler;
	struct nodes *nodes;
	struct informer *pods;
	/* Of the watcher. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct map *ready; /* uid */
	size_t least_ready, most_pods;
	struct map *alive; /* uid of what is not being deleted */
};

static const struct resource *resource(struct world *w, const char *group, const char *plural)
{
	const struct resource *r = catalog_find(w->catalog, group, NULL, plural);

	assert_non_null(r);
	return r;
}

static bool is_ready(const struct object *pod)
{
	struct span list = object_find(pod, "status.conditions");
	json_t *all json_auto = list.p ? json_read(list.p, list.len, NULL) : NULL;
	json_t *c;
	size_t k;

	if (*pod->deletion_timestamp)
		return false;
	json_array_foreach (all, k, c)
		if (str_equal(json_path_string(c, "type"), "Ready"))
			return str_equal(json_path_string(c, "status"), "True");
	return false;
}

static void set_member(struct map *m, const char *uid, bool in, void *value)
{
	if (in)
		map_put(m, uid, value);
	else
		map_del(m, uid);
}

static void on_pod(void *arg, const struct watch_event *e)
{
	struct world *w = arg;

	if (e->type == WATCH_BOOKMARK)
		return;
	pthread_mutex_lock(&w->lock);
	set_member(w->ready, e->object->uid, e->type != WATCH_DELETED && is_ready(e->object), w);
	set_member(w->alive, e->object->uid,
		   e->type != WATCH_DELETED && !*e->object->deletion_timestamp, w);
	w->least_ready = MIN(w->least_ready, map_count(w->ready));
	w->most_pods = MAX(w->most_pods, map_count(w->alive));
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

static void on_closed(void *arg, const struct error *why)
{
	(void)arg;
	(void)why;
}

static const struct watch_handler watcher = {on_pod, on_closed};

static void must(int r, struct error *err)
{
	if (r < 0)
		fail_msg("%s", error_message(err));
}

static struct object *create(struct world *w, const char *group, const char *plural,
			     const char *namespace, const char *json)
{
	struct object *out = NULL;
	struct error *err = NULL;

	must(cluster_create(w->cluster, NULL, resource(w, group, plural), namespace, NULL, NULL,
			    json, strlen(json), NULL, &out, &err),
	     err);
	return out;
}

static void make(struct world *w, const char *group, const char *plural, const char *namespace,
		 const char *json)
{
	object_unref(create(w, group, plural, namespace, json));
}

static void patch(struct world *w, const char *group, const char *plural, const char *name,
		  const char *json)
{
	struct error *err = NULL;

	must(cluster_patch(w->cluster, NULL, resource(w, group, plural), "production", name, NULL,
			   PATCH_MERGE, json, strlen(json), NULL, NULL, NULL, &err),
	     err);
}

/* Waits until CHECK holds; it is asked again a few times a second, whatever happens. */
static void until(struct world *w, bool (*check)(struct world *w), const char *what)
{
	for (int turn = 0; turn < PATIENCE_S * 50; turn++) {
		if (check(w))
			return;
		usleep(20000);
	}
	fail_msg("not within %d s: %s", PATIENCE_S, what);
}

static size_t count(struct world *w, const char *path, const char *value)
{
	struct object_list pods CLEANUP(object_list_release) = {0};
	size_t n = 0;

	informer_list(w->pods, "production", &pods);
	for (size_t k = 0; k < pods.n; k++) {
		char *text free_ptr = object_string(pods.v[k], path);

		n += str_equal(text, value);
	}
	return n;
}

static size_t count_ready(struct world *w)
{
	size_t n;

	pthread_mutex_lock(&w->lock);
	n = map_count(w->ready);
	pthread_mutex_unlock(&w->lock);
	return n;
}

#define WAITING "status.containerStatuses[0].state.waiting"

static bool three_wait(struct world *w)
{
	return count(w, WAITING ".reason", "CreateContainerConfigError") == 3 &&
	       count(w, WAITING ".message", "secret \"db-secret\" not found") == 3;
}

static bool three_want_the_key(struct world *w)
{
	return count(w, WAITING ".message",
		     "couldn't find key url in Secret production/db-secret") == 3;
}

static bool three_run(struct world *w)
{
	return count(w, "status.phase", "Running") == 3;
}

static bool three_are_ready(struct world *w)
{
	return count_ready(w) == 3;
}

static char *deployment_text(struct world *w, const char *path)
{
	struct object *d CLEANUP(object_unref_cleanup) = NULL;
	struct error *err = NULL;

	must(cluster_get(w->cluster, NULL, resource(w, "apps", "deployments"), "production",
			 "api-server", &d, &err),
	     err);
	return object_string(d, path);
}

static int64_t deployment_int(struct world *w, const char *path)
{
	struct object *d CLEANUP(object_unref_cleanup) = NULL;
	struct error *err = NULL;

	must(cluster_get(w->cluster, NULL, resource(w, "apps", "deployments"), "production",
			 "api-server", &d, &err),
	     err);
	return object_int(d, path, 0);
}

static bool rolled_to(struct world *w, const char *image)
{
	return count(w, "spec.containers[0].image", image) == 3 && count_ready(w) == 3 &&
	       deployment_int(w, "status.updatedReplicas") == 3 &&
	       deployment_int(w, "status.availableReplicas") == 3 &&
	       deployment_int(w, "status.replicas") == 3;
}

static bool rolled_to_4(struct world *w)
{
	return rolled_to(w, "myapp/api:v1.2.4");
}

static bool rolled_to_3(struct world *w)
{
	return rolled_to(w, "myapp/api:v1.2.3");
}

static bool five_are_ready(struct world *w)
{
	return count_ready(w) == 5 && deployment_int(w, "status.availableReplicas") == 5;
}

static bool one_is_ready(struct world *w)
{
	struct object_list pods CLEANUP(object_list_release) = {0};

	informer_list(w->pods, "production", &pods);
	return pods.n == 1 && count_ready(w) == 1;
}

static bool no_pod(struct world *w)
{
	struct object_list pods CLEANUP(object_list_release) = {0};

	informer_list(w->pods, "production", &pods);
	return pods.n == 0;
}

static bool is_gone(struct world *w, const char *group, const char *plural, const char *namespace,
		    const char *name)
{
	struct error *err = NULL;
	bool gone = cluster_get(w->cluster, NULL, resource(w, group, plural), namespace, name, NULL,
				&err) < 0 &&
		    error_code(err) == E_NOT_FOUND;

	error_free(err);
	return gone;
}

static bool namespace_is_gone(struct world *w)
{
	return is_gone(w, "", "namespaces", "", "production");
}

static bool has_account(struct world *w)
{
	return !is_gone(w, "", "serviceaccounts", "production", "default");
}

static bool count_item(void *arg, const char *json, size_t len)
{
	(void)json;
	(void)len;
	++*(size_t *)arg;
	return true;
}

static size_t count_sets(struct world *w)
{
	struct list_options opt = {0};
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	struct error *err = NULL;
	size_t n = 0;

	must(cluster_list(w->cluster, NULL, resource(w, "apps", "replicasets"), "production", &opt,
			  count_item, &n, &meta, &err),
	     err);
	return n;
}

static bool no_sets(struct world *w)
{
	return count_sets(w) == 0;
}

static const char namespace_json[] =
	"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"production\"}}";
static const char secret_json[] =
	"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"db-secret\"},"
	"\"data\":{\"other\":\"eA==\"}}";
static const char deployment_json[] =
	"{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"api-server\","
	"\"namespace\":\"production\"},\"spec\":{\"replicas\":3,\"selector\":{\"matchLabels\":{"
	"\"app\":\"api-server\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":\"api-server\"}},"
	"\"spec\":{\"containers\":[{\"name\":\"api\",\"image\":\"myapp/api:v1.2.3\",\"env\":[{"
	"\"name\":\"DATABASE_URL\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"db-secret\",\"key\":"
	"\"url\"}}}],\"resources\":{\"requests\":{\"memory\":\"256Mi\",\"cpu\":\"250m\"}},"
	"\"readinessProbe\":{\"httpGet\":{\"path\":\"/ready\",\"port\":8080},"
	"\"initialDelaySeconds\":1}}]}}}}";

static void start(struct world *w)
{
	struct nodes_options opt = {.count = 3};
	struct error *err = NULL;

	w->controllers = controllers_start(w->informers, NULL, NULL, &err);
	if (w->controllers)
		w->scheduler = scheduler_start(w->informers, NULL, &err);
	if (w->scheduler)
		w->nodes = nodes_start(w->informers, &opt, NULL, &err);
	if (!w->nodes)
		fail_msg("%s", error_message(err));
	local_set_streamer(w->cluster, nodes_streamer(), w->nodes);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	char *spec free_ptr = NULL;
	struct error *err = NULL;

	snprintf(w->directory, sizeof(w->directory), "%s/kubefs-e2e-XXXXXX",
		 getenv("TMPDIR") && strlen(getenv("TMPDIR")) < 32 ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(w->directory));
	spec = xasprintf("local:%s", w->directory);
	w->cluster = cluster_open(spec, NULL, &err);
	if (!w->cluster)
		fail_msg("%s", error_message(err));
	w->catalog = cluster_catalog(w->cluster, NULL, NULL);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->ready = map_new();
	w->alive = map_new();
	w->informers = informers_new(w->cluster, NULL);
	w->pods = informers_get(w->informers, resource(w, "", "pods"), "");
	start(w);
	*state = w;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct world *w = *state;

	local_set_streamer(w->cluster, NULL, NULL);
	nodes_stop(w->nodes);
	scheduler_stop(w->scheduler);
	controllers_stop(w->controllers);
	informer_put(w->pods);
	informers_free(w->informers);
	catalog_unref(w->catalog);
	cluster_close(w->cluster);
	map_free(w->ready, NULL);
	map_free(w->alive, NULL);
	nftw(w->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

static void begin_books(struct world *w)
{
	pthread_mutex_lock(&w->lock);
	w->least_ready = map_count(w->ready);
	w->most_pods = map_count(w->alive);
	pthread_mutex_unlock(&w->lock);
}

static void check_books(struct world *w, size_t least, size_t most)
{
	size_t ready, pods;

	pthread_mutex_lock(&w->lock);
	ready = w->least_ready;
	pods = w->most_pods;
	pthread_mutex_unlock(&w->lock);
	assert_in_range(ready, least, 100);
	assert_in_range(pods, 1, most);
}

struct reading {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	struct str text;
	bool over;
};

static bool on_data(void *arg, const char *bytes, size_t len)
{
	struct reading *r = arg;

	str_add(&r->text, bytes, len);
	return true;
}

static void on_end(void *arg, const struct error *why)
{
	struct reading *r = arg;

	(void)why;
	pthread_mutex_lock(&r->lock);
	r->over = true;
	pthread_cond_broadcast(&r->ended);
	pthread_mutex_unlock(&r->lock);
}

static const struct stream_handler reader = {on_data, on_end};

static void check_logs(struct world *w, const char *image)
{
	struct object_list pods CLEANUP(object_list_release) = {0};

	informer_list(w->pods, "production", &pods);
	for (size_t k = 0; k < pods.n; k++) {
		struct reading r = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, STR_INIT,
				    false};
		struct error *err = NULL;
		struct stream *s;

		if (*pods.v[k]->deletion_timestamp)
			continue;
		s = cluster_stream(w->cluster, NULL, resource(w, "", "pods"), "production",
				   pods.v[k]->name, "log", "container=api", &reader, &r, &err);

		if (!s)
			fail_msg("%s", error_message(err));
		pthread_mutex_lock(&r.lock);
		while (!r.over)
			pthread_cond_wait(&r.ended, &r.lock);
		pthread_mutex_unlock(&r.lock);
		stream_stop(s);
		assert_non_null(strstr(r.text.s, image));
		assert_true(strchr(r.text.s, '\n') > strstr(r.text.s, image));
		str_release(&r.text);
	}
}

static void test_seed_deployment(void **state)
{
	struct world *w = *state;
	struct watch_options opt = {0};
	struct delete_options background = {.grace_period_s = -1};
	struct error *err = NULL;
	struct watch *watch;
	char *revision;

	watch = cluster_watch(w->cluster, NULL, resource(w, "", "pods"), "", &opt, &watcher, w,
			      &err);
	if (!watch)
		fail_msg("%s", error_message(err));
	make(w, "", "namespaces", "", namespace_json);
	until(w, has_account, "ServiceAccount default");
	make(w, "apps", "deployments", "production", deployment_json);
	until(w, three_wait, "three pods wait for their Secret");
	make(w, "", "secrets", "production", secret_json);
	until(w, three_want_the_key, "the key is missed");
	patch(w, "", "secrets", "db-secret", "{\"stringData\":{\"url\":\"x\"}}");
	until(w, three_run, "three pods run");
	until(w, three_are_ready, "three pods are ready");

	begin_books(w);
	patch(w, "apps", "deployments", "api-server",
	      "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"api\",\"image\":"
	      "\"myapp/api:v1.2.4\",\"readinessProbe\":{\"httpGet\":{\"path\":\"/ready\",\"port\":"
	      "8080},\"initialDelaySeconds\":1}}]}}}}");
	until(w, rolled_to_4, "rollout to v1.2.4");
	check_books(w, 3, 4);
	check_logs(w, "myapp/api:v1.2.4");
	revision = deployment_text(w, "metadata.annotations[deployment.kubernetes.io/revision]");
	assert_string_equal(revision, "2");
	free(revision);

	/* Back to the first template: its ReplicaSet is found again. */
	begin_books(w);
	patch(w, "apps", "deployments", "api-server",
	      "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"api\",\"image\":"
	      "\"myapp/api:v1.2.3\",\"env\":[{\"name\":\"DATABASE_URL\",\"valueFrom\":{"
	      "\"secretKeyRef\":{\"name\":\"db-secret\",\"key\":\"url\"}}}],\"resources\":{"
	      "\"requests\":{\"memory\":\"256Mi\",\"cpu\":\"250m\"}},\"readinessProbe\":{"
	      "\"httpGet\":{\"path\":\"/ready\",\"port\":8080},\"initialDelaySeconds\":1}}]}}}}");
	until(w, rolled_to_3, "rollback to v1.2.3");
	check_books(w, 3, 4);
	assert_int_equal(count_sets(w), 2);

	patch(w, "apps", "deployments", "api-server", "{\"spec\":{\"replicas\":5}}");
	until(w, five_are_ready, "scaled to 5");
	patch(w, "apps", "deployments", "api-server", "{\"spec\":{\"replicas\":1}}");
	until(w, one_is_ready, "scaled to 1");

	must(cluster_delete(w->cluster, NULL, resource(w, "apps", "deployments"), "production",
			    "api-server", &background, NULL, NULL, &err),
	     err);
	until(w, no_pod, "the pods follow their Deployment");
	until(w, no_sets, "the ReplicaSets follow their Deployment");

	make(w, "apps", "deployments", "production", deployment_json);
	until(w, three_are_ready, "three pods again");
	must(cluster_delete(w->cluster, NULL, resource(w, "", "namespaces"), "", "production",
			    &background, NULL, NULL, &err),
	     err);
	until(w, namespace_is_gone, "the namespace empties and goes");
	assert_true(no_pod(w));
	watch_stop(watch);
}

static const char definition_json[] =
	"{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\","
	"\"metadata\":{\"name\":\"widgets.example.com\"},\"spec\":{\"group\":\"example.com\","
	"\"scope\":\"Namespaced\",\"names\":{\"plural\":\"widgets\",\"kind\":\"Widget\"},"
	"\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":{"
	"\"openAPIV3Schema\":{\"type\":\"object\"}}}]}}";

static void read_catalog(struct world *w)
{
	catalog_unref(w->catalog);
	w->catalog = cluster_catalog(w->cluster, NULL, NULL);
	assert_non_null(w->catalog);
}

static bool settings_are_gone(struct world *w)
{
	return is_gone(w, "", "configmaps", "production", "settings");
}

/* A widget and the ConfigMap "settings" that it owns. */
static void make_widget(struct world *w, const char *name)
{
	char *widget free_ptr = xasprintf("{\"apiVersion\":\"example.com/v1\",\"kind\":\"Widget\","
					  "\"metadata\":{\"name\":\"%s\"}}",
					  name);
	struct object *owner CLEANUP(object_unref_cleanup) =
		create(w, "example.com", "widgets", "production", widget);
	char *settings free_ptr =
		xasprintf("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
			  "\"settings\",\"ownerReferences\":[{\"apiVersion\":\"example.com/v1\","
			  "\"kind\":\"Widget\",\"name\":\"%s\",\"uid\":\"%s\"}]}}",
			  name, owner->uid);

	make(w, "", "configmaps", "production", settings);
}

/* The collector hears from the same informer: of what nobody saw nobody can tell that it went. */
static void await_widget(struct world *w, const char *name)
{
	struct informer *i = informers_get(w->informers, resource(w, "example.com", "widgets"), "");
	struct object *o = NULL;

	for (int turn = 0; turn < PATIENCE_S * 50 && !o; turn++) {
		usleep(20000);
		o = informer_get(i, "production", name);
	}
	assert_non_null(o);
	object_unref(o);
	informer_put(i);
}

static void remove_object(struct world *w, const char *group, const char *plural,
			  const char *namespace, const char *name)
{
	struct delete_options background = {.grace_period_s = -1};
	struct error *err = NULL;

	must(cluster_delete(w->cluster, NULL, resource(w, group, plural), namespace, name,
			    &background, NULL, NULL, &err),
	     err);
}

static bool second_is_gone(struct world *w)
{
	return is_gone(w, "example.com", "widgets", "production", "second");
}

static bool definition_is_gone(struct world *w)
{
	return is_gone(w, "apiextensions.k8s.io", "customresourcedefinitions", "",
		       "widgets.example.com");
}

/* What objects own goes with the definition that takes the objects along. */
static void test_definition_and_what_its_objects_own(void **state)
{
	struct world *w = *state;

	make(w, "", "namespaces", "", namespace_json);
	for (int round = 0; round < 10; round++) {
		make(w, "apiextensions.k8s.io", "customresourcedefinitions", "", definition_json);
		read_catalog(w);
		make_widget(w, "first");
		remove_object(w, "example.com", "widgets", "production", "first");
		until(w, settings_are_gone, "what a widget owns goes with it");
		make_widget(w, "second");
		await_widget(w, "second");
		remove_object(w, "apiextensions.k8s.io", "customresourcedefinitions", "",
			      "widgets.example.com");
		until(w, settings_are_gone, "what a widget owns goes with its definition");
		until(w, definition_is_gone, "the definition goes after its objects");
	}
}

static void keep_widget(struct world *w, const char *finalizers)
{
	char *patch free_ptr = xasprintf("{\"metadata\":{\"finalizers\":%s}}", finalizers);
	struct error *err = NULL;

	must(cluster_patch(w->cluster, NULL, resource(w, "example.com", "widgets"), "production",
			   "first", NULL, PATCH_MERGE, patch, strlen(patch), NULL, NULL, NULL,
			   &err),
	     err);
}

/* An object that somebody keeps keeps its namespace, its definition and what it owns. */
static void test_definition_and_namespace_wait(void **state)
{
	struct world *w = *state;

	make(w, "", "namespaces", "", namespace_json);
	make(w, "apiextensions.k8s.io", "customresourcedefinitions", "", definition_json);
	read_catalog(w);
	make_widget(w, "first");
	keep_widget(w, "[\"example.com/keep\"]");
	make(w, "example.com", "widgets", "production",
	     "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Widget\",\"metadata\":{"
	     "\"name\":\"second\"}}");
	await_widget(w, "first");
	remove_object(w, "apiextensions.k8s.io", "customresourcedefinitions", "",
		      "widgets.example.com");
	remove_object(w, "", "namespaces", "", "production");
	until(w, second_is_gone, "what nobody keeps goes");
	assert_false(definition_is_gone(w));
	assert_false(namespace_is_gone(w));
	keep_widget(w, "null");
	until(w, definition_is_gone, "the definition goes after its objects");
	until(w, namespace_is_gone, "the namespace goes after its objects");
}

static void serve_widgets(struct world *w, bool served)
{
	char *json free_ptr = xasprintf("[{\"op\":\"replace\",\"path\":\"/spec/versions/0/served\","
					"\"value\":%s}]",
					served ? "true" : "false");
	struct error *err = NULL;

	must(cluster_patch(w->cluster, NULL,
			   resource(w, "apiextensions.k8s.io", "customresourcedefinitions"), NULL,
			   "widgets.example.com", NULL, PATCH_JSON, json, strlen(json), NULL, NULL,
			   NULL, &err),
	     err);
}

static void on_state(void *arg)
{
	_Atomic unsigned *states = arg;

	++*states;
}

/* Not even when it is served again is a widget taken for gone that was not shown for a while. */
static void test_definition_not_served(void **state)
{
	static const struct informer_handler told = {.state = on_state};
	struct world *w = *state;
	_Atomic unsigned states = 0;
	struct informer *i;

	make(w, "", "namespaces", "", namespace_json);
	make(w, "apiextensions.k8s.io", "customresourcedefinitions", "", definition_json);
	read_catalog(w);
	make_widget(w, "first");
	await_widget(w, "first");
	i = informers_get(w->informers, resource(w, "example.com", "widgets"), "");
	informer_add_handler(i, &told, (void *)&states);
	serve_widgets(w, false);
	while (states < 1)
		sched_yield();
	serve_widgets(w, true);
	while (states < 2)
		sched_yield();
	informer_remove_handler(i, &told, (void *)&states);
	informer_put(i);
	await_widget(w, "first");
	assert_false(settings_are_gone(w));
	remove_object(w, "example.com", "widgets", "production", "first");
	until(w, settings_are_gone, "what a widget owns goes with it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_definition_and_what_its_objects_own, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_definition_and_namespace_wait, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_definition_not_served, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seed_deployment, setup, teardown),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
