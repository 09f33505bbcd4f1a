/*
 * The containers of a pod within one pass over it.
 */
#ifndef NODE_CONTAINER_H
#define NODE_CONTAINER_H

#include "node/agent.h"
#include "object/time.h"

/* One sync of one pod. */
struct pass {
	struct nodes *nodes;
	struct node *node;
	struct object *pod;
	json_t *tree, *spec;
	json_t *status;	   /* being made */
	const char *phase; /* NULL: as it was */
	int64_t begun;	   /* clock_mono, not after NOW */
	int64_t now;	   /* wall */
	char now_text[TIME_TEXT];
	int64_t wake; /* wall; when to come again */
};

/*
 * Starts, probes, ends and restarts what is due, and sets the containers' statuses and p->phase.
 * Returns whether all init containers are done.
 */
bool containers_advance(struct pass *p);
/* Ends what runs; whether there was anything. */
bool containers_stop(struct pass *p);

#endif
