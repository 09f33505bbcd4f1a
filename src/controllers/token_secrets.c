/*
 * Secrets of type kubernetes.io/service-account-token hold a token of the account that they name,
 * which ends with the secret: they are filled, and go with their account.
 */
#include "controllers/common.h"
#include "controllers/controllers.h"

#include "object/base64.h"
#include "object/json.h"
#include "object/jwt.h"

#include <string.h>

#define TYPE "kubernetes.io/service-account-token"
#define NAME_PATH "metadata.annotations[kubernetes.io/service-account.name]"
#define UID_PATH "metadata.annotations[kubernetes.io/service-account.uid]"
#define INDEX_ACCOUNT "account"
/* Where an API server tells what its certificates are signed with. */
#define CA_NAMESPACE "kube-system"
#define CA_NAME "extension-apiserver-authentication"

static bool is_token(const struct object *o)
{
	return json_span_equal(object_find(o, "type"), "\"" TYPE "\"");
}

/* Index: "namespace/name" of the account. */
static void index_by_account(const struct object *o, index_emit *emit, void *emit_arg)
{
	char *name free_ptr = is_token(o) ? object_string(o, NAME_PATH) : NULL;
	char *key free_ptr = xasprintf("%s/%s", o->namespace, name ? name : "");

	if (name && *name)
		emit(emit_arg, key);
}

static void map_secret(struct controller *c, struct object *old, struct object *new_)
{
	const struct object *o = new_ ? new_ : old;

	if (is_token(o))
		controller_enqueue(c, o->namespace, o->name);
}

static void enqueue(struct controller *c, const struct object_list *secrets)
{
	vec_each (secrets, o)
		if (is_token(*o))
			controller_enqueue(c, (*o)->namespace, (*o)->name);
}

static void map_account(struct controller *c, struct object *old, struct object *new_)
{
	const struct object *o = new_ ? new_ : old;
	char *key free_ptr = xasprintf("%s/%s", o->namespace, o->name);
	struct object_list secrets CLEANUP(object_list_release) = {0};

	informer_by_index(controller_informer(c, "", "secrets"), INDEX_ACCOUNT, key, &secrets);
	enqueue(c, &secrets);
}

static void map_ca(struct controller *c, struct object *old, struct object *new_)
{
	const struct object *o = new_ ? new_ : old;
	struct object_list secrets CLEANUP(object_list_release) = {0};

	if (strcmp(o->namespace, CA_NAMESPACE) != 0 || strcmp(o->name, CA_NAME) != 0)
		return;
	informer_list(controller_informer(c, "", "secrets"), "", &secrets);
	enqueue(c, &secrets);
}

/* ---- a secret that is gone */

static int drop_reference(struct controller *c, const struct object *account, const char *name,
			  struct error **err)
{
	json_t *tree json_auto = object_tree(account);
	json_t *list = json_object_get(tree, "secrets");
	size_t before = json_array_size(list);

	for (size_t i = before; i-- > 0;)
		if (strcmp(text_at(json_array_get(list, i), "name"), name) == 0)
			json_array_remove(list, i);
	return json_array_size(list) == before ? 0
					       : object_write(c, "", "serviceaccounts", tree, err);
}

/* No account mentions it any more. */
static int drop_references(struct controller *c, const char *namespace, const char *name,
			   struct error **err)
{
	struct object_list accounts CLEANUP(object_list_release) = {0};

	informer_list(controller_informer(c, "", "serviceaccounts"), namespace, &accounts);
	vec_each (&accounts, account)
		if (object_find(*account, "secrets").p &&
		    drop_reference(c, *account, name, err) < 0)
			return -1;
	return 0;
}

/* ---- a secret that is there */

/* The account that SECRET names: as the informer knows it, and where it knows none as it really is.
 * *OUT NULL: there is none. */
static int find_account(struct controller *c, const json_t *secret, struct object **out,
			struct error **err)
{
	struct informer *accounts = controller_informer(c, "", "serviceaccounts");
	const char *namespace = text_at(secret, "metadata.namespace");
	const char *name = text_at(secret, NAME_PATH), *uid = text_at(secret, UID_PATH);
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	*out = informer_get(accounts, namespace, name);
	if (!*out &&
	    cluster_get(controller_cluster(c), controller_call(c), informer_resource(accounts),
			namespace, name, out, &why) < 0 &&
	    error_code(why) != E_NOT_FOUND)
		return error_move(err, steal(&why));
	if (*out && *uid && strcmp(uid, (*out)->uid) != 0) {
		object_unref(*out);
		*out = NULL;
	}
	return 0;
}

static void set_data(json_t *secret, const char *key, const char *text)
{
	struct str base64 CLEANUP(str_wipe) = STR_INIT;

	base64_encode(text, strlen(text), &base64);
	if (!json_is_object(json_object_get(secret, "data")))
		json_object_set_new(secret, "data", json_object());
	json_object_set_new(json_object_get(secret, "data"), key, json_string(base64.s));
}

static bool has_data(const json_t *secret, const char *key, const char *text)
{
	const char *held = json_string_value(json_object_get(json_object_get(secret, "data"), key));
	struct str base64 CLEANUP(str_release) = STR_INIT;

	if (!text)
		return held && *held;
	base64_encode(text, strlen(text), &base64);
	return held && strcmp(held, base64.s) == 0;
}

static int set_token(struct controller *c, json_t *secret, const struct object *account,
		     struct error **err)
{
	const struct controllers_options *options = controller_state(c);
	struct jwt_key *key CLEANUP(jwt_key_free_cleanup) = jwt_key_open(options->token_key, err);
	char *subject free_ptr =
		xasprintf("system:serviceaccount:%s:%s", account->namespace, account->name);
	struct str token CLEANUP(str_wipe) = STR_INIT;
	json_t *claims json_auto = json_pack(
		"{s:s,s:s,s:s,s:s,s:s,s:s}", "iss", "kubernetes/serviceaccount", "sub", subject,
		"kubernetes.io/serviceaccount/namespace", account->namespace,
		"kubernetes.io/serviceaccount/secret.name", text_at(secret, "metadata.name"),
		"kubernetes.io/serviceaccount/service-account.name", account->name,
		"kubernetes.io/serviceaccount/service-account.uid", account->uid);

	if (!key || jwt_sign(key, claims, &token, err) < 0)
		return -1;
	set_data(secret, "token", token.s);
	return 0;
}

static int fill(struct controller *c, json_t *secret, const struct object *account,
		struct error **err)
{
	struct object *source CLEANUP(object_unref_cleanup) =
		informer_get(controller_informer(c, "", "configmaps"), CA_NAMESPACE, CA_NAME);
	char *ca free_ptr = source ? object_string(source, "data.client-ca-file") : NULL;
	bool ca_good = !ca || !*ca || has_data(secret, "ca.crt", ca);

	if (ca_good && has_data(secret, "namespace", NULL) && has_data(secret, "token", NULL))
		return 0;
	if (!ca_good)
		set_data(secret, "ca.crt", ca);
	if (!has_data(secret, "namespace", NULL))
		set_data(secret, "namespace", account->namespace);
	if (!has_data(secret, "token", NULL) && set_token(c, secret, account, err) < 0)
		return -1;
	json_path_set(secret, UID_PATH, json_string(account->uid));
	return object_write(c, "", "secrets", secret, err);
}

static int sync(struct controller *c, const char *key, struct error **err)
{
	char *namespace free_ptr = NULL, *name free_ptr = NULL;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct object *account CLEANUP(object_unref_cleanup) = NULL;
	json_t *secret json_auto = NULL;

	controller_split_key(key, &namespace, &name);
	o = informer_get(controller_informer(c, "", "secrets"), namespace, name);
	if (!o)
		return drop_references(c, namespace, name, err);
	if (!is_token(o) || *o->deletion_timestamp)
		return 0;
	secret = object_tree(o);
	if (find_account(c, secret, &account, err) < 0)
		return -1;
	return account ? fill(c, secret, account, err) : object_remove(c, "", "secrets", o, err);
}

const struct reconciler reconciler_token_secrets = {
	.name = "serviceaccount-token-controller",
	.watches = {{.group = "",
		     .plural = "secrets",
		     .map = map_secret,
		     .index = INDEX_ACCOUNT,
		     .index_keys = index_by_account},
		    {.group = "", .plural = "serviceaccounts", .map = map_account},
		    {.group = "", .plural = "configmaps", .map = map_ca}},
	.workers = 1,
	.sync = sync,
};
