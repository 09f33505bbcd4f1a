/*
 * The schema table: what fields every Kubernetes type has, and how each of them merges.
 *
 * Generated at build time from schema/ (a compact text, see schema/README), read only. Custom
 * resources make the same structs at run time (schema_type_new). Source of the rules:
 * x-kubernetes-list-type, -list-map-keys, -map-type, patchStrategy and patchMergeKey of the
 * OpenAPI document of a Kubernetes API server.
 *
 *	const struct schema_type *pod = schema_type_find("io.k8s.api.core.v1.Pod");
 *	const struct schema_field *spec = schema_field_find(pod, "spec");
 *
 * Threads: any; types are never written once made. Whoever makes one at run time frees it when
 * nobody reads it any more.
 */
#ifndef OBJECT_SCHEMA_H
#define OBJECT_SCHEMA_H

#include "base/error.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum schema_kind {
	SCHEMA_ANY, /* anything: RawExtension, JSON, x-preserve-unknown-fields without properties */
	SCHEMA_STRING,
	SCHEMA_BOOL,
	SCHEMA_INT32,
	SCHEMA_INT64,
	SCHEMA_NUMBER,
	SCHEMA_BYTES, /* base64 in JSON */
	SCHEMA_TIME,  /* RFC 3339, seconds */
	SCHEMA_MICRO_TIME,
	SCHEMA_QUANTITY,
	SCHEMA_INT_OR_STRING,
	SCHEMA_STRUCT, /* named fields: type->fields */
	SCHEMA_MAP,    /* string keys: elem */
	SCHEMA_LIST,   /* elem */
};

enum schema_list_type { SCHEMA_LIST_ATOMIC, SCHEMA_LIST_SET, SCHEMA_LIST_MAP };

enum schema_patch_flags {
	SCHEMA_PATCH_MERGE = 1,
	SCHEMA_PATCH_RETAIN_KEYS = 2,
	SCHEMA_PATCH_REPLACE = 4,
};

struct schema_type;

/* A value: a scalar, a named struct, or a list or map of further values. */
struct schema_value {
	enum schema_kind kind;
	enum schema_list_type list_type;  /* of a SCHEMA_LIST */
	bool atomic;			  /* x-kubernetes-map-type: atomic of a struct or map */
	bool nullable;			  /* null is a value of its own; custom resources only */
	unsigned patch;			  /* schema_patch_flags, of a list or struct */
	const char *patch_merge_key;	  /* of a list patched by merge of structs, else NULL */
	const char *const *list_map_keys; /* NULL-terminated, of SCHEMA_LIST_MAP */
	const char *const *enums;	  /* NULL-terminated, or NULL */
	const struct schema_type *type;	  /* of SCHEMA_STRUCT */
	const struct schema_value *elem;  /* of SCHEMA_LIST and SCHEMA_MAP */
};

/* Whether a server writes a field that has no value: with its zero, or as null; OFF: it forgets the
 * field, whatever its value. */
enum schema_presence { SCHEMA_OPTIONAL, SCHEMA_OFF, SCHEMA_PRESENT, SCHEMA_PRESENT_NULL };

/* Data that no schema describes: how it stands in a protobuf message. */
enum schema_proto_form {
	SCHEMA_PROTO_RAW,	   /* {1: JSON text} */
	SCHEMA_PROTO_OR_ARRAY,	   /* {1: JSONSchemaProps, 2: several of them} */
	SCHEMA_PROTO_OR_BOOL,	   /* {1: bool, 2: JSONSchemaProps} */
	SCHEMA_PROTO_DEPENDENCIES, /* a map of {1: JSONSchemaProps, 2: strings} */
};

/* What a walk over values finds at a field or anywhere below it. */
enum schema_reach {
	SCHEMA_REACHES_DEFAULT = 1, /* a default, or amounts to be rounded */
	SCHEMA_REACHES_PRESENT = 2, /* SCHEMA_PRESENT and the like */
	SCHEMA_REACHES_LIST = 4,    /* the same of a list or map */
};

struct schema_field {
	const char *name;
	struct schema_value value;
	bool required;
	enum schema_presence presence;
	unsigned reaches; /* schema_reach */
	/* The field's number in protobuf, 0: none. One of an embedded message has the numbers that
	 * lead to it above its own, a byte each: 0x0201 is field 1 of what is field 2 here. */
	uint32_t proto;
	bool proto_keeps_zero; /* a zero or empty value says something */
	enum schema_proto_form proto_form;
	/* What the server fills in, as JSON text, or NULL. A struct filled in ("{}") gets the
	 * defaults of its own fields after that. */
	const char *default_json;
};

struct schema_type {
	const char *name; /* io.k8s.api.core.v1.Pod */
	/* Sorted by strcmp of the name. */
	const struct schema_field *fields;
	const uint64_t *heads; /* of their names, so that a look-up reads one or two cache lines */
	size_t n_fields;
	bool atomic;	       /* as schema_value.atomic, of the type itself */
	bool preserve_unknown; /* fields not named here are kept, not pruned */
	/* x-kubernetes-group-version-kind of an object or list ("" for core); NULL for a part. */
	const char *group, *version, *kind;
};

/* A built-in type by its OpenAPI name, or NULL. */
const struct schema_type *schema_type_find(const char *name);
/* Every built-in type, sorted by name; *n how many. */
const struct schema_type *schema_types(size_t *n);
const struct schema_field *schema_field_find(const struct schema_type *t, const char *name);
/* What schema_type.heads has of a field's NAME: its first eight bytes as a number that sorts as
 * they do. */
uint64_t schema_name_head(const char *name);
/* F's default as a new tree, or NULL where it has none. */
json_t *schema_field_default(const struct schema_field *f);
/* io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta. */
const struct schema_type *schema_object_meta(void);

/* An object of type T as a value; of no known type when T is NULL. */
struct schema_value schema_root(const struct schema_type *t);
/* What stands under KEY of a struct or map, or NULL where the schema does not say. V may be NULL.
 */
const struct schema_value *schema_child(const struct schema_value *v, const char *key);
/* Whether a server does not write F where its value is V: it is null, or the zero of its kind,
 * and F's absence says the same. */
bool schema_leaves_out(const struct schema_field *f, const json_t *v);
/* What Go's zero of V's type is, as a new tree; NULL: nil, which is null. */
json_t *schema_zero(const struct schema_value *v);
/* Gives VALUE, which V describes, the fields that a server always writes, wherever they miss. */
void schema_fill_present(json_t *value, const struct schema_value *v);
/* What a server that keeps objects as protobuf, which has no empty lists and maps, makes of those
 * that it always writes: null. */
void schema_forget_empty(json_t *value, const struct schema_value *v);
/* The elements of a list, or NULL. V may be NULL. */
const struct schema_value *schema_elem(const struct schema_value *v);
/*
 * Appends what tells ITEM apart in the list V, as canonical JSON: {"containerPort":80,
 * "protocol":"TCP"} by the list's map keys (a missing one counts as its default), or by its patch
 * merge key where it has no others; the value itself in a set. False: nothing does.
 */
bool schema_item_key(const struct schema_value *v, const json_t *item, struct str *out);
/* Appends KEY, a map or scalar that tells an item apart, in that form: compact, keys sorted. */
void schema_key_write(const json_t *key, struct str *out);

/*
 * The type of a custom resource from its openAPIV3Schema, with apiVersion, kind and metadata
 * (ObjectMeta) whatever the schema says of them. NAME is copied. Formats, patterns and bounds are
 * no part of a type; x-kubernetes-int-or-string, -preserve-unknown-fields, -embedded-resource,
 * -list-type, -list-map-keys, -map-type, enum (of strings), nullable, required and default are.
 * E_INVALID when the schema is not structural enough to be understood: a property that is no
 * object, a type that is none. The caller frees it with schema_type_free.
 */
struct schema_type *schema_type_new(const char *name, const json_t *open_api_v3_schema,
				    struct error **err);
/* Only what schema_type_new returned. Takes NULL, returns NULL. */
struct schema_type *schema_type_free(struct schema_type *t);
DEFINE_CLEANUP(struct schema_type *, schema_type_free)

#endif
