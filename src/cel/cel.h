/*
 * CEL, the Common Expression Language, as the Kubernetes API uses it: x-kubernetes-validations,
 * admission policies, match conditions (Kubernetes documentation, "Common Expression Language in
 * Kubernetes"; the CEL language definition).
 *
 *	struct cel_variable vars[] = {{"self", self_type}};
 *	struct cel_program *p = cel_compile(vars, 1, "self.replicas <= 5", &err);
 *	...
 *	uint64_t budget = CEL_CALL_BUDGET;
 *	struct arena a CLEANUP(arena_release) = ARENA_INIT;
 *	struct cel_value self = cel_from_json(&a, tree, self_type), result;
 *	if (cel_eval(p, &self, &budget, &a, &result, &err) == 0 && result.boolean) ...
 *
 * An expression is parsed and type-checked once and then evaluated any number of times. It is
 * bounded: in its length and nesting, in what it may cost at the most (estimated when it is
 * compiled, from the bounds of its inputs) and in what it really costs (counted while it runs).
 * The unit of cost is one look-up of a field; the rules are those of cel-go and of Kubernetes'
 * libraries.
 *
 * Libraries: the standard one, optional types, string extensions, lists, sets, regular
 * expressions, URLs, IP addresses and CIDRs, quantities, named formats, semantic versions,
 * comprehensions of two variables. What differs: time zones are offsets ("+02:00") and "UTC",
 * and a time is one between the years 1678 and 2261.
 *
 * Threads: types and programs are immutable and may be shared; an evaluation belongs to one
 * thread.
 */
#ifndef CEL_CEL_H
#define CEL_CEL_H

#include "base/arena.h"
#include "base/error.h"
#include "object/object.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Kubernetes' bounds: one evaluation; all evaluations for one object. */
#define CEL_CALL_BUDGET 1000000u
#define CEL_OBJECT_BUDGET 10000000u
#define CEL_MAX_TEXT 100000u
#define CEL_MAX_DEPTH 250
#define CEL_UNBOUNDED UINT64_MAX
/* What one evaluation may take of the arena, and the longest text that it may make. */
#define CEL_MAX_MEMORY (64u << 20)
#define CEL_MAX_BYTES (16u << 20)

enum cel_kind {
	CEL_ERROR, /* of values only: what went wrong; && and || may absorb it */
	CEL_DYN,   /* of types only, as is the next */
	CEL_PARAM,
	CEL_NULL,
	CEL_BOOL,
	CEL_INT,
	CEL_UINT,
	CEL_DOUBLE,
	CEL_STRING,
	CEL_BYTES,
	CEL_TIMESTAMP,
	CEL_DURATION,
	CEL_LIST,
	CEL_MAP,
	CEL_OBJECT, /* with declared fields */
	CEL_TYPE,
	CEL_OPTIONAL,
	CEL_QUANTITY,
	CEL_IP,
	CEL_CIDR,
	CEL_URL,
	CEL_SEMVER,
	CEL_FORMAT,
	/* What expressions ask an authorizer with, step by step. */
	CEL_AUTHORIZER,
	CEL_PATH_CHECK,
	CEL_GROUP_CHECK,
	CEL_RESOURCE_CHECK,
	CEL_DECISION,
	CEL_KINDS
};

/* One field of an object: NAME as expressions spell it (cel_escape_name), KEY as JSON does. */
struct cel_field {
	const char *name, *key;
	const struct cel_type *type;
};

struct cel_type {
	enum cel_kind kind;
	const char *name;	     /* of an object or a parameter */
	const struct cel_type *key;  /* of a map */
	const struct cel_type *elem; /* of a list, a map, an optional */
	const struct cel_field *fields;
	size_t n_fields;
	bool open; /* an object of any fields, of which nothing is known */
	/* The most characters, bytes, elements or entries; CEL_UNBOUNDED when nobody knows, as 0.
	 */
	uint64_t max_size;
	/* x-kubernetes-list-type: how lists compare and add up. */
	enum { CEL_LIST_ATOMIC, CEL_LIST_SET, CEL_LIST_MAP } list_type;
	const char *const *list_keys; /* of CEL_LIST_MAP, NULL-terminated */
};

/* The types without parts, by kind: &cel_types[CEL_INT]. */
extern const struct cel_type cel_types[CEL_KINDS];
struct cel_type *cel_type_list(struct arena *a, const struct cel_type *elem);
struct cel_type *cel_type_map(struct arena *a, const struct cel_type *key,
			      const struct cel_type *elem);

struct cel_value {
	enum cel_kind kind;
	union {
		bool boolean;
		int64_t i; /* CEL_INT; in ns: CEL_DURATION, and CEL_TIMESTAMP since 1970 */
		uint64_t u;
		double d;
		struct span text; /* CEL_STRING, CEL_BYTES, CEL_TYPE, CEL_ERROR, CEL_FORMAT */
		const struct cel_list *list;
		const struct cel_map *map;	  /* CEL_MAP, CEL_OBJECT */
		const struct cel_value *optional; /* NULL: none */
		const struct quantity *quantity;
		const struct cel_ip *ip; /* CEL_IP, CEL_CIDR */
		const struct cel_url *url;
		const struct cel_semver *semver;
		const struct cel_check *check; /* CEL_AUTHORIZER to CEL_DECISION */
	};
};

/*
 * A tree seen as TYPE (NULL: by what it is: integers are int, other numbers double). Lists and maps
 * are not copied: TREE has to live as long as the value. What does not have the type is CEL_ERROR.
 */
struct cel_value cel_from_json(struct arena *a, const json_t *tree, const struct cel_type *type);
struct cel_value cel_string(const char *text, size_t len);
/* An error as a value; its text, of at most CEL_FAIL_TEXT bytes, is in the arena. */
#define CEL_FAIL_TEXT 512
struct cel_value cel_fail(struct arena *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A new tree, or NULL and *err (E_BAD_REQUEST) for what JSON has no form of. */
json_t *cel_to_json(struct arena *a, const struct cel_value *v, struct error **err);

/*
 * An object of TYPE whose fields are made by GET when they are looked at; the I-th field of the
 * type is asked for. What GET gives lives as long as the arena.
 */
struct cel_lazy {
	struct cel_value (*get)(void *arg, size_t i);
	void *arg;
};
struct cel_value cel_lazy_object(struct arena *a, const struct cel_type *type,
				 const struct cel_lazy *lazy);
/* The type of a value of CEL_OBJECT, or NULL: "Object.spec". */
const char *cel_object_name(const struct cel_value *v);

/* Whether somebody may do something: "authorizer.group('').resource('pods').check('get')". */
struct cel_authorizer;
struct cel_check {
	const struct cel_authorizer *authorizer;
	const char *account_namespace, *account_name; /* NULL: whoever makes the request */
	const char *verb, *path;
	/* PATH NULL: of a resource. "": none. */
	const char *group, *resource, *subresource, *namespace, *name;
	bool allowed; /* of a decision, as is the next */
	const char *reason;
};
struct cel_authorizer {
	/* The answer, and its reason (in A; "" for none). */
	bool (*allowed)(void *arg, const struct cel_check *check, struct arena *a,
			const char **reason);
	void *arg;
};
/* The value of a variable of type CEL_AUTHORIZER, and of one of type CEL_RESOURCE_CHECK. AUTHORIZER
 * and the texts are borrowed. */
struct cel_value cel_authorizer_value(struct arena *a, const struct cel_authorizer *authorizer);
struct cel_value cel_check_value(struct arena *a, const struct cel_check *check);

/* A name may be qualified: "authorizer.requestResource". */
struct cel_variable {
	const char *name;
	const struct cel_type *type;
};

struct cel_range {
	uint64_t min, max;
};

/* Beside what every expression may say: the types Object, Object.x and JSONPatch with their
 * literals, and the functions of jsonpatch. */
enum cel_features { CEL_PATCHES = 1 };

struct cel_program;
/*
 * NULL and *err (E_INVALID, "ERROR: <input>:LINE:COLUMN: ...") when TEXT is no expression over
 * VARS or does not type-check. VARS and their types have to outlive the program.
 */
struct cel_program *cel_compile(const struct cel_variable *vars, size_t n_vars, const char *text,
				struct error **err);
struct cel_program *cel_compile_with(const struct cel_variable *vars, size_t n_vars,
				     unsigned features, const char *text, struct error **err);
struct cel_program *cel_program_free(struct cel_program *p);
DEFINE_CLEANUP(struct cel_program *, cel_program_free)
const struct cel_type *cel_program_type(const struct cel_program *p);
/* What one evaluation may cost, from the bounds of the variables' types. Saturates. */
struct cel_range cel_program_cost(const struct cel_program *p);
bool cel_program_uses(const struct cel_program *p, const char *variable);
/* How deep its syntax nests, and with it what evaluating it takes of the stack. */
int cel_program_depth(const struct cel_program *p);

/*
 * VALUES: one for each variable, in their order. What it cost is taken off *budget; when that is
 * spent: -1 and E_TOO_LARGE ("actual cost limit exceeded"). When the expression fails: -1 and
 * E_INVALID with its reason ("no such key: x"). The result lives as long as the arena and VALUES.
 */
int cel_eval(const struct cel_program *p, const struct cel_value *values, uint64_t *budget,
	     struct arena *a, struct cel_value *result, struct error **err);

/* How a property's name is spelled in an expression ("a-b" is a__dash__b); NULL: it cannot be. */
char *cel_escape_name(struct arena *a, const char *name);
/* "list(string)", "map(string, int)": for messages. */
char *cel_type_text(struct arena *a, const struct cel_type *t);

#endif
