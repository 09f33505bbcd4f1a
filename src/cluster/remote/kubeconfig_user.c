#include "cluster/remote/kubeconfig_entry.h"

#include "base/vec.h"
#include "cluster/remote/plugin.h"
#include "object/json.h"

#include <ctype.h>
#include <string.h>

/* A header's value: no control characters, which could begin another header. */
static int check_header(const struct entry *e, const char *key, const char *text,
			struct error **err)
{
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return entry_broken(e, err, "%s holds a control character", key);
	}
	return 0;
}

static int add_header(const struct entry *e, const char *key, const char *header, const char *value,
		      struct kubeconfig *k, struct error **err)
{
	if (check_header(e, key, value, err) < 0)
		return -1;
	vec_push(&k->headers, xasprintf("%s: %s", header, value));
	return 0;
}

/* The name of an extra field in a header's name: what is no token (RFC 7230) as %XX. */
static void add_field_name(const char *name, struct str *out)
{
	for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
		if (isalnum(*p) || strchr("!#$&'*+-.^_`|~", *p))
			str_addc(out, (char)*p);
		else
			str_addf(out, "%%%02X", *p);
	}
}

static int read_extra(const struct entry *e, const char *key, const json_t *values,
		      struct kubeconfig *k, struct error **err)
{
	struct str header CLEANUP(str_release) = STR_INIT;
	size_t i;
	json_t *value;

	str_adds(&header, "Impersonate-Extra-");
	add_field_name(key, &header);
	if (!*key || !json_is_array(values))
		return entry_broken(e, err, "as-user-extra is not a mapping to lists");
	json_array_foreach (values, i, value) {
		if (!json_is_string(value))
			return entry_broken(e, err, "as-user-extra holds what is not a string");
		if (add_header(e, "as-user-extra", header.s, json_string_value(value), k, err) < 0)
			return -1;
	}
	return 0;
}

/* Whom the user wants to be taken for: headers of every request. */
static int read_impersonation(const struct entry *e, struct kubeconfig *k, struct error **err)
{
	struct kubeconfig_texts groups CLEANUP(kubeconfig_texts_release) = {0};
	char *as free_ptr = NULL, *uid free_ptr = NULL;
	json_t *extra = json_object_get(e->tree, "as-user-extra");
	const char *key;
	json_t *values;

	if (entry_text(e, "as", &as, err) < 0 || entry_text(e, "as-uid", &uid, err) < 0 ||
	    entry_texts(e, "as-groups", &groups, err) < 0)
		return -1;
	if (extra && !json_is_object(extra) && !json_is_null(extra))
		return entry_broken(e, err, "as-user-extra is not a mapping to lists");
	if (!as && (uid || groups.n || json_object_size(extra)))
		return entry_broken(e, err,
				    "as-uid, as-groups and as-user-extra need as, the user's name");
	if (as && add_header(e, "as", "Impersonate-User", as, k, err) < 0)
		return -1;
	if (uid && add_header(e, "as-uid", "Impersonate-Uid", uid, k, err) < 0)
		return -1;
	vec_each (&groups, group) {
		if (add_header(e, "as-groups", "Impersonate-Group", *group, k, err) < 0)
			return -1;
	}
	json_object_foreach (extra, key, values) {
		if (read_extra(e, key, values, k, err) < 0)
			return -1;
	}
	return 0;
}

static int read_environment(const struct entry *exec, struct plugin_config *p, struct error **err)
{
	json_t *list = json_object_get(exec->tree, "env"), *e;
	size_t i;

	if (list && !json_is_array(list) && !json_is_null(list))
		return entry_broken(exec, err, "exec.env is not a list");
	json_array_foreach (list, i, e) {
		const char *name = json_string_value(json_object_get(e, "name"));
		json_t *value = json_object_get(e, "value");

		if (!name || !*name || strchr(name, '='))
			return entry_broken(exec, err, "exec.env has a variable without a name");
		if (value && !json_is_string(value) && !json_is_null(value))
			return entry_broken(exec, err, "exec.env: %s is not a string", name);
		vec_push(&p->env,
			 xasprintf("%s=%s", name,
				   value && json_is_string(value) ? json_string_value(value) : ""));
	}
	return 0;
}

static int read_mode(const struct entry *exec, struct plugin_config *p, struct error **err)
{
	static const char *const words[] = {
		[PLUGIN_IF_AVAILABLE] = "IfAvailable",
		[PLUGIN_NEVER] = "Never",
		[PLUGIN_ALWAYS] = "Always",
	};
	char *mode free_ptr = NULL;

	if (entry_text(exec, "interactiveMode", &mode, err) < 0)
		return -1;
	if (!mode && !strcmp(p->api_version, PLUGIN_V1))
		return entry_broken(
			exec, err, "exec of %s needs interactiveMode: Never, IfAvailable or Always",
			PLUGIN_V1);
	for (size_t i = 0; mode && i < ARRAY_SIZE(words); i++) {
		if (!strcmp(words[i], mode)) {
			p->mode = (enum plugin_mode)i;
			return 0;
		}
	}
	return mode ? entry_broken(exec, err,
				   "exec.interactiveMode is none of Never, IfAvailable, Always")
		    : 0;
}

static int check_version(const struct entry *exec, const char *version, struct error **err)
{
	if (!version)
		return entry_broken(exec, err, "exec names no apiVersion");
	if (!strcmp(version, PLUGIN_V1) || !strcmp(version, PLUGIN_V1BETA1))
		return 0;
	return error_set(err, E_NOT_SUPPORTED,
			 "%s: user \"%s\": exec speaks %s; %s and %s are spoken here, and so by "
			 "newer versions of the plugin",
			 exec->file->path, exec->name, version, PLUGIN_V1, PLUGIN_V1BETA1);
}

/* A command with a slash is relative to the kubeconfig, another is looked for in $PATH. */
static int read_exec(const struct entry *user, const json_t *tree, struct plugin_config *p,
		     struct error **err)
{
	const struct entry exec = {user->file, user->what, user->name, tree};
	char *command free_ptr = NULL;

	if (!json_is_object(tree))
		return entry_broken(user, err, "exec is not a mapping");
	if (entry_text(&exec, "command", &command, err) < 0 ||
	    entry_text(&exec, "apiVersion", &p->api_version, err) < 0 ||
	    entry_text(&exec, "installHint", &p->install_hint, err) < 0 ||
	    entry_bool(&exec, "provideClusterInfo", &p->provide_cluster, err) < 0 ||
	    entry_texts(&exec, "args", &p->args, err) < 0)
		return -1;
	if (!command)
		return entry_broken(user, err, "exec names no command");
	if (check_version(&exec, p->api_version, err) < 0 || read_mode(&exec, p, err) < 0 ||
	    read_environment(&exec, p, err) < 0)
		return -1;
	p->command = strchr(command, '/') ? kubeconfig_path(user->file, command) : steal(&command);
	return 0;
}

/* What else tells who asks: with a token, a password or a certificate no plugin is asked. */
static bool has_own(const struct kubeconfig *k)
{
	return k->token || k->token_file || k->username || k->cert;
}

static int read_programs(const struct entry *e, struct kubeconfig *k, struct error **err)
{
	const json_t *exec = json_object_get(e->tree, "exec");
	const json_t *provider = json_object_get(e->tree, "auth-provider");

	if (exec && !json_is_null(exec)) {
		struct plugin_config p CLEANUP(plugin_config_release) = {0};

		if (provider && !json_is_null(provider))
			return entry_broken(e, err, "exec and auth-provider exclude each other");
		if (read_exec(e, exec, &p, err) < 0)
			return -1;
		if (!has_own(k)) {
			k->plugin = xmemdup(&p, sizeof(p));
			p = (struct plugin_config){0};
		}
		return 0;
	}
	if (provider && !json_is_null(provider) && !has_own(k))
		return error_set(err, E_NOT_SUPPORTED,
				 "%s: user \"%s\" logs in by an auth-provider, which is not spoken "
				 "here; use the provider's exec plugin, a token or a certificate",
				 e->file->path, e->name);
	return 0;
}

int kubeconfig_read_user(const struct entry *e, struct kubeconfig *k, struct error **err)
{
	char *file free_ptr = NULL;

	if (entry_text(e, "token", &k->token, err) < 0 ||
	    entry_text(e, "tokenFile", &file, err) < 0 ||
	    entry_text(e, "username", &k->username, err) < 0 ||
	    entry_text(e, "password", &k->password, err) < 0 ||
	    entry_pem(e, "client-certificate", &k->cert, err) < 0 ||
	    entry_pem(e, "client-key", &k->key, err) < 0)
		return -1;
	if (file)
		k->token_file = kubeconfig_path(e->file, file);
	if (!k->cert != !k->key)
		return entry_broken(e, err,
				    k->cert ? "a client certificate without its key"
					    : "a client key without its certificate");
	if ((k->token || k->token_file) && (k->username || k->password))
		return entry_broken(e, err, "a token and a password exclude each other");
	if (read_programs(e, k, err) < 0)
		return -1;
	return read_impersonation(e, k, err);
}
