/* -o tell: a refusal on the terminal of who wrote, for shells that do not look at close. */
#ifndef FS_TELL_H
#define FS_TELL_H

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* Does nothing when the process has no terminal as its stderr. Never blocks. */
void tell_writer(pid_t writer, const char *path, const struct error *why, bool secret);

#endif
