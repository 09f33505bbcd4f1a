#include "cluster/local/reviews.h"

#include "base/mem.h"
#include "cluster/local/admission.h"
#include "object/json.h"

#include <string.h>

static const struct {
	const char *group, *plural;
	review_answer *answer;
} reviews[] = {
	{"authentication.k8s.io", "selfsubjectreviews", self_review},
	{"authentication.k8s.io", "tokenreviews", token_review},
	{"authorization.k8s.io", "localsubjectaccessreviews", access_review},
	{"authorization.k8s.io", "selfsubjectaccessreviews", self_access_review},
	{"authorization.k8s.io", "selfsubjectrulesreviews", rules_review},
	{"authorization.k8s.io", "subjectaccessreviews", access_review},
};

review_answer *review_of(const struct resource *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(reviews); i++)
		if (!r->custom && strcmp(reviews[i].group, r->group) == 0 &&
		    strcmp(reviews[i].plural, r->plural) == 0)
			return reviews[i].answer;
	return NULL;
}

/* What a question cannot say of itself. */
static void wipe(json_t *tree)
{
	static const char *const wiped[] = {"metadata.uid", "metadata.creationTimestamp",
					    "metadata.deletionTimestamp", "metadata.selfLink"};

	for (size_t i = 0; i < ARRAY_SIZE(wiped); i++)
		json_path_del(tree, wiped[i]);
}

int review_create(const struct write *w, review_answer *answer, const char *json, size_t len,
		  struct object **out, struct error **err)
{
	json_t *tree json_auto = pipeline_decode(w, json, len, err);
	struct admission a CLEANUP(admission_release) = {.target = STR_INIT};
	struct schema_value root = schema_root(w->r->type);

	if (!tree)
		return -1;
	wipe(tree);
	if (!w->r->namespaced)
		json_path_del(tree, "metadata.namespace");
	if (track_update(w, NULL, tree, err) < 0)
		return -1;
	admission_begin(&a, w, NULL, tree);
	if (admission_admit(&a, err) < 0 || admission_validate(&a, err) < 0 ||
	    answer(w, tree, err) < 0)
		return -1;
	schema_fill_present(tree, &root);
	*out = object_from_tree(tree);
	return 0;
}
