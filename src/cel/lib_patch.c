/* What expressions that make patches need beside their types. */
#include "base/mem.h"
#include "base/str.h"
#include "cel/function.h"

/* KEY as a part of a JSON Pointer (RFC 6901). */
static struct cel_value escape_key(struct call *c, const struct cel_value *arg)
{
	struct str s CLEANUP(str_release) = STR_INIT;

	for (size_t i = 0; i < arg[0].text.len; i++) {
		char ch = arg[0].text.p[i];

		if (ch == '~')
			str_adds(&s, "~0");
		else if (ch == '/')
			str_adds(&s, "~1");
		else
			str_addc(&s, ch);
	}
	return cel_text(c->arena, s.s, s.len);
}

static const struct function_row rows[] = {
	{"jsonpatch.escapeKey", "(string) string", escape_key, COST_TEXT_TWICE},
};
const struct function_library library_patch = {rows, ARRAY_SIZE(rows), CEL_PATCHES};
