#include "serve/openid.h"
#include "base/mem.h"
#include "object/json.h"
#include "serve/media.h"
#include "serve/server.h"

#include <string.h>

#define KEYS_PATH "/openid/v1/jwks"

/* TYPE is static. Keys change with a new directory at most. */
static void send_document(struct request *r, const char *type, struct str *body)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	if (media_accepts(r->accept, type, &err) < 0) {
		answer_error(r, err);
		return;
	}
	answer_header(r, "cache-control:", "public, max-age=3600");
	answer_send(r, 200, type, body);
}

void openid_configuration(struct request *r)
{
	char *keys free_ptr = xasprintf("https://%s%s", r->server->address, KEYS_PATH);
	json_t *tree json_auto =
		json_pack("{s:s,s:s,s:[s],s:[s],s:[s]}", "issuer", CLUSTER_AUDIENCE, "jwks_uri",
			  keys, "response_types_supported", "id_token", "subject_types_supported",
			  "public", "id_token_signing_alg_values_supported", "RS256");
	struct str text CLEANUP(str_release) = STR_INIT;

	json_write(tree, &text);
	send_document(r, "application/json", &text);
}

void openid_keys(struct request *r)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	char *keys free_ptr = cluster_raw(r->server->cluster, &r->call, KEYS_PATH, &err);
	struct str text CLEANUP(str_release) = STR_INIT;

	if (!keys) {
		answer_error(r, err);
		return;
	}
	str_adds(&text, keys);
	send_document(r, "application/jwk-set+json", &text);
}
