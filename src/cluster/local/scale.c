/*
 * The scale subresource: another object, autoscaling/v1 Scale, made from the one it belongs to and
 * written back into it. Ownership of the replicas moves with it.
 */
#include "cluster/local/private.h"

#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "cluster/patching.h"
#include "kinds/kind.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

#define SCALE_VERSION "autoscaling/v1"

static const char *replicas_path(const struct write *w)
{
	return w->r->scale_replicas ? w->r->scale_replicas : "spec.replicas";
}

/* A row to decode a Scale by; only what decoding reads. */
static struct resource scale_row(void)
{
	return (struct resource){
		.group = "autoscaling",
		.version = "v1",
		.api_version = SCALE_VERSION,
		.kind = "Scale",
		.type = schema_type_find("io.k8s.api.autoscaling.v1.Scale"),
		.particulars = kind_generic(),
	};
}

/* Types of a Scale's fields, as decoding them tells. */
static int check_scale(json_t *scale, struct error **err)
{
	struct resource row = scale_row();
	struct field_errors *errors CLEANUP(field_errors_free_cleanup) = field_errors_new();

	if (!json_is_object(scale))
		return error_set(err, E_BAD_REQUEST, "a Scale must be an object");
	return object_check_schema(scale, &row, NULL, errors, err);
}

json_t *scale_decode(const char *json, size_t len, struct error **err)
{
	json_t *scale json_auto = json_read(json, len, err);

	if (!scale || check_scale(scale, err) < 0)
		return NULL;
	return steal(&scale);
}

static struct apply_options scale_options(const struct write *w, const char *manager, char *now)
{
	return (struct apply_options){
		.manager = manager,
		.api_version = SCALE_VERSION,
		.kind = "Scale",
		.subresource = "scale",
		.force = w->opt->force,
		.now = time_format(clock_wall(w->l->clock), now),
	};
}

/* OLD with the replicas of SCALE, whose managedFields say who owns them. */
static json_t *write_back(const struct write *w, const json_t *old, const json_t *scale,
			  struct error **err)
{
	json_t *tree json_auto = json_deep_copy(old);

	if (scale_set(tree, w->r, scale, err) < 0)
		return NULL;
	if (json_path(old, "metadata.managedFields") || json_path(scale, "metadata.managedFields"))
		apply_scale_moved(tree, scale, replicas_path(w), w->r->api_version);
	return steal(&tree);
}

/* The Scale of OLD with the managers of the replicas. */
static json_t *live_scale(const struct write *w, const json_t *old, struct error **err)
{
	json_t *scale = scale_to_change(old, w->r, err);

	if (scale)
		apply_scale_owners(scale, old, replicas_path(w));
	return scale;
}

static json_t *track(const struct write *w, const json_t *live, json_t *scale, struct error **err)
{
	char *manager free_ptr = write_manager(w->call, w->opt);
	char now[TIME_TEXT];
	struct apply_options opt = scale_options(w, manager, now);
	struct resource row = scale_row();

	return apply_track_update(live, scale, row.type, &opt, err) < 0 ? NULL : scale;
}

json_t *scale_next_body(const struct write *w, const json_t *old, void *arg, struct error **err)
{
	json_t *scale json_auto = json_deep_copy(arg);
	json_t *live json_auto = live_scale(w, old, err);

	if (!live || !track(w, live, scale, err))
		return NULL;
	return write_back(w, old, scale, err);
}

json_t *scale_next_patch(const struct write *w, const json_t *old, void *arg, struct error **err)
{
	const struct patching *p = arg;
	json_t *live json_auto = live_scale(w, old, err);
	char *manager free_ptr = write_manager(w->call, w->opt);
	char now[TIME_TEXT];
	struct apply_options opt = scale_options(w, manager, now);
	struct resource row = scale_row();
	json_t *scale json_auto = NULL;

	if (!live)
		return NULL;
	scale = patch_with(live, p->patch, p->type, &row, &opt, err);
	if (!scale)
		return NULL;
	if (p->type != PATCH_APPLY) {
		struct error *why CLEANUP(error_free_cleanup) = NULL;
		char *text free_ptr = patched_text(scale, live, row.type);

		if (check_scale(scale, &why) < 0) {
			refuse_patched(text, why, err);
			return NULL;
		}
		if (!track(w, live, scale, err))
			return NULL;
	}
	return write_back(w, old, scale, err);
}

int scale_show(const struct write *w, struct object **out, struct error **err)
{
	json_t *tree json_auto = object_tree(*out);
	json_t *scale json_auto = scale_get(tree, w->r, err);

	object_unref(steal(out));
	if (!scale)
		return -1;
	*out = object_from_tree(scale);
	return 0;
}
