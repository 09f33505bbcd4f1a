#include "base/clock.h"
#include "base/log.h"
#include "cluster/remote/kubeconfig.h"
#include "cluster/remote/plugin.h"
#include "http/http.h"

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
	const struct plugin_config *plugin;
	struct plugin_credential now; /* of the plugin; or the token file's text */
	int64_t read_ns;	      /* when the token file was last read */
	uint64_t generation;	      /* counts what was read, or the plugin's answers; 0: none */
	uint64_t changed;	      /* the generation that last brought something else */
	/* Of the plugin. */
	pthread_cond_t ended;
	bool running;
	uint64_t runs;	       /* how many came to an end that is everybody's */
	struct error *failure; /* of the last one, or NULL */
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
	clock_cond_init(&a->ended);
	a->now.expires = CLOCK_NEVER;
	if (k->token_file)
		a->token_file = xstrdup(k->token_file);
	else if (k->token)
		a->header = xasprintf("Bearer %s", k->token);
	else if (k->username)
		a->header = basic(k->username, k->password);
	else
		a->plugin = k->plugin;
	return a;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	forget(&a->header);
	plugin_credential_release(&a->now);
	error_free(a->failure);
	free(a->token_file);
	pthread_cond_destroy(&a->ended);
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

static bool same_credential(const struct plugin_credential *a, const struct plugin_credential *b)
{
	return str_equal(a->token, b->token) && str_equal(a->cert, b->cert) &&
	       str_equal(a->key, b->key);
}

/* From now on NEXT, which is taken over, is what requests are sent with. */
static void set_credential(struct auth *a, struct plugin_credential *next)
{
	a->generation++;
	if (a->generation == 1 || !same_credential(&a->now, next))
		a->changed = a->generation;
	plugin_credential_release(&a->now);
	a->now = *next;
	*next = (struct plugin_credential){0};
}

/* Reads the file again when its time has come. A file that is away for a moment (it is being
 * replaced) does not end what still works. */
static int refresh_file(struct auth *a, bool now, struct error **err)
{
	struct plugin_credential next CLEANUP(plugin_credential_release) = {.expires = CLOCK_NEVER};
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	int64_t mono = clock_mono(a->clock);

	if (a->generation && !now && mono - a->read_ns < AUTH_TOKEN_FILE_S * NS_PER_S)
		return 0;
	next.token = read_token(a->token_file, &why);
	if (!next.token && !a->generation)
		return error_move(err, steal(&why));
	a->read_ns = mono;
	if (!next.token) {
		log_warn("%s; the token read before is still used", why->message);
		return 0;
	}
	set_credential(a, &next);
	return 0;
}

struct wait {
	struct auth *auth;
	bool cancelled;
};

static void on_cancel(void *arg)
{
	struct wait *w = arg;

	pthread_mutex_lock(&w->auth->lock);
	w->cancelled = true;
	pthread_cond_broadcast(&w->auth->ended);
	pthread_mutex_unlock(&w->auth->lock);
}

/* Waits for somebody else's run. Under the lock, which subscribing must not be. */
static int wait_for_run(struct auth *a, const struct call *call, struct error **err)
{
	struct wait w = {.auth = a};
	struct cancel *cancel = call ? call->cancel : NULL;
	int timeout_ms = call_timeout_ms(call), rc = 0;
	int64_t deadline =
		timeout_ms < 0 ? CLOCK_NEVER : clock_mono(a->clock) + timeout_ms * NS_PER_MS;

	pthread_mutex_unlock(&a->lock);
	cancel_subscribe(cancel, on_cancel, &w);
	pthread_mutex_lock(&a->lock);
	while (a->running && !w.cancelled && !rc)
		rc = clock_wait(a->clock, &a->ended, &a->lock, deadline);
	pthread_mutex_unlock(&a->lock);
	cancel_unsubscribe(cancel, on_cancel, &w);
	pthread_mutex_lock(&a->lock);
	if (w.cancelled)
		return error_set(err, E_CANCELLED, "the request was given up");
	if (rc)
		return error_set(err, E_TIMEOUT,
				 "the credential plugin %s has not ended within %d ms",
				 a->plugin->command, timeout_ms);
	return 0;
}

/* What ends one caller's patience is no news for the others. */
static bool is_own(const struct error *why)
{
	return error_code(why) == E_CANCELLED || error_code(why) == E_TIMEOUT;
}

static int run_plugin(struct auth *a, const struct call *call, struct error **err)
{
	struct plugin_credential next CLEANUP(plugin_credential_release) = {0};
	struct error *why CLEANUP(error_free_cleanup) = NULL;

	a->running = true;
	pthread_mutex_unlock(&a->lock);
	plugin_run(a->plugin, call, &next, &why);
	pthread_mutex_lock(&a->lock);
	a->running = false;
	if (!is_own(why)) {
		a->runs++;
		error_free(a->failure);
		a->failure = error_dup(why);
	}
	if (!why)
		set_credential(a, &next);
	pthread_cond_broadcast(&a->ended);
	return why ? error_move(err, steal(&why)) : 0;
}

static int refresh_plugin(struct auth *a, const struct call *call, bool now, struct error **err)
{
	uint64_t runs = a->runs;

	if (a->generation && !now && clock_wall(a->clock) < a->now.expires)
		return 0;
	while (a->running) {
		if (wait_for_run(a, call, err) < 0)
			return -1;
	}
	if (a->runs == runs)
		return run_plugin(a, call, err);
	return a->failure ? error_move(err, error_dup(a->failure)) : 0;
}

static void tell(const struct auth *a, struct http_credentials *out)
{
	if (a->now.token)
		str_addf(&out->authorization, "Bearer %s", a->now.token);
	if (a->now.cert) {
		out->cert = xstrdup(a->now.cert);
		out->key = xstrdup(a->now.key);
	}
	out->generation = a->generation;
}

int auth_authorize(void *arg, const struct call *call, uint64_t rejected,
		   struct http_credentials *out, struct error **err)
{
	struct auth *a = arg;
	bool now, changed;
	int rc;

	if (!a->token_file && !a->plugin) {
		str_adds(&out->authorization, a->header ? a->header : "");
		out->generation = 1;
		return 0;
	}
	pthread_mutex_lock(&a->lock);
	/* Others that were refused together may have brought a newer one already. */
	now = rejected && rejected == a->generation;
	rc = a->token_file ? refresh_file(a, now, err) : refresh_plugin(a, call, now, err);
	if (!rc)
		tell(a, out);
	changed = a->changed > rejected;
	pthread_mutex_unlock(&a->lock);
	return rc < 0 ? rc : rejected && changed;
}
