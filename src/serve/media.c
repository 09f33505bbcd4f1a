#include "serve/media.h"
#include "base/mem.h"
#include "base/vec.h"

#include <string.h>
#include <strings.h>

#define CLAUSES 32

#define READABLE "application/json, application/yaml"

/* One clause of an Accept header, pointing into it. */
struct clause {
	const char *type;
	size_t type_len;
	char as[48], group[48], version[16];
	double q;
};

static const struct {
	enum media_as as;
	const char *kind, *group, *version, *content_type;
} transforms[] = {
	{MEDIA_AS_TABLE, "Table", "meta.k8s.io", "v1", "application/json"},
	{MEDIA_AS_TABLE, "Table", "meta.k8s.io", "v1beta1", "application/json"},
	{MEDIA_AS_PARTIAL, "PartialObjectMetadata", "meta.k8s.io", "v1", "application/json"},
	{MEDIA_AS_PARTIAL_LIST, "PartialObjectMetadataList", "meta.k8s.io", "v1",
	 "application/json"},
	{MEDIA_AS_DISCOVERY, "APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2",
	 "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"},
};

static const char *skip_space(const char *s, const char *end)
{
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	return s;
}

static size_t trimmed(const char *s, const char *end)
{
	while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (size_t)(end - s);
}

static void copy_value(char *out, size_t size, const char *s, size_t len)
{
	len = MIN(len, size - 1);
	memcpy(out, s, len);
	out[len] = '\0';
}

static void parse_parameter(struct clause *c, const char *s, const char *end)
{
	const char *equals = memchr(s, '=', (size_t)(end - s));
	char q[8];
	size_t len;

	if (!equals)
		return;
	len = trimmed(equals + 1, end);
	if (equals - s == 2 && memcmp(s, "as", 2) == 0)
		copy_value(c->as, sizeof(c->as), equals + 1, len);
	else if (equals - s == 1 && *s == 'g')
		copy_value(c->group, sizeof(c->group), equals + 1, len);
	else if (equals - s == 1 && *s == 'v')
		copy_value(c->version, sizeof(c->version), equals + 1, len);
	else if (equals - s == 1 && *s == 'q') {
		copy_value(q, sizeof(q), equals + 1, len);
		c->q = strtod(q, NULL);
	}
}

static void parse_clause(struct clause *c, const char *s, const char *end)
{
	const char *semicolon = memchr(s, ';', (size_t)(end - s));

	*c = (struct clause){.q = 1};
	c->type = skip_space(s, end);
	c->type_len = trimmed(c->type, semicolon ? semicolon : end);
	while (semicolon) {
		const char *from = skip_space(semicolon + 1, end);
		const char *next = memchr(from, ';', (size_t)(end - from));

		parse_parameter(c, from, next ? next : end);
		semicolon = next;
	}
}

/* Clauses of ACCEPT, the most wanted first, in the order of the header where equal. */
static size_t parse_accept(const char *accept, struct clause *out)
{
	size_t n = 0;

	for (const char *s = accept; *s && n < CLAUSES;) {
		const char *end = s + strcspn(s, ",");
		struct clause c;
		size_t at;

		parse_clause(&c, s, end);
		for (at = n; at > 0 && out[at - 1].q < c.q; at--)
			out[at] = out[at - 1];
		out[at] = c;
		n++;
		s = *end ? end + 1 : end;
	}
	return n;
}

static bool type_is(const struct clause *c, const char *type)
{
	return c->type_len == strlen(type) && strncasecmp(c->type, type, c->type_len) == 0;
}

/* Whether C can be answered; *as_unknown: its form could, its transformation not. */
static bool take_clause(const struct clause *c, unsigned offered, struct media *out,
			bool *as_unknown)
{
	bool any = type_is(c, "*/*") || type_is(c, "application/*");
	bool json = any || type_is(c, "application/json");
	bool yaml = type_is(c, "application/yaml");

	if ((!json && !yaml) || c->q <= 0)
		return false;
	if (!c->as[0]) {
		*out = (struct media){.yaml = yaml,
				      .content_type =
					      yaml ? "application/yaml" : "application/json"};
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(transforms); i++)
		if ((offered & transforms[i].as) && strcmp(c->as, transforms[i].kind) == 0 &&
		    strcmp(c->group, transforms[i].group) == 0 &&
		    strcmp(c->version, transforms[i].version) == 0) {
			*out = (struct media){.yaml = yaml,
					      .as = transforms[i].as,
					      .content_type = yaml ? "application/yaml"
								   : transforms[i].content_type};
			return true;
		}
	*as_unknown = true;
	return false;
}

int media_negotiate(const char *accept, unsigned offered, bool stream, struct media *out,
		    struct error **err)
{
	struct clause clauses[CLAUSES];
	bool as_unknown = false;
	size_t n = accept ? parse_accept(accept, clauses) : 0;

	if (!n) {
		*out = (struct media){.content_type = "application/json"};
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		if (take_clause(&clauses[i], offered, out, &as_unknown))
			return 0;
	if (as_unknown)
		return error_set(err, E_NOT_ACCEPTABLE,
				 "only the following media types are accepted: " READABLE);
	error_set(err, E_NOT_ACCEPTABLE,
		  "406: Not Acceptable\n\nAvailable representations: " READABLE "%s",
		  stream ? ", application/json;stream=watch" : "");
	if (err && *err)
		error_set_details(*err, "", "", "");
	return -1;
}

int media_accepts(const char *accept, const char *type, struct error **err)
{
	struct clause clauses[CLAUSES];
	size_t n = accept ? parse_accept(accept, clauses) : 0;
	struct error *e;

	for (size_t i = 0; i < n; i++)
		if (clauses[i].q > 0 &&
		    (type_is(&clauses[i], type) || type_is(&clauses[i], "*/*") ||
		     type_is(&clauses[i], "application/*")))
			return 0;
	if (!n)
		return 0;
	e = error_new(E_NOT_ACCEPTABLE, "406: Not Acceptable\n\nAvailable representations: %s",
		      type);
	error_set_details(e, "", "", "");
	return error_move(err, e);
}

bool media_is(const char *content_type, const char *type)
{
	size_t len = strcspn(content_type, "; \t");

	return len == strlen(type) && strncasecmp(content_type, type, len) == 0;
}

static const struct {
	const char *content_type;
	enum body_form form;
} body_forms[] = {
	{"application/json", BODY_JSON},
	{"application/yaml", BODY_YAML},
	{"application/vnd.kubernetes.protobuf", BODY_PROTOBUF},
};

int media_body(const char *content_type, enum body_form *out, struct error **err)
{
	*out = BODY_JSON;
	if (!content_type || !*content_type)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(body_forms); i++)
		if (media_is(content_type, body_forms[i].content_type)) {
			*out = body_forms[i].form;
			return 0;
		}
	return error_set(err, E_MEDIA_TYPE,
			 "the body of the request was in an unknown format - accepted media types "
			 "include: " READABLE ", application/vnd.kubernetes.protobuf");
}

bool media_accepts_gzip(const char *accept_encoding)
{
	for (const char *s = accept_encoding; s && *s;) {
		const char *end = s + strcspn(s, ",");
		struct clause c;

		parse_clause(&c, s, end);
		if ((type_is(&c, "gzip") || type_is(&c, "*")) && c.q > 0)
			return true;
		s = *end ? end + 1 : end;
	}
	return false;
}
