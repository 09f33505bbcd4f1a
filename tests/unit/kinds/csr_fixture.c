#include "csr_fixture.h"

#include "base/mem.h"
#include "base/str.h"
#include "object/base64.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

static void add_names(X509_REQ *req, const char *names)
{
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();

	sk_X509_EXTENSION_push(list, X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names));
	X509_REQ_add_extensions(req, list);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}

char *csr_make(EVP_PKEY *key, const char *subject, const char *names)
{
	X509_REQ *req = X509_REQ_new();
	char *copy free_ptr = xstrdup(subject), *rest = copy, *part;
	struct str out CLEANUP(str_release) = STR_INIT;
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;

	while ((part = strsep(&rest, "/"))) {
		char *value = strchr(part, '=');

		*value++ = '\0';
		X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), part, MBSTRING_UTF8,
					   (unsigned char *)value, -1, -1, 0);
	}
	if (names)
		add_names(req, names);
	X509_REQ_set_pubkey(req, key);
	X509_REQ_sign(req, key, EVP_sha256());
	PEM_write_bio_X509_REQ(bio, req);
	long len = BIO_get_mem_data(bio, &pem);
	base64_encode(pem, (size_t)len, &out);
	BIO_free(bio);
	X509_REQ_free(req);
	return str_take(&out);
}
