#include "rows.h"

json_t *rows_json(const char *text)
{
	char *copy free_ptr = xstrdup(text);
	json_error_t e;
	json_t *j;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	j = json_loads(copy, JSON_DECODE_ANY, &e);
	if (!j)
		fail_msg("%s: %s", text, e.text);
	return j;
}

const struct resource *rows_find(struct catalog *c, const char *what)
{
	const char *version = strchr(what, '/') + 1, *plural = strchr(version, '/') + 1;
	char *group free_ptr = xstrndup(what, (size_t)(version - what) - 1);
	char *v free_ptr = xstrndup(version, (size_t)(plural - version) - 1);
	const struct resource *r = catalog_find(c, group, v, plural);

	if (!r)
		fail_msg("no %s", what);
	return r;
}

char *rows_complaints(const struct field_errors *errors, const struct resource *r)
{
	struct error *e CLEANUP(error_free_cleanup) = NULL;
	struct str out = STR_INIT;

	field_errors_finish(errors, r, "x", &e);
	for (size_t i = 0; e && i < e->n_causes; i++) {
		const char *reason = e->causes[i].reason;
		size_t n = str_has_prefix(reason, "FieldValue") ? strlen("FieldValue") : 0;
		char *one free_ptr = xasprintf("%s %s", e->causes[i].field, reason + n);

		if (!out.s || !strstr(out.s, one))
			str_addf(&out, "%s%s", out.len ? "; " : "", one);
	}
	return out.s ? str_take(&out) : xstrdup("");
}

json_t *rows_changed(const char *object, const struct row *row)
{
	json_t *tree = rows_json(object);

	if (row->path && row->value)
		json_path_set(tree, row->path, rows_json(row->value));
	else if (row->path)
		json_path_del(tree, row->path);
	return tree;
}

/* One case: the object as it was (NULL: a create) and as it is written. */
struct write {
	const char *what;
	const struct row *row;
	const struct resource *r;
	struct catalog *catalog;
	struct field_errors *errors;
	json_t *tree, *old;
	struct field now, before;
};

static void fill(json_t *tree, const struct resource *r)
{
	struct schema_value root = schema_root(r->type);

	object_set_defaults(tree, r);
	schema_fill_present(tree, &root);
}

static void write_init(struct write *w, const char *what, const char *object, const struct row *row)
{
	w->what = what;
	w->row = row;
	w->catalog = catalog_builtin();
	w->r = rows_find(w->catalog, what);
	w->errors = field_errors_new();
	w->tree = rows_changed(object, row);
	w->old = rows_json(object);
	fill(w->tree, w->r);
	fill(w->old, w->r);
	w->now = field_root(w->tree, w->errors);
	w->before = field_root(w->old, w->errors);
}

static void write_release(struct write *w)
{
	json_decref(w->tree);
	json_decref(w->old);
	field_errors_free(w->errors);
	catalog_unref(w->catalog);
}

static void expect(const struct write *w, const char *got)
{
	if (strcmp(got, w->row->want))
		fail_msg("%s %s = %s:\ngot  \"%s\"\nwant \"%s\"", w->what, w->row->path,
			 w->row->value, got, w->row->want);
}

void rows_validate(const char *what, const char *object, const struct row *rows, size_t n,
		   enum row_write how)
{
	static const char *const subresources[] = {[ROW_STATUS] = "status",
						   [ROW_EPHEMERAL] = "ephemeralcontainers",
						   [ROW_RESIZE] = "resize"};
	const struct write_facts facts = {.subresource = subresources[how]};

	for (size_t i = 0; i < n; i++) {
		struct write w CLEANUP(write_release);
		const struct field *before = how == ROW_CREATE ? NULL : &w.before;
		char *got free_ptr = NULL;

		write_init(&w, what, object, &rows[i]);
		if (facts.subresource && w.r->particulars->prepare)
			w.r->particulars->prepare(w.tree, w.old);
		if (facts.subresource && w.r->particulars->prepare_write)
			w.r->particulars->prepare_write(w.tree, w.old, &facts);
		object_validate_meta(&w.now, before, w.r);
		object_validate(&w.now, before, w.r, w.r, facts.subresource);
		got = rows_complaints(w.errors, w.r);
		expect(&w, got);
	}
}

void rows_warn(const char *what, const char *object, const struct row *rows, size_t n,
	       enum row_write how)
{
	for (size_t i = 0; i < n; i++) {
		struct write w CLEANUP(write_release);
		struct str got CLEANUP(str_release) = STR_INIT;
		struct warnings told CLEANUP(warnings_release) = {0};
		const struct write_facts facts = {.warnings = &told};
		const char *text;

		write_init(&w, what, object, &rows[i]);
		if (how == ROW_CREATE && w.r->particulars->prepare_write)
			w.r->particulars->prepare_write(w.tree, NULL, &facts);
		w.r->particulars->warn(&w.now, how == ROW_CREATE ? NULL : &w.before);
		str_adds(&got, "");
		for (size_t j = 0; j < told.n; j++)
			str_addf(&got, "%s%s", j ? "; " : "", told.v[j]);
		for (size_t j = 0; (text = field_errors_warning(w.errors, j)); j++)
			str_addf(&got, "%s%s", got.len ? "; " : "", text);
		expect(&w, got.s);
	}
}

void rows_made(const char *what, const char *object, const char *at, const struct row *rows,
	       size_t n)
{
	static const struct write_facts facts = {.now = 1767225600000000000};

	for (size_t i = 0; i < n; i++) {
		struct write w CLEANUP(write_release);
		struct str got CLEANUP(str_release) = STR_INIT;

		write_init(&w, what, object, &rows[i]);
		if (w.r->particulars->prepare)
			w.r->particulars->prepare(w.tree, NULL);
		if (w.r->particulars->prepare_write)
			w.r->particulars->prepare_write(w.tree, NULL, &facts);
		str_adds(&got, "");
		if (json_path(w.tree, at))
			json_write(json_path(w.tree, at), &got);
		for (char *p = got.s; *p; p++)
			*p = (char)(*p == '"' ? '\'' : *p);
		expect(&w, got.s);
	}
}
