/*
 * What is served: /api, /apis and below, in the legacy forms and the aggregated one.
 */
#ifndef SERVE_DISCOVERY_H
#define SERVE_DISCOVERY_H

#include "serve/request.h"
#include "serve/target.h"

void discovery_core(struct request *r);	  /* /api */
void discovery_groups(struct request *r); /* /apis */
/* /apis/GROUP, /apis/GROUP/VERSION, /api/VERSION */
void discovery_group(struct request *r, const char *group);
void discovery_resources(struct request *r, const struct target *t);

#endif
