/* Whether a configuration fits its schema. */
#include "object/typed.h"

#include "object/fieldset.h"
#include "object/json.h"

static int check(const json_t *value, const struct schema_value *v, struct str *path,
		 struct error **err);

static const char *form_wanted(const struct schema_value *v)
{
	switch (v->kind) {
	case SCHEMA_STRUCT:
	case SCHEMA_MAP:
		return "map";
	case SCHEMA_LIST:
		return "list";
	case SCHEMA_BOOL:
		return "boolean";
	case SCHEMA_INT32:
	case SCHEMA_INT64:
	case SCHEMA_NUMBER:
		return "numeric (int or float)";
	case SCHEMA_STRING:
	case SCHEMA_BYTES:
		return "string";
	default:
		return "any scalar";
	}
}

static bool has_form(const json_t *value, const struct schema_value *v)
{
	switch (v->kind) {
	case SCHEMA_ANY:
		return true;
	case SCHEMA_STRUCT:
	case SCHEMA_MAP:
		return json_is_object(value);
	case SCHEMA_LIST:
		return json_is_array(value);
	case SCHEMA_BOOL:
		return json_is_boolean(value);
	case SCHEMA_INT32:
	case SCHEMA_INT64:
	case SCHEMA_NUMBER:
		return json_is_number(value);
	case SCHEMA_STRING:
	case SCHEMA_BYTES:
		return json_is_string(value);
	default:
		return !json_is_object(value) && !json_is_array(value);
	}
}

static const char *form_of(const json_t *value)
{
	static const char *const forms[] = {
		[JSON_OBJECT] = "map",	  [JSON_ARRAY] = "list", [JSON_STRING] = "string",
		[JSON_INTEGER] = "int64", [JSON_REAL] = "float", [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",	  [JSON_NULL] = "null",
	};

	return forms[json_typeof(value)];
}

static int check_map(const json_t *value, const struct schema_value *v, struct str *path,
		     struct error **err)
{
	size_t len = path->len;
	const char *key;
	json_t *child;
	int result = 0;

	json_object_foreach ((json_t *)value, key, child) {
		str_addf(path, ".%s", key);
		if (v && v->kind == SCHEMA_STRUCT && !v->type->preserve_unknown &&
		    !schema_field_find(v->type, key))
			result = error_set(err, E_MISFIT, "%s: field not declared in schema",
					   path->s);
		else
			result = check(child, schema_child(v, key), path, err);
		str_truncate(path, len);
		if (result < 0)
			break;
	}
	return result;
}

/* Elements of a set or map list must be told apart. */
static int check_item(const json_t *item, const struct schema_value *v, size_t i, json_t *seen,
		      struct str *path, struct error **err)
{
	struct str element CLEANUP(str_release) = STR_INIT;
	struct str text CLEANUP(str_release) = STR_INIT;

	str_adds(&element, v->list_type == SCHEMA_LIST_SET ? "v:" : "k:");
	if (!schema_item_key(v, item, &element))
		return error_set(err, E_MISFIT,
				 v->list_type == SCHEMA_LIST_SET
					 ? "%s: element %zu: associative list without keys has an "
					   "element that is no scalar"
					 : "%s: element %zu: associative list with keys has an "
					   "element that omits all key fields",
				 path->s, i);
	fieldset_element(element.s, &text);
	if (json_object_get(seen, element.s))
		return error_set(err, E_MISFIT, "%s: duplicate entries for key %s", path->s,
				 text.s);
	json_object_set_new(seen, element.s, json_true());
	str_adds(path, text.s);
	return check(item, v->elem, path, err);
}

static int check_list(const json_t *value, const struct schema_value *v, struct str *path,
		      struct error **err)
{
	json_auto json_t *seen = json_object();
	bool keyed = v && v->kind == SCHEMA_LIST && v->list_type != SCHEMA_LIST_ATOMIC;
	size_t len = path->len, i;
	json_t *item;

	json_array_foreach ((json_t *)value, i, item) {
		int result;

		if (keyed) {
			result = check_item(item, v, i, seen, path, err);
		} else {
			str_addf(path, "[%zu]", i);
			result = check(item, schema_elem(v), path, err);
		}
		str_truncate(path, len);
		if (result < 0)
			return -1;
	}
	return 0;
}

static int check(const json_t *value, const struct schema_value *v, struct str *path,
		 struct error **err)
{
	if (json_is_null(value))
		return 0;
	if (v && !has_form(value, v))
		return error_set(err, E_MISFIT, "%s: expected %s, got %s", path->s, form_wanted(v),
				 form_of(value));
	if (json_is_object(value))
		return check_map(value, v, path, err);
	return json_is_array(value) ? check_list(value, v, path, err) : 0;
}

int typed_check(const json_t *config, const struct schema_value *v, struct error **err)
{
	struct str path CLEANUP(str_release) = STR_INIT;

	return check(config, v, &path, err);
}
