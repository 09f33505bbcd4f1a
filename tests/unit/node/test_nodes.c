/* Simulated nodes on the fake cluster, with time moved by hand. */
#include "node/nodes.h"

#include "base/clock.h"
#include "base/str.h"
#include "cluster/fake.h"
#include "object/json.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct world {
	struct cluster *cluster;
	struct clock *clock;
	struct catalog *catalog;
	struct informers *informers;
	struct nodes *nodes;
};

static const struct resource *pods_of(struct world *w)
{
	return catalog_find(w->catalog, "", "v1", "pods");
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct nodes_options opt = {.count = 1};
	struct cluster_config config = {0};
	struct error *err = NULL;

	w->clock = clock_fake_new(1700000000LL * NS_PER_S);
	config.clock = w->clock;
	w->cluster = cluster_open("fake:", &config, NULL);
	assert_non_null(w->cluster);
	w->catalog = cluster_catalog(w->cluster, NULL, NULL);
	w->informers = informers_new(w->cluster, w->clock);
	w->nodes = nodes_start(w->informers, &opt, w->clock, &err);
	if (!w->nodes)
		fail_msg("%s", error_message(err));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	nodes_stop(w->nodes);
	informers_free(w->informers);
	catalog_unref(w->catalog);
	cluster_close(w->cluster);
	clock_fake_free(w->clock);
	free(w);
	return 0;
}

static void make(struct world *w, const char *plural, const char *json)
{
	struct error *err = NULL;

	if (cluster_create(w->cluster, NULL, catalog_find(w->catalog, "", "v1", plural), "d", NULL,
			   NULL, json, strlen(json), NULL, NULL, &err) < 0)
		fail_msg("%s", error_message(err));
}

static struct object *pod(struct world *w)
{
	struct object *out = NULL;

	cluster_get(w->cluster, NULL, pods_of(w), "d", "p", &out, NULL);
	return out;
}

#define PATIENCE_S 120 /* of the real time that the nodes may take */
#define STEP_NS (NS_PER_S / 10)

/*
 * Waits until the string at PATH of the pod is VALUE; time moves on meanwhile, but by no more than
 * SECONDS: a state that has an end is still there when the nodes are late.
 */
static void until(struct world *w, const char *path, const char *value, int seconds)
{
	int64_t give_up = clock_mono(clock_system()) + PATIENCE_S * NS_PER_S;

	for (int64_t moved = 0; clock_mono(clock_system()) < give_up; sched_yield()) {
		struct object *o CLEANUP(object_unref_cleanup) = pod(w);
		char *text free_ptr = o ? object_string(o, path) : NULL;

		if (str_equal(text, value))
			return;
		if (moved < seconds * NS_PER_S) {
			clock_fake_advance(w->clock, STEP_NS);
			moved += STEP_NS;
		}
	}
	fail_msg("%s is not %s", path, value);
}

#define POD(annotations, spec)                                                                \
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":" \
	"\"d\","                                                                              \
	"\"annotations\":{" annotations "}},\"spec\":{\"nodeName\":\"node-1\"," spec "}}"
#define ONE "\"containers\":[{\"name\":\"c\",\"image\":\"img:1\"}]"
#define ENDS "\"simulated.kubefs.io/run-seconds\":\"5\",\"simulated.kubefs.io/exit-code\":\"3\""
#define STATE "status.containerStatuses[0].state"

static void test_never_restarted(void **state)
{
	struct world *w = *state;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	make(w, "pods", POD(ENDS, "\"restartPolicy\":\"Never\"," ONE));
	until(w, "status.phase", "Running", 0);
	until(w, "status.phase", "Failed", 5);
	o = pod(w);
	assert_int_equal(object_int(o, STATE ".terminated.exitCode", 0), 3);
}

static void test_crash_loop(void **state)
{
	struct world *w = *state;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	make(w, "pods", POD(ENDS, "\"restartPolicy\":\"Always\"," ONE));
	until(w, "status.phase", "Running", 0);
	until(w, "status.containerStatuses[0].lastState.terminated.reason", "Error", 5);
	until(w, STATE ".waiting.reason", "CrashLoopBackOff", 5);
	o = pod(w);
	assert_int_equal(object_int(o, "status.containerStatuses[0].restartCount", 0), 1);
	assert_int_equal(
		object_int(o, "status.containerStatuses[0].lastState.terminated.exitCode", 0), 3);
}

static void test_init_before_the_rest(void **state)
{
	struct world *w = *state;

	make(w, "pods",
	     POD("\"simulated.kubefs.io/run-seconds\":\"5\"",
		 "\"restartPolicy\":\"Never\",\"initContainers\":[{\"name\":\"i\",\"image\":\"x\"}]"
		 "," ONE));
	until(w, STATE ".waiting.reason", "PodInitializing", 0);
	until(w, "status.initContainerStatuses[0].state.terminated.reason", "Completed", 5);
	until(w, "status.phase", "Running", 0);
	until(w, "status.phase", "Succeeded", 5);
}

/* As the API adds one to a pod that runs. It ends by itself and the pod goes on. */
static void test_ephemeral_ends_at_once(void **state)
{
	static const char patch[] =
		"{\"spec\":{\"ephemeralContainers\":[{\"name\":\"e\",\"image\":\"sh:1\"}]}}";
	struct world *w = *state;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct error *err = NULL;

	make(w, "pods", POD("", "\"restartPolicy\":\"Always\"," ONE));
	until(w, "status.phase", "Running", 0);
	if (cluster_patch(w->cluster, NULL, pods_of(w), "d", "p", "ephemeralcontainers",
			  PATCH_MERGE, patch, strlen(patch), NULL, NULL, NULL, &err) < 0)
		fail_msg("%s", error_message(err));
	until(w, "status.ephemeralContainerStatuses[0].state.terminated.reason", "Completed", 0);
	o = pod(w);
	char *phase free_ptr = object_string(o, "status.phase");
	assert_string_equal(phase, "Running");
}

static void test_config_from_all_sides(void **state)
{
	struct world *w = *state;

	make(w, "pods",
	     POD("", "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"envFrom\":[{\"secretRef\":{"
		     "\"name\":\"o\",\"optional\":true}},{\"configMapRef\":{\"name\":\"m\"}}]}],"
		     "\"volumes\":[{\"name\":\"v\",\"secret\":{\"secretName\":\"s\"}}]"));
	until(w, STATE ".waiting.reason", "ContainerCreating", 0);
	make(w, "secrets",
	     "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"}}");
	until(w, STATE ".waiting.message", "configmap \"m\" not found", 0);
	make(w, "configmaps",
	     "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m\"}}");
	until(w, "status.phase", "Running", 0);
}

struct reading {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	struct str text;
	bool over;
};

static bool on_data(void *arg, const char *bytes, size_t len)
{
	str_add(&((struct reading *)arg)->text, bytes, len);
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

struct log_row {
	const char *query, *answer; /* the text, or why not */
};

#define LINE_1 "image img:1: simulated by kubefs, no program runs\n"
#define LINE_2 "container c of pod d/p started on node-1\n"
#define LINE_3 "container c ended with exit code 3\n"

static void run_log(struct world *w, const struct object *o, const struct log_row *row)
{
	struct reading r = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, STR_INIT, false};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct stream *s = nodes_streamer()->open(w->nodes, w->cluster, o, "log", row->query,
						  &reader, &r, &err);

	if (!s) {
		assert_string_equal(error_message(err), row->answer);
		return;
	}
	pthread_mutex_lock(&r.lock);
	while (!r.over)
		pthread_cond_wait(&r.ended, &r.lock);
	pthread_mutex_unlock(&r.lock);
	nodes_streamer()->stop(s);
	assert_string_equal(r.text.s, row->answer);
	str_release(&r.text);
}

static void test_logs(void **state)
{
	static const struct log_row rows[] = {
		{NULL, LINE_1 LINE_2 LINE_3},
		{"container=c&follow=true", LINE_1 LINE_2 LINE_3},
		{"tailLines=1", LINE_3},
		{"tailLines=0", ""},
		{"limitBytes=9", "image img"},
		{"container=z", "container z is not valid for pod p"},
		{"previous=true", "previous terminated container \"c\" in pod \"p\" not found"},
		{"tailLines=x", "tailLines: \"x\" is no number of 0 or more"},
	};
	struct world *w = *state;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	make(w, "pods", POD(ENDS, "\"restartPolicy\":\"Never\"," ONE));
	until(w, "status.phase", "Running", 0);
	until(w, "status.phase", "Failed", 5);
	fake_settle(w->cluster);
	o = pod(w);
	for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
		run_log(w, o, &rows[k]);
}

/* Of a pod that is bound to no node the log is empty, and all else is refused. */
static void test_bound_nowhere(void **state)
{
	static const struct {
		const char *subresource, *query, *why;
	} rows[] = {
		{"log", "container=c", NULL},
		{"log", "", "a container name must be specified for pod p"},
		{"log", "container=z", "container z is not valid for pod p"},
		{"exec", "container=z", "container z is not valid for pod p"},
		{"exec", "container=d&command=x", "pod p does not have a host assigned"},
		{"portforward", "", "pod p does not have a host assigned"},
	};
	struct world *w = *state;
	json_t *tree json_auto = json_pack("{s{ss}s{s[{ss}{ss}]}}", "metadata", "name", "p", "spec",
					   "containers", "name", "c", "name", "d");
	struct object *o CLEANUP(object_unref_cleanup) = object_from_tree(tree);

	for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;

		assert_null(nodes_streamer()->open(w->nodes, w->cluster, o, rows[k].subresource,
						   rows[k].query, &reader, NULL, &err));
		if (!rows[k].why)
			assert_null(err);
		else
			assert_ptr_equal(strstr(error_message(err), rows[k].why),
					 error_message(err));
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_never_restarted),	  TEST(test_crash_loop),
		TEST(test_init_before_the_rest),  TEST(test_ephemeral_ends_at_once),
		TEST(test_config_from_all_sides), TEST(test_logs),
		TEST(test_bound_nowhere),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
