#include "cache/leader.h"

#include "base/log.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

#define DURATION_S 15
#define RENEW_WITHIN_NS (10 * NS_PER_S)
#define RETRY_NS (2 * NS_PER_S)
#define REQUEST_MS 5000

struct leader {
	struct cluster *cluster;
	struct clock *clock;
	struct cancel *cancel;
	struct call call;
	char *namespace, *name, *identity;
	pthread_t thread;
	/* Of the thread: the lease as it was seen last, and when that was new. */
	char *seen_version;
	int64_t seen_at;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ending;
	int64_t renewed_at; /* mono; 0: not ours */
};

static const struct resource *find_leases(struct leader *l, struct catalog **catalog,
					  struct error **err)
{
	const struct resource *r = NULL;

	*catalog = cluster_catalog(l->cluster, &l->call, err);
	if (*catalog)
		r = catalog_find(*catalog, "coordination.k8s.io", NULL, "leases");
	if (*catalog && !r)
		error_set(err, E_NOT_FOUND, "the cluster serves no leases");
	return r;
}

static void note(struct leader *l, bool ours, int64_t when)
{
	pthread_mutex_lock(&l->lock);
	l->renewed_at = ours ? when : 0;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

static int create(struct leader *l, const struct resource *leases, struct error **err)
{
	char now[TIME_TEXT];
	json_t *tree json_auto = NULL;

	time_format_micro(clock_wall(l->clock), now);
	tree = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:i, s:s, s:s, s:i}}", "apiVersion",
			 leases->api_version, "kind", "Lease", "metadata", "name", l->name,
			 "namespace", l->namespace, "spec", "holderIdentity", l->identity,
			 "leaseDurationSeconds", DURATION_S, "acquireTime", now, "renewTime", now,
			 "leaseTransitions", 0);
	return cluster_create_tree(l->cluster, &l->call, leases, l->namespace, tree, NULL, NULL,
				   err);
}

/* The version read is a precondition: of two that try one wins. HOLDER "": given back. */
static int take(struct leader *l, const struct resource *leases, const struct object *lease,
		const char *holder, struct error **err)
{
	json_t *tree json_auto = object_tree(lease);
	bool ours = !strcmp(json_path_string(tree, "spec.holderIdentity"), l->identity);
	char now[TIME_TEXT];

	time_format_micro(clock_wall(l->clock), now);
	json_path_set(tree, "spec.holderIdentity", json_string(holder));
	json_path_set(tree, "spec.leaseDurationSeconds", json_integer(*holder ? DURATION_S : 1));
	json_path_set(tree, "spec.renewTime", json_string(now));
	if (!ours) {
		json_int_t transitions = json_path_int(tree, "spec.leaseTransitions", 0);

		json_path_set(tree, "spec.acquireTime", json_string(now));
		json_path_set(tree, "spec.leaseTransitions", json_integer(transitions + 1));
	}
	return cluster_update_tree(l->cluster, &l->call, leases, NULL, tree, NULL, NULL, err);
}

static bool is_free(struct leader *l, const struct object *lease)
{
	char *holder free_ptr = object_string(lease, "spec.holderIdentity");
	int64_t duration = object_int(lease, "spec.leaseDurationSeconds", DURATION_S);

	if (!str_equal(l->seen_version, lease->resource_version)) {
		free(l->seen_version);
		l->seen_version = xstrdup(lease->resource_version);
		l->seen_at = clock_mono(l->clock);
	}
	if (!holder || !*holder || !strcmp(holder, l->identity))
		return true;
	return l->seen_at + duration * NS_PER_S < clock_mono(l->clock);
}

static int try_once(struct leader *l, bool *ours, struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = NULL;
	struct object *lease CLEANUP(object_unref_cleanup) = NULL;
	const struct resource *leases = find_leases(l, &catalog, err);
	struct error *why = NULL;

	if (!leases)
		return -1;
	if (cluster_get(l->cluster, &l->call, leases, l->namespace, l->name, &lease, &why) < 0) {
		if (why->code != E_NOT_FOUND)
			return error_move(err, why);
		error_free(why);
		*ours = true;
		return create(l, leases, err);
	}
	*ours = is_free(l, lease);
	return *ours ? take(l, leases, lease, l->identity, err) : 0;
}

/* Counted from before the request: the lease may have been written at any time since. */
static void turn(struct leader *l)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	int64_t began = clock_mono(l->clock);
	bool ours = false;

	if (try_once(l, &ours, &why) == 0)
		note(l, ours, began);
	else if (error_code(why) == E_CONFLICT || error_code(why) == E_EXISTS)
		note(l, false, began);
	else if (error_code(why) != E_CANCELLED)
		log_warn("lease %s/%s: %s", l->namespace, l->name, error_message(why));
}

static void *run(void *arg)
{
	struct leader *l = arg;
	int64_t due;

	pthread_mutex_lock(&l->lock);
	while (!l->ending) {
		pthread_mutex_unlock(&l->lock);
		due = clock_mono(l->clock) + RETRY_NS;
		turn(l);
		pthread_mutex_lock(&l->lock);
		while (!l->ending && clock_mono(l->clock) < due)
			clock_wait(l->clock, &l->changed, &l->lock, due);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

struct leader *leader_new(struct cluster *c, const char *namespace, const char *name,
			  const char *identity, struct clock *clock)
{
	struct leader *l = xcalloc(1, sizeof(*l));

	l->cluster = c;
	l->clock = clock ? clock : clock_system();
	l->cancel = cancel_new();
	l->call = (struct call){
		.timeout_ms = REQUEST_MS, .cancel = l->cancel, .user_agent = "leader-election"};
	l->namespace = xstrdup(namespace);
	l->name = xstrdup(name);
	l->identity = xstrdup(identity);
	pthread_mutex_init(&l->lock, NULL);
	clock_cond_init(&l->changed);
	pthread_create(&l->thread, NULL, run, l);
	return l;
}

static void give_back(struct leader *l)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = NULL;
	struct object *lease CLEANUP(object_unref_cleanup) = NULL;
	char *holder free_ptr = NULL;
	const struct resource *leases;

	l->call.cancel = NULL; /* fired by now */
	leases = find_leases(l, &catalog, NULL);
	if (!leases ||
	    cluster_get(l->cluster, &l->call, leases, l->namespace, l->name, &lease, NULL) < 0)
		return;
	holder = object_string(lease, "spec.holderIdentity");
	if (str_equal(holder, l->identity))
		take(l, leases, lease, "", NULL);
}

void leader_free(struct leader *l)
{
	bool ours;

	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->ending = true;
	ours = l->renewed_at != 0;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	cancel_fire(l->cancel);
	pthread_join(l->thread, NULL);
	if (ours)
		give_back(l);
	cancel_unref(l->cancel);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	free(l->seen_version);
	free(l->namespace);
	free(l->name);
	free(l->identity);
	free(l);
}

static bool is_ours(struct leader *l)
{
	return l->renewed_at && clock_mono(l->clock) < l->renewed_at + RENEW_WITHIN_NS;
}

bool leader_is(struct leader *l)
{
	bool ours;

	pthread_mutex_lock(&l->lock);
	ours = is_ours(l);
	pthread_mutex_unlock(&l->lock);
	return ours;
}

static void wake(void *arg)
{
	struct leader *l = arg;

	pthread_mutex_lock(&l->lock);
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

static int wait_locked(struct leader *l, const struct call *call, struct error **err)
{
	int timeout_ms = call_timeout_ms(call);
	int64_t deadline =
		timeout_ms < 0 ? CLOCK_NEVER : clock_mono(l->clock) + timeout_ms * NS_PER_MS;

	while (!is_ours(l)) {
		if (call_cancelled(call))
			return error_set(err, E_CANCELLED, "interrupted");
		if (clock_wait(l->clock, &l->changed, &l->lock, deadline) && !is_ours(l))
			return error_set(err, E_TIMEOUT, "lease %s/%s is held by another",
					 l->namespace, l->name);
	}
	return 0;
}

int leader_wait(struct leader *l, const struct call *call, struct error **err)
{
	struct cancel *cancel = call ? call->cancel : NULL;
	int r;

	cancel_subscribe(cancel, wake, l);
	pthread_mutex_lock(&l->lock);
	r = wait_locked(l, call, err);
	pthread_mutex_unlock(&l->lock);
	cancel_unsubscribe(cancel, wake, l);
	return r;
}
