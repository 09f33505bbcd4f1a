/*
 * What others need to check this cluster's service account tokens: the document of OpenID Connect
 * discovery and the public keys.
 *
 * Threads: any.
 */
#ifndef SERVE_OPENID_H
#define SERVE_OPENID_H

#include "serve/request.h"

void openid_configuration(struct request *r); /* /.well-known/openid-configuration */
void openid_keys(struct request *r);	      /* /openid/v1/jwks */

#endif
