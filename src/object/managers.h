/*
 * The entries of metadata.managedFields, read, ordered and written back; for apply.c alone.
 *
 * Threads: pure functions; a struct managers belongs to one owner.
 */
#ifndef OBJECT_MANAGERS_H
#define OBJECT_MANAGERS_H

#include "base/vec.h"
#include "object/apply.h"

#include <jansson.h>
#include <stdbool.h>

#define OPERATION_APPLY "Apply"
#define OPERATION_UPDATE "Update"

/* One entry. All owned by it. */
struct manager {
	char *name, *operation, *api_version, *subresource, *time;
	json_t *set; /* fieldset.h */
};
struct managers {
	struct manager *v;
	size_t n, cap;
};

void managers_release(struct managers *m);
/*
 * Adds the entries of OBJECT's metadata.managedFields. False, and nothing added, when one of them
 * is malformed.
 */
bool managers_read(struct managers *m, const json_t *object);
/* The list asks for a clean slate: it is empty, or one empty entry. */
bool managers_reset(const json_t *object);
/* The entry of OPT's manager for OPERATION, or NULL. Borrowed until the next change of M. */
struct manager *managers_find(struct managers *m, const char *operation,
			      const struct apply_options *opt);
/* The same, made with an empty set where it is missing. */
struct manager *managers_require(struct managers *m, const char *operation,
				 const struct apply_options *opt);
/* SET is taken over. */
void manager_set_fields(struct manager *e, json_t *set);
void manager_set_time(struct manager *e, const char *now);
/* A new set of all that anybody owns. */
json_t *managers_union(const struct managers *m);
/* Drops entries that own nothing; of more than ten updaters the oldest become one. */
void managers_tidy(struct managers *m);
/* Writes the list into OBJECT; an empty one is left out. */
void managers_write(struct managers *m, json_t *object);

#endif
