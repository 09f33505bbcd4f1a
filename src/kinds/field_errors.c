#include "base/str.h"
#include "base/vec.h"
#include "kinds/kind.h"
#include "object/json.h"

#include <stdio.h>
#include <string.h>

struct field_error {
	const char *reason;
	char *field, *message;
};
struct field_errors {
	VEC(struct field_error) list;
};

struct field_errors *field_errors_new(void)
{
	return xcalloc(1, sizeof(struct field_errors));
}

void field_errors_free(struct field_errors *e)
{
	if (!e)
		return;
	vec_each (&e->list, f) {
		free(f->field);
		free(f->message);
	}
	vec_release(&e->list);
	free(e);
}

size_t field_errors_count(const struct field_errors *e)
{
	return e->list.n;
}

/* Takes MESSAGE over. The same complaint about the same field is kept once. */
static void add(struct field_errors *e, const char *reason, char *message, const char *path,
		va_list ap)
{
	struct str field = STR_INIT;

	str_addv(&field, path, ap);
	vec_each (&e->list, f) {
		if (strcmp(f->field, field.s) || strcmp(f->message, message))
			continue;
		free(message);
		str_release(&field);
		return;
	}
	vec_push(&e->list, (struct field_error){reason, str_take(&field), message});
}

#define ADD(reason, message)                       \
	do {                                       \
		va_list ap;                        \
                                                   \
		va_start(ap, path);                \
		add(e, reason, message, path, ap); \
		va_end(ap);                        \
	} while (0)

static char *with_detail(const char *what, const char *detail)
{
	return detail && *detail ? xasprintf("%s: %s", what, detail) : xstrdup(what);
}

static char *with_value(const char *what, const json_t *value, const char *detail)
{
	struct str s = STR_INIT;

	str_addf(&s, "%s: ", what);
	if (value)
		json_write(value, &s);
	else
		str_adds(&s, "null");
	if (detail && *detail)
		str_addf(&s, ": %s", detail);
	return str_take(&s);
}

void field_required(struct field_errors *e, const char *detail, const char *path, ...)
{
	ADD("FieldValueRequired", with_detail("Required value", detail));
}

void field_invalid(struct field_errors *e, const json_t *bad_value, const char *detail,
		   const char *path, ...)
{
	ADD("FieldValueInvalid", with_value("Invalid value", bad_value, detail));
}

void field_not_supported(struct field_errors *e, const char *bad_value, const char *const *valid,
			 const char *path, ...)
{
	struct str s = STR_INIT;

	str_adds(&s, "Unsupported value: ");
	json_write_string(bad_value, strlen(bad_value), &s);
	for (size_t i = 0; valid && valid[i]; i++)
		str_addf(&s, "%s\"%s\"", i ? ", " : ": supported values: ", valid[i]);
	ADD("FieldValueNotSupported", str_take(&s));
}

void field_duplicate(struct field_errors *e, const json_t *bad_value, const char *path, ...)
{
	ADD("FieldValueDuplicate", with_value("Duplicate value", bad_value, NULL));
}

void field_forbidden(struct field_errors *e, const char *detail, const char *path, ...)
{
	ADD("FieldValueForbidden", with_detail("Forbidden", detail));
}

void field_not_found(struct field_errors *e, const json_t *value, const char *path, ...)
{
	ADD("FieldValueNotFound", with_value("Not found", value, NULL));
}

void field_too_long(struct field_errors *e, const char *detail, const char *path, ...)
{
	ADD("FieldValueTooLong", with_detail("Too long", detail));
}

void field_type(struct field_errors *e, const char *bad_type, const char *detail, const char *path,
		...)
{
	ADD("FieldValueTypeInvalid", xasprintf("Invalid value: \"%s\": %s", bad_type, detail));
}

void field_errors_move_last_before(struct field_errors *e, const char *path)
{
	size_t last = e->list.n - 1, at = 0;
	struct field_error moved;

	if (!e->list.n)
		return;
	moved = e->list.v[last];
	while (at < last && !str_has_prefix(e->list.v[at].field, path))
		at++;
	memmove(e->list.v + at + 1, e->list.v + at, (last - at) * sizeof(moved));
	e->list.v[at] = moved;
}

int field_errors_finish(const struct field_errors *e, const struct resource *r, const char *name,
			struct error **err)
{
	struct str s CLEANUP(str_release) = STR_INIT;
	struct error *error;

	if (!e->list.n)
		return 0;
	str_addf(&s, "%s%s%s \"%s\" is invalid: %s", r->kind, *r->group ? "." : "", r->group, name,
		 e->list.n > 1 ? "[" : "");
	for (size_t i = 0; i < e->list.n; i++)
		str_addf(&s, "%s%s: %s", i ? ", " : "", e->list.v[i].field, e->list.v[i].message);
	if (e->list.n > 1)
		str_addc(&s, ']');
	error = error_new(E_INVALID, "%s", s.s);
	error_set_details(error, r->group, r->kind, name);
	for (size_t i = 0; i < e->list.n; i++)
		error_add_cause(error, e->list.v[i].reason, e->list.v[i].field, "%s",
				e->list.v[i].message);
	return error_move(err, error);
}
