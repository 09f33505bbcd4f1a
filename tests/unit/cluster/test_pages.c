/*
 * Lists in pages: each is of the first one's revision and tells how much is still to come. Versions
 * of one object, which are kept for longer than lists of a revision.
 */
#include "local_fixture.h"

#include "base/clock.h"
#include "object/base64.h"
#include "object/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { OBJECTS = 23, PAGE = 5 };

static struct local_fixture f;
static struct clock *clock_now;

static void make(int i)
{
	char text[96];

	snprintf(text, sizeof(text), "{'metadata':{'name':'c%02d','labels':{'odd':'%d'}}}", i,
		 i % 2);
	fixture_make(&f, "configmaps", "n", text);
}

static void drop(int i)
{
	char name[16];

	snprintf(name, sizeof(name), "c%02d", i);
	assert_int_equal(cluster_delete(f.cluster, NULL, fixture_type(&f, "configmaps"), "n", name,
					NULL, NULL, NULL, NULL),
			 0);
}

static int setup(void **state)
{
	clock_now = clock_fake_new(1700000000 * NS_PER_S);
	fixture_open(&f, &(struct cluster_config){.clock = clock_now});
	fixture_make(&f, "namespaces", "", "{'metadata':{'name':'n'}}");
	for (int i = 0; i < OBJECTS; i++)
		make(i);
	return 0;
}

static int teardown(void **state)
{
	fixture_close(&f);
	clock_fake_free(clock_now);
	return 0;
}

static bool add_name(void *arg, const char *json, size_t len)
{
	char *name free_ptr = json_unquote(json_find(json, len, "metadata.name"));

	str_addf(arg, "%s ", name);
	return true;
}

/* A page, its names after those in NAMES. */
static int list(const struct list_options *opt, struct str *names, struct list_meta *meta,
		struct error **err)
{
	struct str none CLEANUP(str_release) = STR_INIT;

	list_meta_release(meta);
	return cluster_list(f.cluster, NULL, fixture_type(&f, "configmaps"), "n", opt, add_name,
			    names ? names : &none, meta, err);
}

/* The token in META, as text. */
static void read_token(const struct list_meta *meta, struct str *text)
{
	const char *token = meta->continue_token;

	assert_non_null(token);
	assert_true(base64url_decode(token, strlen(token), text));
}

/* What another may have changed between two pages. */
static void change(int page)
{
	static const int gone[] = {0, 7, 22, 15};

	drop(gone[page]);
	make(OBJECTS + page);
	json_decref(fixture_patch(&f, "configmaps", "n", "c12", NULL, "{'data':{'a':'b'}}", NULL));
}

static void all_are_of_one_revision(void **state)
{
	struct str names CLEANUP(str_release) = STR_INIT, want CLEANUP(str_release) = STR_INIT;
	struct list_meta meta CLEANUP(list_meta_release) = {.remaining = -1};
	struct list_options opt = {.limit = PAGE};
	struct error *err = NULL;
	char *version free_ptr = NULL;

	for (int i = 0; i < OBJECTS; i++)
		str_addf(&want, "c%02d ", i);
	for (int page = 0; page < OBJECTS / PAGE; page++) {
		char *token free_ptr = steal(&meta.continue_token);

		opt.continue_token = token;
		assert_int_equal(list(&opt, &names, &meta, &err), 0);
		assert_int_equal(meta.remaining, OBJECTS - (page + 1) * PAGE);
		if (!version)
			version = xstrdup(meta.resource_version);
		assert_string_equal(meta.resource_version, version);
		change(page);
	}
	opt.continue_token = steal(&meta.continue_token);
	assert_int_equal(list(&opt, &names, &meta, &err), 0);
	free((char *)opt.continue_token);
	assert_null(meta.continue_token);
	assert_int_equal(meta.remaining, -1);
	assert_string_equal(names.s, want.s);
}

/* The first page of a revision that is past counts what there was. */
static void of_a_past_revision(void **state)
{
	struct list_meta meta CLEANUP(list_meta_release) = {.remaining = -1};
	struct list_options opt = {.limit = 1};
	char *version free_ptr = NULL;

	assert_int_equal(list(&opt, NULL, &meta, NULL), 0);
	version = xstrdup(meta.resource_version);
	drop(3);
	drop(4);
	make(OBJECTS);
	opt.resource_version = version;
	opt.match = RV_MATCH_EXACT;
	assert_int_equal(list(&opt, NULL, &meta, NULL), 0);
	assert_int_equal(meta.remaining, OBJECTS - 1);
	opt = (struct list_options){.limit = 1};
	assert_int_equal(list(&opt, NULL, &meta, NULL), 0);
	assert_int_equal(meta.remaining, OBJECTS - 2);
}

/* What does not match is not known without reading it. */
static void selectors_leave_it_out(void **state)
{
	struct list_meta meta CLEANUP(list_meta_release) = {.remaining = -1};
	struct list_options opt = {.limit = 3, .label_selector = "odd=1"};
	struct str names CLEANUP(str_release) = STR_INIT;
	char *token free_ptr = NULL;

	assert_int_equal(list(&opt, &names, &meta, NULL), 0);
	assert_int_equal(meta.remaining, -1);
	opt.continue_token = token = steal(&meta.continue_token);
	assert_int_equal(list(&opt, &names, &meta, NULL), 0);
	assert_string_equal(names.s, "c01 c03 c05 c07 c09 c11 ");
	/* Nor can it be told later: nobody has counted. */
	opt.label_selector = NULL;
	assert_int_equal(list(&opt, NULL, &meta, NULL), 0);
	assert_int_equal(meta.remaining, -1);
	assert_non_null(meta.continue_token);
	opt = (struct list_options){.limit = 3, .field_selector = "metadata.name!=c00"};
	assert_int_equal(list(&opt, NULL, &meta, NULL), 0);
	assert_int_equal(meta.remaining, -1);
}

/* A page of what comes after where TEXT, a token without its encoding, says. */
static int list_from(const char *text, size_t len, struct str *names, struct list_meta *meta,
		     struct error **err)
{
	struct str token CLEANUP(str_release) = STR_INIT;
	struct list_options opt = {.limit = PAGE};

	base64url_encode(text, len, &token);
	opt.continue_token = token.s;
	return list(&opt, names, meta, err);
}

/* Nothing is counted again: what the token says is told, as far as it can be. */
static void a_forged_number_is_only_a_wrong_one(void **state)
{
	static const struct {
		const char *said;
		int64_t told;
	} cases[] = {
		{"1000", 995},
		{"6", 1},
		{"5", -1},
		{"0", -1},
		{"9223372036854775807", INT64_MAX - PAGE},
	};
	struct list_meta meta CLEANUP(list_meta_release) = {.remaining = -1};
	struct list_options opt = {.limit = PAGE};
	struct str text CLEANUP(str_release) = STR_INIT, key CLEANUP(str_release) = STR_INIT;

	assert_int_equal(list(&opt, NULL, &meta, NULL), 0);
	read_token(&meta, &text);
	str_adds(&key, strrchr(text.s, ' ') + 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct str names CLEANUP(str_release) = STR_INIT;
		char *forged free_ptr =
			xasprintf("%s %s %s", meta.resource_version, cases[i].said, key.s);

		assert_int_equal(list_from(forged, strlen(forged), &names, &meta, NULL), 0);
		assert_string_equal(names.s, "c05 c06 c07 c08 c09 ");
		assert_int_equal(meta.remaining, cases[i].told);
		assert_non_null(meta.continue_token);
	}
}

static void other_tokens_are_refused(void **state)
{
	/* R stands for the revision, K for the key. */
	static const char *const cases[] = {
		"",
		"R",
		"R ",
		"R 18",
		"R 18 ",
		"R 18 o/",
		"R 18 o/0123456789abcdef/n/c04",
		"R  K",
		"R K",
		" R 18 K",
		"R -1 K",
		"R +1 K",
		"R 18K",
		"R 0x12 K",
		"R 9223372036854775808 K",
		"R 99999999999999999999999 K",
		"0 18 K",
		"-1 18 K",
		"99999999999999999999999 18 K",
		"18446744073709551615 18 K",
	};
	struct list_meta meta CLEANUP(list_meta_release) = {.remaining = -1};
	struct list_options opt = {.limit = PAGE};
	struct str text CLEANUP(str_release) = STR_INIT;
	char *version free_ptr = NULL;

	assert_int_equal(list(&opt, NULL, &meta, NULL), 0);
	read_token(&meta, &text);
	version = xstrdup(meta.resource_version);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct str forged CLEANUP(str_release) = STR_INIT;
		struct error *err = NULL;

		for (const char *p = cases[i]; *p; p++)
			if (*p == 'R')
				str_adds(&forged, version);
			else if (*p == 'K')
				str_adds(&forged, strrchr(text.s, ' ') + 1);
			else
				str_addc(&forged, *p);
		if (!forged.len)
			str_addc(&forged, '\0');
		if (list_from(forged.s, forged.len, NULL, &meta, &err) == 0)
			fail_msg("taken: \"%s\"", cases[i]);
		assert_int_equal(error_code(err), E_BAD_REQUEST);
		error_free(err);
	}
}

struct versions {
	char *v[32];
	size_t n;
};

static bool add_version(void *arg, const char *version)
{
	struct versions *all = arg;

	all->v[all->n++] = xstrdup(version);
	return all->n < ARRAY_SIZE(all->v);
}

static void versions_release(struct versions *all)
{
	for (; all->n; all->n--)
		free(all->v[all->n - 1]);
}

static void read_versions(struct versions *all, const char *name)
{
	versions_release(all);
	assert_int_equal(cluster_versions(f.cluster, NULL, fixture_type(&f, "configmaps"), "n",
					  name, add_version, all, NULL),
			 0);
}

static void assert_version(const char *version, int n)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct error *err = NULL;

	if (cluster_get_at(f.cluster, NULL, fixture_type(&f, "configmaps"), "n", "c12", version, &o,
			   &err) < 0)
		fail_msg("%s", error_message(err));
	json_t *tree json_auto = object_tree(o);
	assert_int_equal(atoi(json_path_string(tree, "data.n")), n);
}

/* The store gives up all but the last ten; those can be read, though the revisions cannot. */
static void versions_that_are_kept_can_be_read(void **state)
{
	struct versions all CLEANUP(versions_release) = {0};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	char *first free_ptr = NULL;

	for (int i = 0; i < 14; i++) {
		char text[32];

		snprintf(text, sizeof(text), "{'data':{'n':'%d'}}", i);
		json_decref(fixture_patch(&f, "configmaps", "n", "c12", NULL, text, NULL));
	}
	read_versions(&all, "c12");
	assert_int_equal(all.n, 15);
	first = xstrdup(all.v[14]);
	clock_fake_advance(clock_now, 400 * NS_PER_S);
	while (all.n > 10) {
		usleep(1000);
		read_versions(&all, "c12");
	}
	for (size_t i = 0; i < all.n; i++)
		assert_version(all.v[i], 13 - (int)i);
	assert_int_equal(cluster_get_at(f.cluster, NULL, fixture_type(&f, "configmaps"), "n", "c12",
					first, NULL, &err),
			 -1);
	assert_int_equal(error_code(err), E_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_are_of_one_revision, setup, teardown),
		cmocka_unit_test_setup_teardown(of_a_past_revision, setup, teardown),
		cmocka_unit_test_setup_teardown(selectors_leave_it_out, setup, teardown),
		cmocka_unit_test_setup_teardown(a_forged_number_is_only_a_wrong_one, setup,
						teardown),
		cmocka_unit_test_setup_teardown(other_tokens_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(versions_that_are_kept_can_be_read, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
