#include "cluster/remote/kubeconfig.h"

#include "base/vec.h"
#include "cluster/remote/kubeconfig_file.h"
#include "object/base64.h"
#include "object/json.h"

#include <string.h>
#include <unistd.h>

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

void kubeconfig_release(struct kubeconfig *k)
{
	char **all[] = {&k->server,	     &k->namespace,  &k->context,  &k->proxy,
			&k->tls_server_name, &k->ca,	     &k->cert,	   &k->key,
			&k->token,	     &k->token_file, &k->username, &k->password};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (*all[i])
			explicit_bzero(*all[i], strlen(*all[i]));
		free(*all[i]);
		*all[i] = NULL;
	}
}

/* A cluster, user or context of one file: what messages say of it and where its paths begin. */
struct entry {
	const struct kubeconfig_file *file;
	const char *what, *name;
	const json_t *tree;
};

static int broken(const struct entry *e, struct error **err, const char *why)
{
	return error_set(err, E_BAD_REQUEST, "%s: %s \"%s\": %s", e->file->path, e->what, e->name,
			 why);
}

/* A text of an entry, owned; NULL where there is none. */
static int take_text(const struct entry *e, const char *key, char **out, struct error **err)
{
	const json_t *value = json_object_get(e->tree, key);

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return error_set(err, E_BAD_REQUEST, "%s: %s \"%s\": %s is not a string",
				 e->file->path, e->what, e->name, key);
	if (*json_string_value(value))
		*out = xstrdup(json_string_value(value));
	return 0;
}

static int take_bool(const struct entry *e, const char *key, bool *out, struct error **err)
{
	const json_t *value = json_object_get(e->tree, key);

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_boolean(value))
		return error_set(err, E_BAD_REQUEST, "%s: %s \"%s\": %s is neither true nor false",
				 e->file->path, e->what, e->name, key);
	*out = json_is_true(value);
	return 0;
}

/* NULL when TEXT is no base64 of something. */
static char *decode_base64(const char *text)
{
	struct str bytes CLEANUP(str_release) = STR_INIT;

	return base64_decode(text, strlen(text), &bytes) && bytes.len ? str_take(&bytes) : NULL;
}

/* A PEM text out of KEY-data or, where that is missing, the file KEY names. */
static int take_pem(const struct entry *e, const char *key, char **out, struct error **err)
{
	char *data_key free_ptr = xasprintf("%s-data", key);
	char *data free_ptr = NULL, *path free_ptr = NULL, *full free_ptr = NULL;

	if (take_text(e, data_key, &data, err) < 0 || take_text(e, key, &path, err) < 0)
		return -1;
	if (!data && !path)
		return 0;
	if (data) {
		*out = decode_base64(data);
		if (!*out)
			return error_set(err, E_BAD_REQUEST, "%s: %s \"%s\": %s is not base64",
					 e->file->path, e->what, e->name, data_key);
	} else {
		full = kubeconfig_path(e->file, path);
		*out = kubeconfig_slurp(full, err);
		if (!*out)
			return error_wrap(err, "%s: %s \"%s\": %s", e->file->path, e->what, e->name,
					  key);
	}
	if (!strstr(*out, "-----BEGIN "))
		return error_set(err, E_BAD_REQUEST, "%s: %s \"%s\": %s holds no PEM text",
				 e->file->path, e->what, e->name, data ? data_key : key);
	return 0;
}

static int read_cluster(const struct entry *e, struct kubeconfig *k, struct error **err)
{
	if (take_text(e, "server", &k->server, err) < 0 ||
	    take_text(e, "tls-server-name", &k->tls_server_name, err) < 0 ||
	    take_text(e, "proxy-url", &k->proxy, err) < 0 ||
	    take_bool(e, "insecure-skip-tls-verify", &k->insecure, err) < 0 ||
	    take_pem(e, "certificate-authority", &k->ca, err) < 0)
		return -1;
	if (!k->server)
		return broken(e, err, "it names no server");
	if (k->insecure && k->ca)
		return broken(
			e, err,
			"a certificate authority and insecure-skip-tls-verify exclude each other");
	/* A bare "host:port" is plain HTTP to client-go; it is no more secure here. */
	if (!strstr(k->server, "://")) {
		char *bare free_ptr = k->server;

		k->server = xasprintf("http://%s", bare);
	}
	return 0;
}

static int read_user(const struct entry *e, struct kubeconfig *k, struct error **err)
{
	char *file free_ptr = NULL;

	if (take_text(e, "token", &k->token, err) < 0 ||
	    take_text(e, "tokenFile", &file, err) < 0 ||
	    take_text(e, "username", &k->username, err) < 0 ||
	    take_text(e, "password", &k->password, err) < 0 ||
	    take_pem(e, "client-certificate", &k->cert, err) < 0 ||
	    take_pem(e, "client-key", &k->key, err) < 0)
		return -1;
	if (file)
		k->token_file = kubeconfig_path(e->file, file);
	if (!k->cert != !k->key)
		return broken(e, err,
			      k->cert ? "a client certificate without its key"
				      : "a client key without its certificate");
	if ((k->token || k->token_file) && k->username)
		return broken(e, err, "a token and a password exclude each other");
	if (json_object_get(e->tree, "exec") || json_object_get(e->tree, "auth-provider"))
		return error_set(
			err, E_NOT_SUPPORTED,
			"%s: user \"%s\" logs in by a plugin (exec or auth-provider), which is "
			"not spoken here; a token or a client certificate is",
			e->file->path, e->name);
	return 0;
}

/* The first definition of NAME among the files: it decides alone. */
static int find_entry(const struct kubeconfig_files *files, const char *list, const char *key,
		      const char *name, struct entry *out, struct error **err)
{
	vec_each (files, file) {
		size_t i;
		json_t *e;

		json_array_foreach (json_object_get(file->tree, list), i, e) {
			const char *own = json_string_value(json_object_get(e, "name"));

			if (!own || strcmp(own, name))
				continue;
			*out = (struct entry){file, key, name, json_object_get(e, key)};
			if (json_is_object(out->tree))
				return 0;
			return broken(out, err, "it is empty");
		}
	}
	return error_set(err, E_NOT_FOUND, "no %s \"%s\" in the kubeconfig (%s)", key, name,
			 files->v[0].path);
}

static const char *current_context(const struct kubeconfig_files *files)
{
	vec_each (files, file) {
		const char *s = json_string_value(json_object_get(file->tree, "current-context"));

		if (s && *s)
			return s;
	}
	return NULL;
}

static int read_context(const struct kubeconfig_files *files, const char *name,
			struct kubeconfig *k, struct error **err)
{
	struct entry context, cluster, user;
	char *cluster_name free_ptr = NULL, *user_name free_ptr = NULL;

	if (find_entry(files, "contexts", "context", name, &context, err) < 0 ||
	    take_text(&context, "cluster", &cluster_name, err) < 0 ||
	    take_text(&context, "user", &user_name, err) < 0 ||
	    take_text(&context, "namespace", &k->namespace, err) < 0)
		return -1;
	if (!cluster_name)
		return broken(&context, err, "it names no cluster");
	if (find_entry(files, "clusters", "cluster", cluster_name, &cluster, err) < 0 ||
	    read_cluster(&cluster, k, err) < 0)
		return error_wrap(err, "context \"%s\"", name);
	if (user_name && (find_entry(files, "users", "user", user_name, &user, err) < 0 ||
			  read_user(&user, k, err) < 0))
		return error_wrap(err, "context \"%s\"", name);
	k->context = xstrdup(name);
	return 0;
}

/* A pod's own service account. */
static int in_cluster(struct kubeconfig *k, struct error **err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");

	if (!host || !port)
		return error_set(
			err, E_NOT_FOUND,
			"no kubeconfig: $KUBECONFIG and ~/.kube/config name no file that is "
			"there, and this is no pod of a cluster");
	k->server = xasprintf(strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port);
	k->token_file = xstrdup(SERVICE_ACCOUNT "token");
	k->ca = kubeconfig_slurp(SERVICE_ACCOUNT "ca.crt", err);
	if (!k->ca)
		return -1;
	k->namespace = kubeconfig_slurp(SERVICE_ACCOUNT "namespace", NULL);
	if (k->namespace)
		k->namespace[strcspn(k->namespace, " \r\n")] = '\0';
	return 0;
}

int kubeconfig_load(const char *path, const char *context, struct kubeconfig *out,
		    struct error **err)
{
	struct kubeconfig_files files CLEANUP(kubeconfig_files_release) = {0};
	struct kubeconfig k CLEANUP(kubeconfig_release) = {0};
	int rc;

	if (kubeconfig_files_read(path, &files, err) < 0)
		return -1;
	if (!files.n) {
		rc = in_cluster(&k, err);
	} else {
		if (!context || !*context)
			context = current_context(&files);
		if (!context)
			return error_set(err, E_NOT_FOUND,
					 "%s: there is no current-context, and none was asked for",
					 files.v[0].path);
		rc = read_context(&files, context, &k, err);
	}
	if (rc < 0)
		return -1;
	*out = k;
	k = (struct kubeconfig){0};
	return 0;
}
