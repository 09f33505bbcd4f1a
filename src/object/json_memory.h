/*
 * Memory for jansson's trees.
 *
 * A request builds and drops trees of thousands of small blocks. They are cut off the front of
 * chunks of 32 KB, one after the other; a chunk counts what is in use of it and goes back, whole,
 * to a pool that all threads share, the one freed last first: the next request, whoever works on
 * it, finds memory that the processor still has near. A block that outlives its request holds its
 * chunk and nothing else: a tree that is to stay is settled, or its few blocks hold 32 KB.
 *
 * What jansson returns (json_dumps) cannot be freed with free(): use json_to_text(). Built with a
 * sanitizer or run under valgrind, jansson uses malloc() itself, that nothing hides from them.
 *
 * Threads: any; a block may be freed by another thread than the one it was made by.
 */
#ifndef OBJECT_JSON_MEMORY_H
#define OBJECT_JSON_MEMORY_H

#include <jansson.h>

/* Once, before the first thread of a program. */
void json_memory_init(void);
/* A copy of TREE that is to stay: its blocks share chunks with other such copies, with nothing that
 * a request drops. */
json_t *json_settle(const json_t *tree);

#endif
