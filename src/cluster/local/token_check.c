/*
 * Whose a service account token is. It is somebody's while its signature is ours, its time has not
 * passed, and the account and the object it is bound to are there with the uids that it names.
 *
 * What was verified is remembered by the token's hash, with the revision of the store at which the
 * objects were looked at: while the store has not changed since there is nothing to look at again,
 * and when it has, the objects are looked at, the signature is not. So a deletion counts for the
 * request that follows its answer.
 */
#include "cluster/local/tokens.h"

#include "base/map.h"
#include "base/mem.h"
#include "cluster/token_file.h"
#include "object/base64.h"
#include "object/json.h"
#include "object/time.h"

#include <openssl/crypto.h>
#include <stdatomic.h>
#include <string.h>

/* Clocks of one cluster differ by so much. */
#define LEEWAY_NS (60 * NS_PER_S)
#define REMEMBERED_MAX 4096
#define DAY_NS (24 * 3600 * NS_PER_S)

/* An object that must be there. */
struct needed {
	const struct resource *resource;
	char *namespace, *name, *uid;
	/* The word for what is missing: NULL: the object's own. */
	const char *lost;
};
#define NEEDED_MAX 2

/* A token whose signature was good. Immutable but for what the lock guards. */
struct verified {
	_Atomic unsigned refs;
	struct identity *who;
	json_t *audiences;	     /* read only */
	int64_t not_before, expires; /* wall ns */
	struct needed needed[NEEDED_MAX];
	size_t n_needed;
	bool legacy;
	/* Guarded by the authority's lock: the objects were there at this revision, and those of
	 * them that are on their way out go then. */
	uint64_t seen_revision;
	int64_t gone_at;
	int64_t noted_day; /* of a legacy token: when its use was noted last */
};

struct token_authority {
	char *dir;
	struct token_usage *usage;
	pthread_mutex_t lock; /* guards what follows */
	struct jwt_key *key;  /* NULL until it is needed */
	struct map *verified; /* by token_hash */
};

static void verified_unref(struct verified *v)
{
	if (!v || atomic_fetch_sub(&v->refs, 1) != 1)
		return;
	identity_unref(v->who);
	json_decref(v->audiences);
	for (size_t i = 0; i < v->n_needed; i++) {
		free(v->needed[i].namespace);
		free(v->needed[i].name);
		free(v->needed[i].uid);
	}
	free(v);
}
DEFINE_CLEANUP(struct verified *, verified_unref)

static void forget(void *v)
{
	verified_unref(v);
}

struct token_authority *token_authority_new(struct local *l, const char *dir)
{
	struct token_authority *t = xcalloc(1, sizeof(*t));

	t->dir = xstrdup(dir);
	t->usage = token_usage_new(l);
	pthread_mutex_init(&t->lock, NULL);
	t->verified = map_new();
	return t;
}

void token_authority_free(struct token_authority *t)
{
	if (!t)
		return;
	token_usage_free(t->usage);
	map_free(t->verified, forget);
	jwt_key_free(t->key);
	pthread_mutex_destroy(&t->lock);
	free(t->dir);
	free(t);
}

const struct jwt_key *token_authority_key(struct token_authority *t, struct error **err)
{
	char *path free_ptr = xasprintf("%s/pki/sa.key", t->dir);
	const struct jwt_key *key;

	pthread_mutex_lock(&t->lock);
	if (!t->key)
		t->key = jwt_key_open(path, err);
	key = t->key;
	pthread_mutex_unlock(&t->lock);
	return key;
}

/* ---- what a token says */

static void need(struct verified *v, const char *plural, const char *namespace, const json_t *ref,
		 const char *lost)
{
	struct catalog *builtin CLEANUP(catalog_unref_cleanup) = catalog_builtin();

	v->needed[v->n_needed++] = (struct needed){
		.resource = catalog_find(builtin, "", "v1", plural),
		.namespace = xstrdup(namespace),
		.name = xstrdup(json_path_string(ref, "name")),
		.uid = xstrdup(json_path_string(ref, "uid")),
		.lost = lost,
	};
}

static void add_extra(struct identity *who, const char *key, const char *value)
{
	char *full free_ptr = xasprintf("authentication.kubernetes.io/%s", key);

	if (*value)
		identity_add_extra(who, full, value);
}

static struct identity *account_identity(const char *namespace, const char *name, const char *uid)
{
	char *user free_ptr = xasprintf("system:serviceaccount:%s:%s", namespace, name);
	char *group free_ptr = xasprintf("system:serviceaccounts:%s", namespace);
	struct identity *who = identity_new(user, uid);

	identity_add_group(who, "system:serviceaccounts", SIZE_MAX);
	identity_add_group(who, group, SIZE_MAX);
	identity_authenticated(who);
	return who;
}

/* Of the account, then of what the token is bound to: a pod knows its node, which may go. */
static void read_bindings(const json_t *private, const char *namespace, struct verified *v)
{
	static const char lost[] = "service account token has been invalidated";
	const json_t *pod = json_object_get(private, "pod");
	const json_t *secret = json_object_get(private, "secret");
	const json_t *node = json_object_get(private, "node");

	need(v, "serviceaccounts", namespace, json_object_get(private, "serviceaccount"), NULL);
	if (secret)
		need(v, "secrets", namespace, secret, lost);
	else if (pod)
		need(v, "pods", namespace, pod, lost);
	else if (node)
		need(v, "nodes", "", node, lost);
	add_extra(v->who, "pod-name", json_path_string(pod, "name"));
	add_extra(v->who, "pod-uid", json_path_string(pod, "uid"));
	add_extra(v->who, "node-name", json_path_string(node, "name"));
	add_extra(v->who, "node-uid", json_path_string(node, "uid"));
}

static int64_t seconds_of(const json_t *claims, const char *key, int64_t fallback)
{
	json_int_t s = json_path_int(claims, key, -1);

	return s < 0 || s > INT64_MAX / NS_PER_S ? fallback : s * NS_PER_S;
}

static int read_claims(const json_t *claims, struct verified *v, struct error **err)
{
	const json_t *private = json_object_get(claims, "kubernetes.io");
	const char *namespace = json_path_string(private, "namespace");
	const char *name = json_path_string(private, "serviceaccount.name");
	const char *uid = json_path_string(private, "serviceaccount.uid");
	char *id free_ptr = xasprintf("JTI=%s", json_path_string(claims, "jti"));

	if (!*namespace || !*name || !*uid)
		return error_set(err, E_UNAUTHORIZED, "the token names no service account");
	v->who = account_identity(namespace, name, uid);
	v->audiences = json_deep_copy(json_object_get(claims, "aud"));
	v->not_before = seconds_of(claims, "nbf", 0);
	v->expires = seconds_of(claims, "exp", 0);
	read_bindings(private, namespace, v);
	add_extra(v->who, "credential-id", strcmp(id, "JTI=") ? id : "");
	return 0;
}

/* A token of a secret is good for ever, and as long as the secret holds it. */
static int read_legacy(const json_t *claims, struct verified *v, struct error **err)
{
#define CLAIM "[kubernetes.io/serviceaccount/"
	const char *namespace = json_path_string(claims, CLAIM "namespace]");
	const char *name = json_path_string(claims, CLAIM "service-account.name]");
	const char *uid = json_path_string(claims, CLAIM "service-account.uid]");
	const char *secret = json_path_string(claims, CLAIM "secret.name]");
#undef CLAIM
	json_t *account json_auto = json_pack("{s:s,s:s}", "name", name, "uid", uid);
	json_t *holder json_auto = json_pack("{s:s}", "name", secret);

	if (!*namespace || !*name || !*uid || !*secret)
		return error_set(err, E_UNAUTHORIZED, "the token names no service account");
	v->legacy = true;
	v->expires = INT64_MAX;
	v->who = account_identity(namespace, name, uid);
	v->audiences = json_pack("[s]", CLUSTER_AUDIENCE);
	if (strcmp(json_path_string(claims, "sub"), v->who->user.name) != 0)
		return error_set(err, E_UNAUTHORIZED, "sub claim is invalid");
	need(v, "secrets", namespace, holder, "Token has been invalidated");
	need(v, "serviceaccounts", namespace, account, NULL);
	return 0;
}

static struct verified *verify(struct token_authority *t, const char *token, struct error **err)
{
	json_t *said json_auto = jwt_claims(token);
	const char *issuer = json_path_string(said, "iss");
	bool legacy = strcmp(issuer, TOKEN_LEGACY_ISSUER) == 0;
	struct verified *v CLEANUP(verified_unref_cleanup) = NULL;
	const struct jwt_key *key;
	json_t *claims json_auto = NULL;

	/* What was never ours gets no other answer than what is no token at all. */
	if (!said || (!legacy && strcmp(issuer, TOKEN_ISSUER) != 0)) {
		error_set(err, E_UNAUTHORIZED, "invalid bearer token");
		return NULL;
	}
	key = token_authority_key(t, err);
	claims = key ? jwt_verify(key, token, err) : NULL;
	if (!claims)
		return NULL;
	v = xcalloc(1, sizeof(*v));
	v->refs = 1;
	if ((legacy ? read_legacy(claims, v, err) : read_claims(claims, v, err)) < 0)
		return NULL;
	return steal(&v);
}

/* ---- whether it still holds */

static int check_time(const struct verified *v, int64_t now, struct error **err)
{
	if (v->expires != INT64_MAX && now - LEEWAY_NS > v->expires)
		return error_set(err, E_UNAUTHORIZED, "service account token has expired");
	if (now + LEEWAY_NS < v->not_before)
		return error_set(err, E_UNAUTHORIZED, "service account token is not valid yet");
	return 0;
}

static bool has_text(const json_t *list, const char *text)
{
	const json_t *item;
	size_t i;

	if (json_is_string(list))
		return strcmp(json_string_value(list), text) == 0;
	json_array_foreach ((json_t *)list, i, item)
		if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
			return true;
	return false;
}

static void add_quoted(struct str *out, const char *text)
{
	str_addf(out, "%s", out->len ? " " : "");
	json_write_string(text, strlen(text), out);
}

static int refuse_audience(const struct verified *v, const char *const *asked, struct error **err)
{
	struct str own CLEANUP(str_release) = STR_INIT, wanted CLEANUP(str_release) = STR_INIT;
	const json_t *item;
	size_t i;

	json_array_foreach (v->audiences, i, item)
		if (json_is_string(item))
			add_quoted(&own, json_string_value(item));
	for (; *asked; asked++)
		add_quoted(&wanted, *asked);
	return error_set(err, E_UNAUTHORIZED,
			 "token audiences [%s] is invalid for the target audiences [%s]", own.s,
			 wanted.s);
}

static int take_audiences(const struct verified *v, const char *const *asked, char ***out,
			  struct error **err)
{
	size_t n = 0, found = 0;

	while (asked[n])
		n++;
	*out = xcalloc(n + 1, sizeof(**out));
	for (size_t i = 0; i < n; i++)
		if (has_text(v->audiences, asked[i]))
			(*out)[found++] = xstrdup(asked[i]);
	return found ? 0 : refuse_audience(v, asked, err);
}

/* The secret of a legacy token must still hold that very text. */
static int check_secret(const struct object *secret, const char *token, struct error **err)
{
	char *invalid free_ptr = object_label(secret, "kubernetes.io/legacy-token-invalid-since");
	char *text = object_string(secret, "data.token");
	struct str held CLEANUP(str_wipe) = STR_INIT;
	bool same = text && base64_decode(text, strlen(text), &held) && held.len == strlen(token) &&
		    CRYPTO_memcmp(held.s, token, held.len) == 0;

	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
	if (!same)
		return error_set(err, E_UNAUTHORIZED, "Token does not match server's copy");
	if (invalid && *invalid)
		return error_set(err, E_UNAUTHORIZED, "the token has been marked invalid");
	return 0;
}

/* *GONE_AT: when an object that is on its way out counts as gone. */
static int check_object(struct local *l, const struct verified *v, const struct needed *need,
			const char *token, int64_t *gone_at, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct object *o CLEANUP(object_unref_cleanup) =
		local_read(l, need->resource, need->namespace, need->name, &why);
	int64_t deleted = 0;

	if (!o && error_code(why) != E_NOT_FOUND)
		return error_move(err, steal(&why));
	if (!o)
		return error_set(err, E_UNAUTHORIZED, "%s",
				 need->lost ? need->lost : error_message(why));
	if (*need->uid && strcmp(need->uid, o->uid) != 0)
		return error_set(err, E_UNAUTHORIZED, "%s UID (%s) does not match claim (%s)",
				 need->resource->singular, o->uid, need->uid);
	if (*o->deletion_timestamp && time_parse(o->deletion_timestamp, &deleted) == 0)
		*gone_at = MIN(*gone_at, v->legacy ? 0 : deleted + LEEWAY_NS);
	return v->legacy && need->lost ? check_secret(o, token, err) : 0;
}

static int check_objects(struct local *l, struct verified *v, const char *token, int64_t now,
			 struct error **err)
{
	struct token_authority *t = l->tokens;
	uint64_t revision = store_revision(l->store);
	int64_t gone_at = INT64_MAX;
	bool fresh;

	pthread_mutex_lock(&t->lock);
	fresh = v->seen_revision == revision;
	if (fresh)
		gone_at = v->gone_at;
	pthread_mutex_unlock(&t->lock);
	for (size_t i = 0; !fresh && i < v->n_needed; i++)
		if (check_object(l, v, &v->needed[i], token, &gone_at, err) < 0)
			return -1;
	if (now > gone_at)
		return error_set(err, E_UNAUTHORIZED, "service account token has been invalidated");
	pthread_mutex_lock(&t->lock);
	v->seen_revision = revision;
	v->gone_at = gone_at;
	pthread_mutex_unlock(&t->lock);
	return 0;
}

/* ---- what is remembered */

static struct verified *recall(struct token_authority *t, const char *hash)
{
	struct verified *v;

	pthread_mutex_lock(&t->lock);
	v = map_get(t->verified, hash);
	if (v)
		atomic_fetch_add(&v->refs, 1);
	pthread_mutex_unlock(&t->lock);
	return v;
}

/* When there are too many all are forgotten: each comes back with one signature. */
static void remember(struct token_authority *t, const char *hash, struct verified *v)
{
	pthread_mutex_lock(&t->lock);
	if (map_count(t->verified) >= REMEMBERED_MAX)
		map_clear(t->verified, forget);
	atomic_fetch_add(&v->refs, 1);
	verified_unref(map_put(t->verified, hash, v));
	pthread_mutex_unlock(&t->lock);
}

static void drop(struct token_authority *t, const char *hash)
{
	pthread_mutex_lock(&t->lock);
	verified_unref(map_del(t->verified, hash));
	pthread_mutex_unlock(&t->lock);
}

/* Of a token that a secret keeps: needed[0] is the secret. Once a day. */
static void note_use(struct token_authority *t, struct verified *v, int64_t now)
{
	int64_t day = now / DAY_NS;
	bool noted;

	pthread_mutex_lock(&t->lock);
	noted = v->noted_day == day;
	v->noted_day = day;
	pthread_mutex_unlock(&t->lock);
	if (!noted)
		token_usage_note(t->usage, v->needed[0].namespace, v->needed[0].name);
}

int token_check(struct local *l, const char *token, const char *const *audiences,
		struct authentication *out, struct error **err)
{
	static const char *const ours[] = {CLUSTER_AUDIENCE, NULL};
	struct authentication found CLEANUP(authentication_release) = {0};
	struct verified *v CLEANUP(verified_unref_cleanup) = NULL;
	int64_t now = clock_wall(l->clock);
	char hash[TOKEN_HASH_TEXT];

	token_hash(token, hash);
	v = recall(l->tokens, hash);
	if (!v) {
		v = verify(l->tokens, token, err);
		if (!v)
			return -1;
		remember(l->tokens, hash, v);
	}
	if (take_audiences(v, audiences ? audiences : ours, &found.audiences, err) < 0)
		return -1;
	if (check_time(v, now, err) < 0 || check_objects(l, v, token, now, err) < 0) {
		drop(l->tokens, hash);
		return -1;
	}
	if (v->legacy)
		note_use(l->tokens, v, now);
	found.who = identity_ref(v->who);
	*out = found;
	found = (struct authentication){0};
	return 0;
}
