/* string.format(): "%s", "%d", "%.3f", "%e", "%x", "%X", "%o", "%b", "%%". */
#ifndef CEL_FORMAT_H
#define CEL_FORMAT_H

#include "cel/value.h"

struct cel_value cel_format(struct arena *a, struct span format, const struct cel_list *args);

#endif
