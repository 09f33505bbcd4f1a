#include "base/vec.h"
#include "object/json.h"
#include "remote_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const struct resource *pods(void)
{
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = catalog_builtin();

	return catalog_find(builtin, "", "v1", "pods");
}

static const struct call no_deadline = {.timeout_ms = -1};

/* What the scripted server saw of a request, from the object that tells it. */
static void assert_told(const struct object *o, const char *what, const char *expected)
{
	char *path free_ptr = xasprintf("metadata.annotations.%s", what);
	char *text free_ptr = object_string(o, path);

	assert_string_equal(text, expected);
}

static void requests_say_what_they_should(void **state)
{
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "good");
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct warnings warnings CLEANUP(warnings_release) = {0};
	struct call call = {.timeout_ms = -1, .warnings = &warnings, .user_agent = "test/1"};
	struct write_options opt = {.dry_run = true, .field_manager = "new", .force = true};
	bool created = false;

	assert_string_equal(c->default_namespace, "team");
	assert_int_equal(cluster_patch(c, &call, pods(), "default", "echo", "status", PATCH_APPLY,
				       "{\"a\":1}", 7, &opt, &o, &created, NULL),
			 0);
	assert_true(created);
	assert_told(o, "method", "PATCH");
	assert_told(o, "type", "application/apply-patch+yaml");
	assert_told(o, "body", "{\"a\":1}");
	assert_told(o, "path",
		    "/api/v1/namespaces/default/pods/echo/status?dryRun=All&fieldManager=new"
		    "&fieldValidation=Warn&force=true");
	assert_told(o, "agent", "test/1");
	assert_told(o, "authorization", "Bearer s3cr3t");
	assert_int_equal(warnings.n, 1);
	assert_string_equal(warnings.v[0], "careful");
}

static void writes_find_the_name_in_the_object(void **state)
{
	static const char json[] = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":"
				   "{\"name\":\"x\",\"namespace\":\"default\"}}";
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "good");
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_int_equal(cluster_update(c, &no_deadline, pods(), NULL, NULL, NULL, json,
					sizeof(json) - 1, NULL, &o, NULL),
			 0);
	assert_told(o, "method", "PUT");
	assert_told(o, "path", "/api/v1/namespaces/default/pods/x?fieldValidation=Warn");
	object_unref(steal(&o));
	assert_int_equal(cluster_create(c, &no_deadline, pods(), "", NULL, NULL, json,
					sizeof(json) - 1, NULL, &o, NULL),
			 0);
	assert_told(o, "method", "POST");
	assert_told(o, "path", "/api/v1/namespaces/default/pods?fieldValidation=Warn");
	assert_int_equal(cluster_get(c, &no_deadline, pods(), "default", "", NULL, &err), -1);
	assert_int_equal(error_code(err), E_BAD_REQUEST);
}

static void deletions_say_whether_it_is_gone(void **state)
{
	static const struct {
		const char *name;
		bool gone;
	} cases[] = {{"gone", true}, {"was", true}, {"waiting", false}};
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "good");
	struct delete_options opt = {
		.grace_period_s = 5, .propagation = PROPAGATE_FOREGROUND, .uid = "u"};
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool gone = !cases[i].gone;

		assert_int_equal(cluster_delete(c, &no_deadline, pods(), "default", cases[i].name,
						NULL, NULL, &gone, NULL),
				 0);
		assert_int_equal(gone, cases[i].gone);
	}
	assert_int_equal(
		cluster_delete(c, &no_deadline, pods(), "default", "echo", &opt, &o, NULL, NULL),
		0);
	assert_told(o, "body",
		    "{\"apiVersion\":\"v1\",\"gracePeriodSeconds\":5,\"kind\":\"DeleteOptions\","
		    "\"preconditions\":{\"uid\":\"u\"},\"propagationPolicy\":\"Foreground\"}");
}

/* Every bad answer is one clear error, and the next request works. */
static void bad_answers_are_clear_errors(void **state)
{
	static const struct {
		const char *name;
		enum error_code code;
		const char *text;
	} cases[] = {
		{"missing", E_NOT_FOUND, "pods \"missing\" not found"},
		{"invalid", E_INVALID, "Pod is invalid"},
		{"locked", E_UNAUTHORIZED, "Unauthorized"},
		{"dying", E_UNREACHABLE, "https://127.0.0.1:"},
		{"garbage", E_UNREACHABLE, "https://127.0.0.1:"},
		{"wrong", E_BAD_REQUEST, "answers what is no object"},
		{"html", E_BAD_REQUEST, "answers what is no object"},
		{"redirect", E_INTERNAL, ""},
		{"huge", E_TOO_LARGE, "larger than"},
		{"bomb", E_TOO_LARGE, "larger than"},
	};
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "good");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		struct object *o CLEANUP(object_unref_cleanup) = NULL;

		assert_int_equal(
			cluster_get(c, &no_deadline, pods(), "default", cases[i].name, &o, &err),
			-1);
		assert_null(o);
		assert_int_equal(error_code(err), cases[i].code);
		assert_non_null(strstr(error_message(err), cases[i].text));
		assert_null(strstr(error_message(err), "s3cr3t"));
		if (!strcmp(cases[i].name, "invalid")) {
			assert_int_equal(err->n_causes, 1);
			assert_string_equal(err->causes[0].field, "spec");
		}
		assert_int_equal(
			cluster_get(c, &no_deadline, pods(), "default", "zipped", &o, NULL), 0);
	}
}

static void waits_out_retry_after(void **state)
{
	struct fixture *f = *state;
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(f, "good");
	struct ticker *t = ticker_start(f->clock);
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct error *down CLEANUP(error_free_cleanup) = NULL;
	struct call call = {.timeout_ms = 900 * 1000};

	assert_int_equal(cluster_get(c, &no_deadline, pods(), "default", "busy", NULL, NULL), 0);
	/* A wait beyond the deadline is not begun. */
	assert_int_equal(cluster_get(c, &call, pods(), "default", "always-busy", NULL, &err), -1);
	assert_int_equal(error_code(err), E_TOO_MANY);
	assert_int_equal(err->retry_after_s, 1000);
	assert_int_equal(cluster_get(c, &no_deadline, pods(), "default", "down", NULL, &down), -1);
	assert_int_equal(error_code(down), E_UNAVAILABLE);
	ticker_stop(t);
}

static void deadlines_and_cancels_end_a_request(void **state)
{
	struct fixture *f = *state;
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(f, "good");
	struct cancel *cancel CLEANUP(cancel_unref_cleanup) = cancel_new();
	struct call call = {.timeout_ms = -1, .cancel = cancel};
	struct error *late CLEANUP(error_free_cleanup) = NULL;
	struct error *cancelled CLEANUP(error_free_cleanup) = NULL;
	struct ticker *t = ticker_start(f->clock);

	assert_int_equal(cluster_get(c, NULL, pods(), "default", "slow", NULL, &late), -1);
	assert_int_equal(error_code(late), E_TIMEOUT);
	ticker_stop(t);
	cancel_fire(cancel);
	assert_int_equal(cluster_get(c, &call, pods(), "default", "slow", NULL, &cancelled), -1);
	assert_int_equal(error_code(cancelled), E_CANCELLED);
}

static void trust_is_what_the_kubeconfig_says(void **state)
{
	static const struct {
		const char *context;
		enum error_code code;
	} cases[] = {
		{"good", E_OK},
		{"other-ca", E_UNREACHABLE},
		{"system-ca", E_UNREACHABLE},
		{"insecure", E_OK},
		{"named", E_OK},
		{"misnamed", E_UNREACHABLE},
		{"nobody", E_UNREACHABLE},
		{"no-such-host", E_UNREACHABLE},
		{"no-certificate", E_UNREACHABLE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cluster *c CLEANUP(cluster_close_cleanup) =
			fixture_open(*state, cases[i].context);
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		char *version free_ptr = cluster_raw(c, &no_deadline, "/version", &err);

		assert_int_equal(error_code(err), cases[i].code);
		assert_true(!version == !!cases[i].code);
	}
}

static void token_files_are_read_again(void **state)
{
	struct fixture *f = *state;
	char *path free_ptr = fixture_file(f, "token", "first\n");
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(f, "token-file");
	static const struct {
		int64_t after_s;
		const char *sent;
	} cases[] = {{0, "Bearer first"}, {59, "Bearer first"}, {61, "Bearer second"}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct object *o CLEANUP(object_unref_cleanup) = NULL;

		clock_fake_advance(f->clock, cases[i].after_s * NS_PER_S);
		assert_int_equal(cluster_get(c, &no_deadline, pods(), "default", "echo", &o, NULL),
				 0);
		assert_told(o, "authorization", cases[i].sent);
		free(fixture_file(f, "token", "second"));
	}
}

/* LIST ------------------------------------------------------------------------------------- */

struct items {
	size_t n, stop_after;
	char last[64];
};

static bool take(void *arg, const char *json, size_t len)
{
	struct items *items = arg;
	struct object *o CLEANUP(object_unref_cleanup) = object_from_canonical(json, len, NULL);

	assert_non_null(o);
	assert_string_equal(o->kind, "Pod");
	assert_string_equal(o->api_version, "v1");
	snprintf(items->last, sizeof(items->last), "%s", o->name);
	return ++items->n != items->stop_after;
}

static void lists_come_in_pages(void **state)
{
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "good");
	struct list_options opt = {.label_selector = "pages"};
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	struct items all = {0}, some = {0}, few = {.stop_after = 3};

	assert_int_equal(
		cluster_list(c, &no_deadline, pods(), "default", &opt, take, &all, &meta, NULL), 0);
	assert_int_equal(all.n, 1200);
	assert_string_equal(all.last, "p1199");
	assert_string_equal(meta.resource_version, "100");
	assert_null(meta.continue_token);
	list_meta_release(&meta);
	opt.limit = 10;
	opt.continue_token = "20";
	assert_int_equal(
		cluster_list(c, &no_deadline, pods(), "default", &opt, take, &some, &meta, NULL),
		0);
	assert_int_equal(some.n, 10);
	assert_string_equal(some.last, "p0029");
	assert_string_equal(meta.continue_token, "30");
	assert_int_equal(meta.remaining, 1170);
	assert_int_equal(
		cluster_list(c, &no_deadline, pods(), "default", &opt, take, &few, NULL, NULL), 0);
	assert_int_equal(few.n, 3);
}

/* 30 MB in one answer, more than waits for a reader: the server is made to wait and no byte is
 * lost. */
static void a_big_list_flows(void **state)
{
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "good");
	struct list_options opt = {.label_selector = "big"};
	struct items all = {0};

	assert_int_equal(
		cluster_list(c, &no_deadline, pods(), "default", &opt, take, &all, NULL, NULL), 0);
	assert_int_equal(all.n, 300);
}

static void bad_lists_are_clear_errors(void **state)
{
	static const struct {
		const char *script;
		enum error_code code;
	} cases[] = {
		{"expires", E_GONE},	    {"dies", E_UNREACHABLE},   {"short", E_UNREACHABLE},
		{"garbage", E_BAD_REQUEST}, {"scalar", E_BAD_REQUEST}, {"object", E_BAD_REQUEST},
		{"refused", E_FORBIDDEN},
	};
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "good");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		struct list_options opt = {.label_selector = cases[i].script};
		struct items items = {0};

		assert_int_equal(cluster_list(c, &no_deadline, pods(), "default", &opt, take,
					      &items, NULL, &err),
				 -1);
		assert_int_equal(error_code(err), cases[i].code);
	}
}

static void one_version_of_the_past(void **state)
{
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "good");
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_int_equal(cluster_get_at(c, &no_deadline, pods(), "default", "at", "42", &o, NULL),
			 0);
	assert_string_equal(o->resource_version, "42");
	assert_int_equal(cluster_get_at(c, &no_deadline, pods(), "default", "at", "1", NULL, &err),
			 -1);
	assert_int_equal(error_code(err), E_GONE);
}

/* Watches and streams ------------------------------------------------------------------------ */

struct seen {
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct str text;
	size_t n;
	bool closed, stop_inside;
	enum error_code why;
	struct watch *watch;
};

static void seen_init(struct seen *s)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->news, NULL);
	str_init(&s->text);
}

static void seen_wait(struct seen *s, size_t n, bool closed)
{
	pthread_mutex_lock(&s->lock);
	while (s->n < n || (closed && !s->closed))
		pthread_cond_wait(&s->news, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static void on_event(void *arg, const struct watch_event *e)
{
	struct seen *s = arg;

	pthread_mutex_lock(&s->lock);
	str_addf(&s->text, "%d %s %s%s;", e->type, e->object->name, e->object->resource_version,
		 e->initial_events_end ? " end" : "");
	while (s->stop_inside && !s->watch)
		pthread_cond_wait(&s->news, &s->lock);
	if (s->stop_inside)
		watch_stop(s->watch);
	s->n++;
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
}

static void on_closed(void *arg, const struct error *why)
{
	struct seen *s = arg;

	pthread_mutex_lock(&s->lock);
	s->closed = true;
	s->why = error_code(why);
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
}

static const struct watch_handler watcher = {on_event, on_closed};

static void watches_tell_and_end(void **state)
{
	static const struct {
		const char *script, *events;
		enum error_code why;
	} cases[] = {
		{"ends", "0 a 8;1 a 9;2 a 10;3  12 end;", E_TIMEOUT},
		{"expires", "", E_GONE},
		{"garbage", "0 a 7;", E_BAD_REQUEST},
		{"truncated", "", E_UNREACHABLE},
		{"dies", "0 a 7;", E_UNREACHABLE},
	};
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "good");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct watch_options opt = {.label_selector = cases[i].script, .bookmarks = true};
		struct watch *w;
		struct seen s;

		seen_init(&s);
		w = cluster_watch(c, &no_deadline, pods(), "default", &opt, &watcher, &s, NULL);
		assert_non_null(w);
		seen_wait(&s, 0, true);
		assert_int_equal(s.why, cases[i].why);
		assert_string_equal(s.text.s, cases[i].events);
		watch_stop(w);
		str_release(&s.text);
	}
}

static void a_watch_is_stopped_from_within(void **state)
{
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "good");
	struct seen s;
	struct watch *w;

	seen_init(&s);
	s.stop_inside = true;
	w = cluster_watch(c, &no_deadline, pods(), "default", NULL, &watcher, &s, NULL);
	pthread_mutex_lock(&s.lock);
	s.watch = w;
	pthread_cond_broadcast(&s.news);
	pthread_mutex_unlock(&s.lock);
	seen_wait(&s, 1, false);
	assert_false(s.closed);
	/* The next one is left open: closing the cluster ends it. */
	s.stop_inside = false;
	assert_non_null(
		cluster_watch(c, &no_deadline, pods(), "default", NULL, &watcher, &s, NULL));
	c = cluster_close(c);
	str_release(&s.text);
}

static void a_watch_that_cannot_begin_fails(void **state)
{
	struct fixture *f = *state;
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(f, "good");
	struct watch_options opt = {.label_selector = "refused"};
	struct error *refused CLEANUP(error_free_cleanup) = NULL;
	struct error *late CLEANUP(error_free_cleanup) = NULL;
	struct ticker *t;

	assert_null(
		cluster_watch(c, &no_deadline, pods(), "default", &opt, &watcher, NULL, &refused));
	assert_int_equal(error_code(refused), E_FORBIDDEN);
	opt.label_selector = "never";
	t = ticker_start(f->clock);
	assert_null(cluster_watch(c, &no_deadline, pods(), "default", &opt, &watcher, NULL, &late));
	assert_int_equal(error_code(late), E_TIMEOUT);
	ticker_stop(t);
}

static bool on_bytes(void *arg, const char *bytes, size_t len)
{
	struct seen *s = arg;

	pthread_mutex_lock(&s->lock);
	str_add(&s->text, bytes, len);
	s->n += len;
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
	return true;
}

static const struct stream_handler reader = {on_bytes, on_closed};

static void logs_are_streamed(void **state)
{
	static const char lines[] = "line 0\nline 1\nline 2\n";
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "good");
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct stream *stream;
	struct seen s;

	seen_init(&s);
	stream = cluster_stream(c, &no_deadline, pods(), "default", "talking", "log", NULL, &reader,
				&s, NULL);
	seen_wait(&s, sizeof(lines) - 1, true);
	assert_int_equal(s.why, E_OK);
	assert_string_equal(s.text.s, lines);
	stream_stop(stream);
	s.closed = false;
	stream = cluster_stream(c, &no_deadline, pods(), "default", "talking", "log", "follow=true",
				&reader, &s, NULL);
	seen_wait(&s, 2 * (sizeof(lines) - 1), false);
	stream_stop(stream);
	assert_false(s.closed);
	assert_null(cluster_stream(c, &no_deadline, pods(), "default", "missing", "log", NULL,
				   &reader, &s, &err));
	assert_int_equal(error_code(err), E_NOT_FOUND);
	str_release(&s.text);
}

/* Discovery --------------------------------------------------------------------------------------
 */

static void aggregated_discovery_is_read(void **state)
{
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "good");
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(c, &no_deadline, NULL);
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	const struct resource *r = catalog_resolve(catalog, "po");

	assert_non_null(r);
	assert_string_equal(r->plural, "pods");
	assert_true(r->namespaced && !r->custom);
	assert_int_equal(r->verbs, VERB_CREATE | VERB_DELETE | VERB_GET | VERB_LIST | VERB_WATCH);
	assert_ptr_equal(r->type, catalog_find(builtin, "", "v1", "pods")->type);
	assert_int_equal(resource_subresource(r, "log")->verbs, VERB_GET);
	assert_null(resource_subresource(r, "log")->version);
	assert_string_equal(resource_subresource(r, "eviction")->group, "policy");
	r = catalog_find(catalog, "db.company.com", NULL, "migrations");
	assert_string_equal(r->version, "v1");
	assert_true(r->custom);
	r = catalog_find(catalog, "db.company.com", "v1beta1", "migrations");
	assert_string_equal(r->storage_version, "v1");
	assert_non_null(strstr(catalog_failures(catalog)[0], "metrics.k8s.io/v1"));
	assert_null(catalog_failures(catalog)[1]);
}

static void older_discovery_is_read(void **state)
{
	struct fixture *f = *state;
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(f, "old");
	struct ticker *t = ticker_start(f->clock);
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(c, &no_deadline, NULL);
	const struct resource *r;

	ticker_stop(t);
	assert_non_null(catalog);
	r = catalog_resolve(catalog, "pod");
	assert_int_equal(r->n_subresources, 2);
	assert_string_equal(resource_subresource(r, "eviction")->kind, "Eviction");
	assert_string_equal(resource_subresource(r, "eviction")->group, "policy");
	r = catalog_find(catalog, "apps", NULL, "deployments");
	assert_string_equal(r->version, "v1");
	assert_non_null(r->type);
	assert_non_null(strstr(catalog_failures(catalog)[0], "apps/v1beta1"));
}

static void make_away(struct fixture *f, const char *path, bool away)
{
	char *name free_ptr = xasprintf("%s/away-old-%s", f->directory, path);
	char *file free_ptr = xasprintf("away-old-%s", path);

	if (away)
		free(fixture_file(f, file, ""));
	else
		unlink(name);
}

/* A group that does not answer any more stays, is told of, and is asked again. */
static void a_group_that_fails_is_not_gone(void **state)
{
	static const struct {
		const char *path, *told;
	} cases[] = {{"apis-apps-v1", "apps/v1:"}, {"apis", "*/*:"}, {"api-v1", "/v1:"}};
	struct fixture *f = *state;
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(f, "old");
	struct ticker *t = ticker_start(f->clock);

	catalog_unref(cluster_catalog(c, &no_deadline, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct catalog *away CLEANUP(catalog_unref_cleanup) = NULL;
		struct catalog *back CLEANUP(catalog_unref_cleanup) = NULL;
		bool told = false;

		make_away(f, cases[i].path, true);
		clock_fake_advance(f->clock, 10 * NS_PER_S);
		away = cluster_catalog(c, &no_deadline, NULL);
		assert_non_null(catalog_find(away, "apps", "v1", "deployments"));
		assert_non_null(catalog_find(away, "", "v1", "pods"));
		for (const char *const *text = catalog_failures(away); *text; text++)
			told |= str_has_prefix(*text, cases[i].told);
		assert_true(told);
		make_away(f, cases[i].path, false);
		clock_fake_advance(f->clock, 10 * NS_PER_S);
		back = cluster_catalog(c, &no_deadline, NULL);
		assert_non_null(catalog_find(back, "apps", "v1", "deployments"));
		assert_null(catalog_failures(back)[1]);
	}
	ticker_stop(t);
}

static void on_changed(void *arg)
{
	on_bytes(arg, "c", 1);
}

static void listeners_hear_of_the_catalog(void **state)
{
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "good");
	struct seen s;

	seen_init(&s);
	cluster_on_catalog(c, on_changed, &s);
	seen_wait(&s, 1, false);
	c = cluster_close(c);
	str_release(&s.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_say_what_they_should),
		cmocka_unit_test(writes_find_the_name_in_the_object),
		cmocka_unit_test(deletions_say_whether_it_is_gone),
		cmocka_unit_test(bad_answers_are_clear_errors),
		cmocka_unit_test(waits_out_retry_after),
		cmocka_unit_test(deadlines_and_cancels_end_a_request),
		cmocka_unit_test(trust_is_what_the_kubeconfig_says),
		cmocka_unit_test(token_files_are_read_again),
		cmocka_unit_test(lists_come_in_pages),
		cmocka_unit_test(a_big_list_flows),
		cmocka_unit_test(bad_lists_are_clear_errors),
		cmocka_unit_test(one_version_of_the_past),
		cmocka_unit_test(watches_tell_and_end),
		cmocka_unit_test(a_watch_is_stopped_from_within),
		cmocka_unit_test(a_watch_that_cannot_begin_fails),
		cmocka_unit_test(logs_are_streamed),
		cmocka_unit_test(aggregated_discovery_is_read),
		cmocka_unit_test(older_discovery_is_read),
		cmocka_unit_test(a_group_that_fails_is_not_gone),
		cmocka_unit_test(listeners_hear_of_the_catalog),
	};

	return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
