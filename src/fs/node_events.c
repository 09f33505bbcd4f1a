/* events.log and NAME/events: events as a table that grows. */
#include "fs/nodes.h"

#include "fs/spool.h"
#include "fs/types.h"
#include "object/json.h"
#include "object/time.h"

#include <inttypes.h>

/* One events.log. Under fs->lock. */
struct events {
	struct fs *fs;
	char *namespace; /* "": all */
	char *uid;	 /* of the object they are about; NULL: all */
	struct spool *spool;
	struct tree_type *type; /* NULL until it is opened */
	uint64_t newest;	/* revision of the newest event that is in */
};

static char *part(const struct object *o, const char *path)
{
	char *s = object_string(o, path);

	return s ? s : xstrdup("");
}

/* When an event was seen first and last (wall ns), and how often. */
struct seen {
	int64_t first, last, count;
};

/* The first of PATHS that holds a time; 0: none. */
static int64_t time_at(const struct object *o, const char *const *paths)
{
	int64_t at;

	for (; *paths; paths++) {
		char *text free_ptr = part(o, *paths);

		if (*text && time_parse(text, &at) == 0)
			return at;
	}
	return 0;
}

static int64_t count_at(const struct object *o, const char *path)
{
	struct span n = object_find(o, path);

	return n.p ? strtoll(n.p, NULL, 10) : 0;
}

/* As kubectl get events: a series, where the event has one, tells how often it came. */
static struct seen seen_of(const struct object *o)
{
	static const char *const last[] = {"series.lastObservedTime",
					   "lastTimestamp",
					   "eventTime",
					   "firstTimestamp",
					   "metadata.creationTimestamp",
					   NULL};
	static const char *const first[] = {"firstTimestamp", "eventTime", NULL};
	struct seen s = {time_at(o, first), time_at(o, last), count_at(o, "series.count")};

	if (!s.first)
		s.first = s.last;
	if (!s.count)
		s.count = count_at(o, "count");
	return s;
}

static void event_line(const struct object *o, const struct seen *seen, struct str *out)
{
	char *type free_ptr = part(o, "type"), *reason free_ptr = part(o, "reason");
	char *kind free_ptr = part(o, "involvedObject.kind");
	char *name free_ptr = part(o, "involvedObject.name");
	char *message free_ptr = part(o, "message");
	char when[TIME_TEXT], over[TIME_TEXT];

	str_addf(out, "%-20.19s  %-15s %-8s %-20s %s/%s  ", time_format(seen->last, when),
		 o->namespace, type, reason, kind, name);
	str_add_escaped(out, message, strlen(message));
	if (seen->count > 1)
		str_addf(out, " (x%" PRIi64 " over %s)", seen->count,
			 time_human_duration(seen->last - seen->first, over));
	str_addc(out, '\n');
}

static bool is_about(const struct events *e, const struct object *o)
{
	char *uid free_ptr = e->uid ? part(o, "involvedObject.uid") : NULL;

	return !e->uid || strcmp(uid, e->uid) == 0;
}

static void add_event(struct events *e, const struct object *o, const struct seen *seen)
{
	struct str line CLEANUP(str_release) = STR_INIT;

	e->newest = MAX(e->newest, o->revision);
	if (!is_about(e, o))
		return;
	event_line(o, seen, &line);
	spool_add(e->spool, line.s, line.len);
}

/* One that was there when the log was opened. */
struct past {
	struct object *object; /* borrowed */
	struct seen seen;
};

static int by_time(const void *a, const void *b)
{
	const struct past *x = a, *y = b;
	uint64_t p = x->object->revision, q = y->object->revision;

	if (x->seen.last != y->seen.last)
		return x->seen.last > y->seen.last ? 1 : -1;
	return (p > q) - (p < q);
}

static void add_past(struct events *e, const struct object_list *list)
{
	VEC(struct past) all = VEC_INIT;

	vec_each (list, o)
		vec_push(&all, ((struct past){*o, seen_of(*o)}));
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_time);
	vec_each (&all, p)
		add_event(e, p->object, &p->seen);
	vec_release(&all);
}

/*
 * What is there already comes first, oldest first; then events_changed adds what is told. An event
 * that is told after it was listed is known by its revision.
 */
static int events_start(struct events *e, const struct call *call, struct error **err)
{
	struct view *v CLEANUP(view_unref_cleanup) = view_get(e->fs);
	struct object_list list = {0};
	struct tree_type *t = NULL;

	if (!v->events)
		return error_set(err, E_NOT_FOUND, "the cluster serves no events");
	if (type_open(e->fs, v->events, e->namespace, call, &t, err) < 0)
		return -1;
	pthread_mutex_lock(&e->fs->lock);
	if (!e->type) {
		e->type = type_ref(t);
		informer_list(t->informer, e->namespace, &list);
		add_past(e, &list);
	}
	pthread_mutex_unlock(&e->fs->lock);
	type_unref(t);
	object_list_release(&list);
	return 0;
}

static void events_init(struct node *n)
{
	struct events *e = xcalloc(1, sizeof(*e));

	e->fs = n->fs;
	e->namespace = xstrdup(n->namespace);
	e->spool = spool_new(n->fs->clock, SPOOL_MAX);
	n->state = e;
}

static void object_events_init(struct node *n)
{
	events_init(n);
	((struct events *)n->state)->uid = xstrdup(n->parent->object->uid);
}

static void events_release(struct node *n)
{
	struct events *e = n->state;

	type_unref(e->type);
	spool_free(e->spool);
	free(e->uid);
	free(e->namespace);
	free(e);
}

static int events_open(struct node *n, const struct call *call, struct error **err)
{
	struct events *e = n->state;

	if (events_start(e, call, err) < 0)
		return -1;
	spool_open(e->spool);
	return 0;
}

static void events_close(struct node *n)
{
	struct events *e = n->state;

	spool_close(e->spool);
}

static void tell(struct node *n, struct tree_type *t, struct object *o)
{
	struct events *e = n ? n->state : NULL;

	if (e && e->type == t && o->revision > e->newest) {
		struct seen seen = seen_of(o);

		add_event(e, o, &seen);
	}
}

/* NAME/events of what the event is about. */
static struct node *object_events(struct fs *fs, struct object *event)
{
	char *api_version free_ptr = part(event, "involvedObject.apiVersion");
	char *kind free_ptr = part(event, "involvedObject.kind");
	char *name free_ptr = part(event, "involvedObject.name");
	char *namespace free_ptr = part(event, "involvedObject.namespace");
	const struct resource *r = catalog_find_kind(fs->view->catalog, api_version, kind);
	struct str directory CLEANUP(str_release) = STR_INIT;
	struct node *dir;

	if (!r)
		return NULL;
	resource_directory(r, &directory);
	dir = r->namespaced ? namespace_directory(fs, namespace) : node_child(fs->root, "cluster");
	dir = dir ? node_child(dir, directory.s) : NULL;
	dir = dir ? node_child(dir, name) : NULL;
	return dir ? node_child(dir, "events") : NULL;
}

/* Every one that was opened takes the new event; those of type events are told in order. */
static void events_changed(struct tree_type *t, struct object *old, struct object *new_)
{
	struct node *namespace;

	if (strcmp(t->resource->plural, "events") != 0 || !new_)
		return;
	namespace = namespace_directory(t->fs, new_->namespace);
	tell(node_child(t->fs->root, "events.log"), t, new_);
	tell(namespace ? node_child(namespace, "events.log") : NULL, t, new_);
	tell(object_events(t->fs, new_), t, new_);
}

static void events_stat(struct node *n, struct stat *st)
{
	struct events *e = n->state;
	int64_t grown;

	st->st_size = (off_t)spool_size(e->spool, &grown);
	if (grown)
		st->st_mtim = st->st_ctim = (struct timespec){grown / NS_PER_S, grown % NS_PER_S};
}

static void events_read(struct node *n, off_t offset, size_t size, struct str *out)
{
	struct events *e = n->state;

	spool_read(e->spool, offset, size, out);
}

const struct node_ops events_ops = {
	.init = events_init,
	.release = events_release,
	.changed = events_changed,
	.stat = events_stat,
	.open = events_open,
	.close = events_close,
	.read = events_read,
};
/* The same, of one object. */
const struct node_ops object_events_ops = {
	.init = object_events_init,
	.release = events_release,
	.stat = events_stat,
	.open = events_open,
	.close = events_close,
	.read = events_read,
};
