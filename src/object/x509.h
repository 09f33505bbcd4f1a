/*
 * What making a certificate takes beside OpenSSL's own functions.
 *
 * Threads: any; a certificate belongs to one thread while it is made.
 */
#ifndef OBJECT_X509_H
#define OBJECT_X509_H

#include <openssl/x509.h>
#include <stdbool.h>

/* A random number of 127 bits. */
bool x509_set_serial(X509 *cert);
/* VALUE as in openssl.cnf ("critical,CA:TRUE"); NULL: none is added. ISSUER may be CERT. */
bool x509_add_extension(X509 *cert, X509 *issuer, int nid, const char *value);

#endif
