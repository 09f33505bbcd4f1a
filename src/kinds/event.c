#include "kinds/builtin.h"
#include "kinds/rules.h"
#include "object/json.h"
#include "object/time.h"

#include <string.h>

#define TEXT_MAX 128
#define NOTE_MAX 1024

static void check_text(const struct field *f, size_t max)
{
	char *why free_ptr = NULL;

	field_require(f);
	if (strlen(field_text(f)) <= max)
		return;
	why = xasprintf("can have at most %zu characters", max);
	field_invalid_text(f, "", why);
}

/* The object and its event are in one namespace; of objects without one the events are in some. */
static void check_namespace(const struct field *o, bool timed)
{
	const struct field *f = FIELD(o, "involvedObject.namespace");
	const char *own = json_path_string(o->value, "metadata.namespace");
	bool fits;

	if (timed)
		fits = *field_text(f) || strcmp(own, "default") == 0 ||
		       strcmp(own, "kube-system") == 0;
	else if (*field_text(f))
		fits = strcmp(own, field_text(f)) == 0;
	else
		fits = !*own || strcmp(own, "default") == 0;
	if (!fits)
		field_invalid_text(f, field_text(f), "does not match event.namespace");
}

static void check_reporter(const struct field *o, bool core)
{
	struct field reporter = *FIELD(o, "reportingComponent");

	if (!core)
		reporter.name = "reportingController";
	field_require(&reporter);
	field_check(&reporter, name_qualified);
	check_text(FIELD(o, "reportingInstance"), TEXT_MAX);
	check_text(FIELD(o, "action"), TEXT_MAX);
	check_text(FIELD(o, "reason"), TEXT_MAX);
	if (strlen(field_text(FIELD(o, "message"))) > NOTE_MAX)
		field_invalid_text(FIELD(o, "message"), "", "can have at most 1024 characters");
}

static void check_series(const struct field *o)
{
	const struct field *series = FIELD(o, "series");

	if (!field_set(series))
		return;
	if (field_int(FIELD(series, "count")) < 2)
		field_invalid_text(FIELD(series, "count"), "", "should be at least 2");
	if (!field_set(FIELD(series, "lastObservedTime")))
		field_required(FIELD(series, "lastObservedTime"), NULL);
}

static void check_new(const struct field *o)
{
	static const char *const unset[] = {"firstTimestamp", "lastTimestamp"};
	const struct field *type = FIELD(o, "type"), *count = FIELD(o, "count");

	check_series(o);
	if (!field_set(FIELD(o, "eventTime")))
		field_required(FIELD(o, "eventTime"), NULL);
	if (!field_is(type, "Normal") && !field_is(type, "Warning")) {
		char *why free_ptr = xasprintf("has invalid value: %s", field_text(type));

		field_invalid_text(type, "", why);
	}
	for (size_t i = 0; i < ARRAY_SIZE(unset); i++)
		if (field_set(FIELD(o, unset[i])))
			field_invalid_text(FIELD(o, unset[i]), "", "needs to be unset");
	if (field_int(count))
		field_invalid_text(count, "", "needs to be unset");
	if (*json_path_string(o->value, "source.component") ||
	    *json_path_string(o->value, "source.host"))
		field_invalid_text(FIELD(o, "source"), "", "needs to be unset");
}

static void check_changes(const struct field *o, const struct field *old)
{
	static const char *const fixed[] = {
		"involvedObject", "reason",	   "message", "source",
		"firstTimestamp", "lastTimestamp", "count",   "reason",
		"type",		  "action",	   "related", "reportingInstance"};
	struct field reporter = *FIELD(o, "reportingComponent");
	int64_t now = 0, was = 0;

	if (!field_same(FIELD(o, "series"), FIELD(old, "series")))
		check_series(o);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		field_immutable(FIELD(o, fixed[i]), FIELD(old, fixed[i]));
	time_parse(field_text(FIELD(o, "eventTime")), &now);
	time_parse(field_text(FIELD(old, "eventTime")), &was);
	if (now / 1000 != was / 1000)
		field_invalid(FIELD(o, "eventTime"), "field is immutable");
	reporter.name = "reportingController";
	field_immutable(&reporter, FIELD(old, "reportingComponent"));
}

/* Events of the core group are old ones, about which less is asked. */
static void validate_asked(const struct field *o, const struct field *old,
			   const struct resource *asked)
{
	bool core = !*asked->group, timed = field_set(FIELD(o, "eventTime"));

	check_namespace(o, timed);
	if (timed)
		check_reporter(o, core);
	if (core)
		return;
	if (old)
		check_changes(o, old);
	else
		check_new(o);
}

static void set_defaults(json_t *object)
{
	if (!json_object_get(object, "source"))
		json_object_set_new(object, "source", json_object());
}

static const struct selectable selectable[] = {
	{.field = "involvedObject.kind"},
	{.field = "involvedObject.namespace"},
	{.field = "involvedObject.name"},
	{.field = "involvedObject.uid"},
	{.field = "involvedObject.apiVersion"},
	{.field = "involvedObject.resourceVersion"},
	{.field = "involvedObject.fieldPath"},
	{.field = "reason"},
	{.field = "reportingComponent"},
	{.field = "source", .path = "source.component", .other = "reportingComponent"},
	{.field = "type"},
	{0},
};

const struct kind kind_event = {
	.group = "",
	.kind = "Event",
	.set_defaults = set_defaults,
	.validate_asked = validate_asked,
	.no_generation = true,
	.selectable = selectable,
	.metadata = METADATA_NONE,
};

static const struct selectable selectable_new[] = {
	{.field = "regarding.kind", .path = "involvedObject.kind"},
	{.field = "regarding.namespace", .path = "involvedObject.namespace"},
	{.field = "regarding.name", .path = "involvedObject.name"},
	{.field = "regarding.uid", .path = "involvedObject.uid"},
	{.field = "regarding.apiVersion", .path = "involvedObject.apiVersion"},
	{.field = "regarding.resourceVersion", .path = "involvedObject.resourceVersion"},
	{.field = "regarding.fieldPath", .path = "involvedObject.fieldPath"},
	{.field = "reason"},
	{.field = "reportingController", .path = "reportingComponent"},
	{.field = "type"},
	{0},
};

/* The same objects, as which they are stored decides all else. */
const struct kind kind_event_new = {
	.group = "events.k8s.io",
	.kind = "Event",
	.no_generation = true,
	.selectable = selectable_new,
};
