/*
 * The parts of the Deployment reconciler: revisions (which ReplicaSet is the new one), scaling,
 * the two strategies, status.
 *
 * One struct rollout lives for one sync. Its trees are copies; the ReplicaSets in it are replaced
 * by what a write answered, so that every later step of the sync sees it.
 */
#ifndef CONTROLLERS_DEPLOYMENT_H
#define CONTROLLERS_DEPLOYMENT_H

#include "cache/controller.h"
#include "cache/recorder.h"

#include <jansson.h>

#define ANNOTATION_REVISION "deployment.kubernetes.io/revision"
#define ANNOTATION_HISTORY "deployment.kubernetes.io/revision-history"
#define ANNOTATION_DESIRED "deployment.kubernetes.io/desired-replicas"
#define ANNOTATION_MAX "deployment.kubernetes.io/max-replicas"
#define LABEL_HASH "pod-template-hash"

struct rollout_set {
	json_t *tree; /* the ReplicaSet */
	struct object *object;
};

struct rollout {
	struct controller *controller;
	struct recorder *recorder;
	struct object *object; /* the Deployment as read */
	json_t *tree;
	struct rollout_set *sets; /* by creation, oldest first */
	size_t n_sets, cap_sets;
	ssize_t newest; /* index of the set with the present template; -1: none */
};

void rollout_release(struct rollout *r);
void rollout_add(struct rollout *r, struct object *set);
struct rollout_set *rollout_new(const struct rollout *r); /* NULL: none */
bool rollout_is_old(const struct rollout *r, const struct rollout_set *set);
int64_t rollout_replicas(const struct rollout *r); /* the Deployment's spec.replicas */
int64_t set_replicas(const struct rollout_set *set);
int64_t set_available(const struct rollout_set *set); /* at most its replicas */
int64_t rollout_total(const struct rollout *r);	      /* sum of all sets' spec.replicas */
int64_t rollout_available(const struct rollout *r);
/* The strategy's bounds in pods, percents resolved; both 0 is resolved to 1 unavailable. */
void rollout_bounds(const struct rollout *r, int64_t *max_surge, int64_t *max_unavailable);
bool rollout_complete(const struct rollout *r);

/* deployment_revision.c: finds r->newest, made when CREATE; keeps revision annotations. */
int revision_sync(struct rollout *r, bool create, struct error **err);
/* Deletes old sets past revisionHistoryLimit. */
int revision_cleanup(struct rollout *r, struct error **err);

/* deployment_scale.c */
/* Brings SET to REPLICAS and tells it; *scaled when that was a change. */
int set_scale(struct rollout *r, struct rollout_set *set, int64_t replicas, bool *scaled,
	      struct error **err);
/* The Deployment's replicas changed since its sets were scaled last. */
bool rollout_needs_scale(const struct rollout *r);
int rollout_scale(struct rollout *r, struct error **err);
/* How many replicas the new set may have next. */
int64_t rollout_new_replicas(const struct rollout *r, const struct rollout_set *set);

/* deployment_rolling.c, deployment_recreate.c: one step; *scaled when it took one. */
int rolling_step(struct rollout *r, bool *scaled, struct error **err);
int recreate_step(struct rollout *r, struct error **err);

/* deployment_status.c: writes status and conditions where they changed. */
int rollout_status(struct rollout *r, struct error **err);
/* Sets the Progressing condition in r->tree; rollout_status writes it. */
void rollout_progress(struct rollout *r, const char *status, const char *reason, const char *format,
		      ...) __attribute__((format(printf, 4, 5)));

#endif
