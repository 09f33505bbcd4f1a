/*
 * Shared by the files of the embedded cluster; nobody else includes it.
 *
 * A request goes down one road: decode (pipeline.c) -> convert to the stored version (convert.c)
 * -> default (kinds/) -> admit (admission.h) -> prepare and validate (pipeline.c) -> commit
 * (commit.c). What differs between create, update and patch is how the next state is made
 * (write.c); deletion is in delete.c.
 *
 * Threads: struct local is guarded by its lock where said so; all else is immutable after open.
 */
#ifndef CLUSTER_LOCAL_PRIVATE_H
#define CLUSTER_LOCAL_PRIVATE_H

#include "base/str.h"
#include "base/vec.h"
#include "cluster/cluster.h"
#include "cluster/local.h"
#include "object/selector.h"
#include "store/store.h"

#include <pthread.h>
#include <string.h>

struct local_watch;
struct access_cache;
struct crd_cleanup;
struct hook_clients;
struct hook_configs;
struct hook_conversion;
struct policy_cache;
struct token_authority;
struct token_file;

#define ADMISSION_LOCKS 64

struct local {
	struct cluster base;
	struct clock *clock;
	struct store *store;
	uint32_t service_network;    /* host order */
	unsigned service_bits;	     /* of the prefix: 16 */
	pthread_mutex_t reload_lock; /* whoever makes the catalog anew: the last one saw all */
	/* Held shared from when a creation has found its type in the catalog until it is
	 * committed, and to replace the catalog: see crd_cleanup.c. Before lock. */
	pthread_rwlock_t types_lock;
	pthread_mutex_t lock; /* guards what follows */
	struct catalog *catalog;
	const struct pod_streamer *streamer;
	void *streamer_arg;
	/* Watches (watch.c). */
	pthread_mutex_t watch_lock;
	pthread_cond_t watch_wake, watch_idle;
	struct local_watch *watches;
	struct local_watch *running;
	pthread_t starter;
	unsigned leaving; /* pumps (watch.h) that free their watch by themselves */
	bool closing;
	struct crd_cleanup *cleanup;
	struct access_cache *access; /* access.h */
	struct kept *kept;	     /* kept.h */
	struct policy_cache
		*policies; /* policies.h; NULL until the cluster has its first objects */
	struct token_authority *tokens;	   /* tokens.h */
	struct token_file *token_file;	   /* NULL: none */
	struct hook_clients *hooks;	   /* hook.h */
	struct hook_configs *hook_configs; /* admission/webhooks.h */
	/* Admission (admission.c): a bit for each plugin that runs, set before the first request;
	 * and what charges of one namespace wait for each other with. */
	uint64_t admission_enabled;
	pthread_mutex_t admission_locks[ADMISSION_LOCKS];
	/* The last event's objects: every watch of a type gets the same ones. Store's thread only.
	 */
	struct {
		uint64_t revision;
		struct str key;
		struct object *new, *old;
	} parsed;
};

static inline struct local *local_of(struct cluster *c)
{
	return (struct local *)c;
}

/* Whose request it is that somebody else is asked for (hook.h), and until when. */
struct errand {
	struct local *l;
	const struct call *call;
	int64_t deadline_ns; /* mono; CLOCK_NEVER: none */
};
/* local.c: begins now; CALL as in base/call.h. */
struct errand errand_begin(struct local *l, const struct call *call);
/* What is left of the time, at least 1; negative: there is no end. */
int errand_left_ms(const struct errand *e);
/* Whether the request itself is given up or late: then nothing more is to be asked for it. */
bool errand_over(const struct errand *e);

/* One write on its way down the pipeline. */
struct write {
	struct local *l;
	const struct call *call;
	struct errand errand;
	bool own; /* the server's own work, which waits for nobody: no webhook is asked */
	const struct resource *r;	/* as asked for */
	const struct resource *storage; /* as stored */
	const char *namespace, *name, *subresource;
	const struct write_options *opt;
};

/* A patch on its way. */
struct patching {
	enum patch_type type;
	const json_t *patch;
	const json_t *findings; /* what strict reading found, as pipeline_admit_tree takes it */
};

/* keys.c */

/* What the keys of a type's objects begin with: "o/", 16 digits, "/". */
#define TYPE_KEY_LEN 19
void type_key(const struct resource *r, char key[static TYPE_KEY_LEN]);
/* Whether KEY is of the type, or is the prefix of a list of it. */
static inline bool key_has_type(const char *key, size_t len, const char type[static TYPE_KEY_LEN])
{
	return len >= TYPE_KEY_LEN && memcmp(key, type, TYPE_KEY_LEN) == 0;
}
/* "o/TYPE/NAMESPACE/NAME"; the prefix of a list where NAMESPACE or NAME is NULL. */
void object_key(const struct resource *r, const char *namespace, const char *name, struct str *out);
/* The row that R's objects are stored as; borrowed from the built-in catalog, or R itself. */
const struct resource *storage_of(const struct resource *r);

/* local.c */

/* The object as it is stored, or NULL and E_NOT_FOUND in R's words. */
struct object *local_read(struct local *l, const struct resource *r, const char *namespace,
			  const char *name, struct error **err);
/* R as the catalog has it by now: whoever names a custom type may have looked it up long ago, and
 * its definition may be another since. A new ref; NULL and *err: it is not served. */
const struct resource *local_type(struct local *l, const struct resource *r, struct error **err);
/* Replaces the catalog (taken over) and tells who wants to know. */
void local_set_catalog(struct local *l, struct catalog *fresh);

/* list.c */
int local_list(struct cluster *c, const struct call *call, const struct resource *r,
	       const char *namespace, const struct list_options *opt, list_sink *sink, void *arg,
	       struct list_meta *meta, struct error **err);
/* Both selectors of a list or watch of R, checked; the owner releases. */
struct filter {
	struct selector *labels; /* NULL: all */
	struct field_selector *fields;
};
int filter_init(struct filter *f, const struct resource *r, const char *labels, const char *fields,
		struct error **err);
void filter_release(struct filter *f);
bool filter_matches(const struct filter *f, const struct object *o);
int revision_parse(const char *text, uint64_t *out, struct error **err);

/* watch.c */
struct watch *local_watch(struct cluster *c, const struct call *call, const struct resource *r,
			  const char *namespace, const struct watch_options *opt,
			  const struct watch_handler *handler, void *arg, struct error **err);
void local_watch_stop(struct watch *w);
void watches_open(struct local *l);
void watches_close(struct local *l);
/* Ends the watches of types that the catalog no longer has, or has with another conversion. */
void watches_prune(struct local *l);

/* pipeline.c */

/* JSON as a tree. FINDINGS (a json_t array) gets a text for each key that is there twice, WHAT
 * before it. */
json_t *pipeline_read(const struct write *w, const char *json, size_t len, const char *what,
		      json_t *findings, struct error **err);
/* Decodes a body of R into a tree of the storage version with its defaults. */
json_t *pipeline_decode(const struct write *w, const char *json, size_t len, struct error **err);
/* The same for a tree that a patch made; TREE is changed in place. FINDINGS: texts of what strict
 * reading of the patch found (json_t array), or NULL. */
int pipeline_admit_tree(const struct write *w, json_t *tree, const json_t *findings,
			struct error **err);
/* A name from generateName for what has none; whether it made one. */
bool pipeline_generate_name(json_t *tree);
/* Keeps of OLD what a client may not change, by SUBRESOURCE, and counts the generation. */
int pipeline_merge_old(const struct write *w, const json_t *old, json_t *tree, struct error **err);
/* Admission, what the server sets, prepare and validation. OLD NULL: a create. */
int pipeline_finish(const struct write *w, const json_t *old, json_t *tree, struct error **err);

/* track.c: metadata.managedFields. */

/* Dotted paths of what a write of R through SUBRESOURCE leaves as it was. NULL-terminated. */
const char *const *reset_paths(const struct resource *r, const char *subresource);
/* Those of them that really stay: nobody gets to own the rest, and may yet change it. */
const char *const *kept_paths(const struct resource *r, const char *subresource);
/* TREE, the state asked for with its defaults, gets its managedFields. OLD NULL: a creation. */
int track_update(const struct write *w, const json_t *old, json_t *tree, struct error **err);
/* CONFIG over LIVE, which R's version shows (NULL: a creation). NULL and *err on refusal. */
json_t *track_apply(const struct write *w, const json_t *live, const json_t *config,
		    struct error **err);
/* Nothing but times of managedFields differs: TREE gets those of OLD, and true is returned. */
bool track_unchanged(const json_t *old, json_t *tree);

/* strategy.c */

/* An update of R makes the object where it is missing. */
bool update_creates(const struct resource *r);
/* 0 unless an update of the type must name a version and VERSION is none. */
int check_update_version(const struct write *w, const char *version, struct error **err);

/* scale.c: next states of the object (write.c) from a Scale, ARG, or a patch of it. */
json_t *scale_decode(const char *json, size_t len, struct error **err);
json_t *scale_next_body(const struct write *w, const json_t *old, void *arg, struct error **err);
json_t *scale_next_patch(const struct write *w, const json_t *old, void *arg, struct error **err);
/* The object in *OUT becomes its Scale. */
int scale_show(const struct write *w, struct object **out, struct error **err);

/* crd.c: what a row of a custom resource keeps beside itself (priv). */
struct custom {
	struct schema_type *type;
	struct schema_type *storage_type; /* NULL: it is the version that is stored */
	json_t *open_api;
	struct custom_rules *rules;
	char *uid; /* of the definition, as is */
	json_int_t generation;
	bool several;		      /* versions: what is stored may be of any of them */
	struct hook_conversion *hook; /* what is asked for the others; NULL: they differ in name */
};

/*
 * convert.c: between a type and the one it is stored as; trees are changed in place. Only where
 * converts_by_hook says so they take time and may fail.
 */
int convert_to_storage(const struct errand *e, const struct resource *r, json_t *tree,
		       struct error **err);
int convert_from_storage(const struct errand *e, const struct resource *r, json_t *tree,
			 struct error **err);
/* convert_hpa.c: between autoscaling/v1 and what is stored, v2. */
void hpa_to_storage(json_t *tree);
void hpa_from_storage(json_t *tree);
/* Whether an object as it is stored may have another form than R shows. */
bool converts(const struct resource *r);
/* Whether a webhook makes it so, which may be slow: never from the store's threads. */
bool converts_by_hook(const struct resource *r);
/* O (taken over) as R shows it; NULL and *err. */
struct object *convert_object(const struct errand *e, const struct resource *r, struct object *o,
			      struct error **err);
/* The N objects V, each replaced; by a webhook with one question. -1 and *err: as they were. */
int convert_objects(const struct errand *e, const struct resource *r, struct object **v, size_t n,
		    struct error **err);
/* About how much a webhook is asked at once. */
#define CONVERT_OBJECTS 500
#define CONVERT_BYTES (4u << 20)

/* How often a write is made again when somebody else was quicker. */
#define TRIES 16

/* proxy.c: says why nothing answers behind NAME, "[SCHEME:]NAME[:PORT]" of R. Returns -1. */
int proxy_refuse(struct local *l, const struct resource *r, const char *namespace, const char *name,
		 struct error **err);

/* evict.c: the pod that W names goes as BODY, an Eviction, asks; *OUT: a Status. */
int evict_pod(const struct write *w, const json_t *body, struct object **out, struct error **err);
/* The answer to what was done and left no object to show; new. */
struct object *created_status(void);

/* binding.c: R is what a Binding may be posted to without a pod in the path. */
bool is_bindings(const struct resource *r);
/* 0 when BINDING says where the pod NAME, which the request is for, is to run. */
int binding_check(const json_t *binding, const char *name, struct error **err);

/* commit.c */
struct op {
	struct str key, value;
	struct object *draft; /* instead of a value; its revision's digit at head_len */
	struct store_op op;
};
struct commit {
	struct op *v;
	size_t n, cap;
};
void commit_release(struct commit *c);
/* TREE as the next state of its object, as the first op; EXPECT as in store_op. */
void commit_put(struct commit *c, const struct resource *storage, const json_t *tree,
		uint64_t expect);
/* TREE as the next state of another object that changes with it. */
void commit_also(struct commit *c, const struct resource *storage, const json_t *tree,
		 uint64_t expect);
/* The object goes; watchers see TREE as its last state. */
void commit_delete(struct commit *c, const struct resource *storage, const json_t *tree,
		   uint64_t expect);
/* A key of our own ("a/..."): PUT with VALUE, or deletion where VALUE is NULL. */
void commit_key(struct commit *c, const char *key, const char *value, uint64_t expect);
/* Hands it in. *FIRST: the first op's object at its new version; may be NULL. *failed: as store. */
int commit_run(struct local *l, struct commit *c, struct object **first, size_t *failed,
	       struct error **err);
/* The creation of one object, of R, without waiting for it: CLUSTER_LATER, or -1. C is taken over.
 */
int commit_later(struct local *l, struct commit *c, const struct resource *r, const char *name,
		 struct cluster_later *later, struct error **err);

/* services.c: cluster IPs and node ports live as keys beside the service. */
int services_allocate(const struct write *w, const json_t *old, json_t *tree, struct commit *c,
		      struct error **err);
/* The same for a dry run, which keeps nothing. */
void services_pretend(const struct write *w, json_t *tree);
/* That of its ports which clients know as PORT, or NULL and *err. */
const json_t *service_port(const json_t *service, json_int_t port, struct error **err);
void services_release(const json_t *tree, struct commit *c);

/* bootstrap.c: makes what is missing of the objects that every cluster has. */
int bootstrap(struct local *l, struct error **err);
/* TREE, R's, as the server itself creates (OLD NULL) or updates it, goes into C; its fields are
 * MANAGER's (NULL: kube-apiserver's). EXPECT as in store_op. */
int bootstrap_add(struct local *l, const struct resource *r, const json_t *old, json_t *tree,
		  const char *manager, uint64_t expect, struct commit *c, struct error **err);
/* The same if there is no object of its name. */
int bootstrap_missing(struct local *l, const char *group, const char *plural, const char *manager,
		      json_t *tree, struct commit *c, struct error **err);
/* bootstrap_self.c: what kube-apiserver makes for itself. */
int bootstrap_self(struct local *l, struct commit *c, struct error **err);
/* bootstrap_rbac.c: the same for roles and bindings. */
int bootstrap_rbac(struct local *l, struct error **err);

/* crd.c */
bool is_crd(const struct resource *r);
/* The type of definitions; built in. */
const struct resource *crd_type(void);
/* Status that the server itself gives a definition. */
void crd_prepare(json_t *tree, const json_t *old);
/* crd_names.c: CRD gets the names that nobody else has, and the conditions that tell. */
int crd_accept(struct local *l, json_t *crd, struct error **err);
/* Whether the condition TYPE of a definition is true. */
bool crd_condition(const json_t *crd, const char *type);
/* Sets it; its time, NOW, changes with its status. */
void crd_set_condition(json_t *crd, const char *type, bool status, const char *reason,
		       const char *message, const char *now);
/* Definitions that wait for names get those that are free now; where that fails it is logged. */
void crd_accept_waiting(struct local *l);
/* write.c: what OLD and TREE, a definition, differ in counts as the server's own write of a status.
 */
int crd_track_status(struct local *l, const json_t *old, json_t *tree, struct error **err);
/* crd_accept, written as the server's own change; the catalog is made anew. */
int crd_establish(struct local *l, const char *name, struct error **err);
/* Checks that a schema can be understood. */
int crd_check(const json_t *tree, struct error **err);
/* Rebuilds the catalog from the definitions in the store. */
int crd_reload(struct local *l, struct error **err);
/* A definition is gone: so are its type, and its names for others. */
int crd_gone(struct local *l, struct error **err);
/* The instances of CRD as they are stored, whatever versions they have. A new ref; NULL and *err.
 */
const struct resource *crd_stored_as(const json_t *crd, struct error **err);

/* crd_services.c: WANTED (name to APIService) gets those of CRD. */
void crd_services_add(json_t *wanted, const json_t *crd);
/* Those that are registered become WANTED, all that definitions want; where that fails it is
 * logged. No two threads at once. */
void crd_services_follow(struct local *l, json_t *wanted);

/*
 * crd_cleanup.c: what a definition that is deleted waits for. The thread that deletes instances
 * begins with the first such definition, after crd_cleanup_begin.
 */
struct crd_cleanup *crd_cleanup_new(struct local *l);
void crd_cleanup_begin(struct crd_cleanup *c);
/* Before the store is closed; the next opening goes on. Takes NULL. */
void crd_cleanup_free(struct crd_cleanup *c);
/* CRD, in place, is on its way out from now on. */
void crd_begin_deletion(struct local *l, json_t *crd);
/* DEFINITIONS (an array): all there are that are on their way out. */
void crd_cleanup_follow(struct crd_cleanup *c, const json_t *definitions);
/* The object of KEY went. */
void crd_cleanup_note(struct crd_cleanup *c, const char *key, size_t len);
/* The refusal of W, whose type is on its way out; TREE is the object. Returns -1. */
int crd_refuse_create(const struct write *w, const json_t *tree, struct error **err);
/* Before the commit of a new object of a custom type, and after it. -1 and *err: it may not be. */
int crd_enter(const struct write *w, const json_t *tree, struct error **err);
void crd_leave(const struct write *w);

/* write.c */

/* patched.c: NOW, which a patch made of LIVE, as a refusal quotes it; the caller frees. */
char *patched_text(const json_t *now, const json_t *live, const struct schema_type *type);
/* A strategic merge patch, as a refusal quotes it. The caller frees. */
char *patch_text(const json_t *patch);
/* The refusal of a patch that left PATCHED (JSON), which WHY says is no object of its type. */
int refuse_patched(const char *patched, const struct error *why, struct error **err);

/* write.c, delete.c */
int local_create(struct cluster *c, const struct call *call, const struct resource *r,
		 const char *namespace, const char *name, const char *subresource, const char *json,
		 size_t len, const struct write_options *opt, struct object **out,
		 struct error **err);
int local_update(struct cluster *c, const struct call *call, const struct resource *r,
		 const char *namespace, const char *name, const char *subresource, const char *json,
		 size_t len, const struct write_options *opt, struct object **out,
		 struct error **err);
int local_patch(struct cluster *c, const struct call *call, const struct resource *r,
		const char *namespace, const char *name, const char *subresource,
		enum patch_type type, const char *patch, size_t len,
		const struct write_options *opt, struct object **out, bool *created,
		struct error **err);
int local_delete(struct cluster *c, const struct call *call, const struct resource *r,
		 const char *namespace, const char *name, const struct delete_options *opt,
		 struct object **out, bool *gone, struct error **err);
/* The pod that W names goes: its eviction was admitted. */
int delete_evicted(const struct write *w, const struct delete_options *opt, struct object **out,
		   struct error **err);
int local_delete_collection(struct cluster *c, const struct call *call, const struct resource *r,
			    const char *namespace, const struct list_options *which,
			    const struct delete_options *opt, struct error **err);

#endif
