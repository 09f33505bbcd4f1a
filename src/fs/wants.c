#include "fs/wants.h"

#define WANTS_MAX 256 /* more than that wait for an open that does not come: the oldest go */

/* By path: when the kernel looks again, a directory may be another object's of the same name. */
struct want {
	char *path;
	pid_t tid;
};

struct wants {
	struct want *v;
	size_t n, cap;
};

struct wants *wants_new(void)
{
	return xcalloc(1, sizeof(struct wants));
}

void wants_free(struct wants *w)
{
	if (!w)
		return;
	vec_each (w, x)
		free(x->path);
	vec_release(w);
	free(w);
}

static void path_of(const struct node *dir, const char *name, struct str *out)
{
	node_path(dir, out);
	str_addf(out, "/%s", name);
}

static size_t find(struct wants *w, struct node *dir, const char *name, pid_t tid)
{
	struct str path CLEANUP(str_release) = STR_INIT;
	size_t i;

	for (i = 0; i < w->n; i++) {
		if (w->v[i].tid != tid)
			continue;
		if (!path.len)
			path_of(dir, name, &path);
		if (strcmp(w->v[i].path, path.s) == 0)
			break;
	}
	return i;
}

static void remove_at(struct wants *w, size_t i)
{
	free(w->v[i].path);
	vec_remove(w, i);
}

void wants_add(struct wants *w, struct node *dir, const char *name, pid_t tid)
{
	struct str path = STR_INIT;

	if (w->n == WANTS_MAX)
		remove_at(w, 0);
	path_of(dir, name, &path);
	vec_push(w, (struct want){str_take(&path), tid});
}

bool wants_has(struct wants *w, struct node *dir, const char *name, pid_t tid)
{
	return w->n && find(w, dir, name, tid) < w->n;
}

void wants_remove(struct wants *w, struct node *dir, const char *name, pid_t tid)
{
	size_t i = find(w, dir, name, tid);

	if (i < w->n)
		remove_at(w, i);
}
