/*
 * Ownership between an object and its Scale: whoever owns the object's replicas owns the Scale's,
 * and a write of the Scale moves them between the object's managers.
 */
#include "object/apply.h"
#include "object/fieldset.h"
#include "object/json.h"
#include "object/managers.h"

#include <string.h>

#define SCALE_VERSION "autoscaling/v1"

static json_t *set_of(const char *path)
{
	const char *const paths[] = {path, NULL};

	return fieldset_of_paths(paths);
}

static bool owns(const struct manager *e, const json_t *set)
{
	json_auto json_t *both = fieldset_intersection(e->set, set);

	return !fieldset_is_empty(both);
}

void apply_scale_owners(json_t *scale, const json_t *object, const char *replicas)
{
	struct managers m CLEANUP(managers_release) = VEC_INIT;
	json_auto json_t *theirs = set_of(replicas), *ours = set_of("spec.replicas");

	managers_read(&m, object);
	vec_each (&m, e) {
		manager_set_fields(e, owns(e, theirs) ? json_incref(ours) : json_object());
		free(e->api_version);
		e->api_version = xstrdup(SCALE_VERSION);
	}
	managers_tidy(&m);
	managers_write(&m, scale);
}

static struct manager *same_manager(struct managers *m, const struct manager *other)
{
	vec_each (m, e)
		if (!strcmp(e->name, other->name) && !strcmp(e->operation, other->operation) &&
		    !strcmp(e->subresource, other->subresource))
			return e;
	return NULL;
}

void apply_scale_moved(json_t *object, const json_t *scale, const char *replicas,
		       const char *api_version)
{
	struct managers m CLEANUP(managers_release) = VEC_INIT;
	struct managers of_scale CLEANUP(managers_release) = VEC_INIT;
	json_auto json_t *theirs = set_of(replicas);

	managers_read(&m, object);
	managers_read(&of_scale, scale);
	vec_each (&m, e)
		if (!same_manager(&of_scale, e))
			manager_set_fields(e, fieldset_difference(e->set, theirs));
	vec_each (&of_scale, e) {
		struct apply_options opt = {.manager = e->name,
					    .api_version = api_version,
					    .subresource = e->subresource};
		struct manager *mine = same_manager(&m, e);

		if (mine && owns(mine, theirs))
			continue;
		/* A new entry has no time, as on an API server. */
		if (!mine)
			mine = managers_require(&m, e->operation, &opt);
		manager_set_fields(mine, fieldset_union(mine->set, theirs));
	}
	managers_tidy(&m);
	managers_write(&m, object);
}
