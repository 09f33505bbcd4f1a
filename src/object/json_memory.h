/*
 * Memory for jansson's trees.
 *
 * A request builds and drops trees of thousands of small blocks. Handed back one by one, and taken
 * again by the next request, they are most of what malloc() does in this program; so each thread
 * keeps up to 512 KB of them, by size, for its next tree. The blocks are malloc()'s own: what
 * jansson returns (json_dumps) is freed with free() as ever. Built with a sanitizer, jansson uses
 * malloc() itself, that nothing hides from it.
 *
 * Threads: any; a block may be freed by another thread than the one it was made by.
 */
#ifndef OBJECT_JSON_MEMORY_H
#define OBJECT_JSON_MEMORY_H

/* Once, before the first thread of a program. */
void json_memory_init(void);

#endif
