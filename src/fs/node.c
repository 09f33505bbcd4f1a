#include "fs/core.h"

#include "base/vec.h"
#include "fs/draft.h"
#include "fs/nodes.h"
#include "fs/notifier.h"
#include "fs/types.h"

#include <fnmatch.h>

/* FNV-1a with a finisher: the same object has the same number in every mount. */
uint64_t ino_hash(const struct fs *fs, const char *a, const char *b)
{
	uint64_t h = 14695981039346656037ull ^ fs->ino_seed;

	for (const char *p = a; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211ull;
	h = (h ^ 0xff) * 1099511628211ull;
	for (const char *p = b; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211ull;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ull;
	h ^= h >> 32;
	return h > 1 ? h : h + 2;
}

bool node_is_dir(const struct node *n)
{
	return S_ISDIR(n->kind->mode);
}

const struct node_ops *node_writes(struct node *dir, const char *name)
{
	return dir->kind->ops->writes ? dir->kind->ops->writes(dir, name) : NULL;
}

uint64_t node_id(const struct node *n)
{
	return n->parent || n->fs->above ? (uintptr_t)n : 1;
}

static void link_node(struct node *n)
{
	n->all_next = n->fs->all;
	if (n->all_next)
		n->all_next->all_prev = n;
	n->fs->all = n;
	n->fs->n_nodes++;
}

static void unlink_node(struct node *n)
{
	*(n->all_prev ? &n->all_prev->all_next : &n->fs->all) = n->all_next;
	if (n->all_next)
		n->all_next->all_prev = n->all_prev;
	n->fs->n_nodes--;
}

struct node *node_new(struct fs *fs, struct node *parent, const struct node_kind *kind,
		      const char *name)
{
	struct node *n = xcalloc(1, sizeof(*n));
	struct str path CLEANUP(str_release) = STR_INIT;

	n->fs = fs;
	link_node(n);
	n->parent = parent ? node_ref(parent) : NULL;
	n->kind = kind;
	n->name = xstrdup(name);
	n->namespace = parent ? parent->namespace : "";
	n->refs = 1;
	n->adrift = parent && parent->adrift;
	n->mode = kind->mode;
	n->text = (struct str)STR_INIT;
	node_path(n, &path);
	n->ino = parent || fs->above ? ino_hash(fs, path.s, "") : 1;
	if (S_ISDIR(kind->mode)) {
		n->children = map_new();
		n->drafts = map_new();
	}
	return n;
}

struct node *node_ref(struct node *n)
{
	n->refs++;
	return n;
}

static void node_free(struct node *n)
{
	if (n->kind->ops->release)
		n->kind->ops->release(n);
	object_unref(n->object);
	if (n->resource)
		resource_unref(n->resource);
	type_unref(n->type);
	draft_unref(n->draft);
	node_unref(n->before);
	str_release(&n->text);
	map_free(n->children, NULL);
	map_free(n->drafts, NULL);
	free(n->name);
	free(n);
}

/* The last ref of a node gives back the one it has of its parent, and so on up. */
static void drop_refs(struct node *n, uint64_t count, bool kernel)
{
	while (n) {
		struct fs *fs = n->fs;
		struct node *parent = NULL;

		pthread_mutex_lock(&fs->lock);
		n->refs -= count;
		n->lookups -= kernel ? count : 0;
		bool last = n->refs == 0;

		if (last)
			unlink_node(n);
		if (last && n->parent && node_child(n->parent, n->name) == n)
			map_del(n->parent->children, n->name);
		pthread_mutex_unlock(&fs->lock);
		if (last) {
			parent = n->parent;
			node_free(n);
		}
		n = parent;
		count = 1;
		kernel = false;
	}
}

void node_unref(struct node *n)
{
	drop_refs(n, 1, false);
}

void node_forget(struct node *n, uint64_t count)
{
	drop_refs(n, count, true);
}

void nodes_forget_all(struct fs *fs)
{
	VEC(struct node *) known = VEC_INIT;

	pthread_mutex_lock(&fs->lock);
	for (struct node *n = fs->all; n; n = n->all_next) {
		if (n->lookups)
			vec_push(&known, n);
	}
	pthread_mutex_unlock(&fs->lock);
	/* Each stays alive by the refs that are taken back here, until its turn. */
	vec_each (&known, n)
		node_forget(*n, (*n)->lookups);
	vec_release(&known);
}

struct node *node_child(struct node *dir, const char *name)
{
	return dir->children ? map_get(dir->children, name) : NULL;
}

/* No change of what is in N will be told any more: whoever is in it looks each time. */
static void set_adrift(struct node *n)
{
	n->adrift = true;
	if (!n->children)
		return;
	map_each (n->children, e) {
		notifier_entry(n->fs->notifier, n, e->key);
		set_adrift(e->value);
	}
}

void node_stale(struct node *dir, const char *name)
{
	struct node *n = dir->children ? map_del(dir->children, name) : NULL;

	if (!n)
		return;
	notifier_entry(dir->fs->notifier, dir, name);
	if (n->children)
		set_adrift(n);
}

void node_names_changed(struct node *dir)
{
	struct timespec now;
	int64_t wall = clock_wall(dir->fs->clock);

	now.tv_sec = wall / NS_PER_S;
	now.tv_nsec = wall % NS_PER_S;
	dir->names++;
	dir->mtime = dir->changed = now;
	notifier_names(dir->fs->notifier, dir);
}

void node_path(const struct node *n, struct str *out)
{
	if (!n->parent)
		return;
	node_path(n->parent, out);
	if (out->len)
		str_addc(out, '/');
	str_adds(out, n->name);
}

bool namespace_is_protected(const struct fs *fs, const char *namespace)
{
	const struct fs_words *words = &fs->opt.protect;

	for (size_t i = 0; *namespace && i < words->n; i++) {
		if (fnmatch(words->v[i], namespace, 0) == 0)
			return true;
	}
	return false;
}

bool node_read_only(const struct node *n)
{
	return n->fs->opt.read_only || namespace_is_protected(n->fs, n->namespace);
}

static bool type_is_fixed(const struct node *n)
{
	const struct resource *r = n->resource;

	return r && n->object && !(r->verbs & (VERB_UPDATE | VERB_PATCH));
}

/* Whatever is told of a Secret, in any form, and what is written beside them. */
static bool is_of_secrets(const struct node *n)
{
	return resource_is_secret(n->resource) ||
	       (n->parent && resource_is_secret(n->parent->resource));
}

static mode_t node_permissions(struct node *n)
{
	mode_t mode = n->mode & 07777;

	if (S_ISREG(n->mode) && is_of_secrets(n))
		mode &= ~(mode_t)0077;

	if (node_read_only(n) || type_is_fixed(n))
		mode &= ~(mode_t)0222;
	return mode & ~n->fs->opt.umask;
}

void node_stat(struct node *n, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = (n->mode & S_IFMT) | node_permissions(n);
	st->st_nlink = S_ISDIR(n->mode) ? 2 : 1;
	st->st_uid = n->fs->opt.uid;
	st->st_gid = n->fs->opt.gid;
	st->st_blksize = 4096;
	pthread_mutex_lock(&n->fs->lock);
	st->st_ino = n->ino;
	if (n->draft && n->draft->gone)
		st->st_nlink = 0;
	st->st_size = (off_t)(n->draft ? draft_size(n->draft) : n->size);
	st->st_mtim = n->mtime;
	st->st_ctim = n->changed;
	if (!n->mtime.tv_sec)
		st->st_mtim.tv_sec = st->st_ctim.tv_sec = n->fs->started / NS_PER_S;
	pthread_mutex_unlock(&n->fs->lock);
	if (n->kind->ops->stat && !n->draft)
		n->kind->ops->stat(n, st);
	st->st_atim = st->st_mtim;
	st->st_blocks = (st->st_size + 511) / 512;
}
