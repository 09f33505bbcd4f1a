#include "cluster/local/kept.h"

#include "base/map.h"
#include "base/mem.h"
#include "cluster/local/private.h"
#include "object/json.h"
#include "object/json_memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* Of the store; as trees they take about five times that. */
#define BYTES_MAX (1u << 20)
#define ITEM_BYTES_MAX (64u << 10)
/* What the tree of nothing at all takes. */
#define ITEM_BYTES_MIN 64

#define NAMESPACES 0 /* of the types */

static const struct {
	const char *group, *plural;
} types[] = {
	[NAMESPACES] = {"", "namespaces"},
	{"", "limitranges"},
	{"", "resourcequotas"},
	{"", "serviceaccounts"},
	{"networking.k8s.io", "ingressclasses"},
	{"node.k8s.io", "runtimeclasses"},
	{"scheduling.k8s.io", "priorityclasses"},
	{"storage.k8s.io", "storageclasses"},
};

struct item {
	struct kept_tree *tree;
	size_t bytes;
};

struct kept {
	char types[ARRAY_SIZE(types)][TYPE_KEY_LEN];
	pthread_mutex_t lock; /* guards what follows */
	struct map *items;
	size_t bytes;
	uint64_t changes;
};

struct kept *kept_new(void)
{
	struct catalog *all CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	struct kept *k = xcalloc(1, sizeof(*k));

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		type_key(storage_of(catalog_find(all, types[i].group, NULL, types[i].plural)),
			 k->types[i]);
	pthread_mutex_init(&k->lock, NULL);
	k->items = map_new();
	return k;
}

/* jansson's mark of what is not counted, all over a tree; and back. */
#define UNCOUNTED ((size_t)-1)

static void set_counts(json_t *tree, size_t count)
{
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_boolean(tree) || json_is_null(tree))
		return;
	tree->refcount = count;
	json_object_foreach (tree, key, child)
		set_counts(child, count);
	json_array_foreach (tree, i, child)
		set_counts(child, count);
}

static struct kept_tree *kept_tree_new(json_t *tree)
{
	struct kept_tree *t = xmalloc(sizeof(*t));

	set_counts(tree, UNCOUNTED);
	t->tree = tree;
	atomic_init(&t->refs, 1);
	return t;
}

static struct kept_tree *kept_ref(struct kept_tree *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void kept_unref(struct kept_tree *t)
{
	if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	set_counts(t->tree, 1);
	json_decref(t->tree);
	free(t);
}

static void free_item(void *p)
{
	struct item *item = p;

	kept_unref(item->tree);
	free(item);
}

struct kept *kept_free(struct kept *k)
{
	if (!k)
		return NULL;
	map_free(k->items, free_item);
	pthread_mutex_destroy(&k->lock);
	free(k);
	return NULL;
}

static bool is_kept_type(const struct kept *k, const char *key, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (key_has_type(key, len, k->types[i]))
			return true;
	return false;
}

struct kept_tree *kept_find(struct kept *k, const struct str *key, uint64_t *since)
{
	const struct item *item;
	struct kept_tree *tree = NULL;

	pthread_mutex_lock(&k->lock);
	item = map_get_n(k->items, key->s, key->len);
	if (item)
		tree = kept_ref(item->tree);
	*since = k->changes;
	pthread_mutex_unlock(&k->lock);
	return tree;
}

/* Under the lock. */
static void drop(struct kept *k, const char *key)
{
	struct item *item = map_del(k->items, key);

	if (!item)
		return;
	k->bytes -= item->bytes;
	free_item(item);
}

struct kept_tree *kept_put(struct kept *k, const struct str *key, json_t *tree, size_t bytes,
			   uint64_t since)
{
	struct kept_tree *t;
	struct item *item;
	json_t *request json_auto = tree;

	if (bytes > ITEM_BYTES_MAX || !is_kept_type(k, key->s, key->len))
		return kept_tree_new(steal(&request));
	t = kept_tree_new(json_settle(request));
	item = xcalloc(1, sizeof(*item));
	*item = (struct item){kept_ref(t), MAX(bytes, ITEM_BYTES_MIN) + key->len};
	pthread_mutex_lock(&k->lock);
	if (k->changes == since) {
		if (k->bytes + item->bytes > BYTES_MAX) {
			map_clear(k->items, free_item);
			k->bytes = 0;
		}
		drop(k, key->s);
		k->bytes += item->bytes;
		map_put(k->items, key->s, steal(&item));
	}
	pthread_mutex_unlock(&k->lock);
	if (item)
		free_item(item);
	return t;
}

/* The arrays of a namespace, which may be empty: nothing else takes them away. */
static void drop_inside(struct kept *k, const char *namespace)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		char *key free_ptr = xasprintf("%.*s%s/", TYPE_KEY_LEN, k->types[i], namespace);

		drop(k, key);
	}
}

/* The object, and the arrays that it is in: of its namespace and of all. */
void kept_forget(struct kept *k, const char *key, size_t len)
{
	char *copy free_ptr = NULL;

	if (!is_kept_type(k, key, len))
		return;
	copy = xstrndup(key, len);
	pthread_mutex_lock(&k->lock);
	k->changes++;
	drop(k, copy);
	if (key_has_type(copy, len, k->types[NAMESPACES]))
		drop_inside(k, copy + TYPE_KEY_LEN + 1);
	for (char *slash; len > TYPE_KEY_LEN && (slash = memrchr(copy, '/', len)); len--) {
		len = (size_t)(slash - copy) + 1;
		copy[len] = '\0';
		drop(k, copy);
	}
	pthread_mutex_unlock(&k->lock);
}
