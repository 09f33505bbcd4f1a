/*
 * What /proc tells of the processes that use the tree.
 *
 * Threads: all functions from any thread.
 */
#ifndef FS_PROCESS_H
#define FS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The process of a thread: its own number where /proc does not tell. */
pid_t process_of(pid_t tid);

/*
 * How many descriptors of the process are of a file with this st_ino, open for writing. The one
 * that it is closing right now is not counted: the kernel takes it out of the table before it
 * tells of the close. 0 of a process that is ending, and of one that may not be looked at.
 */
size_t process_writers(pid_t process, uint64_t ino);

/*
 * Whether a signal waits for the thread, or its process, that asks it to stop what it does. Those
 * that programs are told news by, and that end none by default (a child's end, a window's new
 * size), do not. True where /proc does not tell.
 */
bool process_is_interrupted(pid_t tid);

#endif
