#include "fs/journal.h"

#include "fs/spool.h"
#include "object/time.h"

#include <errno.h>

#define JOURNAL_MAX (1 << 20)

struct journal {
	struct clock *clock;
	struct spool *spool;
};

struct journal *journal_new(struct clock *clock)
{
	struct journal *j = xcalloc(1, sizeof(*j));

	j->clock = clock;
	j->spool = spool_new(clock, JOURNAL_MAX);
	return j;
}

void journal_free(struct journal *j)
{
	if (j)
		spool_free(j->spool);
	free(j);
}

struct spool *journal_spool(struct journal *j)
{
	return j->spool;
}

/* TEXT with whatever stands between double quotes replaced. */
static void redact(const char *text, struct str *out)
{
	bool inside = false;

	for (; *text; text++) {
		if (*text == '\\' && text[1] && inside) {
			text++;
			continue;
		}
		if (*text == '"') {
			inside = !inside;
			str_adds(out, inside ? "\"[redacted]" : "\"");
		} else if (!inside) {
			str_addc(out, *text);
		}
	}
}

static void add_line(struct str *out, const char *text, bool secret)
{
	struct str plain CLEANUP(str_release) = STR_INIT;

	if (secret)
		redact(text, &plain);
	else
		str_adds(&plain, text);
	str_add_escaped(out, plain.s, plain.len);
}

void journal_message(const struct error *why, bool secret, struct str *out)
{
	add_line(out, error_message(why), secret);
	str_addc(out, '\n');
	for (size_t i = 0; why && i < why->n_causes; i++) {
		const struct error_cause *c = &why->causes[i];

		str_adds(out, "  ");
		str_add_escaped(out, c->field ? c->field : "", c->field ? strlen(c->field) : 0);
		str_adds(out, ": ");
		add_line(out, c->message ? c->message : "", secret);
		str_addc(out, '\n');
	}
}

static void begin(struct journal *j, const char *path, struct str *out)
{
	char now[TIME_TEXT];

	str_addf(out, "%s ", time_format(clock_wall(j->clock), now));
	str_add_escaped(out, path, strlen(path));
	str_addc(out, ' ');
}

void journal_add(struct journal *j, const char *path, const struct error *why, bool secret)
{
	struct str line CLEANUP(str_release) = STR_INIT;

	begin(j, path, &line);
	str_addf(&line, "%s: ", strerrorname_np(error_errno(why)));
	journal_message(why, secret, &line);
	spool_add(j->spool, line.s, line.len);
}

void journal_note(struct journal *j, const char *path, const char *format, ...)
{
	struct str line CLEANUP(str_release) = STR_INIT;
	struct str text CLEANUP(str_release) = STR_INIT;
	va_list ap;

	va_start(ap, format);
	str_addv(&text, format, ap);
	va_end(ap);
	begin(j, path, &line);
	str_add_escaped(&line, text.s, text.len);
	str_addc(&line, '\n');
	spool_add(j->spool, line.s, line.len);
}
