#include "cluster/local/kept.h"

#include "base/map.h"
#include "base/mem.h"
#include "cluster/local/private.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* Of the store; as trees they take about five times that. */
#define BYTES_MAX (1u << 20)
#define ITEM_BYTES_MAX (64u << 10)
/* What the tree of nothing at all takes. */
#define ITEM_BYTES_MIN 64

static const struct {
	const char *group, *plural;
} types[] = {
	{"", "limitranges"},
	{"", "namespaces"},
	{"", "resourcequotas"},
	{"", "serviceaccounts"},
	{"networking.k8s.io", "ingressclasses"},
	{"node.k8s.io", "runtimeclasses"},
	{"scheduling.k8s.io", "priorityclasses"},
	{"storage.k8s.io", "storageclasses"},
};

/*
 * Never changed, but freed with its last ref. Nobody gets the tree itself, for json_incref looks at
 * a count of references that others change without being told to; a copy of it only reads it.
 */
struct item {
	atomic_uint refs;
	json_t *tree;
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

static void unref_item(void *p)
{
	struct item *item = p;

	if (!item || --item->refs)
		return;
	json_decref(item->tree);
	free(item);
}

struct kept *kept_free(struct kept *k)
{
	if (!k)
		return NULL;
	map_free(k->items, unref_item);
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

json_t *kept_find(struct kept *k, const struct str *key, uint64_t *since)
{
	struct item *item;
	json_t *tree;

	pthread_mutex_lock(&k->lock);
	item = map_get_n(k->items, key->s, key->len);
	if (item)
		item->refs++;
	*since = k->changes;
	pthread_mutex_unlock(&k->lock);
	tree = item ? json_deep_copy(item->tree) : NULL;
	unref_item(item);
	return tree;
}

/* Under the lock. */
static void drop(struct kept *k, const char *key)
{
	struct item *item = map_del(k->items, key);

	if (!item)
		return;
	k->bytes -= item->bytes;
	unref_item(item);
}

void kept_put(struct kept *k, const struct str *key, json_t *tree, size_t bytes, uint64_t since)
{
	struct item *item;

	if (bytes > ITEM_BYTES_MAX || !is_kept_type(k, key->s, key->len))
		return;
	item = xcalloc(1, sizeof(*item));
	*item = (struct item){1, json_deep_copy(tree), MAX(bytes, ITEM_BYTES_MIN) + key->len};
	pthread_mutex_lock(&k->lock);
	if (k->changes == since) {
		if (k->bytes + item->bytes > BYTES_MAX) {
			map_clear(k->items, unref_item);
			k->bytes = 0;
		}
		drop(k, key->s);
		k->bytes += item->bytes;
		map_put(k->items, key->s, steal(&item));
	}
	pthread_mutex_unlock(&k->lock);
	unref_item(item);
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
	for (char *slash; len > TYPE_KEY_LEN && (slash = memrchr(copy, '/', len)); len--) {
		len = (size_t)(slash - copy) + 1;
		copy[len] = '\0';
		drop(k, copy);
	}
	pthread_mutex_unlock(&k->lock);
}
