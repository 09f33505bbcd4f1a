/*
 * What a CertificateSigningRequest asks for: its PKCS#10 request read, and the rules of Kubernetes'
 * own signers. Used by validation, by admission, and by the controllers that approve and sign.
 *
 *	X509_REQ *req = csr_request(json_path_string(csr, "spec.request"), &why);
 *	const char *bad = csr_signer_problem(csr, req);
 *
 * Threads: pure functions.
 */
#ifndef KINDS_CSR_H
#define KINDS_CSR_H

#include "base/mem.h"

#include <jansson.h>
#include <openssl/x509.h>
#include <stdbool.h>

#define CSR_SIGNER_CLIENT "kubernetes.io/kube-apiserver-client"
#define CSR_SIGNER_KUBELET_CLIENT "kubernetes.io/kube-apiserver-client-kubelet"
#define CSR_SIGNER_KUBELET_SERVING "kubernetes.io/kubelet-serving"

DEFINE_CLEANUP(X509_REQ *, X509_REQ_free)

/* The request that stands in BASE64: PEM, signed by the key that it is for. NULL and *WHY (static)
 * when it is none. */
X509_REQ *csr_request(const char *base64, const char **why);
/* The first certificate of a PEM text in base64, or NULL. The caller frees. */
X509 *csr_certificate(const char *base64);
/* Why such a text is not certificates and nothing else (static), or NULL. */
const char *csr_certificates_problem(const char *base64);

/* The common name (the last of several; NULL: none), which the caller frees. */
char *csr_common_name(const X509_REQ *req);
bool csr_has_organization(const X509_REQ *req, const char *organization);

/* Why its signer does not sign CSR, whose request is REQ; NULL: it does. Static. *KNOWN: the signer
 * is one of those above. */
const char *csr_signer_problem(const json_t *csr, const X509_REQ *req, bool *known);
/* The status of a condition of TYPE is "True". */
bool csr_is(const json_t *csr, const char *type);

#endif
