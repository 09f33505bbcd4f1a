/*
 * Which requests a webhook or an admission policy is about: rules of groups, versions, resources,
 * operations and scope, and selectors of namespaces and objects. The conditions written in CEL are
 * asked after that (admission_cel.h).
 *
 *	struct admission_match *m = admission_match_new(hook, "rules", MATCH_NOTHING);
 *	const struct resource *as CLEANUP(resource_unref_cleanup) = NULL;
 *
 *	if (admission_matches(m, a, &as, &err) > 0)
 *		call(hook, admission_request(a, as));
 *
 * With matchPolicy Equivalent a rule for "autoscaling/v1" also matches a request for v2: AS is then
 * the resource that the rule means, and the request is to be told in its terms
 * (admission_request.h).
 *
 * Threads: immutable once made.
 */
#ifndef CLUSTER_LOCAL_ADMISSION_MATCH_H
#define CLUSTER_LOCAL_ADMISSION_MATCH_H

#include "cluster/local/admission.h"

struct admission_match;

/* What no rules at all mean: a webhook without is for nothing, a binding for everything. */
enum match_default { MATCH_NOTHING, MATCH_EVERYTHING };

/*
 * FROM: what has "namespaceSelector", "objectSelector", "matchPolicy", "excludeResourceRules" and,
 * under the name RULES, the rules: a webhook ("rules"), the matchConstraints of a policy or the
 * matchResources of a binding ("resourceRules"). NULL: matches all. Nothing of it is kept. Never
 * NULL; a selector that cannot be read is an error of every request that it would decide of.
 */
struct admission_match *admission_match_new(const json_t *from, const char *rules,
					    enum match_default none);
/* Takes NULL, returns NULL. */
struct admission_match *admission_match_free(struct admission_match *m);

/*
 * 1: it is about A, and *as is a new ref of the resource that a rule named. 0: it is not. -1 and
 * *err: that cannot be told, as when the namespace is not there (E_NOT_FOUND, E_INTERNAL). AS may
 * be NULL.
 */
int admission_matches(const struct admission_match *m, struct admission *a,
		      const struct resource **as, struct error **err);

/* No policy decides of policies and what binds them, and no webhook of those or of webhooks. */
bool admission_is_policy(const struct admission *a);
bool admission_is_configuration(const struct admission *a);
/* Reviews of who somebody is and what he may: no policy (webhooks do) sees them. */
bool admission_is_review(const struct admission *a);

#endif
