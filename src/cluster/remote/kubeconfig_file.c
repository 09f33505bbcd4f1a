#include "cluster/remote/kubeconfig_file.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "object/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (1u << 20)

void kubeconfig_files_release(struct kubeconfig_files *f)
{
	vec_each (f, file) {
		free(file->path);
		json_decref(file->tree);
	}
	vec_release(f);
}

char *kubeconfig_path(const struct kubeconfig_file *file, const char *name)
{
	const char *slash = strrchr(file->path, '/');

	if (*name == '/' || !slash)
		return xstrdup(name);
	return xasprintf("%.*s/%s", (int)(slash - file->path), file->path, name);
}

static int read_all(int fd, const char *path, struct str *out, struct error **err)
{
	for (;;) {
		ssize_t n;

		str_grow(out, 4096);
		n = read(fd, out->s + out->len, 4096);
		if (n < 0 && errno != EINTR)
			return error_set_errno(err, errno, "%s", path);
		if (n == 0)
			return 0;
		if (n < 0)
			continue;
		out->len += (size_t)n;
		out->s[out->len] = '\0';
		if (out->len > MAX_FILE)
			return error_set(err, E_TOO_LARGE, "%s: more than %u bytes", path,
					 MAX_FILE);
	}
}

char *kubeconfig_slurp(const char *path, struct error **err)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	int fd close_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		error_set_errno(err, errno, "%s", path);
		return NULL;
	}
	if (S_ISDIR(st.st_mode)) {
		error_set(err, E_BAD_REQUEST, "%s: a directory where a file belongs", path);
		return NULL;
	}
	if (read_all(fd, path, &text, err) < 0)
		return NULL;
	if (memchr(text.s, '\0', text.len)) {
		error_set(err, E_BAD_REQUEST, "%s: not a text", path);
		return NULL;
	}
	return str_take(&text);
}

static int check_shape(const char *path, const json_t *tree, struct error **err)
{
	static const char *const lists[] = {"clusters", "users", "contexts"};
	const char *kind = json_string_value(json_object_get(tree, "kind"));

	if (!json_is_object(tree))
		return error_set(err, E_BAD_REQUEST, "%s: not a kubeconfig: it is no mapping",
				 path);
	if (kind && *kind && strcmp(kind, "Config"))
		return error_set(err, E_BAD_REQUEST, "%s: not a kubeconfig: its kind is %s", path,
				 kind);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const json_t *list = json_object_get(tree, lists[i]);

		if (list && !json_is_array(list) && !json_is_null(list))
			return error_set(err, E_BAD_REQUEST, "%s: %s is not a list", path,
					 lists[i]);
	}
	return 0;
}

static int read_file(const char *path, struct kubeconfig_files *out, struct error **err)
{
	char *text free_ptr = kubeconfig_slurp(path, err);
	json_t *tree;

	if (!text)
		return -1;
	if (!text[strspn(text, " \t\r\n")]) /* an empty file says nothing */
		return 0;
	tree = yaml_read_one(text, strlen(text), err);
	explicit_bzero(text, strlen(text));
	if (!tree)
		return error_wrap(err, "%s", path);
	vec_push(out, (struct kubeconfig_file){xstrdup(path), tree});
	return check_shape(path, tree, err);
}

static int read_if_there(const char *path, struct kubeconfig_files *out, struct error **err)
{
	if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	return read_file(path, out, err);
}

static int read_list(const char *list, struct kubeconfig_files *out, struct error **err)
{
	while (*list) {
		size_t n = strcspn(list, ":");
		char *path free_ptr = xstrndup(list, n);

		if (n && read_if_there(path, out, err) < 0)
			return -1;
		list += n + (list[n] == ':');
	}
	return 0;
}

int kubeconfig_files_read(const char *path, struct kubeconfig_files *out, struct error **err)
{
	const char *list = getenv("KUBECONFIG"), *home = getenv("HOME");
	char *usual free_ptr = NULL;

	if (path) {
		if (read_file(path, out, err) < 0)
			return -1;
		if (!out->n)
			return error_set(err, E_BAD_REQUEST, "%s: it is empty", path);
		return 0;
	}
	if (list && *list)
		return read_list(list, out, err);
	if (!home || !*home)
		return 0;
	usual = xasprintf("%s/.kube/config", home);
	return read_if_there(usual, out, err);
}
