/*
 * Objects in the forms clients ask for: as they are, as a row of a table, as metadata only.
 *
 * What a watch sends is rendered once for all its watchers: a small cache keyed by the object's uid
 * and version. An object as it is needs no rendering: its own bytes are sent.
 *
 * Threads: any.
 */
#ifndef SERVE_RENDER_H
#define SERVE_RENDER_H

#include "base/str.h"
#include "kinds/resource.h"
#include "object/object.h"
#include "serve/bytes.h"
#include "serve/media.h"

#include <stdbool.h>
#include <stdint.h>

enum include_object { INCLUDE_METADATA, INCLUDE_NONE, INCLUDE_OBJECT };

/* An item of a list: what it is among others of its type, so without apiVersion and kind unless it
 * is a custom resource. Appends. */
void render_item(const struct resource *r, const char *json, size_t len, struct str *out);
void render_partial(const struct resource *r, const char *json, size_t len, struct str *out);
/* A row of a table (the innermost object). NOW: wall ns, for ages. */
void render_row(const struct resource *r, const char *json, size_t len, enum include_object include,
		int64_t now, struct str *out);
/* {"kind":"Table",...,"metadata":META,"columnDefinitions":[...],"rows":[ - the caller ends it. */
void render_table_head(const struct resource *r, struct str *out);
/* {"resourceVersion":...,...} of a list or table, appended. CONTINUE_TOO: also when that was all,
 * as lists of custom resources have it. */
struct list_meta;
void render_list_meta(const struct list_meta *meta, bool continue_too, struct str *out);

struct render_cache;
struct render_cache *render_cache_new(void);
void render_cache_free(struct render_cache *c);
/* What a watch sends of O as AS: a new ref. FIRST: with column definitions, as the first row has.
 */
struct bytes *render_watched(struct render_cache *c, const struct resource *r, struct object *o,
			     enum media_as as, enum include_object include, bool first,
			     int64_t now);

#endif
