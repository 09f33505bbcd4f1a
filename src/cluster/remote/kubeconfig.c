#include "cluster/remote/kubeconfig.h"

#include "base/vec.h"
#include "cluster/remote/kubeconfig_entry.h"
#include "cluster/remote/plugin.h"
#include "object/base64.h"
#include "object/json.h"

#include <string.h>
#include <strings.h>
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
	kubeconfig_texts_release(&k->headers);
	if (k->plugin)
		plugin_config_release(k->plugin);
	free(steal(&k->plugin));
}

void kubeconfig_texts_release(struct kubeconfig_texts *t)
{
	vec_each (t, text)
		free(*text);
	vec_release(t);
}

static bool has_scheme(const char *url, const char *const *schemes)
{
	for (; *schemes; schemes++) {
		size_t n = strlen(*schemes);

		if (!strncasecmp(url, *schemes, n) && str_has_prefix(url + n, "://"))
			return true;
	}
	return false;
}

static int check_urls(const struct entry *e, const struct kubeconfig *k, struct error **err)
{
	static const char *const server[] = {"https", "http", NULL};
	static const char *const proxy[] = {"https", "http", "socks5", "socks5h", NULL};

	if (!has_scheme(k->server, server))
		return entry_broken(e, err, "the scheme of its server is neither https nor http");
	if (k->proxy && !has_scheme(k->proxy, proxy))
		return entry_broken(e, err,
				    "the scheme of proxy-url is none of http, https, socks5");
	return 0;
}

static int read_cluster(const struct entry *e, struct kubeconfig *k, struct error **err)
{
	if (entry_text(e, "server", &k->server, err) < 0 ||
	    entry_text(e, "tls-server-name", &k->tls_server_name, err) < 0 ||
	    entry_text(e, "proxy-url", &k->proxy, err) < 0 ||
	    entry_bool(e, "insecure-skip-tls-verify", &k->insecure, err) < 0 ||
	    entry_pem(e, "certificate-authority", &k->ca, err) < 0)
		return -1;
	if (!k->server)
		return entry_broken(e, err, "it names no server");
	if (k->insecure && k->ca)
		return entry_broken(
			e, err,
			"a certificate authority and insecure-skip-tls-verify exclude each other");
	/* A bare "host:port" is plain HTTP to client-go; it is no more secure here. */
	if (!strstr(k->server, "://")) {
		char *bare free_ptr = k->server;

		k->server = xasprintf("http://%s", bare);
	}
	return check_urls(e, k, err);
}

/* What a plugin is told of the cluster; the kubeconfig may have something for it alone. */
static char *cluster_info(const struct entry *cluster, const struct kubeconfig *k)
{
	struct str text = STR_INIT, ca CLEANUP(str_release) = STR_INIT;
	json_t *info json_auto = json_pack("{s:s}", "server", k->server);
	json_t *e;
	size_t i;

	if (k->tls_server_name)
		json_object_set_new(info, "tls-server-name", json_string(k->tls_server_name));
	if (k->insecure)
		json_object_set_new(info, "insecure-skip-tls-verify", json_true());
	if (k->proxy)
		json_object_set_new(info, "proxy-url", json_string(k->proxy));
	if (k->ca) {
		base64_encode(k->ca, strlen(k->ca), &ca);
		json_object_set_new(info, "certificate-authority-data", json_string(ca.s));
	}
	json_array_foreach (json_object_get(cluster->tree, "extensions"), i, e) {
		if (str_equal(json_string_value(json_object_get(e, "name")),
			      "client.authentication.k8s.io/exec"))
			json_object_set(info, "config", json_object_get(e, "extension"));
	}
	json_write(info, &text);
	return str_take(&text);
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
			return entry_broken(out, err, "it is empty");
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
	    entry_text(&context, "cluster", &cluster_name, err) < 0 ||
	    entry_text(&context, "user", &user_name, err) < 0 ||
	    entry_text(&context, "namespace", &k->namespace, err) < 0)
		return -1;
	if (!cluster_name)
		return entry_broken(&context, err, "it names no cluster");
	if (find_entry(files, "clusters", "cluster", cluster_name, &cluster, err) < 0 ||
	    read_cluster(&cluster, k, err) < 0)
		return error_wrap(err, "context \"%s\"", name);
	if (user_name && (find_entry(files, "users", "user", user_name, &user, err) < 0 ||
			  kubeconfig_read_user(&user, k, err) < 0))
		return error_wrap(err, "context \"%s\"", name);
	if (k->plugin && k->plugin->provide_cluster)
		k->plugin->cluster = cluster_info(&cluster, k);
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

static bool has_text(const struct kubeconfig_texts *t, const char *text)
{
	vec_each (t, own) {
		if (!strcmp(*own, text))
			return true;
	}
	return false;
}

int kubeconfig_contexts(const char *path, struct kubeconfig_texts *out, struct error **err)
{
	struct kubeconfig_files files CLEANUP(kubeconfig_files_release) = {0};
	size_t i;
	json_t *e;

	if (kubeconfig_files_read(path, &files, err) < 0)
		return -1;
	vec_each (&files, file) {
		json_array_foreach (json_object_get(file->tree, "contexts"), i, e) {
			const char *name = json_string_value(json_object_get(e, "name"));

			if (name && *name && !has_text(out, name))
				vec_push(out, xstrdup(name));
		}
	}
	if (out->n)
		return 0;
	if (files.n)
		return error_set(err, E_NOT_FOUND, "%s: it has no contexts", files.v[0].path);
	return error_set(
		err, E_NOT_FOUND,
		"no kubeconfig: $KUBECONFIG and ~/.kube/config name no file that is there");
}
