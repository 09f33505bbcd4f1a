#include "base/vec.h"
#include "cluster/remote/split.h"
#include "object/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* What came out: every value with its keys, one after the other. */
static int collect(void *arg, const char *value, size_t len, unsigned keys, struct error **err)
{
	struct str *out = arg;

	str_addf(out, "%u:", keys);
	str_add(out, value, len);
	str_addc(out, '|');
	return 0;
}

/* Feeds TEXT in pieces of PIECE bytes. */
static enum error_code split(enum split_mode mode, const char *text, size_t piece, struct str *out,
			     struct str *envelope)
{
	struct splitter s CLEANUP(splitter_release);
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	size_t len = strlen(text);

	splitter_init(&s, mode);
	for (size_t at = 0; at < len; at += piece)
		if (splitter_feed(&s, text + at, MIN(piece, len - at), collect, out, &err) < 0)
			return error_code(err);
	if (splitter_finish(&s, &err) < 0)
		return error_code(err);
	str_add(envelope, s.envelope.s, s.envelope.len);
	return E_OK;
}

static const struct {
	enum split_mode mode;
	const char *text, *values, *envelope;
	enum error_code code;
} cases[] = {
	{SPLIT_LIST,
	 "{\"kind\":\"PodList\",\"metadata\":{\"items\":[{\"x\":1}]},\"items\":[{\"a\":\"}]\\\"\"},"
	 " "
	 "{\"kind\":\"Pod\",\"b\":[{}]}\n,{\"kind\":\"P\",\"apiVersion\":\"v1\"}],\"z\":1}",
	 "0:{\"a\":\"}]\\\"\"}|1:{\"kind\":\"Pod\",\"b\":[{}]}|3:{\"kind\":\"P\",\"apiVersion\":"
	 "\"v1\"}|",
	 "{\"kind\":\"PodList\",\"metadata\":{\"items\":[{\"x\":1}]},\"items\":[],\"z\":1}"},
	{SPLIT_LIST, "{\"items\":[],\"kind\":\"L\"}", "", "{\"items\":[],\"kind\":\"L\"}"},
	{SPLIT_LIST, "{\"items\":null}", "", "{\"items\":null}"},
	{SPLIT_LIST, "{\"x\":\"items\",\"y\":[{}]}", "", "{\"x\":\"items\",\"y\":[{}]}"},
	{SPLIT_LIST, "{\"items\":[{\"m\":{\"kind\":1}}]}", "0:{\"m\":{\"kind\":1}}|",
	 "{\"items\":[]}"},
	{SPLIT_LIST, "{\"items\":[1]}", NULL, NULL, E_BAD_REQUEST},
	{SPLIT_LIST, "{\"items\":[[{}]]}", NULL, NULL, E_BAD_REQUEST},
	{SPLIT_LIST, "{\"items\":[{}}", NULL, NULL, E_BAD_REQUEST},
	{SPLIT_LIST, "{\"items\":[{}", NULL, NULL, E_UNREACHABLE},
	{SPLIT_LIST, "{\"items\":[{\"a\":\"", NULL, NULL, E_UNREACHABLE},
	{SPLIT_LIST, "", NULL, NULL, E_UNREACHABLE},
	{SPLIT_LIST, "<html>no</html>", NULL, NULL, E_BAD_REQUEST},
	{SPLIT_LIST, "]", NULL, NULL, E_BAD_REQUEST},
	{SPLIT_SEQUENCE, "{\"type\":\"A\"}\n{\"a\":[1,{}]} {}",
	 "0:{\"type\":\"A\"}|0:{\"a\":[1,{}]}|0:{}|", ""},
	{SPLIT_SEQUENCE, "", "", ""},
	{SPLIT_SEQUENCE, "{\"a\":1}{\"b\"", NULL, NULL, E_UNREACHABLE},
	{SPLIT_SEQUENCE, "{}x", NULL, NULL, E_BAD_REQUEST},
	{SPLIT_SEQUENCE, "[{}]", NULL, NULL, E_BAD_REQUEST},
	{SPLIT_SEQUENCE, "\"s\"", NULL, NULL, E_BAD_REQUEST},
};

/* Wherever the network cuts a body, the values are the same. */
static void values_are_cut_out_of_any_pieces(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t piece = 1; piece <= 200; piece++) {
			struct str out CLEANUP(str_release) = STR_INIT;
			struct str envelope CLEANUP(str_release) = STR_INIT;

			assert_int_equal(
				split(cases[i].mode, cases[i].text, piece, &out, &envelope),
				cases[i].code);
			if (cases[i].code)
				continue;
			assert_string_equal(out.s, cases[i].values);
			assert_string_equal(envelope.s, cases[i].envelope);
		}
}

static void depth_is_bounded(void **state)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	struct str out CLEANUP(str_release) = STR_INIT;
	struct str envelope CLEANUP(str_release) = STR_INIT;

	str_adds(&text, "{\"a\":");
	str_addn(&text, '[', JSON_MAX_DEPTH);
	assert_int_equal(split(SPLIT_SEQUENCE, text.s, 64, &out, &envelope), E_BAD_REQUEST);
}

static void a_list_of_nothing_but_text_is_bounded(void **state)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	struct str out CLEANUP(str_release) = STR_INIT;
	struct str envelope CLEANUP(str_release) = STR_INIT;

	str_adds(&text, "{\"a\":\"");
	str_addn(&text, 'x', SPLIT_MAX_ENVELOPE + 1);
	assert_int_equal(split(SPLIT_LIST, text.s, 4096, &out, &envelope), E_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_cut_out_of_any_pieces),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(a_list_of_nothing_but_text_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
