#include "base/progress.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <unistd.h>

#define PAUSE_NS (100 * NS_PER_MS) /* between two, so that the terminal is not what takes long */
#define WIPE "\r\033[K"

static struct {
	pthread_mutex_t lock;
	bool shown;
	int64_t when_ns;
} line = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void put(const struct str *text)
{
	if (write(STDERR_FILENO, text->s, text->len) < 0)
		return; /* nobody looks */
}

static bool is_due(int64_t now_ns)
{
	return !line.shown || now_ns - line.when_ns >= PAUSE_NS;
}

void progress_show(const char *format, ...)
{
	struct str text CLEANUP(str_release) = STR_INIT;
	struct str out CLEANUP(str_release) = STR_INIT;
	int64_t now_ns = clock_mono(clock_system());
	va_list ap;

	if (!isatty(STDERR_FILENO))
		return;
	va_start(ap, format);
	str_addv(&text, format, ap);
	va_end(ap);
	str_adds(&out, WIPE "kubefs: ");
	str_add_escaped(&out, text.s, text.len);
	pthread_mutex_lock(&line.lock);
	if (is_due(now_ns)) {
		put(&out);
		line.shown = true;
		line.when_ns = now_ns;
	}
	pthread_mutex_unlock(&line.lock);
}

void progress_end(void)
{
	static const struct str wipe = {.s = (char *)WIPE, .len = sizeof(WIPE) - 1};

	pthread_mutex_lock(&line.lock);
	if (line.shown)
		put(&wipe);
	line.shown = false;
	pthread_mutex_unlock(&line.lock);
}
