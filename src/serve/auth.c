#include "serve/auth.h"
#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The text of an entry of a subject, or NULL when it is none of NID. */
static char *name_entry(X509_NAME_ENTRY *entry, int nid)
{
	unsigned char *utf8 = NULL;
	int len;
	char *copy;

	if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != nid)
		return NULL;
	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
	/* What holds a NUL would be somebody else's name to who reads it as text. */
	copy = len > 0 && !memchr(utf8, 0, (size_t)len) ? xstrndup((char *)utf8, (size_t)len)
							: NULL;

	OPENSSL_free(utf8);
	return copy;
}

/* Which certificate it was, so that what was done with it can be found again. */
static void add_credential_id(struct identity *id, X509 *cert)
{
	static const char prefix[] = "X509SHA256=";
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char text[sizeof(prefix) + 2 * SHA256_DIGEST_LENGTH];
	unsigned len = sizeof(digest);

	if (X509_digest(cert, EVP_sha256(), digest, &len) != 1)
		return;
	memcpy(text, prefix, sizeof(prefix));
	for (size_t i = 0; i < len; i++)
		snprintf(text + sizeof(prefix) - 1 + 2 * i, 3, "%02x", digest[i]);
	identity_add_extra(id, "authentication.kubernetes.io/credential-id", text);
}

struct identity *auth_certificate(X509 *cert)
{
	X509_NAME *name = X509_get_subject_name(cert);
	char *common_name free_ptr = NULL;
	struct identity *id;

	/* Of several the last, as Go reads it. */
	for (int i = X509_NAME_entry_count(name); !common_name && i-- > 0;)
		common_name = name_entry(X509_NAME_get_entry(name, i), NID_commonName);
	if (!common_name)
		return NULL;
	id = identity_new(common_name, NULL);
	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		char *text free_ptr =
			name_entry(X509_NAME_get_entry(name, i), NID_organizationName);

		if (text)
			identity_add_group(id, text, SIZE_MAX);
	}
	identity_authenticated(id);
	add_credential_id(id, cert);
	return id;
}

const char *auth_bearer(const char *authorization)
{
	if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0)
		return NULL;
	authorization += 7 + strspn(authorization + 7, " ");
	return *authorization ? authorization : NULL;
}
