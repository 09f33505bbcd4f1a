/*
 * What a struct resource is embedded in. Private to kinds/: resource.c counts the references,
 * catalog.c makes the immortal rows of the built-in types.
 */
#ifndef KINDS_ROW_H
#define KINDS_ROW_H

#include "kinds/resource.h"

struct row {
	struct resource resource;
	_Atomic unsigned refs;
	bool immortal; /* a built-in type: never counted, never freed */
	void (*free_priv)(void *);
};

/* Fills ROW with copies of TEMPLATE's strings and arrays, and what follows from them. */
void row_fill(struct row *row, const struct resource *template);

#endif
