/* matches, find, findAll: expressions as RE2 reads them. */
#include "base/mem.h"
#include "base/vec.h"
#include "cel/function.h"
#include "object/pattern.h"

/* The pattern of the second argument: the prepared one, or made for this call (*made). */
static const struct pattern *pattern_of(struct call *c, const struct cel_value *arg,
					struct pattern **made, struct cel_value *failure)
{
	struct error *err = NULL;

	if (c->pattern)
		return c->pattern;
	*made = pattern_new(arg[1].text.p, arg[1].text.len, &err);
	if (!*made) {
		*failure = cel_fail(c->arena, "error parsing regexp: %s", error_message(err));
		error_free(err);
	}
	return *made;
}

/* Up to LIMIT matches (negative: all) of arg[1] in arg[0], each passed to a list. */
static struct cel_value search(struct call *c, const struct cel_value *arg, int64_t limit,
			       struct cel_value **out, size_t *n_out)
{
	struct pattern *made CLEANUP(pattern_free_cleanup) = NULL;
	struct cel_value failure = {.kind = CEL_NULL};
	const struct pattern *p = pattern_of(c, arg, &made, &failure);
	VEC(struct cel_value) found = VEC_INIT;
	struct span text = arg[0].text;
	struct pattern_match m = {0, 0};
	struct error *err = NULL;
	size_t from = 0;
	int rc = 0;

	while (p && from <= text.len && (limit < 0 || found.n < (size_t)limit)) {
		rc = pattern_find(p, text.p, text.len, from, &m, &err);
		if (rc <= 0)
			break;
		vec_push(&found, cel_string(text.p + m.start, m.end - m.start));
		/* An empty match moves on by one character, or it would be found for ever. */
		from = m.end;
		if (m.end == m.start)
			do
				from++;
			while (from < text.len && ((unsigned char)text.p[from] & 0xc0) == 0x80);
	}
	if (rc < 0) {
		failure = cel_fail(c->arena, "%s", error_message(err));
		error_free(err);
	}
	*n_out = found.n;
	*out = (struct cel_value *)arena_copy(c->arena, (char *)found.v,
					      found.n * sizeof(*found.v));
	vec_release(&found);
	return failure;
}

static struct cel_value matches(struct call *c, const struct cel_value *arg)
{
	struct cel_value *found, failure;
	size_t n;

	failure = search(c, arg, 1, &found, &n);
	return failure.kind == CEL_ERROR ? failure : cel_bool(n > 0);
}

static struct cel_value find(struct call *c, const struct cel_value *arg)
{
	struct cel_value *found, failure;
	size_t n;

	failure = search(c, arg, 1, &found, &n);
	if (failure.kind == CEL_ERROR)
		return failure;
	return n ? found[0] : cel_string("", 0);
}

static struct cel_value find_up_to(struct call *c, const struct cel_value *arg, int64_t limit)
{
	struct cel_value *found, failure;
	size_t n;

	failure = search(c, arg, limit, &found, &n);
	return failure.kind == CEL_ERROR ? failure : cel_list_new(c->arena, found, n, NULL);
}

static struct cel_value find_all(struct call *c, const struct cel_value *arg)
{
	return find_up_to(c, arg, -1);
}

static struct cel_value find_some(struct call *c, const struct cel_value *arg)
{
	return find_up_to(c, arg, arg[2].i);
}

static const struct function_row rows[] = {
	{"matches", "(string, string) bool", matches, COST_PATTERN},
	{"matches", "string.(string) bool", matches, COST_PATTERN},
	{"find", "string.(string) string", find, COST_PATTERN, SIZE_UP_TO},
	{"findAll", "string.(string) list<string>", find_all, COST_PATTERN, SIZE_UP_TO},
	{"findAll", "string.(string, int) list<string>", find_some, COST_PATTERN, SIZE_UP_TO},
};
const struct function_library library_regex = {rows, ARRAY_SIZE(rows)};
