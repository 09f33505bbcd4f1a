#include "scheduler/scheduler.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "cache/recorder.h"
#include "cache/workqueue.h"
#include "object/json.h"
#include "object/time.h"
#include "scheduler/cycle.h"
#include "scheduler/queue.h"

#include <string.h>

#define NAME "default-scheduler"
#define REQUEST_THREADS 4

/* A request to make for a pod: bind it, or tell why it cannot be. */
struct task {
	struct object *pod;
	char *node; /* NULL: tell MESSAGE */
	char *message;
};

struct scheduler {
	struct clock *clock;
	struct informers *informers;
	struct informer *pods, *nodes;
	struct recorder *recorder;
	struct cancel *cancel;
	struct call call;
	struct workqueue *work; /* uids of tasks */
	pthread_t cycles, requests[REQUEST_THREADS];
	size_t n_threads;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	struct snapshot snapshot;
	struct pod_queue queue;
	struct map *tasks;   /* uid -> struct task, the newest */
	struct map *assumed; /* uid -> s: placed, and the binding is not seen yet */
	uint64_t turn;
	bool ending;
};

static void task_free(void *p)
{
	struct task *t = p;

	if (!t)
		return;
	object_unref(t->pod);
	free(t->node);
	free(t->message);
	free(t);
}

static bool is_finished(const struct object *pod)
{
	struct span phase = object_find(pod, "status.phase");

	return json_span_equal(phase, "\"Succeeded\"") || json_span_equal(phase, "\"Failed\"");
}

static bool is_ours(const struct object *pod)
{
	struct span name = object_find(pod, "spec.schedulerName");
	struct span gates = object_find(pod, "spec.schedulingGates");

	return !*pod->deletion_timestamp && (!name.p || json_span_equal(name, "\"" NAME "\"")) &&
	       (!gates.p || gates.len <= 2);
}

static void forget_pod(struct scheduler *s, const struct object *pod)
{
	map_del(s->assumed, pod->uid);
	pod_queue_remove(&s->queue, pod->uid);
	if (snapshot_remove(&s->snapshot, pod->uid))
		pod_queue_move_all(&s->queue, clock_mono(s->clock));
}

/* Only the scheduler's own status patches changed: no reason to try again at once. */
static bool same_spec(const struct object *old, const struct object *new_)
{
	struct span a, b;

	if (!old || strcmp(old->uid, new_->uid) != 0)
		return false;
	a = object_find(old, "spec");
	b = object_find(new_, "spec");
	return a.len == b.len && (!a.p || !memcmp(a.p, b.p, a.len)) &&
	       old->labels.len == new_->labels.len;
}

static void take_pod(struct scheduler *s, struct object *old, struct object *pod)
{
	char *node free_ptr = object_string(pod, "spec.nodeName");

	if (is_finished(pod)) {
		forget_pod(s, pod);
	} else if (node && *node) {
		map_del(s->assumed, pod->uid);
		pod_queue_remove(&s->queue, pod->uid);
		snapshot_place(&s->snapshot, node, pod_info_new(pod));
	} else if (!is_ours(pod)) {
		forget_pod(s, pod);
	} else if (!map_get(s->assumed, pod->uid) && !same_spec(old, pod)) {
		pod_queue_put(&s->queue, pod_info_new(pod), clock_mono(s->clock));
	}
}

static void on_pod(void *arg, struct object *old, struct object *new_)
{
	struct scheduler *s = arg;

	pthread_mutex_lock(&s->lock);
	if (new_)
		take_pod(s, old, new_);
	else
		forget_pod(s, old);
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* A heartbeat changes nothing that a filter looks at. */
static bool same_node(const struct object *old, const struct object *new_)
{
	static const char *const seen[] = {"spec", "status.allocatable", "metadata.labels"};

	for (size_t k = 0; old && new_ && k < ARRAY_SIZE(seen); k++) {
		struct span a = object_find(old, seen[k]), b = object_find(new_, seen[k]);

		if (a.len != b.len || (a.p && b.p && memcmp(a.p, b.p, a.len) != 0))
			return false;
	}
	return old && new_;
}

static void on_node(void *arg, struct object *old, struct object *new_)
{
	struct scheduler *s = arg;

	if (same_node(old, new_))
		return;
	pthread_mutex_lock(&s->lock);
	snapshot_node(&s->snapshot, (new_ ? new_ : old)->name, new_);
	if (new_)
		pod_queue_move_all(&s->queue, clock_mono(s->clock));
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static const struct informer_handler pod_handler = {.changed = on_pod};
static const struct informer_handler node_handler = {.changed = on_node};

static void add_task(struct scheduler *s, struct object *pod, const char *node, char *message)
{
	struct task *t = xcalloc(1, sizeof(*t));

	t->pod = object_ref(pod);
	t->node = node ? xstrdup(node) : NULL;
	t->message = message;
	task_free(map_put(s->tasks, pod->uid, t));
	workqueue_add(s->work, pod->uid);
}

/* With the lock held: everything a cycle does is in memory. */
static void cycle(struct scheduler *s, struct queued_pod *p)
{
	struct str why CLEANUP(str_release) = STR_INIT;
	const struct node_info *node = cycle_run(&s->snapshot, p->pod, s->turn++, &why);
	struct object *pod CLEANUP(object_unref_cleanup) = object_ref(p->pod->object);

	if (!node) {
		pod_queue_failed(&s->queue, p, false, clock_mono(s->clock));
		add_task(s, pod, NULL, str_take(&why));
		return;
	}
	add_task(s, pod, node->name, NULL);
	map_put(s->assumed, pod->uid, s);
	snapshot_place(&s->snapshot, node->name, pod_info_new(pod));
}

static void *run_cycles(void *arg)
{
	struct scheduler *s = arg;
	struct queued_pod *p;

	pthread_mutex_lock(&s->lock);
	while (!s->ending) {
		p = pod_queue_pop(&s->queue, clock_mono(s->clock));
		if (p)
			cycle(s, p);
		else
			clock_wait(s->clock, &s->changed, &s->lock, pod_queue_next_due(&s->queue));
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* The assumption was wrong: room on the node again, and the pod back in the queue. */
static void take_back(struct scheduler *s, const struct object *pod)
{
	struct queued_pod *p;

	pthread_mutex_lock(&s->lock);
	if (map_del(s->assumed, pod->uid))
		snapshot_remove(&s->snapshot, pod->uid);
	p = map_get(s->queue.pods, pod->uid);
	if (p && p->in_cycle)
		pod_queue_failed(&s->queue, p, true, clock_mono(s->clock));
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void bind_pod(struct scheduler *s, const struct task *t)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *binding json_auto = json_pack(
		"{s:s, s:s, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}}", "apiVersion", "v1", "kind",
		"Binding", "metadata", "name", t->pod->name, "namespace", t->pod->namespace, "uid",
		t->pod->uid, "target", "apiVersion", "v1", "kind", "Node", "name", t->node);

	json_write(binding, &text);
	if (cluster_create(informers_cluster(s->informers), &s->call, informer_resource(s->pods),
			   t->pod->namespace, t->pod->name, "binding", text.s, text.len, NULL, NULL,
			   &err) == 0) {
		recorder_event(s->recorder, t->pod, EVENT_NORMAL, "Scheduled",
			       "Successfully assigned %s/%s to %s", t->pod->namespace, t->pod->name,
			       t->node);
		return;
	}
	if (error_code(err) != E_NOT_FOUND && error_code(err) != E_CONFLICT)
		log_warn(NAME ": binding %s/%s to %s: %s", t->pod->namespace, t->pod->name, t->node,
			 error_message(err));
	take_back(s, t->pod);
}

static bool says_already(const struct object *pod, const char *message)
{
	struct span list = object_find(pod, "status.conditions");
	json_t *conditions json_auto = list.p ? json_read(list.p, list.len, NULL) : NULL;
	json_t *c;
	size_t k;

	json_array_foreach (conditions, k, c)
		if (str_equal(json_path_string(c, "type"), "PodScheduled"))
			return str_equal(json_path_string(c, "message"), message);
	return false;
}

/* The list of conditions with ours replaced, so that it works as a merge patch. */
static json_t *conditions_with(const struct scheduler *s, const struct object *pod,
			       const char *message)
{
	struct span list = object_find(pod, "status.conditions");
	json_t *before json_auto = list.p ? json_read(list.p, list.len, NULL) : NULL;
	json_t *out = json_array(), *c;
	char now[TIME_TEXT];
	size_t k;

	json_array_foreach (before, k, c)
		if (!str_equal(json_path_string(c, "type"), "PodScheduled"))
			json_array_append(out, c);
	json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "PodScheduled",
					     "status", "False", "reason", "Unschedulable",
					     "message", message, "lastTransitionTime",
					     time_format(clock_wall(s->clock), now)));
	return out;
}

static void tell_failure(struct scheduler *s, const struct task *t)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct object *pod CLEANUP(object_unref_cleanup) =
		informer_get(s->pods, t->pod->namespace, t->pod->name);
	struct object *out CLEANUP(object_unref_cleanup) = NULL;
	json_t *patch json_auto = NULL;

	if (!pod || strcmp(pod->uid, t->pod->uid) != 0)
		return;
	recorder_event(s->recorder, pod, EVENT_WARNING, "FailedScheduling", "%s", t->message);
	if (says_already(pod, t->message))
		return;
	patch = json_pack("{s:{s:s}, s:{s:o}}", "metadata", "uid", pod->uid, "status", "conditions",
			  conditions_with(s, pod, t->message));
	if (cluster_patch_tree(informers_cluster(s->informers), &s->call,
			       informer_resource(s->pods), pod->namespace, pod->name, "status",
			       PATCH_MERGE, patch, NULL, &out, &err) == 0)
		informer_observe(s->pods, out);
	else if (error_code(err) != E_NOT_FOUND && error_code(err) != E_CONFLICT)
		log_warn(NAME ": status of %s/%s: %s", pod->namespace, pod->name,
			 error_message(err));
}

static void *run_requests(void *arg)
{
	struct scheduler *s = arg;
	char *uid;

	while ((uid = workqueue_get(s->work))) {
		struct task *t;

		pthread_mutex_lock(&s->lock);
		t = map_del(s->tasks, uid);
		pthread_mutex_unlock(&s->lock);
		if (t && t->node)
			bind_pod(s, t);
		else if (t)
			tell_failure(s, t);
		task_free(t);
		workqueue_done(s->work, uid);
	}
	return NULL;
}

static int open_informers(struct scheduler *s, struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(informers_cluster(s->informers), &s->call, err);
	const struct resource *pods, *nodes;

	if (!catalog)
		return -1;
	pods = catalog_find(catalog, "", "v1", "pods");
	nodes = catalog_find(catalog, "", "v1", "nodes");
	if (!pods || !nodes)
		return error_set(err, E_NOT_FOUND, "the cluster serves no pods or no nodes");
	s->pods = informers_get(s->informers, pods, "");
	s->nodes = informers_get(s->informers, nodes, "");
	if (informer_wait_synced(s->pods, &s->call, err) < 0 ||
	    informer_wait_synced(s->nodes, &s->call, err) < 0)
		return error_wrap(err, NAME);
	return 0;
}

static void start_threads(struct scheduler *s)
{
	informer_add_handler(s->nodes, &node_handler, s);
	informer_add_handler(s->pods, &pod_handler, s);
	pthread_create(&s->cycles, NULL, run_cycles, s);
	for (; s->n_threads < REQUEST_THREADS; s->n_threads++)
		pthread_create(&s->requests[s->n_threads], NULL, run_requests, s);
}

struct scheduler *scheduler_start(struct informers *informers, struct clock *clock,
				  struct error **err)
{
	struct scheduler *s = xcalloc(1, sizeof(*s));

	s->informers = informers;
	s->clock = clock ? clock : clock_system();
	s->cancel = cancel_new();
	s->call = (struct call){.user_agent = NAME, .cancel = s->cancel};
	s->work = workqueue_new(s->clock);
	pthread_mutex_init(&s->lock, NULL);
	clock_cond_init(&s->changed);
	snapshot_init(&s->snapshot);
	pod_queue_init(&s->queue);
	s->tasks = map_new();
	s->assumed = map_new();
	if (open_informers(s, err) < 0) {
		scheduler_stop(s);
		return NULL;
	}
	s->recorder = recorder_new(informers_cluster(informers), NAME, NULL, s->clock);
	start_threads(s);
	return s;
}

static void stop_threads(struct scheduler *s)
{
	pthread_mutex_lock(&s->lock);
	s->ending = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	workqueue_shutdown(s->work);
	pthread_join(s->cycles, NULL);
	for (size_t t = 0; t < s->n_threads; t++)
		pthread_join(s->requests[t], NULL);
	informer_remove_handler(s->nodes, &node_handler, s);
	informer_remove_handler(s->pods, &pod_handler, s);
}

void scheduler_stop(struct scheduler *s)
{
	if (!s)
		return;
	cancel_fire(s->cancel);
	if (s->n_threads)
		stop_threads(s);
	recorder_free(s->recorder);
	if (s->pods)
		informer_put(s->pods);
	if (s->nodes)
		informer_put(s->nodes);
	pod_queue_release(&s->queue);
	snapshot_release(&s->snapshot);
	map_free(s->tasks, task_free);
	map_free(s->assumed, NULL);
	workqueue_free(s->work);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	cancel_unref(s->cancel);
	free(s);
}
