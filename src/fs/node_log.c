/*
 * NAME/log: the containers of a pod, or of all pods of a workload, as one text, each line with the
 * pod's name (of a pod with several containers, the container's). What is there when it is opened
 * is sorted by time; then lines come as they are told, also of pods that are new.
 */
#include "fs/nodes.h"

#include "fs/follow.h"
#include "fs/log.h"
#include "fs/spool.h"
#include "fs/types.h"
#include "object/json.h"
#include "object/selector.h"
#include "object/time.h"

/* One container. */
struct source {
	struct merged *merged;
	struct log *log;
	char *prefix;
};

/* A line that was fetched and is not in its place yet. */
struct early {
	int64_t at;
	size_t index;
	char *text;
	size_t len;
};

struct merged {
	struct node *node;
	struct spool *spool;
	pthread_mutex_t opening; /* one open, close or look for new pods at a time */
	unsigned opens;
	VEC(struct source *) sources; /* under opening */
	pthread_mutex_t lock;	      /* guards all below, and which spool it is */
	bool collecting;
	VEC(struct early) early;
};

static bool is_pod(const struct resource *r)
{
	return r->group[0] == '\0' && strcmp(r->plural, "pods") == 0;
}

/* What has pods of its own by a selector. */
static bool find_all(struct node *dir, const char *name, struct found *f)
{
	static const char *const kinds[] = {"Deployment", "ReplicaSet", "StatefulSet",
					    "DaemonSet",  "Job",	"ReplicationController"};

	if (is_pod(dir->resource))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (str_equal(dir->resource->kind, kinds[i]) && !dir->resource->custom)
			return true;
	}
	return false;
}

static void take_line(void *arg, int64_t at, const char *line, size_t len)
{
	struct source *s = arg;
	struct merged *m = s->merged;
	struct str text CLEANUP(str_release) = STR_INIT;
	struct early e = {.at = at};

	str_adds(&text, s->prefix);
	str_add(&text, line, len);
	if (!len || line[len - 1] != '\n')
		str_addc(&text, '\n');
	pthread_mutex_lock(&m->lock);
	if (m->collecting) {
		e.index = m->early.n;
		e.len = text.len;
		e.text = str_take(&text);
		vec_push(&m->early, e);
	} else {
		spool_add(m->spool, text.s, text.len);
	}
	pthread_mutex_unlock(&m->lock);
}

static int by_time(const void *a, const void *b)
{
	const struct early *x = a, *y = b;

	return x->at != y->at ? (x->at > y->at) - (x->at < y->at)
			      : (x->index > y->index) - (x->index < y->index);
}

static void place_early(struct merged *m)
{
	pthread_mutex_lock(&m->lock);
	if (m->early.n)
		qsort(m->early.v, m->early.n, sizeof(*m->early.v), by_time);
	vec_each (&m->early, e) {
		spool_add(m->spool, e->text, e->len);
		free(e->text);
	}
	m->early.n = 0;
	m->collecting = false;
	pthread_mutex_unlock(&m->lock);
}

static void merged_init(struct node *n)
{
	struct merged *m = xcalloc(1, sizeof(*m));

	m->node = n;
	m->spool = spool_new(n->fs->clock, SPOOL_MAX);
	pthread_mutex_init(&m->opening, NULL);
	pthread_mutex_init(&m->lock, NULL);
	n->state = m;
}

static void drop_sources(struct merged *m)
{
	vec_each (&m->sources, s) {
		log_free((*s)->log);
		free((*s)->prefix);
		free(*s);
	}
	vec_release(&m->sources);
}

static void merged_release(struct node *n)
{
	struct merged *m = n->state;

	drop_sources(m);
	vec_release(&m->early);
	spool_free(m->spool);
	pthread_mutex_destroy(&m->lock);
	pthread_mutex_destroy(&m->opening);
	free(m);
}

/* The pods that the object of DIR is about, as they are now. */
static int pods_of(struct node *dir, struct tree_type *pods, struct object_list *out,
		   struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = object_of_dir(dir);
	struct object_list all CLEANUP(object_list_release) = {0};
	struct selector *s CLEANUP(selector_free_cleanup) = NULL;

	if (!o)
		return error_set(err, E_NOT_FOUND, "%s is gone", dir->name);
	if (is_pod(dir->resource)) {
		vec_push(out, object_ref(o));
		return 0;
	}
	json_t *tree json_auto = object_tree(o);

	s = strcmp(dir->resource->kind, "ReplicationController") == 0
		    ? selector_from_map(json_path(tree, "spec.selector"))
		    : selector_from_label_selector(json_path(tree, "spec.selector"), err);
	if (!s)
		return -1;
	informer_list(pods->informer, dir->namespace, &all);
	vec_each (&all, pod) {
		if (selector_matches(s, *pod))
			vec_push(out, object_ref(*pod));
	}
	return 0;
}

struct adding {
	struct merged *m;
	struct tree_type *pods;
	const struct object *pod;
	const struct call *call;
};

static bool is_known(struct adding *a, const char *container)
{
	vec_each (&a->m->sources, s) {
		if (strcmp(log_pod_uid((*s)->log), a->pod->uid) == 0 &&
		    strcmp(log_container((*s)->log), container) == 0)
			return true;
	}
	return false;
}

static void count(void *arg, const char *name)
{
	++*(size_t *)arg;
}

static char *prefix_of(const struct object *pod, const char *container)
{
	size_t n = 0;

	pod_each_container(pod, count, &n);
	return n > 1 ? xasprintf("%s %s ", pod->name, container) : xasprintf("%s ", pod->name);
}

/* A container that has no log yet is tried again by its pod's next change. */
static void add_source(void *arg, const char *container)
{
	struct adding *a = arg;
	struct source *s;

	if (is_known(a, container))
		return;
	s = xcalloc(1, sizeof(*s));
	s->merged = a->m;
	s->prefix = prefix_of(a->pod, container);
	s->log = log_new(a->m->node, a->pods->resource, a->pod, container, false, take_line, s);
	if (log_fetch(s->log, a->call, NULL) < 0) {
		log_free(s->log);
		free(s->prefix);
		free(s);
		return;
	}
	log_follow(s->log, NULL);
	vec_push(&a->m->sources, s);
}

/* Under opening. */
static int add_pods(struct merged *m, const struct call *call, struct error **err)
{
	struct node *n = m->node;
	struct view *v CLEANUP(view_unref_cleanup) = view_get(n->fs);
	struct object_list list CLEANUP(object_list_release) = {0};
	struct tree_type *pods CLEANUP(type_unref_cleanup) = NULL;

	int ret;

	if (type_open(n->fs, v->pods, n->namespace, call, &pods, err) < 0)
		return -1;
	pthread_mutex_lock(&n->fs->lock);
	ret = pods_of(n->parent, pods, &list, err);
	pthread_mutex_unlock(&n->fs->lock);
	if (ret < 0)
		return -1;
	vec_each (&list, pod) {
		struct adding a = {m, pods, *pod, call};

		pod_each_container(*pod, add_source, &a);
	}
	return 0;
}

static int merged_open(struct node *n, const struct call *call, struct error **err)
{
	struct merged *m = n->state;
	int ret = 0;

	pthread_mutex_lock(&m->opening);
	if (m->opens == 0) {
		m->collecting = true;
		ret = add_pods(m, call, err);
		place_early(m);
	}
	if (ret == 0 && m->opens++ == 0)
		followers_add(n->fs->followers, n);
	if (ret == 0)
		spool_open(m->spool);
	pthread_mutex_unlock(&m->opening);
	return ret;
}

/* The next opening begins anew: who reads it from its start gets each line once. */
static void merged_close(struct node *n)
{
	struct merged *m = n->state;

	pthread_mutex_lock(&m->opening);
	spool_close(m->spool);
	if (--m->opens == 0) {
		followers_remove(n->fs->followers, n);
		drop_sources(m);
		pthread_mutex_lock(&m->lock);
		spool_free(m->spool);
		m->spool = spool_new(n->fs->clock, SPOOL_MAX);
		pthread_mutex_unlock(&m->lock);
	}
	pthread_mutex_unlock(&m->opening);
}

static void merged_again(struct node *n, const struct call *call)
{
	struct merged *m = n->state;

	pthread_mutex_lock(&m->opening);
	if (m->opens) {
		vec_each (&m->sources, s)
			log_again((*s)->log, call);
		add_pods(m, call, NULL);
	}
	pthread_mutex_unlock(&m->opening);
}

static void merged_changed(struct tree_type *t, struct object *old, struct object *new_)
{
	if (is_pod(t->resource) && new_)
		followers_poke_all(t->fs->followers, &object_log_ops, new_->namespace);
}

static void merged_stat(struct node *n, struct stat *st)
{
	struct merged *m = n->state;
	int64_t grown = 0;

	pthread_mutex_lock(&m->lock);
	st->st_size = (off_t)spool_size(m->spool, &grown);
	pthread_mutex_unlock(&m->lock);
	if (grown)
		st->st_mtim = st->st_ctim = (struct timespec){grown / NS_PER_S, grown % NS_PER_S};
}

static void merged_read(struct node *n, off_t offset, size_t size, struct str *out)
{
	struct merged *m = n->state;

	/* Who reads has it open: the spool stays. */
	spool_read(m->spool, offset, size, out);
}

const struct node_ops object_log_ops = {
	.find = find_all,
	.init = merged_init,
	.release = merged_release,
	.open = merged_open,
	.close = merged_close,
	.again = merged_again,
	.changed = merged_changed,
	.stat = merged_stat,
	.read = merged_read,
};

/* NAME/logs: of a pod its directory of logs, of a workload links to those of its pods. */
static bool find_logs(struct node *dir, const char *name, struct found *f)
{
	if (!is_pod(dir->resource))
		return false;
	f->link = xasprintf("../../logs/%s", dir->name);
	return true;
}

const struct node_ops object_logs_ops = {.find = find_logs};

static bool find_workload(struct node *dir, const char *name, struct found *f)
{
	return !is_pod(dir->resource) && find_all(dir, name, f);
}

static bool workload_ready(struct node *dir)
{
	if (!dir->type)
		dir->type = type_ready(dir->fs, dir->fs->view->pods, dir->namespace);
	return dir->type != NULL;
}

static int workload_prepare(struct node *dir, const struct call *call, struct error **err)
{
	struct view *v CLEANUP(view_unref_cleanup) = view_get(dir->fs);

	return type_open_at(dir, v->pods, call, err);
}

const struct node_ops workload_logs_ops = {
	.find = find_workload,
	.ready = workload_ready,
	.prepare = workload_prepare,
};

static void list_pods(struct node *dir, struct listing *l)
{
	struct object_list list CLEANUP(object_list_release) = {0};

	pods_of(dir->parent, dir->type, &list, NULL);
	vec_each (&list, pod)
		listing_add(l, (*pod)->name, 0);
}

static bool find_pod(struct node *dir, const char *name, struct found *f)
{
	struct object_list list CLEANUP(object_list_release) = {0};

	pods_of(dir->parent, dir->type, &list, NULL);
	vec_each (&list, pod) {
		if (strcmp((*pod)->name, name) == 0 && !f->link)
			f->link = xasprintf("../../../logs/%s", name);
	}
	return f->link != NULL;
}

const struct node_ops workload_pod_ops = {.find = find_pod, .list = list_pods};
