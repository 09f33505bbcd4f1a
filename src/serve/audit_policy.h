/*
 * What the audit log records: a Policy of audit.k8s.io/v1 as kube-apiserver reads it. Of its rules
 * the first that fits a request counts; where none does, nothing is recorded.
 *
 * Bodies of Secrets, ConfigMaps and tokens are recorded only by a rule that names them: by one that
 * is about everything ("*", or no resources) they are recorded at the level Metadata.
 *
 * Threads: immutable once read.
 */
#ifndef SERVE_AUDIT_POLICY_H
#define SERVE_AUDIT_POLICY_H

#include "base/error.h"
#include "kinds/access.h"
#include "serve/audit.h"

struct audit_policy;

/* E_BAD_REQUEST: no such policy. */
struct audit_policy *audit_policy_read(const char *path, struct error **err);
/* Takes NULL. */
void audit_policy_free(struct audit_policy *p);

enum audit_level { AUDIT_NONE, AUDIT_METADATA, AUDIT_REQUEST, AUDIT_REQUEST_RESPONSE };
/* "RequestResponse" */
const char *audit_level_name(enum audit_level level);

/* What is recorded of one request. */
struct audit_decision {
	enum audit_level level;
	bool omit_managed_fields;
	bool omits[AUDIT_STAGES];
};
/* P NULL: Metadata, and not that a request has come in. */
struct audit_decision audit_policy_decide(const struct audit_policy *p, const struct request *r,
					  const struct access *access);
/* "ResponseComplete" */
const char *audit_stage_name(enum audit_stage stage);

#endif
