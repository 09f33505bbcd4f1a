/*
 * A growing array of anything, as macros over a struct with v, n and cap.
 *
 *	VEC(struct pod *) pods = VEC_INIT;
 *	vec_push(&pods, pod);
 *	vec_each(&pods, p) use(*p);
 *	vec_release(&pods);
 *
 * A vector that crosses a function boundary gets a named struct with the same three members.
 * Threads: one owner at a time.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include "base/mem.h"

#include <string.h>

#define VEC(type)              \
	struct {               \
		type *v;       \
		size_t n, cap; \
	}
#define VEC_INIT           \
	{                  \
		NULL, 0, 0 \
	}

#define vec_grow(vec, extra)                                                                   \
	do {                                                                                   \
		if ((vec)->n + (extra) > (vec)->cap) {                                         \
			(vec)->cap = MAX((vec)->n + (extra), (vec)->cap + (vec)->cap / 2 + 4); \
			(vec)->v = xreallocarray((vec)->v, (vec)->cap, sizeof(*(vec)->v));     \
		}                                                                              \
	} while (0)

#define vec_push(vec, ...)                            \
	do {                                          \
		vec_grow(vec, 1);                     \
		(vec)->v[(vec)->n++] = (__VA_ARGS__); \
	} while (0)

/* Removes element I and keeps the order. */
#define vec_remove(vec, i)                                        \
	do {                                                      \
		size_t vec_i_ = (i);                              \
		(vec)->n--;                                       \
		memmove((vec)->v + vec_i_, (vec)->v + vec_i_ + 1, \
			((vec)->n - vec_i_) * sizeof(*(vec)->v)); \
	} while (0)

#define vec_each(vec, p) \
	for (__typeof__((vec)->v + 0) p = (vec)->v; p && p < (vec)->v + (vec)->n; p++)

#define vec_release(vec)                   \
	do {                               \
		free((vec)->v);            \
		(vec)->v = NULL;           \
		(vec)->n = (vec)->cap = 0; \
	} while (0)

#endif
