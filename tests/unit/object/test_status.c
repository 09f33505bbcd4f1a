#include "object/json.h"
#include "object/status.h"
#include "object/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define SECOND 1000000000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static void ages_read_as_kubectls(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{-2 * SECOND, "<invalid>"},
		{-SECOND, "0s"},
		{-1, "0s"},
		{0, "0s"},
		{SECOND - 1, "0s"},
		{119 * SECOND, "119s"},
		{2 * MINUTE, "2m"},
		{200 * SECOND, "3m20s"},
		{10 * MINUTE - 1, "9m59s"},
		{10 * MINUTE + SECOND, "10m"},
		{179 * MINUTE, "179m"},
		{3 * HOUR, "3h"},
		{3 * HOUR + 5 * MINUTE, "3h5m"},
		{8 * HOUR + 5 * MINUTE, "8h"},
		{47 * HOUR, "47h"},
		{48 * HOUR, "2d"},
		{52 * HOUR, "2d4h"},
		{8 * DAY - 1, "7d23h"},
		{8 * DAY + HOUR, "8d"},
		{729 * DAY, "729d"},
		{730 * DAY, "2y"},
		{800 * DAY, "2y70d"},
		{8 * 365 * DAY - 1, "7y364d"},
		{8 * 365 * DAY + DAY, "8y"},
		{100LL * 365 * DAY, "100y"},
	};
	char buffer[TIME_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(time_human_duration(cases[i].ns, buffer), cases[i].text);
}

static void times_come_back(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
		const char *micro;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000000Z"},
		{"2026-11-23T20:30:00Z", 1795465800 * SECOND, "2026-11-23T20:30:00.000000Z"},
		{"2026-11-23T20:30:00.5+02:30", 1795456800 * SECOND + SECOND / 2,
		 "2026-11-23T18:00:00.500000Z"},
		{"2000-02-29T23:59:59.123456789-00:00", 951868799 * SECOND + 123456789,
		 "2000-02-29T23:59:59.123456Z"},
		{"1969-12-31T23:59:59.250000Z", -SECOND * 3 / 4, "1969-12-31T23:59:59.250000Z"},
	};
	char buffer[TIME_TEXT];
	int64_t ns;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(time_parse(cases[i].text, &ns), 0);
		assert_int_equal(ns, cases[i].ns);
		assert_string_equal(time_format_micro(ns, buffer), cases[i].micro);
	}
	assert_string_equal(time_format(-1, buffer), "1969-12-31T23:59:59Z");
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"2026-11-23",
		"2026-11-23T20:30:00",
		"2026-11-23 20:30:00Z",
		"2026-13-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-11-23T24:00:00Z",
		"2026-11-23T20:60:00Z",
		"2026-11-23T20:30:60Z",
		"2026-11-23T20:30:00.Z",
		"2026-11-23T20:30:00Zx",
		"2026-11-23T20:30:00+2:00",
		"2026-11-23T20:30:00+24:00",
		"9999-01-01T00:00:00Z",
		"0001-01-01T00:00:00Z",
	};
	int64_t ns;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(time_parse(cases[i], &ns), -1);
}

/* What a server makes of a time, or what it says of it. */
static void times_are_kept_in_one_form(void **state)
{
	static const struct {
		const char *text, *want, *want_micro;
	} cases[] = {
		{"2026-11-23T20:30:00Z", "2026-11-23T20:30:00Z",
		 "parsing time \"2026-11-23T20:30:00Z\" as \"2006-01-02T15:04:05.000000Z07:00\": "
		 "cannot parse \"Z\" as \".000000\""},
		{"2026-11-23T20:30:00.123456+02:30", "2026-11-23T18:00:00Z",
		 "2026-11-23T18:00:00.123456Z"},
		{"2026-11-23T20:30:00.1234567Z", "2026-11-23T20:30:00Z",
		 "parsing time \"2026-11-23T20:30:00.1234567Z\" as "
		 "\"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"7Z\" as \"Z07:00\""},
		{"9999-12-31T23:59:59.000001Z", "9999-12-31T23:59:59Z",
		 "9999-12-31T23:59:59.000001Z"},
		{"2026-11-23",
		 "parsing time \"2026-11-23\" as \"2006-01-02T15:04:05Z07:00\": "
		 "cannot parse \"\" as \"T\"",
		 "parsing time \"2026-11-23\" as \"2006-01-02T15:04:05.000000Z07:00\": "
		 "cannot parse \"\" as \"T\""},
		{"2026-13-01T00:00:00.000000Z",
		 "parsing time \"2026-13-01T00:00:00.000000Z\": month out of range",
		 "parsing time \"2026-13-01T00:00:00.000000Z\": month out of range"},
		{"2026-02-29T00:00:00.000000Z",
		 "parsing time \"2026-02-29T00:00:00.000000Z\": day out of range",
		 "parsing time \"2026-02-29T00:00:00.000000Z\": day out of range"},
		{"2026-11-23T20:30:00.000000Zx",
		 "parsing time \"2026-11-23T20:30:00.000000Zx\": extra text: \"x\"",
		 "parsing time \"2026-11-23T20:30:00.000000Zx\": extra text: \"x\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases) * 2; i++) {
		const char *want = i % 2 ? cases[i / 2].want_micro : cases[i / 2].want;
		char buffer[TIME_TEXT], *why free_ptr = NULL;

		if (time_canonical(cases[i / 2].text, i % 2, buffer, &why) < 0)
			assert_string_equal(why, want);
		else
			assert_string_equal(buffer, want);
	}
}

static char *status_text(const struct error *e)
{
	json_t *status json_auto = status_from_error(e);
	struct str out = STR_INIT;

	json_write(status, &out);
	return str_take(&out);
}

static void errors_become_statuses_and_back(void **state)
{
	struct error *e CLEANUP(error_free_cleanup) = error_new(E_INVALID, "Pod \"x\" is invalid");
	struct error *back CLEANUP(error_free_cleanup) = NULL;
	char *text free_ptr = NULL, *again free_ptr = NULL;

	error_set_details(e, "apps", "Pod", "x");
	error_add_cause(e, "FieldValueRequired", "spec.containers", "Required value");
	e->retry_after_s = 3;
	text = status_text(e);
	assert_string_equal(
		text, "{\"apiVersion\":\"v1\",\"code\":422,\"details\":{\"causes\":[{\"field\":"
		      "\"spec.containers\",\"message\":\"Required value\",\"reason\":"
		      "\"FieldValueRequired\"}],\"group\":\"apps\",\"kind\":\"Pod\",\"name\":\"x\","
		      "\"retryAfterSeconds\":3},\"kind\":\"Status\",\"message\":\"Pod \\\"x\\\" is "
		      "invalid\",\"metadata\":{},\"reason\":\"Invalid\",\"status\":\"Failure\"}");
	back = status_to_error(422, text, strlen(text));
	assert_int_equal(error_code(back), E_INVALID);
	assert_int_equal(back->http_status, 0);
	assert_null(back->reason);
	again = status_text(back);
	assert_string_equal(again, text);
}

static void success_is_a_status_too(void **state)
{
	char *text free_ptr = status_text(NULL);

	assert_string_equal(text, "{\"apiVersion\":\"v1\",\"code\":200,\"kind\":\"Status\","
				  "\"metadata\":{},\"status\":\"Success\"}");
}

static struct error *read_answer(int http_status, const char *body)
{
	return status_to_error(http_status, body, strlen(body));
}

static void answers_keep_what_the_server_said(void **state)
{
	struct error *e = read_answer(418, "{\"kind\":\"Status\",\"reason\":\"Teapot\","
					   "\"message\":\"no\",\"code\":418}");

	assert_int_equal(error_code(e), E_INTERNAL);
	assert_int_equal(error_http_status(e), 418);
	assert_string_equal(error_reason(e), "Teapot");
	error_free(e);
	e = read_answer(200, "{\"kind\":\"Status\",\"reason\":\"Expired\",\"message\":\"too old\","
			     "\"code\":410}");
	assert_int_equal(error_code(e), E_GONE);
	assert_string_equal(error_message(e), "too old");
	error_free(e);
	e = read_answer(409, "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\"}");
	assert_int_equal(error_code(e), E_EXISTS);
	error_free(e);
}

static void an_applied_object_that_does_not_fit_is_invalid(void **state)
{
	static const char misfit[] =
		"\"kind\":\"Status\",\"message\":\"failed to create typed patch "
		"object (n/a; v1, Kind=ConfigMap): .data.k: expected string\"";
	char *bare free_ptr = xasprintf("{%s}", misfit);
	char *reasoned free_ptr = xasprintf("{%s,\"reason\":\"InternalError\"}", misfit);
	struct error *e = read_answer(500, bare);

	assert_int_equal(error_code(e), E_MISFIT);
	assert_int_equal(error_http_status(e), 500);
	error_free(e);
	e = read_answer(500, reasoned);
	assert_int_equal(error_code(e), E_INTERNAL);
	error_free(e);
}

static void hostile_bodies_give_one_safe_line(void **state)
{
	struct str big CLEANUP(str_release) = STR_INIT;
	struct error *e = read_answer(503, "no\033[31m upstream\r\nsecond line");

	assert_int_equal(error_code(e), E_UNAVAILABLE);
	assert_string_equal(error_message(e), "no\\x1b[31m upstream");
	error_free(e);
	e = status_to_error(500, NULL, 0);
	assert_string_equal(error_message(e), "the server answered with HTTP status 500");
	error_free(e);
	str_addn(&big, 'x', 100000);
	e = read_answer(500, big.s);
	assert_int_equal(strlen(error_message(e)), 1024);
	error_free(e);
	e = read_answer(500, "{\"kind\":\"Status\",\"message\":7,\"details\":{\"causes\":[1,{},"
			     "null],\"retryAfterSeconds\":-5,\"name\":[]}}");
	assert_string_equal(error_message(e), "");
	assert_int_equal(e->retry_after_s, 0);
	assert_int_equal(e->n_causes, 3);
	error_free(e);
	e = read_answer(200, "{\"kind\":\"Status\",\"status\":\"Success\"}");
	assert_int_equal(error_code(e), E_INTERNAL);
	error_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ages_read_as_kubectls),
		cmocka_unit_test(times_come_back),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(times_are_kept_in_one_form),
		cmocka_unit_test(errors_become_statuses_and_back),
		cmocka_unit_test(success_is_a_status_too),
		cmocka_unit_test(answers_keep_what_the_server_said),
		cmocka_unit_test(an_applied_object_that_does_not_fit_is_invalid),
		cmocka_unit_test(hostile_bodies_give_one_safe_line),
	};

	object_init();
	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
