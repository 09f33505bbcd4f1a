/* The words after -o that the tree knows. One more: one line in words[]. */
#include "fs/fs.h"

#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <unistd.h>

enum word_type { WORD_FLAG, WORD_MS, WORD_ID, WORD_OCTAL, WORD_LIST };

static const struct word {
	const char *name;
	enum word_type type;
	size_t offset;
	const char *value; /* the name of the value in help */
	const char *help;  /* NULL: an option of the command line says it */
} words[] = {
	{"ro", WORD_FLAG, offsetof(struct fs_options, read_only), NULL, "every write is refused"},
	{"dryrun", WORD_FLAG, offsetof(struct fs_options, dry_run), NULL,
	 "every write is only tried on the server"},
	{"force", WORD_FLAG, offsetof(struct fs_options, force), NULL,
	 "an apply takes over fields that others own"},
	{"tell", WORD_FLAG, offsetof(struct fs_options, tell), NULL,
	 "a refusal is told on the writer's terminal too"},
	{"details", WORD_FLAG, offsetof(struct fs_options, details), NULL,
	 "unlisted names appear in listings"},
	{"xattr", WORD_FLAG, offsetof(struct fs_options, xattr), NULL,
	 "objects have extended attributes, user.kubefs.*"},
	{"allow_other", WORD_FLAG, offsetof(struct fs_options, allow_other), NULL,
	 "other users may enter"},
	{"debug", WORD_FLAG, offsetof(struct fs_options, debug), NULL, NULL},
	{"delete_hold", WORD_MS, offsetof(struct fs_options, delete_hold_ms), "MS",
	 "how long a deletion waits for the name to be written again (500)"},
	{"uid", WORD_ID, offsetof(struct fs_options, uid), "N", "the files' owner"},
	{"gid", WORD_ID, offsetof(struct fs_options, gid), "N", "the files' group"},
	{"umask", WORD_OCTAL, offsetof(struct fs_options, umask), "OCTAL",
	 "permissions that the files do not have"},
	{"protect", WORD_LIST, offsetof(struct fs_options, protect), "A:B-*",
	 "these namespaces are read only"},
	{"namespace", WORD_LIST, offsetof(struct fs_options, namespaces), "A:B",
	 "show these even where namespaces may not be listed"},
};

void fs_options_help(void (*row)(const char *option, const char *help))
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct str option CLEANUP(str_release) = STR_INIT;

		if (!words[i].help)
			continue;
		str_addf(&option, "-o %s", words[i].name);
		if (words[i].value)
			str_addf(&option, "=%s", words[i].value);
		row(option.s, words[i].help);
	}
}

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
