/*
 * A user that owns its strings: what an authenticator makes of a credential.
 *
 *	struct identity *id = identity_new("system:serviceaccount:shop:robot", uid);
 *	identity_add_group(id, "system:serviceaccounts", SIZE_MAX);
 *	identity_add_extra(id, "authentication.kubernetes.io/pod-name", "web-0");
 *	call.user = &id->user;
 *
 * Built by one thread, immutable from then on and shared by references.
 *
 * Threads: any; the count is atomic.
 */
#ifndef BASE_IDENTITY_H
#define BASE_IDENTITY_H

#include "base/call.h"

#include <stddef.h>
#include <stdint.h>

struct identity {
	struct user user; /* borrows from the identity; groups and extra are never NULL */
	_Atomic unsigned refs;
};

/* UID NULL: "". Without groups. */
struct identity *identity_new(const char *name, const char *uid);
/* LEN SIZE_MAX: all of GROUP. A group that is there already is not added. */
void identity_add_group(struct identity *id, const char *group, size_t len);
/* One more value of KEY. */
void identity_add_extra(struct identity *id, const char *key, const char *value);
/* What everybody who logged in belongs to (system:authenticated), at the end. */
void identity_authenticated(struct identity *id);
struct identity *identity_ref(struct identity *id);
/* Takes NULL. */
void identity_unref(struct identity *id);
DEFINE_CLEANUP(struct identity *, identity_unref)

#endif
