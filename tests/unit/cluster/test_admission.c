/* The admission plugins, through the local cluster. */
#include "local_fixture.h"

#include "base/str.h"
#include "object/json.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define POD(name, rest)                                                                            \
	"{'metadata':{'name':'" name "'},'spec':{'containers':[{'name':'c','image':'i'}]" rest "}" \
	"}"
#define POD_WITH(name, resources)                                                        \
	"{'metadata':{'name':'" name "'},'spec':{'containers':[{'name':'c','image':'i'," \
	"'resources':{" resources "}}]}}"

static struct local_fixture f;

static int setup(void **state)
{
	fixture_open(&f, NULL);
	fixture_make(&f, "namespaces", "", "{'metadata':{'name':'n'}}");
	fixture_make(&f, "serviceaccounts", "n", "{'metadata':{'name':'default'}}");
	return 0;
}

static int teardown(void **state)
{
	fixture_close(&f);
	return 0;
}

static json_t *create(const char *type, const char *namespace, const char *text)
{
	struct error *err = NULL;
	json_t *tree = fixture_create(&f, type, namespace, text, &err);

	if (!tree)
		fail_msg("%s", error_message(err));
	return tree;
}

static void test_namespace_lifecycle(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct error *refused CLEANUP(error_free_cleanup) = NULL;
	json_t *gone json_auto = NULL;

	fixture_refused(&f, "configmaps", "none", "{'metadata':{'name':'c'}}",
			"namespaces \"none\" not found");
	assert_true(cluster_delete(f.cluster, NULL, fixture_type(&f, "namespaces"), "",
				   "kube-system", NULL, NULL, NULL, &err) < 0);
	assert_string_equal(error_message(err), "namespaces \"kube-system\" is forbidden: this "
						"namespace may not be deleted");
	assert_int_equal(cluster_delete(f.cluster, NULL, fixture_type(&f, "namespaces"), "", "n",
					NULL, NULL, NULL, NULL),
			 0);
	gone = fixture_create(&f, "configmaps", "n", "{'metadata':{'name':'c'}}", &refused);
	assert_null(gone);
	assert_int_equal(refused->n_causes, 1);
	assert_string_equal(refused->causes[0].reason, "NamespaceTerminating");
}

static void test_token_volume(void **state)
{
	json_t *pod json_auto = create("pods", "n",
				       POD("a", ",'initContainers':[{'name':'i',"
						"'image':'i'}]"));
	const char *volume = json_path_string(pod, "spec.volumes[0].name");

	assert_text(pod, "spec.serviceAccountName", "default");
	assert_text(pod, "spec.serviceAccount", "default");
	assert_int_equal(strlen(volume), strlen("kube-api-access-") + 5);
	assert_text(pod, "spec.containers[0].volumeMounts[0].name", volume);
	assert_text(pod, "spec.initContainers[0].volumeMounts[0].mountPath",
		    "/var/run/secrets/kubernetes.io/serviceaccount");
	assert_int_equal(json_path_int(pod,
				       "spec.volumes[0].projected.sources[0].serviceAccountToken."
				       "expirationSeconds",
				       0),
			 3607);
	assert_text(pod, "spec.volumes[0].projected.sources[1].configMap.name", "kube-root-ca.crt");
}

static void test_token_only_where_wanted(void **state)
{
	json_t *without json_auto =
		create("pods", "n", POD("a", ",'automountServiceAccountToken':false"));
	json_t *own json_auto = create(
		"pods", "n",
		"{'metadata':{'name':'b'},'spec':{'volumes':[{'name':'t','emptyDir':{}}],"
		"'containers':[{'name':'c','image':'i','volumeMounts':[{'name':'t','mountPath':"
		"'/var/run/secrets/kubernetes.io/serviceaccount'}]}]}}");
	json_t *by_account json_auto = NULL;

	assert_null(json_path(without, "spec.volumes"));
	assert_int_equal(json_array_size(json_path(own, "spec.volumes")), 1);
	fixture_make(&f, "serviceaccounts", "n",
		     "{'metadata':{'name':'robot'},'automountServiceAccountToken':false,"
		     "'imagePullSecrets':[{'name':'registry'}]}");
	by_account = create("pods", "n", POD("c", ",'serviceAccount':'robot'"));
	assert_text(by_account, "spec.serviceAccountName", "robot");
	assert_null(json_path(by_account, "spec.volumes"));
	assert_text(by_account, "spec.imagePullSecrets[0].name", "registry");
}

static void test_account_rules(void **state)
{
	fixture_refused(&f, "pods", "n", POD("a", ",'serviceAccountName':'none'"),
			"pods \"a\" is forbidden: error looking up service account n/none: "
			"serviceaccount \"none\" not found");
	fixture_make(&f, "serviceaccounts", "n",
		     "{'metadata':{'name':'strict','annotations':{"
		     "'kubernetes.io/enforce-mountable-secrets':'true'}},"
		     "'secrets':[{'name':'mine'}]}");
	fixture_make(&f, "pods", "n",
		     POD("b", ",'serviceAccountName':'strict','volumes':[{'name':'v',"
			      "'secret':{'secretName':'mine'}}]"));
	fixture_refused(&f, "pods", "n",
			POD("d", ",'serviceAccountName':'strict','volumes':[{'name':'v',"
				 "'secret':{'secretName':'other'}}]"),
			"pods \"d\" is forbidden: volume with secret.secretName=\"other\" is not "
			"allowed because service account strict does not reference that secret");
	fixture_refused(&f, "pods", "n",
			"{'metadata':{'name':'m','annotations':{'kubernetes.io/config.mirror':"
			"'x'}},'spec':{'serviceAccountName':'default','nodeName':'n1',"
			"'containers':[{'name':'c','image':'i'}]}}",
			"pods \"m\" is forbidden: a mirror pod may not reference service accounts");
}

static void test_tolerations(void **state)
{
	json_t *plain json_auto = create("pods", "n", POD("a", ""));
	json_t *all json_auto = create("pods", "n",
				       POD("b", ",'tolerations':[{'operator':"
						"'Exists'}]"));

	assert_int_equal(json_array_size(json_path(plain, "spec.tolerations")), 2);
	assert_text(plain, "spec.tolerations[1].key", "node.kubernetes.io/unreachable");
	assert_int_equal(json_path_int(plain, "spec.tolerations[0].tolerationSeconds", 0), 300);
	assert_int_equal(json_array_size(json_path(all, "spec.tolerations")), 1);
}

static void test_priority(void **state)
{
	json_t *plain json_auto = create("pods", "n", POD("a", ""));
	json_t *high json_auto = NULL;
	json_t *by_default json_auto = NULL;

	assert_int_equal(json_path_int(plain, "spec.priority", -1), 0);
	assert_text(plain, "spec.preemptionPolicy", "PreemptLowerPriority");
	fixture_refused(&f, "pods", "n", POD("b", ",'priorityClassName':'high'"),
			"pods \"b\" is forbidden: no PriorityClass with name high was found");
	fixture_make(&f, "priorityclasses", "",
		     "{'metadata':{'name':'high'},'value':1000,'preemptionPolicy':'Never'}");
	high = create("pods", "n", POD("b", ",'priorityClassName':'high'"));
	assert_int_equal(json_path_int(high, "spec.priority", 0), 1000);
	assert_text(high, "spec.preemptionPolicy", "Never");
	fixture_refused(&f, "pods", "n", POD("x", ",'priorityClassName':'high','priority':7"),
			"pods \"x\" is forbidden: the integer value of priority (7) must not be "
			"provided in pod spec; priority admission controller computed 1000 from "
			"the given PriorityClass name");
	fixture_make(&f, "priorityclasses", "",
		     "{'metadata':{'name':'usual'},'value':5,'globalDefault':true}");
	fixture_refused(&f, "priorityclasses", "",
			"{'metadata':{'name':'more'},'value':6,'globalDefault':true}",
			"priorityclasses.scheduling.k8s.io \"more\" is forbidden: PriorityClass "
			"usual is already marked as default. Only one default can exist");
	by_default = create("pods", "n", POD("d", ""));
	assert_text(by_default, "spec.priorityClassName", "usual");
	assert_int_equal(json_path_int(by_default, "spec.priority", 0), 5);
}

static void test_system_classes(void **state)
{
	json_t *pod json_auto =
		create("pods", "n", POD("a", ",'priorityClassName':'system-node-critical'"));

	assert_int_equal(json_path_int(pod, "spec.priority", 0), 2000001000);
}

static void test_default_classes(void **state)
{
	static const char claim[] = "{'metadata':{'name':'c'},'spec':{'accessModes':["
				    "'ReadWriteOnce'],'resources':{'requests':{'storage':'1Gi'}}}}";
	static const char mark[] =
		"{'metadata':{'name':'fast','annotations':{"
		"'storageclass.kubernetes.io/is-default-class':'true'}},'provisioner':'p'}";
	static const char ingress_class[] =
		"{'metadata':{'name':'web','annotations':{"
		"'ingressclass.kubernetes.io/is-default-class':'true'}},"
		"'spec':{'controller':'example.com/c'}}";
	json_t *pvc json_auto = NULL;
	json_t *ingress json_auto = NULL;

	fixture_make(&f, "storageclasses", "", mark);
	fixture_make(&f, "ingressclasses", "", ingress_class);
	pvc = create("persistentvolumeclaims", "n", claim);
	assert_text(pvc, "spec.storageClassName", "fast");
	assert_text(pvc, "metadata.finalizers[0]", "kubernetes.io/pvc-protection");
	ingress = create("ingresses", "n",
			 "{'metadata':{'name':'i'},'spec':{'defaultBackend':{'service':{'name':'s',"
			 "'port':{'number':80}}}}}");
	assert_text(ingress, "spec.ingressClassName", "web");
	fixture_refused(&f, "ingresses", "n",
			"{'metadata':{'name':'j','annotations':{'kubernetes.io/ingress.class':"
			"'x'}},'spec':{'ingressClassName':'y','defaultBackend':{'service':{"
			"'name':'s','port':{'number':80}}}}}",
			"Ingress.networking.k8s.io \"j\" is invalid: "
			"annotations.kubernetes.io/ingress.class: Invalid value: \"x\": must match "
			"`ingressClassName` when both are specified");
}

#define RESIZED(name, node)                                                                    \
	"{'metadata':{'name':'" name "'},'spec':{'nodeName':'" node "','containers':[{'name':" \
	"'c','image':'i','resources':{'requests':{'cpu':'1'}}}]}}"

static void test_claim_resize(void **state)
{
	static const char bigger[] = "{'spec':{'resources':{'requests':{'storage':'2Gi'}}}}";
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *bound json_auto = NULL;
	json_t *after json_auto = NULL;

	fixture_make(&f, "storageclasses", "", "{'metadata':{'name':'s'},'provisioner':'p'}");
	fixture_make(&f, "persistentvolumeclaims", "n",
		     "{'metadata':{'name':'c'},'spec':{'storageClassName':'s','accessModes':["
		     "'ReadWriteOnce'],'resources':{'requests':{'storage':'1Gi'}}}}");
	assert_null(fixture_patch(&f, "persistentvolumeclaims", "n", "c", NULL, bigger, &err));
	error_clear(&err);
	bound = fixture_patch(&f, "persistentvolumeclaims", "n", "c", "status",
			      "{'status':{'phase':'Bound'}}", NULL);
	assert_non_null(bound);
	assert_null(fixture_patch(&f, "persistentvolumeclaims", "n", "c", NULL, bigger, &err));
	assert_non_null(strstr(error_message(err), "only dynamically provisioned pvc can be"));
	json_decref(fixture_patch(&f, "storageclasses", "", "s", NULL,
				  "{'allowVolumeExpansion':true}", NULL));
	after = fixture_patch(&f, "persistentvolumeclaims", "n", "c", NULL, bigger, NULL);
	assert_text(after, "spec.resources.requests.storage", "2Gi");
}

/* To no more than the node can ever give. */
static void test_pod_resize(void **state)
{
	static const struct {
		const char *pod, *cpu, *says; /* NULL: it may */
	} rows[] = {
		{"bound", "2", NULL},
		{"bound", "5",
		 "enough allocatable resources: cpu, requested: 5000, allocatable: 4000"},
		{"lost", "2", "pods \"lost\" is forbidden: node \"gone\" not found"},
		{"win", "2",
		 "pod resize is only supported on linux nodes, node \"w\" is \"windows\""},
	};

	fixture_make(&f, "nodes", "",
		     "{'metadata':{'name':'roomy'},'status':{'allocatable':{'cpu':'4','memory':"
		     "'1Gi'}}}");
	fixture_make(&f, "nodes", "",
		     "{'metadata':{'name':'w','labels':{'kubernetes.io/os':'windows'}}}");
	fixture_make(&f, "pods", "n", RESIZED("bound", "roomy"));
	fixture_make(&f, "pods", "n", RESIZED("lost", "gone"));
	fixture_make(&f, "pods", "n", RESIZED("win", "w"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		char *patch free_ptr =
			xasprintf("{'spec':{'containers':[{'name':'c','image':'i','resources':{"
				  "'requests':{'cpu':'%s'}}}]}}",
				  rows[i].cpu);
		json_t *after json_auto =
			fixture_patch(&f, "pods", "n", rows[i].pod, "resize", patch, &err);

		assert_int_equal(after == NULL, rows[i].says != NULL);
		if (!after && !strstr(error_message(err), rows[i].says))
			fail_msg("%s: %s", rows[i].pod, error_message(err));
	}
}

static void test_node_taint_and_zone(void **state)
{
	json_t *node json_auto =
		create("nodes", "",
		       "{'metadata':{'name':'n1','labels':{'topology.kubernetes.io/zone':'z1'}}}");
	json_t *pod json_auto = NULL;

	assert_text(node, "spec.taints[0].key", "node.kubernetes.io/not-ready");
	assert_text(node, "spec.taints[0].effect", "NoSchedule");
	pod = create("pods", "n", POD("a", ",'nodeName':'n1'"));
	assert_string_equal(json_string_value(json_object_get(json_path(pod, "metadata.labels"),
							      "topology.kubernetes.io/zone")),
			    "z1");
}

static void test_runtime_class(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *pod json_auto = NULL;

	assert_null(fixture_create(&f, "pods", "n", POD("o", ",'overhead':{'no name':'1'}"), &err));
	assert_int_equal(error_code(err), E_INVALID);

	fixture_refused(&f, "pods", "n", POD("a", ",'runtimeClassName':'vm'"),
			"pods \"a\" is forbidden: pod rejected: RuntimeClass \"vm\" not found");
	fixture_make(&f, "runtimeclasses", "",
		     "{'metadata':{'name':'vm'},'handler':'vm','overhead':{'podFixed':{'cpu':"
		     "'100m'}},'scheduling':{'nodeSelector':{'vm':'yes'}}}");
	pod = create("pods", "n", POD("a", ",'runtimeClassName':'vm'"));
	assert_text(pod, "spec.overhead.cpu", "100m");
	assert_text(pod, "spec.nodeSelector.vm", "yes");
	fixture_refused(&f, "pods", "n", POD("b", ",'overhead':{'cpu':'1'}"),
			"pods \"b\" is forbidden: pod rejected: Pod Overhead set without "
			"corresponding RuntimeClass defined Overhead");
}

static void test_limit_defaults(void **state)
{
	json_t *pod json_auto = NULL;

	fixture_make(&f, "limitranges", "n",
		     "{'metadata':{'name':'l'},'spec':{'limits':[{'type':'Container','default':{"
		     "'cpu':'1','memory':'1Gi'},'defaultRequest':{'cpu':'100m'}}]}}");
	pod = create("pods", "n", POD("a", ""));
	assert_text(pod, "spec.containers[0].resources.requests.cpu", "100m");
	assert_text(pod, "spec.containers[0].resources.limits.memory", "1Gi");
	assert_text(pod, "status.qosClass", "Burstable");
	assert_text(pod, "metadata.annotations[kubernetes.io/limit-ranger]",
		    "LimitRanger plugin set: cpu, memory request for container c; cpu, memory "
		    "limit for container c");
}

static void test_limits(void **state)
{
	fixture_make(&f, "limitranges", "n",
		     "{'metadata':{'name':'l'},'spec':{'limits':["
		     "{'type':'Container','min':{'cpu':'100m'},'max':{'cpu':'2'},"
		     "'maxLimitRequestRatio':{'cpu':'4'}},"
		     "{'type':'Pod','max':{'memory':'1Gi'}},"
		     "{'type':'PersistentVolumeClaim','max':{'storage':'5Gi'}}]}}");
	fixture_refused(
		&f, "pods", "n",
		POD_WITH("a", "'requests':{'cpu':'50m'},'limits':{'cpu':'60m','memory':'1Gi'}"),
		"pods \"a\" is forbidden: minimum cpu usage per Container is 100m, but request is "
		"50m");
	fixture_refused(
		&f, "pods", "n",
		POD_WITH("b", "'requests':{'cpu':'200m'},'limits':{'cpu':'1','memory':'2Gi'}"),
		"pods \"b\" is forbidden: [cpu max limit to request ratio per Container is 4, but "
		"provided ratio is 5.000000, maximum memory usage per Pod is 1Gi, but limit is "
		"2Gi]");
	fixture_refused(&f, "persistentvolumeclaims", "n",
			"{'metadata':{'name':'c'},'spec':{'accessModes':['ReadWriteOnce'],"
			"'resources':{'requests':{'storage':'6Gi'}}}}",
			"persistentvolumeclaims \"c\" is forbidden: maximum storage usage per "
			"PersistentVolumeClaim is 5Gi, but request is 6Gi");
	fixture_make(
		&f, "pods", "n",
		POD_WITH("d", "'requests':{'cpu':'500m'},'limits':{'cpu':'1','memory':'1Gi'}"));
}

/* What admission keeps of the cluster is what the last write has left. */
static void test_changes_count_at_once(void **state)
{
	static const char range[] =
		"{'metadata':{'name':'l'},'spec':{'limits':[{'type':'Container',"
		"'defaultRequest':{'cpu':'100m'},'default':{'cpu':'1'}}]}}";
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *first json_auto = create("pods", "n", POD("a", ""));
	json_t *patched json_auto = NULL;
	json_t *second json_auto = NULL;
	json_t *third json_auto = NULL;
	json_t *refused json_auto = NULL;

	assert_null(json_path(first, "spec.containers[0].resources.requests"));
	assert_text(first, "spec.preemptionPolicy", "PreemptLowerPriority");
	assert_non_null(json_path(first, "spec.volumes"));
	fixture_make(&f, "limitranges", "n", range);
	fixture_make(&f, "priorityclasses", "",
		     "{'metadata':{'name':'p'},'value':7,'globalDefault':true}");
	patched = fixture_patch(&f, "serviceaccounts", "n", "default", NULL,
				"{'automountServiceAccountToken':false}", &err);
	assert_non_null(patched);
	second = create("pods", "n", POD("b", ""));
	assert_text(second, "spec.containers[0].resources.requests.cpu", "100m");
	assert_text(second, "spec.priorityClassName", "p");
	assert_null(json_path(second, "spec.volumes"));
	json_decref(patched);
	patched = fixture_patch(&f, "limitranges", "n", "l", NULL,
				"{'spec':{'limits':[{'type':'Container',"
				"'defaultRequest':{'cpu':'200m'}}]}}",
				&err);
	assert_non_null(patched);
	third = create("pods", "n", POD("c", ""));
	assert_text(third, "spec.containers[0].resources.requests.cpu", "200m");
	assert_int_equal(cluster_delete(f.cluster, NULL, fixture_type(&f, "limitranges"), "n", "l",
					NULL, NULL, NULL, NULL),
			 0);
	json_decref(third);
	third = create("pods", "n", POD("d", ""));
	assert_null(json_path(third, "spec.containers[0].resources.requests"));
	json_decref(patched);
	patched = fixture_patch(
		&f, "namespaces", "", "n", NULL,
		"{'metadata':{'labels':{'pod-security.kubernetes.io/enforce':'restricted'}}}",
		&err);
	assert_non_null(patched);
	refused = fixture_create(&f, "pods", "n", POD("e", ""), &err);
	assert_null(refused);
	assert_int_equal(error_code(err), E_FORBIDDEN);
}

/* A namespace that has come and gone. */
static void use_namespace(int number)
{
	char *name free_ptr = xasprintf("gone-%d", number);
	char *text free_ptr = xasprintf("{'metadata':{'name':'%s'}}", name);

	fixture_make(&f, "namespaces", "", text);
	fixture_make(&f, "configmaps", name, "{'metadata':{'name':'c'}}");
	assert_int_equal(cluster_delete(f.cluster, NULL, fixture_type(&f, "configmaps"), name, "c",
					NULL, NULL, NULL, NULL),
			 0);
	assert_int_equal(cluster_delete(f.cluster, NULL, fixture_type(&f, "namespaces"), "", name,
					NULL, NULL, NULL, NULL),
			 0);
}

/* That there are no ranges and no quotas in it is forgotten with it. */
static void test_memory_of_namespaces(void **state)
{
	size_t before;

	for (int i = 0; i < 50; i++)
		use_namespace(i);
	before = mallinfo2().uordblks;
	for (int i = 50; i < 250; i++)
		use_namespace(i);
	assert_true(mallinfo2().uordblks < before + ((size_t)256 << 10));
}

static void test_switches(void **state)
{
	const struct cluster_config config = {.enable_admission = "ExtendedResourceToleration",
					      .disable_admission = "ServiceAccount,Priority"};
	const struct cluster_config wrong = {.disable_admission = "NoSuchPlugin"};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *pod json_auto = NULL;

	fixture_close(&f);
	fixture_open(&f, &config);
	pod = create("pods", "default",
		     POD_WITH("a", "'requests':{'example.com/gpu':1},"
				   "'limits':{'example.com/gpu':1}"));
	assert_null(json_path(pod, "spec.serviceAccountName"));
	assert_null(json_path(pod, "spec.priority"));
	assert_text(pod, "spec.tolerations[2].key", "example.com/gpu");
	assert_null(cluster_open("local:/tmp/kubefs-no-such", &wrong, &err));
	assert_string_equal(error_message(err), "unknown admission plugin \"NoSuchPlugin\"");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_namespace_lifecycle),
		TEST(test_token_volume),
		TEST(test_token_only_where_wanted),
		TEST(test_account_rules),
		TEST(test_tolerations),
		TEST(test_priority),
		TEST(test_system_classes),
		TEST(test_default_classes),
		TEST(test_claim_resize),
		TEST(test_pod_resize),
		TEST(test_node_taint_and_zone),
		TEST(test_runtime_class),
		TEST(test_limit_defaults),
		TEST(test_limits),
		TEST(test_changes_count_at_once),
		TEST(test_memory_of_namespaces),
		TEST(test_switches),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
