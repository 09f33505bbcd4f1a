#include "cel/function.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

static const struct function_library *const libraries[] = {
	&library_standard,   &library_time,  &library_strings,	  &library_lists,
	&library_regex,	     &library_net,   &library_kubernetes, &library_optional,
	&library_authorizer, &library_patch,
};

struct overloads {
	const struct function **v;
	size_t n, cap;
};

/* The table read once: methods by ".name", functions by "name". It lives as long as the program. */
static struct map *table;
static struct arena table_arena = ARENA_INIT;
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static const struct cel_type any_a = {.kind = CEL_PARAM, .name = "A"};
static const struct cel_type any_b = {.kind = CEL_PARAM, .name = "B"};
static const struct cel_type any_number = {.kind = CEL_PARAM, .name = "number"};

static const struct {
	const char *name;
	const struct cel_type *type;
} words[] = {
	{"A", &any_a},
	{"B", &any_b},
	{"number", &any_number},
	{"bool", &cel_types[CEL_BOOL]},
	{"int", &cel_types[CEL_INT]},
	{"uint", &cel_types[CEL_UINT]},
	{"double", &cel_types[CEL_DOUBLE]},
	{"string", &cel_types[CEL_STRING]},
	{"bytes", &cel_types[CEL_BYTES]},
	{"timestamp", &cel_types[CEL_TIMESTAMP]},
	{"duration", &cel_types[CEL_DURATION]},
	{"null", &cel_types[CEL_NULL]},
	{"dyn", &cel_types[CEL_DYN]},
	{"type", &cel_types[CEL_TYPE]},
	{"quantity", &cel_types[CEL_QUANTITY]},
	{"ip", &cel_types[CEL_IP]},
	{"cidr", &cel_types[CEL_CIDR]},
	{"url", &cel_types[CEL_URL]},
	{"semver", &cel_types[CEL_SEMVER]},
	{"format", &cel_types[CEL_FORMAT]},
	{"authorizer", &cel_types[CEL_AUTHORIZER]},
	{"pathCheck", &cel_types[CEL_PATH_CHECK]},
	{"groupCheck", &cel_types[CEL_GROUP_CHECK]},
	{"resourceCheck", &cel_types[CEL_RESOURCE_CHECK]},
	{"decision", &cel_types[CEL_DECISION]},
};

static bool take(const char **p, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(*p, text, n))
		return false;
	*p += n;
	return true;
}

/* The type at *P, which the reader moves past. A signature that does not read is a bug. */
static const struct cel_type *read_type(const char **p)
{
	struct cel_type *t;
	size_t len = strcspn(*p, "<>,.) ");

	if (take(p, "list<")) {
		t = cel_type_list(&table_arena, read_type(p));
	} else if (take(p, "optional<")) {
		t = cel_type_list(&table_arena, read_type(p));
		t->kind = CEL_OPTIONAL;
	} else if (take(p, "map<")) {
		const struct cel_type *key = read_type(p);

		take(p, ",");
		t = cel_type_map(&table_arena, key, read_type(p));
	} else {
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (strlen(words[i].name) == len && !strncmp(words[i].name, *p, len)) {
				*p += len;
				return words[i].type;
			}
		assert(!"a type in a signature");
		abort();
	}
	take(p, ">");
	return t;
}

static void add_row(const struct function_row *row, unsigned feature)
{
	struct function *f = arena_new(&table_arena, sizeof(*f));
	const char *p = row->signature;
	struct overloads *list;
	char *key;

	f->row = row;
	f->feature = feature;
	if (*p != '(') {
		f->method = true;
		f->arg[f->n++] = read_type(&p);
		take(&p, ".");
	}
	take(&p, "(");
	while (!take(&p, ")")) {
		assert(f->n < FUNCTION_MAX_ARGS);
		f->arg[f->n++] = read_type(&p);
		take(&p, ", ");
	}
	take(&p, " ");
	f->result = read_type(&p);
	key = arena_printf(&table_arena, "%s%s", f->method ? "." : "", row->name);
	list = map_get(table, key);
	if (!list) {
		list = arena_new(&table_arena, sizeof(*list));
		map_put(table, key, list);
	}
	vec_push(list, f);
}

static void read_table(void)
{
	table = map_new();
	for (size_t i = 0; i < ARRAY_SIZE(libraries); i++)
		for (size_t j = 0; j < libraries[i]->n; j++)
			add_row(&libraries[i]->rows[j], libraries[i]->feature);
}

const struct function *const *functions_find(const char *name, bool method, size_t *n)
{
	const struct overloads *list;
	struct arena a CLEANUP(arena_release) = ARENA_INIT;

	pthread_once(&table_once, read_table);
	list = map_get(table, arena_printf(&a, "%s%s", method ? "." : "", name));
	*n = list ? list->n : 0;
	return list ? list->v : NULL;
}

uint64_t cost_add(uint64_t a, uint64_t b)
{
	return a > CEL_UNBOUNDED - b ? CEL_UNBOUNDED : a + b;
}

uint64_t cost_multiply(uint64_t a, uint64_t b)
{
	return b && a > CEL_UNBOUNDED / b ? CEL_UNBOUNDED : a * b;
}

/* N parts in PER: rounded up. */
static uint64_t parts(uint64_t n, uint64_t per)
{
	return n == CEL_UNBOUNDED ? n : n / per + !!(n % per);
}

#define TEXT 10 /* characters in a unit of cost */
#define CHECK 350000
#define EXPRESSION 4 /* characters of a regular expression in one */
/* As long as the longest expression behind a named format. */
#define LONG_EXPRESSION 128

static uint64_t one_cost(enum cost_rule rule, uint64_t first, uint64_t second)
{
	switch (rule) {
	case COST_ONE:
		return 1;
	case COST_TEXT:
		return parts(first, TEXT);
	case COST_TEXT_TWICE:
		return parts(cost_multiply(first, 2), TEXT);
	case COST_TEXT_SECOND:
		return parts(second, TEXT);
	case COST_LESSER:
		return parts(MIN(first, second), TEXT);
	case COST_BOTH:
		return parts(cost_add(first, second), TEXT);
	case COST_PRODUCT:
		return cost_multiply(parts(first, TEXT), parts(second, TEXT));
	case COST_PATTERN:
		return cost_multiply(parts(cost_add(first, 1), TEXT), parts(second, EXPRESSION));
	case COST_PATTERN_LONG:
		return cost_multiply(parts(cost_add(second, 1), TEXT),
				     parts(LONG_EXPRESSION, EXPRESSION));
	case COST_SECOND_LIST:
		return second;
	case COST_LIST:
		return first;
	case COST_LISTS:
		return cost_multiply(first, second);
	case COST_CHECK:
		return CHECK;
	}
	return 1;
}

struct cel_range function_cost(enum cost_rule rule, const struct cel_range *size, size_t n)
{
	struct cel_range one = {1, 1}, first = n ? size[0] : one,
			 second = n > 1		       ? size[1]
				  : rule == COST_LISTS ? first
						       : one;

	return (struct cel_range){
		one_cost(rule, first.min, second.min),
		one_cost(rule, first.max, second.max),
	};
}
