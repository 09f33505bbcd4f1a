#include "object/status.h"
#include "object/json.h"

#include <limits.h>
#include <string.h>

enum { MAX_CAUSES = 1000, MAX_LINE = 1024 };

/* Text of an error may come from anywhere: what is no UTF-8 goes in escaped. */
static void set_text(json_t *object, const char *key, const char *text)
{
	struct str escaped CLEANUP(str_release) = STR_INIT;
	json_t *string;

	if (!text || !*text)
		return;
	string = json_string(text);
	if (!string) {
		str_add_escaped(&escaped, text, strlen(text));
		string = json_string(escaped.s);
	}
	json_object_set_new(object, key, string);
}

static json_t *causes_of(const struct error *e)
{
	json_t *causes = json_array();

	for (size_t i = 0; i < e->n_causes; i++) {
		json_t *cause = json_object();

		set_text(cause, "reason", e->causes[i].reason);
		set_text(cause, "message", e->causes[i].message);
		set_text(cause, "field", e->causes[i].field);
		json_array_append_new(causes, cause);
	}
	return causes;
}

static json_t *details_of(const struct error *e)
{
	json_t *details = json_object();

	set_text(details, "name", e->name);
	set_text(details, "group", e->group);
	set_text(details, "kind", e->kind);
	set_text(details, "uid", e->uid);
	if (e->n_causes)
		json_object_set_new(details, "causes", causes_of(e));
	if (e->retry_after_s > 0)
		json_object_set_new(details, "retryAfterSeconds", json_integer(e->retry_after_s));
	return details;
}

json_t *status_from_error(const struct error *e)
{
	json_t *status = json_object(), *details json_auto = NULL;

	json_object_set_new(status, "kind", json_string("Status"));
	json_object_set_new(status, "apiVersion", json_string("v1"));
	json_object_set_new(status, "metadata", json_object());
	json_object_set_new(status, "status", json_string(e ? "Failure" : "Success"));
	if (e) {
		set_text(status, "message", error_message(e));
		set_text(status, "reason", error_reason(e));
		details = details_of(e);
		/* A kind of "" says that there are details and nothing is in them. */
		if (json_object_size(details) || e->kind)
			json_object_set(status, "details", details);
	}
	json_object_set_new(status, "code", json_integer(error_http_status(e)));
	return status;
}

/* NULL for "": an error's strings are NULL where nothing is known. */
static const char *text_at(const json_t *tree, const char *path)
{
	const char *text = json_path_string(tree, path);

	return *text ? text : NULL;
}

static void read_details(const json_t *status, struct error *e)
{
	json_t *causes = json_path(status, "details.causes"), *cause;
	json_int_t retry = json_path_int(status, "details.retryAfterSeconds", 0);
	const char *uid = text_at(status, "details.uid");
	size_t i;

	error_set_details(e, text_at(status, "details.group"), text_at(status, "details.kind"),
			  text_at(status, "details.name"));
	e->uid = uid ? xstrdup(uid) : NULL;
	e->retry_after_s = (int)MAX(0, MIN(retry, INT_MAX));
	json_array_foreach (causes, i, cause) {
		if (i == MAX_CAUSES)
			break;
		error_add_cause(e, text_at(cause, "reason"), text_at(cause, "field"), "%s",
				json_path_string(cause, "message"));
	}
}

/* kube-apiserver tells an applied object that does not fit its schema with a bare 500. */
static bool is_misfit(int http_status, const char *reason, const char *message)
{
	static const char lead[] = "failed to create typed patch object ";

	return http_status == 500 && !reason && !strncmp(message, lead, strlen(lead));
}

static enum error_code code_of(int http_status, const char *reason, const char *message)
{
	enum error_code code = error_code_from_status(http_status, reason);

	if (is_misfit(http_status, reason, message))
		return E_MISFIT;
	return code == E_OK ? E_INTERNAL : code;
}

/* An error whose HTTP status and reason are what the server said, even when no code has them. */
static struct error *answered(int http_status, const char *reason, const char *message)
{
	struct error *e = error_new(code_of(http_status, reason, message), "%s", message);

	if (http_status && http_status != error_http_status(e))
		e->http_status = http_status;
	if (reason && strcmp(reason, error_reason(e)))
		e->reason = xstrdup(reason);
	return e;
}

static struct error *from_text(int http_status, const char *body, size_t len)
{
	struct str line CLEANUP(str_release) = STR_INIT;
	const char *end = memchr(body, '\n', len);
	size_t n = end ? (size_t)(end - body) : len;

	if (n && body[n - 1] == '\r')
		n--;
	str_add_escaped(&line, body, MIN(n, (size_t)MAX_LINE));
	if (!line.len)
		str_addf(&line, "the server answered with HTTP status %d", http_status);
	return answered(http_status, NULL, line.s);
}

struct error *status_to_error(int http_status, const char *body, size_t len)
{
	json_t *status json_auto = len ? json_read(body, len, NULL) : NULL;
	struct error *e;
	json_int_t code;

	if (strcmp(json_path_string(status, "kind"), "Status"))
		return from_text(http_status, body ? body : "", body ? len : 0);
	/* In a watch the error comes inside of an answer that began well. */
	code = json_path_int(status, "code", 0);
	if (http_status < 400 && code >= 400 && code <= 999)
		http_status = (int)code;
	e = answered(http_status, text_at(status, "reason"), json_path_string(status, "message"));
	read_details(status, e);
	return e;
}
