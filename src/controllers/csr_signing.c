/*
 * What was approved and asks one of Kubernetes' own signers is signed with the cluster's authority:
 * for as long as was asked for, for a year at most, and never longer than the authority lasts.
 */
#include "controllers/common.h"
#include "controllers/controllers.h"

#include "base/file.h"
#include "kinds/csr.h"
#include "object/base64.h"
#include "object/json.h"
#include "object/time.h"
#include "object/x509.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define GROUP "certificates.k8s.io"
#define PLURAL "certificatesigningrequests"

#define MINUTE_S 60
#define LONGEST_S (365 * 24 * 3600)
#define SHORTEST_S (10 * MINUTE_S)
/* Begins a little earlier, for clocks that differ; what is short ends no earlier for that. */
#define BACKDATE_S (5 * MINUTE_S)
#define SHORT_S (8 * 3600)
#define PEM_MAX_BYTES 65536

DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(BIO *, BIO_free_all)

struct authority {
	X509 *cert;
	EVP_PKEY *key;
};

static void authority_release(struct authority *a)
{
	X509_free(a->cert);
	EVP_PKEY_free(a->key);
}

static int openssl_failed(struct error **err, const char *what)
{
	char text[256];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	return error_set(err, E_INTERNAL, "%s: %s", what, text);
}

/* Read anew each time: requests are rare, and an authority may be replaced. */
static int authority_read(const struct controllers_options *o, struct authority *out,
			  struct error **err)
{
	struct str cert CLEANUP(str_release) = STR_INIT, key CLEANUP(str_wipe) = STR_INIT;
	BIO *cert_bio CLEANUP(BIO_free_all_cleanup) = NULL;
	BIO *key_bio CLEANUP(BIO_free_all_cleanup) = NULL;

	if (file_read(o->ca_cert, PEM_MAX_BYTES, &cert, err) < 0 ||
	    file_read(o->ca_key, PEM_MAX_BYTES, &key, err) < 0)
		return -1;
	cert_bio = BIO_new_mem_buf(cert.s, (int)cert.len);
	key_bio = BIO_new_mem_buf(key.s, (int)key.len);
	out->cert = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
	out->key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
	if (!out->cert || !out->key || X509_check_private_key(out->cert, out->key) != 1)
		return openssl_failed(err, o->ca_cert);
	return 0;
}

/* ---- the certificate */

static int64_t lifetime(const json_t *csr)
{
	int64_t asked = json_path_int(csr, "spec.expirationSeconds", LONGEST_S);

	return asked > LONGEST_S ? LONGEST_S : asked < SHORTEST_S ? SHORTEST_S : asked;
}

static bool set_times(X509 *cert, const X509 *ca, int64_t lasts, time_t now)
{
	time_t end = now + lasts - (lasts < SHORT_S ? 0 : BACKDATE_S);

	if (!ASN1_TIME_set(X509_getm_notBefore(cert), now - BACKDATE_S))
		return false;
	if (ASN1_TIME_cmp_time_t(X509_get0_notAfter(ca), end) < 0)
		return X509_set1_notAfter(cert, X509_get0_notAfter(ca)) == 1;
	return ASN1_TIME_set(X509_getm_notAfter(cert), end) != NULL;
}

static const struct {
	const char *usage, *name;
	bool extended;
} usages[] = {
	{"digital signature", "digitalSignature", false},
	{"key encipherment", "keyEncipherment", false},
	{"client auth", "clientAuth", true},
	{"server auth", "serverAuth", true},
};

/* The usages of one of the two extensions, as openssl.cnf says them; its signer let no others by.
 */
static void list_usages(const json_t *csr, bool extended, struct str *out)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_path(csr, "spec.usages"), i, item)
		for (size_t k = 0; k < ARRAY_SIZE(usages); k++)
			if (usages[k].extended == extended &&
			    strcmp(usages[k].usage, json_string_value(item)) == 0)
				str_addf(out, ",%s", usages[k].name);
}

static bool add_usages(X509 *cert, X509 *ca, const json_t *csr)
{
	struct str plain CLEANUP(str_release) = STR_INIT, more CLEANUP(str_release) = STR_INIT;

	str_adds(&plain, "critical");
	list_usages(csr, false, &plain);
	list_usages(csr, true, &more);
	return (!strchr(plain.s, ',') || x509_add_extension(cert, ca, NID_key_usage, plain.s)) &&
	       (!more.len || x509_add_extension(cert, ca, NID_ext_key_usage, more.s + 1));
}

static bool kept_name(const GENERAL_NAME *name)
{
	return name->type == GEN_DNS || name->type == GEN_IPADD || name->type == GEN_EMAIL ||
	       name->type == GEN_URI;
}

/* The other names of the request; nothing else that it wants in its certificate gets there. */
static bool add_names(X509 *cert, X509_REQ *req)
{
	STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(req);
	GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
	bool critical = !X509_NAME_entry_count(X509_REQ_get_subject_name(req)), ok = true;

	for (int i = sk_GENERAL_NAME_num(names); i-- > 0;)
		if (!kept_name(sk_GENERAL_NAME_value(names, i)))
			GENERAL_NAME_free(sk_GENERAL_NAME_delete(names, i));
	if (sk_GENERAL_NAME_num(names) > 0)
		ok = X509_add1_ext_i2d(cert, NID_subject_alt_name, names, critical, 0) == 1;
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	return ok;
}

static X509 *issue(const json_t *csr, X509_REQ *req, const struct authority *ca, time_t now,
		   struct error **err)
{
	X509 *cert CLEANUP(X509_free_cleanup) = X509_new();

	if (ASN1_TIME_cmp_time_t(X509_get0_notAfter(ca->cert), now) <= 0) {
		error_set(err, E_INTERNAL, "the signer has expired");
		return NULL;
	}
	if (!cert || !X509_set_version(cert, X509_VERSION_3) || !x509_set_serial(cert) ||
	    !set_times(cert, ca->cert, lifetime(csr), now) ||
	    !X509_set_subject_name(cert, X509_REQ_get_subject_name(req)) ||
	    !X509_set_pubkey(cert, X509_REQ_get0_pubkey(req)) ||
	    !X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)) ||
	    !x509_add_extension(cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") ||
	    !x509_add_extension(cert, ca->cert, NID_authority_key_identifier, "keyid") ||
	    !add_usages(cert, ca->cert, csr) || !add_names(cert, req) ||
	    !X509_sign(cert, ca->key, EVP_sha256())) {
		openssl_failed(err, "signing a certificate");
		return NULL;
	}
	return steal(&cert);
}

/* ---- the request */

static int sign(struct controller *c, json_t *csr, X509_REQ *req, struct error **err)
{
	struct authority ca CLEANUP(authority_release) = {0};
	time_t now = (time_t)(clock_wall(controller_clock(c)) / NS_PER_S);
	X509 *cert CLEANUP(X509_free_cleanup) = NULL;
	BIO *bio CLEANUP(BIO_free_all_cleanup) = BIO_new(BIO_s_mem());
	struct str base64 CLEANUP(str_release) = STR_INIT;
	char *pem;

	if (authority_read(controller_state(c), &ca, err) < 0)
		return -1;
	cert = issue(csr, req, &ca, now, err);
	if (!cert)
		return -1;
	if (PEM_write_bio_X509(bio, cert) != 1)
		return openssl_failed(err, "writing a certificate");
	long len = BIO_get_mem_data(bio, &pem);
	base64_encode(pem, (size_t)len, &base64);
	json_path_set(csr, "status.certificate", json_string(base64.s));
	return status_write(c, GROUP, PLURAL, csr, err);
}

static int fail(struct controller *c, json_t *csr, const char *why, struct error **err)
{
	char now[TIME_TEXT];

	json_array_append_new(json_path(csr, "status.conditions"),
			      json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", "Failed", "status", "True",
					"reason", "SignerValidationFailure", "message", why,
					"lastUpdateTime",
					time_format(clock_wall(controller_clock(c)), now)));
	return status_write(c, GROUP, PLURAL, csr, err);
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) =
		informer_get(controller_informer(c, GROUP, PLURAL), "", key);
	json_t *csr json_auto = o ? object_tree(o) : NULL;
	X509_REQ *req CLEANUP(X509_REQ_free_cleanup) = NULL;
	const char *why;
	bool known;

	if (!o || *text_at(csr, "status.certificate") || !csr_is(csr, "Approved") ||
	    csr_is(csr, "Denied") || csr_is(csr, "Failed"))
		return 0;
	req = csr_request(text_at(csr, "spec.request"), &why);
	if (!req)
		return error_set(err, E_INTERNAL, "unable to parse csr \"%s\": %s", o->name, why);
	why = csr_signer_problem(csr, req, &known);
	if (!known)
		return 0;
	return why ? fail(c, csr, why, err) : sign(c, csr, req, err);
}

const struct reconciler reconciler_csr_signing = {
	.name = "certificatesigningrequest-signing-controller",
	.watches = {{.group = GROUP, .plural = PLURAL}},
	.workers = 1,
	.sync = sync,
};
