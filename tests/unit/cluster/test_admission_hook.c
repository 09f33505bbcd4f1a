/*
 * Webhooks of admission: what they are told, what their answers do, and what happens when they
 * answer badly, late or not at all.
 */
#include "hook_fixture.h"

#include "object/json.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MUTATING "mutatingwebhookconfigurations"
#define VALIDATING "validatingwebhookconfigurations"
#define CONFIGMAPS                                                                    \
	"'rules':[{'apiGroups':[''],'apiVersions':['v1'],'resources':['configmaps']," \
	"'operations':['*']}]"
#define PODS                                                                    \
	"'rules':[{'apiGroups':[''],'apiVersions':['v1'],'resources':['pods']," \
	"'operations':['CREATE','UPDATE']}]"

/* One webhook of a configuration: "a.hooks.example.com", asked at PATH, with MORE of its fields. */
static char *hook_text(struct hook_fixture *f, const char *name, const char *path, const char *more)
{
	char *config free_ptr = hook_config(f, path);

	return xasprintf("{'name':'%s.hooks.example.com','clientConfig':%s,"
			 "'admissionReviewVersions':['v1'],'sideEffects':'None',%s}",
			 name, config, more);
}

/* A configuration NAME of webhooks, which stand in TEXT. */
static void configure(struct hook_fixture *f, const char *type, const char *name, const char *text)
{
	char *json free_ptr = xasprintf("{'metadata':{'name':'%s'},'webhooks':[%s]}", name, text);

	fixture_make(&f->local, type, "", json);
}

static void hook(struct hook_fixture *f, const char *type, const char *name, const char *path,
		 const char *more)
{
	char *text free_ptr = hook_text(f, name, path, more);

	configure(f, type, name, text);
}

/* Points a configuration of one webhook to another script, with MORE. */
static void repoint(struct hook_fixture *f, const char *type, const char *name, const char *path,
		    const char *more)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	char *text free_ptr = hook_text(f, name, path, more);
	char *json free_ptr = xasprintf("{'webhooks':[%s]}", text);

	json_decref(fixture_patch(&f->local, type, "", name, NULL, json, &err));
	assert_string_equal(error_message(err), "");
}

static json_t *make(struct hook_fixture *f, const char *name, struct error **err)
{
	char *text free_ptr = xasprintf("{'metadata':{'name':'%s'},'data':{'x':'1'}}", name);

	return fixture_create(&f->local, "configmaps", "default", text, err);
}

static void assert_refused(struct hook_fixture *f, const char *message)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *tree json_auto = make(f, "refused", &err);

	assert_null(tree);
	if (!strstr(error_message(err), message))
		fail_msg("%s", error_message(err));
}

static void test_told(void **state)
{
	struct hook_fixture *f = *state;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *made json_auto = NULL, *log json_auto = NULL;
	const json_t *review, *request;

	hook(f, VALIDATING, "v", "validate/good", CONFIGMAPS);
	hook(f, MUTATING, "m", "mutate/good", CONFIGMAPS);
	made = make(f, "a", &err);
	assert_non_null(made);
	log = hook_questions(f);
	assert_int_equal(json_array_size(log), 2);
	assert_text(log, "[0].path", "/mutate/good");
	assert_text(log, "[0].query", "timeout=10s");
	review = json_path(log, "[0].review");
	request = json_path(review, "request");
	assert_text(review, "apiVersion", "admission.k8s.io/v1");
	assert_text(review, "kind", "AdmissionReview");
	assert_text(request, "kind.kind", "ConfigMap");
	assert_text(request, "resource.resource", "configmaps");
	assert_text(request, "name", "a");
	assert_text(request, "namespace", "default");
	assert_text(request, "operation", "CREATE");
	assert_text(request, "userInfo.username", "admin");
	assert_text(request, "userInfo.groups[0]", "system:masters");
	assert_text(request, "object.kind", "ConfigMap");
	assert_text(request, "object.data.x", "1");
	assert_text(request, "options.kind", "CreateOptions");
	assert_true(json_is_null(json_object_get(request, "oldObject")));
	assert_true(json_is_false(json_object_get(request, "dryRun")));
	/* A mutating webhook sees it before the server gives it an identity, the others after. */
	assert_null(json_path(request, "object.metadata.uid"));
	assert_non_null(json_path(log, "[1].review.request.object.metadata.uid"));
	assert_string_not_equal(json_path_string(request, "uid"),
				json_path_string(log, "[1].review.request.uid"));
}

static void test_old_object(void **state)
{
	struct hook_fixture *f = *state;
	const struct delete_options opt = {.grace_period_s = -1};
	json_t *log json_auto = NULL;

	json_decref(make(f, "a", NULL));
	hook(f, VALIDATING, "v", "validate/good", CONFIGMAPS);
	json_decref(fixture_patch(&f->local, "configmaps", "default", "a", NULL,
				  "{'data':{'x':'2'}}", NULL));
	assert_int_equal(cluster_delete(f->local.cluster, NULL,
					fixture_type(&f->local, "configmaps"), "default", "a", &opt,
					NULL, NULL, NULL),
			 0);
	log = hook_questions(f);
	assert_int_equal(json_array_size(log), 2);
	assert_text(log, "[0].review.request.operation", "UPDATE");
	assert_text(log, "[0].review.request.oldObject.data.x", "1");
	assert_text(log, "[0].review.request.object.data.x", "2");
	assert_text(log, "[1].review.request.operation", "DELETE");
	assert_text(log, "[1].review.request.oldObject.data.x", "2");
	assert_true(json_is_null(json_path(log, "[1].review.request.object")));
	assert_text(log, "[1].review.request.options.kind", "DeleteOptions");
}

/* Configurations by name, their webhooks in order; each sees what was made before it. */
static void test_mutate(void **state)
{
	struct hook_fixture *f = *state;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	char *first free_ptr = hook_text(f, "z", "mutate/label=z", CONFIGMAPS);
	char *second free_ptr = hook_text(f, "y", "mutate/label=y", CONFIGMAPS);
	char *both free_ptr = xasprintf("%s,%s", first, second);
	json_t *made json_auto = NULL, *log json_auto = NULL;

	hook(f, MUTATING, "last", "mutate/label=last", CONFIGMAPS);
	configure(f, MUTATING, "first", both);
	made = make(f, "a", &err);
	assert_text(made, "metadata.labels.z", "yes");
	assert_text(made, "metadata.labels.y", "yes");
	assert_text(made, "metadata.labels.last", "yes");
	log = hook_questions(f);
	assert_int_equal(json_array_size(log), 3);
	assert_text(log, "[0].path", "/mutate/label=z");
	assert_text(log, "[1].path", "/mutate/label=y");
	assert_text(log, "[2].path", "/mutate/label=last");
	assert_text(log, "[2].review.request.object.metadata.labels.z", "yes");
	/* Nobody owns what a webhook has set. */
	assert_non_null(json_path(made, "metadata.managedFields[0].fieldsV1.f:data"));
	assert_null(json_path(made, "metadata.managedFields[0].fieldsV1.f:metadata"));
}

static const char pod[] = "{'metadata':{'name':'%s'},'spec':{'containers':["
			  "{'name':'main','image':'i'}]}}";

static void test_reinvoke(void **state)
{
	static const struct {
		const char *policy, *count;
		size_t questions;
	} rows[] = {
		{"'reinvocationPolicy':'IfNeeded'," PODS, "2", 3},
		{"'reinvocationPolicy':'Never'," PODS, "1", 2},
	};
	struct hook_fixture *f = *state;
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	fixture_make(&f->local, "serviceaccounts", "default", "{'metadata':{'name':'default'}}");
	hook(f, MUTATING, "counts", "mutate/count", PODS);
	hook(f, MUTATING, "sidecar", "mutate/sidecar=side", PODS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *made json_auto = NULL, *log json_auto = NULL;
		struct str text CLEANUP(str_release) = STR_INIT;

		repoint(f, MUTATING, "counts", "mutate/count", rows[i].policy);
		json_decref(hook_questions(f));
		str_addf(&text, pod, i ? "b" : "a");
		made = fixture_create(&f->local, "pods", "default", text.s, &err);
		assert_string_equal(error_message(err), "");
		assert_text(made, "metadata.labels.count", rows[i].count);
		/* It has its defaults, as all else. */
		assert_text(made, "spec.containers[1].imagePullPolicy", "Always");
		log = hook_questions(f);
		assert_int_equal(json_array_size(log), rows[i].questions);
		/* What the server always writes is there to be patched. */
		assert_non_null(
			json_path(log, "[0].review.request.object.spec.containers[0].resources"));
	}
}

static void test_patches(void **state)
{
	static const struct {
		const char *script, *why;
	} rows[] = {
		{"patch=missing", "Internal error occurred: "},
		{"patch=type", "Internal error occurred: "},
		{"patch=none", "Internal error occurred: the patch leaves no object"},
		{"patch=invalid", "metadata.labels: Invalid value: \"no good value\""},
		{"no-base64", "Internal error occurred: failed calling webhook "
			      "\"m.hooks.example.com\": failed to call webhook: "},
		{"no-json", "received undecodable patch in webhook response: "},
		{"patch-type=Merge", "unsupported patch type \"Merge\""},
		{"untyped-patch", "received invalid webhook response: webhook returned "
				  "response.patch but not response.patchType"},
	};
	struct hook_fixture *f = *state;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *made json_auto = NULL;

	hook(f, MUTATING, "m", "mutate/empty-patch", CONFIGMAPS);
	json_decref(make(f, "a", &err));
	assert_string_equal(error_message(err), "");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *path free_ptr = xasprintf("mutate/%s", rows[i].script);

		repoint(f, MUTATING, "m", path, CONFIGMAPS);
		assert_refused(f, rows[i].why);
	}
	repoint(f, MUTATING, "m", "mutate/patch=unknown", CONFIGMAPS);
	made = make(f, "b", &err);
	assert_null(json_path(made, "unknown"));
	json_decref(made);
	repoint(f, MUTATING, "m", "mutate/patch=kind", CONFIGMAPS);
	made = make(f, "c", &err);
	assert_text(made, "kind", "ConfigMap");
	json_decref(made);
	repoint(f, MUTATING, "m", "mutate/patch=uid", CONFIGMAPS);
	made = make(f, "d", &err);
	assert_int_equal(strlen(json_path_string(made, "metadata.uid")), 36);
}

/* An update does not become one of another object, nor of fields that a client may not change. */
static void test_patches_of_updates(void **state)
{
	struct hook_fixture *f = *state;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *changed json_auto = NULL;

	json_decref(make(f, "a", NULL));
	hook(f, MUTATING, "m", "mutate/patch=rename", CONFIGMAPS);
	assert_null(fixture_patch(&f->local, "configmaps", "default", "a", NULL,
				  "{'data':{'x':'2'}}", &err));
	assert_non_null(strstr(error_message(err), "metadata.name: Invalid value"));
	error_clear(&err);
	repoint(f, MUTATING, "m", "mutate/patch=managed", CONFIGMAPS);
	changed = fixture_patch(&f->local, "configmaps", "default", "a", NULL, "{'data':{'x':'3'}}",
				&err);
	assert_string_equal(error_message(err), "");
	assert_text(changed, "metadata.managedFields[0].manager", "test");
	assert_int_equal(f->local.warnings.n, 1);
	assert_non_null(strstr(f->local.warnings.v[0], "managedFields was in an invalid state"));
	hook(f, MUTATING, "n", "mutate/patch=status",
	     "'rules':[{'apiGroups':[''],'apiVersions':['v1'],'resources':['namespaces'],"
	     "'operations':['UPDATE']}]");
	json_decref(changed);
	changed = fixture_patch(&f->local, "namespaces", "", "default", NULL,
				"{'metadata':{'labels':{'a':'b'}}}", &err);
	assert_string_equal(error_message(err), "");
	assert_text(changed, "metadata.labels.a", "b");
	assert_text(changed, "status.phase", "Active");
}

static void test_denied(void **state)
{
	static const struct {
		const char *script, *message, *reason;
		int status;
	} rows[] = {
		{"denies", "admission webhook \"v.hooks.example.com\" denied the request: no way",
		 "", 400},
		{"denies-bare",
		 "admission webhook \"v.hooks.example.com\" denied the request without explanation",
		 "", 400},
		{"denies-well",
		 "admission webhook \"v.hooks.example.com\" denied the request: Invalid", "Invalid",
		 422},
		{"denies-missing",
		 "admission webhook \"v.hooks.example.com\" denied the request: gone", "NotFound",
		 404},
	};
	struct hook_fixture *f = *state;

	hook(f, VALIDATING, "v", "validate/good", CONFIGMAPS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *path free_ptr = xasprintf("validate/%s", rows[i].script);
		struct error *err CLEANUP(error_free_cleanup) = NULL;

		/* A refusal is one whatever the failure policy says. */
		repoint(f, VALIDATING, "v", path, "'failurePolicy':'Ignore'," CONFIGMAPS);
		assert_null(make(f, "a", &err));
		assert_string_equal(error_message(err), rows[i].message);
		assert_string_equal(error_reason(err), rows[i].reason);
		assert_int_equal(error_http_status(err), rows[i].status);
		if (rows[i].status == 422) {
			assert_int_equal(err->n_causes, 1);
			assert_string_equal(err->causes[0].field, "data.x");
		}
	}
}

static void test_failures(void **state)
{
	static const struct {
		const char *script, *why;
	} rows[] = {
		{"broken", "failed to call webhook: an error on the server (\"out of order\") has "
			   "prevented the request from succeeding"},
		{"missing", "failed to call webhook: the server could not find the requested "
			    "resource"},
		{"dying", "failed to call webhook: Post \"https://127.0.0.1:"},
		{"garbage",
		 "failed to call webhook: couldn't get version/kind; json parse error: "},
		{"huge", "failed to call webhook: Post \"https://127.0.0.1:"},
		{"redirect", "failed to call webhook: the server responded with a status"},
		{"odd", "failed to call webhook: response.allowed is no boolean"},
		{"silent", "received invalid webhook response: webhook response was absent"},
		{"unasked", "received invalid webhook response: expected response.uid=\""},
		{"wrong-kind",
		 "received invalid webhook response: expected webhook response of "
		 "admission.k8s.io/v1, Kind=AdmissionReview, got admission.k8s.io/v1, Kind=Review"},
		{"patch=data", "received invalid webhook response: validating webhook may not "
			       "return response.patch"},
	};
	struct hook_fixture *f = *state;

	hook(f, VALIDATING, "v", "validate/good", CONFIGMAPS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *path free_ptr = xasprintf("validate/%s", rows[i].script);
		char *name free_ptr = xasprintf("ignored-%zu", i);
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		json_t *made json_auto = NULL;

		repoint(f, VALIDATING, "v", path, CONFIGMAPS);
		assert_null(make(f, "a", &err));
		assert_int_equal(error_http_status(err), 500);
		assert_string_equal(error_reason(err), "InternalError");
		assert_true(str_has_prefix(error_message(err),
					   "Internal error occurred: failed calling webhook "
					   "\"v.hooks.example.com\": "));
		if (!strstr(error_message(err), rows[i].why))
			fail_msg("%s: %s", rows[i].script, error_message(err));
		error_clear(&err);
		repoint(f, VALIDATING, "v", path, "'failurePolicy':'Ignore'," CONFIGMAPS);
		made = make(f, name, &err);
		assert_string_equal(error_message(err), "");
	}
}

/* A creation that waits for a webhook, in a thread of its own, until the time is up. */
struct late {
	struct hook_fixture *f;
	struct call call;
	struct error *why;
	pthread_t thread;
};

static void *create_late(void *arg)
{
	struct late *late = arg;
	const char *text = "{\"metadata\":{\"name\":\"late\"}}";

	cluster_create(late->f->local.cluster, &late->call,
		       fixture_type(&late->f->local, "configmaps"), "default", NULL, NULL, text,
		       strlen(text), NULL, NULL, &late->why);
	return NULL;
}

static void run_late(struct late *late)
{
	struct ticker *ticker;

	pthread_create(&late->thread, NULL, create_late, late);
	json_decref(hook_server_get(late->f, "held"));
	ticker = ticker_start(late->f->clock);
	pthread_join(late->thread, NULL);
	ticker_stop(ticker);
}

static void test_timeout(void **state)
{
	struct hook_fixture *f = *state;
	struct late late = {.f = f}, ignored = {.f = f};

	hook(f, MUTATING, "m", "mutate/slow", "'timeoutSeconds':3," CONFIGMAPS);
	run_late(&late);
	assert_true(
		str_has_prefix(error_message(late.why),
			       "Internal error occurred: failed calling webhook "
			       "\"m.hooks.example.com\": failed to call webhook: Post \"https://"));
	assert_true(str_has_suffix(error_message(late.why),
				   "/mutate/slow?timeout=3s\": context deadline exceeded"));
	error_free(late.why);
	repoint(f, MUTATING, "m", "mutate/slow",
		"'timeoutSeconds':3,'failurePolicy':'Ignore'," CONFIGMAPS);
	run_late(&ignored);
	assert_null(ignored.why);
}

/* The request's own end comes first, and then a failure is not passed over. */
static void test_deadline(void **state)
{
	struct hook_fixture *f = *state;
	struct late late = {.f = f, .call = {.timeout_ms = 1500}};
	json_t *log json_auto = NULL;

	hook(f, MUTATING, "m", "mutate/slow", "'failurePolicy':'Ignore'," CONFIGMAPS);
	run_late(&late);
	assert_int_equal(error_code(late.why), E_TIMEOUT);
	error_free(late.why);
	log = hook_questions(f);
	assert_text(log, "[0].query", "timeout=2s");
}

static void test_dry_run(void **state)
{
	struct hook_fixture *f = *state;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	const char *text = "{\"metadata\":{\"name\":\"dry\"}}";
	json_t *log json_auto = NULL;

	hook(f, VALIDATING, "v", "validate/good", CONFIGMAPS);
	cluster_create(f->local.cluster, NULL, fixture_type(&f->local, "configmaps"), "default",
		       NULL, NULL, text, strlen(text), &(struct write_options){.dry_run = true},
		       NULL, &err);
	assert_string_equal(error_message(err), "");
	log = hook_questions(f);
	assert_true(json_is_true(json_path(log, "[0].review.request.dryRun")));
	assert_text(log, "[0].review.request.options.dryRun[0]", "All");
}

static void test_warnings(void **state)
{
	struct hook_fixture *f = *state;
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	hook(f, VALIDATING, "v", "validate/warns", CONFIGMAPS);
	hook(f, MUTATING, "m", "mutate/warns", CONFIGMAPS);
	json_decref(make(f, "a", &err));
	assert_int_equal(f->local.warnings.n, 2);
	assert_string_equal(f->local.warnings.v[0], "mind the gap");
}

static void test_matching(void **state)
{
	struct hook_fixture *f = *state;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *log json_auto = NULL;

	hook(f, VALIDATING, "v", "validate/denies",
	     "'objectSelector':{'matchLabels':{'a':'b'}}," CONFIGMAPS);
	json_decref(make(f, "a", &err));
	repoint(f, VALIDATING, "v", "validate/denies",
		"'matchConditions':[{'name':'big','expression':'size(object.data) > 1'}],"
		"'objectSelector':{'matchLabels':null}," CONFIGMAPS);
	json_decref(make(f, "b", &err));
	assert_string_equal(error_message(err), "");
	log = hook_questions(f);
	assert_int_equal(json_array_size(log), 0);
	repoint(f, VALIDATING, "v", "validate/denies",
		"'matchConditions':[{'name':'big','expression':'size(object.data) > 0'}],"
		"'objectSelector':{'matchLabels':null}," CONFIGMAPS);
	assert_refused(f, "no way");
}

/* A webhook sees the version that its rule names: Equivalent. */
static void test_versions(void **state)
{
	struct hook_fixture *f = *state;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *made json_auto = NULL, *log json_auto = NULL;

	hook_widgets(f, "convert/good");
	hook(f, VALIDATING, "v", "validate/good",
	     "'rules':[{'apiGroups':['example.com'],'apiVersions':['v1'],"
	     "'resources':['widgets'],'operations':['*']}]");
	made = fixture_create(&f->local, "widgets.v2.example.com", "default",
			      "{'apiVersion':'example.com/v2','kind':'Widget',"
			      "'metadata':{'name':'a'},'spec':{'dimension':{'size':7}}}",
			      &err);
	assert_string_equal(error_message(err), "");
	log = hook_questions(f);
	assert_int_equal(json_array_size(log), 2);
	assert_text(log, "[0].path", "/convert/good");
	assert_text(log, "[1].review.request.kind.version", "v1");
	assert_text(log, "[1].review.request.requestKind.version", "v2");
	assert_int_equal(json_path_int(log, "[1].review.request.object.spec.size", 0), 7);
}

/* All are asked at once: none of two that hold each other up is waited for before the other. */
static void *make_held(void *arg)
{
	return make(arg, "a", NULL);
}

static void test_parallel(void **state)
{
	struct hook_fixture *f = *state;
	char *one free_ptr = hook_text(f, "one", "validate/hold", CONFIGMAPS);
	char *two free_ptr = hook_text(f, "two", "validate/hold", CONFIGMAPS);
	char *both free_ptr = xasprintf("%s,%s", one, two);
	json_t *log json_auto = NULL;
	pthread_t thread;
	void *made;

	configure(f, VALIDATING, "v", both);
	pthread_create(&thread, NULL, make_held, f);
	json_decref(hook_server_get(f, "held"));
	json_decref(hook_server_get(f, "held"));
	/* Others are served meanwhile. */
	fixture_make(&f->local, "secrets", "default", "{'metadata':{'name':'s'}}");
	json_decref(hook_server_get(f, "release"));
	pthread_join(thread, &made);
	assert_non_null(made);
	json_decref(made);
	log = hook_questions(f);
	assert_int_equal(json_array_size(log), 2);
}

/* A webhook that refuses everything cannot keep itself, or the store, from being opened. */
static void test_configurations(void **state)
{
	struct hook_fixture *f = *state;
	const struct delete_options opt = {.grace_period_s = -1};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	char *spec free_ptr = NULL;

	hook(f, VALIDATING, "v", "validate/denies",
	     "'rules':[{'apiGroups':['*'],'apiVersions':['*'],'resources':['*/*'],"
	     "'operations':['*']}]");
	assert_refused(f, "no way");
	catalog_unref(f->local.catalog);
	cluster_close(f->local.cluster);
	spec = xasprintf("local:%s", f->local.directory);
	f->local.cluster = cluster_open(spec, &(struct cluster_config){.clock = f->clock}, &err);
	assert_string_equal(error_message(err), "");
	f->local.catalog = cluster_catalog(f->local.cluster, NULL, NULL);
	assert_refused(f, "no way");
	repoint(f, VALIDATING, "v", "validate/denies", CONFIGMAPS);
	assert_int_equal(cluster_delete(f->local.cluster, NULL, fixture_type(&f->local, VALIDATING),
					"", "v", &opt, NULL, NULL, NULL),
			 0);
	json_decref(make(f, "a", &err));
	assert_string_equal(error_message(err), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, hooks_open, hooks_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_told),	   TEST(test_old_object), TEST(test_mutate),
		TEST(test_reinvoke),	   TEST(test_patches),	  TEST(test_patches_of_updates),
		TEST(test_denied),	   TEST(test_failures),	  TEST(test_timeout),
		TEST(test_deadline),	   TEST(test_dry_run),	  TEST(test_warnings),
		TEST(test_matching),	   TEST(test_versions),	  TEST(test_parallel),
		TEST(test_configurations),
	};

	return cmocka_run_group_tests(tests, hooks_start, hooks_stop);
}
