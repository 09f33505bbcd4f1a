#include "serve/auth.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/file.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <strings.h>

#define TOKEN_FILE_MAX (1u << 20)

struct tokens {
	struct map *by_hash; /* hex SHA-256 of the token: lookups tell nothing by their time */
};

void identity_release(struct identity *id)
{
	free(id->name);
	free(id->uid);
	for (char **g = id->groups; g && *g; g++)
		free(*g);
	free(id->groups);
	*id = (struct identity){0};
}

struct user identity_user(const struct identity *id)
{
	return (struct user){.name = id->name ? id->name : "system:anonymous",
			     .uid = id->uid ? id->uid : "",
			     .groups = (const char *const *)id->groups};
}

static void identity_free(void *p)
{
	struct identity *id = p;

	identity_release(id);
	free(id);
}

static void add_group(struct identity *id, const char *name, size_t len)
{
	size_t n = 0;

	while (id->groups && id->groups[n])
		n++;
	id->groups = xreallocarray(id->groups, n + 2, sizeof(*id->groups));
	id->groups[n] = xstrndup(name, len);
	id->groups[n + 1] = NULL;
}

static void add_groups(struct identity *id, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		const char *start = list + strspn(list, " ");
		size_t trimmed = (size_t)(list + len - start);

		while (trimmed && start[trimmed - 1] == ' ')
			trimmed--;
		if (start < list + len && trimmed)
			add_group(id, start, trimmed);
		list += len + (list[len] == ',');
	}
}

static void hash_token(const char *token, char hex[2 * SHA256_DIGEST_LENGTH + 1])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)token, strlen(token), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* One CSV field from *P, which moves behind it and its comma. */
static char *csv_field(const char **p, const char *end)
{
	struct str field = STR_INIT;
	const char *s = *p;
	bool quoted = s < end && *s == '"';

	for (s += quoted; s < end; s++) {
		if (quoted && *s == '"' && s + 1 < end && s[1] == '"')
			s++;
		else if (quoted && *s == '"') {
			s++;
			quoted = false;
			break;
		} else if (!quoted && *s == ',')
			break;
		str_addc(&field, *s);
	}
	while (s < end && *s != ',')
		s++;
	*p = s < end ? s + 1 : end + 1;
	return str_take(&field);
}

static int read_line(struct tokens *t, const char *line, const char *end, size_t number,
		     const char *path, struct error **err)
{
	char hex[2 * SHA256_DIGEST_LENGTH + 1];
	char *field[4] = {NULL};
	size_t n = 0;
	int result = 0;

	for (const char *p = line; p <= end && n < 4;)
		field[n++] = csv_field(&p, end);
	if (n < 3 || !*field[0] || !*field[1]) {
		result = error_set(err, E_BAD_REQUEST, "%s, line %zu: want token,user,uid[,groups]",
				   path, number);
	} else {
		struct identity *id = xcalloc(1, sizeof(*id));

		id->name = xstrdup(field[1]);
		id->uid = xstrdup(field[2]);
		add_groups(id, n > 3 ? field[3] : "");
		add_group(id, "system:authenticated", strlen("system:authenticated"));
		hash_token(field[0], hex);
		struct identity *before = map_put(t->by_hash, hex, id);
		if (before)
			identity_free(before);
	}
	for (size_t i = 0; i < n; i++) {
		OPENSSL_cleanse(field[i], strlen(field[i]));
		free(field[i]);
	}
	return result;
}

struct tokens *tokens_free(struct tokens *t)
{
	if (t)
		map_free(t->by_hash, identity_free);
	free(t);
	return NULL;
}

struct tokens *tokens_read(const char *path, struct error **err)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	struct tokens *t;
	size_t number = 0;

	if (file_read(path, TOKEN_FILE_MAX, &text, err) < 0)
		return NULL;
	t = xcalloc(1, sizeof(*t));
	t->by_hash = map_new();
	for (const char *line = text.s; line < text.s + text.len;) {
		const char *end = line + strcspn(line, "\n");
		const char *cut = end > line && end[-1] == '\r' ? end - 1 : end;

		number++;
		if (cut > line && *line != '#' && read_line(t, line, cut, number, path, err) < 0) {
			t = tokens_free(t);
			break;
		}
		line = end + 1;
	}
	OPENSSL_cleanse(text.s, text.len);
	return t;
}

static char *name_entry(X509_NAME_ENTRY *entry)
{
	unsigned char *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
	char *copy = len >= 0 ? xstrndup((char *)utf8, (size_t)len) : NULL;

	OPENSSL_free(utf8);
	return copy;
}

void identity_from_certificate(X509 *cert, struct identity *out)
{
	X509_NAME *name = X509_get_subject_name(cert);

	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
		char *text free_ptr = name_entry(entry);

		if (text && nid == NID_commonName && !out->name)
			out->name = steal(&text);
		else if (text && nid == NID_organizationName)
			add_group(out, text, strlen(text));
	}
	if (out->name)
		add_group(out, "system:authenticated", strlen("system:authenticated"));
}

bool identity_from_token(const struct tokens *t, const char *authorization, struct identity *out)
{
	char hex[2 * SHA256_DIGEST_LENGTH + 1];
	const struct identity *known;

	if (!t || strncasecmp(authorization, "Bearer ", 7) != 0)
		return false;
	hash_token(authorization + 7 + strspn(authorization + 7, " "), hex);
	known = map_get(t->by_hash, hex);
	if (!known)
		return false;
	out->name = xstrdup(known->name);
	out->uid = xstrdup(known->uid);
	for (char **g = known->groups; *g; g++)
		add_group(out, *g, strlen(*g));
	return true;
}

int auth_allow(const struct user *user, const char *verb, const struct target *target,
	       struct error **err)
{
	if (user->groups)
		return 0;
	return error_set(err, E_FORBIDDEN, "%s \"%s\" is forbidden: user \"%s\" cannot %s it",
			 target->plural, target->name ? target->name : "", user->name, verb);
}
