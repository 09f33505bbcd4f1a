#include "serve/auth.h"
#include "base/mem.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What of a subject tells whom. The uid's is Kubernetes' own. */
#define OID_COMMON_NAME "2.5.4.3"
#define OID_ORGANIZATION "2.5.4.10"
#define OID_UID "1.3.6.1.4.1.57683.2"

/* The text of an entry of a subject, or NULL when it is none of OID. */
static char *name_entry(X509_NAME_ENTRY *entry, const char *oid)
{
	unsigned char *utf8 = NULL;
	char own[64];
	char *copy = NULL;
	int len;

	if (OBJ_obj2txt(own, sizeof(own), X509_NAME_ENTRY_get_object(entry), 1) < 0 ||
	    strcmp(own, oid) != 0)
		return NULL;
	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
	/* What holds a NUL would be somebody else's name to who reads it as text. */
	if (len >= 0 && !memchr(utf8, 0, (size_t)len))
		copy = xstrndup((char *)utf8, (size_t)len);
	OPENSSL_free(utf8);
	return copy;
}

/* The last entry of OID, as Go reads a subject, and *COUNT how many there are. NULL: none. */
static char *last_entry(X509_NAME *name, const char *oid, size_t *count)
{
	char *last = NULL;

	*count = 0;
	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		char *text = name_entry(X509_NAME_get_entry(name, i), oid);

		if (!text)
			continue;
		free(last);
		last = text;
		++*count;
	}
	return last;
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
	size_t names, uids;
	char *common_name free_ptr = last_entry(name, OID_COMMON_NAME, &names);
	char *uid free_ptr = last_entry(name, OID_UID, &uids);
	struct identity *id;

	if (!common_name || !*common_name || uids > 1 || (uid && !*uid))
		return NULL;
	id = identity_new(common_name, uid);
	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		char *text free_ptr = name_entry(X509_NAME_get_entry(name, i), OID_ORGANIZATION);

		if (text && *text)
			identity_add_group(id, text, SIZE_MAX);
	}
	identity_authenticated(id);
	add_credential_id(id, cert);
	return id;
}

/* Where a connection keeps its user; below 0: nowhere. */
static int user_index = -1;
static pthread_once_t user_index_once = PTHREAD_ONCE_INIT;

static void forget_user(void *parent, void *user, CRYPTO_EX_DATA *data, int index, long argl,
			void *argp)
{
	identity_unref(user);
}

static void make_user_index(void)
{
	user_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, forget_user);
}

struct identity *auth_connection(SSL *ssl)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	struct identity *who;

	if (!cert || SSL_get_verify_result(ssl) != X509_V_OK)
		return NULL;
	pthread_once(&user_index_once, make_user_index);
	who = user_index >= 0 ? SSL_get_ex_data(ssl, user_index) : NULL;
	if (who)
		return identity_ref(who);
	who = auth_certificate(cert);
	if (who && user_index >= 0 && SSL_set_ex_data(ssl, user_index, who) == 1)
		identity_ref(who);
	return who;
}

const char *auth_bearer(const char *authorization)
{
	if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0)
		return NULL;
	authorization += 7 + strspn(authorization + 7, " ");
	return *authorization ? authorization : NULL;
}
