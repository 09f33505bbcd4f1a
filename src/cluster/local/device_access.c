/*
 * Devices are used as an administrator uses them only in namespaces that are labelled for it:
 * asked of a new claim or template, and of what is newly allocated to a claim.
 */
#include "cluster/local/policies.h"
#include "cluster/local/private.h"

#include "object/json.h"

#include <string.h>

#define LABEL "resource.kubernetes.io/admin-access"

static bool namespace_allows(const struct write *w)
{
	struct object *o CLEANUP(object_unref_cleanup) = local_read(
		w->l, catalog_find(w->l->catalog, "", "v1", "namespaces"), "", w->namespace, NULL);
	json_t *tree json_auto = o ? object_tree(o) : NULL;

	return strcmp(json_path_string(tree, "metadata.labels[" LABEL "]"), "true") == 0;
}

/* Index of the first of LIST whose member AT is true; its size: none is. */
static size_t find_admin(const json_t *list, const char *at)
{
	size_t i = 0;

	while (i < json_array_size(list) && !json_path_bool(json_array_get(list, i), at, false))
		i++;
	return i;
}

static void check_list(const struct write *w, const struct field *shown, const json_t *list,
		       const char *at)
{
	size_t i = find_admin(list, at);

	if (i < json_array_size(list) && !namespace_allows(w))
		field_forbidden(FIELD(FIELD_INDEX(shown, i), "adminAccess"),
				"admin access to devices requires the `" LABEL
				": true` label on the containing namespace");
}

void check_device_access(const struct write *w, const struct field *object, const json_t *old)
{
	static const char results[] = "status.allocation.devices.results";
	const struct resource *r = w->storage;
	bool claim = strcmp(r->plural, "resourceclaims") == 0;
	const json_t *before = json_path(old, results), *list;

	if (strcmp(r->group, "resource.k8s.io") != 0 ||
	    (!claim && strcmp(r->plural, "resourceclaimtemplates") != 0))
		return;
	if (!old) {
		list = json_path(object->value,
				 claim ? "spec.devices.requests" : "spec.spec.devices.requests");
		check_list(w, FIELD(object, "spec.devices.requests"), list, "exactly.adminAccess");
	} else if (w->subresource && find_admin(before, "adminAccess") == json_array_size(before)) {
		list = json_path(object->value, results);
		check_list(w, FIELD(object, results), list, "adminAccess");
	}
}
