/*
 * The two questions that the order of keys asks of Unicode (json.h: json_key_compare): Go's
 * unicode.IsLetter and unicode.IsDigit. Threads: pure functions.
 */
#ifndef OBJECT_UNICODE_H
#define OBJECT_UNICODE_H

#include <stdbool.h>

bool unicode_is_letter(unsigned code_point);
bool unicode_is_digit(unsigned code_point);

#endif
