#include "serve/discovery.h"
#include "base/mem.h"
#include "object/json.h"
#include "object/yaml.h"
#include "serve/media.h"
#include "serve/resource.h"
#include "serve/server.h"
#include "serve/writer.h"

#include <openssl/sha.h>
#include <string.h>

static json_t *string_list(const char *const *words)
{
	json_t *list = json_array();

	for (; words && *words; words++)
		json_array_append_new(list, json_string(*words));
	return list;
}

static void set_words(json_t *to, const char *key, const char *const *words)
{
	if (words && *words)
		json_object_set_new(to, key, string_list(words));
}

static json_t *verb_list(unsigned verbs)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	verbs_write(verbs, &text);
	return json_read(text.s, text.len, NULL);
}

/* Types on their way out are shown to be read and deleted, though objects may still be changed. */
static unsigned shown_verbs(const struct resource *r)
{
	const unsigned writes = VERB_CREATE | VERB_UPDATE | VERB_PATCH;

	return r->terminating ? r->verbs & ~writes : r->verbs;
}

/* ---- the legacy forms */

/* Of custom resources the order is another one. */
static json_t *verbs_of(const struct resource *r)
{
	static const char *const order[] = {"delete", "deletecollection", "get",    "list",
					    "patch",  "create",		  "update", "watch"};
	json_t *list;

	if (!r->custom)
		return verb_list(r->verbs);
	list = json_array();
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (shown_verbs(r) & verb_parse(order[i]))
			json_array_append_new(list, json_string(order[i]));
	return list;
}

/* Types that kube-apiserver stores in an older version than it serves. */
static const struct {
	const char *group, *kind, *version;
} stored_as[] = {
	{"admissionregistration.k8s.io", "MutatingAdmissionPolicy", "v1beta1"},
	{"admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", "v1beta1"},
	{"apiextensions.k8s.io", "CustomResourceDefinition", "v1beta1"},
};

static const char *hashed_version(const struct resource *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(stored_as); i++)
		if (strcmp(r->storage_group, stored_as[i].group) == 0 &&
		    strcmp(r->kind, stored_as[i].kind) == 0)
			return stored_as[i].version;
	return r->storage_version;
}

/* What changes when the stored form does: so that clients that migrate see it. */
static json_t *storage_hash(const struct resource *r)
{
	char *key free_ptr = xasprintf("%s/%s/%s", r->storage_group, hashed_version(r), r->kind);
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char text[16];

	SHA256((const unsigned char *)key, strlen(key), digest);
	EVP_EncodeBlock((unsigned char *)text, digest, 8);
	return json_string(text);
}

static void add_resource(json_t *list, const struct resource *r)
{
	json_t *row =
		json_pack("{s:s,s:s,s:b,s:s,s:o}", "name", r->plural, "singularName", r->singular,
			  "namespaced", r->namespaced, "kind", r->kind, "verbs", verbs_of(r));

	set_words(row, "shortNames", r->short_names);
	set_words(row, "categories", r->categories);
	if (r->verbs & VERB_WATCH)
		json_object_set_new(row, "storageVersionHash", storage_hash(r));
	json_array_append_new(list, row);
	for (size_t i = 0; i < r->n_subresources; i++) {
		const struct subresource *s = &r->subresources[i];
		char *name free_ptr = xasprintf("%s/%s", r->plural, s->name);

		row = json_pack("{s:s,s:s,s:b,s:s,s:o}", "name", name, "singularName", "",
				"namespaced", r->namespaced, "kind", s->kind, "verbs",
				verb_list(s->verbs));
		if (s->group)
			json_object_set_new(row, "group", json_string(s->group));
		if (s->version)
			json_object_set_new(row, "version", json_string(s->version));
		json_array_append_new(list, row);
	}
}

static json_t *version_row(const char *api_version, const char *version)
{
	return json_pack("{s:s,s:s}", "groupVersion", api_version, "version", version);
}

static bool has_version(const json_t *versions, const char *version)
{
	size_t i;
	json_t *v;

	json_array_foreach (versions, i, v)
		if (strcmp(json_path_string(v, "version"), version) == 0)
			return true;
	return false;
}

/* VERSION, with its place among VERSIONS. */
static void insert_version(json_t *versions, const char *api_version, const char *version)
{
	size_t at = 0;

	while (at < json_array_size(versions) &&
	       version_compare(json_path_string(json_array_get(versions, at), "version"), version) <
		       0)
		at++;
	json_array_insert_new(versions, at, version_row(api_version, version));
}

/* The group's versions, the preferred one first. NULL: no such group. */
static json_t *group_row(const struct catalog *c, const char *group)
{
	json_t *versions = json_array(), *row;

	for (size_t i = 0; i < catalog_count(c); i++) {
		const struct resource *r = catalog_at(c, i);

		if (strcmp(r->group, group) == 0 && !has_version(versions, r->version))
			insert_version(versions, r->api_version, r->version);
	}
	if (!json_array_size(versions)) {
		json_decref(versions);
		return NULL;
	}
	row = json_pack("{s:s,s:O,s:O}", "name", group, "versions", versions, "preferredVersion",
			json_array_get(versions, 0));
	json_decref(versions);
	return row;
}

/* ---- the aggregated form */

static json_t *response_kind(const char *group, const char *version, const char *kind)
{
	return json_pack("{s:s,s:s,s:s}", "group", group ? group : "", "version",
			 version ? version : "", "kind", kind);
}

static json_t *aggregated_resource(const struct resource *r)
{
	json_t *subresources = json_array();
	json_t *row = json_pack("{s:s,s:o,s:s,s:s,s:o}", "resource", r->plural, "responseKind",
				response_kind("", "", r->kind), "scope",
				r->namespaced ? "Namespaced" : "Cluster", "singularResource",
				r->singular, "verbs", verb_list(shown_verbs(r)));

	set_words(row, "shortNames", r->short_names);
	set_words(row, "categories", r->categories);
	for (size_t i = 0; i < r->n_subresources; i++) {
		const struct subresource *s = &r->subresources[i];

		json_array_append_new(subresources,
				      json_pack("{s:s,s:o,s:o}", "subresource", s->name,
						"responseKind",
						response_kind(s->group, s->version, s->kind),
						"verbs", verb_list(s->verbs)));
	}
	if (json_array_size(subresources))
		json_object_set(row, "subresources", subresources);
	json_decref(subresources);
	return row;
}

static json_t *aggregated_version(const struct catalog *c, const char *group, const char *version)
{
	json_t *resources = json_array();

	for (size_t i = 0; i < catalog_count(c); i++) {
		const struct resource *r = catalog_at(c, i);

		if (strcmp(r->group, group) == 0 && strcmp(r->version, version) == 0)
			json_array_append_new(resources, aggregated_resource(r));
	}
	return json_pack("{s:s,s:o,s:s}", "version", version, "resources", resources, "freshness",
			 "Current");
}

static json_t *aggregated_group(const struct catalog *c, const char *group)
{
	json_t *legacy json_auto = group_row(c, group);
	json_t *versions = json_array(), *row = json_pack("{s:{}}", "metadata");
	size_t i;
	json_t *v;

	json_array_foreach (json_object_get(legacy, "versions"), i, v)
		json_array_append_new(versions,
				      aggregated_version(c, group, json_path_string(v, "version")));
	if (*group)
		json_path_set(row, "metadata.name", json_string(group));
	json_object_set_new(row, "versions", versions);
	return row;
}

/* Every group but core, each once, in the catalog's order: CALL makes its row. */
static json_t *each_group(const struct catalog *c,
			  json_t *(*call)(const struct catalog *c, const char *group))
{
	json_t *list = json_array(), *seen json_auto = json_object();

	for (size_t i = 0; i < catalog_count(c); i++) {
		const char *group = catalog_at(c, i)->group;

		if (!*group || json_object_get(seen, group))
			continue;
		json_object_set_new(seen, group, json_true());
		json_array_append_new(list, call(c, group));
	}
	return list;
}

/* ---- answers */

static void send_tree(struct request *r, const struct media *media, const json_t *tree)
{
	struct writer w CLEANUP(writer_release);
	struct str canonical CLEANUP(str_release) = STR_INIT;
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char etag[2 * sizeof(digest) + 3], *p = etag;

	writer_init(&w, r, media->content_type);
	json_write(tree, &canonical);
	if (media->yaml)
		yaml_write(canonical.s, canonical.len, 0, &w.text);
	else
		str_add(&w.text, canonical.s, canonical.len);
	SHA256((const unsigned char *)w.text.s, w.text.len, digest);
	*p++ = '"';
	for (size_t i = 0; i < sizeof(digest); i++)
		p += snprintf(p, 3, "%02X", digest[i]);
	*p++ = '"';
	*p = '\0';
	answer_header(r, "etag:", etag);
	answer_header(r, "vary:", "Accept");
	if (r->if_none_match && strcmp(r->if_none_match, etag) == 0) {
		str_reset(&w.text);
		writer_finish(&w, 304);
		return;
	}
	writer_finish(&w, 200);
}

/* The catalog and the form of the answer; false: answered with an error. */
static bool prepare(struct request *r, unsigned offered, struct media *media,
		    struct catalog **catalog)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	*catalog = cluster_catalog(r->server->cluster, &r->call, &err);
	if (*catalog && media_negotiate(r->accept, offered, false, media, &err) == 0)
		return true;
	answer_error(r, err);
	return false;
}

static json_t *aggregated_list(json_t *items)
{
	return json_pack("{s:s,s:s,s:{},s:o}", "kind", "APIGroupDiscoveryList", "apiVersion",
			 "apidiscovery.k8s.io/v2", "metadata", "items", items);
}

void discovery_core(struct request *r)
{
	struct catalog *c CLEANUP(catalog_unref_cleanup) = NULL;
	json_t *tree json_auto = NULL;
	struct media media;

	if (!prepare(r, MEDIA_AS_DISCOVERY, &media, &c))
		return;
	if (media.as == MEDIA_AS_DISCOVERY)
		tree = aggregated_list(json_pack("[o]", aggregated_group(c, "")));
	else
		tree = json_pack("{s:s,s:[s],s:[{s:s,s:s}]}", "kind", "APIVersions", "versions",
				 "v1", "serverAddressByClientCIDRs", "clientCIDR", "0.0.0.0/0",
				 "serverAddress", r->server->address);
	send_tree(r, &media, tree);
}

void discovery_groups(struct request *r)
{
	struct catalog *c CLEANUP(catalog_unref_cleanup) = NULL;
	json_t *tree json_auto = NULL;
	struct media media;

	if (!prepare(r, MEDIA_AS_DISCOVERY, &media, &c))
		return;
	if (media.as == MEDIA_AS_DISCOVERY)
		tree = aggregated_list(each_group(c, aggregated_group));
	else
		tree = json_pack("{s:s,s:s,s:o}", "kind", "APIGroupList", "apiVersion", "v1",
				 "groups", each_group(c, group_row));
	send_tree(r, &media, tree);
}

static void page_not_found(struct request *r)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	str_adds(&text, "404 page not found\n");
	answer_send(r, 404, "text/plain; charset=utf-8", &text);
}

/* A slash too many at the end of GROUP does no harm. */
void discovery_group(struct request *r, const char *group)
{
	char *name free_ptr =
		xasprintf("%.*s", (int)(strlen(group) - str_has_suffix(group, "/")), group);
	struct catalog *c CLEANUP(catalog_unref_cleanup) = NULL;
	json_t *tree json_auto = NULL;
	struct media media;

	if (!prepare(r, 0, &media, &c))
		return;
	tree = *name ? group_row(c, name) : NULL;
	if (!tree) {
		page_not_found(r);
		return;
	}
	json_object_set_new(tree, "kind", json_string("APIGroup"));
	json_object_set_new(tree, "apiVersion", json_string("v1"));
	send_tree(r, &media, tree);
}

void discovery_resources(struct request *r, const struct target *t)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct catalog *c CLEANUP(catalog_unref_cleanup) = NULL;
	json_t *tree json_auto = NULL, *group json_auto = NULL, *list = json_array();
	char *api_version free_ptr =
		*t->group ? xasprintf("%s/%s", t->group, t->version) : xstrdup(t->version);
	struct media media;

	tree = json_pack("{s:s,s:s,s:o}", "kind", "APIResourceList", "groupVersion", api_version,
			 "resources", list);
	/* The oldest of the forms has no apiVersion in core. */
	if (*t->group)
		json_object_set_new(tree, "apiVersion", json_string("v1"));
	if (!prepare(r, 0, &media, &c))
		return;
	for (size_t i = 0; i < catalog_count(c); i++)
		if (strcmp(catalog_at(c, i)->api_version, api_version) == 0)
			add_resource(list, catalog_at(c, i));
	if (json_array_size(list)) {
		if (r->method == METHOD_GET) {
			send_tree(r, &media, tree);
			return;
		}
		resource_no_method(&err);
	} else {
		group = group_row(c, t->group);
		if (!group) {
			page_not_found(r);
			return;
		}
		resource_not_found(&err);
	}
	answer_error(r, err);
}
