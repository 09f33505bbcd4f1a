/*
 * Webhooks: servers beside this one that are asked over HTTPS what a type or a configuration has
 * left to them.
 *
 *	struct hook_target *t = hook_target_new(json_path(hook, "clientConfig"));
 *	struct hook_question q = {.target = t, .body = &review, .timeout_s = 10};
 *	json_t *answer = hook_ask(&errand, &q, &err);
 *
 * A webhook is believed as far as its certificate goes: caBundle, or the system's authorities. No
 * redirect is followed, an answer is bounded, credentials are sent to nobody. Connections are kept
 * and shared by all that ask the same server.
 *
 * Threads: any; hook_ask blocks, so nobody asks with a lock held or from the store's threads.
 */
#ifndef CLUSTER_LOCAL_HOOK_H
#define CLUSTER_LOCAL_HOOK_H

#include "cluster/local/private.h"

/* Where a webhook is, from a clientConfig: a URL or a service of the cluster. Immutable. */
struct hook_target {
	char *url;		   /* NULL: the service */
	char *namespace, *service; /* NULL: the URL */
	char *path;		   /* of the service; "" or from "/" on */
	int port;
	char *ca; /* PEM; NULL: the system's */
};
/* Never NULL: what is wrong with CONFIG is told when the webhook is asked. */
struct hook_target *hook_target_new(const json_t *config);
/* Takes NULL. */
void hook_target_free(struct hook_target *t);

struct hook_question {
	const struct hook_target *target;
	const json_t *body;
	int timeout_s; /* told to the webhook too; 0: the errand's deadline alone */
	size_t max_answer;
};
/*
 * POST of a question; its answer, an object, as a new tree. NULL and *err: "Post \"URL\": why" or
 * what the server said instead. E_TIMEOUT and E_CANCELLED are what kept the answer from coming;
 * whether the errand itself has come to its end errand_over tells.
 */
json_t *hook_ask(const struct errand *e, const struct hook_question *q, struct error **err);

/*
 * hook_service.c: "https://ADDRESS:PORT" of an endpoint of the service that answers, NULL and *err
 * when there is none: the pods of a local cluster are simulated, and answer nothing.
 */
char *hook_resolve(struct local *l, const struct hook_target *t, struct error **err);

struct hook_clients;
struct hook_clients *hook_clients_new(struct clock *clock);
/* When nobody asks any more. Takes NULL. */
void hook_clients_free(struct hook_clients *c);

/* convert_hook.c: how the objects of a definition become those of another of its versions. */
struct hook_conversion;
/* Of a definition's spec.conversion; NULL where no webhook is asked. */
struct hook_conversion *hook_conversion_new(const json_t *conversion);
/* Takes NULL. */
void hook_conversion_free(struct hook_conversion *c);
/*
 * The N trees, R's objects in other versions, become API_VERSION's, by one question; each is
 * replaced. -1 and *err (E_UNKNOWN, as an API server has it): all are as they were.
 */
int hook_convert(const struct errand *e, const struct hook_conversion *c, const struct resource *r,
		 const char *api_version, json_t **trees, size_t n, struct error **err);

#endif
