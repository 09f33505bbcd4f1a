/*
 * apply: the drop box. A stream of manifests of any kind is applied in an order that works, and
 * reading it tells what became of each, as YAML comments.
 */
#include "fs/nodes.h"

#include "fs/draft.h"
#include "fs/holds.h"
#include "fs/journal.h"
#include "fs/tell.h"
#include "fs/types.h"
#include "fs/write.h"
#include "object/json.h"
#include "object/yaml.h"

#include <errno.h>

#define DEFINITION_WAIT_NS (15 * NS_PER_S)

/* One object of the stream. */
struct item {
	json_t *tree; /* a ref */
	size_t line;
	int rank;
	size_t index;
};
struct items {
	struct item *v;
	size_t n, cap;
};

/* What others need comes first; everything else in the order of the text. */
static int rank_of(const char *kind)
{
	static const char *const order[] = {
		"Namespace",
		"CustomResourceDefinition",
		"PriorityClass",
		"StorageClass",
		"ResourceQuota",
		"LimitRange",
		"ServiceAccount",
		"ClusterRole",
		"ClusterRoleBinding",
		"Role",
		"RoleBinding",
		"Secret",
		"ConfigMap",
		"PersistentVolume",
		"PersistentVolumeClaim",
		"Service",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(order); i++) {
		if (strcmp(order[i], kind) == 0)
			break;
	}
	return (int)i;
}

/* A List stands for its items. */
static void add_items(struct items *out, json_t *tree, size_t line)
{
	json_t *list = json_object_get(tree, "items"), *x;
	size_t i;

	if (!str_has_suffix(json_path_string(tree, "kind"), "List") || !json_is_array(list)) {
		vec_push(out, (struct item){json_incref(tree), line,
					    rank_of(json_path_string(tree, "kind")), out->n});
		return;
	}
	json_array_foreach (list, i, x)
		vec_push(out, (struct item){json_incref(x), line,
					    rank_of(json_path_string(x, "kind")), out->n});
}

static void items_release(struct items *l)
{
	vec_each (l, x)
		json_decref(x->tree);
	vec_release(l);
}

static int by_rank(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->rank != y->rank ? x->rank - y->rank
				  : (x->index > y->index) - (x->index < y->index);
}

static int read_items(const char *text, size_t len, struct items *out, struct error **err)
{
	struct yaml_stream docs = {0};

	if (yaml_read(text, len, &docs, err) < 0)
		return -1;
	vec_each (&docs, d) {
		if (d->tree)
			add_items(out, d->tree, d->line);
	}
	yaml_stream_release(&docs);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_rank);
	return 0;
}

/* The type of the object; one whose definition was just applied is waited for. */
static const struct resource *wait_type(struct fs *fs, const char *api_version, const char *kind,
					bool wait, const struct call *call)
{
	int64_t deadline = clock_mono(fs->clock) + (wait ? DEFINITION_WAIT_NS : 0);
	const struct resource *r;

	FS_LOCK(fs);
	for (;;) {
		r = catalog_find_kind(fs->view->catalog, api_version, kind);
		if (r)
			return resource_ref(r);
		if (call_cancelled(call) ||
		    clock_wait(fs->clock, &fs->view_changed, &fs->lock, deadline) == ETIMEDOUT)
			return NULL;
	}
}

struct applying {
	struct fs *fs;
	struct node *dir;
	pid_t writer;
	const struct call *call;
	bool definitions; /* one was applied: its type may be on its way */
	struct str report;
	struct error *first;
	bool secret; /* of the first refused */
};

static void item_name(const struct item *x, struct str *out)
{
	str_addf(out, "%s %s", json_path_string(x->tree, "kind"),
		 json_path_string(x->tree, "metadata.name"));
	if (*json_path_string(x->tree, "metadata.namespace"))
		str_addf(out, " in %s", json_path_string(x->tree, "metadata.namespace"));
}

static int apply_one(struct applying *a, struct item *x, enum write_result *result,
		     const struct resource **resource, struct error **err)
{
	const char *api_version = json_path_string(x->tree, "apiVersion");
	const char *kind = json_path_string(x->tree, "kind");
	const char *namespace = json_path_string(x->tree, "metadata.namespace");
	const struct resource *r;

	if (!json_is_object(x->tree) || !*api_version || !*kind)
		return error_set(err, E_BAD_REQUEST, "line %zu: apiVersion and kind are needed",
				 x->line);
	if (!*json_path_string(x->tree, "metadata.name"))
		return error_set(err, E_BAD_REQUEST, "line %zu: metadata.name is needed", x->line);
	r = wait_type(a->fs, api_version, kind, a->definitions, a->call);
	if (!r)
		return error_set(err, E_BAD_REQUEST, "no type %s in %s", kind, api_version);
	*resource = r;
	if (!*namespace)
	namespace = *a->dir->namespace ? a->dir->namespace : a->fs->cluster->default_namespace;
	if (*a->dir->namespace && r->namespaced && strcmp(namespace, a->dir->namespace) != 0)
		return error_set(err, E_BAD_REQUEST, "metadata.namespace is %s, the path says %s",
				 namespace, a->dir->namespace);
	char *ns free_ptr = xstrdup(r->namespaced ? namespace : "");
	char *name free_ptr = xstrdup(json_path_string(x->tree, "metadata.name"));
	struct target t = {a->fs, r, ns, name};

	holds_settle(a->fs->holds, r, ns, name);
	int ret = write_tree(&t, x->tree, a->writer, a->call, result, err);

	holds_drop(a->fs->holds, r, ns, name);
	return ret;
}

/* Every line of the report is a comment, so that it can be written back. */
static void report(struct applying *a, const char *name, const char *outcome)
{
	char *copy free_ptr = xstrdup(outcome), *rest = copy, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			str_addf(&a->report, "# %s%s%s\n", name, *name ? ": " : "  ", line);
		name = "";
	}
}

static void apply_item(struct applying *a, struct item *x)
{
	struct str name CLEANUP(str_release) = STR_INIT, text CLEANUP(str_release) = STR_INIT;
	struct str plain CLEANUP(str_release) = STR_INIT;
	struct error *why = NULL;
	const struct resource *r CLEANUP(resource_unref_cleanup) = NULL;
	enum write_result result = WRITE_NOTHING;

	item_name(x, &plain);
	str_add_escaped(&name, plain.s, plain.len);
	if (apply_one(a, x, &result, &r, &why) == 0) {
		report(a, name.s, write_result_words[result]);
		a->definitions |= r && strcmp(r->kind, "CustomResourceDefinition") == 0;
		return;
	}
	bool secret = resource_is_secret(r);

	journal_message(why, secret, &text);
	report(a, name.s, text.s);
	str_reset(&text);
	str_addf(&text, "%s%sapply (%s)", a->dir->namespace, *a->dir->namespace ? "/" : "", name.s);
	journal_add(a->fs->journal, text.s, why, secret);
	if (a->first)
		error_free(why);
	else
		a->first = why, a->secret = secret;
}

static void show_report(struct node *n, const char *text)
{
	int64_t wall = clock_wall(n->fs->clock);

	str_reset(&n->text);
	str_adds(&n->text, text);
	n->size = n->text.len;
	n->mtime = n->changed = (struct timespec){wall / NS_PER_S, wall % NS_PER_S};
}

/* The kernel may forget the node at any time: the report outlives it. */
static void publish_report(struct node *dir, struct str *report)
{
	struct node *n;

	FS_LOCK(dir->fs);
	free(map_put(dir->fs->reports, dir->namespace, xstrdup(report->s)));
	n = node_child(dir, "apply");
	if (n)
		show_report(n, report->s);
}

static void apply_init(struct node *n)
{
	const char *last = map_get(n->fs->reports, n->namespace);

	if (last)
		show_report(n, last);
}

static void apply_all(struct applying *a, const char *text, size_t len)
{
	struct items items = {0};

	if (read_items(text, len, &items, &a->first) < 0) {
		struct str why CLEANUP(str_release) = STR_INIT;

		journal_message(a->first, false, &why);
		report(a, "nothing applied", why.s);
		journal_add(a->fs->journal, "apply", a->first, false);
	}
	for (size_t i = 0; i < items.n; i++)
		apply_item(a, &items.v[i]);
	if (!items.n && !a->first)
		report(a, "", "no objects in the text");
	items_release(&items);
}

static int submit(struct node *dir, const char *name, struct draft *d, pid_t writer,
		  const struct call *call, struct error **err)
{
	struct applying a = {.fs = dir->fs, .dir = dir, .writer = writer, .call = call};
	struct str text CLEANUP(str_release) = STR_INIT;
	const char *plain;
	size_t len;

	pthread_mutex_lock(&dir->fs->lock);
	str_add(&text, d->text.s, d->text.len);
	d->applied = d->version;
	if (d->too_large)
		error_set(&a.first, E_TOO_LARGE, "the text is larger than %d bytes", TEXT_MAX);
	pthread_mutex_unlock(&dir->fs->lock);
	str_init(&a.report);
	len = text.len;
	plain = rejected_text(text.s, &len);
	if (a.first)
		journal_add(dir->fs->journal, "apply", a.first, false);
	else
		apply_all(&a, plain, len);
	publish_report(dir, &a.report);
	str_release(&a.report);
	if (!a.first) {
		rejected_drop(dir, name);
		return 0;
	}
	if (a.fs->opt.tell)
		tell_writer(writer, "apply", a.first, a.secret);
	/* The root takes no scratch files: there the report and errors.log tell. */
	if (error_code(a.first) != E_TOO_LARGE)
		rejected_keep(dir, name, 0600, plain, len, a.first, a.secret);
	return error_move(err, a.first);
}

static void apply_read(struct node *n, off_t offset, size_t size, struct str *out)
{
	FS_LOCK(n->fs);
	if ((size_t)offset < n->text.len)
		str_add(out, n->text.s + offset, MIN(size, n->text.len - (size_t)offset));
}

const struct node_ops apply_ops = {
	.init = apply_init,
	.submit = submit,
	.read = apply_read,
};
