/*
 * Names of custom resources: in one group a plural, a singular and a short name stand for one type,
 * and so do a kind and a list kind. A definition gets the names that nobody has yet; it is served
 * once it has all of them, and goes on to be.
 */
#include "cluster/local/private.h"

#include "base/log.h"
#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "kinds/names.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

/* Names that other definitions of the group have. */
struct taken {
	const char *group, *self;
	json_t *names, *kinds; /* sets: objects */
};

static void note(json_t *set, const char *name)
{
	if (*name)
		json_object_set_new(set, name, json_true());
}

static bool add_other(void *arg, const char *json, size_t len)
{
	struct taken *t = arg;
	json_t *crd json_auto = json_read(json, len, NULL);
	const json_t *accepted = json_path(crd, "status.acceptedNames");
	size_t i;
	json_t *name;

	if (strcmp(json_path_string(crd, "spec.group"), t->group) ||
	    !strcmp(json_path_string(crd, "metadata.name"), t->self))
		return true;
	note(t->names, json_path_string(accepted, "plural"));
	note(t->names, json_path_string(accepted, "singular"));
	json_array_foreach (json_path(accepted, "shortNames"), i, name)
		note(t->names, json_is_string(name) ? json_string_value(name) : "");
	note(t->kinds, json_path_string(accepted, "kind"));
	note(t->kinds, json_path_string(accepted, "listKind"));
	return true;
}

static int list_definitions(struct local *l, list_sink *sink, void *arg, struct error **err)
{
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	struct list_options opt = {0};

	return local_list(&l->base, NULL, crd_type(), "", &opt, sink, arg, &meta, err);
}

void crd_set_condition(json_t *crd, const char *type, bool status, const char *reason,
		       const char *message, const char *now)
{
	json_t *list = json_path(crd, "status.conditions"), *condition;
	json_t *fresh = json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", type, "status",
				  status ? "True" : "False", "lastTransitionTime", now, "reason",
				  reason, "message", message);
	size_t i;

	if (!json_is_array(list)) {
		json_path_set(crd, "status.conditions", json_pack("[o]", fresh));
		return;
	}
	json_array_foreach (list, i, condition) {
		if (strcmp(json_path_string(condition, "type"), type))
			continue;
		if (!strcmp(json_path_string(condition, "status"), status ? "True" : "False"))
			json_object_set(fresh, "lastTransitionTime",
					json_object_get(condition, "lastTransitionTime"));
		json_array_set_new(list, i, fresh);
		return;
	}
	json_array_append_new(list, fresh);
}

bool crd_condition(const json_t *crd, const char *type)
{
	size_t i;
	json_t *condition;

	json_array_foreach (json_path(crd, "status.conditions"), i, condition)
		if (!strcmp(json_path_string(condition, "type"), type))
			return !strcmp(json_path_string(condition, "status"), "True");
	return false;
}

/* The names of a definition in the order in which they are asked for; the last refusal is told. */
static const struct {
	const char *key, *reason;
	bool kind;
} names_in_order[] = {
	{"plural", "PluralConflict", false},	     {"singular", "SingularConflict", false},
	{"shortNames", "ShortNamesConflict", false}, {"kind", "KindConflict", true},
	{"listKind", "ListKindConflict", true},
};

/* The name of VALUE, a text or a list of them, that is taken; NULL: none. */
static const char *first_taken(const json_t *value, const json_t *set)
{
	size_t i;
	json_t *name;

	if (json_is_string(value))
		return json_object_get(set, json_string_value(value)) ? json_string_value(value)
								      : NULL;
	json_array_foreach ((json_t *)value, i, name)
		if (json_is_string(name) && json_object_get(set, json_string_value(name)))
			return json_string_value(name);
	return NULL;
}

/* A definition in a group of Kubernetes' own says where it was approved, or why it was not:
 * validation has seen to that. */
static void tell_approval(json_t *crd, const char *now)
{
	const char *said =
		json_path_string(crd, "metadata.annotations[api-approved.kubernetes.io]");
	bool approved = !str_has_prefix(said, "unapproved");
	struct str message CLEANUP(str_release) = STR_INIT;

	if (!*said || !name_in_kubernetes_domain(json_path_string(crd, "spec.group")))
		return;
	str_adds(&message, approved ? "approved in " : "not approved: ");
	if (approved)
		str_adds(&message, said);
	else
		json_write_string(said, strlen(said), &message);
	crd_set_condition(crd, "KubernetesAPIApprovalPolicyConformant", approved,
			  approved ? "ApprovedAnnotation" : "UnapprovedAnnotation", message.s, now);
}

static void accept(json_t *crd, const struct taken *t, const char *now)
{
	json_t *names = json_path(crd, "spec.names");
	json_t *accepted json_auto = json_deep_copy(json_path(crd, "status.acceptedNames"));
	const char *reason = NULL;
	char *message free_ptr = NULL;

	accepted = accepted ? accepted : json_object();
	for (size_t i = 0; i < ARRAY_SIZE(names_in_order); i++) {
		const char *key = names_in_order[i].key;
		json_t *value = json_object_get(names, key);
		const char *other =
			first_taken(value, names_in_order[i].kind ? t->kinds : t->names);

		if (other) {
			free(message);
			message = xasprintf("\"%s\" is already in use", other);
			reason = names_in_order[i].reason;
		} else if (value) {
			json_object_set_new(accepted, key, json_deep_copy(value));
		} else {
			json_object_del(accepted, key);
		}
	}
	if (json_object_get(names, "categories"))
		json_object_set_new(accepted, "categories",
				    json_deep_copy(json_object_get(names, "categories")));
	else
		json_object_del(accepted, "categories");
	json_path_set(crd, "status.acceptedNames", json_incref(accepted));
	tell_approval(crd, now);
	crd_set_condition(crd, "NamesAccepted", !reason, reason ? reason : "NoConflicts",
			  reason ? message : "no conflicts found", now);
	if (!reason && !crd_condition(crd, "Established"))
		crd_set_condition(crd, "Established", true, "InitialNamesAccepted",
				  "the initial names have been accepted", now);
	else if (reason && !crd_condition(crd, "Established"))
		crd_set_condition(crd, "Established", false, "NotAccepted",
				  "not all names are accepted", now);
}

int crd_accept(struct local *l, json_t *crd, struct error **err)
{
	struct taken t = {.group = json_path_string(crd, "spec.group"),
			  .self = json_path_string(crd, "metadata.name"),
			  .names = json_object(),
			  .kinds = json_object()};
	char now[TIME_TEXT];
	int result = list_definitions(l, add_other, &t, err);

	if (result == 0)
		accept(crd, &t, time_format(clock_wall(l->clock), now));
	json_decref(t.names);
	json_decref(t.kinds);
	return result;
}

/* Definitions that wait for a name. */
struct waiting {
	VEC(char *) names;
};

static bool add_waiting(void *arg, const char *json, size_t len)
{
	struct waiting *w = arg;
	json_t *crd json_auto = json_read(json, len, NULL);

	if (crd && !crd_condition(crd, "NamesAccepted"))
		vec_push(&w->names, xstrdup(json_path_string(crd, "metadata.name")));
	return true;
}

void crd_accept_waiting(struct local *l)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct waiting w = {.names = VEC_INIT};

	if (list_definitions(l, add_waiting, &w, &err) < 0)
		log_warn("which definitions wait for names cannot be read: %s", error_message(err));
	vec_each (&w.names, name) {
		error_clear(&err);
		if (crd_establish(l, *name, &err) < 0 && error_code(err) != E_NOT_FOUND)
			log_warn("the definition %s, which waits for names, gets none: %s", *name,
				 error_message(err));
		free(*name);
	}
	vec_release(&w.names);
}
