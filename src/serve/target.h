/*
 * What a URL names: a resource type, and of it all, one namespace's, one object or a subresource.
 *
 *	/apis/apps/v1/namespaces/shop/deployments/web/scale
 *	/api/v1/watch/namespaces/shop/pods
 *
 * Threads: any.
 */
#ifndef SERVE_TARGET_H
#define SERVE_TARGET_H

#include <stdbool.h>

struct target {
	char *buffer;			/* what the others point into */
	const char *group, *version;	/* group "": core */
	const char *namespace;		/* "": none */
	const char *plural;		/* NULL: the path names a group version only */
	const char *name, *subresource; /* NULL: none */
	bool watch;			/* "watch" before the rest, the old way to ask for one */
};

/* false when PATH is no resource path (/api/VERSION/..., /apis/GROUP/VERSION/...). */
bool target_parse(const char *path, struct target *out);
void target_release(struct target *t);

#endif
