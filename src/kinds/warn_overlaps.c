/* Volumes that write one path twice. */
#include "kinds/warn.h"

#include "base/vec.h"
#include "object/json.h"

#include <string.h>

/* A place that a volume writes, and of what. */
struct written {
	const char *path, *source;
};

#define WRITTEN_MAX 1024

struct written_list {
	struct written *v;
	size_t n, cap;
};

static size_t length_of(const char *path)
{
	size_t n = strlen(path);

	while (n && path[n - 1] == '/')
		n--;
	return n;
}

/* Whether one is the other or lies below it. */
static bool overlap(const char *a, const char *b)
{
	size_t na = length_of(a), nb = length_of(b), n = MIN(na, nb);

	return n && strncmp(a, b, n) == 0 && (na == nb || (na > nb ? a : b)[n] == '/');
}

static void add_place(struct str *out, const struct written *w)
{
	str_addf(out, "\"%.*s\"", (int)length_of(w->path), w->path);
	if (*w->source)
		str_addf(out, " (%s)", w->source);
}

/* Adds PATH to what the volume writes; HEAD: how the warning begins. SOURCE lives as long as MET.
 */
static void warn_written(const struct field *volume, struct written_list *met, const char *head,
			 const char *path, const char *source)
{
	const struct written w = {path, source};

	for (size_t i = 0; i < met->n; i++) {
		struct str text CLEANUP(str_release) = STR_INIT;

		if (!overlap(met->v[i].path, path))
			continue;
		str_addf(&text, "volume \"%s\" (%s): overlapping paths: ",
			 json_path_string(volume->value, "name"), head);
		add_place(&text, &w);
		str_adds(&text, " with ");
		add_place(&text, &met->v[i]);
		field_warn(&(struct field){.errors = volume->errors}, text.s);
	}
	if (met->n < WRITTEN_MAX)
		vec_push(met, w);
}

static void warn_items(const struct field *volume, struct written_list *met, const char *head,
		       const struct field *items, const char *source)
{
	field_each (items, item)
		warn_written(volume, met, head, json_path_string(item.value, "path"), source);
}

static void warn_projected(const struct field *volume, struct written_list *met)
{
	static const char *const named[] = {"configMap", "secret"}, *const words[] = {"ConfigMap",
										      "Secret"};
	const struct field *sources = FIELD(volume, "projected.sources");
	char *held[WRITTEN_MAX];
	size_t n = 0;

	field_each (sources, s) {
		const struct field *token = FIELD(&s, "serviceAccountToken");

		if (!field_size(&s)) {
			char *text free_ptr =
				xasprintf("volume \"%s\" (Projected) has no sources provided",
					  json_path_string(volume->value, "name"));

			field_warn(&(struct field){.errors = volume->errors}, text);
			continue;
		}
		for (size_t i = 0; i < ARRAY_SIZE(named) && n < WRITTEN_MAX; i++) {
			const struct field *source = FIELD(&s, named[i]);

			if (!field_size(FIELD(source, "items")))
				continue;
			held[n++] = xasprintf("%s \"%s\"", words[i],
					      json_path_string(source->value, "name"));
			warn_items(volume, met, "Projected", FIELD(source, "items"), held[n - 1]);
		}
		warn_items(volume, met, "Projected", FIELD(&s, "downwardAPI.items"), "DownwardAPI");
		if (field_set(token))
			warn_written(volume, met, "Projected",
				     json_path_string(token->value, "path"), "ServiceAccountToken");
	}
	while (n--)
		free(held[n]);
}

void warn_overlaps(const struct field *volumes)
{
	static const struct {
		const char *name, *word, *named_by;
	} kinds[] = {{"configMap", "ConfigMap", "name"},
		     {"secret", "Secret", "secretName"},
		     {"downwardAPI", "DownwardAPI", NULL}};
	struct written_list met = VEC_INIT;

	field_each (volumes, v) {
		met.n = 0;
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
			const struct field *f = FIELD(&v, kinds[i].name);
			char *head free_ptr = NULL;

			if (!field_size(FIELD(f, "items")))
				continue;
			head = kinds[i].named_by
				       ? xasprintf("%s \"%s\"", kinds[i].word,
						   json_path_string(f->value, kinds[i].named_by))
				       : xstrdup(kinds[i].word);
			warn_items(&v, &met, head, FIELD(f, "items"), "");
		}
		warn_projected(&v, &met);
	}
	vec_release(&met);
}
