/* YAML in and out: what is read can be written, and any bytes are written within bounds. */
#include "fuzz/fuzz.h"
#include "base/vec.h"
#include "object/json.h"
#include "object/yaml.h"

#include <assert.h>

static void write_tree(const json_t *tree)
{
	struct str json CLEANUP(str_release) = STR_INIT, yaml CLEANUP(str_release) = STR_INIT;

	json_write(tree, &json);
	yaml_write(json.s, json.len, 0, &yaml);
	assert(yaml_size(json.s, json.len, 0) == yaml.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct yaml_stream s CLEANUP(yaml_stream_release) = {NULL};
	struct str out CLEANUP(str_release) = STR_INIT;

	yaml_write(text, size, YAML_OMIT_MANAGED_FIELDS, &out);
	if (yaml_read(text, size, &s, NULL))
		return 0;
	vec_each (&s, d) {
		assert(d->begin <= d->end && d->end <= size);
		if (d->tree)
			write_tree(d->tree);
	}
	return 0;
}
