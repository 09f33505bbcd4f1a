/*
 * Logs of pods. A log is a function of the pod's status, so a stream remembers only how many lines
 * it has sent; one thread sends for all of them, when it begins and when pods change.
 */
#include "node/agent.h"

#include "base/vec.h"
#include "object/json.h"
#include "object/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct log_query {
	char *container;
	bool follow, previous, timestamps;
	int64_t tail;	     /* lines; negative: all */
	int64_t since;	     /* wall; 0: all */
	int64_t limit_bytes; /* 0: none */
};

static void query_release(struct log_query *q)
{
	free(q->container);
}

struct log_stream {
	struct stream base;
	struct nodes *nodes;
	struct log_stream *next;
	const struct stream_handler *handler;
	void *arg;
	char *namespace, *pod, *uid;
	struct log_query query;
	size_t lines_done; /* of the log, sent or skipped */
	int64_t bytes_left;
	bool begun;
	bool wanted, over, running, stopped; /* the nodes' lock */
};

struct line {
	int64_t when;
	char *text;
};
struct lines {
	struct line *v;
	size_t n, cap;
};

static void lines_release(struct lines *l)
{
	vec_each (l, line)
		free(line->text);
	vec_release(l);
}

static void add_line(void *arg, int64_t when, const char *text)
{
	struct lines *l = arg;

	vec_push(l, (struct line){when, xstrdup(text)});
}

static bool is_true(const char *value)
{
	return !strcmp(value, "true") || !strcmp(value, "1");
}

static int parse_number(const char *key, const char *value, int64_t least, int64_t *out,
			struct error **err)
{
	char *end;
	long long number = strtoll(value, &end, 10);

	if (*end || end == value || number < least)
		return error_set(err, E_BAD_REQUEST,
				 "%s: \"%s\" is no number of %" PRIi64 " or more", key, value,
				 least);
	*out = number;
	return 0;
}

static int set_option(struct log_query *q, const char *key, const char *value, int64_t now,
		      struct error **err)
{
	int64_t seconds;

	if (!strcmp(key, "container")) {
		free(q->container);
		q->container = xstrdup(value);
	} else if (!strcmp(key, "follow")) {
		q->follow = is_true(value);
	} else if (!strcmp(key, "previous")) {
		q->previous = is_true(value);
	} else if (!strcmp(key, "timestamps")) {
		q->timestamps = is_true(value);
	} else if (!strcmp(key, "tailLines")) {
		return parse_number(key, value, 0, &q->tail, err);
	} else if (!strcmp(key, "limitBytes")) {
		return parse_number(key, value, 1, &q->limit_bytes, err);
	} else if (!strcmp(key, "sinceSeconds")) {
		if (parse_number(key, value, 1, &seconds, err) < 0)
			return -1;
		q->since = now - MIN(seconds, INT32_MAX) * NS_PER_S;
	} else if (!strcmp(key, "sinceTime") && time_parse(value, &q->since) < 0) {
		return error_set(err, E_BAD_REQUEST, "sinceTime: \"%s\" is no time", value);
	}
	return 0;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %41 and + of a query, in place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
			*to++ = (char)(hex(s[1]) << 4 | hex(s[2]));
			s += 2;
		} else {
			*to++ = *s == '+' ? ' ' : *s;
		}
	}
	*to = '\0';
}

static int parse_query(struct log_query *q, const char *text, int64_t now, struct error **err)
{
	char *copy free_ptr = xstrdup(text ? text : "");
	char *rest = copy, *pair;

	q->tail = -1;
	while ((pair = strsep(&rest, "&"))) {
		char *value = strchr(pair, '=');

		if (!value)
			continue;
		*value++ = '\0';
		unescape(pair);
		unescape(value);
		if (set_option(q, pair, value, now, err) < 0)
			return -1;
	}
	return 0;
}

#define LISTS 3
static const char *const spec_lists[LISTS] = {"spec.containers", "spec.initContainers",
					      "spec.ephemeralContainers"};
static const char *const status_lists[LISTS] = {"status.containerStatuses",
						"status.initContainerStatuses",
						"status.ephemeralContainerStatuses"};

static json_t *find_container(const json_t *pod, const char *const lists[LISTS], const char *name)
{
	json_t *c;
	size_t k;

	for (size_t l = 0; l < LISTS; l++)
		json_array_foreach (json_path(pod, lists[l]), k, c)
			if (str_equal(json_path_string(c, "name"), name))
				return c;
	return NULL;
}

/* Without a name the pod's only container is meant. */
static int choose_container(struct log_query *q, const struct object *pod, const json_t *tree,
			    struct error **err)
{
	json_t *all = json_path(tree, "spec.containers"), *c;
	struct str names CLEANUP(str_release) = STR_INIT;
	size_t k;

	if (q->container && *q->container) {
		if (find_container(tree, spec_lists, q->container))
			return 0;
		return error_set(err, E_BAD_REQUEST, "container %s is not valid for pod %s",
				 q->container, pod->name);
	}
	json_array_foreach (all, k, c)
		str_addf(&names, "%s%s", k ? " " : "", json_path_string(c, "name"));
	if (json_array_size(all) != 1)
		return error_set(err, E_BAD_REQUEST,
				 "a container name must be specified for pod %s, choose one of: "
				 "[%s]",
				 pod->name, names.s);
	free(q->container);
	q->container = str_take(&names);
	return 0;
}

/* As nodes_stream_begins of POD, whose TREE is; *Q is what QUERY says at the time NOW. */
static int begins(const struct object *pod, const json_t *tree, const char *subresource,
		  const char *query, int64_t now, struct log_query *q, struct error **err)
{
	if (strcmp(subresource, "portforward") != 0 &&
	    (parse_query(q, query, now, err) < 0 || choose_container(q, pod, tree, err) < 0))
		return -1;
	if (*json_path_string(tree, "spec.nodeName"))
		return 1;
	if (strcmp(subresource, "log") == 0)
		return 0;
	return error_set(err, E_BAD_REQUEST, "pod %s does not have a host assigned", pod->name);
}

int nodes_stream_begins(const struct object *pod, const char *subresource, const char *query,
			char **container, struct error **err)
{
	json_t *tree json_auto = object_tree(pod);
	struct log_query q CLEANUP(query_release) = {0};
	int ret = begins(pod, tree, subresource, query, 0, &q, err);

	if (ret > 0)
		*container = steal(&q.container);
	return ret;
}

/* The run whose log is asked for; where there is none *why tells, in kubelet's words. */
static bool find_run(const struct log_query *q, const struct object *pod, const json_t *tree,
		     const struct nodes *n, struct engine_run *run, struct error **why)
{
	json_t *status = find_container(tree, status_lists, q->container);
	json_t *spec = find_container(tree, spec_lists, q->container);
	json_t *probe = json_object_get(spec, "readinessProbe");
	json_t *ended =
		json_path(status, q->previous ? "lastState.terminated" : "state.terminated");
	json_t *running = q->previous ? NULL : json_path(status, "state.running");
	json_t *from = running ? running : ended;

	if (!q->previous && !from)
		from = ended = json_path(status, "lastState.terminated");
	if (!from && q->previous)
		return error_set(why, E_BAD_REQUEST,
				 "previous terminated container \"%s\" in pod \"%s\" not found",
				 q->container, pod->name) == 0;
	if (!from) {
		const char *reason = json_path_string(status, "state.waiting.reason");

		return error_set(why, E_BAD_REQUEST,
				 "container \"%s\" in pod \"%s\" is waiting to start: %s",
				 q->container, pod->name,
				 *reason ? reason : "ContainerCreating") == 0;
	}
	*run = (struct engine_run){.namespace = pod->namespace,
				   .pod = pod->name,
				   .node = json_path_string(tree, "spec.nodeName"),
				   .container = q->container,
				   .image = json_path_string(status, "image"),
				   .finished = CLOCK_NEVER,
				   .probe_ok = CLOCK_NEVER,
				   .now = clock_wall(n->clock)};
	time_parse(json_path_string(from, "startedAt"), &run->started);
	if (probe)
		run->probe_ok = n->engine->probe_ok(probe, run->started);
	if (ended) {
		time_parse(json_path_string(ended, "finishedAt"), &run->finished);
		run->exit_code = json_path_int(ended, "exitCode", 0);
	}
	return true;
}

static bool send_line(struct log_stream *s, const struct line *l)
{
	struct str out CLEANUP(str_release) = STR_INIT;
	char when[TIME_TEXT];

	if (l->when < s->query.since)
		return true;
	if (s->query.timestamps)
		str_addf(&out, "%s ", time_format_micro(l->when, when));
	str_addf(&out, "%s\n", l->text);
	if (s->query.limit_bytes) {
		str_truncate(&out, (size_t)MIN((int64_t)out.len, s->bytes_left));
		s->bytes_left -= (int64_t)out.len;
	}
	if (out.len && !s->handler->data(s->arg, out.s, out.len))
		return false;
	return !s->query.limit_bytes || s->bytes_left > 0;
}

/* Sends what is new; true when that was the end. */
static bool send_lines(struct log_stream *s, const struct object *pod)
{
	json_t *tree json_auto = object_tree(pod);
	struct lines all CLEANUP(lines_release) = {0};
	struct engine_run run;

	if (!find_run(&s->query, pod, tree, s->nodes, &run, NULL))
		return !s->query.follow;
	s->nodes->engine->log(&run, add_line, &all);
	if (!s->begun && s->query.tail >= 0 && (size_t)s->query.tail < all.n)
		s->lines_done = all.n - (size_t)s->query.tail;
	s->begun = true;
	for (; s->lines_done < all.n; s->lines_done++)
		if (!send_line(s, &all.v[s->lines_done]))
			return true;
	return !s->query.follow || run.finished != CLOCK_NEVER;
}

/* One turn of a stream, without the lock. */
static bool turn(struct log_stream *s)
{
	struct informer *pods = controller_informer(s->nodes->controller, "", "pods");
	struct object *pod CLEANUP(object_unref_cleanup) = informer_get(pods, s->namespace, s->pod);

	if (!pod || strcmp(pod->uid, s->uid) != 0 || send_lines(s, pod)) {
		s->handler->closed(s->arg, NULL);
		return true;
	}
	return false;
}

static void stream_free(struct log_stream *s)
{
	query_release(&s->query);
	free(s->namespace);
	free(s->pod);
	free(s->uid);
	free(s);
}

static struct log_stream *next_turn(struct nodes *n)
{
	struct log_stream *s = n->streams;

	while (s && (s->over || !s->wanted))
		s = s->next;
	return s;
}

static void *run_streams(void *arg)
{
	struct nodes *n = arg;
	struct log_stream *s;
	bool over;

	pthread_mutex_lock(&n->lock);
	while (!n->ending) {
		s = next_turn(n);
		if (!s) {
			pthread_cond_wait(&n->stream_work, &n->lock);
			continue;
		}
		s->wanted = false;
		s->running = true;
		pthread_mutex_unlock(&n->lock);
		over = turn(s);
		pthread_mutex_lock(&n->lock);
		s->over = over;
		s->running = false;
		if (s->stopped)
			stream_free(s);
		pthread_cond_broadcast(&n->stream_work);
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

int streams_start(struct nodes *n)
{
	n->streamer_runs = pthread_create(&n->streamer, NULL, run_streams, n) == 0;
	return n->streamer_runs ? 0 : -1;
}

void streams_stop(struct nodes *n)
{
	pthread_mutex_lock(&n->lock);
	n->ending = true;
	pthread_cond_broadcast(&n->stream_work);
	pthread_mutex_unlock(&n->lock);
	if (n->streamer_runs)
		pthread_join(n->streamer, NULL);
}

void streams_wake(struct nodes *n)
{
	pthread_mutex_lock(&n->lock);
	for (struct log_stream *s = n->streams; s; s = s->next)
		s->wanted = true;
	if (n->streams)
		pthread_cond_broadcast(&n->stream_work);
	pthread_mutex_unlock(&n->lock);
}

static struct log_stream *stream_new(struct nodes *n, struct cluster *c, const struct object *pod,
				     struct log_query *q, const struct stream_handler *handler,
				     void *arg)
{
	struct log_stream *s = xcalloc(1, sizeof(*s));

	s->base.cluster = c;
	s->nodes = n;
	s->handler = handler;
	s->arg = arg;
	s->namespace = xstrdup(pod->namespace);
	s->pod = xstrdup(pod->name);
	s->uid = xstrdup(pod->uid);
	s->query = *q;
	q->container = NULL;
	s->bytes_left = q->limit_bytes;
	s->wanted = true;
	pthread_mutex_lock(&n->lock);
	s->next = n->streams;
	n->streams = s;
	pthread_cond_broadcast(&n->stream_work);
	pthread_mutex_unlock(&n->lock);
	return s;
}

/* Whether there is something to send; 0 and -1 as begins. */
static int check(struct nodes *n, const struct object *pod, const char *subresource,
		 const char *query, struct log_query *q, struct error **err)
{
	json_t *tree json_auto = object_tree(pod);
	const char *node = json_path_string(tree, "spec.nodeName");
	int ret = begins(pod, tree, subresource, query, clock_wall(n->clock), q, err);
	struct engine_run run;

	if (ret <= 0)
		return ret;
	if (strcmp(subresource, "log") != 0)
		return error_set(err, E_NOT_SUPPORTED, "the engine \"%s\" has no %s: %s",
				 n->engine->name, subresource, n->engine->nature);
	if (!nodes_find(n, node))
		return error_set(err, E_NOT_FOUND, "nodes \"%s\" not found", node);
	return find_run(q, pod, tree, n, &run, err) ? 1 : -1;
}

static struct stream *open_log(void *arg, struct cluster *c, const struct object *pod,
			       const char *subresource, const char *query,
			       const struct stream_handler *handler, void *handler_arg,
			       struct error **err)
{
	struct log_query q CLEANUP(query_release) = {0};
	struct nodes *n = arg;

	if (check(n, pod, subresource, query, &q, err) <= 0)
		return NULL;
	return &stream_new(n, c, pod, &q, handler, handler_arg)->base;
}

/* From within its own handler it is freed after its turn; from elsewhere the turn is waited for. */
static void stop_log(struct stream *base)
{
	struct log_stream *s = container_of(base, struct log_stream, base);
	struct nodes *n = s->nodes;

	pthread_mutex_lock(&n->lock);
	for (struct log_stream **at = &n->streams; *at; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	if (s->running && pthread_equal(pthread_self(), n->streamer)) {
		s->stopped = true;
		pthread_mutex_unlock(&n->lock);
		return;
	}
	while (s->running)
		pthread_cond_wait(&n->stream_work, &n->lock);
	pthread_mutex_unlock(&n->lock);
	stream_free(s);
}

const struct pod_streamer *nodes_streamer(void)
{
	static const struct pod_streamer streamer = {open_log, stop_log};

	return &streamer;
}
