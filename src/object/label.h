/*
 * The rules for label keys and values, shared by selectors and by validation.
 *
 *	const char *why = label_key_problem("a b");	// "name part must consist of ..."
 *
 * Threads: pure functions.
 */
#ifndef OBJECT_LABEL_H
#define OBJECT_LABEL_H

#include <stdbool.h>
#include <stddef.h>

/* A text may be wrong in several ways at once; room for all of them. */
#define LABEL_PROBLEMS 4

/*
 * A qualified name: NAME or PREFIX/NAME. Writes what apimachinery's validation says is wrong to
 * WHY, sentences that live for ever; returns how many, 0 when KEY is right.
 */
size_t label_key_problems(const char *key, const char *why[LABEL_PROBLEMS]);
/* Likewise for the value of a label. */
size_t label_value_problems(const char *value, const char *why[LABEL_PROBLEMS]);
/* The first of them, or NULL. */
const char *label_key_problem(const char *key);
const char *label_value_problem(const char *value);

/* Whether the LEN bytes at S are lower case DNS labels with dots between them, of any length. */
bool label_is_subdomain(const char *s, size_t len);
bool label_is_dns_label(const char *s, size_t len);

#endif
