/*
 * The Pod Security Standards: what a pod may ask for at the levels baseline and restricted, in
 * each version of them.
 *
 * Threads: pure functions.
 */
#ifndef CLUSTER_LOCAL_ADMISSION_POD_SECURITY_H
#define CLUSTER_LOCAL_ADMISSION_POD_SECURITY_H

#include "base/str.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>

enum pod_security_level { LEVEL_PRIVILEGED, LEVEL_BASELINE, LEVEL_RESTRICTED };

#define POD_SECURITY_LATEST UINT_MAX

/* A level as of Kubernetes 1.MINOR. */
struct pod_security {
	enum pod_security_level level;
	unsigned minor;
};

/*
 * Whether a pod keeps P. What it violates is appended: REASONS in short, DETAILS with the
 * particulars in parentheses. Either may be NULL.
 */
bool pod_security_allows(const struct pod_security *p, const json_t *metadata, const json_t *spec,
			 struct str *reasons, struct str *details);

#endif
