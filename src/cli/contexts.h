/*
 * The clusters of --all-contexts: one program for each context of the kubeconfig, opened when its
 * tree asks for it (fs/fs.h, struct fs_context).
 *
 *	struct contexts all CLEANUP(contexts_release) = {0};
 *	if (contexts_read(&all, opt, &err) < 0)
 *		...
 *	struct fs *fs = contexts_tree(&all, &fs_options);
 *
 * Threads: contexts_read before any other is started; the trees open from theirs.
 */
#ifndef CLI_CONTEXTS_H
#define CLI_CONTEXTS_H

#include "cli/program.h"
#include "cluster/remote/kubeconfig.h"
#include "fs/fs.h"

struct contexts {
	struct kubeconfig_texts names;
	struct context *v; /* as many */
};

/* Reads which there are; OPT is borrowed. No cluster is asked for anything. */
int contexts_read(struct contexts *all, const struct options *opt, struct error **err);
struct fs *contexts_tree(struct contexts *all, const struct fs_options *options);
/* After fs_free of the tree. */
void contexts_release(struct contexts *all);

/*
 * Makes OPT's kubeconfig and $KUBECONFIG independent of the working directory, which a daemon
 * leaves. *KUBECONFIG gets what OPT points to from then on, for the caller to free.
 */
int contexts_fix_paths(struct options *opt, char **kubeconfig, struct error **err);

#endif
