/* Pods and nodes as rows: which node is chosen, or in which words it is refused. */
#include "object/json.h"
#include "scheduler/cycle.h"
#include "scheduler/queue.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NODE(name, labels, spec, cpu)                                             \
	"{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"" name \
	"\",\"labels\":{" labels "}},\"spec\":{" spec                             \
	"},\"status\":{\"allocatable\":{\"cpu\":\"" cpu "\",\"memory\":\"8Gi\",\"pods\":\"2\"}}}"
#define POD(name, spec)                                                          \
	"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"" name \
	"\",\"namespace\":\"d\",\"uid\":\"" name "\"},\"spec\":{" spec "}}"
#define CPU(amount) \
	"\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":{\"cpu\":\"" amount "\"}}}]"
#define PORT "\"containers\":[{\"name\":\"c\",\"ports\":[{\"hostPort\":80}]}]"

struct row {
	const char *name;
	const char *nodes[3];
	const char *placed; /* a pod that runs on node "a" already, or NULL */
	const char *pod;
	const char *chosen; /* a node, or the refusal */
};

static const struct row rows[] = {
	{"no nodes", {NULL}, NULL, POD("p", CPU("1")), "no nodes available to schedule pods"},
	{"fits on the larger",
	 {NODE("a", "", "", "1"), NODE("b", "", "", "4")},
	 NULL,
	 POD("p", CPU("2")),
	 "b"},
	{"fits nowhere",
	 {NODE("a", "", "", "1"), NODE("b", "", "", "1"), NODE("c", "", "", "1")},
	 NULL,
	 POD("p", CPU("2")),
	 "0/3 nodes are available: 3 Insufficient cpu."},
	{"what runs counts",
	 {NODE("a", "", "", "2")},
	 POD("q", CPU("1500m")),
	 POD("p", CPU("501m")),
	 "0/1 nodes are available: 1 Insufficient cpu."},
	{"to the milli",
	 {NODE("a", "", "", "2")},
	 POD("q", CPU("1500m")),
	 POD("p", CPU("500m")),
	 "a"},
	{"the emptier of two",
	 {NODE("a", "", "", "4"), NODE("b", "", "", "4")},
	 POD("q", CPU("2")),
	 POD("p", CPU("1")),
	 "b"},
	{"an init container's peak counts",
	 {NODE("a", "", "", "2")},
	 NULL,
	 POD("p",
	     "\"initContainers\":[{\"name\":\"i\",\"resources\":{\"requests\":{\"cpu\":\"3\"}}}"
	     "]," CPU("1")),
	 "0/1 nodes are available: 1 Insufficient cpu."},
	{"overhead counts",
	 {NODE("a", "", "", "2")},
	 NULL,
	 POD("p", "\"overhead\":{\"cpu\":\"1500m\"}," CPU("1")),
	 "0/1 nodes are available: 1 Insufficient cpu."},
	{"cordoned",
	 {NODE("a", "", "\"unschedulable\":true", "4")},
	 NULL,
	 POD("p", CPU("1")),
	 "0/1 nodes are available: 1 node(s) were unschedulable."},
	{"selector",
	 {NODE("a", "\"disk\":\"hdd\"", "", "4"), NODE("b", "\"disk\":\"ssd\"", "", "4")},
	 NULL,
	 POD("p", "\"nodeSelector\":{\"disk\":\"ssd\"}," CPU("1")),
	 "b"},
	{"required affinity",
	 {NODE("a", "\"disk\":\"hdd\"", "", "4")},
	 NULL,
	 POD("p",
	     "\"affinity\":{\"nodeAffinity\":{"
	     "\"requiredDuringSchedulingIgnoredDuringExecution\":{\"nodeSelectorTerms\":[{"
	     "\"matchExpressions\":[{\"key\":\"disk\",\"operator\":\"In\",\"values\":[\"ssd\"]}]"
	     "}]}}}," CPU("1")),
	 "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."},
	{"a taint and too little, counted apart",
	 {NODE("a", "", "\"taints\":[{\"key\":\"k\",\"value\":\"v\",\"effect\":\"NoSchedule\"}]",
	       "4"),
	  NODE("b", "", "", "1")},
	 NULL,
	 POD("p", CPU("2")),
	 "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {k: v}."},
	{"a tolerated taint",
	 {NODE("a", "", "\"taints\":[{\"key\":\"k\",\"value\":\"v\",\"effect\":\"NoSchedule\"}]",
	       "4")},
	 NULL,
	 POD("p", "\"tolerations\":[{\"key\":\"k\",\"operator\":\"Exists\"}]," CPU("1")),
	 "a"},
	{"a port that is taken",
	 {NODE("a", "", "", "4")},
	 POD("q", PORT),
	 POD("p", PORT),
	 "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."},
};

static struct object *object(const char *json)
{
	struct object *o = object_parse(json, strlen(json), NULL);

	assert_non_null(o);
	return o;
}

static struct pod_info *pod(const char *json)
{
	struct object *o CLEANUP(object_unref_cleanup) = object(json);

	return pod_info_new(o);
}

static void run_row(const struct row *row)
{
	struct str why CLEANUP(str_release) = STR_INIT;
	struct pod_info *p = pod(row->pod);
	const struct node_info *node;
	struct snapshot s;

	snapshot_init(&s);
	for (size_t k = 0; k < ARRAY_SIZE(row->nodes) && row->nodes[k]; k++) {
		struct object *n CLEANUP(object_unref_cleanup) = object(row->nodes[k]);

		snapshot_node(&s, n->name, n);
	}
	if (row->placed)
		snapshot_place(&s, "a", pod(row->placed));
	node = cycle_run(&s, p, 0, &why);
	if (strcmp(node ? node->name : why.s, row->chosen) != 0)
		fail_msg("%s: %s, not %s", row->name, node ? node->name : why.s, row->chosen);
	pod_info_free(p);
	snapshot_release(&s);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
		run_row(&rows[k]);
}

/* What was placed and removed leaves no trace. */
static void test_snapshot_gives_back(void **state)
{
	struct object *n CLEANUP(object_unref_cleanup) = object(NODE("a", "", "", "2"));
	struct str why CLEANUP(str_release) = STR_INIT;
	struct pod_info *p = pod(POD("p", CPU("2")));
	struct snapshot s;

	(void)state;
	snapshot_init(&s);
	snapshot_place(&s, "a", pod(POD("q", CPU("1"))));
	snapshot_node(&s, "a", n);
	assert_null(cycle_run(&s, p, 0, &why));
	snapshot_place(&s, "a", pod(POD("q", CPU("2"))));
	assert_true(snapshot_remove(&s, "q"));
	assert_false(snapshot_remove(&s, "q"));
	assert_non_null(cycle_run(&s, p, 0, &why));
	snapshot_node(&s, "a", NULL);
	assert_int_equal(map_count(s.nodes), 0);
	pod_info_free(p);
	snapshot_release(&s);
}

static void expect_next(struct pod_queue *q, int64_t now, const char *uid)
{
	struct queued_pod *p = pod_queue_pop(q, now);

	if (!uid) {
		assert_null(p);
		return;
	}
	assert_non_null(p);
	assert_string_equal(p->pod->object->uid, uid);
	pod_queue_failed(q, p, false, now);
}

static void test_queue(void **state)
{
	struct pod_queue q;
	struct queued_pod *p;

	(void)state;
	pod_queue_init(&q);
	pod_queue_put(&q, pod(POD("old", CPU("1"))), 1);
	pod_queue_put(&q, pod(POD("new", CPU("1"))), 2);
	pod_queue_put(&q, pod(POD("urgent", "\"priority\":10," CPU("1"))), 3);
	expect_next(&q, 4, "urgent");
	expect_next(&q, 4, "old");
	expect_next(&q, 4, "new");
	expect_next(&q, 4, NULL);
	/* Time alone brings none of them back; a change does, after the back-off of a second. */
	expect_next(&q, 4 + 100 * NS_PER_S, NULL);
	pod_queue_move_all(&q, 5);
	expect_next(&q, 5, NULL);
	assert_true(pod_queue_next_due(&q) == 4 + NS_PER_S);
	p = pod_queue_pop(&q, 4 + NS_PER_S);
	assert_string_equal(p->pod->object->uid, "urgent");
	/* Something changed while it was tried: again after two seconds, without being asked. */
	pod_queue_move_all(&q, 4 + NS_PER_S);
	pod_queue_failed(&q, p, false, 4 + NS_PER_S);
	pod_queue_remove(&q, "old");
	pod_queue_remove(&q, "new");
	expect_next(&q, 3 + 3 * NS_PER_S, NULL);
	expect_next(&q, 4 + 3 * NS_PER_S, "urgent");
	pod_queue_release(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_snapshot_gives_back),
		cmocka_unit_test(test_queue),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
