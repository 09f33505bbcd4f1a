/*
 * Where volumes come from: those of pods and those of persistent volumes, which share most types.
 */
#include "base/map.h"
#include "kinds/rules.h"
#include "object/json.h"

#include <string.h>

#define MODE_MAX 0777

/* A type of volume. A pod and a persistent volume may differ in what they need of it. */
struct source {
	const char *name;
	const char *told_as;	    /* in complaints about its fields, where that is another name */
	const char *told_as_second; /* likewise, as one too many */
	const char *required[4];
	bool beside_others;			 /* never one too many */
	void (*check)(const struct field *f);	 /* of both, or of a pod's */
	void (*check_pv)(const struct field *f); /* of a persistent volume's */
};

static void check_mode(const struct field *f)
{
	if (field_set(f) && (field_int(f) < 0 || field_int(f) > MODE_MAX))
		field_invalid(f, "must be a number between 0 and 0777 (octal), both inclusive");
}

void rule_no_backsteps(const struct field *f)
{
	const char *path = field_text(f);

	for (const char *p = strstr(path, ".."); p; p = strstr(p + 1, "..")) {
		if ((p != path && p[-1] != '/') || (p[2] && p[2] != '/'))
			continue;
		field_invalid(f, "must not contain '..'");
		return;
	}
}

void rule_relative_path(const struct field *f)
{
	if (*field_text(f) == '/')
		field_invalid(f, "must be a relative path");
	rule_no_backsteps(f);
}

/* A path that a volume writes: its own bookkeeping begins with two dots. */
static void check_written_path(const struct field *f)
{
	const char *path = field_text(f);

	rule_relative_path(f);
	if (str_has_prefix(path, "..") && path[2] != '/')
		field_invalid(f, "must not start with '..'");
}

static void check_items(const struct field *items)
{
	field_each (items, item) {
		field_require(FIELD(&item, "key"));
		field_require(FIELD(&item, "path"));
		check_written_path(FIELD(&item, "path"));
		check_mode(FIELD(&item, "mode"));
	}
}

static void check_keys_volume(const struct field *f)
{
	check_mode(FIELD(f, "defaultMode"));
	check_items(FIELD(f, "items"));
}

static void check_host_path(const struct field *f)
{
	static const char *const types[] = {
		"",	"BlockDevice",	"CharDevice", "Directory", "DirectoryOrCreate",
		"File", "FileOrCreate", "Socket",     NULL};

	if (!*field_text(FIELD(f, "path")))
		return;
	rule_no_backsteps(FIELD(f, "path"));
	if (field_set(FIELD(f, "type")))
		field_one_of(FIELD(f, "type"), types);
}

static void check_git_repo(const struct field *f)
{
	rule_relative_path(FIELD(f, "directory"));
}

static bool is_word_of(const char *s, size_t n, const char *other)
{
	for (size_t i = 0; i < n; i++) {
		bool alnum = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
			     (s[i] >= '0' && s[i] <= '9');

		if (!alnum && !(s[i] && strchr(other, s[i])))
			return false;
	}
	return n;
}

/* iqn.YYYY-MM.domain:name */
static bool is_iqn(const char *s)
{
	const char *colon = strchr(s, ':');

	return strlen(s) > 12 && s[3] == '.' && strspn(s + 4, "0123456789") == 4 && s[8] == '-' &&
	       strspn(s + 9, "0123456789") == 2 && s[11] == '.' && colon && colon > s + 12 &&
	       is_word_of(s + 12, (size_t)(colon - s) - 12, "-.") && colon[1] &&
	       !strpbrk(colon + 1, ",;*&$| \t\n\r\f");
}

static void check_iqn(const struct field *f)
{
	const char *s = field_text(f);
	bool good = str_has_prefix(s, "iqn")   ? is_iqn(s)
		    : str_has_prefix(s, "eui") ? strlen(s) == 20 && is_word_of(s + 4, 16, "")
		    : str_has_prefix(s, "naa") ? strlen(s) == 36 && is_word_of(s + 4, 32, "")
					       : false;

	if (*s && !good)
		field_invalid(f, "must be valid format");
}

static void check_iscsi(const struct field *f)
{
	check_iqn(FIELD(f, "iqn"));
	field_in_range(FIELD(f, "lun"), 0, 255);
	if ((field_bool(FIELD(f, "chapAuthDiscovery")) ||
	     field_bool(FIELD(f, "chapAuthSession"))) &&
	    !field_set(FIELD(f, "secretRef")))
		field_required(FIELD(f, "secretRef"), NULL);
	if (field_set(FIELD(f, "initiatorName"))) {
		struct field told = *FIELD(f, "initiatorName");

		told.name = "initiatorname";
		check_iqn(&told);
	}
}

static void check_fc(const struct field *f)
{
	const struct field *wwns = FIELD(f, "targetWWNs"), *lun = FIELD(f, "lun");
	bool ids = field_size(FIELD(f, "wwids"));

	if (!field_size(wwns) && !ids)
		field_required(wwns, "must specify either targetWWNs or wwids, but not both");
	if (!field_size(wwns))
		return;
	if (ids)
		field_invalid(wwns, "targetWWNs and wwids can not be specified simultaneously");
	if (!field_set(lun))
		field_required(lun, "lun is required if targetWWNs is specified");
	else
		field_in_range(lun, 0, 255);
}

static void check_partition(const struct field *f)
{
	const struct field *partition = FIELD(f, "partition");

	if (field_int(partition) < 0 || field_int(partition) > 255)
		field_invalid(partition, "must be between 1 and 255, inclusive");
}

static void check_nfs(const struct field *f)
{
	if (*field_text(FIELD(f, "path")) != '/')
		field_invalid_text(FIELD(f, "path"), field_text(FIELD(f, "path")),
				   "must be an absolute path");
}

static void check_quobyte(const struct field *f)
{
	static const char form[] = "must be a host:port pair or multiple pairs separated by commas";
	const struct field *registry = FIELD(f, "registry");
	const char *p = field_text(registry);

	if (!*p) {
		field_required(registry, form);
		return;
	}
	if (strlen(field_text(FIELD(f, "tenant"))) >= 65) {
		field_required(FIELD(f, "tenant"),
			       "must be a UUID and may not exceed a length of 64 characters");
		return;
	}
	for (; p; p = strchr(p, ','), p = p ? p + 1 : NULL)
		if (!memchr(p, ':', strcspn(p, ",")))
			field_invalid(registry, form);
}

static void check_glusterfs_pv(const struct field *f)
{
	const struct field *namespace = FIELD(f, "endpointsNamespace");

	if (field_set(namespace))
		field_check(namespace, name_dns_label);
}

static void check_flocker(const struct field *f)
{
	const struct field *name = FIELD(f, "datasetName");
	bool uuid = *field_text(FIELD(f, "datasetUUID"));

	if (!*field_text(name) && !uuid)
		field_required(f, "one of datasetName and datasetUUID is required");
	if (*field_text(name) && uuid)
		field_invalid_text(f, "resource",
				   "datasetName and datasetUUID can not be specified "
				   "simultaneously");
	if (strchr(field_text(name), '/'))
		field_invalid(name, "must not contain '/'");
}

static void check_secret_name(const struct field *f)
{
	if (field_set(FIELD(f, "secretRef")))
		field_require(FIELD(f, "secretRef.name"));
}

static void check_secret_name_and_namespace(const struct field *f)
{
	check_secret_name(f);
	if (field_set(FIELD(f, "secretRef")))
		field_require(FIELD(f, "secretRef.namespace"));
}

static void check_flex(const struct field *f)
{
	const struct field *options = FIELD(f, "options");

	field_each_key (options, option) {
		char *domain free_ptr = xstrndup(option.key, strcspn(option.key, "/"));

		if (name_in_kubernetes_domain(domain))
			field_invalid_text(&option, option.key,
					   "kubernetes.io and k8s.io namespaces are reserved");
	}
}

static void check_azure_file_pv(const struct field *f)
{
	const struct field *namespace = FIELD(f, "secretNamespace");

	if (field_set(namespace))
		field_require(namespace);
}

static void check_azure_disk(const struct field *f)
{
	static const char *const caching[] = {"None", "ReadOnly", "ReadWrite", NULL};
	static const char *const kinds[] = {"Dedicated", "Managed", "Shared", NULL};
	static const char *const managed[] = {
		"/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/"
		"disks/{disk-id}",
		NULL};
	static const char *const blob[] = {
		"https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd",
		NULL};
	const struct field *uri = FIELD(f, "diskURI"), *kind = FIELD(f, "kind");
	bool is_managed = field_is(kind, "Managed");

	field_one_of_optional(FIELD(f, "cachingMode"), caching);
	field_one_of_optional(kind, kinds);
	if (field_set(kind) &&
	    !str_has_prefix(field_text(uri), is_managed ? "/subscriptions/" : "https://"))
		field_not_supported(uri, is_managed ? managed : blob);
}

static void check_local(const struct field *f)
{
	rule_no_backsteps(FIELD(f, "path"));
}

static void check_storage_os(const struct field *f)
{
	field_check_optional(FIELD(f, "volumeName"), name_dns_label);
	field_check_optional(FIELD(f, "volumeNamespace"), name_dns_label);
	check_secret_name(f);
}

static void check_storage_os_pv(const struct field *f)
{
	check_storage_os(f);
	if (field_set(FIELD(f, "secretRef")))
		field_require(FIELD(f, "secretRef.namespace"));
}

void rule_csi_driver_name(const struct field *f)
{
	char *small free_ptr = xstrdup(field_text(f));
	const char *why[NAME_PROBLEMS];
	size_t n;

	if (!field_require(f))
		return;
	if (strlen(small) > 63)
		field_too_long(f, 63);
	for (char *p = small; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	n = name_dns_subdomain(small, why);
	for (size_t i = 0; i < n; i++)
		field_invalid_text(f, field_text(f), why[i]);
}

static void check_csi(const struct field *f)
{
	const struct field *secret = FIELD(f, "nodePublishSecretRef");

	rule_csi_driver_name(FIELD(f, "driver"));
	if (!field_set(secret) || !field_require(FIELD(secret, "name")))
		return;
	field_check_text(FIELD(f, "name"), field_text(FIELD(secret, "name")), name_dns_subdomain);
}

static void check_csi_pv(const struct field *f)
{
	static const char *const secrets[] = {"controllerPublishSecretRef",
					      "controllerExpandSecretRef", "nodePublishSecretRef",
					      "nodeExpandSecretRef"};

	rule_csi_driver_name(FIELD(f, "driver"));
	field_require(FIELD(f, "volumeHandle"));
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		const struct field *s = FIELD(f, secrets[i]);

		if (!field_set(s))
			continue;
		field_check_required(FIELD(s, "name"), name_dns_subdomain);
		field_check_required(FIELD(s, "namespace"), name_dns_label);
	}
}

/* In the order in which the server looks at them: the second one that is there is one too many. */
static const struct source pv_sources[] = {
	{"hostPath", .required = {"path"}, .check = check_host_path},
	{"gcePersistentDisk", "persistentDisk", .required = {"pdName"}, .check = check_partition},
	{"awsElasticBlockStore", .required = {"volumeID"}, .check = check_partition},
	{"glusterfs", .required = {"endpoints", "path"}, .check_pv = check_glusterfs_pv},
	{"flocker", .check = check_flocker},
	{"nfs", .required = {"server", "path"}, .check = check_nfs},
	{"rbd", .required = {"monitors", "image"}},
	{"quobyte", .required = {"volume"}, .check = check_quobyte},
	{"cephfs", NULL, "cephFS", .required = {"monitors"}},
	{"iscsi", .required = {"targetPortal", "iqn"}, .check = check_iscsi},
	{"cinder", .required = {"volumeID"}, .check_pv = check_secret_name_and_namespace},
	{"fc", .check = check_fc},
	{"flexVolume", .required = {"driver"}, .beside_others = true, .check = check_flex},
	{"azureFile", .required = {"secretName", "shareName"}, .check_pv = check_azure_file_pv},
	{"vsphereVolume", .required = {"volumePath"}},
	{"photonPersistentDisk", .required = {"pdID"}},
	{"portworxVolume", .required = {"volumeID"}},
	{"azureDisk", .required = {"diskName", "diskURI"}, .check = check_azure_disk},
	{"scaleIO", .required = {"gateway", "system", "volumeName"}},
	{"local", .required = {"path"}, .check = check_local},
	{"storageos", .required = {"volumeName"}, .check_pv = check_storage_os_pv},
	{"csi", .check_pv = check_csi_pv},
};

static void check_source(const struct field *up, const struct source *s, bool persistent)
{
	struct field f = *FIELD(up, s->name);

	if (s->told_as)
		f.name = s->told_as;
	for (size_t i = 0; i < ARRAY_SIZE(s->required) && s->required[i]; i++)
		field_require(FIELD(&f, s->required[i]));
	if (persistent && s->check_pv)
		s->check_pv(&f);
	else if (s->check)
		s->check(&f);
}

/* The first source that is there, or NULL. */
static const struct source *check_sources(const struct field *up, const struct source *sources,
					  size_t n, bool persistent)
{
	uint64_t there = field_members(up, &sources->name, sizeof(*sources), n);
	const struct source *first = NULL;
	size_t met = 0;

	for (size_t i = 0; there >> i; i++) {
		struct field f = {.up = up, .name = sources[i].name, .errors = up->errors};

		if (!(there >> i & 1))
			continue;
		if (!first)
			first = &sources[i];
		if (!met++ || sources[i].beside_others) {
			check_source(up, &sources[i], persistent);
			continue;
		}
		if (sources[i].told_as_second)
			f.name = sources[i].told_as_second;
		field_forbidden(&f, "may not specify more than 1 volume type");
	}
	if (!met)
		field_required(up, "must specify a volume type");
	return first;
}

void rule_pv_source(const struct field *spec, const char *name)
{
	const struct field *iscsi = FIELD(spec, "iscsi");
	const struct source *first = check_sources(spec, pv_sources, ARRAY_SIZE(pv_sources), true);

	if (first && strcmp(first->name, "iscsi") == 0 &&
	    field_set(FIELD(iscsi, "initiatorName")) &&
	    strlen(name) + 1 + strlen(field_text(FIELD(iscsi, "targetPortal"))) > 64)
		field_invalid_text(FIELD(iscsi, "targetportal"),
				   field_text(FIELD(iscsi, "targetPortal")),
				   "Total length of <volume name>:<iscsi.targetPortal> must be "
				   "under 64 characters if iscsi.initiatorName is specified.");
	if (first && strcmp(first->name, "local") == 0 && !field_set(FIELD(spec, "nodeAffinity")))
		field_required(FIELD(spec, "nodeAffinity"), "Local volume requires node affinity");
}

static void check_empty_dir(const struct field *f)
{
	struct quantity q;

	if (field_quantity(FIELD(f, "sizeLimit"), &q) && q.nano < 0)
		field_forbidden(FIELD(f, "sizeLimit"),
				"SizeLimit field must be a valid resource quantity");
}

static void check_downward_file(const struct field *file, const struct field *told_at)
{
	struct field f = *told_at;

	f.value = file->value;
	field_require(FIELD(&f, "path"));
	check_written_path(FIELD(&f, "path"));
	rule_downward_refs(&f, true);
	check_mode(FIELD(&f, "mode"));
}

static void check_downward(const struct field *f)
{
	const struct field *items = FIELD(f, "items");

	check_mode(FIELD(f, "defaultMode"));
	field_each (items, item)
		check_downward_file(&item, f);
}

/* A volume may not put two things at one path. */
static void note_path(const struct field *f, struct seen *paths, const char *path,
		      const char *value)
{
	if (*path && seen_add(paths, path))
		field_invalid_text(f, value, "conflicting duplicate paths");
}

static void check_projected_keys(const struct field *f, const struct field *volume,
				 struct seen *paths)
{
	const struct field *items = FIELD(f, "items");

	field_require(FIELD(f, "name"));
	check_items(items);
	field_each (items, item)
		note_path(volume, paths, json_path_string(item.value, "path"),
			  field_text(FIELD(f, "name")));
}

static void check_projected_downward(const struct field *f, const struct field *volume,
				     struct seen *paths)
{
	const struct field *items = FIELD(f, "items");

	field_each (items, item) {
		const char *path = json_path_string(item.value, "path");

		check_downward_file(&item, f);
		note_path(volume, paths, path, path);
	}
}

static void check_projected_token(const struct field *f, const struct field *volume,
				  struct seen *paths)
{
	const struct field *seconds = FIELD(f, "expirationSeconds");
	struct field path = *FIELD(f, "path");

	(void)paths;
	if (field_int(seconds) < 600)
		field_invalid(seconds, "may not specify a duration less than 10 minutes");
	if (field_int(seconds) > 1ll << 32)
		field_invalid(seconds, "may not specify a duration larger than 2^32 seconds");
	path.up = volume;
	if (field_require(&path))
		check_written_path(&path);
}

static void check_trust_bundle_name(const struct field *f)
{
	if (!*field_text(f))
		field_required(f, "must be a valid object name");
	field_check(f, name_dns_subdomain);
}

static void check_projected_bundle(const struct field *f, const struct field *volume,
				   struct seen *paths)
{
	const struct field *name = FIELD(f, "name"), *signer = FIELD(f, "signerName");
	const struct field *path = FIELD(f, "path"), *selector = FIELD(f, "labelSelector");

	if (field_set(name) && field_set(signer)) {
		field_invalid(f, "only one of name and signerName may be used");
	} else if (field_set(name)) {
		check_trust_bundle_name(name);
		if (field_set(selector))
			field_invalid(selector, "labelSelector must be unset if name is specified");
	} else if (field_set(signer)) {
		if (!*field_text(signer))
			field_required(signer, "must be a valid signer name");
		rule_signer_name(signer);
		rule_label_selector(selector);
	} else {
		field_required(f, "either name or signerName must be specified");
	}
	field_require(path);
	check_written_path(path);
	note_path(volume, paths, field_text(path), field_text(path));
}

static void check_projected_certificate(const struct field *f, const struct field *volume,
					struct seen *paths)
{
	static const char *const members[] = {"credentialBundlePath", "keyPath",
					      "certificateChainPath"};
	static const char *const types[] = {"RSA3072",	 "RSA4096", "ECDSAP256", "ECDSAP384",
					    "ECDSAP521", "ED25519", NULL};
	const struct field *seconds = FIELD(f, "maxExpirationSeconds");
	size_t n = 0;

	rule_signer_name(FIELD(f, "signerName"));
	field_one_of(FIELD(f, "keyType"), types);
	if (field_set(seconds) && field_int(seconds) < 3600)
		field_invalid(seconds, "if provided, maxExpirationSeconds must be >= 3600");
	if (field_int(seconds) > 7862400)
		field_invalid(seconds, "if provided, maxExpirationSeconds must be <= 7862400");
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const struct field *path = FIELD(f, members[i]);

		if (!*field_text(path))
			continue;
		n++;
		check_written_path(path);
		note_path(volume, paths, field_text(path), field_text(path));
	}
	if (!n)
		field_required(f, "specify at least one of credentialBundlePath, keyPath, and "
				  "certificateChainPath");
}

static void check_projected(const struct field *f)
{
	static const struct {
		const char *name;
		void (*check)(const struct field *f, const struct field *volume,
			      struct seen *paths);
	} kinds[] = {
		{"secret", check_projected_keys},
		{"configMap", check_projected_keys},
		{"downwardAPI", check_projected_downward},
		{"serviceAccountToken", check_projected_token},
		{"clusterTrustBundle", check_projected_bundle},
		{"podCertificate", check_projected_certificate},
	};
	struct seen paths CLEANUP(seen_release) = SEEN_INIT;
	const struct field *sources = FIELD(f, "sources");

	check_mode(FIELD(f, "defaultMode"));
	field_each (sources, source) {
		uint64_t there = FIELD_MEMBERS(&source, kinds);

		for (size_t i = 0; there >> i; i++)
			if (there >> i & 1)
				kinds[i].check(FIELD(&source, kinds[i].name), f, &paths);
		if (there & (there - 1))
			field_forbidden(&source,
					"may not specify more than 1 volume type per source");
	}
}

static void check_ephemeral(const struct field *f)
{
	const struct field *template = FIELD(f, "volumeClaimTemplate");

	if (field_set(template))
		rule_claim_template(template);
	else
		field_required(template, NULL);
}

static void check_image(const struct field *f)
{
	static const char *const policies[] = {"Always", "IfNotPresent", "Never", NULL};

	field_one_of_required(FIELD(f, "pullPolicy"), policies);
}

static const struct source pod_sources[] = {
	{"emptyDir", .check = check_empty_dir},
	{"hostPath", .required = {"path"}, .check = check_host_path},
	{"gitRepo", .required = {"repository"}, .check = check_git_repo},
	{"gcePersistentDisk", "persistentDisk", .required = {"pdName"}, .check = check_partition},
	{"awsElasticBlockStore", .required = {"volumeID"}, .check = check_partition},
	{"secret", .required = {"secretName"}, .check = check_keys_volume},
	{"nfs", .required = {"server", "path"}, .check = check_nfs},
	{"iscsi", .required = {"targetPortal", "iqn"}, .check = check_iscsi},
	{"glusterfs", .required = {"endpoints", "path"}},
	{"flocker", .check = check_flocker},
	{"persistentVolumeClaim", .required = {"claimName"}},
	{"rbd", .required = {"monitors", "image"}},
	{"cinder", .required = {"volumeID"}, .check = check_secret_name},
	{"cephfs", NULL, "cephFS", .required = {"monitors"}},
	{"quobyte", .required = {"volume"}, .check = check_quobyte},
	{"downwardAPI", NULL, "downwarAPI", .check = check_downward},
	{"fc", .check = check_fc},
	{"flexVolume", .required = {"driver"}, .check = check_flex},
	{"configMap", .required = {"name"}, .check = check_keys_volume},
	{"azureFile", .required = {"secretName", "shareName"}},
	{"vsphereVolume", .required = {"volumePath"}},
	{"photonPersistentDisk", .required = {"pdID"}},
	{"portworxVolume", .required = {"volumeID"}},
	{"azureDisk", .required = {"diskName", "diskURI"}, .check = check_azure_disk},
	{"storageos", .required = {"volumeName"}, .check = check_storage_os},
	{"projected", .check = check_projected},
	{"scaleIO", .required = {"gateway", "system", "volumeName"}},
	{"csi", .check = check_csi},
	{"ephemeral", .check = check_ephemeral},
	{"image", .check = check_image},
};

/* The claim that an ephemeral volume makes is named after pod and volume. */
static void check_claim_name(const struct field *volume, const char *pod)
{
	const char *name = json_path_string(volume->value, "name"), *why;
	char *claim free_ptr = NULL;
	char *detail free_ptr = NULL;

	if (!*pod || !*name || !field_set(FIELD(volume, "ephemeral")))
		return;
	claim = xasprintf("%s-%s", pod, name);
	why = name_problem(name_dns_subdomain, claim);
	if (!why)
		return;
	detail = xasprintf("PVC name \"%s\": %s", claim, why);
	field_invalid(FIELD(volume, "name"), detail);
}

static void check_volume(const struct field *v, const char *pod, bool is_pod)
{
	const struct field *iscsi = FIELD(v, "iscsi");

	check_sources(v, pod_sources, ARRAY_SIZE(pod_sources), false);
	if (is_pod && field_set(FIELD(v, "image")))
		field_require(FIELD(v, "image.reference"));
	check_claim_name(v, pod);
	if (field_set(FIELD(iscsi, "initiatorName")) &&
	    strlen(field_text(FIELD(v, "name"))) + 1 +
			    strlen(field_text(FIELD(iscsi, "targetPortal"))) >
		    64)
		field_invalid(FIELD(v, "name"),
			      "Total length of <volume name>:<iscsi.targetPortal> must be under 64 "
			      "characters if iscsi.initiatorName is specified.");
}

/* What ephemeral volumes make is theirs. */
static void check_claims_apart(const struct field *volumes, const char *pod)
{
	struct seen made CLEANUP(seen_release) = SEEN_INIT;

	if (!*pod)
		return;
	field_each (volumes, v) {
		char *claim free_ptr = NULL;

		if (!field_set(FIELD(&v, "ephemeral")))
			continue;
		claim = xasprintf("%s-%s", pod, json_path_string(v.value, "name"));
		seen_add(&made, claim);
	}
	field_each (volumes, v) {
		const struct field *name = FIELD(&v, "persistentVolumeClaim.claimName");

		if (field_set(name) && seen_has(&made, field_text(name)))
			field_invalid(name, "must not reference a PVC that gets created for an "
					    "ephemeral volume");
	}
}

void rule_volumes(const struct field *volumes, const struct field *owner, struct map *good)
{
	const char *pod = owner ? json_path_string(owner->value, "name") : "";

	field_each (volumes, v) {
		const struct field *name = FIELD(&v, "name");
		size_t before = field_errors_count(v.errors);

		check_volume(&v, pod, owner != NULL);
		field_check_required(name, name_dns_label);
		if (map_get(good, field_text(name)))
			field_duplicate(name);
		if (field_errors_count(v.errors) == before)
			map_put(good, field_text(name), (void *)v.value);
	}
	check_claims_apart(volumes, pod);
}
