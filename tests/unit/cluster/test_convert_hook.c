/*
 * Custom resources whose versions a webhook converts: reads, lists, watches and writes, and every
 * way in which a webhook may be wrong.
 */
#include "hook_fixture.h"

#include "base/vec.h"
#include "object/json.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define V1 "widgets.v1.example.com"
#define V2 "widgets.v2.example.com"
#define WIDGET(VERSION) "'apiVersion':'example.com/" VERSION "','kind':'Widget'"

static void make(struct hook_fixture *f, const char *name, int size)
{
	char *text free_ptr =
		xasprintf("{" WIDGET("v2") ",'metadata':{'name':'%s','annotations':{'a':'b'}},"
					   "'spec':{'dimension':{'size':%d}}}",
			  name, size);

	fixture_make(&f->local, V2, "default", text);
}

static json_t *try_get(struct hook_fixture *f, const char *type, const char *name,
		       struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	return cluster_get(f->local.cluster, NULL, fixture_type(&f->local, type), "default", name,
			   &o, err) < 0
		       ? NULL
		       : object_tree(o);
}

/* How many questions there were, and of the first how many objects it was about. */
static void assert_asked(struct hook_fixture *f, size_t questions, size_t objects)
{
	json_t *log json_auto = hook_questions(f);

	assert_int_equal(json_array_size(log), questions);
	assert_int_equal(json_array_size(json_path(log, "[0].review.request.objects")), objects);
}

static void test_read(void **state)
{
	struct hook_fixture *f = *state;
	json_t *v1 json_auto = NULL, *v2 json_auto = NULL, *log json_auto = NULL;

	hook_widgets(f, "convert");
	make(f, "a", 7);
	v2 = fixture_get(&f->local, V2, "default", "a");
	assert_int_equal(json_path_int(v2, "spec.dimension.size", 0), 7);
	assert_asked(f, 0, 0);
	v1 = fixture_get(&f->local, V1, "default", "a");
	assert_text(v1, "apiVersion", "example.com/v1");
	assert_int_equal(json_path_int(v1, "spec.size", 0), 7);
	assert_null(json_path(v1, "spec.dimension"));
	assert_text(v1, "metadata.uid", json_path_string(v2, "metadata.uid"));
	log = hook_questions(f);
	assert_int_equal(json_array_size(log), 1);
	assert_text(log, "[0].path", "/convert");
	assert_text(log, "[0].query", "");
	assert_text(log, "[0].agent", "kube-apiserver-admission");
	assert_null(json_string_value(json_path(log, "[0].authorization")));
	assert_text(log, "[0].review.apiVersion", "apiextensions.k8s.io/v1");
	assert_text(log, "[0].review.request.desiredAPIVersion", "example.com/v1");
	assert_int_equal(strlen(json_path_string(log, "[0].review.request.uid")), 36);
	assert_text(log, "[0].review.request.objects[0].apiVersion", "example.com/v2");
}

struct names {
	char **v;
	size_t n, cap;
};

static bool add_name(void *arg, const char *json, size_t len)
{
	struct names *names = arg;

	assert_true(json_span_equal(json_find(json, len, "apiVersion"), "\"example.com/v1\""));
	vec_push(names, json_unquote(json_find(json, len, "metadata.name")));
	return true;
}

static size_t list(struct hook_fixture *f, const struct list_options *opt, struct list_meta *meta,
		   struct error **err)
{
	struct names names = {0};
	size_t n;

	cluster_list(f->local.cluster, NULL, fixture_type(&f->local, V1), "default", opt, add_name,
		     &names, meta, err);
	n = names.n;
	vec_each (&names, name)
		free(*name);
	vec_release(&names);
	return n;
}

static void test_list(void **state)
{
	struct hook_fixture *f = *state;
	struct list_meta meta CLEANUP(list_meta_release) = {0},
			      next CLEANUP(list_meta_release) = {0};
	struct list_options opt = {.limit = 3};

	hook_widgets(f, "convert");
	for (int i = 0; i < 5; i++) {
		char *name free_ptr = xasprintf("w%d", i);

		make(f, name, i);
	}
	json_decref(hook_questions(f));
	assert_int_equal(list(f, &opt, &meta, NULL), 3);
	assert_int_equal(meta.remaining, 2);
	assert_asked(f, 1, 3);
	opt.continue_token = meta.continue_token;
	assert_int_equal(list(f, &opt, &next, NULL), 2);
	assert_null(next.continue_token);
	assert_asked(f, 1, 2);
}

/* Labels are selected as the webhook shows them. */
static void test_select(void **state)
{
	struct hook_fixture *f = *state;
	struct list_meta meta CLEANUP(list_meta_release) = {0};

	hook_widgets(f, "convert/relabels");
	make(f, "a", 1);
	make(f, "b", 2);
	assert_int_equal(list(f, &(struct list_options){.label_selector = "by=hook", .limit = 1},
			      &meta, NULL),
			 1);
	assert_non_null(meta.continue_token);
	list_meta_release(&meta);
	assert_int_equal(list(f, &(struct list_options){.label_selector = "by!=hook"}, &meta, NULL),
			 0);
}

static void test_metadata(void **state)
{
	struct hook_fixture *f = *state;
	json_t *v1 json_auto = NULL, *v2 json_auto = NULL;

	hook_widgets(f, "convert/relabels");
	make(f, "a", 1);
	v1 = fixture_get(&f->local, V1, "default", "a");
	v2 = fixture_get(&f->local, V2, "default", "a");
	assert_text(v1, "metadata.labels.by", "hook");
	assert_null(json_path(v1, "metadata.annotations"));
	assert_null(json_path(v1, "metadata.finalizers"));
	assert_null(json_path(v1, "unknown"));
	assert_text(v1, "metadata.resourceVersion",
		    json_path_string(v2, "metadata.resourceVersion"));
	assert_true(json_equal(json_path(v1, "metadata.managedFields"),
			       json_path(v2, "metadata.managedFields")));
}

static void test_write(void **state)
{
	struct hook_fixture *f = *state;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *made json_auto = NULL, *stored json_auto = NULL, *changed json_auto = NULL;

	hook_widgets(f, "convert");
	made = fixture_create(&f->local, V1, "default",
			      "{" WIDGET("v1") ",'metadata':{'name':'a'},'spec':{'size':3}}", &err);
	assert_string_equal(error_message(err), "");
	assert_text(made, "apiVersion", "example.com/v1");
	assert_int_equal(json_path_int(made, "spec.size", 0), 3);
	stored = fixture_get(&f->local, V2, "default", "a");
	assert_int_equal(json_path_int(stored, "spec.dimension.size", 0), 3);
	changed = fixture_patch(&f->local, V1, "default", "a", NULL, "{'spec':{'size':4}}", &err);
	assert_int_equal(json_path_int(changed, "spec.size", 0), 4);
	json_decref(stored);
	stored = fixture_get(&f->local, V2, "default", "a");
	assert_int_equal(json_path_int(stored, "spec.dimension.size", 0), 4);
}

static json_t *apply(struct hook_fixture *f, const char *type, const char *manager,
		     const char *text, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct write_options opt = {.field_manager = manager};

	if (cluster_patch(f->local.cluster, NULL, fixture_type(&f->local, type), "default", "a",
			  NULL, PATCH_APPLY, text, strlen(text), &opt, &o, NULL, err) < 0)
		return NULL;
	return object_tree(o);
}

/* Who owns what is told of each version in its own words, and compared by the webhook. */
static void test_apply(void **state)
{
	struct hook_fixture *f = *state;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *first json_auto = NULL, *second json_auto = NULL;

	hook_widgets(f, "convert");
	first = apply(f, V1, "one",
		      "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Widget\",\"metadata\":{"
		      "\"name\":\"a\"},\"spec\":{\"size\":1}}",
		      &err);
	assert_non_null(first);
	second = apply(f, V2, "two",
		       "{\"apiVersion\":\"example.com/v2\",\"kind\":\"Widget\",\"metadata\":{"
		       "\"name\":\"a\"},\"spec\":{\"dimension\":{\"size\":2}}}",
		       &err);
	assert_null(second);
	assert_int_equal(error_code(err), E_CONFLICT);
	error_clear(&err);
	hook_widgets(f, "convert/broken");
	second = apply(f, V2, "two",
		       "{\"apiVersion\":\"example.com/v2\",\"kind\":\"Widget\",\"metadata\":{"
		       "\"name\":\"a\"},\"spec\":{\"dimension\":{\"size\":1}}}",
		       &err);
	assert_null(second);
	assert_string_equal(error_message(err),
			    "conversion webhook for example.com/v2, Kind=Widget failed: an error "
			    "on the server (\"out of order\") has prevented the request from "
			    "succeeding");
}

static void test_scale(void **state)
{
	struct hook_fixture *f = *state;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	json_t *scale json_auto = NULL;

	hook_widgets(f, "convert");
	fixture_make(&f->local, V2, "default",
		     "{" WIDGET("v2") ",'metadata':{'name':'a'},'spec':{'replicas':2}}");
	assert_int_equal(cluster_get_subresource(f->local.cluster, NULL,
						 fixture_type(&f->local, V1), "default", "a",
						 "scale", &o, NULL),
			 0);
	scale = object_tree(o);
	assert_int_equal(json_path_int(scale, "spec.replicas", 0), 2);
}

static void test_delete(void **state)
{
	struct hook_fixture *f = *state;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	const struct delete_options opt = {.grace_period_s = -1};

	hook_widgets(f, "convert/broken");
	make(f, "a", 1);
	assert_int_equal(cluster_delete(f->local.cluster, NULL, fixture_type(&f->local, V1),
					"default", "a", &opt, &o, NULL, &err),
			 -1);
	assert_non_null(strstr(error_message(err), "conversion webhook for"));
	json_decref(fixture_get(&f->local, V2, "default", "a"));
	hook_widgets(f, "convert");
	assert_int_equal(cluster_delete(f->local.cluster, NULL, fixture_type(&f->local, V1),
					"default", "a", &opt, &o, NULL, NULL),
			 0);
	assert_string_equal(o->api_version, "example.com/v1");
}

/* A definition goes with its objects when its webhook is gone. */
static void test_delete_definition(void **state)
{
	struct hook_fixture *f = *state;
	const struct delete_options opt = {.grace_period_s = -1};
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	hook_widgets(f, "convert");
	make(f, "a", 1);
	hook_widgets(f, "convert/broken");
	json_decref(hook_questions(f));
	cluster_delete(f->local.cluster, NULL, fixture_type(&f->local, "crd"), "",
		       "widgets.example.com", &opt, NULL, NULL, &err);
	assert_string_equal(error_message(err), "");
	while (cluster_get(f->local.cluster, NULL, fixture_type(&f->local, "crd"), "",
			   "widgets.example.com", NULL, NULL) == 0)
		sched_yield();
	assert_asked(f, 0, 0);
}

struct seen {
	pthread_mutex_t lock;
	pthread_cond_t news;
	char *events[16]; /* "ADDED a example.com/v1" */
	size_t n;
	struct watch *watch;
	bool stop_first; /* from within the handler */
	bool stopped;
	char *why;
};

static void on_event(void *arg, const struct watch_event *event)
{
	static const char *const names[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"};
	struct seen *s = arg;
	char *size = object_string(event->object, "spec.size");

	free(size);
	pthread_mutex_lock(&s->lock);
	s->events[s->n++] = xasprintf("%s %s %s %d", names[event->type], event->object->name,
				      event->object->api_version,
				      (int)object_int(event->object, "spec.size", 0));
	pthread_cond_broadcast(&s->news);
	while (s->stop_first && !s->watch)
		pthread_cond_wait(&s->news, &s->lock);
	pthread_mutex_unlock(&s->lock);
	if (!s->stop_first)
		return;
	watch_stop(s->watch);
	pthread_mutex_lock(&s->lock);
	s->stopped = true;
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
}

static void on_closed(void *arg, const struct error *why)
{
	struct seen *s = arg;

	pthread_mutex_lock(&s->lock);
	s->why = xstrdup(error_message(why));
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
}

static const struct watch_handler handler = {on_event, on_closed};

static void watch_widgets(struct hook_fixture *f, struct seen *s, const struct watch_options *opt)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct watch *w;

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->news, NULL);
	w = cluster_watch(f->local.cluster, NULL, fixture_type(&f->local, V1), "default", opt,
			  &handler, s, &err);
	assert_string_equal(error_message(err), "");
	pthread_mutex_lock(&s->lock);
	s->watch = w;
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
}

static void wait_events(struct seen *s, size_t n)
{
	pthread_mutex_lock(&s->lock);
	while (s->n < n && !s->why)
		pthread_cond_wait(&s->news, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static void wait_closed(struct seen *s, const char *why)
{
	pthread_mutex_lock(&s->lock);
	while (!s->why)
		pthread_cond_wait(&s->news, &s->lock);
	pthread_mutex_unlock(&s->lock);
	assert_non_null(strstr(s->why, why));
}

static void seen_end(struct seen *s)
{
	if (!s->stop_first)
		watch_stop(s->watch);
	for (size_t i = 0; i < s->n; i++)
		free(s->events[i]);
	free(s->why);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->news);
}

static void remove_widget(struct hook_fixture *f, const char *name)
{
	const struct delete_options opt = {.grace_period_s = -1};

	assert_int_equal(cluster_delete(f->local.cluster, NULL, fixture_type(&f->local, V2),
					"default", name, &opt, NULL, NULL, NULL),
			 0);
}

static void test_watch(void **state)
{
	struct hook_fixture *f = *state;
	struct seen s = {0};

	hook_widgets(f, "convert");
	make(f, "a", 1);
	watch_widgets(f, &s, &(struct watch_options){0});
	wait_events(&s, 1);
	make(f, "b", 2);
	json_decref(fixture_patch(&f->local, V2, "default", "b", NULL,
				  "{'spec':{'dimension':{'size':3}}}", NULL));
	remove_widget(f, "b");
	wait_events(&s, 4);
	assert_string_equal(s.events[0], "ADDED a example.com/v1 1");
	assert_string_equal(s.events[1], "ADDED b example.com/v1 2");
	assert_string_equal(s.events[2], "MODIFIED b example.com/v1 3");
	assert_string_equal(s.events[3], "DELETED b example.com/v1 3");
	seen_end(&s);
}

/* What the selector sees are the labels that the webhook gives. */
static void test_watch_selected(void **state)
{
	struct hook_fixture *f = *state;
	struct seen s = {0};

	hook_widgets(f, "convert/relabels");
	watch_widgets(
		f, &s,
		&(struct watch_options){.label_selector = "by=hook", .resource_version = "1"});
	make(f, "a", 1);
	wait_events(&s, 1);
	assert_string_equal(s.events[0], "ADDED a example.com/v1 1");
	remove_widget(f, "a");
	wait_events(&s, 2);
	assert_string_equal(s.events[1], "DELETED a example.com/v1 1");
	seen_end(&s);
}

static void test_watch_stopped_inside(void **state)
{
	struct hook_fixture *f = *state;
	struct seen s = {.stop_first = true};

	hook_widgets(f, "convert");
	make(f, "a", 1);
	watch_widgets(f, &s, &(struct watch_options){0});
	pthread_mutex_lock(&s.lock);
	while (!s.stopped)
		pthread_cond_wait(&s.news, &s.lock);
	pthread_mutex_unlock(&s.lock);
	fixture_close(&f->local);
	seen_end(&s);
	fixture_open(&f->local, NULL);
}

static void test_watch_broken(void **state)
{
	struct hook_fixture *f = *state;
	struct seen s = {0}, t = {0};

	hook_widgets(f, "convert");
	watch_widgets(f, &s, &(struct watch_options){.resource_version = "1"});
	hook_widgets(f, "convert/dying");
	make(f, "a", 1);
	wait_closed(&s,
		    "conversion webhook for example.com/v2, Kind=Widget failed: Post \"https://");
	seen_end(&s);
	watch_widgets(f, &t, &(struct watch_options){0});
	wait_closed(&t,
		    "conversion webhook for example.com/v2, Kind=Widget failed: Post \"https://");
	seen_end(&t);
}

/* Another way to convert ends the watches that were made with the one before. */
static void test_watch_reshaped(void **state)
{
	struct hook_fixture *f = *state;
	struct seen s = {0};

	hook_widgets(f, "convert");
	watch_widgets(f, &s, &(struct watch_options){.resource_version = "1"});
	json_decref(fixture_patch(&f->local, "crd", "", "widgets.example.com", NULL,
				  "{'spec':{'conversion':{'strategy':'None','webhook':null}}}",
				  NULL));
	wait_closed(&s, "the requested resource is defined otherwise now");
	seen_end(&s);
	hook_types(f);
	s = (struct seen){0};
	watch_widgets(f, &s, &(struct watch_options){.resource_version = "1"});
	make(f, "a", 1);
	wait_events(&s, 1);
	assert_string_equal(s.events[0], "ADDED a example.com/v1 0");
	seen_end(&s);
}

static void *get_held(void *arg)
{
	struct hook_fixture *f = arg;

	return try_get(f, V1, "a", NULL);
}

/* While one request waits for its webhook, all others are served. */
static void test_held(void **state)
{
	struct hook_fixture *f = *state;
	struct seen s = {0};
	pthread_t thread;
	void *got;

	hook_widgets(f, "convert/hold");
	make(f, "a", 1);
	pthread_create(&thread, NULL, get_held, f);
	watch_widgets(f, &s, &(struct watch_options){0});
	json_decref(hook_server_get(f, "held"));
	json_decref(hook_server_get(f, "held"));
	make(f, "b", 2);
	json_decref(fixture_get(&f->local, V2, "default", "b"));
	fixture_make(&f->local, "configmaps", "default", "{'metadata':{'name':'c'}}");
	seen_end(&s); /* gives its question up */
	json_decref(hook_server_get(f, "release"));
	pthread_join(thread, &got);
	assert_non_null(got);
	json_decref(got);
}

static void test_wrong(void **state)
{
	static const struct {
		const char *script, *why;
		const char *listed; /* NULL: not looked at */
	} rows[] = {
		{"short", "returned 0 objects, expected 1", "returned 1 objects, expected 2"},
		{"renames", "returned invalid object: must have the same name: a != other",
		 "returned invalid converted object at index 0: must have the same name: a != "
		 "other"},
		{"reversed", NULL,
		 "returned invalid converted object at index 0: must have the same name: a != b"},
		{"bad-label",
		 "returned invalid metadata: metadata.labels: Invalid value: \"no good value\": a "
		 "valid label must be",
		 "returned invalid metadata in object at index 0: metadata.labels: Invalid value"},
		{"number-label",
		 "returned invalid metadata: metadata.labels[by] must be a string, but is int64 in "
		 "converted object",
		 NULL},
		{"no-metadata", NULL, NULL},
		{"lazy",
		 "returned invalid object at index 0: invalid groupVersion (expected "
		 "example.com/v1, received example.com/v3)",
		 NULL},
		{"other-kind",
		 "returned invalid object at index 0: invalid kind (expected Widget, received "
		 "Gadget)",
		 NULL},
		{"no-object",
		 "returned invalid converted object at index 0: Object 'Kind' is missing", NULL},
		{"fails", "failed: no way", "failed: no way"},
		{"silent", "failed: no response provided", NULL},
		{"wrong-kind",
		 "failed: expected webhook response of apiextensions.k8s.io/v1, "
		 "Kind=ConversionReview, got apiextensions.k8s.io/v1, Kind=AdmissionReview",
		 NULL},
		{"unasked", "got \"another\"", NULL},
		{"garbage", "failed: couldn't get version/kind; json parse error: ", NULL},
		{"scalar", "failed: couldn't get version/kind; json parse error: ", NULL},
		{"huge", "failed: Post \"https://127.0.0.1:", NULL},
		{"missing", "failed: the server could not find the requested resource", NULL},
		{"broken",
		 "failed: an error on the server (\"out of order\") has prevented the request "
		 "from succeeding",
		 NULL},
		{"redirect", "failed: the server responded with a status", NULL},
		{"dying", "/convert/dying\": ", NULL},
	};
	struct hook_fixture *f = *state;

	hook_widgets(f, "convert");
	make(f, "a", 1);
	make(f, "b", 2);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *path free_ptr = xasprintf("convert/%s", rows[i].script);
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		struct error *listed CLEANUP(error_free_cleanup) = NULL;
		struct list_meta meta CLEANUP(list_meta_release) = {0};

		hook_widgets(f, path);
		if (rows[i].why) {
			assert_null(try_get(f, V1, "a", &err));
			if (!strstr(error_message(err), rows[i].why))
				fail_msg("%s: %s", rows[i].script, error_message(err));
			assert_int_equal(error_http_status(err), 500);
			assert_string_equal(error_reason(err), "");
			assert_true(str_has_prefix(error_message(err),
						   "conversion webhook for example.com/v2, "
						   "Kind=Widget "));
		}
		if (!rows[i].listed)
			continue;
		assert_int_equal(list(f, &(struct list_options){0}, &meta, &listed), 0);
		if (!strstr(error_message(listed), rows[i].listed))
			fail_msg("%s: %s", rows[i].script, error_message(listed));
	}
}

struct late {
	struct hook_fixture *f;
	struct error **err;
};

static void *get_late(void *arg)
{
	struct late *late = arg;

	return try_get(late->f, V1, "a", late->err);
}

static void test_timeout(void **state)
{
	struct hook_fixture *f = *state;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct late late = {f, &err};
	struct ticker *ticker;
	pthread_t thread;

	hook_widgets(f, "convert/slow");
	make(f, "a", 1);
	pthread_create(&thread, NULL, get_late, &late);
	json_decref(hook_server_get(f, "held"));
	ticker = ticker_start(f->clock);
	pthread_join(thread, NULL);
	ticker_stop(ticker);
	assert_non_null(strstr(error_message(err), "/convert/slow\": context deadline exceeded"));
}

/* WHY: what it is refused with. */
static void patch_client(struct hook_fixture *f, const char *config, const char *why)
{
	char *text free_ptr =
		xasprintf("{'spec':{'conversion':{'webhook':{'clientConfig':%s}}}}", config);
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	json_decref(fixture_patch(&f->local, "crd", "", "widgets.example.com", NULL, text, &err));
	assert_string_equal(error_message(err), why);
}

static void assert_fails(struct hook_fixture *f, const char *why)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_null(try_get(f, V1, "a", &err));
	if (!strstr(error_message(err), why))
		fail_msg("%s", error_message(err));
}

/* A certificate that caBundle does not vouch for is none, and neither is one of the system's
 * authorities' where it names none. */
static void test_certificate(void **state)
{
	struct hook_fixture *f = *state;
	char *other free_ptr = xasprintf("{'caBundle':'%s'}", f->other_ca);

	hook_widgets(f, "convert");
	make(f, "a", 1);
	patch_client(f, other, "");
	assert_fails(f, "certificate");
	patch_client(f, "{'caBundle':null}", "");
	assert_fails(f, "certificate");
	patch_client(f, "{'caBundle':'Cg=='}", ""); /* a line break */
	assert_fails(f, "certificate");
	patch_client(f, "{'url':'http://127.0.0.1:1/'}",
		     "CustomResourceDefinition.apiextensions.k8s.io \"widgets.example.com\" is "
		     "invalid: spec.conversion.webhookClientConfig.url: Invalid value: \"http\": "
		     "'https' is the only allowed URL scheme; desired format: "
		     "https://host[/path]");
	hook_widgets(f, "convert");
	json_decref(fixture_get(&f->local, V1, "default", "a"));
}

static void test_service(void **state)
{
	struct hook_fixture *f = *state;
	char *service free_ptr = xasprintf("{'url':null,'caBundle':'%s','service':{'namespace':"
					   "'default','name':'hook','path':'/convert/'}}",
					   f->ca);
	char *port free_ptr = xasprintf("{'service':{'port':%d}}", f->port);
	json_t *v1 json_auto = NULL, *log json_auto = NULL;

	hook_widgets(f, "convert");
	make(f, "a", 1);
	patch_client(f, service, "");
	assert_fails(f, "failed: Post \"https://hook.default.svc:443/convert\": services \"hook\" "
			"not found");
	fixture_make(&f->local, "services", "default",
		     "{'metadata':{'name':'hook'},'spec':{'ports':[{'port':443}]}}");
	assert_fails(f, "no endpoints available for service \"hook\"");
	fixture_make(&f->local, "endpointslices", "default",
		     "{'metadata':{'name':'pods','labels':{'kubernetes.io/service-name':'hook'}},"
		     "'addressType':'IPv4','ports':[{'name':'','port':8443}],'endpoints':[{"
		     "'addresses':['10.0.0.7'],'targetRef':{'kind':'Pod','name':'p'}}]}");
	assert_fails(f, "its pods are simulated, they answer nothing");
	patch_client(f, "{'service':{'port':8443}}", "");
	assert_fails(f, "no service port 8443 found for service \"hook\"");
	/* A real place, and the certificate is the service's. */
	json_decref(fixture_patch(&f->local, "services", "default", "hook", NULL,
				  "{'spec':{'type':'ExternalName','externalName':'localhost',"
				  "'clusterIP':null,'clusterIPs':null}}",
				  NULL));
	patch_client(f, port, "");
	json_decref(hook_questions(f));
	v1 = fixture_get(&f->local, V1, "default", "a");
	assert_int_equal(json_path_int(v1, "spec.size", 0), 1);
	log = hook_questions(f);
	assert_text(log, "[0].path", "/convert");
}

/* One connection serves all questions to a server. */
static void test_connections(void **state)
{
	struct hook_fixture *f = *state;
	json_t *before json_auto = NULL, *after json_auto = NULL;

	hook_widgets(f, "convert");
	make(f, "a", 1);
	json_decref(fixture_get(&f->local, V1, "default", "a"));
	before = hook_server_get(f, "log");
	for (int i = 0; i < 5; i++)
		json_decref(fixture_get(&f->local, V1, "default", "a"));
	after = hook_server_get(f, "log");
	assert_int_equal(json_path_int(before, "connections", -1),
			 json_path_int(after, "connections", -2));
	assert_int_equal(json_array_size(json_path(after, "questions")), 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hooks_open, hooks_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read),	 TEST(test_list),	    TEST(test_select),
		TEST(test_metadata),	 TEST(test_write),	    TEST(test_apply),
		TEST(test_scale),	 TEST(test_delete),	    TEST(test_delete_definition),
		TEST(test_watch),	 TEST(test_watch_selected), TEST(test_watch_stopped_inside),
		TEST(test_watch_broken), TEST(test_watch_reshaped), TEST(test_held),
		TEST(test_wrong),	 TEST(test_timeout),	    TEST(test_certificate),
		TEST(test_service),	 TEST(test_connections),
	};

	return cmocka_run_group_tests(tests, hooks_start, hooks_stop);
}
