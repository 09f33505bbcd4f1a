/*
 * logs/, logs/POD/, logs/POD/CONTAINER.log and .previous.log; NAME/logs/ with links to them.
 *
 * A log is fetched to its end when it is opened, so that cat gets all of it, and followed while it
 * stays open: across the container's restarts and broken connections (log.h, follow.h).
 */
#include "fs/nodes.h"

#include "fs/follow.h"
#include "fs/log.h"
#include "fs/spool.h"
#include "fs/types.h"

#define PREVIOUS ".previous"
#define LOG ".log"

struct container_log {
	struct spool *spool;
	struct log *log;
	bool previous;
	pthread_mutex_t opening; /* one open or close at a time */
	unsigned opens;		 /* under opening */
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

	return type_open_at(at, v->pods, call, err);
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
	type_names_changed(t, logs);
}

const struct node_ops log_pod_ops = {
	.ready = pods_ready,
	.prepare = pods_prepare,
	.find = find_pod,
	.list = list_pods,
	.changed = pod_changed,
};

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

struct names {
	struct listing *listing; /* collects, with this suffix; or */
	const char *suffix;
	const char *wanted; /* looks for this one */
	bool found;
};

static void take_name(void *arg, const char *name)
{
	struct names *n = arg;
	char *file free_ptr = n->listing ? xasprintf("%s%s", name, n->suffix) : NULL;

	if (file)
		listing_add(n->listing, file, 0);
	else if (strcmp(name, n->wanted) == 0)
		n->found = true;
}

static bool find_log(struct node *dir, const char *name, struct found *f)
{
	struct object *pod CLEANUP(object_unref_cleanup) = pod_of(dir);
	bool previous;
	char *container free_ptr = split_name(name, &previous);
	struct names n = {.wanted = container};

	if (!pod || !container)
		return false;
	(previous ? pod_each_previous : pod_each_container)(pod, take_name, &n);
	return n.found;
}

static void list_logs(struct node *dir, struct listing *l)
{
	struct object *pod CLEANUP(object_unref_cleanup) = pod_of(dir);
	struct names now = {.listing = l, .suffix = LOG};
	struct names before = {.listing = l, .suffix = PREVIOUS LOG};

	if (!pod)
		return;
	pod_each_container(pod, take_name, &now);
	pod_each_previous(pod, take_name, &before);
}

static void take_line(void *arg, int64_t at, const char *line, size_t len)
{
	spool_add(arg, line, len);
}

static void log_init(struct node *n)
{
	struct container_log *c = xcalloc(1, sizeof(*c));
	char *container free_ptr = split_name(n->name, &c->previous);

	c->spool = spool_new(n->fs->clock, SPOOL_MAX);
	c->log = log_new(n, n->fs->view->pods, n->parent->object, container, c->previous, take_line,
			 c->spool);
	pthread_mutex_init(&c->opening, NULL);
	n->state = c;
}

static void log_release(struct node *n)
{
	struct container_log *c = n->state;

	log_free(c->log);
	spool_free(c->spool);
	pthread_mutex_destroy(&c->opening);
	free(c);
}

static void again(struct node *n, const struct call *call)
{
	struct container_log *c = n->state;

	pthread_mutex_lock(&c->opening);
	if (c->opens)
		log_again(c->log, call);
	pthread_mutex_unlock(&c->opening);
}

static int log_open(struct node *n, const struct call *call, struct error **err)
{
	struct container_log *c = n->state;
	int ret = 0;

	pthread_mutex_lock(&c->opening);
	if (c->opens == 0)
		ret = log_fetch(c->log, call, err);
	if (ret == 0 && c->opens++ == 0 && !c->previous) {
		followers_add(n->fs->followers, n);
		log_follow(c->log, NULL);
	}
	if (ret == 0)
		spool_open(c->spool);
	pthread_mutex_unlock(&c->opening);
	return ret;
}

static void log_close(struct node *n)
{
	struct container_log *c = n->state;

	pthread_mutex_lock(&c->opening);
	if (--c->opens == 0) {
		followers_remove(n->fs->followers, n);
		log_stop(c->log);
	}
	spool_close(c->spool);
	pthread_mutex_unlock(&c->opening);
}

static void log_stat(struct node *n, struct stat *st)
{
	struct container_log *c = n->state;
	int64_t grown;

	st->st_size = (off_t)spool_size(c->spool, &grown);
	if (grown)
		st->st_mtim = st->st_ctim = (struct timespec){grown / NS_PER_S, grown % NS_PER_S};
}

static void log_read(struct node *n, off_t offset, size_t size, struct str *out)
{
	struct container_log *c = n->state;

	spool_read(c->spool, offset, size, out);
}

const struct node_ops log_ops = {
	.find = find_log,
	.list = list_logs,
	.init = log_init,
	.release = log_release,
	.again = again,
	.open = log_open,
	.close = log_close,
	.stat = log_stat,
	.read = log_read,
};
