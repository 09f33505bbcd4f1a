#include "cluster/local/access.h"
#include "cluster/local/admission/webhooks.h"
#include "cluster/local/kept.h"
#include "cluster/local/policies.h"
#include "cluster/local/private.h"

#include "base/mem.h"
#include "object/json.h"

#include <string.h>

static void op_release(struct op *op)
{
	str_release(&op->key);
	str_release(&op->value);
	object_unref(op->draft);
}

void commit_release(struct commit *c)
{
	for (size_t i = 0; i < c->n; i++)
		op_release(&c->v[i]);
	vec_release(c);
}

static struct op *add(struct commit *c, enum store_op_kind kind, uint64_t expect)
{
	vec_push(c, (struct op){.key = STR_INIT,
				.value = STR_INIT,
				.op = {.kind = kind, .expect = expect}});
	return &c->v[c->n - 1];
}

/* Most objects need no more, so that their text does not grow while it is written. */
#define OBJECT_BYTES 8000

/* The bytes of TREE with room for the revision: what stands between head and tail is written by
 * the store. */
static void add_object(struct commit *c, enum store_op_kind kind, const struct resource *storage,
		       const json_t *tree, uint64_t expect)
{
	struct op *op = add(c, kind, expect);
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *copy json_auto = json_copy((json_t *)tree);
	json_t *meta json_auto = json_copy(json_object_get(tree, "metadata"));

	object_key(storage, json_path_string(tree, "metadata.namespace"),
		   json_path_string(tree, "metadata.name"), &op->key);
	json_object_set_new(meta, "resourceVersion", json_string("0"));
	json_object_set(copy, "metadata", meta);
	str_grow(&text, OBJECT_BYTES);
	json_write(copy, &text);
	op->draft = object_draft(text.s, text.len, &op->op.head_len);
	op->op.with_revision = true;
	op->op.tail_len = text.len - op->op.head_len - 1;
}

void commit_put(struct commit *c, const struct resource *storage, const json_t *tree,
		uint64_t expect)
{
	struct op own;

	add_object(c, STORE_PUT, storage, tree, expect);
	/* To the front: it is what commit_run answers with. */
	own = c->v[c->n - 1];
	memmove(c->v + 1, c->v, (c->n - 1) * sizeof(*c->v));
	c->v[0] = own;
}

void commit_also(struct commit *c, const struct resource *storage, const json_t *tree,
		 uint64_t expect)
{
	add_object(c, STORE_PUT, storage, tree, expect);
}

void commit_delete(struct commit *c, const struct resource *storage, const json_t *tree,
		   uint64_t expect)
{
	add_object(c, STORE_DELETE, storage, tree, expect);
}

void commit_key(struct commit *c, const char *key, const char *value, uint64_t expect)
{
	struct op *op = add(c, value ? STORE_PUT : STORE_DELETE, expect);

	str_adds(&op->key, key);
	if (!value)
		return;
	str_adds(&op->value, value);
	op->op.head_len = op->value.len;
}

/* The vector is complete: only now may anything point into it. */
static struct store_op *point_ops(struct commit *c)
{
	struct store_op *ops = xcalloc(c->n, sizeof(*ops));

	for (size_t i = 0; i < c->n; i++) {
		struct op *op = &c->v[i];

		op->op.key = op->key.s;
		op->op.key_len = op->key.len;
		op->op.head = op->draft ? op->draft->json : op->value.s;
		op->op.tail = op->draft ? op->op.head + op->op.head_len + 1 : NULL;
		ops[i] = op->op;
	}
	return ops;
}

static struct object *object_of(const struct op *op, uint64_t revision)
{
	return object_at_revision(op->draft, op->op.head_len, revision);
}

/* What is kept of the objects of C is of the past. */
static void forget(struct local *l, const struct commit *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct str *key = &c->v[i].key;

		kept_forget(l->kept, key->s, key->len);
		access_forget(l, key->s, key->len);
		policies_forget(l, key->s, key->len);
		hook_configs_forget(l, key->s, key->len);
		if (c->v[i].op.kind == STORE_DELETE)
			crd_cleanup_note(l->cleanup, key->s, key->len);
	}
}

int commit_run(struct local *l, struct commit *c, struct object **first, size_t *failed,
	       struct error **err)
{
	struct store_op *ops free_ptr = point_ops(c);
	uint64_t revision;

	*failed = 0;
	if (store_commit(l->store, ops, c->n, &revision, failed, err) < 0)
		return -1;
	forget(l, c);
	if (first)
		*first = object_of(&c->v[0], revision);
	return 0;
}

struct later_commit {
	struct local *local;
	struct commit commit;
	struct store_op *ops;
	const struct resource *r;
	char *name;
	struct cluster_later *later;
};

static void later_free(struct later_commit *t)
{
	commit_release(&t->commit);
	free(t->ops);
	resource_unref(t->r);
	free(t->name);
	free(t);
}

static void on_decided(void *arg, uint64_t revision, size_t failed, struct error *why)
{
	struct error *told CLEANUP(error_free_cleanup) = NULL;
	struct later_commit *t = arg;

	if (!why) {
		forget(t->local, &t->commit);
		t->later->done(t->later, object_of(&t->commit.v[0], revision), NULL);
	} else {
		if (error_code(why) == E_EXISTS && failed == 0)
			refuse_exists(t->r, t->name, &told);
		t->later->done(t->later, NULL, told ? told : why);
	}
	later_free(t);
}

int commit_later(struct local *l, struct commit *c, const struct resource *r, const char *name,
		 struct cluster_later *later, struct error **err)
{
	struct later_commit *t = xmalloc(sizeof(*t));

	*t = (struct later_commit){
		.local = l,
		.commit = *c,
		.r = resource_ref(r),
		.name = xstrdup(name),
		.later = later,
	};
	*c = (struct commit){0};
	t->ops = point_ops(&t->commit);
	if (store_commit_later(l->store, t->ops, t->commit.n, on_decided, t, err) == 0)
		return CLUSTER_LATER;
	later_free(t);
	return -1;
}
