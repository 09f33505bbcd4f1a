/*
 * What goes into an informer, from three sides that race: the list, the watch, and the answers of
 * this program's own writes. The rules that make one history of them:
 *
 * - of two states of one object the one with the higher revision stays;
 * - a uid that is known to be deleted never comes back (a tombstone holds it until the watch has
 *   told the deletion, a list began after it, or a minute has passed);
 * - a write's answer that is not newer than what the watch has told says nothing new: if the
 *   object is not there, the watch has told its deletion already;
 * - a list removes only what is not newer than the list.
 */
#include "cache/informer_private.h"

#include "base/str.h"

#define TOMBSTONE_NS (60 * NS_PER_S)

static void tell(struct informer *i, struct object *old, struct object *new_)
{
	fanout_push(i->all->fanout, i, NULL, NOTE_CHANGED, old, new_);
}

void tombstones_init(struct informer *i)
{
	i->tombstone_of = map_new();
	TAILQ_INIT(&i->tombstones);
}

static struct tombstone *oldest(const struct informer *i)
{
	return TAILQ_FIRST(&i->tombstones);
}

static void drop_tombstone(struct informer *i, struct tombstone *t)
{
	if (!t)
		return;
	map_del(i->tombstone_of, t->uid);
	TAILQ_REMOVE(&i->tombstones, t, order);
	free(t->uid);
	free(t);
}

void tombstones_release(struct informer *i)
{
	while (oldest(i))
		drop_tombstone(i, oldest(i));
	map_free(i->tombstone_of, NULL);
}

static void add_tombstone(struct informer *i, const char *uid)
{
	int64_t now = clock_mono(i->all->clock);
	struct tombstone *t;

	while (oldest(i) && oldest(i)->made + TOMBSTONE_NS < now)
		drop_tombstone(i, oldest(i));
	if (map_get(i->tombstone_of, uid))
		return;
	t = xcalloc(1, sizeof(*t));
	*t = (struct tombstone){.uid = xstrdup(uid), .made = now, .number = ++i->tombstones_made};
	map_put(i->tombstone_of, uid, t);
	TAILQ_INSERT_TAIL(&i->tombstones, t, order);
}

static void remove_object(struct informer *i, struct object *cur, struct object *last_state)
{
	struct object *old = indexer_remove(i->objects, cur->namespace, cur->name);

	tell(i, last_state ? last_state : old, NULL);
	object_unref(old);
}

void changes_put(struct informer *i, struct object *o)
{
	struct object *cur = indexer_get(i->objects, o->namespace, o->name);
	struct object *old;

	if (map_get(i->tombstone_of, o->uid))
		return;
	if (cur && cur->revision >= o->revision && o->revision)
		return;
	/* The same name as another object: the earlier one's end was not seen. */
	if (cur && strcmp(cur->uid, o->uid)) {
		remove_object(i, cur, NULL);
		cur = NULL;
	}
	old = indexer_put(i->objects, o);
	tell(i, old, o);
	object_unref(old);
}

void changes_deleted(struct informer *i, struct object *o)
{
	struct object *cur = indexer_get(i->objects, o->namespace, o->name);

	drop_tombstone(i, map_get(i->tombstone_of, o->uid));
	if (cur && !strcmp(cur->uid, o->uid))
		remove_object(i, cur, o);
}

static struct map *names_of(const struct object_list *list)
{
	struct str key CLEANUP(str_release) = STR_INIT;
	struct map *names = map_new();

	vec_each (list, o) {
		str_reset(&key);
		str_addf(&key, "%s/%s", (*o)->namespace, (*o)->name);
		map_put(names, key.s, *o);
	}
	return names;
}

static void remove_unlisted(struct informer *i, const struct object_list *list, uint64_t revision)
{
	struct str key CLEANUP(str_release) = STR_INIT;
	struct object_list known = {0};
	struct map *names;

	indexer_list(i->objects, "", &known);
	names = known.n ? names_of(list) : NULL;
	vec_each (&known, o) {
		str_reset(&key);
		str_addf(&key, "%s/%s", (*o)->namespace, (*o)->name);
		if (!map_get(names, key.s) && (*o)->revision <= revision)
			remove_object(i, *o, NULL);
	}
	map_free(names, NULL);
	object_list_release(&known);
}

void changes_replace(struct informer *i, const struct object_list *list, uint64_t revision,
		     uint64_t tombstones)
{
	remove_unlisted(i, list, revision);
	vec_each (list, o)
		changes_put(i, *o);
	while (oldest(i) && oldest(i)->number <= tombstones)
		drop_tombstone(i, oldest(i));
	i->seen = MAX(i->seen, revision);
	if (!i->synced) {
		i->synced = true;
		fanout_push(i->all->fanout, i, NULL, NOTE_SYNCED, NULL, NULL);
	}
	pthread_cond_broadcast(&i->changed);
}

void changes_lose(struct informer *i)
{
	struct object_list known CLEANUP(object_list_release) = {0};

	indexer_list(i->objects, "", &known);
	vec_each (&known, o) {
		object_unref(indexer_remove(i->objects, (*o)->namespace, (*o)->name));
		fanout_push(i->all->fanout, i, NULL, NOTE_LOST, *o, NULL);
	}
	i->seen = 0;
}

static bool is_in_scope(const struct informer *i, const char *namespace)
{
	return !*i->namespace || !strcmp(i->namespace, namespace);
}

void informer_observe(struct informer *i, struct object *o)
{
	if (!is_in_scope(i, o->namespace))
		return;
	pthread_mutex_lock(&i->lock);
	if (!o->revision || o->revision > i->seen)
		changes_put(i, o);
	pthread_mutex_unlock(&i->lock);
}

void informer_observe_deleted(struct informer *i, const char *namespace, const char *name,
			      const char *uid)
{
	struct object *cur;

	if (!is_in_scope(i, namespace))
		return;
	pthread_mutex_lock(&i->lock);
	cur = indexer_get(i->objects, namespace, name);
	if (!uid || !*uid)
		uid = cur ? cur->uid : NULL;
	if (uid) {
		add_tombstone(i, uid);
		if (cur && !strcmp(cur->uid, uid))
			remove_object(i, cur, NULL);
	}
	pthread_mutex_unlock(&i->lock);
}
