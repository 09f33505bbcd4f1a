/* Certificates and tokens that reconcilers hand out, on a local cluster, driven by hand. */
#include "../kinds/csr_fixture.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cache/informer.h"
#include "controllers/controllers.h"
#include "kinds/csr.h"
#include "object/base64.h"
#include "object/json.h"
#include "object/x509.h"

#include <ftw.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define START_S 1764000000LL
#define DAY_S (24 * 3600)
#define CA_DAYS 400

struct world {
	char directory[64];
	char *ca_cert, *ca_key, *token_key;
	struct controllers_options options;
	struct cluster *cluster;
	struct clock *clock;
	struct catalog *catalog;
	struct informers *informers;
	struct reconciler reconciler;
	struct controller *controller;
	EVP_PKEY *key; /* of who asks for certificates */
};

static void write_pem(const char *path, BIO *bio)
{
	char *bytes;
	long len = BIO_get_mem_data(bio, &bytes);

	assert_int_equal(file_create(path, bytes, (size_t)len, NULL), 0);
	BIO_free(bio);
}

static void make_authority(struct world *w)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
	X509 *cert = X509_new();

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	ASN1_TIME_set(X509_getm_notBefore(cert), START_S - DAY_S);
	ASN1_TIME_set(X509_getm_notAfter(cert), START_S + (time_t)CA_DAYS * DAY_S);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
				   (const unsigned char *)"test-ca", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	X509_set_pubkey(cert, key);
	x509_add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
	x509_add_extension(cert, cert, NID_subject_key_identifier, "hash");
	X509_sign(cert, key, EVP_sha256());
	PEM_write_bio_X509(cert_bio, cert);
	PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL);
	write_pem(w->ca_cert, cert_bio);
	write_pem(w->ca_key, key_bio);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct cluster_config config = {0};
	char *spec free_ptr = NULL;

	*w = (struct world){.directory = "/tmp/kubefs-cred-XXXXXX"};
	assert_non_null(mkdtemp(w->directory));
	w->ca_cert = xasprintf("%s/ca.crt", w->directory);
	w->ca_key = xasprintf("%s/ca.key", w->directory);
	w->token_key = xasprintf("%s/store/pki/sa.key", w->directory);
	make_authority(w);
	w->options = (struct controllers_options){w->ca_cert, w->ca_key, w->token_key};
	w->key = EVP_EC_gen("P-256");
	w->clock = clock_fake_new(START_S * NS_PER_S);
	config.clock = w->clock;
	spec = xasprintf("local:%s/store", w->directory);
	w->cluster = cluster_open(spec, &config, NULL);
	assert_non_null(w->cluster);
	w->catalog = cluster_catalog(w->cluster, NULL, NULL);
	w->informers = informers_new(w->cluster, w->clock);
	*state = w;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static int teardown(void **state)
{
	struct world *w = *state;

	controller_stop(w->controller);
	informers_free(w->informers);
	catalog_unref(w->catalog);
	cluster_close(w->cluster);
	clock_fake_free(w->clock);
	EVP_PKEY_free(w->key);
	nftw(w->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(w->ca_cert);
	free(w->ca_key);
	free(w->token_key);
	free(w);
	return 0;
}

static const struct resource *type(struct world *w, const char *name)
{
	const struct resource *r = catalog_resolve(w->catalog, name);

	assert_non_null(r);
	return r;
}

static void begin(struct world *w, const struct reconciler *r)
{
	struct error *err = NULL;

	w->reconciler = *r;
	w->reconciler.arg = &w->options;
	w->controller = controller_prepare(&w->reconciler, w->informers, w->clock, &err);
	if (!w->controller)
		fail_msg("%s", error_message(err));
}

/* TEXT with ' for ". USER NULL: the program itself. */
static void make_as(struct world *w, const char *user, const char *name, const char *namespace,
		    const char *text)
{
	struct user who = {.name = user, .uid = ""};
	struct call call = {.user = &who};
	char *json free_ptr = xstrdup(text);
	struct error *err = NULL;

	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	if (cluster_create(w->cluster, user ? &call : NULL, type(w, name), namespace, NULL, NULL,
			   json, strlen(json), NULL, NULL, &err) < 0)
		fail_msg("%s", error_message(err));
}

static json_t *get(struct world *w, const char *name, const char *namespace, const char *object)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	if (cluster_get(w->cluster, NULL, type(w, name), namespace, object, &o, NULL) < 0)
		return NULL;
	return object_tree(o);
}

typedef bool condition(struct world *w);

/* Works until HOLDS: events come from another thread. */
static void work_until(struct world *w, condition *holds)
{
	for (long turn = 0; !holds(w); turn++) {
		if (turn > 20000)
			fail_msg("it never comes");
		if (!controller_run_due(w->controller))
			sched_yield();
	}
}

/* ---- certificates */

static void request(struct world *w, const char *user, const char *name, const char *signer,
		    const char *subject, const char *names, const char *usages, int64_t seconds)
{
	char *pem free_ptr = csr_make(w->key, subject, names);
	char *text free_ptr = xasprintf(
		"{'metadata':{'name':'%s'},'spec':{'request':'%s','signerName':'%s','usages':[%s],"
		"'expirationSeconds':%lld}}",
		name, pem, signer, usages, (long long)seconds);

	make_as(w, user, "csr", "", text);
}

static void decide(struct world *w, const char *name, const char *decision)
{
	json_t *patch json_auto = json_pack("{s:{s:[{s:s,s:s,s:s}]}}", "status", "conditions",
					    "type", decision, "status", "True", "reason", "test");
	struct error *err = NULL;

	if (cluster_patch_tree(w->cluster, NULL, type(w, "csr"), "", name, "approval", PATCH_MERGE,
			       patch, NULL, NULL, &err) < 0)
		fail_msg("%s", error_message(err));
}

static bool has_certificate(struct world *w)
{
	json_t *csr json_auto = get(w, "csr", "", "a");

	return *json_path_string(csr, "status.certificate");
}

static bool has_failed(struct world *w)
{
	json_t *csr json_auto = get(w, "csr", "", "a");

	return csr_is(csr, "Failed");
}

static X509 *issued(struct world *w, const char *name)
{
	json_t *csr json_auto = get(w, "csr", "", name);
	X509 *cert = csr_certificate(json_path_string(csr, "status.certificate"));

	assert_non_null(cert);
	return cert;
}

static int64_t seconds_until(const ASN1_TIME *end)
{
	struct tm tm;

	assert_int_equal(ASN1_TIME_to_tm(end, &tm), 1);
	return (int64_t)timegm(&tm) - START_S;
}

static void what_was_approved_is_signed(void **state)
{
	struct world *w = *state;
	struct str ca_text CLEANUP(str_release) = STR_INIT;
	BIO *bio;
	X509 *cert, *ca;
	char name[64];

	begin(w, &reconciler_csr_signing);
	request(w, NULL, "a", CSR_SIGNER_CLIENT, "O=dev/CN=jane", "DNS:a.example,RID:1.2.3.4",
		"'client auth','digital signature'", 3600);
	decide(w, "a", "Approved");
	work_until(w, has_certificate);
	cert = issued(w, "a");
	assert_int_equal(file_read(w->ca_cert, 65536, &ca_text, NULL), 0);
	bio = BIO_new_mem_buf(ca_text.s, (int)ca_text.len);
	ca = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_int_equal(X509_verify(cert, X509_get0_pubkey(ca)), 1);
	assert_int_equal(X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(ca)), 0);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), w->key), 1);
	X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof(name));
	assert_string_equal(name, "jane");
	assert_int_equal(X509_check_ca(cert), 0);
	assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_CLIENT);
	/* Of the other names what names somebody. */
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	assert_int_equal(sk_GENERAL_NAME_num(names), 1);
	assert_int_equal(sk_GENERAL_NAME_value(names, 0)->type, GEN_DNS);
	GENERAL_NAMES_free(names);
	/* Short: it begins earlier and ends when it was asked to. */
	assert_int_equal(seconds_until(X509_get0_notBefore(cert)), -300);
	assert_int_equal(seconds_until(X509_get0_notAfter(cert)), 3600);
	X509_free(cert);
	X509_free(ca);
	BIO_free(bio);
}

/* What was asked for, a year, or the authority's end: whichever comes first. */
static void no_certificate_outlives_its_authority(void **state)
{
	struct world *w = *state;
	X509 *cert;

	begin(w, &reconciler_csr_signing);
	request(w, NULL, "a", CSR_SIGNER_CLIENT, "CN=jane", NULL, "'client auth'",
		1000 * (int64_t)DAY_S);
	decide(w, "a", "Approved");
	work_until(w, has_certificate);
	cert = issued(w, "a");
	assert_int_equal(seconds_until(X509_get0_notAfter(cert)), 365 * DAY_S - 300);
	X509_free(cert);
	controller_stop(steal(&w->controller));
	clock_fake_advance(w->clock, 395LL * DAY_S * NS_PER_S);
	assert_int_equal(cluster_delete(w->cluster, NULL, type(w, "csr"), "", "a",
					&(struct delete_options){0}, NULL, NULL, NULL),
			 0);
	begin(w, &reconciler_csr_signing);
	request(w, NULL, "a", CSR_SIGNER_CLIENT, "CN=jane", NULL, "'client auth'", 30 * DAY_S);
	decide(w, "a", "Approved");
	work_until(w, has_certificate);
	cert = issued(w, "a");
	assert_int_equal(seconds_until(X509_get0_notAfter(cert)), CA_DAYS * DAY_S);
	X509_free(cert);
}

static void what_its_signer_does_not_sign_has_failed(void **state)
{
	struct world *w = *state;
	json_t *csr json_auto = NULL;

	begin(w, &reconciler_csr_signing);
	/* These come first in the queue, and nothing becomes of them. */
	request(w, NULL, "0-pending", CSR_SIGNER_CLIENT, "CN=jane", NULL, "'client auth'", 3600);
	request(w, NULL, "0-denied", CSR_SIGNER_CLIENT, "CN=jane", NULL, "'client auth'", 3600);
	decide(w, "0-denied", "Denied");
	request(w, NULL, "0-foreign", "example.com/own", "CN=jane", NULL, "'client auth'", 3600);
	decide(w, "0-foreign", "Approved");
	request(w, NULL, "a", CSR_SIGNER_KUBELET_SERVING, "O=system:nodes/CN=system:node:a", NULL,
		"'server auth','digital signature'", 3600);
	decide(w, "a", "Approved");
	work_until(w, has_failed);
	csr = get(w, "csr", "", "a");
	assert_string_equal(json_path_string(csr, "status.conditions[1].reason"),
			    "SignerValidationFailure");
	assert_string_equal(json_path_string(csr, "status.conditions[1].message"),
			    "DNS or IP subjectAltName is required");
	assert_string_equal(json_path_string(csr, "status.certificate"), "");
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = {"0-pending", "0-denied", "0-foreign"};
		json_t *other json_auto = get(w, "csr", "", names[i]);

		assert_string_equal(json_path_string(other, "status.certificate"), "");
		assert_false(csr_is(other, "Failed"));
	}
}

static bool is_approved(struct world *w)
{
	json_t *csr json_auto = get(w, "csr", "", "z");

	return csr_is(csr, "Approved");
}

/* A node may renew what it is; who may let nodes in lets others in; nobody else does. */
static void kubelets_are_approved_when_they_may(void **state)
{
	struct world *w = *state;
	static const char usages[] = "'client auth','digital signature'";
	static const char *const left[] = {"a-stranger", "b-other-node", "c-serving"};

	make_as(w, NULL, "clusterroles", "",
		"{'metadata':{'name':'renew'},'rules':[{'apiGroups':['certificates.k8s.io'],"
		"'resources':['certificatesigningrequests/selfnodeclient'],'verbs':['create']}]}");
	make_as(w, NULL, "clusterrolebindings", "",
		"{'metadata':{'name':'renew'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io',"
		"'kind':'ClusterRole','name':'renew'},'subjects':[{'kind':'User','name':"
		"'system:node:n'},{'kind':'User','name':'system:node:m'}]}");
	begin(w, &reconciler_csr_approving);
	request(w, "jane", left[0], CSR_SIGNER_KUBELET_CLIENT, "O=system:nodes/CN=system:node:n",
		NULL, usages, 3600);
	request(w, "system:node:m", left[1], CSR_SIGNER_KUBELET_CLIENT,
		"O=system:nodes/CN=system:node:n", NULL, usages, 3600);
	request(w, "system:node:n", left[2], CSR_SIGNER_KUBELET_SERVING,
		"O=system:nodes/CN=system:node:n", "DNS:n", "'server auth','digital signature'",
		3600);
	request(w, "system:node:n", "z", CSR_SIGNER_KUBELET_CLIENT,
		"O=system:nodes/CN=system:node:n", NULL, usages, 3600);
	work_until(w, is_approved);
	while (controller_run_due(w->controller))
		;
	for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
		json_t *csr json_auto = get(w, "csr", "", left[i]);

		assert_null(json_path(csr, "status.conditions"));
	}
}

static bool is_gone(struct world *w)
{
	json_t *csr json_auto = get(w, "csr", "", "a");

	return !csr;
}

static bool is_known(struct world *w)
{
	struct informer *i = controller_informer(w->controller, "certificates.k8s.io",
						 "certificatesigningrequests");
	struct object *o CLEANUP(object_unref_cleanup) = informer_get(i, "", "a");
	char *decided free_ptr = o ? object_string(o, "status.conditions[0].type") : NULL;

	return decided;
}

/* Not a second before its time, and then. */
static void ends_after(struct world *w, int64_t seconds)
{
	while (controller_run_due(w->controller))
		;
	clock_fake_advance(w->clock, seconds * NS_PER_S);
	while (controller_run_due(w->controller))
		;
	assert_false(is_gone(w));
	clock_fake_advance(w->clock, NS_PER_S);
	work_until(w, is_gone);
}

static void a_request_that_nobody_answers_goes_after_a_day(void **state)
{
	struct world *w = *state;

	request(w, NULL, "a", CSR_SIGNER_CLIENT, "CN=jane", NULL, "'client auth'", 3600);
	begin(w, &reconciler_csr_cleaner);
	ends_after(w, DAY_S);
}

static void a_denied_one_goes_after_an_hour(void **state)
{
	struct world *w = *state;

	request(w, NULL, "a", CSR_SIGNER_CLIENT, "CN=jane", NULL, "'client auth'", 3600);
	decide(w, "a", "Denied");
	begin(w, &reconciler_csr_cleaner);
	work_until(w, is_known);
	ends_after(w, 3600);
}

static void an_approved_one_waits_for_a_day(void **state)
{
	struct world *w = *state;

	request(w, NULL, "a", CSR_SIGNER_CLIENT, "CN=jane", NULL, "'client auth'", 3600);
	decide(w, "a", "Approved");
	begin(w, &reconciler_csr_cleaner);
	work_until(w, is_known);
	ends_after(w, DAY_S);
}

/* ---- tokens */

static bool secret_is_filled(struct world *w)
{
	json_t *secret json_auto = get(w, "secrets", "default", "kept");

	return *json_path_string(secret, "data.token");
}

static bool secret_is_gone(struct world *w)
{
	json_t *secret json_auto = get(w, "secrets", "default", "kept");

	return !secret;
}

static void a_secret_gets_its_accounts_token(void **state)
{
	struct world *w = *state;
	struct str token CLEANUP(str_release) = STR_INIT, ca CLEANUP(str_release) = STR_INIT;
	struct authentication who CLEANUP(authentication_release) = {0};
	json_t *secret json_auto = NULL;
	const char *text;

	make_as(w, NULL, "configmaps", "kube-system",
		"{'metadata':{'name':'extension-apiserver-authentication'},"
		"'data':{'client-ca-file':'pem'}}");
	make_as(w, NULL, "serviceaccounts", "default",
		"{'metadata':{'name':'robot'},'secrets':[{'name':'kept'},{'name':'other'}]}");
	begin(w, &reconciler_token_secrets);
	make_as(w, NULL, "secrets", "default",
		"{'metadata':{'name':'kept','annotations':{'kubernetes.io/service-account.name':"
		"'robot'}},'type':'kubernetes.io/service-account-token'}");
	work_until(w, secret_is_filled);
	secret = get(w, "secrets", "default", "kept");
	text = json_path_string(secret, "data.token");
	assert_true(base64_decode(text, strlen(text), &token));
	assert_string_equal(json_path_string(secret, "data.namespace"), "ZGVmYXVsdA==");
	text = json_path_string(secret, "data[ca.crt]");
	assert_true(base64_decode(text, strlen(text), &ca));
	assert_string_equal(ca.s, "pem");
	assert_int_equal(cluster_authenticate(w->cluster, NULL, token.s, NULL, &who, NULL), 0);
	assert_string_equal(who.who->user.name, "system:serviceaccount:default:robot");
	assert_string_equal(who.who->user.uid,
			    json_path_string(secret, "metadata.annotations"
						     "[kubernetes.io/service-account.uid]"));
	/* The account's end is its secret's. */
	assert_int_equal(cluster_delete(w->cluster, NULL, type(w, "serviceaccounts"), "default",
					"robot", &(struct delete_options){0}, NULL, NULL, NULL),
			 0);
	work_until(w, secret_is_gone);
}

static bool reference_is_dropped(struct world *w)
{
	json_t *account json_auto = get(w, "serviceaccounts", "default", "robot");

	return json_array_size(json_path(account, "secrets")) == 1;
}

static void a_secret_that_goes_is_not_mentioned_any_more(void **state)
{
	struct world *w = *state;

	make_as(w, NULL, "serviceaccounts", "default",
		"{'metadata':{'name':'robot'},'secrets':[{'name':'kept'},{'name':'other'}]}");
	make_as(w, NULL, "secrets", "default",
		"{'metadata':{'name':'kept','annotations':{'kubernetes.io/service-account.name':"
		"'robot'}},'type':'kubernetes.io/service-account-token'}");
	begin(w, &reconciler_token_secrets);
	work_until(w, secret_is_filled);
	assert_int_equal(cluster_delete(w->cluster, NULL, type(w, "secrets"), "default", "kept",
					&(struct delete_options){0}, NULL, NULL, NULL),
			 0);
	work_until(w, reference_is_dropped);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_approved_is_signed),
		TEST(no_certificate_outlives_its_authority),
		TEST(what_its_signer_does_not_sign_has_failed),
		TEST(kubelets_are_approved_when_they_may),
		TEST(a_request_that_nobody_answers_goes_after_a_day),
		TEST(a_denied_one_goes_after_an_hour),
		TEST(an_approved_one_waits_for_a_day),
		TEST(a_secret_gets_its_accounts_token),
		TEST(a_secret_that_goes_is_not_mentioned_any_more),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
