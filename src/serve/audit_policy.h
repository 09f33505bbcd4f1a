/*
 * What the audit log records: a Policy of audit.k8s.io/v1 as kube-apiserver reads it. Of its rules
 * the first that fits a request counts; where none does, nothing is recorded. Bodies are never
 * recorded: Request and RequestResponse are recorded as Metadata, which reading the file tells.
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
/* P NULL: everything but that a request has come in. */
bool audit_policy_records(const struct audit_policy *p, const struct request *r,
			  const struct access *access, enum audit_stage stage);
/* "ResponseComplete" */
const char *audit_stage_name(enum audit_stage stage);

#endif
