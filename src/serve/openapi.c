#include "serve/openapi.h"
#include "base/mem.h"
#include "object/json.h"
#include "serve/bytes.h"
#include "serve/media.h"
#include "serve/resource.h"
#include "serve/server.h"
#include "serve/writer.h"

#include <openssl/sha.h>
#include <string.h>

struct openapi_cache {
	pthread_mutex_t lock;
	struct catalog *catalog;
	struct bytes *index;
};

struct openapi_cache *openapi_cache_new(void)
{
	struct openapi_cache *c = xcalloc(1, sizeof(*c));

	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void openapi_cache_free(struct openapi_cache *c)
{
	if (!c)
		return;
	catalog_unref(c->catalog);
	bytes_unref(c->index);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static void hash_text(const struct str *text, char hex[2 * SHA256_DIGEST_LENGTH + 1])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)text->s, text->len, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02X", digest[i]);
}

static const char *root_of(const char *api_version)
{
	return strchr(api_version, '/') ? "apis" : "api";
}

static struct bytes *make_index(const struct catalog *c)
{
	json_t *paths json_auto = json_object(), *tree json_auto = NULL;
	struct str text CLEANUP(str_release) = STR_INIT;

	for (size_t i = 0; i < catalog_count(c); i++) {
		const char *api_version = catalog_at(c, i)->api_version;
		char *key free_ptr = xasprintf("%s/%s", root_of(api_version), api_version);
		char hex[2 * SHA256_DIGEST_LENGTH + 1];
		char *url free_ptr = NULL;

		if (json_object_get(paths, key))
			continue;
		str_reset(&text);
		openapi_write(c, api_version, OPENAPI_V3, &text);
		hash_text(&text, hex);
		url = xasprintf("/openapi/v3/%s?hash=%s", key, hex);
		json_object_set_new(paths, key, json_pack("{s:s}", "serverRelativeURL", url));
	}
	tree = json_pack("{s:O}", "paths", paths);
	str_reset(&text);
	json_write(tree, &text);
	return bytes_new(text.s, text.len);
}

/* The index of C, made once as long as the catalog stays the same. */
static struct bytes *cached_index(struct openapi_cache *cache, struct catalog *c)
{
	struct bytes *index;

	pthread_mutex_lock(&cache->lock);
	if (cache->catalog != c) {
		bytes_unref(cache->index);
		catalog_unref(cache->catalog);
		cache->catalog = catalog_ref(c);
		cache->index = make_index(c);
	}
	index = bytes_ref(cache->index);
	pthread_mutex_unlock(&cache->lock);
	return index;
}

static struct catalog *catalog_of(struct request *r)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct catalog *c = cluster_catalog(r->server->cluster, &r->call, &err);
	struct media media;

	/* Only JSON is offered: clients that want protobuf alone take their other way. */
	if (c && media_negotiate(r->accept, 0, false, &media, &err) == 0)
		return c;
	catalog_unref(c);
	answer_error(r, err);
	return NULL;
}

void openapi_v3_index(struct request *r)
{
	struct catalog *c CLEANUP(catalog_unref_cleanup) = catalog_of(r);
	struct bytes *index;
	struct piece piece;

	if (!c)
		return;
	index = cached_index(r->server->openapi, c);
	piece = (struct piece){
		.bytes = index->data, .len = index->len, .owner = index, .release = bytes_unref};
	answer_send_piece(r, 200, "application/json", &piece);
}

static bool is_served(const struct catalog *c, const char *api_version)
{
	for (size_t i = 0; i < catalog_count(c); i++)
		if (strcmp(catalog_at(c, i)->api_version, api_version) == 0)
			return true;
	return false;
}

static void send_document(struct request *r, const struct catalog *c, const char *api_version,
			  enum openapi_version version)
{
	struct writer w CLEANUP(writer_release);
	char hex[2 * SHA256_DIGEST_LENGTH + 1], etag[2 * SHA256_DIGEST_LENGTH + 3];

	writer_init(&w, r, "application/json");
	openapi_write(c, api_version, version, &w.text);
	hash_text(&w.text, hex);
	snprintf(etag, sizeof(etag), "\"%s\"", hex);
	answer_header(r, "etag:", etag);
	/* The hash in the URL names these very bytes: they may be kept for ever. */
	if (request_query(r, "hash") && strcmp(request_query(r, "hash"), hex) == 0)
		answer_header(r, "cache-control:", "public, immutable");
	if (r->if_none_match && strcmp(r->if_none_match, etag) == 0) {
		str_reset(&w.text);
		writer_finish(&w, 304);
		return;
	}
	writer_finish(&w, 200);
}

void openapi_v3_document(struct request *r)
{
	struct catalog *c CLEANUP(catalog_unref_cleanup) = catalog_of(r);
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	const char *path = r->path + strlen("/openapi/v3/");
	const char *slash = strchr(path, '/');

	if (!c)
		return;
	if (slash && is_served(c, slash + 1)) {
		send_document(r, c, slash + 1, OPENAPI_V3);
		return;
	}
	resource_not_found(&err);
	answer_error(r, err);
}

void openapi_v2(struct request *r)
{
	struct catalog *c CLEANUP(catalog_unref_cleanup) = catalog_of(r);

	if (c)
		send_document(r, c, NULL, OPENAPI_V2);
}
