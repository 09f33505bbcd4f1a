#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void warnings_are_read(void **state)
{
	static const struct {
		const char *value;
		const char *texts[3];
	} cases[] = {
		{"299 - \"unknown field \\\"spec.x\\\"\"", {"unknown field \"spec.x\""}},
		{"299 - \"a\" \"Tue, 15 Nov 1994 08:12:31 GMT\", 299 host \"b, c\"", {"a", "b, c"}},
		{"110 - \"stale\", 299 - \"kept\"", {"kept"}},
		{"299 - \"not closed", {NULL}},
		{"299 - \"ends in a backslash\\", {NULL}},
		{"299", {NULL}},
		{"", {NULL}},
		{",,,", {NULL}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct warnings w CLEANUP(warnings_release) = {0};
		size_t n = 0;

		http_parse_warning(cases[i].value, strlen(cases[i].value), &w);
		for (; cases[i].texts[n]; n++) {
			assert_true(n < w.n);
			assert_string_equal(w.v[n], cases[i].texts[n]);
		}
		assert_int_equal(w.n, n);
	}
}

static void retry_after_is_bounded(void **state)
{
	assert_int_equal(http_parse_retry_after("3", 1), 3);
	assert_int_equal(http_parse_retry_after(" 12 ", 4), 12);
	assert_int_equal(http_parse_retry_after("99999999999999999999", 20), 3600);
	assert_int_equal(http_parse_retry_after("-1", 2), 0);
	assert_int_equal(http_parse_retry_after("Fri, 31 Dec 1999", 16), 0);
	assert_int_equal(http_parse_retry_after("", 0), 0);
}

static void names_are_encoded(void **state)
{
	struct str out CLEANUP(str_release) = STR_INIT;

	http_encode("a-b._~/../?#%\xc3\xa9 =", &out);
	assert_string_equal(out.s, "a-b._~%2F..%2F%3F%23%25%C3%A9%20%3D");
}

static void urls_are_checked(void **state)
{
	static const char *const bad[] = {"",	 "ftp://x",	"https://", "https://h:99999",
					  "a b", "https://[::1"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;

		assert_null(http_new(&(struct http_config){.url = bad[i]}, &err));
		assert_int_equal(error_code(err), E_BAD_REQUEST);
	}
}

static void messages_name_no_password(void **state)
{
	struct http *h =
		http_new(&(struct http_config){.url = "https://u:secret@host/prefix/"}, NULL);

	assert_string_equal(http_server(h), "https://host:443");
	http_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(warnings_are_read),
		cmocka_unit_test(retry_after_is_bounded),
		cmocka_unit_test(names_are_encoded),
		cmocka_unit_test(urls_are_checked),
		cmocka_unit_test(messages_name_no_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
