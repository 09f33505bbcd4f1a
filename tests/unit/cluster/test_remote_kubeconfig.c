#include "cluster/remote/kubeconfig.h"
#include "cluster/remote/plugin.h"
#include "http/http.h"
#include "object/json.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[64];

static char *in_directory(const char *name)
{
	return xasprintf("%s/%s", directory, name);
}

static char *write_file(const char *name, const char *text)
{
	char *path = in_directory(name);
	int fd close_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return path;
}

#define PEM "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
#define PEM64 "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCngKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="

static const char good[] = "apiVersion: v1\n"
			   "kind: Config\n"
			   "current-context: dev\n"
			   "contexts:\n"
			   "- name: dev\n"
			   "  context: {cluster: c, user: u, namespace: team}\n"
			   "- {name: bare, context: {cluster: plain}}\n"
			   "- {name: password, context: {cluster: plain, user: p}}\n"
			   "clusters:\n"
			   "- name: c\n"
			   "  cluster:\n"
			   "    server: https://10.0.0.1:6443\n"
			   "    certificate-authority: pki/ca.crt\n"
			   "    tls-server-name: inner\n"
			   "    proxy-url: http://proxy:3128\n"
			   "- {name: plain, cluster: {server: 'localhost:8080'}}\n"
			   "users:\n"
			   "- name: u\n"
			   "  user:\n"
			   "    client-certificate-data: " PEM64 "\n"
			   "    client-key: pki/key\n"
			   "    client-key-data: |\n"
			   "      " PEM64 "\n"
			   "    tokenFile: token\n"
			   "- {name: p, user: {username: joe, password: secret}}\n";

static void a_context_leads_to_everything(void **state)
{
	char *ca free_ptr = NULL, *path free_ptr = write_file("config", good);
	char *token free_ptr = in_directory("token");
	struct kubeconfig k CLEANUP(kubeconfig_release) = {0};
	struct kubeconfig bare CLEANUP(kubeconfig_release) = {0};
	struct kubeconfig password CLEANUP(kubeconfig_release) = {0};
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	ca = write_file("pki/ca.crt", PEM);
	kubeconfig_load(path, NULL, &k, &err);
	assert_string_equal(error_message(err), "");
	assert_string_equal(k.context, "dev");
	assert_string_equal(k.server, "https://10.0.0.1:6443");
	assert_string_equal(k.namespace, "team");
	assert_string_equal(k.ca, PEM);
	assert_string_equal(k.cert, PEM);
	assert_string_equal(k.key, PEM);
	assert_string_equal(k.token_file, token);
	assert_string_equal(k.tls_server_name, "inner");
	assert_string_equal(k.proxy, "http://proxy:3128");
	assert_int_equal(kubeconfig_load(path, "bare", &bare, NULL), 0);
	assert_string_equal(bare.server, "http://localhost:8080");
	assert_null(bare.namespace);
	assert_null(bare.token);
	assert_int_equal(kubeconfig_load(path, "password", &password, NULL), 0);
	assert_string_equal(password.username, "joe");
}

/* The first file that defines a name decides, whole; files that are missing are skipped. */
static void files_are_merged(void **state)
{
	char *a free_ptr =
		write_file("a", "contexts: [{name: x, context: {cluster: c}}]\n"
				"clusters: [{name: c, cluster: {server: 'https://a'}}]\n");
	char *b free_ptr =
		write_file("b", "current-context: x\n"
				"contexts: [{name: x, context: {cluster: d, namespace: n}}]\n"
				"clusters: [{name: c, cluster: {server: 'https://b'}},"
				"{name: d, cluster: {server: 'https://d'}}]\n");
	char *list free_ptr = xasprintf("/nowhere/at/all:%s::%s", a, b);
	struct kubeconfig k CLEANUP(kubeconfig_release) = {0};

	setenv("KUBECONFIG", list, 1);
	assert_int_equal(kubeconfig_load(NULL, NULL, &k, NULL), 0);
	assert_string_equal(k.server, "https://a");
	assert_null(k.namespace);
	unsetenv("KUBECONFIG");
}

#define CONTEXT "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
#define CLUSTER CONTEXT "clusters: [{name: c, cluster: {server: 'https://h'}}]\n"
#define EXEC(more) "users: [{name: u, user: {exec: {command: x, " more "}}}]\n"
#define V1 "apiVersion: " PLUGIN_V1

static void all_contexts_of_all_files(void **state)
{
	char *a free_ptr = write_file("a", "contexts: [{name: x}, {name: w}]\n");
	char *b free_ptr = write_file("b", "contexts: [{name: z}, {name: x}, {name: ''}]\n");
	char *empty free_ptr = write_file("broken", "kind: Config\n");
	char *list free_ptr = xasprintf("%s:%s", a, b);
	struct kubeconfig_texts names CLEANUP(kubeconfig_texts_release) = {0};
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	setenv("KUBECONFIG", list, 1);
	assert_int_equal(kubeconfig_contexts(NULL, &names, NULL), 0);
	unsetenv("KUBECONFIG");
	assert_int_equal(names.n, 3);
	assert_string_equal(names.v[2], "z");
	assert_int_equal(kubeconfig_contexts(empty, &names, &err), 0);
	kubeconfig_texts_release(&names);
	assert_int_equal(kubeconfig_contexts(empty, &names, &err), -1);
	assert_non_null(strstr(error_message(err), "no contexts"));
}

static void a_plugin_and_its_place(void **state)
{
	static const struct {
		const char *user, *command;
		enum plugin_mode mode;
	} cases[] = {
		{"{exec: {command: bin/x, interactiveMode: Never, " V1 "}}", "bin/x", PLUGIN_NEVER},
		{"{exec: {command: x, apiVersion: " PLUGIN_V1BETA1 "}}", "x", PLUGIN_IF_AVAILABLE},
		{"{token: s3cr3t, exec: {command: x, apiVersion: " PLUGIN_V1BETA1 "}}", NULL, 0},
		{"{token: s3cr3t, auth-provider: {name: oidc}}", NULL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text free_ptr =
			xasprintf(CLUSTER "users: [{name: u, user: %s}]\n", cases[i].user);
		char *path free_ptr = write_file("config", text);
		char *in_folder free_ptr = cases[i].command ? in_directory(cases[i].command) : NULL;
		struct kubeconfig k CLEANUP(kubeconfig_release) = {0};
		struct error *err CLEANUP(error_free_cleanup) = NULL;

		kubeconfig_load(path, NULL, &k, &err);
		assert_string_equal(error_message(err), "");
		assert_int_equal(!k.plugin, !cases[i].command);
		if (!k.plugin)
			continue;
		assert_string_equal(k.plugin->command,
				    strchr(cases[i].command, '/') ? in_folder : cases[i].command);
		assert_int_equal(k.plugin->mode, cases[i].mode);
	}
}

static void home_comes_next_and_a_pod_last(void **state)
{
	char *path free_ptr = write_file(".kube/config", good);
	struct kubeconfig k CLEANUP(kubeconfig_release) = {0};
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	setenv("HOME", directory, 1);
	assert_int_equal(kubeconfig_load(NULL, "bare", &k, NULL), 0);
	unlink(path);
	unsetenv("KUBERNETES_SERVICE_HOST");
	assert_int_equal(kubeconfig_load(NULL, NULL, &k, &err), -1);
	assert_int_equal(error_code(err), E_NOT_FOUND);
	assert_non_null(strstr(err->message, "no kubeconfig"));
}

/* Each broken file is one error that names what is wrong, and no secret. */
static void broken_files_say_what_is_wrong(void **state)
{
	static const struct {
		const char *text;
		enum error_code code;
		const char *says;
	} cases[] = {
		{"a: [", E_BAD_REQUEST, "line"},
		{"\x01\x02", E_BAD_REQUEST, "broken"},
		{"- a\n- b\n", E_BAD_REQUEST, "no mapping"},
		{"", E_BAD_REQUEST, "empty"},
		{"kind: Pod\n", E_BAD_REQUEST, "its kind is Pod"},
		{"contexts: {a: b}\n", E_BAD_REQUEST, "contexts is not a list"},
		{"contexts: []\n", E_NOT_FOUND, "no current-context"},
		{"current-context: x\n", E_NOT_FOUND, "no context \"x\""},
		{"current-context: x\ncontexts: [{name: x}]\n", E_BAD_REQUEST, "empty"},
		{"current-context: x\ncontexts: [{name: x, context: {user: u}}]\n", E_BAD_REQUEST,
		 "names no cluster"},
		{CONTEXT, E_NOT_FOUND, "no cluster \"c\""},
		{CONTEXT "clusters: [{name: c, cluster: {}}]\n", E_BAD_REQUEST, "names no server"},
		{CONTEXT "clusters: [{name: c, cluster: {server: 7}}]\n", E_BAD_REQUEST,
		 "server is not a string"},
		{CONTEXT
		 "clusters: [{name: c, cluster: {server: x, insecure-skip-tls-verify: no-way}}]\n",
		 E_BAD_REQUEST, "neither true nor false"},
		{CONTEXT
		 "clusters: [{name: c, cluster: {server: x, certificate-authority-data: '%%%'}}]\n",
		 E_BAD_REQUEST, "not base64"},
		{CONTEXT "clusters: [{name: c, cluster: {server: x, certificate-authority-data: "
			 "aGVsbG8=}}]\n",
		 E_BAD_REQUEST, "no PEM"},
		{CONTEXT
		 "clusters: [{name: c, cluster: {server: x, certificate-authority: nowhere}}]\n",
		 E_NOT_FOUND, "nowhere"},
		{CONTEXT
		 "clusters: [{name: c, cluster: {server: x, insecure-skip-tls-verify: true, "
		 "certificate-authority-data: " PEM64 "}}]\n",
		 E_BAD_REQUEST, "exclude each other"},
		{CLUSTER, E_NOT_FOUND, "no user \"u\""},
		{CLUSTER "users: [{name: u, user: {token: s3cr3t, username: a}}]\n", E_BAD_REQUEST,
		 "exclude each other"},
		{CLUSTER "users: [{name: u, user: {client-certificate-data: " PEM64 "}}]\n",
		 E_BAD_REQUEST, "without its key"},
		{CLUSTER "users: [{name: u, user: {token: [s3cr3t]}}]\n", E_BAD_REQUEST,
		 "token is not a string"},
		{CLUSTER "users: [{name: u, user: {exec: x}}]\n", E_BAD_REQUEST, "not a mapping"},
		{CLUSTER "users: [{name: u, user: {exec: {args: [s3cr3t]}}}]\n", E_BAD_REQUEST,
		 "no command"},
		{CLUSTER "users: [{name: u, user: {exec: {command: x}}}]\n", E_BAD_REQUEST,
		 "no apiVersion"},
		{CLUSTER EXEC("apiVersion: client.authentication.k8s.io/v1alpha1"), E_NOT_SUPPORTED,
		 "v1alpha1"},
		{CLUSTER EXEC(V1), E_BAD_REQUEST, "needs interactiveMode"},
		{CLUSTER EXEC(V1 ", interactiveMode: Maybe"), E_BAD_REQUEST, "none of Never"},
		{CLUSTER EXEC(V1 ", interactiveMode: Never, env: [{value: s3cr3t}]"), E_BAD_REQUEST,
		 "without a name"},
		{CLUSTER EXEC(V1 ", interactiveMode: Never, args: s3cr3t"), E_BAD_REQUEST,
		 "args is not a list"},
		{CLUSTER "users: [{name: u, user: {auth-provider: {name: gcp}}}]\n",
		 E_NOT_SUPPORTED, "exec plugin"},
		{CLUSTER "users: [{name: u, user: {token: s3cr3t, as-groups: [a]}}]\n",
		 E_BAD_REQUEST, "need as"},
		{CLUSTER "users: [{name: u, user: {as: \"a\\nX: y\"}}]\n", E_BAD_REQUEST,
		 "control character"},
		{CLUSTER "users: [{name: u, user: {as: a, as-user-extra: {k: v}}}]\n",
		 E_BAD_REQUEST, "mapping to lists"},
		{CONTEXT "clusters: [{name: c, cluster: {server: 'ftp://h'}}]\nusers: [{name: u, "
			 "user: {}}]\n",
		 E_BAD_REQUEST, "neither https nor http"},
		{CONTEXT
		 "clusters: [{name: c, cluster: {server: 'https://h', proxy-url: 'ftp://h'}}]\n"
		 "users: [{name: u, user: {}}]\n",
		 E_BAD_REQUEST, "proxy-url"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *path free_ptr = write_file("broken", cases[i].text);
		struct kubeconfig k CLEANUP(kubeconfig_release) = {0};
		struct error *err CLEANUP(error_free_cleanup) = NULL;

		assert_int_equal(kubeconfig_load(path, NULL, &k, &err), -1);
		if (error_code(err) != cases[i].code || !strstr(err->message, cases[i].says))
			fail_msg("case %zu: %s", i, err->message);
		assert_null(strstr(err->message, "s3cr3t"));
	}
}

static void files_that_cannot_be_read(void **state)
{
	char *missing free_ptr = in_directory("not-there");
	struct kubeconfig k CLEANUP(kubeconfig_release) = {0};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct error *folder CLEANUP(error_free_cleanup) = NULL;

	assert_int_equal(kubeconfig_load(missing, NULL, &k, &err), -1);
	assert_int_equal(error_code(err), E_NOT_FOUND);
	assert_int_equal(kubeconfig_load(directory, NULL, &k, &folder), -1);
	assert_int_equal(error_code(folder), E_BAD_REQUEST);
}

static void headers_of_users(void **state)
{
	struct kubeconfig token = {.token = (char *)"abc"};
	struct kubeconfig password = {.username = (char *)"joe", .password = (char *)"secret"};
	struct kubeconfig nobody = {0};
	const struct {
		const struct kubeconfig *k;
		const char *header;
	} cases[] = {{&token, "Bearer abc"}, {&password, "Basic am9lOnNlY3JldA=="}, {&nobody, ""}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct auth *a = auth_new(cases[i].k, NULL);
		struct http_credentials c CLEANUP(http_credentials_release) = HTTP_CREDENTIALS_INIT;

		assert_int_equal(auth_authorize(a, NULL, 0, &c, NULL), 0);
		assert_string_equal(c.authorization.s, cases[i].header);
		auth_free(a);
	}
}

static int make_directory(void **state)
{
	static const char *const folders[] = {"pki", ".kube"};

	object_init();
	snprintf(directory, sizeof(directory), "/tmp/kubefs-kubeconfig-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		char *path free_ptr = in_directory(folders[i]);

		if (mkdir(path, 0700))
			return -1;
	}
	unsetenv("KUBECONFIG");
	return 0;
}

static int remove_directory(void **state)
{
	static const char *const names[] = {"config", "pki/ca.crt", "a",     "b",
					    "broken", "pki",	    ".kube", ""};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *path free_ptr = in_directory(names[i]);

		remove(path);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_context_leads_to_everything),
		cmocka_unit_test(files_are_merged),
		cmocka_unit_test(all_contexts_of_all_files),
		cmocka_unit_test(a_plugin_and_its_place),
		cmocka_unit_test(home_comes_next_and_a_pod_last),
		cmocka_unit_test(broken_files_say_what_is_wrong),
		cmocka_unit_test(files_that_cannot_be_read),
		cmocka_unit_test(headers_of_users),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
