/*
 * A place in an object that is being validated: where it is, what stands there, and who collects
 * what is wrong.
 *
 *	static void check_ports(const struct field *ports)
 *	{
 *		field_each (ports, port) {
 *			field_check(FIELD(&port, "name"), name_port);
 *			if (!field_int(FIELD(&port, "port")))
 *				field_required(FIELD(&port, "port"), NULL);
 *		}
 *	}
 *
 * Places are linked on the stack; a path becomes text only when there is something to say of it,
 * so that a valid object costs look-ups and nothing else. A place whose value is not there is as
 * good as any other: it has no elements, its text is "" and its number 0, as in Go's structs.
 *
 * Complaints become E_INVALID with one cause each; reasons and beginnings of the messages are those
 * of apimachinery's field.Error. DETAIL may be NULL.
 *
 * Threads: a collector and its places belong to one thread.
 */
#ifndef KINDS_FIELD_H
#define KINDS_FIELD_H

#include "base/error.h"
#include "base/str.h"
#include "kinds/names.h"
#include "object/json.h"
#include "object/quantity.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct field_errors;
struct resource;

struct field {
	const struct field *up; /* NULL: the object itself */
	const char *name;	/* of a member; may be dotted, "spec.template" */
	const char *key;	/* of a map's entry; both NULL: an element */
	size_t index;
	const json_t *value; /* NULL: not there */
	struct field_errors *errors;
};

/* A member. UP and the result live as long as the block where this stands. */
#define FIELD(up, name) ((const struct field[1]){field_member(up, name)})
/* An element or a map's entry by hand, where field_each and field_each_key do not do. */
#define FIELD_INDEX(up, i) ((const struct field[1]){field_element(up, i)})
#define FIELD_KEY(up, key) ((const struct field[1]){field_entry(up, key)})

struct field field_root(const json_t *object, struct field_errors *errors);
/* Inline, so that what is asked of a NAME that stands in the source costs nothing. */
static inline struct field field_member(const struct field *up, const char *name)
{
	return (struct field){
		.up = up,
		.name = name,
		.value = strchr(name, '.') ? json_path(up->value, name)
					   : json_object_getn(up->value, name, strlen(name)),
		.errors = up->errors,
	};
}
struct field field_element(const struct field *up, size_t i);
struct field field_entry(const struct field *up, const char *key);
/* Each element of a list; LIST is a variable or constant expression. */
#define field_each(list, item)                                       \
	for (struct field item = field_element(list, 0); item.value; \
	     item = field_element(item.up, item.index + 1))
/* Each entry of a map, its key in ENTRY.key. */
#define field_each_key(map, entry)                                          \
	for (struct field entry = field_next_entry(map, NULL); entry.value; \
	     entry = field_next_entry(entry.up, &entry))
struct field field_next_entry(const struct field *map, const struct field *before);
/*
 * Which rows of TABLE, fewer than 64, name members of UP that are there and not null: bit I of row
 * I. Of many names few are there; this asks of what is there instead of each name.
 */
#define FIELD_MEMBERS(up, table) \
	field_members(up, &(table)->name, sizeof(*(table)), ARRAY_SIZE(table))
uint64_t field_members(const struct field *up, const char *const *first, size_t stride, size_t n);
/* Whether a key of MAP begins with PREFIX. */
bool field_has_key_of(const struct field *map, const char *prefix);

/* What stands there; of another type: "", 0, false. */
const char *field_text(const struct field *f);
json_int_t field_int(const struct field *f);
bool field_bool(const struct field *f);
/* Elements or entries. */
size_t field_size(const struct field *f);
bool field_is(const struct field *f, const char *text);
/* There and not null: what a pointer in Go tells. */
static inline bool field_set(const struct field *f)
{
	return f->value && !json_is_null(f->value);
}
/* False and nothing in OUT where it is no quantity. */
bool field_quantity(const struct field *f, struct quantity *out);
void field_path(const struct field *f, struct str *out);
/* Equal, where what is not there equals what is empty. */
bool field_same(const struct field *a, const struct field *b);

/* Texts met so far: what must be unique. A few are looked through, of many there is a map. */
struct seen {
	struct str few;	 /* one behind the other, each with its NUL */
	size_t n;	 /* of them */
	struct map *map; /* NULL: they are few */
};
#define SEEN_INIT                \
	{                        \
		.few = STR_INIT, \
	}
void seen_release(struct seen *s);
/* Notes TEXT; true when it was there before. */
bool seen_add(struct seen *s, const char *text);
bool seen_has(const struct seen *s, const char *text);

void field_required(const struct field *f, const char *detail);
void field_forbidden(const struct field *f, const char *detail);
/* The value refused is the one that stands there: nothing reads as null, as "", as 0. */
void field_invalid(const struct field *f, const char *detail);
void field_invalid_text(const struct field *f, const char *value, const char *detail);
void field_invalid_int(const struct field *f, json_int_t value, const char *detail);
void field_invalid_json(const struct field *f, const json_t *value, const char *detail);
/* The value is not told. */
void field_invalid_untold(const struct field *f, const char *detail);
/* What is not there is told as the empty text. */
void field_duplicate(const struct field *f);
void field_duplicate_untold(const struct field *f);
/* The rule itself is at fault. */
void field_internal(const struct field *f, const char *detail);
void field_duplicate_text(const struct field *f, const char *value);
/* VALID is NULL-terminated and may be NULL. */
void field_not_supported(const struct field *f, const char *const *valid);
void field_not_supported_text(const struct field *f, const char *value, const char *const *valid);
void field_not_supported_json(const struct field *f, const json_t *value, const char *const *valid);
void field_not_found(const struct field *f, const char *value);
void field_too_long(const struct field *f, size_t max);
void field_too_many(const struct field *f, size_t count, size_t max);
/* A value of a type that the schema does not have there. */
void field_type_invalid(const struct field *f, const char *type, const char *detail);

/* One complaint for each way in which the text breaks RULE. */
void field_check(const struct field *f, name_rule *rule);
void field_check_text(const struct field *f, const char *text, name_rule *rule);
/* The same of TEXT, as one complaint about what stands there, which begins with BEFORE. */
void field_check_joined(const struct field *f, const char *text, name_rule *rule,
			const char *before);
/* field_check, and something must be there. */
void field_check_required(const struct field *f, name_rule *rule);
/* The same, if something is there. */
void field_check_optional(const struct field *f, name_rule *rule);
/* False and a complaint: nothing there. */
bool field_require(const struct field *f);
/* One of VALID; nothing there is not supported either. */
bool field_one_of(const struct field *f, const char *const *valid);
/* The same; nothing there is required. */
bool field_one_of_required(const struct field *f, const char *const *valid);
/* The same, if something is there. */
bool field_one_of_optional(const struct field *f, const char *const *valid);
bool text_is_one_of(const char *text, const char *const *list);
void field_not_negative(const struct field *f);
void field_positive(const struct field *f);
/* "must be between LOW and HIGH, inclusive" */
void field_in_range(const struct field *f, json_int_t low, json_int_t high);
/* Equal to what stood there before. */
void field_immutable(const struct field *f, const struct field *old);

/* Collects a warning: "PATH: TEXT", or TEXT alone of the object itself. */
void field_warn(const struct field *f, const char *text);

/* Whether E holds a complaint that leaves no sense in asking further: something is missing, not
 * supported, of another type, or too large. */
bool field_errors_blocking(const struct field_errors *e);
struct field_errors *field_errors_new(void);
void field_errors_free(struct field_errors *e);
DEFINE_CLEANUP(struct field_errors *, field_errors_free)
size_t field_errors_count(const struct field_errors *e);
/* Adds all of FROM (NULL: nothing), which is freed. */
void field_errors_move(struct field_errors *to, struct field_errors *from);
/* Drops what is told twice from the FIRST complaint on. */
void field_errors_unique(struct field_errors *e, size_t first);
/* The text of the I-th complaint, "PATH: MESSAGE"; the caller frees. */
char *field_errors_text(const struct field_errors *e, size_t i);
/* Makes warnings of what FROM complains of, and frees it. */
void field_errors_warn(struct field_errors *to, struct field_errors *from);
/* The I-th warning; NULL behind the last. */
const char *field_errors_warning(const struct field_errors *e, size_t i);
/* 0 when E holds nothing; else -1 and *err: `Deployment.apps "web" is invalid: ...`. */
int field_errors_finish(const struct field_errors *e, const struct resource *r, const char *name,
			struct error **err);

#endif
