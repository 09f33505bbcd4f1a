/*
 * Admission: what may change or refuse a write between its defaults and its commit.
 *
 * One plugin is one file of admission/, a struct admission_plugin, and one line in
 * admission_plugins[] (admission/plugins.c), which stands in kube-apiserver's own order. All
 * plugins' admit run first, in that order; then the object is prepared and validated; then all
 * plugins' validate run. A charge runs last and is committed with the object, in one transaction.
 *
 *	const struct admission_plugin admission_priority = {
 *		.name = "Priority", .operations = ADMIT_CREATE | ADMIT_UPDATE,
 *		.resources = {"pods"}, .admit = admit,
 *	};
 *
 * Objects are in their storage version and have their defaults. Threads: any; a struct admission
 * belongs to the one that runs its write.
 */
#ifndef CLUSTER_LOCAL_ADMISSION_H
#define CLUSTER_LOCAL_ADMISSION_H

#include "cluster/local/private.h"

#include <jansson.h>
#include <stdbool.h>

enum admission_operation {
	ADMIT_CREATE = 1,
	ADMIT_UPDATE = 2,
	ADMIT_DELETE = 4,
	ADMIT_CONNECT = 8,
};

struct admission_facts; /* admission_request.h */
struct hook_round;	/* admission/webhooks.h */

/* What a plugin knows of a request. All borrowed for the length of it. */
struct admission {
	struct local *local;
	const struct call *call;
	struct errand errand;
	enum admission_operation operation;
	const struct resource *resource; /* as asked for */
	const struct resource *storage;	 /* as the objects are */
	struct str target;		 /* "pods", "deployments.apps/scale" */
	const char *subresource;	 /* "": the object itself */
	const char *namespace;		 /* "": of no namespace */
	const char *name;		 /* "": none yet, or to be generated */
	bool dry_run;
	const struct write_options *write_options;   /* NULL: a deletion */
	const struct delete_options *delete_options; /* NULL: a write */
	const json_t *old;			     /* NULL at a creation */
	json_t *object; /* admit changes it in place; NULL at a deletion */
	/*
	 * A plugin that lets others' code change the object (a webhook, a policy) sets ADMIT_AGAIN
	 * when one did: all plugins' admit run once more, with READMITTED set.
	 */
	bool admit_again, readmitted;
	bool own; /* the server's own work: nobody outside is asked */
	/* Private: until admission_release. */
	pthread_mutex_t *held;
	struct admission_facts *facts;
	struct hook_round *round; /* of mutating webhooks */
	struct admission_reads {
		struct kept_tree **v;
		size_t n, cap;
	} reads;
};

#define ADMISSION_RESOURCES 13

struct admission_plugin {
	const char *name;    /* as in --enable-admission-plugins */
	bool off;	     /* runs only when it is enabled by name */
	unsigned operations; /* enum admission_operation */
	/* Which targets it sees, ends with NULL; "*": all there are. */
	const char *resources[ADMISSION_RESOURCES];
	/* Each may be NULL. 0, or -1 and *err: the write is refused. */
	int (*admit)(struct admission *a, struct error **err);
	int (*validate)(struct admission *a, struct error **err);
	/* Adds to C what is to be written with the object. Where NEEDED says so it has the
	 * namespace to itself until admission_release. */
	bool (*needed)(struct admission *a);
	int (*charge)(struct admission *a, struct commit *c, struct error **err);
};

/* In order; ends with NULL. */
extern const struct admission_plugin *const admission_plugins[];

/* For the pipeline: begin, then admit, validate, and charge just before the commit. */
void admission_begin(struct admission *a, const struct write *w, const json_t *old, json_t *tree);
/* Of the deletion of the object NAME, OLD. */
void admission_begin_delete(struct admission *a, const struct errand *e, const struct resource *r,
			    const char *namespace, const char *name,
			    const struct delete_options *opt, const json_t *old);
void admission_release(struct admission *a);
int admission_admit(struct admission *a, struct error **err);
int admission_validate(struct admission *a, struct error **err);
int admission_charge(struct admission *a, struct commit *c, struct error **err);

/* Which plugins run: those that are on by themselves, and what the two comma separated lists of
 * names (NULL: none) say. E_BAD_REQUEST for a name that is none. */
int admission_configure(struct local *l, const char *enable, const char *disable,
			struct error **err);
void admission_open(struct local *l);
void admission_close(struct local *l);

/* "pods \"a\" is forbidden: ..." with its details. Returns -1. */
int admission_forbid(const struct admission *a, struct error **err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The name that refusals speak of: that of the object, or what it is to be generated from. */
const char *admission_name(const struct admission *a);
/* Whose request it is: never NULL, the program itself is system:apiserver in system:masters. */
const struct user *admission_user(const struct admission *a);
/* To the client, as a Warning header. */
void admission_warn(const struct admission *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* To the audit log of the request. */
void admission_annotate(const struct admission *a, const char *key, const char *value);

/*
 * Reading the cluster: the newest committed state, of a built-in type, borrowed until
 * admission_release; what goes into the object is a copy. NULL and E_NOT_FOUND in the type's words.
 */
const json_t *admission_get(struct admission *a, const char *group, const char *plural,
			    const char *namespace, const char *name, struct error **err);
/* An array of all in NAMESPACE ("": of all namespaces), by name; borrowed. NULL and *err. */
const json_t *admission_list(struct admission *a, const char *group, const char *plural,
			     const char *namespace, struct error **err);

/* The containers of a pod spec, of all three lists, in order: "for each" with a callback that
 * returns false to stop. LIST: "containers", "initContainers", "ephemeralContainers". */
typedef bool container_visit(void *arg, json_t *container, const char *list, size_t index);
bool admission_each_container(const json_t *spec, container_visit *visit, void *arg);

#endif
