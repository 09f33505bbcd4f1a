#include "kinds/csr.h"

#include "base/str.h"
#include "object/base64.h"
#include "object/json.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

/* The bytes that stand in base64, to be read. */
static BIO *decode(const char *base64)
{
	struct str bytes CLEANUP(str_release) = STR_INIT;
	BIO *bio = BIO_new(BIO_s_mem());

	base64_decode(base64, strlen(base64), &bytes);
	BIO_write(bio, bytes.s, (int)bytes.len);
	return bio;
}

static X509_REQ *read_request(const unsigned char *der, long len, const char **why)
{
	X509_REQ *req CLEANUP(X509_REQ_free_cleanup) = d2i_X509_REQ(NULL, &der, len);
	EVP_PKEY *key = req ? X509_REQ_get0_pubkey(req) : NULL;

	if (req && key && X509_REQ_verify(req, key) == 1)
		return steal(&req);
	*why = req ? "x509: signature check failed" : "malformed certificate request";
	return NULL;
}

X509_REQ *csr_request(const char *base64, const char **why)
{
	BIO *bio = decode(base64);
	char *type = NULL, *header = NULL;
	unsigned char *der = NULL;
	X509_REQ *req = NULL;
	long len;

	*why = "PEM block type must be CERTIFICATE REQUEST";
	if (PEM_read_bio(bio, &type, &header, &der, &len) == 1 &&
	    strcmp(type, "CERTIFICATE REQUEST") == 0)
		req = read_request(der, len, why);
	OPENSSL_free(type);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(bio);
	ERR_clear_error();
	return req;
}

X509 *csr_certificate(const char *base64)
{
	BIO *bio = decode(base64);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	ERR_clear_error();
	return cert;
}

static const char *block_problem(const char *type, const char *header, const unsigned char *der,
				 long len)
{
	X509 *cert;

	if (strcmp(type, PEM_STRING_X509) != 0)
		return "only CERTIFICATE PEM blocks are allowed";
	if (*header)
		return "no PEM block headers are permitted";
	cert = d2i_X509(NULL, &der, len);
	X509_free(cert);
	return cert ? NULL : "malformed certificate";
}

const char *csr_certificates_problem(const char *base64)
{
	BIO *bio = decode(base64);
	const char *why = "must contain at least one CERTIFICATE PEM block";
	char *type, *header;
	unsigned char *der;
	bool sound = true;
	long len;

	while (sound && PEM_read_bio(bio, &type, &header, &der, &len) == 1) {
		why = block_problem(type, header, der, len);
		sound = !why;
		OPENSSL_free(type);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	BIO_free(bio);
	ERR_clear_error();
	return why;
}

/* ---- the subject and the names beside it */

/* The text of entry I when it is one of NID, else NULL. */
static char *subject_entry(const X509_REQ *req, int i, int nid)
{
	X509_NAME_ENTRY *entry = X509_NAME_get_entry(X509_REQ_get_subject_name(req), i);
	unsigned char *utf8 = NULL;
	char *text = NULL;
	int len;

	if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != nid)
		return NULL;
	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
	if (len >= 0 && !memchr(utf8, 0, (size_t)len))
		text = xstrndup((char *)utf8, (size_t)len);
	OPENSSL_free(utf8);
	return text;
}

static int subject_entries(const X509_REQ *req)
{
	return X509_NAME_entry_count(X509_REQ_get_subject_name(req));
}

char *csr_common_name(const X509_REQ *req)
{
	char *name = NULL;

	for (int i = subject_entries(req); !name && i-- > 0;)
		name = subject_entry(req, i, NID_commonName);
	return name;
}

bool csr_has_organization(const X509_REQ *req, const char *organization)
{
	for (int i = 0; i < subject_entries(req); i++) {
		char *text free_ptr = subject_entry(req, i, NID_organizationName);

		if (text && strcmp(text, organization) == 0)
			return true;
	}
	return false;
}

static bool only_organization(const X509_REQ *req, const char *organization)
{
	const X509_NAME *name = X509_REQ_get_subject_name(req);
	int first = X509_NAME_get_index_by_NID(name, NID_organizationName, -1);

	return first >= 0 && X509_NAME_get_index_by_NID(name, NID_organizationName, first) < 0 &&
	       csr_has_organization(req, organization);
}

/* How many subject alternative names of a type there are. */
static size_t alternative_names(const X509_REQ *req, int type)
{
	STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions((X509_REQ *)req);
	GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
	size_t n = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		n += sk_GENERAL_NAME_value(names, i)->type == type;
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	ERR_clear_error();
	return n;
}

/* ---- what the signers sign */

static bool has_usage(const json_t *csr, const char *usage)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_path(csr, "spec.usages"), i, item)
		if (strcmp(json_string_value(item), usage) == 0)
			return true;
	return false;
}

/* Nothing but these three, of which key encipherment may miss: only RSA keys can do it. */
static bool kubelet_usages(const json_t *csr, const char *main_usage)
{
	size_t n = 0;
	const json_t *item;
	size_t i;

	json_array_foreach (json_path(csr, "spec.usages"), i, item)
		n += strcmp(json_string_value(item), "digital signature") != 0 &&
		     strcmp(json_string_value(item), "key encipherment") != 0 &&
		     strcmp(json_string_value(item), main_usage) != 0;
	return !n && has_usage(csr, "digital signature") && has_usage(csr, main_usage);
}

static bool names_node(const X509_REQ *req)
{
	char *name free_ptr = csr_common_name(req);

	return name && str_has_prefix(name, "system:node:");
}

static const char *kubelet_client_problem(const json_t *csr, const X509_REQ *req)
{
	if (!only_organization(req, "system:nodes"))
		return "subject organization is not system:nodes";
	if (alternative_names(req, GEN_DNS))
		return "DNS subjectAltNames are not allowed";
	if (alternative_names(req, GEN_EMAIL))
		return "Email subjectAltNames are not allowed";
	if (alternative_names(req, GEN_IPADD))
		return "IP subjectAltNames are not allowed";
	if (alternative_names(req, GEN_URI))
		return "URI subjectAltNames are not allowed";
	if (!names_node(req))
		return "subject common name does not begin with system:node:";
	if (!kubelet_usages(csr, "client auth"))
		return "usages did not match [client auth digital signature key encipherment]";
	return NULL;
}

static const char *kubelet_serving_problem(const json_t *csr, const X509_REQ *req)
{
	if (!only_organization(req, "system:nodes"))
		return "subject organization is not system:nodes";
	if (!alternative_names(req, GEN_DNS) && !alternative_names(req, GEN_IPADD))
		return "DNS or IP subjectAltName is required";
	if (alternative_names(req, GEN_EMAIL))
		return "Email subjectAltNames are not allowed";
	if (alternative_names(req, GEN_URI))
		return "URI subjectAltNames are not allowed";
	if (!kubelet_usages(csr, "server auth"))
		return "usages did not match [digital signature key encipherment server auth]";
	if (!names_node(req))
		return "subject common name does not begin with system:node:";
	return NULL;
}

static const char *client_problem(const json_t *csr, const X509_REQ *req)
{
	const json_t *item;
	size_t i;

	(void)req;
	json_array_foreach (json_path(csr, "spec.usages"), i, item) {
		const char *usage = json_string_value(item);

		if (strcmp(usage, "digital signature") != 0 &&
		    strcmp(usage, "key encipherment") != 0 && strcmp(usage, "client auth") != 0)
			return "invalid usage for client certificate";
	}
	return has_usage(csr, "client auth")
		       ? NULL
		       : "missing required usage for client certificate: client auth";
}

static const struct {
	const char *name;
	const char *(*problem)(const json_t *csr, const X509_REQ *req);
} signers[] = {
	{CSR_SIGNER_CLIENT, client_problem},
	{CSR_SIGNER_KUBELET_CLIENT, kubelet_client_problem},
	{CSR_SIGNER_KUBELET_SERVING, kubelet_serving_problem},
};

const char *csr_signer_problem(const json_t *csr, const X509_REQ *req, bool *known)
{
	const char *signer = json_path_string(csr, "spec.signerName");

	for (size_t i = 0; i < ARRAY_SIZE(signers); i++)
		if (strcmp(signers[i].name, signer) == 0) {
			*known = true;
			return signers[i].problem(csr, req);
		}
	*known = false;
	return "no signer of Kubernetes' own";
}

bool csr_is(const json_t *csr, const char *type)
{
	const json_t *c;
	size_t i;

	json_array_foreach (json_path(csr, "status.conditions"), i, c)
		if (strcmp(json_path_string(c, "type"), type) == 0 &&
		    strcmp(json_path_string(c, "status"), "True") == 0)
			return true;
	return false;
}
