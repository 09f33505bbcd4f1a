#include "object/base64.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* RFC 4648, section 10, and what Go's StdEncoding lets through beside. */
static void text_becomes_bytes(void **state)
{
	static const struct {
		const char *text, *bytes;
	} cases[] = {
		{"", ""},
		{"Zg==", "f"},
		{"Zm8=", "fo"},
		{"Zm9v", "foo"},
		{"Zm9vYg==", "foob"},
		{"Zm9vYmE=", "fooba"},
		{"Zm9vYmFy", "foobar"},
		{"Zm\r\n9v\nYg=\n=\n", "foob"},
		{"\n", ""},
		{"+/+/", "\xfb\xff\xbf"},
		{"Zh==", "f"}, /* bits that no byte has are not looked at */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct str out CLEANUP(str_release) = STR_INIT;

		assert_true(base64_decode(cases[i].text, strlen(cases[i].text), &out));
		assert_string_equal(out.s, cases[i].bytes);
	}
}

static void what_is_none_is_refused(void **state)
{
	static const char *const cases[] = {"Z",	"Zg",	 "Zg=",	   "Zg===",   "=",
					    "====",	"Zm9v=", "Zm9 v",  "Zm9v\t",  "Zm=v",
					    "Zg==Zg==", "-_-_",	 "Zm9vYg", "Zm9v!gg", "\xc3\xa4=="};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct str out CLEANUP(str_release) = STR_INIT;

		str_adds(&out, "kept");
		assert_false(base64_decode(cases[i], strlen(cases[i]), &out));
		assert_string_equal(out.s, "kept");
	}
}

static void url_form_has_no_padding(void **state)
{
	static const char *const none[] = {"Z", "Zg==", "+/", "Zm\n8"};
	struct str out CLEANUP(str_release) = STR_INIT;

	assert_true(base64url_decode("-_-_Zg", 6, &out));
	assert_string_equal(out.s, "\xfb\xff\xbf"
				   "f");
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_false(base64url_decode(none[i], strlen(none[i]), &out));
	str_reset(&out);
	base64url_encode("\xfb\xff\xbf"
			 "f",
			 4, &out);
	assert_string_equal(out.s, "-_-_Zg");
}

static void bytes_come_back(void **state)
{
	char bytes[67];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 37 + 1);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		struct str text CLEANUP(str_release) = STR_INIT,
				out CLEANUP(str_release) = STR_INIT;

		base64_encode(bytes, n, &text);
		assert_int_equal(text.len, (n + 2) / 3 * 4);
		assert_true(base64_decode(text.s, text.len, &out));
		assert_int_equal(out.len, n);
		assert_memory_equal(out.s, bytes, n);
		str_reset(&text);
		str_reset(&out);
		base64url_encode(bytes, n, &text);
		assert_true(base64url_decode(text.s, text.len, &out));
		assert_int_equal(out.len, n);
		assert_memory_equal(out.s, bytes, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_becomes_bytes),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(url_form_has_no_padding),
		cmocka_unit_test(bytes_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
