#include "csr_fixture.h"

#include "base/str.h"
#include "kinds/csr.h"
#include "kinds/kind.h"
#include "object/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NODE "O=system:nodes/CN=system:node:a"

static EVP_PKEY *key;

static int setup(void **state)
{
	object_init();
	key = EVP_EC_gen("P-256");
	return key ? 0 : -1;
}

static int teardown(void **state)
{
	EVP_PKEY_free(key);
	return 0;
}

static json_t *parse(const char *text)
{
	char *json free_ptr = xstrdup(text);
	struct error *err = NULL;
	json_t *tree;

	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	tree = json_read(json, strlen(json), &err);
	if (!tree)
		fail_msg("%s", error_message(err));
	return tree;
}

/* Each of Kubernetes' signers signs what was made for it, and says of the rest why not. */
static void a_signer_knows_its_requests(void **state)
{
	static const char client[] = CSR_SIGNER_CLIENT, kubelet[] = CSR_SIGNER_KUBELET_CLIENT,
			  serving[] = CSR_SIGNER_KUBELET_SERVING;
	static const struct {
		const char *signer, *usages, *subject, *names, *why;
	} cases[] = {
		{client, "'client auth'", "O=a/O=b/CN=jane", NULL, NULL},
		{client, "'client auth','digital signature','key encipherment'", "CN=jane", NULL,
		 NULL},
		{client, "'server auth','client auth'", "CN=jane", NULL, "invalid usage"},
		{client, "'digital signature'", "CN=jane", NULL, "missing required usage"},
		{kubelet, "'client auth','digital signature'", NODE, NULL, NULL},
		{kubelet, "'client auth','digital signature','key encipherment'", NODE, NULL, NULL},
		{kubelet, "'client auth'", NODE, NULL, "usages"},
		{kubelet, "'client auth','digital signature','any'", NODE, NULL, "usages"},
		{kubelet, "'client auth','digital signature'", "O=system:nodes/CN=jane", NULL,
		 "common name"},
		{kubelet, "'client auth','digital signature'",
		 "O=system:nodes/O=system:masters/CN=system:node:a", NULL, "organization"},
		{kubelet, "'client auth','digital signature'", "CN=system:node:a", NULL,
		 "organization"},
		{kubelet, "'client auth','digital signature'", NODE, "DNS:a", "DNS"},
		{kubelet, "'client auth','digital signature'", NODE, "IP:192.0.2.1", "IP"},
		{kubelet, "'client auth','digital signature'", NODE, "email:a@b.example", "Email"},
		{kubelet, "'client auth','digital signature'", NODE, "URI:urn:a", "URI"},
		{serving, "'server auth','digital signature'", NODE, "DNS:a,IP:192.0.2.1", NULL},
		{serving, "'server auth','digital signature'", NODE, NULL, "is required"},
		{serving, "'server auth','digital signature'", NODE, "DNS:a,URI:urn:a", "URI"},
		{serving, "'client auth','digital signature'", NODE, "DNS:a", "usages"},
		{serving, "'server auth','digital signature'", "O=system:nodes/CN=a", "DNS:a",
		 "common name"},
		{"example.com/own", "'client auth'", "CN=jane", NULL, "no signer"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *request free_ptr = csr_make(key, cases[i].subject, cases[i].names);
		char *text free_ptr = xasprintf("{'spec':{'signerName':'%s','usages':[%s]}}",
						cases[i].signer, cases[i].usages);
		json_t *csr json_auto = parse(text);
		const char *why;
		X509_REQ *req CLEANUP(X509_REQ_free_cleanup) = csr_request(request, &why);
		bool known;

		assert_non_null(req);
		why = csr_signer_problem(csr, req, &known);
		assert_int_equal(known, cases[i].signer != cases[ARRAY_SIZE(cases) - 1].signer);
		if (!cases[i].why && why)
			fail_msg("case %zu: %s", i, why);
		if (cases[i].why && (!why || !strstr(why, cases[i].why)))
			fail_msg("case %zu: \"%s\" does not say %s", i, why ? why : "",
				 cases[i].why);
	}
}

static void the_last_common_name_counts(void **state)
{
	char *request free_ptr = csr_make(key, "CN=first/O=x/CN=last", NULL);
	const char *why;
	X509_REQ *req CLEANUP(X509_REQ_free_cleanup) = csr_request(request, &why);
	char *name free_ptr = csr_common_name(req);

	assert_string_equal(name, "last");
	assert_true(csr_has_organization(req, "x"));
	assert_false(csr_has_organization(req, "y"));
}

static void what_is_no_request_is_told(void **state)
{
	static const struct {
		const char *base64, *why;
	} cases[] = {
		{"", "PEM block type"},
		{"!", "PEM block type"},
		{"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBQUEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=",
		 "PEM block type"},
	};
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_null(csr_request(cases[i].base64, &why));
		assert_non_null(strstr(why, cases[i].why));
	}
}

static void certificates_stand_alone(void **state)
{
	static const char malformed[] = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBQUEKLS0tLS1FTkQgQ0"
					"VSVElGSUNBVEUtLS0tLQo=";
	char *request free_ptr = csr_make(key, "CN=a", NULL);

	assert_non_null(strstr(csr_certificates_problem("!"), "at least one"));
	assert_non_null(strstr(csr_certificates_problem(malformed), "malformed"));
	assert_non_null(strstr(csr_certificates_problem(request), "only CERTIFICATE"));
}

/* ---- what a write of the type keeps */

static void a_request_is_its_makers(void **state)
{
	static const char *const groups[] = {"dev", NULL}, *const values[] = {"1", "2", NULL};
	static const struct user_extra extra[] = {{"level", values}, {0}};
	static const struct user jane = {.name = "jane", .groups = groups, .extra = extra};
	const struct write_facts facts = {.user = &jane};
	json_t *csr json_auto =
		parse("{'spec':{'username':'root','uid':'0','groups':['system:masters'],'"
		      "signerName':'x'},"
		      "'status':{'conditions':[{'type':'Approved','status':'True'}]}}");
	json_t *want json_auto = parse("{'spec':{'username':'jane','groups':['dev'],"
				       "'extra':{'level':['1','2']},'signerName':'x'},"
				       "'status':{}}");

	kind_find("certificates.k8s.io", "CertificateSigningRequest")
		->prepare_write(csr, NULL, &facts);
	assert_true(json_equal(csr, want));
}

static void written(const char *subresource, const char *was, const char *becomes,
		    const char *want_text)
{
	const struct write_facts facts = {.subresource = subresource, .now = 0};
	json_t *old json_auto = parse(was);
	json_t *csr json_auto = parse(becomes);
	json_t *want json_auto = parse(want_text);

	kind_find("certificates.k8s.io", "CertificateSigningRequest")
		->prepare_write(csr, old, &facts);
	if (!json_equal(csr, want))
		fail_msg("%s", json_to_text(csr, 0));
}

#define STATUS(conditions) "{'status':{'conditions':[" conditions "]}}"
#define AT(type, status, time)                                                  \
	"{'type':'" type "','status':'" status "','lastUpdateTime':'" time "'," \
	"'lastTransitionTime':'" time "'}"
#define EARLIER "1969-01-01T00:00:00Z"
#define NOW "1970-01-01T00:00:00Z"

static void conditions_get_their_times(void **state)
{
	written("approval", "{'status':{}}", STATUS("{'type':'Approved','status':'True'}"),
		STATUS(AT("Approved", "True", NOW)));
	/* Said again it has been so since then. */
	written("status", STATUS(AT("Failed", "True", EARLIER)),
		STATUS("{'type':'Failed','status':'True'}"),
		STATUS("{'type':'Failed','status':'True','lastUpdateTime':'" NOW
		       "','lastTransitionTime':'" EARLIER "'}"));
	/* A decision is no matter of the status. */
	written("status", STATUS(AT("Approved", "True", EARLIER)),
		STATUS("{'type':'Approved','status':'True','reason':'other'}"),
		STATUS(AT("Approved", "True", EARLIER)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signer_knows_its_requests),
		cmocka_unit_test(the_last_common_name_counts),
		cmocka_unit_test(what_is_no_request_is_told),
		cmocka_unit_test(certificates_stand_alone),
		cmocka_unit_test(a_request_is_its_makers),
		cmocka_unit_test(conditions_get_their_times),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
