/*
 * Kubernetes' protobuf encoding of objects, read by the schema table: "k8s\0", then a message
 * runtime.Unknown that names the type and holds the object's own message.
 *
 *	json_t *tree = protobuf_read(body, len, &err);
 *
 * What comes out is the JSON that Go would have sent of the same object: values that are zero are
 * left out where Go leaves them out. Unknown field numbers are passed over, as in every protobuf
 * reader. Custom resources have no protobuf form.
 *
 * Bounds: JSON_MAX_DEPTH and PROTOBUF_MAX_VALUES, past them E_TOO_LARGE.
 * Threads: any.
 */
#ifndef OBJECT_PROTOBUF_H
#define OBJECT_PROTOBUF_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>

#define PROTOBUF_MAX_VALUES 1000000u

/*
 * The object, with apiVersion and kind, or NULL and *err: E_BAD_REQUEST when the bytes are
 * malformed or name a type that is not built in.
 */
json_t *protobuf_read(const char *bytes, size_t len, struct error **err);

#endif
