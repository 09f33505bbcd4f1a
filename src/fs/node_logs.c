/*
 * logs/, logs/POD/, logs/POD/CONTAINER.log and .previous.log.
 *
 * A log is fetched to its end when it is opened, so that cat gets all of it, and followed while it
 * stays open: across the container's restarts and broken connections (follow.h). Each line comes
 * with the server's timestamp, which is cut off and tells, when the log is fetched again, where the
 * new lines begin.
 */
#include "fs/nodes.h"

#include "fs/follow.h"
#include "fs/spool.h"
#include "fs/types.h"
#include "object/json.h"
#include "object/time.h"

#include <errno.h>

#define PREVIOUS ".previous"
#define LOG ".log"
#define AGAIN_NS NS_PER_S /* before a stream that ended is asked for again */

struct log {
	struct fs *fs;
	const struct resource *pods; /* a ref */
	struct node *node;	     /* whose state it is */
	char *namespace, *pod, *uid, *container;
	bool previous;
	int64_t restarts; /* of the container, when it was asked for last; under opening */
	struct spool *spool;
	pthread_mutex_t opening; /* one open or close at a time */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct stream *stream;	 /* under opening */
	unsigned opens;		 /* under opening */
	struct str line;	 /* an unfinished one */
	char last[48];		 /* timestamp of the newest line that is in */
	uint64_t at_last, lines; /* lines that have it; lines in all */
	uint64_t skip_at_last, skip_lines;
	bool ended;
	struct error *why;
};

/* Pods' directories come from the same informer as pods/. */
static bool pods_ready(struct node *dir)
{
	struct node *at = dir->kind->ops == &logs_ops ? dir : dir->parent;

	if (!at->type)
		at->type = type_ready(dir->fs, dir->fs->view->pods, dir->namespace);
	return at->type != NULL;
}

static int pods_prepare(struct node *dir, const struct call *call, struct error **err)
{
	struct node *at = dir->kind->ops == &logs_ops ? dir : dir->parent;
	struct view *v CLEANUP(view_unref_cleanup) = view_get(dir->fs);
	struct tree_type *t = NULL;

	if (type_open(dir->fs, v->pods, dir->namespace, call, &t, err) < 0)
		return -1;
	pthread_mutex_lock(&dir->fs->lock);
	if (!at->type)
		at->type = steal(&t);
	pthread_mutex_unlock(&dir->fs->lock);
	type_unref(t);
	return 0;
}

const struct node_ops logs_ops = {.ready = pods_ready, .prepare = pods_prepare};

static bool find_pod(struct node *dir, const char *name, struct found *f)
{
	f->object = informer_get(dir->type->informer, dir->namespace, name);
	return f->object != NULL;
}

static void list_pods(struct node *dir, struct listing *l)
{
	struct object_list list = {0};

	informer_list(dir->type->informer, dir->namespace, &list);
	vec_each (&list, o)
		listing_add(l, (*o)->name, 0);
	object_list_release(&list);
}

static void pod_changed(struct tree_type *t, struct object *old, struct object *new_)
{
	struct object *o = new_ ? new_ : old;
	struct node *ns = namespace_directory(t->fs, o->namespace);
	struct node *logs = ns ? node_child(ns, "logs") : NULL;
	struct node *dir = logs ? node_child(logs, o->name) : NULL;

	if (!logs || logs->type != t)
		return;
	/* A container's restart gives it a previous log, and its log goes on. */
	if (dir) {
		node_names_changed(dir);
		map_each (dir->children, e)
			followers_poke(t->fs->followers, e->value, 0);
	}
	if (old && new_)
		return;
	node_stale(logs, o->name);
	node_names_changed(logs);
}

const struct node_ops log_pod_ops = {
	.ready = pods_ready,
	.prepare = pods_prepare,
	.find = find_pod,
	.list = list_pods,
	.changed = pod_changed,
};

struct containers {
	struct listing *listing; /* collects, or */
	const char *wanted;	 /* looks for this one */
	bool found, running;
	int64_t restarts;
};

static bool each_container(void *arg, struct span key, struct span value)
{
	struct containers *c = arg;
	char *name free_ptr = json_unquote(json_find(value.p, value.len, "name"));

	if (!name)
		return true;
	if (c->listing) {
		char *file free_ptr = xasprintf("%s" LOG, name);

		listing_add(c->listing, file, 0);
	} else if (strcmp(name, c->wanted) == 0) {
		c->found = true;
	}
	return true;
}

static bool each_status(void *arg, struct span key, struct span value)
{
	struct containers *c = arg;
	char *name free_ptr = json_unquote(json_find(value.p, value.len, "name"));

	if (!name || !json_find(value.p, value.len, "lastState.terminated").p)
		return true;
	if (c->listing) {
		char *file free_ptr = xasprintf("%s" PREVIOUS LOG, name);

		listing_add(c->listing, file, 0);
	} else if (strcmp(name, c->wanted) == 0) {
		c->found = true;
	}
	return true;
}

/* How the wanted container does. */
static bool each_state(void *arg, struct span key, struct span value)
{
	struct containers *c = arg;
	char *name free_ptr = json_unquote(json_find(value.p, value.len, "name"));
	struct span restarts = json_find(value.p, value.len, "restartCount");

	if (!name || strcmp(name, c->wanted) != 0)
		return true;
	c->running = json_find(value.p, value.len, "state.running").p != NULL;
	c->restarts = restarts.p ? strtol(restarts.p, NULL, 10) : 0;
	return false;
}

static const char *const specs[] = {"spec.initContainers", "spec.containers",
				    "spec.ephemeralContainers"};
static const char *const statuses[] = {"status.initContainerStatuses", "status.containerStatuses",
				       "status.ephemeralContainerStatuses"};

static void walk(const struct object *pod, const char *const lists[3],
		 bool (*each)(void *arg, struct span key, struct span value), struct containers *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		struct span s = object_find(pod, lists[i]);

		if (s.p)
			json_each(s, each, c);
	}
}

/* The pod as it is now: the directory's object may be an older version. */
static struct object *pod_of(struct node *dir)
{
	struct tree_type *t = dir->parent->type;

	return t ? informer_get(t->informer, dir->namespace, dir->name) : NULL;
}

/* "api.previous.log": the container and whether it is the previous one. The caller frees. */
static char *split_name(const char *file, bool *previous)
{
	size_t len = strlen(file);

	if (!str_has_suffix(file, LOG) || len == strlen(LOG))
		return NULL;
	len -= strlen(LOG);
	char *name = xstrndup(file, len);

	*previous = len > strlen(PREVIOUS) && str_has_suffix(name, PREVIOUS);
	if (*previous)
		name[len - strlen(PREVIOUS)] = '\0';
	return name;
}

static bool find_log(struct node *dir, const char *name, struct found *f)
{
	struct object *pod CLEANUP(object_unref_cleanup) = pod_of(dir);
	bool previous;
	char *container free_ptr = split_name(name, &previous);
	struct containers c = {.wanted = container};

	if (!pod || !container)
		return false;
	walk(pod, previous ? statuses : specs, previous ? each_status : each_container, &c);
	return c.found;
}

static void list_logs(struct node *dir, struct listing *l)
{
	struct object *pod CLEANUP(object_unref_cleanup) = pod_of(dir);
	struct containers c = {.listing = l};

	if (!pod)
		return;
	walk(pod, specs, each_container, &c);
	walk(pod, statuses, each_status, &c);
}

static void log_init(struct node *n)
{
	struct log *g = xcalloc(1, sizeof(*g));

	g->fs = n->fs;
	g->node = n;
	g->pods = resource_ref(n->fs->view->pods);
	g->namespace = xstrdup(n->namespace);
	g->pod = xstrdup(n->parent->name);
	g->uid = xstrdup(n->parent->object->uid);
	g->container = split_name(n->name, &g->previous);
	g->spool = spool_new(n->fs->clock, SPOOL_MAX);
	str_init(&g->line);
	pthread_mutex_init(&g->opening, NULL);
	pthread_mutex_init(&g->lock, NULL);
	clock_cond_init(&g->changed);
	n->state = g;
}

static void log_release(struct node *n)
{
	struct log *g = n->state;

	if (g->stream)
		stream_stop(g->stream);
	resource_unref(g->pods);
	free(g->namespace);
	free(g->pod);
	free(g->uid);
	free(g->container);
	spool_free(g->spool);
	str_release(&g->line);
	error_free(g->why);
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
	pthread_mutex_destroy(&g->opening);
	free(g);
}

/* Timestamps of one form compare as text once their trailing zeros are alike; so by time. */
static int compare_stamps(const char *a, const char *b)
{
	int64_t x = 0, y = 0;

	if (time_parse(a, &x) < 0 || time_parse(b, &y) < 0)
		return strcmp(a, b);
	return (x > y) - (x < y);
}

/* Is this line one that an earlier fetch has brought? */
static bool seen_before(struct log *g, const char *stamp)
{
	if (!stamp || !*g->last) {
		if (!g->skip_lines)
			return false;
		g->skip_lines--;
		return true;
	}
	int d = compare_stamps(stamp, g->last);

	if (d < 0)
		return true;
	if (d == 0 && g->skip_at_last) {
		g->skip_at_last--;
		return true;
	}
	return false;
}

static void take_line(struct log *g, char *line, size_t len)
{
	char *space = memchr(line, ' ', MIN(len, sizeof(g->last)));
	char stamp[sizeof(g->last)] = "";
	int64_t at;

	if (space && space > line) {
		memcpy(stamp, line, (size_t)(space - line));
		stamp[space - line] = '\0';
		if (time_parse(stamp, &at) < 0)
			stamp[0] = '\0';
	}
	if (seen_before(g, *stamp ? stamp : NULL))
		return;
	if (*stamp) {
		len -= (size_t)(space + 1 - line);
		line = space + 1;
		g->at_last = strcmp(stamp, g->last) == 0 ? g->at_last + 1 : 1;
		memcpy(g->last, stamp, sizeof(stamp));
	}
	g->lines++;
	spool_add(g->spool, line, len);
}

static bool on_data(void *arg, const char *bytes, size_t len)
{
	struct log *g = arg;
	const char *end;

	pthread_mutex_lock(&g->lock);
	while ((end = memchr(bytes, '\n', len))) {
		size_t n = (size_t)(end - bytes) + 1;

		str_add(&g->line, bytes, n);
		take_line(g, g->line.s, g->line.len);
		str_reset(&g->line);
		bytes += n;
		len -= n;
	}
	if (g->line.len + len <= SPOOL_MAX)
		str_add(&g->line, bytes, len);
	pthread_mutex_unlock(&g->lock);
	return true;
}

static void on_closed(void *arg, const struct error *why)
{
	struct log *g = arg;

	pthread_mutex_lock(&g->lock);
	g->ended = true;
	if (why)
		g->why = error_dup(why);
	else if (g->line.len)
		take_line(g, g->line.s, g->line.len);
	str_reset(&g->line);
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
	followers_poke(g->fs->followers, g->node, AGAIN_NS);
}

static const struct stream_handler log_handler = {.data = on_data, .closed = on_closed};

/* sinceTime is in seconds: the lines of that second come again and are skipped. */
static struct stream *start_stream(struct log *g, bool follow, const struct call *call,
				   struct error **err)
{
	struct str query CLEANUP(str_release) = STR_INIT;

	str_addf(&query, "container=%s&timestamps=true", g->container);
	if (follow)
		str_adds(&query, "&follow=true");
	if (g->previous)
		str_adds(&query, "&previous=true");
	pthread_mutex_lock(&g->lock);
	if (*g->last)
		str_addf(&query, "&sinceTime=%.19sZ", g->last);
	g->skip_at_last = g->at_last;
	g->skip_lines = *g->last ? 0 : g->lines;
	g->ended = false;
	error_clear(&g->why);
	pthread_mutex_unlock(&g->lock);
	return cluster_stream(g->fs->cluster, call, g->pods, g->namespace, g->pod, "log", query.s,
			      &log_handler, g, err);
}

static void wake(void *arg)
{
	struct log *g = arg;

	pthread_mutex_lock(&g->lock);
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

static int wait_end(struct log *g, const struct call *call, struct error **err)
{
	int64_t deadline = clock_mono(g->fs->clock) + call_timeout_ms(call) * NS_PER_MS;
	int ret = 0;

	cancel_subscribe(call ? call->cancel : NULL, wake, g);
	pthread_mutex_lock(&g->lock);
	while (!g->ended && ret == 0) {
		if (call_cancelled(call))
			ret = error_set(err, E_CANCELLED, "interrupted");
		else if (clock_wait(g->fs->clock, &g->changed, &g->lock, deadline) == ETIMEDOUT)
			ret = error_set(err, E_TIMEOUT, "the log of %s did not end in time",
					g->pod);
	}
	if (ret == 0 && g->why)
		ret = error_move(err, steal(&g->why));
	pthread_mutex_unlock(&g->lock);
	cancel_unsubscribe(call ? call->cancel : NULL, wake, g);
	return ret;
}

static int fetch(struct log *g, const struct call *call, struct error **err)
{
	struct stream *s = start_stream(g, false, call, err);
	int ret;

	if (!s)
		return -1;
	ret = wait_end(g, call, err);
	stream_stop(s);
	return ret;
}

/* The container as the pods' informer has it; false: its pod is gone. */
static bool container_now(struct log *g, struct containers *c)
{
	struct tree_type *t = NULL;
	struct object *pod CLEANUP(object_unref_cleanup) = NULL;

	pthread_mutex_lock(&g->fs->lock);
	t = type_ready(g->fs, g->pods, g->namespace);
	pthread_mutex_unlock(&g->fs->lock);
	if (t)
		pod = informer_get(t->informer, g->namespace, g->pod);
	type_unref(t);
	if (!pod || !str_equal(pod->uid, g->uid))
		return false;
	c->wanted = g->container;
	walk(pod, statuses, each_state, c);
	return true;
}

/* Under opening. A stream that does not begin is tried again. */
static void follow(struct log *g, const struct call *call)
{
	struct call no_end = {.timeout_ms = -1, .cancel = call ? call->cancel : NULL};
	struct containers c = {0};

	if (container_now(g, &c))
		g->restarts = c.restarts;
	g->stream = start_stream(g, true, &no_end, NULL);
	if (!g->stream)
		followers_poke(g->fs->followers, g->node, AGAIN_NS);
}

/* Has the stream ended, and is there more: a new run of the container, or a connection that broke?
 */
static bool has_to_follow(struct log *g)
{
	struct containers c = {0};
	bool ended, broken;

	if (!g->opens || g->previous)
		return false;
	pthread_mutex_lock(&g->lock);
	ended = g->ended || !g->stream;
	broken = g->why || !g->stream;
	pthread_mutex_unlock(&g->lock);
	return ended && container_now(g, &c) && (broken || c.running || c.restarts != g->restarts);
}

void log_again(struct node *n, const struct call *call)
{
	struct log *g = n->state;

	pthread_mutex_lock(&g->opening);
	if (has_to_follow(g)) {
		if (g->stream)
			stream_stop(g->stream);
		follow(g, call);
	}
	pthread_mutex_unlock(&g->opening);
}

static int log_open(struct node *n, const struct call *call, struct error **err)
{
	struct log *g = n->state;
	int ret = 0;

	pthread_mutex_lock(&g->opening);
	if (g->opens == 0)
		ret = fetch(g, call, err);
	if (ret == 0 && g->opens++ == 0 && !g->previous) {
		followers_add(g->fs->followers, n);
		follow(g, NULL);
	}
	if (ret == 0)
		spool_open(g->spool);
	pthread_mutex_unlock(&g->opening);
	return ret;
}

static void log_close(struct node *n)
{
	struct log *g = n->state;

	pthread_mutex_lock(&g->opening);
	if (--g->opens == 0) {
		followers_remove(g->fs->followers, n);
		if (g->stream)
			stream_stop(g->stream);
		g->stream = NULL;
	}
	spool_close(g->spool);
	pthread_mutex_unlock(&g->opening);
}

static void log_stat(struct node *n, struct stat *st)
{
	struct log *g = n->state;
	int64_t grown;

	st->st_size = (off_t)spool_size(g->spool, &grown);
	if (grown)
		st->st_mtim = st->st_ctim = (struct timespec){grown / NS_PER_S, grown % NS_PER_S};
}

static void log_read(struct node *n, off_t offset, size_t size, struct str *out)
{
	struct log *g = n->state;

	spool_read(g->spool, offset, size, out);
}

const struct node_ops log_ops = {
	.find = find_log,
	.list = list_logs,
	.init = log_init,
	.release = log_release,
	.open = log_open,
	.close = log_close,
	.stat = log_stat,
	.read = log_read,
};
