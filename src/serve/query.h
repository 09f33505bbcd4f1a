/*
 * The parameters of a resource request, checked as kube-apiserver checks its *Options.
 *
 * Strings are borrowed from the request. Threads: pure functions.
 */
#ifndef SERVE_QUERY_H
#define SERVE_QUERY_H

#include "base/error.h"
#include "cluster/cluster.h"
#include "serve/render.h"
#include "serve/request.h"

int query_list(const struct request *r, struct list_options *out, struct error **err);
/* TIMEOUT_S: 0 where the client leaves it to the server. */
int query_watch(const struct request *r, struct watch_options *out, int64_t *timeout_s,
		struct error **err);
/* KIND: "CreateOptions" and so on, for messages. */
int query_write(const struct request *r, const char *kind, struct write_options *out,
		struct error **err);
/* The same of a patch. APPLY: a server-side one. */
int query_patch(const struct request *r, bool apply, struct write_options *out, struct error **err);
/* Of a table. */
int query_include(const struct request *r, enum include_object *out, struct error **err);

/* DeleteOptions of the body, which OUT's strings point into, or else of the query. */
struct delete_request {
	struct delete_options options;
	bool orphan_told, orphan; /* the deprecated orphanDependents */
	json_t *body;
};
int query_delete(const struct request *r, struct delete_request *out, struct error **err);
void delete_request_release(struct delete_request *d);

/* Of POD's log: PodLogOptions. */
int query_log(const struct request *r, const char *pod, struct error **err);

/*
 * The request's body as JSON text: itself, or what its YAML or protobuf says. *FINDINGS, which the
 * caller frees: for write_options. CUSTOM: of a custom resource, which has no protobuf form.
 */
int query_body(struct request *r, bool custom, struct str *out, json_t **findings,
	       struct error **err);

#endif
