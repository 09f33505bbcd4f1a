/* What may be written to the status of a pod. */
#include "kinds/pod.h"

#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define HEALTH_MESSAGE_MAX 1024

/* The action of the first of a container's rules that is about CODE; "": none is. */
static const char *restart_action(const json_t *container, json_int_t code)
{
	json_t *rule, *v;
	size_t i, j;

	json_array_foreach (json_object_get(container, "restartPolicyRules"), i, rule) {
		bool in = false;

		json_array_foreach (json_path(rule, "exitCodes.values"), j, v)
			in = in || json_integer_value(v) == code;
		if (json_path(rule, "exitCodes") &&
		    in == (strcmp(json_path_string(rule, "exitCodes.operator"), "In") == 0))
			return json_path_string(rule, "action");
	}
	return "";
}

static bool may_restart(const json_t *container, const char *policy, json_int_t code)
{
	const char *own = json_path_string(container, "restartPolicy");

	if (*own && *restart_action(container, code))
		return true;
	if (*own)
		policy = own;
	return strcmp(policy, "Never") && (code || strcmp(policy, "OnFailure"));
}

static bool any_restarts_all(const struct field *spec)
{
	static const char *const lists[] = {"initContainers", "containers"};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct field *list = FIELD(spec, lists[i]);

		field_each (list, c) {
			const struct field *rules = FIELD(&c, "restartPolicyRules");

			field_each (rules, rule)
				if (field_is(FIELD(&rule, "action"), "RestartAllContainers"))
					return true;
		}
	}
	return false;
}

/* A container that has ended begins again only as it or its pod says. LIST: where SPEC has it;
 * NULL: of one that came later, which never does. */
static void check_transitions(const struct field *f, const struct field *old,
			      const struct field *spec, const char *list)
{
	const char *policy = json_path_string(spec->value, "restartPolicy");

	if (list && any_restarts_all(spec))
		return;
	field_each (old, was) {
		const char *name = json_path_string(was.value, "name");
		const json_t *ended = json_path(was.value, "state.terminated");
		const json_t *now = field_named(f, name),
			     *c = list ? field_named(FIELD(spec, list), name) : NULL;

		if (ended && now && !json_path(now, "state.terminated") &&
		    !(c && may_restart(c, policy, json_path_int(ended, "exitCode", 0))))
			field_forbidden(FIELD(FIELD_INDEX(f, was.index), "state"),
					"may not be transitioned to non-terminated state");
	}
}

static void check_claim_statuses(const struct field *f, const struct field *claims)
{
	struct seen names CLEANUP(seen_release) = SEEN_INIT;

	field_each (f, s) {
		const struct field *name = FIELD(&s, "name"),
				   *claim = FIELD(&s, "resourceClaimName");

		if (!field_named(claims, field_text(name)))
			field_invalid_text(name, field_text(name),
					   "must match the name of an entry in "
					   "`spec.resourceClaims`");
		if (seen_add(&names, field_text(name)))
			field_duplicate_text(name, field_text(name));
		if (field_set(claim))
			field_check(claim, name_dns_subdomain);
	}
}

static const json_t *container_named(const struct field *spec, const char *name)
{
	const json_t *c = field_named(FIELD(spec, "containers"), name);

	return c ? c : field_named(FIELD(spec, "initContainers"), name);
}

static void check_mapping(const struct field *m, const struct field *spec)
{
	const struct field *name = FIELD(m, "resourceName");
	const json_t *c = container_named(spec, field_text(FIELD(m, "containerName")));

	if (!c)
		field_invalid(FIELD(m, "containerName"),
			      "must match the name of an entry in spec.initContainers.name or "
			      "spec.containers.name");
	else if (!json_object_get(json_path(c, "resources.requests"), field_text(name)))
		field_invalid(name, "no container of that name requests it");
}

/* The claim that was made for extended resources of the pod. */
static void check_extended_claim(const struct field *f, const struct field *spec)
{
	static const char *const parts[] = {"containerName", "resourceName", "requestName"};
	const struct field *mappings = FIELD(f, "requestMappings"),
			   *claim = FIELD(f, "resourceClaimName");
	struct seen met CLEANUP(seen_release) = SEEN_INIT;

	if (!field_set(f))
		return;
	if (!field_size(mappings))
		field_required(mappings, "at least one request mapping is required");
	field_each (mappings, m) {
		const char *request = field_text(FIELD(&m, "requestName"));
		char *key free_ptr = xasprintf("%s\n%s\n%s", field_text(FIELD(&m, parts[0])),
					       field_text(FIELD(&m, parts[1])), request);

		check_mapping(&m, spec);
		field_check_text(FIELD(f, "requestName"), request, name_dns_label);
		if (seen_add(&met, key))
			for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
				field_duplicate(FIELD(&m, parts[i]));
	}
	field_check_required(claim, name_dns_subdomain);
}

/* "claim:NAME/REQUEST", or "claim:NAME" of a claim whose request is not told. */
static bool claims(const json_t *container, const char *text)
{
	json_t *claim;
	size_t i;

	json_array_foreach (json_path(container, "resources.claims"), i, claim) {
		const char *request = json_path_string(claim, "request");
		char *told free_ptr = xasprintf("claim:%s%s%s", json_path_string(claim, "name"),
						*request ? "/" : "", request);

		if (!strcmp(told, text))
			return true;
	}
	return false;
}

static void check_health(const struct field *resources)
{
	static const char *const healths[] = {"Healthy", "Unhealthy", "Unknown", NULL};
	struct seen met CLEANUP(seen_release) = SEEN_INIT;

	field_each (resources, r) {
		const struct field *message = FIELD(&r, "message"), *id = FIELD(&r, "resourceID");

		field_one_of(FIELD(&r, "health"), healths);
		if (field_set(message) && !*field_text(message))
			field_required(message, "must be non-empty if specified");
		if (strlen(field_text(message)) > HEALTH_MESSAGE_MAX)
			field_too_long(message, HEALTH_MESSAGE_MAX);
		if (seen_add(&met, field_text(id)))
			field_duplicate(id);
	}
}

/* What STATUSES tell of the devices of each container in LIST of SPEC; NULL: nothing may be. */
static void check_allocated(const struct field *statuses, const struct field *spec,
			    const char *list)
{
	field_each (statuses, s) {
		const struct field *all = FIELD(&s, "allocatedResourcesStatus");
		const json_t *c =
			list ? field_named(FIELD(spec, list), json_path_string(s.value, "name"))
			     : NULL;

		if (!list && field_size(all)) {
			field_forbidden(all, "must not be specified in container status");
			continue;
		}
		field_each (all, one) {
			const struct field *name = FIELD(&one, "name");
			const char *text = field_text(name);

			if (c && !(strncmp(text, "claim:", 6)
					   ? json_object_get(json_path(c, "resources.requests"),
							     text) != NULL
					   : claims(c, text)))
				field_invalid(name, "the container neither requests nor claims it");
			check_health(FIELD(&one, "resources"));
		}
	}
}

static void check_users(const struct field *statuses, bool windows)
{
	field_each (statuses, s) {
		const struct field *linux_user = FIELD(FIELD(&s, "user"), "linux");
		const struct field *groups = FIELD(linux_user, "supplementalGroups");

		if (!field_set(linux_user))
			continue;
		if (windows) {
			field_forbidden(linux_user, "cannot be set for a windows pod");
			continue;
		}
		field_in_range(FIELD(linux_user, "uid"), 0, INT32_MAX);
		field_in_range(FIELD(linux_user, "gid"), 0, INT32_MAX);
		field_each (groups, g)
			field_in_range(&g, 0, INT32_MAX);
	}
}

static void check_container_statuses(const struct field *s, const struct field *was,
				     const struct field *spec)
{
	static const struct {
		const char *statuses, *containers;
	} lists[] = {{"containerStatuses", "containers"},
		     {"initContainerStatuses", "initContainers"},
		     {"ephemeralContainerStatuses", NULL}};
	bool windows = field_is(FIELD(spec, "os.name"), "windows");

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		check_transitions(FIELD(s, lists[i].statuses), FIELD(was, lists[i].statuses), spec,
				  lists[i].containers);
		check_users(FIELD(s, lists[i].statuses), windows);
		check_allocated(FIELD(s, lists[i].statuses), spec, lists[i].containers);
	}
}

static void check_conditions(const struct field *f)
{
	static const char *const own[] = {"PodScheduled", "Ready", "Initialized", NULL};

	field_each (f, c) {
		const char *type = json_path_string(c.value, "type");

		if (field_int(FIELD(&c, "observedGeneration")) < 0)
			field_invalid(FIELD(&c, "observedGeneration"),
				      "must be a non-negative integer");
		if (!text_is_one_of(type, own))
			field_check_text(FIELD(&c, "Type"), type, name_qualified);
	}
}

static void check_ips(const struct field *f)
{
	unsigned families[3] = {0};

	field_each (f, ip) {
		struct field told = ip;

		told.value = json_object_get(ip.value, "ip");
		rule_ip_legacy(&told);
		families[ip_family_of(field_text(&told))]++;
	}
	if (families[IP_V4] > 1 || families[IP_V6] > 1)
		field_invalid(f, "may specify no more than one IP for each IP family");
}

void pod_check_status(const struct field *o, const struct field *old)
{
	const struct field *s = FIELD(o, "status"), *was = FIELD(old, "status");
	const struct field *nominated = FIELD(s, "nominatedNodeName");
	const struct field *host = FIELD(s, "hostIPs");

	pod_check_annotation_changes(o, old);
	check_conditions(FIELD(s, "conditions"));
	if (*field_text(nominated) && !field_same(nominated, FIELD(was, "nominatedNodeName"))) {
		field_check(nominated, name_dns_subdomain);
		if (*json_path_string(old->value, "spec.nodeName"))
			field_forbidden(nominated,
					"may not be set on pods that are already bound to a node");
	}
	if (field_int(FIELD(s, "observedGeneration")) < 0)
		field_invalid(FIELD(s, "observedGeneration"), "must be a non-negative integer");
	field_immutable(FIELD(s, "qosClass"), FIELD(was, "qosClass"));
	check_container_statuses(s, was, FIELD(old, "spec"));
	check_claim_statuses(FIELD(s, "resourceClaimStatuses"), FIELD(o, "spec.resourceClaims"));
	check_extended_claim(FIELD(s, "extendedResourceClaimStatus"), FIELD(old, "spec"));
	check_ips(FIELD(s, "podIPs"));
	if (field_size(host) && !field_same(FIELD(s, "hostIP"), FIELD(FIELD_INDEX(host, 0), "ip")))
		field_invalid(FIELD(FIELD_INDEX(host, 0), "ip"), "must be equal to `hostIP`");
	check_ips(host);
}
