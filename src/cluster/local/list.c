#include "cluster/local/private.h"

#include "base/mem.h"
#include "kinds/kind.h"
#include "object/base64.h"
#include "object/json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* What says of R that selectors may name FIELD, or NULL. */
static const struct selectable *find_selectable(const struct resource *r, const char *field)
{
	static const struct selectable metadata[] = {{.field = "metadata.name"},
						     {.field = "metadata.namespace"}};
	static const struct selectable itself = {0};
	const struct selectable *s = r->particulars->selectable;

	for (size_t i = 0; r->selectable_fields && r->selectable_fields[i]; i++)
		if (strcmp(r->selectable_fields[i], field) == 0)
			return &itself;
	/* One that names its fields does not name what its objects do not have. */
	for (size_t i = 0; i < ((s || r->custom) && !r->namespaced ? 1 : ARRAY_SIZE(metadata)); i++)
		if (strcmp(field, metadata[i].field) == 0)
			return &metadata[i];
	for (; s && s->field; s++)
		if (strcmp(s->field, field) == 0)
			return s;
	return NULL;
}

int filter_init(struct filter *f, const struct resource *r, const char *labels, const char *fields,
		struct error **err)
{
	const char *field;

	*f = (struct filter){0};
	if (labels && *labels && !(f->labels = selector_parse(labels, err)))
		return -1;
	if (!fields || !*fields)
		return 0;
	f->fields = field_selector_parse(fields, err);
	if (!f->fields) {
		filter_release(f);
		return -1;
	}
	for (size_t i = 0; (field = field_selector_field(f->fields, i)); i++) {
		const struct selectable *s = find_selectable(r, field);

		if (s) {
			field_selector_place(f->fields, i, s->path, s->other, s->zero);
			continue;
		}
		if (r->custom || r->particulars->selectable)
			error_set(err, E_BAD_REQUEST, "field label not supported: %s", field);
		else
			error_set(err, E_BAD_REQUEST,
				  "\"%s\" is not a known field selector: only \"metadata.name\", "
				  "\"metadata.namespace\"",
				  field);
		filter_release(f);
		return -1;
	}
	return 0;
}

void filter_release(struct filter *f)
{
	selector_free(f->labels);
	field_selector_free(f->fields);
	*f = (struct filter){0};
}

bool filter_matches(const struct filter *f, const struct object *o)
{
	return (!f->labels || selector_matches(f->labels, o)) &&
	       (!f->fields || field_selector_matches(f->fields, o));
}

int revision_parse(const char *text, uint64_t *out, struct error **err)
{
	char *end;

	*out = 0;
	if (!text || !*text)
		return 0;
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno || *end || *text == '-' || *text == '+' || *text == ' ')
		return error_set(err, E_BAD_REQUEST,
				 "resourceVersion: Invalid value: \"%s\": strconv.ParseUint: "
				 "parsing \"%s\": invalid syntax",
				 text, text);
	return 0;
}

/* A continue token is the base64 of the revision and the key to go on after. */
static char *token_make(uint64_t revision, const char *key, size_t len)
{
	struct str text CLEANUP(str_release) = STR_INIT, token CLEANUP(str_release) = STR_INIT;

	str_addf(&text, "%" PRIu64 " ", revision);
	str_add(&text, key, len);
	base64_encode(text.s, text.len, &token);
	return str_take(&token);
}

static int token_parse(const char *token, const char *prefix, uint64_t *revision, struct str *after,
		       struct error **err)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	size_t n = strlen(token);
	char *end;

	if (n > 2048 || !base64_decode(token, n, &text))
		goto bad;
	*revision = strtoull(text.s, &end, 10);
	if (*end != ' ' || !*revision || strncmp(end + 1, prefix, strlen(prefix)))
		goto bad;
	str_adds(after, end + 1);
	str_addc(after, '\0'); /* the next key in order */
	return 0;
bad:
	return error_set(err, E_BAD_REQUEST, "continue key is not valid");
}

struct listing {
	struct errand errand;
	const struct resource *r;
	const struct filter *filter;
	int64_t limit, n, more;
	list_sink *sink;
	void *arg;
	struct str last; /* key of the last item */
	bool stopped, converts;
	struct error *error;
};

/* Of most objects a selection only sees the bytes of the field that it asks for. */
static bool keep(const struct filter *f, const char *value, size_t len)
{
	return (!f->labels ||
		selector_matches_span(f->labels, json_find(value, len, "metadata.labels"))) &&
	       (!f->fields || field_selector_matches_span(f->fields, (struct span){value, len}));
}

static bool give(struct listing *l, const char *value, size_t len)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;

	if (!keep(l->filter, value, len))
		return true;
	l->n++;
	if (l->converts) {
		o = object_from_canonical(value, len, &l->error);
		if (o)
			o = convert_object(&l->errand, l->r, steal(&o), &l->error);
		if (!o)
			return false;
		value = o->json;
		len = o->len;
	}
	l->stopped = !l->sink(l->arg, value, len);
	return !l->stopped;
}

static bool each(void *arg, const void *key, size_t key_len, const char *value, size_t len,
		 uint64_t revision)
{
	struct listing *l = arg;
	int64_t before = l->n;

	if (l->limit && l->n >= l->limit) {
		l->more++;
		/* How many are left is only told where counting needs no selector. */
		return !l->filter->labels && !l->filter->fields;
	}
	if (!give(l, value, len))
		return false;
	if (l->limit && l->n > before) {
		str_reset(&l->last);
		str_add(&l->last, key, key_len);
	}
	return true;
}

/* Objects that a webhook is asked for at once. */
struct batch {
	struct listing *listing;
	struct object **v;
	size_t n, cap, bytes;
	struct str last; /* key of the last of them */
	bool more;
};

static void batch_release(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		object_unref(b->v[i]);
	vec_release(b);
	str_release(&b->last);
}

/* Copies, and leaves: nobody is asked while the store is being read. */
static bool take(void *arg, const void *key, size_t key_len, const char *value, size_t len,
		 uint64_t revision)
{
	struct batch *b = arg;
	struct listing *l = b->listing;
	struct object *o;

	if (b->n == CONVERT_OBJECTS || b->bytes >= CONVERT_BYTES ||
	    (l->limit && l->n + (int64_t)b->n >= l->limit)) {
		b->more = true;
		return false;
	}
	o = object_from_canonical(value, len, &l->error);
	if (!o)
		return false;
	vec_push(b, o);
	b->bytes += len;
	str_reset(&b->last);
	str_add(&b->last, key, key_len);
	return true;
}

/* What matches does so as it is shown. */
static int give_batch(struct listing *l, const struct batch *b, struct error **err)
{
	if (convert_objects(&l->errand, l->r, b->v, b->n, err) < 0)
		return -1;
	for (size_t i = 0; i < b->n && !l->stopped; i++) {
		if (!filter_matches(l->filter, b->v[i]))
			continue;
		l->n++;
		l->stopped = !l->sink(l->arg, b->v[i]->json, b->v[i]->len);
	}
	return 0;
}

/* A list of what a webhook converts: batch by batch, all of one revision. */
static int list_by_hook(struct listing *l, struct store *s, const struct str *prefix,
			struct str *after, uint64_t at, uint64_t *revision, struct error **err)
{
	bool more = true;

	l->more = 0;
	while (more && !l->stopped) {
		struct batch b CLEANUP(batch_release) = {.listing = l, .last = STR_INIT};

		if (l->limit && l->n >= l->limit) {
			l->more = 1;
			return 0;
		}
		if (store_list(s, prefix->s, prefix->len, after->s, after->len, at, take, &b,
			       revision, err) < 0)
			return -1;
		if (l->error || give_batch(l, &b, err) < 0)
			return -1;
		at = *revision;
		more = b.more;
		str_reset(after);
		str_add(after, b.last.s, b.last.len);
		str_addc(after, '\0');
		str_reset(&l->last);
		str_add(&l->last, b.last.s, b.last.len);
	}
	return 0;
}

static int too_large(const char *rv, uint64_t now, struct error **err)
{
	struct error *e =
		error_new(E_TIMEOUT, "Too large resource version: %s, current: %" PRIu64, rv, now);

	error_add_cause(e, "ResourceVersionTooLarge", NULL, "Too large resource version");
	e->retry_after_s = 1;
	return error_move(err, e);
}

/* At which revision the list is to be read; 0: the newest. */
static int choose_revision(struct local *l, const struct list_options *opt, const char *prefix,
			   uint64_t *at, struct str *after, struct error **err)
{
	uint64_t rv;

	*at = 0;
	if (opt->continue_token && *opt->continue_token) {
		if (opt->resource_version && *opt->resource_version &&
		    strcmp(opt->resource_version, "0"))
			return error_set(err, E_BAD_REQUEST,
					 "specifying resource version is not allowed when using "
					 "continue");
		return token_parse(opt->continue_token, prefix, at, after, err);
	}
	if (revision_parse(opt->resource_version, &rv, err) < 0)
		return -1;
	if (rv > store_revision(l->store))
		return too_large(opt->resource_version, store_revision(l->store), err);
	if (opt->match == RV_MATCH_EXACT)
		*at = rv;
	return 0;
}

int local_list(struct cluster *c, const struct call *call, const struct resource *r,
	       const char *namespace, const struct list_options *opt, list_sink *sink, void *arg,
	       struct list_meta *meta, struct error **err)
{
	struct local *l = local_of(c);
	struct filter filter CLEANUP(filter_release) = {0};
	struct str prefix CLEANUP(str_release) = STR_INIT;
	struct str after CLEANUP(str_release) = STR_INIT;
	struct str last CLEANUP(str_release) = STR_INIT;
	struct listing listing = {.errand = errand_begin(l, call),
				  .r = r,
				  .filter = &filter,
				  .limit = opt->limit,
				  .sink = sink,
				  .arg = arg,
				  .converts = converts(r)};
	uint64_t at, revision;
	int result;

	object_key(r, namespace, NULL, &prefix);
	if (filter_init(&filter, r, opt->label_selector, opt->field_selector, err) < 0 ||
	    choose_revision(l, opt, prefix.s, &at, &after, err) < 0)
		return -1;
	listing.last = last;
	if (converts_by_hook(r))
		result = list_by_hook(&listing, l->store, &prefix, &after, at, &revision, err);
	else
		result = store_list(l->store, prefix.s, prefix.len, after.s, after.len, at, each,
				    &listing, &revision, err);
	last = listing.last;
	if (listing.error)
		return error_move(err, listing.error);
	if (result < 0)
		return -1;
	meta->resource_version = xasprintf("%" PRIu64, revision);
	if (listing.more && !listing.stopped) {
		meta->continue_token = token_make(revision, last.s, last.len);
		if (!filter.labels && !filter.fields && !converts_by_hook(r))
			meta->remaining = listing.more;
	}
	return 0;
}
