/*
 * The directory to mount on.
 *
 *	char *path = mountpoint_find(opt->mountpoint, &err);
 *
 * Threads: before any other is started.
 */
#ifndef CLI_MOUNTPOINT_H
#define CLI_MOUNTPOINT_H

#include "base/error.h"

/*
 * NAME's absolute path, since the daemon leaves this directory; the caller frees. A mount there
 * whose daemon has died is taken away first. E_BAD_REQUEST: NAME is NULL or no directory.
 */
char *mountpoint_find(const char *name, struct error **err);

#endif
