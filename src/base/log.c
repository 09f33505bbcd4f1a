#include "base/log.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/str.h"

#include <stdatomic.h>
#include <syslog.h>
#include <unistd.h>

static _Atomic int current_level = LOG_LEVEL_WARN;
static _Atomic int use_syslog;

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", LOG_ERR},
	[LOG_LEVEL_WARN] = {"warning", LOG_WARNING},
	[LOG_LEVEL_INFO] = {"info", LOG_INFO},
	[LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

void log_set_level(enum log_level level)
{
	current_level = (int)level;
}

int log_enabled(enum log_level level)
{
	return (int)level <= current_level;
}

void log_to_syslog(const char *ident)
{
	openlog(ident, LOG_PID, LOG_DAEMON);
	use_syslog = 1;
}

void log_message(enum log_level level, const char *format, ...)
{
	struct str raw CLEANUP(str_release) = STR_INIT;
	struct str line CLEANUP(str_release) = STR_INIT;
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, format);
	str_addv(&raw, format, ap);
	va_end(ap);
	str_addf(&line, "kubefs: %s: ", levels[level].name);
	str_add_escaped(&line, raw.s, raw.len);
	if (use_syslog) {
		syslog(levels[level].priority, "%s", line.s);
		return;
	}
	str_addc(&line, '\n');
	progress_end();
	/* One write, so that lines of several threads do not mix. */
	if (write(STDERR_FILENO, line.s, line.len) < 0)
		return;
}
