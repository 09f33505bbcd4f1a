#include "fs/wants.h"

#define WANTS_MAX 256 /* more than that wait for an open that does not come: the oldest go */

struct want {
	struct node *dir; /* compared, not used */
	char *name;
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
		free(x->name);
	vec_release(w);
	free(w);
}

static size_t find(struct wants *w, struct node *dir, const char *name, pid_t tid)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		if (w->v[i].tid == tid && w->v[i].dir == dir && strcmp(w->v[i].name, name) == 0)
			break;
	}
	return i;
}

static void remove_at(struct wants *w, size_t i)
{
	free(w->v[i].name);
	vec_remove(w, i);
}

void wants_add(struct wants *w, struct node *dir, const char *name, pid_t tid)
{
	if (w->n == WANTS_MAX)
		remove_at(w, 0);
	vec_push(w, (struct want){dir, xstrdup(name), tid});
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
