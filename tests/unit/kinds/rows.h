/*
 * Tables of cases: an object that is right, one place of it changed, and what is said of that.
 *
 *	CREATES("/v1/pods", "{" META POD_SPEC "}",
 *		{"spec.containers", "[]", "spec.containers Required"});
 *
 * A case that is told wrong fails the test with what was got and what was wanted.
 */
#ifndef TESTS_UNIT_KINDS_ROWS_H
#define TESTS_UNIT_KINDS_ROWS_H

#include "kinds/kind.h"
#include "object/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* Of JSON written with ' for ". */
json_t *rows_json(const char *text);
/* WHAT: "apps/v1/deployments", "/v1/pods". */
const struct resource *rows_find(struct catalog *c, const char *what);
/* "FIELD REASON" of each complaint, the reason without "FieldValue", in order, once each. */
char *rows_complaints(const struct field_errors *errors, const struct resource *r);

struct row {
	const char *path;  /* NULL: nothing is changed */
	const char *value; /* NULL: the place is emptied */
	const char *want;
};

json_t *rows_changed(const char *object, const struct row *row);

enum row_write { ROW_CREATE, ROW_UPDATE, ROW_STATUS, ROW_EPHEMERAL, ROW_RESIZE };

/* What is wrong with a create of the changed OBJECT, or with its update from OBJECT as it was; of a
 * subresource, with what the server makes of it. */
void rows_validate(const char *what, const char *object, const struct row *rows, size_t n,
		   enum row_write how);
/* What a write of the changed OBJECT is warned of, "; " between. */
void rows_warn(const char *what, const char *object, const struct row *rows, size_t n,
	       enum row_write how);
/* A create of the changed OBJECT, with defaults and what the server decides: the value at AT, as
 * JSON with ' for ", or "" when there is none. */
void rows_made(const char *what, const char *object, const char *at, const struct row *rows,
	       size_t n);

#define ROWS_OF(call, what, object, how, ...)                    \
	do {                                                     \
		static const struct row rows[] = {__VA_ARGS__};  \
		call(what, object, rows, ARRAY_SIZE(rows), how); \
	} while (0)
#define CREATES(what, object, ...) \
	ROWS_OF(rows_validate, what, object, ROW_CREATE, {NULL, NULL, ""}, __VA_ARGS__)
#define UPDATES(what, object, ...) \
	ROWS_OF(rows_validate, what, object, ROW_UPDATE, {NULL, NULL, ""}, __VA_ARGS__)
#define STATUS_UPDATES(what, object, ...) \
	ROWS_OF(rows_validate, what, object, ROW_STATUS, {NULL, NULL, ""}, __VA_ARGS__)
#define WARNS(what, object, ...) \
	ROWS_OF(rows_warn, what, object, ROW_CREATE, {NULL, NULL, ""}, __VA_ARGS__)
#define UPDATE_WARNS(what, object, ...) \
	ROWS_OF(rows_warn, what, object, ROW_UPDATE, {NULL, NULL, ""}, __VA_ARGS__)
#define MADE(what, object, at, ...)                                  \
	do {                                                         \
		static const struct row rows[] = {__VA_ARGS__};      \
		rows_made(what, object, at, rows, ARRAY_SIZE(rows)); \
	} while (0)

#define META "'metadata':{'name':'x','namespace':'n'},"
#define POD_SPEC "'spec':{'containers':[{'name':'c','image':'i'}]}"
#define TEMPLATE "'template':{'metadata':{'labels':{'a':'b'}}," POD_SPEC "}"
#define WORKLOAD "{" META "'spec':{'selector':{'matchLabels':{'a':'b'}}," TEMPLATE "}}"

#endif
