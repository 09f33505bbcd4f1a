/*
 * The spec of a pod, whole, and the template of one.
 */
#include "kinds/rules.h"
#include "object/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void check_claims(const struct field *f)
{
	struct seen names CLEANUP(seen_release) = SEEN_INIT;

	field_each (f, c) {
		const struct field *name = FIELD(&c, "name");
		const struct field *claim = FIELD(&c, "resourceClaimName");
		const struct field *template = FIELD(&c, "resourceClaimTemplateName");

		if (field_require(name)) {
			if (seen_add(&names, field_text(name)))
				field_duplicate(name);
			else
				field_check(name, name_dns_label);
		}
		if (field_set(claim) && field_set(template))
			field_invalid(&c, "at most one of `resourceClaimName` or "
					  "`resourceClaimTemplateName` may be specified");
		if (!field_set(claim) && !field_set(template))
			field_invalid(&c, "must specify one of: `resourceClaimName`, "
					  "`resourceClaimTemplateName`");
		if (field_set(claim))
			field_check(claim, name_dns_subdomain);
		if (field_set(template))
			field_check(template, name_dns_subdomain);
	}
}

static void check_search(const struct field *f)
{
	char *domain free_ptr = xstrdup(field_text(f));
	size_t n = strlen(domain);

	if (strcmp(domain, ".") == 0)
		return;
	if (n && domain[n - 1] == '.')
		domain[n - 1] = '\0';
	field_check_text(f, domain, name_subdomain_underscore);
}

static void check_searches(const struct field *f)
{
	size_t chars = 0;

	if (field_size(f) > 32)
		field_invalid(f, "must not have more than 32 search paths");
	field_each (f, s)
		chars += strlen(field_text(&s)) + (s.index > 0);
	if (chars > 2048)
		field_invalid(f, "must not have more than 2048 characters (including spaces) in "
				 "the search list");
	field_each (f, s)
		check_search(&s);
}

static void check_dns(const struct field *spec)
{
	static const char *const policies[] = {"ClusterFirstWithHostNet", "ClusterFirst", "Default",
					       "None", NULL};
	const struct field *policy = FIELD(spec, "dnsPolicy"), *config = FIELD(spec, "dnsConfig");
	const struct field *servers = FIELD(config, "nameservers");
	const struct field *options = FIELD(config, "options");

	field_one_of_required(policy, policies);
	if (field_is(policy, "None") && !field_set(config)) {
		field_required(config, "must provide `dnsConfig` when `dnsPolicy` is None");
		return;
	}
	if (field_is(policy, "None") && !field_size(servers)) {
		field_required(servers, "must provide at least one DNS nameserver when "
					"`dnsPolicy` is None");
		return;
	}
	if (field_size(servers) > 3)
		field_invalid(servers, "must not have more than 3 nameservers");
	field_each (servers, s)
		rule_ip_legacy(&s);
	check_searches(FIELD(config, "searches"));
	field_each (options, o)
		if (!*json_path_string(o.value, "name"))
			field_required(&o, "must not be empty");
}

static void check_host_network_ports(const struct field *spec, bool is_pod)
{
	const struct field *containers = FIELD(spec, "containers");

	if (!field_bool(FIELD(spec, "hostNetwork")))
		return;
	field_each (containers, c) {
		const struct field *ports = FIELD(&c, "ports");

		field_each (ports, p) {
			const struct field *host = FIELD(&p, "hostPort");

			if ((is_pod || field_int(host)) &&
			    field_int(host) != json_path_int(p.value, "containerPort", 0))
				field_invalid_int(host, field_int(host),
						  "must match `containerPort` when `hostNetwork` "
						  "is true");
		}
	}
}

static void check_host_aliases(const struct field *f)
{
	field_each (f, a) {
		const struct field *names = FIELD(&a, "hostnames");

		rule_ip_legacy(FIELD(&a, "ip"));
		field_each (names, n)
			field_check(&n, name_dns_subdomain);
	}
}

static void check_hostname_override(const struct field *spec)
{
	const struct field *f = FIELD(spec, "hostnameOverride");

	if (!field_set(f))
		return;
	if (field_bool(FIELD(spec, "setHostnameAsFQDN")))
		field_forbidden(f, "may not be specified when setHostnameAsFQDN is true");
	if (field_bool(FIELD(spec, "hostNetwork")))
		field_forbidden(f, "may not be specified when hostNetwork is true");
	if (strlen(field_text(f)) > 64)
		field_too_long(f, 64);
	field_check(f, name_dns_subdomain);
}

/* A file that an environment is read from lies in an empty directory of the pod. */
static void check_file_refs(const struct field *spec)
{
	static const char *const lists[] = {"initContainers", "containers"};
	const struct field *volumes = FIELD(spec, "volumes");

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct field *list = FIELD(spec, lists[i]);

		field_each (list, c) {
			const struct field *env = FIELD(&c, "env");

			field_each (env, e) {
				const struct field *name =
					FIELD(&e, "valueFrom.fileKeyRef.volumeName");
				const json_t *found = NULL;

				if (!json_path(e.value, "valueFrom.fileKeyRef"))
					continue;
				field_each (volumes, v)
					if (strcmp(json_path_string(v.value, "name"),
						   field_text(name)) == 0)
						found = v.value;
				if (!found)
					field_not_found(name, field_text(name));
				else if (!json_object_get(found, "emptyDir"))
					field_invalid(name, "referenced volume must be of type "
							    "emptyDir");
			}
		}
	}
}

static void check_names(const struct field *spec)
{
	static const struct {
		const char *name;
		name_rule *rule;
	} names[] = {
		{"serviceAccountName", name_dns_subdomain},
		{"nodeName", name_dns_subdomain},
		{"hostname", name_dns_label},
		{"subdomain", name_dns_label},
		{"priorityClassName", name_dns_subdomain},
	};
	const struct field *runtime = FIELD(spec, "runtimeClassName");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		field_check_optional(FIELD(spec, names[i].name), names[i].rule);
	if (field_set(runtime))
		field_check(runtime, name_dns_subdomain);
}

static void check_overhead(const struct field *f)
{
	field_each_key (f, amount) {
		struct field told = field_entry(FIELD(f, "limits"), amount.key);

		told.value = amount.value;
		rule_container_resource_name(&told, amount.key);
		rule_resource_amount(&told, amount.key);
	}
}

static void check_gates(const struct field *spec)
{
	const struct field *readiness = FIELD(spec, "readinessGates");

	field_each (readiness, g)
		field_check(FIELD(&g, "conditionType"), name_qualified);
	rule_scheduling_gates(FIELD(spec, "schedulingGates"));
}

static void check_policies(const struct field *spec)
{
	static const char *const restart[] = {"Always", "OnFailure", "Never", NULL};
	static const char *const preemption[] = {"PreemptLowerPriority", "Never", NULL};
	const struct field *deadline = FIELD(spec, "activeDeadlineSeconds");

	field_one_of_required(FIELD(spec, "restartPolicy"), restart);
	if (field_set(FIELD(spec, "preemptionPolicy")))
		field_one_of_required(FIELD(spec, "preemptionPolicy"), preemption);
	if (field_set(deadline))
		field_in_range(deadline, 1, 0x7fffffff);
	if (!field_set(FIELD(spec, "terminationGracePeriodSeconds")))
		field_required(FIELD(spec, "terminationGracePeriodSeconds"), NULL);
}

static void check_pod_resources(const struct field *spec)
{
	const struct field *f = FIELD(spec, "resources");

	if (!field_set(f))
		return;
	if (field_is(FIELD(spec, "os.name"), "windows")) {
		field_forbidden(f, "may not be set for a windows pod");
		return;
	}
	if (field_set(FIELD(f, "claims")))
		field_forbidden(FIELD(f, "claims"),
				"claims may not be set for Resources at pod-level");
	rule_resource_requirements(f, FIELD(spec, "resourceClaims"), true);
}

void rule_pod_spec(const struct field *spec, const struct field *owner)
{
	struct map *volumes = map_new();

	rule_volumes(FIELD(spec, "volumes"), owner, volumes);
	check_claims(FIELD(spec, "resourceClaims"));
	rule_containers(spec, volumes);
	map_free(volumes, NULL);
	check_pod_resources(spec);
	check_host_network_ports(spec, owner != NULL);
	check_policies(spec);
	check_dns(spec);
	rule_labels(FIELD(spec, "nodeSelector"));
	rule_pod_security(spec);
	rule_affinity(FIELD(spec, "affinity"));
	check_gates(spec);
	rule_topology_spread(FIELD(spec, "topologySpreadConstraints"));
	check_hostname_override(spec);
	check_names(spec);
	rule_tolerations(FIELD(spec, "tolerations"));
	check_host_aliases(FIELD(spec, "hostAliases"));
	check_overhead(FIELD(spec, "overhead"));
	rule_pod_os(spec);
	check_file_refs(spec);
}

bool pod_has_container(const struct field *spec, const char *name)
{
	static const char *const lists[] = {"containers", "initContainers", "ephemeralContainers"};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct field *list = FIELD(spec, lists[i]);

		field_each (list, c)
			if (strcmp(json_path_string(c.value, "name"), name) == 0)
				return true;
	}
	return false;
}

static void check_app_armor_annotation(const struct field *a, const struct field *spec,
				       const char *container)
{
	const char *profile = field_text(a);

	if (!pod_has_container(spec, container))
		field_invalid_text(a, container, "container not found");
	if (*profile && strcmp(profile, "runtime/default") && strcmp(profile, "unconfined") &&
	    !str_has_prefix(profile, "localhost/")) {
		char *why free_ptr = xasprintf("invalid AppArmor profile name: \"%s\"", profile);

		field_invalid(a, why);
	}
}

static void check_seccomp_annotation(const struct field *annotations, const struct field *a)
{
	static const char *const plain[] = {"runtime/default", "docker/default", "unconfined",
					    NULL};
	struct field at = field_member(annotations, "");

	at.name = a->key;
	at.value = a->value;
	if (text_is_one_of(field_text(a), plain))
		return;
	if (!str_has_prefix(field_text(a), "localhost/")) {
		field_invalid(&at, "must be a valid seccomp profile");
	} else {
		json_t *path = json_string(field_text(a) + strlen("localhost/"));

		at.value = path;
		rule_relative_path(&at);
		json_decref(path);
	}
}

/* Of 32 bits, without a plus sign or zeros before it. */
static bool is_cost(const char *s)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(s, &end, 10);
	return *s && !*end && !errno && n >= INT32_MIN && n <= INT32_MAX && *s != '+' &&
	       *s != ' ' && !(*s == '0' && s[1]) && !(*s == '-' && s[1] == '0');
}

void rule_pod_annotations(const struct field *annotations, const struct field *spec)
{
	static const char app_armor[] = "container.apparmor.security.beta.kubernetes.io/";
	static const char seccomp[] = "container.seccomp.security.alpha.kubernetes.io/";

	field_each_key (annotations, a) {
		if (strcmp(a.key, "kubernetes.io/config.mirror") == 0 &&
		    !*field_text(FIELD(spec, "nodeName")))
			field_invalid(&a, "must set spec.nodeName if mirror pod annotation is set");
		else if (strcmp(a.key, "controller.kubernetes.io/pod-deletion-cost") == 0 &&
			 !is_cost(field_text(&a)))
			field_invalid(&a, "must be a 32bit integer");
		else if (strcmp(a.key, "seccomp.security.alpha.kubernetes.io/pod") == 0 ||
			 str_has_prefix(a.key, seccomp))
			check_seccomp_annotation(annotations, &a);
		else if (str_has_prefix(a.key, app_armor))
			check_app_armor_annotation(&a, spec, a.key + strlen(app_armor));
	}
}

void rule_pod_template(const struct field *template)
{
	const struct field *meta = FIELD(template, "metadata"), *spec = FIELD(template, "spec");
	struct field labels = *FIELD(meta, "labels"), annotations = *FIELD(meta, "annotations");

	labels.up = annotations.up = template;
	rule_labels(&labels);
	rule_annotations(&annotations);
	rule_pod_annotations(&annotations, spec);
	rule_pod_spec(spec, NULL);
	if (field_size(FIELD(spec, "ephemeralContainers")))
		field_forbidden(FIELD(spec, "ephemeralContainers"),
				"ephemeral containers not allowed in pod template");
}
