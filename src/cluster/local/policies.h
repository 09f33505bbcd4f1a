/*
 * Where admission policies are kept compiled (admission/policy.h), for the cluster that owns them.
 *
 * Threads: any.
 */
#ifndef CLUSTER_LOCAL_POLICIES_H
#define CLUSTER_LOCAL_POLICIES_H

#include "cluster/local/private.h"
#include "kinds/field.h"

#include <stddef.h>

struct policy_cache *policy_cache_new(void);
/* Takes NULL, returns NULL. */
struct policy_cache *policy_cache_free(struct policy_cache *c);
/* A commit has written KEY. */
void policies_forget(struct local *l, const char *key, size_t len);

/* policy_grant.c: complains of parameters that the author of a policy or a binding may not read. */
void policies_check_grant(const struct write *w, const struct field *object, const json_t *old);

/* device_access.c: complains of a claim, or a template of claims, that means to use devices as an
 * administrator where nobody may. OLD NULL: on create. */
void check_device_access(const struct write *w, const struct field *object, const json_t *old);

#endif
