#include "kinds/builtin.h"
#include "kinds/cron.h"
#include "kinds/fill.h"
#include "kinds/rules.h"
#include "kinds/warn.h"
#include "object/json.h"

#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES 52

static void set_defaults(json_t *object)
{
	json_t *job = fill_object(fill_spec(object), "jobTemplate");

	fill_object(job, "metadata");
	fill_template(fill_spec(job));
	job_fill_conditions(fill_spec(job));
}

static void check_zone(const struct field *f)
{
	if (!field_set(f))
		return;
	if (!*field_text(f))
		field_invalid(f, "timeZone must be nil or non-empty string");
	else if (strcasecmp(field_text(f), "Local") == 0)
		field_invalid(f, "timeZone must be an explicit time zone as defined in "
				 "https://www.iana.org/time-zones");
	if (*field_text(f) && !cron_zone_is_known(field_text(f)))
		field_invalid(f, "unknown time zone");
}

static void check_schedule(const struct field *spec, const struct field *old)
{
	const struct field *f = FIELD(spec, "schedule");
	const char *why = cron_problem(field_text(f));
	bool zoned = strstr(field_text(f), "TZ") != NULL;
	bool had_zone = old && strstr(field_text(FIELD(old, "schedule")), "TZ");

	if (!field_require(f))
		return;
	if (why)
		field_invalid(f, why);
	if (zoned && had_zone && field_set(FIELD(spec, "timeZone")))
		field_invalid(f, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
	else if (zoned && !had_zone)
		field_invalid(f,
			      "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
}

static void check_job(const struct field *template)
{
	static const char *const no[] = {"nil", "false", NULL};
	const struct field *spec = FIELD(template, "spec"), *selector = FIELD(spec, "selector");

	job_spec_validate(spec);
	if (field_set(selector))
		field_invalid(selector, "`selector` will be auto-generated");
	if (field_bool(FIELD(spec, "manualSelector")))
		field_not_supported_json(FIELD(spec, "manualSelector"),
					 FIELD(spec, "manualSelector")->value, no);
}

static void validate(const struct field *o, const struct field *old)
{
	static const char *const policies[] = {"Allow", "Forbid", "Replace", NULL};
	static const char *const counts[] = {"startingDeadlineSeconds",
					     "successfulJobsHistoryLimit", "failedJobsHistoryLimit",
					     NULL};
	const struct field *spec = FIELD(o, "spec"), *name = FIELD(o, "metadata.name");
	const struct field *was = old ? FIELD(old, "spec") : NULL;

	check_schedule(spec, was);
	if (!was || !field_same(FIELD(spec, "timeZone"), FIELD(was, "timeZone")))
		check_zone(FIELD(spec, "timeZone"));
	field_one_of_required(FIELD(spec, "concurrencyPolicy"), policies);
	check_job(FIELD(spec, "jobTemplate"));
	rule_counts(spec, counts);
	if (!old && strlen(field_text(name)) > NAME_MAX_BYTES)
		field_invalid(name, "must be no more than 52 characters");
}

static void warn(const struct field *o, const struct field *old)
{
	const struct field *job = FIELD(FIELD(o, "spec"), "jobTemplate");

	if (old && strstr(field_text(FIELD(o, "spec.schedule")), "TZ"))
		field_warn(o, "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone "
			      "instead, see https://kubernetes.io/docs/concepts/workloads/"
			      "controllers/cron-jobs/ for more details");
	if (!old)
		warn_name(o, "this is used in Pod names and hostnames, which can result in "
			     "surprising behavior; a DNS label is recommended");
	if (!old || is_new_generation(o, old))
		job_warn(FIELD(job, "spec"));
}

const struct kind kind_cronjob = {
	.group = "batch",
	.kind = "CronJob",
	.set_defaults = set_defaults,
	.validate = validate,
	.warn = warn,
};
