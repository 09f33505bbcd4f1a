#include "store/internal.h"
#include "store/maintain.h"

struct store *store_open_existing(const char *dir, const struct store_options *opt,
				  struct error **err)
{
	struct store *s = store_open_reading(dir, opt, err);

	if (!s)
		return NULL;
	store_close(s);
	return store_open_idle(dir, opt, err);
}

static int rotate(struct store *s, struct error **err)
{
	if (!s->sealed.n)
		return error_set(err, E_BAD_REQUEST, "nothing of the store %s is encrypted",
				 s->dir);
	if (store_make_key(s, err) || reseal(s, err))
		return -1;
	if (reseal_is_done(s))
		return 0;
	return error_set(err, E_NO_SPACE,
			 "the store %s is full: there is a new key, but not everything is "
			 "encrypted with it until the store is opened with room",
			 s->dir);
}

int store_rotate(const char *dir, const struct store_options *opt, uint64_t *key,
		 struct error **err)
{
	struct store *s = store_open_existing(dir, opt, err);
	int rc;

	if (!s)
		return -1;
	rc = rotate(s, err);
	*key = s->keys.n ? s->keys.v[0].id : 0;
	store_close(s);
	return rc;
}
