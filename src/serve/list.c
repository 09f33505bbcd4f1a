#include "base/mem.h"
#include "object/json.h"
#include "object/yaml.h"
#include "serve/query.h"
#include "serve/resource.h"
#include "serve/server.h"
#include "serve/writer.h"

#include <string.h>

struct listing {
	const struct ask *ask;
	struct writer writer;
	int64_t now;
	bool any;
};

/* The items come first and the metadata last: it is known only when the list has been read. */
static void add_head(struct listing *l)
{
	struct str *out = &l->writer.text;

	switch (l->ask->media.as) {
	case MEDIA_AS_TABLE:
		render_table_head(l->ask->resource, out);
		break;
	case MEDIA_AS_PARTIAL_LIST:
		str_adds(out, "{\"kind\":\"PartialObjectMetadataList\","
			      "\"apiVersion\":\"meta.k8s.io/v1\",\"items\":");
		break;
	default:
		str_addf(out, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"items\":[",
			 l->ask->resource->list_kind, l->ask->resource->api_version);
	}
}

static bool add_item(void *arg, const char *json, size_t len)
{
	struct listing *l = arg;
	struct str *out = &l->writer.text;

	bool partial = l->ask->media.as == MEDIA_AS_PARTIAL_LIST;

	if (l->any || partial)
		str_addc(out, l->any ? ',' : '[');
	l->any = true;
	switch (l->ask->media.as) {
	case MEDIA_AS_TABLE:
		render_row(l->ask->resource, json, len, l->ask->include, l->now, out);
		break;
	case MEDIA_AS_PARTIAL_LIST:
		render_partial(l->ask->resource, json, len, out);
		break;
	default:
		render_item(l->ask->resource, json, len, out);
	}
	/* YAML is written from the whole. */
	return l->ask->media.yaml || writer_flush(&l->writer) == 0;
}

static int to_yaml(struct str *text, struct error **err)
{
	json_t *tree json_auto = json_read(text->s, text->len, err);
	struct str canonical CLEANUP(str_release) = STR_INIT;

	if (!tree)
		return -1;
	json_write(tree, &canonical);
	str_reset(text);
	yaml_write(canonical.s, canonical.len, 0, text);
	return 0;
}

static int list(struct listing *l, struct error **err)
{
	const struct ask *a = l->ask;
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	struct list_options opt;

	if (query_list(a->request, &opt, err) < 0 ||
	    cluster_list(a->request->server->cluster, &a->request->call, a->resource,
			 a->target->namespace, &opt, add_item, l, &meta, err) < 0)
		return -1;
	/* As in Go, where nothing was added to the list of the metadata. */
	str_adds(&l->writer.text, a->media.as == MEDIA_AS_PARTIAL_LIST && !l->any ? "null" : "]");
	str_adds(&l->writer.text, ",\"metadata\":");
	render_list_meta(&meta, a->resource->custom && a->media.as == MEDIA_AS_OBJECT,
			 &l->writer.text);
	str_addc(&l->writer.text, '}');
	return a->media.yaml ? to_yaml(&l->writer.text, err) : 0;
}

int resource_list(const struct ask *a, struct error **err)
{
	struct listing l = {.ask = a, .now = clock_wall(a->request->server->clock)};
	int result;

	writer_init(&l.writer, a->request, a->media.content_type);
	add_head(&l);
	result = list(&l, err);
	if (result == 0)
		writer_finish(&l.writer, 200);
	else if (l.writer.streaming) {
		writer_fail(&l.writer, err ? *err : NULL);
		error_clear(err);
		result = 0;
	}
	writer_release(&l.writer);
	return result;
}
