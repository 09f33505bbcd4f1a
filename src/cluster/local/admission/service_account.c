/*
 * Every pod runs as a service account of its namespace, and finds the account's token, the
 * cluster's certificates and its namespace's name in a volume of their own.
 */
#include "cluster/local/admission/plugins.h"

#include "base/mem.h"
#include "cluster/lifecycle.h"
#include "object/json.h"

#include <string.h>

#define DEFAULT_NAME "default"
#define VOLUME_PREFIX "kube-api-access-"
#define MOUNT_PATH "/var/run/secrets/kubernetes.io/serviceaccount"
/* An hour, and a little: marks the tokens that are made for this volume. */
#define EXPIRATION_S 3607
#define MIRROR "metadata.annotations[kubernetes.io/config.mirror]"
#define ENFORCE "metadata.annotations[kubernetes.io/enforce-mountable-secrets]"

static const json_t *find_account(struct admission *a, struct error **err)
{
	const char *name = json_path_string(a->object, "spec.serviceAccountName");
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	const json_t *account = admission_get(a, "", "serviceaccounts", a->namespace, name, &why);

	if (account)
		return account;
	if (error_code(why) == E_NOT_FOUND)
		admission_forbid(a, err,
				 "error looking up service account %s/%s: serviceaccount \"%s\" "
				 "not found",
				 a->namespace, name, name);
	else
		error_move(err, steal(&why));
	return NULL;
}

/* The pod's own wish counts before the account's. */
static bool wants_token(const json_t *account, const json_t *pod)
{
	bool by_account = json_path_bool(account, "automountServiceAccountToken", true);

	return json_path_bool(pod, "spec.automountServiceAccountToken", by_account);
}

/*
 * The config maps that hold certificates: of the API server, and of services' own as OpenShift's
 * branch of Kubernetes adds it.
 */
static json_t *certificates(const char *config_map, const char *key)
{
	return json_pack("{s:{s:s, s:[{s:s, s:s}]}}", "configMap", "name", config_map, "items",
			 "key", key, "path", key);
}

static json_t *token_volume(const char *name)
{
	return json_pack("{s:s, s:{s:i, s:[{s:{s:i, s:s}}, o, {s:{s:[{s:s, s:{s:s, s:s}}]}}, o]}}",
			 "name", name, "projected", "defaultMode", 0644, "sources",
			 "serviceAccountToken", "expirationSeconds", EXPIRATION_S, "path", "token",
			 certificates("kube-root-ca.crt", "ca.crt"), "downwardAPI", "items", "path",
			 "namespace", "fieldRef", "apiVersion", "v1", "fieldPath",
			 "metadata.namespace",
			 certificates("openshift-service-ca.crt", "service-ca.crt"));
}

struct mounting {
	const char *volume;
	bool mounted;
};

/* What a container mounts at that path itself stays. */
static bool mount_in(void *arg, json_t *container, const char *list, size_t index)
{
	struct mounting *m = arg;
	json_t *mount;
	size_t i;

	if (strcmp(list, "ephemeralContainers") == 0)
		return true;
	json_array_foreach (json_object_get(container, "volumeMounts"), i, mount)
		if (strcmp(json_path_string(mount, "mountPath"), MOUNT_PATH) == 0)
			return true;
	json_array_append_new(admission_array(container, "volumeMounts"),
			      json_pack("{s:s, s:b, s:s}", "name", m->volume, "readOnly", 1,
					"mountPath", MOUNT_PATH));
	m->mounted = true;
	return true;
}

static const char *present_volume(const json_t *pod)
{
	json_t *volume;
	size_t i;

	json_array_foreach (json_path(pod, "spec.volumes"), i, volume) {
		const char *name = json_path_string(volume, "name");

		if (strncmp(name, VOLUME_PREFIX, strlen(VOLUME_PREFIX)) == 0)
			return name;
	}
	return NULL;
}

static void mount_token(json_t *pod)
{
	const char *present = present_volume(pod);
	char *fresh free_ptr = present ? NULL : lifecycle_name(VOLUME_PREFIX);
	struct mounting m = {.volume = present ? present : fresh};

	admission_each_container(json_object_get(pod, "spec"), mount_in, &m);
	if (fresh && m.mounted)
		json_array_append_new(admission_array(pod, "spec.volumes"), token_volume(fresh));
}

/* The older field says the same, always. */
static void set_name(json_t *pod, const char *name)
{
	json_path_set(pod, "spec.serviceAccountName", json_string(name));
	json_path_set(pod, "spec.serviceAccount", json_string(name));
}

static int admit(struct admission *a, struct error **err)
{
	const json_t *account;

	/* The node checks that it reads back what it wrote for its own pods. */
	if (a->operation != ADMIT_CREATE || json_path(a->object, MIRROR))
		return 0;
	if (!*json_path_string(a->object, "spec.serviceAccountName"))
		set_name(a->object, DEFAULT_NAME);
	account = find_account(a, err);
	if (!account)
		return -1;
	if (wants_token(account, a->object))
		mount_token(a->object);
	if (!json_array_size(json_path(a->object, "spec.imagePullSecrets")) &&
	    json_array_size(json_object_get(account, "imagePullSecrets")))
		json_path_set(a->object, "spec.imagePullSecrets",
			      json_deep_copy(json_object_get(account, "imagePullSecrets")));
	return 0;
}

static bool lists_name(const json_t *list, const char *name)
{
	json_t *ref;
	size_t i;

	json_array_foreach (list, i, ref)
		if (strcmp(json_path_string(ref, "name"), name) == 0)
			return true;
	return false;
}

/* The secrets that a pod uses against those that its account lists. */
struct limiting {
	const struct admission *a;
	const json_t *account;
	struct error **err;
};

static bool refuse(struct limiting *l, const char *container, const char *what, const char *secret)
{
	admission_forbid(l->a, l->err,
			 "%s%s referencing secret.secretName=\"%s\" is not allowed because "
			 "service account %s does not reference that secret",
			 container, what, secret, json_path_string(l->account, "metadata.name"));
	return false;
}

static bool limit_container(void *arg, json_t *container, const char *list, size_t index)
{
	static const struct {
		const char *list, *words;
	} kinds[] = {{"initContainers", "init container"},
		     {"containers", "container"},
		     {"ephemeralContainers", "ephemeral container"}};
	struct limiting *l = arg;
	const json_t *mountable = json_object_get(l->account, "secrets");
	const char *words = "";
	char *where free_ptr = NULL;
	json_t *e;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].list, list) == 0)
			words = kinds[i].words;
	where = xasprintf("%s %s with ", words, json_path_string(container, "name"));
	json_array_foreach (json_object_get(container, "env"), i, e) {
		const char *secret = json_path_string(e, "valueFrom.secretKeyRef.name");
		char *what free_ptr = xasprintf("envVar %s", json_path_string(e, "name"));

		if (*secret && !lists_name(mountable, secret))
			return refuse(l, where, what, secret);
	}
	json_array_foreach (json_object_get(container, "envFrom"), i, e) {
		const char *secret = json_path_string(e, "secretRef.name");

		if (*secret && !lists_name(mountable, secret))
			return refuse(l, where, "envFrom", secret);
	}
	return true;
}

static int limit_volumes(struct limiting *l, struct error **err)
{
	const char *account = json_path_string(l->account, "metadata.name");
	json_t *v;
	size_t i;

	json_array_foreach (json_path(l->a->object, "spec.volumes"), i, v) {
		const char *secret = json_path_string(v, "secret.secretName");

		if (*secret && !lists_name(json_object_get(l->account, "secrets"), secret))
			return admission_forbid(
				l->a, err,
				"volume with secret.secretName=\"%s\" is not allowed because "
				"service account %s does not reference that secret",
				secret, account);
	}
	json_array_foreach (json_path(l->a->object, "spec.imagePullSecrets"), i, v) {
		const char *secret = json_path_string(v, "name");

		if (!lists_name(json_object_get(l->account, "imagePullSecrets"), secret))
			return admission_forbid(
				l->a, err,
				"imagePullSecrets[%zu].name=\"%s\" is not allowed because service "
				"account %s does not reference that imagePullSecret",
				i, secret, account);
	}
	return 0;
}

static bool names_secret(void *arg, json_t *container, const char *list, size_t index)
{
	json_t *e;
	size_t i;

	json_array_foreach (json_object_get(container, "env"), i, e)
		if (json_path(e, "valueFrom.secretKeyRef"))
			return false;
	json_array_foreach (json_object_get(container, "envFrom"), i, e)
		if (json_path(e, "secretRef"))
			return false;
	return true;
}

static int validate_mirror(const struct admission *a, struct error **err)
{
	bool secrets = json_array_size(json_path(a->object, "spec.imagePullSecrets")) > 0;
	json_t *volume, *source;
	size_t i, k;

	if (*json_path_string(a->object, "spec.serviceAccountName"))
		return admission_forbid(a, err, "a mirror pod may not reference service accounts");
	secrets |= !admission_each_container(json_path(a->object, "spec"), names_secret, NULL);
	json_array_foreach (json_path(a->object, "spec.volumes"), i, volume) {
		secrets |= json_path(volume, "secret") != NULL;
		json_array_foreach (json_path(volume, "projected.sources"), k, source) {
			secrets |= json_path(source, "secret") != NULL;
			if (json_path(source, "serviceAccountToken"))
				return admission_forbid(a, err,
							"a mirror pod may not use "
							"ServiceAccountToken volume projections");
		}
	}
	return secrets ? admission_forbid(a, err, "a mirror pod may not reference secrets") : 0;
}

static int validate(struct admission *a, struct error **err)
{
	bool created = a->operation == ADMIT_CREATE;
	const json_t *account;
	struct limiting l = {.a = a, .err = err};

	if (!created && strcmp(a->subresource, "ephemeralcontainers"))
		return 0;
	if (created && json_path(a->object, MIRROR))
		return validate_mirror(a, err);
	if (!*json_path_string(a->object, "spec.serviceAccountName"))
		return admission_forbid(a, err, "no service account specified for pod %s/%s",
					a->namespace, admission_name(a));
	l.account = account = find_account(a, err);
	if (!account)
		return -1;
	if (strcmp(json_path_string(account, ENFORCE), "true"))
		return 0;
	if (created && limit_volumes(&l, err) < 0)
		return -1;
	return admission_each_container(json_path(a->object, "spec"), limit_container, &l) ? 0 : -1;
}

const struct admission_plugin admission_service_account = {
	.name = "ServiceAccount",
	.operations = ADMIT_CREATE | ADMIT_UPDATE,
	.resources = {"pods", "pods/ephemeralcontainers"},
	.admit = admit,
	.validate = validate,
};
