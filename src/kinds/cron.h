/*
 * The schedule of a CronJob: five fields (minute, hour, day, month, weekday, with lists, ranges,
 * steps and names of months and days), or @daily and its kin. Whether a text is one; when it is due
 * is the reconciler's.
 *
 * Threads: pure functions.
 */
#ifndef KINDS_CRON_H
#define KINDS_CRON_H

#include <stdbool.h>

/* Where the machine has no list of zones a name of the right form is one. */
bool cron_zone_is_known(const char *name);
/* NULL, or what is wrong with SCHEDULE: a sentence that lives for ever. */
const char *cron_problem(const char *schedule);

#endif
