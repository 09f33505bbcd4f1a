#include "fs/types.h"

#include "base/log.h"
#include "fs/journal.h"
#include "fs/notifier.h"
#include "object/time.h"

#include <inttypes.h>

#define SLOW_LIST_MS 5000

static char *type_key(const struct resource *r, const char *namespace)
{
	struct str key = STR_INIT;

	str_addf(&key, "%s/%s@%s", r->api_version, r->plural, namespace);
	return str_take(&key);
}

/* Several rows may share a provider. */
static bool is_first_row(size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (nodes[k].ops->changed == nodes[i].ops->changed)
			return false;
	}
	return true;
}

/*
 * Event threads hold no lock when they call this, and the informer already knows the new version:
 * whoever looks the name up after the nodes below are stale gets it.
 */
void type_told(struct tree_type *t, struct object *old, struct object *new_)
{
	if (new_)
		object_yaml_size(new_);
	FS_LOCK(t->fs);
	for (size_t i = 0; i < n_nodes; i++) {
		if (nodes[i].ops->changed && is_first_row(i))
			nodes[i].ops->changed(t, old, new_);
	}
}

static void on_changed(void *arg, struct object *old, struct object *new_)
{
	type_told(arg, old, new_);
}

void type_names_changed(struct tree_type *t, struct node *dir)
{
	if (t->listed)
		node_names_changed(dir);
	else
		dir->names++;
}

static bool is_away(const struct error *e)
{
	return error_code(e) == E_UNREACHABLE || error_code(e) == E_TIMEOUT;
}

/* All types are of one server: the first that it does not answer is told, and the last again. */
static void note_away(struct tree_type *t, const struct error *why, int64_t since)
{
	struct fs *fs = t->fs;
	bool away = is_away(why), went, came;
	char when[TIME_TEXT];

	pthread_mutex_lock(&fs->lock);
	went = away && !t->away && fs->unreachable++ == 0;
	came = !away && t->away && --fs->unreachable == 0;
	t->away = away;
	pthread_mutex_unlock(&fs->lock);
	if (went)
		journal_note(fs->journal, fs->cluster->description,
			     "cannot be reached since %s, what is known stays readable: %s",
			     time_format(since, when), error_message(why));
	if (came)
		journal_note(fs->journal, fs->cluster->description, "answers again");
}

/* A type that may not be listed says so to whoever opens its directory. */
static void on_state(void *arg)
{
	struct tree_type *t = arg;
	int64_t since = 0;
	struct error *why CLEANUP(error_free_cleanup) = informer_error(t->informer, &since);

	note_away(t, why, since);
	if (why && !is_away(why) && error_code(why) != E_FORBIDDEN && error_code(why) != E_GONE &&
	    error_code(why) != E_NOT_FOUND)
		journal_note(t->fs->journal, t->directory, "changes are not told: %s",
			     error_message(why));
}

static int64_t seconds_of(const struct tree_type *t)
{
	return (clock_mono(t->fs->clock) - t->began_ns) / NS_PER_S;
}

/* Who waits for a listing looks into errors.log for the reason: once, while it still waits. */
static void note_slow(struct tree_type *t)
{
	int64_t remaining;
	size_t n = informer_progress(t->informer, &remaining);
	bool told;

	pthread_mutex_lock(&t->fs->lock);
	told = t->slow;
	t->slow = true;
	pthread_mutex_unlock(&t->fs->lock);
	if (told)
		return;
	if (remaining > 0)
		journal_note(t->fs->journal, t->directory,
			     "the first list takes long: %zu objects after %" PRId64 " s, %" PRId64
			     " to come",
			     n, seconds_of(t), remaining);
	else
		journal_note(t->fs->journal, t->directory,
			     "the first list takes long: %zu objects after %" PRId64 " s", n,
			     seconds_of(t));
}

static void on_listed(void *arg)
{
	struct tree_type *t = arg;
	int64_t remaining;
	bool slow;

	pthread_mutex_lock(&t->fs->lock);
	t->listed = true;
	slow = t->slow;
	pthread_mutex_unlock(&t->fs->lock);
	if (slow)
		journal_note(t->fs->journal, t->directory,
			     "the first list is in after %" PRId64 " s: %zu objects", seconds_of(t),
			     informer_progress(t->informer, &remaining));
}

static const struct informer_handler handler = {
	.changed = on_changed, .synced = on_listed, .state = on_state};

static void link_type(struct tree_type *t)
{
	struct tree_type **all = &t->fs->all_types;

	FS_LOCK(t->fs);
	t->next = *all;
	t->prev = all;
	if (t->next)
		t->next->prev = &t->next;
	*all = t;
}

/* Under fs->lock. */
static void unlink_type(struct tree_type *t)
{
	*t->prev = t->next;
	if (t->next)
		t->next->prev = t->prev;
}

static struct tree_type *type_new(struct fs *fs, const struct resource *r, const char *namespace)
{
	struct tree_type *t = xcalloc(1, sizeof(*t));
	struct str directory = STR_INIT;

	resource_directory(r, &directory);
	t->refs = 1;
	t->fs = fs;
	t->resource = resource_ref(r);
	t->key = type_key(r, namespace);
	t->namespace = xstrdup(namespace);
	t->directory = str_take(&directory);
	t->began_ns = clock_mono(fs->clock);
	t->informer = informers_get(fs->informers, r, namespace);
	link_type(t);
	return t;
}

struct tree_type *type_ref(struct tree_type *t)
{
	t->refs++;
	return t;
}

/* After it no event asks the tree. */
static void leave_informer(struct tree_type *t)
{
	struct informer *i = steal(&t->informer);

	if (!i)
		return;
	informer_remove_handler(i, &handler, t);
	informer_put(i);
}

void type_unref(struct tree_type *t)
{
	if (!t || --t->refs > 0)
		return;
	leave_informer(t);
	if (t->fs) {
		FS_LOCK(t->fs);
		t->fs->unreachable -= t->away;
		unlink_type(t);
	}
	resource_unref(t->resource);
	free(t->key);
	free(t->namespace);
	free(t->directory);
	free(t);
}

/* The handler is added outside the lock: it is told at once of all that is there already. */
struct tree_type *type_get(struct fs *fs, const struct resource *r, const char *namespace)
{
	char *key free_ptr = type_key(r, namespace);
	struct tree_type *t, *mine;

	pthread_mutex_lock(&fs->lock);
	t = map_get(fs->types, key);
	if (t)
		type_ref(t);
	pthread_mutex_unlock(&fs->lock);
	if (t)
		return t;
	mine = type_new(fs, r, namespace);
	pthread_mutex_lock(&fs->lock);
	t = map_get(fs->types, key);
	if (t)
		type_ref(t);
	else
		map_put(fs->types, key, type_ref(mine));
	pthread_mutex_unlock(&fs->lock);
	if (t) {
		type_unref(mine);
		return t;
	}
	informer_add_handler(mine->informer, &handler, mine);
	return mine;
}

static bool listing_forbidden(struct tree_type *t)
{
	int64_t since;
	struct error *e = informer_synced(t->informer) ? NULL : informer_error(t->informer, &since);
	bool forbidden = error_code(e) == E_FORBIDDEN;

	error_free(e);
	return forbidden;
}

static bool list_has_failed(struct tree_type *t)
{
	struct error *e = informer_error(t->informer, NULL);
	bool failed = e;

	error_free(e);
	return failed;
}

/* Waits for the first list, and says so when that is slow. As long as pages of it come nobody has
 * waited in vain: CALL's time is that of a server that tells nothing. */
static int wait_synced(struct tree_type *t, const struct call *call, struct error **err)
{
	struct call part = call ? *call : (struct call){0};
	int all_ms = call_timeout_ms(call), silent_ms = 0;
	size_t listed = 0, before;
	struct error *why = NULL;
	int64_t remaining;

	if (all_ms > 0 && all_ms <= SLOW_LIST_MS)
		return informer_wait_synced(t->informer, call, err);
	part.timeout_ms = SLOW_LIST_MS;
	do {
		error_clear(&why);
		if (informer_wait_synced(t->informer, &part, &why) == 0)
			return 0;
		if (error_code(why) != E_TIMEOUT || list_has_failed(t))
			break;
		note_slow(t);
		before = listed;
		listed = informer_progress(t->informer, &remaining);
		silent_ms = listed == before ? silent_ms + SLOW_LIST_MS : 0;
	} while (all_ms < 0 || silent_ms < all_ms);
	return error_move(err, why);
}

int type_open(struct fs *fs, const struct resource *r, const char *namespace,
	      const struct call *call, struct tree_type **out, struct error **err)
{
	struct tree_type *t CLEANUP(type_unref_cleanup) = type_get(fs, r, "");
	struct error *why = NULL;
	int ret = wait_synced(t, call, &why);

	if (ret < 0 && error_code(why) == E_FORBIDDEN && *namespace) {
		error_clear(&why);
		type_unref(t);
		t = type_get(fs, r, namespace);
		ret = wait_synced(t, call, &why);
	}
	if (ret < 0)
		return error_move(err, why);
	*out = steal(&t);
	return 0;
}

int type_open_at(struct node *at, const struct resource *r, const struct call *call,
		 struct error **err)
{
	struct tree_type *t CLEANUP(type_unref_cleanup) = NULL;

	if (type_open(at->fs, r, at->namespace, call, &t, err) < 0)
		return -1;
	pthread_mutex_lock(&at->fs->lock);
	if (!at->type)
		at->type = steal(&t);
	pthread_mutex_unlock(&at->fs->lock);
	return 0;
}

struct tree_type *type_ready(struct fs *fs, const struct resource *r, const char *namespace)
{
	char *all free_ptr = type_key(r, "");
	struct tree_type *t = map_get(fs->types, all);

	if (t && listing_forbidden(t)) {
		char *one free_ptr = type_key(r, namespace);

		t = map_get(fs->types, one);
	}
	return t && informer_synced(t->informer) ? type_ref(t) : NULL;
}

void types_free(struct fs *fs)
{
	VEC(struct tree_type *) all = VEC_INIT;

	pthread_mutex_lock(&fs->lock);
	for (struct tree_type *t = fs->all_types; t; t = t->next)
		vec_push(&all, type_ref(t));
	map_each (fs->types, e)
		((struct tree_type *)e->value)->refs--;
	map_clear(fs->types, NULL);
	pthread_mutex_unlock(&fs->lock);
	/* Whoever forgot to give a type back may keep it, but not the informer: it would never end.
	 */
	vec_each (&all, t) {
		leave_informer(*t);
		pthread_mutex_lock(&fs->lock);
		unlink_type(*t);
		(*t)->fs = NULL;
		pthread_mutex_unlock(&fs->lock);
		type_unref(*t);
	}
	vec_release(&all);
}

struct node *namespace_directory(struct fs *fs, const char *namespace)
{
	struct node *all = node_child(fs->root, "namespaces");

	return all ? node_child(all, namespace) : NULL;
}

struct node *type_directory(struct tree_type *t, const char *namespace)
{
	struct node *above = t->resource->namespaced ? namespace_directory(t->fs, namespace)
						     : node_child(t->fs->root, "cluster");

	return above ? node_child(above, t->directory) : NULL;
}
