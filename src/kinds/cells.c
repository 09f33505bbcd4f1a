#include "base/vec.h"
#include "kinds/tables.h"
#include "object/json.h"
#include "object/selector.h"
#include "object/time.h"

#include <stdlib.h>
#include <string.h>

json_t *cell_of(const struct str *text)
{
	return json_stringn_nocheck(text->s, text->len);
}

static json_t *text_or(const json_t *object, const char *path, const char *otherwise)
{
	json_t *value = json_path(object, path);

	return json_string_length(value) ? json_incref(value) : json_string(otherwise);
}

json_t *cell_text(const json_t *object, const char *path, int64_t now)
{
	return text_or(object, path, "");
}

json_t *cell_or_none(const json_t *object, const char *path, int64_t now)
{
	return text_or(object, path, "<none>");
}

json_t *cell_or_unset(const json_t *object, const char *path, int64_t now)
{
	return text_or(object, path, "<unset>");
}

json_t *cell_or_unknown(const json_t *object, const char *path, int64_t now)
{
	return text_or(object, path, "<unknown>");
}

json_t *cell_integer(const json_t *object, const char *path, int64_t now)
{
	return json_integer(json_path_int(object, path, 0));
}

json_t *cell_boolean(const json_t *object, const char *path, int64_t now)
{
	return json_boolean(json_path_bool(object, path, false));
}

json_t *cell_age(const json_t *object, const char *path, int64_t now)
{
	char text[TIME_TEXT];
	int64_t then;

	if (time_parse(json_path_string(object, path), &then) < 0)
		return json_string("<unknown>");
	return json_string(time_human_duration(now - then, text));
}

json_t *cell_count(const json_t *object, const char *path, int64_t now)
{
	const json_t *value = json_path(object, path);

	return json_integer((json_int_t)(json_array_size(value) + json_object_size(value)));
}

struct pairs {
	char **v;
	size_t n, cap;
};

static int compare_pairs(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted as "key=value" texts, not by key: "a.b=1" comes before "a=1". */
json_t *cell_labels(const json_t *object, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	struct pairs pairs = {0};
	const char *key;
	json_t *v;

	json_object_foreach (json_path(object, path), key, v)
		vec_push(&pairs, xasprintf("%s=%s", key, json_string_value(v) ?: ""));
	if (pairs.n)
		qsort(pairs.v, pairs.n, sizeof(*pairs.v), compare_pairs);
	for (size_t i = 0; i < pairs.n; i++) {
		cells_join(&text, ",", pairs.v[i]);
		free(pairs.v[i]);
	}
	free(pairs.v);
	return text.len ? cell_of(&text) : json_string("<none>");
}

json_t *cell_selector(const json_t *object, const char *path, int64_t now)
{
	const json_t *map = json_path(object, path);
	struct selector *s CLEANUP(selector_free_cleanup) =
		map ? selector_from_label_selector(map, NULL) : NULL;
	struct str text CLEANUP(str_release) = STR_INIT;

	if (map && !s)
		return json_string("<error>");
	selector_format(s, &text);
	return text.len ? cell_of(&text) : json_string("<none>");
}

static json_t *joined(const json_t *containers, const char *field)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *c;
	size_t i;

	json_array_foreach (containers, i, c)
		cells_join(&text, ",", json_path_string(c, field));
	return cell_of(&text);
}

json_t *cell_container_names(const json_t *object, const char *path, int64_t now)
{
	return joined(json_path(object, path), "name");
}

json_t *cell_container_images(const json_t *object, const char *path, int64_t now)
{
	return joined(json_path(object, path), "image");
}

void cells_join(struct str *out, const char *separator, const char *text)
{
	if (out->len)
		str_adds(out, separator);
	str_adds(out, text);
}

void cells_add_lower(struct str *out, const char *s)
{
	for (; *s; s++)
		str_addc(out, (char)(*s >= 'A' && *s <= 'Z' ? *s + ('a' - 'A') : *s));
}

const char *cells_condition(const json_t *object, const char *path, const char *type)
{
	json_t *c;
	size_t i;

	json_array_foreach (json_path(object, path), i, c)
		if (strcmp(json_path_string(c, "type"), type) == 0)
			return json_path_string(c, "status");
	return "";
}

void cells_brief_add(struct brief *b, const char *separator, const char *text)
{
	b->total++;
	if (b->shown == b->max) {
		b->more = true;
		return;
	}
	b->shown++;
	cells_join(&b->text, separator, text);
}

json_t *cells_brief_finish(struct brief *b, const char *otherwise)
{
	json_t *cell;

	if (b->more)
		str_addf(&b->text, " + %zu more...", b->total - b->max);
	cell = b->shown ? cell_of(&b->text) : json_string(otherwise);
	str_release(&b->text);
	return cell;
}
