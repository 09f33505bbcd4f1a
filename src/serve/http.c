#include "serve/http.h"
#include "base/log.h"
#include "base/mem.h"
#include "object/json.h"
#include "object/status.h"
#include "serve/exchange.h"

#include <openssl/ssl.h>
#include <string.h>

/* How long a client may take over its headers, and be silent between two requests. */
#define HEADERS_S 20
#define KEEPALIVE_S 120

/*
 * No connection is upgraded: one that asks for it is answered like any other, which HTTP allows.
 * The library goes on so when it does not know the protocol's name. One that it never knew it has
 * refused already (see refuse_unasked), and has forgotten the headers, or not: that one ends.
 */
static int stay_plain(struct lws *wsi, char *protocol)
{
	if (!lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) ||
	    (strcasecmp(protocol, "websocket") != 0 && strcasecmp(protocol, "h2c") != 0))
		return -1;
	*protocol = '-';
	return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	struct exchange *x = user;

	switch (reason) {
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
		/* Quiet watches: a connection holds buffers only while something is in them. */
		SSL_CTX_set_mode(user, SSL_MODE_RELEASE_BUFFERS);
		return 0;
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		exchange_news(lws_context_user(lws_get_context(wsi)));
		return 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return stay_plain(wsi, in);
	case LWS_CALLBACK_HTTP:
		return exchange_request(wsi, x, in, len);
	case LWS_CALLBACK_HTTP_BODY:
		exchange_body(x, in, len);
		return 0;
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		exchange_body_complete(wsi, x);
		return 0;
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return x && x->request ? exchange_writable(wsi, x) : 0;
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		if (x)
			exchange_closed(x);
		return 0;
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{.name = "http", .callback = callback, .per_session_data_size = sizeof(struct exchange)},
	{0},
};

static void log_line(int level, const char *line)
{
	size_t len = strcspn(line, "\n");

	if (level == LLL_ERR)
		log_warn("libwebsockets: %.*s", (int)len, line);
	else
		log_debug("libwebsockets: %.*s", (int)len, line);
}

/* headers.c looks at all of a buffer for headers, not only at what a request has written. */
static void *zeroed(void *p, size_t size, const char *reason)
{
	if (!size) {
		free(p);
		return NULL;
	}
	return p ? realloc(p, size) : calloc(1, size);
}

/*
 * A request to upgrade to another protocol than WebSocket, as to SPDY, is refused by libwebsockets
 * with a page of its own before anybody is asked, and so is a malformed path. kubectl shows what
 * such an answer says and understands a Status. All that the library takes from us for these are
 * the headers of every answer: the last of them ends early, the Status follows as the body, and
 * the library's page comes behind the end, where nobody reads. Our own answers have a plain name
 * there (send.c).
 */
static void refuse_unasked(struct server *s)
{
	struct error *e CLEANUP(error_free_cleanup) = error_new(
		E_NOT_SUPPORTED, "no connection is upgraded here: the containers of pods are "
				 "simulated, nothing runs in them (or the path is malformed)");
	json_t *tree json_auto = status_from_error(e);
	struct str body CLEANUP(str_release) = STR_INIT;

	json_write(tree, &body);
	s->unasked = xasprintf(EXCHANGE_SERVER "\r\nconnection: close\r\n"
					       "content-type: application/json\r\n"
					       "content-length: %zu\r\n\r\n%s",
			       body.len, body.s);
	s->name_header = xcalloc(1, sizeof(*s->name_header));
	s->name_header->name = "server:";
	s->name_header->value = s->unasked;
}

int http_listen(struct server *s, const char *host, int *port, const struct pki *pki,
		struct error **err)
{
	struct lws_context_creation_info info = {
		.port = *port ? *port : 0,
		.iface = *host ? host : NULL,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
			   LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT |
			   LWS_SERVER_OPTION_PEER_CERT_NOT_REQUIRED |
			   LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
			   LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME |
			   LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
		.ssl_cert_filepath = pki->server_cert,
		.ssl_private_key_filepath = pki->server_key,
		.ssl_ca_filepath = pki->ca_cert,
		.ssl_options_set = SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 |
				   SSL_OP_NO_RENEGOTIATION,
		/* Of TLS 1.2 what keeps past traffic secret and proves what it decrypts; all of TLS
		 * 1.3 does. */
		.ssl_cipher_list = "ECDHE+AESGCM:ECDHE+CHACHA20",
		/* Not "h2": its HPACK decoder keeps the query in place of a path that has one, so
		 * that a client that names the same URL again by its index is refused. */
		.alpn = "http/1.1",
		.max_http_header_data2 = EXCHANGE_HEADER_BYTES,
		.pt_serv_buf_size = 65536,
		.keepalive_timeout = KEEPALIVE_S,
		.timeout_secs = HEADERS_S,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.vhost_name = "default",
		.user = s,
	};
	struct lws_vhost *vhost;

	refuse_unasked(s);
	info.headers = s->name_header;
	lws_set_log_level(LLL_ERR | (log_enabled(LOG_LEVEL_DEBUG) ? LLL_WARN : 0), log_line);
	lws_set_allocator(zeroed);
	s->context = lws_create_context(&info);
	if (!s->context)
		return error_set(err, E_INTERNAL, "cannot start the HTTP library");
	vhost = lws_create_vhost(s->context, &info);
	if (!vhost) {
		lws_context_destroy(steal(&s->context));
		return error_set(err, E_UNAVAILABLE, "cannot listen on %s port %d", host, *port);
	}
	*port = lws_get_vhost_listen_port(vhost);
	s->scratch = exchange_scratch();
	return 0;
}

void http_run(struct server *s)
{
	while (!atomic_load(&s->stopping) && lws_service(s->context, 0) >= 0)
		exchange_look_for_hangups(s);
}
