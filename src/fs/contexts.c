#include "fs/contexts.h"

#include "fs/journal.h"
#include "fs/notifier.h"
#include "fs/types.h"

#include <openssl/sha.h>

#define LONG_NAME 250 /* bytes; a longer one is cut, as an object's */
#define LONG_KEPT 200

/*
 * What a file name cannot hold, or would mean something else by, as %XX: a slash, control
 * characters, the percent sign itself, a dot at the beginning, and the R of README.
 */
static void escape(const char *name, struct str *out)
{
	for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
		bool first = p == (const unsigned char *)name;

		if (*p < ' ' || *p == 0x7f || strchr("/%", *p) ||
		    (first && (*p == '.' || !strcmp(name, "README"))))
			str_addf(out, "%%%02X", *p);
		else
			str_addc(out, (char)*p);
	}
}

void context_directory(const char *name, struct str *out)
{
	struct str whole CLEANUP(str_release) = STR_INIT;
	unsigned char sum[SHA256_DIGEST_LENGTH];

	escape(name, &whole);
	if (whole.len <= LONG_NAME) {
		str_add(out, whole.s, whole.len);
		return;
	}
	SHA256((const unsigned char *)name, strlen(name), sum);
	str_addf(out, "%%~%.*s~%02x%02x%02x%02x", LONG_KEPT, whole.s, sum[0], sum[1], sum[2],
		 sum[3]);
}

static struct connection *connection_new(const struct fs_context *source)
{
	struct connection *c = xcalloc(1, sizeof(*c));

	c->source = *source;
	c->source.name = xstrdup(source->name);
	clock_cond_init(&c->ended);
	return c;
}

void connection_free(struct connection *c)
{
	if (!c)
		return;
	free((char *)c->source.name);
	error_free(c->failure);
	pthread_cond_destroy(&c->ended);
	free(c);
}

static struct fs *tree_of(struct fs *above, const struct fs_context *source)
{
	struct str name CLEANUP(str_release) = STR_INIT;
	struct fs *fs;

	context_directory(source->name, &name);
	fs = fs_new_unconnected(&above->opt, above, name.s);
	fs->connection = connection_new(source);
	fs->root = node_new(fs, NULL, row_root(), "");
	return fs;
}

struct fs *fs_new_contexts(const struct fs_context *contexts, size_t n,
			   const struct fs_options *options)
{
	struct fs *fs = fs_new_unconnected(options, NULL, "");

	fs->root = node_new(fs, NULL, row_contexts(), "");
	for (size_t i = 0; i < n; i++)
		vec_push(&fs->below, tree_of(fs, &contexts[i]));
	return fs;
}

struct fs *fs_below(struct fs *fs, const char *name)
{
	vec_each (&fs->below, tree) {
		if (!strcmp((*tree)->name, name))
			return *tree;
	}
	return NULL;
}

bool fs_settled(struct fs *fs)
{
	struct connection *c = fs->connection;

	return fs->view || !c ||
	       (c->failure && clock_mono(fs->clock) - c->failed_ns < CONTEXT_RETRY_NS);
}

int fs_connect_failure(struct fs *fs, struct error **err)
{
	if (fs->connection && fs->connection->failure)
		return error_move(err, error_dup(fs->connection->failure));
	return error_set(err, E_UNAVAILABLE, "it is not connected");
}

/* One try. Its view, with what it is of, or NULL. */
static struct view *open_cluster(struct fs *fs, const struct call *call, struct cluster **cluster,
				 struct informers **informers, struct error **err)
{
	const struct fs_context *source = &fs->connection->source;

	if (source->open(source->arg, cluster, informers, err) < 0)
		return NULL;
	return view_new(*cluster, call, err);
}

static void show_connected(struct fs *fs)
{
	FS_LOCK(fs);
	node_stale(fs->root, "README");
	node_names_changed(fs->root);
}

static void end_try(struct fs *fs, struct error *why)
{
	struct connection *c = fs->connection;

	FS_LOCK(fs);
	c->trying = false;
	if (error_code(why) != E_CANCELLED) {
		error_free(c->failure);
		c->failure = error_dup(why);
		c->failed_ns = clock_mono(fs->clock);
	}
	pthread_cond_broadcast(&c->ended);
}

static int connect_now(struct fs *fs, const struct call *call, struct error **err)
{
	struct error *why CLEANUP(error_free_cleanup) = NULL;
	struct informers *informers = NULL;
	struct cluster *cluster = NULL;
	struct view *v = open_cluster(fs, call, &cluster, &informers, &why);

	if (v)
		fs_adopt(fs, cluster, informers, v);
	else if (error_code(why) != E_CANCELLED)
		journal_note(fs->journal, fs->connection->source.name,
			     "cannot be connected: %s (the next look tries again)",
			     error_message(why));
	end_try(fs, why);
	if (v)
		show_connected(fs);
	return error_code(why) == E_CANCELLED ? error_move(err, steal(&why)) : 0;
}

struct wait {
	struct fs *fs;
	bool cancelled;
};

static void on_cancel(void *arg)
{
	struct wait *w = arg;

	FS_LOCK(w->fs);
	w->cancelled = true;
	pthread_cond_broadcast(&w->fs->connection->ended);
}

/* Until nobody tries; 1: then this caller has to, and holds the right to. */
static int wait_for_turn(struct fs *fs, const struct call *call, struct error **err)
{
	struct connection *c = fs->connection;
	struct wait w = {.fs = fs};
	struct cancel *cancel = call ? call->cancel : NULL;
	int64_t deadline = clock_mono(fs->clock) + CALL_TIMEOUT_MS * NS_PER_MS;
	int rc = 0, mine = 0;

	cancel_subscribe(cancel, on_cancel, &w);
	pthread_mutex_lock(&fs->lock);
	while (c->trying && !w.cancelled && !rc)
		rc = clock_wait(fs->clock, &c->ended, &fs->lock, deadline);
	if (!c->trying && !w.cancelled && !fs_settled(fs))
		mine = c->trying = true;
	pthread_mutex_unlock(&fs->lock);
	cancel_unsubscribe(cancel, on_cancel, &w);
	if (w.cancelled)
		return error_set(err, E_CANCELLED, "the request was given up");
	if (rc && !mine)
		return error_set(err, E_TIMEOUT, "%s is not connected within %d ms", c->source.name,
				 CALL_TIMEOUT_MS);
	return mine;
}

int fs_connect(struct fs *fs, const struct call *call, struct error **err)
{
	int rc = wait_for_turn(fs, call, err);

	return rc > 0 ? connect_now(fs, call, err) : rc;
}
