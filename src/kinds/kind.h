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

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "kinds/resource.h"
#include "object/object.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * Collects what is wrong with an object; becomes E_INVALID with one cause each. PATH is printf
 * style: "spec.containers[%zu].name". Messages follow apimachinery's field.Error.
 */
struct field_errors;
void field_required(struct field_errors *e, const char *detail, const char *path, ...)
	__attribute__((format(printf, 3, 4)));
/* BAD_VALUE: the value refused, may be NULL. */
void field_invalid(struct field_errors *e, const json_t *bad_value, const char *detail,
		   const char *path, ...) __attribute__((format(printf, 4, 5)));
void field_not_supported(struct field_errors *e, const char *bad_value, const char *const *valid,
			 const char *path, ...) __attribute__((format(printf, 4, 5)));
void field_duplicate(struct field_errors *e, const json_t *bad_value, const char *path, ...)
	__attribute__((format(printf, 3, 4)));
void field_forbidden(struct field_errors *e, const char *detail, const char *path, ...)
	__attribute__((format(printf, 3, 4)));
void field_type(struct field_errors *e, const char *bad_type, const char *detail, const char *path,
		...) __attribute__((format(printf, 4, 5)));

void field_not_found(struct field_errors *e, const json_t *value, const char *path, ...)
	__attribute__((format(printf, 3, 4)));
void field_too_long(struct field_errors *e, const char *detail, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

struct field_errors *field_errors_new(void);
void field_errors_free(struct field_errors *e);
DEFINE_CLEANUP(struct field_errors *, field_errors_free)
/* Moves the last complaint before the first one about PATH or what is below it, if there is one:
 * where a kind's own rule is checked before those of the schema. */
void field_errors_move_last_before(struct field_errors *e, const char *path);
size_t field_errors_count(const struct field_errors *e);
/* 0 when E holds nothing; else -1 and *err: `Deployment.apps "web" is invalid: ...`. */
int field_errors_finish(const struct field_errors *e, const struct resource *r, const char *name,
			struct error **err);

struct kind {
	const char *group, *kind;
	/* Fills in what the server fills in (the schema's defaults are applied before). */
	void (*set_defaults)(json_t *object);
	/* Rules beyond types, enums and required fields. OLD NULL: on create. */
	void (*validate)(const json_t *object, const json_t *old, struct field_errors *errors);
	/* Before validation of a create (OLD NULL) or update: what the server decides itself
	 * (initial status, phase, immutable copies). The generic rule resets status and counts
	 * generation. */
	void (*prepare)(json_t *object, const json_t *old);
	/* NULL: the name is a DNS subdomain (253). Returns what is wrong with it, or NULL. */
	const char *(*name_rule)(const char *name);
	bool no_generation; /* the type does not count metadata.generation */
	/* Field selectors the type supports beside metadata.name and .namespace; NULL-terminated.
	 */
	const char *const *selectable;
	/* The text of NAME/describe between the generic head and the events; NULL: generic. */
	void (*describe)(const json_t *object, int64_t now, struct str *out);
};

/* The particulars of a kind; never NULL. */
const struct kind *kind_find(const char *group, const char *kind);
/* No particulars: what custom resources and most types have. */
const struct kind *kind_generic(void);

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
/* Required fields and enums by the schema table, of an object that has its defaults. */
void object_check_rules(const json_t *object, const struct resource *r,
			struct field_errors *errors);
/* Keys and values of a map of labels at PATH. */
void labels_validate(const json_t *labels, struct field_errors *errors, const char *path);
/* metadata: name, generateName, namespace, labels, annotations, owner references, finalizers. */
void object_validate_meta(const json_t *object, const json_t *old, const struct resource *r,
			  struct field_errors *errors);

/* Rules for names: NULL when S keeps it, else the sentence apimachinery's validation gives. */
const char *name_dns_subdomain(const char *s);
const char *name_dns_label(const char *s);
const char *name_path_segment(const char *s);
const char *name_qualified(const char *s); /* label and annotation keys */
const char *name_label_value(const char *s);

#endif
