/*
 * Which requests are treated alike (flow schemas), and how (priority levels).
 */
#include "kinds/builtin.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <math.h>
#include <string.h>

#define PRECEDENCE_MAX 10000
#define QUEUES_MAX 10000000
#define HASH_BITS 60
/* What said in a version that is served no more that no shares are meant. */
#define OLD_ANNOTATION "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares"

static const char *const verbs[] = {"create", "delete", "deletecollection", "get",   "list",
				    "patch",  "proxy",	"update",	    "watch", NULL};

static void fill_zero(json_t *object, const char *key, json_int_t value)
{
	if (!json_path_int(object, key, 0))
		json_object_set_new(object, key, json_integer(value));
}

static void schema_defaults(json_t *object)
{
	fill_zero(fill_spec(object), "matchingPrecedence", 1000);
}

static void level_defaults(json_t *object)
{
	json_t *spec = fill_spec(object),
	       *queuing = json_path(spec, "limited.limitResponse.queuing");
	json_t *limited = json_object_get(spec, "limited"),
	       *exempt = json_object_get(spec, "exempt");

	if (json_is_object(limited)) {
		fill_int(limited, "nominalConcurrencyShares", 30);
		fill_int(limited, "lendablePercent", 0);
	}
	if (json_is_object(exempt)) {
		fill_int(exempt, "nominalConcurrencyShares", 0);
		fill_int(exempt, "lendablePercent", 0);
	}
	if (json_is_object(queuing)) {
		fill_zero(queuing, "handSize", 8);
		fill_zero(queuing, "queues", 64);
		fill_zero(queuing, "queueLengthLimit", 50);
	}
}

static bool has_wildcard(const struct field *list)
{
	field_each (list, item)
		if (field_is(&item, "*"))
			return true;
	return false;
}

/* False: it has a wildcard, alone or not, so that its other members are not looked at. */
static bool check_list(const struct field *f, const char *missing, const char *others)
{
	char *why free_ptr = NULL;

	if (!field_size(f)) {
		field_required(f, missing);
		return false;
	}
	if (!has_wildcard(f))
		return true;
	why = xasprintf("if '*' is present, must not specify other %s", others);
	if (field_size(f) > 1)
		field_invalid(f, why);
	return false;
}

static void check_verbs(const struct field *f)
{
	if (!check_list(f, "verbs must contain at least one value", "verbs"))
		return;
	field_each (f, verb)
		if (!text_is_one_of(field_text(&verb), verbs)) {
			field_not_supported_json(f, f->value, verbs);
			return;
		}
}

static const char *url_problem(const char *path)
{
	const char *star = strchr(path, '*');

	if (!*path)
		return "must not be empty";
	if (*path != '/')
		return "must start with slash";
	if (strchr(path, ' '))
		return "must not contain white-space";
	if (strstr(path, "//"))
		return "must not contain double slash";
	return star && (star[1] || star[-1] != '/') ? "wildcard can only do suffix matching" : NULL;
}

static void check_url_rule(const struct field *f)
{
	const struct field *urls = FIELD(f, "nonResourceURLs");

	check_verbs(FIELD(f, "verbs"));
	if (!check_list(urls, "nonResourceURLs must contain at least one value",
			"non-resource URLs"))
		return;
	field_each (urls, url) {
		const char *why = url_problem(field_text(&url));

		if (why)
			field_invalid(&url, why);
	}
}

static void check_resource_rule(const struct field *f)
{
	const struct field *namespaces = FIELD(f, "namespaces");

	check_verbs(FIELD(f, "verbs"));
	check_list(FIELD(f, "apiGroups"), "resource rules must supply at least one api group",
		   "api groups");
	check_list(FIELD(f, "resources"), "resource rules must supply at least one resource",
		   "resources");
	if (!field_size(namespaces) && field_bool(FIELD(f, "clusterScope")))
		return;
	if (!check_list(namespaces,
			"resource rules that are not cluster scoped must supply at least one "
			"namespace",
			"namespaces"))
		return;
	field_each (namespaces, n)
		field_check(&n, name_dns_label);
}

static void check_account(const struct field *f)
{
	const struct field *name = FIELD(f, "name"), *namespace = FIELD(f, "namespace");

	if (field_require(name) && !field_is(name, "*"))
		field_check(name, name_dns_subdomain);
	if (*field_text(namespace))
		field_check(namespace, name_dns_label);
	else
		field_required(namespace, "must specify namespace for service account");
}

static void check_subject(const struct field *f)
{
	static const char *const kinds[] = {"Group", "ServiceAccount", "User", NULL};
	static const struct {
		const char *kind, *member;
	} members[] = {{"ServiceAccount", "serviceAccount"}, {"User", "user"}, {"Group", "group"}};
	const struct field *kind = FIELD(f, "kind");

	if (!field_one_of(kind, kinds))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const struct field *m = FIELD(f, members[i].member);
		bool own = field_is(kind, members[i].kind);
		char *why free_ptr = xasprintf(own ? "%s is required when subject kind is '%s'"
						   : "%s is forbidden when subject kind is not "
						     "'%s'",
					       members[i].member, members[i].kind);

		if (own && !field_set(m))
			field_required(m, why);
		else if (!own && field_set(m))
			field_forbidden(m, why);
		else if (own && !i)
			check_account(m);
		else if (own)
			field_require(FIELD(m, "name"));
	}
}

static void check_rule(const struct field *rule)
{
	const struct field *subjects = FIELD(rule, "subjects");
	const struct field *resources = FIELD(rule, "resourceRules");
	const struct field *urls = FIELD(rule, "nonResourceRules");

	if (!field_size(subjects))
		field_required(subjects, "subjects must contain at least one value");
	field_each (subjects, s)
		check_subject(&s);
	if (!field_size(resources) && !field_size(urls))
		field_required(rule, "at least one of resourceRules and nonResourceRules has to be "
				     "non-empty");
	field_each (resources, r)
		check_resource_rule(&r);
	field_each (urls, r)
		check_url_rule(&r);
}

static void check_conditions(const struct field *f)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (f, c) {
		const struct field *type = FIELD(&c, "type");

		if (seen_add(&seen, field_text(type)))
			field_duplicate(type);
		field_require(type);
	}
}

/* The whole method is shown, by the name that its field has in Go. */
static void refuse_method(const struct field *f, const char *const *methods)
{
	const struct field *type = FIELD(f, "type");
	json_t *shown json_auto = json_pack("{s:s}", "Type", field_text(type));

	field_not_supported_json(type, shown, methods);
}

static void validate_schema(const struct field *o, const struct field *old)
{
	static const char *const methods[] = {"ByNamespace", "ByUser", NULL};
	const struct field *spec = FIELD(o, "spec"), *rules = FIELD(spec, "rules");
	const struct field *precedence = FIELD(spec, "matchingPrecedence");
	const struct field *method = FIELD(spec, "distinguisherMethod");
	const struct field *level = FIELD(spec, "priorityLevelConfiguration.name");

	(void)old;
	if (field_int(precedence) <= 0)
		field_invalid(precedence, "must be a positive value");
	if (field_int(precedence) > PRECEDENCE_MAX)
		field_invalid(precedence, "must not be greater than 10000");
	if (field_int(precedence) == 1 &&
	    strcmp(json_path_string(o->value, "metadata.name"), "exempt"))
		field_invalid(precedence,
			      "only the schema named 'exempt' may have matchingPrecedence 1");
	if (field_set(method) && !text_is_one_of(field_text(FIELD(method, "type")), methods))
		refuse_method(method, methods);
	if (*field_text(level))
		field_check(level, name_dns_subdomain);
	else
		field_required(level, "must reference a priority level");
	field_each (rules, rule)
		check_rule(&rule);
	check_conditions(FIELD(o, "status.conditions"));
}

/* How many bits tell hands of HAND of QUEUES queues apart. */
static unsigned entropy(json_int_t queues, json_int_t hand)
{
	double bits = 0;

	for (json_int_t i = 0; i < hand; i++)
		bits += log2((double)(queues - i));
	return (unsigned)ceil(bits);
}

static void check_queuing(const struct field *f)
{
	const struct field *length = FIELD(f, "queueLengthLimit"), *queues = FIELD(f, "queues");
	const struct field *hand = FIELD(f, "handSize");

	if (field_int(length) <= 0)
		field_invalid(length, "must be positive");
	if (field_int(queues) <= 0)
		field_invalid(queues, "must be positive");
	else if (field_int(queues) > QUEUES_MAX)
		field_invalid(queues, "must not be greater than 10000000");
	if (field_int(hand) <= 0)
		field_invalid(hand, "must be positive");
	else if (field_int(hand) > field_int(queues))
		field_invalid(hand, "should not be greater than queues");
	else if (field_int(hand) > HASH_BITS ||
		 entropy(field_int(queues), field_int(hand)) > HASH_BITS)
		field_invalid(hand, "required entropy bits of deckSize and handSize should not be "
				    "greater than 60");
}

static void check_response(const struct field *f)
{
	static const char *const types[] = {"Queue", "Reject", NULL};
	const struct field *type = FIELD(f, "type"), *queuing = FIELD(f, "queuing");

	if (!field_one_of(type, types))
		return;
	if (field_is(type, "Reject") && field_set(queuing))
		field_forbidden(queuing,
				"must be nil if limited.limitResponse.type is not Limited");
	else if (field_is(type, "Queue") && field_set(queuing))
		check_queuing(queuing);
	else if (field_is(type, "Queue"))
		field_required(queuing,
			       "must not be empty if limited.limitResponse.type is Limited");
}

static void check_shares(const struct field *f)
{
	const struct field *shares = FIELD(f, "nominalConcurrencyShares");
	const struct field *lendable = FIELD(f, "lendablePercent");
	const struct field *limit = FIELD(f, "borrowingLimitPercent");

	if (field_int(shares) < 0)
		field_invalid(shares, "must be a non-negative integer");
	if (field_int(lendable) < 0 || field_int(lendable) > 100)
		field_invalid(lendable, "must be between 0 and 100, inclusive");
	if (field_int(limit) < 0)
		field_invalid(limit, "if specified, must be a non-negative integer");
}

static void validate_level(const struct field *o, const struct field *old)
{
	static const char *const types[] = {"Exempt", "Limited", NULL};
	const struct field *spec = FIELD(o, "spec"), *type = FIELD(spec, "type");
	const struct field *limited = FIELD(spec, "limited"), *exempt = FIELD(spec, "exempt");
	const struct field *annotations = FIELD(o, "metadata.annotations");
	bool named = strcmp(json_path_string(o->value, "metadata.name"), "exempt") == 0;

	(void)old;
	if (json_object_get(annotations->value, OLD_ANNOTATION))
		field_forbidden(annotations, "annotation '" OLD_ANNOTATION "' is forbidden");
	if (named != field_is(type, "Exempt"))
		field_invalid_text(type, field_text(type),
				   "must be 'Exempt' if and only if `name` is 'exempt'");
	if (field_is(type, "Exempt")) {
		if (field_set(limited))
			field_forbidden(limited, "must be nil if the type is not Limited");
		check_shares(exempt);
	} else if (field_one_of(type, types)) {
		if (field_set(exempt))
			field_forbidden(exempt, "must be nil if the type is Limited");
		if (!field_set(limited)) {
			field_required(limited, "must not be empty when type is Limited");
		} else {
			check_shares(limited);
			check_response(FIELD(limited, "limitResponse"));
		}
	}
	check_conditions(FIELD(o, "status.conditions"));
}

static void validate_status(const struct field *o, const struct field *old, const char *name)
{
	(void)old;
	(void)name;
	check_conditions(FIELD(o, "status.conditions"));
}

const struct kind kind_flowschema = {
	.group = "flowcontrol.apiserver.k8s.io",
	.kind = "FlowSchema",
	.set_defaults = schema_defaults,
	.validate = validate_schema,
	.validate_subresource = validate_status,
	.metadata = METADATA_WHOLE | METADATA_NO_CHANGES,
};
const struct kind kind_prioritylevel = {
	.group = "flowcontrol.apiserver.k8s.io",
	.kind = "PriorityLevelConfiguration",
	.set_defaults = level_defaults,
	.validate = validate_level,
	.validate_subresource = validate_status,
	.metadata = METADATA_WHOLE | METADATA_NO_CHANGES,
};
