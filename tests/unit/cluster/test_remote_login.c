/* Who asks: credential plugins, impersonation; and by which way: proxies. */
#include "base/file.h"
#include "base/vec.h"
#include "cluster/remote/plugin.h"
#include "object/json.h"
#include "object/time.h"
#include "remote_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static const struct resource *pods(void)
{
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = catalog_builtin();

	return catalog_find(builtin, "", "v1", "pods");
}

static const struct call no_deadline = {.timeout_ms = -1};

static void write_fixture(struct fixture *f, const char *name, const char *text)
{
	free(fixture_file(f, name, text));
}

/* A file of the fixture's folder; "" where there is none. */
static char *read_fixture(struct fixture *f, const char *name)
{
	char *path free_ptr = xasprintf("%s/%s", f->directory, name);
	struct str text = STR_INIT;

	file_read(path, 1 << 20, &text, NULL);
	return str_take(&text);
}

static void remove_fixture(struct fixture *f, const char *name)
{
	char *path free_ptr = xasprintf("%s/%s", f->directory, name);

	unlink(path);
}

static size_t count_runs(struct fixture *f)
{
	char *runs free_ptr = read_fixture(f, "runs");
	size_t n = 0;

	for (const char *p = runs; (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

/* From now on the plugin answers with this token, which is good for so long. */
static void let_plugin_answer(struct fixture *f, const char *token, int64_t seconds)
{
	char when[TIME_TEXT];

	write_fixture(f, "token.now", token);
	write_fixture(f, "expires", time_format(clock_wall(f->clock) + seconds * NS_PER_S, when));
}

/* What the scripted server was told by a request of C, and how often it was asked. */
static char *told(struct cluster *c, const char *name, const char *what, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	char *path free_ptr = xasprintf("metadata.annotations.%s", what);

	if (cluster_get(c, &no_deadline, pods(), "default", name, &o, err) < 0)
		return NULL;
	return object_string(o, path);
}

static void assert_told(struct cluster *c, const char *name, const char *what, const char *expected)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	char *text free_ptr = told(c, name, what, &err);

	assert_string_equal(error_message(err), "");
	assert_string_equal(text ? text : "", expected);
}

static void a_plugin_is_told_what_for(void **state)
{
	struct fixture *f = *state;
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(f, "plugin-answer");
	char *text free_ptr = NULL, *environment free_ptr = NULL;
	json_t *info json_auto = NULL;

	let_plugin_answer(f, "first", 100);
	assert_told(c, "echo", "authorization", "Bearer first");
	assert_told(c, "echo", "subject", "plugged");
	text = read_fixture(f, "info");
	info = json_read(text, strlen(text), NULL);
	assert_string_equal(json_path_string(info, "apiVersion"), PLUGIN_V1);
	assert_string_equal(json_path_string(info, "kind"), "ExecCredential");
	assert_false(json_path_bool(info, "spec.interactive", true));
	assert_true(str_has_prefix(json_path_string(info, "spec.cluster.server"), "https://"));
	assert_string_equal(json_path_string(info, "spec.cluster.tls-server-name"),
			    "inner.example");
	assert_string_equal(json_path_string(info, "spec.cluster.config.audience"), "us");
	assert_true(str_has_prefix(
		json_path_string(info, "spec.cluster.certificate-authority-data"), "LS0tLS1CRUdJ"));
	environment = read_fixture(f, "environment");
	assert_string_equal(environment, "blue /elsewhere\n");
}

static void *ask(void *cluster)
{
	return told(cluster, "echo", "authorization", NULL);
}

static void many_requests_are_one_run(void **state)
{
	struct fixture *f = *state;
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(f, "plugin-answer");
	pthread_t threads[16];

	let_plugin_answer(f, "many", 100);
	remove_fixture(f, "runs");
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, ask, c);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *sent;

		pthread_join(threads[i], &sent);
		assert_string_equal(sent, "Bearer many");
		free(sent);
	}
	assert_int_equal(count_runs(f), 1);
}

static void a_credential_lasts_until_it_expires(void **state)
{
	struct fixture *f = *state;
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(f, "plugin-answer");
	static const struct {
		int64_t after_s;
		const char *sent;
		size_t runs;
	} cases[] = {{0, "Bearer first", 1}, {99, "Bearer first", 1}, {1, "Bearer second", 2}};

	let_plugin_answer(f, "first", 100);
	remove_fixture(f, "runs");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		clock_fake_advance(f->clock, cases[i].after_s * NS_PER_S);
		assert_told(c, "echo", "authorization", cases[i].sent);
		assert_int_equal(count_runs(f), cases[i].runs);
		if (i == 0)
			let_plugin_answer(f, "second", 1000);
	}
}

static void count_event(void *arg, const struct watch_event *e)
{
}

static void ignore_end(void *arg, const struct error *why)
{
}

static const struct watch_handler watcher = {count_event, ignore_end};

/* One that is refused is asked for anew, once; the same one again is not sent twice. */
static void a_refused_credential_is_renewed(void **state)
{
	struct fixture *f = *state;
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(f, "plugin-answer");
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct watch_options guarded = {.label_selector = "guarded"};
	char *before free_ptr = NULL, *after free_ptr = NULL;
	struct watch *w;

	let_plugin_answer(f, "old", 1000);
	write_fixture(f, "accepted", "new");
	assert_told(c, "echo", "authorization", "Bearer old");
	let_plugin_answer(f, "new", 1000);
	remove_fixture(f, "runs");
	assert_told(c, "guarded", "authorization", "Bearer new");
	assert_int_equal(count_runs(f), 1);
	write_fixture(f, "accepted", "newer");
	let_plugin_answer(f, "newer", 1000);
	w = cluster_watch(c, &no_deadline, pods(), "default", &guarded, &watcher, NULL, &err);
	assert_string_equal(error_message(err), "");
	watch_stop(w);
	assert_int_equal(count_runs(f), 2);

	write_fixture(f, "accepted", "another");
	before = told(c, "count", "guarded", NULL);
	assert_null(told(c, "guarded", "authorization", &err));
	assert_int_equal(error_code(err), E_UNAUTHORIZED);
	after = told(c, "count", "guarded", NULL);
	assert_int_equal(atoi(after), atoi(before) + 1);
	assert_int_equal(count_runs(f), 3);
	error_clear(&err);
	w = cluster_watch(c, &no_deadline, pods(), "default", &guarded, &watcher, NULL, &err);
	assert_null(w);
	assert_int_equal(error_code(err), E_UNAUTHORIZED);
}

static void bad_plugins_are_clear_errors(void **state)
{
	static const struct {
		const char *context;
		enum error_code code;
		const char *says;
	} cases[] = {
		{"plugin-fail", E_UNAUTHORIZED, "status 3: your session is over: log in"},
		{"plugin-leak", E_UNAUTHORIZED, "signal 9"},
		{"plugin-missing", E_NOT_FOUND, "not installed: install it from the shelf"},
		{"plugin-always", E_UNAUTHORIZED, "terminal"},
		{"plugin-garbage", E_UNAUTHORIZED, "no ExecCredential"},
		{"plugin-other-version", E_UNAUTHORIZED, "another version"},
		{"plugin-no-status", E_UNAUTHORIZED, "no status"},
		{"plugin-empty", E_UNAUTHORIZED, "neither a token nor a certificate"},
		{"plugin-half", E_UNAUTHORIZED, "a key without its certificate"},
		{"plugin-never", E_UNAUTHORIZED, "is no time"},
		{"plugin-line-break", E_UNAUTHORIZED, "line break"},
		{"plugin-huge", E_TOO_LARGE, "more than"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cluster *c CLEANUP(cluster_close_cleanup) =
			fixture_open(*state, cases[i].context);
		struct error *err CLEANUP(error_free_cleanup) = NULL;

		assert_null(cluster_raw(c, &no_deadline, "/version", &err));
		if (error_code(err) != cases[i].code || !strstr(err->message, cases[i].says))
			fail_msg("%s: %s", cases[i].context, error_message(err));
		assert_null(strstr(err->message, "s3cr3t"));
	}
}

struct hanging {
	struct fixture *f;
	struct cancel *cancel;
};

static bool runs(const char *pid)
{
	return atoi(pid) > 0 && (kill(atoi(pid), 0) == 0 || errno != ESRCH);
}

static void *cancel_when_it_hangs(void *arg)
{
	struct hanging *h = arg;

	for (;;) {
		char *pid free_ptr = read_fixture(h->f, "hanging");

		if (*pid)
			break;
		nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
	}
	cancel_fire(h->cancel);
	return NULL;
}

/* What it has started goes with it. */
static void a_plugin_that_hangs_is_killed(void **state)
{
	struct fixture *f = *state;
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(f, "plugin-hang");
	struct hanging h = {f, cancel_new()};
	struct call call = {.cancel = h.cancel}, brief = {.timeout_ms = 300};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	char *pid free_ptr = NULL, *child free_ptr = NULL;
	pthread_t thread;

	pthread_create(&thread, NULL, cancel_when_it_hangs, &h);
	assert_null(cluster_raw(c, &call, "/version", &err));
	pthread_join(thread, NULL);
	assert_int_equal(error_code(err), E_CANCELLED);
	assert_non_null(strstr(err->message, "plugin"));
	pid = read_fixture(f, "hanging");
	child = read_fixture(f, "child");
	assert_false(runs(pid));
	/* An orphan that is dead waits for init to notice. */
	while (runs(child))
		nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
	error_clear(&err);
	assert_null(cluster_raw(c, &brief, "/version", &err));
	assert_int_equal(error_code(err), E_TIMEOUT);
	assert_non_null(strstr(err->message, "has not ended"));
	cancel_unref(h.cancel);
}

/* A helper that goes on in the background holds nobody up. */
static void a_plugin_may_leave_something_behind(void **state)
{
	struct cluster *c CLEANUP(cluster_close_cleanup) =
		fixture_open(*state, "plugin-background");
	char *child free_ptr = NULL;

	assert_told(c, "echo", "authorization", "Bearer x");
	child = read_fixture(*state, "child");
	assert_true(runs(child));
	kill(atoi(child), SIGKILL);
}

static void a_user_may_ask_as_another(void **state)
{
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "masked");

	assert_told(c, "echo", "impersonate",
		    "user=jane|uid=u1|group=dev|group=ops|extra-example.com%2fscope=a|"
		    "extra-example.com%2fscope=b");
}

static void proxies_are_the_kubeconfigs_or_the_environments(void **state)
{
	char *proxy free_ptr = read_fixture(*state, "proxy");
	static const struct {
		const char *context, *no_proxy;
		bool environment;
		enum error_code code;
	} cases[] = {
		{"proxied", "", false, E_OK},
		{"by-environment", "", false, E_UNREACHABLE},
		{"by-environment", "", true, E_OK},
		{"by-environment", "inner.example", true, E_UNREACHABLE},
		{"away-proxy", "", false, E_UNREACHABLE},
		{"away-proxy", "127.0.0.0/8", true, E_UNREACHABLE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cluster *c CLEANUP(cluster_close_cleanup) =
			fixture_open(*state, cases[i].context);
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		char *version free_ptr = NULL;

		setenv("NO_PROXY", cases[i].no_proxy, 1);
		if (cases[i].environment)
			setenv("HTTPS_PROXY", proxy, 1);
		version = cluster_raw(c, &no_deadline, "/version", &err);
		if (error_code(err) != cases[i].code)
			fail_msg("case %zu: %s", i, error_message(err));
		unsetenv("HTTPS_PROXY");
	}
	unsetenv("NO_PROXY");
}

/* As to client-go: a proxy of the environment is not for this machine itself. */
static void this_machine_needs_no_proxy(void **state)
{
	struct cluster *c CLEANUP(cluster_close_cleanup) = fixture_open(*state, "good");
	char *version free_ptr = NULL;

	setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
	version = cluster_raw(c, &no_deadline, "/version", NULL);
	unsetenv("HTTPS_PROXY");
	assert_non_null(version);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plugin_is_told_what_for),
		cmocka_unit_test(many_requests_are_one_run),
		cmocka_unit_test(a_credential_lasts_until_it_expires),
		cmocka_unit_test(a_refused_credential_is_renewed),
		cmocka_unit_test(bad_plugins_are_clear_errors),
		cmocka_unit_test(a_plugin_that_hangs_is_killed),
		cmocka_unit_test(a_plugin_may_leave_something_behind),
		cmocka_unit_test(a_user_may_ask_as_another),
		cmocka_unit_test(proxies_are_the_kubeconfigs_or_the_environments),
		cmocka_unit_test(this_machine_needs_no_proxy),
	};

	return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
