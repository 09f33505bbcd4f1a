/*
 * The schedule of a CronJob: five fields (minute, hour, day, month, weekday, with lists, ranges,
 * steps and names of months and days), or @daily and its kin. Whether a text is one; when it is due
 * is the reconciler's.
 *
 * Threads: pure functions.
 */
#ifndef KINDS_CRON_H
#define KINDS_CRON_H

/* NULL, or what is wrong with SCHEDULE: a sentence that lives for ever. */
const char *cron_problem(const char *schedule);

#endif
