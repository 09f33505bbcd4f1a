/* .watch and .wait/NAME/CONDITION in a type's directory. */
#include "fs/nodes.h"

#include "fs/types.h"
#include "fs/waiter.h"
#include "kinds/names.h"
#include "object/json.h"

static void add_event(struct waiter *w, const char *type, const struct object *o)
{
	struct str line CLEANUP(str_release) = STR_INIT;

	str_addf(&line, "{\"type\":\"%s\",\"object\":", type);
	str_add(&line, o->json, o->len);
	str_adds(&line, "}\n");
	waiter_add(w, line.s, line.len, false);
}

/* Each version once: what this mount wrote is told by the answer and by the watch. */
static void watch_told(struct waiter *w, struct object *old, struct object *new_)
{
	bool had = waiter_has(w, (new_ ? new_ : old)->name);

	if (!new_ && !waiter_knows(w, old->name, 0))
		add_event(w, "DELETED", old);
	else if (new_ && !waiter_knows(w, new_->name, new_->revision))
		add_event(w, had ? "MODIFIED" : "ADDED", new_);
}

/* What is there already is told as added. */
static struct waiter *watch_begin(struct node *n)
{
	struct node *dir = type_directory_of(n);
	struct object_list list CLEANUP(object_list_release) = {0};
	struct waiter *w = waiter_new(n, watch_told);

	informer_list(dir->type->informer, dir->namespace, &list);
	vec_each (&list, o)
		watch_told(w, NULL, *o);
	return w;
}

const struct node_ops watch_ops = {.begin = watch_begin, .changed = waiters_changed};

/* One of these names need not be there yet. */
static bool find_waited(struct node *dir, const char *name, struct found *f)
{
	char *file free_ptr = xasprintf("%s.yaml", name);
	char *own free_ptr = object_name_of_file(dir->resource, file);

	return own != NULL;
}

static bool find_condition(struct node *dir, const char *name, struct found *f)
{
	return name_problem(name_dns_subdomain, name) == NULL ||
	       strspn(name, "-._/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ==
		       strlen(name);
}

struct wanted {
	const char *type;
	bool found;
};

static bool is_true(void *arg, struct span key, struct span value)
{
	struct wanted *w = arg;
	struct span type = json_find(value.p, value.len, "type");

	if (!type.p || !json_literal_equal(type, w->type, strlen(w->type)))
		return true;
	w->found = json_literal_equal(json_find(value.p, value.len, "status"), "True", 4);
	return false;
}

static void wait_told(struct waiter *w, struct object *old, struct object *new_)
{
	struct node *n = waiter_node(w);
	struct wanted wanted = {.type = n->name};
	struct str line CLEANUP(str_release) = STR_INIT;
	struct span conditions;

	if (!new_ || strcmp(new_->name, n->parent->name) != 0)
		return;
	conditions = object_find(new_, "status.conditions");
	if (conditions.p)
		json_each(conditions, is_true, &wanted);
	if (!wanted.found || waiter_knows(w, new_->name, 1))
		return;
	str_addf(&line, "%s True\n", n->name);
	waiter_add(w, line.s, line.len, true);
}

static struct waiter *wait_begin(struct node *n)
{
	struct node *dir = type_directory_of(n);
	struct object *o CLEANUP(object_unref_cleanup) =
		informer_get(dir->type->informer, dir->namespace, n->parent->name);
	struct waiter *w = waiter_new(n, wait_told);

	if (o)
		wait_told(w, NULL, o);
	return w;
}

const struct node_ops wait_dir_ops = {0};
const struct node_ops wait_object_ops = {.find = find_waited};
const struct node_ops wait_ops = {.find = find_condition, .begin = wait_begin};
