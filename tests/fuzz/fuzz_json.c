/* JSON in: whatever is read is written, and its canonical bytes stay what they are. */
#include "fuzz/fuzz.h"
#include "object/json.h"

#include <assert.h>

static bool visit(void *arg, struct span key, struct span value)
{
	free(json_unquote(value));
	json_find(value.p, value.len, "a.b[0][c.d]");
	json_each(value, visit, arg);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct object *o CLEANUP(object_unref_cleanup) = object_parse(text, size, NULL);
	struct object *again CLEANUP(object_unref_cleanup) = NULL;

	json_each((struct span){text, size}, visit, NULL);
	object_unref(object_from_canonical(text, size, NULL));
	if (!o)
		return 0;
	again = object_parse(o->json, o->len, NULL);
	assert(again && again->len == o->len && !memcmp(again->json, o->json, o->len));
	return 0;
}
