/* SelfSubjectReview: who am I? Nothing of the question stands in the answer. */
#include "cluster/local/reviews.h"

#include "cluster/local/admission.h"
#include "object/json.h"
#include "object/time.h"
#include "object/user.h"

int self_review(const struct write *w, json_t *tree, struct error **err)
{
	const struct admission a = {.call = w->call};
	char now[TIME_TEXT];

	(void)err;
	json_object_set_new(
		tree, "metadata",
		json_pack("{s:s}", "creationTimestamp", time_format(clock_wall(w->l->clock), now)));
	json_object_set_new(tree, "status",
			    json_pack("{s:o}", "userInfo", user_info(admission_user(&a))));
	return 0;
}
