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

/*
 * Where a page begins: what a continue token says, "REVISION REMAINING KEY" in base64. REMAINING,
 * counted with the first page, is how many objects are still to come after KEY; 0: not known. A
 * client may write a token of its own: the key has to be one of those that it lists, any revision
 * it may also name in a list, and a wrong number is told to nobody but itself.
 */
struct page {
	uint64_t at; /* 0: the newest */
	int64_t remaining;
	bool first;
	struct str after; /* the first key that may be in it; empty: from the start */
};

static char *token_make(uint64_t revision, int64_t remaining, const char *key, size_t len)
{
	struct str text CLEANUP(str_release) = STR_INIT, token CLEANUP(str_release) = STR_INIT;

	str_addf(&text, "%" PRIu64 " %" PRId64 " ", revision, remaining);
	str_add(&text, key, len);
	base64url_encode(text.s, text.len, &token);
	return str_take(&token);
}

/* A decimal number and a blank at *P, which moves behind them. */
static bool token_number(const char **p, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(*p, &end, 10);
	if (**p < '0' || **p > '9' || errno || *out > max || *end != ' ')
		return false;
	*p = end + 1;
	return true;
}

static int token_parse(const char *token, const char *prefix, struct page *page, struct error **err)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	size_t n = strlen(token);
	const char *p;
	uint64_t remaining;

	if (n > 2048 || !base64url_decode(token, n, &text))
		goto bad;
	p = text.s;
	if (!token_number(&p, UINT64_MAX, &page->at) || !page->at ||
	    !token_number(&p, INT64_MAX, &remaining) || strncmp(p, prefix, strlen(prefix)))
		goto bad;
	page->remaining = (int64_t)remaining;
	str_adds(&page->after, p);
	str_addc(&page->after, '\0'); /* the next key in order */
	return 0;
bad:
	return error_set(err, E_BAD_REQUEST, "continue key is not valid");
}

struct listing {
	struct errand errand;
	const struct resource *r;
	const struct filter *filter;
	int64_t limit, n;
	list_sink *sink;
	void *arg;
	struct str last; /* key of the last item */
	bool more, stopped, converts;
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
		l->more = true;
		return false;
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
			struct page *page, uint64_t *revision, struct error **err)
{
	struct str *after = &page->after;
	uint64_t at = page->at;
	bool more = true;

	while (more && !l->stopped) {
		struct batch b CLEANUP(batch_release) = {.listing = l, .last = STR_INIT};

		if (l->limit && l->n >= l->limit) {
			l->more = true;
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

/* Where the page begins that is asked for. */
static int choose_page(struct local *l, const struct list_options *opt, const char *prefix,
		       struct page *page, struct error **err)
{
	uint64_t rv;

	page->first = !opt->continue_token || !*opt->continue_token;
	if (!page->first) {
		if (opt->resource_version && *opt->resource_version &&
		    strcmp(opt->resource_version, "0"))
			return error_set(err, E_BAD_REQUEST,
					 "specifying resource version is not allowed when using "
					 "continue");
		return token_parse(opt->continue_token, prefix, page, err);
	}
	if (revision_parse(opt->resource_version, &rv, err) < 0)
		return -1;
	if (rv > store_revision(l->store))
		return too_large(opt->resource_version, store_revision(l->store), err);
	if (opt->match == RV_MATCH_EXACT)
		page->at = rv;
	return 0;
}

/*
 * How many objects come after the listing's last; 0: not known. Only told where no selector makes
 * some of them not count. To count is to walk over all keys: once a list, not once a page.
 */
static int count_remaining(const struct listing *l, const struct page *page,
			   const struct str *prefix, uint64_t revision, int64_t *out,
			   struct error **err)
{
	struct str after CLEANUP(str_release) = STR_INIT;
	uint64_t n;

	*out = 0;
	if (l->filter->labels || l->filter->fields)
		return 0;
	if (!page->first) {
		*out = MAX(page->remaining - l->n, 0);
		return 0;
	}
	str_add(&after, l->last.s, l->last.len);
	str_addc(&after, '\0');
	if (store_count(l->errand.l->store, prefix->s, prefix->len, after.s, after.len, revision,
			&n, err) < 0)
		return -1;
	*out = (int64_t)n;
	return 0;
}

/* What is told of L beside its items. */
static int tell_meta(const struct listing *l, const struct page *page, const struct str *prefix,
		     uint64_t revision, struct list_meta *meta, struct error **err)
{
	int64_t remaining;

	if (l->more && !l->stopped) {
		if (count_remaining(l, page, prefix, revision, &remaining, err) < 0)
			return -1;
		meta->continue_token = token_make(revision, remaining, l->last.s, l->last.len);
		if (remaining)
			meta->remaining = remaining;
	}
	meta->resource_version = xasprintf("%" PRIu64, revision);
	return 0;
}

static int list_page(struct listing *l, const struct str *prefix, struct page *page,
		     struct list_meta *meta, struct error **err)
{
	struct store *s = l->errand.l->store;
	uint64_t revision;
	int result;

	if (converts_by_hook(l->r))
		result = list_by_hook(l, s, prefix, page, &revision, err);
	else
		result = store_list(s, prefix->s, prefix->len, page->after.s, page->after.len,
				    page->at, each, l, &revision, err);
	if (l->error)
		return error_move(err, l->error);
	return result < 0 ? -1 : tell_meta(l, page, prefix, revision, meta, err);
}

int local_list(struct cluster *c, const struct call *call, const struct resource *r,
	       const char *namespace, const struct list_options *opt, list_sink *sink, void *arg,
	       struct list_meta *meta, struct error **err)
{
	struct local *l = local_of(c);
	struct filter filter CLEANUP(filter_release) = {0};
	struct str prefix CLEANUP(str_release) = STR_INIT;
	struct page page = {.after = STR_INIT};
	struct listing listing = {.errand = errand_begin(l, call),
				  .r = r,
				  .filter = &filter,
				  .limit = opt->limit,
				  .sink = sink,
				  .arg = arg,
				  .last = STR_INIT,
				  .converts = converts(r)};
	int result = -1;

	object_key(r, namespace, NULL, &prefix);
	if (filter_init(&filter, r, opt->label_selector, opt->field_selector, err) == 0 &&
	    choose_page(l, opt, prefix.s, &page, err) == 0)
		result = list_page(&listing, &prefix, &page, meta, err);
	str_release(&page.after);
	str_release(&listing.last);
	return result;
}
