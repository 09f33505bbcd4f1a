#include "cluster/local/admission.h"

#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "kinds/kind.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

#define COLLECTION_PAGE 500

/* All of admission sees the object that goes. */
static int admit(const struct errand *e, const struct resource *r, const char *namespace,
		 const char *name, const struct delete_options *opt, const json_t *old,
		 struct error **err)
{
	struct admission a CLEANUP(admission_release);

	admission_begin_delete(&a, e, r, namespace, name, opt, old);
	return admission_admit(&a, err) < 0 ? -1 : admission_validate(&a, err);
}

/* TREE, R's, begins to go, in place. */
static enum deletion begin(struct local *l, const struct resource *r, json_t *tree,
			   const struct delete_options *opt)
{
	if (!is_crd(r) || *json_path_string(tree, "metadata.deletionTimestamp"))
		return lifecycle_delete(tree, r, opt, clock_wall(l->clock));
	crd_begin_deletion(l, tree);
	return DELETION_MARKED;
}

/* OLD as R shows it, for admission; a new tree, or NULL and *err. */
static json_t *shown_tree(const struct errand *e, const struct resource *r, struct object *old,
			  struct error **err)
{
	struct object *shown CLEANUP(object_unref_cleanup) = object_ref(old);

	if (r->custom)
		shown = convert_object(e, r, steal(&shown), err);
	return shown ? object_tree(shown) : NULL;
}

/* ADMITTED: what decides of it has been asked. */
static int delete_once(const struct errand *e, const struct resource *r, const char *namespace,
		       const char *name, const struct delete_options *opt, bool admitted,
		       struct object **out, bool *gone, struct error **err)
{
	struct local *l = e->l;
	struct object *old CLEANUP(object_unref_cleanup) = local_read(l, r, namespace, name, err);
	struct commit c CLEANUP(commit_release) = {0};
	json_t *tree json_auto = NULL;
	json_t *shown json_auto = NULL;
	enum deletion next;
	size_t failed;

	if (!old)
		return -1;
	tree = object_tree(old);
	if (lifecycle_preconditions(tree, r, opt, err) < 0)
		return -1;
	shown = shown_tree(e, r, old, err);
	if (!shown || (!admitted && admit(e, r, namespace, name, opt, shown, err) < 0))
		return -1;
	next = begin(l, r, tree, opt);
	*gone = next == DELETION_NOW;
	if (next == DELETION_PENDING || opt->dry_run) {
		*out = next == DELETION_PENDING ? steal(&old) : object_from_tree(tree);
		return 0;
	}
	if (next == DELETION_MARKED) {
		commit_put(&c, storage_of(r), tree, old->revision);
		return commit_run(l, &c, out, &failed, err);
	}
	commit_delete(&c, storage_of(r), tree, old->revision);
	services_release(tree, &c);
	if (commit_run(l, &c, NULL, &failed, err) < 0)
		return -1;
	/* As it went: a grace period that was cut short is none in the answer. */
	*out = object_from_tree(tree);
	return 0;
}

static int delete_named(struct cluster *cluster, const struct call *call,
			const struct resource *asked, const char *namespace, const char *name,
			const struct delete_options *opt, bool admitted, struct object **out,
			bool *gone, struct error **err)
{
	struct local *l = local_of(cluster);
	const struct errand errand = errand_begin(l, call);
	const struct resource *r CLEANUP(resource_unref_cleanup) = NULL;
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (call_cancelled(call))
		return error_set(err, E_CANCELLED, "the request was given up");
	r = local_type(l, asked, err);
	if (!r)
		return -1;
	for (int i = 0; i < TRIES; i++) {
		error_clear(&why);
		if (delete_once(&errand, r, namespace, name, opt, admitted, out, gone, &why) == 0) {
			*out = convert_object(&errand, r, *out, err);
			if (!*out)
				return -1;
			if (!is_crd(r) || opt->dry_run)
				return 0;
			return *gone ? crd_gone(l, err) : crd_reload(l, err);
		}
		if (error_code(why) != E_CONFLICT || why->name)
			return error_move(err, steal(&why));
	}
	return refuse_conflict(r, name, conflict_modified, err);
}

static void warn(const struct call *call, const struct resource *r,
		 const struct delete_options *opt)
{
	const char *text = r->particulars->deletion_warning;

	if (call && text && opt->propagation == PROPAGATE_DEFAULT)
		warnings_add(call->warnings, "%s", text);
}

static int refuse_undeletable(const struct resource *r, const char *name, struct error **err)
{
	const char *why = r->particulars->undeletable ? r->particulars->undeletable(name) : NULL;

	return why ? refuse_forbidden(r, name, why, err) : 0;
}

int local_delete(struct cluster *c, const struct call *call, const struct resource *r,
		 const char *namespace, const char *name, const struct delete_options *opt,
		 struct object **out, bool *gone, struct error **err)
{
	if (refuse_undeletable(r, name, err) < 0)
		return -1;
	warn(call, r, opt);
	return delete_named(c, call, r, namespace, name, opt, false, out, gone, err);
}

int delete_evicted(const struct write *w, const struct delete_options *opt, struct object **out,
		   struct error **err)
{
	bool gone;

	return delete_named(&w->l->base, w->call, w->r, w->namespace, w->name, opt, true, out,
			    &gone, err);
}

struct names {
	char **v;
	size_t n, cap;
};

static bool add_name(void *arg, const char *json, size_t len)
{
	struct names *names = arg;
	char *namespace = json_unquote(json_find(json, len, "metadata.namespace"));

	vec_push(names, namespace ? namespace : xstrdup(""));
	vec_push(names, json_unquote(json_find(json, len, "metadata.name")));
	return true;
}

static int delete_names(struct cluster *c, const struct call *call, const struct resource *r,
			const struct names *names, const struct delete_options *opt,
			struct error **err)
{
	for (size_t i = 0; i < names->n; i += 2) {
		struct object *o CLEANUP(object_unref_cleanup) = NULL;
		struct error *why CLEANUP(error_free_cleanup) = NULL;
		bool gone;

		if (delete_named(c, call, r, names->v[i], names->v[i + 1], opt, false, &o, &gone,
				 &why) == 0)
			continue;
		if (error_code(why) != E_NOT_FOUND)
			return error_move(err, steal(&why));
	}
	return 0;
}

int local_delete_collection(struct cluster *c, const struct call *call,
			    const struct resource *asked, const char *namespace,
			    const struct list_options *which, const struct delete_options *opt,
			    struct error **err)
{
	const struct resource *r CLEANUP(resource_unref_cleanup) =
		local_type(local_of(c), asked, err);
	struct list_options page = *which;
	char *token free_ptr = NULL;
	int result = 0;

	if (!r)
		return -1;
	warn(call, r, opt);
	if (!page.limit)
		page.limit = COLLECTION_PAGE;
	do {
		struct names names = {0};
		struct list_meta meta CLEANUP(list_meta_release) = {0};

		page.continue_token = token ? token : which->continue_token;
		result = local_list(c, call, r, namespace, &page, add_name, &names, &meta, err);
		if (result == 0)
			result = delete_names(c, call, r, &names, opt, err);
		vec_each (&names, name)
			free(*name);
		vec_release(&names);
		free(token);
		token = steal(&meta.continue_token);
	} while (result == 0 && token && !which->limit);
	return result;
}
