#include "fs/spool.h"

#include "base/mem.h"

#include <pthread.h>
#include <string.h>

struct spool {
	pthread_mutex_t lock;
	struct clock *clock;
	struct str text;
	uint64_t base;	/* offset of text's first byte since the beginning */
	uint64_t start; /* what readers count from */
	size_t max;
	unsigned opens;
	int64_t grown;
};

struct spool *spool_new(struct clock *clock, size_t max_bytes)
{
	struct spool *s = xcalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	s->clock = clock;
	s->max = max_bytes;
	str_init(&s->text);
	return s;
}

void spool_free(struct spool *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	str_release(&s->text);
	free(s);
}

/* A quarter at once, so that each byte is moved a few times at most. */
static void drop_oldest(struct spool *s)
{
	size_t cut = s->text.len - s->max + s->max / 4;
	char *end = memchr(s->text.s + cut, '\n', s->text.len - cut);

	cut = end ? (size_t)(end - s->text.s) + 1 : cut;
	memmove(s->text.s, s->text.s + cut, s->text.len - cut);
	str_truncate(&s->text, s->text.len - cut);
	s->base += cut;
}

void spool_add(struct spool *s, const char *bytes, size_t len)
{
	if (!len)
		return;
	pthread_mutex_lock(&s->lock);
	str_add(&s->text, bytes, len);
	if (s->text.len > s->max)
		drop_oldest(s);
	s->grown = clock_wall(s->clock);
	pthread_mutex_unlock(&s->lock);
}

void spool_open(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->opens++ == 0)
		s->start = s->base;
	pthread_mutex_unlock(&s->lock);
}

void spool_close(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	s->opens--;
	pthread_mutex_unlock(&s->lock);
}

void spool_read(struct spool *s, off_t offset, size_t size, struct str *out)
{
	uint64_t from;

	pthread_mutex_lock(&s->lock);
	from = MAX(s->start + (uint64_t)offset, s->base) - s->base;
	if (from < s->text.len)
		str_add(out, s->text.s + from, MIN(size, s->text.len - from));
	pthread_mutex_unlock(&s->lock);
}

size_t spool_size(struct spool *s, int64_t *grown)
{
	size_t size;

	pthread_mutex_lock(&s->lock);
	if (!s->opens)
		s->start = s->base;
	size = s->base + s->text.len - s->start;
	*grown = s->grown;
	pthread_mutex_unlock(&s->lock);
	return size;
}
