#include "fs/holds.h"

#include "fs/journal.h"
#include "fs/nodes.h"
#include "fs/types.h"

struct hold {
	const struct resource *resource; /* a ref */
	struct object *object;		 /* a ref */
	int64_t due;			 /* mono */
	unsigned claims;
	bool sending;
};

struct holds {
	struct fs *fs;
	pthread_mutex_t lock; /* inside fs->lock */
	pthread_cond_t changed;
	pthread_t thread;
	struct map *by_key; /* -> struct hold */
	bool started, stopped;
};

static char *hold_key(const struct resource *r, const char *namespace, const char *name)
{
	return xasprintf("%s/%s@%s/%s", r->group, r->plural, namespace, name);
}

static struct hold *hold_find(struct holds *h, const struct resource *r, const char *namespace,
			      const char *name)
{
	char *key free_ptr = hold_key(r, namespace, name);

	return map_get(h->by_key, key);
}

/* The name appears or goes: whoever looks next asks again. Not under either lock. */
static void show_again(struct fs *fs, const struct resource *r, const struct object *o)
{
	struct str file CLEANUP(str_release) = STR_INIT;
	struct tree_type *t;

	object_file_name(o->name, &file);
	FS_LOCK(fs);
	t = type_ready(fs, r, o->namespace);
	struct node *dir = t ? type_directory(t, o->namespace) : NULL;

	if (dir) {
		node_stale(dir, file.s);
		node_stale(dir, o->name);
		node_names_changed(dir);
	}
	/* The map holds it too: this is never the last ref. */
	if (t)
		t->refs--;
}

static void hold_remove(struct holds *h, struct hold *x)
{
	char *key free_ptr = hold_key(x->resource, x->object->namespace, x->object->name);

	map_del(h->by_key, key);
	pthread_cond_broadcast(&h->changed);
}

static void hold_free(struct hold *x)
{
	resource_unref(x->resource);
	object_unref(x->object);
	free(x);
}

static void observe_deletion(struct fs *fs, const struct resource *r, struct object *o,
			     struct object *answer, bool gone)
{
	struct tree_type *t;

	pthread_mutex_lock(&fs->lock);
	t = type_ready(fs, r, o->namespace);
	pthread_mutex_unlock(&fs->lock);
	if (t && gone)
		informer_observe_deleted(t->informer, o->namespace, o->name, o->uid);
	else if (t && answer && *answer->name)
		informer_observe(t->informer, answer);
	type_unref(t);
}

static int send_deletion(struct fs *fs, const struct resource *r, struct object *o, bool dry_run,
			 const struct call *call, struct error **err)
{
	struct delete_options opt = {
		.dry_run = dry_run,
		.grace_period_s = -1,
		.propagation = PROPAGATE_BACKGROUND,
		.uid = o->uid,
	};
	struct object *answer CLEANUP(object_unref_cleanup) = NULL;
	struct error *why = NULL;
	bool gone = false;
	int ret = cluster_delete(fs->cluster, call, r, o->namespace, o->name, &opt, &answer, &gone,
				 &why);

	/* Others may have been faster than what the watch tells. */
	if (ret < 0 && error_code(why) == E_NOT_FOUND)
		observe_deletion(fs, r, o, NULL, true);
	else if (ret == 0 && !dry_run)
		observe_deletion(fs, r, o, answer, gone);
	return ret < 0 ? error_move(err, why) : 0;
}

/* X is marked as being sent, so nobody else frees it. */
static void send_held(struct holds *h, struct hold *x)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct str path CLEANUP(str_release) = STR_INIT;
	int ret = send_deletion(h->fs, x->resource, x->object, false, NULL, &err);

	if (ret < 0 && error_code(err) != E_NOT_FOUND) {
		str_addf(&path, "%s %s/%s (deletion)", x->resource->plural, x->object->namespace,
			 x->object->name);
		journal_add(h->fs->journal, path.s, err, resource_is_secret(x->resource));
	}
	pthread_mutex_lock(&h->lock);
	hold_remove(h, x);
	pthread_mutex_unlock(&h->lock);
	show_again(h->fs, x->resource, x->object);
	hold_free(x);
}

struct sending {
	struct holds *holds;
	struct hold *hold;
};

static void run_send(void *arg, struct cancel *cancel)
{
	struct sending *s = arg;

	send_held(s->holds, s->hold);
	free(s);
}

/* The next hold that is due, marked; else *next says when. Under the lock. */
static struct hold *take_due(struct holds *h, int64_t now, int64_t *next)
{
	*next = CLOCK_NEVER;
	map_each (h->by_key, e) {
		struct hold *x = e->value;

		if (x->sending || x->claims)
			continue;
		if (x->due <= now) {
			x->sending = true;
			return x;
		}
		*next = MIN(*next, x->due);
	}
	return NULL;
}

static void *timer(void *arg)
{
	struct holds *h = arg;
	int64_t next;

	pthread_mutex_lock(&h->lock);
	while (!h->stopped) {
		struct hold *x = take_due(h, clock_mono(h->fs->clock), &next);

		if (!x) {
			clock_wait(h->fs->clock, &h->changed, &h->lock, next);
			continue;
		}
		struct sending *s = xcalloc(1, sizeof(*s));

		*s = (struct sending){h, x};
		pthread_mutex_unlock(&h->lock);
		pool_submit(h->fs->pool, run_send, s, NULL);
		pthread_mutex_lock(&h->lock);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

struct holds *holds_new(struct fs *fs)
{
	struct holds *h = xcalloc(1, sizeof(*h));

	h->fs = fs;
	pthread_mutex_init(&h->lock, NULL);
	clock_cond_init(&h->changed);
	h->by_key = map_new();
	return h;
}

void holds_free(struct holds *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->stopped = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	if (h->started)
		pthread_join(h->thread, NULL);
	map_each (h->by_key, e)
		hold_free(e->value);
	map_free(h->by_key, NULL);
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

/* The caller frees. */
static char *held_uid(struct holds *h, const struct resource *r, const char *namespace,
		      const char *name)
{
	char *uid = NULL;

	pthread_mutex_lock(&h->lock);
	if (map_count(h->by_key)) {
		struct hold *x = hold_find(h, r, namespace, name);

		uid = x ? xstrdup(x->object->uid) : NULL;
	}
	pthread_mutex_unlock(&h->lock);
	return uid;
}

bool holds_hides(struct holds *h, const struct resource *r, const char *namespace, const char *name,
		 const char *uid)
{
	char *held free_ptr = held_uid(h, r, namespace, name);

	return held && str_equal(held, uid);
}

struct map *holds_uids(struct holds *h)
{
	struct map *uids = NULL;

	pthread_mutex_lock(&h->lock);
	if (map_count(h->by_key))
		uids = map_new();
	map_each (h->by_key, e) {
		struct hold *x = e->value;

		map_put(uids, x->object->uid, x);
	}
	pthread_mutex_unlock(&h->lock);
	return uids;
}

struct object *shown_get(struct holds *h, struct informer *i, const char *namespace,
			 const char *name)
{
	char *held free_ptr = held_uid(h, informer_resource(i), namespace, name);
	struct object *o = informer_get(i, namespace, name);

	if (o && held && str_equal(held, o->uid))
		object_unref(steal(&o));
	return o;
}

void shown_list(struct holds *h, struct informer *i, const char *namespace, struct object_list *out)
{
	struct map *held = holds_uids(h);
	size_t kept = out->n;

	informer_list(i, namespace, out);
	for (size_t k = kept; held && k < out->n; k++) {
		if (map_get(held, out->v[k]->uid))
			object_unref(out->v[k]);
		else
			out->v[kept++] = out->v[k];
	}
	if (held)
		out->n = kept;
	map_free(held, NULL);
}

/* Under the lock. */
static void hold_set(struct holds *h, struct hold *x, struct object *o)
{
	object_unref(x->object);
	x->object = object_ref(o);
	x->due = clock_mono(h->fs->clock) + h->fs->opt.delete_hold_ms * NS_PER_MS;
}

/* A hold that is there already is of an object of before, unless two remove the same. */
static void hold_add(struct holds *h, const struct resource *r, struct object *o)
{
	char *key free_ptr = hold_key(r, o->namespace, o->name);
	struct hold *x;

	pthread_mutex_lock(&h->lock);
	while ((x = map_get(h->by_key, key)) && x->sending && !str_equal(x->object->uid, o->uid))
		pthread_cond_wait(&h->changed, &h->lock);
	if (!x) {
		x = xcalloc(1, sizeof(*x));
		x->resource = resource_ref(r);
		map_put(h->by_key, key, x);
	}
	if (!x->sending)
		hold_set(h, x, o);
	if (!h->started)
		h->started = pthread_create(&h->thread, NULL, timer, h) == 0;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

int holds_delete(struct fs *fs, const struct resource *r, struct object *o, const struct call *call,
		 struct error **err)
{
	bool now = fs->opt.delete_hold_ms == 0;

	if (fs->opt.dry_run || !now) {
		if (send_deletion(fs, r, o, true, call, err) < 0)
			return -1;
		if (fs->opt.dry_run)
			return 0;
		hold_add(fs->holds, r, o);
	} else if (send_deletion(fs, r, o, false, call, err) < 0) {
		return -1;
	}
	show_again(fs, r, o);
	return 0;
}

void holds_claim(struct holds *h, const struct resource *r, const char *namespace, const char *name,
		 bool claim)
{
	pthread_mutex_lock(&h->lock);
	struct hold *x = hold_find(h, r, namespace, name);

	if (x && claim)
		x->claims++;
	else if (x && x->claims)
		x->claims--;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

void holds_settle(struct holds *h, const struct resource *r, const char *namespace,
		  const char *name)
{
	struct hold *x;

	pthread_mutex_lock(&h->lock);
	while ((x = hold_find(h, r, namespace, name)) && x->sending)
		pthread_cond_wait(&h->changed, &h->lock);
	if (x)
		x->claims++; /* until holds_drop */
	pthread_mutex_unlock(&h->lock);
}

void holds_drop(struct holds *h, const struct resource *r, const char *namespace, const char *name)
{
	struct hold *x;

	pthread_mutex_lock(&h->lock);
	x = hold_find(h, r, namespace, name);
	if (x && x->sending)
		x = NULL;
	if (x)
		hold_remove(h, x);
	pthread_mutex_unlock(&h->lock);
	if (!x)
		return;
	show_again(h->fs, x->resource, x->object);
	hold_free(x);
}

/* Marks all that is not being sent yet. */
void holds_flush(struct holds *h)
{
	VEC(struct hold *) mine = VEC_INIT;
	int64_t next;
	struct hold *x;

	pthread_mutex_lock(&h->lock);
	while ((x = take_due(h, CLOCK_NEVER, &next)))
		vec_push(&mine, x);
	pthread_mutex_unlock(&h->lock);
	vec_each (&mine, m)
		send_held(h, *m);
	vec_release(&mine);
	pthread_mutex_lock(&h->lock);
	for (bool sending = true; sending;) {
		sending = false;
		map_each (h->by_key, e)
			sending |= ((struct hold *)e->value)->sending;
		if (sending)
			pthread_cond_wait(&h->changed, &h->lock);
	}
	pthread_mutex_unlock(&h->lock);
}
