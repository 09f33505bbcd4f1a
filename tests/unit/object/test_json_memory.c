/* Blocks of jansson's that outlive what made them: their request, their thread. */
#include "object/json.h"
#include "object/json_memory.h"

#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define TREES 400
#define THREADS 4

/* A tree that tells whether its memory was taken from under it. */
static json_t *make(int n)
{
	json_t *tree = json_object(), *list = json_array();
	char key[32];

	for (int i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "key-%d-%d", n, i);
		json_object_set_new(tree, key, json_sprintf("value %d of %d", i, n));
		json_array_append_new(list, json_integer((json_int_t)n * i));
	}
	json_object_set_new(tree, "list", list);
	return tree;
}

static bool is_whole(const json_t *tree, int n)
{
	json_t *same json_auto = make(n);

	return json_equal(tree, same);
}

static void large_blocks_too(void **state)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *string, *array json_auto = json_array();

	str_addn(&text, 'x', 300000);
	string = json_stringn(text.s, text.len);
	for (int i = 0; i < 20000; i++)
		json_array_append(array, string);
	assert_int_equal(json_string_length(string), 300000);
	assert_string_equal(json_string_value(string), text.s);
	json_decref(string);
}

/* Every tenth tree stays while the others come and go around it. */
static void what_stays_is_left_alone(void **state)
{
	json_t *kept[TREES / 10];

	for (int i = 0; i < TREES; i++) {
		json_t *tree = make(i);

		if (i % 10)
			json_decref(tree);
		else
			kept[i / 10] = tree;
	}
	for (int i = 0; i < TREES / 10; i++) {
		assert_true(is_whole(kept[i], i * 10));
		json_decref(kept[i]);
	}
}

/* A small tree of each request stays, and nothing with it. */
static void what_is_settled_takes_its_own_bytes(void **state)
{
	size_t before = mallinfo2().uordblks;
	json_t *kept[TREES];

	for (int i = 0; i < TREES; i++) {
		json_t *request json_auto = json_pack("{s:o, s:o}", "a", make(i), "b", make(i));
		json_t *small json_auto = json_pack("[i]", i);

		kept[i] = json_settle(small);
	}
	assert_true(mallinfo2().uordblks < before + TREES * (size_t)1024);
	for (int i = 0; i < TREES; i++) {
		assert_int_equal(json_integer_value(json_array_get(kept[i], 0)), i);
		json_decref(kept[i]);
	}
}

struct exchange {
	pthread_mutex_t lock;
	json_t *tree[TREES];
	bool broken;
};

static void *make_some(void *arg)
{
	struct exchange *e = arg;

	for (int i = 0; i < TREES; i++) {
		json_t *tree = make(i), *other;

		pthread_mutex_lock(&e->lock);
		other = e->tree[i];
		e->tree[i] = tree;
		e->broken = e->broken || (other && !is_whole(other, i));
		pthread_mutex_unlock(&e->lock);
		json_decref(other);
	}
	return NULL;
}

/* Each thread frees what another made, and all have ended before the last trees are freed. */
static void threads_free_each_others(void **state)
{
	struct exchange e = {.lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[THREADS];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, make_some, &e), 0);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
	}
	assert_false(e.broken);
	for (int i = 0; i < TREES; i++) {
		assert_true(is_whole(e.tree[i], i));
		json_decref(e.tree[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_blocks_too),
		cmocka_unit_test(what_stays_is_left_alone),
		cmocka_unit_test(what_is_settled_takes_its_own_bytes),
		cmocka_unit_test(threads_free_each_others),
	};

	json_memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
