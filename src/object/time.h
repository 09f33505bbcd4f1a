/*
 * metav1.Time and MicroTime: RFC 3339 in UTC.
 */
#ifndef OBJECT_TIME_H
#define OBJECT_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define TIME_TEXT 32

/* "2026-11-23T20:30:00Z". WALL_NS since 1970 (base/clock.h). Returns BUFFER of TIME_TEXT bytes. */
char *time_format(int64_t wall_ns, char *buffer);
/* "2026-11-23T20:30:00.000000Z" */
char *time_format_micro(int64_t wall_ns, char *buffer);
/* 0 and *wall_ns, or -1. Any RFC 3339 offset and fraction. */
int time_parse(const char *text, int64_t *wall_ns);
/*
 * The form in which an API server keeps a time: UTC, in whole seconds or, MICRO, with six digits of
 * a second, which then have to be given. 0 and BUFFER of TIME_TEXT; -1 and *WHY, what Go's parser
 * says, which the caller frees.
 */
int time_canonical(const char *text, bool micro, char *buffer, char **why);
/* kubectl's age: "5s", "3m20s", "2d4h" (duration.HumanDuration). Returns BUFFER. */
char *time_human_duration(int64_t ns, char *buffer);

#endif
