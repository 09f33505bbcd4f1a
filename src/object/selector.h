/*
 * Label selectors and field selectors, compiled once and matched against objects' bytes or trees.
 *
 * Text form as in kubectl -l: "app=web,tier!=db,env in (a,b),!canary"; map form as in
 * LabelSelector {matchLabels, matchExpressions}. A selector of no requirements matches all; NULL
 * matches none (the meaning of a nil LabelSelector).
 * Threads: immutable once compiled.
 */
#ifndef OBJECT_SELECTOR_H
#define OBJECT_SELECTOR_H

#include "base/error.h"
#include "base/str.h"
#include "object/object.h"

#include <jansson.h>
#include <stdbool.h>

struct selector;

struct selector *selector_parse(const char *text, struct error **err);
/* From a metav1.LabelSelector tree. */
struct selector *selector_from_label_selector(const json_t *label_selector, struct error **err);
/* From a plain map of labels, as in Service.spec.selector. */
struct selector *selector_from_map(const json_t *labels);
void selector_free(struct selector *s);
DEFINE_CLEANUP(struct selector *, selector_free)
bool selector_empty(const struct selector *s);
/* LABELS: a JSON object of strings, or NULL. */
bool selector_matches_tree(const struct selector *s, const json_t *labels);
bool selector_matches(const struct selector *s, const struct object *o);
/* On raw JSON of the labels map (NULL span: none). */
bool selector_matches_span(const struct selector *s, struct span labels);
/* The canonical text form, appended. */
void selector_format(const struct selector *s, struct str *out);

/* Field selectors: "metadata.name=x,status.phase!=Running". */
struct field_selector;
struct field_selector *field_selector_parse(const char *text, struct error **err);
void field_selector_free(struct field_selector *s);
DEFINE_CLEANUP(struct field_selector *, field_selector_free)
/* The value a field must equal, or NULL when the selector does not require one. Borrowed. */
const char *field_selector_required(const struct field_selector *s, const char *field);
/* Each field named, for the check that a type supports it. */
const char *field_selector_field(const struct field_selector *s, size_t i);
/* Where the I-th field stands (PATH NULL: where its name says), where to read when that is empty
 * (OTHER NULL: nowhere) and what it reads as when it is missing (ZERO NULL: ""). OTHER and ZERO are
 * texts that live for ever. */
void field_selector_place(struct field_selector *s, size_t i, const char *path, const char *other,
			  const char *zero);
/* A field that is missing compares as "". Fields are dotted paths into the object. */
bool field_selector_matches(const struct field_selector *s, const struct object *o);
/* The same of an object's canonical bytes. */
bool field_selector_matches_span(const struct field_selector *s, struct span object);

#endif
