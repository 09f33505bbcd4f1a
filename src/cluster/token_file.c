#include "cluster/token_file.h"
#include "base/file.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "cluster/cluster.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_FILE_MAX (1u << 20)

struct token_file {
	struct map *by_hash; /* hex SHA-256 of the token: lookups tell nothing by their time */
};

static void add_groups(struct identity *id, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		const char *start = list + strspn(list, " ");
		size_t trimmed = start < list + len ? (size_t)(list + len - start) : 0;

		while (trimmed && start[trimmed - 1] == ' ')
			trimmed--;
		if (trimmed)
			identity_add_group(id, start, trimmed);
		list += len + (list[len] == ',');
	}
}

void token_hash(const char *token, char hex[TOKEN_HASH_TEXT])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)token, strlen(token), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static void forget(void *identity)
{
	identity_unref(identity);
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

static int read_line(struct token_file *t, const char *line, const char *end, size_t number,
		     const char *path, struct error **err)
{
	char hex[TOKEN_HASH_TEXT];
	char *field[4] = {NULL};
	size_t n = 0;
	int result = 0;

	for (const char *p = line; p <= end && n < 4;)
		field[n++] = csv_field(&p, end);
	if (n < 3 || !*field[0] || !*field[1]) {
		result = error_set(err, E_BAD_REQUEST, "%s, line %zu: want token,user,uid[,groups]",
				   path, number);
	} else {
		struct identity *id = identity_new(field[1], field[2]);

		add_groups(id, n > 3 ? field[3] : "");
		identity_authenticated(id);
		token_hash(field[0], hex);
		identity_unref(map_put(t->by_hash, hex, id));
	}
	for (size_t i = 0; i < n; i++) {
		OPENSSL_cleanse(field[i], strlen(field[i]));
		free(field[i]);
	}
	return result;
}

struct token_file *token_file_free(struct token_file *t)
{
	if (t)
		map_free(t->by_hash, forget);
	free(t);
	return NULL;
}

struct token_file *token_file_read(const char *path, struct error **err)
{
	struct str text CLEANUP(str_wipe) = STR_INIT;
	struct token_file *t;
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
			t = token_file_free(t);
			break;
		}
		line = end + 1;
	}
	return t;
}

static bool asked_for(const char *const *audiences)
{
	if (!audiences)
		return true;
	for (; *audiences; audiences++)
		if (strcmp(*audiences, CLUSTER_AUDIENCE) == 0)
			return true;
	return false;
}

bool token_file_find(const struct token_file *t, const char *token, const char *const *audiences,
		     struct authentication *out)
{
	char hex[TOKEN_HASH_TEXT];
	struct identity *known;

	if (!t || !asked_for(audiences))
		return false;
	token_hash(token, hex);
	known = map_get(t->by_hash, hex);
	if (!known)
		return false;
	out->who = identity_ref(known);
	out->audiences = xcalloc(2, sizeof(char *));
	out->audiences[0] = xstrdup(CLUSTER_AUDIENCE);
	return true;
}
