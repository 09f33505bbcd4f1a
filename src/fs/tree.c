#include "fs/absent.h"
#include "fs/contexts.h"
#include "fs/draft.h"
#include "fs/nodes.h"
#include "fs/notifier.h"
#include "fs/texts.h"
#include "fs/types.h"
#include "fs/wants.h"

#include <errno.h>

bool tree_ready(struct node *dir)
{
	return !dir->kind->ops->ready || dir->kind->ops->ready(dir);
}

int tree_prepare(struct node *dir, const struct call *call, struct error **err)
{
	const struct node_ops *ops = dir->kind->ops;
	bool ready;

	pthread_mutex_lock(&dir->fs->lock);
	ready = tree_ready(dir);
	pthread_mutex_unlock(&dir->fs->lock);
	return ready || !ops->prepare ? 0 : ops->prepare(dir, call, err);
}

static void found_release(struct found *f)
{
	object_unref(f->object);
	if (f->resource)
		resource_unref(f->resource);
	free(f->link);
}

static bool row_matches(struct node *dir, const struct node_kind *k, const char *name,
			struct found *f)
{
	const char *last = row_last(k);

	if (last[0] != '%' && strcmp(last, name) != 0)
		return false;
	return !k->ops->find || k->ops->find(dir, name, f);
}

/* What a server tells of its types is read anew whenever one of them changes: rows that tell the
 * same are one type. Those with particulars of their own (priv) are others each time. */
static bool same_type(const struct resource *a, const struct resource *b)
{
	return a == b || (!a->priv && !b->priv && str_equal(a->api_version, b->api_version) &&
			  str_equal(a->plural, b->plural) && str_equal(a->kind, b->kind) &&
			  a->namespaced == b->namespaced && a->verbs == b->verbs &&
			  a->n_subresources == b->n_subresources);
}

/* The node the kernel may have: same row, same version. */
static bool still_current(struct node *n, const struct node_kind *k, const struct found *f)
{
	if (n->kind != k || (f->resource && !(n->resource && same_type(n->resource, f->resource))))
		return false;
	if (f->link && !str_equal(f->link, n->text.s))
		return false;
	if (!n->object != !f->object)
		return false;
	if (node_is_dir(n))
		return !n->object || str_equal(n->object->uid, f->object->uid);
	return n->object == f->object || object_same_version(n->object, f->object);
}

/* Takes what F holds. */
static struct node *make_node(struct node *dir, const struct node_kind *k, const char *name,
			      struct found *f)
{
	struct node *n = node_new(dir->fs, dir, k, name);

	n->object = steal(&f->object);
	n->resource = steal(&f->resource);
	if (!n->resource && dir->resource)
		n->resource = resource_ref(dir->resource);
	if (f->link) {
		str_adds(&n->text, f->link);
		n->size = n->text.len;
	}
	if (k->ops->init)
		k->ops->init(n);
	if (k->ops->text) {
		k->ops->text(n, &n->text);
		n->size = n->text.len;
	}
	return n;
}

static struct node *node_of(struct node *dir, const struct node_kind *k, const char *name,
			    struct found *f, bool private)
{
	struct node *before = private ? NULL : node_child(dir, name), *n;

	if (before && still_current(before, k, f))
		return node_ref(before);
	/* Looks overtake each other: the kernel may keep the answer with the version before, and
	 * give back what it is told now, after which nobody knows here that it has the name. */
	if (before)
		node_stale(dir, name);
	n = make_node(dir, k, name, f);
	n->private = private;
	if (before && before->kind == k && before->drafts)
		scratch_move_all(before, n);
	if (!private)
		map_put(dir->children, name, n);
	return n;
}

/* Not there as long as the tree has no cluster. */
static bool is_away(const struct node *dir, const struct node_kind *k)
{
	return (k->flags & NODE_CLUSTER) && !dir->fs->view;
}

/* Listed names beat scratch files, and those the unlisted names. WRITER gets a version's node of
 * its own; 0: nobody. */
static struct node *find_row(struct node *dir, const char *name, bool unlisted, pid_t writer)
{
	for (const struct node_kind *k = NULL; (k = row_next(dir->kind, k));) {
		struct found f = {0};
		struct node *n = NULL;

		if (!(k->flags & NODE_UNLISTED) != !unlisted || is_away(dir, k))
			continue;
		if (row_matches(dir, k, name, &f)) {
			bool private = f.object && writer;

			n = node_of(dir, k, name, &f, private);
			if (private)
				n->reserved = writer;
		}
		found_release(&f);
		if (n)
			return n;
	}
	return NULL;
}

static bool would_be_there(const struct node *dir, const char *name)
{
	for (const struct node_kind *k = NULL; (k = row_next(dir->kind, k));) {
		if (is_away(dir, k) && !strcmp(row_last(k), name))
			return true;
	}
	return false;
}

/* Why a tree could not be connected is read without trying again. */
static bool stands_anyway(struct node *dir, const char *name)
{
	FS_LOCK(dir->fs);
	if (dir != dir->fs->root || !dir->fs->connection || !dir->fs->connection->failure)
		return false;
	for (const struct node_kind *k = NULL; (k = row_next(dir->kind, k));) {
		if (!(k->flags & NODE_CLUSTER) && !strcmp(row_last(k), name))
			return true;
	}
	return false;
}

struct node *tree_private(struct node *dir, const char *name, pid_t tid)
{
	struct object *o CLEANUP(object_unref_cleanup) =
		dir->type ? object_of_file(dir, name) : NULL;

	return o ? find_row(dir, name, false, tid) : NULL;
}

int tree_lookup(struct node *dir, const char *name, pid_t tid, const struct call *call,
		struct node **out, struct error **err)
{
	struct node *n;

	if (!node_is_dir(dir))
		return error_set_errno(err, ENOTDIR, "%s", dir->name);
	if (strlen(name) > NAME_BYTES)
		return error_set(err, E_NAME_TOO_LONG, "names have at most %d bytes", NAME_BYTES);
	if (!stands_anyway(dir, name) && tree_prepare(dir, call, err) < 0)
		return -1;
	n = dir->kind->ops->below ? dir->kind->ops->below(dir, name) : NULL;
	if (n) {
		*out = n;
		return 0;
	}
	FS_LOCK(dir->fs);
	bool absent = absent_has(dir->fs->absent, dir, name);
	pid_t writer = wants_has(dir->fs->wants, dir, name, tid) ? tid : 0;

	n = absent ? NULL : find_row(dir, name, false, writer);
	if (!n) {
		n = scratch_find(dir, name);
		if (n)
			node_ref(n);
	}
	if (!n && !absent)
		n = find_row(dir, name, true, writer);
	/* It went before it was opened. */
	if (writer && !(n && n->object))
		wants_remove(dir->fs->wants, dir, name, tid);
	if (!n && would_be_there(dir, name))
		return fs_connect_failure(dir->fs, err);
	if (!n)
		return error_set(err, E_NOT_FOUND, "no \"%s\" here", name);
	*out = n;
	return 0;
}

int tree_resolve(struct fs *fs, const char *path, const struct call *call, struct node **out,
		 struct error **err)
{
	char *copy free_ptr = xstrdup(path), *rest = copy, *name;
	struct node *n, *next;

	pthread_mutex_lock(&fs->lock);
	n = node_ref(fs->root);
	pthread_mutex_unlock(&fs->lock);
	while ((name = strsep(&rest, "/"))) {
		int ret = *name ? tree_lookup(n, name, 0, call, &next, err) : 0;

		if (*name || ret < 0)
			node_unref(n);
		if (ret < 0)
			return -1;
		if (*name)
			n = next;
	}
	*out = n;
	return 0;
}

void tree_read(struct node *n, off_t offset, size_t size, struct str *out)
{
	struct str *text = &n->text;

	if (n->kind->ops->read) {
		n->kind->ops->read(n, offset, size, out);
		return;
	}
	if (n->object && !n->text.len) {
		texts_read(n->fs->texts, n->object, n->kind->flags & NODE_FORMAT_JSON, offset, size,
			   out);
		return;
	}
	if ((size_t)offset < text->len)
		str_add(out, text->s + offset, MIN(size, text->len - (size_t)offset));
}

void listing_add(struct listing *l, const char *name, uint64_t ino)
{
	struct str path CLEANUP(str_release) = STR_INIT;

	if (!ino) {
		node_path(l->dir, &path);
		str_addf(&path, "%s%s", path.len ? "/" : "", name);
		ino = ino_hash(l->dir->fs, path.s, "");
	}
	vec_push(l, (struct entry){.name = xstrdup(name), .ino = ino, .mode = l->kind->mode});
}

static void listing_clear(struct listing *l)
{
	vec_each (l, e)
		free(e->name);
	l->n = 0;
}

void listing_release(struct listing *l)
{
	listing_clear(l);
	vec_release(l);
}

static bool has_name(struct node *dir, const struct node_kind *k)
{
	struct found f = {0};
	bool has;

	pthread_mutex_lock(&dir->fs->lock);
	has = row_matches(dir, k, row_last(k), &f);
	pthread_mutex_unlock(&dir->fs->lock);
	found_release(&f);
	return has;
}

static void list_row(struct listing *l, const struct node_kind *k)
{
	l->kind = k;
	if (row_last(k)[0] != '%' && has_name(l->dir, k))
		listing_add(l, row_last(k), 0);
	else if (row_last(k)[0] == '%' && k->ops->list)
		k->ops->list(l->dir, l);
}

/* What blocks its reader is never listed: grep -r would not come back. */
static bool is_listed(struct node *dir, const struct node_kind *k)
{
	FS_LOCK(dir->fs);
	return !k->ops->begin && !is_away(dir, k) &&
	       (!(k->flags & NODE_UNLISTED) || dir->fs->opt.details);
}

static void take_drafts(struct node *dir, struct listing *out)
{
	FS_LOCK(dir->fs);
	map_each (dir->drafts, e) {
		struct node *n = e->value;

		vec_push(out, (struct entry){xstrdup(e->key), n->ino, n->mode});
	}
}

/* A scratch file that an object's name has taken meanwhile is not listed twice. */
static void list_drafts(struct listing *l)
{
	struct listing drafts CLEANUP(listing_release) = {0};
	struct map *listed;

	take_drafts(l->dir, &drafts);
	if (!drafts.n)
		return;
	listed = map_new();
	vec_each (l, e)
		map_put(listed, e->name, l);
	vec_each (&drafts, e) {
		if (!map_get(listed, e->name))
			vec_push(l, (struct entry){xstrdup(e->name), e->ino, e->mode});
	}
	map_free(listed, NULL);
}

/* The generation alone does not tell two listings apart: a type's objects change before it moves.
 */
static uint64_t digest_of(const struct listing *l)
{
	uint64_t digest = 0;

	vec_each (l, e)
		digest =
			(digest ^ hash_bytes(e->name, strlen(e->name)) ^ e->ino) * 1099511628211ull;
	return digest ? digest : 1;
}

/* What changes meanwhile may be in it, but its generation is that of before. */
void tree_list(struct node *dir, struct listing *l)
{
	listing_clear(l);
	l->dir = dir;
	pthread_mutex_lock(&dir->fs->lock);
	l->names = dir->names;
	pthread_mutex_unlock(&dir->fs->lock);
	for (const struct node_kind *k = NULL; (k = row_next(dir->kind, k));) {
		if (is_listed(dir, k))
			list_row(l, k);
	}
	list_drafts(l);
	l->digest = digest_of(l);
	FS_LOCK(dir->fs);
	dir->entries = l->n;
}
