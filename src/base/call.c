#include "base/call.h"
#include "base/str.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

struct subscriber {
	void (*fired)(void *);
	void *arg;
};

struct cancel {
	_Atomic unsigned refs;
	_Atomic bool fired;
	pthread_mutex_t lock;
	VEC(struct subscriber) subscribers;
};

struct cancel *cancel_new(void)
{
	struct cancel *c = xcalloc(1, sizeof(*c));

	c->refs = 1;
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

struct cancel *cancel_ref(struct cancel *c)
{
	if (c)
		atomic_fetch_add(&c->refs, 1);
	return c;
}

void cancel_unref(struct cancel *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	vec_release(&c->subscribers);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Subscribers run under the lock: that is what makes cancel_unsubscribe final. */
void cancel_fire(struct cancel *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	if (!c->fired) {
		c->fired = true;
		vec_each (&c->subscribers, s)
			s->fired(s->arg);
		c->subscribers.n = 0;
	}
	pthread_mutex_unlock(&c->lock);
}

bool cancel_fired(struct cancel *c)
{
	return c && c->fired;
}

void cancel_subscribe(struct cancel *c, void (*fired)(void *), void *arg)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	if (c->fired)
		fired(arg);
	else
		vec_push(&c->subscribers, (struct subscriber){fired, arg});
	pthread_mutex_unlock(&c->lock);
}

void cancel_unsubscribe(struct cancel *c, void (*fired)(void *), void *arg)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->subscribers.n; i++)
		if (c->subscribers.v[i].fired == fired && c->subscribers.v[i].arg == arg) {
			vec_remove(&c->subscribers, i);
			break;
		}
	pthread_mutex_unlock(&c->lock);
}

void warnings_add(struct warnings *w, const char *format, ...)
{
	struct str s = STR_INIT;
	va_list ap;

	if (!w)
		return;
	va_start(ap, format);
	str_addv(&s, format, ap);
	va_end(ap);
	vec_push(w, str_take(&s));
}

void warnings_release(struct warnings *w)
{
	vec_each (w, text)
		free(*text);
	vec_release(w);
}

int call_timeout_ms(const struct call *call)
{
	return call && call->timeout_ms ? call->timeout_ms : CALL_TIMEOUT_MS;
}

bool call_cancelled(const struct call *call)
{
	return call && cancel_fired(call->cancel);
}

void annotations_add(struct annotations *list, const char *key, const char *value)
{
	vec_each (list, a)
		if (strcmp(a->key, key) == 0)
			return;
	vec_push(list, (struct annotation){xstrdup(key), xstrdup(value)});
}

void annotations_release(struct annotations *list)
{
	vec_each (list, a) {
		free(a->key);
		free(a->value);
	}
	vec_release(list);
}
