#include "cache/informer.h"

#include "base/map.h"
#include "base/str.h"
#include "cluster/fake.h"
#include "object/json.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct cluster *cluster;
	struct clock *clock;
	struct informers *informers;
	struct catalog *catalog;
	const struct resource *pods;
	struct informer *informer;
	/* What handlers were told, "+name", "~name", "-name". */
	pthread_mutex_t lock;
	pthread_cond_t told;
	struct str log;
};

static void on_changed(void *arg, struct object *old, struct object *new_)
{
	struct fixture *f = arg;

	pthread_mutex_lock(&f->lock);
	str_addf(&f->log, "%c%s ", !old ? '+' : !new_ ? '-' : '~', (new_ ? new_ : old)->name);
	pthread_cond_broadcast(&f->told);
	pthread_mutex_unlock(&f->lock);
}

static void on_synced(void *arg)
{
	struct fixture *f = arg;

	pthread_mutex_lock(&f->lock);
	str_adds(&f->log, "synced ");
	pthread_cond_broadcast(&f->told);
	pthread_mutex_unlock(&f->lock);
}

static const struct informer_handler handler = {.changed = on_changed, .synced = on_synced};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->told, NULL);
	str_init(&f->log);
	f->cluster = cluster_open("fake:", NULL, NULL);
	assert_non_null(f->cluster);
	f->informers = informers_new(f->cluster, NULL);
	f->catalog = cluster_catalog(f->cluster, NULL, NULL);
	f->pods = catalog_find(f->catalog, "", "v1", "pods");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->informer)
		informer_put(f->informer);
	informers_free(f->informers);
	catalog_unref(f->catalog);
	cluster_close(f->cluster);
	str_release(&f->log);
	free(f);
	return 0;
}

/* Blocks until exactly TEXT has been told. */
static void expect_log(struct fixture *f, const char *text)
{
	pthread_mutex_lock(&f->lock);
	while (f->log.len < strlen(text))
		pthread_cond_wait(&f->told, &f->lock);
	assert_string_equal(f->log.s, text);
	str_reset(&f->log);
	pthread_mutex_unlock(&f->lock);
}

static struct object *create(struct fixture *f, const char *namespace, const char *name,
			     const char *node)
{
	json_t *pod json_auto =
		json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:[{s:s, s:s}]}}", "apiVersion", "v1",
			  "kind", "Pod", "metadata", "name", name, "namespace", namespace, "spec",
			  "nodeName", node, "containers", "name", "c", "image", "i");
	struct object *out = NULL;
	struct error *err = NULL;

	if (cluster_create_tree(f->cluster, NULL, f->pods, namespace, pod, NULL, &out, &err) < 0)
		fail_msg("%s", error_message(err));
	return out;
}

static struct object *touch(struct fixture *f, const struct object *o, const char *value)
{
	json_t *patch json_auto = json_pack("{s:{s:{s:s}}}", "metadata", "annotations", "t", value);
	struct object *out = NULL;

	assert_int_equal(cluster_patch_tree(f->cluster, NULL, f->pods, o->namespace, o->name, NULL,
					    PATCH_MERGE, patch, NULL, &out, NULL),
			 0);
	return out;
}

static void delete (struct fixture *f, const struct object *o)
{
	struct delete_options opt = {.grace_period_s = 0};

	assert_int_equal(cluster_delete(f->cluster, NULL, f->pods, o->namespace, o->name, &opt,
					NULL, NULL, NULL),
			 0);
}

static void begin(struct fixture *f)
{
	f->informer = informers_get(f->informers, f->pods, "");
	informer_add_handler(f->informer, &handler, f);
	assert_int_equal(informer_wait_synced(f->informer, NULL, NULL), 0);
}

static void test_lists_then_watches(void **state)
{
	struct fixture *f = *state;
	struct object *a CLEANUP(object_unref_cleanup) = create(f, "x", "a", "n1");
	struct object *b CLEANUP(object_unref_cleanup) = NULL;
	struct object *c CLEANUP(object_unref_cleanup) = NULL;

	begin(f);
	expect_log(f, "+a synced ");
	b = create(f, "x", "b", "n1");
	expect_log(f, "+b ");
	c = touch(f, b, "1");
	expect_log(f, "~b ");
	delete (f, a);
	expect_log(f, "-a ");
}

static void test_late_handler_hears_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct object *a CLEANUP(object_unref_cleanup) = create(f, "x", "a", "n1");

	f->informer = informers_get(f->informers, f->pods, "");
	assert_int_equal(informer_wait_synced(f->informer, NULL, NULL), 0);
	informer_add_handler(f->informer, &handler, f);
	expect_log(f, "+a synced ");
	informer_remove_handler(f->informer, &handler, f);
	delete (f, a);
}

static void by_node(const struct object *o, index_emit *emit, void *emit_arg)
{
	char *node free_ptr = object_string(o, "spec.nodeName");

	emit(emit_arg, node);
}

static size_t count_index(struct fixture *f, const char *key)
{
	struct object_list out CLEANUP(object_list_release) = {0};

	informer_by_index(f->informer, "node", key, &out);
	return out.n;
}

static void test_indexes_follow(void **state)
{
	struct fixture *f = *state;
	struct object *a CLEANUP(object_unref_cleanup) = create(f, "x", "a", "n1");
	struct object *b CLEANUP(object_unref_cleanup) = create(f, "y", "b", "n1");
	struct object *c CLEANUP(object_unref_cleanup) = create(f, "y", "c", "n2");
	struct object_list out CLEANUP(object_list_release) = {0};

	begin(f);
	informer_add_index(f->informer, "node", by_node);
	informer_add_index(f->informer, "node", by_node);
	assert_int_equal(count_index(f, "n1"), 2);
	assert_int_equal(count_index(f, "n2"), 1);
	assert_int_equal(count_index(f, "n3"), 0);
	informer_list(f->informer, "y", &out);
	assert_int_equal(out.n, 2);
	assert_string_equal(out.v[0]->name, "b");
	expect_log(f, "+a +b +c synced ");
	delete (f, a);
	expect_log(f, "-a ");
	assert_int_equal(count_index(f, "n1"), 1);
}

static void test_older_states_do_not_come_back(void **state)
{
	struct fixture *f = *state;
	struct object *a CLEANUP(object_unref_cleanup) = create(f, "x", "a", "n1");
	struct object *newer CLEANUP(object_unref_cleanup) = NULL;
	struct object *got CLEANUP(object_unref_cleanup) = NULL;

	begin(f);
	expect_log(f, "+a synced ");
	newer = touch(f, a, "1");
	informer_observe(f->informer, newer);
	informer_observe(f->informer, a);
	got = informer_get(f->informer, "x", "a");
	assert_string_equal(got->resource_version, newer->resource_version);
	/* The watch's event of the same version says nothing new. */
	expect_log(f, "~a ");
	delete (f, a);
	expect_log(f, "-a ");
}

static void test_observed_deletion_stays(void **state)
{
	struct fixture *f = *state;
	struct object *a CLEANUP(object_unref_cleanup) = create(f, "x", "a", "n1");
	struct object *b CLEANUP(object_unref_cleanup) = NULL;

	begin(f);
	expect_log(f, "+a synced ");
	informer_observe_deleted(f->informer, "x", "a", a->uid);
	expect_log(f, "-a ");
	/* Late news of the same uid. */
	b = touch(f, a, "late");
	informer_observe(f->informer, b);
	assert_null(informer_get(f->informer, "x", "a"));
	delete (f, a);
	object_unref(b);
	/* The same name again is another object. */
	b = create(f, "x", "a", "n1");
	expect_log(f, "+a ");
}

static void test_answer_after_the_watch_told_the_deletion(void **state)
{
	struct fixture *f = *state;
	struct object *a CLEANUP(object_unref_cleanup) = NULL;

	begin(f);
	expect_log(f, "synced ");
	a = create(f, "x", "a", "n1");
	expect_log(f, "+a ");
	delete (f, a);
	expect_log(f, "-a ");
	informer_observe(f->informer, a);
	assert_null(informer_get(f->informer, "x", "a"));
}

static void test_shared_and_scoped(void **state)
{
	struct fixture *f = *state;
	struct informer *again, *one;
	struct object *a CLEANUP(object_unref_cleanup) = create(f, "x", "a", "n1");
	struct object *b CLEANUP(object_unref_cleanup) = create(f, "y", "b", "n1");
	struct object_list out CLEANUP(object_list_release) = {0};

	begin(f);
	again = informers_get(f->informers, f->pods, "");
	assert_ptr_equal(again, f->informer);
	informer_put(again);
	one = informers_get(f->informers, f->pods, "y");
	assert_int_equal(informer_wait_synced(one, NULL, NULL), 0);
	informer_observe(one, a);
	informer_list(one, "", &out);
	assert_int_equal(out.n, 1);
	informer_put(one);
}

/* Told once the reflector has come so far that it waits for its retry. */
static void on_state(void *arg)
{
	struct fixture *f = arg;
	struct error *why = informer_error(f->informer, NULL);

	pthread_mutex_lock(&f->lock);
	str_adds(&f->log, why ? "broken " : "whole ");
	pthread_cond_broadcast(&f->told);
	pthread_mutex_unlock(&f->lock);
	error_free(why);
}

static void test_lists_again_after_gone(void **state)
{
	static const struct informer_handler h = {.changed = on_changed};
	struct fixture *f = *state;
	struct object *a CLEANUP(object_unref_cleanup) = create(f, "x", "a", "n1");
	struct object *b CLEANUP(object_unref_cleanup) = create(f, "x", "b", "n1");

	f->informer = informers_get(f->informers, f->pods, "");
	informer_add_handler(f->informer, &h, f);
	expect_log(f, "+a +b ");
	fake_settle(f->cluster);
	while (!fake_watches(f->cluster, f->pods))
		sched_yield();
	fake_break_watches(f->cluster, E_GONE);
	delete (f, a);
	object_unref(create(f, "x", "c", "n1"));
	fake_compact(f->cluster);
	expect_log(f, "-a +c ");
}

static int refuse_lists(void *arg, const struct fake_request *r, struct error **err)
{
	_Atomic bool *refuse = arg;

	if (r->verb == VERB_LIST && *refuse)
		return error_set(err, E_FORBIDDEN, "no");
	return 0;
}

static int refuse_all(void *arg, const struct fake_request *r, struct error **err)
{
	_Atomic bool *refuse = arg;

	if (*refuse)
		return error_set(err, E_NOT_FOUND, "no such type");
	return 0;
}

static void on_lost(void *arg, struct object *old)
{
	struct fixture *f = arg;

	pthread_mutex_lock(&f->lock);
	str_addf(&f->log, "?%s ", old->name);
	pthread_cond_broadcast(&f->told);
	pthread_mutex_unlock(&f->lock);
}

/* Nobody knows whether they are gone. The state is told when all of them were. */
static void test_loses_what_is_not_served(void **state)
{
	static const struct informer_handler h = {
		.changed = on_changed, .lost = on_lost, .state = on_state};
	struct fixture *f = *state;
	_Atomic bool refuse = false;
	struct object *a CLEANUP(object_unref_cleanup) = create(f, "x", "a", "n1");
	struct object *b CLEANUP(object_unref_cleanup) = create(f, "x", "b", "n1");
	struct object_list left CLEANUP(object_list_release) = {0};

	fake_on_request(f->cluster, refuse_all, (void *)&refuse);
	f->informer = informers_get(f->informers, f->pods, "");
	informer_add_handler(f->informer, &h, f);
	expect_log(f, "+a +b ");
	while (!fake_watches(f->cluster, f->pods))
		sched_yield();
	refuse = true;
	fake_break_watches(f->cluster, E_NOT_FOUND);
	expect_log(f, "?a ?b broken ");
	informer_list(f->informer, "", &left);
	assert_int_equal(left.n, 0);
	refuse = false;
	expect_log(f, "+a +b whole ");
	fake_on_request(f->cluster, NULL, NULL);
}

static void test_says_why_it_cannot_list(void **state)
{
	static const struct informer_handler h = {.changed = on_changed, .state = on_state};
	struct fixture *f = *state;
	struct error *err = NULL;
	_Atomic bool refuse = true;
	struct object *a CLEANUP(object_unref_cleanup) = create(f, "x", "a", "n1");

	fake_on_request(f->cluster, refuse_lists, (void *)&refuse);
	f->informer = informers_get(f->informers, f->pods, "");
	informer_add_handler(f->informer, &h, f);
	assert_int_equal(informer_wait_synced(f->informer, NULL, &err), -1);
	assert_int_equal(error_code(err), E_FORBIDDEN);
	error_free(err);
	expect_log(f, "broken ");
	refuse = false;
	expect_log(f, "+a whole ");
}

#define MANY 300

/* The end of the deletion is seen although an event of each kind raced with many others. */
static void test_many(void **state)
{
	struct fixture *f = *state;
	struct str expected CLEANUP(str_release) = STR_INIT;
	char name[16];

	begin(f);
	str_adds(&expected, "synced ");
	for (int i = 0; i < MANY; i++) {
		struct object *o CLEANUP(object_unref_cleanup) = NULL;

		snprintf(name, sizeof(name), "p%d", i);
		o = create(f, "x", name, "n1");
		if (i % 2)
			informer_observe(f->informer, o);
		delete (f, o);
		if (i % 3)
			informer_observe_deleted(f->informer, "x", name, o->uid);
	}
	/* The last one, which the watch tells after all others. */
	object_unref(create(f, "x", "last", "n1"));
	pthread_mutex_lock(&f->lock);
	while (!strstr(f->log.s, "+last "))
		pthread_cond_wait(&f->told, &f->lock);
	for (int i = 0; i < MANY; i++) {
		char *plus, *minus;

		snprintf(name, sizeof(name), "+p%d ", i);
		plus = strstr(f->log.s, name);
		name[0] = '-';
		minus = strstr(f->log.s, name);
		assert_int_equal(!plus, !minus);
		assert_true(plus <= minus);
	}
	pthread_mutex_unlock(&f->lock);
	assert_null(informer_get(f->informer, "x", "p7"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lists_then_watches),
		TEST(test_late_handler_hears_what_is_there),
		TEST(test_indexes_follow),
		TEST(test_older_states_do_not_come_back),
		TEST(test_observed_deletion_stays),
		TEST(test_answer_after_the_watch_told_the_deletion),
		TEST(test_shared_and_scoped),
		TEST(test_lists_again_after_gone),
		TEST(test_loses_what_is_not_served),
		TEST(test_says_why_it_cannot_list),
		TEST(test_many),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
