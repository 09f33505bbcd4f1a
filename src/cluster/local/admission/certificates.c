/*
 * Whose signature a certificate gets: who approves or signs for a signer must be allowed to, and
 * nobody gets a certificate that makes him system:masters.
 */
#include "cluster/local/admission/plugins.h"

#include "kinds/csr.h"
#include "object/json.h"

#include <string.h>

#define REQUESTS "certificatesigningrequests.certificates.k8s.io"

static bool may(const struct admission *a, const char *verb, const char *signer)
{
	const struct access access = {.user = admission_user(a),
				      .verb = verb,
				      .group = "certificates.k8s.io",
				      .version = "*",
				      .resource = "signers",
				      .name = signer};

	return cluster_authorize(&a->local->base, &access, NULL);
}

/* For the signer, or for all of its domain. */
static bool may_for_signer(const struct admission *a, const char *verb, const char *signer)
{
	char *domain free_ptr = xasprintf("%.*s/*", (int)strcspn(signer, "/"), signer);

	return may(a, verb, signer) || may(a, verb, domain);
}

static int validate_approval(struct admission *a, struct error **err)
{
	const char *signer = json_path_string(a->old, "spec.signerName");

	if (may_for_signer(a, "approve", signer))
		return 0;
	return admission_forbid(
		a, err, "user not permitted to approve requests with signerName \"%s\"", signer);
}

const struct admission_plugin admission_certificate_approval = {
	.name = "CertificateApproval",
	.operations = ADMIT_UPDATE,
	.resources = {REQUESTS "/approval"},
	.validate = validate_approval,
};

static bool same(const struct admission *a, const char *path)
{
	const json_t *now = json_path(a->object, path), *was = json_path(a->old, path);

	return now && was ? json_equal(now, was) : now == was;
}

static int validate_signing(struct admission *a, struct error **err)
{
	const char *signer = json_path_string(a->old, "spec.signerName");

	if ((same(a, "status.certificate") && same(a, "status.conditions")) ||
	    may_for_signer(a, "sign", signer))
		return 0;
	return admission_forbid(
		a, err, "user not permitted to sign requests with signerName \"%s\"", signer);
}

const struct admission_plugin admission_certificate_signing = {
	.name = "CertificateSigning",
	.operations = ADMIT_UPDATE,
	.resources = {REQUESTS "/status"},
	.validate = validate_signing,
};

static int validate_subject(struct admission *a, struct error **err)
{
	const char *why;
	X509_REQ *req CLEANUP(X509_REQ_free_cleanup) = NULL;

	if (strcmp(json_path_string(a->object, "spec.signerName"), CSR_SIGNER_CLIENT) != 0)
		return 0;
	req = csr_request(json_path_string(a->object, "spec.request"), &why);
	if (!req)
		return admission_forbid(a, err, "failed to parse CSR: %s", why);
	if (csr_has_organization(req, "system:masters"))
		return admission_forbid(a, err,
					"use of %s signer with system:masters group is not allowed",
					CSR_SIGNER_CLIENT);
	return 0;
}

const struct admission_plugin admission_certificate_subject_restriction = {
	.name = "CertificateSubjectRestriction",
	.operations = ADMIT_CREATE,
	.resources = {REQUESTS},
	.validate = validate_subject,
};
