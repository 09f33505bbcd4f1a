#include "cluster/local/admission/pod_security_checks.h"

#include "cluster/local/admission/plugins.h"

#include "base/mem.h"
#include "object/json.h"

#include <string.h>

void names_add(json_t *list, const char *name)
{
	json_array_append_new(list, json_string(name));
}

void names_insert(json_t *list, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach (list, i, v) {
		int order = strcmp(name, json_string_value(v));

		if (order == 0)
			return;
		if (order < 0)
			break;
	}
	json_array_insert_new(list, i, json_string(name));
}

void names_join(const json_t *list, const char *quote, struct str *out)
{
	json_t *v;
	size_t i;

	json_array_foreach (list, i, v)
		str_addf(out, "%s%s%s%s", i ? ", " : "", quote, json_string_value(v), quote);
}

void names_tell(const json_t *list, const char *one, const char *many, struct str *out)
{
	str_addf(out, "%s ", json_array_size(list) == 1 ? one : many);
	names_join(list, "\"", out);
}

void broken_tell(const json_t *list, struct str *out)
{
	names_tell(list, "container", "containers", out);
}

void broken_tell_setters(bool pod, const json_t *containers, struct str *out)
{
	if (pod)
		str_adds(out, "pod");
	if (pod && json_array_size(containers))
		str_adds(out, " and ");
	if (json_array_size(containers))
		broken_tell(containers, out);
}

struct collecting {
	is_bad *bad;
	json_t *names, *values;
	const struct pod_security_subject *s;
};

static bool collect_one(void *arg, json_t *container, const char *list, size_t index)
{
	struct collecting *c = arg;

	if (c->bad(container, c->values, c->s))
		names_add(c->names, json_path_string(container, "name"));
	return true;
}

/* The names of the containers for which BAD holds. A new list. */
static json_t *collect(const struct pod_security_subject *s, is_bad *bad, json_t *values)
{
	struct collecting c = {bad, json_array(), values, s};

	admission_each_container(s->spec, collect_one, &c);
	return c.names;
}

void broken_release(struct broken *b)
{
	json_decref(b->containers);
	json_decref(b->values);
}

struct broken broken_find(const struct pod_security_subject *s, is_bad *bad)
{
	struct broken b = {.values = json_array()};

	b.containers = collect(s, bad, b.values);
	return b;
}

bool broken_any(const struct broken *b)
{
	return json_array_size(b->containers) > 0;
}

bool subject_is_windows(const struct pod_security_subject *s)
{
	return s->minor >= 25 && strcmp(json_path_string(s->spec, "os.name"), "windows") == 0;
}

bool subject_has_own_users(const struct pod_security_subject *s)
{
	return s->minor >= 35 && !json_path_bool(s->spec, "hostUsers", true);
}

void broken_tell_use(const struct broken *b, const char *one, const char *many, struct str *out)
{
	str_addf(out, " %s %s ", json_array_size(b->containers) == 1 ? "uses" : "use",
		 json_array_size(b->values) == 1 ? one : many);
}

void broken_tell_added(const struct broken *b, struct str *detail)
{
	broken_tell(b->containers, detail);
	str_adds(detail, " must not include ");
	names_join(b->values, "\"", detail);
	str_adds(detail, " in securityContext.capabilities.add");
}
