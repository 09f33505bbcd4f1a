#include "object/quantities.h"

#include "base/vec.h"

#include <stdlib.h>

bool quantities_parse(const json_t *value, struct quantity *out)
{
	char text[32];

	if (json_is_string(value))
		return quantity_parse(json_string_value(value), out, NULL) == 0;
	if (!json_is_number(value))
		return false;
	snprintf(text, sizeof(text), "%.9g", json_number_value(value));
	return quantity_parse(text, out, NULL) == 0;
}

bool quantities_get(const json_t *list, const char *name, struct quantity *out)
{
	return quantities_parse(json_object_get(list, name), out);
}

void quantities_set(json_t *list, const char *name, const struct quantity *value)
{
	char text[QUANTITY_TEXT];

	json_object_set_new(list, name, json_string(quantity_format(value, text)));
}

void quantities_set_count(json_t *list, const char *name, int64_t count)
{
	struct quantity q = {.nano = (__int128)count * 1000000000};

	quantities_set(list, name, &q);
}

void quantities_add(json_t *list, const json_t *more)
{
	struct quantity sum, q;
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)more, name, v) {
		if (!quantities_parse(v, &q))
			continue;
		if (!quantities_get(list, name, &sum))
			sum = (struct quantity){.format = q.format};
		quantity_add(&sum, &q);
		quantities_set(list, name, &sum);
	}
}

void quantities_max(json_t *list, const json_t *more)
{
	struct quantity had, q;
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)more, name, v)
		if (quantities_parse(v, &q) &&
		    (!quantities_get(list, name, &had) || quantity_compare(&q, &had) > 0))
			quantities_set(list, name, &q);
}

void quantities_sub_to_zero(json_t *list, const json_t *less)
{
	struct quantity had, q;
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)less, name, v) {
		if (!quantities_parse(v, &q) || !quantities_get(list, name, &had))
			continue;
		quantity_sub(&had, &q);
		if (had.nano < 0)
			had.nano = 0;
		quantities_set(list, name, &had);
	}
}

void quantities_drop_zeros(json_t *list)
{
	struct quantity q;
	const char *name;
	json_t *v;
	void *next;

	json_object_foreach_safe (list, next, name, v)
		if (quantities_parse(v, &q) && !q.nano)
			json_object_del(list, name);
}

json_t *quantities_mask(const json_t *list, const json_t *names)
{
	json_t *out = json_object(), *v;
	const char *name;

	json_object_foreach ((json_t *)list, name, v)
		if (json_object_get(names, name))
			json_object_set(out, name, v);
	return out;
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void quantities_format(const json_t *list, struct str *out)
{
	VEC(const char *) names = VEC_INIT;
	const char *name, *separator = "";
	json_t *v;

	json_object_foreach ((json_t *)list, name, v)
		vec_push(&names, name);
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), compare_text);
	vec_each (&names, p) {
		struct quantity q = {0};
		char text[QUANTITY_TEXT];

		quantities_get(list, *p, &q);
		str_addf(out, "%s%s=%s", separator, *p, quantity_format(&q, text));
		separator = ",";
	}
	vec_release(&names);
}
