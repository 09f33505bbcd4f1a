/* Scratch files: what editors put beside an object, and texts that were refused. */
#include "fs/draft.h"

#include "fs/journal.h"
#include "fs/notifier.h"

#include <errno.h>

#define REJECTED ".rejected"
#define REASON_LINE "# kubefs: "

/* The row of a scratch file: it is in no path of nodes[], its directory keeps it. */
static const struct node_ops scratch_ops = {0};
static const struct node_kind scratch_kind = {"%scratch", S_IFREG | 0644, 0, &scratch_ops};

struct node *scratch_find(struct node *dir, const char *name)
{
	return dir->drafts ? map_get(dir->drafts, name) : NULL;
}

void scratch_touch(struct node *n, bool written)
{
	int64_t wall = clock_wall(n->fs->clock);

	n->changed = (struct timespec){wall / NS_PER_S, wall % NS_PER_S};
	if (written)
		n->mtime = n->changed;
}

struct node *scratch_add(struct node *dir, const char *name, struct draft *d, mode_t mode)
{
	struct node *n = node_new(dir->fs, dir, &scratch_kind, name);
	struct node *old;

	n->draft = draft_ref(d);
	n->ino = ++dir->fs->next_ino;
	n->mode = S_IFREG | (mode & 0777);
	scratch_touch(n, true);
	old = map_put(dir->drafts, name, node_ref(n));
	/* Its name shows another node now; whoever has it open keeps it. The ref goes with the
	 * caller's: a replaced scratch file is only ever replaced by its own rewriting. */
	if (old) {
		old->draft->gone = true;
		old->refs--;
	}
	node_names_changed(dir);
	return n;
}

struct node *scratch_remove(struct node *dir, const char *name)
{
	struct node *n = dir->drafts ? map_del(dir->drafts, name) : NULL;

	if (n) {
		n->draft->gone = true;
		node_names_changed(dir);
	}
	return n;
}

struct node *scratch_move(struct node *from, const char *old, struct node *to, const char *new_)
{
	struct node *n = map_del(from->drafts, old), *replaced;

	free(n->name);
	n->name = xstrdup(new_);
	scratch_touch(n, false);
	if (n->parent != to) {
		/* The old parent has other refs: the request that moves it. */
		from->refs--;
		n->parent = node_ref(to);
		n->namespace = to->namespace;
	}
	replaced = map_put(to->drafts, new_, n);
	if (replaced)
		replaced->draft->gone = true;
	node_names_changed(from);
	node_names_changed(to);
	return replaced;
}

void scratch_move_all(struct node *from, struct node *to)
{
	VEC(char *) names = VEC_INIT;

	map_each (from->drafts, e)
		vec_push(&names, xstrdup(e->key));
	if (names.n)
		to->before = node_ref(from); /* may have had no other refs than its files' */
	vec_each (&names, name) {
		scratch_move(from, *name, to, *name);
		free(*name);
	}
	vec_release(&names);
}

static void add_reason(struct str *out, const struct error *why, bool secret)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	char *line, *rest;

	journal_message(why, secret, &text);
	rest = text.s;
	while ((line = strsep(&rest, "\n"))) {
		if (*line)
			str_addf(out, REASON_LINE "%s\n", line);
	}
}

int rejected_keep(struct node *dir, const char *name, mode_t mode, const char *text, size_t len,
		  const struct error *why, bool secret)
{
	struct draft *d CLEANUP(draft_unref_cleanup) = draft_new(dir->fs, DRAFT_REJECTED);
	struct str whole CLEANUP(str_release) = STR_INIT;
	char *file free_ptr =
		str_has_suffix(name, REJECTED) ? xstrdup(name) : xasprintf("%s" REJECTED, name);
	struct node *old, *n = NULL;
	int ret;

	text = rejected_text(text, &len);
	add_reason(&whole, why, secret);
	str_add(&whole, text, len);
	pthread_mutex_lock(&dir->fs->lock);
	old = scratch_remove(dir, file);
	pthread_mutex_unlock(&dir->fs->lock);
	node_unref(old);
	pthread_mutex_lock(&dir->fs->lock);
	ret = draft_write(d, whole.s, whole.len, 0);
	if (ret == 0)
		n = scratch_add(dir, file, d, mode);
	pthread_mutex_unlock(&dir->fs->lock);
	node_unref(n);
	return ret;
}

bool rejected_reason(struct node *n, struct str *out)
{
	char *file free_ptr = xasprintf("%s" REJECTED, n->name);
	struct node *kept = n->parent ? scratch_find(n->parent, file) : NULL;
	const struct draft *d = str_has_suffix(n->name, REJECTED) ? n->draft
				: kept				  ? kept->draft
								  : NULL;
	size_t before = out->len;
	const char *p, *end;

	if (!d)
		return false;
	for (p = d->text.s; str_has_prefix(p, REASON_LINE); p = end + 1) {
		p += strlen(REASON_LINE);
		end = strchrnul(p, '\n');
		str_addf(out, "%s%.*s", out->len > before ? "\n" : "", (int)(end - p), p);
		if (!*end)
			break;
	}
	return out->len > before;
}

void rejected_drop(struct node *dir, const char *name)
{
	char *file free_ptr = xasprintf("%s" REJECTED, name);
	struct node *n;

	pthread_mutex_lock(&dir->fs->lock);
	n = scratch_remove(dir, file);
	pthread_mutex_unlock(&dir->fs->lock);
	node_unref(n);
}

const char *rejected_text(const char *text, size_t *len)
{
	const size_t mark = strlen(REASON_LINE);

	while (*len >= mark && memcmp(text, REASON_LINE, mark) == 0) {
		const char *end = memchr(text, '\n', *len);
		size_t line = end ? (size_t)(end - text) + 1 : *len;

		text += line;
		*len -= line;
	}
	return text;
}

static void names_below(struct node *dir, struct str *out)
{
	map_each (dir->drafts, e) {
		struct str path CLEANUP(str_release) = STR_INIT;

		if (!str_has_suffix(e->key, REJECTED))
			continue;
		node_path(e->value, &path);
		str_addf(out, "%s%s%s\n", dir->fs->name, *dir->fs->name ? "/" : "", path.s);
	}
	map_each (dir->children, e) {
		struct node *n = e->value;

		if (n->children)
			names_below(n, out);
	}
}

void rejected_names(struct fs *fs, struct str *out)
{
	FS_LOCK(fs);
	names_below(fs->root, out);
}
