#include "kinds/cells.h"

#include "object/json.h"
#include "object/time.h"

json_t *cell_age(const json_t *object, const char *path, int64_t now)
{
	char text[TIME_TEXT];
	int64_t then;

	if (time_parse(json_path_string(object, path), &then) < 0)
		return json_string("<unknown>");
	return json_string(time_human_duration(now - then, text));
}

json_t *cell_text(const json_t *object, const char *path, const char *otherwise)
{
	const char *text = json_path_string(object, path);

	return json_string(*text ? text : otherwise);
}

json_t *cell_int(const json_t *object, const char *path)
{
	return json_integer(json_path_int(object, path, 0));
}
