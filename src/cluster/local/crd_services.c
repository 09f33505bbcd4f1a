/*
 * APIServices of custom resources: one for each version of a group that a definition serves, as
 * kube-apiserver registers them. Those with its label are the server's own and follow the
 * definitions; one of the same name that somebody else has made stays as it is.
 */
#include "cluster/local/private.h"

#include "base/log.h"
#include "cluster/lifecycle.h"
#include "object/json.h"

#include <string.h>

#define GROUP "apiregistration.k8s.io"
#define SERVICES "apiservices"
#define LABEL "kube-aggregator.kubernetes.io/automanaged"
#define GROUP_PRIORITY 1000 /* behind all that are built in */
#define VERSION_PRIORITY 100

void crd_services_add(json_t *wanted, const json_t *crd)
{
	const char *group = json_path_string(crd, "spec.group");
	size_t i;
	json_t *v;

	json_array_foreach (json_path(crd, "spec.versions"), i, v) {
		const char *version = json_path_string(v, "name");
		char *name free_ptr = xasprintf("%s.%s", version, group);

		if (json_path_bool(v, "served", false))
			json_object_set_new(
				wanted, name,
				json_pack("{s:{s:s,s:{s:s}},s:{s:s,s:s,s:i,s:i}}", "metadata",
					  "name", name, "labels", LABEL, "true", "spec", "group",
					  group, "version", version, "groupPriorityMinimum",
					  GROUP_PRIORITY, "versionPriority", VERSION_PRIORITY));
	}
}

static bool add_registered(void *arg, const char *json, size_t len)
{
	json_t *service = json_read(json, len, NULL);

	if (service)
		json_object_set_new(arg, json_path_string(service, "metadata.name"), service);
	return true;
}

/* OLD, which is not as WANTED (NULL: at all), gets so. */
static int change(struct local *l, const struct resource *r, const json_t *old,
		  const json_t *wanted, struct commit *c, struct error **err)
{
	static const struct delete_options plain = {.grace_period_s = -1};
	json_t *tree json_auto = json_deep_copy(old);
	uint64_t revision;

	if (revision_parse(json_path_string(old, "metadata.resourceVersion"), &revision, err) < 0)
		return -1;
	if (wanted) {
		json_object_set(tree, "spec", json_object_get(wanted, "spec"));
		return bootstrap_add(l, r, old, tree, NULL, revision, c, err);
	}
	switch (lifecycle_delete(tree, r, &plain, clock_wall(l->clock))) {
	case DELETION_NOW:
		commit_delete(c, r, tree, revision);
		break;
	case DELETION_MARKED:
		commit_also(c, r, tree, revision);
		break;
	case DELETION_PENDING:
		break;
	}
	return 0;
}

static int follow(struct local *l, json_t *wanted, json_t *registered, struct error **err)
{
	const struct resource *r = catalog_find(l->catalog, GROUP, NULL, SERVICES);
	const struct list_options opt = {.label_selector = LABEL "=true"};
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	struct commit c CLEANUP(commit_release) = {0};
	size_t failed;
	const char *name;
	json_t *service;

	if (local_list(&l->base, NULL, r, "", &opt, add_registered, registered, &meta, err) < 0)
		return -1;
	json_object_foreach (registered, name, service) {
		const json_t *want = json_object_get(wanted, name);

		if (!(want && json_equal(json_object_get(want, "spec"),
					 json_object_get(service, "spec"))) &&
		    change(l, r, service, want, &c, err) < 0)
			return -1;
	}
	json_object_foreach (wanted, name, service)
		if (!json_object_get(registered, name) &&
		    bootstrap_missing(l, GROUP, SERVICES, NULL, service, &c, err) < 0)
			return -1;
	return c.n ? commit_run(l, &c, NULL, &failed, err) : 0;
}

void crd_services_follow(struct local *l, json_t *wanted)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *registered json_auto = json_object();

	if (follow(l, wanted, registered, &err) < 0)
		log_warn("APIServices of custom resources wait for the next definition: %s",
			 error_message(err));
}
