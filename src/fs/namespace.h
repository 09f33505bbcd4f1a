/*
 * Namespaces as directories: mkdir, rmdir, and rmdir of a type's directory.
 */
#ifndef FS_NAMESPACE_H
#define FS_NAMESPACE_H

#include "fs/core.h"

/* mkdir namespaces/NAME. */
int namespace_create(struct node *dir, const char *name, const struct call *call,
		     struct error **err);
/* rmdir namespaces/NAME: E_NOT_EMPTY while it holds something of the user's. */
int namespace_remove(struct node *dir, const char *name, struct node *n, const struct call *call,
		     struct error **err);
/* rmdir of a type's directory: succeeds when all in it is on its way out or a controller's. */
int type_remove(struct node *dir, const char *name, struct node *n, const struct call *call,
		struct error **err);

#endif
