#include "cluster/local/admission/pod_security_checks.h"

#include "base/mem.h"

#include <string.h>

static bool applies(const struct pod_security_check *c, const struct pod_security *p)
{
	return c->level <= p->level && c->since <= p->minor;
}

static bool is_replaced(const struct pod_security_check *c, const struct pod_security *p)
{
	for (const struct pod_security_check *o = pod_security_restricted; o->id; o++)
		if (o->instead_of && applies(o, p) && strcmp(o->instead_of, c->id) == 0)
			return true;
	return false;
}

/* Where what is violated is told; all may be NULL but ALLOWED. */
struct verdict {
	bool allowed;
	struct str *reasons, *details;
};

static void run(const struct pod_security_check *c, const struct pod_security_subject *s,
		struct verdict *v)
{
	struct str detail CLEANUP(str_release) = STR_INIT;
	const char *reason = c->run(s, &detail), *separator = v->allowed ? "" : ", ";

	if (!reason)
		return;
	if (v->reasons)
		str_addf(v->reasons, "%s%s", separator, reason);
	if (v->details)
		str_addf(v->details, "%s%s (%s)", separator, reason, detail.s);
	v->allowed = false;
}

bool pod_security_allows(const struct pod_security *p, const json_t *metadata, const json_t *spec,
			 struct str *reasons, struct str *details)
{
	static const struct pod_security_check *const levels[] = {pod_security_baseline,
								  pod_security_restricted};
	const struct pod_security_subject s = {metadata, spec, p->minor};
	struct verdict v = {true, reasons, details};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		for (const struct pod_security_check *c = levels[i]; c->id; c++)
			if (applies(c, p) && !is_replaced(c, p))
				run(c, &s, &v);
	return v.allowed;
}
