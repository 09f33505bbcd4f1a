#include "cache/indexer.h"

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

#include <string.h>

struct entry {
	struct object *object;
};

/*
 * The objects under one key of an index. To sort 100,000 anew takes most of the time of a listing:
 * the first SORTED of them stay in the order of by_name, and what comes stands behind them until
 * somebody lists.
 */
struct entry_set {
	struct entry **v;
	size_t n, cap;
	size_t sorted;
};

struct index {
	char *name;
	index_keys *keys;
	struct map *sets; /* key -> struct entry_set */
};

struct indexer {
	struct map *entries; /* "namespace/name" -> struct entry */
	VEC(struct index) indexes;
};

#define BY_NAMESPACE "namespace" /* the first index */
#define SORT_ALL_FROM 64	 /* more entries than so many have come */

static void keys_namespace(const struct object *o, index_emit *emit, void *emit_arg)
{
	emit(emit_arg, o->namespace);
}

struct indexer *indexer_new(void)
{
	struct indexer *x = xcalloc(1, sizeof(*x));

	x->entries = map_new();
	indexer_add_index(x, BY_NAMESPACE, keys_namespace);
	return x;
}

static void entry_free(void *p)
{
	struct entry *e = p;

	object_unref(e->object);
	free(e);
}

static void set_free(void *p)
{
	struct entry_set *set = p;

	vec_release(set);
	free(set);
}

void indexer_free(struct indexer *x)
{
	if (!x)
		return;
	vec_each (&x->indexes, index) {
		map_free(index->sets, set_free);
		free(index->name);
	}
	vec_release(&x->indexes);
	map_free(x->entries, entry_free);
	free(x);
}

static void key_of(struct str *key, const char *namespace, const char *name)
{
	str_reset(key);
	str_adds(key, namespace);
	str_addc(key, '/');
	str_adds(key, name);
}

static struct entry *find(const struct indexer *x, const char *namespace, const char *name)
{
	struct str key CLEANUP(str_release) = STR_INIT;

	key_of(&key, namespace, name);
	return map_get(x->entries, key.s);
}

struct object *indexer_get(const struct indexer *x, const char *namespace, const char *name)
{
	struct entry *e = find(x, namespace, name);

	return e ? e->object : NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct object *x = (*(struct entry *const *)a)->object;
	const struct object *y = (*(struct entry *const *)b)->object;
	int order = strcmp(x->namespace, y->namespace);

	return order ? order : strcmp(x->name, y->name);
}

/* Where in the sorted part E stands, or would stand. */
static size_t place_of(const struct entry_set *set, struct entry *e)
{
	size_t low = 0, high = set->sorted;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_name(&set->v[middle], &e) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Few are put where they belong, for many it takes less to sort all. */
static void sort_set(struct entry_set *set)
{
	if (set->n - set->sorted > SORT_ALL_FROM)
		qsort(set->v, set->n, sizeof(*set->v), by_name);
	else
		for (; set->sorted < set->n; set->sorted++) {
			struct entry *e = set->v[set->sorted];
			size_t at = place_of(set, e);

			memmove(&set->v[at + 1], &set->v[at], (set->sorted - at) * sizeof(*set->v));
			set->v[at] = e;
		}
	set->sorted = set->n;
}

static void set_add(struct entry_set *set, struct entry *e)
{
	bool last = set->sorted == set->n && (!set->n || by_name(&set->v[set->n - 1], &e) < 0);

	vec_push(set, e);
	set->sorted += last;
}

static void set_remove(struct entry_set *set, struct entry *e)
{
	size_t at = place_of(set, e);

	if (at < set->sorted && set->v[at] == e) {
		vec_remove(set, at);
		set->sorted--;
		return;
	}
	for (at = set->sorted; at < set->n; at++)
		if (set->v[at] == e) {
			set->v[at] = set->v[--set->n];
			return;
		}
}

struct membership {
	struct index *index;
	struct entry *entry;
};

static void join_set(void *arg, const char *key)
{
	struct membership *m = arg;
	struct entry_set *set = map_get(m->index->sets, key);

	if (!set) {
		set = xcalloc(1, sizeof(*set));
		map_put(m->index->sets, key, set);
	}
	/* An object that emits a key twice stands there once. */
	if (!set->n || set->v[set->n - 1] != m->entry)
		set_add(set, m->entry);
}

static void leave_set(void *arg, const char *key)
{
	struct membership *m = arg;
	struct entry_set *set = map_get(m->index->sets, key);

	if (!set)
		return;
	set_remove(set, m->entry);
	if (!set->n)
		set_free(map_del(m->index->sets, key));
}

static void index_entry(struct indexer *x, struct entry *e, index_emit *each)
{
	vec_each (&x->indexes, index) {
		struct membership m = {index, e};

		index->keys(e->object, each, &m);
	}
}

static void add_key(void *arg, const char *key)
{
	str_add(arg, key, strlen(key) + 1);
}

/* E's next version stays where the one before it stands, unless its keys are others. */
static void move_entry(struct index *index, struct entry *e, struct object *next)
{
	struct str before CLEANUP(str_release) = STR_INIT, after CLEANUP(str_release) = STR_INIT;
	struct membership m = {index, e};

	index->keys(e->object, add_key, &before);
	index->keys(next, add_key, &after);
	if (before.len == after.len && !memcmp(before.s, after.s, before.len))
		return;
	index->keys(e->object, leave_set, &m);
	index->keys(next, join_set, &m);
}

static struct object *replace(struct indexer *x, struct entry *e, struct object *o)
{
	struct object *old = e->object;

	vec_each (&x->indexes, index)
		move_entry(index, e, o);
	e->object = object_ref(o);
	return old;
}

struct object *indexer_put(struct indexer *x, struct object *o)
{
	struct str key CLEANUP(str_release) = STR_INIT;
	struct entry *e;

	key_of(&key, o->namespace, o->name);
	e = map_get(x->entries, key.s);
	if (e)
		return replace(x, e, o);
	e = xcalloc(1, sizeof(*e));
	e->object = object_ref(o);
	map_put(x->entries, key.s, e);
	index_entry(x, e, join_set);
	return NULL;
}

struct object *indexer_remove(struct indexer *x, const char *namespace, const char *name)
{
	struct str key CLEANUP(str_release) = STR_INIT;
	struct object *old;
	struct entry *e;

	key_of(&key, namespace, name);
	e = map_del(x->entries, key.s);
	if (!e)
		return NULL;
	index_entry(x, e, leave_set);
	old = e->object;
	free(e);
	return old;
}

static void list_set(struct entry_set *set, struct object_list *out)
{
	sort_set(set);
	vec_each (set, e)
		vec_push(out, object_ref((*e)->object));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One namespace after the other. */
static void list_all(struct map *sets, struct object_list *out)
{
	VEC(char *) namespaces = VEC_INIT;

	map_each (sets, e)
		vec_push(&namespaces, e->key);
	if (namespaces.n)
		qsort(namespaces.v, namespaces.n, sizeof(*namespaces.v), by_text);
	vec_each (&namespaces, namespace)
		list_set(map_get(sets, *namespace), out);
	vec_release(&namespaces);
}

void indexer_list(const struct indexer *x, const char *namespace, struct object_list *out)
{
	if (*namespace)
		indexer_by_index(x, BY_NAMESPACE, namespace, out);
	else
		list_all(x->indexes.v[0].sets, out);
}

void indexer_add_index(struct indexer *x, const char *name, index_keys *keys)
{
	struct membership m;

	vec_each (&x->indexes, index)
		if (!strcmp(index->name, name))
			return;
	vec_push(&x->indexes, (struct index){xstrdup(name), keys, map_new()});
	m.index = &x->indexes.v[x->indexes.n - 1];
	map_each (x->entries, e) {
		m.entry = e->value;
		keys(m.entry->object, join_set, &m);
	}
}

void indexer_by_index(const struct indexer *x, const char *name, const char *key,
		      struct object_list *out)
{
	vec_each (&x->indexes, index) {
		struct entry_set *set =
			strcmp(index->name, name) ? NULL : map_get(index->sets, key);

		if (set)
			list_set(set, out);
	}
}

void object_list_release(struct object_list *l)
{
	vec_each (l, o)
		object_unref(*o);
	vec_release(l);
}
