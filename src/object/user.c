#include "object/user.h"

static json_t *texts(const char *const *list)
{
	json_t *array = json_array();

	for (; list && *list; list++)
		json_array_append_new(array, json_string(*list));
	return array;
}

json_t *user_info(const struct user *user)
{
	json_t *info = json_pack("{s:s}", "username", user->name), *extra = json_object();

	if (user->uid && *user->uid)
		json_object_set_new(info, "uid", json_string(user->uid));
	if (user->groups && *user->groups)
		json_object_set_new(info, "groups", texts(user->groups));
	for (const struct user_extra *e = user->extra; e && e->key; e++)
		json_object_set_new(extra, e->key, texts(e->values));
	if (json_object_size(extra))
		json_object_set(info, "extra", extra);
	json_decref(extra);
	return info;
}
