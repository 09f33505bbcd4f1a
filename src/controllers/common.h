/*
 * What several reconcilers do: read pods, keep conditions, claim what they own, write a status.
 *
 * Threads: any; trees belong to the caller.
 */
#ifndef CONTROLLERS_COMMON_H
#define CONTROLLERS_COMMON_H

#include "cache/controller.h"
#include "object/selector.h"

#include <jansson.h>

/* Neither finished nor being deleted. */
bool pod_is_active(const struct object *pod);
/* The Ready condition is True; *since_ns (wall) when it became so, 0 when not told. */
bool pod_is_ready(const struct object *pod, int64_t *since_ns);
/* Ready for MIN_READY_S at NOW_NS; *wait_ns: how long until it will be, 0 when not ready. */
bool pod_is_available(const struct object *pod, int64_t min_ready_s, int64_t now_ns,
		      int64_t *wait_ns);

/* The condition of TYPE in a list of conditions, or NULL. Borrowed. */
json_t *condition_find(const json_t *conditions, const char *type);
/*
 * Sets a condition; lastTransitionTime moves with the status. UPDATE_TIME: the type has a
 * lastUpdateTime. Returns whether anything changed (times apart).
 */
bool condition_set(json_t *conditions, const char *type, const char *status, const char *reason,
		   const char *message, int64_t now_ns, bool update_time);
bool condition_remove(json_t *conditions, const char *type);

/* Index: the uid of the controlling owner, or orphan_key() of what has none. */
#define INDEX_OWNER "owner"
void index_by_owner_or_orphan(const struct object *o, index_emit *emit, void *emit_arg);

/*
 * Of the objects of RESOURCE in OWNER's namespace, those it controls: what matches SELECTOR and has
 * no controller is adopted (unless OWNER is being deleted), what it controls and does not match any
 * more is let go. Appends refs.
 */
int claim_owned(struct controller *c, const struct object *owner, const struct selector *selector,
		const char *group, const char *plural, struct object_list *out, struct error **err);
/* An owner reference that makes OWNER the controller. A new tree. */
json_t *controller_reference(const struct object *owner);

/* Writes TREE's status and takes the answer into the informer. */
int status_write(struct controller *c, const char *group, const char *plural, const json_t *tree,
		 struct error **err);
/* Writes what SUBRESOURCE is for; likewise. */
int subresource_write(struct controller *c, const char *group, const char *plural,
		      const char *subresource, const json_t *tree, struct error **err);
/* Writes the object itself; likewise. */
int object_write(struct controller *c, const char *group, const char *plural, const json_t *tree,
		 struct error **err);
/* Deletes in the background with a precondition on the uid; likewise. What is gone is no error. */
int object_remove(struct controller *c, const char *group, const char *plural,
		  const struct object *o, struct error **err);

/* Enqueues the controlling owner of a changed object when it is a KIND, before and after. */
void enqueue_owner(struct controller *c, struct object *old, struct object *new_, const char *kind);
/* The string at PATH or "". Borrowed from TREE. */
const char *text_at(const json_t *tree, const char *path);

#endif
