/* One value of an object, written through a file of its own. */
#include "fs/write.h"

#include "fs/draft.h"
#include "fs/journal.h"
#include "fs/nodes.h"
#include "fs/tell.h"

int write_patch(const struct target *t, const char *subresource, const json_t *patch,
		const struct call *call, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct write_options opt = {
		.dry_run = t->fs->opt.dry_run,
		.field_manager = FIELD_MANAGER,
		.validation = FIELD_VALIDATION_STRICT,
	};

	if (cluster_patch_tree(t->fs->cluster, call, t->resource, t->namespace, t->name,
			       subresource, PATCH_MERGE, patch, &opt, &o, err) < 0)
		return -1;
	/* A scale is another kind: the object itself is asked for. */
	if (subresource) {
		object_unref(o);
		o = write_live(t, true, call, NULL);
	}
	write_observe(t, o);
	return 0;
}

int write_part(const struct target *t, struct node *dir, const char *name, struct draft *d,
	       pid_t writer, const struct call *call, part_sender *send, struct error **err)
{
	struct str text CLEANUP(str_wipe) = STR_INIT;
	struct str path CLEANUP(str_release) = STR_INIT;
	bool secret = resource_is_secret(t->resource);
	struct error *why = NULL;
	bool whole;

	pthread_mutex_lock(&t->fs->lock);
	str_add(&text, d->text.s, d->text.len);
	d->applied = d->version;
	whole = !d->too_large;
	node_path(dir, &path);
	pthread_mutex_unlock(&t->fs->lock);
	str_addf(&path, "/%s", name);
	if (!whole)
		error_set(&why, E_TOO_LARGE, "the text is larger than %d bytes", TEXT_MAX);
	else if (send(t, name, &text, call, &why) == 0) {
		rejected_drop(dir, name);
		return 0;
	}
	journal_add(t->fs->journal, path.s, why, secret);
	if (t->fs->opt.tell)
		tell_writer(writer, path.s, why, secret);
	return error_move(err, why);
}
