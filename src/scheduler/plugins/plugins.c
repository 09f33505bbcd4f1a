#include "scheduler/plugin.h"

#include <stdarg.h>

/* Weights are kube-scheduler's defaults. */
const struct plugin_row plugins[] = {
	{&plugin_node_unschedulable, 0},
	{&plugin_node_name, 0},
	{&plugin_taint_toleration, 3},
	{&plugin_node_affinity, 2},
	{&plugin_node_ports, 0},
	{&plugin_node_resources_fit, 1},
	{NULL, 0},
};

void reasons_add(struct reasons *r, const char *format, ...)
{
	struct str text = STR_INIT;
	va_list ap;

	if (r->n == REASONS_MAX)
		return;
	va_start(ap, format);
	str_addv(&text, format, ap);
	va_end(ap);
	r->v[r->n++] = str_take(&text);
}

void reasons_release(struct reasons *r)
{
	while (r->n)
		free(r->v[--r->n]);
}
