/*
 * The built-in resource types as plain rows, generated at build time from schema/resources: what
 * discovery tells about each. kinds/resource.h turns them into struct resource; nobody else reads
 * them. In discovery's order: groups as the server lists them, preferred version first.
 *
 *	for (size_t i = 0; i < schema_n_resources; i++)
 *		puts(schema_resources[i].plural);
 *
 * Threads: read only.
 */
#ifndef OBJECT_SCHEMA_RESOURCES_H
#define OBJECT_SCHEMA_RESOURCES_H

#include "object/schema.h"

#include <stdbool.h>
#include <stddef.h>

struct schema_subresource {
	const char *name;  /* "scale" */
	const char *verbs; /* "get,patch,update", alphabetical */
	const char *kind;  /* "Scale" */
	/* Where the kind is not of the resource's own group and version, else NULL. */
	const char *group, *version;
};

struct schema_resource {
	const char *group, *version; /* "" for core */
	const char *plural, *singular, *kind;
	bool namespaced;
	const char *verbs;		/* as above */
	const char *const *short_names; /* NULL-terminated, never NULL */
	const char *const *categories;	/* NULL-terminated, never NULL */
	const struct schema_subresource *subresources;
	size_t n_subresources;
	const struct schema_type *type; /* never NULL */
};

extern const struct schema_resource schema_resources[];
extern const size_t schema_n_resources;

#endif
