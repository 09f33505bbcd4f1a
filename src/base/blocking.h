/*
 * Stretches in which a thread waits for something that is not the processor: a disk, a client,
 * another server. Whoever gave the thread its work is told, and may let another thread work
 * meanwhile.
 *
 *	blocking_begin();
 *	... wait ...
 *	blocking_end();
 *
 * clock_wait (base/clock.h) is one by itself.
 *
 * Threads: each has its own watcher; a thread without one tells nobody. Stretches may lie in each
 * other: the outermost counts.
 */
#ifndef BASE_BLOCKING_H
#define BASE_BLOCKING_H

struct blocking_watcher {
	void (*begin)(void *arg);
	void (*end)(void *arg);
	void *arg;
};

/* Of the calling thread, borrowed until the next call; NULL: none. */
void blocking_watch(const struct blocking_watcher *w);
void blocking_begin(void);
void blocking_end(void);

#endif
