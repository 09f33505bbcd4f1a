#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/base64.h"
#include "object/json.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
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

static void prepare(json_t *object, const json_t *old)
{
	if (!old)
		json_object_set_new(object, "status", json_object());
}

/* The bytes that stand in base64, to be read. */
static BIO *decode(const struct field *f)
{
	struct str bytes CLEANUP(str_release) = STR_INIT;
	BIO *bio = BIO_new(BIO_s_mem());

	base64_decode(field_text(f), json_string_length(f->value), &bytes);
	BIO_write(bio, bytes.s, (int)bytes.len);
	return bio;
}

/* A request in PEM, signed by the key that it is for. */
static const char *request_problem(const struct field *f)
{
	BIO *bio = decode(f);
	char *type = NULL, *header = NULL;
	unsigned char *der = NULL;
	long len;
	const char *why = "PEM block type must be CERTIFICATE REQUEST";

	if (PEM_read_bio(bio, &type, &header, &der, &len) == 1 &&
	    strcmp(type, "CERTIFICATE REQUEST") == 0) {
		const unsigned char *p = der;
		X509_REQ *req = d2i_X509_REQ(NULL, &p, len);
		EVP_PKEY *key = req ? X509_REQ_get0_pubkey(req) : NULL;

		why = !req				       ? "malformed certificate request"
		      : !key || X509_REQ_verify(req, key) != 1 ? "x509: signature check failed"
							       : NULL;
		X509_REQ_free(req);
	}
	OPENSSL_free(type);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(bio);
	ERR_clear_error();
	return why;
}

static const char *certificate_problem(const struct field *f)
{
	BIO *bio = decode(f);
	const char *why = NULL;
	size_t n = 0;

	for (;;) {
		X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		if (!cert)
			break;
		X509_free(cert);
		n++;
	}
	if (!n)
		why = "must contain at least one CERTIFICATE PEM block";
	BIO_free(bio);
	ERR_clear_error();
	return why;
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
	why = *field_text(cert) ? certificate_problem(cert) : NULL;
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

static const char *const selectable[] = {"spec.signerName", NULL};

const struct kind kind_csr = {
	.group = "certificates.k8s.io",
	.kind = "CertificateSigningRequest",
	.prepare = prepare,
	.validate = validate,
	.validate_subresource = validate_subresource,
	.name_rule = name_path_segment,
	.whole_metadata = true,
	.no_generation = true,
	.selectable = selectable,
};
