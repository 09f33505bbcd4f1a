#include "cli/kubelet.h"

#include "base/file.h"
#include "base/mem.h"
#include "node/nodes.h"
#include "object/json.h"
#include "serve/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AUTHORITY "extension-apiserver-authentication"

struct kubelet {
	struct cluster cluster; /* what its endpoint serves: streams, and who may */
	struct cluster *api;
	_Atomic(struct nodes *) nodes;
	struct serve *serve;
	char *folder; /* of the certificate, for as long as it serves */
	char *address;
	int port;
};

/* ---- what the endpoint asks */

static struct kubelet *kubelet_of(struct cluster *c)
{
	return container_of(c, struct kubelet, cluster);
}

static struct stream *open_stream(struct cluster *c, const struct call *call,
				  const struct resource *r, const char *namespace, const char *name,
				  const char *subresource, const char *query,
				  const struct stream_handler *handler, void *arg,
				  struct error **err)
{
	struct kubelet *k = kubelet_of(c);
	struct nodes *nodes = atomic_load(&k->nodes);
	struct object *pod CLEANUP(object_unref_cleanup) = NULL;
	struct stream *s;

	if (!nodes) {
		error_set(err, E_UNAVAILABLE, "the nodes are not there yet");
		return NULL;
	}
	if (cluster_get(k->api, call, r, namespace, name, &pod, err) < 0)
		return NULL;
	s = nodes_streamer()->open(nodes, c, pod, subresource, query, handler, arg, err);
	if (s)
		s->cluster = c;
	return s;
}

static void stop_stream(struct stream *s)
{
	nodes_streamer()->stop(s);
}

static json_t *strings(const char *const *v)
{
	json_t *list = json_array();

	for (; v && *v; v++)
		json_array_append_new(list, json_string(*v));
	return list;
}

/* kubelet's question for what is no path of its own: may he reach through the node? */
static bool authorize(struct cluster *c, const struct access *access, struct str *reason)
{
	struct kubelet *k = kubelet_of(c);
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct object *answer CLEANUP(object_unref_cleanup) = NULL;
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	const struct resource *reviews =
		catalog_find(catalog, "authorization.k8s.io", "v1", "subjectaccessreviews");
	json_t *review json_auto = json_pack(
		"{s:s, s:s, s:{s:s, s:o, s:{s:s, s:s, s:s}}}", "apiVersion",
		"authorization.k8s.io/v1", "kind", "SubjectAccessReview", "spec", "user",
		access->user->name, "groups", strings(access->user->groups), "resourceAttributes",
		"verb", access->verb, "resource", "nodes", "subresource", "proxy");

	if (cluster_create_tree(k->api, NULL, reviews, "", review, NULL, &answer, &err) < 0) {
		if (reason)
			str_adds(reason, error_message(err));
		return false;
	}
	json_t *tree json_auto = object_tree(answer);

	return json_is_true(json_path(tree, "status.allowed"));
}

static const struct cluster_ops ops = {
	.name = "kubelet",
	.stream = open_stream,
	.stream_stop = stop_stream,
	.authorize = authorize,
};

/* ---- where and for whom it serves */

/* HOST and PORT of "https://HOST:PORT". */
static bool split_server(const char *url, char **host, char **port)
{
	const char *at = strstr(url, "://"), *end, *colon;

	if (!at)
		return false;
	at += 3;
	end = at + strcspn(at, "/");
	colon = memrchr(at, ':', (size_t)(end - at));
	if (colon && memchr(colon, ']', (size_t)(end - colon)))
		colon = NULL;
	*port = colon ? xstrndup(colon + 1, (size_t)(end - colon - 1)) : xstrdup("443");
	end = colon ? colon : end;
	*host = *at == '[' && end > at + 1 ? xstrndup(at + 1, (size_t)(end - at) - 2)
					   : xstrndup(at, (size_t)(end - at));
	return true;
}

/* The address that packets to the API server leave from; nothing is sent. */
static char *own_address(const struct addrinfo *to)
{
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);
	char text[INET6_ADDRSTRLEN];
	int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool found = fd >= 0 && connect(fd, to->ai_addr, to->ai_addrlen) == 0 &&
		     getsockname(fd, (struct sockaddr *)&own, &len) == 0 &&
		     getnameinfo((struct sockaddr *)&own, len, text, sizeof(text), NULL, 0,
				 NI_NUMERICHOST) == 0;

	if (fd >= 0)
		close(fd);
	return found ? xstrdup(text) : NULL;
}

static int find_address(struct kubelet *k, struct error **err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
	char *host free_ptr = NULL, *port free_ptr = NULL;
	struct addrinfo *found = NULL;

	if (split_server(k->api->description, &host, &port) &&
	    getaddrinfo(host, port, &hints, &found) == 0) {
		k->address = own_address(found);
		freeaddrinfo(found);
	}
	return k->address ? 0
			  : error_set(err, E_UNREACHABLE, "no address towards %s",
				      k->api->description);
}

/* Writes the authority whose certificates clients show. */
static int write_authority(struct kubelet *k, const char *path, struct error **err)
{
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = catalog_builtin();
	struct object *map CLEANUP(object_unref_cleanup) = NULL;
	char *text free_ptr = NULL;

	if (cluster_get(k->api, NULL, catalog_find(catalog, "", "v1", "configmaps"), "kube-system",
			AUTHORITY, &map, err) < 0)
		return -1;
	text = object_string(map, "data.client-ca-file");
	if (!text || !*text)
		return error_set(err, E_UNAVAILABLE, "%s has no client-ca-file", AUTHORITY);
	return file_replace(path, text, strlen(text), err);
}

static int make_folder(struct kubelet *k, struct error **err)
{
	const char *temporary = getenv("TMPDIR");

	k->folder =
		xasprintf("%s/kubefs-kubelet.XXXXXX", temporary && *temporary ? temporary : "/tmp");
	if (mkdtemp(k->folder))
		return 0;
	error_set_errno(err, errno, "%s", k->folder);
	free(steal(&k->folder));
	return -1;
}

static int start(struct kubelet *k, struct error **err)
{
	char *authority free_ptr = NULL, *listen free_ptr = NULL;
	struct serve_options options = {.allow_remote = true};

	if (find_address(k, err) < 0 || make_folder(k, err) < 0)
		return -1;
	authority = xasprintf("%s/client-ca.crt", k->folder);
	if (write_authority(k, authority, err) < 0)
		return -1;
	listen = xasprintf(strchr(k->address, ':') ? "[%s]:0" : "%s:0", k->address);
	options.dir = k->folder;
	options.listen = listen;
	options.client_ca = authority;
	k->serve = serve_start(&k->cluster, &options, err);
	if (!k->serve)
		return -1;
	k->port = atoi(strrchr(serve_address(k->serve), ':') + 1);
	return 0;
}

struct kubelet *kubelet_start(struct cluster *api, struct error **err)
{
	struct kubelet *k = xcalloc(1, sizeof(*k));

	k->cluster = (struct cluster){.ops = &ops, .description = "the nodes' logs"};
	k->api = api;
	return start(k, err) < 0 ? kubelet_stop(k) : k;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

struct kubelet *kubelet_stop(struct kubelet *k)
{
	if (!k)
		return NULL;
	serve_stop(k->serve);
	if (k->folder)
		nftw(k->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(k->folder);
	free(k->address);
	free(k);
	return NULL;
}

void kubelet_set_nodes(struct kubelet *k, struct nodes *nodes)
{
	atomic_store(&k->nodes, nodes);
}

const char *kubelet_address(const struct kubelet *k)
{
	return k->address;
}

int kubelet_port(const struct kubelet *k)
{
	return k->port;
}
