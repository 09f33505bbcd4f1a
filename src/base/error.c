#include "base/error.h"
#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

static const struct error_row {
	enum error_code code;
	const char *reason;
	int http;
	int errnum;
} rows[E_CODES] = {
	[E_OK] = {E_OK, "Success", 200, 0},
	[E_INTERNAL] = {E_INTERNAL, "InternalError", 500, EIO},
	[E_UNKNOWN] = {E_UNKNOWN, "", 500, EIO},
	[E_MISFIT] = {E_MISFIT, "", 500, EINVAL},
	[E_BAD_REQUEST] = {E_BAD_REQUEST, "BadRequest", 400, EINVAL},
	[E_INVALID] = {E_INVALID, "Invalid", 422, EINVAL},
	[E_UNAUTHORIZED] = {E_UNAUTHORIZED, "Unauthorized", 401, EACCES},
	[E_FORBIDDEN] = {E_FORBIDDEN, "Forbidden", 403, EACCES},
	[E_QUOTA] = {E_QUOTA, "Forbidden", 403, EDQUOT},
	[E_NOT_FOUND] = {E_NOT_FOUND, "NotFound", 404, ENOENT},
	[E_METHOD] = {E_METHOD, "MethodNotAllowed", 405, EPERM},
	[E_NOT_ACCEPTABLE] = {E_NOT_ACCEPTABLE, "NotAcceptable", 406, EINVAL},
	[E_EXISTS] = {E_EXISTS, "AlreadyExists", 409, EEXIST},
	[E_CONFLICT] = {E_CONFLICT, "Conflict", 409, EBUSY},
	[E_GONE] = {E_GONE, "Expired", 410, EIO},
	[E_TOO_LARGE] = {E_TOO_LARGE, "RequestEntityTooLarge", 413, EFBIG},
	[E_MEDIA_TYPE] = {E_MEDIA_TYPE, "UnsupportedMediaType", 415, EINVAL},
	[E_TOO_MANY] = {E_TOO_MANY, "TooManyRequests", 429, EAGAIN},
	[E_UNAVAILABLE] = {E_UNAVAILABLE, "ServiceUnavailable", 503, EAGAIN},
	[E_UNREACHABLE] = {E_UNREACHABLE, "ServiceUnavailable", 503, EHOSTUNREACH},
	[E_TIMEOUT] = {E_TIMEOUT, "Timeout", 504, ETIMEDOUT},
	[E_NO_SPACE] = {E_NO_SPACE, "InsufficientStorage", 507, ENOSPC},
	[E_CANCELLED] = {E_CANCELLED, "Cancelled", 499, EINTR},
	[E_NOT_SUPPORTED] = {E_NOT_SUPPORTED, "NotImplemented", 501, EOPNOTSUPP},
	[E_PERMISSION] = {E_PERMISSION, "Forbidden", 403, EPERM},
	[E_READ_ONLY] = {E_READ_ONLY, "Forbidden", 403, EROFS},
	[E_NOT_EMPTY] = {E_NOT_EMPTY, "Conflict", 409, ENOTEMPTY},
	[E_NAME_TOO_LONG] = {E_NAME_TOO_LONG, "BadRequest", 400, ENAMETOOLONG},
};

static const struct error_row *row_of(enum error_code code)
{
	assert((unsigned)code < E_CODES && rows[code].reason);
	return &rows[code];
}

static struct error *error_newv(enum error_code code, const char *format, va_list ap)
{
	struct error *e = xcalloc(1, sizeof(*e));
	struct str s = STR_INIT;

	str_addv(&s, format, ap);
	e->code = code;
	e->message = str_take(&s);
	return e;
}

struct error *error_new(enum error_code code, const char *format, ...)
{
	struct error *e;
	va_list ap;

	va_start(ap, format);
	e = error_newv(code, format, ap);
	va_end(ap);
	return e;
}

int error_move(struct error **err, struct error *e)
{
	if (err && !*err)
		*err = e;
	else
		error_free(e);
	return -1;
}

int error_unless(enum error_code code, struct error **err, struct error *e)
{
	if (error_code(e) != code)
		return error_move(err, e);
	error_free(e);
	return 0;
}

int error_set(struct error **err, enum error_code code, const char *format, ...)
{
	va_list ap;

	if (!err || *err)
		return -1;
	va_start(ap, format);
	*err = error_newv(code, format, ap);
	va_end(ap);
	return -1;
}

static enum error_code code_from_errno(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
		return E_NO_SPACE;
	case ENOENT:
		return E_NOT_FOUND;
	case EACCES:
	case EPERM:
		return E_FORBIDDEN;
	case ETIMEDOUT:
		return E_TIMEOUT;
	case EINTR:
		return E_CANCELLED;
	default:
		return E_INTERNAL;
	}
}

int error_set_errno(struct error **err, int errnum, const char *format, ...)
{
	va_list ap;

	if (!err || *err)
		return -1;
	va_start(ap, format);
	*err = error_newv(code_from_errno(errnum), format, ap);
	va_end(ap);
	{
		char buffer[128];
		char *context = (*err)->message;

		(*err)->message =
			xasprintf("%s: %s", context, strerror_r(errnum, buffer, sizeof(buffer)));
		free(context);
	}
	return -1;
}

int error_wrap(struct error **err, const char *format, ...)
{
	struct str s = STR_INIT;
	va_list ap;

	if (!err || !*err)
		return -1;
	va_start(ap, format);
	str_addv(&s, format, ap);
	va_end(ap);
	str_addf(&s, ": %s", (*err)->message);
	free((*err)->message);
	(*err)->message = str_take(&s);
	return -1;
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

struct error *error_dup(const struct error *e)
{
	struct error *copy;

	if (!e)
		return NULL;
	copy = xmemdup(e, sizeof(*e));
	copy->message = dup_or_null(e->message);
	copy->name = dup_or_null(e->name);
	copy->group = dup_or_null(e->group);
	copy->kind = dup_or_null(e->kind);
	copy->uid = dup_or_null(e->uid);
	copy->reason = dup_or_null(e->reason);
	copy->causes = NULL;
	copy->n_causes = 0;
	for (size_t i = 0; i < e->n_causes; i++)
		error_add_cause(copy, e->causes[i].reason, e->causes[i].field, "%s",
				e->causes[i].message);
	return copy;
}

struct error *error_free(struct error *e)
{
	if (!e)
		return NULL;
	for (size_t i = 0; i < e->n_causes; i++) {
		free(e->causes[i].reason);
		free(e->causes[i].message);
		free(e->causes[i].field);
	}
	free(e->causes);
	free(e->message);
	free(e->name);
	free(e->group);
	free(e->kind);
	free(e->uid);
	free(e->reason);
	free(e);
	return NULL;
}

void error_clear(struct error **err)
{
	*err = error_free(*err);
}

void error_add_cause(struct error *e, const char *reason, const char *field, const char *format,
		     ...)
{
	struct str s = STR_INIT;
	va_list ap;

	va_start(ap, format);
	str_addv(&s, format, ap);
	va_end(ap);
	e->causes = xreallocarray(e->causes, e->n_causes + 1, sizeof(*e->causes));
	e->causes[e->n_causes++] = (struct error_cause){
		.reason = dup_or_null(reason),
		.message = str_take(&s),
		.field = dup_or_null(field),
	};
}

static void replace(char **slot, const char *s)
{
	if (!s)
		return;
	free(*slot);
	*slot = xstrdup(s);
}

void error_set_details(struct error *e, const char *group, const char *kind, const char *name)
{
	replace(&e->group, group);
	replace(&e->kind, kind);
	replace(&e->name, name);
}

enum error_code error_code(const struct error *e)
{
	return e ? e->code : E_OK;
}

int error_errno(const struct error *e)
{
	return row_of(error_code(e))->errnum;
}

int error_http_status(const struct error *e)
{
	return e && e->http_status ? e->http_status : row_of(error_code(e))->http;
}

const char *error_reason(const struct error *e)
{
	return e && e->reason ? e->reason : row_of(error_code(e))->reason;
}

const char *error_message(const struct error *e)
{
	return e ? e->message : "";
}

enum error_code error_code_from_status(int http_status, const char *reason)
{
	if (http_status >= 200 && http_status < 300)
		return E_OK;
	/* The reason is the finer of the two: 409 is a conflict or a name that is taken. */
	for (int code = E_INTERNAL; reason && code < E_CODES; code++)
		if (rows[code].http == http_status && !strcmp(rows[code].reason, reason))
			return (enum error_code)code;
	if (http_status == 409)
		return E_CONFLICT;
	for (int code = E_INTERNAL; code < E_CODES; code++)
		if (rows[code].http == http_status)
			return (enum error_code)code;
	return http_status == 400 || http_status == 414 ? E_BAD_REQUEST : E_INTERNAL;
}
