#include "serve/announce.h"

#include "base/mem.h"
#include "object/json.h"
#include "base/file.h"

#include <string.h>

#define NAMESPACE "kube-system"
#define CERTIFICATES_MAX (1u << 20)
#define NAME "extension-apiserver-authentication"

int announce(struct cluster *cluster, const struct pki *pki, struct error **err)
{
	static const struct call self = {.user_agent = "kube-apiserver"};
	struct catalog *all CLEANUP(catalog_unref_cleanup) = cluster_catalog(cluster, &self, err);
	const struct resource *maps = all ? catalog_find(all, "", "v1", "configmaps") : NULL;
	struct str certificates CLEANUP(str_release) = STR_INIT;
	json_t *tree json_auto = NULL;
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	if (!maps || file_read(pki->ca_cert, CERTIFICATES_MAX, &certificates, err) < 0)
		return -1;
	tree = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s}}", "apiVersion", "v1", "kind",
			 "ConfigMap", "metadata", "name", NAME, "namespace", NAMESPACE, "data",
			 "client-ca-file", certificates.s);
	if (cluster_create_tree(cluster, &self, maps, NAMESPACE, tree, NULL, NULL, &why) == 0)
		return 0;
	if (error_code(why) != E_EXISTS)
		return error_move(err, steal(&why));
	return cluster_patch_tree(cluster, &self, maps, NAMESPACE, NAME, NULL, PATCH_MERGE, tree,
				  NULL, NULL, err);
}
