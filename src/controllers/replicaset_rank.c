#include "controllers/replicaset.h"

#include "controllers/common.h"
#include "object/json.h"

#include <string.h>

#define COST "metadata.annotations[controller.kubernetes.io/pod-deletion-cost]"

struct candidate {
	struct object *pod;
	char *node;
	int phase;
	bool ready;
	int64_t cost, ready_since, restarts;
	size_t together; /* how many of the pods are on its node */
};

static int phase_rank(const struct object *pod)
{
	struct span phase = object_find(pod, "status.phase");

	if (json_span_equal(phase, "\"Running\""))
		return 2;
	return json_span_equal(phase, "\"Unknown\"") ? 1 : 0;
}

static int64_t restarts_of(const struct object *pod)
{
	struct span list = object_find(pod, "status.containerStatuses");
	json_t *statuses json_auto = list.p ? json_read(list.p, list.len, NULL) : NULL;
	int64_t most = 0;
	json_t *status;
	size_t k;

	json_array_foreach (statuses, k, status)
		most = MAX(most, json_path_int(status, "restartCount", 0));
	return most;
}

static struct candidate candidate_of(struct object *pod)
{
	struct candidate c = {.pod = pod, .phase = phase_rank(pod), .restarts = restarts_of(pod)};
	char *cost free_ptr = object_string(pod, COST);

	c.node = object_string(pod, "spec.nodeName");
	c.ready = pod_is_ready(pod, &c.ready_since);
	c.cost = cost ? strtol(cost, NULL, 10) : 0;
	return c;
}

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* One column after the other; the first that differs decides. */
static int by_rank(const void *x, const void *y)
{
	const struct candidate *a = x, *b = y;
	const int columns[] = {
		compare(a->node && *a->node, b->node && *b->node),
		compare(a->phase, b->phase),
		compare(a->ready, b->ready),
		compare(a->cost, b->cost),
		compare((int64_t)b->together, (int64_t)a->together),
		compare(b->ready_since, a->ready_since),
		compare(b->restarts, a->restarts),
		strcmp(b->pod->creation_timestamp, a->pod->creation_timestamp),
		strcmp(a->pod->name, b->pod->name),
	};

	for (size_t k = 0; k < ARRAY_SIZE(columns); k++)
		if (columns[k])
			return columns[k];
	return 0;
}

void replicaset_rank(struct object_list *pods)
{
	struct candidate *all = xcalloc(pods->n + 1, sizeof(*all));

	for (size_t k = 0; k < pods->n; k++)
		all[k] = candidate_of(pods->v[k]);
	for (size_t k = 0; k < pods->n; k++)
		for (size_t m = 0; m < pods->n; m++)
			all[k].together += str_equal(all[k].node, all[m].node);
	qsort(all, pods->n, sizeof(*all), by_rank);
	for (size_t k = 0; k < pods->n; k++) {
		pods->v[k] = all[k].pod;
		free(all[k].node);
	}
	free(all);
}
