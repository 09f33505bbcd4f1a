/*
 * The two ends of an HTTPS connection, as plain as they can be, so that what is timed is the
 * server.
 *
 *	https_bench load PORT DIR CONNECTIONS FILE	sends a "METHOD PATH BODY" line each
 *	https_bench get PORT DIR PATH			reads one answer to its end, and what it
 *							says continues it
 *	https_bench watch PORT DIR WATCHERS PATH FILE	WATCHERS read PATH while the lines of FILE
 *							are sent one after the other
 *	https_bench serve DIR BYTES			answers everything with BYTES from one
 *							buffer
 *
 * DIR is the pki/ of a local cluster. load prints the seconds it took once all were connected; get
 * the bytes and the seconds; watch the seconds until everybody has read an event for each line;
 * serve its port.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static SSL_CTX *tls;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "https_bench: %s\n", what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static double now_s(void)
{
	return (double)clock_mono(clock_system()) / NS_PER_S;
}

static void load_tls(const char *dir, const SSL_METHOD *method, const char *who)
{
	char *ca free_ptr = xasprintf("%s/ca.crt", dir);
	char *cert free_ptr = xasprintf("%s/%s.crt", dir, who);
	char *key free_ptr = xasprintf("%s/%s.key", dir, who);

	tls = SSL_CTX_new(method);
	if (!tls || SSL_CTX_load_verify_locations(tls, ca, NULL) != 1 ||
	    SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
		die("no certificates");
}

static int tcp_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die("no socket");
	return fd;
}

/* --- the client --------------------------------------------------------------------------- */

static SSL *dial(unsigned port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = tcp_socket();
	SSL *ssl = SSL_new(tls);

	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) || SSL_set_fd(ssl, fd) != 1 ||
	    SSL_connect(ssl) != 1)
		die("cannot connect");
	return ssl;
}

static void hang_up(SSL *ssl)
{
	close(SSL_get_fd(ssl));
	SSL_free(ssl);
}

/* The value of Content-Length in the head that ends at BODY; -1: it has none. */
static long content_length(const char *head, const char *body)
{
	static const char name[] = "content-length:";

	for (const char *line = head; line < body; line = strchr(line, '\n') + 1)
		if (!strncasecmp(line, name, sizeof(name) - 1))
			return atol(line + sizeof(name) - 1);
	return -1;
}

/* Whether ANSWER has its head and all of its body. */
static bool is_complete(const struct str *answer)
{
	const char *body = strstr(answer->s, "\r\n\r\n");
	long length;

	if (!body)
		return false;
	body += 4;
	length = content_length(answer->s, body);
	if (length >= 0)
		return answer->len - (size_t)(body - answer->s) >= (size_t)length;
	return answer->len >= 7 && !memcmp(answer->s + answer->len - 7, "\r\n0\r\n\r\n", 7);
}

static const char *content_type(const char *method)
{
	return strncmp(method, "PATCH", 5) ? "application/json" : "application/merge-patch+json";
}

/* METHOD PATH BODY, as it is sent. */
static void write_request(const char *line, struct str *request)
{
	const char *path = strchr(line, ' ') + 1, *body = strchr(path, ' ') + 1;

	str_reset(request);
	str_addf(request,
		 "%.*s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"
		 "Accept: application/json\r\nUser-Agent: bench\r\nContent-Length: %zu\r\n\r\n%s",
		 (int)(body - 1 - line), line, content_type(line), strlen(body), body);
}

static void ask(SSL *ssl, const struct str *request)
{
	if (SSL_write(ssl, request->s, (int)request->len) <= 0)
		die("cannot send");
}

/* One record. Returns whether that was the answer's last; what is no success ends the program. */
static bool read_record(SSL *ssl, struct str *answer)
{
	char part[16384];
	int n = SSL_read(ssl, part, sizeof(part));

	if (n <= 0)
		die("no answer");
	str_add(answer, part, (size_t)n);
	if (!is_complete(answer))
		return false;
	if (strncmp(answer->s, "HTTP/1.1 20", 11))
		die(answer->s);
	return true;
}

static void exchange(SSL *ssl, const struct str *request, struct str *answer)
{
	ask(ssl, request);
	str_reset(answer);
	while (!read_record(ssl, answer))
		;
}

struct requests {
	struct str *v;
	size_t n;
	size_t next; /* of those that load() sends */
};

static void read_requests(const char *path, struct requests *requests)
{
	FILE *f = fopen(path, "r");
	size_t room = 0, size = 0;
	char *line = NULL;
	ssize_t n;

	if (!f)
		die("cannot read the file of lines");
	while ((n = getline(&line, &size, f)) > 0) {
		line[n - 1] = '\0';
		if (!strchr(line, ' ') || !strchr(strchr(line, ' ') + 1, ' '))
			die("a line is not METHOD PATH BODY");
		if (requests->n == room)
			requests->v = xreallocarray(requests->v, room = room * 2 + 64,
						    sizeof(struct str));
		requests->v[requests->n] = (struct str)STR_INIT;
		write_request(line, &requests->v[requests->n++]);
	}
	free(line);
	fclose(f);
}

static void free_requests(struct requests *requests)
{
	for (size_t i = 0; i < requests->n; i++)
		str_release(&requests->v[i]);
	free(requests->v);
}

/* --- load: one thread has all connections and all requests are made before, so that it takes as
 * little as can be of the processors that the server works on */

#define CONNECTIONS_MAX 64u

struct load {
	struct requests requests;
	struct client {
		SSL *ssl;
		struct str answer;
	} clients[CONNECTIONS_MAX];
	struct pollfd fds[CONNECTIONS_MAX]; /* fd -1: has nothing more to ask */
	unsigned n, left;
};

static void ask_next(struct load *l, unsigned i)
{
	if (l->requests.next < l->requests.n) {
		ask(l->clients[i].ssl, &l->requests.v[l->requests.next++]);
		return;
	}
	l->fds[i].fd = -1;
	l->left--;
}

static void read_answers(struct load *l, unsigned i)
{
	struct client *c = &l->clients[i];

	do {
		if (!read_record(c->ssl, &c->answer))
			continue;
		str_reset(&c->answer);
		ask_next(l, i);
	} while (SSL_has_pending(c->ssl));
}

static void dial_all(struct load *l, unsigned port)
{
	for (unsigned i = 0; i < l->n; i++) {
		struct client *c = &l->clients[i];

		*c = (struct client){.ssl = dial(port), .answer = STR_INIT};
		l->fds[i] = (struct pollfd){.fd = SSL_get_fd(c->ssl), .events = POLLIN};
	}
}

/* What is timed begins when all are connected: clients keep their connections. */
static void load(unsigned port, unsigned connections, const char *path)
{
	struct load l = {.n = MIN(connections, CONNECTIONS_MAX)};
	double start;

	read_requests(path, &l.requests);
	SSL_CTX_set_read_ahead(tls, 1); /* a record's head and body with one read() */
	dial_all(&l, port);
	start = now_s();
	l.left = l.n;
	for (unsigned i = 0; i < l.n; i++)
		ask_next(&l, i);
	while (l.left) {
		if (poll(l.fds, l.n, 60000) <= 0)
			die("no answer in a minute");
		for (unsigned i = 0; i < l.n; i++)
			if (l.fds[i].fd >= 0 && l.fds[i].revents)
				read_answers(&l, i);
	}
	printf("%.6f\n", now_s() - start);
	for (unsigned i = 0; i < l.n; i++) {
		hang_up(l.clients[i].ssl);
		str_release(&l.clients[i].answer);
	}
	free_requests(&l.requests);
}

/* The text of "continue" in the tail of a list; "" when that was all. */
static void find_continue(const char *tail, size_t len, char out[2048])
{
	static const char key[] = "\"continue\":\"";
	const char *p = memmem(tail, len, key, sizeof(key) - 1);
	size_t n;

	out[0] = '\0';
	if (!p)
		return;
	p += sizeof(key) - 1;
	n = strcspn(p, "\"");
	if (n >= 2048)
		die("a long continue token");
	memcpy(out, p, n);
	out[n] = '\0';
}

/* The frames of chunked encoding may lie within a word; JSON itself has no line ends here. */
static void drop_frames(struct str *s)
{
	size_t to = 0;

	for (size_t k = 0; k < s->len; k++) {
		const char *end = s->s[k] == '\r' && k + 2 < s->len
					  ? memchr(s->s + k + 2, '\n', s->len - k - 2)
					  : NULL;

		if (end)
			k = (size_t)(end - s->s);
		else
			s->s[to++] = s->s[k];
	}
	str_truncate(s, to);
}

#define TAIL_BYTES 8192

/* Keeps the last bytes only: a record of TLS may end anywhere. */
static void add_tail(struct str *tail, const char *bytes, size_t n)
{
	if (tail->len > TAIL_BYTES) {
		memmove(tail->s, tail->s + tail->len - TAIL_BYTES, TAIL_BYTES);
		str_truncate(tail, TAIL_BYTES);
	}
	str_add(tail, bytes, n);
}

/* Reads one answer; its last bytes, where a list has its metadata, stay in TAIL. */
static size_t read_answer(SSL *ssl, struct str *tail)
{
	static char part[1 << 16];
	size_t total = 0;
	int n;

	while ((n = SSL_read(ssl, part, sizeof(part))) > 0) {
		if (!total && strncmp(part, "HTTP/1.1 200", 12))
			die("not 200");
		total += (size_t)n;
		add_tail(tail, part, (size_t)n);
	}
	return total;
}

static void get(unsigned port, const char *path)
{
	double start = now_s();
	char token[2048] = "";
	size_t total = 0;

	do {
		char *request free_ptr = xasprintf(
			"GET %s%s%s HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
			"Connection: close\r\n\r\n",
			path, *token ? "&continue=" : "", token);
		struct str tail CLEANUP(str_release) = STR_INIT;
		SSL *ssl = dial(port);

		if (SSL_write(ssl, request, (int)strlen(request)) <= 0)
			die("cannot send");
		total += read_answer(ssl, &tail);
		drop_frames(&tail);
		find_continue(tail.s, tail.len, token);
		hang_up(ssl);
	} while (*token);
	printf("%zu %.6f\n", total, now_s() - start);
}

/* --- watchers: one thread reads them all */

struct watcher {
	SSL *ssl;
	size_t events; /* seen */
	bool brace;    /* the last byte was a "}" */
};

struct watchers {
	struct watcher *v;
	struct pollfd *fds;
	size_t n, wanted, done;
};

/* An event is a line, and ends with a brace. */
static void count_events(struct watcher *w, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		w->events += w->brace && bytes[i] == '\n';
		w->brace = bytes[i] == '}';
	}
}

static void read_events(struct watchers *all, struct watcher *w)
{
	static char part[1 << 16];
	bool before = w->events >= all->wanted;
	int n;

	do {
		n = SSL_read(w->ssl, part, sizeof(part));
		if (n > 0)
			count_events(w, part, (size_t)n);
		else if (SSL_get_error(w->ssl, n) != SSL_ERROR_WANT_READ)
			die("a watch ended");
	} while (n > 0 && SSL_pending(w->ssl));
	all->done += !before && w->events >= all->wanted;
}

static void *read_all(void *arg)
{
	struct watchers *all = arg;

	while (all->done < all->n) {
		if (poll(all->fds, all->n, 60000) <= 0)
			die("watchers hear nothing");
		for (size_t i = 0; i < all->n; i++)
			if (all->fds[i].revents)
				read_events(all, &all->v[i]);
	}
	return NULL;
}

static void open_watcher(struct watchers *all, size_t i, unsigned port, const char *path)
{
	char *line free_ptr = xasprintf("GET %s ", path);
	struct str request CLEANUP(str_release) = STR_INIT;
	SSL *ssl = dial(port);
	int fd = SSL_get_fd(ssl);

	write_request(line, &request);
	ask(ssl, &request);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	all->v[i] = (struct watcher){.ssl = ssl};
	all->fds[i] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void allow_files(size_t n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max < n + 64)
		die("too many watchers for the limit of open files");
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void watch(unsigned port, size_t n, const char *path, const char *file)
{
	struct str answer CLEANUP(str_release) = STR_INIT;
	struct watchers all = {.n = n};
	struct requests requests = {NULL};
	SSL *writer = dial(port);
	pthread_t reader;
	double start;

	read_requests(file, &requests);
	allow_files(n);
	all.wanted = requests.n;
	all.v = xcalloc(n, sizeof(*all.v));
	all.fds = xcalloc(n, sizeof(*all.fds));
	for (size_t i = 0; i < n; i++)
		open_watcher(&all, i, port, path);
	start = now_s();
	if (pthread_create(&reader, NULL, read_all, &all))
		die("no thread");
	for (size_t i = 0; i < requests.n; i++)
		exchange(writer, &requests.v[i], &answer);
	pthread_join(reader, NULL);
	printf("%.6f\n", now_s() - start);
	for (size_t i = 0; i < n; i++)
		hang_up(all.v[i].ssl);
	hang_up(writer);
	free(all.v);
	free(all.fds);
	free_requests(&requests);
}

/* --- the server --------------------------------------------------------------------------- */

static void answer_one(int fd, const char *bytes, size_t len)
{
	SSL *ssl = SSL_new(tls);
	char head[128], request[4096];
	int n = snprintf(head, sizeof(head),
			 "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
			 len);

	if (SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1 &&
	    SSL_read(ssl, request, sizeof(request)) > 0 && SSL_write(ssl, head, n) > 0 &&
	    SSL_write(ssl, bytes, (int)len) > 0)
		SSL_shutdown(ssl);
	SSL_free(ssl);
}

static void serve(size_t len)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	char *bytes free_ptr = xmalloc(len);
	int listener = tcp_socket();

	memset(bytes, 'x', len);
	if (bind(listener, (struct sockaddr *)&at, size) || listen(listener, 8) ||
	    getsockname(listener, (struct sockaddr *)&at, &size))
		die("cannot listen");
	printf("%u\n", ntohs(at.sin_port));
	fflush(stdout);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			die("cannot accept");
		answer_one(fd, bytes, len);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(verb, "load") && argc == 6) {
		load_tls(argv[3], TLS_client_method(), "admin");
		load((unsigned)atoi(argv[2]), (unsigned)atoi(argv[4]), argv[5]);
	} else if (!strcmp(verb, "get") && argc == 5) {
		load_tls(argv[3], TLS_client_method(), "admin");
		get((unsigned)atoi(argv[2]), argv[4]);
	} else if (!strcmp(verb, "watch") && argc == 7) {
		load_tls(argv[3], TLS_client_method(), "admin");
		watch((unsigned)atoi(argv[2]), strtoul(argv[4], NULL, 10), argv[5], argv[6]);
	} else if (!strcmp(verb, "serve") && argc == 4) {
		load_tls(argv[2], TLS_server_method(), "server");
		serve(strtoul(argv[3], NULL, 10));
	} else {
		fprintf(stderr, "usage: https_bench load PORT DIR CONNECTIONS FILE | "
				"get PORT DIR PATH | watch PORT DIR WATCHERS PATH FILE | "
				"serve DIR BYTES\n");
		return 2;
	}
	SSL_CTX_free(tls);
	return 0;
}
