#include "serve/render.h"
#include "base/mem.h"
#include "cluster/cluster.h"
#include "kinds/kind.h"
#include "object/json.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#define CACHE_SLOTS 64

struct bytes *bytes_new(const char *data, size_t len)
{
	struct bytes *b = xmalloc(sizeof(*b) + len);

	atomic_init(&b->refs, 1);
	b->len = len;
	memcpy(b->data, data, len);
	return b;
}

struct bytes *bytes_ref(struct bytes *b)
{
	atomic_fetch_add(&b->refs, 1);
	return b;
}

void bytes_unref(void *p)
{
	struct bytes *b = p;

	if (b && atomic_fetch_sub(&b->refs, 1) == 1)
		free(b);
}

struct item {
	struct str *out;
	bool any;
};

static bool add_member(void *arg, struct span key, struct span value)
{
	struct item *item = arg;

	if (json_span_equal(key, "apiVersion") || json_span_equal(key, "kind"))
		return true;
	str_addc(item->out, item->any ? ',' : '{');
	item->any = true;
	json_write_string(key.p, key.len, item->out);
	str_addc(item->out, ':');
	str_add(item->out, value.p, value.len);
	return true;
}

void render_item(const struct resource *r, const char *json, size_t len, struct str *out)
{
	struct item item = {.out = out};
	/* Most types have no key between these two: then the item is the rest of its bytes. */
	char head[512];
	int n = snprintf(head, sizeof(head), "{\"apiVersion\":\"%s\",\"kind\":\"%s\",",
			 r->api_version, r->kind);

	if (r->custom) {
		str_add(out, json, len);
	} else if (n > 0 && (size_t)n < sizeof(head) && len > (size_t)n &&
		   memcmp(json, head, (size_t)n) == 0) {
		str_addc(out, '{');
		str_add(out, json + n, len - (size_t)n);
	} else {
		json_each((struct span){json, len}, add_member, &item);
		str_adds(out, item.any ? "}" : "{}");
	}
}

/* METADATA without an annotation that only the type's own form has. */
static void render_bare_metadata(struct span metadata, const char *hidden, struct str *out)
{
	json_t *tree json_auto = json_read(metadata.p, metadata.len, NULL);
	json_t *annotations = json_object_get(tree, "annotations");

	json_object_del(annotations, hidden);
	if (!json_object_size(annotations))
		json_object_del(tree, "annotations");
	json_write(tree, out);
}

void render_partial(const struct resource *r, const char *json, size_t len, struct str *out)
{
	struct span metadata = json_find(json, len, "metadata");
	const char *hidden = r->particulars->hidden_annotation;

	str_adds(out, "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\","
		      "\"metadata\":");
	if (metadata.p && hidden)
		render_bare_metadata(metadata, hidden, out);
	else if (metadata.p)
		str_add(out, metadata.p, metadata.len);
	else
		str_adds(out, "{}");
	str_addc(out, '}');
}

void render_row(const struct resource *r, const char *json, size_t len, enum include_object include,
		int64_t now, struct str *out)
{
	json_t *tree json_auto = json_read(json, len, NULL);
	json_t *cells json_auto = tree ? table_cells(r, tree, now) : json_array();
	json_t *conditions json_auto = tree ? table_conditions(r, tree) : NULL;

	str_adds(out, "{\"cells\":");
	json_write(cells, out);
	if (conditions) {
		str_adds(out, ",\"conditions\":");
		json_write(conditions, out);
	}
	str_adds(out, ",\"object\":");
	if (include == INCLUDE_OBJECT)
		str_add(out, json, len);
	else if (include == INCLUDE_METADATA)
		render_partial(r, json, len, out);
	else
		str_adds(out, "null");
	str_addc(out, '}');
}

void render_table_head(const struct resource *r, struct str *out)
{
	json_t *columns json_auto = table_columns(r);

	str_adds(out, "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\","
		      "\"columnDefinitions\":");
	json_write(columns, out);
	str_adds(out, ",\"rows\":[");
}

void render_list_meta(const struct list_meta *meta, bool continue_too, struct str *out)
{
	const char *token = meta->continue_token ? meta->continue_token : "";

	str_adds(out, "{\"resourceVersion\":");
	json_write_string(meta->resource_version, strlen(meta->resource_version), out);
	if (*token || continue_too) {
		str_adds(out, ",\"continue\":");
		json_write_string(token, strlen(token), out);
	}
	if (meta->remaining > 0)
		str_addf(out, ",\"remainingItemCount\":%" PRId64, meta->remaining);
	str_addc(out, '}');
}

struct slot {
	char *key;
	struct bytes *bytes;
};

struct render_cache {
	pthread_mutex_t lock;
	struct slot slots[CACHE_SLOTS];
	size_t next;
};

struct render_cache *render_cache_new(void)
{
	struct render_cache *c = xcalloc(1, sizeof(*c));

	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void render_cache_free(struct render_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CACHE_SLOTS; i++) {
		free(c->slots[i].key);
		bytes_unref(c->slots[i].bytes);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct bytes *render(const struct resource *r, const struct object *o, enum media_as as,
			    enum include_object include, bool first, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	if (as != MEDIA_AS_TABLE) {
		render_partial(r, o->json, o->len, &text);
		return bytes_new(text.s, text.len);
	}
	if (first)
		render_table_head(r, &text);
	else
		str_adds(&text, "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\","
				"\"columnDefinitions\":null,\"rows\":[");
	render_row(r, o->json, o->len, include, now, &text);
	str_adds(&text, "],\"metadata\":{\"resourceVersion\":");
	json_write_string(o->resource_version, strlen(o->resource_version), &text);
	str_adds(&text, "}}");
	return bytes_new(text.s, text.len);
}

struct bytes *render_watched(struct render_cache *c, const struct resource *r, struct object *o,
			     enum media_as as, enum include_object include, bool first, int64_t now)
{
	/* Ages are told in seconds at best: within one of them a row stays what it is. */
	char *key free_ptr =
		xasprintf("%s/%s/%s/%s/%d/%d/%d/%" PRId64, r->api_version, r->plural, o->uid,
			  o->resource_version, (int)as, (int)include, first,
			  as == MEDIA_AS_TABLE ? (int64_t)(now / NS_PER_S) : (int64_t)0);
	struct bytes *found = NULL;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; !found && i < CACHE_SLOTS; i++)
		if (c->slots[i].key && strcmp(c->slots[i].key, key) == 0)
			found = bytes_ref(c->slots[i].bytes);
	pthread_mutex_unlock(&c->lock);
	if (found)
		return found;
	found = render(r, o, as, include, first, now);
	pthread_mutex_lock(&c->lock);
	struct slot *slot = &c->slots[c->next++ % CACHE_SLOTS];
	free(slot->key);
	bytes_unref(slot->bytes);
	*slot = (struct slot){.key = steal(&key), .bytes = bytes_ref(found)};
	pthread_mutex_unlock(&c->lock);
	return found;
}
