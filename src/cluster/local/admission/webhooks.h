/*
 * Webhooks of admission: MutatingWebhookConfigurations and ValidatingWebhookConfigurations, made
 * ready once a change of them, and one question to one of them.
 *
 * Threads: any; a struct hook_call belongs to one at a time.
 */
#ifndef CLUSTER_LOCAL_ADMISSION_WEBHOOKS_H
#define CLUSTER_LOCAL_ADMISSION_WEBHOOKS_H

#include "cluster/lifecycle.h"
#include "cluster/local/admission.h"
#include "cluster/local/hook.h"

/* One webhook of a configuration. */
struct hook {
	char *name;
	struct hook_target *target;
	struct admission_match *match;
	struct admission_conditions *conditions; /* NULL: none */
	bool ignore;				 /* its failures */
	bool again;	     /* once more when others have changed the object after it */
	int timeout_s;	     /* 0: none of its own */
	const char *version; /* of AdmissionReview; NULL: none that we know */
};

/* All of one kind, by the names of their configurations; shared, immutable. */
struct hooks {
	_Atomic unsigned refs;
	struct hook *v;
	size_t n, cap;
};
enum hook_kind { HOOKS_MUTATING, HOOKS_VALIDATING, HOOK_KINDS };
/* A ref; NULL and *err when the store cannot be read. */
struct hooks *hooks_get(struct local *l, enum hook_kind kind, struct error **err);
void hooks_unref(struct hooks *h);

/* In struct local. */
struct hook_configs *hook_configs_new(void);
/* Takes NULL. */
void hook_configs_free(struct hook_configs *c);
/* A commit has written KEY. */
void hook_configs_forget(struct local *l, const char *key, size_t len);

/* Whether any webhook is asked about A at all. */
bool hooks_concern(const struct admission *a);
/* 1: H is to be asked about A, in the terms of *as, a ref. 0: it is not. -1 and *err: refused. */
int hook_concerns(const struct hook *h, struct admission *a, const struct resource **as,
		  struct error **err);

struct hook_call {
	const struct hook *hook;
	char uid[UID_TEXT];
	json_t *review; /* the question */
	json_t *answer; /* what was answered, "response"; NULL: nothing that counts */
	struct error *why;
	bool failed; /* WHY is a failure to ask, not a refusal */
};
/* -1 and *err: the question cannot be put. */
int hook_call_prepare(struct hook_call *c, const struct hook *h, struct admission *a,
		      const struct resource *as, struct error **err);
/* Asks. Blocks; touches nothing but C, so that several may go at once. */
void hook_call_run(struct hook_call *c, const struct admission *a, bool mutating);
/* Sets WHY to a failure: "failed calling webhook \"NAME\": ...". */
void hook_call_fail(struct hook_call *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Tells warnings and notes for the audit log. 0: it is allowed, or its failure is ignored. -1 and
 * *err. */
int hook_call_finish(struct hook_call *c, const struct admission *a, struct error **err);
void hook_call_release(struct hook_call *c);

/* "Internal error occurred: ..."; returns -1. */
int hook_internal(struct error **err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* mutating_webhook.c: what is known of the first round in the second. Takes NULL. */
void hook_round_free(struct hook_round *round);

#endif
