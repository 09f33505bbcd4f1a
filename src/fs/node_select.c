/*
 * .label/SELECTOR/ and .field/SELECTOR/ in a type's directory: links to the objects that it picks.
 * The key of a label may hold a slash: components are joined until one holds an operator.
 */
#include "fs/nodes.h"

#include "fs/holds.h"
#include "fs/types.h"
#include "kinds/names.h"
#include "object/selector.h"

struct selection {
	struct selector *label; /* one of the two */
	struct field_selector *field;
};

static bool is_field(const struct node *dir)
{
	for (; dir->kind->ops != &select_root_ops; dir = dir->parent)
		;
	return strcmp(dir->name, ".field") == 0;
}

static bool has_operator(const char *text)
{
	return strpbrk(text, "=!") || strstr(text, " in (") || strstr(text, " notin (");
}

static char *text_of(struct node *above, const char *name)
{
	return above->kind->ops == &select_ops ? xasprintf("%s/%s", above->name, name)
					       : xstrdup(name);
}

static bool compile(struct node *dir, const char *name, struct selection *s)
{
	char *text free_ptr = text_of(dir, name);

	if (is_field(dir))
		s->field = field_selector_parse(text, NULL);
	else
		s->label = selector_parse(text, NULL);
	return s->field || s->label;
}

static void selection_release(struct selection *s)
{
	selector_free(s->label);
	field_selector_free(s->field);
}

/* A whole selector, or the first part of a key. */
static bool find_selector(struct node *dir, const char *name, struct found *f)
{
	struct selection s CLEANUP(selection_release) = {0};

	if (dir->state)
		return false; /* links only */
	if (has_operator(name))
		return compile(dir, name, &s);
	return !is_field(dir) && dir->kind->ops != &select_ops &&
	       !name_problem(name_dns_subdomain, name);
}

static void select_init(struct node *n)
{
	struct selection *s;

	if (!has_operator(n->name))
		return;
	s = xcalloc(1, sizeof(*s));
	compile(n->parent, n->name, s);
	n->state = s;
}

static void select_release(struct node *n)
{
	if (n->state)
		selection_release(n->state);
	free(n->state);
}

static bool picks(const struct selection *s, const struct object *o)
{
	return s->label ? selector_matches(s->label, o)
			: s->field && field_selector_matches(s->field, o);
}

static bool find_selected(struct node *dir, const char *name, struct found *f)
{
	struct node *type = type_directory_of(dir);
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct str up CLEANUP(str_release) = STR_INIT;

	if (!dir->state)
		return false;
	o = object_of_file(type, name);
	if (!o || !picks(dir->state, o))
		return false;
	for (struct node *n = dir; n != type; n = n->parent)
		str_adds(&up, "../");
	f->link = xasprintf("%s%s", up.s, name);
	return true;
}

/* Nothing has waited for it to be ready. A ref, or NULL. */
static struct tree_type *type_of(struct node *dir)
{
	struct tree_type *t = type_directory_of(dir)->type;

	return t ? type_ref(t) : NULL;
}

static void list_selected(struct node *dir, struct listing *l)
{
	struct object_list list CLEANUP(object_list_release) = {0};
	struct tree_type *t CLEANUP(type_unref_cleanup) = NULL;

	pthread_mutex_lock(&dir->fs->lock);
	t = type_of(dir);
	pthread_mutex_unlock(&dir->fs->lock);
	if (!dir->state || !t)
		return;
	shown_list(dir->fs->holds, t->informer, dir->namespace, &list);
	vec_each (&list, o) {
		struct str name CLEANUP(str_release) = STR_INIT;

		if (!picks(dir->state, *o))
			continue;
		object_file_name((*o)->name, &name);
		listing_add(l, name.s, 0);
	}
}

static void forget(struct node *dir, const char *file)
{
	map_each (dir->children, e) {
		struct node *n = e->value;

		if (node_is_dir(n))
			forget(n, file);
	}
	if (!dir->state)
		return;
	node_stale(dir, file);
	node_names_changed(dir);
}

/* A change may move an object into a selection or out of it. */
static void select_changed(struct tree_type *t, struct object *old, struct object *new_)
{
	static const char *const roots[] = {".label", ".field"};
	const struct object *o = new_ ? new_ : old;
	struct node *dir = type_directory(t, o->namespace);

	for (size_t i = 0; dir && i < ARRAY_SIZE(roots); i++) {
		struct node *root = node_child(dir, roots[i]);
		struct str file CLEANUP(str_release) = STR_INIT;

		object_file_name(o->name, &file);
		if (root)
			forget(root, file.s);
	}
}

const struct node_ops select_root_ops = {0};
const struct node_ops select_ops = {
	.find = find_selector,
	.init = select_init,
	.release = select_release,
	.changed = select_changed,
};
const struct node_ops selected_ops = {.find = find_selected, .list = list_selected};
