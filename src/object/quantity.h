/*
 * resource.Quantity: fixed-point numbers with SI and binary suffixes ("250m", "1.5Gi", "1e3").
 *
 * Kept as a 128-bit count of nano-units with the format it came in; the canonical form is
 * Kubernetes' (no fraction, largest suffix that keeps it whole; fractions finer than nano round
 * up).
 */
#ifndef OBJECT_QUANTITY_H
#define OBJECT_QUANTITY_H

#include "base/error.h"

#include <stdint.h>

struct quantity {
	__int128 nano;
	enum { QUANTITY_DECIMAL_SI, QUANTITY_BINARY_SI, QUANTITY_DECIMAL_EXPONENT } format;
};

#define QUANTITY_TEXT 64

int quantity_parse(const char *text, struct quantity *out, struct error **err);
/* Writes the canonical form into BUFFER of QUANTITY_TEXT bytes; returns BUFFER. */
char *quantity_format(const struct quantity *q, char *buffer);
int quantity_compare(const struct quantity *a, const struct quantity *b);
void quantity_add(struct quantity *a, const struct quantity *b);
void quantity_sub(struct quantity *a, const struct quantity *b);
/* Rounded up, as Quantity.Value() and MilliValue(). Saturates. */
int64_t quantity_value(const struct quantity *q);
int64_t quantity_milli_value(const struct quantity *q);

#endif
