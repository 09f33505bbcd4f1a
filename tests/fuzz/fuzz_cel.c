/* CEL: whatever compiles is evaluated within its budget, and what it gives is written out. */
#include "fuzz/fuzz.h"
#include "base/mem.h"
#include "cel/cel.h"
#include "object/json.h"

#include <assert.h>

static const char self_json[] = "{\"name\":\"web\",\"n\":3,\"f\":1.5,\"list\":[1,\"a\",null,[2]],"
				"\"map\":{\"a\":{\"b\":\"c\"}}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static json_t *tree;
	struct cel_variable vars[] = {{"self", &cel_types[CEL_DYN]}};
	struct arena a CLEANUP(arena_release) = ARENA_INIT;
	char *text free_ptr = xstrndup((const char *)data, size);
	struct cel_program *p CLEANUP(cel_program_free_cleanup) =
		cel_compile_with(vars, 1, CEL_PATCHES, text, NULL);
	uint64_t budget = 20000;
	struct cel_value self, result;

	if (!p)
		return 0;
	if (!tree)
		tree = json_loads(self_json, 0, NULL);
	self = cel_from_json(&a, tree, NULL);
	if (cel_eval(p, &self, &budget, &a, &result, NULL) == 0)
		json_decref(cel_to_json(&a, &result, NULL));
	assert(budget <= 20000);
	return 0;
}
