/*
 * A scheduling plugin: one file in plugins/, one line in plugins[].
 *
 * Functions are pure and run under the scheduler's lock.
 */
#ifndef SCHEDULER_PLUGIN_H
#define SCHEDULER_PLUGIN_H

#include "scheduler/snapshot.h"

#include "base/str.h"

#define SCORE_MAX 100
#define REASONS_MAX 16

/* Why one node was refused, in kube-scheduler's words. */
struct reasons {
	char *v[REASONS_MAX];
	size_t n;
};
void reasons_add(struct reasons *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void reasons_release(struct reasons *r);

struct plugin {
	const char *name;
	/* Adds reasons where POD cannot run on NODE. NULL: never refuses. */
	void (*filter)(const struct pod_info *pod, const struct node_info *node,
		       struct reasons *why);
	/* 0 or more, higher is better; scaled over all nodes to SCORE_MAX when SCALED, else at most
	 * SCORE_MAX. NULL: no opinion. */
	int64_t (*score)(const struct pod_info *pod, const struct node_info *node);
	bool scaled;
	bool reversed; /* with scaled: lower is better */
};

struct plugin_row {
	const struct plugin *plugin;
	int64_t weight; /* of its score */
};
/* In the order in which filters run; ends with a NULL plugin. */
extern const struct plugin_row plugins[];

extern const struct plugin plugin_node_affinity;
extern const struct plugin plugin_node_name;
extern const struct plugin plugin_node_ports;
extern const struct plugin plugin_node_resources_fit;
extern const struct plugin plugin_node_unschedulable;
extern const struct plugin plugin_taint_toleration;

#endif
