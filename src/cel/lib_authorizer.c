/*
 * authorizer: a question is put together step by step, and asked by check(). Selectors of fields
 * and labels are part of one and decide of nothing where roles do.
 */
#include "base/mem.h"
#include "cel/function.h"

#include <string.h>

static const char *text_of(struct call *c, const struct cel_value *v)
{
	return arena_copy(c->arena, v->text.p, v->text.len);
}

static bool is_blank(const char *s)
{
	return strspn(s, " \t\n\r\f\v") == strlen(s);
}

static struct cel_value made(struct arena *a, enum cel_kind kind, struct cel_check check)
{
	struct cel_check *kept = arena_new(a, sizeof(*kept));

	*kept = check;
	return (struct cel_value){.kind = kind, .check = kept};
}

struct cel_value cel_authorizer_value(struct arena *a, const struct cel_authorizer *authorizer)
{
	return made(a, CEL_AUTHORIZER, (struct cel_check){.authorizer = authorizer});
}

struct cel_value cel_check_value(struct arena *a, const struct cel_check *check)
{
	return made(a, CEL_RESOURCE_CHECK, *check);
}

static struct cel_value path(struct call *c, const struct cel_value *arg)
{
	struct cel_check check = *arg[0].check;

	check.path = text_of(c, &arg[1]);
	if (is_blank(check.path))
		return cel_fail(c->arena, "path must not be empty");
	return made(c->arena, CEL_PATH_CHECK, check);
}

static struct cel_value group(struct call *c, const struct cel_value *arg)
{
	struct cel_check check = *arg[0].check;

	check.group = text_of(c, &arg[1]);
	return made(c->arena, CEL_GROUP_CHECK, check);
}

static struct cel_value service_account(struct call *c, const struct cel_value *arg)
{
	struct cel_check check = *arg[0].check;

	check.account_namespace = text_of(c, &arg[1]);
	check.account_name = text_of(c, &arg[2]);
	if (!format_keeps("dns1123Subdomain", &arg[2]))
		return cel_fail(c->arena, "Invalid service account name");
	if (!format_keeps("dns1123Label", &arg[1]))
		return cel_fail(c->arena, "Invalid service account namespace");
	return made(c->arena, CEL_AUTHORIZER, check);
}

static struct cel_value resource(struct call *c, const struct cel_value *arg)
{
	struct cel_check check = *arg[0].check;

	check.resource = text_of(c, &arg[1]);
	if (is_blank(check.resource))
		return cel_fail(c->arena, "resource must not be empty");
	return made(c->arena, CEL_RESOURCE_CHECK, check);
}

/* A question with one more said. */
#define ASKING(member)                                                              \
	static struct cel_value member(struct call *c, const struct cel_value *arg) \
	{                                                                           \
		struct cel_check check = *arg[0].check;                             \
                                                                                    \
		check.member = text_of(c, &arg[1]);                                 \
		return made(c->arena, CEL_RESOURCE_CHECK, check);                   \
	}
ASKING(subresource)
ASKING(namespace)
ASKING(name)

static struct cel_value selector(struct call *c, const struct cel_value *arg)
{
	return arg[0];
}

static struct cel_value ask(struct call *c, const struct cel_value *arg)
{
	struct cel_check check = *arg[0].check;

	check.verb = text_of(c, &arg[1]);
	check.reason = "";
	check.allowed =
		check.authorizer->allowed(check.authorizer->arg, &check, c->arena, &check.reason);
	return made(c->arena, CEL_DECISION, check);
}

static struct cel_value allowed(struct call *c, const struct cel_value *arg)
{
	return cel_bool(arg[0].check->allowed);
}

static struct cel_value reason(struct call *c, const struct cel_value *arg)
{
	return cel_string(arg[0].check->reason, strlen(arg[0].check->reason));
}

/* Roles are at hand: a question that cannot be answered is refused, with its reason. */
static struct cel_value errored(struct call *c, const struct cel_value *arg)
{
	return cel_bool(false);
}

static struct cel_value error(struct call *c, const struct cel_value *arg)
{
	return cel_string("", 0);
}

static const struct function_row rows[] = {
	{"path", "authorizer.(string) pathCheck", path},
	{"group", "authorizer.(string) groupCheck", group},
	{"serviceAccount", "authorizer.(string, string) authorizer", service_account},
	{"resource", "groupCheck.(string) resourceCheck", resource},
	{"subresource", "resourceCheck.(string) resourceCheck", subresource},
	{"namespace", "resourceCheck.(string) resourceCheck", namespace},
	{"name", "resourceCheck.(string) resourceCheck", name},
	{"fieldSelector", "resourceCheck.(string) resourceCheck", selector, COST_TEXT_SECOND},
	{"labelSelector", "resourceCheck.(string) resourceCheck", selector, COST_TEXT_SECOND},
	{"check", "pathCheck.(string) decision", ask, COST_CHECK},
	{"check", "resourceCheck.(string) decision", ask, COST_CHECK},
	{"allowed", "decision.() bool", allowed},
	{"reason", "decision.() string", reason},
	{"errored", "decision.() bool", errored},
	{"error", "decision.() string", error},
};
const struct function_library library_authorizer = {rows, ARRAY_SIZE(rows), 0};
