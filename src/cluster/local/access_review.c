/*
 * Reviews of access: may somebody do something, may I, and what may I do in a namespace?
 */
#include "cluster/local/reviews.h"

#include "base/mem.h"
#include "cluster/local/access.h"
#include "cluster/local/admission.h"
#include "kinds/field.h"
#include "kinds/kind.h"
#include "object/json.h"
#include "object/selector.h"

#include <string.h>

/* The user that a review asks about; all borrowed but the array of groups. */
struct asked {
	struct user user;
	const char **groups;
};

static void asked_release(struct asked *a)
{
	free(a->groups);
}

static void read_user(const json_t *spec, struct asked *out)
{
	const json_t *list = json_object_get(spec, "groups"), *group;
	size_t i, n = 0;

	out->groups = xcalloc(json_array_size(list) + 1, sizeof(*out->groups));
	json_array_foreach ((json_t *)list, i, group)
		out->groups[n++] = json_string_value(group);
	out->user = (struct user){.name = json_path_string(spec, "user"),
				  .uid = json_path_string(spec, "uid"),
				  .groups = out->groups};
}

static struct access read_access(const json_t *spec, const struct user *user)
{
	const json_t *r = json_object_get(spec, "resourceAttributes");
	const json_t *path = json_object_get(spec, "nonResourceAttributes");

	if (!r)
		return (struct access){.user = user,
				       .verb = json_path_string(path, "verb"),
				       .path = json_path_string(path, "path")};
	return (struct access){
		.user = user,
		.verb = json_path_string(r, "verb"),
		.group = json_path_string(r, "group"),
		.version = json_path_string(r, "version"),
		.resource = json_path_string(r, "resource"),
		.subresource = json_path_string(r, "subresource"),
		.namespace = json_path_string(r, "namespace"),
		.name = json_path_string(r, "name"),
	};
}

enum parsed { PARSED, PARTLY, NOTHING };

static void add_error(struct str *errors, const char *which, enum parsed how)
{
	if (how != PARSED)
		str_addf(errors, "%sspec.resourceAttributes.%s %signored due to parse error",
			 errors->len ? "; " : "", which, how == PARTLY ? "partially " : "");
}

/* A field can be told to have one value or not to have it. */
static bool field_requirement_holds(const json_t *r)
{
	const char *op = json_path_string(r, "operator");

	return (strcmp(op, "In") == 0 || strcmp(op, "NotIn") == 0) &&
	       json_array_size(json_object_get(r, "values")) == 1;
}

static bool label_requirement_holds(const json_t *r)
{
	static const char *const operators[] = {"In", "NotIn", "Exists", "DoesNotExist", NULL};

	return text_is_one_of(json_path_string(r, "operator"), operators);
}

static enum parsed parse(const json_t *requirements, bool raw_is_good,
			 bool (*holds)(const json_t *r))
{
	size_t size = json_array_size(requirements), good = 0, i;
	const json_t *r;

	if (!size)
		return raw_is_good ? PARSED : NOTHING;
	json_array_foreach ((json_t *)requirements, i, r)
		good += holds(r);
	return good == size ? PARSED : good ? PARTLY : NOTHING;
}

/* Selectors that cannot be read are told; roles know of none. */
static void check_selectors(const json_t *spec, struct str *errors)
{
	const json_t *fields = json_path(spec, "resourceAttributes.fieldSelector");
	const json_t *labels = json_path(spec, "resourceAttributes.labelSelector");
	struct field_selector *f CLEANUP(field_selector_free_cleanup) =
		field_selector_parse(json_path_string(fields, "rawSelector"), NULL);
	struct selector *s CLEANUP(selector_free_cleanup) =
		selector_parse(json_path_string(labels, "rawSelector"), NULL);

	add_error(errors, "fieldSelector",
		  parse(json_object_get(fields, "requirements"), f, field_requirement_holds));
	add_error(errors, "labelSelector",
		  parse(json_object_get(labels, "requirements"), s, label_requirement_holds));
}

static int decide(const struct write *w, json_t *tree, const struct user *user)
{
	const json_t *spec = json_object_get(tree, "spec");
	struct access access = read_access(spec, user);
	struct str reason CLEANUP(str_release) = STR_INIT, errors CLEANUP(str_release) = STR_INIT;
	bool allowed = access_allowed(w->l, &access, &reason);
	json_t *status = json_pack("{s:b}", "allowed", allowed);

	check_selectors(spec, &errors);
	if (reason.len)
		json_object_set_new(status, "reason", json_string(reason.s));
	if (errors.len)
		json_object_set_new(status, "evaluationError", json_string(errors.s));
	json_object_set_new(tree, "status", status);
	return 0;
}

/* The refusals of these types name no kind. */
static int check(const struct write *w, const json_t *tree, struct error **err)
{
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();
	const struct field object = field_root(tree, errors);
	struct resource nameless = *w->r;

	nameless.kind = "";
	object_validate(&object, NULL, w->storage, w->r, NULL);
	return field_errors_finish(errors, &nameless, "", err);
}

static const struct user *caller(const struct write *w)
{
	const struct admission a = {.call = w->call};

	return admission_user(&a);
}

int self_access_review(const struct write *w, json_t *tree, struct error **err)
{
	return check(w, tree, err) < 0 ? -1 : decide(w, tree, caller(w));
}

int access_review(const struct write *w, json_t *tree, struct error **err)
{
	struct asked asked CLEANUP(asked_release) = {.groups = NULL};
	const char *namespace = json_path_string(tree, "metadata.namespace");

	if (w->r->namespaced && !*namespace)
		json_path_set(tree, "metadata.namespace", json_string(w->namespace));
	else if (w->r->namespaced && strcmp(namespace, w->namespace) != 0)
		return error_set(err, E_BAD_REQUEST,
				 "the namespace of the provided object does not match the "
				 "namespace sent on the request");
	if (check(w, tree, err) < 0)
		return -1;
	read_user(json_object_get(tree, "spec"), &asked);
	return decide(w, tree, &asked.user);
}

/* Rules of resources and of paths stand apart in the answer. */
static void list_rules(const struct rbac_rules *rules, json_t *resources, json_t *paths)
{
	for (size_t i = 0; i < rules->n; i++) {
		struct rbac_rule one = rules->v[i];

		if (one.resources.n) {
			one.urls.n = 0;
			json_array_append_new(resources, rbac_rule_json(&one));
		}
		one = rules->v[i];
		if (one.urls.n) {
			one.groups.n = one.resources.n = one.names.n = 0;
			json_array_append_new(paths, rbac_rule_json(&one));
		}
	}
}

/* Nothing of the question stands in the answer. */
int rules_review(const struct write *w, json_t *tree, struct error **err)
{
	char *namespace free_ptr = xstrdup(json_path_string(tree, "spec.namespace"));
	struct access_view view CLEANUP(access_view_release) = {.namespace = ""};
	struct rbac_rules rules CLEANUP(rbac_rules_release) = {0};
	struct str problems CLEANUP(str_release) = STR_INIT;
	json_t *status, *resources = json_array(), *paths = json_array();

	status = json_pack("{s:b,s:o,s:o}", "incomplete", 0, "resourceRules", resources,
			   "nonResourceRules", paths);
	json_object_set_new(tree, "status", status);
	if (!*namespace)
		return error_set(err, E_BAD_REQUEST, "no namespace on request");
	view = access_view(w->l, namespace);
	access_rules(&view, caller(w), &rules, &problems);
	list_rules(&rules, resources, paths);
	if (problems.len)
		json_object_set_new(status, "evaluationError", json_string(problems.s));
	json_object_set_new(tree, "metadata", json_object());
	json_object_set_new(tree, "spec", json_object());
	return 0;
}
