#include "cache/fanout.h"

#include "cache/informer_private.h"

struct note {
	struct note *next;
	struct informer *informer;
	struct subscriber *only;
	enum note_kind kind;
	struct object *old, *new_;
	uint64_t number;
};

struct fanout {
	pthread_mutex_t lock;
	pthread_cond_t work, quiet;
	pthread_t thread;
	struct note *head, **tail;
	uint64_t next_number;
	struct subscriber *running;
	bool ending;
};

static void subscriber_unref(struct subscriber *s)
{
	if (s && --s->refs == 0)
		free(s);
}

static bool is_for(const struct note *n, const struct subscriber *s)
{
	if (s->removed)
		return false;
	return n->only ? n->only == s : s->since <= n->number;
}

static void call_handler(const struct note *n, const struct subscriber *s)
{
	const struct informer_handler *h = s->handler;

	if (n->kind == NOTE_LOST && h->lost)
		h->lost(s->arg, n->old);
	else if ((n->kind == NOTE_CHANGED || n->kind == NOTE_LOST) && h->changed)
		h->changed(s->arg, n->old, n->new_);
	else if (n->kind == NOTE_SYNCED && h->synced)
		h->synced(s->arg);
	else if (n->kind == NOTE_STATE && h->state)
		h->state(s->arg);
}

/* Called and returns with the lock held; a handler may subscribe and unsubscribe meanwhile. */
static void deliver(struct fanout *f, const struct note *n)
{
	struct subscribers *all = &n->informer->subscribers;
	VEC(struct subscriber *) now = VEC_INIT;

	vec_each (all, s) {
		if (is_for(n, *s)) {
			(*s)->refs++;
			vec_push(&now, *s);
		}
	}
	vec_each (&now, s) {
		if (!(*s)->removed) {
			f->running = *s;
			pthread_mutex_unlock(&f->lock);
			call_handler(n, *s);
			pthread_mutex_lock(&f->lock);
			f->running = NULL;
			pthread_cond_broadcast(&f->quiet);
		}
		subscriber_unref(*s);
	}
	vec_release(&now);
}

static struct note *take(struct fanout *f)
{
	struct note *n = f->head;

	f->head = n->next;
	if (!f->head)
		f->tail = &f->head;
	return n;
}

static void *run(void *arg)
{
	struct fanout *f = arg;

	pthread_mutex_lock(&f->lock);
	for (;;) {
		struct note *n;

		while (!f->head && !f->ending)
			pthread_cond_wait(&f->work, &f->lock);
		if (!f->head)
			break;
		n = take(f);
		deliver(f, n);
		subscriber_unref(n->only);
		pthread_mutex_unlock(&f->lock);
		object_unref(n->old);
		object_unref(n->new_);
		informer_unref(n->informer);
		free(n);
		pthread_mutex_lock(&f->lock);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

struct fanout *fanout_new(void)
{
	struct fanout *f = xcalloc(1, sizeof(*f));

	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->work, NULL);
	pthread_cond_init(&f->quiet, NULL);
	f->tail = &f->head;
	pthread_create(&f->thread, NULL, run, f);
	return f;
}

void fanout_free(struct fanout *f)
{
	pthread_mutex_lock(&f->lock);
	f->ending = true;
	pthread_cond_signal(&f->work);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	pthread_cond_destroy(&f->work);
	pthread_cond_destroy(&f->quiet);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

struct subscriber *fanout_subscribe(struct fanout *f, struct subscribers *to,
				    const struct informer_handler *handler, void *arg)
{
	struct subscriber *s = xcalloc(1, sizeof(*s));

	s->handler = handler;
	s->arg = arg;
	s->refs = 1;
	pthread_mutex_lock(&f->lock);
	s->since = f->next_number;
	vec_push(to, s);
	pthread_mutex_unlock(&f->lock);
	return s;
}

static void wait_until_quiet(struct fanout *f, const struct subscriber *s)
{
	if (pthread_equal(pthread_self(), f->thread))
		return;
	while (f->running == s)
		pthread_cond_wait(&f->quiet, &f->lock);
}

void fanout_unsubscribe(struct fanout *f, struct subscribers *from,
			const struct informer_handler *handler, void *arg)
{
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < from->n; i++) {
		struct subscriber *s = from->v[i];

		if (s->handler != handler || s->arg != arg)
			continue;
		s->removed = true;
		vec_remove(from, i);
		wait_until_quiet(f, s);
		subscriber_unref(s);
		break;
	}
	pthread_mutex_unlock(&f->lock);
}

void fanout_release(struct fanout *f, struct subscribers *all)
{
	pthread_mutex_lock(&f->lock);
	vec_each (all, s) {
		(*s)->removed = true;
		subscriber_unref(*s);
	}
	vec_release(all);
	pthread_mutex_unlock(&f->lock);
}

void fanout_push(struct fanout *f, struct informer *i, struct subscriber *only, enum note_kind kind,
		 struct object *old, struct object *new_)
{
	struct note *n;

	pthread_mutex_lock(&f->lock);
	if (i->subscribers.n) {
		n = xcalloc(1, sizeof(*n));
		n->informer = informer_ref(i);
		n->only = only;
		if (only)
			only->refs++;
		n->kind = kind;
		n->old = old ? object_ref(old) : NULL;
		n->new_ = new_ ? object_ref(new_) : NULL;
		n->number = f->next_number++;
		*f->tail = n;
		f->tail = &n->next;
		pthread_cond_signal(&f->work);
	}
	pthread_mutex_unlock(&f->lock);
}
