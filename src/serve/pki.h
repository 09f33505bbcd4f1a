/*
 * The endpoint's own certificate authority: DIR/pki/{ca,server,admin,kubelet-client}.{crt,key}, and
 * the kubeconfig that uses it. What exists, is valid for 30 more days, signed by the CA and good
 * for the names asked for is kept; the rest is made anew. Keys are EC P-256, files are replaced
 * atomically with mode 0600. Beside them DIR/pki/sa.key, which signs service account tokens: RSA,
 * and never replaced.
 *
 * Threads: one at a time a directory.
 */
#ifndef SERVE_PKI_H
#define SERVE_PKI_H

#include "base/error.h"

#include <stdint.h>

/* Paths of the files, and what signs and serves. The owner releases. */
struct pki {
	char *ca_cert, *server_cert, *server_key, *admin_cert, *admin_key;
};

/* HOST: the address listened on, joins the server certificate's names. NOW: wall ns. */
int pki_ensure(const char *dir, const char *host, int64_t now, struct pki *out, struct error **err);
void pki_release(struct pki *p);
/* Writes DIR/kubeconfig for SERVER ("https://127.0.0.1:6443") with all certificates inside. */
int pki_write_kubeconfig(const char *dir, const struct pki *p, const char *server,
			 struct error **err);

#endif
