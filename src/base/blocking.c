#include "base/blocking.h"

#include <stddef.h>

static _Thread_local const struct blocking_watcher *watcher;
static _Thread_local unsigned depth;

void blocking_watch(const struct blocking_watcher *w)
{
	watcher = w;
	depth = 0;
}

void blocking_begin(void)
{
	if (watcher && depth++ == 0)
		watcher->begin(watcher->arg);
}

void blocking_end(void)
{
	if (watcher && --depth == 0)
		watcher->end(watcher->arg);
}
