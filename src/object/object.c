#include "object/object.h"
#include "object/json.h"
#include "object/json_memory.h"
#include "object/yaml.h"

#include <inttypes.h>
#include <stdatomic.h>

void object_init(void)
{
	json_object_seed(0);
	json_memory_init();
}

/* Where the facts of an object come from: a key of the top level or of metadata. */
enum place { TOP, METADATA };

#define RESOURCE_VERSION 5 /* of them */

static const struct text_fact {
	enum place place;
	const char *key;
	size_t offset;
} text_facts[] = {
	{TOP, "apiVersion", offsetof(struct object, api_version)},
	{TOP, "kind", offsetof(struct object, kind)},
	{METADATA, "name", offsetof(struct object, name)},
	{METADATA, "namespace", offsetof(struct object, namespace)},
	{METADATA, "uid", offsetof(struct object, uid)},
	[RESOURCE_VERSION] = {METADATA, "resourceVersion",
			      offsetof(struct object, resource_version)},
	{METADATA, "creationTimestamp", offsetof(struct object, creation_timestamp)},
	{METADATA, "deletionTimestamp", offsetof(struct object, deletion_timestamp)},
};

static const struct part_fact {
	const char *key; /* of metadata */
	size_t offset;
} part_facts[] = {
	{"labels", offsetof(struct object, labels)},
	{"annotations", offsetof(struct object, annotations)},
	{"ownerReferences", offsetof(struct object, owner_references)},
	{"managedFields", offsetof(struct object, managed_fields)},
};

/* What one pass over the bytes finds, before the object is allocated. */
struct facts {
	enum place place;
	struct span texts[ARRAY_SIZE(text_facts)];
	struct span parts[ARRAY_SIZE(part_facts)];
	int64_t generation;
};

static int64_t integer_of(struct span value)
{
	char text[24];

	if (value.len >= sizeof(text))
		return 0;
	memcpy(text, value.p, value.len);
	text[value.len] = '\0';
	return strtoll(text, NULL, 10);
}

static bool collect(void *arg, struct span key, struct span value)
{
	struct facts *f = arg;

	for (size_t i = 0; i < ARRAY_SIZE(text_facts); i++)
		if (text_facts[i].place == f->place && json_span_equal(key, text_facts[i].key)) {
			f->texts[i] = *value.p == '"' ? value : (struct span){NULL, 0};
			return true;
		}
	if (f->place == METADATA) {
		for (size_t i = 0; i < ARRAY_SIZE(part_facts); i++)
			if (json_span_equal(key, part_facts[i].key)) {
				f->parts[i] = *value.p == 'n' ? (struct span){NULL, 0} : value;
				return true;
			}
		if (json_span_equal(key, "generation"))
			f->generation = integer_of(value);
	}
	return true;
}

/* Keys are in order: nothing of what follows metadata is wanted. */
static struct facts facts_of(const char *json, size_t len)
{
	struct facts f = {.place = TOP};
	struct span metadata;

	if (json_each_until((struct span){json, len}, "metadata", collect, &f, &metadata)) {
		f.place = METADATA;
		json_each(metadata, collect, &f);
	}
	return f;
}

static bool holds_nul(struct span literal)
{
	const char *p = literal.p ? literal.p : "", *end = p + literal.len;
	char bytes[4];

	while ((p = memchr(p, '\\', (size_t)(end - p)))) {
		size_t n = json_unescape(&p, end, bytes);

		if (!n)
			return false;
		if (n == 1 && !bytes[0])
			return true;
	}
	return false;
}

/* The text of LITERAL at TO, "" for none; returns past its NUL. */
static char *place_text(struct span literal, char *to)
{
	char *text free_ptr = json_unquote(literal);
	size_t len = text ? strlen(text) : 0;

	memcpy(to, text ? text : "", len + 1);
	return to + len + 1;
}

static uint64_t revision_of(const char *resource_version)
{
	uint64_t value = 0;

	for (const char *p = resource_version; *p; p++) {
		if (*p < '0' || *p > '9' || value > (UINT64_MAX - 9) / 10)
			return 0;
		value = value * 10 + (uint64_t)(*p - '0');
	}
	return value;
}

static const char **text_at(struct object *o, size_t i)
{
	return (const char **)((char *)o + text_facts[i].offset);
}

static struct span *part_at(struct object *o, size_t i)
{
	return (struct span *)((char *)o + part_facts[i].offset);
}

static struct object *allocate(const char *json, size_t len, const struct facts *f)
{
	size_t room = 0;
	struct object *o;
	char *to;

	for (size_t i = 0; i < ARRAY_SIZE(text_facts); i++)
		room += f->texts[i].len + 1;
	o = xmalloc(sizeof(*o) + len + 1 + room);
	memset(o, 0, sizeof(*o));
	atomic_init(&o->refs, 1);
	to = (char *)(o + 1);
	o->json = to;
	o->len = len;
	memcpy(to, json, len);
	to[len] = '\0';
	to += len + 1;
	for (size_t i = 0; i < ARRAY_SIZE(text_facts); i++) {
		*text_at(o, i) = to;
		to = place_text(f->texts[i], to);
	}
	return o;
}

static struct object *object_of(const char *json, size_t len, const struct facts *f)
{
	struct object *o = allocate(json, len, f);

	for (size_t i = 0; i < ARRAY_SIZE(part_facts); i++)
		if (f->parts[i].p)
			*part_at(o, i) =
				(struct span){o->json + (f->parts[i].p - json), f->parts[i].len};
	o->generation = f->generation;
	o->revision = revision_of(o->resource_version);
	return o;
}

static struct object *object_new(const char *json, size_t len)
{
	struct facts f = facts_of(json, len);

	return object_of(json, len, &f);
}

/* A NUL would make the C string of a name another name than the object's. */
static int check_texts(const struct object *o, struct error **err)
{
	struct facts f = facts_of(o->json, o->len);

	for (size_t i = 0; i < ARRAY_SIZE(text_facts); i++)
		if (holds_nul(f.texts[i]))
			return error_set(err, E_BAD_REQUEST, "%s%s holds a NUL character",
					 text_facts[i].place == METADATA ? "metadata." : "",
					 text_facts[i].key);
	return 0;
}

static struct object *checked(struct object *o, struct error **err)
{
	if (!memmem(o->json, o->len, "\\u0000", 6) || !check_texts(o, err))
		return o;
	object_unref(o);
	return NULL;
}

struct object *object_from_canonical(const char *json, size_t len, struct error **err)
{
	if (!len || json[0] != '{' || json_skip(json, json + len) != json + len) {
		error_set(err, E_BAD_REQUEST, "not a JSON object");
		return NULL;
	}
	return checked(object_new(json, len), err);
}

struct object *object_draft(const char *json, size_t len, size_t *at)
{
	struct facts f = facts_of(json, len);

	*at = (size_t)(f.texts[RESOURCE_VERSION].p + 1 - json);
	return object_of(json, len, &f);
}

/* The texts of O stand behind its JSON, in their order. */
static size_t bytes_of(const struct object *o)
{
	const char *last = *text_at((struct object *)o, ARRAY_SIZE(text_facts) - 1);

	return (size_t)(last + strlen(last) + 1 - o->json);
}

struct object *object_at_revision(const struct object *draft, size_t at, uint64_t revision)
{
	char digits[24];
	size_t n = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, revision);
	size_t bytes = bytes_of(draft), more = n - 1;
	struct object *o = xmalloc(sizeof(*o) + bytes + more + n + 1);
	char *to = (char *)(o + 1);

	memcpy(o, draft, sizeof(*o));
	atomic_init(&o->refs, 1);
	memcpy(to, draft->json, at);
	memcpy(to + at, digits, n);
	memcpy(to + at + n, draft->json + at + 1, bytes - at - 1);
	memcpy(to + bytes + more, digits, n + 1);
	for (size_t i = 0; i < ARRAY_SIZE(text_facts); i++)
		*text_at(o, i) = to + (*text_at(o, i) - draft->json) + more;
	for (size_t i = 0; i < ARRAY_SIZE(part_facts); i++)
		if (part_at(o, i)->p) {
			size_t offset = (size_t)(part_at(o, i)->p - draft->json);

			part_at(o, i)->p = to + offset + (offset > at ? more : 0);
		}
	o->json = to;
	o->len += more;
	o->resource_version = to + bytes + more;
	o->revision = revision;
	return o;
}

struct object *object_from_tree(const json_t *tree)
{
	struct str bytes CLEANUP(str_release) = STR_INIT;

	json_write(tree, &bytes);
	return object_new(bytes.s, bytes.len);
}

struct object *object_parse(const char *json, size_t len, struct error **err)
{
	json_t *tree json_auto = json_read(json, len, err);

	if (!tree)
		return NULL;
	if (!json_is_object(tree)) {
		error_set(err, E_BAD_REQUEST, "not a JSON object");
		return NULL;
	}
	return checked(object_from_tree(tree), err);
}

json_t *object_tree(const struct object *o)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *tree = json_read(o->json, o->len, &err);

	return tree ? tree : json_object();
}

struct object *object_ref(struct object *o)
{
	atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
	return o;
}

void object_unref(struct object *o)
{
	if (o && atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1)
		free(o);
}

bool object_same_version(const struct object *a, const struct object *b)
{
	return str_equal(a->uid, b->uid) && str_equal(a->resource_version, b->resource_version);
}

struct span object_find(const struct object *o, const char *path)
{
	return json_find(o->json, o->len, path);
}

char *object_string(const struct object *o, const char *path)
{
	return json_unquote(object_find(o, path));
}

int64_t object_int(const struct object *o, const char *path, int64_t fallback)
{
	struct span value = object_find(o, path);

	if (!value.p || (*value.p != '-' && (*value.p < '0' || *value.p > '9')))
		return fallback;
	return integer_of(value);
}

struct wanted {
	const char *key;
	struct span value;
};

static bool find_key(void *arg, struct span key, struct span value)
{
	struct wanted *w = arg;

	if (!key.p || !json_span_equal(key, w->key))
		return true;
	w->value = value;
	return false;
}

char *object_label(const struct object *o, const char *key)
{
	struct wanted w = {.key = key};

	json_each(o->labels, find_key, &w);
	return json_unquote(w.value);
}

static bool find_controller(void *arg, struct span key, struct span reference)
{
	struct span *found = arg;
	struct span controller = json_find(reference.p, reference.len, "controller");

	if (!json_span_equal(controller, "true"))
		return true;
	*found = reference;
	return false;
}

static char *member_text(struct span object, const char *key)
{
	char *text = json_unquote(json_find(object.p, object.len, key));

	return text ? text : xstrdup("");
}

bool object_controller(const struct object *o, struct owner *out)
{
	struct span found = {NULL, 0};

	json_each(o->owner_references, find_controller, &found);
	if (!found.p)
		return false;
	*out = (struct owner){
		.api_version = member_text(found, "apiVersion"),
		.kind = member_text(found, "kind"),
		.name = member_text(found, "name"),
		.uid = member_text(found, "uid"),
	};
	return true;
}

void owner_release(struct owner *o)
{
	free(o->api_version);
	free(o->kind);
	free(o->name);
	free(o->uid);
	*o = (struct owner){NULL};
}

size_t object_yaml_size(struct object *o)
{
	uint32_t size = atomic_load_explicit(&o->yaml_size, memory_order_relaxed);

	if (!size) {
		size = (uint32_t)yaml_size(o->json, o->len, YAML_OMIT_MANAGED_FIELDS);
		atomic_store_explicit(&o->yaml_size, size, memory_order_relaxed);
	}
	return size;
}
