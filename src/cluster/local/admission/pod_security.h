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

/* A pod, or the template of one. */
struct pod_security_subject {
	const json_t *metadata, *spec;
	unsigned minor;
};

/*
 * One rule. RUN returns NULL where the pod keeps it, else in short what is wrong, and appends the
 * particulars to DETAIL. It applies from version SINCE on, at the level restricted alone or at
 * both; where it does, the baseline rule INSTEAD_OF need not be looked at.
 */
struct pod_security_check {
	const char *id;
	enum pod_security_level level;
	unsigned since;
	const char *(*run)(const struct pod_security_subject *s, struct str *detail);
	const char *instead_of;
};

/* In the order in which violations are told: baseline, then restricted, each by id. Ends with a
 * row that has no id. */
extern const struct pod_security_check pod_security_checks[];

/*
 * Whether a pod keeps P. What it violates is appended: REASONS in short, DETAILS with the
 * particulars in parentheses. Either may be NULL.
 */
bool pod_security_allows(const struct pod_security *p, const json_t *metadata, const json_t *spec,
			 struct str *reasons, struct str *details);

#endif
