/*
 * Requests of kubelets for their client certificates are approved when whoever made them may have
 * them: the reviews ask for create of certificatesigningrequests/selfnodeclient (a node that renews
 * its own) or /nodeclient (a node that joins).
 */
#include "controllers/common.h"
#include "controllers/controllers.h"

#include "kinds/csr.h"
#include "object/json.h"

#include <string.h>

#define GROUP "certificates.k8s.io"
#define PLURAL "certificatesigningrequests"

static bool for_its_maker(const json_t *csr, const X509_REQ *req)
{
	char *name free_ptr = csr_common_name(req);

	return name && strcmp(name, text_at(csr, "spec.username")) == 0;
}

static const struct {
	const char *subresource, *message;
	bool self;
} ways[] = {
	{"selfnodeclient",
	 "Auto approving self kubelet client certificate after SubjectAccessReview.", true},
	{"nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview.",
	 false},
};

static json_t *question(const json_t *csr, const char *subresource)
{
	json_t *spec = json_pack("{s:{s:s,s:s,s:s,s:s,s:s}}", "resourceAttributes", "group", GROUP,
				 "resource", PLURAL, "verb", "create", "subresource", subresource,
				 "version", "*");
	static const struct {
		const char *from, *to;
	} copied[] = {
		{"username", "user"}, {"uid", "uid"}, {"groups", "groups"}, {"extra", "extra"}};

	for (size_t i = 0; i < ARRAY_SIZE(copied); i++) {
		json_t *value = json_object_get(json_object_get(csr, "spec"), copied[i].from);

		if (value)
			json_object_set(spec, copied[i].to, value);
	}
	return json_pack("{s:s,s:s,s:{},s:o}", "apiVersion", "authorization.k8s.io/v1", "kind",
			 "SubjectAccessReview", "metadata", "spec", spec);
}

/* 1: the maker of CSR may; 0: may not. */
static int may(struct controller *c, const json_t *csr, const char *subresource, struct error **err)
{
	struct cluster *cluster = controller_cluster(c);
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) =
		cluster_catalog(cluster, controller_call(c), err);
	const struct resource *reviews = catalog ? catalog_find(catalog, "authorization.k8s.io",
								"v1", "subjectaccessreviews")
						 : NULL;
	struct object *answer CLEANUP(object_unref_cleanup) = NULL;
	json_t *asked json_auto = question(csr, subresource);
	json_t *tree json_auto = NULL;

	if (!catalog)
		return -1;
	if (!reviews)
		return error_set(err, E_NOT_FOUND, "the cluster answers no access reviews");
	if (cluster_create_tree(cluster, controller_call(c), reviews, "", asked, NULL, &answer,
				err) < 0)
		return -1;
	tree = object_tree(answer);
	return json_path_bool(tree, "status.allowed", false);
}

static int approve(struct controller *c, json_t *csr, const char *message, struct error **err)
{
	json_t *conditions = json_path(csr, "status.conditions");

	if (!json_is_array(conditions)) {
		json_path_set(csr, "status.conditions", json_array());
		conditions = json_path(csr, "status.conditions");
	}
	json_array_append_new(conditions,
			      json_pack("{s:s,s:s,s:s,s:s}", "type", "Approved", "status", "True",
					"reason", "AutoApproved", "message", message));
	return subresource_write(c, GROUP, PLURAL, "approval", csr, err);
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) =
		informer_get(controller_informer(c, GROUP, PLURAL), "", key);
	json_t *csr json_auto = o ? object_tree(o) : NULL;
	X509_REQ *req CLEANUP(X509_REQ_free_cleanup) = NULL;
	const char *why;
	bool known;

	if (!o || strcmp(text_at(csr, "spec.signerName"), CSR_SIGNER_KUBELET_CLIENT) != 0 ||
	    *text_at(csr, "status.certificate") || csr_is(csr, "Approved") || csr_is(csr, "Denied"))
		return 0;
	req = csr_request(text_at(csr, "spec.request"), &why);
	if (!req || csr_signer_problem(csr, req, &known))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		int allowed = 0;

		if (!ways[i].self || for_its_maker(csr, req))
			allowed = may(c, csr, ways[i].subresource, err);
		if (allowed)
			return allowed < 0 ? -1 : approve(c, csr, ways[i].message, err);
	}
	return 0;
}

const struct reconciler reconciler_csr_approving = {
	.name = "certificatesigningrequest-approving-controller",
	.watches = {{.group = GROUP, .plural = PLURAL}},
	.workers = 1,
	.sync = sync,
};
