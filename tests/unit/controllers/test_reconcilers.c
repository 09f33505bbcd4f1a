/* Reconcilers one by one on the fake cluster, driven by hand. */
#include "base/clock.h"
#include "cluster/fake.h"
#include "controllers/common.h"
#include "controllers/controllers.h"
#include "controllers/replicaset.h"
#include "object/json.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define START_NS (1700000000LL * NS_PER_S)

struct world {
	struct cluster *cluster;
	struct clock *clock;
	struct catalog *catalog;
	struct informers *informers;
	struct controller *controller;
};

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct cluster_config config = {0};

	w->clock = clock_fake_new(START_NS);
	config.clock = w->clock;
	w->cluster = cluster_open("fake:", &config, NULL);
	assert_non_null(w->cluster);
	w->catalog = cluster_catalog(w->cluster, NULL, NULL);
	w->informers = informers_new(w->cluster, w->clock);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	controller_stop(w->controller);
	informers_free(w->informers);
	catalog_unref(w->catalog);
	cluster_close(w->cluster);
	clock_fake_free(w->clock);
	free(w);
	return 0;
}

static const struct resource *resource(struct world *w, const char *group, const char *plural)
{
	return catalog_find(w->catalog, group, NULL, plural);
}

static void begin(struct world *w, const struct reconciler *r)
{
	struct error *err = NULL;

	w->controller = controller_prepare(r, w->informers, w->clock, &err);
	if (!w->controller)
		fail_msg("%s", error_message(err));
}

static struct object *make(struct world *w, const char *group, const char *plural, json_t *tree)
{
	struct object *out = NULL;
	struct error *err = NULL;

	if (cluster_create_tree(w->cluster, NULL, resource(w, group, plural),
				json_path_string(tree, "metadata.namespace"), tree, NULL, &out,
				&err) < 0)
		fail_msg("%s", error_message(err));
	json_decref(tree);
	return out;
}

static bool count_item(void *arg, const char *json, size_t len)
{
	(void)json;
	(void)len;
	++*(size_t *)arg;
	return true;
}

static size_t count(struct world *w, const char *group, const char *plural)
{
	struct list_options opt = {0};
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	size_t n = 0;

	assert_int_equal(cluster_list(w->cluster, NULL, resource(w, group, plural), "", &opt,
				      count_item, &n, &meta, NULL),
			 0);
	return n;
}

/* Works until WANTED of the type are there: events come from another thread. */
static void work_until(struct world *w, const char *group, const char *plural, size_t wanted)
{
	for (long turn = 0; count(w, group, plural) != wanted; turn++) {
		if (turn > 20000)
			fail_msg("%zu %s, not %zu", count(w, group, plural), plural, wanted);
		if (!controller_run_due(w->controller))
			sched_yield();
	}
}

static json_t *set_tree(int replicas)
{
	return json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:i, s:{s:{s:s}}, s:{s:{s:{s:s}}, "
			 "s:{s:[{s:s, s:s}]}}}}",
			 "apiVersion", "apps/v1", "kind", "ReplicaSet", "metadata", "name", "web",
			 "namespace", "d", "spec", "replicas", replicas, "selector", "matchLabels",
			 "app", "web", "template", "metadata", "labels", "app", "web", "spec",
			 "containers", "name", "c", "image", "i");
}

static json_t *pod_tree(const char *name, const char *app, const struct object *owner)
{
	json_t *tree =
		json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{s:[{s:s, s:s}]}}", "apiVersion",
			  "v1", "kind", "Pod", "metadata", "name", name, "namespace", "d", "labels",
			  "app", app, "spec", "containers", "name", "c", "image", "i");

	if (owner)
		json_path_set(tree, "metadata.ownerReferences",
			      json_pack("[o]", controller_reference(owner)));
	return tree;
}

static void test_set_makes_and_adopts(void **state)
{
	struct world *w = *state;
	struct object *orphan CLEANUP(object_unref_cleanup) = NULL;
	struct object *other CLEANUP(object_unref_cleanup) = NULL;
	struct object *set CLEANUP(object_unref_cleanup) = NULL;
	struct owner owner;

	orphan = make(w, "", "pods", pod_tree("orphan", "web", NULL));
	other = make(w, "", "pods", pod_tree("other", "db", NULL));
	begin(w, &reconciler_replicaset);
	set = make(w, "apps", "replicasets", set_tree(3));
	work_until(w, "", "pods", 4);
	/* No more come, however often it looks. */
	for (int k = 0; k < 5; k++) {
		fake_settle(w->cluster);
		controller_enqueue(w->controller, "d", "web");
		controller_run_due(w->controller);
	}
	assert_int_equal(count(w, "", "pods"), 4);
	object_unref(steal(&orphan));
	assert_int_equal(cluster_get(w->cluster, NULL, resource(w, "", "pods"), "d", "orphan",
				     &orphan, NULL),
			 0);
	assert_true(object_controller(orphan, &owner));
	assert_string_equal(owner.uid, set->uid);
	owner_release(&owner);
	object_unref(steal(&other));
	assert_int_equal(
		cluster_get(w->cluster, NULL, resource(w, "", "pods"), "d", "other", &other, NULL),
		0);
	assert_false(object_controller(other, &owner));
}

/* The cache may be behind; what was made is counted all the same. */
static void test_set_counts_what_it_made(void **state)
{
	struct world *w = *state;

	begin(w, &reconciler_replicaset);
	object_unref(make(w, "apps", "replicasets", set_tree(50)));
	work_until(w, "", "pods", 50);
	for (int k = 0; k < 20; k++) {
		controller_enqueue(w->controller, "d", "web");
		controller_run_due(w->controller);
		assert_int_equal(count(w, "", "pods"), 50);
	}
}

static int refuse_pods(void *arg, const struct fake_request *r, struct error **err)
{
	(void)arg;
	if (r->verb == VERB_CREATE && !strcmp(r->resource->plural, "pods"))
		return error_set(err, E_QUOTA, "exceeded quota");
	return 0;
}

static void test_set_tells_why_it_cannot(void **state)
{
	struct world *w = *state;
	struct object *set CLEANUP(object_unref_cleanup) = NULL;
	char *reason free_ptr = NULL, *message free_ptr = NULL;

	begin(w, &reconciler_replicaset);
	fake_on_request(w->cluster, refuse_pods, NULL);
	set = make(w, "apps", "replicasets", set_tree(3));
	while (!controller_run_due(w->controller))
		sched_yield();
	fake_on_request(w->cluster, NULL, NULL);
	object_unref(steal(&set));
	assert_int_equal(cluster_get(w->cluster, NULL, resource(w, "apps", "replicasets"), "d",
				     "web", &set, NULL),
			 0);
	reason = object_string(set, "status.conditions[0].reason");
	message = object_string(set, "status.conditions[0].message");
	assert_string_equal(reason, "FailedCreate");
	assert_string_equal(message, "exceeded quota");
}

struct rank_row {
	const char *name, *node, *phase, *ready, *cost;
};

static void test_rank(void **state)
{
	static const struct rank_row rows[] = {
		{"ready", "n1", "Running", "True", "0"},
		{"dear", "n2", "Running", "True", "10"},
		{"cheap", "n3", "Running", "True", "-5"},
		{"unready", "n1", "Running", "False", "0"},
		{"pending", "n1", "Pending", "False", "0"},
		{"unassigned", "", "Pending", "False", "0"},
	};
	static const char *const order[] = {"unassigned", "pending", "unready",
					    "cheap",	  "ready",   "dear"};
	struct object_list pods = {0};

	(void)state;
	pods.v = xcalloc(ARRAY_SIZE(rows), sizeof(*pods.v));
	for (const struct rank_row *r = rows; r < rows + ARRAY_SIZE(rows); r++) {
		json_t *tree = pod_tree(r->name, "web", NULL);

		json_path_set(tree, "spec.nodeName", json_string(r->node));
		json_path_set(tree, "status.phase", json_string(r->phase));
		json_path_set(tree, "status.conditions",
			      json_pack("[{s:s, s:s}]", "type", "Ready", "status", r->ready));
		json_path_set(tree,
			      "metadata.annotations[controller.kubernetes.io/pod-deletion-cost]",
			      json_string(r->cost));
		pods.v[pods.n++] = object_from_tree(tree);
		json_decref(tree);
	}
	replicaset_rank(&pods);
	for (size_t k = 0; k < pods.n; k++)
		assert_string_equal(pods.v[k]->name, order[k]);
	object_list_release(&pods);
}

/* The same where some of it waits for a later time. */
static void work_with_time_until(struct world *w, const char *group, const char *plural,
				 size_t wanted)
{
	for (int k = 0; k < 20000 && count(w, group, plural) != wanted; k++) {
		clock_fake_advance(w->clock, 50 * NS_PER_MS);
		controller_run_due(w->controller);
		sched_yield();
	}
	assert_int_equal(count(w, group, plural), wanted);
}

static void test_garbage_of_absent_owner(void **state)
{
	struct world *w = *state;
	struct object *set CLEANUP(object_unref_cleanup) =
		make(w, "apps", "replicasets", set_tree(0));
	struct delete_options opt = {.grace_period_s = 0, .propagation = PROPAGATE_BACKGROUND};

	for (int k = 0; k < 3; k++) {
		char name[16];

		snprintf(name, sizeof(name), "p%d", k);
		object_unref(make(w, "", "pods", pod_tree(name, "web", set)));
	}
	object_unref(make(w, "", "pods", pod_tree("free", "web", NULL)));
	begin(w, &reconciler_garbage_collector);
	for (int k = 0; k < 50; k++)
		controller_run_due(w->controller);
	assert_int_equal(count(w, "", "pods"), 4);
	assert_int_equal(cluster_delete(w->cluster, NULL, resource(w, "apps", "replicasets"), "d",
					"web", &opt, NULL, NULL, NULL),
			 0);
	work_with_time_until(w, "", "pods", 1);
}

static struct object *make_migration(struct world *w)
{
	return make(w, "db.company.com", "migrations",
		    json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion", "db.company.com/v1", "kind",
			      "Migration", "metadata", "name", "m", "namespace", "d"));
}

/* The catalog of the cluster as it is now, with a type that came after the collector began. */
static void serve_migrations(struct world *w)
{
	struct resource row = {.group = "db.company.com",
			       .version = "v1",
			       .plural = "migrations",
			       .singular = "migration",
			       .kind = "Migration",
			       .list_kind = "MigrationList",
			       .namespaced = true,
			       .custom = true,
			       .storage_group = "db.company.com",
			       .storage_version = "v1",
			       .verbs = VERB_GET | VERB_LIST | VERB_WATCH | VERB_CREATE |
					VERB_UPDATE | VERB_PATCH | VERB_DELETE};
	const struct resource *r = resource_new(&row, NULL);

	fake_add_resource(w->cluster, r);
	resource_unref(r);
	catalog_unref(w->catalog);
	w->catalog = cluster_catalog(w->cluster, NULL, NULL);
}

/* Its definition is told before it is served: only the catalog says when. */
static void test_garbage_of_new_type(void **state)
{
	struct world *w = *state;
	struct object *owner CLEANUP(object_unref_cleanup) = NULL;
	struct delete_options opt = {.grace_period_s = 0, .propagation = PROPAGATE_FOREGROUND};

	begin(w, &reconciler_garbage_collector);
	object_unref(make(w, "apiextensions.k8s.io", "customresourcedefinitions",
			  json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "apiextensions.k8s.io/v1",
				    "kind", "CustomResourceDefinition", "metadata", "name",
				    "migrations.db.company.com")));
	fake_settle(w->cluster);
	for (int k = 0; k < 50; k++)
		controller_run_due(w->controller);
	serve_migrations(w);
	owner = make_migration(w);
	object_unref(make(w, "", "pods", pod_tree("p", "web", owner)));
	assert_int_equal(cluster_delete(w->cluster, NULL,
					resource(w, "db.company.com", "migrations"), "d", "m", &opt,
					NULL, NULL, NULL),
			 0);
	work_with_time_until(w, "db.company.com", "migrations", 0);
	assert_int_equal(count(w, "", "pods"), 0);
}

static int refuse_migrations(void *arg, const struct fake_request *r, struct error **err)
{
	(void)arg;
	if ((r->verb & (VERB_LIST | VERB_WATCH)) && !strcmp(r->resource->plural, "migrations"))
		return error_set(err, E_UNREACHABLE, "not now");
	return 0;
}

/* Nothing tells that an owner goes that was never seen: what it owns is looked at until it was. */
static void test_garbage_of_unseen_owner(void **state)
{
	struct world *w = *state;
	struct object *owner CLEANUP(object_unref_cleanup) = NULL;
	struct delete_options opt = {.grace_period_s = 0, .propagation = PROPAGATE_BACKGROUND};

	fake_on_request(w->cluster, refuse_migrations, NULL);
	begin(w, &reconciler_garbage_collector);
	serve_migrations(w);
	owner = make_migration(w);
	object_unref(make(w, "", "pods", pod_tree("p", "web", owner)));
	for (int k = 0; k < 100; k++) {
		clock_fake_advance(w->clock, 50 * NS_PER_MS);
		fake_settle(w->cluster);
		controller_run_due(w->controller);
	}
	assert_int_equal(count(w, "", "pods"), 1);
	assert_int_equal(cluster_delete(w->cluster, NULL,
					resource(w, "db.company.com", "migrations"), "d", "m", &opt,
					NULL, NULL, NULL),
			 0);
	fake_on_request(w->cluster, NULL, NULL);
	work_with_time_until(w, "", "pods", 0);
}

static void delete_and_work(struct world *w, enum propagation how, size_t pods_left)
{
	struct delete_options opt = {.grace_period_s = 0, .propagation = how};

	assert_int_equal(cluster_delete(w->cluster, NULL, resource(w, "apps", "replicasets"), "d",
					"web", &opt, NULL, NULL, NULL),
			 0);
	assert_int_equal(count(w, "apps", "replicasets"), 1);
	work_with_time_until(w, "apps", "replicasets", 0);
	assert_int_equal(count(w, "", "pods"), pods_left);
}

static void test_garbage_orphan(void **state)
{
	struct world *w = *state;
	struct object *set CLEANUP(object_unref_cleanup) =
		make(w, "apps", "replicasets", set_tree(0));
	struct object *pod CLEANUP(object_unref_cleanup) =
		make(w, "", "pods", pod_tree("p", "web", set));
	struct owner owner;

	begin(w, &reconciler_garbage_collector);
	delete_and_work(w, PROPAGATE_ORPHAN, 1);
	object_unref(steal(&pod));
	assert_int_equal(
		cluster_get(w->cluster, NULL, resource(w, "", "pods"), "d", "p", &pod, NULL), 0);
	assert_false(object_controller(pod, &owner));
}

/* The owner goes last. */
static void test_garbage_foreground(void **state)
{
	struct world *w = *state;
	struct object *set CLEANUP(object_unref_cleanup) =
		make(w, "apps", "replicasets", set_tree(0));

	object_unref(make(w, "", "pods", pod_tree("p", "web", set)));
	object_unref(make(w, "", "pods", pod_tree("q", "web", set)));
	begin(w, &reconciler_garbage_collector);
	delete_and_work(w, PROPAGATE_FOREGROUND, 0);
}

/* Works until the object at NAMESPACE/NAME has the JSON text WANT at PATH ("" for nothing). */
static void work_until_json(struct world *w, const char *group, const char *plural,
			    const char *namespace, const char *name, const char *path,
			    const char *want)
{
	for (long turn = 0;; turn++) {
		struct object *o CLEANUP(object_unref_cleanup) = NULL;
		struct str got CLEANUP(str_release) = STR_INIT;
		json_t *tree json_auto = NULL;

		if (cluster_get(w->cluster, NULL, resource(w, group, plural), namespace, name, &o,
				NULL) == 0) {
			tree = object_tree(o);
			if (json_path(tree, path))
				json_write(json_path(tree, path), &got);
			if (!strcmp(got.s, want))
				return;
		}
		if (turn > 20000)
			fail_msg("%s %s: %s is %s, not %s", plural, name, path, got.s, want);
		if (!controller_run_due(w->controller))
			sched_yield();
	}
}

static void patch(struct world *w, const char *group, const char *plural, const char *namespace,
		  const char *name, const char *subresource, json_t *change)
{
	struct error *err = NULL;

	if (cluster_patch_tree(w->cluster, NULL, resource(w, group, plural), namespace, name,
			       subresource, PATCH_MERGE, change, NULL, NULL, &err) < 0)
		fail_msg("%s", error_message(err));
	json_decref(change);
}

static void test_node_taints_follow_conditions(void **state)
{
	struct world *w = *state;

	begin(w, &reconciler_node_taints);
	object_unref(make(w, "", "nodes",
			  json_pack("{s:s, s:s, s:{s:s}, s:{s:[{s:s, s:s}]}}", "apiVersion", "v1",
				    "kind", "Node", "metadata", "name", "n1", "spec", "taints",
				    "key", "mine", "effect", "NoSchedule")));
	work_until_json(w, "", "nodes", "", "n1", "spec.taints[1].key",
			"\"node.kubernetes.io/not-ready\"");
	patch(w, "", "nodes", "", "n1", "status",
	      json_pack("{s:{s:[{s:s, s:s}, {s:s, s:s}]}}", "status", "conditions", "type", "Ready",
			"status", "True", "type", "DiskPressure", "status", "True"));
	work_until_json(w, "", "nodes", "", "n1", "spec.taints[1].key",
			"\"node.kubernetes.io/disk-pressure\"");
	patch(w, "", "nodes", "", "n1", "status",
	      json_pack("{s:{s:[{s:s, s:s}]}}", "status", "conditions", "type", "Ready", "status",
			"True"));
	work_until_json(w, "", "nodes", "", "n1", "spec.taints",
			"[{\"effect\":\"NoSchedule\",\"key\":\"mine\"}]");
}

static void test_claim_stays_while_used(void **state)
{
	struct world *w = *state;
	const struct delete_options now = {.grace_period_s = 0};
	json_t *pod = pod_tree("user", "x", NULL);

	begin(w, &reconciler_claim_protection);
	object_unref(make(w, "", "persistentvolumeclaims",
			  json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion", "v1", "kind",
				    "PersistentVolumeClaim", "metadata", "name", "c", "namespace",
				    "d")));
	work_until_json(w, "", "persistentvolumeclaims", "d", "c", "metadata.finalizers",
			"[\"kubernetes.io/pvc-protection\"]");
	json_path_set(pod, "spec.nodeName", json_string("n1"));
	json_path_set(pod, "spec.volumes",
		      json_pack("[{s:s, s:{s:s}}]", "name", "v", "persistentVolumeClaim",
				"claimName", "c"));
	object_unref(make(w, "", "pods", pod));
	assert_int_equal(cluster_delete(w->cluster, NULL, resource(w, "", "persistentvolumeclaims"),
					"d", "c", NULL, NULL, NULL, NULL),
			 0);
	while (controller_run_due(w->controller))
		;
	assert_int_equal(count(w, "", "persistentvolumeclaims"), 1);
	assert_int_equal(cluster_delete(w->cluster, NULL, resource(w, "", "pods"), "d", "user",
					&now, NULL, NULL, NULL),
			 0);
	work_until(w, "", "persistentvolumeclaims", 0);
}

static void test_certificates_in_every_namespace(void **state)
{
	struct world *w = *state;

	begin(w, &reconciler_root_ca);
	object_unref(make(w, "", "namespaces",
			  json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind", "Namespace",
				    "metadata", "name", "d")));
	work_until_json(w, "", "configmaps", "d", "kube-root-ca.crt", "data", "{\"ca.crt\":\"\"}");
	object_unref(make(w, "", "configmaps",
			  json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s}}", "apiVersion", "v1", "kind",
				    "ConfigMap", "metadata", "name",
				    "extension-apiserver-authentication", "namespace",
				    "kube-system", "data", "client-ca-file", "PEM")));
	work_until_json(w, "", "configmaps", "d", "kube-root-ca.crt", "data",
			"{\"ca.crt\":\"PEM\"}");
}

static void test_quota_counts_what_is_there(void **state)
{
	struct world *w = *state;
	const struct delete_options now = {.grace_period_s = 0};

	object_unref(make(w, "", "pods", pod_tree("a", "x", NULL)));
	object_unref(make(w, "", "pods", pod_tree("b", "x", NULL)));
	begin(w, &reconciler_resource_quota);
	object_unref(make(w, "", "resourcequotas",
			  json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:{s:s, s:s, s:s}}}", "apiVersion",
				    "v1", "kind", "ResourceQuota", "metadata", "name", "q",
				    "namespace", "d", "spec", "hard", "pods", "5", "secrets", "1",
				    "count/deployments.apps", "2")));
	work_until_json(w, "", "resourcequotas", "d", "q", "status.used",
			"{\"count/deployments.apps\":\"0\",\"pods\":\"2\",\"secrets\":\"0\"}");
	assert_int_equal(cluster_delete(w->cluster, NULL, resource(w, "", "pods"), "d", "a", &now,
					NULL, NULL, NULL),
			 0);
	work_until_json(w, "", "resourcequotas", "d", "q", "status.used.pods", "\"1\"");
}

#define RBAC "rbac.authorization.k8s.io"

static json_t *role_tree(const char *name, const char *label, const char *resources)
{
	return json_pack("{s:s, s:s, s:{s:s, s:{s:s}}, s:[{s:[s], s:[s], s:[s]}]}", "apiVersion",
			 RBAC "/v1", "kind", "ClusterRole", "metadata", "name", name, "labels",
			 label, "yes", "rules", "apiGroups", "", "resources", resources, "verbs",
			 "get");
}

/* The rules of the parts, by name, each once; a new part joins. */
static void test_cluster_roles_are_gathered(void **state)
{
#define RULE(resource) "{\"apiGroups\":[\"\"],\"resources\":[\"" resource "\"],\"verbs\":[\"get\"]}"
	struct world *w = *state;

	object_unref(make(w, RBAC, "clusterroles", role_tree("c", "part", "pods")));
	object_unref(make(w, RBAC, "clusterroles", role_tree("b", "part", "nodes")));
	object_unref(make(w, RBAC, "clusterroles", role_tree("a", "part", "pods")));
	object_unref(make(w, RBAC, "clusterroles", role_tree("other", "no-part", "secrets")));
	object_unref(make(w, RBAC, "clusterroles",
			  json_pack("{s:s, s:s, s:{s:s}, s:{s:[{s:{s:s}}]}}", "apiVersion",
				    RBAC "/v1", "kind", "ClusterRole", "metadata", "name", "whole",
				    "aggregationRule", "clusterRoleSelectors", "matchLabels",
				    "part", "yes")));
	begin(w, &reconciler_clusterrole_aggregation);
	work_until_json(w, RBAC, "clusterroles", "", "whole", "rules",
			"[" RULE("pods") "," RULE("nodes") "]");
	object_unref(make(w, RBAC, "clusterroles", role_tree("d", "part", "events")));
	work_until_json(w, RBAC, "clusterroles", "", "whole", "rules",
			"[" RULE("pods") "," RULE("nodes") "," RULE("events") "]");
}

#define REGISTRATION "admissionregistration.k8s.io"

/* A policy is told which of its expressions do not fit the types that its rules name. */
static void test_policy_types_are_checked(void **state)
{
	static const char text[] =
		"{'apiVersion':'" REGISTRATION "/v1','kind':'ValidatingAdmissionPolicy',"
		"'metadata':{'name':'p'},'spec':{'matchConstraints':{'resourceRules':[{"
		"'apiGroups':['apps'],'apiVersions':['v1'],'operations':['*'],'resources':["
		"'deployments','replicasets','deployments/scale']}]},'variables':[{'name':'n',"
		"'expression':'object.spec.replicas'}],'validations':[{'expression':"
		"'variables.n > 1 && object.metadata.labels.all(k, k != object.kind)'},{"
		"'expression':'object.spec.paused','messageExpression':'string(variables.n)'}]}}";
	struct world *w = *state;
	char *json free_ptr = xstrdup(text);

	for (char *c = json; *c; c++)
		if (*c == '\'')
			*c = '"';
	object_unref(
		make(w, REGISTRATION, "validatingadmissionpolicies", json_loads(json, 0, NULL)));
	begin(w, &reconciler_policy_status);
	work_until_json(w, REGISTRATION, "validatingadmissionpolicies", "", "p",
			"status.typeChecking.expressionWarnings",
			"[{\"fieldRef\":\"spec.validations[1].expression\",\"warning\":\"apps/v1, "
			"Kind=ReplicaSet: ERROR: <input>:1:12: undefined field 'paused'\\n "
			"| object.spec.paused\\n | ...........^\\n\"}]");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_set_makes_and_adopts),
		TEST(test_set_counts_what_it_made),
		TEST(test_node_taints_follow_conditions),
		TEST(test_claim_stays_while_used),
		TEST(test_certificates_in_every_namespace),
		TEST(test_quota_counts_what_is_there),
		TEST(test_cluster_roles_are_gathered),
		TEST(test_policy_types_are_checked),
		TEST(test_set_tells_why_it_cannot),
		cmocka_unit_test(test_rank),
		TEST(test_garbage_of_absent_owner),
		TEST(test_garbage_of_new_type),
		TEST(test_garbage_of_unseen_owner),
		TEST(test_garbage_orphan),
		TEST(test_garbage_foreground),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
