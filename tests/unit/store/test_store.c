/* Keys, revisions, transactions, lists, history and compaction on a fake clock. */
#include "tests/unit/store/util.h"

#include <pthread.h>

struct fixture {
	char *dir;
	struct clock *clock;
	struct store *s;
	struct store_options opt;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->dir = tmp_new();
	f->clock = clock_fake_new(1000 * NS_PER_S);
	f->opt.clock = f->clock;
	f->s = open_with(f->dir, &f->opt);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->s);
	clock_fake_free(f->clock);
	tmp_remove(f->dir);
	free(f);
	return 0;
}

static void reopen(struct fixture *f)
{
	store_close(f->s);
	f->s = open_with(f->dir, &f->opt);
}

static void put_get_delete(void **state)
{
	struct fixture *f = *state;
	struct store_value v = {0};

	assert_int_equal(store_revision(f->s), 1);
	assert_int_equal(put(f->s, "a", "1"), 2);
	assert_int_equal(put(f->s, "a", "2"), 3);
	assert_int_equal(store_get(f->s, "a", 1, 0, &v, NULL), 0);
	assert_int_equal(v.revision, 3);
	store_value_release(&v);
	assert_int_equal(del(f->s, "a"), 4);
	assert_value_at(f->s, "a", 0, NULL);
	assert_value_at(f->s, "a", 3, "2");
	assert_value_at(f->s, "a", 2, "1");
	assert_value_at(f->s, "a", 1, NULL);
	assert_int_equal(put(f->s, "a", "again"), 5);
	assert_value_at(f->s, "a", 4, NULL);
	assert_value_at(f->s, "a", 5, "again");
	assert_int_equal(store_revision(f->s), 5);
	assert_sound(f->s);
}

static void revision_is_written_into_the_value(void **state)
{
	struct fixture *f = *state;
	struct store_op op = {.kind = STORE_PUT,
			      .key = "k",
			      .key_len = 1,
			      .expect = STORE_ABSENT,
			      .head = "{\"rv\":\"",
			      .head_len = 7,
			      .tail = "\"}",
			      .tail_len = 2,
			      .with_revision = true};

	for (int i = 0; i < 9; i++)
		put(f->s, "other", "");
	assert_int_equal(must(f->s, op), 11);
	assert_value_at(f->s, "k", 0, "{\"rv\":\"11\"}");
}

static void preconditions(void **state)
{
	struct fixture *f = *state;
	uint64_t r = put(f->s, "a", "1");
	static const struct {
		bool del;
		const char *key;
		int expect; /* relative to r; 0 absent, -1 any */
		enum error_code code;
	} cases[] = {
		{false, "a", 0, E_EXISTS},    {false, "a", 7, E_CONFLICT},
		{false, "b", 7, E_NOT_FOUND}, {true, "a", 0, E_EXISTS},
		{true, "a", 7, E_CONFLICT},   {true, "b", 7, E_NOT_FOUND},
		{true, "b", -1, E_NOT_FOUND},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t expect = cases[i].expect < 0	 ? STORE_ANY
				  : cases[i].expect == 0 ? STORE_ABSENT
							 : r + 7;
		enum error_code code;

		try_op(f->s,
		       cases[i].del ? op_delete(cases[i].key, expect)
				    : op_put(cases[i].key, "x", expect),
		       &code);
		assert_int_equal(code, cases[i].code);
	}
	assert_int_equal(store_revision(f->s), r);
	must(f->s, op_put("a", "2", r));
	must(f->s, op_put("b", "1", STORE_ABSENT));
}

static void transaction_is_all_or_nothing(void **state)
{
	struct fixture *f = *state;
	struct store_op ops[] = {op_put("a", "1", STORE_ABSENT), op_put("b", "1", STORE_ABSENT),
				 op_delete("c", STORE_ANY)};
	struct error *err = NULL;
	uint64_t revision;
	size_t failed = 99;

	assert_int_equal(store_commit(f->s, ops, 3, NULL, &failed, &err), -1);
	assert_int_equal(error_code(err), E_NOT_FOUND);
	assert_int_equal(failed, 2);
	error_clear(&err);
	assert_list(f->s, "", "", 0, "");
	put(f->s, "c", "1");
	assert_int_equal(store_commit(f->s, ops, 3, &revision, &failed, &err), 0);
	assert_int_equal(revision, 3);
	assert_list(f->s, "", "", 0, "a=1 b=1 ");

	ops[0].expect = STORE_ANY;
	ops[1].expect = 2;
	assert_int_equal(store_commit(f->s, ops, 2, NULL, &failed, &err), -1);
	assert_int_equal(error_code(err), E_CONFLICT);
	assert_int_equal(failed, 1);
	error_clear(&err);
	ops[1].expect = 3;
	assert_int_equal(store_commit(f->s, ops, 2, &revision, &failed, &err), 0);
	assert_int_equal(revision, 4);
	assert_sound(f->s);
}

static void bad_requests(void **state)
{
	struct fixture *f = *state;
	char long_key[STORE_KEY_MAX + 2];
	struct store_op twice[] = {op_put("a", "1", STORE_ANY), op_put("b", "", STORE_ANY),
				   op_delete("a", STORE_ANY)};
	struct store_op huge = op_put("a", "", STORE_ANY);
	struct error *err = NULL;
	enum error_code code;

	memset(long_key, 'k', sizeof(long_key));
	long_key[STORE_KEY_MAX + 1] = '\0';
	try_op(f->s, op_put(long_key, "", STORE_ANY), &code);
	assert_int_equal(code, E_BAD_REQUEST);
	try_op(f->s, op_put("", "", STORE_ANY), &code);
	assert_int_equal(code, E_BAD_REQUEST);
	assert_int_equal(store_commit(f->s, twice, 3, NULL, NULL, &err), -1);
	assert_int_equal(error_code(err), E_BAD_REQUEST);
	error_clear(&err);
	assert_int_equal(store_commit(f->s, twice, 0, NULL, NULL, &err), -1);
	error_clear(&err);
	huge.head_len = STORE_VALUE_MAX;
	huge.tail_len = 1;
	assert_int_equal(store_commit(f->s, &huge, 1, NULL, NULL, &err), -1);
	assert_int_equal(error_code(err), E_TOO_LARGE);
	error_clear(&err);
	long_key[STORE_KEY_MAX] = '\0';
	put(f->s, long_key, "fits");
	assert_value_at(f->s, long_key, 0, "fits");
	assert_int_equal(store_get(f->s, "a", 1, 99, NULL, &err), -1);
	assert_int_equal(error_code(err), E_BAD_REQUEST);
	error_clear(&err);
}

static void large_values_come_back(void **state)
{
	static const size_t sizes[] = {0, 1, 2000, 2038, 2039, 4096, 70000, STORE_VALUE_MAX};
	struct fixture *f = *state;
	char *big free_ptr = xmalloc(STORE_VALUE_MAX);

	for (size_t i = 0; i < STORE_VALUE_MAX; i++)
		big[i] = (char)(i * 2654435761u >> 13);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct store_op op = op_put("big", "", STORE_ANY);
		struct store_value v;

		op.head = big;
		op.head_len = sizes[i] / 3;
		op.tail = big + op.head_len;
		op.tail_len = sizes[i] - op.head_len;
		must(f->s, op);
		assert_int_equal(store_get(f->s, "big", 3, 0, &v, NULL), 0);
		assert_int_equal(v.len, sizes[i]);
		assert_memory_equal(v.bytes, big, sizes[i]);
		store_value_release(&v);
	}
}

static bool stop_at_two(void *arg, const void *key, size_t key_len, const char *value, size_t len,
			uint64_t revision)
{
	return ++*(int *)arg < 2;
}

static void lists(void **state)
{
	struct fixture *f = *state;
	struct error *err = NULL;
	uint64_t past, told;
	int n = 0;

	put(f->s, "p/b", "1");
	put(f->s, "p/a", "1");
	put(f->s, "p/c", "1");
	put(f->s, "q/a", "1");
	past = put(f->s, "p", "1");
	del(f->s, "p/b");
	put(f->s, "p/a", "2");
	put(f->s, "p/d", "1");
	assert_list(f->s, "p/", "", 0, "p/a=2 p/c=1 p/d=1 ");
	assert_list(f->s, "p/", "p/b", 0, "p/c=1 p/d=1 ");
	assert_list(f->s, "p/", "a", 0, "p/a=2 p/c=1 p/d=1 ");
	assert_list(f->s, "p/", "q", 0, "");
	assert_list(f->s, "", "", 0, "p=1 p/a=2 p/c=1 p/d=1 q/a=1 ");
	assert_list(f->s, "p/", "", past, "p/a=1 p/b=1 p/c=1 ");
	assert_list(f->s, "p/", "p/b", past, "p/b=1 p/c=1 ");
	assert_list(f->s, "", "", past - 4, "p/b=1 ");
	assert_list(f->s, "x", "", 0, "");
	assert_int_equal(store_list(f->s, "p/", 2, NULL, 0, past, stop_at_two, &n, &told, NULL), 0);
	assert_int_equal(n, 2);
	assert_int_equal(told, past);
	assert_int_equal(count(f->s, "p/"), 3);
	assert_int_equal(count(f->s, ""), 5);
	assert_int_equal(count(f->s, "zz"), 0);
	/* As the lists above. */
	assert_int_equal(count_at(f->s, "p/", "p/b", 0), 2);
	assert_int_equal(count_at(f->s, "p/", "a", 0), 3);
	assert_int_equal(count_at(f->s, "p/", "q", 0), 0);
	assert_int_equal(count_at(f->s, "p/", "", past), 3);
	assert_int_equal(count_at(f->s, "p/", "p/b", past), 2);
	assert_int_equal(count_at(f->s, "", "", past - 4), 1);
	put(f->s, "p/b", "2");
	del(f->s, "p/c");
	assert_int_equal(count_at(f->s, "p/", "", past), 3);
	assert_int_equal(count_at(f->s, "p/", "", past + 1), 2);
	assert_int_equal(store_count(f->s, "p/", 2, NULL, 0, past + 9, &told, &err), -1);
	assert_int_equal(error_code(err), E_BAD_REQUEST);
	error_free(err);
}

static void everything_is_there_after_reopening(void **state)
{
	struct fixture *f = *state;
	uint64_t id = store_id(f->s), r;

	put(f->s, "a", "1");
	put(f->s, "b", "1");
	r = del(f->s, "a");
	reopen(f);
	assert_int_equal(store_id(f->s), id);
	assert_int_equal(store_revision(f->s), r);
	assert_list(f->s, "", "", 0, "b=1 ");
	assert_list(f->s, "", "", r - 1, "a=1 b=1 ");
	assert_int_equal(put(f->s, "a", "2"), r + 1);
	assert_sound(f->s);
}

static bool history_to_str(void *arg, uint64_t revision, bool deleted, const char *value,
			   size_t len)
{
	str_addf(arg, "%llu%s%.*s ", (unsigned long long)revision, deleted ? "-" : "=", (int)len,
		 value);
	return true;
}

static void assert_history(struct store *s, const char *key, const char *expected)
{
	struct str out CLEANUP(str_release) = STR_INIT;

	assert_int_equal(store_history(s, key, strlen(key), history_to_str, &out, NULL), 0);
	assert_string_equal(out.s, expected);
}

static void history(void **state)
{
	struct fixture *f = *state;

	put(f->s, "a", "1");
	put(f->s, "b", "x");
	put(f->s, "a", "2");
	del(f->s, "a");
	put(f->s, "a", "3");
	assert_history(f->s, "a", "6=3 5- 4=2 2=1 ");
	assert_history(f->s, "none", "");
	del(f->s, "b");
	assert_history(f->s, "b", "7- 3=x ");
}

/* Moves time on and waits until the writer, which the clock has woken, has compacted to REVISION.
 */
static void compact_to(struct fixture *f, int64_t ns, uint64_t revision)
{
	clock_fake_advance(f->clock, ns);
	for (;;) {
		struct error *err = NULL;
		struct store_value v = {0};
		enum error_code code;

		store_get(f->s, "none", 4, revision - 1, &v, &err);
		code = error_code(err);
		error_free(err);
		if (code == E_GONE)
			return;
		usleep(1000);
	}
}

static void compaction_keeps_what_it_must(void **state)
{
	struct fixture *f = *state;
	struct error *err = NULL;
	uint64_t last = 0;
	char value[16];

	put(f->s, "old", "1");
	put(f->s, "gone", "1");
	del(f->s, "gone");
	for (int i = 1; i <= 15; i++) {
		snprintf(value, sizeof(value), "v%d", i);
		last = put(f->s, "a", value);
	}
	/* Younger than five minutes: all is kept. */
	clock_fake_advance(f->clock, 299 * NS_PER_S);
	put(f->s, "b", "1");
	assert_value_at(f->s, "a", last - 14, "v1");
	assert_value_at(f->s, "gone", 3, "1");
	compact_to(f, 60 * NS_PER_S, last);

	assert_list(f->s, "", "", 0, "a=v15 b=1 old=1 ");
	assert_list(f->s, "", "", last, "a=v15 old=1 ");
	assert_history(f->s, "a",
		       "19=v15 18=v14 17=v13 16=v12 15=v11 14=v10 13=v9 12=v8 11=v7 10=v6 ");
	assert_history(f->s, "gone", "");
	assert_null(store_watch(f->s, "", 0, last - 1, NULL, NULL, &err));
	assert_int_equal(error_code(err), E_GONE);
	error_clear(&err);
	assert_sound(f->s);
	reopen(f);
	assert_list(f->s, "", "", 0, "a=v15 b=1 old=1 ");
	assert_null(store_watch(f->s, "", 0, last - 1, NULL, NULL, &err));
	assert_int_equal(error_code(err), E_GONE);
	error_clear(&err);

	/* Older versions leave as new ones age, one by one. */
	last = put(f->s, "a", "new");
	compact_to(f, 400 * NS_PER_S, last);
	assert_history(f->s, "a",
		       "21=new 19=v15 18=v14 17=v13 16=v12 15=v11 14=v10 13=v9 12=v8 11=v7 ");
	assert_sound(f->s);
	last = del(f->s, "a");
	compact_to(f, 400 * NS_PER_S, last);
	assert_history(f->s, "a", "");
	assert_list(f->s, "", "", 0, "b=1 old=1 ");
	assert_sound(f->s);
}

/* The revision goes on even when all records of the log are gone. */
static void revisions_survive_an_empty_log(void **state)
{
	struct fixture *f = *state;
	uint64_t last;

	put(f->s, "a", "1");
	last = del(f->s, "a");
	compact_to(f, 600 * NS_PER_S, last);
	assert_history(f->s, "a", "");
	reopen(f);
	assert_int_equal(store_revision(f->s), last);
	assert_int_equal(put(f->s, "a", "1"), last + 1);
	assert_sound(f->s);
}

static void compaction_of_many(void **state)
{
	struct fixture *f = *state;
	struct store_op ops[100];
	char keys[100][16];
	uint64_t last = 0;

	for (int i = 0; i < 100; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%02d", i);
		ops[i] = op_put(keys[i], "value", STORE_ANY);
	}
	for (int i = 0; i < 40; i++)
		assert_int_equal(store_commit(f->s, ops, (size_t)(100 - i), &last, NULL, NULL), 0);
	compact_to(f, 301 * NS_PER_S, last);
	assert_sound(f->s);
	assert_int_equal(count(f->s, ""), 100);
	assert_history(f->s, "k99", "2=value ");
	assert_history(f->s, "k98", "3=value 2=value ");
}

struct worker {
	pthread_t thread;
	struct store *s;
	int id;
	unsigned long long revisions[200];
};

static void *work(void *arg)
{
	struct worker *w = arg;
	char key[32];

	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "w%d/%d", w->id, i % 20);
		w->revisions[i] = put(w->s, key, "value");
		assert_value_at(w->s, key, 0, "value");
	}
	return NULL;
}

static int compare_revisions(const void *a, const void *b)
{
	unsigned long long x = *(const unsigned long long *)a, y = *(const unsigned long long *)b;

	return (x > y) - (x < y);
}

static void many_writers_get_revisions_of_their_own(void **state)
{
	struct fixture *f = *state;
	struct worker w[8];
	unsigned long long all[8 * 200];

	for (int i = 0; i < 8; i++) {
		w[i] = (struct worker){.s = f->s, .id = i};
		pthread_create(&w[i].thread, NULL, work, &w[i]);
	}
	for (int i = 0; i < 8; i++) {
		pthread_join(w[i].thread, NULL);
		for (int j = 1; j < 200; j++)
			assert_true(w[i].revisions[j] > w[i].revisions[j - 1]);
		memcpy(all + i * 200, w[i].revisions, sizeof(w[i].revisions));
	}
	qsort(all, 1600, sizeof(*all), compare_revisions);
	for (unsigned i = 0; i < 1600; i++)
		assert_int_equal(all[i], i + 2);
	assert_int_equal(count(f->s, "w"), 160);
	assert_sound(f->s);
}

/* What a caller that does not wait is told: by the writer's thread, so only read when that ended.
 */
struct told {
	unsigned times;
	uint64_t revision;
	size_t failed;
	enum error_code code;
};

static void note(void *arg, uint64_t revision, size_t failed, struct error *why)
{
	struct told *t = arg;

	t->times++;
	t->revision = revision;
	t->failed = failed;
	t->code = error_code(why);
}

static void who_does_not_wait_is_told(void **state)
{
	struct fixture *f = *state;
	const struct store_op good = op_put("a", "1", STORE_ABSENT);
	const struct store_op bad[] = {op_put("b", "1", STORE_ABSENT),
				       op_put("a", "2", STORE_ABSENT)};
	struct store_op nameless = op_put("c", "1", STORE_ABSENT);
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct told told[3] = {{0}};

	nameless.key_len = 0;
	assert_int_equal(store_commit_later(f->s, &good, 1, note, &told[0], NULL), 0);
	assert_int_equal(store_commit_later(f->s, bad, 2, note, &told[1], NULL), 0);
	assert_int_equal(store_commit_later(f->s, &nameless, 1, note, &told[2], &err), -1);
	assert_int_equal(error_code(err), E_BAD_REQUEST);
	/* Whatever was handed over is decided before the store is closed. */
	reopen(f);
	assert_int_equal(told[0].times, 1);
	assert_int_equal(told[0].code, 0);
	assert_int_equal(told[0].revision, 2);
	assert_int_equal(told[1].times, 1);
	assert_int_equal(told[1].code, E_EXISTS);
	assert_int_equal(told[1].failed, 1);
	assert_int_equal(told[2].times, 0);
	assert_value_at(f->s, "a", 0, "1");
	assert_value_at(f->s, "b", 0, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(put_get_delete, setup, teardown),
		cmocka_unit_test_setup_teardown(revision_is_written_into_the_value, setup,
						teardown),
		cmocka_unit_test_setup_teardown(preconditions, setup, teardown),
		cmocka_unit_test_setup_teardown(transaction_is_all_or_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(large_values_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(lists, setup, teardown),
		cmocka_unit_test_setup_teardown(everything_is_there_after_reopening, setup,
						teardown),
		cmocka_unit_test_setup_teardown(history, setup, teardown),
		cmocka_unit_test_setup_teardown(compaction_keeps_what_it_must, setup, teardown),
		cmocka_unit_test_setup_teardown(revisions_survive_an_empty_log, setup, teardown),
		cmocka_unit_test_setup_teardown(compaction_of_many, setup, teardown),
		cmocka_unit_test_setup_teardown(many_writers_get_revisions_of_their_own, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_does_not_wait_is_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
