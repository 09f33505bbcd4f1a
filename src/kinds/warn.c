#include "kinds/warn.h"

#include "kinds/rules.h"
#include "object/json.h"

#include <arpa/inet.h>
#include <string.h>

static const char in_names[] = "this is used in Pod names and hostnames, which can result in "
			       "surprising behavior; a DNS label is recommended";

const char *old_node_label(const char *key)
{
	static const struct {
		const char *key, *text;
	} labels[] = {
		{"beta.kubernetes.io/arch",
		 "deprecated since v1.14; use \"kubernetes.io/arch\" instead"},
		{"beta.kubernetes.io/os",
		 "deprecated since v1.14; use \"kubernetes.io/os\" instead"},
		{"failure-domain.beta.kubernetes.io/region",
		 "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"},
		{"failure-domain.beta.kubernetes.io/zone",
		 "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"},
		{"beta.kubernetes.io/instance-type",
		 "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"},
		{"app.kubernetes.io/created-by", "deprecated since v1.9"},
		{"scheduler.alpha.kubernetes.io/preferAvoidPods",
		 "deprecated since v1.22; use Taints and Tolerations instead"},
		{"node-role.kubernetes.io/master",
		 "use \"node-role.kubernetes.io/control-plane\" instead"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
		if (strcmp(labels[i].key, key) == 0)
			return labels[i].text;
	return NULL;
}

static void warn_key(const struct field *f)
{
	const char *text = old_node_label(field_text(f));
	char *whole free_ptr = text ? xasprintf("%s is %s", field_text(f), text) : NULL;

	if (whole)
		field_warn(f, whole);
}

void warn_node_label_selector(const struct field *f)
{
	const struct field *list = FIELD(f, "matchExpressions"), *labels = FIELD(f, "matchLabels");

	field_each (list, e)
		warn_key(FIELD(&e, "key"));
	field_each_key (labels, label)
		if (old_node_label(label.key))
			field_warn(FIELD(labels, label.key), old_node_label(label.key));
}

void warn_node_selector_term(const struct field *term, bool check_values)
{
	const struct field *list = FIELD(term, "matchExpressions");

	field_each (list, e) {
		const struct field *values = FIELD(&e, "values");

		warn_key(FIELD(&e, "key"));
		if (!check_values)
			continue;
		field_each (values, v) {
			const char *why = name_problem(name_label_value, field_text(&v));
			char *text free_ptr =
				why ? xasprintf("%s is invalid, %s", field_text(&v), why) : NULL;

			if (text)
				field_warn(&v, text);
		}
	}
}

/* The first N bytes of what stands there as an address; REST stands behind it. */
static void warn_written_otherwise(const struct field *f, size_t n, const char *rest,
				   const char *what)
{
	char *address free_ptr = xstrndup(field_text(f), n);
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;
	char *whole free_ptr = NULL;

	if (!strchr(address, ':') || inet_pton(AF_INET6, address, &a) != 1)
		return;
	inet_ntop(AF_INET6, &a, text, sizeof(text));
	if (!strcmp(address, text))
		return;
	whole = xasprintf("IPv6 %s \"%s\" should be in RFC 5952 canonical format (\"%s%s\")", what,
			  field_text(f), text, rest);
	field_warn(f, whole);
}

void warn_ip(const struct field *f)
{
	warn_written_otherwise(f, strlen(field_text(f)), "", "address");
}

void warn_cidr(const struct field *f)
{
	size_t n = strcspn(field_text(f), "/");

	warn_written_otherwise(f, n, field_text(f) + n, "CIDR value");
}

static void warn_fraction(const struct field *amounts, const char *name)
{
	const struct field *f = FIELD_KEY(amounts, name);
	struct quantity q;
	char *text free_ptr = NULL;

	if (!field_quantity(f, &q) || quantity_milli_value(&q) % 1000 == 0)
		return;
	text = xasprintf("fractional byte value \"%s\" is invalid, must be an integer",
			 field_text(f));
	field_warn(f, text);
}

void warn_claim_spec(const struct field *spec)
{
	warn_fraction(FIELD(spec, "resources.requests"), "storage");
	warn_fraction(FIELD(spec, "resources.limits"), "storage");
}

static void warn_null_selector(const struct field *f)
{
	if (!field_set(f))
		field_warn(f, "a null labelSelector results in matching no pod");
}

static void warn_node_affinity(const struct field *node)
{
	static const char required[] = "requiredDuringSchedulingIgnoredDuringExecution";
	static const char preferred[] = "preferredDuringSchedulingIgnoredDuringExecution";
	const struct field *terms = FIELD(FIELD(node, required), "nodeSelectorTerms");
	const struct field *weighted = FIELD(node, preferred);

	field_each (terms, t)
		warn_node_selector_term(&t, false);
	field_each (weighted, t)
		warn_node_selector_term(FIELD(&t, "preference"), true);
}

static void warn_pod_affinity(const struct field *f)
{
	static const char required[] = "requiredDuringSchedulingIgnoredDuringExecution";
	static const char preferred[] = "preferredDuringSchedulingIgnoredDuringExecution";
	static const char *const of_pods[] = {"podAffinity", "podAntiAffinity"};

	for (size_t i = 0; i < ARRAY_SIZE(of_pods); i++) {
		const struct field *must = FIELD(FIELD(f, of_pods[i]), required);
		const struct field *may = FIELD(FIELD(f, of_pods[i]), preferred);

		field_each (must, t)
			warn_null_selector(FIELD(&t, "labelSelector"));
		field_each (may, t)
			warn_null_selector(FIELD(FIELD(&t, "podAffinityTerm"), "labelSelector"));
	}
}

static void warn_scheduling(const struct field *spec)
{
	const struct field *selector = FIELD(spec, "nodeSelector");
	const struct field *spread = FIELD(spec, "topologySpreadConstraints");
	const struct field *affinity = FIELD(spec, "affinity");

	field_each_key (selector, label)
		if (old_node_label(label.key))
			field_warn(&label, old_node_label(label.key));
	if (field_set(affinity)) {
		warn_node_affinity(FIELD(affinity, "nodeAffinity"));
		warn_pod_affinity(affinity);
	}
	field_each (spread, c) {
		warn_key(FIELD(&c, "topologyKey"));
		warn_null_selector(FIELD(&c, "labelSelector"));
	}
}

static void warn_volumes(const struct field *volumes)
{
	static const struct {
		const char *name, *told_as, *text;
	} old[] = {
		{"photonPersistentDisk", NULL, "deprecated in v1.11, non-functional in v1.16+"},
		{"gitRepo", NULL, "deprecated in v1.11, and disabled by default in v1.33+"},
		{"scaleIO", NULL, "deprecated in v1.16, non-functional in v1.22+"},
		{"flocker", NULL, "deprecated in v1.22, non-functional in v1.25+"},
		{"storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"},
		{"quobyte", NULL, "deprecated in v1.22, non-functional in v1.25+"},
		{"glusterfs", NULL, "deprecated in v1.25, non-functional in v1.26+"},
		{"cephfs", NULL, "deprecated in v1.28, non-functional in v1.31+"},
		{"rbd", NULL, "deprecated in v1.28, non-functional in v1.31+"},
	};

	field_each (volumes, v) {
		uint64_t there = FIELD_MEMBERS(&v, old);

		for (size_t i = 0; there >> i; i++) {
			struct field f = {.up = &v, .name = old[i].name, .errors = v.errors};

			if (old[i].told_as)
				f.name = old[i].told_as;
			if (there >> i & 1)
				field_warn(&f, old[i].text);
		}
		if (field_set(FIELD(&v, "ephemeral")))
			warn_claim_spec(FIELD(&v, "ephemeral.volumeClaimTemplate.spec"));
	}
}

static void warn_repeats(const struct field *list, const char *member, const char *what)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (list, item) {
		const struct field *f = FIELD(&item, member);
		char *text free_ptr = NULL;

		if (!seen_add(&seen, field_text(f)))
			continue;
		text = xasprintf("duplicate %s \"%s\"", what, field_text(f));
		field_warn(f, text);
	}
}

static void warn_lists(const struct field *spec)
{
	const struct field *aliases = FIELD(spec, "hostAliases");
	const struct field *secrets = FIELD(spec, "imagePullSecrets");
	const struct field *servers = FIELD(spec, "dnsConfig.nameservers");

	warn_repeats(aliases, "ip", "ip");
	warn_repeats(secrets, "name", "name");
	field_each (secrets, s)
		if (!*field_text(FIELD(&s, "name")))
			field_warn(FIELD(&s, "name"), "invalid empty name \"\"");
	field_each (servers, s)
		warn_ip(&s);
	field_each (aliases, a)
		warn_ip(FIELD(&a, "ip"));
}

static void warn_env(const struct field *env)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (env, e) {
		const char *name = json_path_string(e.value, "name");
		const char *value = json_path_string(e.value, "value");
		char *ref free_ptr = NULL;
		char *text free_ptr = NULL;

		if (!seen_add(&seen, name))
			continue;
		ref = xasprintf("$(%s)", name);
		if (!field_set(FIELD(&e, "valueFrom")) && strcmp(value, ref) && strstr(value, ref))
			continue;
		text = xasprintf("hides previous definition of \"%s\", which may be dropped when "
				 "using apply",
				 name);
		field_warn(&e, text);
	}
}

static const char *const container_lists[] = {"initContainers", "containers",
					      "ephemeralContainers"};

static void warn_containers(const struct field *spec)
{
	for (size_t i = 0; i < ARRAY_SIZE(container_lists); i++) {
		const struct field *list = FIELD(spec, container_lists[i]);

		field_each (list, c) {
			const struct field *resources = FIELD(&c, "resources");
			const struct field *limits = FIELD(resources, "limits");
			const struct field *requests = FIELD(resources, "requests");

			warn_fraction(limits, "memory");
			warn_fraction(requests, "memory");
			warn_fraction(limits, "ephemeral-storage");
			warn_fraction(requests, "ephemeral-storage");
			warn_env(FIELD(&c, "env"));
		}
	}
}

/* A port that was met before, and where. */
struct met_port {
	const json_t *port;
	const char *list;
	size_t container, index;
	struct met_port *next; /* of the same number and protocol */
};

static char *where_of(const struct field *spec, const struct met_port *met)
{
	const struct field *container = FIELD_INDEX(FIELD(spec, met->list), met->container);
	struct str where = STR_INIT;

	field_path(FIELD_INDEX(FIELD(container, "ports"), met->index), &where);
	return str_take(&where);
}

static void warn_port_pair(const struct field *spec, const struct field *p,
			   const struct met_port *met)
{
	const char *ip = json_path_string(p->value, "hostIP");
	const char *other_ip = json_path_string(met->port, "hostIP");
	json_int_t host = json_path_int(p->value, "hostPort", 0);
	json_int_t other_host = json_path_int(met->port, "hostPort", 0);
	const char *what = NULL;
	char *where free_ptr = NULL;
	char *text free_ptr = NULL;

	if (strcmp(ip, other_ip) == 0 && host == other_host)
		what = "duplicate";
	else if (!host || !other_host)
		what = "overlapping";
	else if (host == other_host && !*ip != !*other_ip)
		what = "dangerously ambiguous";
	if (!what)
		return;
	where = where_of(spec, met);
	text = xasprintf("%s port definition with %s", what, where);
	field_warn(p, text);
}

static void free_ports(void *head)
{
	for (struct met_port *p = head, *next; p; p = next) {
		next = p->next;
		free(p);
	}
}

static void warn_host_ip(const struct field *p)
{
	char *text free_ptr = NULL;

	if (!*json_path_string(p->value, "hostIP") || json_path_int(p->value, "hostPort", 0))
		return;
	text = xasprintf("hostIP set without hostPort: {Name:%s HostPort:0 ContainerPort:%lld "
			 "Protocol:%s HostIP:%s}",
			 json_path_string(p->value, "name"),
			 (long long)json_path_int(p->value, "containerPort", 0),
			 json_path_string(p->value, "protocol"),
			 json_path_string(p->value, "hostIP"));
	field_warn(p, text);
}

static void warn_port_name(const struct field *spec, const struct field *p, const char *name,
			   const struct met_port *other)
{
	char *where free_ptr = where_of(spec, other);
	char *text free_ptr = xasprintf("duplicate port name \"%s\" with %s, services and probes "
					"that select ports by name will use %s",
					name, where, where);

	field_warn(p, text);
}

/* At most so many of one number are compared with each other. */
#define SAME_PORTS_MAX 64

/* PLACE: where P is. It is kept among NUMBERS, and by its name among NAMES. */
static void warn_port(const struct field *spec, const struct field *p, struct met_port place,
		      struct map *numbers, struct map *names)
{
	const char *name = json_path_string(p->value, "name");
	struct str key CLEANUP(str_release) = STR_INIT;
	struct met_port *met = xmalloc(sizeof(*met)), *other;
	size_t n = 0;

	str_addi(&key, json_path_int(p->value, "containerPort", 0));
	str_addc(&key, '/');
	str_adds(&key, json_path_string(p->value, "protocol"));
	warn_host_ip(p);
	*met = place;
	met->next = map_put(numbers, key.s, met);
	for (other = met->next; other && n++ < SAME_PORTS_MAX; other = other->next)
		warn_port_pair(spec, p, other);
	other = *name ? map_get(names, name) : NULL;
	if (other)
		warn_port_name(spec, p, name, other);
	else if (*name)
		map_put(names, name, met);
}

static void warn_ports(const struct field *spec)
{
	struct map *numbers = map_new(), *names = map_new();

	for (size_t i = 0; i < ARRAY_SIZE(container_lists); i++) {
		const struct field *list = FIELD(spec, container_lists[i]);

		field_each (list, c) {
			const struct field *ports = FIELD(&c, "ports");

			field_each (ports, p)
				warn_port(spec, &p,
					  (struct met_port){.port = p.value,
							    .list = container_lists[i],
							    .container = c.index,
							    .index = p.index},
					  numbers, names);
		}
	}
	map_free(names, NULL);
	map_free(numbers, free_ports);
}

static void warn_annotations(const struct field *f)
{
	static const struct {
		const char *key, *text;
	} old[] = {
		{"scheduler.alpha.kubernetes.io/critical-pod",
		 "non-functional in v1.16+; use the \"priorityClassName\" field instead"},
		{"security.alpha.kubernetes.io/sysctls",
		 "non-functional in v1.11+; use the \"sysctls\" field instead"},
		{"security.alpha.kubernetes.io/unsafe-sysctls",
		 "non-functional in v1.11+; use the \"sysctls\" field instead"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(old); i++)
		if (FIELD_KEY(f, old[i].key)->value)
			field_warn(FIELD_KEY(f, old[i].key), old[i].text);
}

/* An annotation of old in place of a field. PREFIX: of its key, before NAME. */
static void warn_annotation(const struct field *annotations, const char *prefix, const char *name,
			    const struct field *field, const char *text)
{
	char *key free_ptr = xasprintf("%s%s", prefix, name);

	if (FIELD_KEY(annotations, key)->value && !field_set(field))
		field_warn(FIELD_KEY(annotations, key), text);
}

static void warn_profiles(const struct field *holder, bool is_template)
{
	static const char seccomp[] =
		"non-functional in v1.27+; use the \"seccompProfile\" field instead";
	static const char app_armor[] =
		"deprecated since v1.30; use the \"appArmorProfile\" field instead";
	const struct field *annotations = FIELD(holder, "metadata.annotations");
	const struct field *spec = FIELD(holder, "spec");
	bool own = field_set(FIELD(spec, "securityContext.appArmorProfile"));

	if (!pod_has_profile_annotations(annotations))
		return;
	warn_annotation(annotations, SECCOMP_OF_POD, "",
			FIELD(spec, "securityContext.seccompProfile"), seccomp);
	for (size_t i = 0; i < ARRAY_SIZE(container_lists); i++) {
		const struct field *list = FIELD(spec, container_lists[i]);

		field_each (list, c) {
			const char *name = json_path_string(c.value, "name");

			warn_annotation(annotations, SECCOMP_PREFIX, name,
					FIELD(&c, "securityContext.seccompProfile"), seccomp);
			if (is_template && !own)
				warn_annotation(annotations, APP_ARMOR_PREFIX, name,
						FIELD(&c, "securityContext.appArmorProfile"),
						app_armor);
		}
	}
}

void warn_pod(const struct field *holder, bool is_template)
{
	const struct field *spec = FIELD(holder, "spec");

	warn_scheduling(spec);
	warn_annotations(FIELD(holder, "metadata.annotations"));
	warn_volumes(FIELD(spec, "volumes"));
	warn_overlaps(FIELD(spec, "volumes"));
	warn_lists(spec);
	warn_fraction(FIELD(spec, "overhead"), "memory");
	warn_fraction(FIELD(spec, "overhead"), "ephemeral-storage");
	warn_profiles(holder, is_template);
	warn_containers(spec);
	warn_ports(spec);
	if (field_int(FIELD(spec, "terminationGracePeriodSeconds")) < 0)
		field_warn(FIELD(spec, "terminationGracePeriodSeconds"),
			   "must be >= 0; negative values are invalid and will be treated as 1");
}

void warn_name(const struct field *o, const char *why)
{
	const struct field *name = FIELD(o, "metadata.name");
	const char *problem[NAME_PROBLEMS];
	struct str text CLEANUP(str_release) = STR_INIT;
	size_t n = name_dns_label(field_text(name), problem);

	if (!n)
		return;
	str_addf(&text, "%s: [", why);
	for (size_t i = 0; i < n; i++)
		str_addf(&text, "%s%s", i ? " " : "", problem[i]);
	str_addc(&text, ']');
	field_warn(name, text.s);
}

bool is_new_generation(const struct field *o, const struct field *old)
{
	return !field_same(FIELD(o, "metadata.generation"), FIELD(old, "metadata.generation"));
}

void warn_workload(const struct field *o, const struct field *old)
{
	if (!old)
		warn_name(o, in_names);
	if (!old || is_new_generation(o, old))
		warn_pod(FIELD(FIELD(o, "spec"), "template"), true);
}
