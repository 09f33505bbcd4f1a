/*
 * One line a message to stderr, or to syslog once the daemon is in the background.
 *
 * Each failure is logged once, at the boundary that gives up on it. Messages never hold the
 * contents of a Secret; control characters are escaped here. Threads: any.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Messages above LEVEL are dropped. The default is LOG_LEVEL_WARN. */
void log_set_level(enum log_level level);
int log_enabled(enum log_level level);
/* From now on to syslog(3) (facility daemon) instead of stderr. */
void log_to_syslog(const char *ident);
void log_message(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_message(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                             \
	do {                                                       \
		if (log_enabled(LOG_LEVEL_DEBUG))                  \
			log_message(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

#endif
