/*
 * metav1.Status and struct error, one to the other.
 */
#ifndef OBJECT_STATUS_H
#define OBJECT_STATUS_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>

/* {"kind":"Status","apiVersion":"v1",...}; a new tree. */
json_t *status_from_error(const struct error *e);
/* The error of an answer with HTTP status and body; a body that is no Status gives its first
 * line, escaped and cut at 1 KB. Never NULL. */
struct error *status_to_error(int http_status, const char *body, size_t len);

#endif
