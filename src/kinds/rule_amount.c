/*
 * Numbers that may be percentages.
 */
#include "kinds/rules.h"

#include <stdlib.h>
#include <string.h>

static bool is_percent(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n && strcmp(s + n, "%") == 0;
}

bool rule_count_or_percent(const struct field *f)
{
	if (json_is_string(f->value)) {
		if (is_percent(field_text(f)))
			return true;
		field_invalid(f, "a valid percent string must be a numeric string followed by an "
				 "ending '%' (e.g. '1%',  or '93%', regex used for validation is "
				 "'[0-9]+%')");
		return false;
	}
	field_not_negative(f);
	return field_int(f) >= 0;
}

json_int_t count_or_percent(const struct field *f)
{
	return json_is_string(f->value) ? strtoll(field_text(f), NULL, 10) : field_int(f);
}

void rule_not_more_than_100_percent(const struct field *f)
{
	if (is_percent(field_text(f)) && count_or_percent(f) > 100)
		field_invalid(f, "must not be greater than 100%");
}
