/*
 * What an unquoted YAML scalar means to kubectl: go-yaml v2's resolution of YAML 1.1, without base
 * 60 numbers. The reader asks for the value, the writer whether a string would be taken for one.
 *
 * Threads: pure functions.
 */
#ifndef OBJECT_YAML_SCALAR_H
#define OBJECT_YAML_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum yaml_scalar_kind {
	YAML_STRING,
	YAML_NULL,
	YAML_BOOL,
	YAML_INT,
	YAML_UINT, /* beyond int64 */
	YAML_FLOAT,
	YAML_TIME, /* a timestamp, which stays the string it is */
};

struct yaml_scalar {
	enum yaml_scalar_kind kind;
	bool boolean;
	int64_t integer;
	uint64_t natural;
	double real;
};

struct yaml_scalar yaml_scalar_resolve(const char *text, size_t len);
/* "190:20:30": a number to other readers of YAML 1.1, so the writer quotes it. */
bool yaml_scalar_is_base60(const char *text, size_t len);
/*
 * A float as Go's %g writes it with the fewest digits, SINGLE: the fewest that tell float32s
 * apart. Into TEXT of YAML_FLOAT_TEXT bytes, which it returns.
 */
#define YAML_FLOAT_TEXT 64
char *yaml_scalar_format_float(double value, bool single, char *text);

#endif
