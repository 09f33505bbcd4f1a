/*
 * The end of a definition. A finalizer of ours keeps it until none of its instances is left; these
 * are deleted as a collection is, by a thread of this file in batches, and those that have
 * finalizers themselves stay until somebody removes them.
 *
 * Instances only become fewer: once the definition is marked the catalog says so, and a creation
 * holds types_lock from when it has looked there until it is committed. So nothing is asked again
 * and again: the commit of each deletion is looked at here, and the one of the last instance lets
 * the definition go.
 *
 * What is to be done stands in the definitions alone. After a crash, the next opening goes on.
 */
#include "cluster/local/admission.h"

#include "base/log.h"
#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "object/json.h"
#include "object/time.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#define FINALIZER "customresourcecleanup.apiextensions.k8s.io"
#define BATCH_OBJECTS 256
#define BATCH_BYTES (4u << 20)
#define CONFLICTS_MAX 64 /* one after another, before it is given up for a while */
#define RETRY_S 1	 /* doubled with each failure */
#define RETRY_DOUBLED_MAX 8

struct doomed {
	char *name, *uid;	 /* of the definition */
	char type[TYPE_KEY_LEN]; /* what the keys of its instances begin with */
	bool due, swept;	 /* all instances are deleted, or marked */
	unsigned failures;
	int64_t retry_ns; /* mono; not to be tried before */
};

struct crd_cleanup {
	struct local *l;
	_Atomic size_t n; /* of v, for who has not the lock */
	atomic_bool ending;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	VEC(struct doomed) v;
	bool ready, started;
	pthread_t thread;
};

static void doomed_release(struct doomed *d)
{
	free(d->name);
	free(d->uid);
}

static struct doomed *find(struct crd_cleanup *c, const char *uid)
{
	vec_each (&c->v, d)
		if (strcmp(d->uid, uid) == 0)
			return d;
	return NULL;
}

/* ---- the definition */

static void set_terminating(struct local *l, json_t *crd, bool status, const char *reason,
			    const char *message)
{
	char now[TIME_TEXT];

	crd_set_condition(crd, "Terminating", status, reason, message,
			  time_format(clock_wall(l->clock), now));
}

void crd_begin_deletion(struct local *l, json_t *crd)
{
	char now[TIME_TEXT];

	json_path_set(crd, "metadata.deletionTimestamp",
		      json_string(time_format(clock_wall(l->clock), now)));
	lifecycle_set_finalizer(crd, FINALIZER, true);
	set_terminating(l, crd, true, "InstanceDeletionPending",
			"its objects are about to be deleted");
}

/* D's definition while it waits for us; NULL when it does not, or *err. */
static struct object *read_definition(struct local *l, const struct doomed *d, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct object *o CLEANUP(object_unref_cleanup) =
		local_read(l, crd_type(), "", d->name, &why);
	json_t *tree json_auto = o ? object_tree(o) : NULL;

	if (!o && error_code(why) != E_NOT_FOUND)
		error_move(err, steal(&why));
	if (!o || strcmp(o->uid, d->uid) || !lifecycle_has_finalizer(tree, FINALIZER))
		return NULL;
	return steal(&o);
}

/* What the condition says, and whether the definition need not wait for us any more. */
struct verdict {
	const char *reason, *message;
	bool status, over;
};

/* *CONFLICT: somebody else has written the definition meanwhile. */
static int tell_once(struct local *l, const struct doomed *d, const struct verdict *v,
		     bool *conflict, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct object *o CLEANUP(object_unref_cleanup) = read_definition(l, d, &why);
	struct commit c CLEANUP(commit_release) = {0};
	json_t *tree json_auto = NULL;
	json_t *before json_auto = NULL;
	size_t failed;

	if (!o)
		return why ? error_move(err, steal(&why)) : 0;
	before = object_tree(o);
	tree = json_deep_copy(before);
	set_terminating(l, tree, v->status, v->reason, v->message);
	if (crd_track_status(l, before, tree, err) < 0)
		return -1;
	if (v->over)
		lifecycle_set_finalizer(tree, FINALIZER, false);
	if (json_equal(before, tree))
		return 0;
	if (lifecycle_finished(tree))
		commit_delete(&c, crd_type(), tree, o->revision);
	else
		commit_put(&c, crd_type(), tree, o->revision);
	if (commit_run(l, &c, NULL, &failed, &why) == 0)
		return v->over ? crd_gone(l, err) : 0;
	*conflict = error_code(why) == E_CONFLICT || error_code(why) == E_NOT_FOUND;
	return error_move(err, steal(&why));
}

static int tell(struct local *l, const struct doomed *d, const struct verdict *v,
		struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	bool conflict = true;

	for (int i = 0; i < TRIES && conflict; i++) {
		error_clear(&why);
		conflict = false;
		if (tell_once(l, d, v, &conflict, &why) == 0)
			return 0;
	}
	return error_move(err, steal(&why));
}

/* ---- its instances */

/* Neighbours in key, and what becomes of them in one commit. */
struct batch {
	struct local *l;
	const struct resource *r;
	struct commit commit;
	struct str last; /* key of the last of them */
	size_t max, n, bytes;
	bool more;
	struct error *error;
};

static void batch_release(struct batch *b)
{
	commit_release(&b->commit);
	str_release(&b->last);
	error_free(b->error);
}

static bool add_instance(void *arg, const void *key, size_t key_len, const char *value, size_t len,
			 uint64_t revision)
{
	static const struct delete_options plain = {.grace_period_s = -1};
	struct batch *b = arg;
	json_t *tree json_auto = NULL;
	enum deletion next;

	if (b->n == b->max || b->bytes >= BATCH_BYTES) {
		b->more = true;
		return false;
	}
	tree = json_read(value, len, &b->error);
	if (!tree)
		return false;
	b->n++;
	b->bytes += len;
	str_reset(&b->last);
	str_add(&b->last, key, key_len);
	next = lifecycle_delete(tree, b->r, &plain, clock_wall(b->l->clock));
	if (next == DELETION_NOW)
		commit_delete(&b->commit, b->r, tree, revision);
	else if (next == DELETION_MARKED)
		commit_also(&b->commit, b->r, tree, revision);
	return true;
}

/* The keys from *FROM on, which moves behind them. *CONFLICT: one has changed, none was deleted. */
static int sweep_batch(struct batch *b, const struct doomed *d, struct str *from, bool *conflict,
		       struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	size_t failed;

	if (store_list(b->l->store, d->type, TYPE_KEY_LEN, from->s, from->len, 0, add_instance, b,
		       NULL, err) < 0)
		return -1;
	if (b->error)
		return error_move(err, steal(&b->error));
	if (b->commit.n && commit_run(b->l, &b->commit, NULL, &failed, &why) < 0) {
		*conflict = error_code(why) == E_CONFLICT || error_code(why) == E_NOT_FOUND;
		return error_move(err, steal(&why));
	}
	str_reset(from);
	str_add(from, b->last.s, b->last.len);
	str_addc(from, '\0');
	return 0;
}

/* Each instance once, in the order of their keys; what is written often goes alone. */
static int sweep(struct crd_cleanup *c, const struct doomed *d, const struct resource *r,
		 struct error **err)
{
	struct str from CLEANUP(str_release) = STR_INIT;
	size_t max = BATCH_OBJECTS;
	unsigned conflicts = 0;
	bool more = true;

	while (more && !c->ending) {
		struct batch b CLEANUP(batch_release) = {
			.l = c->l, .r = r, .last = STR_INIT, .max = max};
		struct error *why CLEANUP(error_free_cleanup) = NULL;
		bool conflict = false;

		if (sweep_batch(&b, d, &from, &conflict, &why) == 0) {
			more = b.more;
			max = BATCH_OBJECTS;
			conflicts = 0;
		} else if (conflict && ++conflicts < CONFLICTS_MAX) {
			max = MAX(b.n / 2, 1);
		} else {
			return error_move(err, steal(&why));
		}
	}
	return 0;
}

static bool found_one(void *arg, const void *key, size_t key_len, const char *value, size_t len,
		      uint64_t revision)
{
	*(bool *)arg = true;
	return false;
}

static int sweep_definition(struct crd_cleanup *c, struct doomed *d, const json_t *crd,
			    struct error **err)
{
	const struct verdict now = {"InstanceDeletionInProgress", "its objects are being deleted",
				    true, false};
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	const struct resource *r = NULL;

	if (tell(c->l, d, &now, err) < 0)
		return -1;
	r = crd_stored_as(crd, &why);
	d->swept = r && sweep(c, d, r, &why) == 0 && !c->ending;
	resource_unref(r);
	if (why) {
		char *message free_ptr =
			xasprintf("its objects could not be deleted: %s", error_message(why));

		tell(c->l, d, &(struct verdict){"InstanceDeletionFailed", message, true, false},
		     NULL);
		return error_move(err, steal(&why));
	}
	return 0;
}

static int settle(struct crd_cleanup *c, struct doomed *d, struct error **err)
{
	static const struct verdict completed = {"InstanceDeletionCompleted",
						 "all objects are gone", false, true},
				    never = {"NeverEstablished", "there were never any objects",
					     false, true};
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct object *o CLEANUP(object_unref_cleanup) = read_definition(c->l, d, &why);
	json_t *crd json_auto = o ? object_tree(o) : NULL;
	bool left = false;

	/* Somebody else has let it go. */
	if (!o)
		return why ? error_move(err, steal(&why)) : crd_gone(c->l, err);
	if (!crd_condition(crd, "Established"))
		return tell(c->l, d, &never, err);
	if (!d->swept && sweep_definition(c, d, crd, err) < 0)
		return -1;
	if (store_list(c->l->store, d->type, TYPE_KEY_LEN, NULL, 0, 0, found_one, &left, NULL,
		       err) < 0)
		return -1;
	return left ? 0 : tell(c->l, d, &completed, err);
}

/* ---- the thread */

/* Under the lock: what is to be looked at now, or NULL and until when to wait. */
static struct doomed *next_due(struct crd_cleanup *c, int64_t *until_ns)
{
	int64_t now = clock_mono(c->l->clock);

	*until_ns = CLOCK_NEVER;
	vec_each (&c->v, d) {
		if (d->due && d->retry_ns <= now)
			return d;
		if (d->due)
			*until_ns = MIN(*until_ns, d->retry_ns);
	}
	return NULL;
}

/* Under the lock. WHY NULL: it went well. */
static void note_result(struct crd_cleanup *c, const struct doomed *done, const struct error *why)
{
	struct doomed *d = find(c, done->uid);
	int64_t wait_s;

	if (!d)
		return;
	d->swept = done->swept;
	if (!why) {
		d->failures = 0;
		d->retry_ns = 0;
		return;
	}
	wait_s = RETRY_S << MIN(d->failures, RETRY_DOUBLED_MAX);
	d->failures++;
	d->due = true;
	d->retry_ns = clock_mono(c->l->clock) + wait_s * NS_PER_S;
	log_warn("the definition %s is not deleted, which is tried again in %" PRId64 " s: %s",
		 d->name, wait_s, error_message(why));
}

static void *work(void *arg)
{
	struct crd_cleanup *c = arg;
	int64_t until_ns;

	pthread_mutex_lock(&c->lock);
	while (!c->ending) {
		struct error *why CLEANUP(error_free_cleanup) = NULL;
		struct doomed *d = next_due(c, &until_ns);
		struct doomed now CLEANUP(doomed_release) = {0};

		if (!d) {
			clock_wait(c->l->clock, &c->wake, &c->lock, until_ns);
			continue;
		}
		d->due = false;
		now = *d;
		now.name = xstrdup(d->name);
		now.uid = xstrdup(d->uid);
		pthread_mutex_unlock(&c->lock);
		settle(c, &now, &why);
		pthread_mutex_lock(&c->lock);
		note_result(c, &now, why);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Under the lock. */
static void start(struct crd_cleanup *c)
{
	if (c->ready && c->v.n && !c->started)
		c->started = pthread_create(&c->thread, NULL, work, c) == 0;
	pthread_cond_signal(&c->wake);
}

struct crd_cleanup *crd_cleanup_new(struct local *l)
{
	struct crd_cleanup *c = xcalloc(1, sizeof(*c));

	c->l = l;
	pthread_mutex_init(&c->lock, NULL);
	clock_cond_init(&c->wake);
	return c;
}

void crd_cleanup_begin(struct crd_cleanup *c)
{
	pthread_mutex_lock(&c->lock);
	c->ready = true;
	start(c);
	pthread_mutex_unlock(&c->lock);
}

void crd_cleanup_free(struct crd_cleanup *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->ending = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	if (c->started)
		pthread_join(c->thread, NULL);
	vec_each (&c->v, d)
		doomed_release(d);
	vec_release(&c->v);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct doomed doomed_of(const json_t *crd)
{
	const struct resource type = {.plural = json_path_string(crd, "spec.names.plural"),
				      .storage_group = json_path_string(crd, "spec.group")};
	struct doomed d = {.name = xstrdup(json_path_string(crd, "metadata.name")),
			   .uid = xstrdup(json_path_string(crd, "metadata.uid")),
			   .due = true};

	type_key(&type, d.type);
	return d;
}

void crd_cleanup_follow(struct crd_cleanup *c, const json_t *definitions)
{
	size_t kept = 0, i;
	json_t *crd;

	pthread_mutex_lock(&c->lock);
	/* Those that are known come first, each in its place. */
	json_array_foreach ((json_t *)definitions, i, crd) {
		struct doomed *d = find(c, json_path_string(crd, "metadata.uid"));
		struct doomed moved;

		if (!lifecycle_has_finalizer(crd, FINALIZER))
			continue;
		if (!d) {
			vec_push(&c->v, doomed_of(crd));
			d = &c->v.v[c->v.n - 1];
		}
		moved = *d;
		*d = c->v.v[kept];
		c->v.v[kept++] = moved;
	}
	while (c->v.n > kept)
		doomed_release(&c->v.v[--c->v.n]);
	c->n = c->v.n;
	start(c);
	pthread_mutex_unlock(&c->lock);
}

void crd_cleanup_note(struct crd_cleanup *c, const char *key, size_t len)
{
	if (!c->n)
		return;
	pthread_mutex_lock(&c->lock);
	vec_each (&c->v, d)
		d->due |= key_has_type(key, len, d->type);
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

/* ---- creations */

int crd_refuse_create(const struct write *w, const json_t *tree, struct error **err)
{
	struct admission a CLEANUP(admission_release);

	admission_begin(&a, w, NULL, (json_t *)tree);
	return admission_forbid(
		&a, err, "create not allowed while custom resource definition is terminating");
}

int crd_enter(const struct write *w, const json_t *tree, struct error **err)
{
	const struct custom *mine = w->r->priv, *its;
	const struct resource *now;
	int result = 0;

	if (!w->r->custom)
		return 0;
	pthread_rwlock_rdlock(&w->l->types_lock);
	now = catalog_find(w->l->catalog, w->r->group, w->r->version, w->r->plural);
	its = now ? now->priv : NULL;
	/* A definition of the same name may be another by now. */
	if (!now || strcmp(its->uid, mine->uid))
		result = error_set(err, E_NOT_FOUND,
				   "the server could not find the requested resource");
	else if (now->terminating)
		result = crd_refuse_create(w, tree, err);
	if (result < 0)
		pthread_rwlock_unlock(&w->l->types_lock);
	return result;
}

void crd_leave(const struct write *w)
{
	if (w->r->custom)
		pthread_rwlock_unlock(&w->l->types_lock);
}
