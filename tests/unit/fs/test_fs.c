/* The tree without a mount: names to nodes, texts, writes, holds, the small parts. */
#include "base/log.h"
#include "cluster/fake.h"
#include "fs/draft.h"
#include "fs/holds.h"
#include "fs/journal.h"
#include "fs/namespace.h"
#include "fs/nodes.h"
#include "fs/spool.h"
#include "fs/texts.h"
#include "fs/types.h"
#include "fs/wants.h"
#include "fs/write.h"
#include "object/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

struct world {
	struct clock *clock;
	struct cluster *cluster;
	struct informers *informers;
	struct fs *fs;
	size_t conflicts; /* how often the hook changes the object before a patch */
	bool inside;
	atomic_bool stop; /* the list that tells nothing ends */
};

static const struct resource *type_of(struct world *w, const char *plural)
{
	return map_get(w->fs->view->in_namespace, plural);
}

static void make(struct cluster *c, const char *kind, const char *plural, const char *namespace,
		 const char *name)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = cluster_catalog(c, NULL, NULL);
	json_t *tree json_auto = json_pack("{s:s,s:s,s:{s:s}}", "apiVersion", "v1", "kind", kind,
					   "metadata", "name", name);

	assert_int_equal(cluster_create_tree(c, NULL, catalog_find(catalog, "", "v1", plural),
					     namespace, tree, NULL, NULL, NULL),
			 0);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct fs_options o;

	w->clock = clock_fake_new(1700000000 * NS_PER_S);
	struct cluster_config config = {.clock = w->clock};

	w->cluster = cluster_open("fake:", &config, NULL);
	make(w->cluster, "Namespace", "namespaces", "", "default");
	w->informers = informers_new(w->cluster, NULL);
	fs_options_init(&o);
	o.clock = w->clock;
	w->fs = fs_new(w->cluster, w->informers, &o, NULL);
	assert_non_null(w->fs);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	fake_on_request(w->cluster, NULL, NULL);
	fs_free(w->fs);
	informers_free(w->informers);
	cluster_close(w->cluster);
	clock_fake_free(w->clock);
	free(w);
	return 0;
}

static struct node *resolve(struct world *w, const char *path, enum error_code want)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct node *n = NULL;

	tree_resolve(w->fs, path, NULL, &n, &err);
	assert_int_equal(error_code(err), want);
	return n;
}

static enum error_code write_into(struct world *w, const char *namespace, const char *name,
				  const char *text, pid_t writer, enum write_result *result)
{
	struct target t = {w->fs, type_of(w, "configmaps"), namespace, name};
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	write_text(&t, text, strlen(text), writer, NULL, result, &err);
	return error_code(err);
}

static enum error_code write_as(struct world *w, const char *name, const char *text, pid_t writer,
				enum write_result *result)
{
	return write_into(w, "default", name, text, writer, result);
}

/* The file's text; the caller frees. */
static char *text_of(struct world *w, const char *path)
{
	struct node *n CLEANUP(node_unref_cleanup) = resolve(w, path, E_OK);
	struct str out = STR_INIT;

	if (n->object)
		served_note(w->fs->served, n->object);
	tree_read(n, 0, 1 << 20, &out);
	assert_int_equal(out.len, n->size);
	return str_take(&out);
}

/* TEXT with FROM replaced by TO, once; the caller frees. */
static char *edited(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	assert_non_null(at);
	return xasprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

#define FILE_X "namespaces/default/configmaps/x.yaml"

static void test_names(void **state)
{
	struct world *w = *state;

	node_unref(resolve(w, "README", E_OK));
	node_unref(resolve(w, "namespaces/default/namespace.yaml", E_OK));
	node_unref(resolve(w, "namespaces/default/cm", E_OK));
	resolve(w, "namespaces/none", E_NOT_FOUND);
	resolve(w, "namespaces/default/configmaps/x.yaml", E_NOT_FOUND);
	resolve(w, "cluster/namespaces", E_NOT_FOUND);
	char *file free_ptr = object_name_of_file(type_of(w, "configmaps"), "a.b.yaml");

	assert_string_equal(file, "a.b");
	assert_null(object_name_of_file(type_of(w, "configmaps"), ".x.yaml"));
	assert_null(object_name_of_file(type_of(w, "configmaps"), "4913"));
}

/* A version keeps its node and text; the next lookup finds the next version, same number. */
/* What was read in one namespace may be put into another; a manifest is for where it says. */
static void test_copy_to_another_namespace(void **state)
{
	struct world *w = *state;
	enum write_result result;

	make(w->cluster, "Namespace", "namespaces", "", "other");
	assert_int_equal(write_as(w, "x", "data: {k: one}", 1, &result), E_OK);
	char *read free_ptr = text_of(w, FILE_X);
	char *moved free_ptr = edited(read, "namespace: default", "namespace: other");
	char *later free_ptr = edited(read, "k: one", "k: two");

	assert_int_equal(write_into(w, "other", "x", read, 1, &result), E_OK);
	assert_int_equal(result, WRITE_CREATED);
	assert_int_equal(write_into(w, "other", "x", later, 1, &result), E_OK);
	assert_int_equal(result, WRITE_CONFIGURED);
	char *copy free_ptr = text_of(w, "namespaces/other/configmaps/x.yaml");

	assert_non_null(strstr(copy, "k: two"));
	assert_non_null(strstr(copy, "namespace: other"));
	assert_int_equal(write_as(w, "x", moved, 1, &result), E_BAD_REQUEST);
	assert_int_equal(write_into(w, "other", "y", "metadata: {namespace: default}", 1, &result),
			 E_BAD_REQUEST);
	assert_int_equal(write_into(w, "other", "y", read, 1, &result), E_BAD_REQUEST);
}

/* The caller frees. */
static char *version_line(const char *text)
{
	const char *at = strstr(text, "  resourceVersion: ");

	return xasprintf("%.*s\n", (int)strcspn(at, "\n"), at);
}

/* An old text as it was read says nothing new; after the file's removal it says what is to be. */
static void test_earlier_version(void **state)
{
	struct world *w = *state;
	const struct resource *r = type_of(w, "configmaps");
	enum write_result result;

	assert_int_equal(write_as(w, "x", "data: {k: one}", 1, &result), E_OK);
	char *read free_ptr = text_of(w, FILE_X);
	char *later free_ptr = edited(read, "k: one", "k: two\n  more: yes");

	/* Of a version that nobody knows any more. */
	char *version free_ptr = version_line(read);
	char *unknown free_ptr = edited(read, version, "  resourceVersion: \"1\"\n");

	assert_int_equal(write_as(w, "x", later, 1, &result), E_OK);
	assert_int_equal(write_as(w, "x", read, 2, &result), E_OK);
	assert_int_equal(result, WRITE_NOTHING);
	assert_int_equal(write_as(w, "x", unknown, 2, &result), E_CONFLICT);
	struct node *n CLEANUP(node_unref_cleanup) = resolve(w, FILE_X, E_OK);

	assert_int_equal(holds_delete(w->fs, r, n->object, NULL, NULL), 0);
	assert_int_equal(write_as(w, "x", read, 2, &result), E_OK);
	assert_int_equal(result, WRITE_CONFIGURED);
	holds_drop(w->fs->holds, r, "default", "x");
	char *now free_ptr = text_of(w, FILE_X);

	assert_non_null(strstr(now, "k: one"));
	assert_null(strstr(now, "more"));
	assert_int_equal(write_as(w, "x", later, 3, &result), E_OK);
	struct node *again CLEANUP(node_unref_cleanup) = resolve(w, FILE_X, E_OK);

	assert_int_equal(holds_delete(w->fs, r, again->object, NULL, NULL), 0);
	assert_int_equal(write_as(w, "x", unknown, 2, &result), E_OK);
	assert_int_equal(result, WRITE_CONFIGURED);
}

/* Many small versions take more memory than their bytes: that is what is bounded. */
static void test_served(void **state)
{
	const size_t max = 256 << 10, least = 512;
	struct served *s = served_new(max);
	size_t kept = 0;

	for (int i = 0; i < 2000; i++) {
		char json[96];
		int len = snprintf(json, sizeof(json),
				   "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"%d\"}}", i);
		struct object *o CLEANUP(object_unref_cleanup) =
			object_from_canonical(json, (size_t)len, NULL);

		served_note(s, o);
	}
	for (int i = 1999; i >= 0; i--) {
		char rv[16];

		snprintf(rv, sizeof(rv), "%d", i);
		struct object *o CLEANUP(object_unref_cleanup) = served_get(s, "u", rv);

		kept += o != NULL;
	}
	served_free(s);
	assert_in_range(kept, 1, max / least);
}

static void test_versions(void **state)
{
	struct world *w = *state;
	enum write_result result;

	assert_int_equal(write_as(w, "x", "data: {a: '1'}", 7, &result), E_OK);
	assert_int_equal(result, WRITE_CREATED);
	struct node *one = resolve(w, FILE_X, E_OK);

	/* Its event may come after who wrote it has looked it up. */
	pthread_mutex_lock(&w->fs->lock);
	struct tree_type *type = type_ready(w->fs, type_of(w, "configmaps"), "default");
	pthread_mutex_unlock(&w->fs->lock);
	type_told(type, NULL, one->object);
	type_unref(type);
	struct node *same = resolve(w, FILE_X, E_OK);

	assert_ptr_equal(one, same);
	assert_int_equal(write_as(w, "x", "data: {a: '2'}", 7, &result), E_OK);
	struct node *two = resolve(w, FILE_X, E_OK);
	struct str text CLEANUP(str_release) = STR_INIT;

	assert_ptr_not_equal(one, two);
	assert_int_equal(one->ino, two->ino);
	tree_read(one, 0, 4096, &text);
	assert_non_null(strstr(text.s, "a: \"1\""));
	node_unref(one);
	node_unref(same);
	node_unref(two);
}

/* Told to look again, a thread finds its place by the path: what it was in may be another's now. */
static void test_wants(void **state)
{
	struct world *w = *state;
	enum write_result result;

	write_as(w, "x", "data: {a: '1'}", 7, &result);
	struct node *before = resolve(w, "namespaces/default/configmaps/x/data", E_OK);

	pthread_mutex_lock(&w->fs->lock);
	wants_add(w->fs->wants, before, "a", 7);
	node_stale(before->parent, "data");
	pthread_mutex_unlock(&w->fs->lock);
	struct node *after = resolve(w, "namespaces/default/configmaps/x/data", E_OK);

	assert_ptr_not_equal(before, after);
	pthread_mutex_lock(&w->fs->lock);
	assert_true(wants_has(w->fs->wants, after, "a", 7));
	assert_false(wants_has(w->fs->wants, after, "a", 8));
	assert_false(wants_has(w->fs->wants, after, "b", 7));
	wants_remove(w->fs->wants, after, "a", 7);
	assert_false(wants_has(w->fs->wants, before, "a", 7));
	pthread_mutex_unlock(&w->fs->lock);
	node_unref(before);
	node_unref(after);
}

static void test_nothing_is_sent(void **state)
{
	const unsigned writes = VERB_CREATE | VERB_UPDATE | VERB_PATCH | VERB_DELETE;
	struct world *w = *state;
	enum write_result result;

	write_as(w, "x", "data: {a: '1'}", 7, &result);
	char *text free_ptr = text_of(w, FILE_X);
	char *spaced free_ptr = edited(text, "a: \"1\"", "a:   '1' # the same");
	size_t before = fake_requests(w->cluster, writes);

	assert_int_equal(write_as(w, "x", text, 7, &result), E_OK);
	assert_int_equal(result, WRITE_NOTHING);
	assert_int_equal(write_as(w, "x", spaced, 7, &result), E_OK);
	assert_int_equal(fake_requests(w->cluster, writes), before);
}

/* The same process may save twice over what it read once; another may not touch its field. */
static void test_saving_twice(void **state)
{
	struct world *w = *state;
	enum write_result result;

	write_as(w, "x", "data: {a: '1', b: '1'}", 7, &result);
	char *read free_ptr = text_of(w, FILE_X);
	char *first free_ptr = edited(read, "a: \"1\"", "a: \"2\"");
	char *second free_ptr = edited(read, "a: \"1\"", "a: \"3\"");
	char *elsewhere free_ptr = edited(read, "b: \"1\"", "b: \"2\"");

	assert_int_equal(write_as(w, "x", first, 7, &result), E_OK);
	assert_int_equal(write_as(w, "x", elsewhere, 8, &result), E_OK);
	assert_int_equal(write_as(w, "x", second, 9, &result), E_CONFLICT);
	assert_int_equal(write_as(w, "x", second, 7, &result), E_OK);
	char *now free_ptr = text_of(w, FILE_X);

	assert_non_null(strstr(now, "a: \"3\""));
	assert_non_null(strstr(now, "b: \"2\""));
}

/* Somebody changes another field between the read of the live object and the patch. */
static int change_first(void *arg, const struct fake_request *r, struct error **err)
{
	struct world *w = arg;

	if (r->verb != VERB_PATCH || w->inside || !w->conflicts)
		return 0;
	char *patch free_ptr = xasprintf("{\"data\":{\"z\":\"%zu\"}}", w->conflicts--);

	w->inside = true;
	cluster_patch(w->cluster, NULL, r->resource, "default", "x", NULL, PATCH_MERGE, patch,
		      strlen(patch), NULL, NULL, NULL, NULL);
	w->inside = false;
	return 0;
}

static void test_merging_again(void **state)
{
	struct world *w = *state;
	enum write_result result;

	write_as(w, "x", "data: {a: '1'}", 7, &result);
	char *read free_ptr = text_of(w, FILE_X);
	char *edit free_ptr = edited(read, "a: \"1\"", "a: \"2\"");

	fake_on_request(w->cluster, change_first, w);
	w->conflicts = 5;
	assert_int_equal(write_as(w, "x", edit, 7, &result), E_OK);
	char *now free_ptr = text_of(w, FILE_X);

	assert_non_null(strstr(now, "a: \"2\""));
	assert_non_null(strstr(now, "z: \"1\""));
	w->conflicts = 100;
	char *again free_ptr = edited(now, "a: \"2\"", "a: \"4\"");

	assert_int_equal(write_as(w, "x", again, 7, &result), E_CONFLICT);
	assert_int_equal(w->conflicts, 94);
}

static void test_server_owned(void **state)
{
	struct world *w = *state;
	enum write_result result;

	write_as(w, "x", "data: {a: '1'}", 7, &result);
	char *read free_ptr = text_of(w, FILE_X);
	char *edit free_ptr = edited(read, "generation: 1", "generation: 5");

	assert_int_equal(write_as(w, "x", edit, 7, &result), E_INVALID);
	assert_int_equal(write_as(w, "x", "kind: Pod", 7, &result), E_BAD_REQUEST);
	assert_int_equal(write_as(w, "x", "metadata: {name: y}", 7, &result), E_BAD_REQUEST);
}

/* Has the cluster no ConfigMap NAME? */
static bool is_gone(struct world *w, const char *name)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	cluster_get(w->cluster, NULL, type_of(w, "configmaps"), "default", name, &o, &err);
	return error_code(err) == E_NOT_FOUND;
}

/* A held deletion hides the name; written again it never happens, else it does when it is due. */
static void test_hold(void **state)
{
	struct world *w = *state;
	enum write_result result;
	const struct resource *r = type_of(w, "configmaps");

	write_as(w, "x", "data: {a: '1'}", 7, &result);
	struct node *n CLEANUP(node_unref_cleanup) = resolve(w, FILE_X, E_OK);

	assert_int_equal(holds_delete(w->fs, r, n->object, NULL, NULL), 0);
	resolve(w, FILE_X, E_NOT_FOUND);
	holds_settle(w->fs->holds, r, "default", "x");
	holds_drop(w->fs->holds, r, "default", "x");
	node_unref(resolve(w, FILE_X, E_OK));
	assert_int_equal(holds_delete(w->fs, r, n->object, NULL, NULL), 0);
	holds_flush(w->fs->holds);
	resolve(w, FILE_X, E_NOT_FOUND);
	assert_true(is_gone(w, "x"));
}

/* A controller may have made the object anew under a deletion that is held. */
static void test_hold_of_another(void **state)
{
	struct world *w = *state;
	const struct resource *r = type_of(w, "configmaps");
	const struct delete_options opt = {.grace_period_s = -1};
	enum write_result result;
	bool gone;

	write_as(w, "x", "data: {a: '1'}", 7, &result);
	struct node *n CLEANUP(node_unref_cleanup) = resolve(w, FILE_X, E_OK);

	assert_int_equal(holds_delete(w->fs, r, n->object, NULL, NULL), 0);
	cluster_delete(w->cluster, NULL, r, "default", "x", &opt, NULL, &gone, NULL);
	make(w->cluster, "ConfigMap", "configmaps", "default", "x");
	fake_settle(w->cluster);
	struct node *again CLEANUP(node_unref_cleanup) = resolve(w, FILE_X, E_OK);

	assert_string_not_equal(again->object->uid, n->object->uid);
	assert_int_equal(holds_delete(w->fs, r, again->object, NULL, NULL), 0);
	resolve(w, FILE_X, E_NOT_FOUND);
	holds_flush(w->fs->holds);
	assert_true(is_gone(w, "x"));
}

/* Others were faster, and no watch has told yet. */
static int delete_finds_nothing(void *arg, const struct fake_request *r, struct error **err)
{
	return r->verb == VERB_DELETE ? error_set(err, E_NOT_FOUND, "gone") : 0;
}

static void test_hold_of_what_is_gone(void **state)
{
	struct world *w = *state;
	const struct resource *r = type_of(w, "configmaps");
	enum write_result result;

	write_as(w, "x", "data: {a: '1'}", 7, &result);
	struct node *n CLEANUP(node_unref_cleanup) = resolve(w, FILE_X, E_OK);

	assert_int_equal(holds_delete(w->fs, r, n->object, NULL, NULL), 0);
	fake_on_request(w->cluster, delete_finds_nothing, w);
	holds_flush(w->fs->holds);
	resolve(w, FILE_X, E_NOT_FOUND);
}

/* Runs once, when this thread has asked an informer. */
static _Thread_local void (*after_list)(void *arg);
static _Thread_local void *after_list_arg;

void __real_informer_list(struct informer *i, const char *namespace, struct object_list *out);
void __wrap_informer_list(struct informer *i, const char *namespace, struct object_list *out);
void __wrap_informer_list(struct informer *i, const char *namespace, struct object_list *out)
{
	void (*run)(void *) = after_list;

	__real_informer_list(i, namespace, out);
	after_list = NULL;
	if (run)
		run(after_list_arg);
}

static void flush(void *holds)
{
	holds_flush(holds);
}

/* The hold is over and its object gone while a list of before is looked through. */
static void test_hold_ends_meanwhile(void **state)
{
	struct world *w = *state;
	const struct resource *r = type_of(w, "configmaps");
	struct listing all CLEANUP(listing_release) = {0};
	enum write_result result;

	after_list_arg = w->fs->holds;
	for (int i = 0; i < 2; i++) {
		write_as(w, "x", "data: {a: '1'}", 7, &result);
		struct node *n CLEANUP(node_unref_cleanup) = resolve(w, FILE_X, E_OK);
		struct node *dir = n->parent;

		assert_int_equal(holds_delete(w->fs, r, n->object, NULL, NULL), 0);
		after_list = flush;
		if (i == 0)
			assert_int_equal(type_remove(dir->parent, dir->name, dir, NULL, NULL), 0);
		else
			tree_list(dir, &all);
		assert_null(after_list);
		assert_int_equal(fake_requests(w->cluster, VERB_DELETE), 2 * (i + 1));
	}
	assert_int_equal(all.n, 0);
}

static void test_rejected(void **state)
{
	struct world *w = *state;
	struct node *dir CLEANUP(node_unref_cleanup) =
		resolve(w, "namespaces/default/configmaps", E_OK);
	struct error *why CLEANUP(error_free_cleanup) = error_new(E_INVALID, "no \"s3cret\"\n");

	assert_int_equal(rejected_keep(dir, "x.yaml", 0600, "a: b\n", 5, why, true), 0);
	char *text free_ptr = NULL;
	struct node *n CLEANUP(node_unref_cleanup) =
		resolve(w, "namespaces/default/configmaps/x.yaml.rejected", E_OK);
	size_t len = n->draft->text.len;

	text = xstrndup(n->draft->text.s, len);
	assert_null(strstr(text, "s3cret"));
	assert_string_equal(rejected_text(text, &len), "a: b\n");
	rejected_drop(dir, "x.yaml");
	resolve(w, "namespaces/default/configmaps/x.yaml.rejected", E_NOT_FOUND);
}

static void test_draft_bounds(void **state)
{
	struct world *w = *state;
	struct draft *d CLEANUP(draft_unref_cleanup) = draft_new(w->fs, DRAFT_SCRATCH);
	struct draft *e CLEANUP(draft_unref_cleanup) = draft_new(w->fs, DRAFT_SCRATCH);

	assert_int_equal(draft_write(d, "x", 1, TEXT_MAX), EFBIG);
	assert_int_equal(draft_write(d, "x", 1, INT64_MAX), EFBIG);
	assert_true(d->too_large);
	assert_int_equal(draft_write(d, "x", 1, TEXT_MAX - 1), 0);
	assert_int_equal(draft_write(e, "x", 1, 0), ENOSPC);
	assert_int_equal(draft_truncate(d, 0), 0);
	assert_int_equal(draft_write(e, "x", 1, 0), 0);
	assert_true(draft_dirty(e));
}

static void test_spool(void **state)
{
	struct world *w = *state;
	struct spool *s = spool_new(w->clock, 64);
	struct str out CLEANUP(str_release) = STR_INIT;
	int64_t grown;

	spool_open(s);
	for (int i = 0; i < 20; i++)
		spool_add(s, "line of it\n", 11);
	assert_int_equal(spool_size(s, &grown), 220);
	spool_read(s, 0, 11, &out);
	assert_string_equal(out.s, "line of it\n");
	spool_close(s);
	assert_true(spool_size(s, &grown) <= 64);
	spool_free(s);
}

/* Whether a namespace is empty is asked when nothing is held in it any more. */
static int listed_after_deletion(void *arg, const struct fake_request *r, struct error **err)
{
	struct world *w = arg;

	if (r->verb == VERB_LIST && !w->inside)
		w->inside = fake_requests(w->cluster, VERB_DELETE) < 2;
	return 0;
}

static void test_remove_namespace(void **state)
{
	struct world *w = *state;
	const struct resource *r = type_of(w, "configmaps");
	enum write_result result;

	assert_int_equal(write_as(w, "x", "data: {a: '1'}", 7, &result), E_OK);
	struct node *n CLEANUP(node_unref_cleanup) = resolve(w, FILE_X, E_OK);
	struct node *all CLEANUP(node_unref_cleanup) = resolve(w, "namespaces", E_OK);

	/* Asked for, and not sent yet. */
	assert_int_equal(holds_delete(w->fs, r, n->object, NULL, NULL), 0);
	assert_int_equal(fake_requests(w->cluster, VERB_DELETE), 1);
	fake_on_request(w->cluster, listed_after_deletion, w);
	assert_int_equal(namespace_remove(all, "default", NULL, NULL, NULL), 0);
	assert_false(w->inside);
}

static bool journal_has(struct fs *fs, const char *text)
{
	struct str all CLEANUP(str_release) = STR_INIT;

	spool_read(journal_spool(fs->journal), 0, 1 << 20, &all);
	return strstr(all.s, text);
}

/* One second more of W's clock, and a moment for who waits by it. */
static void one_second(struct world *w)
{
	clock_fake_advance(w->clock, NS_PER_S);
	nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
}

static bool lists_configmaps(const struct fake_request *r)
{
	return r->verb == VERB_LIST && strcmp(r->resource->plural, "configmaps") == 0;
}

#define TAKES_LONG "configmaps the first list takes long: "

/* A page comes after 20 seconds, the first when somebody has said that it takes long. */
static int list_slowly(void *arg, const struct fake_request *r, struct error **err)
{
	struct world *w = arg;

	if (!lists_configmaps(r))
		return 0;
	while (!journal_has(w->fs, TAKES_LONG "0 objects after "))
		one_second(w);
	for (int i = 0; i < 20; i++)
		one_second(w);
	return 0;
}

/* From now on the informers go by W's clock. */
static void begin_by_clock(struct world *w)
{
	struct fs_options o;

	fs_free(w->fs);
	informers_free(w->informers);
	fs_options_init(&o);
	o.clock = w->clock;
	w->informers = informers_new(w->cluster, w->clock);
	w->fs = fs_new(w->cluster, w->informers, &o, NULL);
}

/* Five pages take longer than any call may; none of them does. */
static void test_slow_list(void **state)
{
	struct world *w = *state;

	begin_by_clock(w);
	for (int i = 0; i < 2001; i++) {
		char *name free_ptr = xasprintf("%04d", i);

		make(w->cluster, "ConfigMap", "configmaps", "default", name);
	}
	fake_on_request(w->cluster, list_slowly, w);
	node_unref(resolve(w, "namespaces/default/configmaps/2000.yaml", E_OK));
	while (!journal_has(w->fs, " s: 2001 objects"))
		nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
}

/* The first page of it never comes. */
static int list_nothing(void *arg, const struct fake_request *r, struct error **err)
{
	struct world *w = arg;

	while (lists_configmaps(r) && !w->stop)
		one_second(w);
	return 0;
}

static void test_silent_list(void **state)
{
	struct world *w = *state;
	int64_t began = clock_mono(w->clock);

	begin_by_clock(w);
	fake_on_request(w->cluster, list_nothing, w);
	resolve(w, "namespaces/default/configmaps/a.yaml", E_TIMEOUT);
	w->stop = true;
	assert_true(clock_mono(w->clock) - began >= CALL_TIMEOUT_MS * NS_PER_MS);
	assert_true(journal_has(w->fs, TAKES_LONG "0 objects after "));
}

/* Whoever keeps a type longer than the tree lives does not keep the program from ending. */
static void test_end(void **state)
{
	struct world *w = *state;
	struct fs_options o;
	struct tree_type *kept = type_get(w->fs, type_of(w, "configmaps"), "");

	node_unref(resolve(w, "namespaces/default/configmaps", E_OK));
	w->fs = fs_free(w->fs);
	informers_free(w->informers);
	assert_null(kept->informer);
	type_unref(kept);
	w->informers = informers_new(w->cluster, NULL);
	fs_options_init(&o);
	w->fs = fs_new(w->cluster, w->informers, &o, NULL);
	node_unref(resolve(w, "namespaces/default/configmaps", E_OK));
}

static void test_options(void **state)
{
	struct fs_options o;
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	fs_options_init(&o);
	assert_int_equal(fs_option_set(&o, "ro", NULL), 0);
	assert_int_equal(fs_option_set(&o, "protect=kube-system:prod-*", NULL), 0);
	assert_int_equal(fs_option_set(&o, "delete_hold=0", NULL), 0);
	assert_int_equal(fs_option_set(&o, "nosuid", NULL), 0);
	assert_int_equal(fs_option_set(&o, "xattr", NULL), 0);
	assert_int_equal(fs_option_set(&o, "uid=7", NULL), 0);
	assert_int_equal(fs_option_set(&o, "gid=-1", NULL), -1);
	assert_int_equal(fs_option_set(&o, "details=yes", NULL), -1);
	assert_int_equal(fs_option_set(&o, "umask=9", &err), -1);
	assert_int_equal(error_code(err), E_BAD_REQUEST);
	assert_true(o.read_only);
	assert_true(o.xattr);
	assert_int_equal(o.uid, 7);
	assert_int_equal(o.protect.n, 2);
	assert_int_equal(o.delete_hold_ms, 0);
	assert_string_equal(o.fuse.v[0], "nosuid");
	fs_options_release(&o);
}

int main(void)
{
	object_init();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copy_to_another_namespace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_earlier_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove_namespace, setup, teardown),
		cmocka_unit_test(test_served),
		cmocka_unit_test_setup_teardown(test_versions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wants, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_is_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_saving_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_merging_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_server_owned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hold, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hold_of_another, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hold_of_what_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hold_ends_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rejected, setup, teardown),
		cmocka_unit_test_setup_teardown(test_draft_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spool, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silent_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end, setup, teardown),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
