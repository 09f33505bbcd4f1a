#include "base/str.h"
#include "cel/cel.h"
#include "object/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* What the expressions of these tests are about. */
static const char self_json[] =
	"{\"name\":\"web\",\"replicas\":3,\"ratio\":1,\"since\":\"2026-11-23T20:30:00Z\","
	"\"wait\":\"90s\",\"data\":\"aGk=\",\"x-y\":\"dashed\","
	"\"ports\":[{\"name\":\"a\",\"port\":80},{\"name\":\"b\",\"port\":443}],"
	"\"set\":[\"x\",\"y\"],\"labels\":{\"app\":\"web\",\"tier\":\"front\"},"
	"\"any\":{\"n\":1,\"f\":1.5,\"l\":[1,\"two\",null]}}";

/* The type of self, as a schema would give it. */
static const struct cel_type *self_type(struct arena *a)
{
	static const struct cel_field port_fields[] = {
		{"name", "name", &cel_types[CEL_STRING]},
		{"port", "port", &cel_types[CEL_INT]},
	};
	static const char *const port_keys[] = {"name", NULL};
	static const struct cel_type port = {
		.kind = CEL_OBJECT, .name = "port", .fields = port_fields, .n_fields = 2};
	static const struct cel_type name = {.kind = CEL_STRING, .max_size = 63};
	struct cel_type *ports = cel_type_list(a, &port), *set, *self, *labels;
	struct cel_field *f = arena_new(a, 12 * sizeof(*f));

	ports->list_type = CEL_LIST_MAP;
	ports->list_keys = port_keys;
	ports->max_size = 10;
	set = cel_type_list(a, &cel_types[CEL_STRING]);
	set->list_type = CEL_LIST_SET;
	labels = cel_type_map(a, &cel_types[CEL_STRING], &cel_types[CEL_STRING]);
	f[0] = (struct cel_field){"name", "name", &name};
	f[1] = (struct cel_field){"replicas", "replicas", &cel_types[CEL_INT]};
	f[2] = (struct cel_field){"ratio", "ratio", &cel_types[CEL_DOUBLE]};
	f[3] = (struct cel_field){"since", "since", &cel_types[CEL_TIMESTAMP]};
	f[4] = (struct cel_field){"wait", "wait", &cel_types[CEL_DURATION]};
	f[5] = (struct cel_field){"data", "data", &cel_types[CEL_BYTES]};
	f[6] = (struct cel_field){cel_escape_name(a, "x-y"), "x-y", &cel_types[CEL_STRING]};
	f[7] = (struct cel_field){"ports", "ports", ports};
	f[8] = (struct cel_field){"set", "set", set};
	f[9] = (struct cel_field){"labels", "labels", labels};
	f[10] = (struct cel_field){"any", "any", &cel_types[CEL_DYN]};
	f[11] = (struct cel_field){"missing", "missing", &cel_types[CEL_STRING]};
	self = arena_new(a, sizeof(*self));
	*self = (struct cel_type){.kind = CEL_OBJECT, .name = "self", .fields = f, .n_fields = 12};
	return self;
}

struct fixture {
	struct arena arena;
	json_t *tree;
	struct cel_variable vars[1];
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->tree = json_loads(self_json, 0, NULL);
	f->vars[0] = (struct cel_variable){"self", self_type(&f->arena)};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	json_decref(f->tree);
	arena_release(&f->arena);
	free(f);
	return 0;
}

/* The JSON of what TEXT gives, or "error: why". */
static char *result_of(struct fixture *f, const char *text, uint64_t *budget)
{
	struct arena a CLEANUP(arena_release) = ARENA_INIT;
	struct str out = STR_INIT;
	struct error *err = NULL;
	struct cel_program *p CLEANUP(cel_program_free_cleanup) =
		cel_compile(f->vars, 1, text, &err);
	struct cel_value self = cel_from_json(&a, f->tree, f->vars[0].type), v;
	json_t *json json_auto = NULL;

	if (!p || cel_eval(p, &self, budget, &a, &v, &err) < 0 ||
	    !(json = cel_to_json(&a, &v, &err)))
		str_addf(&out, "error: %s", error_message(err));
	else
		json_write(json, &out);
	error_free(err);
	return str_take(&out);
}

struct example {
	const char *text, *want; /* of an error: a part of its text */
};

static void check_all(void **state, const struct example *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t budget = CEL_CALL_BUDGET;
		char *got free_ptr = result_of(*state, v[i].text, &budget);
		bool fits = str_has_prefix(v[i].want, "error: ")
				    ? str_has_prefix(got, "error: ") && strstr(got, v[i].want + 7)
				    : !strcmp(got, v[i].want);

		if (!fits)
			fail_msg("%s\n  gives %s\n  wants %s", v[i].text, got, v[i].want);
	}
}

#define EXAMPLES(...)                                    \
	static const struct example v[] = {__VA_ARGS__}; \
	check_all(state, v, ARRAY_SIZE(v))

static void literals_and_operators(void **state)
{
	EXAMPLES({"1 + 2 * 3", "7"}, {"(1 + 2) * 3", "9"}, {"-7 / 2", "-3"}, {"-7 % 2", "-1"},
		 {"-9223372036854775808", "-9223372036854775808"}, {"0x1F", "31"}, {"5u + 1u", "6"},
		 {"1.5e1 / 2.0", "7.5"}, {"'a' + \"b\"", "\"ab\""}, {"'''x\n'y'''", "\"x\\n'y\""},
		 {"r'\\n'", "\"\\\\n\""}, {"'\\u00e9\\x41\\101'", "\"\xc3\xa9\x41\x41\""},
		 {"b'\\xff'.size()", "1"}, {"true ? 1 : 2", "1"}, {"!true || false", "false"},
		 {"1 < 2 && 2.0 > 1", "true"}, {"1 == 1", "true"}, {"dyn(1) == 1.0", "true"},
		 {"2 in [1, 2]", "true"}, {"'k' in {'k': 1}", "true"}, {"[1, 2][1]", "2"},
		 {"{'a': 1, 'b': 2}['b']", "2"}, {"{'a': 1}.a", "1"}, {"[1] + [2]", "[1,2]"},
		 {"{1: 'x', 2u: 'y'}[2]", "error: expected type 'int' but found 'uint'"},
		 {"// a comment\n1", "1"}, {"null == null", "true"}, {"[] == []", "true"},
		 {"{'a': [1]} == {'a': [1.0]}", "error: no matching overload"},
		 {"dyn(0.0/0.0) == dyn(0.0/0.0)", "false"}, {"0.0/0.0 < 1.0", "false"});
}

static void errors_of_evaluation(void **state)
{
	EXAMPLES({"9223372036854775807 + 1", "error: integer overflow"},
		 {"1 / 0", "error: division by zero"}, {"1 % 0", "error: modulus by zero"},
		 {"1u - 2u", "error: unsigned integer overflow"},
		 {"[1][1]", "error: index out of bounds: 1"},
		 {"{'a': 1}['b']", "error: no such key: b"},
		 {"self.missing", "error: no such key: missing"}, {"true || 1 / 0 > 0", "true"},
		 {"1 / 0 > 0 || true", "true"}, {"1 / 0 > 0 && false", "false"},
		 {"1 / 0 > 0 && true", "error: division by zero"},
		 {"[1, 2].exists(x, 2 / (x - 1) > 0)", "true"},
		 {"self.any.n.x", "error: no such key: x"},
		 {"{'a': 1, 'a': 2}", "error: repeated key"},
		 {"int('x')", "error: type conversion"}, {"int(1e30)", "error: integer overflow"});
}

static void errors_of_checking(void **state)
{
	EXAMPLES({"nobody", "error: undeclared reference to 'nobody'"},
		 {"self.nothing", "error: undefined field 'nothing'"},
		 {"self.replicas + 'x'",
		  "error: found no matching overload for '_+_' applied to '(int, string)'"},
		 {"self.replicas == 'x'", "error: no matching overload"},
		 {"self.name.foo()", "error: undeclared reference to 'foo'"},
		 {"[1, 'a']", "error: expected type 'int' but found 'string'"},
		 {"1 ? 2 : 3", "error: no matching overload"},
		 {"1 && true", "error: expected type 'bool'"},
		 {"self.replicas.all(x, true)", "error: cannot be range of a comprehension"},
		 {"'a'.matches('(')", "error: invalid matches argument"},
		 {"duration('1x')", "error: invalid duration argument"},
		 {"timestamp('soon')", "error: invalid timestamp argument"},
		 {"1 +", "error: <input>:1:4: Syntax error"}, {"1 2", "error: unexpected token"},
		 {"'abc", "error: without an end"}, {"a.b.", "error: expected a name"},
		 {"#", "error: token"}, {"'\\q'", "error: unescape"},
		 {"9223372036854775808", "error: invalid int literal"},
		 {"has(self)", "error: invalid argument to has() macro"},
		 {"", "error: unexpected end"}, {"for", "error: reserved identifier"},
		 {"[1].map(1, 2)", "error: simple name"},
		 {"size(1)", "error: no matching overload"});
}

static void values_of_a_schema(void **state)
{
	EXAMPLES({"self.replicas <= 5", "true"}, {"self.ratio == 1.0", "true"},
		 {"self.since > timestamp('2026-01-01T00:00:00Z')", "true"},
		 {"self.wait == duration('1m30s')", "true"}, {"string(self.data)", "\"hi\""},
		 {"self.x__dash__y", "\"dashed\""}, {"has(self.missing)", "false"},
		 {"has(self.name)", "true"}, {"self.labels.tier", "\"front\""},
		 {"self.labels['app']", "\"web\""}, {"'app' in self.labels", "true"},
		 {"self.ports.all(p, p.port > 0)", "true"},
		 {"self.ports.filter(p, p.port > 100).map(p, p.name)", "[\"b\"]"},
		 {"self.ports.map(p, p.port > 100, p.name)", "[\"b\"]"},
		 {"self.ports.exists_one(p, p.name == 'a')", "true"},
		 {"self.labels.all(k, k.size() < 5)", "true"},
		 {"self.labels.all(k, v, v != k)", "true"},
		 {"self.labels.transformList(k, v, k + v)", "[\"appweb\",\"tierfront\"]"},
		 {"self.labels.transformMap(k, v, k == 'app', v + '!')", "{\"app\":\"web!\"}"},
		 {"self.labels.transformMapEntry(k, v, {v: k})",
		  "{\"front\":\"tier\",\"web\":\"app\"}"},
		 {"self.set == ['y', 'x']", "true"},
		 {"self.set + ['y', 'z']", "[\"x\",\"y\",\"z\"]"},
		 {"(self.ports + self.ports).size()", "2"}, {"self.any.f + 1.0", "2.5"},
		 {"self.any.l[1]", "\"two\""}, {"self.any.l[2] == null", "true"},
		 {"type(self.replicas) == int", "true"},
		 {"type(self.since) == google.protobuf.Timestamp", "true"},
		 {"self.?missing.orValue('none')", "\"none\""},
		 {"self.labels[?'app'].hasValue()", "true"},
		 {"self.?name.optMap(n, n + '!').value()", "\"web!\""},
		 {"[?self.?missing, ?self.?name]", "[\"web\"]"}, {"{?'a': self.?missing}", "{}"},
		 {"optional.ofNonZeroValue(0).hasValue()", "false"},
		 {"optional.none().value()", "error: dereference"});
}

static void libraries(void **state)
{
	EXAMPLES({"'tacocat'.charAt(3)", "\"o\""}, {"'hello mellow'.indexOf('ello', 2)", "7"},
		 {"'hello mellow'.lastIndexOf('ello')", "7"},
		 {"'TacoCat'.lowerAscii()", "\"tacocat\""},
		 {"'hello hello'.replace('he', 'we', 1)", "\"wello hello\""},
		 {"'ab'.replace('', '_')", "\"_a_b_\""},
		 {"'a,b,c'.split(',')", "[\"a\",\"b\",\"c\"]"},
		 {"'a,b,c'.split(',', 2)", "[\"a\",\"b,c\"]"},
		 {"'h\xc3\xa9llo'.substring(1, 3)", "\"\xc3\xa9l\""},
		 {"'  trim\\t'.trim()", "\"trim\""}, {"['a','b'].join('-')", "\"a-b\""},
		 {"'abc'.substring(2, 1)", "error: invalid substring range"},
		 {"'%s is %d, %.2f, %x, %b, %%'.format([dyn('a'), 5, 1.0, 255, 5])",
		  "\"a is 5, 1.00, ff, 101, %\""},
		 {"strings.quote('a\"b')", "\"\\\"a\\\\\\\"b\\\"\""},
		 {"'abc 123'.find('[0-9]+')", "\"123\""},
		 {"'a1 b2 c3'.findAll('[0-9]', 2)", "[\"1\",\"2\"]"},
		 {"'web-1'.matches('^[a-z]+-[0-9]$')", "true"}, {"[3, 1, 2].isSorted()", "false"},
		 {"[1, 2, 3].sum()", "6"}, {"[1, 3].max()", "3"}, {"[].min()", "error: empty list"},
		 {"[1, 2, 1].lastIndexOf(1)", "2"}, {"[3, 1, 2].sort()", "[1,2,3]"},
		 {"[1, 1, 2].distinct()", "[1,2]"}, {"[[1], [2]].flatten()", "[1,2]"},
		 {"[1, 2, 3].slice(1, 3)", "[2,3]"}, {"lists.range(3).reverse()", "[2,1,0]"},
		 {"sets.contains([1, 2], [2])", "true"}, {"sets.intersects([1], [2])", "false"},
		 {"sets.equivalent([1, 2], [2, 1, 1])", "true"},
		 {"quantity('1.5Gi').isGreaterThan(quantity('1G'))", "true"},
		 {"quantity('50k') == quantity('50000')", "true"},
		 {"quantity('1').add(2).asInteger()", "3"}, {"isQuantity('1Gx')", "false"},
		 {"quantity('200m').asApproximateFloat()", "0.2"}, {"ip('10.0.0.1').family()", "4"},
		 {"isIP('10.0.0.01')", "false"}, {"ip.isCanonical('::FFFF')", "false"},
		 {"cidr('10.0.0.0/8').containsIP('10.1.2.3')", "true"},
		 {"cidr('10.0.0.0/8').containsCIDR('10.0.0.0/4')", "false"},
		 {"string(cidr('10.1.2.3/8').masked())", "\"10.0.0.0/8\""},
		 {"ip('127.0.0.1').isLoopback()", "true"},
		 {"url('https://u@a.example:80/p%20q?k=1&k=2').getHost()", "\"a.example:80\""},
		 {"url('https://[::1]:80/').getHostname()", "\"::1\""},
		 {"url('https://a/p?k=1&k=2&l').getQuery()", "{\"k\":[\"1\",\"2\"],\"l\":[\"\"]}"},
		 {"isURL('not a url')", "false"}, {"isURL('/absolute')", "true"},
		 {"url('/a%zz')", "error: escape"},
		 {"semver('1.2.3').isLessThan(semver('1.10.0-rc.1'))", "true"},
		 {"isSemver('v1.0')", "false"}, {"semver('v1.0', true).minor()", "0"},
		 {"semver('1.0.0-alpha').compareTo(semver('1.0.0'))", "-1"},
		 {"format.dns1123Label().validate('web')", "error: no form in JSON"},
		 {"!format.dns1123Label().validate('web').hasValue()", "true"},
		 {"format.named('uuid').value().validate('x').value()", "[\"must be a UUID\"]"},
		 {"timestamp('2024-02-29T23:59:59.5Z').getDayOfYear()", "59"},
		 {"timestamp('2024-03-01T00:00:00Z').getDate('-01:00')", "29"},
		 {"timestamp('2026-11-23T00:00:00Z').getDayOfWeek()", "1"},
		 {"string(timestamp('2026-11-23T00:00:00Z') + duration('1h30m0.5s'))",
		  "\"2026-11-23T01:30:00.5Z\""},
		 {"duration('1h30m').getMinutes()", "90"}, {"string(duration('1h'))", "\"3600s\""},
		 {"string(1.0)", "\"1\""}, {"string(1e21)", "\"1e+21\""}, {"double('1.5')", "1.5"},
		 {"bool('true')", "true"}, {"uint(5) == 5u", "true"},
		 {"int(timestamp('1970-01-01T00:01:00Z'))", "60"});
}

static void costs_are_bounded(void **state)
{
	struct fixture *f = *state;
	uint64_t budget = 200;
	char *got free_ptr = result_of(f, "lists.range(1000).all(i, i >= 0)", &budget);
	struct cel_program *p;
	struct str deep CLEANUP(str_release) = STR_INIT;

	assert_string_equal(got, "error: operation cancelled: actual cost limit exceeded");
	assert_int_equal(budget, 0);
	check_all(state,
		  (const struct example[]){
			  {"lists.range(1000000)", "error: more than"},
			  {"[lists.range(99999), [1, 2]].flatten()", "error: more than"},
			  /* Texts and lists of which one is made of many times the other. */
			  {"lists.range(2000).map(i, lists.range(99999)).size()", "error: limit"},
			  {"lists.range(20).map(i, ['0123456789'.replace('', '%s'.format(["
			   "lists.range(99999)]))]).flatten().join().size()",
			   "error: limit"},
		  },
		  4);
	/* Ten ports at the most: some units of cost for each. */
	p = cel_compile(f->vars, 1, "self.ports.all(p, p.port > 0)", NULL);
	assert_true(cel_program_cost(p).max > 10 && cel_program_cost(p).max < 200);
	assert_true(cel_program_uses(p, "self"));
	cel_program_free(p);
	/* Nobody knows how many labels: nobody knows the cost. */
	p = cel_compile(f->vars, 1, "self.labels.all(k, k != '')", NULL);
	assert_true(cel_program_cost(p).max == CEL_UNBOUNDED);
	assert_int_equal(cel_program_type(p)->kind, CEL_BOOL);
	cel_program_free(p);
	/* 63 characters by a pattern of 12: 7 by 3, and the two look-ups. */
	p = cel_compile(f->vars, 1, "self.name.matches('^[a-z0-9-]+$')", NULL);
	assert_int_equal(cel_program_cost(p).max, 7 * 3 + 2);
	cel_program_free(p);

	str_addn(&deep, '(', 1000);
	assert_null(cel_compile(f->vars, 1, deep.s, NULL));
	str_reset(&deep);
	for (int i = 0; i < 1000; i++)
		str_adds(&deep, "!");
	str_adds(&deep, "true");
	assert_null(cel_compile(f->vars, 1, deep.s, NULL));
	str_reset(&deep);
	str_adds(&deep, "1");
	for (int i = 0; i < 1000; i++)
		str_adds(&deep, " + 1");
	assert_null(cel_compile(f->vars, 1, deep.s, NULL));
	/* A long chain of && is not a deep one. */
	str_reset(&deep);
	str_adds(&deep, "true");
	for (int i = 0; i < 1000; i++)
		str_adds(&deep, " && true");
	p = cel_compile(f->vars, 1, deep.s, NULL);
	assert_non_null(p);
	cel_program_free(p);
}

static void names_are_escaped(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(cel_escape_name(&f->arena, "a.b-c/d__e"),
			    "a__dot__b__dash__c__slash__d__underscores__e");
	assert_string_equal(cel_escape_name(&f->arena, "namespace"), "__namespace__");
	assert_null(cel_escape_name(&f->arena, "1a"));
	assert_null(cel_escape_name(&f->arena, "a$b"));
}

/* What admission policies speak of beside their objects. */

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

static bool may(void *arg, const struct cel_check *check, struct arena *a, const char **reason)
{
	*reason = arena_printf(a, "%s/%s %s %s %s/%s.%s %s in %s",
			       or_dash(check->account_namespace), or_dash(check->account_name),
			       check->verb, or_dash(check->path), or_dash(check->resource),
			       or_dash(check->subresource), or_dash(check->group),
			       or_dash(check->name), or_dash(check->namespace));
	return *check->verb == 'g';
}

/* One variable is made each time somebody looks, to be counted. */
static struct cel_value look(void *arg, size_t i)
{
	int *looks = arg;

	++*looks;
	return (struct cel_value){.kind = CEL_INT, .i = (int64_t)i};
}

static const struct example patches[] = {
	{"[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('b/c~d'), value: {'x': 1}}]",
	 "[{\"op\":\"add\",\"path\":\"/a/b~1c~0d\",\"value\":{\"x\":1}}]"},
	{"Object{spec: Object.spec{replicas: 1, ?none: optional.none()}}",
	 "{\"spec\":{\"replicas\":1}}"},
	{"Object{a: 1} == Object{a: 1} && Object{a: 1} != Object{a: 2}", "true"},
	{"Object.a{x: 1} == Object.b{x: 1}", "error: found no matching overload"},
	{"Object{a: 1}.a + 1", "2"},
	{"true ? [] : [JSONPatch{}]", "[]"},
	{"JSONPatch{none: 1}", "error: undefined field 'none'"},
	{"JSONPatch{op: 1}", "error: expected type of field 'op' is 'string'"},
	{"JSONPatch{op: dyn(1)}", "error: unexpected type int for JSONPatch 'op' field"},
	{"Objects{}", "error: undeclared reference to 'Objects'"},
	{"authorizer.group('apps').resource('d').subresource('s').namespace('n').name('x')"
	 ".check('get').reason()",
	 "\"-/- get - d/s.apps x in n\""},
	{"authorizer.serviceAccount('n', 'a').path('/p').check('put').allowed()", "false"},
	{"authorizer.requestResource.check('get').allowed()", "true"},
	{"authorizer.path(' ')", "error: path must not be empty"},
	{"authorizer.group('').resource('')", "error: resource must not be empty"},
	{"authorizer.serviceAccount('N', 'a')", "error: Invalid service account namespace"},
	{"[1].map(i, authorizer.group('').resource('x').check('a').allowed() || "
	 "authorizer.group('').resource('x').check('b').allowed() || "
	 "authorizer.group('').resource('x').check('c').allowed())",
	 "error: operation cancelled: actual cost limit exceeded"},
	{"authorizer.group", "error: does not support field selection"},
	{"false && variables.a == 1", "false"},
	{"variables.b + variables.b", "2"},
	{"has(variables.a)", "true"},
	{"variables.c", "error: undefined field 'c'"},
};

static void patches_and_authorizer(void **state)
{
	static const struct cel_field fields[] = {{"a", "a", &cel_types[CEL_INT]},
						  {"b", "b", &cel_types[CEL_INT]}};
	static const struct cel_type own = {
		.kind = CEL_OBJECT, .name = "v", .fields = fields, .n_fields = 2};
	static const struct cel_variable vars[] = {
		{"authorizer", &cel_types[CEL_AUTHORIZER]},
		{"authorizer.requestResource", &cel_types[CEL_RESOURCE_CHECK]},
		{"variables", &own},
	};
	int looks = 0;
	const struct cel_authorizer authorizer = {may, NULL};
	const struct cel_lazy lazy = {look, &looks};
	const struct cel_check check = {.authorizer = &authorizer, .resource = "r"};

	for (size_t i = 0; i < ARRAY_SIZE(patches); i++) {
		struct arena a CLEANUP(arena_release) = ARENA_INIT;
		struct str out CLEANUP(str_release) = STR_INIT;
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		struct cel_program *p CLEANUP(cel_program_free_cleanup) =
			cel_compile_with(vars, 3, CEL_PATCHES, patches[i].text, &err);
		const struct cel_value values[] = {cel_authorizer_value(&a, &authorizer),
						   cel_check_value(&a, &check),
						   cel_lazy_object(&a, &own, &lazy)};
		uint64_t budget = CEL_CALL_BUDGET;
		struct cel_value v;
		json_t *json json_auto = NULL;

		if (p && cel_eval(p, values, &budget, &a, &v, &err) == 0)
			json = cel_to_json(&a, &v, &err);
		if (json)
			json_write(json, &out);
		else
			str_addf(&out, "error: %s", error_message(err));
		if (str_has_prefix(patches[i].want, "error: ")
			    ? !strstr(out.s, patches[i].want + strlen("error: "))
			    : strcmp(out.s, patches[i].want) != 0)
			fail_msg("%s: %s", patches[i].text, out.s);
	}
	/* Only what was looked at was made. */
	assert_int_equal(looks, 3);
	assert_null(cel_compile(vars, 3, "Object{}", NULL));
	assert_null(cel_compile(vars, 3, "jsonpatch.escapeKey('a')", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(literals_and_operators, setup, teardown),
		cmocka_unit_test_setup_teardown(errors_of_evaluation, setup, teardown),
		cmocka_unit_test_setup_teardown(errors_of_checking, setup, teardown),
		cmocka_unit_test_setup_teardown(values_of_a_schema, setup, teardown),
		cmocka_unit_test_setup_teardown(libraries, setup, teardown),
		cmocka_unit_test_setup_teardown(costs_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(names_are_escaped, setup, teardown),
		cmocka_unit_test(patches_and_authorizer),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
