#include "kinds/kind.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

static const struct kind generic;

/* The types that have particulars, in the order of their groups. */
static const struct kind *const kinds[] = {
	&generic,
};

static void check_table(void)
{
	for (size_t i = 1; i < ARRAY_SIZE(kinds); i++)
		for (size_t j = 1; j < i; j++)
			assert(strcmp(kinds[i]->kind, kinds[j]->kind) ||
			       strcmp(kinds[i]->group, kinds[j]->group));
}

const struct kind *kind_generic(void)
{
	return kinds[0];
}

const struct kind *kind_find(const char *group, const char *kind)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, check_table);
	for (size_t i = 1; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i]->kind, kind) == 0 && strcmp(kinds[i]->group, group) == 0)
			return kinds[i];
	return kind_generic();
}
