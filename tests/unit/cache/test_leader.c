#include "cache/leader.h"

#include "cluster/fake.h"
#include "object/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static const struct call forever = {.timeout_ms = -1};

/* Moves time on until IT is the leader. */
static void advance_until(struct clock *clock, struct leader *it)
{
	for (int k = 0; k < 20000 && !leader_is(it); k++) {
		clock_fake_advance(clock, 100 * NS_PER_MS);
		usleep(1000);
	}
	assert_true(leader_is(it));
}

static _Atomic bool dead;

/* The first process reaches its server no longer. */
static int refuse_first(void *arg, const struct fake_request *r, struct error **err)
{
	(void)arg;
	if (dead && r->verb == VERB_UPDATE && r->json &&
	    json_span_equal(json_find(r->json, r->len, "spec.holderIdentity"), "\"one\""))
		return error_set(err, E_UNREACHABLE, "no route");
	return 0;
}

static void test_one_of_two(void **state)
{
	struct clock *clock = clock_fake_new(1700000000LL * NS_PER_S);
	struct cluster_config config = {.clock = clock};
	struct cluster *c = cluster_open("fake:", &config, NULL);
	struct leader *one = leader_new(c, "kube-system", "x", "one", clock), *two;

	(void)state;
	assert_int_equal(leader_wait(one, &forever, NULL), 0);
	two = leader_new(c, "kube-system", "x", "two", clock);
	for (int k = 0; k < 50; k++)
		assert_false(leader_is(two));
	/* Given back, it is the other's at its next try. */
	leader_free(one);
	advance_until(clock, two);
	leader_free(two);
	cluster_close(c);
	clock_fake_free(clock);
}

static void test_expires(void **state)
{
	struct clock *clock = clock_fake_new(1700000000LL * NS_PER_S);
	struct cluster_config config = {.clock = clock};
	struct cluster *c = cluster_open("fake:", &config, NULL);
	struct leader *one, *two;

	(void)state;
	fake_on_request(c, refuse_first, NULL);
	one = leader_new(c, "kube-system", "x", "one", clock);
	assert_int_equal(leader_wait(one, &forever, NULL), 0);
	two = leader_new(c, "kube-system", "x", "two", clock);
	dead = true;
	for (int k = 0; k < 20000 && !leader_is(two); k++) {
		/* Never both. */
		assert_false(leader_is(one) && leader_is(two));
		clock_fake_advance(clock, 100 * NS_PER_MS);
		usleep(1000);
	}
	assert_true(leader_is(two));
	assert_false(leader_is(one));
	leader_free(one);
	leader_free(two);
	cluster_close(c);
	clock_fake_free(clock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_of_two),
		cmocka_unit_test(test_expires),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
