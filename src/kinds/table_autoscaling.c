/*
 * The row of a horizontal pod autoscaler: its metrics as "now/target". That of a Scale, which is
 * what is at the path NAME/scale of another type.
 */
#include "kinds/tables.h"
#include "object/json.h"

#include <string.h>

#define METRICS_MOST 2

/* Which member of a metric says what, and whether its name is shown. */
static const struct metric {
	const char *type, *member;
	bool named;
	bool average_only; /* its target is always an average, which then is not said */
} metrics[] = {
	{"Resource", "resource", true, true},
	{"ContainerResource", "containerResource", true, true},
	{"Pods", "pods", false, true},
	{"Object", "object", false, false},
	{"External", "external", false, false},
};

/* A quantity, which may come as a number. */
static void add_quantity(struct str *out, const json_t *v, const char *otherwise)
{
	if (json_is_integer(v))
		str_addf(out, "%lld", (long long)json_integer_value(v));
	else
		str_adds(out, json_string_value(v) ?: otherwise);
}

static void add_percent(struct str *out, const json_t *v, const char *otherwise)
{
	if (json_is_integer(v))
		str_addf(out, "%lld%%", (long long)json_integer_value(v));
	else
		str_adds(out, otherwise);
}

static void add_metric(struct str *out, const struct metric *m, const json_t *spec,
		       const json_t *status)
{
	const json_t *target = json_path(spec, "target"), *current = json_path(status, "current");
	bool average = json_path(target, "averageValue");
	const char *field = average || (m->average_only && !m->named) ? "averageValue" : "value";
	/* What Go prints of a quantity that is not there, where it does not ask. */
	const char *none = status && !(average && !m->average_only) ? "<nil>" : "<unknown>";

	if (m->named)
		str_addf(out, "%s: ", json_path_string(spec, "name"));
	if (m->named && !average) {
		add_percent(out, json_path(current, "averageUtilization"), "<unknown>");
		str_addc(out, '/');
		add_percent(out, json_path(target, "averageUtilization"), "<auto>");
		return;
	}
	add_quantity(out, json_path(current, field), none);
	str_addc(out, '/');
	add_quantity(out, json_path(target, field), "0");
	if (average && !m->average_only)
		str_adds(out, " (avg)");
}

static void add_one(struct brief *b, const json_t *spec, const json_t *status)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	const char *type = json_path_string(spec, "type");

	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
		if (strcmp(metrics[i].type, type) == 0)
			add_metric(&text, &metrics[i], json_path(spec, metrics[i].member),
				   json_path(status, metrics[i].member));
	cells_brief_add(b, ", ", text.len ? text.s : "<unknown type>");
}

/* autoscaling/v1 has one metric, in fields of its own. */
static void add_cpu(struct brief *b, const json_t *object)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	const json_t *target = json_path(object, "spec.targetCPUUtilizationPercentage");

	if (!target)
		return;
	str_adds(&text, "cpu: ");
	add_percent(&text, json_path(object, "status.currentCPUUtilizationPercentage"),
		    "<unknown>");
	str_addc(&text, '/');
	add_percent(&text, target, "<auto>");
	cells_brief_add(b, ", ", text.s);
}

static json_t *targets_cell(const json_t *object, const char *path, int64_t now)
{
	const json_t *specs = json_path(object, "spec.metrics");
	const json_t *statuses = json_path(object, "status.currentMetrics");
	struct brief b = BRIEF_INIT(METRICS_MOST);
	json_t *spec;
	size_t i;

	add_cpu(&b, object);
	json_array_foreach (specs, i, spec)
		add_one(&b, spec, json_array_get(statuses, i));
	return cells_brief_finish(&b, "<none>");
}

static json_t *reference_cell(const json_t *object, const char *path, int64_t now)
{
	const json_t *target = json_path(object, path);
	struct str text CLEANUP(str_release) = STR_INIT;

	str_addf(&text, "%s/%s", json_path_string(target, "kind"),
		 json_path_string(target, "name"));
	return cell_of(&text);
}

static json_t *least_cell(const json_t *object, const char *path, int64_t now)
{
	struct str text CLEANUP(str_release) = STR_INIT;

	add_quantity(&text, json_path(object, path), "<unset>");
	return cell_of(&text);
}

static const struct table_column columns[] = {
	COLUMN_NAME,
	COLUMN("Reference", reference_cell, "spec.scaleTargetRef", "What it scales"),
	COLUMN("Targets", targets_cell, NULL, "Its metrics, as they are and as they should be"),
	COLUMN("MinPods", least_cell, "spec.minReplicas", "The fewest pods"),
	COLUMN("MaxPods", cell_integer, "spec.maxReplicas", "The most pods"),
	COLUMN("Replicas", cell_integer, "status.currentReplicas", "Pods that there are"),
	COLUMN_AGE,
};

/* Its name is told without a format. */
static const struct table_column scale_columns[] = {
	COLUMN("Name", cell_text, "metadata.name", "The name of what it scales"),
	COLUMN_INTEGER("Desired", cell_integer, "spec.replicas", "Pods that there should be"),
	COLUMN_INTEGER("Available", cell_integer, "status.replicas", "Pods that there are"),
	COLUMN_AGE,
};

const struct kind_table tables_autoscaling[] = {
	TABLE("autoscaling", "HorizontalPodAutoscaler", columns),
	TABLE("autoscaling", "Scale", scale_columns),
	TABLES_END,
};
