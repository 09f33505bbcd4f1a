/*
 * Messages put together field by field, as Kubernetes' clients send them.
 */
#include "base/str.h"
#include "object/json.h"
#include "object/protobuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void put_varint(struct str *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		str_addc(out, (char)(value | 0x80));
	str_addc(out, (char)value);
}

static void put_number(struct str *out, unsigned field, uint64_t value)
{
	put_varint(out, field << 3);
	put_varint(out, value);
}

static void put_bytes(struct str *out, unsigned field, const char *bytes, size_t len)
{
	put_varint(out, field << 3 | 2);
	put_varint(out, len);
	str_add(out, bytes, len);
}

static void put_text(struct str *out, unsigned field, const char *text)
{
	put_bytes(out, field, text, strlen(text));
}

/* INNER is empty afterwards. */
static void put_message(struct str *out, unsigned field, struct str *inner)
{
	put_bytes(out, field, inner->s, inner->len);
	str_release(inner);
	str_init(inner);
}

/* MESSAGE in its envelope; MESSAGE is empty afterwards. */
static void envelope(const char *api_version, const char *kind, struct str *message,
		     struct str *out)
{
	struct str type = STR_INIT;

	put_text(&type, 1, api_version);
	put_text(&type, 2, kind);
	str_add(out, "k8s", 4);
	put_message(out, 1, &type);
	put_message(out, 2, message);
	put_text(out, 3, "");
	put_text(out, 4, "");
}

static void assert_reads(const char *api_version, const char *kind, struct str *message,
			 const char *want)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct str bytes CLEANUP(str_release) = STR_INIT;
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *tree json_auto = NULL;

	envelope(api_version, kind, message, &bytes);
	tree = protobuf_read(bytes.s, bytes.len, &err);
	if (!tree)
		fail_msg("%s", error_message(err));
	json_write(tree, &text);
	assert_string_equal(text.s, want);
}

static void put_meta(struct str *out, const char *name)
{
	struct str meta = STR_INIT;

	put_text(&meta, 1, name);
	put_text(&meta, 2, "");	 /* generateName */
	put_number(&meta, 7, 0); /* generation */
	put_text(&meta, 8, "");	 /* creationTimestamp */
	put_message(out, 1, &meta);
}

static void put_pair(struct str *out, unsigned field, const char *key, const char *value)
{
	struct str pair = STR_INIT;

	put_text(&pair, 1, key);
	put_text(&pair, 2, value);
	put_message(out, field, &pair);
}

static void leaves_out_what_go_leaves_out(void **state)
{
	struct str m = STR_INIT;

	put_meta(&m, "a");
	put_pair(&m, 2, "k", "v");
	put_pair(&m, 2, "empty", "");
	put_number(&m, 4, 0); /* immutable: a pointer */
	assert_reads("v1", "ConfigMap", &m,
		     "{\"apiVersion\":\"v1\",\"data\":{\"empty\":\"\",\"k\":\"v\"},\"immutable\":"
		     "false,\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}");
}

static void put_probe(struct str *container)
{
	struct str probe = STR_INIT, handler = STR_INIT, get = STR_INIT, port = STR_INIT;

	put_number(&port, 1, 1); /* a string */
	put_text(&port, 3, "http");
	put_text(&get, 1, "/ready");
	put_message(&get, 2, &port);
	put_message(&handler, 2, &get);
	put_message(&probe, 1, &handler);
	put_number(&probe, 2, 0);
	put_number(&probe, 4, 3);
	put_message(container, 11, &probe);
}

static void shows_embedded_messages_in_their_outer_one(void **state)
{
	struct str m = STR_INIT, spec = STR_INIT, volume = STR_INIT, source = STR_INIT;
	struct str path = STR_INIT, container = STR_INIT, port = STR_INIT;

	put_meta(&m, "p");
	put_text(&volume, 1, "v");
	put_text(&path, 1, "/data");
	put_message(&source, 1, &path);
	put_message(&volume, 2, &source);
	put_message(&spec, 1, &volume);
	put_text(&container, 1, "c");
	put_number(&port, 3, 8080);
	put_message(&container, 6, &port);
	put_probe(&container);
	put_message(&spec, 2, &container);
	put_number(&spec, 4, 0);	     /* terminationGracePeriodSeconds: a pointer */
	put_number(&spec, 25, (uint64_t)-7); /* priority */
	put_number(&spec, 11, 0);	     /* hostNetwork */
	put_message(&m, 2, &spec);
	assert_reads("v1", "Pod", &m,
		     "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},"
		     "\"spec\":{\"containers\":[{\"name\":\"c\",\"ports\":[{\"containerPort\":8080}"
		     "],\"readinessProbe\":{\"httpGet\":{\"path\":\"/ready\",\"port\":\"http\"},"
		     "\"periodSeconds\":3}}],\"priority\":-7,\"terminationGracePeriodSeconds\":0,"
		     "\"volumes\":[{\"hostPath\":{\"path\":\"/data\"},\"name\":\"v\"}]}}");
}

static void knows_the_special_values(void **state)
{
	struct str m = STR_INIT, inner = STR_INIT, pair = STR_INIT, quantity = STR_INIT;

	put_meta(&m, "s");
	put_text(&pair, 1, "k");
	put_bytes(&pair, 2, "\0\xff\xfe", 3);
	put_message(&m, 2, &pair);
	assert_reads("v1", "Secret", &m,
		     "{\"apiVersion\":\"v1\",\"data\":{\"k\":\"AP/+\"},\"kind\":\"Secret\","
		     "\"metadata\":{\"name\":\"s\"}}");

	put_text(&quantity, 1, "10Gi");
	put_text(&pair, 1, "storage");
	put_message(&pair, 2, &quantity);
	put_message(&inner, 1, &pair);
	put_message(&m, 2, &inner);
	assert_reads("v1", "PersistentVolume", &m,
		     "{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolume\",\"spec\":{\"capacity\":{"
		     "\"storage\":\"10Gi\"}}}");

	put_number(&pair, 1, 1700000000);
	put_number(&pair, 2, 123456789);
	put_message(&inner, 4, &pair); /* renewTime */
	put_message(&m, 2, &inner);
	assert_reads("coordination.k8s.io/v1", "Lease", &m,
		     "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"spec\":{"
		     "\"renewTime\":\"2023-11-14T22:13:20.123456Z\"}}");

	put_text(&quantity, 1, "{\"a\":[1]}");
	put_message(&m, 2, &quantity);
	put_number(&m, 3, 0);
	assert_reads("apps/v1", "ControllerRevision", &m,
		     "{\"apiVersion\":\"apps/v1\",\"data\":{\"a\":[1]},\"kind\":"
		     "\"ControllerRevision\",\"revision\":0}");

	put_text(&quantity, 1, "x");
	put_text(&quantity, 1, "y");
	put_text(&pair, 1, "k");
	put_message(&pair, 2, &quantity);
	put_message(&inner, 5, &pair);
	put_message(&m, 2, &inner);
	assert_reads("authorization.k8s.io/v1", "SubjectAccessReview", &m,
		     "{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"SubjectAccessReview\","
		     "\"spec\":{\"extra\":{\"k\":[\"x\",\"y\"]}}}");
}

static void put_schema(struct str *out, unsigned field, const char *type)
{
	struct str schema = STR_INIT;

	put_text(&schema, 5, type);
	put_message(out, field, &schema);
}

static void reads_what_json_shows_in_two_ways(void **state)
{
	struct str m = STR_INIT, spec = STR_INIT, version = STR_INIT, validation = STR_INIT;
	struct str schema = STR_INIT, either = STR_INIT;

	put_schema(&either, 1, "string");
	put_message(&schema, 24, &either); /* items */
	put_number(&either, 1, 0);
	put_message(&schema, 30, &either); /* additionalProperties */
	put_schema(&either, 2, "integer");
	put_number(&either, 1, 1);
	put_message(&schema, 33, &either); /* additionalItems */
	put_varint(&schema, 9 << 3 | 1);   /* maximum */
	str_add(&schema, "\0\0\0\0\0\0\xf8\x3f", 8);
	put_message(&validation, 1, &schema);
	put_message(&version, 4, &validation);
	put_text(&version, 1, "v1");
	put_message(&spec, 7, &version);
	put_message(&m, 2, &spec);
	assert_reads(
		"apiextensions.k8s.io/v1", "CustomResourceDefinition", &m,
		"{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":"
		"\"CustomResourceDefinition\",\"spec\":{\"versions\":[{\"name\":\"v1\","
		"\"schema\":{\"openAPIV3Schema\":{\"additionalItems\":{\"type\":\"integer\"},"
		"\"additionalProperties\":false,\"items\":{\"type\":\"string\"},\"maximum\":1.5"
		"}}}]}}");
}

/* Options go with the version of the group they are sent to. */
static void options_belong_to_every_group(void **state)
{
	struct str m = STR_INIT;

	put_number(&m, 1, 0);
	put_text(&m, 4, "Foreground");
	put_text(&m, 99, "a field of a later version");
	assert_reads("apps/v1", "DeleteOptions", &m,
		     "{\"apiVersion\":\"apps/v1\",\"gracePeriodSeconds\":0,\"kind\":"
		     "\"DeleteOptions\",\"propagationPolicy\":\"Foreground\"}");
}

static void assert_refused(const char *api_version, const char *kind, struct str *message,
			   const char *want)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct str bytes CLEANUP(str_release) = STR_INIT;

	envelope(api_version, kind, message, &bytes);
	assert_null(protobuf_read(bytes.s, bytes.len, &err));
	if (!strstr(error_message(err), want))
		fail_msg("%s, not %s", error_message(err), want);
}

static void refuses_what_is_malformed(void **state)
{
	struct str m = STR_INIT, outer = STR_INIT;
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_null(protobuf_read("k8s", 3, &err));
	assert_int_equal(error_code(err), E_BAD_REQUEST);
	assert_refused("v1", "Nothing", &m, "no kind \"Nothing\" is registered for version \"v1\"");
	put_number(&m, 1, 7);
	assert_refused("v1", "ConfigMap", &m, "another wire type");
	str_add(&m, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12);
	assert_refused("v1", "ConfigMap", &m, "more than 64 bits");
	str_add(&m, "\x0a\xff\xff\xff\xff\x0f", 6);
	assert_refused("v1", "ConfigMap", &m, "beyond the end");
	str_add(&m, "\x0b", 1);
	assert_refused("v1", "ConfigMap", &m, "unknown wire type");
	str_add(&m, "\x00", 1);
	str_add(&m, "\x00", 1);
	assert_refused("v1", "ConfigMap", &m, "without a number");
	put_meta(&m, "\xff");
	assert_refused("v1", "ConfigMap", &m, "not UTF-8");
	for (int i = 0; i < 1000; i++) {
		put_message(&outer, 28, &m); /* not, of a schema */
		m = outer;
		str_init(&outer);
	}
	put_message(&outer, 1, &m);
	put_message(&m, 4, &outer);
	put_message(&outer, 7, &m);
	put_message(&m, 2, &outer);
	assert_refused("apiextensions.k8s.io/v1", "CustomResourceDefinition", &m,
		       "nested too deeply");
}

/* Every beginning of a message, and every byte of it changed: an error or an object. */
static void survives_damage(void **state)
{
	struct str m = STR_INIT, spec = STR_INIT, container = STR_INIT;
	struct str bytes CLEANUP(str_release) = STR_INIT;

	put_meta(&m, "p");
	put_text(&container, 1, "c");
	put_probe(&container);
	put_message(&spec, 2, &container);
	put_message(&m, 2, &spec);
	envelope("v1", "Pod", &m, &bytes);
	for (size_t i = 0; i < bytes.len; i++) {
		char *part = xmemdup(bytes.s, i ? i : 1);

		json_decref(protobuf_read(part, i, NULL));
		free(part);
		for (int bit = 0; bit < 8; bit++) {
			bytes.s[i] ^= (char)(1 << bit);
			json_decref(protobuf_read(bytes.s, bytes.len, NULL));
			bytes.s[i] ^= (char)(1 << bit);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_out_what_go_leaves_out),
		cmocka_unit_test(shows_embedded_messages_in_their_outer_one),
		cmocka_unit_test(knows_the_special_values),
		cmocka_unit_test(reads_what_json_shows_in_two_ways),
		cmocka_unit_test(options_belong_to_every_group),
		cmocka_unit_test(refuses_what_is_malformed),
		cmocka_unit_test(survives_damage),
	};

	object_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
