/*
 * Who makes an object go with its owner could have deleted it; who makes it hold its owner up could
 * have held the owner up himself. (What is created may have any owner: it need not have been.)
 */
#include "cluster/local/admission/plugins.h"

#include "object/json.h"

#include <string.h>

static bool same_references(const json_t *a, const json_t *b)
{
	return json_array_size(a) == json_array_size(b) &&
	       (!json_array_size(a) || json_equal(a, b));
}

static int check_delete(const struct admission *a, struct error **err)
{
	const struct access access = {.user = admission_user(a),
				      .verb = "delete",
				      .group = a->resource->group,
				      .version = a->resource->version,
				      .resource = a->resource->plural,
				      .subresource = a->subresource,
				      .namespace = a->namespace,
				      .name = a->name};
	struct str reason CLEANUP(str_release) = STR_INIT;

	if (cluster_authorize(&a->local->base, &access, &reason))
		return 0;
	return admission_forbid(a, err, "cannot set an ownerRef on a resource you can't delete: %s",
				reason.s);
}

static bool blocks(const json_t *ref)
{
	return json_path_bool(ref, "blockOwnerDeletion", false);
}

static bool blocked_before(const json_t *old, const json_t *ref)
{
	json_t *was;
	size_t i;

	json_array_foreach ((json_t *)old, i, was)
		if (blocks(was) &&
		    strcmp(json_path_string(was, "uid"), json_path_string(ref, "uid")) == 0)
			return true;
	return false;
}

static int check_owner(const struct admission *a, struct catalog *catalog, const json_t *ref,
		       struct error **err)
{
	const char *version = json_path_string(ref, "apiVersion");
	const char *kind = json_path_string(ref, "kind");
	const struct resource *r = catalog_find_kind(catalog, version, kind);
	struct str reason CLEANUP(str_release) = STR_INIT;
	struct access access = {.user = admission_user(a),
				.verb = "update",
				.subresource = "finalizers",
				.name = json_path_string(ref, "name")};

	if (!r)
		return admission_forbid(a, err,
					"cannot set blockOwnerDeletion in this case because "
					"cannot find RESTMapping for APIVersion %s Kind %s",
					version, kind);
	access.group = r->group;
	access.version = r->version;
	access.resource = r->plural;
	access.namespace = r->namespaced ? a->namespace : "";
	if (cluster_authorize(&a->local->base, &access, &reason))
		return 0;
	return admission_forbid(a, err,
				"cannot set blockOwnerDeletion if an ownerReference refers to a "
				"resource you can't set finalizers on: %s",
				reason.s);
}

static int validate(struct admission *a, struct error **err)
{
	static const char path[] = "metadata.ownerReferences";
	const json_t *now = json_path(a->object, path), *was = json_path(a->old, path);
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = NULL;
	json_t *ref;
	size_t i;

	if (strcmp(a->target.s, "pods/status") == 0 || same_references(now, was))
		return 0;
	if (a->operation == ADMIT_UPDATE && check_delete(a, err) < 0)
		return -1;
	catalog = cluster_catalog(&a->local->base, a->call, err);
	json_array_foreach ((json_t *)now, i, ref)
		if (blocks(ref) && !blocked_before(was, ref) &&
		    check_owner(a, catalog, ref, err) < 0)
			return -1;
	return 0;
}

const struct admission_plugin admission_owner_references = {
	.name = "OwnerReferencesPermissionEnforcement",
	.off = true,
	.operations = ADMIT_CREATE | ADMIT_UPDATE,
	.resources = {"*"},
	.validate = validate,
};
