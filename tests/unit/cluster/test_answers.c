/*
 * What a local cluster says beyond keeping objects: forms of one object in two versions, why a pod
 * is evicted, what selectors may name, what an encoder leaves out, how a refused patch is quoted.
 */
#include "local_fixture.h"

#include "object/json.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct local_fixture f;

static int setup(void **state)
{
	(void)state;
	fixture_open(&f, NULL);
	fixture_make(&f, "namespaces", "", "{'metadata':{'name':'n'}}");
	fixture_make(&f, "serviceaccounts", "n", "{'metadata':{'name':'default'}}");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_close(&f);
	return 0;
}

static json_t *create(const char *type, const char *text)
{
	struct error *err = NULL;
	json_t *tree = fixture_create(&f, type, "n", text, &err);

	if (!tree)
		fail_msg("%s", error_message(err));
	return tree;
}

#define SCALER "horizontalpodautoscalers"
#define OLD "metadata.annotations[autoscaling.alpha.kubernetes.io/"

static const struct resource *old_scaler(void)
{
	const struct resource *r = catalog_find(f.catalog, "autoscaling", "v1", SCALER);

	assert_non_null(r);
	return r;
}

/* What v1 has no fields for comes back from a client that knows v1 alone. */
static void an_older_version_loses_nothing(void **state)
{
	json_t *made json_auto = create(
		SCALER,
		"{'metadata':{'name':'h'},'spec':{'maxReplicas':9,'scaleTargetRef':{'apiVersion':"
		"'apps/v1','kind':'Deployment','name':'d'},'metrics':[{'type':'Pods','pods':{"
		"'metric':{'name':'rate'},'target':{'type':'AverageValue','averageValue':'5'}}},"
		"{'type':'Resource','resource':{'name':'cpu','target':{'type':'Utilization',"
		"'averageUtilization':50}}}],'behavior':{'scaleDown':{"
		"'stabilizationWindowSeconds':60}}}}");
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	json_t *old json_auto = NULL, *after json_auto = NULL;
	struct str text CLEANUP(str_release) = STR_INIT;
	struct error *err = NULL;

	(void)state;
	assert_int_equal(cluster_get(f.cluster, NULL, old_scaler(), "n", "h", &o, &err), 0);
	old = object_tree(o);
	assert_int_equal(json_path_int(old, "spec.targetCPUUtilizationPercentage", 0), 50);
	assert_null(json_path(old, "spec.metrics"));
	assert_text(old, OLD "metrics]",
		    "[{\"type\":\"Pods\",\"pods\":{\"metricName\":\"rate\","
		    "\"targetAverageValue\":\"5\"}}]");
	json_path_set(old, "spec.maxReplicas", json_integer(8));
	json_write(old, &text);
	object_unref(o);
	o = NULL;
	assert_int_equal(cluster_update(f.cluster, NULL, old_scaler(), "n", "h", NULL, text.s,
					text.len, NULL, &o, &err),
			 0);
	after = fixture_get(&f, SCALER, "n", "h");
	assert_int_equal(json_path_int(after, "spec.maxReplicas", 0), 8);
	assert_true(json_equal(json_path(after, "spec.metrics"), json_path(made, "spec.metrics")));
	assert_true(
		json_equal(json_path(after, "spec.behavior"), json_path(made, "spec.behavior")));
	assert_null(json_path(after, "metadata.annotations"));
}

/* An annotation that is no such thing is forgotten, whatever it holds. */
static void odd_annotations_are_forgotten(void **state)
{
	static const char *const texts[] = {"[5,'x',{'type':7}]", "{", "{'a':1}", "[{'pods':[]}]"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_t *tree json_auto = json_pack(
			"{s:{s:s,s:{s:s,s:s}},s:{s:i,s:{s:s,s:s,s:s}}}", "metadata", "generateName",
			"o-", "annotations", "autoscaling.alpha.kubernetes.io/metrics", texts[i],
			"autoscaling.alpha.kubernetes.io/behavior", texts[i], "spec", "maxReplicas",
			2, "scaleTargetRef", "apiVersion", "apps/v1", "kind", "Deployment", "name",
			"d");
		struct str text CLEANUP(str_release) = STR_INIT;
		struct object *o CLEANUP(object_unref_cleanup) = NULL;
		struct error *err = NULL;

		json_write(tree, &text);
		if (cluster_create(f.cluster, NULL, old_scaler(), "n", NULL, NULL, text.s, text.len,
				   NULL, &o, &err) < 0)
			fail_msg("%s: %s", texts[i], error_message(err));
	}
}

static void an_evicted_pod_says_why(void **state)
{
	static const char eviction[] = "{\"metadata\":{\"name\":\"p\"}}";
	json_t *made json_auto =
		create("pods", "{'metadata':{'name':'p','finalizers':['example.com/stay']},"
			       "'spec':{'containers':[{'name':'c','image':'i'}]}}");
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	json_t *after json_auto = NULL;
	struct error *err = NULL;

	(void)state;
	assert_int_equal(cluster_create(f.cluster, NULL, fixture_type(&f, "pods"), "n", "p",
					"eviction", eviction, strlen(eviction), NULL, &o, &err),
			 0);
	after = fixture_get(&f, "pods", "n", "p");
	assert_text(after, "status.conditions[0].type", "DisruptionTarget");
	assert_text(after, "status.conditions[0].reason", "EvictionByEvictionAPI");
	assert_true(*json_path_string(after, "metadata.deletionTimestamp"));
	assert_true(json_path_int(after, "metadata.generation", 0) >
		    json_path_int(made, "metadata.generation", 0));
}

static bool count(void *arg, const char *json, size_t len)
{
	(void)json;
	(void)len;
	++*(int *)arg;
	return true;
}

static int selected(const char *type, const char *fields, struct error **err)
{
	struct list_options opt = {.field_selector = fields};
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	int n = 0;

	if (cluster_list(f.cluster, NULL, fixture_type(&f, type), "n", &opt, count, &n, &meta,
			 err) < 0)
		return -1;
	return n;
}

/* Fields have names of their own in selectors, and read as zero where they are not there. */
static void selectors_name_fields(void **state)
{
	static const struct {
		const char *type, *fields;
		int want; /* -1: refused */
	} rows[] = {
		{"jobs", "status.successful=0", 1},  {"jobs", "status.successful=1", 0},
		{"jobs", "status.succeeded=0", -1},  {"jobs", "=", 1},
		{"jobs", "metadata.namespace=n", 1}, {"configmaps", "data=x", -1},
	};
	json_t *job json_auto = create(
		"jobs", "{'metadata':{'name':'j'},'spec':{'template':{'spec':{"
			"'restartPolicy':'Never','containers':[{'name':'c','image':'i'}]}}}}");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		int got = selected(rows[i].type, rows[i].fields, &err);

		if (got != rows[i].want)
			fail_msg("%s %s: %d", rows[i].type, rows[i].fields, got);
	}
}

/* A job's labels are its template's, with what is added to those. */
static void a_job_has_the_labels_of_its_pods(void **state)
{
	json_t *job json_auto = create(
		"jobs", "{'metadata':{'name':'labels'},'spec':{'template':{'metadata':{'labels':{"
			"'app':'a'}},'spec':{'restartPolicy':'Never','containers':[{'name':'c',"
			"'image':'i'}]}}}}");

	(void)state;
	assert_text(job, "metadata.labels.app", "a");
	assert_text(job, "metadata.labels.job-name", "labels");
	assert_true(json_equal(json_path(job, "metadata.labels"),
			       json_path(job, "spec.template.metadata.labels")));
}

/* What admission puts back was never taken away. */
static void what_comes_back_counts_no_generation(void **state)
{
	json_t *pod json_auto =
		create("pods", "{'metadata':{'name':'g'},'spec':{'containers':[{'name':'c','image':"
			       "'i'}],'tolerations':[{'key':'k','operator':'Exists'}]}}");
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *after json_auto = fixture_patch(
		&f, "pods", "n", "g", NULL,
		"{'metadata':{'labels':{'a':'b'}},'spec':{'tolerations':[{'key':'k','operator':"
		"'Exists'}]}}",
		&err);

	(void)state;
	if (!after)
		fail_msg("%s", error_message(err));
	assert_text(after, "metadata.labels.a", "b");
	assert_true(json_equal(json_path(pod, "spec"), json_path(after, "spec")));
	assert_int_equal(json_path_int(after, "metadata.generation", 0), 1);
}

static void what_an_encoder_leaves_out(void **state)
{
	json_t *pod json_auto =
		create("pods", "{'metadata':{'name':'q'},'spec':{'hostIPC':false,'containers':[{"
			       "'name':'c','image':'i','tty':false,'lifecycle':{'stopSignal':"
			       "'SIGHUP','preStop':{'sleep':{'seconds':1}}}}]}}");
	json_t *account json_auto = create(
		"serviceaccounts", "{'metadata':{'name':'a'},'secrets':[{'name':'s','kind':'K'}]}");

	(void)state;
	assert_null(json_path(pod, "spec.hostIPC"));
	assert_null(json_path(pod, "spec.containers[0].tty"));
	assert_null(json_path(pod, "spec.containers[0].lifecycle.stopSignal"));
	assert_non_null(json_path(pod, "spec.containers[0].lifecycle.preStop"));
	assert_text(account, "secrets[0].name", "s");
	assert_null(json_path(account, "secrets[0].kind"));
}

/* What the patch went through is in the order of keys, all else in that of the struct. */
static void a_refused_patch_quotes_its_result(void **state)
{
	json_t *made json_auto = create("configmaps", "{'metadata':{'name':'c'},'data':{'a':'b'}}");
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *after json_auto =
		fixture_patch(&f, "configmaps", "n", "c", NULL, "{'data':{'a':{}}}", &err);

	(void)state;
	assert_null(after);
	assert_int_equal(error_code(err), E_INVALID);
	assert_non_null(strstr(error_message(err),
			       "{\\\"apiVersion\\\":\\\"v1\\\",\\\"data\\\":{\\\"a\\\":{}},"
			       "\\\"kind\\\":\\\"ConfigMap\\\",\\\"metadata\\\":{\\\"name\\\":"
			       "\\\"c\\\",\\\"namespace\\\":\\\"n\\\",\\\"uid\\\":"));
}

#define RACES 200

/* Applies RACES names that another thread makes at the same time; how many are refused. */
static void *apply_all(void *arg)
{
	static const struct write_options options = {.field_manager = "racer", .force = true};
	const struct resource *maps = fixture_type(&f, "configmaps");
	size_t *refused = arg;

	for (int i = 0; i < RACES; i++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		char name[16], text[160];
		bool created;

		snprintf(name, sizeof(name), "race-%d", i);
		snprintf(text, sizeof(text),
			 "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
			 "\"%s\",\"namespace\":\"n\"},\"data\":{\"a\":\"1\"}}",
			 name);
		if (cluster_patch(f.cluster, NULL, maps, "n", name, NULL, PATCH_APPLY, text,
				  strlen(text), &options, NULL, &created, &err) < 0)
			++*refused;
	}
	return NULL;
}

/* An apply makes the object or changes it: that somebody else was quicker is no refusal. */
static void applies_of_one_name_meet(void **state)
{
	size_t refused[2] = {0};
	pthread_t other;

	(void)state;
	assert_int_equal(pthread_create(&other, NULL, apply_all, &refused[1]), 0);
	apply_all(&refused[0]);
	pthread_join(other, NULL);
	assert_int_equal(refused[0] + refused[1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_older_version_loses_nothing),
		cmocka_unit_test(odd_annotations_are_forgotten),
		cmocka_unit_test(an_evicted_pod_says_why),
		cmocka_unit_test(selectors_name_fields),
		cmocka_unit_test(a_job_has_the_labels_of_its_pods),
		cmocka_unit_test(what_comes_back_counts_no_generation),
		cmocka_unit_test(what_an_encoder_leaves_out),
		cmocka_unit_test(a_refused_patch_quotes_its_result),
		cmocka_unit_test(applies_of_one_name_meet),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
