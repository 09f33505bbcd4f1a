#include "base/str.h"
#include "object/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct pattern *compile(const char *text)
{
	struct error *err = NULL;
	struct pattern *p = pattern_new(text, strlen(text), &err);

	if (!p)
		fail_msg("%s: %s", text, error_message(err));
	return p;
}

static void text_is_found(void **state)
{
	static const struct {
		const char *pattern, *text;
		int found;
		size_t start, end;
	} cases[] = {
		{"b+", "abbc", 1, 1, 3},
		{"^b", "abbc", 0, 0, 0},
		{"", "abc", 1, 0, 0},
		{"a|ab", "ab", 1, 0, 1},
		{"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "web-1", 1, 0, 5},
		{"^a$", "a\n", 0, 0, 0}, /* $ is the end of the text, nothing else */
		{"a.c", "a\nc", 0, 0, 0},
		{"(?s)a.c", "a\nc", 1, 0, 3},
		{"(?i:A)b", "ab", 1, 0, 2},
		{"(?P<year>[0-9]{4})", "in 2026", 1, 3, 7},
		{"\\Qa.b\\E", "a.b", 1, 0, 3},
		{"[[:alpha:]]+", "12ab", 1, 2, 4},
		{"[]a]+", "]a", 1, 0, 2},
		{"\\p{Greek}", "x\xce\xb1", 1, 1, 3},
		{"a{,2}", "a{,2}", 1, 0, 5},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pattern *p CLEANUP(pattern_free_cleanup) = compile(cases[i].pattern);
		struct pattern_match m = {0, 0};
		const char *text = cases[i].text;

		if (pattern_find(p, text, strlen(text), 0, &m, NULL) != cases[i].found)
			fail_msg("%s in %s", cases[i].pattern, text);
		assert_int_equal(m.start, cases[i].start);
		assert_int_equal(m.end, cases[i].end);
	}
}

static void what_re2_does_not_know_is_refused(void **state)
{
	static const char *const cases[] = {
		"(a)\\1", "(?=a)",   "(?!a)",  "(?<=a)", "(?<!a)", "(?>a)",  "a++",    "a*+",
		"a{2}+",  "(*FAIL)", "\\Ka",   "\\R",	 "\\G",	   "(?R)",   "(?#hi)", "a**",
		"(",	  "[a",	     "a\\",    "*a",	 "(?x)a",  "\\Z",    "\\ca",   "(?|a)",
		"[\\B]",  "(?P=n)",  "(?&n)a", "\\g1",	 "\\k<n>", "a{3,2}", "[z-a]",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error *err = NULL;

		if (pattern_new(cases[i], strlen(cases[i]), &err))
			fail_msg("%s was taken", cases[i]);
		assert_int_equal(error_code(err), E_BAD_REQUEST);
		error_free(err);
	}
}

static void a_search_without_end_is_given_up(void **state)
{
	struct pattern *p CLEANUP(pattern_free_cleanup) = compile("^(a|aa|aaa|a*)*b$");
	struct str text CLEANUP(str_release) = STR_INIT;
	struct error *err = NULL;

	str_addn(&text, 'a', 5000);
	assert_int_equal(pattern_find(p, text.s, text.len, 0, NULL, &err), -1);
	assert_int_equal(error_code(err), E_TOO_LARGE);
	error_free(err);
	err = NULL;
	assert_int_equal(pattern_find(p, "\xff", 1, 0, NULL, &err), -1);
	assert_int_equal(error_code(err), E_BAD_REQUEST);
	error_free(err);
	str_reset(&text);
	str_addn(&text, 'a', PATTERN_MAX_BYTES + 1);
	assert_null(pattern_new(text.s, text.len, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_found),
		cmocka_unit_test(what_re2_does_not_know_is_refused),
		cmocka_unit_test(a_search_without_end_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
