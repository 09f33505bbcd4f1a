/*
 * Parts of a service's kind that have files of their own. Private to kinds/.
 */
#ifndef KINDS_SERVICE_H
#define KINDS_SERVICE_H

#include "kinds/kind.h"

/* service_write.c: for struct kind. */
void service_set_defaults(json_t *object);
void service_prepare_write(json_t *object, const json_t *old, const struct write_facts *facts);

bool service_type_is(const json_t *object, const char *type);
/* Whether it has no address of its own: clusterIP is None. */
bool service_is_headless(const json_t *object);
/* Whether traffic from outside comes to it. */
bool service_is_external(const json_t *object);
/* Whether its load balancer asks nodes whether they serve it. */
bool service_needs_health_check(const json_t *object);

#endif
