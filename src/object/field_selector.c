#include "base/vec.h"
#include "object/json.h"
#include "object/selector.h"

#include <string.h>

struct field_term {
	char *field, *value;
	const char *other; /* the place to read when that of the field is empty; NULL: none */
	const char *zero;  /* what the field reads as when it is not there */
	bool equal;	   /* else: must not be equal */
};

struct field_selector {
	struct field_term *v;
	size_t n, cap;
};

/* Where the next unescaped character of STOP stands at or after P, or the end. */
static const char *find_unescaped(const char *p, const char *end, const char *stop)
{
	for (; p < end; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		else if (strchr(stop, *p))
			return p;
	}
	return end;
}

/* A value without its escapes: \\, \, and \= only. */
static char *unescape(const char *p, const char *end, const char *term, struct error **err)
{
	struct str s CLEANUP(str_release) = STR_INIT;

	for (; p < end; p++) {
		if (*p == '\\') {
			p++;
			if (p == end || !strchr("\\,=", *p)) {
				error_set(err, E_BAD_REQUEST,
					  "invalid field selector: invalid escape in \"%s\"", term);
				return NULL;
			}
		} else if (*p == '=' || *p == ',') {
			error_set(err, E_BAD_REQUEST,
				  "invalid field selector: unescaped \"%c\" in \"%s\"", *p, term);
			return NULL;
		}
		str_addc(&s, *p);
	}
	return str_take(&s);
}

static void drop_last(struct field_selector *s)
{
	s->n--;
	free(s->v[s->n].field);
	free(s->v[s->n].value);
}

static int add_term(struct field_selector *s, const char *p, const char *end, const char *all,
		    struct error **err)
{
	char *text free_ptr = xstrndup(p, (size_t)(end - p));
	const char *op = find_unescaped(p, end, "=!");
	bool equal = op < end && *op == '=';
	const char *value = op + (equal ? 1 : 2);

	if (op >= end || (!equal && (op + 1 >= end || op[1] != '=')))
		return error_set(err, E_BAD_REQUEST,
				 "invalid selector: '%s'; can't understand '%s'", all, text);
	if (equal && value < end && *value == '=')
		value++;
	vec_push(s, (struct field_term){
			    .field = xstrndup(p, (size_t)(op - p)), .zero = "", .equal = equal});
	s->v[s->n - 1].value = unescape(value, end, text, err);
	if (!s->v[s->n - 1].value)
		return -1;
	/* Neither a field nor a value: every object. */
	if (op == p && !*s->v[s->n - 1].value)
		drop_last(s);
	return 0;
}

struct field_selector *field_selector_parse(const char *text, struct error **err)
{
	struct field_selector *s CLEANUP(field_selector_free_cleanup) = xcalloc(1, sizeof(*s));
	const char *end = text + strlen(text);

	for (const char *p = text; p < end;) {
		const char *comma = find_unescaped(p, end, ",");

		if (comma > p && add_term(s, p, comma, text, err) < 0)
			return NULL;
		p = comma + 1;
	}
	return steal(&s);
}

void field_selector_free(struct field_selector *s)
{
	if (!s)
		return;
	vec_each (s, t) {
		free(t->field);
		free(t->value);
	}
	vec_release(s);
	free(s);
}

const char *field_selector_required(const struct field_selector *s, const char *field)
{
	vec_each (s, t)
		if (t->equal && !strcmp(t->field, field))
			return t->value;
	return NULL;
}

const char *field_selector_field(const struct field_selector *s, size_t i)
{
	return i < s->n ? s->v[i].field : NULL;
}

void field_selector_place(struct field_selector *s, size_t i, const char *path, const char *other,
			  const char *zero)
{
	struct field_term *t = &s->v[i];

	if (path) {
		free(t->field);
		t->field = xstrdup(path);
	}
	t->other = other;
	if (zero)
		t->zero = zero;
}

/* Strings compare by their text, numbers and booleans by their JSON. */
static bool span_is(struct span value, const char *text, const char *zero)
{
	char *unquoted free_ptr = NULL;

	if (!value.p || json_span_equal(value, "null"))
		return !strcmp(text, zero);
	if (*value.p != '"')
		return json_span_equal(value, text);
	unquoted = json_unquote(value);
	return unquoted && !strcmp(unquoted, text);
}

static struct span term_value(const struct field_term *t, struct span object)
{
	struct span value = json_find(object.p, object.len, t->field);

	if (!t->other || (value.p && !json_span_equal(value, "\"\"")))
		return value;
	return json_find(object.p, object.len, t->other);
}

bool field_selector_matches_span(const struct field_selector *s, struct span object)
{
	vec_each (s, t)
		if (span_is(term_value(t, object), t->value, t->zero) != t->equal)
			return false;
	return true;
}

bool field_selector_matches(const struct field_selector *s, const struct object *o)
{
	return field_selector_matches_span(s, (struct span){o->json, o->len});
}
