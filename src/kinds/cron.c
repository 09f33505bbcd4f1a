#include "kinds/cron.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define ZONES "/usr/share/zoneinfo"

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
				     "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static const struct field_range {
	unsigned min, max;
	const char *const *names; /* of min, min + 1, ...; NULL: none */
	size_t n_names;
} fields[] = {
	{0, 59, NULL, 0}, {0, 23, NULL, 0}, {1, 31, NULL, 0}, {1, 12, months, 12}, {0, 6, days, 7},
};

bool cron_zone_is_known(const char *name)
{
	char *path free_ptr = xasprintf(ZONES "/%s", name);
	struct stat st;

	if (!strcmp(name, "UTC") || !strcmp(name, "Local"))
		return true;
	if (*name == '/' || strstr(name, "..") || !strcmp(name, "posixrules"))
		return false;
	return stat(ZONES "/UTC", &st) < 0 || (stat(path, &st) == 0 && S_ISREG(st.st_mode));
}

/* A number or name at *P, which moves on. False: there is none. */
static bool read_value(const char **p, const struct field_range *f, unsigned *out)
{
	size_t n = strspn(*p, "0123456789");

	for (size_t i = 0; i < f->n_names; i++)
		if (strncasecmp(*p, f->names[i], 3) == 0) {
			*out = f->min + (unsigned)i;
			*p += 3;
			return true;
		}
	if (!n || n > 9)
		return false;
	*out = (unsigned)strtoul(*p, NULL, 10);
	*p += n;
	return true;
}

/* One part of a field's list: "*", "5", "1-5", "1-5/2". */
static const char *part_problem(const char **p, const struct field_range *f)
{
	unsigned low = f->min, high = f->max, step = 1;
	bool star = **p == '*' || **p == '?', single = false;
	static const struct field_range plain = {0, 0, NULL, 0};

	if (star) {
		(*p)++;
	} else {
		if (!read_value(p, f, &low))
			return "failed to parse int from field";
		single = **p != '-';
		high = low;
		if (!single && ((*p)++, !read_value(p, f, &high)))
			return "failed to parse int from field";
	}
	if (**p == '/') {
		(*p)++;
		if (!read_value(p, &plain, &step))
			return "failed to parse int from field";
		if (single)
			high = f->max;
	}
	if (low < f->min)
		return "beginning of range below minimum";
	if (high > f->max)
		return "end of range above maximum";
	if (low > high)
		return "beginning of range beyond end of range";
	return step ? NULL : "step of range should be a positive number";
}

static const char *list_problem(const char *text, const struct field_range *f)
{
	const char *p = text, *why;

	for (;;) {
		p += strspn(p, ",");
		if (!*p)
			return NULL;
		why = part_problem(&p, f);
		if (why)
			return why;
		if (*p && *p != ',')
			return "failed to parse int from field";
	}
}

/* "1h30m": numbers, each with its unit. */
static bool is_duration(const char *s)
{
	static const char *const units[] = {"ns", "us", "ms", "s", "m", "h"};
	bool any = false;

	while (*s) {
		size_t n = strspn(s, "0123456789."), i;

		for (i = 0, s += n; i < ARRAY_SIZE(units); i++)
			if (strncmp(s, units[i], strlen(units[i])) == 0)
				break;
		if (!n || i == ARRAY_SIZE(units))
			return false;
		s += strlen(units[i]);
		any = true;
	}
	return any;
}

static const char *word_problem(const char *word)
{
	static const char *const words[] = {"@yearly", "@annually", "@monthly", "@weekly",
					    "@daily",  "@midnight", "@hourly"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(word, words[i]) == 0)
			return NULL;
	if (str_has_prefix(word, "@every "))
		return is_duration(word + strlen("@every ")) ? NULL : "failed to parse duration";
	return "unrecognized descriptor";
}

const char *cron_problem(const char *schedule)
{
	char *copy free_ptr = xstrdup(schedule);
	char *save = NULL, *text = copy;
	const char *why = NULL;
	size_t n = 0;

	if (!*text)
		return "empty spec string";
	if (str_has_prefix(text, "TZ=") || str_has_prefix(text, "CRON_TZ=")) {
		const char *zone = strchr(text, '=') + 1;

		text += strcspn(text, " ");
		if (!*text)
			return "names a time zone and nothing else";
		*text++ = '\0';
		if (*zone && !cron_zone_is_known(zone))
			return "provided bad location";
		text += strspn(text, " ");
	}
	if (*text == '@')
		return word_problem(text);
	for (char *t = strtok_r(text, " \t\n", &save); t; t = strtok_r(NULL, " \t\n", &save), n++)
		if (n < ARRAY_SIZE(fields) && !why)
			why = list_problem(t, &fields[n]);
	return n != ARRAY_SIZE(fields) ? "expected exactly 5 fields" : why;
}
