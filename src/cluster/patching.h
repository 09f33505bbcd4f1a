/*
 * One door to the four kinds of patch (object/patch.h, object/apply.h), for clusters of our own.
 */
#ifndef CLUSTER_PATCHING_H
#define CLUSTER_PATCHING_H

#include "cluster/cluster.h"
#include "object/apply.h"

/* The field manager of a write: the one asked for, or the user agent up to its "/". To be freed. */
char *write_manager(const struct call *call, const struct write_options *opt);

/*
 * LIVE (NULL: it does not exist, PATCH_APPLY alone) with PATCH applied: a new tree, or NULL and
 * *err. R gives the schema; a type without one is patched strategically as E_MEDIA_TYPE.
 */
json_t *patch_with(const json_t *live, const json_t *patch, enum patch_type type,
		   const struct resource *r, const struct apply_options *apply, struct error **err);

#endif
