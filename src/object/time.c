#include "object/time.h"

#include <stdbool.h>
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

int time_parse(const char *text, int64_t *wall_ns)
{
	int64_t ns, offset, seconds;
	struct tm tm = {0}, back;
	const char *p = text;
	time_t t;

	if (!take(&p, 4, '-', &tm.tm_year) || !take(&p, 2, '-', &tm.tm_mon) ||
	    !take(&p, 2, 'T', &tm.tm_mday) || !take(&p, 2, ':', &tm.tm_hour) ||
	    !take(&p, 2, ':', &tm.tm_min) || !take(&p, 2, '\0', &tm.tm_sec) ||
	    !take_fraction(&p, &ns) || !take_offset(&p, &offset) || *p)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	back = tm;
	t = timegm(&back);
	/* timegm carries the 31st of April over into May: what it changed was no date. */
	if (back.tm_mon != tm.tm_mon || back.tm_mday != tm.tm_mday || back.tm_hour != tm.tm_hour ||
	    back.tm_min != tm.tm_min || back.tm_sec != tm.tm_sec)
		return -1;
	seconds = (int64_t)t - offset;
	if (__builtin_mul_overflow(seconds, SECOND, &seconds) ||
	    __builtin_add_overflow(seconds, ns, wall_ns))
		return -1;
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
