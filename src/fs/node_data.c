/* NAME/data/KEY: the values of a ConfigMap or Secret, decoded. */
#include "fs/nodes.h"

#include "fs/draft.h"
#include "fs/types.h"
#include "fs/write.h"
#include "kinds/names.h"
#include "object/base64.h"
#include "object/json.h"

#include <fnmatch.h>

#define KEY_MAX 253

static bool is_config_map(const struct resource *r)
{
	return r->group[0] == '\0' && strcmp(r->plural, "configmaps") == 0;
}

static bool find_data(struct node *dir, const char *name, struct found *f)
{
	return is_config_map(dir->resource) || resource_is_secret(dir->resource);
}

static void dir_init(struct node *n)
{
	if (resource_is_secret(n->resource))
		n->mode &= ~(mode_t)0077;
}

/* The literal of KEY; *encoded: it is base64. */
static struct span value_of(const struct object *o, const char *key, bool secret, bool *encoded)
{
	static const char *const members[] = {"data", "binaryData"};
	struct span value = {0};

	for (size_t i = 0; i < ARRAY_SIZE(members) && !value.p; i++) {
		char *path free_ptr = xasprintf("%s[%s]", members[i], key);

		value = object_find(o, path);
		*encoded = secret || i == 1;
	}
	return value;
}

static bool find_key(struct node *dir, const char *name, struct found *f)
{
	struct object *o CLEANUP(object_unref_cleanup) = object_of_dir(dir->parent);
	bool encoded;

	if (!o || !value_of(o, name, resource_is_secret(dir->resource), &encoded).p)
		return false;
	f->object = steal(&o);
	return true;
}

struct keys {
	struct listing *listing;
};

static bool list_key(void *arg, struct span key, struct span value)
{
	struct keys *k = arg;
	char *name free_ptr = xstrndup(key.p, key.len);

	listing_add(k->listing, name, 0);
	return true;
}

static void list_keys(struct node *dir, struct listing *l)
{
	struct object *o CLEANUP(object_unref_cleanup) = object_of_dir(dir->parent);
	struct keys k = {l};

	if (!o)
		return;
	if (object_find(o, "data").p)
		json_each(object_find(o, "data"), list_key, &k);
	if (object_find(o, "binaryData").p)
		json_each(object_find(o, "binaryData"), list_key, &k);
}

static void key_text(struct node *n, struct str *out)
{
	bool encoded = false;
	struct span value = value_of(n->object, n->name, resource_is_secret(n->resource), &encoded);
	char *text free_ptr = json_unquote(value);

	if (text && !(encoded && base64_decode(text, strlen(text), out)))
		str_adds(out, text);
}

static void key_init(struct node *n)
{
	dir_init(n);
	object_times(n->object, &n->mtime, &n->changed);
}

static void key_read(struct node *n, off_t offset, size_t size, struct str *out)
{
	if ((size_t)offset < n->text.len)
		str_add(out, n->text.s + offset, MIN(size, n->text.len - (size_t)offset));
}

static bool is_text(const struct str *value)
{
	for (size_t i = 0; i < value->len;) {
		size_t n = utf8_length(value->s + i, value->len - i);

		if (!n || value->s[i] == '\0')
			return false;
		i += n;
	}
	return true;
}

/* VALUE NULL: the key goes. A value is in one of a ConfigMap's two maps. */
static json_t *key_patch(const struct target *t, const char *key, const struct str *value)
{
	struct str encoded CLEANUP(str_wipe) = STR_INIT;
	bool secret = resource_is_secret(t->resource);
	bool text = value && !secret && is_text(value);

	if (value && !text)
		base64_encode(value->s, value->len, &encoded);
	json_t *set =
		!value ? json_null()
		       : json_stringn(text ? value->s : encoded.s, text ? value->len : encoded.len);

	if (secret)
		return json_pack("{s:{s:o}}", "data", key, set);
	return json_pack("{s:{s:o},s:{s:o}}", text ? "data" : "binaryData", key, set,
			 text ? "binaryData" : "data", key, json_null());
}

static int send_key(const struct target *t, const char *key, const struct str *text,
		    const struct call *call, struct error **err)
{
	json_t *patch json_auto = key_patch(t, key, text);

	return write_patch(t, NULL, patch, call, err);
}

static struct target target_of(struct node *dir)
{
	return (struct target){dir->fs, dir->resource, dir->namespace, dir->parent->name};
}

static int submit_key(struct node *dir, const char *name, struct draft *d, pid_t writer,
		      const struct call *call, struct error **err)
{
	struct target t = target_of(dir);

	return write_part(&t, dir, name, d, writer, call, send_key, err);
}

static int remove_key(struct node *dir, const char *name, struct node *n, const struct call *call,
		      struct error **err)
{
	struct target t = target_of(dir);

	return send_key(&t, name, NULL, call, err);
}

/* What editors and tools put beside a file they save; keys may have almost any name. */
static bool is_beside(const char *name)
{
	static const char *const patterns[] = {
		"4913",	  "*~",	 "#*#",	      ".*.sw[a-p]", "*.rejected",
		"*.tmp*", ".#*", "sed??????", ".*.??????",  "*.swp",
	};

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		if (fnmatch(patterns[i], name, 0) == 0)
			return true;
	}
	return false;
}

static bool is_key(const char *name)
{
	size_t len = strlen(name);

	return len <= KEY_MAX && strspn(name, "-._0123456789abcdefghijklmnopqrstuvwxyz"
					      "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len;
}

static const struct node_ops *data_writes(struct node *dir, const char *name)
{
	return is_key(name) && !is_beside(name) ? &data_ops : NULL;
}

const struct node_ops data_dir_ops = {.find = find_data, .init = dir_init, .writes = data_writes};
const struct node_ops data_ops = {
	.find = find_key,
	.list = list_keys,
	.init = key_init,
	.text = key_text,
	.read = key_read,
	.submit = submit_key,
	.remove = remove_key,
};
