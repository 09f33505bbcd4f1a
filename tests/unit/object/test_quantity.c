#include "object/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static struct quantity parse(const char *text)
{
	struct quantity q = {0};
	struct error *err = NULL;

	if (quantity_parse(text, &q, &err) < 0)
		fail_msg("%s: %s", text, error_message(err));
	return q;
}

static void the_canonical_form_is_kubernetes(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"0", "0"},
		{"0m", "0"},
		{"0Ki", "0"},
		{"-0", "0"},
		{"1", "1"},
		{"+1", "1"},
		{"-1", "-1"},
		{"100m", "100m"},
		{"0.1", "100m"},
		{".5", "500m"},
		{"5.", "5"},
		{"1000m", "1"},
		{"1500m", "1500m"},
		{"1.5", "1500m"},
		{"1000", "1k"},
		{"1024", "1024"},
		{"1e3", "1e3"},
		{"1E3", "1e3"},
		{"1000e0", "1e3"},
		{"12e-1", "1200e-3"},
		{"100e-3", "100e-3"},
		{"1e0", "1"},
		{"1E", "1E"},
		{"1Ki", "1Ki"},
		{"1024Ki", "1Mi"},
		{"1023Ki", "1023Ki"},
		{"1.5Gi", "1536Mi"},
		{"0.5Gi", "512Mi"},
		{"0.5Ki", "512"},
		{"0.001Ki", "1024m"},
		{"0.0001Ki", "102400u"},
		{"1500Mi", "1500Mi"},
		{"2048Mi", "2Gi"},
		{"-1.5Gi", "-1536Mi"},
		{"1.0001Ki", "1024102400u"},
		{"0.1Mi", "104857600m"},
		{"123456789", "123456789"},
		{"1n", "1n"},
		{"0.1n", "1n"},
		{"1.1n", "2n"},
		{"-0.1n", "-1n"},
		{"0.0000000001", "1n"},
		{"1e-20", "1e-9"},
		{"1u", "1u"},
		{"1000000n", "1m"},
		{"007", "7"},
		{"1000E", "1000E"},
		{"9223372036854775807", "9223372036854775807"},
		{"9223372036854775808", "9223372036854775807"},
		{"99999999999999999999", "9223372036854775807"},
		{"8Ei", "9223372036854775807"},
		{"7Ei", "7Ei"},
		{"100000000000000000000000000000Ei", "9223372036854775807"},
		{"1e1000000000000", "9223372036854775807"},
	};
	char text[QUANTITY_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct quantity q = parse(cases[i].in);

		assert_string_equal(quantity_format(&q, text), cases[i].out);
		/* What is canonical stays as it is. */
		q = parse(text);
		assert_string_equal(quantity_format(&q, text), cases[i].out);
	}
}

static void what_is_no_quantity_is_refused(void **state)
{
	static const char *const form = "quantities must match";
	static const char *const suffix = "unable to parse quantity's suffix";
	const struct {
		const char *in, *message;
	} cases[] = {
		{"", form},	 {" 1", form},	  {"1 ", form},	     {"aoeu", form},
		{"++1", suffix}, {"+-1", suffix}, {"1.1.1", form},   {"1+1.0M", form},
		{"12x", form},	 {"1,5", form},	  {"0.1mi", suffix}, {"1i", suffix},
		{"1K", suffix},	 {"1e", suffix},  {"1e+", suffix},   {"1MM", suffix},
		{"1m3", suffix}, {"1ki", suffix},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct quantity q;
		struct error *err = NULL;

		assert_int_equal(quantity_parse(cases[i].in, &q, &err), -1);
		assert_int_equal(error_code(err), E_BAD_REQUEST);
		if (!str_has_prefix(error_message(err), cases[i].message))
			fail_msg("\"%s\": %s", cases[i].in, error_message(err));
		error_clear(&err);
	}
}

static void values_round_away_from_zero(void **state)
{
	static const struct {
		const char *in;
		int64_t value, milli;
	} cases[] = {
		{"100m", 1, 100},
		{"-100m", -1, -100},
		{"1.5", 2, 1500},
		{"1u", 1, 1},
		{"1Ki", 1024, 1024000},
		{"2", 2, 2000},
		{"7Ei", 7ll << 60, INT64_MAX},
		{"-7Ei", -(7ll << 60), INT64_MIN},
		{"100E", INT64_MAX, INT64_MAX},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct quantity q = parse(cases[i].in);

		assert_int_equal(quantity_value(&q), cases[i].value);
		assert_int_equal(quantity_milli_value(&q), cases[i].milli);
	}
}

static void sums_keep_the_first_format(void **state)
{
	struct quantity a = {0}, b = parse("1Gi"), c = parse("512M");
	char text[QUANTITY_TEXT];

	quantity_add(&a, &b);
	assert_string_equal(quantity_format(&a, text), "1Gi");
	quantity_add(&a, &b);
	assert_string_equal(quantity_format(&a, text), "2Gi");
	quantity_sub(&a, &c);
	assert_string_equal(quantity_format(&a, text), "1597152Ki");
	assert_true(quantity_compare(&a, &b) > 0);
	assert_true(quantity_compare(&c, &b) < 0);
	b = parse("1024Mi");
	a = parse("1Gi");
	assert_int_equal(quantity_compare(&a, &b), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_canonical_form_is_kubernetes),
		cmocka_unit_test(what_is_no_quantity_is_refused),
		cmocka_unit_test(values_round_away_from_zero),
		cmocka_unit_test(sums_keep_the_first_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
