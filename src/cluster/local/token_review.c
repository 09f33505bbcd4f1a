/* TokenReview: whose a token is, asked by a server that was given it. */
#include "cluster/local/reviews.h"

#include "base/mem.h"
#include "object/json.h"
#include "object/user.h"

#include <string.h>

static const char no_token[] = "invalid bearer token";

/* The texts of LIST, borrowed; NULL for none at all. The caller frees the array. */
static const char **texts_of(const json_t *list)
{
	const char **texts =
		json_array_size(list) ? xcalloc(json_array_size(list) + 1, sizeof(*texts)) : NULL;
	const json_t *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item)
		texts[i] = json_string_value(item);
	return texts;
}

/* A token of our own that is not good says why, after what is said of any. */
static void tell_refusal(json_t *tree, const char *why)
{
	char *both free_ptr = xasprintf("[%s, %s]", no_token, why);

	json_path_set(tree, "status.error", json_string(strcmp(why, no_token) == 0 ? why : both));
}

static void tell_who(json_t *tree, const struct authentication *found)
{
	json_t *audiences = json_array();

	for (char **a = found->audiences; *a; a++)
		json_array_append_new(audiences, json_string(*a));
	json_path_set(tree, "status.authenticated", json_true());
	json_path_set(tree, "status.user", user_info(&found->who->user));
	json_path_set(tree, "status.audiences", audiences);
}

int token_review(const struct write *w, json_t *tree, struct error **err)
{
	const char *token = json_path_string(tree, "spec.token");
	const char **audiences free_ptr = texts_of(json_path(tree, "spec.audiences"));
	struct authentication found CLEANUP(authentication_release) = {0};
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (!*token)
		return error_set(err, E_BAD_REQUEST,
				 "token is required for TokenReview in authentication");
	json_object_set_new(tree, "status", json_object());
	if (cluster_authenticate(&w->l->base, w->call, token, audiences, &found, &why) < 0)
		tell_refusal(tree, error_message(why));
	else
		tell_who(tree, &found);
	return 0;
}
