/*
 * A user as authentication.k8s.io's UserInfo: username, uid, groups, extra; what is empty is left
 * out.
 *
 * Threads: pure.
 */
#ifndef OBJECT_USER_H
#define OBJECT_USER_H

#include "base/call.h"

#include <jansson.h>

/* A new tree. */
json_t *user_info(const struct user *user);

#endif
