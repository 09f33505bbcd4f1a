#include "cluster/lifecycle.h"

#include "base/clock.h"
#include "base/mem.h"
#include "object/json.h"
#include "object/selector.h"
#include "object/time.h"

#include <string.h>
#include <sys/random.h>

#define GENERATED_PREFIX_MAX 58
#define POD_GRACE_S 30

const char conflict_modified[] = "the object has been modified; please apply your changes to the "
				 "latest version and try again";

/* Names and uids are no secrets: a thread asks the kernel for many at a time. */
static void random_bytes(void *p, size_t n)
{
	static _Thread_local unsigned char kept[256];
	static _Thread_local size_t left;

	if (left < n) {
		if (getrandom(kept, sizeof(kept), 0) != (ssize_t)sizeof(kept))
			abort();
		left = sizeof(kept);
	}
	left -= n;
	memcpy(p, kept + left, n);
}

char *lifecycle_uid(char *buffer)
{
	unsigned char b[16];
	char *to = buffer;

	random_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = "0123456789abcdef"[b[i] >> 4];
		*to++ = "0123456789abcdef"[b[i] & 15];
	}
	*to = '\0';
	return buffer;
}

char *lifecycle_name(const char *prefix)
{
	/* No vowels and nothing that looks like one: no accidental words. */
	static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
	unsigned char random[5];
	char suffix[6] = "";

	random_bytes(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		suffix[i] = alphabet[random[i] % (sizeof(alphabet) - 1)];
	return xasprintf("%.*s%s", GENERATED_PREFIX_MAX, prefix, suffix);
}

static int refuse(const struct resource *r, const char *name, struct error *e, struct error **err)
{
	error_set_details(e, r->group, r->plural, name);
	return error_move(err, e);
}

int refuse_forbidden(const struct resource *r, const char *name, const char *why,
		     struct error **err)
{
	struct str type CLEANUP(str_release) = STR_INIT;

	resource_format(r, &type);
	if (*name)
		str_addf(&type, " \"%s\"", name);
	return refuse(r, name, error_new(E_FORBIDDEN, "%s is forbidden: %s", type.s, why), err);
}

int refuse_not_found(const struct resource *r, const char *name, struct error **err)
{
	struct str type CLEANUP(str_release) = STR_INIT;

	resource_format(r, &type);
	return refuse(r, name, error_new(E_NOT_FOUND, "%s \"%s\" not found", type.s, name), err);
}

int refuse_exists(const struct resource *r, const char *name, struct error **err)
{
	struct str type CLEANUP(str_release) = STR_INIT;

	resource_format(r, &type);
	return refuse(r, name, error_new(E_EXISTS, "%s \"%s\" already exists", type.s, name), err);
}

int refuse_conflict(const struct resource *r, const char *name, const char *why, struct error **err)
{
	struct str type CLEANUP(str_release) = STR_INIT;

	resource_format(r, &type);
	return refuse(r, name,
		      error_new(E_CONFLICT, "Operation cannot be fulfilled on %s \"%s\": %s",
				type.s, name, why),
		      err);
}

/* Unlike other conflicts this one names the kind, as kube-apiserver does. */
static bool is_core(const struct resource *r, const char *plural)
{
	return !*r->group && strcmp(r->plural, plural) == 0;
}

static bool is_definition(const struct resource *r)
{
	return strcmp(r->plural, "customresourcedefinitions") == 0 && !r->custom;
}

static int refuse_precondition(const struct resource *r, const char *name, const char *what,
			       const char *asked, const char *found, const char *hint,
			       struct error **err)
{
	struct error *e;

	if (is_core(r, "namespaces") || is_definition(r)) {
		e = error_new(
			E_CONFLICT,
			"Operation cannot be fulfilled on %s%s%s \"%s\": Precondition failed: "
			"%s in precondition: %s, %s in object meta: %s",
			r->plural, *r->group ? "." : "", r->group, name, what, asked, what, found);
		error_set_details(e, r->group, r->plural, name);
		return error_move(err, e);
	}
	e = error_new(
		E_CONFLICT,
		"Operation cannot be fulfilled on %s%s%s \"%s\": the %s in the precondition (%s) "
		"does not match the %s in record (%s). The object might have been %s",
		r->kind, *r->group ? "." : "", r->group, name, what, asked, what, found, hint);

	error_set_details(e, r->group, r->kind, name);
	return error_move(err, e);
}

int lifecycle_preconditions(const json_t *object, const struct resource *r,
			    const struct delete_options *opt, struct error **err)
{
	const char *name = json_path_string(object, "metadata.name");
	const char *uid = json_path_string(object, "metadata.uid");
	const char *rv = json_path_string(object, "metadata.resourceVersion");

	if (opt->uid && strcmp(opt->uid, uid))
		return refuse_precondition(r, name, "UID", opt->uid, uid,
					   "deleted and then recreated", err);
	if (opt->resource_version && *opt->resource_version && strcmp(opt->resource_version, rv))
		return refuse_precondition(r, name, "ResourceVersion", opt->resource_version, rv,
					   "modified", err);
	return 0;
}

bool lifecycle_has_finalizer(const json_t *object, const char *name)
{
	size_t i;
	json_t *f;

	json_array_foreach (json_path(object, "metadata.finalizers"), i, f)
		if (json_is_string(f) && strcmp(json_string_value(f), name) == 0)
			return true;
	return false;
}

bool lifecycle_set_finalizer(json_t *object, const char *name, bool want)
{
	json_t *list = json_path(object, "metadata.finalizers");
	size_t i;
	json_t *f;

	if (lifecycle_has_finalizer(object, name) == want)
		return false;
	if (want && !json_is_array(list))
		json_path_set(object, "metadata.finalizers", json_pack("[s]", name));
	else if (want)
		json_array_append_new(list, json_string(name));
	else
		json_array_foreach (list, i, f)
			if (json_is_string(f) && strcmp(json_string_value(f), name) == 0) {
				json_array_remove(list, i);
				break;
			}
	if (!json_array_size(json_path(object, "metadata.finalizers")))
		json_path_del(object, "metadata.finalizers");
	return true;
}

/* Types whose dependents were always left alone unless the caller says otherwise. */
static bool orphans_by_default(const struct resource *r)
{
	return (strcmp(r->plural, "replicationcontrollers") == 0 && !*r->group) ||
	       (strcmp(r->plural, "jobs") == 0 && strcmp(r->group, "batch") == 0);
}

static bool apply_propagation(json_t *object, const struct resource *r, enum propagation how)
{
	bool changed;

	if (how == PROPAGATE_DEFAULT && (lifecycle_has_finalizer(object, "orphan") ||
					 lifecycle_has_finalizer(object, "foregroundDeletion")))
		return false;
	if (how == PROPAGATE_DEFAULT && orphans_by_default(r))
		how = PROPAGATE_ORPHAN;
	changed = lifecycle_set_finalizer(object, "orphan", how == PROPAGATE_ORPHAN);
	return lifecycle_set_finalizer(object, "foregroundDeletion", how == PROPAGATE_FOREGROUND) ||
	       changed;
}

/* Seconds of grace: only a pod that runs on a node has any. */
static int64_t grace_of(const json_t *object, const struct resource *r,
			const struct delete_options *opt)
{
	const char *phase = json_path_string(object, "status.phase");
	int64_t grace;

	if (!is_core(r, "pods") || !*json_path_string(object, "spec.nodeName"))
		return 0;
	if (strcmp(phase, "Failed") == 0 || strcmp(phase, "Succeeded") == 0)
		return 0;
	if (opt->grace_period_s >= 0)
		return opt->grace_period_s;
	grace = json_path_int(object, "spec.terminationGracePeriodSeconds", POD_GRACE_S);
	return grace < 0 ? 1 : grace;
}

static void set_deletion_time(json_t *object, int64_t grace, int64_t now)
{
	char text[TIME_TEXT];
	json_int_t generation = json_path_int(object, "metadata.generation", 0);

	json_path_set(object, "metadata.deletionTimestamp",
		      json_string(time_format(now + grace * NS_PER_S, text)));
	json_path_set(object, "metadata.deletionGracePeriodSeconds", json_integer(grace));
	if (generation > 0)
		json_path_set(object, "metadata.generation", json_integer(generation + 1));
}

/* A deletion asked for again: only a shorter grace, or another propagation, changes anything. */
static enum deletion delete_again(json_t *object, const struct resource *r,
				  const struct delete_options *opt, bool changed)
{
	json_int_t left = json_path_int(object, "metadata.deletionGracePeriodSeconds", 0);
	int64_t grace = grace_of(object, r, opt);
	int64_t begun;

	if (opt->grace_period_s >= 0 && grace < left &&
	    time_parse(json_path_string(object, "metadata.deletionTimestamp"), &begun) == 0) {
		char text[TIME_TEXT];

		begun += (grace - left) * NS_PER_S;
		json_path_set(object, "metadata.deletionTimestamp",
			      json_string(time_format(begun, text)));
		json_path_set(object, "metadata.deletionGracePeriodSeconds", json_integer(grace));
		changed = true;
	}
	if (lifecycle_finished(object))
		return DELETION_NOW;
	return changed ? DELETION_MARKED : DELETION_PENDING;
}

static void terminate_namespace(json_t *object)
{
	json_path_set(object, "status.phase", json_string("Terminating"));
}

enum deletion lifecycle_delete(json_t *object, const struct resource *r,
			       const struct delete_options *opt, int64_t now)
{
	bool changed = apply_propagation(object, r, opt->propagation);
	int64_t grace;

	if (*json_path_string(object, "metadata.deletionTimestamp"))
		return delete_again(object, r, opt, changed);
	grace = grace_of(object, r, opt);
	if (is_core(r, "namespaces") && json_array_size(json_path(object, "spec.finalizers"))) {
		set_deletion_time(object, 0, now);
		json_path_del(object, "metadata.deletionGracePeriodSeconds");
		terminate_namespace(object);
		return DELETION_MARKED;
	}
	if (!grace && !json_array_size(json_path(object, "metadata.finalizers"))) {
		/* A pod, which might have had grace, tells when it went. */
		if (is_core(r, "pods"))
			set_deletion_time(object, 0, now);
		return DELETION_NOW;
	}
	set_deletion_time(object, grace, now);
	return DELETION_MARKED;
}

bool lifecycle_finished(const json_t *object)
{
	return *json_path_string(object, "metadata.deletionTimestamp") &&
	       json_path_int(object, "metadata.deletionGracePeriodSeconds", 0) == 0 &&
	       json_array_size(json_path(object, "metadata.finalizers")) == 0 &&
	       (strcmp(json_path_string(object, "kind"), "Namespace") ||
		json_array_size(json_path(object, "spec.finalizers")) == 0);
}

/* What a Scale says of replicas that its object says nothing of. */
#define SCALE_UNSET INT32_MIN

static void copy_path(json_t *to, const char *to_path, const json_t *from, const char *path)
{
	json_t *value = json_path(from, path);

	if (value)
		json_path_set(to, to_path, json_incref(value));
}

/* A custom resource's definition says where its scale lies; the built-in ones agree. */
static json_t *scale_of_custom(json_t *scale, const json_t *object, const struct resource *r)
{
	const char *status = r->scale_status_replicas ? r->scale_status_replicas : "";
	const char *selector = r->scale_selector ? json_path_string(object, r->scale_selector) : "";

	if (!json_path(object, r->scale_replicas))
		json_path_set(scale, "spec.replicas", json_integer(SCALE_UNSET));
	json_path_set(scale, "status.replicas", json_integer(json_path_int(object, status, 0)));
	if (*selector)
		json_path_set(scale, "status.selector", json_string(selector));
	return scale;
}

json_t *scale_get(const json_t *object, const struct resource *r, struct error **err)
{
	json_t *scale = scale_to_change(object, r, err);

	if (!scale || json_path_int(scale, "spec.replicas", 0) != SCALE_UNSET)
		return scale;
	error_set(err, E_INTERNAL,
		  "Internal error occurred: the spec replicas field \".%s\" does not exist",
		  r->scale_replicas);
	json_decref(scale);
	return NULL;
}

json_t *scale_to_change(const json_t *object, const struct resource *r, struct error **err)
{
	const char *replicas = r->scale_replicas ? r->scale_replicas : "spec.replicas";
	static const char *const meta[] = {"metadata.name", "metadata.namespace", "metadata.uid",
					   "metadata.resourceVersion",
					   "metadata.creationTimestamp"};
	json_t *scale = json_pack("{s:s,s:s,s:{},s:{},s:{s:I}}", "kind", "Scale", "apiVersion",
				  "autoscaling/v1", "metadata", "spec", "status", "replicas",
				  json_path_int(object, "status.replicas", 0));
	const json_t *selector = json_path(object, "spec.selector");
	struct selector *s CLEANUP(selector_free_cleanup) = NULL;
	struct str text CLEANUP(str_release) = STR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(meta); i++)
		copy_path(scale, meta[i], object, meta[i]);
	if (json_path_int(object, replicas, 0))
		copy_path(scale, "spec.replicas", object, replicas);
	if (r->scale_replicas)
		return scale_of_custom(scale, object, r);
	if (is_core(r, "replicationcontrollers"))
		s = selector_from_map(selector);
	else if (selector)
		s = selector_from_label_selector(selector, err);
	if (selector && !s) {
		json_decref(scale);
		return NULL;
	}
	if (s && !selector_empty(s)) {
		selector_format(s, &text);
		json_path_set(scale, "status.selector", json_string(text.s));
	}
	return scale;
}

int scale_set(json_t *object, const struct resource *r, const json_t *scale, struct error **err)
{
	json_int_t replicas = json_path_int(scale, "spec.replicas", 0);
	const char *name = json_path_string(object, "metadata.name");
	const char *uid = json_path_string(scale, "metadata.uid");
	const char *rv = json_path_string(scale, "metadata.resourceVersion");

	if (r->scale_replicas && replicas == SCALE_UNSET)
		return error_set(err, E_BAD_REQUEST,
				 "the spec replicas field \".%s\" cannot be empty",
				 r->scale_replicas);
	/* Of a custom resource the definition tells. */
	if (!r->scale_replicas && (replicas < 0 || replicas > INT32_MAX)) {
		struct error *e = error_new(E_INVALID,
					    "Scale.autoscaling \"%s\" is invalid: spec.replicas: "
					    "Invalid value: %lld: must be greater than or equal "
					    "to 0",
					    name, (long long)replicas);

		error_set_details(e, "autoscaling", "Scale", name);
		error_add_cause(e, "FieldValueInvalid", "spec.replicas",
				"Invalid value: %lld: must be greater than or equal to 0",
				(long long)replicas);
		return error_move(err, e);
	}
	if ((*uid && strcmp(uid, json_path_string(object, "metadata.uid"))) ||
	    (*rv && strcmp(rv, json_path_string(object, "metadata.resourceVersion"))))
		return refuse_conflict(r, name, conflict_modified, err);
	json_path_set(object, r->scale_replicas ? r->scale_replicas : "spec.replicas",
		      json_integer(replicas));
	return 0;
}

static void set_scheduled(json_t *pod, int64_t now)
{
	char text[TIME_TEXT];
	json_t *conditions = json_path(pod, "status.conditions");
	json_t *fresh, *condition;
	size_t i;

	fresh = json_pack("{s:s,s:s,s:n,s:s}", "type", "PodScheduled", "status", "True",
			  "lastProbeTime", "lastTransitionTime", time_format(now, text));
	if (json_path_int(pod, "metadata.generation", 0))
		json_object_set_new(fresh, "observedGeneration",
				    json_integer(json_path_int(pod, "metadata.generation", 0)));
	if (!json_is_array(conditions)) {
		json_path_set(pod, "status.conditions", json_pack("[o]", fresh));
		return;
	}
	json_array_foreach (conditions, i, condition) {
		if (strcmp(json_path_string(condition, "type"), "PodScheduled"))
			continue;
		json_array_set_new(conditions, i, fresh);
		return;
	}
	json_array_append_new(conditions, fresh);
}

/* Annotations and labels of the binding go over to the pod. */
static void merge_map(json_t *pod, const json_t *binding, const char *path)
{
	json_t *from = json_path(binding, path);

	if (!json_object_size(from))
		return;
	if (!json_path(pod, path))
		json_path_set(pod, path, json_object());
	json_object_update(json_path(pod, path), from);
}

/* The state of the pod speaks against it: a conflict of the subresource, not of the pod. */
static int refuse_binding(const char *name, const char *why, struct error **err)
{
	struct error *e = error_new(
		E_CONFLICT, "Operation cannot be fulfilled on pods/binding \"%s\": %s", name, why);

	error_set_details(e, "", "pods/binding", name);
	return error_move(err, e);
}

static int binding_precondition(const json_t *pod, const struct resource *r, const json_t *binding,
				const char *what, const char *path, struct error **err)
{
	const char *asked = json_path_string(binding, path), *found = json_path_string(pod, path);
	char *why free_ptr = NULL;

	if (!*asked || strcmp(asked, found) == 0)
		return 0;
	why = xasprintf("Precondition failed: %s in precondition: %s, %s in object meta: %s", what,
			asked, what, found);
	return refuse_conflict(r, json_path_string(pod, "metadata.name"), why, err);
}

static int check_bindable(const json_t *pod, struct error **err)
{
	const char *name = json_path_string(pod, "metadata.name");
	const char *node = json_path_string(pod, "spec.nodeName");
	char *why free_ptr = NULL;

	if (*json_path_string(pod, "metadata.deletionTimestamp"))
		why = xasprintf("pod %s is being deleted, cannot be assigned to a host", name);
	else if (*node)
		why = xasprintf("pod %s is already assigned to node \"%s\"", name, node);
	else if (json_array_size(json_path(pod, "spec.schedulingGates")))
		why = xasprintf("pod %s has non-empty .spec.schedulingGates", name);
	return why ? refuse_binding(name, why, err) : 0;
}

int pod_bind(json_t *pod, const struct resource *r, const json_t *binding, int64_t now,
	     struct error **err)
{
	if (binding_precondition(pod, r, binding, "UID", "metadata.uid", err) < 0 ||
	    binding_precondition(pod, r, binding, "ResourceVersion", "metadata.resourceVersion",
				 err) < 0 ||
	    check_bindable(pod, err) < 0)
		return -1;
	json_path_set(pod, "spec.nodeName", json_string(json_path_string(binding, "target.name")));
	json_path_del(pod, "status.nominatedNodeName");
	merge_map(pod, binding, "metadata.annotations");
	merge_map(pod, binding, "metadata.labels");
	set_scheduled(pod, now);
	return 0;
}
