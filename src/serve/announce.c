#include "serve/announce.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

#define NAMESPACE "kube-system"
#define CERTIFICATES_MAX (1u << 20)
#define AUTHORITY "extension-apiserver-authentication"
#define TRACKING "kube-apiserver-legacy-service-account-token-tracking"
#define DATE_LEN 10 /* of "2026-11-23T20:30:00Z" */

static const struct call self = {.user_agent = "kube-apiserver"};

/* The config map NAME with one value; one that is there is KEPT or gets it. */
static int put(struct cluster *cluster, const struct resource *maps, const char *name,
	       const char *key, const char *value, bool kept, struct error **err)
{
	json_t *tree json_auto = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s}}", "apiVersion", "v1",
					   "kind", "ConfigMap", "metadata", "name", name,
					   "namespace", NAMESPACE, "data", key, value);
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (cluster_create_tree(cluster, &self, maps, NAMESPACE, tree, NULL, NULL, &why) == 0)
		return 0;
	if (error_code(why) != E_EXISTS)
		return error_move(err, steal(&why));
	return kept ? 0
		    : cluster_patch_tree(cluster, &self, maps, NAMESPACE, name, NULL, PATCH_MERGE,
					 tree, NULL, NULL, err);
}

int announce(struct cluster *cluster, const struct pki *pki, int64_t now, struct error **err)
{
	struct catalog *all CLEANUP(catalog_unref_cleanup) = cluster_catalog(cluster, &self, err);
	const struct resource *maps = all ? catalog_find(all, "", "v1", "configmaps") : NULL;
	struct str certificates CLEANUP(str_release) = STR_INIT;
	char today[TIME_TEXT];

	if (!maps || file_read(pki->ca_cert, CERTIFICATES_MAX, &certificates, err) < 0)
		return -1;
	time_format(now, today);
	today[DATE_LEN] = '\0';
	if (put(cluster, maps, AUTHORITY, "client-ca-file", certificates.s, false, err) < 0)
		return -1;
	return put(cluster, maps, TRACKING, "since", today, true, err);
}
