/* Objects by name and by index stay sorted, whatever order they come, change and go in. */
#include "base/str.h"
#include "cache/indexer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NAMES = 200, NODES = 3, ROUNDS = 6000 };

/* On which node pod I is; 0: it is not there. */
static int where[NAMES];

/* Half of them in each namespace; their numbers are in the order of their names. */
static const char *namespace_of(int i)
{
	return i < NAMES / 2 ? "a" : "b";
}

static struct object *pod(int i, int version)
{
	char *json free_ptr = xasprintf(
		"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p%03d\","
		"\"namespace\":\"%s\",\"resourceVersion\":\"%d\"},\"spec\":{\"nodeName\":\"n%d\"}}",
		i, namespace_of(i), version, where[i]);
	struct object *o = object_parse(json, strlen(json), NULL);

	assert_non_null(o);
	return o;
}

static void put(struct indexer *x, int i, int version)
{
	struct object *o CLEANUP(object_unref_cleanup) = pod(i, version);

	object_unref(indexer_put(x, o));
}

static void take_out(struct indexer *x, int i)
{
	char name[16];

	snprintf(name, sizeof(name), "p%03d", i);
	struct object *o = indexer_remove(x, namespace_of(i), name);

	assert_int_equal(o != NULL, where[i] != 0);
	object_unref(o);
	where[i] = 0;
}

/* LIST has those of NODE (0: of any) from FIRST up to END, in their order. */
static void assert_list(const struct object_list *list, int first, int end, int node)
{
	size_t n = 0;
	char name[16];

	for (int i = first; i < end; i++) {
		if (!where[i] || (node && where[i] != node))
			continue;
		snprintf(name, sizeof(name), "p%03d", i);
		assert_true(n < list->n);
		assert_string_equal(list->v[n]->name, name);
		n++;
	}
	assert_int_equal(list->n, n);
}

static void assert_all(struct indexer *x)
{
	struct object_list all CLEANUP(object_list_release) = {0};
	struct object_list a CLEANUP(object_list_release) = {0};

	indexer_list(x, "", &all);
	assert_list(&all, 0, NAMES, 0);
	indexer_list(x, "a", &a);
	assert_list(&a, 0, NAMES / 2, 0);
	for (int node = 1; node <= NODES; node++) {
		struct object_list on CLEANUP(object_list_release) = {0};
		char key[16];

		snprintf(key, sizeof(key), "n%d", node);
		indexer_by_index(x, "node", key, &on);
		assert_list(&on, 0, NAMES, node);
	}
}

/* One change after the other; a look after few of them, and after many. */
static void by_node(const struct object *o, index_emit *emit, void *emit_arg)
{
	char *node free_ptr = object_string(o, "spec.nodeName");

	emit(emit_arg, node);
}

static void test_lists_are_sorted(void **state)
{
	struct indexer *x = indexer_new();
	unsigned look_in = 1;

	srandom(4711);
	indexer_add_index(x, "node", by_node);
	for (int round = 1; round <= ROUNDS; round++) {
		int i = (int)(random() % NAMES);

		if (random() % 3) {
			where[i] = 1 + (int)(random() % NODES);
			put(x, i, round);
		} else {
			take_out(x, i);
		}
		if (--look_in == 0) {
			assert_all(x);
			look_in = 1 + (unsigned)random() % (random() % 2 ? 5 : 300);
		}
	}
	for (int i = 0; i < NAMES; i++)
		take_out(x, i);
	assert_all(x);
	indexer_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_lists_are_sorted)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
