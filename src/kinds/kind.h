/*
 * What is particular to a resource type. One file per type that has particulars
 * (kinds/<kind>.c), one line in kinds[]; an empty slot means generic.
 *
 *	const struct kind kind_deployment = {
 *		.group = "apps", .kind = "Deployment",
 *		.set_defaults = set_defaults, .validate = validate, ...
 *	};
 *
 * All functions work on the tree of one object in the type's own (storage) version, are pure and
 * may be called from any thread.
 */
#ifndef KINDS_KIND_H
#define KINDS_KIND_H

#include "base/call.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "kinds/field.h"
#include "kinds/names.h"
#include "kinds/resource.h"
#include "object/object.h"

#include <jansson.h>
#include <stdbool.h>

/* Of a write: what decides of its object beside the object itself. */
struct write_facts {
	const struct user *user;
	const char *subresource;   /* NULL: the object itself */
	int64_t now;		   /* wall ns */
	struct warnings *warnings; /* what is told of what was given; NULL: nobody hears */
};

/* A field that selectors may name: where it stands when its path is another, where to read when
 * that is empty (NULL: nowhere), and what it reads as when it is not there (NULL: ""). */
struct selectable {
	const char *field, *path, *other, *zero;
};

/* What a type itself says of metadata beside what is checked of every type. An update is told of
 * as often as it is checked. */
enum metadata_rules {
	METADATA_WHOLE = 1,	 /* all of it on update too, not only what changed */
	METADATA_TWICE = 2,	 /* and once more */
	METADATA_NO_CHANGES = 4, /* nothing of what changed */
	METADATA_PLAIN = 8,	 /* a finalizer may be any qualified name */
	METADATA_NONE = 16,	 /* nothing: any name that fits in a path */
};

struct kind {
	const char *group, *kind;
	/* Fills in what the server fills in (the schema's defaults are applied before). */
	void (*set_defaults)(json_t *object);
	/*
	 * All rules beyond metadata and the types of fields. OLD NULL: on create. Of a type that
	 * has none the schema's required fields and enums are checked.
	 */
	void (*validate)(const struct field *object, const struct field *old);
	/* The same, of a type over whose objects several are served and which asks more of one
	 * than of another (ASKED: the one the request named). */
	void (*validate_asked)(const struct field *object, const struct field *old,
			       const struct resource *asked);
	/* Of a write to a subresource ("status", "resize"); NULL: nothing of a status is checked,
	 * and other subresources are validated as the object itself. */
	void (*validate_subresource)(const struct field *object, const struct field *old,
				     const char *subresource);
	/* Before validation of a create (OLD NULL) or update: what the server decides itself
	 * (initial status, phase, immutable copies). The generic rule resets status and counts
	 * generation. */
	void (*prepare)(json_t *object, const json_t *old);
	/* The same, of a type that keeps who wrote or when. */
	void (*prepare_write)(json_t *object, const json_t *old, const struct write_facts *facts);
	name_rule *name_rule; /* NULL: the name is a DNS subdomain (253) */
	unsigned metadata;    /* enum metadata_rules */
	bool no_generation;   /* the type does not count metadata.generation */
	/* Whether an update counts; NULL: when anything but metadata and status has changed. */
	bool (*generation_grows)(const json_t *object, const json_t *old);
	/* What is right and yet to be warned of (field_warn), of a valid write. */
	void (*warn)(const struct field *object, const struct field *old);
	/* Field selectors the type supports beside metadata.name and .namespace; ends with one
	 * without a field. */
	const struct selectable *selectable;
	/* What an object of the type that nobody wrote has beside what every one has, as JSON. */
	const char *empty;
	/* A list or map that is wrong when it is empty, unless UNLESS is there: the refusal shows
	 * it as it was sent, where others count as not there. PATH may have wildcards (fnmatch). */
	struct {
		const char *path, *unless;
	} shown_empty;
	/* An annotation that stands only in the type's own form: neither in its partial metadata
	 * nor in tables. */
	const char *hidden_annotation;
	/* Why the object of that name cannot be deleted by it; NULL: it can. A collection is. */
	const char *(*undeletable)(const char *name);
	/* Told of a deletion that does not say what becomes of dependents. */
	const char *deletion_warning;
	/* Told of every request for a type that others take the place of. */
	const char *deprecation_warning;
};

/* The particulars of a kind; never NULL. */
const struct kind *kind_find(const char *group, const char *kind);
/* No particulars: what most types have. */
const struct kind *kind_generic(void);
/* What custom resources have. */
const struct kind *kind_custom(void);

/*
 * Tables, as kubectl get prints them; what kinds show is in tables.h. The heads: a JSON array of
 * metav1.TableColumnDefinition. One row's cells; NOW: wall ns, for ages. What is to be said of a
 * row as a whole (metav1.TableRowCondition[]), or NULL. All are new values.
 */
json_t *table_columns(const struct resource *r);
json_t *table_cells(const struct resource *r, const json_t *object, int64_t now);
json_t *table_conditions(const struct resource *r, const json_t *object);

/* The whole of create-time and update-time defaulting: schema, then the kind. */
void object_set_defaults(json_t *object, const struct resource *r);
/*
 * Decoding: types and unknown fields by the schema table. UNKNOWN (may be NULL) collects the paths
 * of fields that the type does not have, which are removed from OBJECT, as are nulls and, for
 * built-in types, optional empty lists and maps. A wrong type is E_BAD_REQUEST, of a custom
 * resource an entry of ERRORS.
 */
struct unknown_fields {
	char **v;
	size_t n, cap;
};
void unknown_fields_release(struct unknown_fields *u);
int object_check_schema(json_t *object, const struct resource *r, struct unknown_fields *unknown,
			struct field_errors *errors, struct error **err);
/* metadata: name, generateName, namespace, labels, annotations, owner references, finalizers. OLD
 * NULL: on create. */
void object_validate_meta(const struct field *object, const struct field *old,
			  const struct resource *r);
/* Keys and values of a map of labels; both are complained about at the map itself. */
void rule_labels(const struct field *labels);
void rule_annotations(const struct field *annotations);
/* What the kind of R, as which OBJECT is stored, says of it, or, where it says nothing, the schema.
 * ASKED: the resource that the request named. SUBRESOURCE NULL: the object itself. */
void object_validate(const struct field *object, const struct field *old, const struct resource *r,
		     const struct resource *asked, const char *subresource);

#endif
