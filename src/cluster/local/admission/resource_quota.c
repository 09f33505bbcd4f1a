/*
 * ResourceQuotas: what is written is charged to the quotas of its namespace, in the transaction
 * that writes it. So a quota is never exceeded, however many write at once, and a write that fails
 * costs nothing.
 *
 * Only what a quota's status tells is enforced: the quota controller copies the limits there after
 * it has counted what there is.
 */
#include "cluster/local/admission/plugins.h"

#include "base/mem.h"
#include "kinds/quota.h"
#include "object/apply.h"
#include "object/json.h"
#include "object/quantities.h"
#include "object/time.h"

#include <string.h>

static bool needed(struct admission *a)
{
	const json_t *quotas;

	if (!*a->namespace ||
	    !quota_counts(a->storage, a->subresource, a->operation == ADMIT_CREATE))
		return false;
	quotas = admission_list(a, "", "resourcequotas", a->namespace, NULL);
	return json_array_size(quotas) > 0;
}

static void name_all(const json_t *list, struct str *out)
{
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)list, name, v)
		str_addf(out, "%s%s", out->len ? "," : "", name);
}

static int refuse_exceeded(const struct admission *a, const json_t *quota, const json_t *requested,
			   const json_t *exceeded, struct error **err)
{
	const json_t *lists[] = {requested, json_path(quota, "status.used"),
				 json_path(quota, "status.hard")};
	struct str text[] = {STR_INIT, STR_INIT, STR_INIT};
	int result;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		json_t *masked json_auto = quantities_mask(lists[i], exceeded);

		quantities_format(masked, &text[i]);
	}
	result = admission_forbid(
		a, err, "exceeded quota: %s, requested: %s, used: %s, limited: %s",
		json_path_string(quota, "metadata.name"), text[0].s, text[1].s, text[2].s);
	for (size_t i = 0; i < ARRAY_SIZE(text); i++)
		str_release(&text[i]);
	return result;
}

/* Of REQUESTED what does not go into QUOTA any more. A new list. */
static json_t *exceeded_by(const json_t *quota, const json_t *requested, json_t *used)
{
	json_t *exceeded = json_object(), *v;
	const char *name;

	quantities_add(used, requested);
	json_object_foreach ((json_t *)requested, name, v) {
		struct quantity next = {0}, hard = {0};

		quantities_get(used, name, &next);
		quantities_get(json_path(quota, "status.hard"), name, &hard);
		if (quantity_compare(&next, &hard) > 0)
			json_object_set(exceeded, name, v);
	}
	return exceeded;
}

static int put_quota(struct admission *a, const json_t *quota, json_t *used, struct commit *c,
		     struct error **err)
{
	struct catalog *all CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	const struct resource *r = catalog_find(all, "", "v1", "resourcequotas");
	json_t *after json_auto = json_deep_copy(quota);
	char now[TIME_TEXT];
	struct apply_options opt = {.manager = "kube-apiserver",
				    .api_version = "v1",
				    .subresource = "status",
				    .now = time_format(clock_wall(a->local->clock), now)};

	json_path_set(after, "status.used", json_incref(used));
	if (apply_track_update(quota, after, r->type, &opt, err) < 0)
		return -1;
	commit_also(c, r, after,
		    strtoull(json_path_string(quota, "metadata.resourceVersion"), NULL, 10));
	return 0;
}

/* What a pod must say before a quota can count it. */
static int check_said(const struct admission *a, const json_t *quota, const json_t *covered,
		      struct error **err)
{
	const json_t *used = json_path(quota, "status.used");
	const char *name = json_path_string(quota, "metadata.name"), *resource;
	struct str missing CLEANUP(str_release) = STR_INIT;
	struct str all CLEANUP(str_release) = STR_INIT;
	json_t *v;

	quota_missing(covered, a->storage, a->object, &missing);
	if (missing.len)
		return admission_forbid(a, err, "failed quota: %s: must specify %s", name,
					missing.s);
	name_all(covered, &all);
	json_object_foreach ((json_t *)covered, resource, v)
		if (!json_object_get(used, resource))
			return admission_forbid(
				a, err, "status unknown for quota: %s, resources: %s", name, all.s);
	return 0;
}

static int charge_one(struct admission *a, const json_t *quota, const json_t *delta,
		      struct commit *c, struct error **err)
{
	const json_t *hard = json_path(quota, "status.hard");
	json_t *covered json_auto = quota_covered(hard, a->storage);
	json_t *requested json_auto = NULL;
	json_t *exceeded json_auto = NULL;
	json_t *used json_auto = NULL;

	if (!json_object_size(covered) || !quota_in_scope(quota, a->storage, a->object))
		return 0;
	if (check_said(a, quota, covered, err) < 0)
		return -1;
	requested = quantities_mask(delta, hard);
	if (!json_object_size(requested))
		return 0;
	used = json_deep_copy(json_path(quota, "status.used"));
	exceeded = exceeded_by(quota, requested, used);
	if (json_object_size(exceeded))
		return refuse_exceeded(a, quota, requested, exceeded, err);
	return put_quota(a, quota, used, c, err);
}

static int check_negative(const struct admission *a, const json_t *usage, struct error **err)
{
	struct str names CLEANUP(str_release) = STR_INIT;
	json_t *negative json_auto = json_object();
	struct quantity q;
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)usage, name, v)
		if (quantities_parse(v, &q) && q.nano < 0)
			json_object_set(negative, name, v);
	if (!json_object_size(negative))
		return 0;
	name_all(negative, &names);
	return admission_forbid(a, err, "quota usage is negative for resource(s): %s", names.s);
}

static int charge(struct admission *a, struct commit *c, struct error **err)
{
	int64_t now = clock_wall(a->local->clock);
	const json_t *quotas = admission_list(a, "", "resourcequotas", a->namespace, err);
	json_t *delta json_auto = quota_usage(a->storage, a->object, now);
	json_t *quota;
	size_t i;

	if (!quotas || check_negative(a, delta, err) < 0)
		return -1;
	if (a->old) {
		json_t *before json_auto = quota_usage(a->storage, a->old, now);

		quantities_sub_to_zero(delta, before);
	}
	quantities_drop_zeros(delta);
	json_array_foreach (quotas, i, quota)
		if (charge_one(a, quota, delta, c, err) < 0)
			return -1;
	return 0;
}

const struct admission_plugin admission_resource_quota = {
	.name = "ResourceQuota",
	.operations = ADMIT_CREATE | ADMIT_UPDATE,
	.resources = {"*"},
	.needed = needed,
	.charge = charge,
};
