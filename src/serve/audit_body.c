#include "serve/audit_body.h"

#include "object/json.h"
#include "object/protobuf.h"
#include "object/yaml.h"

#include <string.h>

void audit_bodies_init(struct audit_bodies *b)
{
	str_init(&b->asked);
	str_init(&b->answered);
}

void audit_body_asked(struct audit_bodies *b, const char *bytes, size_t len)
{
	if (b->wants_asked)
		str_add(&b->asked, bytes, len);
}

void audit_body_answered(struct audit_bodies *b, const char *bytes, size_t len)
{
	if (!b->wants_answered)
		return;
	b->truncated |= b->answered.len + len > AUDIT_BODY_BYTES;
	if (b->truncated)
		str_release(&b->answered);
	else
		str_add(&b->answered, bytes, len);
}

/* NULL for what is no object in any form. One in JSON is not read as YAML: it may be large. */
static json_t *tree_of(const struct str *text)
{
	static const char protobuf[] = {'k', '8', 's', '\0'};
	size_t space = strspn(text->s, " \t\r\n");

	if (space == text->len)
		return NULL;
	if (text->len > sizeof(protobuf) && !memcmp(text->s, protobuf, sizeof(protobuf)))
		return protobuf_read(text->s, text->len, NULL);
	return strchr("{[", text->s[space]) ? json_read(text->s, text->len, NULL)
					    : yaml_read_one(text->s, text->len, NULL);
}

static void drop_managed_fields(json_t *object)
{
	json_object_del(json_object_get(object, "metadata"), "managedFields");
}

/* Of an object, of those of a list, of those of a table. */
static void drop_all_managed_fields(json_t *tree)
{
	json_t *item;
	size_t i;

	drop_managed_fields(tree);
	json_array_foreach (json_object_get(tree, "items"), i, item)
		drop_managed_fields(item);
	json_array_foreach (json_object_get(tree, "rows"), i, item)
		drop_managed_fields(json_object_get(item, "object"));
}

static void write_body(const struct str *text, const char *key, bool omit_managed_fields,
		       json_t *event)
{
	json_t *tree = tree_of(text);

	/* An array is a JSON patch. */
	if (omit_managed_fields)
		drop_all_managed_fields(tree);
	if (json_is_object(tree) || json_is_array(tree))
		json_object_set(event, key, tree);
	json_decref(tree);
}

void audit_bodies_write(const struct audit_bodies *b, bool omit_managed_fields, json_t *event)
{
	write_body(&b->asked, "requestObject", omit_managed_fields, event);
	write_body(&b->answered, "responseObject", omit_managed_fields, event);
	if (b->truncated)
		json_path_set(event, "annotations[audit.k8s.io/truncated]", json_string("true"));
}

void audit_bodies_release(struct audit_bodies *b)
{
	str_release(&b->asked);
	str_release(&b->answered);
}
