/*
 * Requests about resources: everything below /api/VERSION/ and /apis/GROUP/VERSION/.
 */
#ifndef SERVE_RESOURCE_H
#define SERVE_RESOURCE_H

#include "serve/media.h"
#include "serve/render.h"
#include "serve/request.h"
#include "serve/target.h"

/* A request about a resource, as far as it is understood. */
struct ask {
	struct request *request;
	const struct target *target;
	const struct resource *resource; /* a ref while the request is handled */
	struct media media;
	enum include_object include;
};

/* Finds the resource and the handler of its verb; answers. */
void resource_handle(struct request *r, const struct target *t);

/* Handlers of the bigger verbs, each in its own file. They answer, or return -1 and *err. */
int resource_list(const struct ask *a, struct error **err);
int resource_watch(const struct ask *a, struct error **err);
int resource_stream(const struct ask *a, struct error **err);

/* The errors that a path or a method no resource has is answered with. */
int resource_not_found(struct error **err);
int resource_no_method(struct error **err);

#endif
