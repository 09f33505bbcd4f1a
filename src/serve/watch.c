/*
 * Watches and followed logs: the cluster's thread hands events to the request's queue, the service
 * thread sends them. No thread waits for either.
 *
 * An object as it is goes out from its own bytes, so that any number of watchers share them; other
 * forms are rendered once and shared (render.h).
 */
#include "base/mem.h"
#include "object/json.h"
#include "object/selector.h"
#include "object/status.h"
#include "serve/query.h"
#include "serve/resource.h"
#include "serve/server.h"

#include <string.h>

#define TIMEOUT_S 1800

struct watching {
	struct request *request;	 /* a ref */
	const struct resource *resource; /* a ref */
	enum media_as as;
	enum include_object include;
	bool bookmarks, columns_sent;
	struct watch *watch;
	struct stream *stream;
};

static void watching_free(struct watching *w)
{
	resource_unref(w->resource);
	request_unref(w->request);
	free(w);
}

static struct watching *watching_new(const struct ask *a)
{
	struct watching *w = xcalloc(1, sizeof(*w));

	w->request = request_ref(a->request);
	w->resource = resource_ref(a->resource);
	w->as = a->media.as;
	w->include = a->include;
	return w;
}

static const char *const heads[] = {
	[WATCH_ADDED] = "{\"type\":\"ADDED\",\"object\":",
	[WATCH_MODIFIED] = "{\"type\":\"MODIFIED\",\"object\":",
	[WATCH_DELETED] = "{\"type\":\"DELETED\",\"object\":",
	[WATCH_BOOKMARK] = "{\"type\":\"BOOKMARK\",\"object\":",
};

static void release_object(void *o)
{
	object_unref(o);
}

static struct piece object_piece(struct watching *w, struct object *o)
{
	struct bytes *rendered;

	if (w->as == MEDIA_AS_OBJECT)
		return (struct piece){.bytes = o->json,
				      .len = o->len,
				      .owner = object_ref(o),
				      .release = release_object};
	rendered = render_watched(w->request->server->rendered, w->resource, o, w->as, w->include,
				  !w->columns_sent, clock_wall(w->request->server->clock));
	w->columns_sent = true;
	return (struct piece){.bytes = rendered->data,
			      .len = rendered->len,
			      .owner = rendered,
			      .release = bytes_unref};
}

/* As an object of the type it is an empty one; only the version matters, and whether the initial
 * events end here. */
static struct piece bookmark_piece(const struct watching *w, const struct watch_event *event)
{
	struct str text = STR_INIT;
	const char *version = event->object->resource_version;

	if (w->as == MEDIA_AS_TABLE)
		str_adds(&text, "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\","
				"\"columnDefinitions\":null,\"rows\":[],\"metadata\":{");
	else if (w->as == MEDIA_AS_PARTIAL)
		str_adds(&text, "{\"kind\":\"PartialObjectMetadata\","
				"\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{");
	else {
		str_add(&text, event->object->json, event->object->len);
		return piece_take(&text);
	}
	str_adds(&text, "\"resourceVersion\":");
	json_write_string(version, strlen(version), &text);
	if (event->initial_events_end)
		str_adds(&text, ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}");
	str_adds(&text, "}}");
	return piece_take(&text);
}

static void on_event(void *arg, const struct watch_event *event)
{
	struct watching *w = arg;

	/* The end of the initial events is told only to those who take bookmarks. */
	if (event->type == WATCH_BOOKMARK && !w->bookmarks)
		return;
	struct piece pieces[] = {
		piece_static(heads[event->type]),
		event->type == WATCH_BOOKMARK ? bookmark_piece(w, event)
					      : object_piece(w, event->object),
		piece_static("}\n"),
	};

	answer_writev(w->request, pieces, ARRAY_SIZE(pieces), ANSWER_DROP);
}

/* The watch has ended by itself: its last event says why. */
static void on_watch_closed(void *arg, const struct error *why)
{
	struct watching *w = arg;
	json_t *status json_auto = status_from_error(why);
	struct str text CLEANUP(str_release) = STR_INIT;
	struct piece piece;

	str_adds(&text, "{\"type\":\"ERROR\",\"object\":");
	json_write(status, &text);
	str_adds(&text, "}\n");
	piece = piece_take(&text);
	answer_write(w->request, &piece, ANSWER_DROP);
	answer_end(w->request);
}

static const struct watch_handler watch_handler = {on_event, on_watch_closed};

static void on_request_closed(void *arg)
{
	struct watching *w = arg;

	if (w->watch)
		watch_stop(w->watch);
	if (w->stream)
		stream_stop(w->stream);
	audit_request(w->request->server->audit, w->request, AUDIT_COMPLETE);
	watching_free(w);
}

/* From answer_on_close on, W is gone when the client is. SECONDS 0: it has no end of its own. */
static void begin_stream(struct watching *w, const char *content_type, int64_t seconds)
{
	struct request *r CLEANUP(request_unref_cleanup) = request_ref(w->request);

	r->streaming = true;
	answer_on_close(r, on_request_closed, w);
	if (seconds)
		answer_end_after(r, seconds);
	answer_begin(r, 200, content_type);
	audit_request(r->server->audit, r, AUDIT_STARTED);
}

/* Where the path names an object only that one is watched; TEXT holds how that is said. */
static int select_named(const struct ask *a, struct watch_options *opt, struct str *text,
			struct error **err)
{
	struct field_selector *s CLEANUP(field_selector_free_cleanup) = NULL;
	const char *name = a->target->name, *wanted;

	if (!name)
		return 0;
	if (!opt->field_selector || !*opt->field_selector) {
		str_adds(text, "metadata.name=");
		for (const char *p = name; *p; p++) {
			if (strchr(",=\\", *p))
				str_addc(text, '\\');
			str_addc(text, *p);
		}
		opt->field_selector = text->s;
		return 0;
	}
	s = field_selector_parse(opt->field_selector, err);
	if (!s)
		return -1;
	wanted = field_selector_required(s, "metadata.name");
	if (wanted && !strcmp(wanted, name))
		return 0;
	return error_set(err, E_BAD_REQUEST,
			 "the fieldSelector's metadata.name is not the requested name");
}

int resource_watch(const struct ask *a, struct error **err)
{
	struct str named CLEANUP(str_release) = STR_INIT;
	struct watch_options opt;
	struct watching *w;
	int64_t timeout_s;

	if (query_watch(a->request, &opt, &timeout_s, err) < 0 ||
	    select_named(a, &opt, &named, err) < 0)
		return -1;
	w = watching_new(a);
	w->bookmarks = opt.bookmarks;
	/* The status must be known before it is told: events wait in the queue until it begins. */
	w->watch = cluster_watch(a->request->server->cluster, &a->request->call, a->resource,
				 a->target->namespace, &opt, &watch_handler, w, err);
	if (!w->watch) {
		watching_free(w);
		return -1;
	}
	begin_stream(w, a->media.content_type, timeout_s > 0 ? timeout_s : TIMEOUT_S);
	return 0;
}

/* ---- logs */

static bool on_data(void *arg, const char *bytes, size_t len)
{
	struct watching *w = arg;
	struct piece piece = piece_copy(bytes, len);

	return answer_write(w->request, &piece, ANSWER_DROP) == 0;
}

static void on_stream_closed(void *arg, const struct error *why)
{
	struct watching *w = arg;

	if (why)
		answer_abort(w->request);
	else
		answer_end(w->request);
}

static const struct stream_handler stream_handler = {on_data, on_stream_closed};

int resource_stream(const struct ask *a, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct str query CLEANUP(str_release) = STR_INIT;
	struct watching *w;

	if (strcmp(a->target->subresource, "log") == 0 &&
	    query_log(a->request, a->target->name, err) < 0)
		return -1;
	w = watching_new(a);
	request_query_encoded(a->request, &query);
	w->stream = cluster_stream(a->request->server->cluster, &a->request->call, a->resource,
				   a->target->namespace, a->target->name, a->target->subresource,
				   query.s, &stream_handler, w, &why);
	if (!w->stream) {
		watching_free(w);
		if (why)
			return error_move(err, steal(&why));
		str_reset(&query);
		answer_send(a->request, 204, NULL, &query);
		return 0;
	}
	begin_stream(w, "text/plain", 0);
	return 0;
}
