/* Bearer tokens: those of a file, and service accounts' own. */
#include "local_fixture.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cluster/token_file.h"
#include "object/base64.h"
#include "object/json.h"
#include "object/jwt.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define START_S 1764000000LL

static struct local_fixture f;
static struct clock *clock_now;
/* Of the first cluster that was asked for a token. It takes longer to make than all else: the next
 * ones find it in its place. */
static struct str kept_key;

static void give_key(void)
{
	char *folder free_ptr = xasprintf("%s/pki", f.directory);
	char *path free_ptr = xasprintf("%s/sa.key", folder);

	if (!kept_key.len)
		return;
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(file_create(path, kept_key.s, kept_key.len, NULL), 0);
}

static void keep_key(void)
{
	char *path free_ptr = xasprintf("%s/pki/sa.key", f.directory);

	if (!kept_key.len && !access(path, F_OK))
		assert_int_equal(file_read(path, 1 << 14, &kept_key, NULL), 0);
}

static int setup(void **state)
{
	struct cluster_config config = {0};

	clock_now = clock_fake_new(START_S * NS_PER_S);
	config.clock = clock_now;
	fixture_open(&f, &config);
	give_key();
	fixture_make(&f, "namespaces", "", "{'metadata':{'name':'n'}}");
	fixture_make(&f, "serviceaccounts", "n", "{'metadata':{'name':'robot'}}");
	fixture_make(&f, "serviceaccounts", "n", "{'metadata':{'name':'default'}}");
	fixture_make(&f, "nodes", "", "{'metadata':{'name':'node-1'}}");
	fixture_make(&f, "pods", "n",
		     "{'metadata':{'name':'p'},'spec':{'serviceAccountName':'robot',"
		     "'nodeName':'node-1','containers':[{'name':'c','image':'i'}]}}");
	fixture_make(&f, "secrets", "n", "{'metadata':{'name':'s'}}");
	return 0;
}

static int teardown(void **state)
{
	keep_key();
	fixture_close(&f);
	clock_fake_free(clock_now);
	return 0;
}

/* ---- asking */

static json_t *ask_for(const char *account, const char *spec, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct str json CLEANUP(str_release) = STR_INIT;

	str_addf(&json, "{\"spec\":%s}", spec);
	for (char *p = json.s; *p; p++)
		if (*p == '\'')
			*p = '"';
	if (cluster_create(f.cluster, NULL, fixture_type(&f, "serviceaccounts"), "n", account,
			   "token", json.s, json.len, NULL, &o, err) < 0)
		return NULL;
	return object_tree(o);
}

static char *token_for(const char *spec)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *answer json_auto = ask_for("robot", spec, &err);

	if (!answer)
		fail_msg("%s", error_message(err));
	return xstrdup(json_path_string(answer, "status.token"));
}

static void request_refused(const char *spec, enum error_code code, const char *message)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_null(ask_for("robot", spec, &err));
	if (message)
		assert_string_equal(error_message(err), message);
	assert_int_equal(error_code(err), code);
}

static void a_request_is_answered_with_what_was_granted(void **state)
{
	json_t *answer json_auto = ask_for("robot", "{}", NULL);
	json_t *account json_auto = fixture_get(&f, "serviceaccounts", "n", "robot");
	json_t *claims json_auto = jwt_claims(json_path_string(answer, "status.token"));

	assert_text(answer, "kind", "TokenRequest");
	assert_text(answer, "apiVersion", "authentication.k8s.io/v1");
	assert_text(answer, "metadata.name", "robot");
	assert_text(answer, "metadata.uid", json_path_string(account, "metadata.uid"));
	assert_text(answer, "spec.audiences[0]", CLUSTER_AUDIENCE);
	assert_int_equal(json_path_int(answer, "spec.expirationSeconds", 0), 3600);
	assert_text(answer, "status.expirationTimestamp", "2025-11-24T17:00:00Z");
	assert_text(claims, "iss", CLUSTER_AUDIENCE);
	assert_text(claims, "sub", "system:serviceaccount:n:robot");
	assert_text(claims, "aud[0]", CLUSTER_AUDIENCE);
	assert_int_equal(json_path_int(claims, "iat", 0), START_S);
	assert_int_equal(json_path_int(claims, "nbf", 0), START_S);
	assert_int_equal(json_path_int(claims, "exp", 0), START_S + 3600);
	assert_int_equal(strlen(json_path_string(claims, "jti")), 36);
	assert_text(claims, "[kubernetes.io].namespace", "n");
	assert_text(claims, "[kubernetes.io].serviceaccount.name", "robot");
}

static void what_cannot_be_granted_is_refused(void **state)
{
	request_refused("{'expirationSeconds':599}", E_INVALID,
			"TokenRequest.authentication.k8s.io \"\" is invalid: "
			"spec.expirationSeconds: Invalid value: 599: may not specify a duration "
			"less than 10 minutes");
	request_refused("{'expirationSeconds':4294967297}", E_INVALID,
			"TokenRequest.authentication.k8s.io \"\" is invalid: "
			"spec.expirationSeconds: Invalid value: 4294967297: may not specify a "
			"duration larger than 2^32 seconds");
	request_refused("{'boundObjectRef':{'apiVersion':'v1','kind':'Pod','name':'none'}}",
			E_NOT_FOUND, "pods \"none\" not found");
	request_refused("{'boundObjectRef':{'apiVersion':'v1','kind':'Secret','name':'s',"
			"'uid':'other'}}",
			E_CONFLICT, NULL);
	request_refused("{'boundObjectRef':{'apiVersion':'apps/v1','kind':'Deployment',"
			"'name':'x'}}",
			E_BAD_REQUEST,
			"cannot bind token to object of type apps/v1, Kind=Deployment");
}

static void a_pod_binds_tokens_of_its_own_account(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_null(ask_for("default", "{'boundObjectRef':{'kind':'Pod','name':'p'}}", &err));
	assert_int_equal(error_code(err), E_BAD_REQUEST);
	error_clear(&err);
	assert_null(ask_for("nobody", "{}", &err));
	assert_string_equal(error_message(err), "serviceaccounts \"nobody\" not found");
}

/* ---- believing */

static int believe(const char *token, const char *audience, struct authentication *out,
		   struct error **err)
{
	const char *const audiences[] = {audience, NULL};

	*out = (struct authentication){0};
	return cluster_authenticate(f.cluster, NULL, token, audience ? audiences : NULL, out, err);
}

static void believed(const char *token)
{
	struct authentication a CLEANUP(authentication_release);
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	if (believe(token, NULL, &a, &err) < 0)
		fail_msg("%s", error_message(err));
	assert_string_equal(a.who->user.name, "system:serviceaccount:n:robot");
}

static void refused(const char *token, const char *why)
{
	struct authentication a;
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_int_equal(believe(token, NULL, &a, &err), -1);
	assert_int_equal(error_code(err), E_UNAUTHORIZED);
	assert_string_equal(error_message(err), why);
}

static const char *extra(const struct user *user, const char *key)
{
	for (const struct user_extra *e = user->extra; e->key; e++)
		if (strcmp(e->key, key) == 0)
			return e->values[0];
	return "";
}

static void remove_object(const char *type, const char *namespace, const char *name)
{
	const struct delete_options options = {.grace_period_s = 0};

	assert_int_equal(cluster_delete(f.cluster, NULL, fixture_type(&f, type), namespace, name,
					&options, NULL, NULL, NULL),
			 0);
}

static void a_token_is_its_accounts(void **state)
{
	char *token free_ptr = token_for("{}");
	struct authentication a CLEANUP(authentication_release);
	json_t *account json_auto = fixture_get(&f, "serviceaccounts", "n", "robot");

	for (int again = 0; again < 2; again++) {
		assert_int_equal(believe(token, NULL, &a, NULL), 0);
		assert_string_equal(a.who->user.uid, json_path_string(account, "metadata.uid"));
		assert_string_equal(a.who->user.groups[0], "system:serviceaccounts");
		assert_string_equal(a.who->user.groups[1], "system:serviceaccounts:n");
		assert_string_equal(a.who->user.groups[2], "system:authenticated");
		assert_null(a.who->user.groups[3]);
		assert_string_equal(a.audiences[0], CLUSTER_AUDIENCE);
		assert_null(a.audiences[1]);
		if (!again)
			authentication_release(&a);
	}
	assert_true(str_has_prefix(
		extra(&a.who->user, "authentication.kubernetes.io/credential-id"), "JTI="));
}

static void a_bound_token_tells_the_pod_and_its_node(void **state)
{
	char *token free_ptr = token_for("{'boundObjectRef':{'kind':'Pod','name':'p'}}");
	json_t *pod json_auto = fixture_get(&f, "pods", "n", "p");
	json_t *node json_auto = fixture_get(&f, "nodes", "", "node-1");
	struct authentication a CLEANUP(authentication_release);
	const struct user *user;

	assert_int_equal(believe(token, NULL, &a, NULL), 0);
	user = &a.who->user;
	assert_string_equal(extra(user, "authentication.kubernetes.io/pod-name"), "p");
	assert_string_equal(extra(user, "authentication.kubernetes.io/pod-uid"),
			    json_path_string(pod, "metadata.uid"));
	assert_string_equal(extra(user, "authentication.kubernetes.io/node-name"), "node-1");
	assert_string_equal(extra(user, "authentication.kubernetes.io/node-uid"),
			    json_path_string(node, "metadata.uid"));
	/* The node may go; the pod may not. */
	remove_object("nodes", "", "node-1");
	believed(token);
	remove_object("pods", "n", "p");
	refused(token, "service account token has been invalidated");
}

static void audiences_are_those_asked_for(void **state)
{
	char *token free_ptr = token_for("{'audiences':['vault','db']}");
	const char *const both[] = {"db", "mail", "vault", NULL};
	struct authentication a CLEANUP(authentication_release) = {0};

	refused(token, "token audiences [\"vault\" \"db\"] is invalid for the target audiences "
		       "[\"https://kubernetes.default.svc\"]");
	assert_int_equal(cluster_authenticate(f.cluster, NULL, token, both, &a, NULL), 0);
	assert_string_equal(a.audiences[0], "db");
	assert_string_equal(a.audiences[1], "vault");
	assert_null(a.audiences[2]);
}

static void a_token_ends(void **state)
{
	char *token free_ptr = token_for("{'expirationSeconds':600}");

	believed(token);
	clock_fake_advance(clock_now, 660 * NS_PER_S);
	believed(token);
	clock_fake_advance(clock_now, NS_PER_S);
	refused(token, "service account token has expired");
	/* And is not believed again because it was forgotten. */
	refused(token, "service account token has expired");
}

/* The answer to the deletion is the last moment at which its token was good. */
static void a_deleted_account_has_no_token(void **state)
{
	char *token free_ptr = token_for("{}");

	believed(token);
	believed(token);
	remove_object("serviceaccounts", "n", "robot");
	refused(token, "serviceaccounts \"robot\" not found");
	fixture_make(&f, "serviceaccounts", "n", "{'metadata':{'name':'robot'}}");
	struct authentication a;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	assert_int_equal(believe(token, NULL, &a, &err), -1);
	assert_non_null(strstr(error_message(err), "does not match claim"));
}

static void what_a_token_is_bound_to_ends_it(void **state)
{
	static const struct {
		const char *spec, *type, *namespace, *name;
	} cases[] = {
		{"{'boundObjectRef':{'kind':'Node','name':'node-1'}}", "nodes", "", "node-1"},
		{"{'boundObjectRef':{'kind':'Secret','name':'s'}}", "secrets", "n", "s"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *token free_ptr = token_for(cases[i].spec);

		believed(token);
		remove_object(cases[i].type, cases[i].namespace, cases[i].name);
		refused(token, "service account token has been invalidated");
	}
}

/* A pod that waits for its end keeps its token for a minute. */
static void a_pod_on_its_way_out_keeps_it_for_a_while(void **state)
{
	char *token free_ptr = token_for("{'boundObjectRef':{'kind':'Pod','name':'p'}}");
	const struct delete_options options = {.grace_period_s = 0};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *held json_auto =
		fixture_patch(&f, "pods", "n", "p", NULL,
			      "{'metadata':{'finalizers':['example.com/hold']}}", &err);
	bool gone = true;

	assert_non_null(held);
	assert_int_equal(cluster_delete(f.cluster, NULL, fixture_type(&f, "pods"), "n", "p",
					&options, NULL, &gone, NULL),
			 0);
	assert_false(gone);
	believed(token);
	clock_fake_advance(clock_now, 60 * NS_PER_S);
	believed(token);
	clock_fake_advance(clock_now, NS_PER_S);
	refused(token, "service account token has been invalidated");
}

/* What a pod's volume asks for lives longer than it was asked for, and says so. */
static void the_token_of_a_volume_lives_for_a_year(void **state)
{
	char *token free_ptr =
		token_for("{'expirationSeconds':3607,'boundObjectRef':{'kind':'Pod','name':'p'}}");
	char *other free_ptr = token_for("{'expirationSeconds':3607}");
	json_t *claims json_auto = jwt_claims(token);
	json_t *plain json_auto = jwt_claims(other);

	assert_int_equal(json_path_int(claims, "exp", 0), START_S + 365 * 24 * 3600);
	assert_int_equal(json_path_int(claims, "[kubernetes.io].warnafter", 0), START_S + 3607);
	assert_int_equal(json_path_int(plain, "exp", 0), START_S + 3607);
	assert_null(json_path(plain, "[kubernetes.io].warnafter"));
}

/* Made with the first token. */
static struct jwt_key *key_of_cluster(void)
{
	char *first free_ptr = token_for("{}");
	char *path free_ptr = xasprintf("%s/pki/sa.key", f.directory);

	return jwt_key_open(path, NULL);
}

static char *legacy_token(const char *uid)
{
	struct jwt_key *key CLEANUP(jwt_key_free_cleanup) = key_of_cluster();
	struct str token CLEANUP(str_release) = STR_INIT;
	json_t *claims json_auto =
		json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "iss", "kubernetes/serviceaccount", "sub",
			  "system:serviceaccount:n:robot", "kubernetes.io/serviceaccount/namespace",
			  "n", "kubernetes.io/serviceaccount/secret.name", "s",
			  "kubernetes.io/serviceaccount/service-account.name", "robot",
			  "kubernetes.io/serviceaccount/service-account.uid", uid);

	assert_int_equal(jwt_sign(key, claims, &token, NULL), 0);
	return str_take(&token);
}

static void keep_in_secret(const char *token)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *changed json_auto = NULL;
	char *patch free_ptr = NULL;

	base64_encode(token, strlen(token), &text);
	patch = xasprintf("{'data':{'token':'%s'}}", text.s);
	changed = fixture_patch(&f, "secrets", "n", "s", NULL, patch, NULL);
	assert_non_null(changed);
}

static void a_secrets_token_is_good_while_the_secret_holds_it(void **state)
{
	json_t *account json_auto = fixture_get(&f, "serviceaccounts", "n", "robot");
	char *token free_ptr = legacy_token(json_path_string(account, "metadata.uid"));

	refused(token, "Token does not match server's copy");
	keep_in_secret(token);
	believed(token);
	clock_fake_advance(clock_now, 1000 * 24 * 3600 * NS_PER_S);
	believed(token);
	keep_in_secret("another");
	refused(token, "Token does not match server's copy");
	keep_in_secret(token);
	believed(token);
	remove_object("secrets", "n", "s");
	refused(token, "Token has been invalidated");
}

static void last_used(const char *want)
{
	for (long turn = 0;; turn++) {
		json_t *secret json_auto = fixture_get(&f, "secrets", "n", "s");
		const char *got = json_path_string(
			secret, "metadata.labels[kubernetes.io/legacy-token-last-used]");

		if (strcmp(got, want) == 0)
			return;
		if (turn > 1000000)
			fail_msg("last used on \"%s\", not %s", got, want);
		sched_yield();
	}
}

static void the_day_of_its_last_use_is_noted(void **state)
{
	json_t *account json_auto = fixture_get(&f, "serviceaccounts", "n", "robot");
	char *token free_ptr = legacy_token(json_path_string(account, "metadata.uid"));

	keep_in_secret(token);
	believed(token);
	last_used("2025-11-24");
	clock_fake_advance(clock_now, 24 * 3600 * NS_PER_S);
	believed(token);
	last_used("2025-11-25");
}

static void what_is_no_token_of_ours_is_nobodys(void **state)
{
	struct jwt_key *key CLEANUP(jwt_key_free_cleanup) = key_of_cluster();
	json_t *foreign json_auto = json_pack("{s:s}", "iss", "https://elsewhere.example");
	json_t *empty json_auto = json_pack("{s:s}", "iss", CLUSTER_AUDIENCE);
	struct str a CLEANUP(str_release) = STR_INIT, b CLEANUP(str_release) = STR_INIT;

	assert_int_equal(jwt_sign(key, foreign, &a, NULL), 0);
	assert_int_equal(jwt_sign(key, empty, &b, NULL), 0);
	refused("nonsense", "invalid bearer token");
	refused("", "invalid bearer token");
	refused(a.s, "invalid bearer token");
	refused(b.s, "the token names no service account");
}

struct asker {
	const char *token;
	_Atomic bool *stop;
	size_t believed;
};

static void *ask_on(void *arg)
{
	struct asker *a = arg;

	while (!atomic_load(a->stop)) {
		struct authentication found CLEANUP(authentication_release) = {0};

		believe(a->token, NULL, &found, NULL);
	}
	return NULL;
}

/* Many ask while the store changes; what ends meanwhile is not believed afterwards. */
static void many_ask_at_once(void **state)
{
	char *lasting free_ptr = token_for("{}");
	char *ending free_ptr = token_for("{'boundObjectRef':{'kind':'Secret','name':'s'}}");
	_Atomic bool stop = false;
	struct asker askers[4];
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++) {
		askers[i] = (struct asker){.token = i % 2 ? lasting : ending, .stop = &stop};
		assert_int_equal(pthread_create(&threads[i], NULL, ask_on, &askers[i]), 0);
	}
	for (int i = 0; i < 20; i++) {
		char *map free_ptr = xasprintf("{'metadata':{'name':'m%d'}}", i);

		fixture_make(&f, "configmaps", "n", map);
	}
	remove_object("secrets", "n", "s");
	refused(ending, "service account token has been invalidated");
	believed(lasting);
	atomic_store(&stop, true);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	refused(ending, "service account token has been invalidated");
}

static json_t *review(const char *token, const char *audience)
{
	char *text free_ptr =
		xasprintf("{'spec':{'token':'%s','audiences':['%s']}}", token, audience);
	json_t *answer = fixture_create(&f, "tokenreviews", "", text, NULL);

	assert_non_null(answer);
	assert_text(answer, "spec.token", token);
	assert_null(json_path(answer, "metadata.uid"));
	return answer;
}

static void a_review_tells_whose_a_token_is(void **state)
{
	char *token free_ptr = token_for("{'audiences':['vault']}");
	json_t *good json_auto = review(token, "vault");
	json_t *elsewhere json_auto = review(token, "db");
	json_t *nonsense json_auto = review("nonsense", "vault");

	assert_true(json_path_bool(good, "status.authenticated", false));
	assert_text(good, "status.user.username", "system:serviceaccount:n:robot");
	assert_text(good, "status.user.groups[1]", "system:serviceaccounts:n");
	assert_text(good, "status.audiences[0]", "vault");
	assert_null(json_path(elsewhere, "status.authenticated"));
	assert_text(elsewhere, "status.error",
		    "[invalid bearer token, token audiences [\"vault\"] is invalid for the target "
		    "audiences [\"db\"]]");
	assert_text(nonsense, "status.error", "invalid bearer token");
	fixture_refused(&f, "tokenreviews", "", "{'spec':{}}",
			"token is required for TokenReview in authentication");
}

/* ---- the token file */

static void the_file_is_read_as_csv(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	static const char text[] = "# who may\n"
				   "s3cret,alice,1001,\"dev, ops\"\r\n"
				   "\n"
				   "\"with \"\"quotes\"\"\",bob,1002\n";
	static const char *const elsewhere[] = {"vault", NULL};
	char *path free_ptr = xasprintf("%s/tokens", f.directory);
	struct authentication a CLEANUP(authentication_release) = {0};
	struct token_file *t;

	assert_int_equal(file_replace(path, text, strlen(text), NULL), 0);
	t = token_file_read(path, &err);
	assert_non_null(t);
	assert_false(token_file_find(t, "nobody", NULL, &a));
	assert_false(token_file_find(NULL, "s3cret", NULL, &a));
	assert_false(token_file_find(t, "s3cret", elsewhere, &a));
	assert_true(token_file_find(t, "s3cret", NULL, &a));
	assert_string_equal(a.who->user.name, "alice");
	assert_string_equal(a.who->user.uid, "1001");
	assert_string_equal(a.who->user.groups[0], "dev");
	assert_string_equal(a.who->user.groups[1], "ops");
	assert_string_equal(a.who->user.groups[2], "system:authenticated");
	assert_null(a.who->user.groups[3]);
	authentication_release(&a);
	assert_true(token_file_find(t, "with \"quotes\"", NULL, &a));
	assert_string_equal(a.who->user.name, "bob");
	token_file_free(t);
	assert_int_equal(file_replace(path, "just-a-token\n", 13, NULL), 0);
	assert_null(token_file_read(path, &err));
	assert_non_null(strstr(error_message(err), "line 1"));
	assert_null(strstr(error_message(err), "just-a-token"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_answered_with_what_was_granted),
		TEST(what_cannot_be_granted_is_refused),
		TEST(a_pod_binds_tokens_of_its_own_account),
		TEST(a_token_is_its_accounts),
		TEST(a_bound_token_tells_the_pod_and_its_node),
		TEST(audiences_are_those_asked_for),
		TEST(a_token_ends),
		TEST(a_deleted_account_has_no_token),
		TEST(what_a_token_is_bound_to_ends_it),
		TEST(a_pod_on_its_way_out_keeps_it_for_a_while),
		TEST(the_token_of_a_volume_lives_for_a_year),
		TEST(a_secrets_token_is_good_while_the_secret_holds_it),
		TEST(the_day_of_its_last_use_is_noted),
		TEST(what_is_no_token_of_ours_is_nobodys),
		TEST(many_ask_at_once),
		TEST(a_review_tells_whose_a_token_is),
		TEST(the_file_is_read_as_csv),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
