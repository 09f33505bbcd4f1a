/*
 * /openapi/v2 and /openapi/v3, generated from the schema table and the catalog, custom resources
 * included: what kubectl apply, diff, edit and explain ask for.
 *
 * Threads: any.
 */
#ifndef SERVE_OPENAPI_H
#define SERVE_OPENAPI_H

#include "base/str.h"
#include "kinds/resource.h"
#include "serve/request.h"

void openapi_v2(struct request *r);
void openapi_v3_index(struct request *r);
void openapi_v3_document(struct request *r);

/* The index of the catalog that was asked for last, with each document's hash. */
struct openapi_cache;
struct openapi_cache *openapi_cache_new(void);
void openapi_cache_free(struct openapi_cache *c);

/* Which version of OpenAPI: where schemas lie and how parameters are written. */
enum openapi_version { OPENAPI_V2, OPENAPI_V3 };
/* API_VERSION NULL: everything in one document. */
void openapi_write(const struct catalog *c, const char *api_version, enum openapi_version version,
		   struct str *out);

#endif
