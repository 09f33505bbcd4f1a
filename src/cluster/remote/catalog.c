#include "cluster/remote/remote.h"

#include "base/log.h"
#include "cluster/listeners.h"

#include <string.h>

/*
 * The catalog's upkeep. One thread, begun with the first listener, watches the definitions of types
 * (customresourcedefinitions and apiservices); a change of one makes it ask the server for its
 * types again, at once and twice more while the server settles. Groups that failed are asked for
 * again on a steady beat. Without a listener nothing runs: then a catalog is asked for when it is
 * older than MAX_AGE.
 */
#define MAX_AGE_NS (5 * NS_PER_S)
#define RETRY_NS (30 * NS_PER_S)

/* When to look, counted from the last change. */
static const int64_t looks_ns[] = {100 * NS_PER_MS, NS_PER_S, 5 * NS_PER_S};

static const struct definition {
	const char *group, *plural;
} definitions[] = {
	{"apiextensions.k8s.io", "customresourcedefinitions"},
	{"apiregistration.k8s.io", "apiservices"},
};

struct definition_watch {
	struct remote *c;
	struct watch *watch;
	bool ended; /* under the remote's lock */
};

/* Discovers, and keeps the catalog there is where nothing has changed. */
static int refresh(struct remote *c, const struct call *call, struct error **err)
{
	char *fingerprint = NULL;
	struct catalog *found;
	bool changed;

	/* What is written from here on may come too late for this look. */
	pthread_mutex_lock(&c->lock);
	c->stale = false;
	pthread_mutex_unlock(&c->lock);
	found = remote_discover(c, call, &fingerprint, err);
	pthread_mutex_lock(&c->lock);
	if (!found) {
		c->stale = true;
		pthread_mutex_unlock(&c->lock);
		return -1;
	}
	c->catalog_ns = clock_mono(c->clock);
	changed = !c->catalog || strcmp(c->fingerprint, fingerprint) != 0;
	if (changed) {
		struct catalog *old = c->catalog;

		free(c->fingerprint);
		c->fingerprint = steal(&fingerprint);
		c->catalog = found;
		c->untold = true;
		found = old;
		pthread_cond_signal(&c->wake);
	}
	pthread_mutex_unlock(&c->lock);
	catalog_unref(found);
	free(fingerprint);
	return 0;
}

/* What this client has changed itself its next look at the catalog shows, without a watch's delay.
 */
void remote_catalog_written(struct remote *c, const struct resource *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(definitions); i++) {
		if (strcmp(definitions[i].group, r->group) != 0 ||
		    strcmp(definitions[i].plural, r->plural) != 0)
			continue;
		pthread_mutex_lock(&c->lock);
		c->stale = true;
		pthread_mutex_unlock(&c->lock);
	}
}

struct catalog *remote_catalog(struct cluster *cluster, const struct call *call, struct error **err)
{
	struct remote *c = remote_of(cluster);
	struct catalog *catalog;
	bool fresh;

	pthread_mutex_lock(&c->lock);
	fresh = c->catalog && !c->stale &&
		(c->refresher_runs || clock_mono(c->clock) - c->catalog_ns < MAX_AGE_NS);
	pthread_mutex_unlock(&c->lock);
	if (!fresh && refresh(c, call, err) < 0)
		return NULL;
	pthread_mutex_lock(&c->lock);
	catalog = catalog_ref(c->catalog);
	pthread_mutex_unlock(&c->lock);
	return catalog;
}

static void on_definition(void *arg, const struct watch_event *event)
{
	struct definition_watch *w = arg;

	if (event->type == WATCH_BOOKMARK)
		return;
	pthread_mutex_lock(&w->c->lock);
	w->c->changed_ns = clock_mono(w->c->clock);
	pthread_cond_signal(&w->c->wake);
	pthread_mutex_unlock(&w->c->lock);
}

static void on_definitions_closed(void *arg, const struct error *why)
{
	struct definition_watch *w = arg;

	pthread_mutex_lock(&w->c->lock);
	w->ended = true;
	pthread_mutex_unlock(&w->c->lock);
}

static const struct watch_handler definition_handler = {on_definition, on_definitions_closed};

/* A new watch begins with the present state: what was missed in between shows as a change. */
static void keep_watching(struct remote *c, const struct call *call, struct definition_watch *w,
			  const struct definition *d)
{
	struct catalog *catalog;
	const struct resource *r = NULL;
	bool ended;

	pthread_mutex_lock(&c->lock);
	ended = w->ended;
	catalog = c->catalog ? catalog_ref(c->catalog) : NULL;
	pthread_mutex_unlock(&c->lock);
	if (w->watch && !ended) {
		catalog_unref(catalog);
		return;
	}
	if (w->watch)
		watch_stop(steal(&w->watch));
	if (catalog)
		r = catalog_find(catalog, d->group, NULL, d->plural);
	w->ended = false;
	if (r && r->verbs & VERB_WATCH) {
		struct error *why CLEANUP(error_free_cleanup) = NULL;
		struct watch_options opt = {.bookmarks = true};

		w->watch = cluster_watch(&c->base, call, r, "", &opt, &definition_handler, w, &why);
		if (!w->watch)
			log_debug("cannot watch %s: %s", d->plural, why->message);
	}
	catalog_unref(catalog);
}

static void tell_listeners(struct remote *c)
{
	bool untold;

	pthread_mutex_lock(&c->lock);
	untold = c->untold;
	c->untold = false;
	pthread_mutex_unlock(&c->lock);
	if (untold)
		listeners_tell(c->base.listeners);
}

/* Sleeps until it is time to look, and for which look after the last change; false: the end. */
static bool wait_for_look(struct remote *c, size_t *look, int64_t *change)
{
	int64_t now = clock_mono(c->clock), retry = now + RETRY_NS;
	bool open, due = false;

	pthread_mutex_lock(&c->lock);
	while (!c->closing && !c->untold && !due) {
		int64_t next = CLOCK_NEVER;

		if (c->changed_ns != *change) {
			*change = c->changed_ns;
			*look = 0;
		}
		if (*look < ARRAY_SIZE(looks_ns) && *change != CLOCK_NEVER)
			next = *change + looks_ns[*look];
		next = MIN(next, retry);
		due = clock_wait(c->clock, &c->wake, &c->lock, next) != 0;
		if (due && *look < ARRAY_SIZE(looks_ns))
			++*look;
	}
	open = !c->closing;
	pthread_mutex_unlock(&c->lock);
	return open;
}

/* Between the looks after a change every beat serves only what has failed. */
static bool worth_asking(struct remote *c, int64_t change)
{
	bool worth;

	pthread_mutex_lock(&c->lock);
	worth = !c->catalog || *catalog_failures(c->catalog) ||
		(change != CLOCK_NEVER &&
		 clock_mono(c->clock) - change <= looks_ns[ARRAY_SIZE(looks_ns) - 1] + RETRY_NS);
	pthread_mutex_unlock(&c->lock);
	return worth;
}

static void *refresher(void *arg)
{
	struct remote *c = arg;
	struct call call = {.cancel = c->closed};
	struct definition_watch watches[ARRAY_SIZE(definitions)] = {0};
	int64_t change = CLOCK_NEVER;
	size_t look = 0;

	for (size_t i = 0; i < ARRAY_SIZE(definitions); i++)
		watches[i].c = c;
	refresh(c, &call, NULL);
	tell_listeners(c);
	do {
		for (size_t i = 0; i < ARRAY_SIZE(definitions); i++)
			keep_watching(c, &call, &watches[i], &definitions[i]);
		if (!wait_for_look(c, &look, &change))
			break;
		if (worth_asking(c, change))
			refresh(c, &call, NULL);
		tell_listeners(c);
	} while (true);
	for (size_t i = 0; i < ARRAY_SIZE(definitions); i++)
		watch_stop(watches[i].watch);
	return NULL;
}

void remote_follow_catalog(struct cluster *cluster)
{
	struct remote *c = remote_of(cluster);

	pthread_mutex_lock(&c->lock);
	if (!c->refresher_runs && !c->closing)
		c->refresher_runs = pthread_create(&c->refresher, NULL, refresher, c) == 0;
	pthread_mutex_unlock(&c->lock);
}

void remote_catalog_close(struct remote *c)
{
	bool runs;

	pthread_mutex_lock(&c->lock);
	c->closing = true;
	runs = c->refresher_runs;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	cancel_fire(c->closed);
	if (runs)
		pthread_join(c->refresher, NULL);
}
