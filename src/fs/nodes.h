/*
 * The providers: one struct node_ops a file node_<name>.c, named in nodes[] (table.c).
 */
#ifndef FS_NODES_H
#define FS_NODES_H

#include "fs/core.h"

extern const struct node_ops root_ops, plain_dir_ops, readme_ops;
extern const struct node_ops contexts_ops, contexts_readme_ops, context_ops;
extern const struct node_ops namespaces_ops, namespace_ops;
extern const struct node_ops namespace_file_ops, namespace_json_ops;
extern const struct node_ops type_ops, alias_ops;
extern const struct node_ops object_file_ops, object_json_ops, object_dir_ops, object_meta_ops;
extern const struct node_ops object_describe_ops, object_events_ops;
extern const struct node_ops object_scale_ops, object_restart_ops, object_owner_ops;
extern const struct node_ops object_log_ops, object_logs_ops, workload_logs_ops, workload_pod_ops;
extern const struct node_ops owned_ops, owned_link_ops, history_ops, history_version_ops;
extern const struct node_ops kept_ops, kept_version_ops;
extern const struct node_ops data_dir_ops, data_ops;
extern const struct node_ops type_table_ops, type_top_ops;
extern const struct node_ops select_root_ops, select_ops, selected_ops;
extern const struct node_ops watch_ops, wait_dir_ops, wait_object_ops, wait_ops;
extern const struct node_ops apply_ops, errors_ops, events_ops;
extern const struct node_ops logs_ops, log_pod_ops, log_ops;

/* node_object.c: what every row over objects needs. */
/* The file name of an object: NAME.yaml, or %~ and a part of it where that is too long. */
void object_file_name(const char *name, struct str *out);
/* The object whose file is NAME (with .yaml) in a type's directory; a ref, or NULL. */
struct object *object_of_file(struct node *dir, const char *name);
/* The object that NAME/ is of, as it is now; a ref, or NULL. Its directory is ready. */
struct object *object_of_dir(struct node *dir);
/* The same for who does not hold fs->lock; NULL and *err when it is gone. */
struct object *object_above(struct node *dir, struct error **err);
/* A type's directory: N itself, or what is above it. Borrowed. */
struct node *type_directory_of(struct node *n);
/* The name of the object a file called FILE would be; NULL: it would be a scratch file. Freed by
 * the caller. */
char *object_name_of_file(const struct resource *r, const char *file);
/* st_mtime and st_ctime of a version. */
void object_times(const struct object *o, struct timespec *mtime, struct timespec *changed);
/* From a directory beside that of type R in a namespace, or in cluster/: "../pods/web-0.yaml". The
 * caller frees. */
char *object_link(struct node *type_directory, const struct resource *r, const char *name);
bool resource_is_secret(const struct resource *r);
/* Does it have versions that kubectl rollout history knows? */
bool has_rollout_history(const struct resource *r);

#endif
