#include "cache/indexer.h"

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

#include <string.h>

struct entry {
	struct object *object;
};

/* The objects under one key of an index, in no order. */
struct entry_set {
	struct entry **v;
	size_t n, cap;
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

#define BY_NAMESPACE "namespace"

static void keys_namespace(const struct object *o, index_emit *emit, void *emit_arg)
{
	emit(emit_arg, o->namespace);
}

void index_by_controller(const struct object *o, index_emit *emit, void *emit_arg)
{
	struct owner owner;

	if (!object_controller(o, &owner))
		return;
	if (owner.uid)
		emit(emit_arg, owner.uid);
	owner_release(&owner);
}

void index_by_node(const struct object *o, index_emit *emit, void *emit_arg)
{
	char *node free_ptr = object_string(o, "spec.nodeName");

	if (node && *node)
		emit(emit_arg, node);
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
		vec_push(set, m->entry);
}

static void leave_set(void *arg, const char *key)
{
	struct membership *m = arg;
	struct entry_set *set = map_get(m->index->sets, key);

	if (!set)
		return;
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i] == m->entry) {
			set->v[i] = set->v[--set->n];
			break;
		}
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

struct object *indexer_put(struct indexer *x, struct object *o)
{
	struct str key CLEANUP(str_release) = STR_INIT;
	struct object *old = NULL;
	struct entry *e;

	key_of(&key, o->namespace, o->name);
	e = map_get(x->entries, key.s);
	if (e) {
		index_entry(x, e, leave_set);
		old = e->object;
	} else {
		e = xcalloc(1, sizeof(*e));
		map_put(x->entries, key.s, e);
	}
	e->object = object_ref(o);
	index_entry(x, e, join_set);
	return old;
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

static int by_name(const void *a, const void *b)
{
	const struct object *x = *(struct object *const *)a, *y = *(struct object *const *)b;
	int order = strcmp(x->namespace, y->namespace);

	return order ? order : strcmp(x->name, y->name);
}

static void sort_from(struct object_list *out, size_t first)
{
	if (out->n - first > 1)
		qsort(out->v + first, out->n - first, sizeof(*out->v), by_name);
}

void indexer_list(const struct indexer *x, const char *namespace, struct object_list *out)
{
	size_t first = out->n;

	if (*namespace) {
		indexer_by_index(x, BY_NAMESPACE, namespace, out);
		return;
	}
	map_each (x->entries, e)
		vec_push(out, object_ref(((struct entry *)e->value)->object));
	sort_from(out, first);
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
	size_t first = out->n;

	vec_each (&x->indexes, index) {
		struct entry_set *set;

		if (strcmp(index->name, name))
			continue;
		set = map_get(index->sets, key);
		if (set)
			vec_each (set, e)
				vec_push(out, object_ref((*e)->object));
	}
	sort_from(out, first);
}

void object_list_release(struct object_list *l)
{
	vec_each (l, o)
		object_unref(*o);
	vec_release(l);
}
