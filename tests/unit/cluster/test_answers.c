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
		"{'type':'Object','object':{'describedObject':{'apiVersion':'a/v1','kind':'K',"
		"'name':'n'},'metric':{'name':'m'},'target':{'type':'Value','value':'7'}}},"
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
		    "\"targetAverageValue\":\"5\"}},{\"type\":\"Object\",\"object\":{\"target\":{"
		    "\"kind\":\"K\",\"name\":\"n\",\"apiVersion\":\"a/v1\"},\"metricName\":\"m\","
		    "\"targetValue\":\"7\"}}]");
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
	static const char eviction[] = "{\"metadata\":{\"name\":\"p\"}}", nameless[] = "{}";
	json_t *made json_auto =
		create("pods", "{'metadata':{'name':'p','finalizers':['example.com/stay']},"
			       "'spec':{'containers':[{'name':'c','image':'i'}]}}");
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	json_t *after json_auto = NULL;
	struct error *err = NULL;

	(void)state;
	assert_int_equal(cluster_create(f.cluster, NULL, fixture_type(&f, "pods"), "n", "p",
					"eviction", nameless, strlen(nameless), NULL, &o, &err),
			 -1);
	assert_string_equal(error_message(err),
			    "name in URL does not match name in Eviction object");
	error_free(steal(&err));
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
		{"jobs", "status.successful=0", 1},
		{"jobs", "status.successful=1", 0},
		{"jobs", "status.succeeded=0", -1},
		{"jobs", "=", 1},
		{"jobs", "metadata.namespace=n", 1},
		{"configmaps", "data=x", -1},
		{"pods", "spec.host=m", 1},
		{"pods", "spec.host=o", 0},
		{"pods", "status.podIPs=x", 0},
		{"pods", "spec.host=m,spec.hostNetwork=false", 1},
	};
	json_t *pod json_auto = create(
		"pods",
		"{'metadata':{'name':'hosted'},'spec':{'nodeName':'m','containers':[{'name':'c',"
		"'image':'i'}]}}");
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

/* Where null is no value of the type it is the type's zero, as Go's decoder has it. */
static void null_elements_are_zero(void **state)
{
	json_t *pod json_auto =
		create("pods", "{'metadata':{'name':'z'},'spec':{'containers':[{'name':'c','image':"
			       "'i','args':[null]}],'imagePullSecrets':[null],'securityContext':{"
			       "'supplementalGroups':[null]}}}");
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	(void)state;
	assert_text(pod, "spec.containers[0].args[0]", "");
	assert_true(json_is_object(json_path(pod, "spec.imagePullSecrets[0]")));
	assert_true(json_is_integer(json_path(pod, "spec.securityContext.supplementalGroups[0]")));
	assert_null(fixture_create(
		&f, "pods", "n", "{'metadata':{'name':'z2'},'spec':{'containers':[null]}}", &err));
	assert_int_equal(error_code(err), E_INVALID);
	assert_non_null(strstr(error_message(err), "spec.containers[0].name: Required value"));
}

static void devices_are_tolerated_and_mapped(void **state)
{
	json_t *claim json_auto = create(
		"resourceclaims", "{'metadata':{'name':'t'},'spec':{'devices':{'requests':[{'name':"
				  "'r','exactly':{'deviceClassName':'c','tolerations':[{'key':'k'}]"
				  "}}]}}}");
	json_t *slice json_auto = create(
		"resourceslices",
		"{'metadata':{'name':'s'},'spec':{'driver':'d.e','nodeName':'n','pool':{'name':"
		"'p','resourceSliceCount':1},'devices':[{'name':'d','"
		"nodeAllocatableResourceMappings"
		"':{'cpu':{}}}]}}");

	(void)state;
	assert_text(claim, "spec.devices.requests[0].exactly.tolerations[0].operator", "Equal");
	assert_null(json_path(slice, "spec.devices[0].nodeAllocatableResourceMappings"));
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

/* Who applies to an object by its uid means one that is there. */
static void an_applied_uid_makes_no_object(void **state)
{
	static const char config[] = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{"
				     "\"name\":\"u\",\"uid\":\"1\"}}";
	struct write_options opt = {.field_manager = "m"};
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	bool created = false;

	(void)state;
	assert_int_equal(cluster_patch(f.cluster, NULL, fixture_type(&f, "configmaps"), "n", "u",
				       NULL, PATCH_APPLY, config, strlen(config), &opt, &o,
				       &created, &err),
			 -1);
	assert_int_equal(error_code(err), E_CONFLICT);
	assert_non_null(strstr(error_message(err), "uid mismatch"));
}

/* A type in two versions: the newer one has a scale, and what may be selected by. */
static void define_type(void)
{
	fixture_make(
		&f, "customresourcedefinitions", "",
		"{'metadata':{'name':'ts.x.example.com'},'spec':{'group':'x.example.com',"
		"'scope':'Namespaced','names':{'plural':'ts','kind':'T'},'versions':["
		"{'name':'v1beta1','served':true,'storage':true,'deprecated':true,'schema':{"
		"'openAPIV3Schema':{'type':'object','x-kubernetes-preserve-unknown-fields':true}}},"
		"{'name':'v1','served':true,'storage':false,'selectableFields':[{'jsonPath':"
		"'.spec.size'}],'subresources':{'status':{},'scale':{'specReplicasPath':'.spec.n',"
		"'statusReplicasPath':'.status.n'}},'schema':{'openAPIV3Schema':{'type':'object',"
		"'properties':{'spec':{'type':'object','properties':{'size':{'type':'integer'},"
		"'n':{'type':'integer'},'name':{'type':'string','maxLength':3},'tags':{'type':"
		"'object','additionalProperties':{'type':'string'}}}},'status':{'type':"
		"'object','properties':{'n':{'type':'integer'}}}}}}}]}}");
	catalog_unref(f.catalog);
	f.catalog = cluster_catalog(f.cluster, NULL, NULL);
}

static bool count_object(void *arg, const char *json, size_t len)
{
	(void)json;
	(void)len;
	++*(size_t *)arg;
	return true;
}

static size_t count_selected(const char *fields)
{
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	struct list_options opt = {.field_selector = fields};
	struct error *err = NULL;
	size_t n = 0;

	if (cluster_list(f.cluster, NULL, fixture_type(&f, "ts.x.example.com"), "n", &opt,
			 count_object, &n, &meta, &err) < 0)
		fail_msg("%s", error_message(err));
	return n;
}

static void custom_resources_answer_as_defined(void **state)
{
	struct error *err = NULL;
	const struct resource *old;
	json_t *made json_auto = NULL, *scale json_auto = NULL, *none json_auto = NULL;
	json_t *bare json_auto = NULL;

	(void)state;
	define_type();
	/* An object says itself what it is. */
	fixture_refused(&f, "ts.x.example.com", "n", "{'metadata':{'name':'a'}}",
			"T in version \"v1\" cannot be handled as a T: Object 'Kind' is missing in "
			"'{\"metadata\":{\"name\":\"a\"}}'");
	fixture_refused(&f, "ts.x.example.com", "n", "{'kind':'T','metadata':{'name':'a'}}",
			"the API version in the data () does not match the expected API version "
			"(x.example.com/v1)");
	/* The newest version is the preferred one, whichever is kept. */
	assert_string_equal(fixture_type(&f, "ts.x.example.com")->version, "v1");
	old = catalog_find(f.catalog, "x.example.com", "v1beta1", "ts");
	assert_string_equal(old->deprecation_warning,
			    "x.example.com/v1beta1 T is deprecated; use x.example.com/v1 T");
	made = create("ts.x.example.com",
		      "{'apiVersion':'x.example.com/v1','kind':'T','metadata':{"
		      "'name':'a','finalizers':['mine']},'spec':{'size':3,'tags':{"
		      "'x':null,'y':'z'}}}");
	assert_int_equal(json_object_size(json_path(made, "spec.tags")), 1);
	assert_text(made, "spec.tags.y", "z");
	assert_string_equal(f.warnings.v[0],
			    "metadata.finalizers: \"mine\": prefer a domain-qualified finalizer "
			    "name to avoid accidental conflicts with other finalizer writers");
	/* Its metadata is that of any object: what is empty is not there. */
	bare = fixture_patch(&f, "ts.x.example.com", "n", "a", NULL,
			     "{'metadata':{'finalizers':[],'labels':{}}}", &err);
	assert_non_null(bare);
	assert_null(json_path(bare, "metadata.finalizers"));
	assert_null(json_path(bare, "metadata.labels"));
	assert_int_equal(count_selected("spec.size=3"), 1);
	assert_int_equal(count_selected("spec.size!=3"), 0);
	/* Replicas that were never set can be, and must be. */
	none = fixture_patch(&f, "ts.x.example.com", "n", "a", "scale", "{'metadata':{}}", &err);
	assert_null(none);
	assert_string_equal(error_message(err),
			    "the spec replicas field \".spec.n\" cannot be empty");
	error_free(steal(&err));
	scale = fixture_patch(&f, "ts.x.example.com", "n", "a", "scale", "{'spec':{'replicas':2}}",
			      &err);
	assert_non_null(scale);
	none = fixture_patch(&f, "ts.x.example.com", "n", "a", "status", "{'status':{'n':-1}}",
			     &err);
	assert_null(none);
	assert_string_equal(
		error_message(err),
		"T.x.example.com \"a\" is invalid: .status.n: Invalid value: -1: should "
		"be a non-negative integer");
	error_free(err);
}

/* Of a strategic merge patch the patch itself is quoted, as Go prints it. */
static void strict_patches_are_read_whole(void **state)
{
	static const struct {
		enum patch_type type;
		const char *patch;
		const char *says[2];
	} rows[] = {
		{PATCH_STRATEGIC,
		 "{\"odd\":[1,null],\"data\":{\"a\":\"b\",\"a\":\"c\"}}",
		 {"Invalid value: \"map[data:map[a:c] odd:[1 <nil>]]\"",
		  "duplicate field \"data.a\", unknown field \"odd\""}},
		{PATCH_MERGE,
		 "{\"data\":{\"a\":\"b\",\"a\":\"c\"}}",
		 {"{\\\"a\\\":\\\"c\\\"}", "duplicate field \"data.a\""}},
		{PATCH_JSON,
		 "[{\"op\":\"add\",\"path\":\"/data/b\",\"value\":\"c\",\"odd\":1,\"op\":\"add\"}]",
		 {"json patch duplicate field \"[0].op\"", "json patch unknown field \"[0].odd\""}},
	};
	const struct write_options strict = {.validation = FIELD_VALIDATION_STRICT};
	json_t *made json_auto = create("configmaps", "{'metadata':{'name':'s'},'data':{'a':'b'}}");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		struct object *o = NULL;
		bool created;

		assert_int_equal(cluster_patch(f.cluster, NULL, fixture_type(&f, "configmaps"), "n",
					       "s", NULL, rows[i].type, rows[i].patch,
					       strlen(rows[i].patch), &strict, &o, &created, &err),
				 -1);
		assert_int_equal(error_code(err), E_INVALID);
		for (size_t k = 0; k < 2; k++)
			if (!strstr(error_message(err), rows[i].says[k]))
				fail_msg("%s", error_message(err));
	}
}

static void devices_are_administered_where_allowed(void **state)
{
	static const char claim[] = "{'metadata':{'name':'c'},'spec':{'devices':{'requests':[{"
				    "'name':'r','exactly':{'deviceClassName':'d','adminAccess':"
				    "true}}]}}}";
	json_t *labelled json_auto = NULL, *made json_auto = NULL;

	(void)state;
	fixture_refused(&f, "resourceclaims", "n", claim,
			"ResourceClaim.resource.k8s.io \"c\" is invalid: "
			"spec.devices.requests[0].adminAccess: Forbidden: admin access to devices "
			"requires the `resource.kubernetes.io/admin-access: true` label on the "
			"containing namespace");
	labelled = fixture_patch(
		&f, "namespaces", "", "n", NULL,
		"{'metadata':{'labels':{'resource.kubernetes.io/admin-access':'true'}}}", NULL);
	assert_non_null(labelled);
	made = create("resourceclaims", claim);
}

static void a_version_is_a_number(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *made json_auto = create("configmaps", "{'metadata':{'name':'v'}}");
	json_t *after json_auto = fixture_patch(&f, "configmaps", "n", "v", NULL,
						"{'metadata':{'resourceVersion':'x'}}", &err);

	(void)state;
	assert_null(after);
	assert_int_equal(error_code(err), E_UNKNOWN);
}

/* What is shown of a value that is refused is not always the value. */
static void refusals_show_what_they_mean(void **state)
{
	json_t *made json_auto = NULL;

	(void)state;
	fixture_refused(&f, "persistentvolumeclaims", "n",
			"{'metadata':{'name':'c'},'spec':{'accessModes':['ReadWriteOnce'],"
			"'resources':{'requests':{'storage':'1Gi'}},'dataSource':{'kind':"
			"'PersistentVolumeClaim','name':'a'},'dataSourceRef':{'kind':"
			"'PersistentVolumeClaim','name':'b'}}}",
			"PersistentVolumeClaim \"c\" is invalid: spec: Invalid value: {}: must "
			"match dataSourceRef");
	fixture_refused(
		&f, "servicecidrs", "",
		"{'metadata':{'name':'s'},'spec':{'cidrs':['10.0.0.0/8','x','y']}}",
		"ServiceCIDR.networking.k8s.io \"s\" is invalid: spec.cidrs: Invalid value: "
		"{\"CIDRs\":[\"10.0.0.0/8\",\"x\",\"y\"]}: may only hold up to 2 values");
}

/* A dry run shows ports without taking them, also where only an update asks for them. */
static void a_dry_run_pretends_to_take(void **state)
{
	static const char patch[] = "{\"spec\":{\"type\":\"LoadBalancer\","
				    "\"externalTrafficPolicy\":\"Local\"}}";
	const struct write_options dry = {.dry_run = true};
	json_t *made json_auto =
		create("services", "{'metadata':{'name':'s'},'spec':{'ports':[{'port':80}]}}");
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	json_t *after json_auto = NULL;
	bool created;

	(void)state;
	assert_int_equal(cluster_patch(f.cluster, NULL, fixture_type(&f, "services"), "n", "s",
				       NULL, PATCH_MERGE, patch, strlen(patch), &dry, &o, &created,
				       NULL),
			 0);
	assert_true(object_int(o, "spec.ports[0].nodePort", 0) > 0);
	assert_true(object_int(o, "spec.healthCheckNodePort", 0) > 0);
	after = fixture_get(&f, "services", "n", "s");
	assert_null(json_path(after, "spec.ports[0].nodePort"));
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
		char name[24], text[160];
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

static void creations_may_be_answered_later(void **state)
{
	static const char text[] = "{\"metadata\":{\"name\":\"later\"},\"data\":{\"a\":\"1\"}}";
	static const char nameless[] = "{\"metadata\":{\"generateName\":\"later-\"}}";
	static const char unknown[] = "{\"metadata\":{\"name\":\"A\"}}";
	json_t *kept json_auto = NULL;
	struct fixture_creation c;

	(void)state;
	assert_int_equal(fixture_create_later(&f, &c, "configmaps", "n", text), CLUSTER_LATER);
	kept = fixture_get(&f, "configmaps", "n", "later");
	assert_string_equal(c.why, "");
	assert_string_equal(c.object->name, "later");
	assert_text(kept, "metadata.resourceVersion", c.object->resource_version);
	object_unref(c.object);
	assert_int_equal(fixture_create_later(&f, &c, "configmaps", "n", text), CLUSTER_LATER);
	assert_null(c.object);
	assert_string_equal(c.why, "409 configmaps \"later\" already exists");
	/* A name that is taken is made anew, and what is refused before is refused at once. */
	assert_int_equal(fixture_create_later(&f, &c, "configmaps", "n", nameless), 0);
	assert_non_null(c.object);
	object_unref(c.object);
	assert_int_equal(fixture_create_later(&f, &c, "configmaps", "n", unknown), -1);
	assert_null(c.object);
}

static void classes_of_the_system_stay(void **state)
{
	const struct delete_options opt = {.grace_period_s = -1};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	(void)state;
	assert_int_equal(cluster_delete(f.cluster, NULL, fixture_type(&f, "priorityclasses"), "",
					"system-node-critical", &opt, &o, NULL, &err),
			 -1);
	assert_int_equal(error_code(err), E_FORBIDDEN);
	assert_string_equal(error_message(err),
			    "priorityclasses.scheduling.k8s.io \"system-node-critical\" is "
			    "forbidden: this is a system priority class and cannot be deleted");
}

/* A way to what runs nowhere is refused, by the name of what is missing of it. */
static void proxies_lead_nowhere(void **state)
{
	static const struct {
		const char *type, *namespace, *name;
		int status;
		const char *says;
	} rows[] = {
		{"services", "n", "web", 503, "no endpoints available for service \"web\""},
		{"services", "n", "web:http", 503, "for service \"web:http\""},
		{"services", "n", "https:web:80", 503, "for service \"https:web:80\""},
		{"services", "n", "web:81", 503, "no service port 81 found for service \"web\""},
		{"services", "n", "none:80", 404, "services \"none\" not found"},
		{"services", "n", "ftp:web:80", 400, "invalid service request \"ftp:web:80\""},
		{"services", "n", ":80", 400, "invalid service request \":80\""},
		{"services", "n", "http:web:80:1", 400, "invalid service request"},
		{"pods", "n", "none", 404, "pods \"none\" not found"},
		{"pods", "n", "one:80", 400, "address not allowed"},
		{"nodes", "", "https:one:10250", 503, "the node \"one\" is simulated"},
	};

	(void)state;
	fixture_make(&f, "services", "n",
		     "{'metadata':{'name':'web'},'spec':{'ports':[{'port':80}]}}");
	fixture_make(&f, "nodes", "", "{'metadata':{'name':'one'}}");
	fixture_make(
		&f, "pods", "n",
		"{'metadata':{'name':'one'},'spec':{'containers':[{'name':'c','image':'i'}]}}");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		static const struct stream_handler unused;
		struct error *err CLEANUP(error_free_cleanup) = NULL;

		assert_null(cluster_stream(f.cluster, NULL, fixture_type(&f, rows[i].type),
					   rows[i].namespace, rows[i].name, "proxy", NULL, &unused,
					   NULL, &err));
		assert_int_equal(error_http_status(err), rows[i].status);
		if (!strstr(error_message(err), rows[i].says))
			fail_msg("%s: %s", rows[i].name, error_message(err));
	}
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
		cmocka_unit_test(null_elements_are_zero),
		cmocka_unit_test(devices_are_tolerated_and_mapped),
		cmocka_unit_test(custom_resources_answer_as_defined),
		cmocka_unit_test(an_applied_uid_makes_no_object),
		cmocka_unit_test(strict_patches_are_read_whole),
		cmocka_unit_test(a_version_is_a_number),
		cmocka_unit_test(refusals_show_what_they_mean),
		cmocka_unit_test(a_dry_run_pretends_to_take),
		cmocka_unit_test(devices_are_administered_where_allowed),
		cmocka_unit_test(applies_of_one_name_meet),
		cmocka_unit_test(creations_may_be_answered_later),
		cmocka_unit_test(proxies_lead_nowhere),
		cmocka_unit_test(classes_of_the_system_stay),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
