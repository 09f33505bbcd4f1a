#include "cache/workqueue.h"

#include "base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct clock *clock;
	struct workqueue *q;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->clock = clock_fake_new(0);
	f->q = workqueue_new(f->clock);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	workqueue_free(f->q);
	clock_fake_free(f->clock);
	free(f);
	return 0;
}

/* Takes the next key and gives it back; it has to be EXPECTED (NULL: nothing is due). */
static void expect(struct fixture *f, const char *expected)
{
	char *key = workqueue_try_get(f->q);

	if (!expected) {
		assert_null(key);
		return;
	}
	assert_non_null(key);
	assert_string_equal(key, expected);
	workqueue_done(f->q, key);
}

static void test_same_key_once(void **state)
{
	struct fixture *f = *state;

	workqueue_add(f->q, "a");
	workqueue_add(f->q, "b");
	workqueue_add(f->q, "a");
	assert_int_equal(workqueue_length(f->q), 2);
	expect(f, "a");
	expect(f, "b");
	expect(f, NULL);
}

static void test_added_while_held_comes_again(void **state)
{
	struct fixture *f = *state;
	char *held;

	workqueue_add(f->q, "a");
	held = workqueue_try_get(f->q);
	workqueue_add(f->q, "a");
	workqueue_add(f->q, "a");
	expect(f, NULL);
	workqueue_done(f->q, held);
	expect(f, "a");
	expect(f, NULL);
}

static void test_delays(void **state)
{
	struct fixture *f = *state;

	workqueue_add_after(f->q, "late", 10 * NS_PER_S);
	workqueue_add_after(f->q, "soon", 5 * NS_PER_S);
	workqueue_add_after(f->q, "late", 20 * NS_PER_S);
	workqueue_add_after(f->q, "moved", 30 * NS_PER_S);
	workqueue_add_after(f->q, "moved", 1 * NS_PER_S);
	expect(f, NULL);
	clock_fake_advance(f->clock, 1 * NS_PER_S);
	expect(f, "moved");
	clock_fake_advance(f->clock, 4 * NS_PER_S);
	expect(f, "soon");
	expect(f, NULL);
	clock_fake_advance(f->clock, 5 * NS_PER_S);
	expect(f, "late");
	clock_fake_advance(f->clock, 100 * NS_PER_S);
	expect(f, NULL);
	assert_true(workqueue_next_due(f->q) == CLOCK_NEVER);
}

static void test_times(void **state)
{
	struct fixture *f = *state;
	int64_t now = clock_mono(f->clock);

	workqueue_add_at(f->q, "later", now + 5 * NS_PER_S);
	clock_fake_advance(f->clock, 2 * NS_PER_S);
	workqueue_add_at(f->q, "passed", now + 1 * NS_PER_S);
	expect(f, "passed");
	expect(f, NULL);
	clock_fake_advance(f->clock, 3 * NS_PER_S);
	expect(f, "later");
}

static void test_backoff_doubles_up_to_its_limit(void **state)
{
	struct fixture *f = *state;
	int64_t delay = 5 * NS_PER_MS;

	for (unsigned i = 0; i < 40; i++) {
		workqueue_add_rate_limited(f->q, "a");
		assert_true(workqueue_next_due(f->q) == clock_mono(f->clock) + delay);
		clock_fake_advance(f->clock, delay - 1);
		expect(f, NULL);
		clock_fake_advance(f->clock, 1);
		expect(f, "a");
		delay = MIN(delay * 2, 1000 * NS_PER_S);
	}
	workqueue_forget(f->q, "a");
	workqueue_add_rate_limited(f->q, "a");
	assert_true(workqueue_next_due(f->q) == clock_mono(f->clock) + 5 * NS_PER_MS);
}

static void test_shutdown_drops(void **state)
{
	struct fixture *f = *state;

	workqueue_add(f->q, "a");
	workqueue_shutdown(f->q);
	workqueue_add(f->q, "b");
	assert_null(workqueue_get(f->q));
}

#define KEYS 7
#define ADDS 2000

struct crowd {
	struct workqueue *q;
	atomic_int held[KEYS];
	atomic_int clashes, done;
};

static void *work(void *arg)
{
	struct crowd *c = arg;
	char *key;

	while ((key = workqueue_get(c->q))) {
		int k = key[0] - 'a';

		if (atomic_fetch_add(&c->held[k], 1) != 0)
			c->clashes++;
		atomic_fetch_sub(&c->held[k], 1);
		c->done++;
		workqueue_done(c->q, key);
	}
	return NULL;
}

static void test_no_key_with_two_workers(void **state)
{
	struct crowd c = {.q = workqueue_new(NULL)};
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, work, &c);
	for (int i = 0; i < ADDS; i++) {
		char key[2] = {(char)('a' + i % KEYS), '\0'};

		if (i % 3)
			workqueue_add(c.q, key);
		else
			workqueue_add_after(c.q, key, i % 50 * 1000);
	}
	while (workqueue_length(c.q) || workqueue_next_due(c.q) != CLOCK_NEVER)
		sched_yield();
	workqueue_shutdown(c.q);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(c.clashes, 0);
	assert_true(c.done >= KEYS && c.done <= ADDS);
	workqueue_free(c.q);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_same_key_once),
		TEST(test_added_while_held_comes_again),
		TEST(test_delays),
		TEST(test_times),
		TEST(test_backoff_doubles_up_to_its_limit),
		TEST(test_shutdown_drops),
		cmocka_unit_test(test_no_key_with_two_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
