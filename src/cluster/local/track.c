/*
 * Who owns what a write changed: metadata.managedFields, kept before admission runs, and the fields
 * that an API server puts back whatever a write says of them (the strategies' reset fields), which
 * nobody gets to own by that write.
 */
#include "cluster/local/private.h"

#include "base/mem.h"
#include "cluster/patching.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

static const char *const status_only[] = {"status", NULL};
static const char *const spec_only[] = {"spec", NULL};
static const char *const spec_and_metadata[] = {"spec", "metadata", NULL};
static const char *const deployment_status[] = {"spec", "metadata.labels", NULL};
static const char *const pod_status[] = {"spec", "metadata.deletionTimestamp",
					 "metadata.ownerReferences", NULL};
static const char *const request_main[] = {"spec", "status", NULL};
static const char *const request_status[] = {"spec", "status.conditions", NULL};
static const char *const request_approval[] = {"spec", "status.certificate", NULL};
static const char *const nothing[] = {NULL};

/* What differs from the rule: a write of the object keeps its status, one of the status the spec.
 */
static const struct {
	const char *group, *plural, *subresource;
	const char *const *paths;
} resets[] = {
	{"", "pods", "binding", nothing},
	{"", "pods", "status", pod_status},
	{"admissionregistration.k8s.io", "validatingadmissionpolicies", "status",
	 spec_and_metadata},
	{"apiextensions.k8s.io", "customresourcedefinitions", "status", spec_and_metadata},
	{"apiregistration.k8s.io", "apiservices", "status", spec_and_metadata},
	{"apps", "deployments", "status", deployment_status},
	{"certificates.k8s.io", "certificatesigningrequests", "", request_main},
	{"certificates.k8s.io", "certificatesigningrequests", "status", request_status},
	{"certificates.k8s.io", "certificatesigningrequests", "approval", request_approval},
	{"flowcontrol.apiserver.k8s.io", "flowschemas", "status", spec_and_metadata},
	{"flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", "status",
	 spec_and_metadata},
	{"networking.k8s.io", "servicecidrs", "status", spec_and_metadata},
	{"resource.k8s.io", "resourceclaims", "status", spec_and_metadata},
	{"storage.k8s.io", "volumeattachments", "status", spec_and_metadata},
};

const char *const *reset_paths(const struct resource *r, const char *subresource)
{
	const char *sub = subresource ? subresource : "";

	for (size_t i = 0; i < ARRAY_SIZE(resets); i++)
		if (!strcmp(resets[i].group, r->group) && !strcmp(resets[i].plural, r->plural) &&
		    !strcmp(resets[i].subresource, sub))
			return resets[i].paths;
	if (!strcmp(sub, "status"))
		return r->custom ? spec_and_metadata : spec_only;
	return resource_subresource(r, "status") ? status_only : nothing;
}

const char *const *kept_paths(const struct resource *r, const char *subresource)
{
	const char *const *reset = reset_paths(r, subresource);

	/* The signer of a request may say why it does not sign. */
	return reset == request_status ? spec_only : reset;
}

/* The versions that entries of other versions are compared in. */
struct versions {
	const struct write *w;
	struct catalog *catalog;
	struct error *why; /* a webhook has not converted */
};

/* TREE, which is of the request's version, in API_VERSION. */
static json_t *in_version(void *arg, const json_t *tree, const char *api_version,
			  const struct schema_type **type)
{
	struct versions *v = arg;
	const char *slash = strchr(api_version, '/');
	char *group free_ptr =
		xasprintf("%.*s", (int)(slash ? slash - api_version : 0), api_version);
	const struct resource *r =
		catalog_find(v->catalog, group, slash ? slash + 1 : api_version, v->w->r->plural);
	json_t *copy json_auto = NULL;

	if (!r || v->why || strcmp(r->storage_group, v->w->r->storage_group))
		return NULL;
	copy = json_deep_copy(tree);
	/* Versions of custom resources are converted from any to any. */
	if ((!r->custom && convert_to_storage(&v->w->errand, v->w->r, copy, &v->why) < 0) ||
	    convert_from_storage(&v->w->errand, r, copy, &v->why) < 0)
		return NULL;
	*type = r->type;
	return steal(&copy);
}

/* TREE as R, a built-in type, shows it; a new reference, or a new tree where that is not how it is
 * stored. */
static json_t *as_shown(const struct write *w, const json_t *tree)
{
	json_t *copy;

	if (!tree || w->storage == w->r)
		return json_incref((json_t *)tree);
	copy = json_deep_copy(tree);
	convert_from_storage(&w->errand, w->r, copy, NULL);
	return copy;
}

static struct apply_options track_options(const struct write *w, const char *manager, char *now)
{
	return (struct apply_options){
		.manager = manager,
		.api_version = w->r->api_version,
		.kind = w->r->kind,
		.subresource = w->subresource ? w->subresource : "",
		.force = w->opt->force,
		.now = time_format(clock_wall(w->l->clock), now),
		.reset = reset_paths(w->r, w->subresource),
	};
}

int track_update(const struct write *w, const json_t *old, json_t *tree, struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(&w->l->base, w->call, err);
	char *manager free_ptr = write_manager(w->call, w->opt);
	char now[TIME_TEXT];
	struct apply_options opt = track_options(w, manager, now);
	struct versions versions = {.w = w, .catalog = catalog};
	json_t *before json_auto = as_shown(w, old);
	json_t *after json_auto = as_shown(w, tree);

	if (!catalog)
		return -1;
	opt.convert = in_version;
	opt.convert_arg = &versions;
	if (apply_track_update(before, after, w->r->type, &opt, err) < 0) {
		error_free(versions.why);
		return -1;
	}
	if (versions.why)
		return error_move(err, versions.why);
	if (after != tree && json_path(after, "metadata.managedFields"))
		json_path_set(tree, "metadata.managedFields",
			      json_incref(json_path(after, "metadata.managedFields")));
	else if (after != tree)
		json_path_del(tree, "metadata.managedFields");
	return 0;
}

json_t *track_apply(const struct write *w, const json_t *live, const json_t *config,
		    struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(&w->l->base, w->call, err);
	char *manager free_ptr = write_manager(w->call, w->opt);
	char now[TIME_TEXT];
	struct apply_options opt = track_options(w, manager, now);
	struct versions versions = {.w = w, .catalog = catalog};
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	json_t *next json_auto = NULL;

	if (!catalog)
		return NULL;
	opt.convert = in_version;
	opt.convert_arg = &versions;
	next = apply_patch(live, config, w->r->type, &opt, &why);
	if (versions.why || why) {
		error_move(err, versions.why ? versions.why : steal(&why));
		return NULL;
	}
	return steal(&next);
}

static bool same_entries(const json_t *a, const json_t *b)
{
	size_t i;
	json_t *entry;

	if (json_array_size(a) != json_array_size(b))
		return false;
	json_array_foreach ((json_t *)a, i, entry) {
		json_t *one json_auto = json_copy(entry);
		json_t *other json_auto = json_copy(json_array_get(b, i));

		json_object_del(one, "time");
		json_object_del(other, "time");
		if (!json_equal(one, other))
			return false;
	}
	return true;
}

bool track_unchanged(const json_t *old, json_t *tree)
{
	static const char path[] = "metadata.managedFields";
	json_t *mine json_auto = json_incref(json_path(tree, path));
	json_t *last = json_path(old, path);
	bool same;

	if (!mine || !last || !same_entries(last, mine))
		return json_equal(old, tree);
	json_path_set(tree, path, json_incref(last));
	same = json_equal(old, tree);
	if (!same)
		json_path_set(tree, path, json_incref(mine));
	return same;
}
