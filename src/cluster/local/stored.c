/*
 * What a local cluster keeps in its store, for those who look at the store alone: which keys are
 * encrypted, and what a value has to be.
 */
#include "cluster/local/private.h"

#include "base/mem.h"

#include <string.h>

/* The types whose objects are encrypted in the store. */
static const struct {
	const char *group, *version, *plural;
} sealed_types[] = {
	{"", "v1", "secrets"},
};

static char *sealed_keys[ARRAY_SIZE(sealed_types) + 1];

static void make_sealed_keys(void)
{
	struct catalog *all CLEANUP(catalog_unref_cleanup) = catalog_builtin();

	for (size_t i = 0; i < ARRAY_SIZE(sealed_types); i++) {
		struct str key = STR_INIT;

		object_key(catalog_find(all, sealed_types[i].group, sealed_types[i].version,
					sealed_types[i].plural),
			   NULL, NULL, &key);
		sealed_keys[i] = str_take(&key);
	}
}

const char *const *local_sealed_keys(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_sealed_keys);
	return (const char *const *)sealed_keys;
}

static bool is_at(const struct object *o, const char *key, size_t len)
{
	size_t namespace = strlen(o->namespace), name = strlen(o->name);

	return len == TYPE_KEY_LEN + namespace + 1 + name &&
	       !memcmp(key + TYPE_KEY_LEN, o->namespace, namespace) &&
	       key[TYPE_KEY_LEN + namespace] == '/' &&
	       !memcmp(key + TYPE_KEY_LEN + namespace + 1, o->name, name);
}

const char *local_judge(void *arg, const void *key, size_t key_len, const char *value, size_t len,
			uint64_t revision, bool deleted)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	if (key_len < TYPE_KEY_LEN || memcmp(key, "o/", 2) != 0 || (deleted && !len))
		return NULL;
	o = object_from_canonical(value, len, NULL);
	if (!o)
		return "a value is no JSON object";
	if (!is_at(o, key, key_len))
		return "an object has another name than its key";
	return deleted || o->revision == revision
		       ? NULL
		       : "an object has another resourceVersion than its record";
}
