/*
 * A request on its whole way through the endpoint, from what libwebsockets makes of its bytes to
 * the last byte of the answer, with a local cluster behind it. The input is
 *
 *	METHOD PATH?QUERY		as on the wire
 *	Accept: ...			also Content-Type, Accept-Encoding, If-None-Match, As (a
 * user) (an empty line) body
 *
 * The cluster is made anew now and then: an input is to find it as its seeds do.
 */
#include "fuzz/fuzz.h"
#include "base/identity.h"
#include "base/mem.h"
#include "cluster/backends.h"
#include "cluster/lifecycle.h"
#include "serve/server.h"

#include <assert.h>
#include <ftw.h>
#include <string.h>
#include <unistd.h>

#define RUNS 2000 /* on one cluster */

static struct {
	struct server server;
	char dir[64];
	unsigned runs;
} world;

/* The service thread's part: what is ready is sent at once, to nowhere. */
void server_wake(struct request *r)
{
	struct answer *a = &r->answer;

	pthread_mutex_lock(&a->lock);
	for (; a->head < a->queue.n; a->head++) {
		struct piece *p = &a->queue.v[a->head];

		if (p->release)
			p->release(p->owner);
	}
	a->queue.n = a->head = a->queued = 0;
	pthread_cond_broadcast(&a->drained);
	pthread_mutex_unlock(&a->lock);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void world_end(void)
{
	render_cache_free(world.server.rendered);
	openapi_cache_free(world.server.openapi);
	serve_pool_free(world.server.pool);
	cluster_close(world.server.cluster);
	nftw(world.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	world.server = (struct server){0};
}

static void world_begin(void)
{
	static const struct cluster_config config = {.store_size = 64u << 20};
	const char *base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";

	snprintf(world.dir, sizeof(world.dir), "%s/kubefs-fuzz-XXXXXX", base);
	assert(mkdtemp(world.dir));
	world.server = (struct server){.clock = clock_system(),
				       .address = "127.0.0.1:6443",
				       .pool = serve_pool_new(2),
				       .rendered = render_cache_new(),
				       .openapi = openapi_cache_new(),
				       .cluster = local_cluster_open(world.dir, &config, NULL)};
	assert(world.server.cluster);
	world.runs = 0;
}

static int digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 32) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* %XX and, in a query, "+". */
static char *decode(const char *s, size_t len, bool query)
{
	struct str out = STR_INIT;

	for (size_t i = 0; i < len; i++)
		if (s[i] == '%' && i + 2 < len && digit(s[i + 1]) >= 0 && digit(s[i + 2]) >= 0) {
			str_addc(&out, (char)(digit(s[i + 1]) << 4 | digit(s[i + 2])));
			i += 2;
		} else {
			str_addc(&out, query && s[i] == '+' ? ' ' : s[i]);
		}
	str_adds(&out, "");
	return str_take(&out);
}

static void read_query(struct request *r, const char *s, const char *end)
{
	while (s < end) {
		const char *next = memchr(s, '&', (size_t)(end - s));
		const char *stop = next ? next : end;
		const char *equals = memchr(s, '=', (size_t)(stop - s));
		struct parameter q = {
			.name = decode(s, (size_t)((equals ? equals : stop) - s), true)};

		q.value = equals ? decode(equals + 1, (size_t)(stop - equals - 1), true)
				 : xstrdup("");
		vec_push(&r->query, q);
		s = next ? next + 1 : end;
	}
}

/* "METHOD PATH?QUERY", or NULL. */
static struct request *read_line(const char *s, const char *end)
{
	const char *space = memchr(s, ' ', (size_t)(end - s));
	const char *question, *path = space ? space + 1 : NULL;
	char *text free_ptr = NULL;
	struct request *r;

	for (enum method m = 0; path && m < METHODS; m++) {
		if (strlen(method_name(m)) != (size_t)(space - s) ||
		    memcmp(method_name(m), s, (size_t)(space - s)) != 0)
			continue;
		if (path == end || *path != '/')
			return NULL;
		question = memchr(path, '?', (size_t)(end - path));
		text = decode(path, (size_t)((question ? question : end) - path), false);
		r = request_new(&world.server, m, text, strlen(text));
		if (question)
			read_query(r, question + 1, end);
		return r;
	}
	return NULL;
}

static void read_header(struct request *r, const char *s, const char *end)
{
	const struct {
		const char *name;
		char **slot;
	} headers[] = {
		{"Accept: ", &r->accept},
		{"Accept-Encoding: ", &r->accept_encoding},
		{"Content-Type: ", &r->content_type},
		{"If-None-Match: ", &r->if_none_match},
	};
	char *line free_ptr = xstrndup(s, (size_t)(end - s));

	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		if (str_has_prefix(line, headers[i].name) && !*headers[i].slot)
			*headers[i].slot = xstrdup(line + strlen(headers[i].name));
	if (str_has_prefix(line, "As: ") && !r->wanted)
		r->wanted = identity_new(line + strlen("As: "), NULL);
}

static struct request *read_request(const char *s, const char *end)
{
	const char *line = s < end ? memchr(s, '\n', (size_t)(end - s)) : NULL;
	struct request *r = line ? read_line(s, line) : NULL;

	while (r && line) {
		s = line + 1;
		line = s < end ? memchr(s, '\n', (size_t)(end - s)) : NULL;
		if (!line || line == s) {
			s = line ? line + 1 : end;
			break;
		}
		read_header(r, s, line);
	}
	if (r)
		str_add(&r->body, s, (size_t)(end - s));
	return r;
}

/* What the service thread does when the connection ends. */
static void close_request(struct request *r)
{
	void (*close)(void *);

	pthread_mutex_lock(&r->answer.lock);
	r->answer.closed = true;
	close = steal(&r->answer.on_close);
	pthread_mutex_unlock(&r->answer.lock);
	cancel_fire(r->cancel);
	if (close)
		close(r->answer.on_close_arg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request *r;
	bool stream;

	if (world.server.cluster && ++world.runs > RUNS)
		world_end();
	if (!world.server.cluster)
		world_begin();
	r = read_request((const char *)data, (const char *)data + size);
	if (!r)
		return 0;
	r->who = identity_new("system:admin", NULL);
	identity_add_group(r->who, "system:masters", SIZE_MAX);
	r->user = r->who->user;
	r->call = (struct call){.user = &r->user, .cancel = r->cancel, .warnings = &r->warnings};
	server_dispatch(r);
	serve_pool_settle(world.server.pool);
	pthread_mutex_lock(&r->answer.lock);
	stream = r->answer.on_close != NULL;
	assert(r->answer.begun && r->answer.status >= 200 && r->answer.status < 600);
	assert(stream || r->answer.ended || r->answer.aborted);
	pthread_mutex_unlock(&r->answer.lock);
	close_request(r);
	request_unref(r);
	return 0;
}
