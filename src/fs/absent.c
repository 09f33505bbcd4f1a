#include "fs/absent.h"

enum { ABSENT_MS = 500 };

struct gone {
	struct node *dir; /* compared, not used */
	char *name;
	int64_t until; /* mono */
};

struct absent {
	struct clock *clock;
	struct gone *v; /* in the order they come back */
	size_t n, cap;
};

struct absent *absent_new(struct clock *clock)
{
	struct absent *a = xcalloc(1, sizeof(*a));

	a->clock = clock;
	return a;
}

void absent_free(struct absent *a)
{
	if (!a)
		return;
	vec_each (a, x)
		free(x->name);
	vec_release(a);
	free(a);
}

static void remove_at(struct absent *a, size_t i)
{
	free(a->v[i].name);
	vec_remove(a, i);
}

void absent_remove(struct absent *a, struct node *dir, const char *name)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].dir == dir && strcmp(a->v[i].name, name) == 0) {
			remove_at(a, i);
			return;
		}
	}
}

void absent_add(struct absent *a, struct node *dir, const char *name)
{
	int64_t until = clock_mono(a->clock) + ABSENT_MS * NS_PER_MS;

	absent_remove(a, dir, name);
	vec_push(a, (struct gone){dir, xstrdup(name), until});
}

bool absent_has(struct absent *a, struct node *dir, const char *name)
{
	while (a->n && a->v[0].until <= clock_mono(a->clock))
		remove_at(a, 0);
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].dir == dir && strcmp(a->v[i].name, name) == 0)
			return true;
	}
	return false;
}
