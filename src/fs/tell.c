#include "fs/tell.h"

#include "base/str.h"
#include "fs/journal.h"

#include <fcntl.h>
#include <unistd.h>

void tell_writer(pid_t writer, const char *path, const struct error *why, bool secret)
{
	char *link free_ptr = xasprintf("/proc/%d/fd/2", (int)writer);
	struct str text CLEANUP(str_release) = STR_INIT;
	int fd close_fd = open(link, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || !isatty(fd))
		return;
	str_adds(&text, "kubefs: ");
	str_add_escaped(&text, path, strlen(path));
	str_adds(&text, ": ");
	journal_message(why, secret, &text);
	/* A terminal that takes nothing now loses the message; errors.log has it. */
	if (write(fd, text.s, text.len) < 0)
		return;
}
