#include "base/identity.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <string.h>

/* The arrays that struct user shows as constant are the identity's own. */
static char **groups_of(const struct identity *id)
{
	return (char **)id->user.groups;
}

static struct user_extra *extra_of(const struct identity *id)
{
	return (struct user_extra *)id->user.extra;
}

struct identity *identity_new(const char *name, const char *uid)
{
	struct identity *id = xcalloc(1, sizeof(*id));

	id->refs = 1;
	id->user = (struct user){.name = xstrdup(name),
				 .uid = xstrdup(uid ? uid : ""),
				 .groups = xcalloc(1, sizeof(char *)),
				 .extra = xcalloc(1, sizeof(struct user_extra))};
	return id;
}

/* LIST, which ends with NULL, with TEXT (taken over) at its end. */
static char **append(char **list, char *text)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	list = xreallocarray(list, n + 2, sizeof(*list));
	list[n] = text;
	list[n + 1] = NULL;
	return list;
}

void identity_add_group(struct identity *id, const char *group, size_t len)
{
	char *copy = xstrndup(group, len == SIZE_MAX ? strlen(group) : len);

	for (char **g = groups_of(id); *g; g++)
		if (strcmp(*g, copy) == 0) {
			free(copy);
			return;
		}
	id->user.groups = (const char *const *)append(groups_of(id), copy);
}

void identity_authenticated(struct identity *id)
{
	identity_add_group(id, "system:authenticated", SIZE_MAX);
}

void identity_add_extra(struct identity *id, const char *key, const char *value)
{
	struct user_extra *extra = extra_of(id);
	size_t n = 0;

	while (extra[n].key && strcmp(extra[n].key, key) != 0)
		n++;
	if (!extra[n].key) {
		extra = xreallocarray(extra, n + 2, sizeof(*extra));
		extra[n] = (struct user_extra){.key = xstrdup(key)};
		extra[n + 1] = (struct user_extra){0};
		id->user.extra = extra;
	}
	extra[n].values = (const char *const *)append((char **)extra[n].values, xstrdup(value));
}

struct identity *identity_ref(struct identity *id)
{
	if (id)
		atomic_fetch_add(&id->refs, 1);
	return id;
}

static void free_list(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}

void identity_unref(struct identity *id)
{
	if (!id || atomic_fetch_sub(&id->refs, 1) != 1)
		return;
	for (struct user_extra *e = extra_of(id); e->key; e++) {
		free((char *)e->key);
		free_list((char **)e->values);
	}
	free(extra_of(id));
	free_list(groups_of(id));
	free((char *)id->user.name);
	free((char *)id->user.uid);
	free(id);
}
