/*
 * What a pod as a whole asks for and may use: the rule by which kube-scheduler, quotas and limits
 * add up containers. Init containers run one after the other, so the greatest counts; those that
 * keep running (restartPolicy Always) count beside all that comes after them.
 *
 * Threads: pure functions.
 */
#ifndef KINDS_POD_RESOURCES_H
#define KINDS_POD_RESOURCES_H

#include <jansson.h>
#include <stdbool.h>

/* New ResourceLists (object/quantities.h) of a pod spec; its overhead is not in them. */
json_t *pod_requests(const json_t *spec);
json_t *pod_limits(const json_t *spec);
/* What its containers alone add up to. PART: "requests" or "limits". */
json_t *pod_containers_resources(const json_t *spec, const char *part);
/* pod_requests and pod_limits with the overhead; of limits only where there is one. */
json_t *pod_requests_with_overhead(const json_t *spec);
json_t *pod_limits_with_overhead(const json_t *spec);

/* Whether a pod may say itself how much of NAME it wants. */
bool resource_is_of_pods(const char *name);
/* Whether NAME is of an extended resource, one that nodes offer by a domain: example.com/gpu. */
bool resource_is_extended(const char *name);

#endif
