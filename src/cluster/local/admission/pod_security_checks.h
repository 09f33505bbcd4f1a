/*
 * What the checks of the Pod Security Standards share: a table for each level, and the words in
 * which a violation is told (pod_security_tell.c).
 *
 * Ownership: lists of names are JSON arrays of strings, their caller's.
 * Threads: pure functions.
 */
#ifndef CLUSTER_LOCAL_ADMISSION_POD_SECURITY_CHECKS_H
#define CLUSTER_LOCAL_ADMISSION_POD_SECURITY_CHECKS_H

#include "cluster/local/admission/pod_security.h"

/* A pod, or the template of one. */
struct pod_security_subject {
	const json_t *metadata, *spec;
	unsigned minor;
};

/*
 * One check. RUN returns NULL where the pod keeps it, else in short what is wrong, and appends the
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

/* In the order in which violations are told, by id. Each ends with a row that has no id. */
extern const struct pod_security_check pod_security_baseline[];
extern const struct pod_security_check pod_security_restricted[];

void names_add(json_t *list, const char *name);
/* Keeps LIST sorted and each name once. */
void names_insert(json_t *list, const char *name);
/* Between commas, each in QUOTE. */
void names_join(const json_t *list, const char *quote, struct str *out);
/* container "a"; containers "a", "b" */
void names_tell(const json_t *list, const char *one, const char *many, struct str *out);

/*
 * Whether a container, or the pod itself, has something wrong in it; the values that are wrong are
 * added to VALUES.
 */
typedef bool is_bad(const json_t *holder, json_t *values, const struct pod_security_subject *s);

/* A rule about containers alone: those that break it, and with which values. */
struct broken {
	json_t *containers, *values;
};

struct broken broken_find(const struct pod_security_subject *s, is_bad *bad);
void broken_release(struct broken *b);
bool broken_any(const struct broken *b);
void broken_tell(const json_t *containers, struct str *out);
/* pod and containers "a", "b": what set something wrong. */
void broken_tell_setters(bool pod, const json_t *containers, struct str *out);
/* ... use hostPorts ...: one or many of each. */
void broken_tell_use(const struct broken *b, const char *one, const char *many, struct str *out);
void broken_tell_added(const struct broken *b, struct str *detail);

bool subject_is_windows(const struct pod_security_subject *s);
/* From 1.35 on a pod in a user namespace of its own may more. */
bool subject_has_own_users(const struct pod_security_subject *s);

/* Checks that both levels have in some form. What is set is set to something that is allowed. */
const char *pod_security_seccomp(const struct pod_security_subject *s, struct str *detail);
const char *pod_security_proc_mount(const struct pod_security_subject *s, struct str *detail);

#endif
