#include "cluster/remote/remote.h"

#include "cluster/remote/split.h"
#include "object/json.h"

#include <string.h>

#define PAGE 500

/* One LIST, page after page: each item goes on as soon as its last byte is there. */
struct listing {
	struct remote *c;
	const struct resource *r;
	struct splitter splitter;
	struct str item;
	list_sink *sink;
	void *arg;
	bool stopped;
};

/* An item as the sink gets it: with the apiVersion and kind that a list says once for all. */
static const char *with_type(struct listing *l, const char *json, size_t *len, unsigned keys)
{
	if (keys == (SPLIT_HAS_KIND | SPLIT_HAS_API_VERSION) || !*len)
		return json;
	str_reset(&l->item);
	str_addc(&l->item, '{');
	if (!(keys & SPLIT_HAS_API_VERSION))
		str_addf(&l->item, "\"apiVersion\":\"%s\",", l->r->api_version);
	if (!(keys & SPLIT_HAS_KIND))
		str_addf(&l->item, "\"kind\":\"%s\",", l->r->kind);
	str_add(&l->item, json + 1, *len - 1);
	*len = l->item.len;
	return l->item.s;
}

static int on_item(void *arg, const char *json, size_t len, unsigned keys, struct error **err)
{
	struct listing *l = arg;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	json = with_type(l, json, &len, keys);
	o = object_parse(json, len, err);
	if (!o)
		return error_wrap(err, "an item of the %s of %s", l->r->list_kind,
				  l->c->base.description);
	if (l->sink(l->arg, o->json, o->len))
		return 0;
	l->stopped = true;
	return -1;
}

static int on_bytes(void *arg, const char *bytes, size_t len, struct error **err)
{
	struct listing *l = arg;

	return splitter_feed(&l->splitter, bytes, len, on_item, l, err);
}

static char *dup_text(const char *s)
{
	return s && *s ? xstrdup(s) : NULL;
}

static int read_meta(struct listing *l, struct list_meta *meta, struct error **err)
{
	json_t *list json_auto = NULL;
	const char *version;

	if (splitter_finish(&l->splitter, err) < 0)
		return error_wrap(err, "%s", l->c->base.description);
	list = json_read(l->splitter.envelope.s, l->splitter.envelope.len, err);
	if (!list)
		return error_wrap(err, "%s answers what is no list", l->c->base.description);
	if (!json_object_get(list, "items"))
		return error_set(err, E_BAD_REQUEST, "%s answers what is no list",
				 l->c->base.description);
	list_meta_release(meta);
	version = json_path_string(list, "metadata.resourceVersion");
	meta->resource_version = xstrdup(version ? version : "");
	meta->continue_token = dup_text(json_path_string(list, "metadata.continue"));
	meta->remaining =
		json_path_int(list, "metadata.remainingItemCount", meta->continue_token ? -1 : 0);
	return 0;
}

static void page_path(const struct resource *r, const char *namespace,
		      const struct list_options *opt, int64_t limit, const char *token,
		      struct str *path)
{
	static const char *const matches[] = {
		[RV_MATCH_UNSET] = NULL,
		[RV_MATCH_EXACT] = "Exact",
		[RV_MATCH_NOT_OLDER_THAN] = "NotOlderThan",
	};
	const char *match = matches[opt->match];

	/* With a limit a bare version means exactly that one: a page of ours must not change that.
	 */
	if (!match && opt->resource_version && *opt->resource_version && !opt->limit)
		match = "NotOlderThan";
	remote_path(r, namespace, NULL, NULL, path);
	remote_query(path, "labelSelector", opt->label_selector);
	remote_query(path, "fieldSelector", opt->field_selector);
	remote_query_int(path, "limit", limit);
	if (token) {
		remote_query(path, "continue", token);
		return;
	}
	remote_query(path, "resourceVersion", opt->resource_version);
	remote_query(path, "resourceVersionMatch", opt->resource_version ? match : NULL);
}

static int list_page(struct listing *l, const struct call *call, const char *path,
		     struct list_meta *meta, struct error **err)
{
	struct http_response a CLEANUP(http_response_release) = HTTP_RESPONSE_INIT;
	struct http_request q = {.method = "GET", .path = path};
	struct error *why = NULL;
	int rc;

	splitter_init(&l->splitter, SPLIT_LIST);
	rc = http_read(l->c->http, call, &q, on_bytes, l, &a, &why);
	if (rc < 0 && l->stopped) {
		meta->resource_version =
			meta->resource_version ? meta->resource_version : xstrdup("");
		rc = 0;
	} else if (rc == 0) {
		rc = remote_check(&a, &why);
		if (rc == 0)
			rc = read_meta(l, meta, &why);
	}
	splitter_release(&l->splitter);
	return rc < 0 ? error_move(err, why) : 0;
}

int remote_list(struct cluster *c, const struct call *call, const struct resource *r,
		const char *namespace, const struct list_options *opt, list_sink *sink, void *arg,
		struct list_meta *meta, struct error **err)
{
	struct listing l = {.c = remote_of(c), .r = r, .sink = sink, .arg = arg};
	int64_t timeout_ms = call_timeout_ms(call), deadline_ns = CLOCK_NEVER;
	char *token = dup_text(opt->continue_token);
	int rc;

	if (timeout_ms > 0)
		deadline_ns = clock_mono(l.c->clock) + timeout_ms * NS_PER_MS;
	str_init(&l.item);
	do {
		struct str path CLEANUP(str_release) = STR_INIT;
		struct call until = remote_call_until(l.c, call, deadline_ns);

		page_path(r, namespace, opt, opt->limit ? opt->limit : PAGE, token, &path);
		free(token);
		token = NULL;
		rc = list_page(&l, &until, path.s, meta, err);
		if (rc == 0 && !opt->limit && !l.stopped)
			token = steal(&meta->continue_token);
	} while (token);
	str_release(&l.item);
	return rc;
}
