#include "fs/log.h"

#include "fs/follow.h"
#include "fs/types.h"
#include "object/json.h"
#include "object/time.h"

#include <errno.h>

#define AGAIN_NS NS_PER_S /* before a stream that ended is asked for again */
#define LINE_MAX_BYTES SPOOL_MAX

struct log {
	struct fs *fs;
	const struct resource *pods; /* a ref */
	struct node *node;	     /* that is poked */
	char *namespace, *pod, *uid, *container;
	bool previous;
	log_line *sink;
	void *arg;
	int64_t restarts; /* of the container, when it was asked for last */
	bool followed;
	struct stream *stream;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	struct str line;       /* an unfinished one */
	int64_t newest, since; /* timestamp of the newest line that is in, and its second */
	uint64_t after, lines; /* lines that are in from since on; lines in all */
	int64_t resumed;       /* newest, when the stream began */
	uint64_t skip;	       /* so many lines come again */
	bool ended;
	struct error *why;
};

struct log *log_new(struct node *n, const struct resource *pods, const struct object *pod,
		    const char *container, bool previous, log_line *sink, void *arg)
{
	struct log *g = xcalloc(1, sizeof(*g));

	g->fs = n->fs;
	g->node = n;
	g->pods = resource_ref(pods);
	g->namespace = xstrdup(pod->namespace);
	g->pod = xstrdup(pod->name);
	g->uid = xstrdup(pod->uid);
	g->container = xstrdup(container);
	g->previous = previous;
	g->sink = sink;
	g->arg = arg;
	str_init(&g->line);
	pthread_mutex_init(&g->lock, NULL);
	clock_cond_init(&g->changed);
	return g;
}

void log_stop(struct log *g)
{
	if (g->stream)
		stream_stop(g->stream);
	g->stream = NULL;
	g->followed = false;
}

void log_free(struct log *g)
{
	if (!g)
		return;
	log_stop(g);
	resource_unref(g->pods);
	free(g->namespace);
	free(g->pod);
	free(g->uid);
	free(g->container);
	str_release(&g->line);
	error_free(g->why);
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

const char *log_pod_uid(const struct log *g)
{
	return g->uid;
}

const char *log_container(const struct log *g)
{
	return g->container;
}

struct containers {
	void (*each)(void *arg, const char *name);
	void *arg;
	const char *wanted; /* looks for this one */
	bool running;
	int64_t restarts;
};

static bool each_container(void *arg, struct span key, struct span value)
{
	struct containers *c = arg;
	char *name free_ptr = json_unquote(json_find(value.p, value.len, "name"));

	if (name)
		c->each(c->arg, name);
	return true;
}

static bool each_previous(void *arg, struct span key, struct span value)
{
	if (json_find(value.p, value.len, "lastState.terminated").p)
		each_container(arg, key, value);
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

void pod_each_container(const struct object *pod, void (*each)(void *arg, const char *name),
			void *arg)
{
	struct containers c = {.each = each, .arg = arg};

	walk(pod, specs, each_container, &c);
}

void pod_each_previous(const struct object *pod, void (*each)(void *arg, const char *name),
		       void *arg)
{
	struct containers c = {.each = each, .arg = arg};

	walk(pod, statuses, each_previous, &c);
}

/*
 * Is this line one that an earlier stream has brought? The same lines come again in the same order,
 * but those of two outputs need not be in the order of their timestamps; and where the log was
 * rotated, some do not come again.
 */
static bool seen_before(struct log *g, int64_t at)
{
	if (!g->skip || (at && at > g->resumed)) {
		g->skip = 0;
		return false;
	}
	if (!at || at >= g->since)
		g->skip--;
	return true;
}

static void note_line(struct log *g, int64_t at)
{
	g->lines++;
	if (at >= g->since + NS_PER_S) {
		g->since = at / NS_PER_S * NS_PER_S;
		g->after = 0;
	}
	g->newest = MAX(g->newest, at);
	g->after += at >= g->since;
}

static void take_line(struct log *g, char *line, size_t len)
{
	char stamp[48] = "", *space = memchr(line, ' ', MIN(len, sizeof(stamp)));
	int64_t at = 0;

	if (space && space > line) {
		memcpy(stamp, line, (size_t)(space - line));
		stamp[space - line] = '\0';
		if (time_parse(stamp, &at) < 0)
			at = 0;
	}
	if (seen_before(g, at))
		return;
	if (at) {
		len -= (size_t)(space + 1 - line);
		line = space + 1;
	}
	note_line(g, at);
	g->sink(g->arg, at, line, len);
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
	if (g->line.len + len <= LINE_MAX_BYTES)
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
	char since[TIME_TEXT];

	str_addf(&query, "container=%s&timestamps=true", g->container);
	if (follow)
		str_adds(&query, "&follow=true");
	if (g->previous)
		str_adds(&query, "&previous=true");
	pthread_mutex_lock(&g->lock);
	if (g->newest)
		str_addf(&query, "&sinceTime=%s", time_format(g->since, since));
	g->resumed = g->newest;
	g->skip = g->newest ? g->after : g->lines;
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

int log_fetch(struct log *g, const struct call *call, struct error **err)
{
	struct error *why = NULL;
	struct stream *s = start_stream(g, false, call, &why);
	int ret;

	if (!s)
		return why ? error_move(err, why) : 0;
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

void log_follow(struct log *g, const struct call *call)
{
	struct call no_end = {.timeout_ms = -1, .cancel = call ? call->cancel : NULL};
	struct containers c = {0};

	g->followed = true;
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

	if (!g->followed || g->previous)
		return false;
	pthread_mutex_lock(&g->lock);
	ended = g->ended || !g->stream;
	broken = g->why || !g->stream;
	pthread_mutex_unlock(&g->lock);
	return ended && container_now(g, &c) && (broken || c.running || c.restarts != g->restarts);
}

void log_again(struct log *g, const struct call *call)
{
	if (!has_to_follow(g))
		return;
	if (g->stream)
		stream_stop(g->stream);
	log_follow(g, call);
}
