#include "object/protobuf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "object/json.h"
#include "object/schema.h"
#include "object/time.h"

#include <openssl/evp.h>
#include <string.h>

/* metav1.Time's zero value: the year 1. */
#define ZERO_TIME_S (-62135596800ll)
#define MAX_TIME_S 9000000000ll

#define META "io.k8s.apimachinery.pkg.apis.meta.v1."
#define JSON_SCHEMA "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

struct reader {
	unsigned depth;
	size_t values;
	struct error **err;
};

/* Bytes still to be read. */
struct view {
	const unsigned char *p, *end;
};

static const unsigned char nothing[1];
#define NOTHING                  \
	(struct view)            \
	{                        \
		nothing, nothing \
	}

/* One field of a message as it stands. */
struct item {
	uint64_t number;
	enum wire wire;
	uint64_t value;	   /* of all but WIRE_BYTES */
	struct view bytes; /* of WIRE_BYTES */
};

static int malformed(struct reader *r, const char *what)
{
	return error_set(r->err, E_BAD_REQUEST, "malformed protobuf: %s", what);
}

static int read_varint(struct reader *r, struct view *v, uint64_t *out)
{
	*out = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (v->p == v->end)
			return malformed(r, "it ends within a number");
		*out |= (uint64_t)(*v->p & 0x7f) << shift;
		if (!(*v->p++ & 0x80))
			return 0;
	}
	return malformed(r, "a number of more than 64 bits");
}

static int read_fixed(struct reader *r, struct view *v, size_t n, uint64_t *out)
{
	if ((size_t)(v->end - v->p) < n)
		return malformed(r, "it ends within a number");
	*out = 0;
	for (size_t i = 0; i < n; i++)
		*out |= (uint64_t)v->p[i] << (8 * i);
	v->p += n;
	return 0;
}

static int read_item(struct reader *r, struct view *v, struct item *out)
{
	uint64_t tag, len;

	if (read_varint(r, v, &tag) < 0)
		return -1;
	*out = (struct item){.number = tag >> 3, .wire = (enum wire)(tag & 7), .bytes = NOTHING};
	if (!out->number)
		return malformed(r, "a field without a number");
	switch (out->wire) {
	case WIRE_VARINT:
		return read_varint(r, v, &out->value);
	case WIRE_64:
		return read_fixed(r, v, 8, &out->value);
	case WIRE_32:
		return read_fixed(r, v, 4, &out->value);
	case WIRE_BYTES:
		if (read_varint(r, v, &len) < 0)
			return -1;
		if (len > (uint64_t)(v->end - v->p))
			return malformed(r, "a length beyond the end");
		out->bytes = (struct view){v->p, v->p + len};
		v->p += len;
		return 0;
	default:
		return malformed(r, "an unknown wire type");
	}
}

static int count(struct reader *r)
{
	if (++r->values > PROTOBUF_MAX_VALUES)
		return error_set(r->err, E_TOO_LARGE, "too many values");
	return 0;
}

static int enter(struct reader *r)
{
	if (r->depth == JSON_MAX_DEPTH)
		return error_set(r->err, E_TOO_LARGE, "nested too deeply");
	r->depth++;
	return count(r);
}

/* ---- values; each returns NULL with *err set, or json_null for what is not there */

static json_t *read_text(struct reader *r, struct view v)
{
	json_t *text = json_stringn((const char *)v.p, (size_t)(v.end - v.p));

	if (!text)
		malformed(r, "a string that is not UTF-8");
	return text;
}

static json_t *read_base64(struct view v)
{
	size_t len = (size_t)(v.end - v.p);
	char *text free_ptr = xmalloc(len / 3 * 4 + 8);
	int n = EVP_EncodeBlock((unsigned char *)text, v.p, (int)len);

	return json_stringn_nocheck(text, (size_t)n);
}

/* The field NUMBER of a message of scalars: its last occurrence. *OUT stays when there is none. */
static int find_item(struct reader *r, struct view v, uint64_t number, struct item *out)
{
	struct item i;

	while (v.p < v.end) {
		if (read_item(r, &v, &i) < 0)
			return -1;
		if (i.number == number)
			*out = i;
	}
	return 0;
}

static json_t *read_time(struct reader *r, struct view v, bool micro)
{
	struct item seconds = {.bytes = NOTHING}, nanos = {.bytes = NOTHING};
	char text[TIME_TEXT];
	int64_t s, ns;

	if (find_item(r, v, 1, &seconds) < 0 || find_item(r, v, 2, &nanos) < 0)
		return NULL;
	s = (int64_t)seconds.value;
	ns = (int64_t)nanos.value;
	if (v.p == v.end || s == ZERO_TIME_S)
		return json_null();
	if (s < -MAX_TIME_S || s > MAX_TIME_S || ns < 0 || ns >= NS_PER_S) {
		malformed(r, "a time out of range");
		return NULL;
	}
	s = s * NS_PER_S + ns;
	return json_string(micro ? time_format_micro(s, text) : time_format(s, text));
}

static json_t *read_quantity(struct reader *r, struct view v)
{
	struct item text = {.bytes = NOTHING};

	return find_item(r, v, 1, &text) < 0 ? NULL : read_text(r, text.bytes);
}

static json_t *read_int_or_string(struct reader *r, struct view v)
{
	struct item type = {.bytes = NOTHING}, number = {.bytes = NOTHING},
		    text = {.bytes = NOTHING};

	if (find_item(r, v, 1, &type) < 0 || find_item(r, v, 2, &number) < 0 ||
	    find_item(r, v, 3, &text) < 0)
		return NULL;
	return type.value ? read_text(r, text.bytes) : json_integer((int32_t)number.value);
}

static json_t *read_raw(struct reader *r, struct view v)
{
	struct item text = {.bytes = NOTHING};

	if (find_item(r, v, 1, &text) < 0)
		return NULL;
	if (text.bytes.p == text.bytes.end)
		return json_null();
	return json_read((const char *)text.bytes.p, (size_t)(text.bytes.end - text.bytes.p),
			 r->err);
}

static int read_struct(struct reader *r, struct view v, const struct schema_type *t, uint32_t outer,
		       json_t *object);

static json_t *read_message(struct reader *r, struct view v, const struct schema_type *t,
			    json_t *before)
{
	json_t *object json_auto = json_is_object(before) ? json_incref(before) : json_object();
	int result;

	if (enter(r) < 0)
		return NULL;
	result = read_struct(r, v, t, 0, object);
	r->depth--;
	return result < 0 ? NULL : steal(&object);
}

/* The three Go types that JSON shows in two ways: a schema, or what field 2 holds by its FORM. */
static json_t *read_either(struct reader *r, struct view v, enum schema_proto_form form)
{
	const struct schema_type *schema = schema_type_find(JSON_SCHEMA);
	uint64_t schema_number = form == SCHEMA_PROTO_OR_BOOL ? 2 : 1;
	json_t *one json_auto = NULL, *list json_auto = json_array();
	bool allows = false;
	struct item i;

	while (v.p < v.end) {
		json_t *value = NULL;

		if (read_item(r, &v, &i) < 0)
			return NULL;
		if (i.number == schema_number) {
			value = read_message(r, i.bytes, schema, one);
			json_decref(one);
			if (!(one = value))
				return NULL;
		} else if (i.number == 1) {
			allows = i.value;
		} else if (i.number == 2) {
			value = form == SCHEMA_PROTO_DEPENDENCIES
					? read_text(r, i.bytes)
					: read_message(r, i.bytes, schema, NULL);
			if (!value)
				return NULL;
			json_array_append_new(list, value);
		}
	}
	if (one)
		return steal(&one);
	return form == SCHEMA_PROTO_OR_BOOL ? json_boolean(allows) : steal(&list);
}

static double to_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static const enum wire wires[] = {
	[SCHEMA_ANY] = WIRE_BYTES,	     [SCHEMA_STRING] = WIRE_BYTES,
	[SCHEMA_BOOL] = WIRE_VARINT,	     [SCHEMA_INT32] = WIRE_VARINT,
	[SCHEMA_INT64] = WIRE_VARINT,	     [SCHEMA_NUMBER] = WIRE_64,
	[SCHEMA_BYTES] = WIRE_BYTES,	     [SCHEMA_TIME] = WIRE_BYTES,
	[SCHEMA_MICRO_TIME] = WIRE_BYTES,    [SCHEMA_QUANTITY] = WIRE_BYTES,
	[SCHEMA_INT_OR_STRING] = WIRE_BYTES, [SCHEMA_STRUCT] = WIRE_BYTES,
	[SCHEMA_MAP] = WIRE_BYTES,	     [SCHEMA_LIST] = WIRE_BYTES,
};

static json_t *read_scalar(struct reader *r, const struct schema_value *v, const struct item *i)
{
	double real;

	switch (v->kind) {
	case SCHEMA_BOOL:
		return json_boolean(i->value);
	case SCHEMA_INT32:
		return json_integer((int32_t)i->value);
	case SCHEMA_INT64:
		return json_integer((int64_t)i->value);
	case SCHEMA_NUMBER:
		real = to_double(i->value);
		if (real - real != 0) {
			malformed(r, "a number that is none");
			return NULL;
		}
		return json_real(real);
	case SCHEMA_BYTES:
		return read_base64(i->bytes);
	case SCHEMA_TIME:
	case SCHEMA_MICRO_TIME:
		return read_time(r, i->bytes, v->kind == SCHEMA_MICRO_TIME);
	case SCHEMA_QUANTITY:
		return read_quantity(r, i->bytes);
	case SCHEMA_INT_OR_STRING:
		return read_int_or_string(r, i->bytes);
	default:
		return read_text(r, i->bytes);
	}
}

/* BEFORE: what an earlier occurrence of the field left, which a message goes on with. */
static json_t *read_value(struct reader *r, const struct schema_value *v,
			  enum schema_proto_form form, const struct item *i, json_t *before)
{
	if (i->wire != wires[v->kind]) {
		malformed(r, "a field of another wire type");
		return NULL;
	}
	if (count(r) < 0)
		return NULL;
	if (v->kind == SCHEMA_STRUCT)
		return read_message(r, i->bytes, v->type, before);
	if (v->kind == SCHEMA_ANY)
		return form == SCHEMA_PROTO_RAW ? read_raw(r, i->bytes)
						: read_either(r, i->bytes, form);
	return read_scalar(r, v, i);
}

static int append(struct reader *r, const struct schema_field *f, const struct schema_value *elem,
		  const struct item *i, json_t *list)
{
	json_t *value = read_value(r, elem, f->proto_form, i, NULL);

	return value ? json_array_append_new(list, value) : -1;
}

/* A list of numbers may stand in one field, one behind the other. */
static int append_packed(struct reader *r, const struct schema_field *f,
			 const struct schema_value *elem, struct view v, json_t *list)
{
	struct item i = {.wire = wires[elem->kind]};

	while (v.p < v.end)
		if ((i.wire == WIRE_VARINT ? read_varint(r, &v, &i.value)
					   : read_fixed(r, &v, 8, &i.value)) < 0 ||
		    append(r, f, elem, &i, list) < 0)
			return -1;
	return 0;
}

static json_t *member(json_t *object, const char *name, json_t *fresh)
{
	json_t *there = json_object_get(object, name);

	if (there) {
		json_decref(fresh);
		return there;
	}
	json_object_set_new(object, name, fresh);
	return fresh;
}

static int read_list(struct reader *r, const struct schema_field *f, const struct item *i,
		     json_t *object)
{
	const struct schema_value *elem = f->value.elem;
	json_t *list = member(object, f->name, json_array());

	if (i->wire == WIRE_BYTES && wires[elem->kind] != WIRE_BYTES)
		return append_packed(r, f, elem, i->bytes, list);
	return append(r, f, elem, i, list);
}

/* A list that is the value of a map: a message whose field 1 is repeated. */
static json_t *read_items(struct reader *r, const struct schema_field *f,
			  const struct schema_value *elem, struct view v)
{
	json_t *list json_auto = json_array();
	struct item i;

	while (v.p < v.end)
		if (read_item(r, &v, &i) < 0 || (i.number == 1 && append(r, f, elem, &i, list) < 0))
			return NULL;
	return steal(&list);
}

static int read_entry(struct reader *r, const struct schema_field *f, const struct item *entry,
		      json_t *object)
{
	const struct schema_value *elem = f->value.elem;
	struct item key = {.bytes = NOTHING};
	struct item i = {.wire = wires[elem->kind], .bytes = NOTHING};
	json_t *name json_auto = NULL, *value;

	if (entry->wire != WIRE_BYTES)
		return malformed(r, "a field of another wire type");
	if (find_item(r, entry->bytes, 1, &key) < 0 || find_item(r, entry->bytes, 2, &i) < 0 ||
	    !(name = read_text(r, key.bytes)))
		return -1;
	if (strlen(json_string_value(name)) != json_string_length(name))
		return malformed(r, "a key that holds a NUL character");
	value = elem->kind == SCHEMA_LIST ? read_items(r, f, elem->elem, i.bytes)
					  : read_value(r, elem, f->proto_form, &i, NULL);
	if (!value)
		return -1;
	return json_object_set_new(member(object, f->name, json_object()), json_string_value(name),
				   value);
}

static bool is_zero(const json_t *value)
{
	return json_is_null(value) || json_is_false(value) ||
	       (json_is_integer(value) && !json_integer_value(value)) ||
	       (json_is_real(value) && json_real_value(value) == 0) ||
	       (json_is_string(value) && !json_string_length(value));
}

static int read_field(struct reader *r, const struct schema_field *f, const struct item *i,
		      json_t *object)
{
	json_t *value;

	if (f->value.kind == SCHEMA_LIST)
		return read_list(r, f, i, object);
	if (f->value.kind == SCHEMA_MAP)
		return read_entry(r, f, i, object);
	value = read_value(r, &f->value, f->proto_form, i, json_object_get(object, f->name));
	if (!value)
		return -1;
	if (json_is_null(value) || (is_zero(value) && !f->proto_keeps_zero)) {
		json_decref(value);
		json_object_del(object, f->name);
		return 0;
	}
	return json_object_set_new(object, f->name, value);
}

/* The field that is meant, or one that stands in an embedded message of that number. */
static const struct schema_field *field_of(const struct schema_type *t, uint32_t number)
{
	for (size_t i = 0; i < t->n_fields; i++) {
		const struct schema_field *f = &t->fields[i];

		if (f->proto &&
		    (f->proto == number || f->proto >> 8 == number || f->proto >> 16 == number))
			return f;
	}
	return NULL;
}

/* V holds fields of T; those of a message embedded at OUTER (schema_field.proto), or T's own. */
static int read_struct(struct reader *r, struct view v, const struct schema_type *t, uint32_t outer,
		       json_t *object)
{
	struct item i;

	while (v.p < v.end) {
		const struct schema_field *f = NULL;
		uint32_t number;
		int result;

		if (read_item(r, &v, &i) < 0)
			return -1;
		number = outer << 8 | (uint32_t)(i.number & 0xff);
		if (i.number <= 0xff)
			f = field_of(t, number);
		if (!f)
			continue;
		if (f->proto == number)
			result = read_field(r, f, &i, object);
		else
			result = i.wire == WIRE_BYTES
					 ? read_struct(r, i.bytes, t, number, object)
					 : malformed(r, "a field of another wire type");
		if (result < 0)
			return -1;
	}
	return 0;
}

/* ---- the envelope */

static const struct schema_type *type_of(const char *api_version, const char *kind)
{
	const char *slash = strrchr(api_version, '/');
	const char *version = slash ? slash + 1 : api_version;
	size_t group = slash ? (size_t)(slash - api_version) : 0, n;
	const struct schema_type *types = schema_types(&n);
	char *options free_ptr = NULL;

	for (size_t i = 0; i < n; i++)
		if (types[i].kind && strcmp(types[i].kind, kind) == 0 &&
		    strcmp(types[i].version, version) == 0 && strlen(types[i].group) == group &&
		    memcmp(types[i].group, api_version, group) == 0)
			return &types[i];
	/* DeleteOptions and the like belong to every group. */
	options = xasprintf(META "%s", kind);
	return schema_type_find(options);
}

static int read_type(struct reader *r, struct view v, char **api_version, char **kind)
{
	struct item meta = {.bytes = NOTHING}, version = {.bytes = NOTHING},
		    name = {.bytes = NOTHING};

	if (find_item(r, v, 1, &meta) < 0 || find_item(r, meta.bytes, 1, &version) < 0 ||
	    find_item(r, meta.bytes, 2, &name) < 0)
		return -1;
	*api_version = xstrndup((const char *)version.bytes.p,
				(size_t)(version.bytes.end - version.bytes.p));
	*kind = xstrndup((const char *)name.bytes.p, (size_t)(name.bytes.end - name.bytes.p));
	return 0;
}

static json_t *read_unknown(struct reader *r, struct view v)
{
	char *api_version free_ptr = NULL, *kind free_ptr = NULL;
	struct item raw = {.bytes = NOTHING}, encoding = {.bytes = NOTHING};
	const struct schema_type *type;
	json_t *tree;

	if (read_type(r, v, &api_version, &kind) < 0 || find_item(r, v, 2, &raw) < 0 ||
	    find_item(r, v, 3, &encoding) < 0)
		return NULL;
	if (encoding.bytes.p != encoding.bytes.end) {
		malformed(r, "an object that is encoded once more");
		return NULL;
	}
	type = type_of(api_version, kind);
	if (!type) {
		error_set(r->err, E_BAD_REQUEST,
			  "no kind \"%.100s\" is registered for version "
			  "\"%.100s\"",
			  kind, api_version);
		return NULL;
	}
	tree = read_message(r, raw.bytes, type, NULL);
	if (!tree)
		return NULL;
	json_object_set_new(tree, "apiVersion", json_string(api_version));
	json_object_set_new(tree, "kind", json_string(kind));
	return tree;
}

json_t *protobuf_read(const char *bytes, size_t len, struct error **err)
{
	static const char magic[4] = {'k', '8', 's', 0};
	struct reader r = {.err = err};
	const unsigned char *p = (const unsigned char *)bytes;

	if (len > JSON_MAX_BYTES) {
		error_set(err, E_TOO_LARGE, "more than %u MB of protobuf", JSON_MAX_BYTES >> 20);
		return NULL;
	}
	if (len < sizeof(magic) || memcmp(bytes, magic, sizeof(magic)) != 0) {
		malformed(&r, "it does not begin with the four bytes of Kubernetes' encoding");
		return NULL;
	}
	return read_unknown(&r, (struct view){p + sizeof(magic), p + len});
}
