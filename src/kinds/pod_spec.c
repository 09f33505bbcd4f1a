/*
 * Pods and pod templates: what every type that holds one shares.
 */
#include "base/vec.h"
#include "kinds/cells.h"
#include "object/json.h"
#include "object/selector.h"

#include <string.h>

static void default_to(json_t *object, const char *key, json_t *value)
{
	if (!json_object_get(object, key))
		json_object_set_new(object, key, value);
	else
		json_decref(value);
}

/* "nginx", "nginx:latest" and digests without a tag: the newest is wanted each time. */
static const char *pull_policy(const char *image)
{
	const char *slash = strrchr(image, '/');
	const char *colon = strrchr(slash ? slash : image, ':');

	if (strchr(image, '@'))
		return "IfNotPresent";
	return !colon || strcmp(colon, ":latest") == 0 ? "Always" : "IfNotPresent";
}

static void default_requests(json_t *container)
{
	json_t *limits = json_path(container, "resources.limits");
	json_t *requests = json_path(container, "resources.requests");
	const char *name;
	json_t *v;

	json_object_foreach (limits, name, v) {
		if (!requests) {
			requests = json_object();
			json_object_set_new(json_object_get(container, "resources"), "requests",
					    requests);
		}
		if (!json_object_get(requests, name))
			json_object_set(requests, name, v);
	}
}

static void default_container(json_t *c)
{
	default_to(c, "imagePullPolicy", json_string(pull_policy(json_path_string(c, "image"))));
	default_requests(c);
}

void pod_spec_set_defaults(json_t *spec)
{
	static const char *const lists[] = {"containers", "initContainers"};
	const char *account = json_path_string(spec, "serviceAccountName");
	size_t j;
	json_t *c;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		json_array_foreach (json_object_get(spec, lists[i]), j, c)
			if (json_is_object(c))
				default_container(c);
	/* The older name of the field says the same. */
	if (!*account)
		account = json_path_string(spec, "serviceAccount");
	if (*account) {
		char *name free_ptr = xstrdup(account);

		json_object_set_new(spec, "serviceAccountName", json_string(name));
		json_object_set_new(spec, "serviceAccount", json_string(name));
	}
	if (json_path_bool(spec, "hostNetwork", false))
		for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
			json_array_foreach (json_object_get(spec, lists[i]), j, c) {
				size_t k;
				json_t *p;

				json_array_foreach (json_object_get(c, "ports"), k, p)
					default_to(
						p, "hostPort",
						json_integer(json_path_int(p, "containerPort", 0)));
			}
}

void template_set_defaults(json_t *parent)
{
	json_t *template = json_object_get(parent, "template");

	if (!json_is_object(template)) {
		template = json_object();
		json_object_set_new(parent, "template", template);
	}
	default_to(template, "metadata", json_object());
	default_to(template, "spec",
		   json_pack("{s:s,s:s,s:i,s:s,s:{}}", "restartPolicy", "Always", "dnsPolicy",
			     "ClusterFirst", "terminationGracePeriodSeconds", 30, "schedulerName",
			     "default-scheduler", "securityContext"));
	pod_spec_set_defaults(json_object_get(template, "spec"));
}

void validate_not_negative(const json_t *object, const char *path, struct field_errors *errors)
{
	if (json_path_int(object, path, 0) < 0)
		field_invalid(errors, json_path(object, path), "must be greater than or equal to 0",
			      "%s", path);
}

void selector_validate(const json_t *object, const char *word, struct field_errors *errors)
{
	const json_t *selector = json_path(object, "spec.selector");
	const json_t *labels = json_path(object, "spec.template.metadata.labels");
	struct selector *s CLEANUP(selector_free_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	validate_not_negative(object, "spec.replicas", errors);
	validate_not_negative(object, "spec.minReadySeconds", errors);
	labels_validate(labels, errors, "spec.template.labels");
	pod_spec_validate(json_path(object, "spec.template.spec"), "spec.template.spec", errors);
	/* A missing selector picks nothing, so it never matches the labels either. */
	if (!json_is_object(selector)) {
		field_required(errors, NULL, "spec.selector");
	} else if (!json_object_size(json_object_get(selector, "matchLabels")) &&
		   !json_array_size(json_object_get(selector, "matchExpressions"))) {
		char *why free_ptr = xasprintf("empty selector is invalid for %s", word);

		field_invalid(errors, selector, why, "spec.selector");
		return;
	} else {
		s = selector_from_label_selector(selector, &err);
		if (!s)
			field_invalid(errors, selector, error_message(err), "spec.selector");
	}
	if (err || (s && selector_matches_tree(s, labels)))
		return;
	field_invalid(errors, labels, "`selector` does not match template `labels`",
		      "spec.template.metadata.labels");
	field_errors_move_last_before(errors, "spec.template.spec");
}

static void validate_port(const json_t *p, const char *path, struct field_errors *errors)
{
	static const char range[] = "must be between 1 and 65535, inclusive";
	json_int_t port = json_path_int(p, "containerPort", 0);
	json_int_t host = json_path_int(p, "hostPort", 0);

	if (!port)
		field_required(errors, NULL, "%s.containerPort", path);
	else if (port < 1 || port > 65535)
		field_invalid(errors, json_path(p, "containerPort"), range, "%s.containerPort",
			      path);
	if (host && (host < 1 || host > 65535))
		field_invalid(errors, json_path(p, "hostPort"), range, "%s.hostPort", path);
}

static bool has_volume(const json_t *spec, const char *name)
{
	size_t i;
	json_t *v;

	json_array_foreach (json_path(spec, "volumes"), i, v)
		if (strcmp(json_path_string(v, "name"), name) == 0)
			return true;
	return false;
}

static void validate_mounts(const json_t *spec, const json_t *c, const char *path,
			    struct field_errors *errors)
{
	size_t i;
	json_t *m;

	json_array_foreach (json_path(c, "volumeMounts"), i, m) {
		const char *name = json_path_string(m, "name");

		if (*name && !has_volume(spec, name))
			field_not_found(errors, json_path(m, "name"), "%s.volumeMounts[%zu].name",
					path, i);
	}
}

static void validate_container(const json_t *spec, const json_t *c, const char *path,
			       struct field_errors *errors)
{
	const char *name = json_path_string(c, "name");
	const char *why = *name ? name_dns_label(name) : NULL;
	size_t i;
	json_t *p;

	if (why)
		field_invalid(errors, json_path(c, "name"), why, "%s.name", path);
	json_array_foreach (json_path(c, "ports"), i, p) {
		char *at free_ptr = xasprintf("%s.ports[%zu]", path, i);

		validate_port(p, at, errors);
	}
	validate_mounts(spec, c, path, errors);
}

void pod_spec_validate(const json_t *spec, const char *path, struct field_errors *errors)
{
	static const char *const lists[] = {"containers", "initContainers"};
	struct names {
		const char **v;
		size_t n, cap;
	} names = {0};
	size_t j;
	json_t *c;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		json_array_foreach (json_path(spec, lists[i]), j, c) {
			char *at free_ptr = xasprintf("%s.%s[%zu]", path, lists[i], j);
			const char *name = json_path_string(c, "name");

			validate_container(spec, c, at, errors);
			for (size_t k = 0; *name && k < names.n; k++)
				if (strcmp(names.v[k], name) == 0)
					field_duplicate(errors, json_path(c, "name"), "%s.name",
							at);
			vec_push(&names, name);
			if (!*json_path_string(c, "image"))
				field_required(errors, NULL, "%s.image", at);
		}
	vec_release(&names);
}
