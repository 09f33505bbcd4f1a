/* What somebody who is not known yet may send: tokens, base64, certificate requests. */
#include "fuzz/fuzz.h"
#include "base/mem.h"
#include "base/str.h"
#include "kinds/csr.h"
#include "object/base64.h"
#include "object/json.h"
#include "object/jwt.h"

#include <assert.h>
#include <string.h>

/* What is read is written, and reads back as the same. */
static void check_base64(const char *text, size_t len)
{
	struct str bytes CLEANUP(str_release) = STR_INIT, again CLEANUP(str_release) = STR_INIT;
	struct str canonical CLEANUP(str_release) = STR_INIT;

	if (!base64_decode(text, len, &bytes))
		return;
	base64_encode(bytes.s, bytes.len, &canonical);
	assert(canonical.len <= len);
	assert(base64_decode(canonical.s, canonical.len, &again));
	assert(again.len == bytes.len && !memcmp(again.s, bytes.s, bytes.len));
}

static void check_request(const char *text, size_t len)
{
	struct str base64 CLEANUP(str_release) = STR_INIT;
	X509_REQ *req CLEANUP(X509_REQ_free_cleanup) = NULL;
	json_t *csr json_auto =
		json_pack("{s:{s:s,s:[s,s]}}", "spec", "signerName", CSR_SIGNER_KUBELET_SERVING,
			  "usages", "server auth", "digital signature");
	const char *why;
	bool known;

	base64_encode(text, len, &base64);
	X509_free(csr_certificate(base64.s));
	csr_certificates_problem(base64.s);
	req = csr_request(base64.s, &why);
	if (!req) {
		assert(why);
		return;
	}
	free(csr_common_name(req));
	csr_signer_problem(csr, req, &known);
	assert(known);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text free_ptr = xstrndup((const char *)data, size);

	json_decref(jwt_claims(text));
	check_base64((const char *)data, size);
	check_request((const char *)data, size);
	return 0;
}
