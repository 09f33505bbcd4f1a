/*
 * Collecting what is wrong with an object, and the error that comes of it.
 */
#include "base/vec.h"
#include "kinds/field.h"
#include "kinds/resource.h"
#include "object/json.h"

#include <string.h>

struct field_error {
	const char *reason;
	char *field, *message;
};
struct field_errors {
	VEC(struct field_error) list;
	VEC(char *) warnings;
};

struct field_errors *field_errors_new(void)
{
	return xcalloc(1, sizeof(struct field_errors));
}

static void release(struct field_error *f)
{
	free(f->field);
	free(f->message);
}

void field_errors_free(struct field_errors *e)
{
	if (!e)
		return;
	vec_each (&e->list, f)
		release(f);
	vec_each (&e->warnings, text)
		free(*text);
	vec_release(&e->list);
	vec_release(&e->warnings);
	free(e);
}

void field_errors_move(struct field_errors *to, struct field_errors *from)
{
	if (!from)
		return;
	vec_each (&from->list, f)
		vec_push(&to->list, *f);
	from->list.n = 0;
	field_errors_free(from);
}

void field_errors_unique(struct field_errors *e, size_t first)
{
	size_t kept = first;

	for (size_t i = first; i < e->list.n; i++) {
		struct field_error *f = &e->list.v[i];
		bool known = false;

		for (size_t k = first; k < kept && !known; k++)
			known = !strcmp(e->list.v[k].field, f->field) &&
				!strcmp(e->list.v[k].message, f->message);
		if (known)
			release(f);
		else
			e->list.v[kept++] = *f;
	}
	e->list.n = kept;
}

size_t field_errors_count(const struct field_errors *e)
{
	return e->list.n;
}

/* MESSAGE so far; DETAIL and the place are added. */
static void add(const struct field *f, const char *reason, struct str *message, const char *detail)
{
	struct str path = STR_INIT;

	field_path(f, &path);
	if (detail && *detail)
		str_addf(message, ": %s", detail);
	vec_push(&f->errors->list,
		 (struct field_error){reason, str_take(&path), str_take(message)});
}

static void add_plain(const struct field *f, const char *reason, const char *what,
		      const char *detail)
{
	struct str s = STR_INIT;

	str_adds(&s, what);
	add(f, reason, &s, detail);
}

static void add_text(const struct field *f, const char *reason, const char *what, const char *value,
		     const char *detail)
{
	struct str s = STR_INIT;

	str_addf(&s, "%s: ", what);
	str_add_quoted(&s, value);
	add(f, reason, &s, detail);
}

static void add_json(const struct field *f, const char *reason, const char *what,
		     const json_t *value, const char *detail)
{
	struct str s = STR_INIT;

	str_addf(&s, "%s: ", what);
	if (json_is_string(value))
		str_add_quoted(&s, json_string_value(value));
	else if (value)
		json_write(value, &s);
	else
		str_adds(&s, "null");
	add(f, reason, &s, detail);
}

void field_required(const struct field *f, const char *detail)
{
	add_plain(f, "FieldValueRequired", "Required value", detail);
}

void field_forbidden(const struct field *f, const char *detail)
{
	add_plain(f, "FieldValueForbidden", "Forbidden", detail);
}

void field_invalid_text(const struct field *f, const char *value, const char *detail)
{
	add_text(f, "FieldValueInvalid", "Invalid value", value, detail);
}

void field_invalid_int(const struct field *f, json_int_t value, const char *detail)
{
	struct str s = STR_INIT;

	str_addf(&s, "Invalid value: %lld", (long long)value);
	add(f, "FieldValueInvalid", &s, detail);
}

void field_invalid_json(const struct field *f, const json_t *value, const char *detail)
{
	add_json(f, "FieldValueInvalid", "Invalid value", value, detail);
}

void field_invalid(const struct field *f, const char *detail)
{
	field_invalid_json(f, f->value, detail);
}

void field_invalid_untold(const struct field *f, const char *detail)
{
	add_plain(f, "FieldValueInvalid", "Invalid value", detail);
}

void field_duplicate(const struct field *f)
{
	if (f->value)
		add_json(f, "FieldValueDuplicate", "Duplicate value", f->value, NULL);
	else
		field_duplicate_text(f, "");
}

void field_duplicate_untold(const struct field *f)
{
	add_plain(f, "FieldValueDuplicate", "Duplicate value", NULL);
}

void field_internal(const struct field *f, const char *detail)
{
	add_plain(f, "InternalError", "Internal error", detail);
}

void field_duplicate_text(const struct field *f, const char *value)
{
	add_text(f, "FieldValueDuplicate", "Duplicate value", value, NULL);
}

static void write_valid(const char *const *valid, struct str *out)
{
	for (size_t i = 0; valid && valid[i]; i++) {
		str_adds(out, i ? ", " : "supported values: ");
		json_write_string(valid[i], strlen(valid[i]), out);
	}
}

void field_not_supported_json(const struct field *f, const json_t *value, const char *const *valid)
{
	struct str detail CLEANUP(str_release) = STR_INIT;

	write_valid(valid, &detail);
	add_json(f, "FieldValueNotSupported", "Unsupported value", value, detail.s);
}

void field_not_supported_text(const struct field *f, const char *value, const char *const *valid)
{
	struct str detail CLEANUP(str_release) = STR_INIT;

	write_valid(valid, &detail);
	add_text(f, "FieldValueNotSupported", "Unsupported value", value, detail.s);
}

void field_not_supported(const struct field *f, const char *const *valid)
{
	field_not_supported_text(f, field_text(f), valid);
}

void field_not_found(const struct field *f, const char *value)
{
	add_text(f, "FieldValueNotFound", "Not found", value, NULL);
}

void field_too_long(const struct field *f, size_t max)
{
	char *detail free_ptr = xasprintf("may not be more than %zu bytes", max);

	add_plain(f, "FieldValueTooLong", "Too long", detail);
}

void field_too_many(const struct field *f, size_t count, size_t max)
{
	struct str s = STR_INIT;
	char *detail free_ptr = xasprintf("must have at most %zu items", max);

	str_addf(&s, "Too many: %zu", count);
	add(f, "FieldValueTooMany", &s, detail);
}

void field_type_invalid(const struct field *f, const char *type, const char *detail)
{
	add_text(f, "FieldValueTypeInvalid", "Invalid value", type, detail);
}

static char *text_of(const char *field, const char *message)
{
	return xasprintf("%s%s%s", field, *field ? ": " : "", message);
}

void field_warn(const struct field *f, const char *text)
{
	struct str path CLEANUP(str_release) = STR_INIT;

	field_path(f, &path);
	vec_push(&f->errors->warnings, text_of(path.s ? path.s : "", text));
}

void field_errors_warn(struct field_errors *to, struct field_errors *from)
{
	vec_each (&from->list, f)
		vec_push(&to->warnings, text_of(f->field, f->message));
	field_errors_free(from);
}

char *field_errors_text(const struct field_errors *e, size_t i)
{
	return text_of(e->list.v[i].field, e->list.v[i].message);
}

const char *field_errors_warning(const struct field_errors *e, size_t i)
{
	return i < e->warnings.n ? e->warnings.v[i] : NULL;
}

bool field_errors_blocking(const struct field_errors *e)
{
	static const char *const reasons[] = {"FieldValueNotSupported", "FieldValueRequired",
					      "FieldValueTooLong",	"FieldValueTooMany",
					      "FieldValueTypeInvalid",	NULL};

	vec_each (&e->list, f)
		if (text_is_one_of(f->reason, reasons))
			return true;
	return false;
}

/* The sentence tells the same complaint once; the causes are all there. */
static size_t write_sentence(const struct field_errors *e, struct str *out)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;
	size_t n = 0;

	vec_each (&e->list, f) {
		char *line free_ptr = xasprintf("%s: %s", f->field, f->message);

		if (!seen_add(&seen, line))
			str_addf(out, "%s%s", n++ ? ", " : "", line);
	}
	return n;
}

int field_errors_finish(const struct field_errors *e, const struct resource *r, const char *name,
			struct error **err)
{
	struct str s CLEANUP(str_release) = STR_INIT;
	struct error *error;
	bool several;

	if (!e->list.n)
		return 0;
	several = write_sentence(e, &s) > 1;
	error = error_new(E_INVALID, "%s%s%s \"%s\" is invalid: %s%s%s", r->kind,
			  *r->group ? "." : "", r->group, name, several ? "[" : "", s.s,
			  several ? "]" : "");
	error_set_details(error, r->group, r->kind, name);
	vec_each (&e->list, f)
		error_add_cause(error, f->reason, f->field, "%s", f->message);
	return error_move(err, error);
}
