/*
 * The one interface to a cluster. A real API server (remote/), the embedded cluster (local/) and
 * the fake of the tests are the same to every caller: the tree, the reconcilers, the scheduler,
 * the nodes and the endpoint.
 *
 *	struct cluster *c = cluster_open("local:/var/lib/kubefs", NULL, &err);
 *	const struct resource *pods = catalog_find(catalog, "", "v1", "pods");
 *	struct object *pod = NULL;
 *	cluster_get(c, NULL, pods, "default", "web-0", &pod, &err);
 *
 * Objects go in and out as JSON in the resource's own apiVersion. Every request returns within
 * the call's deadline (base/call.h; CALL NULL: the program itself, 30 s), or with E_CANCELLED once
 * its cancel fires. What was answered is durable. Refusals are E_* with the Status' causes.
 *
 * An implementation embeds struct cluster and fills cluster_ops; an empty slot answers
 * E_NOT_SUPPORTED. tests/contract/ runs on every implementation, unchanged.
 *
 * Threads: every function from any thread. Watch handlers run on a thread of the implementation,
 * one event at a time per watch; they queue and return, and make no requests.
 */
#ifndef CLUSTER_CLUSTER_H
#define CLUSTER_CLUSTER_H

#include "base/call.h"
#include "base/error.h"
#include "base/identity.h"
#include "base/str.h"
#include "kinds/access.h"
#include "kinds/resource.h"
#include "object/object.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum rv_match { RV_MATCH_UNSET, RV_MATCH_EXACT, RV_MATCH_NOT_OLDER_THAN };

struct list_options {
	const char *label_selector, *field_selector; /* NULL: all */
	int64_t limit;				     /* 0: all in one */
	const char *continue_token;		     /* NULL: from the start */
	const char *resource_version;		     /* NULL: newest */
	enum rv_match match;
};

/* What a LIST answers beside its items. The owner releases. */
struct list_meta {
	char *resource_version;
	char *continue_token; /* NULL: that was all */
	int64_t remaining;    /* -1: not known */
};
void list_meta_release(struct list_meta *m);
/* One item, canonical JSON with apiVersion and kind; borrowed for the call. false stops the list.
 */
typedef bool list_sink(void *arg, const char *json, size_t len);

enum field_validation { FIELD_VALIDATION_WARN, FIELD_VALIDATION_IGNORE, FIELD_VALIDATION_STRICT };

/*
 * Who does not wait for a write. A cluster that takes the offer returns CLUSTER_LATER and calls
 * DONE once, from a thread of its own and perhaps before that: with a reference to the object, or
 * with why it is refused (borrowed). DONE must not block, read nor write, nor take a lock under
 * which anybody does.
 */
#define CLUSTER_LATER 1
struct cluster_later {
	void (*done)(struct cluster_later *l, struct object *o, const struct error *why);
};

struct write_options {
	bool dry_run;
	const char *field_manager; /* NULL: from the user agent */
	enum field_validation validation;
	bool force; /* of an apply: take fields over */
	/* An array of strings, or NULL: what strict reading of the body found before it became
	 * JSON; told or refused as VALIDATION says. */
	const json_t *findings;
	bool *created;		     /* set when an update made the object; may be NULL */
	struct cluster_later *later; /* of a creation; NULL: it is waited for */
};

enum patch_type { PATCH_JSON, PATCH_MERGE, PATCH_STRATEGIC, PATCH_APPLY };

enum propagation {
	PROPAGATE_DEFAULT,
	PROPAGATE_BACKGROUND,
	PROPAGATE_FOREGROUND,
	PROPAGATE_ORPHAN
};

struct delete_options {
	bool dry_run;
	int64_t grace_period_s; /* negative: the object's own */
	enum propagation propagation;
	const char *uid, *resource_version; /* preconditions; NULL: none */
};

struct watch_options {
	const char *label_selector, *field_selector;
	const char *resource_version; /* NULL or "": state first as ADDED, then changes */
	bool bookmarks;
	bool send_initial_events; /* then a bookmark that ends them (initial_events_end) */
};

enum watch_type { WATCH_ADDED, WATCH_MODIFIED, WATCH_DELETED, WATCH_BOOKMARK };

struct watch_event {
	enum watch_type type;
	struct object *object; /* borrowed; of a bookmark: only its resourceVersion tells */
	bool initial_events_end;
};
struct watch_handler {
	void (*event)(void *arg, const struct watch_event *event);
	/* The watch has ended by itself: E_GONE (list again), E_UNREACHABLE, ... WHY borrowed. It
	 * is still to be stopped. */
	void (*closed)(void *arg, const struct error *why);
};

/* A byte stream of a subresource: a pod's log. DATA false stops it. */
struct stream_handler {
	bool (*data)(void *arg, const char *bytes, size_t len);
	void (*closed)(void *arg, const struct error *why); /* WHY NULL: the end */
};

/* Whom tokens are for when nobody else is named: the cluster's API. */
#define CLUSTER_AUDIENCE "https://kubernetes.default.svc"

/* What a bearer token turned out to be. The owner releases. */
struct authentication {
	struct identity *who; /* a ref */
	char **audiences;     /* those asked for that it is for; NULL-terminated */
};
void authentication_release(struct authentication *a);

struct cluster;
struct listeners;
/* false stops. */
typedef bool version_sink(void *arg, const char *resource_version);

struct watch;
struct stream;

struct cluster_ops {
	const char *name; /* "local", "remote", "fake" */
	void (*close)(struct cluster *c);
	struct catalog *(*catalog)(struct cluster *c, const struct call *call, struct error **err);
	/* Somebody wants to hear of the catalog from now on. NULL: nothing has to begin for that.
	 */
	void (*follow_catalog)(struct cluster *c);
	int (*get)(struct cluster *c, const struct call *call, const struct resource *r,
		   const char *namespace, const char *name, const char *subresource,
		   const char *resource_version, struct object **out, struct error **err);
	/* NULL: versions are not kept. */
	int (*versions)(struct cluster *c, const struct call *call, const struct resource *r,
			const char *namespace, const char *name, version_sink *sink, void *arg,
			struct error **err);
	int (*list)(struct cluster *c, const struct call *call, const struct resource *r,
		    const char *namespace, const struct list_options *opt, list_sink *sink,
		    void *arg, struct list_meta *meta, struct error **err);
	int (*create)(struct cluster *c, const struct call *call, const struct resource *r,
		      const char *namespace, const char *name, const char *subresource,
		      const char *json, size_t len, const struct write_options *opt,
		      struct object **out, struct error **err);
	int (*update)(struct cluster *c, const struct call *call, const struct resource *r,
		      const char *namespace, const char *name, const char *subresource,
		      const char *json, size_t len, const struct write_options *opt,
		      struct object **out, struct error **err);
	int (*patch)(struct cluster *c, const struct call *call, const struct resource *r,
		     const char *namespace, const char *name, const char *subresource,
		     enum patch_type type, const char *patch, size_t len,
		     const struct write_options *opt, struct object **out, bool *created,
		     struct error **err);
	int (*delete)(struct cluster *c, const struct call *call, const struct resource *r,
		      const char *namespace, const char *name, const struct delete_options *opt,
		      struct object **out, bool *gone, struct error **err);
	int (*delete_collection)(struct cluster *c, const struct call *call,
				 const struct resource *r, const char *namespace,
				 const struct list_options *which, const struct delete_options *opt,
				 struct error **err);
	struct watch *(*watch)(struct cluster *c, const struct call *call, const struct resource *r,
			       const char *namespace, const struct watch_options *opt,
			       const struct watch_handler *handler, void *arg, struct error **err);
	void (*watch_stop)(struct watch *w);
	struct stream *(*stream)(struct cluster *c, const struct call *call,
				 const struct resource *r, const char *namespace, const char *name,
				 const char *subresource, const char *query,
				 const struct stream_handler *handler, void *arg,
				 struct error **err);
	void (*stream_stop)(struct stream *s);
	/* GET of a path outside the resource tree ("/version"): its body, which the caller frees.
	 */
	char *(*raw)(struct cluster *c, const struct call *call, const char *path,
		     struct error **err);
	int (*authenticate)(struct cluster *c, const struct call *call, const char *token,
			    const char *const *audiences, struct authentication *out,
			    struct error **err);
	bool (*authorize)(struct cluster *c, const struct access *access, struct str *reason);
};

/* Implementations embed this first. */
struct cluster {
	const struct cluster_ops *ops;
	char *default_namespace;     /* the context's; "default" */
	char *description;	     /* for messages: server URL or store directory, no secrets */
	struct listeners *listeners; /* to the catalog; NULL: it stays as it is */
};
struct watch {
	struct cluster *cluster;
};
struct stream {
	struct cluster *cluster;
};

/*
 * Opens by scheme, one table: "local:DIR" (DIR is made), "remote:" (kubeconfig; the options say
 * which), "fake:" for tests.
 */
struct cluster_config {
	const char *kubeconfig;	  /* NULL: $KUBECONFIG, ~/.kube/config, in-cluster */
	const char *context;	  /* NULL: the current one */
	struct clock *clock;	  /* NULL: the system's */
	const char *service_cidr; /* local; NULL: 10.96.0.0/16 */
	/* Local: admission plugins beside those that are on by themselves, and those of them that
	 * are not to run; comma separated, may be NULL. */
	const char *enable_admission, *disable_admission;
	size_t store_size; /* local: bytes of objects and their history; 0: 64 GiB */
	/* Local, fake: bearer tokens, a line each: token,user,uid,"group,group" (kube-apiserver's
	 * --token-auth-file); may be NULL. */
	const char *token_auth_file;
};
struct cluster *cluster_open(const char *spec, const struct cluster_config *config,
			     struct error **err);
/* Ends every watch and stream, frees. Takes NULL, returns NULL. */
struct cluster *cluster_close(struct cluster *c);
DEFINE_CLEANUP(struct cluster *, cluster_close)

/* What is served now; a new ref. Blocks for discovery the first time. */
struct catalog *cluster_catalog(struct cluster *c, const struct call *call, struct error **err);
/* CHANGED runs, on a thread of the cluster, after the catalog has changed: it is short, asks the
 * cluster nothing and calls neither of these. */
void cluster_on_catalog(struct cluster *c, void (*changed)(void *arg), void *arg);
/* After it returns CHANGED is not running with ARG, and will not run. */
void cluster_off_catalog(struct cluster *c, void (*changed)(void *arg), void *arg);

/*
 * NAMESPACE: "" for cluster-scoped resources, and to list or watch all namespaces. SUBRESOURCE:
 * NULL for the object itself. RESOURCE_VERSION NULL: newest; a value: the object at exactly that
 * version, E_GONE where it is no longer kept (servers that cannot answer say E_NOT_SUPPORTED).
 * OUT may be NULL where the answer is not wanted; else a new ref.
 */
int cluster_get(struct cluster *c, const struct call *call, const struct resource *r,
		const char *namespace, const char *name, struct object **out, struct error **err);
int cluster_get_at(struct cluster *c, const struct call *call, const struct resource *r,
		   const char *namespace, const char *name, const char *resource_version,
		   struct object **out, struct error **err);
/* Does it keep what objects were before? */
bool cluster_keeps_versions(const struct cluster *c);
/* Tells SINK which versions of an object are kept, for cluster_get_at: newest first, none of
 * another object that had its name. */
int cluster_versions(struct cluster *c, const struct call *call, const struct resource *r,
		     const char *namespace, const char *name, version_sink *sink, void *arg,
		     struct error **err);
int cluster_get_subresource(struct cluster *c, const struct call *call, const struct resource *r,
			    const char *namespace, const char *name, const char *subresource,
			    struct object **out, struct error **err);
int cluster_list(struct cluster *c, const struct call *call, const struct resource *r,
		 const char *namespace, const struct list_options *opt, list_sink *sink, void *arg,
		 struct list_meta *meta, struct error **err);
/* NAME NULL: the object's own name (or generateName). For a subresource it is the parent's.
 * CLUSTER_LATER only where the options offer it. */
int cluster_create(struct cluster *c, const struct call *call, const struct resource *r,
		   const char *namespace, const char *name, const char *subresource,
		   const char *json, size_t len, const struct write_options *opt,
		   struct object **out, struct error **err);
int cluster_update(struct cluster *c, const struct call *call, const struct resource *r,
		   const char *namespace, const char *name, const char *subresource,
		   const char *json, size_t len, const struct write_options *opt,
		   struct object **out, struct error **err);
/* CREATED (may be NULL): an apply made the object. */
int cluster_patch(struct cluster *c, const struct call *call, const struct resource *r,
		  const char *namespace, const char *name, const char *subresource,
		  enum patch_type type, const char *patch, size_t len,
		  const struct write_options *opt, struct object **out, bool *created,
		  struct error **err);
/* GONE (may be NULL): the object is no more; false: it waits for finalizers or its grace period. */
int cluster_delete(struct cluster *c, const struct call *call, const struct resource *r,
		   const char *namespace, const char *name, const struct delete_options *opt,
		   struct object **out, bool *gone, struct error **err);
int cluster_delete_collection(struct cluster *c, const struct call *call, const struct resource *r,
			      const char *namespace, const struct list_options *which,
			      const struct delete_options *opt, struct error **err);
/*
 * Events of one type from RESOURCE_VERSION on, each once, in order. HANDLER and ARG live until
 * watch_stop returns. Fails at once where the watch cannot begin.
 */
struct watch *cluster_watch(struct cluster *c, const struct call *call, const struct resource *r,
			    const char *namespace, const struct watch_options *opt,
			    const struct watch_handler *handler, void *arg, struct error **err);
/* When it returns no handler runs or will run; it may be called from within the handler. Frees. */
void watch_stop(struct watch *w);
/* QUERY: as in the URL ("container=api&follow=true&previous=false"), or NULL. NULL and no error:
 * there is nothing to stream yet, the pod is bound to no node. */
struct stream *cluster_stream(struct cluster *c, const struct call *call, const struct resource *r,
			      const char *namespace, const char *name, const char *subresource,
			      const char *query, const struct stream_handler *handler, void *arg,
			      struct error **err);
void stream_stop(struct stream *s);
char *cluster_raw(struct cluster *c, const struct call *call, const char *path, struct error **err);
/*
 * Whose TOKEN is (without "Bearer"): a service account's, or one of the token file. AUDIENCES
 * (NULL-terminated; NULL: the cluster's own): what it is to be good for. E_UNAUTHORIZED when it is
 * nobody's, has expired, or is for others: the message tells why and is for reviews, not for the
 * one who asks. Reads the store at most; what was told before is told again in microseconds.
 */
int cluster_authenticate(struct cluster *c, const struct call *call, const char *token,
			 const char *const *audiences, struct authentication *out,
			 struct error **err);
/*
 * Whether ACCESS is allowed. REASON (may be NULL) gets why or why not, in RBAC's words; nothing
 * where there is nothing to say. Members of system:masters may do everything, others nothing where
 * an implementation does not know. Reads memory, and the store after roles have changed.
 */
bool cluster_authorize(struct cluster *c, const struct access *access, struct str *reason);

/* The same with trees, which stay the caller's: for reconcilers. */
int cluster_create_tree(struct cluster *c, const struct call *call, const struct resource *r,
			const char *namespace, const json_t *tree, const struct write_options *opt,
			struct object **out, struct error **err);
int cluster_update_tree(struct cluster *c, const struct call *call, const struct resource *r,
			const char *subresource, const json_t *tree,
			const struct write_options *opt, struct object **out, struct error **err);
int cluster_patch_tree(struct cluster *c, const struct call *call, const struct resource *r,
		       const char *namespace, const char *name, const char *subresource,
		       enum patch_type type, const json_t *patch, const struct write_options *opt,
		       struct object **out, struct error **err);

#endif
