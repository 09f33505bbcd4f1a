/*
 * A resource type: what the API server serves under one path, and the catalog of all of them.
 *
 * Rows of built-in types come from the schema table; what discovery or a
 * CustomResourceDefinition tells at run time becomes the same struct. A resource is immutable
 * and refcounted (built-in ones are immortal; ref and unref are then free), so a reader may keep
 * one while its definition goes away.
 *
 * Threads: any.
 */
#ifndef KINDS_RESOURCE_H
#define KINDS_RESOURCE_H

#include "base/error.h"
#include "base/str.h"
#include "object/schema.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum verb {
	VERB_GET = 1 << 0,
	VERB_LIST = 1 << 1,
	VERB_WATCH = 1 << 2,
	VERB_CREATE = 1 << 3,
	VERB_UPDATE = 1 << 4,
	VERB_PATCH = 1 << 5,
	VERB_DELETE = 1 << 6,
	VERB_DELETE_COLLECTION = 1 << 7,
};
/* "get" and so on; 0 for a word that is none. */
unsigned verb_parse(const char *word);
/* Appends the verbs as a JSON array in discovery's (alphabetical) order. */
void verbs_write(unsigned verbs, struct str *out);

struct subresource {
	const char *name; /* "status", "scale", "binding" */
	unsigned verbs;
	const char *kind; /* "Deployment", "Scale" */
	/* Where the kind is not of the resource's own group and version, else NULL. */
	const char *group, *version;
};

/* A column of a custom resource's table (additionalPrinterColumns). */
struct column {
	const char *name;   /* "Ready" */
	const char *type;   /* "string", "integer", "date" */
	const char *format; /* "name" or "" */
	const char *description;
	int priority;	       /* 0: always; above: only wide */
	const char *json_path; /* what its cells show: ".spec.size" */
};

struct custom_rules; /* kinds/custom_rules.h */
struct kind;	     /* kinds/kind.h: what is particular to a type */

struct resource {
	const char *group, *version, *api_version; /* "apps", "v1", "apps/v1" */
	const char *plural, *singular, *kind, *list_kind;
	const char *const *short_names; /* NULL-terminated, never NULL */
	const char *const *categories;	/* NULL-terminated, never NULL */
	bool namespaced;
	bool custom;	  /* from a CustomResourceDefinition */
	bool terminating; /* which is on its way out: no object is made any more */
	unsigned verbs;	  /* enum verb */
	const struct subresource *subresources;
	size_t n_subresources;
	const struct schema_type *type;	  /* NULL: not known (discovered on a remote cluster) */
	const struct kind *particulars;	  /* never NULL: generic when the type has none */
	const json_t *open_api;		  /* of a custom resource: its schema; else NULL. Of priv */
	const struct custom_rules *rules; /* its rules in CEL, or NULL. Of priv */
	const struct column *columns;	  /* of a custom resource; else NULL */
	size_t n_columns;
	/* Where a custom resource keeps what its scale shows: dotted paths, or NULL. */
	const char *scale_replicas, *scale_status_replicas, *scale_selector;
	/* Of a custom resource, what field selectors may name beside its metadata; NULL-terminated.
	 */
	const char *const *selectable_fields;
	/* Told of every request for it; or NULL. */
	const char *deprecation_warning;
	/* Types over the same objects (events in two groups, autoscaling v1 and v2) name the one
	 * they are stored as; else equal to group and version. */
	const char *storage_group, *storage_version;
	void *priv; /* of the cluster implementation that made the row */
};

const struct resource *resource_ref(const struct resource *r);
void resource_unref(const struct resource *r);
static inline void resource_unref_cleanup(const struct resource **p)
{
	resource_unref(*p);
}
/*
 * A run-time row: all strings and arrays of TEMPLATE are copied; api_version, list_kind and
 * particulars may be NULL there and are filled in. FREE_PRIV is called on priv with the last ref.
 */
const struct resource *resource_new(const struct resource *template, void (*free_priv)(void *));
const struct subresource *resource_subresource(const struct resource *r, const char *name);
/* Which of two versions comes first, as strcmp tells: v2, v1, v1beta1, v1alpha1, then any other. */
int version_compare(const char *a, const char *b);
/* "deployments.apps", "pods": plural and group, as StatusDetails and messages name it. */
void resource_format(const struct resource *r, struct str *out);
/* The directory of the tree: the plural for built-in types, plural.group for custom ones. Of
 * several built-in types over the same objects only the preferred one has a directory. */
void resource_directory(const struct resource *r, struct str *out);

/* An immutable, refcounted list of resources: preferred version of each group first. */
struct catalog;
struct catalog *catalog_new(const struct resource *const *rows,
			    size_t n); /* takes refs of its own */
/* The built-in types of the schema table. A new ref. */
struct catalog *catalog_builtin(void);
struct catalog *catalog_ref(struct catalog *c);
void catalog_unref(struct catalog *c);
DEFINE_CLEANUP(struct catalog *, catalog_unref)
size_t catalog_count(const struct catalog *c);
const struct resource *catalog_at(const struct catalog *c, size_t i); /* borrowed */
/* VERSION NULL: the preferred one. GROUP "": core. Borrowed; NULL: none. */
const struct resource *catalog_find(const struct catalog *c, const char *group, const char *version,
				    const char *plural);
const struct resource *catalog_find_kind(const struct catalog *c, const char *api_version,
					 const char *kind);
/* Any name kubectl takes: "po", "deploy", "deployment.apps", "deployments.v1.apps", "Migration". */
const struct resource *catalog_resolve(const struct catalog *c, const char *name);
/* Groups whose discovery failed at the last try, as "group/version: why"; NULL-terminated,
 * borrowed. */
const char *const *catalog_failures(const struct catalog *c);
void catalog_add_failure(struct catalog *c, const char *text); /* before it is published */

#endif
