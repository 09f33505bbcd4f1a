/*
 * Values inside of an evaluation: making them, looking into them, comparing them.
 *
 * A list or a map is either made of values or a view of a JSON tree, whose parts become values when
 * they are looked at.
 */
#ifndef CEL_VALUE_H
#define CEL_VALUE_H

#include "cel/cel.h"

struct cel_list {
	size_t n;
	const struct cel_value *v;   /* NULL: a view of */
	const json_t *json;	     /* this, whose elements have */
	const struct cel_type *type; /* this list's type (NULL: nobody knows) */
};

struct cel_entry {
	struct cel_value key, value;
};

struct cel_map {
	size_t n;
	const struct cel_entry *v; /* sorted by key, for a search; NULL: a view of */
	const json_t *json;
	const struct cel_type *type; /* of a map or an object; may be NULL */
	const struct cel_lazy *lazy; /* makes the fields of an object; V is empty then */
};

struct cel_ip {
	unsigned char bytes[16];
	int len;    /* 4 or 16 */
	int prefix; /* of a CIDR */
};

/* The error for arguments that no overload takes. */
struct cel_value cel_no_overload(void);

static inline struct cel_value cel_bool(bool b)
{
	return (struct cel_value){.kind = CEL_BOOL, .boolean = b};
}
static inline struct cel_value cel_int(int64_t i)
{
	return (struct cel_value){.kind = CEL_INT, .i = i};
}
static inline struct cel_value cel_uint(uint64_t u)
{
	return (struct cel_value){.kind = CEL_UINT, .u = u};
}
static inline struct cel_value cel_double(double d)
{
	return (struct cel_value){.kind = CEL_DOUBLE, .d = d};
}
struct cel_value cel_text(struct arena *a, const char *text, size_t len); /* copied */
struct cel_value cel_optional(struct arena *a, struct cel_value v);
struct cel_value cel_none(void);
/* V has N elements, in the arena, and is kept. TYPE may be NULL. */
struct cel_value cel_list_new(struct arena *a, const struct cel_value *v, size_t n,
			      const struct cel_type *type);
/* Sorts V, N entries in the arena, and keeps it; two equal keys are an error. */
struct cel_value cel_map_new(struct arena *a, struct cel_entry *v, size_t n);
/* The same as an object of TYPE. */
struct cel_value cel_object_new(struct arena *a, const struct cel_type *type, struct cel_entry *v,
				size_t n);

struct cel_value cel_list_at(struct arena *a, const struct cel_list *l, size_t i);
/* False when KEY is not there. */
bool cel_map_find(struct arena *a, const struct cel_map *m, const struct cel_value *key,
		  struct cel_value *value);
/* The property NAME (as an expression spells it) of a map or object. */
bool cel_map_field(struct arena *a, const struct cel_map *m, const char *name,
		   struct cel_value *value);
/* All entries, in the arena, sorted as they are kept. *n of them. */
const struct cel_entry *cel_map_entries(struct arena *a, const struct cel_map *m, size_t *n);

bool cel_equal(struct arena *a, const struct cel_value *x, const struct cel_value *y);
/* -1, 0, 1; -2 when the two have no order (kinds, NaN). */
int cel_compare(const struct cel_value *x, const struct cel_value *y);
/* What size() gives and costs count: code points, bytes, elements; 1 of all else. */
uint64_t cel_size(const struct cel_value *v);
/* Roughly how many values V is made of, those in its lists and maps among them; it stops counting
 * where a budget would be spent anyway. */
uint64_t cel_weight(const struct cel_value *v);
#define CEL_WEIGHT_FREE 100
#define CEL_WEIGHT_MAX (UINT64_C(2) * CEL_WEIGHT_FREE * CEL_OBJECT_BUDGET)
/* Whether V may be passed where T is asked for. */
bool cel_fits(const struct cel_type *t, const struct cel_value *v);
/* "int", "list", "google.protobuf.Timestamp". */
const char *cel_kind_name(enum cel_kind kind);

#endif
