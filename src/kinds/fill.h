/*
 * Defaults that depend on other fields, or on the object that holds the struct: what kinds share
 * in their set_defaults. As in Go, an empty string is one that is not there. Private to kinds/.
 */
#ifndef KINDS_FILL_H
#define KINDS_FILL_H

#include <jansson.h>
#include <stdbool.h>

void fill_text(json_t *object, const char *key, const char *value);
/* Of a text that is a pointer in Go: an empty one is there, and the kind's rules refuse it. */
void fill_optional(json_t *object, const char *key, const char *value);
void fill_int(json_t *object, const char *key, json_int_t value);
void fill_bool(json_t *object, const char *key, bool value);
/* VALUE is taken over. */
void fill_value(json_t *object, const char *key, json_t *value);
/* The member KEY as OLD has it, or none. */
void fill_from(json_t *object, const json_t *old, const char *key);
/* The member KEY, which is made when it is no object. Borrowed. */
json_t *fill_object(json_t *object, const char *key);
/* object.spec, made when it is not there. Borrowed. */
json_t *fill_spec(json_t *object);

/* The pod template under PARENT (the object that has "template"). */
void fill_template(json_t *parent);
void fill_pod_spec(json_t *spec);
/* What is filled in only where a pod itself has the spec, not a template of one. */
void fill_pod(json_t *spec);
/* The fields of a claim's spec that say the same in two ways. */
void fill_claim_spec(json_t *spec);

#endif
