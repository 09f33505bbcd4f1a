/*
 * The rules for label keys and values, shared by selectors and by validation.
 *
 *	const char *why = label_key_problem("a b");	// "name part must consist of ..."
 *
 * Threads: pure functions.
 */
#ifndef OBJECT_LABEL_H
#define OBJECT_LABEL_H

/* A qualified name: NAME or PREFIX/NAME. NULL, or what apimachinery's validation says is wrong. */
const char *label_key_problem(const char *key);
/* Likewise for the value of a label. */
const char *label_value_problem(const char *value);

#endif
