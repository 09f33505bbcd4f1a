/* The kernel's requests one by one, in an order that a kernel comes to only by chance. */
#include "cluster/fake.h"
#include "fs/draft.h"
#include "fs/nodes.h"
#include "fs/notifier.h"
#include "fs/ops.h"
#include "fs/types.h"
#include "fs/write.h"
#include "object/json.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#define TYPE "namespaces/default/configmaps"
#define NAME "x.yaml"

struct world {
	struct cluster *cluster;
	struct informers *informers;
	struct fs *fs;
	struct fuse_session *se;
	struct node *dir; /* TYPE */
	uint64_t unique;  /* of the last request */
	/* What the session has said. */
	pthread_mutex_t lock;
	pthread_cond_t said;
	struct fuse_out_header last; /* answer; unique 0: none yet */
	struct fuse_entry_out entry; /* of it, where it has one */
	struct fuse_open_out opened; /* likewise */
	unsigned forgotten;	     /* notices that NAME is no longer what it was */
	unsigned forgotten_before;   /* those of them that came before the answer */
	pthread_t speaker;	     /* who answered */
};

/* The session has no argument for it. */
static struct world *current;

static ssize_t take(int fd, struct iovec *iov, int count, void *userdata)
{
	struct world *w = current;
	struct str all CLEANUP(str_release) = STR_INIT;
	struct fuse_out_header head;

	for (int i = 0; i < count; i++)
		str_add(&all, iov[i].iov_base, iov[i].iov_len);
	memcpy(&head, all.s, sizeof(head));
	pthread_mutex_lock(&w->lock);
	if (head.unique) {
		w->last = head;
		w->forgotten_before = w->forgotten;
		w->speaker = pthread_self();
		if (all.len >= sizeof(head) + sizeof(w->entry))
			memcpy(&w->entry, all.s + sizeof(head), sizeof(w->entry));
		if (all.len == sizeof(head) + sizeof(w->opened))
			memcpy(&w->opened, all.s + sizeof(head), sizeof(w->opened));
	} else if (head.error == FUSE_NOTIFY_INVAL_ENTRY &&
		   !strcmp(all.s + sizeof(head) + sizeof(struct fuse_notify_inval_entry_out),
			   NAME)) {
		w->forgotten++;
	}
	pthread_cond_broadcast(&w->said);
	pthread_mutex_unlock(&w->lock);
	return (ssize_t)all.len;
}

static ssize_t nothing_to_read(int fd, void *buf, size_t len, void *userdata)
{
	errno = ENODEV;
	return -1;
}

/* A request of the thread TID about the node INO. */
static void say(struct world *w, unsigned opcode, uint64_t ino, pid_t tid, const void *body,
		size_t len, const char *name)
{
	struct fuse_in_header head = {.opcode = opcode,
				      .unique = ++w->unique,
				      .nodeid = ino,
				      .uid = getuid(),
				      .gid = getgid(),
				      .pid = (uint32_t)tid};
	struct str all CLEANUP(str_release) = STR_INIT;

	head.len = (uint32_t)(sizeof(head) + len + (name ? strlen(name) + 1 : 0));
	str_add(&all, (const char *)&head, sizeof(head));
	str_add(&all, body, len);
	if (name)
		str_add(&all, name, strlen(name) + 1);
	struct fuse_buf buf = {.size = all.len, .mem = all.s};

	fuse_session_process_buf(w->se, &buf);
}

/* The errno that answers the last request; waits for it. */
static int answer(struct world *w)
{
	struct timespec end = {.tv_sec = time(NULL) + 60};
	int late = 0;

	pthread_mutex_lock(&w->lock);
	while (w->last.unique != w->unique && !late)
		late = pthread_cond_timedwait(&w->said, &w->lock, &end);
	pthread_mutex_unlock(&w->lock);
	assert_int_equal(late, 0);
	return -w->last.error;
}

static int ask(struct world *w, unsigned opcode, uint64_t ino, pid_t tid, const void *body,
	       size_t len, const char *name)
{
	say(w, opcode, ino, tid, body, len, name);
	return answer(w);
}

static int look(struct world *w, pid_t tid)
{
	return ask(w, FUSE_LOOKUP, node_id(w->dir), tid, NULL, 0, NAME);
}

static int open_it(struct world *w, uint64_t ino, pid_t tid, uint32_t flags)
{
	struct fuse_open_in in = {.flags = flags};

	return ask(w, FUSE_OPEN, ino, tid, &in, sizeof(in), NULL);
}

static int create(struct world *w, pid_t tid, uint32_t flags)
{
	struct fuse_create_in in = {.flags = flags | O_CREAT, .mode = S_IFREG | 0644};

	return ask(w, FUSE_CREATE, node_id(w->dir), tid, &in, sizeof(in), NAME);
}

static void wait_forgotten(struct world *w)
{
	struct timespec end = {.tv_sec = time(NULL) + 60};
	int late = 0;

	pthread_mutex_lock(&w->lock);
	while (!w->forgotten && !late)
		late = pthread_cond_timedwait(&w->said, &w->lock, &end);
	pthread_mutex_unlock(&w->lock);
	assert_int_equal(late, 0);
}

static void session_begin(struct world *w)
{
	static const struct fuse_custom_io io = {.writev = take, .read = nothing_to_read};
	struct fuse_init_in in = {.major = FUSE_KERNEL_VERSION,
				  .minor = FUSE_KERNEL_MINOR_VERSION,
				  .max_readahead = 1 << 17};
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_lowlevel_ops ops = {0};

	ops_dir(&ops);
	ops_file(&ops);
	fuse_opt_add_arg(&args, "test_ops");
	w->se = fuse_session_new(&args, &ops, sizeof(ops), w->fs);
	fuse_opt_free_args(&args);
	assert_non_null(w->se);
	assert_int_equal(fuse_session_custom_io(w->se, &io, open("/dev/null", O_RDWR)), 0);
	assert_int_equal(ask(w, FUSE_INIT, 0, 1, &in, sizeof(in), NULL), 0);
	notifier_set_session(w->fs->notifier, w->se);
}

static void make(struct world *w, const char *kind, const char *plural, const char *namespace,
		 const char *name)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(w->cluster, NULL, NULL);
	json_t *tree json_auto = json_pack("{s:s,s:s,s:{s:s},s:{s:s}}", "apiVersion", "v1", "kind",
					   kind, "metadata", "name", name, "data", "k", "before");

	assert_int_equal(cluster_create_tree(w->cluster, NULL,
					     catalog_find(catalog, "", "v1", plural), namespace,
					     tree, NULL, NULL, NULL),
			 0);
	fake_settle(w->cluster);
}

static uint64_t names_of(struct world *w)
{
	FS_LOCK(w->fs);
	return w->dir->names;
}

/* The tree has told the kernel of what came or went since its names were counted as BEFORE. That
 * it shows the object is not enough: its notice is still to come then. */
static void wait_names(struct world *w, uint64_t before)
{
	while (names_of(w) == before)
		sched_yield();
}

/* The object of NAME, made elsewhere; the tree has heard of it. */
static void make_x(struct world *w)
{
	uint64_t before = names_of(w);

	make(w, "ConfigMap", "configmaps", "default", "x");
	wait_names(w, before);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct cluster_config config = {0};
	struct fs_options o;

	current = w;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->said, NULL);
	w->cluster = cluster_open("fake:", &config, NULL);
	make(w, "Namespace", "namespaces", "", "default");
	w->informers = informers_new(w->cluster, NULL);
	fs_options_init(&o);
	w->fs = fs_new(w->cluster, w->informers, &o, NULL);
	assert_non_null(w->fs);
	session_begin(w);
	assert_int_equal(tree_resolve(w->fs, TYPE, NULL, &w->dir, NULL), 0);
	assert_int_equal(tree_prepare(w->dir, NULL, NULL), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	notifier_set_session(w->fs->notifier, NULL);
	node_unref(w->dir);
	pool_stop(w->fs->pool); /* who has answered may still have the handle */
	handles_end(w->fs, false);
	fs_free(w->fs);
	fuse_session_destroy(w->se);
	informers_free(w->informers);
	cluster_close(w->cluster);
	pthread_cond_destroy(&w->said);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return 0;
}

/* The kernel has looked, and found nothing; then the object comes, from elsewhere. */
static void test_create_of_what_appeared(void **state)
{
	struct world *w = *state;
	struct str text CLEANUP(str_release) = STR_INIT;

	assert_int_equal(look(w, 7), ENOENT);
	make_x(w);
	assert_int_equal(create(w, 7, O_WRONLY | O_EXCL), EEXIST);
	assert_int_equal(create(w, 7, O_WRONLY), 0);
	assert_int_equal(w->entry.entry_valid, 0);
	struct node *n = (struct node *)(uintptr_t)w->entry.nodeid;

	assert_non_null(n->draft);
	assert_non_null(strstr(n->draft->text.s, "before"));
	assert_int_equal(create(w, 8, O_WRONLY | O_TRUNC), 0);
	n = (struct node *)(uintptr_t)w->entry.nodeid;
	assert_int_equal(n->draft->text.len, 0);
}

/* What is opened by a descriptor (/proc/self/fd/3) is written on where it is, whatever the kernel
 * has by its name. */
static void test_name_of_what_is_written_on(void **state)
{
	struct world *w = *state;
	uint64_t shared;

	make_x(w);
	assert_int_equal(look(w, 7), 0);
	shared = w->entry.nodeid;
	assert_true(w->entry.entry_valid > 0);
	assert_int_equal(open_it(w, shared, 7, O_WRONLY), ESTALE);
	assert_int_equal(w->forgotten, 0);
	assert_int_equal(open_it(w, shared, 7, O_WRONLY), 0);
	wait_forgotten(w);
	assert_int_equal(look(w, 8), 0);
	assert_true(w->entry.nodeid != shared);
	assert_true(w->entry.entry_valid > 0);
}

/* A descriptor of what another thread writes on (/dev/fd/3) leads to the same text. */
static void test_two_write_on_one(void **state)
{
	struct world *w = *state;
	struct node *n;

	make_x(w);
	assert_int_equal(look(w, 7), 0);
	assert_int_equal(open_it(w, w->entry.nodeid, 7, O_WRONLY), ESTALE);
	assert_int_equal(look(w, 7), 0);
	uint64_t ino = w->entry.nodeid;

	assert_int_equal(open_it(w, ino, 7, O_WRONLY), 0);
	n = (struct node *)(uintptr_t)ino;
	struct draft *d = n->draft;

	assert_int_equal(open_it(w, ino, 8, O_RDONLY), ESTALE);
	assert_int_equal(open_it(w, ino, 8, O_RDONLY), 0);
	assert_int_equal(open_it(w, ino, 9, O_WRONLY), ESTALE);
	assert_int_equal(open_it(w, ino, 9, O_WRONLY), 0);
	assert_ptr_equal(n->draft, d);
	assert_non_null(strstr(d->text.s, "before"));
	assert_int_equal(open_it(w, ino, 9, O_WRONLY | O_TRUNC), ESTALE);
	assert_int_equal(open_it(w, ino, 9, O_WRONLY | O_TRUNC), 0);
	assert_ptr_equal(n->draft, d);
	assert_int_equal(d->text.len, 0);
	/* By its name it is the object, as before. */
	assert_int_equal(look(w, 8), 0);
	assert_true(w->entry.nodeid != ino);
	assert_true(w->entry.entry_valid > 0);
}

/* Sent to look again, a thread finds nothing: what comes there later is like any other to it. */
static void test_want_of_what_went(void **state)
{
	struct world *w = *state;
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(w->cluster, NULL, NULL);
	struct delete_options opt = {.grace_period_s = 0};
	uint64_t before;

	make_x(w);
	assert_int_equal(look(w, 7), 0);
	assert_int_equal(open_it(w, w->entry.nodeid, 7, O_WRONLY), ESTALE);
	before = names_of(w);
	assert_int_equal(cluster_delete(w->cluster, NULL,
					catalog_find(catalog, "", "v1", "configmaps"), "default",
					"x", &opt, NULL, NULL, NULL),
			 0);
	wait_names(w, before);
	assert_int_equal(look(w, 7), ENOENT);
	make_x(w);
	assert_int_equal(look(w, 8), 0);
	assert_int_equal(look(w, 7), 0);
	assert_true(w->entry.entry_valid > 0);
	assert_int_equal(open_it(w, w->entry.nodeid, 7, O_WRONLY), ESTALE);
	assert_int_equal(look(w, 7), 0);
	assert_int_equal(w->entry.entry_valid, 0);
	assert_int_equal(open_it(w, w->entry.nodeid, 7, O_WRONLY), 0);
}

/* A shell stays where it is when the directory's name shows another one: nobody will tell of
 * changes there, so the kernel may keep nothing of it. */
static void test_directory_that_went(void **state)
{
	struct world *w = *state;
	struct node *now;

	make_x(w);
	assert_int_equal(look(w, 7), 0);
	assert_true(w->entry.entry_valid > 0);
	pthread_mutex_lock(&w->fs->lock);
	node_stale(w->dir->parent, w->dir->name);
	pthread_mutex_unlock(&w->fs->lock);
	wait_forgotten(w);
	assert_int_equal(look(w, 7), 0);
	assert_int_equal(w->entry.entry_valid, 0);
	assert_int_equal(tree_resolve(w->fs, TYPE, NULL, &now, NULL), 0);
	assert_ptr_not_equal(now, w->dir);
	node_unref(steal(&w->dir));
	w->dir = now;
	assert_int_equal(look(w, 7), 0);
	assert_true(w->entry.entry_valid > 0);
}

/* What the tree shows as configmaps, until it reads the catalog again. */
static void show_as_configmaps(struct world *w, const struct resource *r)
{
	FS_LOCK(w->fs);
	map_put(w->fs->view->in_namespace, "configmaps", (void *)r);
}

/* A server's types are read again, and tell the same: their directories stay. */
static void test_directory_of_type_read_again(void **state)
{
	struct world *w = *state;
	const struct resource *was = w->dir->resource, *again = resource_new(was, NULL);
	struct node *now;

	show_as_configmaps(w, again);
	assert_int_equal(tree_resolve(w->fs, TYPE, NULL, &now, NULL), 0);
	show_as_configmaps(w, was);
	resource_unref(again);
	assert_ptr_equal(now, w->dir);
	node_unref(now);
}

/* A type is served in another way now: its directory is another one, with the scratch files. */
static void test_directory_of_type_that_changed(void **state)
{
	struct world *w = *state;
	const struct resource *was = w->dir->resource, *again;
	struct resource other = *was;
	struct error *why CLEANUP(error_free_cleanup) = error_new(E_INVALID, "no");
	struct node *n, *dir = w->dir;

	other.verbs &= ~(unsigned)VERB_PATCH;
	again = resource_new(&other, NULL);
	assert_int_equal(rejected_keep(w->dir, NAME, 0644, "k: v\n", 5, why, false), 0);
	node_unref(steal(&w->dir)); /* only the text keeps it */
	show_as_configmaps(w, again);
	assert_int_equal(tree_resolve(w->fs, TYPE, NULL, &w->dir, NULL), 0);
	assert_int_equal(tree_resolve(w->fs, TYPE "/" NAME ".rejected", NULL, &n, NULL), 0);
	show_as_configmaps(w, was);
	resource_unref(again);
	assert_ptr_not_equal(w->dir, dir);
	assert_ptr_equal(n->parent, w->dir);
	node_unref(n);
}

#define CACHED (FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE)

/* What the kernel is told of the listing it has; *FH for the other requests. */
static uint32_t open_dir(struct world *w, uint64_t *fh)
{
	struct fuse_open_in in = {.flags = O_DIRECTORY};

	assert_int_equal(ask(w, FUSE_OPENDIR, node_id(w->dir), 7, &in, sizeof(in), NULL), 0);
	*fh = w->opened.fh;
	return w->opened.open_flags & CACHED;
}

static void read_dir(struct world *w, uint64_t fh)
{
	struct fuse_read_in in = {.fh = fh, .size = 4096};

	assert_int_equal(ask(w, FUSE_READDIR, node_id(w->dir), 7, &in, sizeof(in), NULL), 0);
}

static void close_dir(struct world *w, uint64_t fh)
{
	struct fuse_release_in in = {.fh = fh};

	assert_int_equal(ask(w, FUSE_RELEASEDIR, node_id(w->dir), 7, &in, sizeof(in), NULL), 0);
}

/* The tree is told of an object that was in the listing already. */
static void told_late(struct world *w)
{
	FS_LOCK(w->fs);
	w->dir->names++;
}

/* The kernel may show what it has to whoever comes, until the one whom it was told to begin anew
 * has read. */
static void test_listing_that_is_kept(void **state)
{
	struct world *w = *state;
	uint64_t one, two, three;

	assert_int_equal(open_dir(w, &one), FOPEN_CACHE_DIR);
	told_late(w);
	read_dir(w, one);
	close_dir(w, one);
	assert_int_equal(open_dir(w, &one), CACHED);
	close_dir(w, one);
	make_x(w);
	assert_int_equal(open_dir(w, &one), FOPEN_CACHE_DIR);
	assert_int_equal(open_dir(w, &two), FOPEN_KEEP_CACHE);
	read_dir(w, one);
	assert_int_equal(open_dir(w, &three), CACHED);
	close_dir(w, one);
	close_dir(w, two);
	close_dir(w, three);
}

/* A long listing is made while other requests are read. */
static void test_long_listing(void **state)
{
	struct world *w = *state;
	uint64_t fh;

	open_dir(w, &fh);
	assert_true(pthread_equal(w->speaker, pthread_self()));
	close_dir(w, fh);
	for (int i = 0; i < 2000; i++) {
		char *name free_ptr = xasprintf("%04d", i);

		make(w, "ConfigMap", "configmaps", "default", name);
	}
	open_dir(w, &fh);
	close_dir(w, fh);
	open_dir(w, &fh);
	assert_false(pthread_equal(w->speaker, pthread_self()));
	make_x(w);
	read_dir(w, fh);
	assert_false(pthread_equal(w->speaker, pthread_self()));
	close_dir(w, fh);
	assert_true(pthread_equal(w->speaker, pthread_self()));
}

/* Thread 7 writes a text, which is not sent yet. */
static void write_text_to(struct world *w, uint64_t ino, uint64_t fh)
{
	static const char text[] = "data: {k: after}\n";
	struct {
		struct fuse_write_in in;
		char text[sizeof(text) - 1];
	} write = {.in = {.fh = fh, .size = sizeof(text) - 1}};

	memcpy(write.text, text, sizeof(write.text));
	assert_int_equal(ask(w, FUSE_WRITE, ino, 7, &write,
			     offsetof(__typeof__(write), text) + sizeof(write.text), NULL),
			 0);
}

/* NAME, which is not there yet, as thread 7 has written it; its number, and *FH for the other
 * requests. */
static uint64_t write_it(struct world *w, uint64_t *fh)
{
	assert_int_equal(look(w, 7), ENOENT);
	assert_int_equal(create(w, 7, O_WRONLY), 0);
	*fh = (uintptr_t)w->fs->handles;
	uint64_t ino = w->entry.nodeid;

	write_text_to(w, ino, *fh);
	return ino;
}

/* Likewise over the object, which somebody else has looked up: *SHARED is what he got. */
static uint64_t write_over(struct world *w, uint64_t *shared, uint64_t *fh)
{
	assert_int_equal(look(w, 8), 0);
	*shared = w->entry.nodeid;
	assert_int_equal(open_it(w, *shared, 7, O_WRONLY | O_TRUNC), ESTALE);
	assert_int_equal(look(w, 7), 0);
	uint64_t ino = w->entry.nodeid;

	assert_int_equal(open_it(w, ino, 7, O_WRONLY | O_TRUNC), 0);
	*fh = w->opened.fh;
	write_text_to(w, ino, *fh);
	return ino;
}

/* While it is held no handler of an informer is told anything. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool reached, open;
};

static void wait_at_gate(void *arg, struct object *old, struct object *new_)
{
	struct gate *g = arg;

	pthread_mutex_lock(&g->lock);
	g->reached = true;
	pthread_cond_broadcast(&g->moved);
	while (!g->open)
		pthread_cond_wait(&g->moved, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static const struct informer_handler at_gate = {.changed = wait_at_gate};

/* There is an object, of which a new handler is told at once. */
static void gate_close(struct world *w, struct gate *g)
{
	informer_add_handler(w->dir->type->informer, &at_gate, g);
	pthread_mutex_lock(&g->lock);
	while (!g->reached)
		pthread_cond_wait(&g->moved, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static void gate_open(struct world *w, struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->open = true;
	pthread_cond_broadcast(&g->moved);
	pthread_mutex_unlock(&g->lock);
	informer_remove_handler(w->dir->type->informer, &at_gate, g);
}

/* Changed elsewhere; the informer knows. */
static void change_x(struct world *w)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(w->cluster, NULL, NULL);
	json_t *patch json_auto = json_pack("{s:{s:s}}", "data", "k", "meanwhile");

	assert_int_equal(
		cluster_patch_tree(w->cluster, NULL, catalog_find(catalog, "", "v1", "configmaps"),
				   "default", "x", NULL, PATCH_MERGE, patch, NULL, NULL, NULL),
		0);
	fake_settle(w->cluster);
}

/*
 * Two look the name up at once, and a change comes between the answers. The kernel keeps the first
 * answer: the second was to a look at what stood there before, so it gives that back and uses the
 * first. Who closes what he wrote then must not find that old version.
 */
static void test_looks_that_overtake(void **state)
{
	struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};
	struct world *w = *state;
	struct fuse_flush_in flush = {0};
	uint64_t kept, ino;
	int refused;

	w->fs->opt.force = true;
	make_x(w);
	ino = write_over(w, &kept, &flush.fh);
	gate_close(w, &gate);
	change_x(w);
	look(w, 9);
	uint64_t given_back = w->entry.nodeid;

	node_forget((struct node *)(uintptr_t)given_back, 1);
	refused = ask(w, FUSE_FLUSH, ino, 7, &flush, sizeof(flush), NULL);
	gate_open(w, &gate);
	assert_true(given_back != kept);
	assert_int_equal(refused, 0);
	assert_true(w->forgotten_before > 0);
}

/* Somebody holds NAME's directory while the kernel is to be told of NAME. */
static void hold_notice(struct world *w)
{
	notifier_hold(w->fs->notifier, node_id(w->dir));
	FS_LOCK(w->fs);
	notifier_entry(w->fs->notifier, w->dir, NAME);
}

/* Who removes the file holds its directory and waits for fsync, which must not wait for him. */
static void test_fsync_waits_for_no_notice(void **state)
{
	struct world *w = *state;
	struct fuse_fsync_in sync = {0};
	uint64_t ino = write_it(w, &sync.fh);

	hold_notice(w);
	assert_int_equal(ask(w, FUSE_FSYNC, ino, 7, &sync, sizeof(sync), NULL), 0);
	notifier_let(w->fs->notifier, node_id(w->dir));
}

/* The close that follows does wait, though it has nothing left to send: the writer's next look has
 * to find what fsync applied. */
static void test_close_after_fsync_waits(void **state)
{
	struct world *w = *state;
	struct fuse_fsync_in sync = {0};
	struct fuse_flush_in flush = {0};
	uint64_t ino = write_it(w, &sync.fh);

	flush.fh = sync.fh;
	hold_notice(w);
	assert_int_equal(ask(w, FUSE_FSYNC, ino, 7, &sync, sizeof(sync), NULL), 0);
	assert_int_equal(w->forgotten, 0);
	say(w, FUSE_FLUSH, ino, 7, &flush, sizeof(flush), NULL);
	notifier_let(w->fs->notifier, node_id(w->dir));
	assert_int_equal(answer(w), 0);
	assert_true(w->forgotten_before > 0);
}

static size_t count_nodes(struct world *w)
{
	FS_LOCK(w->fs);
	return w->fs->n_nodes;
}

/* While a notice waits its directory stays: the kernel would take another node of the same number
 * for it. */
static void test_notice_of_what_is_forgotten(void **state)
{
	struct world *w = *state;
	size_t with_it;

	make_x(w);
	assert_int_equal(look(w, 7), 0);
	notifier_hold(w->fs->notifier, node_id(w->dir));
	pthread_mutex_lock(&w->fs->lock);
	node_stale(w->dir, NAME);
	pthread_mutex_unlock(&w->fs->lock);
	node_forget((struct node *)(uintptr_t)w->entry.nodeid, 1);
	with_it = count_nodes(w);
	uint64_t ino = node_id(w->dir);

	node_unref(steal(&w->dir));
	assert_int_equal(count_nodes(w), with_it);
	notifier_let(w->fs->notifier, ino);
	wait_forgotten(w);
	while (count_nodes(w) == with_it)
		sched_yield();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_create_of_what_appeared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_name_of_what_is_written_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_write_on_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_want_of_what_went, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fsync_waits_for_no_notice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_after_fsync_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directory_that_went, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directory_of_type_read_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directory_of_type_that_changed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_looks_that_overtake, setup, teardown),
		cmocka_unit_test_setup_teardown(test_listing_that_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_listing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_notice_of_what_is_forgotten, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
