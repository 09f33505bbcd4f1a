#include "cluster/remote/remote.h"

#include "base/log.h"
#include "base/map.h"
#include "base/progress.h"
#include "object/json.h"
#include "object/schema_resources.h"

#include <inttypes.h>
#include <string.h>

/*
 * Newer servers tell every type in two answers (aggregated discovery, v2 and v2beta1 alike in what
 * is read here); older ones give a list of groups, and each group's version on asking.
 */
#define ACCEPT                                                                       \
	"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"      \
	"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList," \
	"application/json"

/* What could not be read. */
struct failure {
	char *group, *version; /* "*": all of them */
	char *text;
};

struct discovery {
	struct remote *c;
	const struct call *call;
	struct catalog *builtin;
	VEC(const struct resource *) rows;
	VEC(struct failure) failures;
	struct str fingerprint;
	struct catalog *known; /* what was read before, or NULL */
};

/* The texts of a JSON list as a NULL-terminated array, borrowed from it. */
struct texts {
	const char **v;
	size_t n, cap;
};

static void texts_read(const json_t *list, struct texts *out)
{
	size_t i;
	json_t *e;

	json_array_foreach (list, i, e)
		if (json_is_string(e))
			vec_push(out, json_string_value(e));
	vec_push(out, NULL);
}

static void texts_release(struct texts *t)
{
	vec_release(t);
}

static unsigned read_verbs(const json_t *list)
{
	unsigned verbs = 0;
	size_t i;
	json_t *e;

	json_array_foreach (list, i, e)
		if (json_is_string(e))
			verbs |= verb_parse(json_string_value(e));
	return verbs;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void add_failure(struct discovery *d, const char *group, const char *version,
			const char *why)
{
	vec_push(&d->failures, (struct failure){xstrdup(group), xstrdup(version),
						xasprintf("%s/%s: %s", group, version, why)});
}

/* A built-in type of this group and plural, whatever its version. */
static bool is_builtin(const struct resource *r)
{
	for (size_t i = 0; i < schema_n_resources; i++)
		if (!strcmp(schema_resources[i].group, r->group) &&
		    !strcmp(schema_resources[i].plural, r->plural))
			return true;
	return false;
}

/* The first row of the group with this plural: discovery tells the preferred version first. */
static const struct resource *first_version(struct discovery *d, const struct resource *r)
{
	vec_each (&d->rows, row)
		if (!strcmp((*row)->group, r->group) && !strcmp((*row)->plural, r->plural))
			return *row;
	return NULL;
}

/*
 * What this program knows of a built-in type, its fields and how it is stored, belongs to the row;
 * of any other type all versions are one: that of the preferred version.
 */
static void join_known(struct discovery *d, struct resource *row)
{
	const struct resource *known =
		catalog_find(d->builtin, row->group, row->version, row->plural);
	const struct resource *first = first_version(d, row);

	row->custom = !is_builtin(row);
	if (known && !strcmp(known->kind, row->kind)) {
		row->type = known->type;
		row->storage_group = known->storage_group;
		row->storage_version = known->storage_version;
	} else if (first) {
		row->storage_group = first->storage_group;
		row->storage_version = first->storage_version;
	}
}

static void add_row(struct discovery *d, struct resource *row)
{
	if (!*row->version || !*row->plural || !*row->kind)
		return;
	join_known(d, row);
	vec_push(&d->rows, resource_new(row, NULL));
}

struct subresources {
	struct subresource *v;
	size_t n, cap;
};

static void subresources_release(struct subresources *s)
{
	vec_release(s);
}

static void add_subresource(struct subresources *out, const char *name, const json_t *kind,
			    const json_t *verbs, const char *group, const char *version)
{
	const char *of_group = json_string_value(json_object_get(kind, "group"));
	const char *of_version = json_string_value(json_object_get(kind, "version"));
	bool other = of_version && *of_version &&
		     (strcmp(of_group ? of_group : "", group) || strcmp(of_version, version));

	vec_push(out, (struct subresource){
			      .name = name,
			      .verbs = read_verbs(verbs),
			      .kind = text_of(kind, "kind"),
			      .group = other ? (of_group ? of_group : "") : NULL,
			      .version = other ? of_version : NULL,
		      });
}

static void read_aggregated_resource(struct discovery *d, const char *group, const char *version,
				     const json_t *e)
{
	struct subresources subs CLEANUP(subresources_release) = {0};
	struct texts short_names CLEANUP(texts_release) = {0};
	struct texts categories CLEANUP(texts_release) = {0};
	struct resource row = {
		.group = group,
		.version = version,
		.plural = text_of(e, "resource"),
		.singular = text_of(e, "singularResource"),
		.kind = text_of(json_object_get(e, "responseKind"), "kind"),
		.namespaced = !strcmp(text_of(e, "scope"), "Namespaced"),
		.verbs = read_verbs(json_object_get(e, "verbs")),
	};
	size_t i;
	json_t *sub;

	json_array_foreach (json_object_get(e, "subresources"), i, sub)
		add_subresource(&subs, text_of(sub, "subresource"),
				json_object_get(sub, "responseKind"), json_object_get(sub, "verbs"),
				group, version);
	texts_read(json_object_get(e, "shortNames"), &short_names);
	texts_read(json_object_get(e, "categories"), &categories);
	row.short_names = short_names.v;
	row.categories = categories.v;
	row.subresources = subs.v;
	row.n_subresources = subs.n;
	add_row(d, &row);
}

static void read_aggregated(struct discovery *d, const json_t *list)
{
	size_t i, j, k;
	json_t *group, *version, *resource;

	json_array_foreach (json_object_get(list, "items"), i, group) {
		const char *name = json_path_string(group, "metadata.name");

		name = name ? name : "";
		json_array_foreach (json_object_get(group, "versions"), j, version) {
			const char *v = text_of(version, "version");

			if (!strcmp(text_of(version, "freshness"), "Stale"))
				add_failure(d, name, v,
					    "the server that serves it does not answer");
			json_array_foreach (json_object_get(version, "resources"), k, resource)
				read_aggregated_resource(d, name, v, resource);
		}
	}
}

/* Of the first look alone: later ones are nobody's business. */
static void say_progress(const struct discovery *d)
{
	if (d->known)
		return;
	if (d->rows.n)
		progress_show("asking %s which types it has: %zu so far", d->c->base.description,
			      d->rows.n);
	else
		progress_show("asking %s which types it has", d->c->base.description);
}

static json_t *ask(struct discovery *d, const char *path, struct error **err)
{
	struct http_response a CLEANUP(http_response_release) = HTTP_RESPONSE_INIT;
	struct http_request q = {.method = "GET", .path = path, .accept = ACCEPT};
	json_t *tree;

	if (remote_ask(d->c, d->call, &q, &a, err) < 0)
		return NULL;
	say_progress(d);
	tree = json_read(a.body.s, a.body.len, err);
	if (!tree)
		error_wrap(err, "%s%s", d->c->base.description, path);
	else
		str_add(&d->fingerprint, a.body.s, a.body.len);
	return tree;
}

/* "pods/status" of an APIResourceList belongs to "pods". */
static void collect_subresources(const json_t *all, const char *plural, const char *group,
				 const char *version, struct subresources *out)
{
	size_t i, n = strlen(plural);
	json_t *e;

	json_array_foreach (all, i, e) {
		const char *name = text_of(e, "name");

		if (!strncmp(name, plural, n) && name[n] == '/' && name[n + 1])
			add_subresource(out, name + n + 1, e, json_object_get(e, "verbs"), group,
					version);
	}
}

static void read_listed_resource(struct discovery *d, const char *group, const char *version,
				 const json_t *all, const json_t *e)
{
	struct subresources subs CLEANUP(subresources_release) = {0};
	struct texts short_names CLEANUP(texts_release) = {0};
	struct texts categories CLEANUP(texts_release) = {0};
	struct resource row = {
		.group = group,
		.version = version,
		.plural = text_of(e, "name"),
		.singular = text_of(e, "singularName"),
		.kind = text_of(e, "kind"),
		.namespaced = json_is_true(json_object_get(e, "namespaced")),
		.verbs = read_verbs(json_object_get(e, "verbs")),
	};

	if (strchr(row.plural, '/'))
		return;
	collect_subresources(all, row.plural, group, version, &subs);
	texts_read(json_object_get(e, "shortNames"), &short_names);
	texts_read(json_object_get(e, "categories"), &categories);
	row.short_names = short_names.v;
	row.categories = categories.v;
	row.subresources = subs.v;
	row.n_subresources = subs.n;
	add_row(d, &row);
}

static void read_version(struct discovery *d, const char *group, const char *version)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct str path CLEANUP(str_release) = STR_INIT;
	json_t *list json_auto = NULL;
	json_t *all, *e;
	size_t i;

	str_adds(&path, *group ? "/apis/" : "/api");
	http_encode(group, &path);
	str_addc(&path, '/');
	http_encode(version, &path);
	list = ask(d, path.s, &why);
	if (!list) {
		add_failure(d, group, version, why->message);
		return;
	}
	all = json_object_get(list, "resources");
	json_array_foreach (all, i, e)
		read_listed_resource(d, group, version, all, e);
}

static void read_group(struct discovery *d, const json_t *group)
{
	const char *name = text_of(group, "name");
	const char *preferred = text_of(json_object_get(group, "preferredVersion"), "version");
	json_t *e;
	size_t i;

	if (*preferred)
		read_version(d, name, preferred);
	json_array_foreach (json_object_get(group, "versions"), i, e) {
		const char *version = text_of(e, "version");

		if (*version && strcmp(version, preferred))
			read_version(d, name, version);
	}
}

/* /api or /apis, in whichever form the server has answered. */
static int read_root(struct discovery *d, const char *path, struct error **err)
{
	json_t *root json_auto = ask(d, path, err);
	json_t *e;
	size_t i;

	if (!root)
		return -1;
	if (!strcmp(text_of(root, "kind"), "APIGroupDiscoveryList"))
		read_aggregated(d, root);
	else if (json_is_array(json_object_get(root, "groups")))
		json_array_foreach (json_object_get(root, "groups"), i, e)
			read_group(d, e);
	else if (json_is_array(json_object_get(root, "versions")))
		json_array_foreach (json_object_get(root, "versions"), i, e) {
			if (json_is_string(e))
				read_version(d, "", json_string_value(e));
		}
	else
		return error_set(err, E_BAD_REQUEST,
				 "%s%s does not answer as a Kubernetes API does",
				 d->c->base.description, path);
	return 0;
}

static bool has_failed(struct discovery *d, const struct resource *r)
{
	vec_each (&d->failures, f) {
		bool all = !strcmp(f->group, "*");

		/* Of all groups the core is none: it has a path of its own. */
		if ((all ? *r->group != '\0' : !strcmp(f->group, r->group)) &&
		    (all || !strcmp(f->version, r->version)))
			return true;
	}
	return false;
}

static bool has_row(struct discovery *d, const struct resource *r)
{
	vec_each (&d->rows, row) {
		if (!strcmp((*row)->group, r->group) && !strcmp((*row)->version, r->version) &&
		    !strcmp((*row)->plural, r->plural))
			return true;
	}
	return false;
}

/* A group that does not answer is not gone: its types stay as they were known. */
static void keep_failed(struct discovery *d)
{
	size_t read = d->rows.n;

	for (size_t i = 0; d->known && i < catalog_count(d->known); i++) {
		const struct resource *r = catalog_at(d->known, i);

		if (has_failed(d, r) && !has_row(d, r))
			vec_push(&d->rows, resource_ref(r));
	}
	if (d->rows.n > read)
		log_debug("%s: %zu types stay as they were known", d->c->base.description,
			  d->rows.n - read);
}

static struct catalog *publish(struct discovery *d, char **fingerprint)
{
	struct catalog *catalog;

	keep_failed(d);
	catalog = catalog_new(d->rows.v, d->rows.n);
	vec_each (&d->failures, f) {
		catalog_add_failure(catalog, f->text);
		str_adds(&d->fingerprint, f->text);
	}
	*fingerprint = xasprintf("%016" PRIx64, hash_bytes(d->fingerprint.s, d->fingerprint.len));
	return catalog;
}

/* What keeps a cluster from being read at all, with what to do about it. */
static void explain(const struct remote *c, struct error *why, struct error **err)
{
	if (why->code == E_UNAUTHORIZED && c->kubeconfig.context)
		error_wrap(&why,
			   "%s does not take the credentials of context \"%s\" (log in anew, as "
			   "for kubectl)",
			   c->base.description, c->kubeconfig.context);
	else if (why->code == E_UNREACHABLE && c->kubeconfig.context)
		error_wrap(&why, "the cluster of context \"%s\" cannot be reached",
			   c->kubeconfig.context);
	error_move(err, why);
}

struct catalog *remote_discover(struct remote *c, const struct call *call, char **fingerprint,
				struct error **err)
{
	struct discovery d = {.c = c, .call = call, .builtin = catalog_builtin()};
	struct error *why = NULL, *also = NULL;
	struct catalog *catalog = NULL;
	int core, groups;

	str_init(&d.fingerprint);
	pthread_mutex_lock(&c->lock);
	d.known = c->catalog ? catalog_ref(c->catalog) : NULL;
	pthread_mutex_unlock(&c->lock);
	say_progress(&d);
	core = read_root(&d, "/api", &why);
	/* A server that cannot be reached at all is not asked twice. */
	groups = core < 0 && why->code != E_NOT_FOUND && why->code != E_FORBIDDEN
			 ? -1
			 : read_root(&d, "/apis", &also);
	if (core < 0 && groups == 0)
		add_failure(&d, "", "v1", why->message);
	progress_end();
	if (core == 0 && groups < 0)
		add_failure(&d, "*", "*", also->message);
	if (core == 0 || groups == 0)
		catalog = publish(&d, fingerprint);
	else
		explain(c, steal(&why), err);
	error_free(why);
	error_free(also);
	str_release(&d.fingerprint);
	vec_each (&d.rows, row)
		resource_unref(*row);
	vec_release(&d.rows);
	vec_each (&d.failures, f) {
		free(f->group);
		free(f->version);
		free(f->text);
	}
	vec_release(&d.failures);
	catalog_unref(d.known);
	catalog_unref(d.builtin);
	return catalog;
}
