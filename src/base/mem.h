/*
 * Memory and scope: allocation that aborts, and release on scope exit.
 *
 * Small allocations abort on failure: no caller can do anything useful with the news. What is
 * sized by input is bounded by its reader first and then allocated with these too.
 *
 *	char *copy free_ptr = xstrdup(name);	// freed when the scope ends
 *	return steal(&copy);			// handed to the caller instead
 *
 * Threads: every function here may be called from any thread.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
/* n * size, with overflow checked. */
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
/* A NUL-terminated copy of LEN bytes. */
char *xstrndup(const char *s, size_t len);
void *xmemdup(const void *p, size_t len);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
/* It would take (p) for a cast. */
/* clang-format off */
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
/* clang-format on */

/* Release on scope exit. CLEANUP(f) calls f(&variable). */
#define CLEANUP(f) __attribute__((cleanup(f)))
void free_ptr_cleanup(void *p);
void close_fd_cleanup(int *fd);
#define free_ptr CLEANUP(free_ptr_cleanup)
#define close_fd CLEANUP(close_fd_cleanup)

/* Takes the value out of a variable and leaves NULL behind: hands ownership over. */
#define steal(p)                                      \
	({                                            \
		__typeof__(*(p)) steal_value_ = *(p); \
		*(p) = NULL;                          \
		steal_value_;                         \
	})

/* Defines NAME_cleanup() for use with CLEANUP(), from a _free/_unref that takes NULL. */
#define DEFINE_CLEANUP(type, function)                                         \
	static inline __attribute__((unused)) void function##_cleanup(type *p) \
	{                                                                      \
		if (*p)                                                        \
			function(*p);                                          \
	}

/* True when A equals B; both may be NULL. */
int str_equal(const char *a, const char *b);
int str_has_prefix(const char *s, const char *prefix);
int str_has_suffix(const char *s, const char *suffix);

#endif
