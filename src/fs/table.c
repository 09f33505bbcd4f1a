/*
 * Every kind of file in the tree. One more: one line here, one provider in node_<name>.c. What is
 * in a directory stands behind it, and before another one of the same path.
 */
#include "fs/nodes.h"

#define DIR_MODE (S_IFDIR | 0755)
#define FILE_MODE (S_IFREG | 0644)
#define READ_MODE (S_IFREG | 0444)

/* What stands in the directory of a type, wherever that is. */
#define ROWS_OF_A_TYPE(t)                                                                        \
	{t "/%o.yaml", FILE_MODE, 0, &object_file_ops},                                          \
		{t "/%o.json", READ_MODE, NODE_UNLISTED, &object_json_ops},                      \
		{t "/%o", S_IFDIR | 0555, NODE_UNLISTED, &object_dir_ops},                       \
		{t "/%o/meta", READ_MODE, 0, &object_meta_ops},                                  \
		{t "/%o/describe", READ_MODE, NODE_STREAM, &object_describe_ops},                \
		{t "/%o/events", READ_MODE, NODE_STREAM, &object_events_ops},                    \
		{t "/%o/log", READ_MODE, NODE_STREAM, &object_log_ops},                          \
		{t "/%o/logs", S_IFLNK | 0777, 0, &object_logs_ops},                             \
		{t "/%o/logs", S_IFDIR | 0555, NODE_BRIEF, &workload_logs_ops},                  \
		{t "/%o/logs/%l", S_IFLNK | 0777, NODE_BRIEF, &workload_pod_ops},                \
		{t "/%o/data", DIR_MODE, NODE_SCRATCH, &data_dir_ops},                           \
		{t "/%o/data/%k", FILE_MODE, 0, &data_ops},                                      \
		{t "/%o/scale", FILE_MODE, NODE_STREAM, &object_scale_ops},                      \
		{t "/%o/restart", FILE_MODE, NODE_STREAM, &object_restart_ops},                  \
		{t "/%o/owner", S_IFLNK | 0777, 0, &object_owner_ops},                           \
		{t "/%o/owned", S_IFDIR | 0555, NODE_BRIEF, &owned_ops},                         \
		{t "/%o/owned/%l", S_IFLNK | 0777, NODE_BRIEF, &owned_link_ops},                 \
		{t "/%o/history", S_IFDIR | 0555, NODE_BRIEF, &history_ops},                     \
		{t "/%o/history/%h", READ_MODE, NODE_STREAM | NODE_BRIEF, &history_version_ops}, \
		{t "/%o/history", S_IFDIR | 0555, NODE_BRIEF, &kept_ops},                        \
		{t "/%o/history/%h", READ_MODE, NODE_STREAM | NODE_BRIEF, &kept_version_ops},    \
		{t "/.table", READ_MODE, NODE_UNLISTED | NODE_STREAM, &type_table_ops},          \
		{t "/.top", READ_MODE, NODE_UNLISTED | NODE_STREAM, &type_top_ops},              \
		{t "/.watch", READ_MODE, NODE_UNLISTED | NODE_STREAM, &watch_ops},               \
		{t "/.wait", S_IFDIR | 0555, NODE_UNLISTED, &wait_dir_ops},                      \
		{t "/.wait/%o", S_IFDIR | 0555, 0, &wait_object_ops},                            \
		{t "/.wait/%o/%w", READ_MODE, NODE_STREAM, &wait_ops},                           \
		{t "/.label", S_IFDIR | 0555, NODE_UNLISTED, &select_root_ops},                  \
		{t "/.label/%s", S_IFDIR | 0555, 0, &select_ops},                                \
		{t "/.label/%s/%l", S_IFLNK | 0777, 0, &selected_ops},                           \
		{t "/.label/%s/%s", S_IFDIR | 0555, 0, &select_ops},                             \
		{t "/.label/%s/%s/%l", S_IFLNK | 0777, 0, &selected_ops},                        \
		{t "/.field", S_IFDIR | 0555, NODE_UNLISTED, &select_root_ops},                  \
		{t "/.field/%s", S_IFDIR | 0555, 0, &select_ops},                                \
	{                                                                                        \
		t "/.field/%s/%l", S_IFLNK | 0777, 0, &selected_ops                              \
	}

const struct node_kind nodes[] = {
	{"", S_IFDIR | 0555, 0, &root_ops},
	{"README", READ_MODE, 0, &readme_ops},
	{"apply", FILE_MODE, NODE_STREAM | NODE_CLUSTER, &apply_ops},
	{"errors.log", S_IFREG | 0600, NODE_STREAM, &errors_ops},
	{"events.log", READ_MODE, NODE_STREAM | NODE_CLUSTER, &events_ops},
	{"cluster", S_IFDIR | 0555, NODE_CLUSTER, &plain_dir_ops},
	{"cluster/%t", DIR_MODE, NODE_SCRATCH, &type_ops},
	ROWS_OF_A_TYPE("cluster/%t"),
	{"cluster/%a", S_IFLNK | 0777, NODE_UNLISTED, &alias_ops},
	{"namespaces", DIR_MODE, NODE_CLUSTER, &namespaces_ops},
	{"namespaces/%n", DIR_MODE, NODE_SCRATCH, &namespace_ops},
	{"namespaces/%n/namespace.yaml", FILE_MODE, 0, &namespace_file_ops},
	{"namespaces/%n/namespace.json", READ_MODE, NODE_UNLISTED, &namespace_json_ops},
	{"namespaces/%n/apply", FILE_MODE, NODE_STREAM, &apply_ops},
	{"namespaces/%n/events.log", READ_MODE, NODE_STREAM, &events_ops},
	{"namespaces/%n/logs", S_IFDIR | 0555, 0, &logs_ops},
	{"namespaces/%n/logs/%p", S_IFDIR | 0555, 0, &log_pod_ops},
	{"namespaces/%n/logs/%p/%c.log", READ_MODE, NODE_STREAM, &log_ops},
	{"namespaces/%n/%t", DIR_MODE, NODE_SCRATCH, &type_ops},
	ROWS_OF_A_TYPE("namespaces/%n/%t"),
	{"namespaces/%n/%a", S_IFLNK | 0777, NODE_UNLISTED, &alias_ops},
	/* The directory above the trees of several contexts (its path is "/", not ""). */
	{"/", S_IFDIR | 0555, 0, &contexts_ops},
	{"//README", READ_MODE, 0, &contexts_readme_ops},
	{"//%x", S_IFDIR | 0555, 0, &context_ops},
};
const size_t n_nodes = ARRAY_SIZE(nodes);

const struct node_kind *row_root(void)
{
	return &nodes[0];
}

const struct node_kind *row_contexts(void)
{
	for (const struct node_kind *k = nodes;; k++) {
		if (!strcmp(k->path, "/"))
			return k;
	}
}

const char *row_last(const struct node_kind *k)
{
	const char *slash = strrchr(k->path, '/');

	return slash ? slash + 1 : k->path;
}

static bool is_below(const struct node_kind *k, const struct node_kind *dir)
{
	size_t len = strlen(dir->path);
	const char *rest = k->path + len;

	if (strncmp(k->path, dir->path, len) != 0)
		return false;
	if (len && *rest++ != '/')
		return false;
	return *rest && !strchr(rest, '/');
}

const struct node_kind *row_next(const struct node_kind *dir, const struct node_kind *after)
{
	for (const struct node_kind *k = (after ? after : dir) + 1; k < nodes + n_nodes; k++) {
		if (is_below(k, dir))
			return k;
		/* Another kind of directory by that name: the rows below are its own. */
		if (!strcmp(k->path, dir->path))
			break;
	}
	return NULL;
}
