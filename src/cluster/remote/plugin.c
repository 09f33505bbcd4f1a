#include "cluster/remote/plugin.h"

#include "base/clock.h"
#include "base/progress.h"
#include "base/vec.h"
#include "cluster/remote/plugin_process.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define INFO "KUBERNETES_EXEC_INFO"

static void forget(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void plugin_config_release(struct plugin_config *p)
{
	free(p->command);
	kubeconfig_texts_release(&p->args);
	kubeconfig_texts_release(&p->env);
	free(p->api_version);
	free(p->install_hint);
	free(p->cluster);
	*p = (struct plugin_config){0};
}

void plugin_credential_release(struct plugin_credential *c)
{
	forget(&c->token);
	forget(&c->cert);
	forget(&c->key);
}

/* What the plugin is asked for. */
static char *exec_info(const struct plugin_config *p, bool interactive)
{
	struct str text = STR_INIT;
	json_t *info json_auto =
		json_pack("{s:s, s:s, s:{s:b}}", "kind", "ExecCredential", "apiVersion",
			  p->api_version, "spec", "interactive", (int)interactive);

	if (p->cluster)
		json_path_set(info, "spec.cluster",
			      json_read(p->cluster, strlen(p->cluster), NULL));
	json_write(info, &text);
	return str_take(&text);
}

struct lines {
	char **v;
	size_t n, cap;
};

static void lines_release(struct lines *l)
{
	vec_release(l);
}

static bool same_variable(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return n == strcspn(b, "=") && !strncmp(a, b, n);
}

/* Takes the place of the variable's line that is there. All lines are borrowed. */
static void set_variable(struct lines *env, char *line)
{
	vec_each (env, old) {
		if (same_variable(*old, line)) {
			*old = line;
			return;
		}
	}
	vec_push(env, line);
}

static void build_environment(const struct plugin_config *p, char *info, struct lines *env)
{
	for (char **line = environ; *line; line++)
		vec_push(env, *line);
	vec_each (&p->env, line)
		set_variable(env, *line);
	set_variable(env, info);
	vec_push(env, NULL);
}

static int decide_interactive(const struct plugin_config *p, bool *interactive, struct error **err)
{
	bool terminal = isatty(STDIN_FILENO);

	if (p->mode == PLUGIN_ALWAYS && !terminal)
		return error_set(err, E_UNAUTHORIZED,
				 "%s has to ask on a terminal (interactiveMode: Always), and there "
				 "is none; log in with it first, or mount with -f on a terminal",
				 p->command);
	*interactive = terminal && p->mode != PLUGIN_NEVER;
	return 0;
}

static int timeout_of(const struct call *call, bool interactive)
{
	int own = interactive ? PLUGIN_TALK_MS : PLUGIN_TIMEOUT_MS;
	int asked = call && call->timeout_ms ? call->timeout_ms : -1;

	/* Who asks the user on the terminal is not hurried by a request's usual time. */
	if (asked < 0 && !interactive)
		asked = CALL_TIMEOUT_MS;
	return asked < 0 ? own : MIN(own, asked);
}

/* Puts what the program said on stderr into ERR's message. */
static int with_complaint(const struct process_result *r, struct error **err)
{
	struct str said CLEANUP(str_release) = STR_INIT;
	struct str text CLEANUP(str_release) = STR_INIT;
	size_t len = r->complaint.len;
	struct error *e;

	while (len && strchr(" \t\r\n", r->complaint.s[len - 1]))
		len--;
	if (!len || !err || !*err)
		return -1;
	str_add_escaped(&said, r->complaint.s, len);
	e = *err;
	str_addf(&text, "%s: %s", e->message, said.s);
	free(e->message);
	e->message = str_take(&text);
	return -1;
}

static int check_end(const struct plugin_config *p, const struct process_result *r,
		     struct error **err)
{
	if (WIFEXITED(r->status) && WEXITSTATUS(r->status) == 0)
		return 0;
	if (WIFEXITED(r->status))
		error_set(err, E_UNAUTHORIZED, "the credential plugin %s ended with status %d",
			  p->command, WEXITSTATUS(r->status));
	else
		error_set(err, E_UNAUTHORIZED, "the credential plugin %s was ended by signal %d",
			  p->command, WTERMSIG(r->status));
	return with_complaint(r, err);
}

static char *take_text(const json_t *status, const char *key)
{
	const char *text = json_string_value(json_object_get(status, key));

	return text && *text ? xstrdup(text) : NULL;
}

static int bad_answer(const struct plugin_config *p, struct error **err, const char *why)
{
	return error_set(err, E_UNAUTHORIZED, "the credential plugin %s: %s", p->command, why);
}

static int read_status(const struct plugin_config *p, const json_t *status,
		       struct plugin_credential *out, struct error **err)
{
	const char *expires = json_string_value(json_object_get(status, "expirationTimestamp"));

	out->token = take_text(status, "token");
	out->cert = take_text(status, "clientCertificateData");
	out->key = take_text(status, "clientKeyData");
	out->expires = CLOCK_NEVER;
	if (!out->token && !out->cert && !out->key)
		return bad_answer(p, err, "its answer has neither a token nor a certificate");
	if (!out->cert != !out->key)
		return bad_answer(p, err,
				  out->cert ? "its answer has a certificate without its key"
					    : "its answer has a key without its certificate");
	if (expires && time_parse(expires, &out->expires) < 0)
		return bad_answer(p, err, "the expirationTimestamp of its answer is no time");
	return 0;
}

static int read_answer(const struct plugin_config *p, const struct process_result *r,
		       struct plugin_credential *out, struct error **err)
{
	json_t *answer json_auto = json_read(r->output.s, r->output.len, NULL);
	const char *kind = json_string_value(json_object_get(answer, "kind"));
	const char *version = json_string_value(json_object_get(answer, "apiVersion"));
	const json_t *status = json_object_get(answer, "status");

	if (!str_equal(kind, "ExecCredential"))
		return bad_answer(p, err, "it answers what is no ExecCredential");
	if (!str_equal(version, p->api_version))
		return error_set(err, E_UNAUTHORIZED,
				 "the credential plugin %s answers in another version than %s, "
				 "which the kubeconfig asks for",
				 p->command, p->api_version);
	if (!json_is_object(status))
		return bad_answer(p, err, "its answer has no status");
	return read_status(p, status, out, err);
}

static int explain_start(const struct plugin_config *p, struct error **err)
{
	if (!err || error_code(*err) != E_NOT_FOUND)
		return -1;
	error_clear(err);
	return error_set(
		err, E_NOT_FOUND, "the credential plugin %s of the kubeconfig is not installed%s%s",
		p->command, p->install_hint ? ": " : "", p->install_hint ? p->install_hint : "");
}

int plugin_run(const struct plugin_config *p, const struct call *call,
	       struct plugin_credential *out, struct error **err)
{
	struct process_result result CLEANUP(process_result_release) = PROCESS_RESULT_INIT;
	struct lines argv CLEANUP(lines_release) = {0}, env CLEANUP(lines_release) = {0};
	char *info free_ptr = NULL, *variable free_ptr = NULL;
	struct process process = {0};
	struct error *why = NULL;

	if (decide_interactive(p, &process.interactive, err) < 0)
		return -1;
	info = exec_info(p, process.interactive);
	variable = xasprintf(INFO "=%s", info);
	build_environment(p, variable, &env);
	vec_push(&argv, p->command);
	vec_each (&p->args, arg)
		vec_push(&argv, *arg);
	vec_push(&argv, NULL);
	process.argv = argv.v;
	process.env = env.v;
	progress_end(); /* what the plugin says is no part of that line */
	process.timeout_ms = timeout_of(call, process.interactive);
	if (process_run(&process, call ? call->cancel : NULL, &result, &why) < 0) {
		explain_start(p, &why);
		with_complaint(&result, &why);
		return error_move(err, why);
	}
	if (check_end(p, &result, err) < 0)
		return -1;
	return read_answer(p, &result, out, err);
}
