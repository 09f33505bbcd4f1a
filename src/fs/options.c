/* The words after -o that the tree knows. One more: one line in words[]. */
#include "fs/fs.h"

#include "base/vec.h"

#include <errno.h>
#include <unistd.h>

enum word_type { WORD_FLAG, WORD_MS, WORD_ID, WORD_OCTAL, WORD_LIST };

static const struct word {
	const char *name;
	enum word_type type;
	size_t offset;
} words[] = {
	{"ro", WORD_FLAG, offsetof(struct fs_options, read_only)},
	{"dryrun", WORD_FLAG, offsetof(struct fs_options, dry_run)},
	{"force", WORD_FLAG, offsetof(struct fs_options, force)},
	{"tell", WORD_FLAG, offsetof(struct fs_options, tell)},
	{"details", WORD_FLAG, offsetof(struct fs_options, details)},
	{"xattr", WORD_FLAG, offsetof(struct fs_options, xattr)},
	{"allow_other", WORD_FLAG, offsetof(struct fs_options, allow_other)},
	{"debug", WORD_FLAG, offsetof(struct fs_options, debug)},
	{"delete_hold", WORD_MS, offsetof(struct fs_options, delete_hold_ms)},
	{"uid", WORD_ID, offsetof(struct fs_options, uid)},
	{"gid", WORD_ID, offsetof(struct fs_options, gid)},
	{"umask", WORD_OCTAL, offsetof(struct fs_options, umask)},
	{"protect", WORD_LIST, offsetof(struct fs_options, protect)},
	{"namespace", WORD_LIST, offsetof(struct fs_options, namespaces)},
};

void fs_options_init(struct fs_options *o)
{
	*o = (struct fs_options){.delete_hold_ms = 500, .uid = getuid(), .gid = getgid()};
}

static void words_release(struct fs_words *w)
{
	vec_each (w, s)
		free(*s);
	vec_release(w);
}

void fs_options_release(struct fs_options *o)
{
	words_release(&o->protect);
	words_release(&o->namespaces);
	words_release(&o->fuse);
}

static int parse_number(const char *word, const char *text, int base, unsigned long max,
			unsigned long *out, struct error **err)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, base);
	if (!*text || *end || errno || *text == '-' || *out > max)
		return error_set(err, E_BAD_REQUEST, "-o %s: not a number it takes", word);
	return 0;
}

static void add_list(struct fs_words *list, const char *text)
{
	char *copy free_ptr = xstrdup(text), *rest = copy, *one;

	while ((one = strsep(&rest, ":"))) {
		if (*one)
			vec_push(list, xstrdup(one));
	}
}

static int set_value(const struct word *w, void *field, const char *word, const char *value,
		     struct error **err)
{
	unsigned long n;

	if ((w->type == WORD_FLAG) != !value)
		return error_set(err, E_BAD_REQUEST, "-o %s: it takes %s value", word,
				 value ? "no" : "a");
	switch (w->type) {
	case WORD_FLAG:
		*(bool *)field = true;
		return 0;
	case WORD_LIST:
		add_list(field, value);
		return 0;
	case WORD_MS:
		if (parse_number(word, value, 10, 3600000, &n, err) < 0)
			return -1;
		*(int64_t *)field = (int64_t)n;
		return 0;
	case WORD_ID:
		if (parse_number(word, value, 10, UINT32_MAX - 1, &n, err) < 0)
			return -1;
		*(uid_t *)field = (uid_t)n;
		return 0;
	case WORD_OCTAL:
		if (parse_number(word, value, 8, 0777, &n, err) < 0)
			return -1;
		*(mode_t *)field = (mode_t)n;
		return 0;
	}
	return 0;
}

int fs_option_set(struct fs_options *o, const char *word, struct error **err)
{
	const char *value = strchr(word, '=');
	size_t len = value ? (size_t)(value - word) : strlen(word);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i].name) == len && strncmp(words[i].name, word, len) == 0)
			return set_value(&words[i], (char *)o + words[i].offset, word,
					 value ? value + 1 : NULL, err);
	}
	vec_push(&o->fuse, xstrdup(word));
	return 0;
}
