/* The trees of several clusters without a mount: names, when each is connected, what fails. */
#include "cluster/fake.h"
#include "fs/contexts.h"
#include "fs/journal.h"
#include "fs/nodes.h"
#include "fs/spool.h"
#include "object/json.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct source {
	struct cluster *cluster; /* NULL: it cannot be opened */
	struct informers *informers;
	unsigned opened;
	struct cancel *until; /* not NULL: opening takes until it is fired */
};

enum { FIRST, SECOND, BROKEN, SOURCES };
static const char *const names[SOURCES] = {"first", "a/b", "broken"};

struct world {
	struct clock *clock;
	struct source sources[SOURCES];
	struct fs *fs;
};

static int open_source(void *arg, struct cluster **cluster, struct informers **informers,
		       struct error **err)
{
	struct source *s = arg;

	s->opened++;
	while (s->until && !cancel_fired(s->until))
		sched_yield();
	if (!s->cluster)
		return error_set(err, E_UNREACHABLE, "nobody is there");
	*cluster = s->cluster;
	*informers = s->informers;
	return 0;
}

static void fill(struct source *s, struct clock *clock)
{
	struct cluster_config config = {.clock = clock};
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = NULL;
	json_t *tree json_auto = json_pack("{s:s,s:s,s:{s:s}}", "apiVersion", "v1", "kind",
					   "Namespace", "metadata", "name", "default");

	s->cluster = cluster_open("fake:", &config, NULL);
	s->informers = informers_new(s->cluster, NULL);
	catalog = cluster_catalog(s->cluster, NULL, NULL);
	cluster_create_tree(s->cluster, NULL, catalog_find(catalog, "", "v1", "namespaces"), "",
			    tree, NULL, NULL, NULL);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct fs_context contexts[SOURCES];
	struct fs_options o;

	w->clock = clock_fake_new(1700000000 * NS_PER_S);
	for (size_t i = 0; i < SOURCES; i++) {
		if (i != BROKEN)
			fill(&w->sources[i], w->clock);
		contexts[i] = (struct fs_context){names[i], open_source, &w->sources[i]};
	}
	fs_options_init(&o);
	o.clock = w->clock;
	w->fs = fs_new_contexts(contexts, SOURCES, &o);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	fs_free(w->fs);
	for (size_t i = 0; i < SOURCES; i++) {
		informers_free(w->sources[i].informers);
		cluster_close(w->sources[i].cluster);
	}
	clock_fake_free(w->clock);
	free(w);
	return 0;
}

static struct node *resolve(struct world *w, const char *path, enum error_code want)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct node *n = NULL;

	tree_resolve(w->fs, path, NULL, &n, &err);
	if (error_code(err) != want)
		fail_msg("%s: %s", path, error_message(err));
	return n;
}

/* The names in a directory, one after the other; the caller frees. */
static char *list(struct world *w, const char *path)
{
	struct node *n CLEANUP(node_unref_cleanup) = resolve(w, path, E_OK);
	struct listing l = {0};
	struct str all = STR_INIT;

	assert_int_equal(tree_prepare(n, NULL, NULL), 0);
	tree_list(n, &l);
	vec_each (&l, e)
		str_addf(&all, "%s ", e->name);
	listing_release(&l);
	return str_take(&all);
}

static char *journal_of(struct world *w, size_t i)
{
	struct str all = STR_INIT;

	spool_read(journal_spool(w->fs->below.v[i]->journal), 0, 1 << 20, &all);
	return str_take(&all);
}

static void test_directories(void **state)
{
	static const struct {
		const char *name, *directory;
	} cases[] = {
		{"kind-dev", "kind-dev"},
		{"gke_p_eu_c", "gke_p_eu_c"},
		{"a/b", "a%2Fb"},
		{"a%2Fb", "a%252Fb"},
		{".", "%2E"},
		{"..", "%2E."},
		{".hidden", "%2Ehidden"},
		{"README", "%52EADME"},
		{"READMEs", "READMEs"},
		{"new\nline", "new%0Aline"},
		{"\xc3\xa4 b", "\xc3\xa4 b"},
	};
	struct str a CLEANUP(str_release) = STR_INIT, b CLEANUP(str_release) = STR_INIT;
	char slashes[300] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		str_reset(&a);
		context_directory(cases[i].name, &a);
		assert_string_equal(a.s, cases[i].directory);
	}
	memset(slashes, '/', 100);
	str_reset(&a);
	context_directory(slashes, &a);
	slashes[99] = '+';
	context_directory(slashes, &b);
	assert_true(a.len <= 250 && b.len <= 250 && str_has_prefix(a.s, "%~%2F"));
	assert_string_not_equal(a.s, b.s);
}

static void test_connected_when_entered(void **state)
{
	struct world *w = *state;
	char *all free_ptr = list(w, ""), *inside free_ptr = NULL;

	assert_string_equal(all, "README first a%2Fb broken ");
	node_unref(resolve(w, "first", E_OK));
	node_unref(resolve(w, "README", E_OK));
	assert_int_equal(w->sources[FIRST].opened, 0);
	inside = list(w, "first");
	assert_string_equal(inside, "README apply errors.log events.log cluster namespaces ");
	node_unref(resolve(w, "first/namespaces/default", E_OK));
	assert_int_equal(w->sources[FIRST].opened, 1);
	assert_int_equal(w->sources[SECOND].opened + w->sources[BROKEN].opened, 0);
	node_unref(resolve(w, "third", E_NOT_FOUND));
}

static void test_numbers(void **state)
{
	static const char *const paths[] = {"", "/README", "/namespaces", "/namespaces/default",
					    "/namespaces/default/namespace.yaml"};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		char *a free_ptr = xasprintf("first%s", paths[i]);
		char *b free_ptr = xasprintf("a%%2Fb%s", paths[i]);
		struct node *one CLEANUP(node_unref_cleanup) = resolve(w, a, E_OK);
		struct node *two CLEANUP(node_unref_cleanup) = resolve(w, b, E_OK);

		assert_int_not_equal(one->ino, two->ino);
		assert_int_not_equal(node_id(one), node_id(two));
		assert_int_not_equal(node_id(one), 1);
	}
	assert_int_equal(node_id(w->fs->root), 1);
}

static void test_broken(void **state)
{
	struct world *w = *state;
	char *inside free_ptr = list(w, "broken"), *text free_ptr = journal_of(w, BROKEN);
	char *other free_ptr = NULL, *mended free_ptr = NULL;

	assert_string_equal(inside, "README errors.log ");
	assert_non_null(strstr(text, "broken cannot be connected: nobody is there"));
	resolve(w, "broken/namespaces/default", E_UNREACHABLE);
	resolve(w, "broken/whatever", E_NOT_FOUND);
	assert_int_equal(w->sources[BROKEN].opened, 1);
	node_unref(resolve(w, "first/namespaces/default", E_OK));
	other = journal_of(w, FIRST);
	assert_string_equal(other, "");

	/* Reading why tries nothing; looking into it does, after a while. */
	clock_fake_advance(w->clock, CONTEXT_RETRY_NS);
	node_unref(resolve(w, "broken/errors.log", E_OK));
	assert_int_equal(w->sources[BROKEN].opened, 1);
	fill(&w->sources[BROKEN], w->clock);
	mended = list(w, "broken");
	assert_int_equal(w->sources[BROKEN].opened, 2);
	assert_string_equal(mended, "README apply errors.log events.log cluster namespaces ");
	node_unref(resolve(w, "broken/namespaces/default", E_OK));
}

static void *look(void *arg)
{
	node_unref(resolve(arg, "first/namespaces/default", E_OK));
	return NULL;
}

/* Many that come together wait for one try; who gives up waiting does so alone. */
static void test_one_try(void **state)
{
	struct world *w = *state;
	struct cancel *until = cancel_new(), *fired = cancel_new();
	struct call impatient = {.cancel = fired};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct node *n = NULL;
	pthread_t threads[4];

	w->sources[FIRST].until = until;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, look, w);
	for (bool trying = false; !trying; sched_yield()) {
		struct fs *tree = w->fs->below.v[FIRST];

		FS_LOCK(tree);
		trying = tree->connection->trying;
	}
	cancel_fire(fired);
	assert_int_equal(tree_resolve(w->fs, "first/namespaces", &impatient, &n, &err), -1);
	assert_int_equal(error_code(err), E_CANCELLED);
	node_unref(resolve(w, "a%2Fb/namespaces/default", E_OK));
	cancel_fire(until);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(w->sources[FIRST].opened, 1);
	cancel_unref(until);
	cancel_unref(fired);
}

int main(void)
{
	object_init();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directories),
		cmocka_unit_test_setup_teardown(test_connected_when_entered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_try, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
