#include "serve/pki.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "object/base64.h"
#include "object/jwt.h"
#include "object/x509.h"
#include "base/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_S (24 * 3600)
#define RENEW_S (30 * DAY_S)
#define CERT_MAX_BYTES 65536

DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(BIO *, BIO_free_all)

struct pair {
	X509 *cert;
	EVP_PKEY *key;
};

static void pair_release(struct pair *p)
{
	X509_free(p->cert);
	EVP_PKEY_free(p->key);
	*p = (struct pair){0};
}

/* What a certificate is to be. */
struct profile {
	const char *name; /* of its files */
	const char *common_name, *organization;
	int days;
	const char *basic_constraints, *key_usage, *extended_key_usage;
};

static const struct profile ca_profile = {
	.name = "ca",
	.common_name = "kubefs-ca",
	.days = 3650,
	.basic_constraints = "critical,CA:TRUE",
	.key_usage = "critical,keyCertSign,cRLSign,digitalSignature",
};
static const struct profile server_profile = {
	.name = "server",
	.common_name = "kube-apiserver",
	.days = 365,
	.basic_constraints = "critical,CA:FALSE",
	.key_usage = "critical,digitalSignature,keyEncipherment",
	.extended_key_usage = "serverAuth",
};
static const struct profile admin_profile = {
	.name = "admin",
	.common_name = "system:admin",
	.organization = "system:masters",
	.days = 365,
	.basic_constraints = "critical,CA:FALSE",
	.key_usage = "critical,digitalSignature,keyEncipherment",
	.extended_key_usage = "clientAuth",
};

static const struct profile kubelet_client_profile = {
	.name = "kubelet-client",
	.common_name = "kube-apiserver-kubelet-client",
	.organization = "system:masters",
	.days = 365,
	.basic_constraints = "critical,CA:FALSE",
	.key_usage = "critical,digitalSignature,keyEncipherment",
	.extended_key_usage = "clientAuth",
};

static const char *const own_names[] = {"localhost",
					"kubernetes",
					"kubernetes.default",
					"kubernetes.default.svc",
					"kubernetes.default.svc.cluster.local",
					"127.0.0.1",
					"::1",
					"10.96.0.1"};

static int openssl_error(struct error **err, const char *what)
{
	char text[256];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	ERR_clear_error();
	return error_set(err, E_INTERNAL, "%s: %s", what, text);
}

static bool is_address(const char *name)
{
	unsigned char b[16];

	return inet_pton(AF_INET, name, b) == 1 || inet_pton(AF_INET6, name, b) == 1;
}

/* ---- reading and judging what is there */

static BIO *read_bio(const char *path)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	BIO *bio;

	if (file_read(path, CERT_MAX_BYTES, &text, NULL) < 0)
		return NULL;
	bio = BIO_new(BIO_s_mem());
	BIO_write(bio, text.s, (int)text.len);
	return bio;
}

static char *pki_path(const char *dir, const struct profile *p, const char *suffix)
{
	return xasprintf("%s/pki/%s.%s", dir, p->name, suffix);
}

static bool pair_read(const char *dir, const struct profile *p, struct pair *out)
{
	char *cert_path free_ptr = pki_path(dir, p, "crt");
	char *key_path free_ptr = pki_path(dir, p, "key");
	BIO *cert CLEANUP(BIO_free_all_cleanup) = read_bio(cert_path);
	BIO *key CLEANUP(BIO_free_all_cleanup) = read_bio(key_path);

	if (!cert || !key)
		return false;
	out->cert = PEM_read_bio_X509(cert, NULL, NULL, NULL);
	out->key = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
	if (out->cert && out->key && X509_check_private_key(out->cert, out->key) == 1)
		return true;
	ERR_clear_error();
	pair_release(out);
	return false;
}

static bool lasts(const X509 *cert, int64_t now)
{
	time_t soon = (time_t)(now / NS_PER_S + RENEW_S), today = (time_t)(now / NS_PER_S);

	return X509_cmp_time(X509_get0_notAfter(cert), &soon) > 0 &&
	       X509_cmp_time(X509_get0_notBefore(cert), &today) < 0;
}

static bool serves(X509 *cert, const char *name)
{
	if (is_address(name))
		return X509_check_ip_asc(cert, name, 0) == 1;
	return X509_check_host(cert, name, 0, 0, NULL) == 1;
}

static bool pair_good(const struct pair *p, const struct pair *ca, const char *const *names,
		      size_t n_names, int64_t now)
{
	if (!lasts(p->cert, now) || X509_verify(p->cert, ca->key) != 1)
		return false;
	for (size_t i = 0; i < n_names; i++)
		if (!serves(p->cert, names[i]))
			return false;
	return true;
}

/* ---- making */

static bool add_names(X509 *cert, const char *const *names, size_t n_names)
{
	struct str list CLEANUP(str_release) = STR_INIT;

	for (size_t i = 0; i < n_names; i++)
		str_addf(&list, "%s%s:%s", i ? "," : "", is_address(names[i]) ? "IP" : "DNS",
			 names[i]);
	return !n_names || x509_add_extension(cert, cert, NID_subject_alt_name, list.s);
}

static bool set_subject(X509 *cert, const struct profile *p)
{
	X509_NAME *name = X509_get_subject_name(cert);

	if (p->organization &&
	    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
				       (const unsigned char *)p->organization, -1, -1, 0) != 1)
		return false;
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					  (const unsigned char *)p->common_name, -1, -1, 0) == 1;
}

/* CA NULL: signs itself. */
static int pair_make(const struct profile *p, const struct pair *ca, const char *const *names,
		     size_t n_names, int64_t now, struct pair *out, struct error **err)
{
	EVP_PKEY *key CLEANUP(EVP_PKEY_free_cleanup) = EVP_EC_gen("P-256");
	X509 *cert CLEANUP(X509_free_cleanup) = X509_new();
	time_t start = (time_t)(now / NS_PER_S - 3600);
	X509 *issuer = ca ? ca->cert : cert;

	if (!key || !cert || !X509_set_version(cert, X509_VERSION_3) || !x509_set_serial(cert) ||
	    !X509_time_adj_ex(X509_getm_notBefore(cert), 0, 0, &start) ||
	    !X509_time_adj_ex(X509_getm_notAfter(cert), p->days, 0, &start) ||
	    !set_subject(cert, p) || !X509_set_pubkey(cert, key) ||
	    !X509_set_issuer_name(cert, X509_get_subject_name(issuer)) ||
	    !x509_add_extension(cert, issuer, NID_basic_constraints, p->basic_constraints) ||
	    !x509_add_extension(cert, issuer, NID_key_usage, p->key_usage) ||
	    !x509_add_extension(cert, issuer, NID_ext_key_usage, p->extended_key_usage) ||
	    !x509_add_extension(cert, issuer, NID_subject_key_identifier, "hash") ||
	    !x509_add_extension(cert, issuer, NID_authority_key_identifier, "keyid") ||
	    !add_names(cert, names, n_names) || !X509_sign(cert, ca ? ca->key : key, EVP_sha256()))
		return openssl_error(err, "making a certificate");
	pair_release(out);
	*out = (struct pair){.cert = steal(&cert), .key = steal(&key)};
	return 0;
}

static int write_bio(const char *path, BIO *bio, struct error **err)
{
	char *bytes;
	long len = BIO_get_mem_data(bio, &bytes);

	return file_replace(path, bytes, (size_t)len, err);
}

static int pair_write(const char *dir, const struct profile *p, const struct pair *pair,
		      struct error **err)
{
	char *cert_path free_ptr = pki_path(dir, p, "crt");
	char *key_path free_ptr = pki_path(dir, p, "key");
	BIO *cert CLEANUP(BIO_free_all_cleanup) = BIO_new(BIO_s_mem());
	BIO *key CLEANUP(BIO_free_all_cleanup) = BIO_new(BIO_s_secmem());

	if (!PEM_write_bio_X509(cert, pair->cert) ||
	    !PEM_write_bio_PrivateKey(key, pair->key, NULL, NULL, 0, NULL, NULL))
		return openssl_error(err, "writing a certificate");
	/* The key first: a certificate without its key is made anew at the next start. */
	if (write_bio(key_path, key, err) < 0)
		return -1;
	return write_bio(cert_path, cert, err);
}

static int pair_ensure(const char *dir, const struct profile *p, const struct pair *ca,
		       const char *const *names, size_t n_names, int64_t now, struct pair *out,
		       struct error **err)
{
	if (pair_read(dir, p, out) && pair_good(out, ca ? ca : out, names, n_names, now))
		return 0;
	log_info("making the %s certificate", p->name);
	if (pair_make(p, ca, names, n_names, now, out, err) < 0)
		return -1;
	return pair_write(dir, p, out, err);
}

static size_t collect_names(const char *host, char *hostname, size_t size, const char **names)
{
	size_t n = 0;

	for (; n < ARRAY_SIZE(own_names); n++)
		names[n] = own_names[n];
	if (gethostname(hostname, size) == 0 && hostname[0] && !strpbrk(hostname, ",:/ "))
		names[n++] = hostname;
	if (host && *host && strcmp(host, "0.0.0.0") != 0 && strcmp(host, "::") != 0)
		names[n++] = host;
	return n;
}

/* The cluster would make it with the first token; a controller manager that signs them too wants to
 * find it. */
static int token_key_ensure(const char *dir, struct error **err)
{
	char *path free_ptr = xasprintf("%s/pki/sa.key", dir);
	struct jwt_key *key CLEANUP(jwt_key_free_cleanup) = jwt_key_open(path, err);

	return key ? 0 : -1;
}

int pki_ensure(const char *dir, const char *host, int64_t now, struct pki *out, struct error **err)
{
	char *folder free_ptr = xasprintf("%s/pki", dir);
	struct pair ca CLEANUP(pair_release) = {0}, server CLEANUP(pair_release) = {0};
	struct pair admin CLEANUP(pair_release) = {0}, kubelet CLEANUP(pair_release) = {0};
	const char *names[ARRAY_SIZE(own_names) + 2];
	char hostname[256] = "";
	size_t n_names = collect_names(host, hostname, sizeof(hostname) - 1, names);

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return error_set_errno(err, errno, "%s", folder);
	if (pair_ensure(dir, &ca_profile, NULL, NULL, 0, now, &ca, err) < 0 ||
	    pair_ensure(dir, &server_profile, &ca, names, n_names, now, &server, err) < 0 ||
	    pair_ensure(dir, &admin_profile, &ca, NULL, 0, now, &admin, err) < 0 ||
	    pair_ensure(dir, &kubelet_client_profile, &ca, NULL, 0, now, &kubelet, err) < 0 ||
	    token_key_ensure(dir, err) < 0)
		return -1;
	*out = (struct pki){
		.ca_cert = pki_path(dir, &ca_profile, "crt"),
		.server_cert = pki_path(dir, &server_profile, "crt"),
		.server_key = pki_path(dir, &server_profile, "key"),
		.admin_cert = pki_path(dir, &admin_profile, "crt"),
		.admin_key = pki_path(dir, &admin_profile, "key"),
	};
	return 0;
}

void pki_release(struct pki *p)
{
	free(p->ca_cert);
	free(p->server_cert);
	free(p->server_key);
	free(p->admin_cert);
	free(p->admin_key);
	*p = (struct pki){0};
}

/* "    KEY: <base64 of the file>" */
static int add_file(struct str *out, const char *key, const char *path, struct error **err)
{
	struct str text CLEANUP(str_wipe) = STR_INIT;

	if (file_read(path, CERT_MAX_BYTES, &text, err) < 0)
		return -1;
	str_addf(out, "    %s: ", key);
	base64_encode(text.s, text.len, out);
	str_addc(out, '\n');
	return 0;
}

int pki_write_kubeconfig(const char *dir, const struct pki *p, const char *server,
			 struct error **err)
{
	char *path free_ptr = xasprintf("%s/kubeconfig", dir);
	struct str text CLEANUP(str_release) = STR_INIT;

	str_addf(
		&text,
		"apiVersion: v1\nkind: Config\ncurrent-context: kubefs\nclusters:\n- name: kubefs\n"
		"  cluster:\n    server: %s\n",
		server);
	if (add_file(&text, "certificate-authority-data", p->ca_cert, err) < 0)
		return -1;
	str_adds(&text, "users:\n- name: kubefs\n  user:\n");
	if (add_file(&text, "client-certificate-data", p->admin_cert, err) < 0 ||
	    add_file(&text, "client-key-data", p->admin_key, err) < 0)
		return -1;
	str_adds(&text, "contexts:\n- name: kubefs\n  context:\n    cluster: kubefs\n"
			"    user: kubefs\n");
	return file_replace(path, text.s, text.len, err);
}
