#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int file_read(const char *path, size_t max, struct str *out, struct error **err)
{
	int fd close_fd = open(path, O_RDONLY | O_CLOEXEC);
	char buffer[16384];
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return error_set(err, E_NOT_FOUND, "%s: no such file", path);
	if (fd < 0)
		return error_set_errno(err, errno, "%s", path);
	while ((n = read(fd, buffer, sizeof(buffer))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, errno, "%s", path);
		if (out->len + (size_t)n > max)
			return error_set(err, E_TOO_LARGE, "%s: more than %zu bytes", path, max);
		str_add(out, buffer, (size_t)n);
	}
	return 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return fsync(fd);
}

/* A new file beside PATH that holds the bytes, on the disk; its name, or NULL and *err. */
static char *write_beside(const char *path, const char *bytes, size_t len, struct error **err)
{
	char *temp free_ptr = xasprintf("%s.XXXXXX", path);
	int fd close_fd = mkostemp(temp, O_CLOEXEC); /* mode 0600 */

	if (fd < 0) {
		error_set_errno(err, errno, "%s", temp);
		return NULL;
	}
	if (write_all(fd, bytes, len) < 0) {
		error_set_errno(err, errno, "%s", path);
		unlink(temp);
		return NULL;
	}
	return steal(&temp);
}

int file_replace(const char *path, const char *bytes, size_t len, struct error **err)
{
	char *temp free_ptr = write_beside(path, bytes, len, err);

	if (!temp)
		return -1;
	if (rename(temp, path) < 0) {
		error_set_errno(err, errno, "%s", path);
		unlink(temp);
		return -1;
	}
	return 0;
}

int file_create(const char *path, const char *bytes, size_t len, struct error **err)
{
	char *temp free_ptr = write_beside(path, bytes, len, err);
	int result = 0;

	if (!temp)
		return -1;
	if (link(temp, path) < 0)
		result = errno == EEXIST ? error_set(err, E_EXISTS, "%s is there already", path)
					 : error_set_errno(err, errno, "%s", path);
	unlink(temp);
	return result;
}
