/*
 * Extended attributes, with -o xattr alone: programs ask for two with every stat, and a handler
 * that says there are none costs as much as one that has some. Without it the kernel is told once
 * that there is no such thing.
 */
#include "fs/ops.h"

#include "fs/draft.h"

#include <errno.h>

#define PREFIX "user.kubefs."

/* The name of one, and its value in N, appended; false: N has none. Under fs->lock. */
struct attribute {
	const char *name;
	bool (*get)(struct node *n, struct str *out);
};

static bool add_text(const char *text, struct str *out)
{
	str_adds(out, text);
	return *text;
}

static bool get_uid(struct node *n, struct str *out)
{
	return n->object && add_text(n->object->uid, out);
}

static bool get_resource_version(struct node *n, struct str *out)
{
	return n->object && add_text(n->object->resource_version, out);
}

static bool get_api_version(struct node *n, struct str *out)
{
	return n->object && add_text(n->object->api_version, out);
}

static bool get_kind(struct node *n, struct str *out)
{
	return n->object && add_text(n->object->kind, out);
}

static const struct attribute attributes[] = {
	{PREFIX "uid", get_uid},
	{PREFIX "resourceVersion", get_resource_version},
	{PREFIX "apiVersion", get_api_version},
	{PREFIX "kind", get_kind},
	{PREFIX "error", rejected_reason},
};

/* SIZE 0: only how long it is. */
static void reply(fuse_req_t req, const struct str *text, size_t size)
{
	if (!size)
		fuse_reply_xattr(req, text->len);
	else if (size < text->len)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, text->s, text->len);
}

static bool get_attribute(struct node *n, const char *name, struct str *out)
{
	FS_LOCK(n->fs);
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (!strcmp(attributes[i].name, name))
			return attributes[i].get(n, out);
	}
	return false;
}

static void on_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	if (get_attribute(op_node(req, ino), name, &text))
		reply(req, &text, size);
	else
		fuse_reply_err(req, ENODATA);
}

static void on_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct str names CLEANUP(str_release) = STR_INIT;
	struct node *n = op_node(req, ino);

	pthread_mutex_lock(&n->fs->lock);
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		struct str value CLEANUP(str_release) = STR_INIT;

		if (attributes[i].get(n, &value))
			str_add(&names, attributes[i].name, strlen(attributes[i].name) + 1);
	}
	pthread_mutex_unlock(&n->fs->lock);
	reply(req, &names, size);
}

void ops_xattr(struct fuse_lowlevel_ops *ops)
{
	ops->getxattr = on_getxattr;
	ops->listxattr = on_listxattr;
}
