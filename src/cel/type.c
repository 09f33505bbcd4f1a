#include "base/str.h"
#include "cel/value.h"

#include <string.h>

const struct cel_type cel_types[CEL_KINDS] = {
	[CEL_DYN] = {.kind = CEL_DYN},
	[CEL_NULL] = {.kind = CEL_NULL},
	[CEL_BOOL] = {.kind = CEL_BOOL},
	[CEL_INT] = {.kind = CEL_INT},
	[CEL_UINT] = {.kind = CEL_UINT},
	[CEL_DOUBLE] = {.kind = CEL_DOUBLE},
	[CEL_STRING] = {.kind = CEL_STRING},
	[CEL_BYTES] = {.kind = CEL_BYTES},
	[CEL_TIMESTAMP] = {.kind = CEL_TIMESTAMP},
	[CEL_DURATION] = {.kind = CEL_DURATION},
	[CEL_LIST] = {.kind = CEL_LIST, .elem = &cel_types[CEL_DYN]},
	[CEL_MAP] = {.kind = CEL_MAP, .key = &cel_types[CEL_DYN], .elem = &cel_types[CEL_DYN]},
	[CEL_TYPE] = {.kind = CEL_TYPE},
	[CEL_OPTIONAL] = {.kind = CEL_OPTIONAL, .elem = &cel_types[CEL_DYN]},
	[CEL_QUANTITY] = {.kind = CEL_QUANTITY},
	[CEL_IP] = {.kind = CEL_IP},
	[CEL_CIDR] = {.kind = CEL_CIDR},
	[CEL_URL] = {.kind = CEL_URL},
	[CEL_SEMVER] = {.kind = CEL_SEMVER},
	[CEL_FORMAT] = {.kind = CEL_FORMAT},
	[CEL_AUTHORIZER] = {.kind = CEL_AUTHORIZER},
	[CEL_PATH_CHECK] = {.kind = CEL_PATH_CHECK},
	[CEL_GROUP_CHECK] = {.kind = CEL_GROUP_CHECK},
	[CEL_RESOURCE_CHECK] = {.kind = CEL_RESOURCE_CHECK},
	[CEL_DECISION] = {.kind = CEL_DECISION},
};

static const char *const kind_names[CEL_KINDS] = {
	[CEL_ERROR] = "error",
	[CEL_DYN] = "dyn",
	[CEL_PARAM] = "dyn",
	[CEL_NULL] = "null_type",
	[CEL_BOOL] = "bool",
	[CEL_INT] = "int",
	[CEL_UINT] = "uint",
	[CEL_DOUBLE] = "double",
	[CEL_STRING] = "string",
	[CEL_BYTES] = "bytes",
	[CEL_TIMESTAMP] = "google.protobuf.Timestamp",
	[CEL_DURATION] = "google.protobuf.Duration",
	[CEL_LIST] = "list",
	[CEL_MAP] = "map",
	[CEL_OBJECT] = "object",
	[CEL_TYPE] = "type",
	[CEL_OPTIONAL] = "optional_type",
	[CEL_QUANTITY] = "kubernetes.Quantity",
	[CEL_IP] = "net.IP",
	[CEL_CIDR] = "net.CIDR",
	[CEL_URL] = "kubernetes.URL",
	[CEL_SEMVER] = "kubernetes.Semver",
	[CEL_FORMAT] = "kubernetes.NamedFormat",
	[CEL_AUTHORIZER] = "kubernetes.authorization.Authorizer",
	[CEL_PATH_CHECK] = "kubernetes.authorization.PathCheck",
	[CEL_GROUP_CHECK] = "kubernetes.authorization.GroupCheck",
	[CEL_RESOURCE_CHECK] = "kubernetes.authorization.ResourceCheck",
	[CEL_DECISION] = "kubernetes.authorization.Decision",
};

const char *cel_kind_name(enum cel_kind kind)
{
	return kind_names[kind];
}

struct cel_type *cel_type_list(struct arena *a, const struct cel_type *elem)
{
	struct cel_type *t = arena_new(a, sizeof(*t));

	*t = (struct cel_type){.kind = CEL_LIST, .elem = elem};
	return t;
}

struct cel_type *cel_type_map(struct arena *a, const struct cel_type *key,
			      const struct cel_type *elem)
{
	struct cel_type *t = arena_new(a, sizeof(*t));

	*t = (struct cel_type){.kind = CEL_MAP, .key = key, .elem = elem};
	return t;
}

static void add_type(struct str *s, const struct cel_type *t)
{
	str_adds(s, t->name && t->kind != CEL_PARAM ? t->name : kind_names[t->kind]);
	if (t->kind == CEL_MAP) {
		str_addc(s, '(');
		add_type(s, t->key);
		str_adds(s, ", ");
		add_type(s, t->elem);
		str_addc(s, ')');
	} else if (t->kind == CEL_LIST || t->kind == CEL_OPTIONAL) {
		str_addc(s, '(');
		add_type(s, t->elem);
		str_addc(s, ')');
	}
}

char *cel_type_text(struct arena *a, const struct cel_type *t)
{
	struct str s CLEANUP(str_release) = STR_INIT;

	add_type(&s, t);
	return arena_copy(a, s.s, s.len);
}

/* Words of the language, which a property of that name is escaped to keep apart from. */
static const char *const reserved[] = {
	"true",	    "false",   "null",	    "in",	"as",  "break",	 "const",
	"continue", "else",    "for",	    "function", "if",  "import", "let",
	"loop",	    "package", "namespace", "return",	"var", "void",	 "while",
};

char *cel_escape_name(struct arena *a, const char *name)
{
	static const struct {
		const char *text, *escape;
	} escapes[] = {
		{"__", "__underscores__"}, {".", "__dot__"}, {"-", "__dash__"}, {"/", "__slash__"}};
	struct str s CLEANUP(str_release) = STR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (!strcmp(name, reserved[i]))
			return arena_printf(a, "__%s__", name);
	if (!*name || (*name >= '0' && *name <= '9'))
		return NULL;
	for (const char *p = name; *p;) {
		size_t i = 0;

		while (i < ARRAY_SIZE(escapes) && !str_has_prefix(p, escapes[i].text))
			i++;
		if (i < ARRAY_SIZE(escapes)) {
			str_adds(&s, escapes[i].escape);
			p += strlen(escapes[i].text);
			continue;
		}
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || *p == '_'))
			return NULL;
		str_addc(&s, *p++);
	}
	return arena_copy(a, s.s, s.len);
}
