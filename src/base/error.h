/*
 * Errors are objects, passed back through the last argument.
 *
 *	int pod_start(struct pod *p, struct error **err);
 *
 * A function that fails returns a negative value (or NULL) and sets *err; one that succeeds
 * leaves *err alone. err may be NULL where the caller does not want to know. An error is built
 * and returned in one expression:
 *
 *	return error_set(err, E_NOT_FOUND, "no %s \"%s\"", kind, name);
 *
 * One table maps a code to Kubernetes' reason, the HTTP status and errno, so that filesystem,
 * endpoint and client translate alike. The reasons are those of metav1.StatusReason; the errnos
 * those of kubefs-tree(5).
 *
 * Threads: an error belongs to one thread at a time.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/mem.h"

#include <stddef.h>

enum error_code {
	E_OK = 0,
	E_INTERNAL,    /* 500 InternalError, EIO */
	E_UNKNOWN,     /* 500 without a reason, EIO: a failure that an API server gives none */
	E_MISFIT,      /* the same, EINVAL: an applied configuration that does not fit its type */
	E_BAD_REQUEST, /* 400 BadRequest, EINVAL: not YAML, not JSON, a malformed question */
	E_INVALID, /* 422 Invalid, EINVAL: well formed, and refused by a rule (causes say which) */
	E_UNAUTHORIZED,	  /* 401 Unauthorized, EACCES */
	E_FORBIDDEN,	  /* 403 Forbidden, EACCES */
	E_QUOTA,	  /* 403 Forbidden, EDQUOT: exceeded quota */
	E_NOT_FOUND,	  /* 404 NotFound, ENOENT */
	E_METHOD,	  /* 405 MethodNotAllowed, EPERM */
	E_NOT_ACCEPTABLE, /* 406 NotAcceptable, EINVAL */
	E_EXISTS,	  /* 409 AlreadyExists, EEXIST */
	E_CONFLICT,	  /* 409 Conflict, EBUSY: precondition, or fields owned by others */
	E_GONE,		  /* 410 Expired, EIO: the revision is too old */
	E_TOO_LARGE,	  /* 413 RequestEntityTooLarge, EFBIG */
	E_MEDIA_TYPE,	  /* 415 UnsupportedMediaType, EINVAL */
	E_TOO_MANY,	  /* 429 TooManyRequests, EAGAIN */
	E_UNAVAILABLE,	  /* 503 ServiceUnavailable, EAGAIN: reached, and not able now */
	E_UNREACHABLE,	  /* 503 ServiceUnavailable, EHOSTUNREACH: no connection */
	E_TIMEOUT,	  /* 504 Timeout, ETIMEDOUT */
	E_NO_SPACE,	  /* 507 InsufficientStorage, ENOSPC */
	E_CANCELLED,	  /* 499, EINTR: the caller gave up */
	E_NOT_SUPPORTED,  /* 501 NotImplemented, EOPNOTSUPP */
	E_PERMISSION,	  /* 403 Forbidden, EPERM: the tree does not have this operation */
	E_READ_ONLY,	  /* 403 Forbidden, EROFS */
	E_NOT_EMPTY,	  /* 409 Conflict, ENOTEMPTY */
	E_NAME_TOO_LONG,  /* 400 BadRequest, ENAMETOOLONG */
	E_CODES
};

/* One thing wrong with one field; metav1.StatusCause. All strings owned by the error. */
struct error_cause {
	char *reason;  /* FieldValueRequired, FieldValueInvalid, ... */
	char *message; /* "Required value", "Invalid value: \"x\": must be ..." */
	char *field;   /* spec.template.spec.containers[0].name */
};

struct error {
	enum error_code code;
	char *message;
	/* The object it is about; metav1.StatusDetails. NULL where not known. */
	char *name, *group, *kind, *uid;
	struct error_cause *causes;
	size_t n_causes;
	int retry_after_s; /* 0: the server did not say */
	int http_status; /* what a server really answered, when it is not the code's own; else 0 */
	char *reason;	 /* likewise for the reason */
};

/* Sets *err (when err is not NULL and *err is NULL) and returns -1. */
int error_set(struct error **err, enum error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same from errno: "CONTEXT: strerror". */
int error_set_errno(struct error **err, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Puts "FORMAT: " before the message of *err. Returns -1. */
int error_wrap(struct error **err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Hands E over to *err (frees E when err is NULL or already set). Returns -1. */
int error_move(struct error **err, struct error *e);
/* The same, but where E is of CODE it is freed: returns 0. */
int error_unless(enum error_code code, struct error **err, struct error *e);
struct error *error_new(enum error_code code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
struct error *error_dup(const struct error *e);
/* Returns NULL; takes NULL. */
struct error *error_free(struct error *e);
/* Frees *err and sets it to NULL. */
void error_clear(struct error **err);
DEFINE_CLEANUP(struct error *, error_free)

/* Appends a cause. FIELD and REASON are copied. */
void error_add_cause(struct error *e, const char *reason, const char *field, const char *format,
		     ...) __attribute__((format(printf, 4, 5)));
/* Fills the details that are not NULL; strings are copied. */
void error_set_details(struct error *e, const char *group, const char *kind, const char *name);

/* The table's columns. E may be NULL (success: 0, "Success", 200). */
int error_errno(const struct error *e);
int error_http_status(const struct error *e);
const char *error_reason(const struct error *e);
/* "" for NULL. Borrowed. */
const char *error_message(const struct error *e);
enum error_code error_code(const struct error *e);
/* The code for an answer with this HTTP status and reason (REASON may be NULL). */
enum error_code error_code_from_status(int http_status, const char *reason);

#endif
