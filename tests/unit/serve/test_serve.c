/*
 * The endpoint over the fake cluster, asked with libcurl as any client would, once with HTTP/1.1
 * and once offering HTTP/2 as well.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "cluster/fake.h"
#include "object/json.h"
#include "base/file.h"
#include "serve/serve.h"

#include <curl/curl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#define JSON "Content-Type: application/json"
#define EXEC "/api/v1/namespaces/x/pods/p/exec"
#define LOG "/api/v1/namespaces/default/pods/none/log"
#define MAPS "/api/v1/namespaces/x/configmaps"
#define WATCHED "/api/v1/watch/namespaces/x/configmaps"

static struct cluster *cluster;
static struct serve *serve;
static char *dir;
static long http_version;

struct answer_got {
	long status, version;
	struct str body;
};

static void answer_got_release(struct answer_got *a)
{
	str_release(&a->body);
}

static size_t take_body(char *bytes, size_t size, size_t n, void *arg)
{
	str_add(arg, bytes, size * n);
	return size * n;
}

static CURL *prepare(const char *method, const char *path, const char *token, const char *body,
		     struct curl_slist **headers, struct str *out)
{
	CURL *curl = curl_easy_init();
	char *url free_ptr = xasprintf("https://%s%s", serve_address(serve), path);
	char *ca free_ptr = xasprintf("%s/pki/ca.crt", dir);
	char *bearer free_ptr = xasprintf("Authorization: Bearer %s", token ? token : "");

	if (token)
		*headers = curl_slist_append(*headers, bearer);
	*headers = curl_slist_append(*headers, "Expect:");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, http_version);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	}
	return curl;
}

static struct answer_got ask_as(const char *token, const char *method, const char *path,
				const char *header, const char *body)
{
	struct answer_got a = {.body = STR_INIT};
	struct curl_slist *headers = header ? curl_slist_append(NULL, header) : NULL;
	CURL *curl = prepare(method, path, token, body, &headers, &a.body);

	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a.status);
	curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &a.version);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return a;
}

static struct answer_got ask(const char *method, const char *path, const char *header,
			     const char *body)
{
	return ask_as("s3cret", method, path, header, body);
}

static char *config_map(const char *name, size_t bytes)
{
	struct str s = STR_INIT;

	str_addf(&s,
		 "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\"},"
		 "\"data\":{\"k\":\"",
		 name);
	str_addn(&s, 'y', bytes);
	str_adds(&s, "\"}}");
	return str_take(&s);
}

/* One folder for all tests: each start but the first finds its keys there. */
static int make_dir(void **state)
{
	static const char tokens[] = "s3cret,admin,1,\"system:masters\"\n";
	char *path free_ptr = NULL;

	dir = xstrdup("/tmp/kubefs-serve-XXXXXX");
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/tokens", dir);
	return file_replace(path, tokens, strlen(tokens), NULL);
}

static int remove_dir(void **state)
{
	char *command free_ptr = xasprintf("rm -r %s", dir);

	free(dir);
	return system(command);
}

static int start(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	char *path free_ptr = xasprintf("%s/tokens", dir);
	struct cluster_config config = {.token_auth_file = path};
	struct serve_options opt = {.listen = "127.0.0.1:0", .dir = dir};

	cluster = cluster_open("fake:", &config, &err);
	assert_non_null(cluster);
	serve = serve_start(cluster, &opt, &err);
	if (!serve)
		fail_msg("%s", error_message(err));
	return 0;
}

static int stop(void **state)
{
	serve_stop(serve);
	cluster_close(cluster);
	return 0;
}

static int start_h1(void **state)
{
	http_version = CURL_HTTP_VERSION_1_1;
	return start(state);
}

static int start_h2(void **state)
{
	http_version = CURL_HTTP_VERSION_2TLS;
	return start(state);
}

static void only_the_known_are_answered(void **state)
{
	static const char *const open[] = {"/livez", "/readyz", "/healthz"};
	static const char *const closed[] = {"/", "/api", "/metrics", "/openapi/v3", MAPS};

	for (size_t i = 0; i < ARRAY_SIZE(open); i++) {
		struct answer_got a CLEANUP(answer_got_release) =
			ask_as(NULL, "GET", open[i], NULL, NULL);
		assert_int_equal(a.status, 200);
	}
	for (size_t i = 0; i < ARRAY_SIZE(closed); i++) {
		struct answer_got a CLEANUP(answer_got_release) =
			ask_as(i % 2 ? "wrong" : NULL, "GET", closed[i], NULL, NULL);
		assert_int_equal(a.status, 401);
		assert_non_null(strstr(a.body.s, "\"reason\":\"Unauthorized\""));
	}
}

static void objects_come_and_go(void **state)
{
	char *body free_ptr = config_map("a", 10);
	struct answer_got made CLEANUP(answer_got_release) = ask("POST", MAPS, JSON, body);
	struct answer_got again CLEANUP(answer_got_release) = ask("POST", MAPS, JSON, body);
	struct answer_got patched CLEANUP(answer_got_release) =
		ask("PATCH", MAPS "/a", "Content-Type: application/merge-patch+json",
		    "{\"data\":{\"k\":\"new\"}}");
	struct answer_got read CLEANUP(answer_got_release) =
		ask("GET", MAPS "/a", "Accept: application/yaml", NULL);
	struct answer_got list CLEANUP(answer_got_release) = ask("GET", MAPS, NULL, NULL);
	struct answer_got gone CLEANUP(answer_got_release) =
		ask("DELETE", MAPS "/a", JSON, "{\"gracePeriodSeconds\":0}");
	struct answer_got missing CLEANUP(answer_got_release) = ask("GET", MAPS "/a", NULL, NULL);

	assert_int_equal(made.version, CURL_HTTP_VERSION_1_1);
	assert_int_equal(made.status, 201);
	assert_int_equal(again.status, 409);
	assert_int_equal(patched.status, 200);
	assert_int_equal(read.status, 200);
	assert_non_null(strstr(read.body.s, "data:\n  k: new\n"));
	assert_int_equal(list.status, 200);
	assert_non_null(strstr(list.body.s, "\"items\":[{\"data\":{\"k\":\"new\"},\"metadata\":"));
	assert_int_equal(gone.status, 200);
	assert_non_null(strstr(gone.body.s, "\"status\":\"Success\""));
	assert_int_equal(missing.status, 404);
	assert_non_null(strstr(missing.body.s, "\"reason\":\"NotFound\""));
}

/* A built-in type's scale is an object of a kind of its own. */
static void a_scale_is_a_row_of_its_own(void **state)
{
#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"
	struct answer_got made CLEANUP(answer_got_release) =
		ask("POST", DEPLOYMENTS, JSON,
		    "{\"metadata\":{\"name\":\"web\"},\"spec\":{\"replicas\":3,\"selector\":{"
		    "\"matchLabels\":{\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":{"
		    "\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]"
		    "}}}}");
	struct answer_got a CLEANUP(answer_got_release) =
		ask("GET", DEPLOYMENTS "/web/scale",
		    "Accept: application/json;as=Table;v=v1;g=meta.k8s.io", NULL);
	json_t *table json_auto = json_read(a.body.s, a.body.len, NULL);
	static const char *const names[] = {"Name", "Desired", "Available", "Age"};

	assert_int_equal(made.status, 201);
	assert_int_equal(a.status, 200);
	assert_int_equal(json_array_size(json_path(table, "columnDefinitions")), 4);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		json_t *column = json_array_get(json_path(table, "columnDefinitions"), i);

		assert_string_equal(json_path_string(column, "name"), names[i]);
	}
	assert_string_equal(json_path_string(table, "rows[0].cells[0]"), "web");
	assert_int_equal(json_path_int(table, "rows[0].cells[1]", -1), 3);
	assert_int_equal(json_path_int(table, "rows[0].cells[2]", -1), 0);
}

/* The same URL again and again on one connection, as kubectl's server-side apply patches. */
static void one_connection_takes_the_same_url_again(void **state)
{
	static const char patch[] = "{\"data\":{\"k\":\"v\"}}";
	char *body free_ptr = config_map("again", 10);
	struct answer_got made CLEANUP(answer_got_release) = ask("POST", MAPS, JSON, body);
	struct str text CLEANUP(str_release) = STR_INIT;
	struct curl_slist *headers =
		curl_slist_append(NULL, "Content-Type: application/merge-patch+json");
	CURL *curl = prepare("PATCH", MAPS "/again?fieldManager=m&fieldValidation=Strict", "s3cret",
			     patch, &headers, &text);
	long status, connects;

	assert_int_equal(made.status, 201);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(curl_easy_perform(curl), CURLE_OK);
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
		assert_int_equal(status, 200);
		assert_int_equal(connects, i == 0);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
}

static const struct {
	const char *method, *path, *header, *body;
	long status;
} refusals[] = {
	{"GET", "/nothing", NULL, NULL, 404},
	{"GET", "/api/v1/nonsense", NULL, NULL, 404},
	{"GET", MAPS "/a/nosub", NULL, NULL, 404},
	{"GET", MAPS, "Accept: text/html", NULL, 406},
	{"GET", MAPS "?watch=1&timeoutSeconds=1", "Accept: application/yaml", NULL, 406},
	{"GET", MAPS, "Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", NULL,
	 406},
	{"GET", MAPS "/a",
	 "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", NULL, 406},
	{"GET", MAPS "?limit=x", NULL, NULL, 400},
	{"GET", MAPS "?watch=1&timeoutSeconds=x", NULL, NULL, 400},
	{"GET", WATCHED "/a?fieldSelector=metadata.name%3Db", NULL, NULL, 400},
	{"GET", WATCHED "/a/status", NULL, NULL, 404},
	{"POST", WATCHED, JSON, "{}", 405},
	{"GET", MAPS "?sendInitialEvents=true", NULL, NULL, 422},
	{"GET", MAPS "?sendInitialEvents=false", NULL, NULL, 422},
	{"GET", MAPS "?resourceVersion=1&resourceVersionMatch=Odd", NULL, NULL, 422},
	{"GET", MAPS "?resourceVersion=x", NULL, NULL, 400},
	{"GET", MAPS "/a?resourceVersion=x", NULL, NULL, 500},
	{"GET", MAPS "/a?resourceVersion=99999999", NULL, NULL, 504},
	{"GET", MAPS "/nothing?resourceVersion=0", NULL, NULL, 404},
	{"GET", MAPS "/nothing?resourceVersion=1", NULL, NULL, 404},
	{"GET", "/readyz/nothing", NULL, NULL, 404},
	{"POST", MAPS "?dryRun=", JSON, "{}", 422},
	{"PATCH", MAPS "/a?force=false", "Content-Type: application/merge-patch+json", "{}", 422},
	/* The query counts where there is no body. */
	{"DELETE", MAPS "/none?propagationPolicy=Odd", NULL, NULL, 422},
	{"DELETE", MAPS "/none?propagationPolicy=Odd", JSON, "{}", 404},
	{"DELETE", MAPS "/none?propagationPolicy=", NULL, NULL, 422},
	{"DELETE", MAPS "/none", JSON, "{\"propagationPolicy\":\"\"}", 422},
	{"POST", MAPS, "Content-Type: application/vnd.kubernetes.protobuf", "k8s", 400},
	{"POST", MAPS, "Content-Type: application/cbor", "k8s", 415},
	{"POST", MAPS, JSON, "{", 400},
	{"POST", MAPS "?dryRun=Some", JSON, "{}", 422},
	{"POST", MAPS "?dryRun=All&dryRun=Some", JSON, "{}", 422},
	{"PATCH", MAPS "/a?force=false", "Content-Type: application/merge-patch+json", "{}", 422},
	{"DELETE", MAPS "/none", JSON, "{\"gracePeriodSeconds\":\"1\"}", 400},
	{"DELETE", MAPS "/none?dryRun=Some", JSON, "{}", 404},
	{"DELETE", MAPS "/none", JSON, "{\"dryRun\":[],\"kind\":\"\"}", 404},
	{"POST", MAPS "?fieldManager=a%07b", JSON, "{}", 422},
	{"GET", LOG "?tailLines=x", NULL, NULL, 400},
	{"GET", LOG "?tailLines=-1", NULL, NULL, 422},
	{"GET", LOG "?sinceSeconds=0", NULL, NULL, 422},
	{"GET", LOG "?sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", NULL, NULL, 422},
	{"GET", LOG "?stream=Stdout", NULL, NULL, 422},
	{"PUT", MAPS, JSON, "{}", 405},
	{"POST", "/api/v1/pods", JSON, "{}", 405},
	{"PATCH", MAPS "/a", JSON, "{}", 415},
	{"PATCH", MAPS "/a", "Content-Type: application/apply-patch+yaml", "{}", 422},
	{"POST", MAPS, "Transfer-Encoding: chunked", "{}", 400},
	{"POST", MAPS, JSON, NULL, 400},
	{"POST", EXEC, NULL, NULL, 501},
	{"GET", EXEC, NULL, NULL, 501},
	{"PUT", EXEC, JSON, "{}", 405},
	{"GET", "/api/v1/namespaces/x/services/a:80/proxy/", NULL, NULL, 501},
	{"POST", "/api/v1/namespaces/x/services/a:80/proxy/b/c?d=e", JSON, "{}", 501},
	{"GET", MAPS "/a/proxy", NULL, NULL, 404},
};

static void what_is_wrong_gets_its_status(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		bool chunked = refusals[i].header && strstr(refusals[i].header, "chunked");

		if (chunked && http_version != CURL_HTTP_VERSION_1_1)
			continue;
		struct answer_got a CLEANUP(answer_got_release) = ask(
			refusals[i].method, refusals[i].path, refusals[i].header, refusals[i].body);
		if (a.status != refusals[i].status)
			fail_msg("%s %s: %ld, not %ld: %s", refusals[i].method, refusals[i].path,
				 a.status, refusals[i].status, a.body.s);
	}
}

/* Whatever is wrong with a request's options is told at once. */
static void options_are_checked_whole(void **state)
{
	static const struct {
		const char *method, *path, *body, *fields[4];
	} rows[] = {
		{"POST",
		 MAPS "?dryRun=All&dryRun=x&fieldValidation=y&fieldManager=a%07",
		 "{}",
		 {"fieldManager", "dryRun", "fieldValidation"}},
		{"DELETE",
		 MAPS "/a",
		 "{\"dryRun\":[\"All\",\"x\"],\"propagationPolicy\":\"y\",\"orphanDependents\":"
		 "true}",
		 {"propagationPolicy", "propagationPolicy", "dryRun"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct answer_got a CLEANUP(answer_got_release) =
			ask(rows[i].method, rows[i].path, JSON, rows[i].body);
		json_t *tree json_auto = json_read(a.body.s, a.body.len, NULL);

		assert_int_equal(a.status, 422);
		for (size_t k = 0; k < 4; k++) {
			char *at free_ptr = xasprintf("details.causes[%zu].field", k);

			assert_string_equal(json_path_string(tree, at),
					    rows[i].fields[k] ? rows[i].fields[k] : "");
		}
	}
}

/* HTTP lets a server leave an Upgrade unheeded; what the library does not know it refuses. */
static void no_connection_is_upgraded(void **state)
{
	static const struct {
		const char *token, *method, *path, *protocol;
		long status;
		const char *says;
	} rows[] = {
		{"s3cret", "GET", EXEC, "websocket", 501, "\"reason\":\"NotImplemented\""},
		{"s3cret", "POST", EXEC, "WebSocket", 501, "\"reason\":\"NotImplemented\""},
		{"s3cret", "GET", EXEC, "h2c", 501, "\"reason\":\"NotImplemented\""},
		{"s3cret", "GET", "/version", "websocket", 200, "\"gitVersion\""},
		{"wrong", "GET", EXEC, "websocket", 401, "\"reason\":\"Unauthorized\""},
		{"s3cret", "POST", EXEC, "SPDY/3.1", 403, "nothing runs in them"},
		{"wrong", "GET", "/version", "TLS/1.0", 403, "\"reason\":\"NotImplemented\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *header free_ptr = xasprintf("Upgrade: %s", rows[i].protocol);
		struct answer_got a CLEANUP(answer_got_release) =
			ask_as(rows[i].token, rows[i].method, rows[i].path, header, NULL);
		json_t *tree json_auto = json_read(a.body.s, a.body.len, NULL);

		if (a.status != rows[i].status || !json_is_object(tree) ||
		    !strstr(a.body.s, rows[i].says))
			fail_msg("%s %s, %s: %ld %s", rows[i].method, rows[i].path,
				 rows[i].protocol, a.status, a.body.s);
	}
}

static void bodies_are_bounded(void **state)
{
	char *large free_ptr = config_map("large", 3000000);
	char *larger free_ptr = config_map("larger", 4000000);
	struct answer_got taken CLEANUP(answer_got_release) = ask("POST", MAPS, JSON, large);
	struct answer_got refused CLEANUP(answer_got_release) = ask("POST", MAPS, JSON, larger);
	struct answer_got list CLEANUP(answer_got_release) = ask("GET", MAPS, NULL, NULL);
	struct answer_got packed CLEANUP(answer_got_release) =
		ask("GET", MAPS, "Accept-Encoding: gzip", NULL);

	assert_int_equal(taken.status, 201);
	assert_int_equal(refused.status, 413);
	assert_true(list.body.len > 3000000);
	assert_true(packed.body.len < 100000);
	assert_memory_equal(packed.body.s, "\x1f\x8b", 2);
}

struct reader {
	struct str text;
	size_t lines, want;
	const char *path;
	pthread_t thread;
	_Atomic bool first;
};

static size_t take_lines(char *bytes, size_t size, size_t n, void *arg)
{
	struct reader *r = arg;

	str_add(&r->text, bytes, size * n);
	for (size_t i = 0; i < size * n; i++)
		r->lines += bytes[i] == '\n';
	r->first = r->first || r->lines;
	return r->lines >= r->want ? 0 : size * n;
}

static void *read_watch(void *arg)
{
	struct reader *r = arg;
	struct curl_slist *headers = NULL;
	CURL *curl = prepare("GET", r->path, "s3cret", NULL, &headers, NULL);

	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_lines);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, r);
	curl_easy_perform(curl);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return NULL;
}

static const struct resource *config_maps(void)
{
	struct catalog *c CLEANUP(catalog_unref_cleanup) = cluster_catalog(cluster, NULL, NULL);

	return catalog_find(c, "", "v1", "configmaps");
}

/* That a reader has gone is seen a moment later. */
static void wait_watched(size_t n)
{
	while (fake_watches(cluster, config_maps()) < n)
		usleep(1000);
}

static void wait_unwatched(void)
{
	while (fake_watches(cluster, config_maps()))
		usleep(1000);
}

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/*
 * Twenty watchers see the same, and leave nothing behind when they go. Until that is seen, nothing
 * spins over their connections.
 */
static void watches_share_events(void **state)
{
	struct reader readers[20];
	int64_t before;
	char name[16];

	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		readers[i] = (struct reader){.text = STR_INIT, .want = 10, .path = MAPS "?watch=1"};
		pthread_create(&readers[i].thread, NULL, read_watch, &readers[i]);
	}
	wait_watched(ARRAY_SIZE(readers));
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "w%d", i);
		char *body free_ptr = config_map(name, 10);
		struct answer_got a CLEANUP(answer_got_release) = ask("POST", MAPS, JSON, body);
		assert_int_equal(a.status, 201);
	}
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		pthread_join(readers[i].thread, NULL);
		assert_int_equal(readers[i].lines, 10);
		assert_string_equal(readers[i].text.s, readers[0].text.s);
	}
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		str_release(&readers[i].text);
	before = cpu_ns();
	wait_unwatched();
	assert_true(cpu_ns() - before < NS_PER_S / 2);
}

/* Its connection is used again. */
static void a_watch_ends_in_time(void)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	struct curl_slist *headers = NULL;
	CURL *curl =
		prepare("GET", MAPS "?watch=1&timeoutSeconds=1", "s3cret", NULL, &headers, &text);
	char *url free_ptr = xasprintf("https://%s" MAPS, serve_address(serve));
	long status, connects;

	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	assert_int_equal(status, 200);
	assert_int_equal(text.len, 0);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
	assert_int_equal(connects, 0);
	assert_non_null(strstr(text.s, "ConfigMapList"));
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
}

static void watches_end_in_time_or_with_a_reason(void **state)
{
	struct reader r = {.text = STR_INIT, .want = 100, .path = MAPS "?watch=1"};

	a_watch_ends_in_time();
	/* The answer has ended before its watch is stopped: the next one seen must be the reader's.
	 */
	wait_unwatched();
	pthread_create(&r.thread, NULL, read_watch, &r);
	wait_watched(1);
	fake_break_watches(cluster, E_GONE);
	pthread_join(r.thread, NULL);
	assert_non_null(strstr(r.text.s, "{\"type\":\"ERROR\",\"object\":"));
	assert_non_null(strstr(r.text.s, "\"code\":410"));
	str_release(&r.text);
}

/* A path that says "watch", of all and of one. */
static void watches_of_old(void **state)
{
	struct reader all = {.text = STR_INIT, .want = 2, .path = WATCHED};
	struct reader one = {.text = STR_INIT, .want = 1, .path = WATCHED "/old-b"};
	static const char *const names[] = {"old-a", "old-b"};

	wait_unwatched();
	pthread_create(&all.thread, NULL, read_watch, &all);
	pthread_create(&one.thread, NULL, read_watch, &one);
	wait_watched(2);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *body free_ptr = config_map(names[i], 10);
		struct answer_got a CLEANUP(answer_got_release) = ask("POST", MAPS, JSON, body);

		assert_int_equal(a.status, 201);
	}
	pthread_join(all.thread, NULL);
	pthread_join(one.thread, NULL);
	assert_int_equal(all.lines, 2);
	assert_non_null(strstr(all.text.s, "old-a"));
	assert_int_equal(one.lines, 1);
	assert_non_null(strstr(one.text.s, "old-b"));
	str_release(&all.text);
	str_release(&one.text);
}

static void *create_many(void *arg)
{
	char name[32];

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "m%d-%d", (int)(intptr_t)arg, i);
		char *body free_ptr = config_map(name, 5000);
		struct answer_got a CLEANUP(answer_got_release) = ask("POST", MAPS, JSON, body);
		if (a.status != 201)
			return (void *)1;
	}
	return NULL;
}

static void many_write_at_once(void **state)
{
	pthread_t threads[32];
	void *failed;

	for (intptr_t i = 0; i < 32; i++)
		pthread_create(&threads[i], NULL, create_many, (void *)i);
	for (size_t i = 0; i < 32; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	struct answer_got list CLEANUP(answer_got_release) = ask("GET", MAPS, NULL, NULL);
	json_t *tree json_auto = json_read(list.body.s, list.body.len, NULL);
	assert_int_equal(json_array_size(json_object_get(tree, "items")), 640);
}

static void documents_are_json(void **state)
{
	static const char *const paths[] = {"/api",
					    "/apis",
					    "/api/v1",
					    "/apis/apps",
					    "/apis/apps/",
					    "/apis/apps/v1",
					    "/version",
					    "/openapi/v2",
					    "/openapi/v3",
					    "/openapi/v3/api/v1",
					    "/openapi/v3/apis/apps/v1",
					    "/"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct answer_got a CLEANUP(answer_got_release) =
			ask("GET", paths[i], "Accept: application/json", NULL);
		json_t *tree json_auto = json_read(a.body.s, a.body.len, NULL);

		assert_int_equal(a.status, 200);
		assert_true(json_is_object(tree));
	}
}

#define BOTH(test)                                           \
	{"HTTP/1.1: " #test, test, start_h1, stop, NULL},    \
	{                                                    \
		"HTTP/2: " #test, test, start_h2, stop, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(only_the_known_are_answered),
		BOTH(objects_come_and_go),
		BOTH(a_scale_is_a_row_of_its_own),
		BOTH(one_connection_takes_the_same_url_again),
		BOTH(what_is_wrong_gets_its_status),
		BOTH(options_are_checked_whole),
		BOTH(no_connection_is_upgraded),
		BOTH(bodies_are_bounded),
		BOTH(watches_share_events),
		BOTH(watches_of_old),
		BOTH(watches_end_in_time_or_with_a_reason),
		BOTH(many_write_at_once),
		BOTH(documents_are_json),
	};

	object_init();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
