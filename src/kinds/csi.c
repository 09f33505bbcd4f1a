/*
 * What CSI drivers tell of themselves: the driver, what a node has of it, and room that is left.
 */
#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

#include <string.h>

#define NODE_ID_MAX 256

static void check_tokens(const struct field *f)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (f, t) {
		const struct field *audience = FIELD(&t, "audience");
		const struct field *seconds = FIELD(&t, "expirationSeconds");

		if (seen_add(&seen, field_text(audience))) {
			field_duplicate_text(audience, field_text(audience));
			continue;
		}
		if (field_set(seconds) && field_int(seconds) < 600)
			field_invalid(seconds, "may not specify a duration less than 10 minutes");
		if (field_int(seconds) > 1ll << 32)
			field_invalid(seconds,
				      "may not specify a duration larger than 2^32 seconds");
	}
}

static void validate_driver(const struct field *o, const struct field *old)
{
	static const char *const policies[] = {"File", "None", "ReadWriteOnceWithFSType", NULL};
	static const char *const modes[] = {"Persistent", "Ephemeral", NULL};
	const struct field *spec = FIELD(o, "spec"), *list = FIELD(spec, "volumeLifecycleModes");
	const struct field *period = FIELD(spec, "nodeAllocatableUpdatePeriodSeconds");
	const struct field *in_secrets = FIELD(spec, "serviceAccountTokenInSecrets");
	struct field attach = *FIELD(spec, "attachRequired");

	if (field_set(FIELD(spec, "fsGroupPolicy")))
		field_one_of(FIELD(spec, "fsGroupPolicy"), policies);
	check_tokens(FIELD(spec, "tokenRequests"));
	field_each (list, mode)
		if (!text_is_one_of(field_text(&mode), modes))
			field_not_supported_text(list, field_text(&mode), modes);
	if (field_set(period) && field_int(period) < 10)
		field_invalid(period, "must be greater than or equal to 10 seconds");
	if (field_set(in_secrets) && !field_size(FIELD(spec, "tokenRequests")))
		field_invalid(in_secrets, "serviceAccountTokenInSecrets is set but no "
					  "tokenRequests are specified");
	if (!old)
		return;
	attach.name = "attachedRequired";
	field_immutable(&attach, FIELD(old, "spec.attachRequired"));
	field_immutable(list, FIELD(old, "spec.volumeLifecycleModes"));
}

static void warn_driver(const struct field *o, const struct field *old)
{
	const struct field *tokens = FIELD(o, "spec.tokenRequests");

	if (!field_size(tokens) || field_set(FIELD(o, "spec.serviceAccountTokenInSecrets")) ||
	    (old && field_same(tokens, FIELD(old, "spec.tokenRequests"))))
		return;
	field_warn(o,
		   "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, "
		   "set to true to prevent possible logging of tokens in volume attributes");
}

static bool driver_grows(const json_t *object, const json_t *old)
{
	const json_t *now = json_object_get(object, "spec"), *was = json_object_get(old, "spec");

	return now && was && !json_equal(now, was);
}

static void check_node_driver(const struct field *d, struct seen *names)
{
	const struct field *name = FIELD(d, "name"), *id = FIELD(d, "nodeID");
	const struct field *keys = FIELD(d, "topologyKeys");
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	rule_csi_driver_name(name);
	if (!*field_text(id))
		field_required(id, NULL);
	else if (strlen(field_text(id)) > NODE_ID_MAX)
		field_invalid(id, "must be 256 characters or less");
	field_not_negative(FIELD(d, "allocatable.count"));
	if (seen_add(names, field_text(name)))
		field_duplicate(name);
	field_each (keys, key) {
		if (!*field_text(&key))
			field_required(d, NULL);
		if (seen_add(&seen, field_text(&key)))
			field_duplicate_text(d, field_text(&key));
		field_check_text(d, field_text(&key), name_qualified);
	}
}

static bool same_but_allocatable(const json_t *a, const json_t *b)
{
	json_t *x json_auto = json_copy((json_t *)a);
	json_t *y json_auto = json_copy((json_t *)b);

	json_object_del(x, "allocatable");
	json_object_del(y, "allocatable");
	return json_equal(x, y);
}

static void validate_node(const struct field *o, const struct field *old)
{
	const struct field *drivers = FIELD(FIELD(o, "spec"), "drivers");
	const struct field *was = old ? FIELD(old, "spec.drivers") : NULL;
	struct seen names CLEANUP(seen_release) = SEEN_INIT;

	field_each (drivers, d) {
		check_node_driver(&d, &names);
		if (!was)
			continue;
		field_each (was, before)
			if (field_same(FIELD(&d, "name"), FIELD(&before, "name")) &&
			    !same_but_allocatable(d.value, before.value))
				field_invalid_json(drivers, d.value, "field is immutable");
	}
}

static void validate_capacity(const struct field *o, const struct field *old)
{
	const struct field *topology = FIELD(o, "nodeTopology");
	const struct field *class = FIELD(o, "storageClassName");

	if (old) {
		field_immutable(topology, FIELD(old, "nodeTopology"));
		field_immutable(class, FIELD(old, "storageClassName"));
	}
	rule_label_selector(topology);
	field_check(class, name_dns_subdomain);
	rule_quantity_not_negative(FIELD(o, "capacity"));
}

static void warn_capacity(const struct field *o, const struct field *old)
{
	(void)old;
	warn_node_label_selector(FIELD(o, "nodeTopology"));
}

const struct kind kind_csidriver = {
	.group = "storage.k8s.io",
	.kind = "CSIDriver",
	.validate = validate_driver,
	.warn = warn_driver,
	.no_generation = true,
	.generation_grows = driver_grows,
};
const struct kind kind_csinode = {
	.group = "storage.k8s.io",
	.kind = "CSINode",
	.validate = validate_node,
	.no_generation = true,
	.metadata = METADATA_WHOLE | METADATA_NO_CHANGES,
};
const struct kind kind_csistoragecapacity = {
	.group = "storage.k8s.io",
	.kind = "CSIStorageCapacity",
	.validate = validate_capacity,
	.warn = warn_capacity,
	.no_generation = true,
	.metadata = METADATA_WHOLE,
};
