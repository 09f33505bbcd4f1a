/* Quantities, semantic versions, named formats. */
#include "base/mem.h"
#include "base/str.h"
#include "cel/convert.h"
#include "cel/function.h"
#include "object/pattern.h"
#include "object/quantity.h"

#include <pthread.h>
#include <string.h>

#define NANO 1000000000

static struct cel_value made(struct call *c, struct quantity q)
{
	struct quantity *kept = arena_new(c->arena, sizeof(*kept));

	*kept = q;
	return (struct cel_value){.kind = CEL_QUANTITY, .quantity = kept};
}

static struct cel_value quantity(struct call *c, const struct cel_value *arg)
{
	char *text = arena_copy(c->arena, arg[0].text.p, arg[0].text.len);
	struct error *err = NULL;
	struct cel_value failure;
	struct quantity q;

	if (strlen(text) == arg[0].text.len && quantity_parse(text, &q, &err) == 0)
		return made(c, q);
	failure =
		cel_fail(c->arena, "%s", err ? error_message(err) : "a quantity with a NUL in it");
	error_free(err);
	return failure;
}

static struct cel_value is_quantity(struct call *c, const struct cel_value *arg)
{
	return cel_bool(quantity(c, arg).kind == CEL_QUANTITY);
}

static struct cel_value sign(struct call *c, const struct cel_value *arg)
{
	__int128 nano = arg[0].quantity->nano;

	return cel_int((nano > 0) - (nano < 0));
}

static bool whole(const struct quantity *q)
{
	return q->nano % NANO == 0 && q->nano / NANO <= INT64_MAX && q->nano / NANO >= INT64_MIN;
}

static struct cel_value is_integer(struct call *c, const struct cel_value *arg)
{
	return cel_bool(whole(arg[0].quantity));
}

static struct cel_value as_integer(struct call *c, const struct cel_value *arg)
{
	if (!whole(arg[0].quantity))
		return cel_fail(c->arena, "cannot convert value to integer");
	return cel_int((int64_t)(arg[0].quantity->nano / NANO));
}

static struct cel_value as_float(struct call *c, const struct cel_value *arg)
{
	return cel_double((double)((long double)arg[0].quantity->nano / NANO));
}

/* The second operand, which may be an int. */
static struct quantity operand(const struct cel_value *v)
{
	if (v->kind == CEL_QUANTITY)
		return *v->quantity;
	return (struct quantity){.nano = (__int128)v->i * NANO, .format = QUANTITY_DECIMAL_SI};
}

static struct cel_value add(struct call *c, const struct cel_value *arg)
{
	struct quantity q = *arg[0].quantity, r = operand(&arg[1]);

	quantity_add(&q, &r);
	return made(c, q);
}

static struct cel_value sub(struct call *c, const struct cel_value *arg)
{
	struct quantity q = *arg[0].quantity, r = operand(&arg[1]);

	quantity_sub(&q, &r);
	return made(c, q);
}

static struct cel_value compare(struct call *c, const struct cel_value *arg)
{
	return cel_int(cel_compare(&arg[0], &arg[1]));
}

static struct cel_value is_greater(struct call *c, const struct cel_value *arg)
{
	return cel_bool(cel_compare(&arg[0], &arg[1]) > 0);
}

static struct cel_value is_less(struct call *c, const struct cel_value *arg)
{
	return cel_bool(cel_compare(&arg[0], &arg[1]) == -1);
}

static struct cel_value semver_read(struct call *c, struct span text, bool normalize)
{
	struct cel_semver *v = arena_new(c->arena, sizeof(*v));

	if (!cel_semver_read(text, normalize, v))
		return cel_fail(c->arena, "invalid semantic version: %.*s",
				(int)MIN(text.len, (size_t)200), text.p);
	return (struct cel_value){.kind = CEL_SEMVER, .semver = v};
}

static struct cel_value semver(struct call *c, const struct cel_value *arg)
{
	return semver_read(c, arg[0].text, false);
}

static struct cel_value semver_normalize(struct call *c, const struct cel_value *arg)
{
	return semver_read(c, arg[0].text, arg[1].boolean);
}

static struct cel_value is_semver(struct call *c, const struct cel_value *arg)
{
	return cel_bool(semver(c, arg).kind == CEL_SEMVER);
}

static struct cel_value is_semver_normalize(struct call *c, const struct cel_value *arg)
{
	return cel_bool(semver_normalize(c, arg).kind == CEL_SEMVER);
}

static struct cel_value major_of(struct call *c, const struct cel_value *arg)
{
	return cel_int((int64_t)arg[0].semver->part[0]);
}

static struct cel_value minor_of(struct call *c, const struct cel_value *arg)
{
	return cel_int((int64_t)arg[0].semver->part[1]);
}

static struct cel_value patch_of(struct call *c, const struct cel_value *arg)
{
	return cel_int((int64_t)arg[0].semver->part[2]);
}

#define LABEL "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define LABEL_1035 "[a-z]([-a-z0-9]*[a-z0-9])?"
#define WORD "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
#define SUBDOMAIN LABEL "(\\." LABEL ")*"

/*
 * Named formats: those of API names (Kubernetes documentation, "Object Names and IDs") and of
 * OpenAPI. A prefix is what generateName takes: it may end with a hyphen.
 */
static const struct named_format {
	const char *name, *pattern;
	size_t max; /* characters; 0: any */
	const char *why;
} formats[] = {
	{"dns1123Label", LABEL, 63, "a lowercase RFC 1123 label"},
	{"dns1123Subdomain", SUBDOMAIN, 253, "a lowercase RFC 1123 subdomain"},
	{"dns1035Label", LABEL_1035, 63, "a DNS-1035 label"},
	{"dns1123LabelPrefix", "[a-z0-9]([-a-z0-9]*)?", 63, "the beginning of an RFC 1123 label"},
	{"dns1123SubdomainPrefix", "(" LABEL "\\.)*[a-z0-9]([-a-z0-9]*)?", 253,
	 "the beginning of an RFC 1123 subdomain"},
	{"dns1035LabelPrefix", "[a-z]([-a-z0-9]*)?", 63, "the beginning of a DNS-1035 label"},
	{"qualifiedName", "(" SUBDOMAIN "/)?" WORD, 317, "a qualified name"},
	{"labelValue", "(" WORD ")?", 63, "a label value"},
	{"uri", "([A-Za-z][A-Za-z0-9+.-]*:|/)[^\\s\\x00-\\x1f\\x7f]*", 0, "a URI"},
	{"uuid", "(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", 0,
	 "a UUID"},
	{"byte", "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", 0, "base64"},
	{"date", "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", 0, "a date"},
	{"datetime",
	 "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?"
	 "([Zz]|[+-][0-9]{2}:[0-9]{2})",
	 0, "a date and time"},
};

/* Compiled at their first use, once for the program's life. */
static struct pattern *compiled[ARRAY_SIZE(formats)];
static pthread_once_t compile_once = PTHREAD_ONCE_INIT;

static void compile_formats(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		char *text free_ptr = xasprintf("^(?:%s)$", formats[i].pattern);

		compiled[i] = pattern_new(text, strlen(text), NULL);
		if (!compiled[i])
			abort();
	}
}

static size_t format_index(struct span name)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(formats) &&
	       (strlen(formats[i].name) != name.len || memcmp(formats[i].name, name.p, name.len)))
		i++;
	return i;
}

static struct cel_value format_value(const char *name)
{
	return (struct cel_value){.kind = CEL_FORMAT, .text = {name, strlen(name)}};
}

static struct cel_value named(struct call *c, const struct cel_value *arg)
{
	size_t i = format_index(arg[0].text);

	return i < ARRAY_SIZE(formats) ? cel_optional(c->arena, format_value(formats[i].name))
				       : cel_none();
}

#define FORMAT(name)                                                                       \
	static struct cel_value format_##name(struct call *c, const struct cel_value *arg) \
	{                                                                                  \
		return format_value(#name);                                                \
	}
FORMAT(dns1123Label)
FORMAT(dns1123Subdomain)
FORMAT(dns1035Label)
FORMAT(dns1123LabelPrefix)
FORMAT(dns1123SubdomainPrefix)
FORMAT(dns1035LabelPrefix)
FORMAT(qualifiedName)
FORMAT(labelValue)
FORMAT(uri)
FORMAT(uuid)
FORMAT(byte)
FORMAT(date)
FORMAT(datetime)

static bool keeps(size_t i, const struct cel_value *text)
{
	pthread_once(&compile_once, compile_formats);
	return (!formats[i].max || cel_size(text) <= formats[i].max) &&
	       pattern_find(compiled[i], text->text.p, text->text.len, 0, NULL, NULL) == 1;
}

bool format_keeps(const char *format, const struct cel_value *text)
{
	size_t i = format_index((struct span){format, strlen(format)});

	return i < ARRAY_SIZE(formats) && keeps(i, text);
}

/* Nothing when the text keeps the format, else what is wrong with it. */
static struct cel_value validate(struct call *c, const struct cel_value *arg)
{
	size_t i = format_index(arg[0].text);
	const struct named_format *f = &formats[i];
	struct cel_value *why;
	char *message;

	if (keeps(i, &arg[1]))
		return cel_none();
	if (f->max && cel_size(&arg[1]) > f->max)
		message = arena_printf(c->arena, "must be no more than %zu characters", f->max);
	else
		message = arena_printf(c->arena, "must be %s", f->why);
	why = arena_new(c->arena, sizeof(*why));
	*why = cel_string(message, strlen(message));
	return cel_optional(c->arena, cel_list_new(c->arena, why, 1, NULL));
}

static const struct function_row rows[] = {
	{"quantity", "(string) quantity", quantity, COST_TEXT},
	{"isQuantity", "(string) bool", is_quantity, COST_TEXT},
	{"sign", "quantity.() int", sign},
	{"isInteger", "quantity.() bool", is_integer},
	{"asInteger", "quantity.() int", as_integer},
	{"asApproximateFloat", "quantity.() double", as_float},
	{"add", "quantity.(quantity) quantity", add},
	{"add", "quantity.(int) quantity", add},
	{"sub", "quantity.(quantity) quantity", sub},
	{"sub", "quantity.(int) quantity", sub},
	{"compareTo", "quantity.(quantity) int", compare},
	{"isGreaterThan", "quantity.(quantity) bool", is_greater},
	{"isLessThan", "quantity.(quantity) bool", is_less},
	{"semver", "(string) semver", semver, COST_TEXT},
	{"semver", "(string, bool) semver", semver_normalize, COST_TEXT},
	{"isSemver", "(string) bool", is_semver, COST_TEXT},
	{"isSemver", "(string, bool) bool", is_semver_normalize, COST_TEXT},
	{"major", "semver.() int", major_of},
	{"minor", "semver.() int", minor_of},
	{"patch", "semver.() int", patch_of},
	{"compareTo", "semver.(semver) int", compare},
	{"isGreaterThan", "semver.(semver) bool", is_greater},
	{"isLessThan", "semver.(semver) bool", is_less},
	{"format.named", "(string) optional<format>", named},
	{"format.dns1123Label", "() format", format_dns1123Label},
	{"format.dns1123Subdomain", "() format", format_dns1123Subdomain},
	{"format.dns1035Label", "() format", format_dns1035Label},
	{"format.dns1123LabelPrefix", "() format", format_dns1123LabelPrefix},
	{"format.dns1123SubdomainPrefix", "() format", format_dns1123SubdomainPrefix},
	{"format.dns1035LabelPrefix", "() format", format_dns1035LabelPrefix},
	{"format.qualifiedName", "() format", format_qualifiedName},
	{"format.labelValue", "() format", format_labelValue},
	{"format.uri", "() format", format_uri},
	{"format.uuid", "() format", format_uuid},
	{"format.byte", "() format", format_byte},
	{"format.date", "() format", format_date},
	{"format.datetime", "() format", format_datetime},
	{"validate", "format.(string) optional<list<string>>", validate, COST_PATTERN_LONG},
};
const struct function_library library_kubernetes = {rows, ARRAY_SIZE(rows)};
