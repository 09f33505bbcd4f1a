/*
 * LimitRanges: what containers get that ask for nothing, and what a container, a pod or a claim may
 * ask for in a namespace.
 */
#include "cluster/local/admission/plugins.h"

#include "base/mem.h"
#include "kinds/pod_resources.h"
#include "object/json.h"
#include "object/quantities.h"

#include <string.h>

#define ANNOTATION "kubernetes.io/limit-ranger"

/* The words of one verdict, or none; several are told together. */
struct verdicts {
	struct str text;
	size_t n;
};

static void add_verdict(struct verdicts *v, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_verdict(struct verdicts *v, const char *format, ...)
{
	struct str one CLEANUP(str_release) = STR_INIT;
	va_list ap;

	va_start(ap, format);
	str_addv(&one, format, ap);
	va_end(ap);
	/* The same is said once, of however many containers it is true. */
	if (strstr(v->text.s, one.s))
		return;
	str_addf(&v->text, "%s%s", v->n++ ? ", " : "", one.s);
}

static int refuse(const struct admission *a, const struct verdicts *v, struct error **err)
{
	if (!v->n)
		return 0;
	return v->n == 1 ? admission_forbid(a, err, "%s", v->text.s)
			 : admission_forbid(a, err, "[%s]", v->text.s);
}

/* One resource of one limit, and what it is about. */
struct subject {
	const char *type, *resource;
	const struct quantity *bound;
	const json_t *requests, *limits;
};

static const char *text_of(const struct quantity *q, char *buffer)
{
	return quantity_format(q, buffer);
}

static void check_min(const struct subject *s, struct verdicts *v)
{
	char bound[QUANTITY_TEXT], own[QUANTITY_TEXT];
	struct quantity request, limit;

	text_of(s->bound, bound);
	if (!quantities_get(s->requests, s->resource, &request))
		add_verdict(v, "minimum %s usage per %s is %s.  No request is specified",
			    s->resource, s->type, bound);
	else if (quantity_compare(&request, s->bound) < 0)
		add_verdict(v, "minimum %s usage per %s is %s, but request is %s", s->resource,
			    s->type, bound, text_of(&request, own));
	else if (quantities_get(s->limits, s->resource, &limit) &&
		 quantity_compare(&limit, s->bound) < 0)
		add_verdict(v, "minimum %s usage per %s is %s, but limit is %s", s->resource,
			    s->type, bound, text_of(&limit, own));
}

static void check_max(const struct subject *s, struct verdicts *v)
{
	char bound[QUANTITY_TEXT], own[QUANTITY_TEXT];
	struct quantity request, limit;

	text_of(s->bound, bound);
	if (!quantities_get(s->limits, s->resource, &limit))
		add_verdict(v, "maximum %s usage per %s is %s.  No limit is specified", s->resource,
			    s->type, bound);
	else if (quantity_compare(&limit, s->bound) > 0)
		add_verdict(v, "maximum %s usage per %s is %s, but limit is %s", s->resource,
			    s->type, bound, text_of(&limit, own));
	else if (quantities_get(s->requests, s->resource, &request) &&
		 quantity_compare(&request, s->bound) > 0)
		add_verdict(v, "maximum %s usage per %s is %s, but request is %s", s->resource,
			    s->type, bound, text_of(&request, own));
}

static void check_max_request(const struct subject *s, struct verdicts *v)
{
	char bound[QUANTITY_TEXT], own[QUANTITY_TEXT];
	struct quantity request;

	text_of(s->bound, bound);
	if (!quantities_get(s->requests, s->resource, &request))
		add_verdict(v, "maximum %s usage per %s is %s.  No request is specified",
			    s->resource, s->type, bound);
	else if (quantity_compare(&request, s->bound) > 0)
		add_verdict(v, "maximum %s usage per %s is %s, but request is %s", s->resource,
			    s->type, bound, text_of(&request, own));
}

static void check_ratio(const struct subject *s, struct verdicts *v)
{
	char bound[QUANTITY_TEXT];
	struct quantity request = {0}, limit = {0};
	double ratio;

	text_of(s->bound, bound);
	if (!quantities_get(s->requests, s->resource, &request) || !request.nano) {
		add_verdict(v,
			    "%s max limit to request ratio per %s is %s, but no request is "
			    "specified or request is 0",
			    s->resource, s->type, bound);
		return;
	}
	if (!quantities_get(s->limits, s->resource, &limit) || !limit.nano) {
		add_verdict(v,
			    "%s max limit to request ratio per %s is %s, but no limit is "
			    "specified or limit is 0",
			    s->resource, s->type, bound);
		return;
	}
	ratio = (double)limit.nano / (double)request.nano;
	if (ratio * 1000 > (double)quantity_milli_value(s->bound))
		add_verdict(v,
			    "%s max limit to request ratio per %s is %s, but provided ratio is %f",
			    s->resource, s->type, bound, ratio);
}

typedef void check(const struct subject *s, struct verdicts *v);

static const struct rule {
	const char *field;
	check *check;
} for_pods[] = {{"min", check_min}, {"max", check_max}, {"maxLimitRequestRatio", check_ratio}},
  for_claims[] = {{"min", check_min}, {"max", check_max_request}};

static void check_all(const json_t *limit, const struct rule *rules, size_t n,
		      const json_t *requests, const json_t *limits, struct verdicts *v)
{
	for (size_t i = 0; i < n; i++) {
		struct subject s = {json_path_string(limit, "type"), NULL, NULL, requests, limits};
		struct quantity bound;
		json_t *value;

		json_object_foreach (json_object_get(limit, rules[i].field), s.resource, value) {
			if (!quantities_parse(value, &bound))
				continue;
			s.bound = &bound;
			rules[i].check(&s, v);
		}
	}
}

struct checking {
	const json_t *limit;
	struct verdicts *v;
};

static bool check_container(void *arg, json_t *container, const char *list, size_t index)
{
	struct checking *c = arg;

	if (strcmp(list, "ephemeralContainers"))
		check_all(c->limit, for_pods, ARRAY_SIZE(for_pods),
			  json_path(container, "resources.requests"),
			  json_path(container, "resources.limits"), c->v);
	return true;
}

static void check_limit(const struct admission *a, const json_t *limit, struct verdicts *v)
{
	const char *type = json_path_string(limit, "type");
	const json_t *spec = json_object_get(a->object, "spec");
	bool pod = strncmp(a->target.s, "pods", 4) == 0;
	struct checking c = {limit, v};

	if (pod && strcmp(type, "Container") == 0) {
		admission_each_container(spec, check_container, &c);
	} else if (pod && strcmp(type, "Pod") == 0) {
		json_t *requests json_auto = pod_requests(spec);
		json_t *limits json_auto = pod_limits(spec);

		check_all(limit, for_pods, ARRAY_SIZE(for_pods), requests, limits, v);
	} else if (!pod && strcmp(type, "PersistentVolumeClaim") == 0) {
		check_all(limit, for_claims, ARRAY_SIZE(for_claims),
			  json_path(spec, "resources.requests"), NULL, v);
	}
}

/* A pod's containers stay as they are; only a resize changes what they ask for. */
static bool applies(const struct admission *a)
{
	bool pod = strcmp(a->target.s, "pods") == 0;

	return !(pod && a->operation == ADMIT_UPDATE) &&
	       !json_path(a->old, "metadata.deletionTimestamp");
}

static int validate(struct admission *a, struct error **err)
{
	const json_t *ranges;
	json_t *range, *limit;
	size_t i, k;

	if (!applies(a))
		return 0;
	ranges = admission_list(a, "", "limitranges", a->namespace, err);
	if (!ranges)
		return -1;
	json_array_foreach (ranges, i, range) {
		struct verdicts v = {.text = STR_INIT};
		int result;

		json_array_foreach (json_path(range, "spec.limits"), k, limit)
			check_limit(a, limit, &v);
		result = refuse(a, &v, err);
		str_release(&v.text);
		if (result < 0)
			return -1;
	}
	return 0;
}

/* The defaults of one range, and what came of them, for the annotation. */
struct filling {
	const json_t *defaults[2]; /* requests, limits */
	struct str notes[2];	   /* containers, then init containers */
};

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void note(struct str *notes, const char **names, size_t n, const char *what,
		 const char *kind, const char *container)
{
	if (!n)
		return;
	qsort(names, n, sizeof(*names), compare_text);
	if (notes->len)
		str_adds(notes, "; ");
	for (size_t i = 0; i < n; i++)
		str_addf(notes, "%s%s", i ? ", " : "", names[i]);
	str_addf(notes, " %s for %s %s", what, kind, container);
}

static bool fill_container(void *arg, json_t *container, const char *list, size_t index)
{
	static const char *const parts[] = {"requests", "limits"};
	static const char *const words[] = {"request", "limit"};
	bool init = strcmp(list, "initContainers") == 0;
	struct filling *f = arg;

	if (strcmp(list, "ephemeralContainers") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		VEC(const char *) set = VEC_INIT;
		char *path free_ptr = xasprintf("resources.%s", parts[i]);
		const char *name;
		json_t *value;

		json_object_foreach ((json_t *)f->defaults[i], name, value) {
			if (json_object_get(json_path(container, path), name))
				continue;
			if (!json_path(container, path))
				json_path_set(container, path, json_object());
			json_object_set_new(json_path(container, path), name,
					    json_deep_copy(value));
			vec_push(&set, name);
		}
		note(&f->notes[init], set.v, set.n, words[i], init ? "init container" : "container",
		     json_path_string(container, "name"));
		vec_release(&set);
	}
	return true;
}

static void fill_pod(struct admission *a, const json_t *range)
{
	json_t *requests json_auto = json_object();
	json_t *limits json_auto = json_object();
	struct filling f = {{requests, limits}, {STR_INIT, STR_INIT}};
	json_t *limit;
	size_t i;

	json_array_foreach (json_path(range, "spec.limits"), i, limit) {
		if (strcmp(json_path_string(limit, "type"), "Container"))
			continue;
		json_object_update(requests, json_object_get(limit, "defaultRequest"));
		json_object_update(limits, json_object_get(limit, "default"));
	}
	admission_each_container(json_object_get(a->object, "spec"), fill_container, &f);
	if (f.notes[0].len || f.notes[1].len) {
		char *text free_ptr =
			xasprintf("LimitRanger plugin set: %s%s%s", f.notes[0].s,
				  f.notes[0].len && f.notes[1].len ? "; " : "", f.notes[1].s);

		json_path_set(a->object, "metadata.annotations[" ANNOTATION "]", json_string(text));
	}
	str_release(&f.notes[0]);
	str_release(&f.notes[1]);
}

static int admit(struct admission *a, struct error **err)
{
	const json_t *ranges;
	json_t *range;
	size_t i;

	if (strncmp(a->target.s, "pods", 4) || !applies(a))
		return 0;
	ranges = admission_list(a, "", "limitranges", a->namespace, err);
	if (!ranges)
		return -1;
	json_array_foreach (ranges, i, range)
		fill_pod(a, range);
	return 0;
}

const struct admission_plugin admission_limit_ranger = {
	.name = "LimitRanger",
	.operations = ADMIT_CREATE | ADMIT_UPDATE,
	.resources = {"pods", "pods/resize", "persistentvolumeclaims"},
	.admit = admit,
	.validate = validate,
};
