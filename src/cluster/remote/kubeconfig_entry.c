#include "cluster/remote/kubeconfig_entry.h"

#include "base/vec.h"
#include "object/base64.h"
#include "object/json.h"

#include <string.h>

int entry_broken(const struct entry *e, struct error **err, const char *format, ...)
{
	struct str why CLEANUP(str_release) = STR_INIT;
	va_list ap;

	va_start(ap, format);
	str_addv(&why, format, ap);
	va_end(ap);
	return error_set(err, E_BAD_REQUEST, "%s: %s \"%s\": %s", e->file->path, e->what, e->name,
			 why.s);
}

int entry_text(const struct entry *e, const char *key, char **out, struct error **err)
{
	const json_t *value = json_object_get(e->tree, key);

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return entry_broken(e, err, "%s is not a string", key);
	if (*json_string_value(value))
		*out = xstrdup(json_string_value(value));
	return 0;
}

int entry_bool(const struct entry *e, const char *key, bool *out, struct error **err)
{
	const json_t *value = json_object_get(e->tree, key);

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_boolean(value))
		return entry_broken(e, err, "%s is neither true nor false", key);
	*out = json_is_true(value);
	return 0;
}

int entry_texts(const struct entry *e, const char *key, struct kubeconfig_texts *out,
		struct error **err)
{
	const json_t *list = json_object_get(e->tree, key);
	size_t i;
	json_t *value;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return entry_broken(e, err, "%s is not a list", key);
	json_array_foreach (list, i, value) {
		if (!json_is_string(value))
			return entry_broken(e, err, "%s holds what is not a string", key);
		vec_push(out, xstrdup(json_string_value(value)));
	}
	return 0;
}

/* NULL when TEXT is no base64 of something. */
static char *decode_base64(const char *text)
{
	struct str bytes CLEANUP(str_release) = STR_INIT;

	return base64_decode(text, strlen(text), &bytes) && bytes.len ? str_take(&bytes) : NULL;
}

int entry_pem(const struct entry *e, const char *key, char **out, struct error **err)
{
	char *data_key free_ptr = xasprintf("%s-data", key);
	char *data free_ptr = NULL, *path free_ptr = NULL, *full free_ptr = NULL;

	if (entry_text(e, data_key, &data, err) < 0 || entry_text(e, key, &path, err) < 0)
		return -1;
	if (!data && !path)
		return 0;
	if (data) {
		*out = decode_base64(data);
		explicit_bzero(data, strlen(data));
		if (!*out)
			return entry_broken(e, err, "%s is not base64", data_key);
	} else {
		full = kubeconfig_path(e->file, path);
		*out = kubeconfig_slurp(full, err);
		if (!*out)
			return error_wrap(err, "%s: %s \"%s\": %s", e->file->path, e->what, e->name,
					  key);
	}
	if (!strstr(*out, "-----BEGIN "))
		return entry_broken(e, err, "%s holds no PEM text", data ? data_key : key);
	return 0;
}
