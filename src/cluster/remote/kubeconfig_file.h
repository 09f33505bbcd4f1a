/*
 * The files a kubeconfig is made of, read and checked as far as their shape goes. Private to
 * kubeconfig.c. Threads: one at a time.
 */
#ifndef CLUSTER_REMOTE_KUBECONFIG_FILE_H
#define CLUSTER_REMOTE_KUBECONFIG_FILE_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>

struct kubeconfig_file {
	char *path;
	json_t *tree; /* an object */
};

struct kubeconfig_files {
	struct kubeconfig_file *v;
	size_t n, cap;
};

/*
 * PATH NULL: those of $KUBECONFIG, or ~/.kube/config, as far as they are there (none is no
 * error). A PATH has to be there: E_NOT_FOUND. E_BAD_REQUEST: not YAML, not a kubeconfig.
 */
int kubeconfig_files_read(const char *path, struct kubeconfig_files *out, struct error **err);
void kubeconfig_files_release(struct kubeconfig_files *f);
/* NAME as FILE means it: relative to its folder. The caller frees. */
char *kubeconfig_path(const struct kubeconfig_file *file, const char *name);
/* The text of a file (at most 1 MB, no NUL), or NULL and *err. The caller frees. */
char *kubeconfig_slurp(const char *path, struct error **err);

#endif
