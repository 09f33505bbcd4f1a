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

#define BYTES_MAX (1u << 20)

/* stringData is written into data and never kept. */
static void set_defaults(json_t *object)
{
	json_t *text = json_object_get(object, "stringData"), *v;
	const char *key;

	json_object_foreach (text, key, v) {
		struct str base64 CLEANUP(str_wipe) = STR_INIT;

		base64_encode(json_string_value(v), json_string_length(v), &base64);
		if (!json_object_get(object, "data"))
			json_object_set_new(object, "data", json_object());
		json_object_set_new(json_object_get(object, "data"), key, json_string(base64.s));
	}
	json_object_del(object, "stringData");
}

/* Whether the bytes are a JSON object; what they are is told to nobody. */
static bool holds_object(const struct field *f)
{
	struct str bytes CLEANUP(str_wipe) = STR_INIT;
	json_t *tree json_auto = NULL;

	if (base64_decode(field_text(f), json_string_length(f->value), &bytes))
		tree = json_read(bytes.s, bytes.len, NULL);
	return json_is_object(tree);
}

static void check_docker(const struct field *data, const char *key)
{
	const struct field *f = FIELD_KEY(data, key);

	if (!f->value)
		field_required(f, NULL);
	else if (!holds_object(f))
		field_invalid_text(f, "<secret contents redacted>", "not a JSON object");
}

/* What each type of secret must hold. */
static const struct {
	const char *type;
	const char *keys[2]; /* both; of ANY one is enough */
	bool any, docker, not_empty;
} types[] = {
	{"kubernetes.io/dockercfg", {".dockercfg"}, .docker = true},
	{"kubernetes.io/dockerconfigjson", {".dockerconfigjson"}, .docker = true},
	{"kubernetes.io/basic-auth", {"username", "password"}, .any = true},
	{"kubernetes.io/ssh-auth", {"ssh-privatekey"}, .not_empty = true},
	{"kubernetes.io/tls", {"tls.crt", "tls.key"}},
};

static void check_keys(const struct field *data, size_t type)
{
	size_t met = 0;

	for (size_t i = 0; i < 2 && types[type].keys[i]; i++) {
		const json_t *v = json_object_get(data->value, types[type].keys[i]);

		met += v && (!types[type].not_empty || json_string_length(v));
	}
	if (types[type].any && met)
		return;
	for (size_t i = 0; i < 2 && types[type].keys[i]; i++) {
		const struct field *f = FIELD_KEY(data, types[type].keys[i]);

		if (types[type].docker)
			check_docker(data, types[type].keys[i]);
		else if (!f->value || (types[type].not_empty && !*field_text(f)))
			field_required(f, NULL);
	}
}

static void check_type(const struct field *o)
{
	static const char account[] = "kubernetes.io/service-account.name";
	const struct field *type = FIELD(o, "type");
	const struct field *annotations = FIELD(o, "metadata.annotations");

	if (field_is(type, "kubernetes.io/service-account-token") &&
	    !*field_text(FIELD_KEY(annotations, account)))
		field_required(FIELD_KEY(annotations, account), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (field_is(type, types[i].type))
			check_keys(FIELD(o, "data"), i);
}

static void validate(const struct field *o, const struct field *old)
{
	static const char *const members[] = {"data", NULL};
	const struct field *data = FIELD(o, "data");

	if (old)
		field_immutable(FIELD(o, "type"), FIELD(old, "type"));
	config_immutable_validate(o, old, members);
	if (config_keys_validate(data, true) > BYTES_MAX)
		field_too_long(data, BYTES_MAX);
	check_type(o);
}

static bool has_pem(const struct field *f, BIO **out)
{
	struct str bytes CLEANUP(str_wipe) = STR_INIT;

	base64_decode(field_text(f), json_string_length(f->value), &bytes);
	*out = BIO_new(BIO_s_mem());
	BIO_write(*out, bytes.s, (int)bytes.len);
	return strstr(bytes.s, "-----BEGIN ");
}

/* A certificate and a key that do not belong together serve nobody. */
static void warn(const struct field *o, const struct field *old)
{
	BIO *cert_text = NULL, *key_text = NULL;
	bool cert_found, key_found;
	X509 *cert = NULL;
	EVP_PKEY *key = NULL;

	(void)old;
	if (!field_is(FIELD(o, "type"), "kubernetes.io/tls"))
		return;
	cert_found = has_pem(FIELD_KEY(FIELD(o, "data"), "tls.crt"), &cert_text);
	key_found = has_pem(FIELD_KEY(FIELD(o, "data"), "tls.key"), &key_text);
	if (!cert_found) {
		field_warn(o, "tls: failed to find any PEM data in certificate input");
	} else if (!key_found) {
		field_warn(o, "tls: failed to find any PEM data in key input");
	} else {
		cert = PEM_read_bio_X509(cert_text, NULL, NULL, NULL);
		key = PEM_read_bio_PrivateKey(key_text, NULL, NULL, NULL);
		if (cert && key && X509_check_private_key(cert, key) != 1)
			field_warn(o, "tls: private key does not match public key");
	}
	ERR_clear_error();
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(cert_text);
	BIO_free(key_text);
}

static const struct selectable selectable[] = {
	{.field = "type"},
	{0},
};

const struct kind kind_secret = {
	.group = "",
	.kind = "Secret",
	.set_defaults = set_defaults,
	.validate = validate,
	.warn = warn,
	.metadata = METADATA_WHOLE,
	.no_generation = true,
	.selectable = selectable,
};
