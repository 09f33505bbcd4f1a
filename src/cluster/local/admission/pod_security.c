/*
 * PodSecurity: a namespace's labels say at which level its pods are enforced, and of what its users
 * are warned. An object that makes pods is never refused, its user is warned.
 */
#include "cluster/local/admission/pod_security.h"

#include "cluster/local/admission/plugins.h"

#include "base/mem.h"
#include "kinds/kind.h"
#include "object/json.h"

#include <stdlib.h>
#include <string.h>

#define LABEL "pod-security.kubernetes.io/"
/* More pods than that are not looked at when a namespace's level changes. */
#define MAX_PODS 3000

enum mode { MODE_ENFORCE, MODE_AUDIT, MODE_WARN, MODES };

static const struct {
	const char *level_key, *version_key;
} mode_words[MODES] = {
	[MODE_ENFORCE] = {LABEL "enforce", LABEL "enforce-version"},
	[MODE_AUDIT] = {LABEL "audit", LABEL "audit-version"},
	[MODE_WARN] = {LABEL "warn", LABEL "warn-version"},
};
static const char *const level_names[] = {"privileged", "baseline", "restricted"};

struct policy {
	struct pod_security modes[MODES];
};

static bool parse_level(const char *text, enum pod_security_level *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_names); i++)
		if (strcmp(text, level_names[i]) == 0) {
			*out = (enum pod_security_level)i;
			return true;
		}
	return false;
}

/* "latest" or "v1.36". */
static bool parse_version(const char *text, unsigned *minor)
{
	size_t digits = strncmp(text, "v1.", 3) ? 0 : strspn(text + 3, "0123456789");

	*minor = POD_SECURITY_LATEST;
	if (strcmp(text, "latest") == 0)
		return true;
	if (!digits || digits > 9 || text[3 + digits] || (text[3] == '0' && digits > 1))
		return false;
	*minor = (unsigned)strtoul(text + 3, NULL, 10);
	return true;
}

static const char *label_of(const json_t *labels, const char *key)
{
	return json_string_value(json_object_get(labels, key));
}

/* What is wrong with labels goes there; the policy is read all the same. */
static void refuse_label(const struct field *labels, const char *key, const char *value,
			 const char *why)
{
	field_invalid_text(FIELD_KEY(labels, key), value, why);
}

/* One mode by its two labels. Of what is not understood enforce says restricted, the others
 * nothing. Returns whether a valid level is given. */
static bool read_mode(const struct field *f, enum mode mode, struct pod_security *out)
{
	const char *level_key = mode_words[mode].level_key;
	const char *version_key = mode_words[mode].version_key;
	const char *level = label_of(f->value, level_key);
	const char *version = label_of(f->value, version_key);
	bool valid = level && parse_level(level, &out->level);

	if (level && !valid) {
		out->level = mode == MODE_ENFORCE ? LEVEL_RESTRICTED : LEVEL_PRIVILEGED;
		refuse_label(f, level_key, level,
			     "must be one of privileged, baseline, restricted");
	}
	if (version && !parse_version(version, &out->minor))
		refuse_label(f, version_key, version, "must be \"latest\" or \"v1.x\"");
	return valid;
}

/* Whoever sets what is enforced, and nothing about warnings, is warned of the same. */
static void read_policy(const json_t *namespace, struct policy *p, struct field_errors *errors)
{
	const json_t *labels = json_path(namespace, "metadata.labels");
	struct field root = field_root(namespace, errors);
	const struct field *f = FIELD(FIELD(&root, "metadata"), "labels");
	struct pod_security *warn = &p->modes[MODE_WARN];
	bool enforced;

	for (size_t i = 0; i < MODES; i++)
		p->modes[i] = (struct pod_security){LEVEL_PRIVILEGED, POD_SECURITY_LATEST};
	enforced = read_mode(f, MODE_ENFORCE, &p->modes[MODE_ENFORCE]);
	read_mode(f, MODE_AUDIT, &p->modes[MODE_AUDIT]);
	read_mode(f, MODE_WARN, warn);
	if (!enforced || label_of(labels, LABEL "warn") ||
	    p->modes[MODE_ENFORCE].level <= warn->level)
		return;
	warn->level = p->modes[MODE_ENFORCE].level;
	if (!label_of(labels, LABEL "warn-version"))
		warn->minor = p->modes[MODE_ENFORCE].minor;
}

/* "restricted:latest", "baseline:v1.30" */
static void format_policy(const struct pod_security *p, struct str *out)
{
	str_addf(out, "%s:", level_names[p->level]);
	if (p->minor == POD_SECURITY_LATEST)
		str_adds(out, "latest");
	else
		str_addf(out, "v1.%u", p->minor);
}

/* Namespaces. */

struct verdict {
	char *reasons;
	const char *first; /* of the pods, by name */
	size_t n;
};

struct verdicts {
	struct verdict *v;
	size_t n, cap;
};

static void add_verdict(struct verdicts *all, char *reasons, const char *pod)
{
	vec_each (all, v)
		if (strcmp(v->reasons, reasons) == 0) {
			v->n++;
			free(reasons);
			return;
		}
	vec_push(all, (struct verdict){reasons, pod, 1});
}

static char *describe(const struct verdict *v)
{
	if (v->n == 1)
		return xasprintf("%s: %s", v->first, v->reasons);
	return xasprintf("%s (and %zu other pod%s): %s", v->first, v->n - 1, v->n == 2 ? "" : "s",
			 v->reasons);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void warn_of_verdicts(const struct admission *a, const struct pod_security *p,
			     const struct verdicts *all)
{
	struct str level CLEANUP(str_release) = STR_INIT;
	VEC(char *) texts = VEC_INIT;

	format_policy(p, &level);
	admission_warn(a,
		       "existing pods in namespace \"%s\" violate the new PodSecurity enforce "
		       "level \"%s\"",
		       a->name, level.s);
	vec_each (all, v)
		vec_push(&texts, describe(v));
	qsort(texts.v, texts.n, sizeof(*texts.v), compare_text);
	vec_each (&texts, t) {
		admission_warn(a, "%s", *t);
		free(*t);
	}
	vec_release(&texts);
}

/* One pod of each controller is looked at before the others: they are alike. */
static json_t *prioritize(const json_t *pods)
{
	json_t *first = json_array();
	json_t *later json_auto = json_array();
	json_t *seen json_auto = json_object();
	json_t *pod, *ref;
	size_t i, k;

	json_array_foreach (pods, i, pod) {
		const char *owner = "";

		json_array_foreach (json_path(pod, "metadata.ownerReferences"), k, ref)
			if (json_path_bool(ref, "controller", false))
				owner = json_path_string(ref, "uid");
		json_array_append(*owner && json_object_get(seen, owner) ? later : first, pod);
		json_object_set_new(seen, owner, json_true());
	}
	json_array_extend(first, later);
	return first;
}

/* The namespace's pods under the level that is to be enforced from now on. */
static void warn_of_pods(struct admission *a, const struct pod_security *p)
{
	const json_t *listed = admission_list(a, "", "pods", a->name, NULL);
	json_t *pods json_auto = prioritize(listed);
	size_t total = json_array_size(pods), i;
	struct verdicts all = {0};
	json_t *pod;

	json_array_foreach (pods, i, pod) {
		struct str reasons = STR_INIT;

		if (i == MAX_PODS)
			break;
		if (!pod_security_allows(p, json_object_get(pod, "metadata"),
					 json_object_get(pod, "spec"), &reasons, NULL))
			add_verdict(&all, str_take(&reasons),
				    json_path_string(pod, "metadata.name"));
		str_release(&reasons);
	}
	if (total > MAX_PODS)
		admission_warn(a,
			       "new PodSecurity enforce level only checked against the first %d "
			       "of %zu existing pods",
			       MAX_PODS, total);
	if (all.n)
		warn_of_verdicts(a, p, &all);
	vec_each (&all, v)
		free(v->reasons);
	vec_release(&all);
}

static bool same_labels(const json_t *a, const json_t *b)
{
	for (size_t i = 0; i < MODES; i++) {
		const char *level = mode_words[i].level_key, *version = mode_words[i].version_key;

		if (!json_equal(json_object_get(a, level), json_object_get(b, level)) ||
		    !json_equal(json_object_get(a, version), json_object_get(b, version)))
			return false;
	}
	return true;
}

static int validate_namespace(struct admission *a, struct error **err)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	struct field_errors *ignored CLEANUP(field_errors_free_cleanup) = field_errors_new();
	struct policy next, before;
	const struct pod_security *now = &next.modes[MODE_ENFORCE];
	const struct pod_security *was = &before.modes[MODE_ENFORCE];

	read_policy(a->object, &next, errors);
	/* What was wrong already may stay. */
	if (!a->old || !same_labels(json_path(a->old, "metadata.labels"),
				    json_path(a->object, "metadata.labels")))
		if (field_errors_finish(errors, a->resource, admission_name(a), err) < 0)
			return -1;
	if (!a->old)
		return 0;
	read_policy(a->old, &before, ignored);
	if (now->level == LEVEL_PRIVILEGED ||
	    (now->minor == was->minor && now->level <= was->level))
		return 0;
	warn_of_pods(a, now);
	return 0;
}

/* Pods and what makes them. */

/* Only another image, or another container, makes a pod another one to look at. */
static bool same_images(const json_t *old, const json_t *pod)
{
	static const char *const lists[] = {"spec.initContainers", "spec.containers",
					    "spec.ephemeralContainers"};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const json_t *before = json_path(old, lists[i]), *now = json_path(pod, lists[i]);
		json_t *c;
		size_t k;

		if (json_array_size(before) != json_array_size(now))
			return false;
		json_array_foreach (now, k, c)
			if (strcmp(json_path_string(c, "image"),
				   json_path_string(json_array_get(before, k), "image")))
				return false;
	}
	return true;
}

static const struct {
	const char *target, *path;
} templates[] = {
	{"podtemplates", "template"},
	{"replicationcontrollers", "spec.template"},
	{"deployments.apps", "spec.template"},
	{"replicasets.apps", "spec.template"},
	{"statefulsets.apps", "spec.template"},
	{"daemonsets.apps", "spec.template"},
	{"jobs.batch", "spec.template"},
	{"cronjobs.batch", "spec.jobTemplate.spec.template"},
};

static const json_t *template_of(const struct admission *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(templates); i++)
		if (strcmp(a->target.s, templates[i].target) == 0)
			return json_path(a->object, templates[i].path);
	return NULL;
}

/* What the audit log is told, even of what is refused. */
static void annotate(const struct admission *a, const struct policy *p, const json_t *metadata,
		     const json_t *spec, bool enforce)
{
	struct str details CLEANUP(str_release) = STR_INIT;
	struct str level CLEANUP(str_release) = STR_INIT;
	struct str said CLEANUP(str_release) = STR_INIT;

	if (!a->call || !a->call->annotations)
		return;
	format_policy(&p->modes[MODE_ENFORCE], &level);
	if (enforce)
		admission_annotate(a, LABEL "enforce-policy", level.s);
	if (pod_security_allows(&p->modes[MODE_AUDIT], metadata, spec, NULL, &details))
		return;
	str_reset(&level);
	format_policy(&p->modes[MODE_AUDIT], &level);
	str_addf(&said, "would violate PodSecurity \"%s\": %s", level.s, details.s);
	admission_annotate(a, LABEL "audit-violations", said.s);
}

static int evaluate(struct admission *a, const struct policy *p, const json_t *pod, bool enforce,
		    struct error **err)
{
	const json_t *metadata = json_object_get(pod, "metadata");
	const json_t *spec = json_object_get(pod, "spec");
	struct str details CLEANUP(str_release) = STR_INIT;
	struct str level CLEANUP(str_release) = STR_INIT;

	annotate(a, p, metadata, spec, enforce);
	if (enforce &&
	    !pod_security_allows(&p->modes[MODE_ENFORCE], metadata, spec, NULL, &details)) {
		format_policy(&p->modes[MODE_ENFORCE], &level);
		return admission_forbid(a, err, "violates PodSecurity \"%s\": %s", level.s,
					details.s);
	}
	if (pod_security_allows(&p->modes[MODE_WARN], metadata, spec, NULL, &details))
		return 0;
	format_policy(&p->modes[MODE_WARN], &level);
	admission_warn(a, "would violate PodSecurity \"%s\": %s", level.s, details.s);
	return 0;
}

static int validate(struct admission *a, struct error **err)
{
	struct field_errors *ignored CLEANUP(field_errors_free_cleanup) = field_errors_new();
	bool pod =
		strncmp(a->target.s, "pods", 4) == 0 && (!a->target.s[4] || a->target.s[4] == '/');
	const json_t *subject = pod ? a->object : template_of(a);
	const json_t *namespace;
	struct policy p;

	if (strcmp(a->target.s, "namespaces") == 0)
		return validate_namespace(a, err);
	if (!subject || (pod && a->old && same_images(a->old, a->object)))
		return 0;
	namespace = admission_get(a, "", "namespaces", "", a->namespace, err);
	if (!namespace)
		return -1;
	read_policy(namespace, &p, ignored);
	return evaluate(a, &p, subject, pod, err);
}

const struct admission_plugin admission_pod_security = {
	.name = "PodSecurity",
	.operations = ADMIT_CREATE | ADMIT_UPDATE,
	.resources = {"namespaces", "pods", "pods/ephemeralcontainers", "pods/resize",
		      "podtemplates", "replicationcontrollers", "deployments.apps",
		      "replicasets.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch",
		      "cronjobs.batch"},
	.validate = validate,
};
