/*
 * Does a pod tolerate a taint?
 */
#ifndef SCHEDULER_TOLERATION_H
#define SCHEDULER_TOLERATION_H

#include <jansson.h>
#include <stdbool.h>

/* SPEC: a pod's. */
bool tolerates(const json_t *spec, const char *key, const char *value, const char *effect);

#endif
