#include "object/schema.h"
#include "object/schema_resources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define CORE "io.k8s.api.core.v1."

static const struct schema_value *value_of(const char *type, const char *field)
{
	const struct schema_type *t = schema_type_find(type);

	assert_non_null(t);
	return &schema_field_find(t, field)->value;
}

static void types_are_sorted_and_whole(void **state)
{
	size_t n;
	const struct schema_type *t = schema_types(&n);

	assert_true(n > 500);
	for (size_t i = 0; i < n; i++) {
		assert_true(!i || strcmp(t[i - 1].name, t[i].name) < 0);
		assert_ptr_equal(schema_type_find(t[i].name), &t[i]);
		for (size_t f = 0; f < t[i].n_fields; f++) {
			const struct schema_field *field = &t[i].fields[f];
			const struct schema_value *v = &field->value;

			assert_ptr_equal(schema_field_find(&t[i], field->name), field);
			for (; v->elem; v = v->elem)
				assert_true(v->kind == SCHEMA_LIST || v->kind == SCHEMA_MAP);
			assert_true((v->kind == SCHEMA_STRUCT) == (v->type != NULL));
			if (field->value.list_type == SCHEMA_LIST_MAP)
				assert_non_null(field->value.list_map_keys[0]);
			if (field->default_json) {
				json_t *j = json_loads(field->default_json, JSON_DECODE_ANY, NULL);

				assert_non_null(j);
				json_decref(j);
			}
		}
	}
	assert_null(schema_type_find("io.k8s.api.core.v1.Nothing"));
	assert_null(schema_field_find(schema_type_find(CORE "Pod"), "nothing"));
}

static void fields_carry_their_rules(void **state)
{
	const struct schema_value *v = value_of(CORE "Container", "ports");
	const struct schema_field *protocol;

	assert_int_equal(v->kind, SCHEMA_LIST);
	assert_int_equal(v->list_type, SCHEMA_LIST_MAP);
	assert_string_equal(v->list_map_keys[0], "containerPort");
	assert_string_equal(v->list_map_keys[1], "protocol");
	assert_null(v->list_map_keys[2]);
	assert_int_equal(v->patch, SCHEMA_PATCH_MERGE);
	assert_string_equal(v->patch_merge_key, "containerPort");
	protocol = schema_field_find(v->elem->type, "protocol");
	assert_string_equal(protocol->default_json, "\"TCP\"");
	assert_string_equal(protocol->value.enums[0], "SCTP");
	assert_true(schema_field_find(v->elem->type, "containerPort")->required);

	assert_int_equal(value_of(CORE "PodSpec", "volumes")->patch,
			 SCHEMA_PATCH_MERGE | SCHEMA_PATCH_RETAIN_KEYS);
	assert_int_equal(value_of("io.k8s.api.apps.v1.DeploymentSpec", "strategy")->patch,
			 SCHEMA_PATCH_RETAIN_KEYS);
	assert_int_equal(value_of("io.k8s.api.apps.v1.DeploymentSpec", "replicas")->kind,
			 SCHEMA_INT32);
	assert_int_equal(value_of(CORE "ResourceRequirements", "limits")->elem->kind,
			 SCHEMA_QUANTITY);
	assert_int_equal(value_of(CORE "Secret", "data")->elem->kind, SCHEMA_BYTES);
	assert_int_equal(value_of(CORE "HostPathVolumeSource", "type")->kind, SCHEMA_STRING);
	assert_string_equal(value_of(CORE "HostPathVolumeSource", "type")->enums[0], "");
}

static void atomic_comes_from_the_type_or_the_field(void **state)
{
	/* ObjectReference is atomic; claimRef says granular, involvedObject says nothing. */
	assert_true(schema_type_find(CORE "ObjectReference")->atomic);
	assert_false(value_of(CORE "PersistentVolumeSpec", "claimRef")->atomic);
	assert_true(value_of(CORE "Event", "involvedObject")->atomic);
	assert_true(value_of(CORE "ServiceSpec", "selector")->atomic);
	assert_false(value_of(CORE "PodSpec", "securityContext")->atomic);
	assert_true(value_of(CORE "ServiceAccount", "imagePullSecrets")->elem->atomic);
}

static void objects_know_their_kind(void **state)
{
	const struct schema_type *t = schema_type_find("io.k8s.api.apps.v1.Deployment");

	assert_string_equal(t->group, "apps");
	assert_string_equal(t->version, "v1");
	assert_string_equal(t->kind, "Deployment");
	assert_string_equal(schema_type_find(CORE "Pod")->group, "");
	assert_null(schema_type_find(CORE "PodSpec")->kind);
}

static const struct schema_resource *resource(const char *group, const char *plural)
{
	for (size_t i = 0; i < schema_n_resources; i++)
		if (!strcmp(schema_resources[i].group, group) &&
		    !strcmp(schema_resources[i].plural, plural))
			return &schema_resources[i];
	fail_msg("no %s.%s", plural, group);
	return NULL;
}

static void resources_are_rows(void **state)
{
	const struct schema_resource *r = resource("apps", "deployments");

	assert_int_equal(schema_n_resources, 68);
	assert_string_equal(r->kind, "Deployment");
	assert_string_equal(r->singular, "deployment");
	assert_true(r->namespaced);
	assert_string_equal(r->verbs, "create,delete,deletecollection,get,list,patch,update,watch");
	assert_string_equal(r->short_names[0], "deploy");
	assert_string_equal(r->categories[0], "all");
	assert_string_equal(r->type->name, "io.k8s.api.apps.v1.Deployment");
	assert_int_equal(r->n_subresources, 2);
	assert_string_equal(r->subresources[0].name, "scale");
	assert_string_equal(r->subresources[0].group, "autoscaling");
	assert_string_equal(r->subresources[0].verbs, "get,patch,update");
	assert_null(r->subresources[1].group);
	r = resource("", "namespaces");
	assert_false(r->namespaced);
	assert_string_equal(r->verbs, "create,delete,get,list,patch,update,watch");
	assert_null(resource("", "secrets")->short_names[0]);
	assert_string_equal(resource("", "bindings")->verbs, "create");
}

static const char migration[] =
	"{\"type\": \"object\", \"required\": [\"spec\"], \"properties\": {"
	"  \"metadata\": {\"type\": \"object\"},"
	"  \"spec\": {\"type\": \"object\", \"required\": [\"version\"], \"properties\": {"
	"    \"version\": {\"type\": \"string\", \"enum\": [\"1\", \"2\"]},"
	"    \"retries\": {\"type\": \"integer\", \"format\": \"int32\", \"default\": 3},"
	"    \"timeout\": {\"x-kubernetes-int-or-string\": true},"
	"    \"labels\": {\"type\": \"object\", \"additionalProperties\": {\"type\": \"string\"}},"
	"    \"extra\": {\"type\": \"object\", \"x-kubernetes-preserve-unknown-fields\": true},"
	"    \"steps\": {\"type\": \"array\", \"x-kubernetes-list-type\": \"map\","
	"      \"x-kubernetes-list-map-keys\": [\"name\"], \"items\": {\"type\": \"object\","
	"      \"properties\": {\"name\": {\"type\": \"string\"}}}}}}}}";

static void custom_types_are_made_from_their_schema(void **state)
{
	json_t *schema = json_loads(migration, 0, NULL);
	struct error *err = NULL;
	struct schema_type *t = schema_type_new("com.company.db.v1.Migration", schema, &err);
	const struct schema_type *spec;

	json_decref(schema);
	assert_null(err);
	assert_string_equal(t->name, "com.company.db.v1.Migration");
	assert_ptr_equal(schema_field_find(t, "metadata")->value.type, schema_object_meta());
	assert_true(schema_field_find(t, "spec")->required);
	spec = schema_field_find(t, "spec")->value.type;
	assert_int_equal(spec->n_fields, 6);
	assert_true(schema_field_find(spec, "version")->required);
	assert_string_equal(schema_field_find(spec, "version")->value.enums[1], "2");
	assert_int_equal(schema_field_find(spec, "retries")->value.kind, SCHEMA_INT32);
	assert_string_equal(schema_field_find(spec, "retries")->default_json, "3");
	assert_int_equal(schema_field_find(spec, "timeout")->value.kind, SCHEMA_INT_OR_STRING);
	assert_int_equal(schema_field_find(spec, "labels")->value.kind, SCHEMA_MAP);
	assert_int_equal(schema_field_find(spec, "labels")->value.elem->kind, SCHEMA_STRING);
	assert_int_equal(schema_field_find(spec, "extra")->value.kind, SCHEMA_ANY);
	assert_int_equal(schema_field_find(spec, "steps")->value.list_type, SCHEMA_LIST_MAP);
	assert_string_equal(schema_field_find(spec, "steps")->value.list_map_keys[0], "name");
	schema_type_free(t);
}

static void a_broken_custom_schema_is_refused(void **state)
{
	static const struct {
		const char *schema, *message;
	} cases[] = {
		{"[]", "x: a schema must be an object"},
		{"{\"properties\": {\"a\": 1}}", "x.a: a schema must be an object"},
		{"{\"properties\": {\"a\": {\"type\": \"strin\"}}}", "x.a: unknown type \"strin\""},
		{"{\"properties\": {\"a\": {\"type\": \"array\", \"x-kubernetes-list-type\": "
		 "\"map\"}}}",
		 "x.a: a list of type map has no keys"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *schema = json_loads(cases[i].schema, 0, NULL);
		struct error *err = NULL;

		assert_null(schema_type_new("x", schema, &err));
		assert_int_equal(error_code(err), E_INVALID);
		assert_string_equal(error_message(err), cases[i].message);
		error_clear(&err);
		json_decref(schema);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_sorted_and_whole),
		cmocka_unit_test(fields_carry_their_rules),
		cmocka_unit_test(atomic_comes_from_the_type_or_the_field),
		cmocka_unit_test(objects_know_their_kind),
		cmocka_unit_test(resources_are_rows),
		cmocka_unit_test(custom_types_are_made_from_their_schema),
		cmocka_unit_test(a_broken_custom_schema_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
