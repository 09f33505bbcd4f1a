/*
 * Types that are questions: a create is answered and nothing is kept. One file of a type's answer,
 * one line in reviews[] (reviews.c).
 *
 * Threads: any.
 */
#ifndef CLUSTER_LOCAL_REVIEWS_H
#define CLUSTER_LOCAL_REVIEWS_H

#include "cluster/local/private.h"

/*
 * Answers TREE, a review with its defaults that admission let through, by setting its status. 0, or
 * -1 and *err: the question makes no sense.
 */
typedef int review_answer(const struct write *w, json_t *tree, struct error **err);

review_answer token_review; /* token_review.c */
review_answer self_review;  /* self_review.c */
/* access_review.c */
review_answer access_review;
review_answer self_access_review;
review_answer rules_review;

/* The answer of what R's objects ask, or NULL: they are kept. */
review_answer *review_of(const struct resource *r);
/* POST of a question. */
int review_create(const struct write *w, review_answer *answer, const char *json, size_t len,
		  struct object **out, struct error **err);

#endif
