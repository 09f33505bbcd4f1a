/*
 * When a token that a secret keeps was used last: the secret is labelled with the day, once a day,
 * so that what nobody uses can be found and taken back. The label is written by a thread of its
 * own: who asks whose a token is does not wait for a commit.
 */
#include "cluster/local/tokens.h"

#include "base/log.h"
#include "base/mem.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

#define LABEL "kubernetes.io/legacy-token-last-used"
#define DAY_NS (24 * 3600 * NS_PER_S)
#define DATE_LEN 10 /* of "2026-11-23T20:30:00Z" */

struct used {
	char *namespace, *secret;
};

struct token_usage {
	struct local *l;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	VEC(struct used) queue;
	bool started, ending;
	pthread_t thread;
};

static void used_release(struct used *u)
{
	free(u->namespace);
	free(u->secret);
}

struct token_usage *token_usage_new(struct local *l)
{
	struct token_usage *t = xcalloc(1, sizeof(*t));

	t->l = l;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->wake, NULL);
	return t;
}

void token_usage_free(struct token_usage *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->ending = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	if (t->started)
		pthread_join(t->thread, NULL);
	vec_each (&t->queue, u)
		used_release(u);
	vec_release(&t->queue);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static void date(int64_t wall, char text[TIME_TEXT])
{
	time_format(wall, text);
	text[DATE_LEN] = '\0';
}

static int label(struct local *l, const struct used *u, struct error **err)
{
	static const struct call self = {.user_agent = "kube-apiserver"};
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	const struct resource *secrets = catalog_find(builtin, "", "v1", "secrets");
	struct object *o CLEANUP(object_unref_cleanup) =
		local_read(l, secrets, u->namespace, u->secret, err);
	char *last free_ptr = o ? object_label(o, LABEL) : NULL;
	char today[TIME_TEXT], tomorrow[TIME_TEXT];
	json_t *patch json_auto = NULL;

	if (!o)
		return -1;
	/* Another server's clock may be ahead. */
	date(clock_wall(l->clock), today);
	date(clock_wall(l->clock) + DAY_NS, tomorrow);
	if (last && (strcmp(last, today) == 0 || strcmp(last, tomorrow) == 0))
		return 0;
	patch = json_pack("{s:{s:s,s:{s:s}}}", "metadata", "uid", o->uid, "labels", LABEL, today);
	return cluster_patch_tree(&l->base, &self, secrets, u->namespace, u->secret, NULL,
				  PATCH_MERGE, patch, NULL, NULL, err);
}

static void *work(void *arg)
{
	struct token_usage *t = arg;

	pthread_mutex_lock(&t->lock);
	while (!t->ending) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		struct used next CLEANUP(used_release) = {0};

		if (!t->queue.n) {
			pthread_cond_wait(&t->wake, &t->lock);
			continue;
		}
		next = t->queue.v[0];
		vec_remove(&t->queue, 0);
		pthread_mutex_unlock(&t->lock);
		if (label(t->l, &next, &err) < 0 && error_code(err) != E_NOT_FOUND)
			log_warn("the use of the token in secret %s/%s is not noted: %s",
				 next.namespace, next.secret, error_message(err));
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

void token_usage_note(struct token_usage *t, const char *namespace, const char *secret)
{
	pthread_mutex_lock(&t->lock);
	if (!t->started)
		t->started = pthread_create(&t->thread, NULL, work, t) == 0;
	vec_push(&t->queue, (struct used){xstrdup(namespace), xstrdup(secret)});
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}
