/*
 * Deletion of a definition: it waits for its objects, these for their finalizers, and nothing is
 * made of it meanwhile; also when the program dies while that goes on.
 */
#include "local_fixture.h"

#include "base/clock.h"
#include "object/json.h"
#include "store/store.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NAME "widgets.example.com"
#define FINALIZER "customresourcecleanup.apiextensions.k8s.io"
#define PATIENCE_S 60

static const char definition[] =
	"{'metadata':{'name':'" NAME "'},'spec':{'group':'example.com','scope':'Namespaced',"
	"'names':{'plural':'widgets','kind':'Widget'},'versions':[{'name':'v1','served':true,"
	"'storage':true,'schema':{'openAPIV3Schema':{'type':'object',"
	"'x-kubernetes-preserve-unknown-fields':true}}}]}}";

static struct local_fixture f;

static void define(void)
{
	fixture_make(&f, "crd", "", definition);
	fixture_reload(&f);
}

static json_t *make_widget(const char *name, const char *more, struct error **err)
{
	char *text free_ptr = xasprintf("{'apiVersion':'example.com/v1','kind':'Widget',"
					"'metadata':{'name':'%s'%s}}",
					name, more);

	return fixture_create(&f, "widgets", "default", text, err);
}

static void widget(const char *name, const char *more)
{
	struct error *err = NULL;
	json_t *tree json_auto = make_widget(name, more, &err);

	if (!tree)
		fail_msg("%s", error_message(err));
}

static void widgets(int n)
{
	for (int i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "w%d", i);
		widget(name, "");
	}
}

#define KEPT ",'finalizers':['example.com/keep']"

static void let_go(const char *type, const char *namespace, const char *name)
{
	struct error *err = NULL;
	json_t *tree json_auto = fixture_patch(&f, type, namespace, name, NULL,
					       "{'metadata':{'finalizers':null}}", &err);

	if (!tree)
		fail_msg("%s", error_message(err));
}

static int setup(void **state)
{
	fixture_open(&f, NULL);
	define();
	return 0;
}

static int teardown(void **state)
{
	fixture_close(&f);
	return 0;
}

static bool is_there(const char *type, const char *namespace, const char *name)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	return cluster_get(f.cluster, NULL, fixture_type(&f, type), namespace, name, &o, NULL) == 0;
}

static void until(bool (*holds)(void), const char *what)
{
	int64_t end = clock_mono(clock_system()) + PATIENCE_S * NS_PER_S;

	while (!holds()) {
		if (clock_mono(clock_system()) > end)
			fail_msg("not so: %s", what);
		usleep(1000);
	}
}

/* The type as well: it goes last. */
static bool definition_is_gone(void)
{
	struct catalog *now CLEANUP(catalog_unref_cleanup) = cluster_catalog(f.cluster, NULL, NULL);

	return !is_there("crd", "", NAME) && !catalog_find(now, "example.com", "v1", "widgets");
}

static bool only_the_kept_one_is_there(void)
{
	return is_there("widgets", "default", "kept") && !is_there("widgets", "default", "w0");
}

/* The definition's condition Terminating; NULL: it has none. */
static const json_t *terminating(const json_t *crd)
{
	size_t i;
	json_t *condition;

	json_array_foreach (json_path(crd, "status.conditions"), i, condition)
		if (strcmp(json_path_string(condition, "type"), "Terminating") == 0)
			return condition;
	return NULL;
}

static bool reason_is(const char *reason)
{
	json_t *crd json_auto = fixture_get(&f, "crd", "", NAME);

	return strcmp(json_path_string(terminating(crd), "reason"), reason) == 0;
}

static bool has_failed(void)
{
	return reason_is("InstanceDeletionFailed");
}

static json_t *delete_definition(const struct delete_options *opt)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct error *err = NULL;

	if (cluster_delete(f.cluster, NULL, fixture_type(&f, "crd"), "", NAME, opt, &o, NULL,
			   &err) < 0)
		fail_msg("%s", error_message(err));
	return object_tree(o);
}

static bool count_one(void *arg, const char *json, size_t len)
{
	++*(size_t *)arg;
	return true;
}

static size_t count(void)
{
	struct list_meta meta CLEANUP(list_meta_release) = {0};
	struct error *err = NULL;
	size_t n = 0;

	if (cluster_list(f.cluster, NULL, fixture_type(&f, "widgets"), "", NULL, count_one, &n,
			 &meta, &err) < 0)
		fail_msg("%s", error_message(err));
	return n;
}

/* What lies in the store of a type shows when there is a definition of it again. */
static void assert_nothing_is_left(void)
{
	define();
	assert_int_equal(count(), 0);
}

static void an_empty_type_goes(void **state)
{
	json_t *answer json_auto = delete_definition(NULL);

	assert_string_not_equal(json_path_string(answer, "metadata.deletionTimestamp"), "");
	assert_text(answer, "metadata.finalizers[0]", FINALIZER);
	assert_text(terminating(answer), "status", "True");
	assert_text(terminating(answer), "reason", "InstanceDeletionPending");
	until(definition_is_gone, "a definition without objects goes");
	define();
}

static void a_dry_run_changes_nothing(void **state)
{
	const struct delete_options dry = {.dry_run = true, .grace_period_s = -1};
	json_t *answer json_auto = delete_definition(&dry);
	json_t *crd json_auto = fixture_get(&f, "crd", "", NAME);

	assert_text(answer, "metadata.finalizers[0]", FINALIZER);
	assert_null(json_path(crd, "metadata.deletionTimestamp"));
	assert_null(terminating(crd));
	widget("a", "");
}

static void assert_forbidden(const void *made, struct error *err)
{
	assert_null(made);
	assert_int_equal(error_code(err), E_FORBIDDEN);
	assert_string_equal(error_message(err),
			    "widgets.example.com \"new\" is forbidden: create not allowed while "
			    "custom resource definition is terminating");
	error_free(err);
}

static void assert_not_created(void)
{
	struct error *err = NULL;
	const json_t *made = make_widget("new", "", &err);

	assert_forbidden(made, err);
}

static void assert_not_applied(void)
{
	static const char apply[] = "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Widget\","
				    "\"metadata\":{\"name\":\"new\"}}";
	const struct write_options opt = {.field_manager = "m"};
	struct object *o = NULL;
	struct error *err = NULL;

	cluster_patch(f.cluster, NULL, fixture_type(&f, "widgets"), "default", "new", NULL,
		      PATCH_APPLY, apply, strlen(apply), &opt, &o, NULL, &err);
	assert_forbidden(o, err);
}

static void assert_nothing_is_made(void)
{
	/* First as one who has looked the type up before. */
	assert_not_created();
	assert_not_applied();
	fixture_reload(&f);
	assert_true(fixture_type(&f, "widgets")->terminating);
	assert_not_created();
	assert_not_applied();
}

static void assert_the_kept_one_works(void)
{
	struct error *err = NULL;
	json_t *got json_auto = NULL, *patched json_auto = NULL, *updated json_auto = NULL;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	assert_int_equal(count(), 1);
	patched =
		fixture_patch(&f, "widgets", "default", "kept", NULL, "{'spec':{'size':2}}", &err);
	assert_non_null(patched);
	got = fixture_get(&f, "widgets", "default", "kept");
	assert_int_equal(json_path_int(got, "spec.size", 0), 2);
	assert_string_not_equal(json_path_string(got, "metadata.deletionTimestamp"), "");
	json_path_set(got, "spec.size", json_integer(3));
	if (cluster_update_tree(f.cluster, NULL, fixture_type(&f, "widgets"), NULL, got, NULL, &o,
				&err) < 0)
		fail_msg("%s", error_message(err));
	updated = object_tree(o);
	assert_int_equal(json_path_int(updated, "spec.size", 0), 3);
}

/* The condition is of the server's status, as those that it has had from the start. */
static void assert_told_as_status(void)
{
	json_t *crd json_auto = fixture_get(&f, "crd", "", NAME), *entry;
	size_t i, n = 0;

	json_array_foreach (json_path(crd, "metadata.managedFields"), i, entry)
		if (strcmp(json_path_string(entry, "subresource"), "status") == 0) {
			assert_text(entry, "manager", "kube-apiserver");
			assert_non_null(
				json_object_get(json_path(entry, "fieldsV1.f:status.f:conditions"),
						"k:{\"type\":\"Terminating\"}"));
			n++;
		}
	assert_int_equal(n, 1);
}

static void finalizers_keep_it(void **state)
{
	widgets(3);
	widget("kept", KEPT);
	json_decref(delete_definition(NULL));
	until(only_the_kept_one_is_there, "objects without finalizers go");
	assert_nothing_is_made();
	assert_the_kept_one_works();
	assert_true(reason_is("InstanceDeletionInProgress"));
	assert_told_as_status();
	/* It is on its way already. */
	json_decref(delete_definition(NULL));
	assert_true(reason_is("InstanceDeletionInProgress"));
	assert_int_equal(count(), 1);
	let_go("widgets", "default", "kept");
	until(definition_is_gone, "the last object takes the definition along");
	assert_nothing_is_left();
}

static void the_next_opening_goes_on(void **state)
{
	widgets(3);
	widget("kept", KEPT);
	json_decref(delete_definition(NULL));
	until(only_the_kept_one_is_there, "objects without finalizers go");
	fixture_stop(&f);
	fixture_start(&f, NULL);
	assert_nothing_is_made();
	let_go("widgets", "default", "kept");
	until(definition_is_gone, "the last object takes the definition along");
	assert_nothing_is_left();
}

static bool only_the_others_finalizer_is_left(void)
{
	json_t *crd json_auto = fixture_get(&f, "crd", "", NAME);

	return json_array_size(json_path(crd, "metadata.finalizers")) == 1;
}

/* Nothing is made of it either while it waits for somebody else. */
static void others_may_keep_it(void **state)
{
	struct error *err = NULL;
	json_t *patched json_auto =
		fixture_patch(&f, "crd", "", NAME, NULL,
			      "{'metadata':{'finalizers':['example.com/mine']}}", &err);

	assert_non_null(patched);
	widgets(3);
	json_decref(delete_definition(NULL));
	until(only_the_others_finalizer_is_left, "the finalizer of objects goes");
	assert_true(reason_is("InstanceDeletionCompleted"));
	assert_nothing_is_made();
	assert_int_equal(count(), 0);
	let_go("crd", "", NAME);
	assert_true(definition_is_gone());
	assert_nothing_is_left();
}

/* Names of a definition are taken until it is gone, also by one that never got its own. */
static void names_are_free_afterwards(void **state)
{
	static const char other[] =
		"{'metadata':{'name':'gadgets.example.com'},'spec':{'group':'example.com','scope':"
		"'Namespaced','names':{'plural':'gadgets','kind':'Widget'},'versions':[{'name':"
		"'v1','served':true,'storage':true,'schema':{'openAPIV3Schema':{'type':'object'}}"
		"}]}}";
	struct catalog *now CLEANUP(catalog_unref_cleanup) = NULL;

	fixture_make(&f, "crd", "", other);
	fixture_reload(&f);
	assert_null(catalog_find(f.catalog, "example.com", "v1", "gadgets"));
	json_decref(delete_definition(NULL));
	until(definition_is_gone, "a definition without objects goes");
	for (int i = 0; i < PATIENCE_S * 1000; i++) {
		catalog_unref(now);
		now = cluster_catalog(f.cluster, NULL, NULL);
		if (catalog_find(now, "example.com", "v1", "gadgets"))
			break;
		usleep(1000);
	}
	assert_non_null(catalog_find(now, "example.com", "v1", "gadgets"));
	/* And the other way round: it has no objects, and need not be established to go. */
	fixture_make(&f, "crd", "", definition);
	json_decref(delete_definition(NULL));
	until(definition_is_gone, "one that was never served goes");
}

/* ---- while others write */

enum { MAKERS = 3, ROUNDS = 8 };

struct maker {
	const struct resource *r; /* as it was when it all began */
	int id;
	atomic_bool *over;
	pthread_t thread;
};

static void *make_many(void *arg)
{
	struct maker *m = arg;

	for (int i = 0; !*m->over; i++) {
		char *json free_ptr = xasprintf(
			"{\"apiVersion\":\"example.com/v1\",\"kind\":\"Widget\",\"metadata\":{"
			"\"name\":\"m%d-%d\"}}",
			m->id, i);
		struct object *o CLEANUP(object_unref_cleanup) = NULL;

		cluster_create(f.cluster, NULL, m->r, "default", NULL, NULL, json, strlen(json),
			       NULL, &o, NULL);
	}
	return NULL;
}

/* Of those that are being made some are in time, and go; none comes after. */
static void creations_at_the_same_time(void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct maker makers[MAKERS];
		atomic_bool over = false;

		for (int i = 0; i < MAKERS; i++) {
			makers[i] = (struct maker){
				.r = fixture_type(&f, "widgets"), .id = i, .over = &over};
			pthread_create(&makers[i].thread, NULL, make_many, &makers[i]);
		}
		while (!count())
			sched_yield();
		json_decref(delete_definition(NULL));
		until(definition_is_gone, "it goes although others want more");
		over = true;
		for (int i = 0; i < MAKERS; i++)
			pthread_join(makers[i].thread, NULL);
		assert_nothing_is_left();
	}
}

static void *write_often(void *arg)
{
	atomic_bool *over = arg;

	for (int i = 0; !*over; i++) {
		char json[64];
		struct object *o CLEANUP(object_unref_cleanup) = NULL;

		snprintf(json, sizeof(json), "{\"spec\":{\"size\":%d}}", i);
		cluster_patch(f.cluster, NULL, fixture_type(&f, "widgets"), "default", "w0", NULL,
			      PATCH_MERGE, json, strlen(json), NULL, &o, NULL, NULL);
	}
	return NULL;
}

/* One that changes all the time goes as well. */
static void writes_at_the_same_time(void **state)
{
	atomic_bool over = false;
	pthread_t writer;

	widgets(40);
	pthread_create(&writer, NULL, write_often, &over);
	json_decref(delete_definition(NULL));
	until(definition_is_gone, "it goes although an object changes");
	over = true;
	pthread_join(writer, NULL);
	assert_nothing_is_left();
}

/* ---- the program dies */

/* Dies at the event number AT of the type watched. */
struct death {
	const char *type;
	int at, seen;
};

static void die(void *arg, const struct watch_event *event)
{
	struct death *d = arg;

	if (event->type != WATCH_ADDED && d->seen++ == d->at)
		kill(getpid(), SIGKILL);
}

static void closed(void *arg, const struct error *why)
{
}

/* In a process of its own. */
static void delete_and_die(struct death *d)
{
	static const struct watch_handler handler = {die, closed};
	struct list_meta meta = {0};
	struct watch_options opt = {0};
	size_t n = 0;

	fixture_start(&f, NULL);
	cluster_list(f.cluster, NULL, fixture_type(&f, d->type), "", NULL, count_one, &n, &meta,
		     NULL);
	opt.resource_version = meta.resource_version;
	cluster_watch(f.cluster, NULL, fixture_type(&f, d->type), "", &opt, &handler, d, NULL);
	json_decref(delete_definition(NULL));
	for (;;)
		pause();
}

static void killed_at_any_point(void **state)
{
	static const struct {
		int objects; /* 300 are two batches */
		const char *type;
		int at;
	} cases[] = {
		{3, "crd", 0},			      /* marked */
		{3, "crd", 1},			      /* in progress */
		{300, "widgets", 0},		      /* the first batch */
		{300, "widgets", 299}, {3, "crd", 2}, /* gone */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct death death = {cases[i].type, cases[i].at, 0};
		int status;
		pid_t child;

		widgets(cases[i].objects);
		fixture_stop(&f);
		child = fork();
		if (!child)
			delete_and_die(&death);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		fixture_start(&f, NULL);
		until(definition_is_gone, "what was begun is done");
		assert_nothing_is_left();
	}
}

/* ---- what cannot be deleted */

static bool find_key(void *arg, const void *key, size_t key_len, const char *value, size_t len,
		     uint64_t revision)
{
	static const char name[] = "/default/w0";
	size_t n = strlen(name);

	if (key_len > n && memcmp((const char *)key + key_len - n, name, n) == 0)
		str_add(arg, key, key_len);
	return true;
}

/* The widget w0 becomes something else: KIND of operation on its bytes. */
static void spoil(enum store_op_kind kind, struct str *key)
{
	struct error *err = NULL;
	struct store *s = store_open(f.directory, NULL, &err);
	struct store_op op = {.kind = kind, .expect = STORE_ANY, .head = "{", .head_len = 1};

	if (!s)
		fail_msg("%s", error_message(err));
	if (!key->len)
		store_list(s, "o/", 2, NULL, 0, 0, find_key, key, NULL, NULL);
	op.key = key->s;
	op.key_len = key->len;
	assert_int_equal(store_commit(s, &op, 1, NULL, NULL, &err), 0);
	store_close(s);
}

/* It is told, tried again after a while, and over once it can be. */
static void failures_are_told(void **state)
{
	struct clock *clock = clock_fake_new(1700000000 * NS_PER_S);
	struct str key CLEANUP(str_release) = STR_INIT;
	char *version free_ptr = NULL;
	json_t *crd json_auto = NULL;

	widgets(3);
	fixture_stop(&f);
	spoil(STORE_PUT, &key);
	fixture_start(&f, &(struct cluster_config){.clock = clock});
	json_decref(delete_definition(NULL));
	until(has_failed, "the failure is told");
	crd = fixture_get(&f, "crd", "", NAME);
	version = xstrdup(json_path_string(crd, "metadata.resourceVersion"));
	assert_text(terminating(crd), "status", "True");
	for (int i = 0; i < PATIENCE_S * 1000; i++) {
		json_decref(crd);
		crd = fixture_get(&f, "crd", "", NAME);
		if (strcmp(json_path_string(crd, "metadata.resourceVersion"), version))
			break;
		clock_fake_advance(clock, NS_PER_S);
		usleep(1000);
	}
	assert_string_not_equal(json_path_string(crd, "metadata.resourceVersion"), version);
	fixture_stop(&f);
	spoil(STORE_DELETE, &key);
	fixture_start(&f, NULL);
	until(definition_is_gone, "it goes once that is possible");
	clock_fake_free(clock);
	assert_nothing_is_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_empty_type_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_dry_run_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(finalizers_keep_it, setup, teardown),
		cmocka_unit_test_setup_teardown(the_next_opening_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(others_may_keep_it, setup, teardown),
		cmocka_unit_test_setup_teardown(names_are_free_afterwards, setup, teardown),
		cmocka_unit_test_setup_teardown(creations_at_the_same_time, setup, teardown),
		cmocka_unit_test_setup_teardown(writes_at_the_same_time, setup, teardown),
		cmocka_unit_test_setup_teardown(killed_at_any_point, setup, teardown),
		cmocka_unit_test_setup_teardown(failures_are_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
