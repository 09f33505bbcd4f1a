#include "fs/draft.h"

#include <errno.h>

struct draft *draft_new(struct fs *fs, enum draft_pool pool)
{
	struct draft *d = xcalloc(1, sizeof(*d));

	d->refs = 1;
	d->fs = fs;
	d->pool = pool;
	str_init(&d->text);
	return d;
}

struct draft *draft_ref(struct draft *d)
{
	d->refs++;
	return d;
}

/* What a pool holds at most, and where it is counted; NULL: not bounded together. */
static size_t *pool_bytes(struct draft *d, size_t *max)
{
	*max = d->pool == DRAFT_SCRATCH ? SCRATCH_MAX : REJECTED_MAX;
	if (d->pool == DRAFT_FREE)
		return NULL;
	return d->pool == DRAFT_SCRATCH ? &d->fs->scratch_bytes : &d->fs->rejected_bytes;
}

void draft_unref(struct draft *d)
{
	size_t max, *used;

	if (!d || --d->refs > 0)
		return;
	used = pool_bytes(d, &max);
	if (used) {
		FS_LOCK(d->fs);
		*used -= d->text.len;
	}
	str_release(&d->text);
	free(d);
}

size_t draft_size(const struct draft *d)
{
	return d->text.len;
}

/* Makes the text SIZE bytes long, with zeros where it grows. */
static int resize(struct draft *d, size_t size)
{
	size_t max, *used = pool_bytes(d, &max);

	if (used && size > d->text.len && *used + (size - d->text.len) > max)
		return ENOSPC;
	if (used)
		*used += size - d->text.len;
	if (size > d->text.len)
		str_addn(&d->text, '\0', size - d->text.len);
	else
		str_truncate(&d->text, size);
	return 0;
}

int draft_write(struct draft *d, const char *bytes, size_t len, off_t offset)
{
	size_t end = (size_t)offset + len;
	int ret;

	if (offset > TEXT_MAX || end > TEXT_MAX) {
		d->too_large = true;
		return EFBIG;
	}
	ret = end > d->text.len ? resize(d, end) : 0;
	if (ret)
		return ret;
	if (len)
		memcpy(d->text.s + offset, bytes, len);
	d->written = true;
	d->version++;
	return 0;
}

int draft_truncate(struct draft *d, off_t size)
{
	if (size > TEXT_MAX) {
		d->too_large = d->written = true;
		d->version++;
		return EFBIG;
	}
	d->version++;
	if (size == 0)
		d->too_large = d->written = false;
	return resize(d, (size_t)size);
}

bool draft_dirty(const struct draft *d)
{
	return d->written && d->version != d->applied;
}
