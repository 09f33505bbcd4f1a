/*
 * ResourceClaim, ResourceClaimTemplate and DeviceClass: which devices a pod asks for, and what all
 * devices of one kind have alike.
 */
#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define LIST_MAX 32
#define ALTERNATIVES_MAX 8
#define CONSUMERS_MAX 256
#define CONDITIONS_MAX 8
#define IPS_MAX 16
#define INTERFACE_MAX 256
#define HARDWARE_MAX 128

static void fill_count(json_t *request)
{
	if (strcmp(json_path_string(request, "allocationMode"), "ExactCount") == 0 &&
	    !json_path_int(request, "count", 0))
		json_object_set_new(request, "count", json_integer(1));
}

static void fill_requests(json_t *list)
{
	size_t i, j;
	json_t *request, *alternative;

	json_array_foreach (list, i, request) {
		fill_count(json_object_get(request, "exactly"));
		json_array_foreach (json_object_get(request, "firstAvailable"), j, alternative)
			fill_count(alternative);
	}
}

static void claim_defaults(json_t *object)
{
	fill_requests(json_path(object, "spec.devices.requests"));
}

static void template_defaults(json_t *object)
{
	fill_object(fill_spec(object), "spec");
	fill_requests(json_path(object, "spec.spec.devices.requests"));
}

static void check_count(const struct field *f)
{
	static const char *const modes[] = {"All", "ExactCount", NULL};
	const struct field *mode = FIELD(f, "allocationMode"), *count = FIELD(f, "count");

	if (field_is(mode, "All") && field_int(count))
		field_invalid_int(count, field_int(count),
				  "must not be specified when allocationMode is 'All'");
	else if (field_is(mode, "ExactCount") && field_int(count) <= 0)
		field_invalid_int(count, field_int(count), "must be greater than zero");
	else if (!text_is_one_of(field_text(mode), modes))
		field_not_supported(mode, modes);
}

/* What an exact request and an alternative say alike. */
static void check_wish(const struct field *f)
{
	if (field_require(FIELD(f, "deviceClassName")))
		field_check(FIELD(f, "deviceClassName"), name_dns_subdomain);
	rule_device_selectors(FIELD(f, "selectors"));
	check_count(f);
	rule_device_tolerations(FIELD(f, "tolerations"));
}

static void check_alternatives(const struct field *list)
{
	struct seen names CLEANUP(seen_release) = SEEN_INIT;

	if (!rule_count_limit(list, ALTERNATIVES_MAX))
		return;
	field_each (list, a) {
		field_check(FIELD(&a, "name"), name_dns_label);
		check_wish(&a);
		if (seen_add(&names, field_text(FIELD(&a, "name"))))
			field_duplicate_text(&a, field_text(FIELD(&a, "name")));
	}
}

static void check_request(const struct field *f)
{
	const struct field *exactly = FIELD(f, "exactly"), *first = FIELD(f, "firstAvailable");

	field_check(FIELD(f, "name"), name_dns_label);
	if (field_size(first) && field_set(exactly))
		field_invalid_json(f, NULL,
				   "exactly one of `exactly` or `firstAvailable` is required, but "
				   "multiple fields are set");
	else if (field_size(first))
		check_alternatives(first);
	else if (field_set(exactly))
		check_wish(exactly);
	else
		field_required(f, "exactly one of `exactly` or `firstAvailable` is required");
}

/* Names of requests, and "REQUEST/ALTERNATIVE". */
static void note_names(const struct field *requests, struct seen *names)
{
	field_each (requests, r) {
		const char *name = field_text(FIELD(&r, "name"));

		seen_add(names, name);
		field_each (FIELD(&r, "firstAvailable"), a) {
			char *both free_ptr =
				xasprintf("%s/%s", name, field_text(FIELD(&a, "name")));

			seen_add(names, both);
		}
	}
}

static void check_reference(const struct field *f, const struct seen *names)
{
	static const char why[] = "must be the name of a request in the claim or the name of a "
				  "request and a subrequest separated by '/'";
	const char *text = field_text(f), *slash = strchr(text, '/');
	char *head free_ptr = xstrndup(text, strcspn(text, "/"));

	if (slash && strchr(slash + 1, '/')) {
		field_invalid(f, why);
		return;
	}
	field_check_text(f, head, name_dns_label);
	if (slash)
		field_check_text(f, slash + 1, name_dns_label);
	if (!seen_has(names, text))
		field_invalid_text(f, text, why);
}

static void check_references(const struct field *list, const struct seen *names)
{
	struct seen met CLEANUP(seen_release) = SEEN_INIT;

	if (!rule_count_limit(list, LIST_MAX))
		return;
	field_each (list, r) {
		check_reference(&r, names);
		if (seen_add(&met, field_text(&r)))
			field_duplicate(&r);
	}
}

static void check_constraint(const struct field *f, const struct seen *names)
{
	const struct field *match = FIELD(f, "matchAttribute");
	const struct field *distinct = FIELD(f, "distinctAttribute");

	check_references(FIELD(f, "requests"), names);
	if (field_set(match))
		rule_device_attribute_name(match, field_text(match), true);
	else if (field_set(distinct))
		rule_device_attribute_name(distinct, field_text(distinct), true);
	else
		field_required(f, "exactly one of \"matchAttribute\" or \"distinctAttribute\" is "
				  "required, but multiple fields are set");
}

static void check_claim(const struct field *spec)
{
	const struct field *devices = FIELD(spec, "devices");
	const struct field *requests = FIELD(devices, "requests");
	const struct field *constraints = FIELD(devices, "constraints");
	const struct field *config = FIELD(devices, "config");
	struct seen names CLEANUP(seen_release) = SEEN_INIT, met CLEANUP(seen_release) = SEEN_INIT;

	note_names(requests, &names);
	if (rule_count_limit(requests, LIST_MAX))
		field_each (requests, r) {
			const char *name = field_text(FIELD(&r, "name"));

			check_request(&r);
			if (seen_add(&met, name))
				field_duplicate_text(&r, name);
		}
	if (rule_count_limit(constraints, LIST_MAX))
		field_each (constraints, c)
			check_constraint(&c, &names);
	if (rule_count_limit(config, LIST_MAX))
		field_each (config, c) {
			check_references(FIELD(&c, "requests"), &names);
			rule_device_config(&c);
		}
}

static void validate_claim(const struct field *o, const struct field *old)
{
	if (old)
		field_immutable(FIELD(o, "spec"), FIELD(old, "spec"));
	else
		check_claim(FIELD(o, "spec"));
}

static void check_consumers(const struct field *status, const struct field *old, bool deleted)
{
	const struct field *list = FIELD(status, "reservedFor");
	struct seen met CLEANUP(seen_release) = SEEN_INIT, before CLEANUP(seen_release) = SEEN_INIT;
	bool more = false;

	field_each (FIELD(old, "reservedFor"), c)
		seen_add(&before, field_text(FIELD(&c, "uid")));
	if (!rule_count_limit(list, CONSUMERS_MAX))
		return;
	field_each (list, c) {
		const char *uid = field_text(FIELD(&c, "uid"));

		field_require(FIELD(&c, "resource"));
		field_require(FIELD(&c, "name"));
		field_require(FIELD(&c, "uid"));
		more = more || !seen_has(&before, uid);
		if (seen_add(&met, uid))
			field_duplicate_text(&c, uid);
	}
	if (field_size(list) && !field_set(FIELD(status, "allocation")))
		field_forbidden(list, "may not be specified when `allocated` is not set");
	else if (more && deleted)
		field_forbidden(list, "new entries may not be added while `deallocationRequested` "
				      "or `deletionTimestamp` are set");
}

static void check_result(const struct field *f, const struct seen *names)
{
	check_reference(FIELD(f, "request"), names);
	rule_csi_driver_name(FIELD(f, "driver"));
	rule_device_pool(FIELD(f, "pool"));
	field_check(FIELD(f, "device"), name_dns_label);
	rule_device_bindings(f);
	rule_uid(FIELD(f, "shareID"));
}

static void check_allocation(const struct field *f, const struct seen *names)
{
	static const char *const sources[] = {"FromClaim", "FromClass", NULL};
	const struct field *results = FIELD(f, "devices.results");
	const struct field *config = FIELD(f, "devices.config");

	if (rule_count_limit(results, LIST_MAX))
		field_each (results, r)
			check_result(&r, names);
	if (rule_count_limit(config, 2 * LIST_MAX))
		field_each (config, c) {
			field_one_of_required(FIELD(&c, "source"), sources);
			check_references(FIELD(&c, "requests"), names);
			rule_device_config(&c);
		}
	if (field_set(FIELD(f, "nodeSelector")))
		rule_node_selector(FIELD(f, "nodeSelector"));
}

/* Driver, pool and device, and the share of it, that DEVICE means. The caller frees. */
static char *device_key(const json_t *device)
{
	return xasprintf("%s\n%s\n%s\n%s", json_path_string(device, "driver"),
			 json_path_string(device, "pool"), json_path_string(device, "device"),
			 json_path_string(device, "shareID"));
}

static void note_allocated(const json_t *claim, struct seen *keys)
{
	size_t i;
	json_t *result;

	json_array_foreach (json_path(claim, "status.allocation.devices.results"), i, result) {
		char *key free_ptr = device_key(result);

		seen_add(keys, key);
	}
}

/* What drivers said of devices that the claim has given up goes with them. */
static void claim_prepare(json_t *object, const json_t *old)
{
	struct seen before CLEANUP(seen_release) = SEEN_INIT, now CLEANUP(seen_release) = SEEN_INIT;
	json_t *list = json_path(object, "status.devices");

	if (!old || !json_array_size(list))
		return;
	note_allocated(old, &before);
	note_allocated(object, &now);
	for (size_t i = json_array_size(list); i-- > 0;) {
		char *key free_ptr = device_key(json_array_get(list, i));

		if (seen_has(&before, key) && !seen_has(&now, key))
			json_array_remove(list, i);
	}
	if (!json_array_size(list))
		json_path_del(object, "status.devices");
}

static json_t *device_shown(const struct field *f)
{
	return json_pack("{s:s,s:s,s:s}", "Driver", field_text(FIELD(f, "driver")), "Pool",
			 field_text(FIELD(f, "pool")), "Device", field_text(FIELD(f, "device")));
}

static void check_network(const struct field *f)
{
	const struct field *interface = FIELD(f, "interfaceName"), *ips = FIELD(f, "ips");
	const struct field *hardware = FIELD(f, "hardwareAddress");
	struct seen met CLEANUP(seen_release) = SEEN_INIT;

	if (strlen(field_text(interface)) > INTERFACE_MAX)
		field_too_long(interface, INTERFACE_MAX);
	if (strlen(field_text(hardware)) > HARDWARE_MAX)
		field_too_long(hardware, HARDWARE_MAX);
	if (!rule_count_limit(ips, IPS_MAX))
		return;
	field_each (ips, ip) {
		rule_interface_address(&ip);
		if (seen_add(&met, field_text(&ip)))
			field_duplicate(&ip);
	}
}

/* What a driver says of a device that the claim has. */
static void check_device(const struct field *f, const struct seen *allocated, const char *key)
{
	rule_csi_driver_name(FIELD(f, "driver"));
	rule_device_pool(FIELD(f, "pool"));
	field_check(FIELD(f, "device"), name_dns_label);
	rule_uid(FIELD(f, "shareID"));
	if (!seen_has(allocated, key)) {
		json_t *shown json_auto = device_shown(f);

		field_invalid_json(f, shown, "must be an allocated device in the claim");
	}
	rule_count_limit(FIELD(f, "conditions"), CONDITIONS_MAX);
	rule_conditions(FIELD(f, "conditions"));
	if (FIELD(f, "data")->value)
		rule_raw_object(FIELD(f, "data"));
	check_network(FIELD(f, "networkData"));
}

static void check_devices(const struct field *status)
{
	struct seen allocated CLEANUP(seen_release) = SEEN_INIT,
			      met CLEANUP(seen_release) = SEEN_INIT;
	const struct field *results = FIELD(status, "allocation.devices.results");
	const struct field *list = FIELD(status, "devices");

	field_each (results, r) {
		char *key free_ptr = device_key(r.value);

		seen_add(&allocated, key);
	}
	field_each (list, d) {
		char *key free_ptr = device_key(d.value);

		check_device(&d, &allocated, key);
		if (seen_add(&met, key))
			field_duplicate(&d);
	}
}

static void validate_claim_subresource(const struct field *o, const struct field *old,
				       const char *name)
{
	const struct field *status = FIELD(o, "status"), *was = FIELD(old, "status");
	const struct field *allocation = FIELD(status, "allocation");
	struct seen names CLEANUP(seen_release) = SEEN_INIT;

	if (strcmp(name, "status")) {
		validate_claim(o, old);
		return;
	}
	note_names(FIELD(o, "spec.devices.requests"), &names);
	check_consumers(status, was, field_set(FIELD(o, "metadata.deletionTimestamp")));
	check_devices(status);
	if (field_set(allocation) && field_set(FIELD(was, "allocation")))
		field_immutable(allocation, FIELD(was, "allocation"));
	else if (field_set(allocation))
		check_allocation(allocation, &names);
}

static void validate_template(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec");

	if (old) {
		field_immutable(spec, FIELD(old, "spec"));
		return;
	}
	rule_template_metadata(FIELD(spec, "metadata"));
	check_claim(FIELD(spec, "spec"));
}

static void validate_class(const struct field *o, const struct field *old)
{
	const struct field *spec = FIELD(o, "spec"), *config = FIELD(spec, "config");
	const struct field *name = FIELD(spec, "extendedResourceName");

	(void)old;
	rule_device_selectors(FIELD(spec, "selectors"));
	if (rule_count_limit(config, LIST_MAX))
		field_each (config, c)
			rule_device_config(&c);
	if (field_set(name) && !resource_is_extended(field_text(name)))
		field_invalid(name, "must be a valid extended resource name");
}

const struct kind kind_resourceclaim = {
	.group = "resource.k8s.io",
	.kind = "ResourceClaim",
	.set_defaults = claim_defaults,
	.prepare = claim_prepare,
	.validate = validate_claim,
	.validate_subresource = validate_claim_subresource,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
};
const struct kind kind_resourceclaimtemplate = {
	.group = "resource.k8s.io",
	.kind = "ResourceClaimTemplate",
	.set_defaults = template_defaults,
	.validate = validate_template,
	.no_generation = true,
};
const struct kind kind_deviceclass = {
	.group = "resource.k8s.io",
	.kind = "DeviceClass",
	.validate = validate_class,
	.metadata = METADATA_WHOLE,
};
