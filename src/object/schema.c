#include "object/schema.h"
#include "object/schema_table.h"

#include <stdlib.h>
#include <string.h>

static int compare_type(const void *key, const void *row)
{
	return strcmp(key, ((const struct schema_type *)row)->name);
}

static int compare_field(const void *key, const void *row)
{
	return strcmp(key, ((const struct schema_field *)row)->name);
}

const struct schema_type *schema_type_find(const char *name)
{
	return bsearch(name, schema_table_types, schema_table_n_types, sizeof(*schema_table_types),
		       compare_type);
}

const struct schema_type *schema_types(size_t *n)
{
	*n = schema_table_n_types;
	return schema_table_types;
}

const struct schema_field *schema_field_find(const struct schema_type *t, const char *name)
{
	if (!t->n_fields)
		return NULL;
	return bsearch(name, t->fields, t->n_fields, sizeof(*t->fields), compare_field);
}

const struct schema_type *schema_object_meta(void)
{
	return schema_type_find("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
}
