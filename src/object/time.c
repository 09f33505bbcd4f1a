#include "object/time.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND 1000000000LL

/* Splits WALL_NS into whole seconds, rounded down, and what is left of them. */
static struct tm calendar(int64_t wall_ns, int64_t *left_ns)
{
	time_t seconds = (time_t)(wall_ns / SECOND);
	struct tm tm;

	*left_ns = wall_ns % SECOND;
	if (*left_ns < 0) {
		*left_ns += SECOND;
		seconds--;
	}
	gmtime_r(&seconds, &tm);
	return tm;
}

char *time_format(int64_t wall_ns, char *buffer)
{
	int64_t left;
	struct tm tm = calendar(wall_ns, &left);

	strftime(buffer, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buffer;
}

char *time_format_micro(int64_t wall_ns, char *buffer)
{
	int64_t left;
	struct tm tm = calendar(wall_ns, &left);
	size_t n = strftime(buffer, TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);

	snprintf(buffer + n, TIME_TEXT - n, ".%06dZ", (int)(left / 1000));
	return buffer;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes N digits and, when AFTER is not NUL, the character that follows them. */
static bool take(const char **p, int n, char after, int *value)
{
	*value = 0;
	for (int i = 0; i < n; i++, (*p)++) {
		if (!is_digit(**p))
			return false;
		*value = *value * 10 + (**p - '0');
	}
	if (!after)
		return true;
	return *(*p)++ == after;
}

/* ".123": nanoseconds; digits beyond them are dropped. */
static bool take_fraction(const char **p, int64_t *ns)
{
	int64_t scale = SECOND / 10;

	*ns = 0;
	if (**p != '.')
		return true;
	if (!is_digit(*++*p))
		return false;
	for (; is_digit(**p); (*p)++, scale /= 10)
		*ns += (**p - '0') * scale;
	return true;
}

static bool take_offset(const char **p, int64_t *seconds)
{
	int hours, minutes, sign;

	*seconds = 0;
	if (**p == 'Z') {
		(*p)++;
		return true;
	}
	sign = **p == '+' ? 1 : **p == '-' ? -1 : 0;
	if (!sign)
		return false;
	(*p)++;
	if (!take(p, 2, ':', &hours) || !take(p, 2, '\0', &minutes) || hours > 23 || minutes > 59)
		return false;
	*seconds = sign * (hours * 3600LL + minutes * 60LL);
	return true;
}

/* Seconds since 1970 and what there is beyond them; false: TEXT is no time. */
static bool split(const char *text, int64_t *seconds, int64_t *ns)
{
	struct tm tm = {0}, back;
	const char *p = text;
	int64_t offset;
	time_t t;

	if (!take(&p, 4, '-', &tm.tm_year) || !take(&p, 2, '-', &tm.tm_mon) ||
	    !take(&p, 2, 'T', &tm.tm_mday) || !take(&p, 2, ':', &tm.tm_hour) ||
	    !take(&p, 2, ':', &tm.tm_min) || !take(&p, 2, '\0', &tm.tm_sec) ||
	    !take_fraction(&p, ns) || !take_offset(&p, &offset) || *p)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	back = tm;
	t = timegm(&back);
	*seconds = (int64_t)t - offset;
	/* timegm carries the 31st of April over into May: what it changed was no date. */
	return back.tm_mon == tm.tm_mon && back.tm_mday == tm.tm_mday &&
	       back.tm_hour == tm.tm_hour && back.tm_min == tm.tm_min && back.tm_sec == tm.tm_sec;
}

int time_parse(const char *text, int64_t *wall_ns)
{
	int64_t ns, seconds;

	if (!split(text, &seconds, &ns) || __builtin_mul_overflow(seconds, SECOND, &seconds) ||
	    __builtin_add_overflow(seconds, ns, wall_ns))
		return -1;
	return 0;
}

#define MICRO_DIGITS 6

/* The parts of a time as Go's parser names them, and the most that numbers may be. */
static const struct part {
	const char *layout;
	const char *name;
	int high;
} parts[] = {
	{"2006", "year", 9999}, {"-", NULL, 0}, {"01", "month", 12},  {"-", NULL, 0},
	{"02", "day", 31},	{"T", NULL, 0}, {"15", "hour", 23},   {":", NULL, 0},
	{"04", "minute", 59},	{":", NULL, 0}, {"05", "second", 59}, {".000000", NULL, 0},
	{"Z07:00", NULL, 0},
};

static bool take_part(const char **p, const struct part *part, bool micro, int *value)
{
	int64_t any;
	int digits;

	*value = 0;
	if (part->name)
		return take(p, (int)strlen(part->layout), '\0', value);
	if (*part->layout == 'Z')
		return take_offset(p, &any);
	if (*part->layout == '.')
		return micro ? *(*p)++ == '.' && take(p, MICRO_DIGITS, '\0', &digits)
			     : take_fraction(p, &any);
	return *(*p)++ == *part->layout;
}

static char *complaint(const char *text, bool micro)
{
	const char *p = text;
	int value;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const char *rest = p;

		if (!take_part(&p, &parts[i], micro, &value))
			return xasprintf("parsing time \"%s\" as \"2006-01-02T15:04:05%sZ07:00\": "
					 "cannot parse \"%s\" as \"%s\"",
					 text, micro ? ".000000" : "", rest, parts[i].layout);
		if (parts[i].name && value > parts[i].high)
			return xasprintf("parsing time \"%s\": %s out of range", text,
					 parts[i].name);
	}
	if (*p)
		return xasprintf("parsing time \"%s\": extra text: \"%s\"", text, p);
	return xasprintf("parsing time \"%s\": day out of range", text);
}

int time_canonical(const char *text, bool micro, char *buffer, char **why)
{
	size_t whole = strlen("2006-01-02T15:04:05");
	int64_t seconds, ns;
	time_t t;
	struct tm tm;

	if (!split(text, &seconds, &ns) ||
	    (micro &&
	     (text[whole] != '.' || strspn(text + whole + 1, "0123456789") != MICRO_DIGITS))) {
		*why = complaint(text, micro);
		return -1;
	}
	t = (time_t)seconds;
	gmtime_r(&t, &tm);
	whole = strftime(buffer, TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buffer + whole, TIME_TEXT - whole, micro ? ".%06dZ" : "Z", (int)(ns / 1000));
	return 0;
}

static void format_pair(char *buffer, int64_t large, char unit, int64_t small, char small_unit)
{
	if (small)
		snprintf(buffer, TIME_TEXT, "%lld%c%lld%c", (long long)large, unit,
			 (long long)small, small_unit);
	else
		snprintf(buffer, TIME_TEXT, "%lld%c", (long long)large, unit);
}

char *time_human_duration(int64_t ns, char *buffer)
{
	int64_t seconds = ns / SECOND, minutes = seconds / 60, hours = minutes / 60;
	int64_t days = hours / 24;

	if (seconds < -1)
		snprintf(buffer, TIME_TEXT, "<invalid>");
	else if (seconds < 120)
		format_pair(buffer, seconds < 0 ? 0 : seconds, 's', 0, '\0');
	else if (minutes < 10)
		format_pair(buffer, minutes, 'm', seconds % 60, 's');
	else if (minutes < 3 * 60)
		format_pair(buffer, minutes, 'm', 0, '\0');
	else if (hours < 8)
		format_pair(buffer, hours, 'h', minutes % 60, 'm');
	else if (hours < 48)
		format_pair(buffer, hours, 'h', 0, '\0');
	else if (days < 8)
		format_pair(buffer, days, 'd', hours % 24, 'h');
	else if (days < 2 * 365)
		format_pair(buffer, days, 'd', 0, '\0');
	else if (days < 8 * 365)
		format_pair(buffer, days / 365, 'y', days % 365, 'd');
	else
		format_pair(buffer, days / 365, 'y', 0, '\0');
	return buffer;
}
