/*
 * How far something slow has come, on one line of the terminal that stderr is. Where it is none, in
 * the background and in a pipe, nothing is said.
 *
 *	progress_show("pods: %zu so far", n);	// over the last one; as often as you like
 *	progress_end();				// the line is empty again
 *
 * A message of log.h ends it first. Threads: any; the last one to speak has the line.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

void progress_show(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress_end(void);

#endif
