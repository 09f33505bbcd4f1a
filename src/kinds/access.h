/*
 * What somebody wants to do: the question that authorization answers.
 *
 *	struct access a = {.user = &user, .verb = "get", .resource = "pods", .namespace = "shop"};
 *
 * Everything is borrowed. An empty slot is NULL or "".
 */
#ifndef KINDS_ACCESS_H
#define KINDS_ACCESS_H

#include "base/call.h"

struct access {
	const struct user *user;
	const char *verb; /* "get", "list", ...; of a path the method: "get", "post" */
	/* Of a resource. NAMESPACE "": of the whole cluster. */
	const char *group, *version, *resource, *subresource, *namespace, *name;
	const char *path; /* else, RESOURCE NULL: a path outside of the resource tree, "/version" */
};

#endif
