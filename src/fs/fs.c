#include "fs/core.h"

#include "base/map.h"
#include "fs/absent.h"
#include "fs/contexts.h"
#include "fs/draft.h"
#include "fs/follow.h"
#include "fs/holds.h"
#include "fs/journal.h"
#include "fs/notifier.h"
#include "fs/texts.h"
#include "fs/types.h"
#include "fs/wants.h"

#define POOL_THREADS 32
#define TEXTS_MAX (16 << 20)

static void run_refresh(void *fs, struct cancel *cancel)
{
	if (!cancel_fired(cancel))
		view_refresh(fs);
}

static void on_catalog(void *arg)
{
	struct fs *fs = arg;

	pool_submit(fs->pool, run_refresh, fs, NULL);
}

static void copy_words(struct fs_words *to, const struct fs_words *from)
{
	*to = (struct fs_words)VEC_INIT;
	vec_each (from, w)
		vec_push(to, xstrdup(*w));
}

static void copy_options(struct fs_options *to, const struct fs_options *from)
{
	*to = *from;
	copy_words(&to->protect, &from->protect);
	copy_words(&to->namespaces, &from->namespaces);
	copy_words(&to->fuse, &from->fuse);
}

/* Two trees number nothing alike; one that is mounted itself has the numbers of any other mount. */
static uint64_t seed_of(const struct fs *above, const char *name)
{
	return above ? hash_bytes(name, strlen(name)) | 1 : 0;
}

struct fs *fs_new_unconnected(const struct fs_options *options, struct fs *above, const char *name)
{
	struct fs *fs = xcalloc(1, sizeof(*fs));

	copy_options(&fs->opt, options);
	fs->above = above;
	fs->name = xstrdup(name);
	fs->ino_seed = seed_of(above, name);
	fs->clock = options->clock ? options->clock : clock_system();
	fs->started = clock_wall(fs->clock);
	/* Scratch files: far from hashes only by luck, but few. */
	fs->next_ino = (1ull << 62) ^ fs->ino_seed;
	pthread_mutex_init(&fs->lock, NULL);
	clock_cond_init(&fs->view_changed);
	fs->types = map_new();
	fs->pool = pool_new(POOL_THREADS);
	fs->notifier = above ? above->notifier : notifier_new();
	fs->texts = texts_new(TEXTS_MAX);
	fs->served = served_new(SERVED_MAX);
	fs->journal = journal_new(fs->clock);
	fs->holds = holds_new(fs);
	fs->wants = wants_new();
	fs->absent = absent_new(fs->clock);
	fs->followers = followers_new(fs);
	fs->reports = map_new();
	return fs;
}

void fs_adopt(struct fs *fs, struct cluster *cluster, struct informers *informers, struct view *v)
{
	pthread_mutex_lock(&fs->lock);
	fs->cluster = cluster;
	fs->informers = informers;
	fs->view = v;
	pthread_mutex_unlock(&fs->lock);
	cluster_on_catalog(cluster, on_catalog, fs);
}

struct fs *fs_new(struct cluster *cluster, struct informers *informers,
		  const struct fs_options *options, struct error **err)
{
	struct view *view = view_new(cluster, NULL, err);
	struct fs *fs;

	if (!view)
		return NULL;
	fs = fs_new_unconnected(options, NULL, "");
	fs->root = node_new(fs, NULL, row_root(), "");
	fs_adopt(fs, cluster, informers, view);
	return fs;
}

void fs_each(struct fs *fs, void (*each)(struct fs *tree))
{
	each(fs);
	vec_each (&fs->below, tree)
		each(*tree);
}

/* Scratch files are the only nodes a map keeps. */
static void drop_scratch(struct fs *fs)
{
	VEC(struct node *) all = VEC_INIT;

	pthread_mutex_lock(&fs->lock);
	for (struct node *n = fs->all; n; n = n->all_next) {
		if (!n->drafts)
			continue;
		map_each (n->drafts, e)
			vec_push(&all, e->value);
		map_clear(n->drafts, NULL);
	}
	pthread_mutex_unlock(&fs->lock);
	vec_each (&all, n)
		node_unref(*n);
	vec_release(&all);
}

struct fs *fs_free(struct fs *fs)
{
	if (!fs)
		return NULL;
	vec_each (&fs->below, tree)
		fs_free(*tree);
	vec_release(&fs->below);
	if (fs->cluster)
		cluster_off_catalog(fs->cluster, on_catalog, fs);
	holds_flush(fs->holds);
	pool_stop(fs->pool);
	followers_stop(fs->followers);
	nodes_forget_all(fs);
	drop_scratch(fs);
	types_free(fs);
	node_unref(fs->root); /* events ask it until the last handler is off */
	holds_free(fs->holds);
	pool_free(fs->pool);
	if (!fs->above)
		notifier_free(fs->notifier);
	wants_free(fs->wants);
	absent_free(fs->absent);
	followers_free(fs->followers);
	map_free(fs->reports, free);
	texts_free(fs->texts);
	served_free(fs->served);
	journal_free(fs->journal);
	map_free(fs->types, NULL);
	view_unref(fs->view);
	connection_free(fs->connection);
	free(fs->name);
	fs_options_release(&fs->opt);
	pthread_cond_destroy(&fs->view_changed);
	pthread_mutex_destroy(&fs->lock);
	free(fs);
	return NULL;
}
