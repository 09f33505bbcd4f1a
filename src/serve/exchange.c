#include "serve/exchange.h"

#include "base/mem.h"

#include <poll.h>

/* Between two looks whether clients of streams are there, and more for each stream. */
#define LOOK_NS (50 * NS_PER_MS)
#define LOOK_EACH_NS (NS_PER_MS / 10)

static void on_timer(lws_sorted_usec_list_t *timer);

void exchange_set_timer(struct exchange *x, int64_t us)
{
	lws_sul_cancel(&x->timer);
	if (us)
		lws_sul_schedule(lws_get_context(x->wsi), 0, &x->timer, on_timer, us);
}

static bool hung_up(struct lws *wsi)
{
	struct pollfd p = {.fd = lws_get_socket_fd(wsi), .events = POLLRDHUP};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/*
 * libwebsockets does not read from a connection while its answer is under way: that the client of a
 * quiet stream has gone wakes the thread at once, and again and again, but nobody is told. To look
 * after all streams takes a hundredth of the thread's time at most.
 */
void exchange_look_for_hangups(struct server *s)
{
	int64_t now = s->streams ? clock_mono(s->clock) : 0;

	if (!s->streams || now < s->look_again_ns)
		return;
	s->look_again_ns = now + LOOK_NS;
	for (struct exchange *x = s->streams; x; x = x->next_stream) {
		s->look_again_ns += LOOK_EACH_NS;
		if (hung_up(x->wsi))
			lws_set_timeout(x->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
	}
}

static void add_stream(struct server *s, struct exchange *x)
{
	x->next_stream = s->streams;
	x->stream_at = &s->streams;
	if (x->next_stream)
		x->next_stream->stream_at = &x->next_stream;
	s->streams = x;
}

static void remove_stream(struct exchange *x)
{
	*x->stream_at = x->next_stream;
	if (x->next_stream)
		x->next_stream->stream_at = x->stream_at;
}

void exchange_watch_over(struct exchange *x)
{
	struct request *r = x->request;
	int64_t now = clock_mono(r->server->clock), at = r->answer.end_at_ns;

	if (r->answer.queued) {
		r->stalled_at_ns = now + EXCHANGE_STALL_S * NS_PER_S;
		if (!r->answer.on_close)
			r->stalled_at_ns = MIN(r->stalled_at_ns, request_patience_ns(r));
		at = at && at < r->stalled_at_ns ? at : r->stalled_at_ns;
	} else {
		r->stalled_at_ns = 0;
	}
	exchange_set_timer(x, at ? MAX(at - now, NS_PER_MS) / 1000 : 0);
}

static void on_timer(lws_sorted_usec_list_t *timer)
{
	struct exchange *x = container_of(timer, struct exchange, timer);
	struct request *r = x->request;
	int64_t now;

	if (!r)
		return;
	now = clock_mono(r->server->clock);
	if (!r->dispatched || (r->stalled_at_ns && now >= r->stalled_at_ns)) {
		atomic_fetch_add(&r->server->metrics.cut_off, 1);
		lws_set_timeout(lws_get_network_wsi(x->wsi), PENDING_TIMEOUT_USER_OK,
				LWS_TO_KILL_ASYNC);
		return;
	}
	pthread_mutex_lock(&r->answer.lock);
	if (r->answer.end_at_ns && now >= r->answer.end_at_ns) {
		r->answer.ended = true;
		r->answer.end_at_ns = 0;
	}
	pthread_mutex_unlock(&r->answer.lock);
	lws_callback_on_writable(x->wsi);
}

struct closing {
	void (*run)(void *);
	void *arg;
};

static void run_closing(void *arg)
{
	struct closing *c = arg;

	c->run(c->arg);
	free(c);
}

void exchange_closed(struct exchange *x)
{
	struct request *r = steal(&x->request);
	struct closing c;

	if (!r)
		return;
	pthread_mutex_lock(&r->answer.lock);
	r->answer.closed = true;
	c = (struct closing){.run = steal(&r->answer.on_close), .arg = r->answer.on_close_arg};
	pthread_cond_broadcast(&r->answer.drained);
	pthread_mutex_unlock(&r->answer.lock);
	r->wsi = NULL;
	exchange_set_timer(x, 0);
	if (!r->final_sent)
		cancel_fire(r->cancel);
	if (!r->dispatched)
		audit_request(r->server->audit, r, AUDIT_COMPLETE);
	exchange_discharge(r);
	if (r->long_running) {
		remove_stream(x);
		atomic_fetch_sub(&r->server->metrics.watches, 1);
	}
	if (c.run)
		serve_pool_submit(r->server->pool, run_closing, xmemdup(&c, sizeof(c)));
	request_unref(r);
}

void server_wake(struct request *r)
{
	struct server *s = r->server;

	/* Under the lock: a watch that is told while the server ends finds no context any more. */
	pthread_mutex_lock(&s->ready_lock);
	if (!r->ready_listed) {
		if (!s->ready && s->wakes)
			lws_cancel_service(s->context);
		r->ready_listed = true;
		r->next_ready = s->ready;
		s->ready = request_ref(r);
	}
	pthread_mutex_unlock(&s->ready_lock);
}

void exchange_news(struct server *s)
{
	struct request *r, *next;

	pthread_mutex_lock(&s->ready_lock);
	r = steal(&s->ready);
	for (struct request *each = r; each; each = each->next_ready)
		each->ready_listed = false;
	/* next_ready may be overwritten once the lock is free: walk a private copy. */
	VEC(struct request *) list = VEC_INIT;
	for (; r; r = next) {
		next = r->next_ready;
		vec_push(&list, r);
	}
	pthread_mutex_unlock(&s->ready_lock);
	vec_each (&list, each) {
		bool stream;

		pthread_mutex_lock(&(*each)->answer.lock);
		stream = (*each)->answer.on_close;
		pthread_mutex_unlock(&(*each)->answer.lock);
		if ((*each)->wsi && stream && !(*each)->long_running) {
			exchange_discharge(*each);
			(*each)->long_running = true;
			lws_http_headers_detach((*each)->wsi);
			add_stream(s, lws_wsi_user((*each)->wsi));
			atomic_fetch_add(&s->metrics.watches, 1);
		}
		if ((*each)->wsi)
			lws_callback_on_writable((*each)->wsi);
		request_unref(*each);
	}
	vec_release(&list);
}
