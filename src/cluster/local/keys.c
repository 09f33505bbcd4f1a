/*
 * Keys of objects: "o/", 16 hex digits that stand for group and plural, the namespace, the name.
 * A group and a plural may be 253 and 63 bytes long, too much for a key; their hash is not.
 */
#include "cluster/local/private.h"

#include <string.h>

static uint64_t fnv(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ULL;
	return h;
}

void type_key(const struct resource *r, char key[static TYPE_KEY_LEN])
{
	uint64_t type = fnv(0xcbf29ce484222325ULL, r->plural);

	type = fnv(fnv(type, "."), r->storage_group);
	memcpy(key, "o/", 2);
	key[TYPE_KEY_LEN - 1] = '/';
	for (char *digit = key + TYPE_KEY_LEN - 2; digit > key + 1; digit--, type >>= 4)
		*digit = "0123456789abcdef"[type & 15];
}

void object_key(const struct resource *r, const char *namespace, const char *name, struct str *out)
{
	char type[TYPE_KEY_LEN];

	type_key(r, type);
	str_add(out, type, sizeof(type));
	if (r->namespaced && (!namespace || !*namespace))
		return;
	if (r->namespaced)
		str_adds(out, namespace);
	str_addc(out, '/');
	if (name)
		str_adds(out, name);
}

const struct resource *storage_of(const struct resource *r)
{
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = NULL;
	const struct resource *stored;

	if (r->custom || (strcmp(r->group, r->storage_group) == 0 &&
			  strcmp(r->version, r->storage_version) == 0))
		return r;
	builtin = catalog_builtin();
	stored = catalog_find(builtin, r->storage_group, r->storage_version, r->plural);
	return stored ? stored : r;
}
