/*
 * NAME/describe: an object told to a person, in the sections and words of kubectl describe. One
 * row a kind in describers[] (describe.c), one function in the file of its kinds; a kind without
 * one gets the generic form: every field, indented.
 *
 * A describer writes lines of cells that tabs end; describe_object aligns them when all is written.
 *
 * Threads: all functions from any thread; they wait for the cluster where related objects are asked
 * for.
 */
#ifndef FS_DESCRIBE_H
#define FS_DESCRIBE_H

#include "fs/core.h"

#include <jansson.h>

struct describe {
	struct fs *fs;
	const struct call *call;
	const struct resource *resource;
	const json_t *object;
	int64_t now; /* wall ns */
	struct str out;
};
typedef void describe_function(struct describe *d);
/* One each, in describe_<file>.c. */
describe_function describe_pod, describe_deployment, describe_job, describe_service, describe_node,
	describe_claim;

/* The whole text of O, with its events. Appended. */
void describe_object(struct fs *fs, const struct resource *r, const struct object *o,
		     const struct call *call, struct str *out);

/* ---- For describers. LEVEL: of indentation, two spaces each. */
void describe_line(struct describe *d, int level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "Name:\tvalue": the text at PATH of the object, OTHERWISE without one. */
void describe_text(struct describe *d, int level, const char *name, const char *path,
		   const char *otherwise);
/* A map, one "key=value" a line; "<none>". */
void describe_map(struct describe *d, int level, const char *name, const json_t *map,
		  const char *between);
/* Name, namespace, labels and annotations. */
void describe_head(struct describe *d);
void describe_labels(struct describe *d);
void describe_annotations(struct describe *d);
/* "Kind/name" of the controller, or nothing. */
void describe_controller(struct describe *d);
/* A LabelSelector or a plain map as text. */
void describe_selector(const json_t *selector, struct str *out);
/* Type, Status and what else conditions have. COLUMNS: NULL-terminated pairs of head and member. */
void describe_conditions(struct describe *d, const char *const (*columns)[2], const char *path);
/* "Mon, 02 Jan 2006 15:04:05 -0700". */
void describe_time(const char *rfc3339, struct str *out);
/* The scalar as text. */
void describe_value(const json_t *value, struct str *out);
/*
 * The objects of a type (GROUP/VERSION/PLURAL) in NAMESPACE that a field selector picks (NULL:
 * all), as an array of trees; empty where they may not be listed. The caller releases.
 */
json_t *describe_related(struct describe *d, const char *group, const char *plural,
			 const char *namespace, const char *field_selector);
bool describe_is_owned(const json_t *object, const char *uid);

/* describe_pod.c: the containers, volumes and the rest of a pod or of a template; STATUS NULL. */
void describe_pod_spec(struct describe *d, int level, const json_t *spec, const json_t *status);
void describe_template(struct describe *d, const json_t *template);

#endif
