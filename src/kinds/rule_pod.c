/*
 * The spec of a pod, whole, and the template of one.
 */
#include "kinds/rules.h"
#include "object/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct field *root_of(const struct field *f)
{
	while (f->up)
		f = f->up;
	return f;
}

/* OWNER: the metadata of a pod, or NULL. */
static void check_claims(const struct field *f, const struct field *owner)
{
	struct seen names CLEANUP(seen_release) = SEEN_INIT;
	bool mirror = owner && json_object_get(json_object_get(owner->value, "annotations"),
					       MIRROR_ANNOTATION);

	field_each (f, c) {
		const struct field *name = FIELD(&c, "name");
		const struct field *claim = FIELD(&c, "resourceClaimName");
		const struct field *template = FIELD(&c, "resourceClaimTemplateName");

		if (mirror) {
			field_forbidden(root_of(f), "static pods do not support resource claims");
			continue;
		}
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

/* What containers together want of a thing beside what the pod itself says. */
static void check_sum(const struct field *own, const struct field *spec, const char *part,
		      bool pages_only)
{
	json_t *sum json_auto = pod_containers_resources(spec->value, part);
	const struct field *list = FIELD(own, part);

	field_each_key (list, amount) {
		const char *used = json_string_value(json_object_get(sum, amount.key));
		struct quantity limit, q;
		char *why free_ptr = NULL;

		if (!used || (pages_only && !resource_is_hugepage(amount.key)) ||
		    quantity_parse(used, &q, NULL) < 0 || !field_quantity(&amount, &limit) ||
		    quantity_compare(&q, &limit) <= 0)
			continue;
		why = xasprintf("must be greater than or equal to aggregate container %s of %s",
				part, used);
		field_invalid(&amount, why);
	}
}

/* No container may use more than the pod. Where that is said is the server's own idea. */
static void check_container_limits(const struct field *own, const struct field *spec)
{
	const struct field *list = FIELD(spec, "containers");

	field_each (list, c) {
		struct field at = *FIELD_INDEX(FIELD(own, "containers"), c.index);
		const struct field *limits = FIELD(&c, "resources.limits");

		field_each_key (limits, limit) {
			const struct field *of_pod = FIELD_KEY(FIELD(own, "limits"), limit.key);
			struct field told = *FIELD(FIELD_KEY(&at, limit.key), "limits");
			struct quantity a, b;
			char *why free_ptr = NULL;

			if (!field_quantity(&limit, &a) || !field_quantity(of_pod, &b) ||
			    quantity_compare(&a, &b) <= 0)
				continue;
			told.value = limit.value;
			why = xasprintf("must be less than or equal to pod limits of %s",
					field_text(of_pod));
			field_invalid(&told, why);
		}
	}
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
	check_sum(f, spec, "requests", false);
	check_sum(f, spec, "limits", true);
	check_container_limits(f, spec);
}

void rule_pod_spec(const struct field *spec, const struct field *owner)
{
	struct map *volumes = map_new();

	rule_volumes(FIELD(spec, "volumes"), owner, volumes);
	check_claims(FIELD(spec, "resourceClaims"), owner);
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
	field_each_key (annotations, a) {
		if (strcmp(a.key, MIRROR_ANNOTATION) == 0 && !*field_text(FIELD(spec, "nodeName")))
			field_invalid(&a, "must set spec.nodeName if mirror pod annotation is set");
		else if (strcmp(a.key, "controller.kubernetes.io/pod-deletion-cost") == 0 &&
			 !is_cost(field_text(&a)))
			field_invalid(&a, "must be a 32bit integer");
		else if (strcmp(a.key, SECCOMP_OF_POD) == 0 ||
			 str_has_prefix(a.key, SECCOMP_PREFIX))
			check_seccomp_annotation(annotations, &a);
		else if (str_has_prefix(a.key, APP_ARMOR_PREFIX))
			check_app_armor_annotation(&a, spec, a.key + strlen(APP_ARMOR_PREFIX));
	}
}

/* FIELD's profile beside what the annotation of old says. DEFAULT2: another word for the default,
 * or NULL. */
static void check_profile(const struct field *f, const json_t *annotation, const char *word,
			  const char *default2)
{
	const char *said = json_string_value(annotation);
	const struct field *type = FIELD(f, "type"), *profile = FIELD(f, "localhostProfile");
	char *why free_ptr = NULL;
	bool localhost = str_has_prefix(said ?: "", "localhost/");

	if (!said || !field_set(f))
		return;
	why = xasprintf("%s type in annotation and field must match", word);
	if (field_is(type, "Unconfined") ? strcmp(said, "unconfined") != 0
	    : field_is(type, "RuntimeDefault")
		    ? strcmp(said, "runtime/default") && (!default2 || strcmp(said, default2))
		    : field_is(type, "Localhost") && !localhost)
		field_forbidden(type, why);
	else if (field_is(type, "Localhost") && !field_is(profile, said + strlen("localhost/")))
		field_forbidden(profile, "profile in annotation and field must match");
}

bool pod_has_profile_annotations(const struct field *annotations)
{
	return field_has_key_of(annotations, SECCOMP_OF_POD) ||
	       field_has_key_of(annotations, SECCOMP_PREFIX) ||
	       field_has_key_of(annotations, APP_ARMOR_PREFIX);
}

void rule_profile_annotations(const struct field *annotations, const struct field *spec)
{
	static const char docker[] = "docker/default";
	static const char *const lists[] = {"initContainers", "containers", "ephemeralContainers"};
	const struct field *context = FIELD(spec, "securityContext");
	bool windows = field_is(FIELD(spec, "os.name"), "windows");

	if (!pod_has_profile_annotations(annotations))
		return;
	check_profile(FIELD(context, "seccompProfile"),
		      json_object_get(annotations->value, SECCOMP_OF_POD), "seccomp", docker);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct field *list = FIELD(spec, lists[i]);

		field_each (list, c) {
			const char *name = json_path_string(c.value, "name");
			char *seccomp free_ptr = xasprintf(SECCOMP_PREFIX "%s", name);
			char *app_armor free_ptr = xasprintf(APP_ARMOR_PREFIX "%s", name);
			const struct field *own = FIELD(&c, "securityContext");
			struct field armor = *FIELD(own, "appArmorProfile");

			check_profile(FIELD(own, "seccompProfile"),
				      json_object_get(annotations->value, seccomp), "seccomp",
				      docker);
			if (!field_set(&armor))
				armor.value = FIELD(context, "appArmorProfile")->value;
			if (!windows)
				check_profile(&armor,
					      json_object_get(annotations->value, app_armor),
					      "apparmor", NULL);
		}
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
	rule_profile_annotations(&annotations, spec);
	if (field_size(FIELD(spec, "ephemeralContainers")))
		field_forbidden(FIELD(spec, "ephemeralContainers"),
				"ephemeral containers not allowed in pod template");
}
