/*
 * Runs a fuzz target over its seeds, tests/fuzz/seeds/TARGET: each whole, cut in half, and with
 * every tenth byte changed. TARGET is the program's name behind "replay_".
 */
#include "fuzz/fuzz.h"
#include "base/str.h"
#include "object/json.h"

#include <dirent.h>
#include <stdio.h>

static void run(const char *bytes, size_t len)
{
	/* Memory of its own size: a sanitizer sees a step outside. */
	uint8_t *copy free_ptr = xmalloc(len + !len);

	memcpy(copy, bytes, len);
	LLVMFuzzerTestOneInput(copy, len);
	LLVMFuzzerTestOneInput(copy, len / 2);
	for (size_t i = 0; i < len; i += 10) {
		copy[i] ^= 0x15;
		LLVMFuzzerTestOneInput(copy, len);
	}
}

static int replay(const char *path)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	char buffer[4096];
	size_t n;
	FILE *f = fopen(path, "r");

	if (!f)
		return -1;
	while ((n = fread(buffer, 1, sizeof(buffer), f)))
		str_add(&text, buffer, n);
	fclose(f);
	run(text.s, text.len);
	return 0;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("top_srcdir"), *name = strstr(argv[0], "replay_");
	char *folder free_ptr = xasprintf("%s/tests/fuzz/seeds/%s", srcdir ? srcdir : ".",
					  name ? name + strlen("replay_") : "");
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	object_init();
	if (!dir) {
		printf("Bail out! no folder %s\n", folder);
		return 99;
	}
	while ((entry = readdir(dir))) {
		char *path free_ptr = xasprintf("%s/%s", folder, entry->d_name);

		if (entry->d_name[0] != '.')
			printf("%sok %d - %s\n", replay(path) ? "not " : "", ++n, entry->d_name);
	}
	closedir(dir);
	printf("1..%d\n", n);
	return n ? 0 : 1;
}
