/* Timestamps and durations. Civil dates by the algorithm of days from the era's March. */
#include "base/mem.h"
#include "cel/convert.h"
#include "cel/function.h"

#include <ctype.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

static struct cel_value timed(struct call *c, enum cel_kind kind, bool overflow, int64_t ns)
{
	if (overflow)
		return cel_fail(c->arena, "%s overflow",
				kind == CEL_DURATION ? "duration" : "timestamp");
	return (struct cel_value){.kind = kind, .i = ns};
}

/* A time if either is one and the other a duration. */
static struct cel_value add(struct call *c, const struct cel_value *arg)
{
	bool time = arg[0].kind == CEL_TIMESTAMP || arg[1].kind == CEL_TIMESTAMP;
	int64_t ns = 0;
	bool overflow = __builtin_add_overflow(arg[0].i, arg[1].i, &ns);

	return timed(c, time ? CEL_TIMESTAMP : CEL_DURATION, overflow, ns);
}

static struct cel_value subtract(struct call *c, const struct cel_value *arg)
{
	bool time = arg[0].kind == CEL_TIMESTAMP && arg[1].kind == CEL_DURATION;
	int64_t ns = 0;
	bool overflow = __builtin_sub_overflow(arg[0].i, arg[1].i, &ns);

	return timed(c, time ? CEL_TIMESTAMP : CEL_DURATION, overflow, ns);
}

static struct cel_value to_timestamp(struct call *c, const struct cel_value *arg)
{
	int64_t ns = 0;
	bool overflow;

	if (arg[0].kind == CEL_TIMESTAMP)
		return arg[0];
	if (arg[0].kind == CEL_STRING)
		return cel_read_text(c->arena, CEL_TIMESTAMP, arg[0].text.p, arg[0].text.len);
	overflow = __builtin_mul_overflow(arg[0].i, SECOND, &ns);
	return timed(c, CEL_TIMESTAMP, overflow, ns);
}

static struct cel_value to_duration(struct call *c, const struct cel_value *arg)
{
	if (arg[0].kind == CEL_DURATION)
		return arg[0];
	if (arg[0].kind == CEL_INT)
		return timed(c, CEL_DURATION, false, arg[0].i);
	return cel_read_text(c->arena, CEL_DURATION, arg[0].text.p, arg[0].text.len);
}

/* Seconds east of Greenwich of "UTC", "" or "[+-]HH:MM"; false for all else. */
static bool zone_offset(struct span zone, int64_t *seconds)
{
	const char *p = zone.p;
	size_t sign = zone.len && (*p == '+' || *p == '-');
	int hours, minutes;

	*seconds = 0;
	if (!zone.len || (zone.len == 3 && !memcmp(p, "UTC", 3)))
		return true;
	if (zone.len != 5 + sign || p[sign + 2] != ':')
		return false;
	for (size_t i = sign; i < zone.len; i++)
		if (i != sign + 2 && !isdigit((unsigned char)p[i]))
			return false;
	hours = (p[sign] - '0') * 10 + (p[sign + 1] - '0');
	minutes = (p[sign + 3] - '0') * 10 + (p[sign + 4] - '0');
	*seconds = (hours * 60 + minutes) * INT64_C(60) * (sign && *p == '-' ? -1 : 1);
	return hours < 24 && minutes < 60;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

struct date {
	int64_t year;
	int month, day;	      /* 0 to 11, 1 to 31 */
	int of_year, of_week; /* from 0; 0 is Sunday */
	int hour, minute, second, ms;
};

static bool date_of(const struct cel_value *arg, bool zone, struct date *d)
{
	int64_t offset = 0, seconds, days, era, year_of_era, day_of_era, day_of_year, left;
	int march_month;

	if (zone && !zone_offset(arg[1].text, &offset))
		return false;
	seconds = floor_div(arg[0].i, SECOND) + offset;
	days = floor_div(seconds, 86400);
	left = seconds - days * 86400;
	era = floor_div(days + 719468, 146097);
	day_of_era = days + 719468 - era * 146097;
	year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	march_month = (int)((5 * day_of_year + 2) / 153);
	d->month = march_month < 10 ? march_month + 2 : march_month - 10;
	d->year = year_of_era + era * 400 + (d->month < 2);
	d->day = (int)(day_of_year - (153 * march_month + 2) / 5) + 1;
	d->of_week = (int)(((days + 4) % 7 + 7) % 7);
	if (d->month >= 2) {
		bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;

		d->of_year = (int)day_of_year + 59 + leap;
	} else {
		d->of_year = (int)day_of_year - 306;
	}
	d->hour = (int)(left / 3600);
	d->minute = (int)(left / 60 % 60);
	d->second = (int)(left % 60);
	d->ms = (int)((arg[0].i - floor_div(arg[0].i, SECOND) * SECOND) / 1000000);
	return true;
}

#define GETTER(name, member)                                                                    \
	static struct cel_value name(struct call *c, const struct cel_value *arg)               \
	{                                                                                       \
		struct date d;                                                                  \
                                                                                                \
		date_of(arg, false, &d);                                                        \
		return cel_int(d.member);                                                       \
	}                                                                                       \
	static struct cel_value name##_zone(struct call *c, const struct cel_value *arg)        \
	{                                                                                       \
		struct date d;                                                                  \
                                                                                                \
		if (!date_of(arg, true, &d))                                                    \
			return cel_fail(c->arena, "unknown time zone %.*s",                     \
					(int)MIN(arg[1].text.len, (size_t)100), arg[1].text.p); \
		return cel_int(d.member);                                                       \
	}

GETTER(full_year, year)
GETTER(month, month)
GETTER(day_of_month, day - 1)
GETTER(date, day)
GETTER(day_of_week, of_week)
GETTER(day_of_year, of_year)
GETTER(hours, hour)
GETTER(minutes, minute)
GETTER(seconds, second)
GETTER(milliseconds, ms)

static struct cel_value whole_hours(struct call *c, const struct cel_value *arg)
{
	return cel_int(arg[0].i / (3600 * SECOND));
}

static struct cel_value whole_minutes(struct call *c, const struct cel_value *arg)
{
	return cel_int(arg[0].i / (60 * SECOND));
}

static struct cel_value whole_seconds(struct call *c, const struct cel_value *arg)
{
	return cel_int(arg[0].i / SECOND);
}

static struct cel_value whole_milliseconds(struct call *c, const struct cel_value *arg)
{
	return cel_int(arg[0].i / 1000000);
}

#define OF_TIME(name, body)                                 \
	{name, "timestamp.() int", body},                   \
	{                                                   \
		name, "timestamp.(string) int", body##_zone \
	}

static const struct function_row rows[] = {
	{"_+_", "(timestamp, duration) timestamp", add},
	{"_+_", "(duration, timestamp) timestamp", add},
	{"_+_", "(duration, duration) duration", add},
	{"_-_", "(timestamp, timestamp) duration", subtract},
	{"_-_", "(timestamp, duration) timestamp", subtract},
	{"_-_", "(duration, duration) duration", subtract},
	{"timestamp", "(timestamp) timestamp", to_timestamp},
	{"timestamp", "(string) timestamp", to_timestamp},
	{"timestamp", "(int) timestamp", to_timestamp},
	{"duration", "(duration) duration", to_duration},
	{"duration", "(string) duration", to_duration},
	{"duration", "(int) duration", to_duration},
	OF_TIME("getFullYear", full_year),
	OF_TIME("getMonth", month),
	OF_TIME("getDayOfMonth", day_of_month),
	OF_TIME("getDate", date),
	OF_TIME("getDayOfWeek", day_of_week),
	OF_TIME("getDayOfYear", day_of_year),
	OF_TIME("getHours", hours),
	OF_TIME("getMinutes", minutes),
	OF_TIME("getSeconds", seconds),
	OF_TIME("getMilliseconds", milliseconds),
	{"getHours", "duration.() int", whole_hours},
	{"getMinutes", "duration.() int", whole_minutes},
	{"getSeconds", "duration.() int", whole_seconds},
	{"getMilliseconds", "duration.() int", whole_milliseconds},
};
const struct function_library library_time = {rows, ARRAY_SIZE(rows)};
