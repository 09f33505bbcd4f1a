#include "kinds/kind.h"
#include "kinds/resource.h"
#include "kinds/tables.h"
#include "object/json.h"
#include "object/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

/* Every object of the cases was made two minutes and a half before this. */
#define NOW "2026-01-01T00:02:30Z"
#define MADE "\"creationTimestamp\":\"2026-01-01T00:00:00Z\""
#define META "\"metadata\":{\"name\":\"x\"," MADE "}"
#define RUNNING "\"state\":{\"running\":{}},\"ready\":true,\"restartCount\":0"

struct sample {
	const char *api_version, *kind, *object, *cells;
};

static const struct resource *resource_of(struct catalog *c, const struct sample *s)
{
	const struct resource *r = catalog_find_kind(c, s->api_version, s->kind);

	assert_non_null(r);
	return r;
}

static json_t *read(const char *text)
{
	json_t *tree = json_read(text, strlen(text), NULL);

	if (!tree)
		fail_msg("no JSON: %s", text);
	return tree;
}

static void check(struct catalog *c, const struct sample *s)
{
	const struct resource *r = resource_of(c, s);
	json_t *object json_auto = read(s->object);
	struct str got CLEANUP(str_release) = STR_INIT;
	json_t *cells json_auto = NULL;
	int64_t now;

	assert_int_equal(time_parse(NOW, &now), 0);
	cells = table_cells(r, object, now);
	json_write(cells, &got);
	assert_string_equal(got.s, s->cells);
}

static void check_all(const struct sample *samples, size_t n)
{
	struct catalog *c CLEANUP(catalog_unref_cleanup) = catalog_builtin();

	for (size_t i = 0; i < n; i++)
		check(c, &samples[i]);
}

#define POD(spec, status) \
	"v1", "Pod", "{" META ",\"spec\":{" spec "},\"status\":{\"phase\":" status "}}"
#define TWO "\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]"
#define INIT "\"initContainers\":[{\"name\":\"i\"},{\"name\":\"j\"}]," TWO
#define SIDECAR "\"initContainers\":[{\"name\":\"i\",\"restartPolicy\":\"Always\"}]," TWO
#define ROW(ready, status, restarts)                      \
	"[\"x\",\"" ready "\",\"" status "\",\"" restarts \
	"\",\"2m30s\",\"<none>\",\"<none>\",\"<none>\",\"<none>\"]"

static void test_pods(void **state)
{
	static const struct sample samples[] = {
		{POD(TWO, "\"Pending\""), ROW("0/2", "Pending", "0")},
		{POD(TWO, "\"Failed\",\"reason\":\"Evicted\""), ROW("0/2", "Evicted", "0")},
		{POD(TWO, "\"Running\",\"containerStatuses\":[{" RUNNING "},{" RUNNING "}]"),
		 ROW("2/2", "Running", "0")},
		{POD(TWO,
		     "\"Running\",\"containerStatuses\":[{" RUNNING "},{\"restartCount\":3,"
		     "\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\"}},\"lastState\":{"
		     "\"terminated\":{\"finishedAt\":\"2026-01-01T00:02:00Z\"}}}]"),
		 ROW("1/2", "CrashLoopBackOff", "3 (30s ago)")},
		{POD(TWO, "\"Failed\",\"containerStatuses\":[{\"state\":{\"terminated\":{"
			  "\"exitCode\":3}}},{\"state\":{\"terminated\":{\"signal\":9}}}]"),
		 ROW("0/2", "ExitCode:3", "0")},
		{POD(TWO, "\"Failed\",\"containerStatuses\":[{\"state\":{\"terminated\":{"
			  "\"signal\":9,\"exitCode\":137}}}]"),
		 ROW("0/2", "Signal:9", "0")},
		{POD(TWO, "\"Running\",\"containerStatuses\":[{\"state\":{\"terminated\":{"
			  "\"exitCode\":0,\"reason\":\"Completed\"}}},{" RUNNING "}]"),
		 ROW("1/2", "NotReady", "0")},
		{POD(TWO, "\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],"
			  "\"containerStatuses\":[{\"state\":{\"terminated\":{\"exitCode\":0,"
			  "\"reason\":\"Completed\"}}},{" RUNNING "}]"),
		 ROW("1/2", "Running", "0")},
		/* The first is told unless it did its work; what failed is told before that. */
		{POD(TWO, "\"Running\",\"containerStatuses\":[{\"state\":{\"terminated\":{"
			  "\"exitCode\":0,\"reason\":\"Completed\"}}},{\"state\":{\"terminated\":{"
			  "\"exitCode\":1,\"reason\":\"Error\"}}}]"),
		 ROW("0/2", "Error", "0")},
		{POD(INIT, "\"Pending\",\"initContainerStatuses\":[{\"name\":\"i\",\"state\":{"
			   "\"terminated\":{\"exitCode\":0}}},{\"name\":\"j\",\"state\":{"
			   "\"running\":{}}}]"),
		 ROW("0/2", "Init:1/2", "0")},
		{POD(INIT,
		     "\"Pending\",\"initContainerStatuses\":[{\"name\":\"i\",\"restartCount\":"
		     "2,\"state\":{\"waiting\":{\"reason\":\"CrashLoopBackOff\"}}}]"),
		 ROW("0/2", "Init:CrashLoopBackOff", "2")},
		{POD(INIT, "\"Pending\",\"initContainerStatuses\":[{\"name\":\"i\",\"state\":{"
			   "\"terminated\":{\"exitCode\":1,\"reason\":\"Error\"}}}]"),
		 ROW("0/2", "Init:Error", "0")},
		{POD(SIDECAR,
		     "\"Running\",\"initContainerStatuses\":[{\"name\":\"i\",\"started\":true,"
		     "\"restartCount\":1,\"ready\":true,\"state\":{\"running\":{}}}],"
		     "\"containerStatuses\":[{" RUNNING "},{" RUNNING "}]"),
		 ROW("3/3", "Running", "1")},
		{POD(TWO, "\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\",\"reason\":"
			  "\"SchedulingGated\"}]"),
		 ROW("0/2", "SchedulingGated", "0")},
		{"v1", "Pod",
		 "{\"metadata\":{\"name\":\"x\"," MADE ",\"deletionTimestamp\":\"" NOW
		 "\"},\"spec\":{" TWO "},\"status\":{\"phase\":\"Running\"}}",
		 ROW("0/2", "Terminating", "0")},
		{"v1", "Pod",
		 "{\"metadata\":{\"name\":\"x\"," MADE ",\"deletionTimestamp\":\"" NOW
		 "\"},\"spec\":{" TWO
		 "},\"status\":{\"phase\":\"Running\",\"reason\":\"NodeLost\"}}",
		 ROW("0/2", "Unknown", "0")},
		{POD("\"nodeName\":\"n\",\"readinessGates\":[{\"conditionType\":\"a\"},{"
		     "\"conditionType\":\"b\"}]",
		     "\"Running\",\"podIPs\":[{\"ip\":\"192.0.2.1\"}],\"nominatedNodeName\":\"m\","
		     "\"conditions\":[{\"type\":\"b\",\"status\":\"True\"}]"),
		 "[\"x\",\"0/0\",\"Running\",\"0\",\"2m30s\",\"192.0.2.1\",\"n\",\"m\",\"1/2\"]"},
		{"v1", "Pod", "{}",
		 "[\"\",\"0/0\",\"\",\"0\",\"<unknown>\",\"<none>\",\"<none>\",\"<none>\","
		 "\"<none>\"]"},
	};

	check_all(samples, ARRAY_SIZE(samples));
}

#define TEMPLATE                                                                              \
	"\"template\":{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\"},{\"name\":" \
	"\"b\",\"image\":\"j\"}]}}"
#define SELECTOR "\"selector\":{\"matchLabels\":{\"app\":\"a\"}}"

static void test_workloads(void **state)
{
	static const struct sample samples[] = {
		{"apps/v1", "Deployment",
		 "{" META ",\"spec\":{\"replicas\":3," SELECTOR "," TEMPLATE
		 "},\"status\":{\"readyReplicas\":1,\"updatedReplicas\":2}}",
		 "[\"x\",\"1/3\",2,0,\"2m30s\",\"a,b\",\"i,j\",\"app=a\"]"},
		{"apps/v1", "StatefulSet", "{" META ",\"spec\":{\"replicas\":2," TEMPLATE "}}",
		 "[\"x\",\"0/2\",\"2m30s\",\"a,b\",\"i,j\"]"},
		{"v1", "ReplicationController",
		 "{" META ",\"spec\":{\"replicas\":1,\"selector\":{\"b\":\"2\",\"a\":\"1\"}}}",
		 "[\"x\",1,0,0,\"2m30s\",\"\",\"\",\"a=1,b=2\"]"},
		{"batch/v1", "Job",
		 "{" META ",\"spec\":{\"completions\":2},\"status\":{\"succeeded\":2,\"startTime\":"
		 "\"2026-01-01T00:00:00Z\",\"completionTime\":\"2026-01-01T00:00:09Z\","
		 "\"conditions\":"
		 "[{\"type\":\"Complete\",\"status\":\"True\"}]}}",
		 "[\"x\",\"Complete\",\"2/2\",\"9s\",\"2m30s\",\"\",\"\",\"<none>\"]"},
		{"batch/v1", "Job",
		 "{" META ",\"spec\":{\"parallelism\":4},\"status\":{\"startTime\":"
		 "\"2026-01-01T00:02:00Z\"}}",
		 "[\"x\",\"Running\",\"0/1 of 4\",\"30s\",\"2m30s\",\"\",\"\",\"<none>\"]"},
		{"batch/v1", "Job",
		 "{" META ",\"spec\":{\"completions\":2},\"status\":{\"conditions\":[{\"type\":"
		 "\"SuccessCriteriaMet\",\"status\":\"True\"}]}}",
		 "[\"x\",\"SuccessCriteriaMet\",\"0/2\",\"\",\"2m30s\",\"\",\"\",\"<none>\"]"},
		{"batch/v1", "CronJob",
		 "{" META ",\"spec\":{\"schedule\":\"* * * * *\",\"suspend\":false},\"status\":{"
		 "\"active\":[{}]}}",
		 "[\"x\",\"* * * * *\",\"<none>\",\"False\",1,\"<none>\",\"2m30s\",\"\",\"\","
		 "\"<none>\"]"},
		{"apps/v1", "ControllerRevision",
		 "{\"metadata\":{\"name\":\"x\"," MADE ",\"ownerReferences\":[{\"apiVersion\":"
		 "\"apps/v1\",\"kind\":\"StatefulSet\",\"name\":\"w\",\"controller\":true}]},"
		 "\"revision\":7}",
		 "[\"x\",\"statefulset.apps/w\",7,\"2m30s\"]"},
		{"autoscaling/v2", "HorizontalPodAutoscaler",
		 "{" META ",\"spec\":{\"metrics\":[{\"type\":\"Pods\",\"pods\":{\"target\":{"
		 "\"averageValue\":\"5\"}}},{\"type\":\"Object\",\"object\":{\"target\":{"
		 "\"averageValue\":\"5\"}}}]},\"status\":{\"currentMetrics\":[{\"pods\":{"
		 "\"current\":{}}},{\"object\":{\"current\":{}}}]}}",
		 "[\"x\",\"/\",\"<nil>/5, <unknown>/5 (avg)\",\"<unset>\",0,0,\"2m30s\"]"},
		{"autoscaling/v2", "HorizontalPodAutoscaler",
		 "{" META
		 ",\"spec\":{\"maxReplicas\":3,\"scaleTargetRef\":{\"kind\":\"Deployment\","
		 "\"name\":\"d\"},\"metrics\":[{\"type\":\"Resource\",\"resource\":{\"name\":"
		 "\"cpu\","
		 "\"target\":{\"averageUtilization\":80}}},{\"type\":\"Pods\",\"pods\":{\"target\":"
		 "{"
		 "\"averageValue\":\"5\"}}},{\"type\":\"External\",\"external\":{\"target\":{"
		 "\"value\":\"9\"}}}]},\"status\":{\"currentMetrics\":[{\"resource\":{\"current\":{"
		 "\"averageUtilization\":33}}}]}}",
		 "[\"x\",\"Deployment/d\",\"cpu: 33%/80%, <unknown>/5 + 1 "
		 "more...\",\"<unset>\",3,0,"
		 "\"2m30s\"]"},
	};

	check_all(samples, ARRAY_SIZE(samples));
}

static void test_core(void **state)
{
	static const struct sample samples[] = {
		{"v1", "ConfigMap", "{" META ",\"data\":{\"a\":\"\"},\"binaryData\":{\"b\":\"\"}}",
		 "[\"x\",2,\"2m30s\"]"},
		{"v1", "Secret", "{" META ",\"type\":\"Opaque\",\"data\":{\"a\":\"\"}}",
		 "[\"x\",\"Opaque\",1,\"2m30s\"]"},
		{"v1", "Node",
		 "{\"metadata\":{\"name\":\"x\"," MADE ",\"labels\":{"
		 "\"node-role.kubernetes.io/worker\":\"\",\"kubernetes.io/"
		 "role\":\"edge\"}},\"spec\":"
		 "{\"unschedulable\":true},\"status\":{\"conditions\":[{\"type\":\"Ready\","
		 "\"status\":"
		 "\"Unknown\"}],\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"192.0.2.1\"}]"
		 "}}",
		 "[\"x\",\"NotReady,SchedulingDisabled\",\"edge,worker\",\"2m30s\",\"\","
		 "\"192.0.2.1\",\"<none>\",\"<unknown>\",\"<unknown>\",\"<unknown>\"]"},
		{"v1", "Node",
		 "{" META ",\"status\":{\"nodeInfo\":{\"kernelVersion\":\"6.1\",\"architecture\":"
		 "\"arm64\"}}}",
		 "[\"x\",\"Unknown\",\"<none>\",\"2m30s\",\"\",\"<none>\",\"<none>\",\"<unknown>\","
		 "\"6.1 "
		 "(arm64)\",\"<unknown>\"]"},
		{"v1", "Event",
		 "{" META
		 ",\"involvedObject\":{\"kind\":\"Pod\",\"name\":\"p\"},\"message\":\" m\\n\","
		 "\"reason\":\"R\",\"type\":\"Normal\",\"source\":{\"component\":\"c\",\"host\":"
		 "\"h\"},"
		 "\"firstTimestamp\":\"2026-01-01T00:00:30Z\",\"lastTimestamp\":"
		 "\"2026-01-01T00:02:20Z\",\"count\":4}",
		 "[\"10s\",\"Normal\",\"R\",\"pod/p\",\"\",\"c, h\",\"m\",\"2m\",4,\"x\"]"},
		{"events.k8s.io/v1", "Event",
		 "{" META
		 ",\"regarding\":{\"kind\":\"Pod\"},\"note\":\"n\",\"reportingController\":"
		 "\"c\",\"reportingInstance\":\"i\",\"eventTime\":\"2026-01-01T00:02:00.000000Z\","
		 "\"series\":{\"count\":9,\"lastObservedTime\":\"2026-01-01T00:02:29.000000Z\"}}",
		 "[\"1s\",\"\",\"\",\"pod\",\"\",\"c, i\",\"n\",\"30s\",9,\"x\"]"},
		{"v1", "ResourceQuota",
		 "{" META
		 ",\"status\":{\"hard\":{\"pods\":\"4\",\"limits.cpu\":\"2\",\"cpu\":\"1\"},"
		 "\"used\":{\"pods\":\"1\"}}}",
		 "[\"x\",\"cpu: 0/1, pods: 1/4\",\"limits.cpu: 0/2\",\"2m30s\"]"},
		{"v1", "LimitRange", "{" META "}", "[\"x\",\"2026-01-01T00:00:00Z\"]"},
	};

	check_all(samples, ARRAY_SIZE(samples));
}

static void test_network(void **state)
{
	static const struct sample samples[] = {
		{"v1", "Service",
		 "{" META ",\"spec\":{\"type\":\"LoadBalancer\",\"clusterIPs\":[\"10.0.0.1\"],"
		 "\"ports\":[{\"port\":80,\"nodePort\":30080,\"protocol\":\"TCP\"},{\"port\":53,"
		 "\"protocol\":\"UDP\"}],\"selector\":{\"app\":\"a\"}}}",
		 "[\"x\",\"LoadBalancer\",\"10.0.0.1\",\"<pending>\",\"80:30080/TCP,53/UDP\","
		 "\"2m30s\",\"app=a\"]"},
		{"v1", "Service",
		 "{" META ",\"spec\":{\"type\":\"LoadBalancer\",\"externalIPs\":[\"3.3.3.3\"]},"
		 "\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"2.2.2.2\"},{\"hostname\":"
		 "\"1.example\"},{\"ip\":\"2.2.2.2\"}]}}}",
		 "[\"x\",\"LoadBalancer\",\"<none>\",\"1.example,2.2.2.2,3.3.3.3\",\"<none>\","
		 "\"2m30s\",\"<none>\"]"},
		{"v1", "Endpoints",
		 "{" META ",\"subsets\":[{\"addresses\":[{\"ip\":\"1.1.1.1\"},{\"ip\":\"::1\"}],"
		 "\"ports\":[{\"port\":80},{\"port\":81}]}]}",
		 "[\"x\",\"1.1.1.1:80,[::1]:80,1.1.1.1:81 + 1 more...\",\"2m30s\"]"},
		{"v1", "Endpoints", "{" META "}", "[\"x\",\"<none>\",\"2m30s\"]"},
		{"discovery.k8s.io/v1", "EndpointSlice", "{" META ",\"addressType\":\"IPv4\"}",
		 "[\"x\",\"IPv4\",\"<unset>\",\"<unset>\",\"2m30s\"]"},
		{"networking.k8s.io/v1", "Ingress",
		 "{" META ",\"spec\":{\"tls\":[{}],\"rules\":[{\"host\":\"a\"},{\"host\":\"b\"},{"
		 "\"host\":\"c\"},{\"host\":\"d\"},{}]}}",
		 "[\"x\",\"<none>\",\"a,b,c + 2 more...\",\"\",\"80, 443\",\"2m30s\"]"},
		{"networking.k8s.io/v1", "NetworkPolicy",
		 "{" META ",\"spec\":{\"podSelector\":{}}}", "[\"x\",\"<none>\",\"2m30s\"]"},
	};

	check_all(samples, ARRAY_SIZE(samples));
}

static void test_storage_and_policy(void **state)
{
	static const struct sample samples[] = {
		{"v1", "PersistentVolume",
		 "{" META ",\"spec\":{\"capacity\":{\"storage\":\"1Gi\"},\"accessModes\":["
		 "\"ReadWriteMany\",\"ReadWriteOnce\"],\"claimRef\":{\"namespace\":\"n\",\"name\":"
		 "\"c\"},"
		 "\"storageClassName\":\"s\",\"persistentVolumeReclaimPolicy\":\"Retain\"},"
		 "\"status\":{"
		 "\"phase\":\"Bound\"}}",
		 "[\"x\",\"1Gi\",\"RWO,RWX\",\"Retain\",\"Bound\",\"n/c\",\"s\",\"<unset>\",\"\","
		 "\"2m30s\",\"<unset>\"]"},
		{"v1", "PersistentVolumeClaim",
		 "{" META ",\"spec\":{\"volumeName\":\"v\"},\"status\":{\"phase\":\"Bound\","
		 "\"capacity\":{\"storage\":\"1Gi\"},\"accessModes\":[\"ReadWriteOncePod\"]}}",
		 "[\"x\",\"Bound\",\"v\",\"1Gi\",\"RWOP\",\"\",\"<unset>\",\"2m30s\",\"<unset>\"]"},
		{"rbac.authorization.k8s.io/v1", "RoleBinding",
		 "{" META ",\"roleRef\":{\"kind\":\"Role\",\"name\":\"r\"},\"subjects\":[{\"kind\":"
		 "\"User\",\"name\":\"u\"},{\"kind\":\"User\",\"name\":\"v\"},{\"kind\":"
		 "\"ServiceAccount\",\"namespace\":\"n\",\"name\":\"s\"}]}",
		 "[\"x\",\"Role/r\",\"2m30s\",\"u, v\",\"\",\"n/s\"]"},
		{"policy/v1", "PodDisruptionBudget", "{" META ",\"spec\":{\"maxUnavailable\":1}}",
		 "[\"x\",\"N/A\",\"1\",0,\"2m30s\"]"},
		{"certificates.k8s.io/v1", "CertificateSigningRequest",
		 "{" META
		 ",\"spec\":{\"signerName\":\"s\",\"username\":\"u\",\"expirationSeconds\":600}"
		 ",\"status\":{\"certificate\":\"x\",\"conditions\":[{\"type\":\"Approved\","
		 "\"status\":"
		 "\"True\"}]}}",
		 "[\"x\",\"2m30s\",\"s\",\"u\",\"10m\",\"Approved,Issued\"]"},
		{"apiregistration.k8s.io/v1", "APIService",
		 "{" META
		 ",\"spec\":{\"service\":{\"namespace\":\"n\",\"name\":\"s\"}},\"status\":{"
		 "\"conditions\":[{\"type\":\"Available\",\"status\":\"False\",\"reason\":\"Gone\"}"
		 "]}}",
		 "[\"x\",\"n/s\",\"False (Gone)\",\"2m30s\"]"},
	};

	check_all(samples, ARRAY_SIZE(samples));
}

/* Every type answers an empty object: a head for each cell, but for an IPAddress's age. */
static void test_heads_and_cells_agree(void **state)
{
	struct catalog *c CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	json_t *empty json_auto = json_object();

	for (size_t i = 0; i < catalog_count(c); i++) {
		const struct resource *r = catalog_at(c, i);
		json_t *heads json_auto = table_columns(r);
		json_t *cells json_auto = table_cells(r, empty, 0);
		size_t more = strcmp(r->kind, "IPAddress") == 0;

		assert_true(json_array_size(heads) >= 2);
		assert_int_equal(json_array_size(heads) + more, json_array_size(cells));
	}
}

static void test_conditions(void **state)
{
	struct catalog *c CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	const struct resource *pods = catalog_find(c, "", "v1", "pods");
	json_t *failed json_auto = read("{\"status\":{\"phase\":\"Failed\"}}");
	json_t *running json_auto = read("{\"status\":{\"phase\":\"Running\"}}");
	json_t *conditions json_auto = table_conditions(pods, failed);

	assert_string_equal(json_path_string(json_array_get(conditions, 0), "type"), "Completed");
	assert_string_equal(json_path_string(json_array_get(conditions, 0), "reason"), "Failed");
	assert_null(table_conditions(pods, running));
	assert_null(table_conditions(catalog_find(c, "", "v1", "secrets"), failed));
}

static const char *head_name(const json_t *heads, size_t i)
{
	return json_path_string(json_array_get(heads, i), "name");
}

static void test_custom(void **state)
{
	static const char *const none[] = {NULL};
	struct column size = {"Size", "integer", "", "", 0, ".spec.size"};
	struct resource row = {.group = "e.x",
			       .version = "v1",
			       .plural = "things",
			       .singular = "thing",
			       .kind = "Thing",
			       .short_names = none,
			       .categories = none,
			       .custom = true};
	json_t *object json_auto = read("{" META ",\"spec\":{\"size\":3}}");
	const struct resource *plain CLEANUP(resource_unref_cleanup) = resource_new(&row, NULL);
	const struct resource *own CLEANUP(resource_unref_cleanup) = NULL;
	json_t *plain_heads json_auto = table_columns(plain);
	json_t *own_heads json_auto = NULL, *cells json_auto = NULL;

	row.columns = &size;
	row.n_columns = 1;
	own = resource_new(&row, NULL);
	own_heads = table_columns(own);
	cells = table_cells(own, object, 0);
	assert_string_equal(head_name(plain_heads, 1), "Age");
	assert_int_equal(json_array_size(own_heads), 2);
	assert_string_equal(head_name(own_heads, 1), "Size");
	assert_int_equal(json_array_size(cells), 2);
	assert_int_equal(json_integer_value(json_array_get(cells, 1)), 3);
}

static void test_column_paths(void **state)
{
	static const struct {
		const char *path, *want; /* NULL: nothing is found */
	} rows[] = {
		{".spec.size", "3"},
		{".spec", "{\"size\":3}"},
		{".spec['size']", "3"},
		{".spec.none", NULL},
		{".metadata.labels.a\\.b/c", "\"l\""},
		{".list[0].type", "\"Ready\""},
		{".list[-1].type", "\"Odd\""},
		{".list[7].type", NULL},
		{".list[*].type", "\"Ready\""},
		{".list[?(@.type==\"Odd\")].status", "\"no\""},
		{".list[?(@.type=='None')].status", NULL},
		{".list[?(@.n > 4)].type", "\"Odd\""},
		{".list[?(@.n!=5)].type", "\"Ready\""},
		{".list[?(@.on==true)].type", "\"Odd\""},
		{".list[?(@.on)].type", "\"Odd\""},
		{".list[", NULL},
		{".list[?(@.type==\"Odd].status", NULL},
		{"spec", NULL},
		{".", "{"},
	};
	json_t *object json_auto =
		read("{\"spec\":{\"size\":3},\"metadata\":{\"labels\":{\"a.b/c\":\"l\"}},\"list\":["
		     "{\"type\":\"Ready\",\"status\":\"yes\",\"n\":4},"
		     "{\"type\":\"Odd\",\"status\":\"no\",\"n\":5,\"on\":true}]}");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const json_t *found = column_find(object, rows[i].path);
		char *text free_ptr =
			found ? json_to_text(found, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

		if (!rows[i].want ? found != NULL
				  : !text || strncmp(text, rows[i].want, strlen(rows[i].want)))
			fail_msg("%s: %s", rows[i].path, text ? text : "nothing");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pods),
		cmocka_unit_test(test_workloads),
		cmocka_unit_test(test_core),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_storage_and_policy),
		cmocka_unit_test(test_heads_and_cells_agree),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_custom),
		cmocka_unit_test(test_column_paths),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
