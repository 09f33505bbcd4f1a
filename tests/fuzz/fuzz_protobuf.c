/* Protobuf in: whatever is read is an object of JSON, and is read back as the same. */
#include "fuzz/fuzz.h"
#include "object/json.h"
#include "object/protobuf.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *tree json_auto = protobuf_read((const char *)data, size, NULL);
	struct str text CLEANUP(str_release) = STR_INIT;
	json_t *again json_auto = NULL;

	if (!tree)
		return 0;
	assert(json_is_object(tree));
	json_write(tree, &text);
	again = json_read(text.s, text.len, NULL);
	/* A message may nest as deep as JSON may: what no reader takes, none has to give back. */
	assert(!again || json_is_object(again));
	return 0;
}
