/* Certificate requests as clients make them. */
#ifndef TESTS_UNIT_KINDS_CSR_FIXTURE_H
#define TESTS_UNIT_KINDS_CSR_FIXTURE_H

#include <openssl/evp.h>

/* PEM in base64 of a request of KEY for SUBJECT ("O=system:nodes/CN=system:node:a") and the names
 * beside it ("DNS:a,IP:192.0.2.1"; NULL: none). The caller frees. */
char *csr_make(EVP_PKEY *key, const char *subject, const char *names);

#endif
