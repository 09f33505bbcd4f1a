#include "cache/recorder.h"

#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

#define QUEUE_LIMIT 1000
#define REMEMBERED 4096 /* events whose repeats are counted */
#define LAST_FLUSH_NS (5 * NS_PER_S)
#define MAX_MESSAGE 1024 /* what the API allows in a note */

/* One thing that was said, on its way. */
struct said {
	struct said *next;
	struct object *about;
	enum event_type type;
	char *reason, *message;
	int64_t when;
};

/* An event that stands in the cluster: where, and how often it was said. */
struct known {
	char *namespace, *name;
	int64_t count;
};

struct recorder {
	struct cluster *cluster;
	const struct resource *events;
	struct clock *clock;
	char *component, *host;
	struct cancel *cancel;
	struct call call;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct said *head, **tail;
	size_t queued; /* with the one being sent */
	bool sending, ending, overflow;
	struct map *known; /* of the sender's thread */
	unsigned serial;
};

static void said_free(struct said *s)
{
	object_unref(s->about);
	free(s->reason);
	free(s->message);
	free(s);
}

static void known_free(void *p)
{
	struct known *k = p;

	free(k->namespace);
	free(k->name);
	free(k);
}

static char *key_of(const struct said *s)
{
	return xasprintf("%s/%s/%s/%s/%d/%s/%s", s->about->kind, s->about->namespace,
			 s->about->name, s->about->uid, (int)s->type, s->reason, s->message);
}

static json_t *reference(const struct object *o)
{
	json_t *ref = json_pack("{s:s, s:s, s:s}", "kind", o->kind, "apiVersion", o->api_version,
				"name", o->name);

	if (*o->namespace)
		json_object_set_new(ref, "namespace", json_string(o->namespace));
	if (*o->uid)
		json_object_set_new(ref, "uid", json_string(o->uid));
	if (*o->resource_version)
		json_object_set_new(ref, "resourceVersion", json_string(o->resource_version));
	return ref;
}

/* An event about a cluster-scoped object lives in "default", as the API requires. */
static const char *namespace_of(const struct object *about)
{
	return *about->namespace ? about->namespace : "default";
}

static json_t *event_tree(struct recorder *r, const struct said *s, const char *name)
{
	char when[TIME_TEXT];
	json_t *source = json_pack("{s:s}", "component", r->component);

	time_format(s->when, when);
	if (*r->host)
		json_object_set_new(source, "host", json_string(r->host));
	return json_pack(
		"{s:s, s:s, s:{s:s, s:s}, s:o, s:s, s:s, s:s, s:o, s:i, s:s, s:s, s:s, s:s}",
		"apiVersion", "v1", "kind", "Event", "metadata", "name", name, "namespace",
		namespace_of(s->about), "involvedObject", reference(s->about), "type",
		s->type == EVENT_NORMAL ? "Normal" : "Warning", "reason", s->reason, "message",
		s->message, "source", source, "count", 1, "firstTimestamp", when, "lastTimestamp",
		when, "reportingComponent", r->component, "reportingInstance", r->host);
}

static int send_first(struct recorder *r, const struct said *s, const char *key, struct error **err)
{
	char *name free_ptr = xasprintf("%.200s.%016llx%04x", s->about->name,
					(unsigned long long)s->when, r->serial++ & 0xffff);
	json_t *tree json_auto = event_tree(r, s, name);
	struct known *k;

	if (cluster_create_tree(r->cluster, &r->call, r->events, namespace_of(s->about), tree, NULL,
				NULL, err) < 0)
		return -1;
	if (map_count(r->known) >= REMEMBERED)
		map_clear(r->known, known_free);
	k = xcalloc(1, sizeof(*k));
	k->namespace = xstrdup(namespace_of(s->about));
	k->name = steal(&name);
	k->count = 1;
	map_put(r->known, key, k);
	return 0;
}

static int send_repeat(struct recorder *r, const struct said *s, struct known *k,
		       struct error **err)
{
	char when[TIME_TEXT];
	json_t *patch json_auto = json_pack("{s:I, s:s}", "count", (json_int_t)k->count + 1,
					    "lastTimestamp", time_format(s->when, when));

	if (cluster_patch_tree(r->cluster, &r->call, r->events, k->namespace, k->name, NULL,
			       PATCH_MERGE, patch, NULL, NULL, err) < 0)
		return -1;
	k->count++;
	return 0;
}

static void send_one(struct recorder *r, const struct said *s)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	char *key free_ptr = key_of(s);
	struct known *k = map_get(r->known, key);

	if (k && send_repeat(r, s, k, &err) == 0)
		return;
	/* The event was cleaned away meanwhile: a new one begins. */
	if (k && error_code(err) == E_NOT_FOUND) {
		known_free(map_del(r->known, key));
		k = NULL;
		error_clear(&err);
	}
	if (!k && send_first(r, s, key, &err) == 0)
		return;
	/* A namespace that goes away takes no events: nothing to tell anybody. */
	if (error_code(err) == E_FORBIDDEN || error_code(err) == E_NOT_FOUND)
		log_debug("event %s of %s: %s", s->reason, s->about->name, error_message(err));
	else
		log_warn("event %s of %s \"%s\" is lost: %s", s->reason, s->about->kind,
			 s->about->name, error_message(err));
}

static struct said *take(struct recorder *r)
{
	struct said *s = r->head;

	r->head = s->next;
	if (!r->head)
		r->tail = &r->head;
	r->queued--;
	return s;
}

static void *run(void *arg)
{
	struct recorder *r = arg;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		struct said *s;

		while (!r->head && !r->ending)
			pthread_cond_wait(&r->changed, &r->lock);
		if (!r->head)
			break;
		s = take(r);
		r->sending = true;
		pthread_mutex_unlock(&r->lock);
		if (!call_cancelled(&r->call))
			send_one(r, s);
		said_free(s);
		pthread_mutex_lock(&r->lock);
		r->sending = false;
		pthread_cond_broadcast(&r->changed);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

struct recorder *recorder_new(struct cluster *c, const char *component, const char *host,
			      struct clock *clock)
{
	struct recorder *r = xcalloc(1, sizeof(*r));
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = cluster_catalog(c, NULL, NULL);
	const struct resource *events = catalog ? catalog_find(catalog, "", "v1", "events") : NULL;

	r->cluster = c;
	r->events = events ? resource_ref(events) : NULL;
	r->clock = clock ? clock : clock_system();
	r->component = xstrdup(component);
	r->host = xstrdup(host ? host : "");
	r->cancel = cancel_new();
	r->call = (struct call){.user_agent = r->component, .cancel = r->cancel};
	pthread_mutex_init(&r->lock, NULL);
	clock_cond_init(&r->changed);
	r->tail = &r->head;
	r->known = map_new();
	pthread_create(&r->thread, NULL, run, r);
	return r;
}

/* Gives the sender until the deadline, then takes what it is waiting for away from it. */
static void end_sender(struct recorder *r)
{
	int64_t deadline = clock_mono(clock_system()) + LAST_FLUSH_NS;

	pthread_mutex_lock(&r->lock);
	r->ending = true;
	pthread_cond_broadcast(&r->changed);
	while ((r->head || r->sending) &&
	       !clock_wait(clock_system(), &r->changed, &r->lock, deadline))
		;
	pthread_mutex_unlock(&r->lock);
	cancel_fire(r->cancel);
	pthread_join(r->thread, NULL);
}

void recorder_free(struct recorder *r)
{
	if (!r)
		return;
	end_sender(r);
	map_free(r->known, known_free);
	if (r->events)
		resource_unref(r->events);
	cancel_unref(r->cancel);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r->component);
	free(r->host);
	free(r);
}

static void enqueue(struct recorder *r, struct said *s)
{
	bool first_loss = false;

	pthread_mutex_lock(&r->lock);
	if (r->queued >= QUEUE_LIMIT) {
		said_free(take(r));
		first_loss = !r->overflow;
		r->overflow = true;
	}
	*r->tail = s;
	r->tail = &s->next;
	r->queued++;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	if (first_loss)
		log_warn("%s: more events than can be sent; the oldest are dropped", r->component);
}

void recorder_event(struct recorder *r, const struct object *about, enum event_type type,
		    const char *reason, const char *format, ...)
{
	struct str message = STR_INIT;
	struct said *s;
	va_list ap;

	if (!r->events)
		return;
	va_start(ap, format);
	str_addv(&message, format, ap);
	va_end(ap);
	if (message.len > MAX_MESSAGE)
		str_truncate(&message, MAX_MESSAGE);
	s = xcalloc(1, sizeof(*s));
	s->about = object_ref((struct object *)about);
	s->type = type;
	s->reason = xstrdup(reason);
	s->message = str_take(&message);
	s->when = clock_wall(r->clock);
	enqueue(r, s);
}
