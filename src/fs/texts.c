#include "fs/texts.h"

#include "base/map.h"
#include "base/vec.h"
#include "object/json.h"
#include "object/yaml.h"

#include <pthread.h>

/* A doubly linked list by age over a map: what both caches are. */
struct item {
	char *key;
	struct object *object;
	char *text; /* of texts */
	size_t size;
	struct item *older, *newer;
};

/* What one takes beside its text: itself, its key, its place in the map, and the object's own. */
#define ITEM_BYTES (sizeof(struct item) + sizeof(struct object) + 256)

struct lru {
	pthread_mutex_t lock;
	struct map *by_key;
	struct item *oldest, *newest;
	size_t bytes, max;
};

struct texts {
	struct lru lru;
};
struct served {
	struct lru lru;
};

static void lru_init(struct lru *l, size_t max)
{
	pthread_mutex_init(&l->lock, NULL);
	l->by_key = map_new();
	l->max = max;
}

static void item_free(struct item *i)
{
	free(i->key);
	free(i->text);
	object_unref(i->object);
	free(i);
}

static void unlink_item(struct lru *l, struct item *i)
{
	*(i->older ? &i->older->newer : &l->oldest) = i->newer;
	*(i->newer ? &i->newer->older : &l->newest) = i->older;
	i->older = i->newer = NULL;
}

static void link_newest(struct lru *l, struct item *i)
{
	i->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = i;
	l->newest = i;
}

static void lru_drop(struct lru *l, struct item *i)
{
	unlink_item(l, i);
	map_del(l->by_key, i->key);
	l->bytes -= i->size;
	item_free(i);
}

static struct item *lru_get(struct lru *l, const char *key)
{
	struct item *i = map_get(l->by_key, key);

	if (i && i != l->newest) {
		unlink_item(l, i);
		link_newest(l, i);
	}
	return i;
}

/* Takes KEY's copy, OBJECT's ref and TEXT. */
static struct item *lru_put(struct lru *l, const char *key, struct object *object, char *text,
			    size_t size)
{
	struct item *i = map_get(l->by_key, key);

	if (i)
		lru_drop(l, i);
	i = xcalloc(1, sizeof(*i));
	size += ITEM_BYTES;
	*i = (struct item){.key = xstrdup(key), .object = object, .text = text, .size = size};
	map_put(l->by_key, key, i);
	link_newest(l, i);
	l->bytes += size;
	while (l->bytes > l->max && l->oldest != i)
		lru_drop(l, l->oldest);
	return i;
}

static void lru_release(struct lru *l)
{
	while (l->oldest)
		lru_drop(l, l->oldest);
	map_free(l->by_key, NULL);
	pthread_mutex_destroy(&l->lock);
}

struct texts *texts_new(size_t max_bytes)
{
	struct texts *t = xcalloc(1, sizeof(*t));

	lru_init(&t->lru, max_bytes);
	return t;
}

void texts_free(struct texts *t)
{
	if (t)
		lru_release(&t->lru);
	free(t);
}

void text_render(const struct object *o, bool json, struct str *out)
{
	if (!json) {
		yaml_write(o->json, o->len, YAML_OMIT_MANAGED_FIELDS, out);
		return;
	}
	json_t *tree json_auto = object_tree(o);
	char *text = json_to_text(tree, JSON_INDENT(4));

	str_adds(out, text);
	str_addc(out, '\n');
	free(text);
}

static void add_part(struct str *out, const char *text, size_t len, off_t offset, size_t size)
{
	if ((size_t)offset < len)
		str_add(out, text + offset, MIN(size, len - (size_t)offset));
}

void texts_read(struct texts *t, struct object *o, bool json, off_t offset, size_t size,
		struct str *out)
{
	char key[40];
	struct str whole CLEANUP(str_release) = STR_INIT;

	/* The item keeps the object, so its address names this version for as long as it is here.
	 */
	snprintf(key, sizeof(key), "%p%c", (void *)o, json ? 'j' : 'y');
	pthread_mutex_lock(&t->lru.lock);
	struct item *i = lru_get(&t->lru, key);

	if (i)
		add_part(out, i->text, i->size, offset, size);
	pthread_mutex_unlock(&t->lru.lock);
	if (i)
		return;
	if (!json)
		str_grow(&whole, object_yaml_size(o));
	text_render(o, json, &whole);
	add_part(out, whole.s, whole.len, offset, size);
	if (offset == 0 && whole.len <= size)
		return;
	size_t len = whole.len;

	pthread_mutex_lock(&t->lru.lock);
	lru_put(&t->lru, key, object_ref(o), str_take(&whole), len);
	pthread_mutex_unlock(&t->lru.lock);
}

struct served *served_new(size_t max_bytes)
{
	struct served *s = xcalloc(1, sizeof(*s));

	lru_init(&s->lru, max_bytes);
	return s;
}

void served_free(struct served *s)
{
	if (s)
		lru_release(&s->lru);
	free(s);
}

static void version_key(char *key, size_t size, pid_t writer, const char *uid, const char *rv)
{
	snprintf(key, size, "%d/%s/%s", (int)writer, uid, rv);
}

static void put_version(struct served *s, pid_t writer, struct object *o)
{
	char key[160];

	version_key(key, sizeof(key), writer, o->uid, o->resource_version);
	pthread_mutex_lock(&s->lru.lock);
	struct item *i = lru_get(&s->lru, key);

	if (!i || i->object != o)
		lru_put(&s->lru, key, object_ref(o), NULL, o->len);
	pthread_mutex_unlock(&s->lru.lock);
}

static struct object *get_version(struct served *s, pid_t writer, const char *uid, const char *rv)
{
	char key[160];

	version_key(key, sizeof(key), writer, uid, rv);
	pthread_mutex_lock(&s->lru.lock);
	struct item *i = lru_get(&s->lru, key);
	struct object *o = i ? object_ref(i->object) : NULL;

	pthread_mutex_unlock(&s->lru.lock);
	return o;
}

void served_note(struct served *s, struct object *o)
{
	put_version(s, 0, o);
}

/* A caller outside our pid namespace is process 0: its saves are nobody's. */
void served_save(struct served *s, pid_t writer, struct object *text)
{
	if (writer > 0)
		put_version(s, writer, text);
}

struct object *served_get(struct served *s, const char *uid, const char *resource_version)
{
	return get_version(s, 0, uid, resource_version);
}

struct object *served_saved(struct served *s, pid_t writer, const char *uid,
			    const char *resource_version)
{
	return writer > 0 ? get_version(s, writer, uid, resource_version) : NULL;
}
