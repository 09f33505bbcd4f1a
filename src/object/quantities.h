/*
 * ResourceList: a JSON object of resource names to quantities, {"cpu": "250m", "memory": "1Gi"},
 * and the sums that limits, quotas and pods are made of. A value that is no quantity is passed
 * over.
 *
 *	json_t *sum = json_object();
 *	quantities_add(sum, json_path(container, "resources.requests"));
 *
 * Threads: pure functions on trees of the caller's.
 */
#ifndef OBJECT_QUANTITIES_H
#define OBJECT_QUANTITIES_H

#include "base/str.h"
#include "object/quantity.h"

#include <jansson.h>
#include <stdbool.h>

/* Whether LIST (may be NULL) has NAME, as a quantity. */
bool quantities_get(const json_t *list, const char *name, struct quantity *out);
void quantities_set(json_t *list, const char *name, const struct quantity *value);
void quantities_set_count(json_t *list, const char *name, int64_t count);
/* The quantity of a JSON string or number, as the API takes both. */
bool quantities_parse(const json_t *value, struct quantity *out);

/* LIST becomes the sum, or the greater of each; MORE may be NULL. */
void quantities_add(json_t *list, const json_t *more);
void quantities_max(json_t *list, const json_t *more);
/* LIST less LESS, nothing below zero. */
void quantities_sub_to_zero(json_t *list, const json_t *less);
/* Takes out what is zero. */
void quantities_drop_zeros(json_t *list);
/* A new list of those of LIST that NAMES (an object) has too. */
json_t *quantities_mask(const json_t *list, const json_t *names);
/* "cpu=1,memory=2Gi" by name, appended. */
void quantities_format(const json_t *list, struct str *out);

#endif
