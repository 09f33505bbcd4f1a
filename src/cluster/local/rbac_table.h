/*
 * The roles and bindings that every cluster begins with, from schema/rbac.
 *
 * Threads: constants.
 */
#ifndef CLUSTER_LOCAL_RBAC_TABLE_H
#define CLUSTER_LOCAL_RBAC_TABLE_H

struct rbac_default {
	const char *plural, *namespace, *name;
	const char *json; /* without apiVersion and kind */
};
/* Roles before bindings; ends with a plural NULL. */
extern const struct rbac_default rbac_defaults[];

#endif
