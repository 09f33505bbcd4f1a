#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "kinds/csr.h"
#include "object/json.h"
#include "object/time.h"
#include "object/user.h"

#include <string.h>

#define SECONDS_MIN 600

static const char *const usages[] = {"any",
				     "cert sign",
				     "client auth",
				     "code signing",
				     "content commitment",
				     "crl sign",
				     "data encipherment",
				     "decipher only",
				     "digital signature",
				     "email protection",
				     "encipher only",
				     "ipsec end system",
				     "ipsec tunnel",
				     "ipsec user",
				     "key agreement",
				     "key encipherment",
				     "microsoft sgc",
				     "netscape sgc",
				     "ocsp signing",
				     "s/mime",
				     "server auth",
				     "signing",
				     "timestamping",
				     NULL};

/* It asks in the name of who made it, whatever it says. */
static void take_user(json_t *spec, const struct user *user)
{
	static const char *const taken[] = {"username", "uid", "groups", "extra"};
	json_t *info json_auto = user_info(user);

	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		json_object_del(spec, taken[i]);
	json_object_update(spec, info);
}

static size_t count(const json_t *conditions, const char *type)
{
	const json_t *c;
	size_t i, n = 0;

	json_array_foreach ((json_t *)conditions, i, c)
		n += strcmp(json_path_string(c, "type"), type) == 0;
	return n;
}

/* What was decided is not changed in passing. One that came or went stays, to be refused. */
static void keep_decision(json_t *conditions, const json_t *before, const char *type)
{
	const json_t *c, *was;
	size_t i, j = 0;

	if (count(conditions, type) != count(before, type))
		return;
	json_array_foreach (conditions, i, c) {
		if (strcmp(json_path_string(c, "type"), type) != 0)
			continue;
		while ((was = json_array_get(before, j++)))
			if (strcmp(json_path_string(was, "type"), type) == 0)
				break;
		json_array_set_new(conditions, i, json_deep_copy(was));
	}
}

/* Since when a condition is what it is: before, if it was that already. */
static const char *transition(const json_t *condition, const json_t *before, const char *now)
{
	const json_t *was;
	size_t i;

	json_array_foreach ((json_t *)before, i, was) {
		const char *since = json_path_string(was, "lastTransitionTime");

		if (*since &&
		    strcmp(json_path_string(was, "type"), json_path_string(condition, "type")) ==
			    0 &&
		    strcmp(json_path_string(was, "status"),
			   json_path_string(condition, "status")) == 0)
			return since;
	}
	return now;
}

static void stamp(json_t *conditions, const json_t *before, int64_t now)
{
	char text[TIME_TEXT];
	json_t *c;
	size_t i;

	time_format(now, text);
	json_array_foreach (conditions, i, c) {
		if (!*json_path_string(c, "lastUpdateTime"))
			json_object_set_new(c, "lastUpdateTime", json_string(text));
		if (!*json_path_string(c, "lastTransitionTime"))
			json_object_set_new(c, "lastTransitionTime",
					    json_string(transition(c, before, text)));
	}
}

static void prepare_write(json_t *object, const json_t *old, const struct write_facts *facts)
{
	json_t *conditions = json_path(object, "status.conditions");
	const json_t *before = json_path(old, "status.conditions");

	if (!old) {
		json_object_set_new(object, "status", json_object());
		take_user(json_object_get(object, "spec"), facts->user);
	} else if (facts->subresource && conditions) {
		if (strcmp(facts->subresource, "status") == 0) {
			keep_decision(conditions, before, "Approved");
			keep_decision(conditions, before, "Denied");
		}
		stamp(conditions, before, facts->now);
	}
}

static const char *request_problem(const struct field *f)
{
	const char *why;
	X509_REQ *req CLEANUP(X509_REQ_free_cleanup) = csr_request(field_text(f), &why);

	return req ? NULL : why;
}

static void check_usages(const struct field *f)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_require(f);
	field_each (f, usage) {
		field_one_of(&usage, usages);
		if (seen_add(&seen, field_text(&usage)))
			field_duplicate(&usage);
	}
}

static void check_condition(const struct field *c)
{
	static const char *const always_true[] = {"Approved", "Denied", "Failed", NULL};
	static const char *const only_true[] = {"True", NULL};
	static const char *const statuses[] = {"False", "True", "Unknown", NULL};
	const struct field *type = FIELD(c, "type");

	field_require(type);
	field_one_of_required(FIELD(c, "status"),
			      text_is_one_of(field_text(type), always_true) ? only_true : statuses);
}

static void check_conditions(const struct field *f)
{
	struct seen seen CLEANUP(seen_release) = SEEN_INIT;

	field_each (f, c) {
		const struct field *type = FIELD(&c, "type");
		bool both = (field_is(type, "Approved") && seen_has(&seen, "Denied")) ||
			    (field_is(type, "Denied") && seen_has(&seen, "Approved"));

		check_condition(&c);
		if (both)
			field_invalid_text(f, field_text(type),
					   "Approved and Denied conditions are mutually exclusive");
		if (seen_add(&seen, field_text(type)))
			field_duplicate(type);
	}
}

static void check_whole(const struct field *o)
{
	const struct field *spec = FIELD(o, "spec"), *request = FIELD(spec, "request");
	const struct field *signer = FIELD(spec, "signerName");
	const struct field *seconds = FIELD(spec, "expirationSeconds");
	const struct field *cert = FIELD(o, "status.certificate");
	const char *why = request_problem(request);

	if (why)
		field_invalid(request, why);
	check_usages(FIELD(spec, "usages"));
	if (field_is(signer, "kubernetes.io/legacy-unknown"))
		field_invalid(signer, "the legacy signerName is not allowed via this API version");
	else
		rule_signer_name(signer);
	if (field_set(seconds) && field_int(seconds) < SECONDS_MIN)
		field_invalid(seconds,
			      "may not specify a duration less than 600 seconds (10 minutes)");
	check_conditions(FIELD(o, "status.conditions"));
	why = *field_text(cert) ? csr_certificates_problem(field_text(cert)) : NULL;
	if (why)
		field_invalid_text(cert, "<certificate data>", why);
}

static const json_t *find(const struct field *conditions, const char *type)
{
	field_each (conditions, c)
		if (strcmp(json_path_string(c.value, "type"), type) == 0)
			return c.value;
	return NULL;
}

static void forbid(const struct field *f, const char *what, const char *type)
{
	char *why free_ptr = xasprintf("updates may not %s a condition of type \"%s\"", what, type);

	field_forbidden(f, why);
}

/* A decision stands, and is made at its own place; so does a certificate. */
static void check_changes(const struct field *o, const struct field *old, bool approval,
			  bool status)
{
	static const char *const types[] = {"Approved", "Denied", "Failed"};
	const struct field *now = FIELD(o, "status.conditions");
	const struct field *was = FIELD(old, "status.conditions");
	const struct field *cert = FIELD(o, "status.certificate");
	const struct field *had = FIELD(old, "status.certificate");

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const json_t *a = find(now, types[i]), *b = find(was, types[i]);
		bool decision = i < 2 && !approval;

		if (b && !a)
			forbid(now, "remove", types[i]);
		else if (a && !b && decision)
			forbid(now, "add", types[i]);
		else if (a && b && decision && !json_equal(a, b))
			forbid(now, "modify", types[i]);
	}
	if (field_same(cert, had))
		return;
	if (!status)
		field_forbidden(cert, "updates may not set certificate content");
	else if (*field_text(had))
		field_forbidden(cert, "updates may not modify existing certificate content");
}

static void validate(const struct field *o, const struct field *old)
{
	check_whole(o);
	if (old)
		check_changes(o, old, false, false);
}

static void validate_subresource(const struct field *o, const struct field *old, const char *name)
{
	check_whole(o);
	check_changes(o, old, strcmp(name, "approval") == 0, strcmp(name, "status") == 0);
}

static const struct selectable selectable[] = {
	{.field = "spec.signerName"},
	{0},
};

const struct kind kind_csr = {
	.group = "certificates.k8s.io",
	.kind = "CertificateSigningRequest",
	.prepare_write = prepare_write,
	.validate = validate,
	.validate_subresource = validate_subresource,
	.name_rule = name_path_segment,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
	.selectable = selectable,
};
