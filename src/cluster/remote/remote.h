/*
 * Private to the back end of a real API server: the client's state and what its files share.
 *
 * remote.c opens and closes, kubeconfig.c and auth.c know who asks whom, request.c makes the
 * requests of one object, list.c those of many, live.c watches and log streams, discovery.c reads
 * the resource types and catalog.c keeps them up to date.
 *
 * Nothing here retries or reconnects watches: a watch that ends says why (E_TIMEOUT: the server
 * ended it after its time; watch again from the last revision) and its owner begins another. That
 * back-off lives in the informers' reflector and nowhere else.
 */
#ifndef CLUSTER_REMOTE_REMOTE_H
#define CLUSTER_REMOTE_REMOTE_H

#include "base/clock.h"
#include "base/str.h"
#include "base/vec.h"
#include "cluster/cluster.h"
#include "cluster/remote/kubeconfig.h"
#include "http/http.h"

#include <pthread.h>

struct live;

struct remote {
	struct cluster base;
	struct http *http;
	struct kubeconfig kubeconfig;
	struct auth *auth;
	struct clock *clock;

	pthread_mutex_t lock;
	pthread_cond_t wake; /* of the refresher */
	struct catalog *catalog;
	char *fingerprint;  /* of what the catalog was made from */
	int64_t catalog_ns; /* when, monotonic */
	bool stale;	    /* this client has changed a definition since */
	bool untold;	    /* its listeners have not heard of the catalog yet */
	bool refresher_runs, closing;
	pthread_t refresher;
	struct cancel *closed;	  /* fired at the end, for the refresher's requests */
	int64_t changed_ns;	  /* when a definition last changed; CLOCK_NEVER: all is settled */
	VEC(struct live *) lives; /* open watches and streams */
};

static inline struct remote *remote_of(struct cluster *c)
{
	return (struct remote *)c;
}

/* The path of a resource, an object or a subresource (NAME, SUBRESOURCE may be NULL), encoded. */
void remote_path(const struct resource *r, const char *namespace, const char *name,
		 const char *subresource, struct str *out);
/* Adds "?KEY=VALUE" or "&KEY=VALUE", encoded; nothing for a NULL VALUE. */
void remote_query(struct str *path, const char *key, const char *value);
void remote_query_int(struct str *path, const char *key, int64_t value);
/* The error of an answer that is no success: 0 when it is one. */
int remote_check(const struct http_response *response, struct error **err);
/* http_do and remote_check. */
int remote_ask(struct remote *c, const struct call *call, const struct http_request *q,
	       struct http_response *out, struct error **err);
/* A call like CALL that has only what is left until DEADLINE_NS (CLOCK_NEVER: none). */
struct call remote_call_until(struct remote *c, const struct call *call, int64_t deadline_ns);

/* The ops. */
int remote_get(struct cluster *c, const struct call *call, const struct resource *r,
	       const char *namespace, const char *name, const char *subresource,
	       const char *resource_version, struct object **out, struct error **err);
int remote_list(struct cluster *c, const struct call *call, const struct resource *r,
		const char *namespace, const struct list_options *opt, list_sink *sink, void *arg,
		struct list_meta *meta, struct error **err);
int remote_create(struct cluster *c, const struct call *call, const struct resource *r,
		  const char *namespace, const char *name, const char *subresource,
		  const char *json, size_t len, const struct write_options *opt,
		  struct object **out, struct error **err);
int remote_update(struct cluster *c, const struct call *call, const struct resource *r,
		  const char *namespace, const char *name, const char *subresource,
		  const char *json, size_t len, const struct write_options *opt,
		  struct object **out, struct error **err);
int remote_patch(struct cluster *c, const struct call *call, const struct resource *r,
		 const char *namespace, const char *name, const char *subresource,
		 enum patch_type type, const char *patch, size_t len,
		 const struct write_options *opt, struct object **out, bool *created,
		 struct error **err);
int remote_delete(struct cluster *c, const struct call *call, const struct resource *r,
		  const char *namespace, const char *name, const struct delete_options *opt,
		  struct object **out, bool *gone, struct error **err);
int remote_delete_collection(struct cluster *c, const struct call *call, const struct resource *r,
			     const char *namespace, const struct list_options *which,
			     const struct delete_options *opt, struct error **err);
char *remote_raw(struct cluster *c, const struct call *call, const char *path, struct error **err);
struct watch *remote_watch(struct cluster *c, const struct call *call, const struct resource *r,
			   const char *namespace, const struct watch_options *opt,
			   const struct watch_handler *handler, void *arg, struct error **err);
void remote_watch_stop(struct watch *w);
struct stream *remote_stream(struct cluster *c, const struct call *call, const struct resource *r,
			     const char *namespace, const char *name, const char *subresource,
			     const char *query, const struct stream_handler *handler, void *arg,
			     struct error **err);
void remote_stream_stop(struct stream *s);
/* Stops what its owners left open. */
void remote_stop_all(struct remote *c);

struct catalog *remote_catalog(struct cluster *c, const struct call *call, struct error **err);
void remote_follow_catalog(struct cluster *c);
/* An object of R has been written: whether that changes the catalog is found out when it is asked
 * for. */
void remote_catalog_written(struct remote *c, const struct resource *r);
/* Ends the refresher. */
void remote_catalog_close(struct remote *c);
/*
 * Asks for all resource types. The catalog, or NULL and *err when not even one group could be
 * read. *FINGERPRINT, which the caller frees, is equal for equal answers.
 */
struct catalog *remote_discover(struct remote *c, const struct call *call, char **fingerprint,
				struct error **err);

#endif
