#include "fs/describe.h"

#include "base/columns.h"
#include "fs/types.h"
#include "object/json.h"
#include "object/selector.h"
#include "object/time.h"

#include <ctype.h>
#include <time.h>

#define PADDING 2
#define ANNOTATION_MAX 140
#define RELATED_MAX 5000

static const struct {
	const char *group, *kind;
	describe_function *describe;
} describers[] = {
	{"", "Pod", describe_pod},	{"apps", "Deployment", describe_deployment},
	{"batch", "Job", describe_job}, {"", "Service", describe_service},
	{"", "Node", describe_node},	{"", "PersistentVolumeClaim", describe_claim},
};

void describe_line(struct describe *d, int level, const char *format, ...)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	va_list ap;

	va_start(ap, format);
	str_addv(&text, format, ap);
	va_end(ap);
	str_addn(&d->out, ' ', (size_t)level * 2);
	/* Tabs are ours; what the object says has lost its own in describe_value. */
	str_adds(&d->out, text.s);
	str_addc(&d->out, '\n');
}

void describe_value(const json_t *v, struct str *out)
{
	if (json_is_string(v))
		str_add_escaped(out, json_string_value(v), json_string_length(v));
	else if (json_is_integer(v))
		str_addi(out, json_integer_value(v));
	else if (json_is_boolean(v))
		str_adds(out, json_is_true(v) ? "true" : "false");
	else if (v)
		json_write(v, out);
}

void describe_text(struct describe *d, int level, const char *name, const char *path,
		   const char *otherwise)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	describe_value(json_path(d->object, path), &text);
	describe_line(d, level, "%s:\t%s", name, text.len ? text.s : otherwise);
}

void describe_map(struct describe *d, int level, const char *name, const json_t *map,
		  const char *between)
{
	const char *key;
	json_t *value;
	bool first = true;

	json_object_foreach ((json_t *)map, key, value) {
		struct str line CLEANUP(str_release) = STR_INIT;

		str_add_escaped(&line, key, strlen(key));
		str_adds(&line, between);
		describe_value(value, &line);
		if (line.len > ANNOTATION_MAX) {
			str_truncate(&line, ANNOTATION_MAX);
			str_adds(&line, "...");
		}
		describe_line(d, level, "%s%s\t%s", first ? name : "", first ? ":" : "", line.s);
		first = false;
	}
	if (first)
		describe_line(d, level, "%s:\t<none>", name);
}

void describe_labels(struct describe *d)
{
	describe_map(d, 0, "Labels", json_path(d->object, "metadata.labels"), "=");
}

void describe_annotations(struct describe *d)
{
	json_t *map json_auto = json_copy(json_path(d->object, "metadata.annotations"));

	json_object_del(map, "kubectl.kubernetes.io/last-applied-configuration");
	describe_map(d, 0, "Annotations", map, ": ");
}

void describe_head(struct describe *d)
{
	describe_text(d, 0, "Name", "metadata.name", "");
	if (d->resource->namespaced)
		describe_text(d, 0, "Namespace", "metadata.namespace", "");
	describe_labels(d);
	describe_annotations(d);
}

void describe_controller(struct describe *d)
{
	json_t *owner;
	size_t i;

	json_array_foreach (json_path(d->object, "metadata.ownerReferences"), i, owner) {
		if (json_path_bool(owner, "controller", false))
			describe_line(d, 0, "Controlled By:\t%s/%s",
				      json_path_string(owner, "kind"),
				      json_path_string(owner, "name"));
	}
}

void describe_selector(const json_t *selector, struct str *out)
{
	bool whole = json_object_get(selector, "matchLabels") ||
		     json_object_get(selector, "matchExpressions");
	struct selector *s CLEANUP(selector_free_cleanup) =
		whole ? selector_from_label_selector(selector, NULL) : selector_from_map(selector);

	if (!json_object_size(selector) || !s)
		str_adds(out, "<none>");
	else
		selector_format(s, out);
}

void describe_time(const char *text, struct str *out)
{
	char buffer[64];
	struct tm tm;
	int64_t wall;
	time_t seconds;

	if (time_parse(text, &wall) < 0)
		return;
	seconds = (time_t)(wall / NS_PER_S);
	localtime_r(&seconds, &tm);
	strftime(buffer, sizeof(buffer), "%a, %d %b %Y %H:%M:%S %z", &tm);
	str_adds(out, buffer);
}

static void add_condition_cell(const json_t *condition, const char *member, struct str *out)
{
	const char *text = json_path_string(condition, member);

	if (str_has_suffix(member, "Time"))
		describe_time(text, out);
	else
		str_add_escaped(out, text, strlen(text));
}

void describe_conditions(struct describe *d, const char *const (*columns)[2], const char *path)
{
	json_t *conditions = json_path(d->object, path), *condition;
	struct str head CLEANUP(str_release) = STR_INIT, rule CLEANUP(str_release) = STR_INIT;
	size_t i;

	if (!json_array_size(conditions))
		return;
	describe_line(d, 0, "Conditions:");
	for (size_t k = 0; columns[k][0]; k++) {
		str_addf(&head, "%s%s", k ? "\t" : "", columns[k][0]);
		str_adds(&rule, k ? "\t" : "");
		str_addn(&rule, '-', strlen(columns[k][0]));
	}
	describe_line(d, 1, "%s", head.s);
	describe_line(d, 1, "%s", rule.s);
	json_array_foreach (conditions, i, condition) {
		struct str line CLEANUP(str_release) = STR_INIT;

		for (size_t k = 0; columns[k][0]; k++) {
			str_adds(&line, k ? "\t" : "");
			add_condition_cell(condition, columns[k][1], &line);
		}
		describe_line(d, 1, "%s", line.s);
	}
}

static bool collect(void *arg, const char *text, size_t len)
{
	json_t *tree = json_read(text, len, NULL);

	if (tree)
		json_array_append_new(arg, tree);
	return json_array_size(arg) < RELATED_MAX;
}

json_t *describe_related(struct describe *d, const char *group, const char *plural,
			 const char *namespace, const char *field_selector)
{
	struct view *v CLEANUP(view_unref_cleanup) = view_get(d->fs);
	const struct resource *r = catalog_find(v->catalog, group, "v1", plural);
	struct list_options opt = {.field_selector = field_selector};
	struct list_meta meta = {0};
	json_t *all = json_array();

	if (r)
		cluster_list(d->fs->cluster, d->call, r, namespace, &opt, collect, all, &meta,
			     NULL);
	list_meta_release(&meta);
	return all;
}

bool describe_is_owned(const json_t *object, const char *uid)
{
	json_t *owner;
	size_t i;

	json_array_foreach (json_path(object, "metadata.ownerReferences"), i, owner) {
		if (json_path_bool(owner, "controller", false) &&
		    str_equal(json_path_string(owner, "uid"), uid))
			return true;
	}
	return false;
}

/* ---- The generic form */

/* "apiVersion" is "API Version". */
static void add_label(const char *key, struct str *out)
{
	static const char *const acronyms[] = {"Api", "Url", "Uid", "Osb", "Guid"};
	size_t word = out->len;

	for (const char *p = key;; p++) {
		bool cut = !*p ||
			   (p > key && isupper((unsigned char)*p) && islower((unsigned char)p[-1]));

		for (size_t i = 0; cut && i < ARRAY_SIZE(acronyms); i++) {
			if (strcmp(out->s + word, acronyms[i]) != 0)
				continue;
			for (char *c = out->s + word; *c; c++)
				*c = (char)toupper((unsigned char)*c);
		}
		if (!*p)
			return;
		if (cut)
			str_addc(out, ' '), word = out->len;
		str_addc(out, p == key ? (char)toupper((unsigned char)*p) : *p);
	}
}

static bool is_left_out(const char *path)
{
	static const char *const paths[] = {".metadata.managedFields", ".metadata.name",
					    ".metadata.namespace", ".metadata.labels",
					    ".metadata.annotations"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (strcmp(paths[i], path) == 0)
			return true;
	}
	return false;
}

static void describe_fields(struct describe *d, int level, const json_t *map, const char *path);

static void describe_list(struct describe *d, int level, const json_t *list, const char *path)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		struct str text CLEANUP(str_release) = STR_INIT;

		if (json_is_object(item)) {
			describe_fields(d, level, item, path);
			continue;
		}
		describe_value(item, &text);
		describe_line(d, level, "%s", text.s);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void describe_fields(struct describe *d, int level, const json_t *map, const char *path)
{
	VEC(const char *) keys = VEC_INIT;
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)map, name, value)
		vec_push(&keys, name);
	if (keys.n)
		qsort(keys.v, keys.n, sizeof(*keys.v), by_name);
	vec_each (&keys, key) {
		char *below free_ptr = xasprintf("%s.%s", path, *key);
		struct str label CLEANUP(str_release) = STR_INIT;
		struct str text CLEANUP(str_release) = STR_INIT;

		value = json_object_get(map, *key);
		if (is_left_out(below))
			continue;
		add_label(*key, &label);
		describe_line(d, level, "%s:%s", label.s,
			      json_is_object(value) || json_is_array(value) ? "" : "\t");
		if (json_is_object(value)) {
			describe_fields(d, level + 1, value, below);
		} else if (json_is_array(value)) {
			describe_list(d, level + 1, value, below);
		} else {
			describe_value(value, &text);
			str_truncate(&d->out, d->out.len - 1);
			str_addf(&d->out, "%s\n", text.s);
		}
	}
	vec_release(&keys);
}

/* ---- Events */

static int by_last(const void *a, const void *b)
{
	json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;

	return strcmp(json_path_string(x, "lastTimestamp"), json_path_string(y, "lastTimestamp"));
}

static void add_age(struct describe *d, const char *when, struct str *out)
{
	char buffer[TIME_TEXT];
	int64_t at;

	str_adds(out, time_parse(when, &at) < 0 ? "<unknown>"
						: time_human_duration(d->now - at, buffer));
}

static const char *first_of(const json_t *event, const char *a, const char *b)
{
	const char *text = json_path_string(event, a);

	return *text ? text : json_path_string(event, b);
}

static void describe_event(struct describe *d, const json_t *e)
{
	struct str age CLEANUP(str_release) = STR_INIT, message CLEANUP(str_release) = STR_INIT;
	json_int_t count = json_path_int(e, "count", 1);
	const char *text = json_path_string(e, "message");

	add_age(d, first_of(e, "lastTimestamp", "eventTime"), &age);
	if (count > 1) {
		str_addf(&age, " (x%jd over ", (intmax_t)count);
		add_age(d, first_of(e, "firstTimestamp", "eventTime"), &age);
		str_addc(&age, ')');
	}
	str_add_escaped(&message, text, strlen(text));
	describe_line(d, 1, "%s\t%s\t%s\t%s\t%s", json_path_string(e, "type"),
		      json_path_string(e, "reason"), age.s,
		      first_of(e, "source.component", "reportingComponent"), message.s);
}

/* By its uid or, as a kubelet does for its node, by its name in that place. */
static bool is_about(const json_t *event, const json_t *object)
{
	const char *uid = json_path_string(event, "involvedObject.uid");

	return str_equal(uid, json_path_string(object, "metadata.uid")) ||
	       str_equal(uid, json_path_string(object, "metadata.name"));
}

static void describe_events(struct describe *d)
{
	const char *uid = json_path_string(d->object, "metadata.uid");
	/* A node's events are in no namespace of its own, and may be of one before it. */
	bool node = strcmp(d->resource->kind, "Node") == 0;
	char *which free_ptr = node ? xasprintf("involvedObject.kind=Node,involvedObject.name=%s",
						json_path_string(d->object, "metadata.name"))
				    : xasprintf("involvedObject.uid=%s", uid);
	json_t *events json_auto = describe_related(
		d, "", "events", json_path_string(d->object, "metadata.namespace"), which);
	VEC(json_t *) sorted = VEC_INIT;
	json_t *e;
	size_t i;

	json_array_foreach (events, i, e)
		if (is_about(e, d->object))
			vec_push(&sorted, e);
	if (!sorted.n) {
		describe_line(d, 0, "Events:\t<none>");
		return;
	}
	qsort(sorted.v, sorted.n, sizeof(*sorted.v), by_last);
	describe_line(d, 0, "Events:");
	describe_line(d, 1, "Type\tReason\tAge\tFrom\tMessage");
	describe_line(d, 1, "----\t------\t----\t----\t-------");
	vec_each (&sorted, x)
		describe_event(d, *x);
	vec_release(&sorted);
}

static describe_function *describer_of(const struct resource *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(describers); i++) {
		if (str_equal(describers[i].kind, r->kind) &&
		    str_equal(describers[i].group, r->group))
			return describers[i].describe;
	}
	return NULL;
}

void describe_object(struct fs *fs, const struct resource *r, const struct object *o,
		     const struct call *call, struct str *out)
{
	json_t *tree json_auto = object_tree(o);
	struct describe d = {fs, call, r, tree, clock_wall(fs->clock), STR_INIT};
	describe_function *describe = describer_of(r);

	if (describe) {
		describe(&d);
	} else {
		describe_head(&d);
		describe_fields(&d, 0, tree, "");
	}
	describe_events(&d);
	columns_format(d.out.s, 0, PADDING, out);
	str_release(&d.out);
}
