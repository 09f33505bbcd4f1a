/*
 * The two ends of an HTTPS connection, as plain as they can be, so that what is timed is the
 *server.
 *
 *	https_bench create PORT DIR CONNECTIONS FILE	POSTs a "PATH BODY" line each, kept
 *connections https_bench get PORT DIR PATH			reads one answer to its end
 *	https_bench serve DIR BYTES			answers everything with BYTES from one
 *buffer
 *
 * DIR is the pki/ of a local cluster. create prints the seconds it took, get the bytes and the
 * seconds, serve its port.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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

/* Whether ANSWER has its head and all of its body. */
static bool is_complete(const struct str *answer)
{
	const char *body = strstr(answer->s, "\r\n\r\n"), *length;

	if (!body)
		return false;
	body += 4;
	length = strcasestr(answer->s, "\r\ncontent-length:");
	if (length && length < body)
		return answer->len >= (size_t)(body - answer->s) + strtoul(length + 17, NULL, 10);
	return answer->len >= 7 && !memcmp(answer->s + answer->len - 7, "\r\n0\r\n\r\n", 7);
}

struct lines {
	char **v;
	size_t n;
	_Atomic size_t next;
	unsigned port;
};

static void post(SSL *ssl, char *line, struct str *request, struct str *answer)
{
	char *body = strchr(line, ' ') + 1, part[16384];
	int n;

	str_reset(request);
	str_addf(request,
		 "POST %.*s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		 "Accept: application/json\r\nUser-Agent: bench\r\nContent-Length: %zu\r\n\r\n%s",
		 (int)(body - 1 - line), line, strlen(body), body);
	if (SSL_write(ssl, request->s, (int)request->len) <= 0)
		die("cannot send");
	str_reset(answer);
	do {
		n = SSL_read(ssl, part, sizeof(part));
		if (n <= 0)
			die("no answer");
		str_add(answer, part, (size_t)n);
	} while (!is_complete(answer));
	if (strncmp(answer->s, "HTTP/1.1 201", 12))
		die(answer->s);
}

static void *post_lines(void *arg)
{
	struct str request CLEANUP(str_release) = STR_INIT, answer CLEANUP(str_release) = STR_INIT;
	struct lines *lines = arg;
	SSL *ssl = dial(lines->port);
	size_t i;

	while ((i = lines->next++) < lines->n)
		post(ssl, lines->v[i], &request, &answer);
	hang_up(ssl);
	return NULL;
}

static void read_lines(const char *path, struct lines *lines)
{
	FILE *f = fopen(path, "r");
	size_t room = 0, size = 0;
	char *line = NULL;
	ssize_t n;

	if (!f)
		die("cannot read the file of lines");
	while ((n = getline(&line, &size, f)) > 0) {
		line[n - 1] = '\0';
		if (!strchr(line, ' '))
			die("a line without a body");
		if (lines->n == room)
			lines->v = xreallocarray(lines->v, room = room * 2 + 64, sizeof(char *));
		lines->v[lines->n++] = xstrdup(line);
	}
	free(line);
	fclose(f);
}

static void create(unsigned port, unsigned connections, const char *path)
{
	struct lines lines = {.port = port};
	pthread_t threads[64];
	double start;

	read_lines(path, &lines);
	connections = MIN(connections, 64u);
	start = now_s();
	for (unsigned i = 0; i < connections; i++)
		if (pthread_create(&threads[i], NULL, post_lines, &lines))
			die("no thread");
	for (unsigned i = 0; i < connections; i++)
		pthread_join(threads[i], NULL);
	printf("%.6f\n", now_s() - start);
	for (size_t i = 0; i < lines.n; i++)
		free(lines.v[i]);
	free(lines.v);
}

static void get(unsigned port, const char *path)
{
	char *request free_ptr = xasprintf("GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: "
					   "application/json\r\nConnection: close\r\n\r\n",
					   path);
	static char part[1 << 16];
	SSL *ssl = dial(port);
	double start = now_s();
	size_t total = 0;
	int n;

	if (SSL_write(ssl, request, (int)strlen(request)) <= 0)
		die("cannot send");
	while ((n = SSL_read(ssl, part, sizeof(part))) > 0) {
		if (!total && strncmp(part, "HTTP/1.1 200", 12))
			die("not 200");
		total += (size_t)n;
	}
	printf("%zu %.6f\n", total, now_s() - start);
	hang_up(ssl);
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
	if (!strcmp(verb, "create") && argc == 6) {
		load_tls(argv[3], TLS_client_method(), "admin");
		create((unsigned)atoi(argv[2]), (unsigned)atoi(argv[4]), argv[5]);
	} else if (!strcmp(verb, "get") && argc == 5) {
		load_tls(argv[3], TLS_client_method(), "admin");
		get((unsigned)atoi(argv[2]), argv[4]);
	} else if (!strcmp(verb, "serve") && argc == 4) {
		load_tls(argv[2], TLS_server_method(), "server");
		serve(strtoul(argv[3], NULL, 10));
	} else {
		fprintf(stderr, "usage: https_bench create PORT DIR CONNECTIONS FILE | "
				"get PORT DIR PATH | serve DIR BYTES\n");
		return 2;
	}
	SSL_CTX_free(tls);
	return 0;
}
