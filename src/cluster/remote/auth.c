#include "base/clock.h"
#include "base/log.h"
#include "cluster/remote/kubeconfig.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define MAX_TOKEN_FILE (64u << 10)

struct auth {
	struct clock *clock;
	pthread_mutex_t lock;
	char *header;	  /* what never changes: of a token or a password */
	char *token_file; /* else NULL */
	char *token;	  /* its text when it was last read */
	int64_t read_ns;
};

static void forget(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

static char *basic(const char *username, const char *password)
{
	char *plain = xasprintf("%s:%s", username, password ? password : "");
	size_t len = strlen(plain);
	char *encoded = xcalloc(len / 3 + 1, 4 + 1), *header;

	EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)plain, (int)len);
	header = xasprintf("Basic %s", encoded);
	forget(&plain);
	forget(&encoded);
	return header;
}

struct auth *auth_new(const struct kubeconfig *k, struct clock *clock)
{
	struct auth *a = xcalloc(1, sizeof(*a));

	a->clock = clock;
	pthread_mutex_init(&a->lock, NULL);
	if (k->token_file)
		a->token_file = xstrdup(k->token_file);
	else if (k->token)
		a->header = xasprintf("Bearer %s", k->token);
	else if (k->username)
		a->header = basic(k->username, k->password);
	return a;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	forget(&a->header);
	forget(&a->token);
	free(a->token_file);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static char *read_token(const char *path, struct error **err)
{
	char text[MAX_TOKEN_FILE + 1];
	int fd close_fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	char *token;

	if (n < 0) {
		error_set_errno(err, errno, "token file %s", path);
		return NULL;
	}
	while (n > 0 && strchr(" \t\r\n", text[n - 1]))
		n--;
	if (!n || (size_t)n > MAX_TOKEN_FILE || memchr(text, '\0', (size_t)n)) {
		error_set(err, E_UNAUTHORIZED, "token file %s holds no token", path);
		return NULL;
	}
	token = xstrndup(text, (size_t)n);
	explicit_bzero(text, sizeof(text));
	return token;
}

/* Reads the file again when its time has come. A file that is away for a moment (it is being
 * replaced) does not end what still works. */
static int refresh(struct auth *a, bool now, bool *changed, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	int64_t mono = clock_mono(a->clock);
	char *token;

	if (a->token && !now && mono - a->read_ns < AUTH_TOKEN_FILE_S * NS_PER_S)
		return 0;
	token = read_token(a->token_file, &why);
	if (!token && !a->token)
		return error_move(err, steal(&why));
	a->read_ns = mono;
	if (!token) {
		log_warn("%s; the token read before is still used", why->message);
		return 0;
	}
	*changed = !str_equal(a->token, token);
	forget(&a->token);
	a->token = token;
	return 0;
}

int auth_authorize(void *arg, bool rejected, struct str *value, struct error **err)
{
	struct auth *a = arg;
	bool changed = false;
	int rc = 0;

	if (!a->token_file) {
		str_adds(value, a->header ? a->header : "");
		return 0;
	}
	pthread_mutex_lock(&a->lock);
	rc = refresh(a, rejected, &changed, err);
	if (!rc)
		str_addf(value, "Bearer %s", a->token);
	pthread_mutex_unlock(&a->lock);
	return rc < 0 ? rc : rejected && changed;
}
