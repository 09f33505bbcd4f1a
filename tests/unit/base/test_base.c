#include "base/call.h"
#include "base/clock.h"
#include "base/columns.h"
#include "base/error.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void str_grows_and_escapes(void **state)
{
	struct str s CLEANUP(str_release) = STR_INIT;

	for (int i = 0; i < 1000; i++)
		str_addf(&s, "%d,", i);
	assert_int_equal(s.len, 3890);
	str_reset(&s);
	str_add_escaped(&s, "a\033[1m\xc2\x9b\xc3\xa9\xff\\", 11);
	assert_string_equal(s.s, "a\\x1b[1m\\xc2\\x9b\xc3\xa9\\xff\\x5c");
}

/* As Go's text/tabwriter: a column ends where a line has no such cell. */
static void columns_are_aligned(void **state)
{
	struct str s CLEANUP(str_release) = STR_INIT;

	columns_format("Name:\tweb\nNamespace:\tx\n  a\n", 0, 2, &s);
	assert_string_equal(s.s, "Name:       web\nNamespace:  x\n  a\n");
	str_reset(&s);
	columns_format("A\tB\tC\naaaaaa\tb\tc\n\nx\ty\n", 6, 3, &s);
	assert_string_equal(s.s, "A        B     C\naaaaaa   b     c\n\nx     y\n");
	str_reset(&s);
	columns_format("\xc3\xa9\t1\nee\t2", 0, 1, &s);
	assert_string_equal(s.s, "\xc3\xa9  1\nee 2\n");
	str_reset(&s);
	columns_format("", 6, 3, &s);
	assert_int_equal(s.len, 0);
}

static void map_keeps_what_was_put(void **state)
{
	struct map *m = map_new();
	char key[32];

	for (intptr_t i = 1; i <= 5000; i++) {
		snprintf(key, sizeof(key), "k%d", (int)i);
		assert_null(map_put(m, key, (void *)i));
	}
	for (intptr_t i = 1; i <= 5000; i += 2) {
		snprintf(key, sizeof(key), "k%d", (int)i);
		assert_ptr_equal(map_del(m, key), (void *)i);
		assert_null(map_get(m, key));
	}
	assert_int_equal(map_count(m), 2500);
	assert_ptr_equal(map_get_n(m, "k42xyz", 3), (void *)42);
	assert_ptr_equal(map_put(m, "k42", (void *)7), (void *)42);
	intptr_t seen = 0;
	map_each (m, e)
		seen++;
	assert_int_equal(seen, 2500);
	map_free(m, NULL);
}

static int less_int(const void *a, const void *b)
{
	return (intptr_t)a < (intptr_t)b;
}

static void heap_pops_in_order(void **state)
{
	struct heap h;
	intptr_t last = 0, v;

	heap_init(&h, less_int, NULL);
	for (intptr_t i = 0; i < 1000; i++)
		heap_push(&h, (void *)(1 + (i * 7919) % 1009));
	heap_remove(&h, 500);
	assert_int_equal(h.n, 999);
	while ((v = (intptr_t)heap_pop(&h))) {
		assert_true(v >= last);
		last = v;
	}
	heap_release(&h);
}

static void errors_translate_by_one_table(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_int_equal(error_set(&err, E_EXISTS, "pods \"%s\" already exists", "x"), -1);
	error_wrap(&err, "while creating");
	assert_string_equal(error_message(err), "while creating: pods \"x\" already exists");
	assert_int_equal(error_http_status(err), 409);
	assert_int_equal(error_errno(err), EEXIST);
	assert_string_equal(error_reason(err), "AlreadyExists");
	assert_int_equal(error_code_from_status(409, "AlreadyExists"), E_EXISTS);
	assert_int_equal(error_code_from_status(409, NULL), E_CONFLICT);
	assert_int_equal(error_code_from_status(418, NULL), E_INTERNAL);
	error_add_cause(err, "FieldValueRequired", "spec.selector", "Required value");
	struct error *copy CLEANUP(error_free_cleanup) = error_dup(err);
	assert_string_equal(copy->causes[0].field, "spec.selector");
	/* The first error stays. */
	error_set(&err, E_INTERNAL, "later");
	assert_int_equal(error_code(err), E_EXISTS);
}

static void count_up(void *arg)
{
	++*(int *)arg;
}

static void cancel_runs_subscribers_once(void **state)
{
	struct cancel *c CLEANUP(cancel_unref_cleanup) = cancel_new();
	int a = 0, b = 0, late = 0;

	cancel_subscribe(c, count_up, &a);
	cancel_subscribe(c, count_up, &b);
	cancel_unsubscribe(c, count_up, &b);
	cancel_fire(c);
	cancel_fire(c);
	cancel_subscribe(c, count_up, &late);
	assert_int_equal(a, 1);
	assert_int_equal(b, 0);
	assert_int_equal(late, 1);
}

struct waiting {
	struct clock *clock;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	int64_t deadline;
	int entered, done;
};

static void *wait_until(void *arg)
{
	struct waiting *w = arg;

	pthread_mutex_lock(&w->lock);
	w->entered = 1;
	while (clock_wait(w->clock, &w->cond, &w->lock, w->deadline) != ETIMEDOUT)
		continue;
	w->done = 1;
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void fake_clock_wakes_who_waits(void **state)
{
	struct waiting w = {.clock = clock_fake_new(0), .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t thread;
	int entered = 0;

	clock_cond_init(&w.cond);
	w.deadline = clock_mono(w.clock) + 10 * NS_PER_S;
	pthread_create(&thread, NULL, wait_until, &w);
	while (!entered) {
		pthread_mutex_lock(&w.lock);
		entered = w.entered;
		pthread_mutex_unlock(&w.lock);
	}
	clock_fake_advance(w.clock, 9 * NS_PER_S);
	pthread_mutex_lock(&w.lock);
	assert_int_equal(w.done, 0);
	pthread_mutex_unlock(&w.lock);
	clock_fake_advance(w.clock, 2 * NS_PER_S);
	pthread_join(thread, NULL);
	assert_int_equal(w.done, 1);
	clock_fake_free(w.clock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(str_grows_and_escapes),
		cmocka_unit_test(columns_are_aligned),
		cmocka_unit_test(map_keeps_what_was_put),
		cmocka_unit_test(heap_pops_in_order),
		cmocka_unit_test(errors_translate_by_one_table),
		cmocka_unit_test(cancel_runs_subscribers_once),
		cmocka_unit_test(fake_clock_wakes_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
