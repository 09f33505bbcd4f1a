#include "base/blocking.h"
#include "base/clock.h"
#include "base/mem.h"
#include "serve/access.h"
#include "serve/auth.h"
#include "base/file.h"
#include "serve/media.h"
#include "serve/pki.h"
#include "serve/pool.h"
#include "serve/server.h"
#include "serve/target.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define NOW (1800000000LL * NS_PER_S)
#define DAY (24LL * 3600 * NS_PER_S)

static const struct {
	const char *path, *group, *version, *namespace, *plural, *name, *subresource;
	bool watch;
} paths[] = {
	{"/api/v1/pods", "", "v1", "", "pods", NULL, NULL},
	{"/api/v1/namespaces", "", "v1", "", "namespaces", NULL, NULL},
	{"/api/v1/namespaces/x", "", "v1", "", "namespaces", "x", NULL},
	{"/api/v1/namespaces/x/status", "", "v1", "", "namespaces", "x", "status"},
	{"/api/v1/namespaces/x/finalize", "", "v1", "", "namespaces", "x", "finalize"},
	{"/api/v1/namespaces/x/pods", "", "v1", "x", "pods", NULL, NULL},
	{"/api/v1/namespaces/x/pods/", "", "v1", "x", "pods", NULL, NULL},
	{"/api/v1/namespaces/x/pods/p/log", "", "v1", "x", "pods", "p", "log"},
	{"/apis/apps/v1/namespaces/x/deployments/d/scale", "apps", "v1", "x", "deployments", "d",
	 "scale"},
	{"/apis/apps/v1", "apps", "v1", "", NULL, NULL, NULL},
	{"/api/v1/nodes/n/proxy/a/b", "", "v1", "", "nodes", "n", "proxy"},
	{"/api/v1/watch/pods", "", "v1", "", "pods", NULL, NULL, true},
	{"/api/v1/watch/namespaces/x", "", "v1", "", "namespaces", "x", NULL, true},
	{"/apis/apps/v1/watch/namespaces/x/deployments/d", "apps", "v1", "x", "deployments", "d",
	 NULL, true},
	{"/apis/example.com/v1/watch", "example.com", "v1", "", "watch", NULL, NULL},
};

static void assert_text(const char *got, const char *want)
{
	if (!want)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

static void paths_name_resources(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct target t CLEANUP(target_release) = {0};

		assert_true(target_parse(paths[i].path, &t));
		assert_text(t.group, paths[i].group);
		assert_text(t.version, paths[i].version);
		assert_text(t.namespace, paths[i].namespace);
		assert_text(t.plural, paths[i].plural);
		assert_text(t.name, paths[i].name);
		assert_text(t.subresource, paths[i].subresource);
		assert_true(t.watch == paths[i].watch);
	}
}

static void other_paths_name_none(void **state)
{
	static const char *const bad[] = {"/", "/api", "/apis", "/apis/apps", "/nothing/v1/pods",
					  ""};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct target t = {0};

		assert_false(target_parse(bad[i], &t));
		assert_null(t.buffer);
	}
}

#define PARTIAL "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
#define TABLE "application/json;as=Table;v=v1;g=meta.k8s.io"

static const struct {
	const char *accept;
	unsigned offered;
	int as; /* -1: refused */
	bool yaml;
} accepts[] = {
	{NULL, 0, MEDIA_AS_OBJECT, false},
	{"", 0, MEDIA_AS_OBJECT, false},
	{"*/*", 0, MEDIA_AS_OBJECT, false},
	{"application/yaml", 0, MEDIA_AS_OBJECT, true},
	{"text/html", 0, -1, false},
	{"application/vnd.kubernetes.protobuf", 0, -1, false},
	{"application/vnd.kubernetes.protobuf,application/json", 0, MEDIA_AS_OBJECT, false},
	{"application/json;q=0.5, text/html", 0, MEDIA_AS_OBJECT, false},
	{"application/json;q=0.5, application/yaml", 0, MEDIA_AS_OBJECT, true},
	{"application/json;q=0", 0, -1, false},
	{TABLE ",application/json", MEDIA_AS_TABLE, MEDIA_AS_TABLE, false},
	{TABLE ",application/json", 0, MEDIA_AS_OBJECT, false},
	{TABLE, 0, -1, false},
	{PARTIAL, MEDIA_AS_TABLE | MEDIA_AS_PARTIAL, MEDIA_AS_PARTIAL, false},
	{"application/json;as=Table;v=v9;g=meta.k8s.io", MEDIA_AS_TABLE, -1, false},
	{"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", MEDIA_AS_DISCOVERY,
	 MEDIA_AS_DISCOVERY, false},
	{";;;=,;as=;,", 0, -1, false},
};

static const struct {
	enum method method;
	const char *path, *query; /* one parameter "name=value", or NULL */
	const char *verb, *group, *namespace, *resource, *name, *subresource;
} wants[] = {
	{METHOD_GET, "/api/v1/pods", NULL, "list", "", "", "pods", "", ""},
	{METHOD_GET, "/api/v1/pods/", NULL, "list", "", "", "pods", "", ""},
	{METHOD_GET, "/api/v1/pods", "watch=true", "watch", "", "", "pods", "", ""},
	{METHOD_GET, "/api/v1/pods", "watch=false", "list", "", "", "pods", "", ""},
	{METHOD_GET, "/api/v1/watch/pods", NULL, "watch", "", "", "pods", "", ""},
	{METHOD_GET, "/api/v1/pods", "fieldSelector=metadata.name=a", "list", "", "", "pods", "a",
	 ""},
	{METHOD_GET, "/api/v1/pods", "fieldSelector=metadata.name!=a", "list", "", "", "pods", "",
	 ""},
	{METHOD_GET, "/api/v1/pods", "fieldSelector=metadata.name=a/b", "list", "", "", "pods", "",
	 ""},
	{METHOD_GET, "/api/v1/namespaces/x/pods/p", "watch=1", "get", "", "x", "pods", "p", ""},
	{METHOD_HEAD, "/api/v1/namespaces/x/pods/p", NULL, "get", "", "x", "pods", "p", ""},
	{METHOD_GET, "/api/v1/namespaces/x/pods/p/log", NULL, "get", "", "x", "pods", "p", "log"},
	{METHOD_GET, "/api/v1/namespaces/x/services/s/proxy/a/b", NULL, "get", "", "x", "services",
	 "s", "proxy"},
	{METHOD_POST, "/api/v1/namespaces/x/pods", NULL, "create", "", "x", "pods", "", ""},
	{METHOD_POST, "/api/v1/namespaces/x/pods/p/eviction", NULL, "create", "", "x", "pods", "p",
	 "eviction"},
	{METHOD_PUT, "/apis/apps/v1/namespaces/x/deployments/d/scale", NULL, "update", "apps", "x",
	 "deployments", "d", "scale"},
	{METHOD_PATCH, "/api/v1/nodes/n", NULL, "patch", "", "", "nodes", "n", ""},
	{METHOD_DELETE, "/api/v1/nodes/n", NULL, "delete", "", "", "nodes", "n", ""},
	{METHOD_DELETE, "/api/v1/nodes", NULL, "deletecollection", "", "", "nodes", "", ""},
	{METHOD_OPTIONS, "/api/v1/nodes", NULL, "", "", "", "nodes", "", ""},
	/* A namespace is in itself. */
	{METHOD_GET, "/api/v1/namespaces", NULL, "list", "", "", "namespaces", "", ""},
	{METHOD_GET, "/api/v1/namespaces/x", NULL, "get", "", "x", "namespaces", "x", ""},
	{METHOD_PUT, "/api/v1/namespaces/x/finalize", NULL, "update", "", "x", "namespaces", "x",
	 "finalize"},
	{METHOD_GET, "/api/v1/namespaces/x/status", NULL, "get", "", "x", "namespaces", "x",
	 "status"},
	{METHOD_GET, "/apis/no.such/v9/things/t", NULL, "get", "no.such", "", "things", "t", ""},
	/* Paths. */
	{METHOD_GET, "/", NULL, "get", NULL, NULL, NULL, NULL, NULL},
	{METHOD_POST, "/version", NULL, "post", NULL, NULL, NULL, NULL, NULL},
	{METHOD_HEAD, "/metrics", NULL, "head", NULL, NULL, NULL, NULL, NULL},
	{METHOD_GET, "/api", NULL, "get", NULL, NULL, NULL, NULL, NULL},
	{METHOD_GET, "/api/v1", NULL, "get", NULL, NULL, NULL, NULL, NULL},
	{METHOD_GET, "/apis/apps/v1/", NULL, "get", NULL, NULL, NULL, NULL, NULL},
	{METHOD_GET, "/openapi/v3/api/v1", NULL, "get", NULL, NULL, NULL, NULL, NULL},
};

static void paths_and_methods_say_what_is_wanted(void **state)
{
	struct server server = {.clock = clock_system()};

	for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
		struct request *r =
			request_new(&server, wants[i].method, wants[i].path, strlen(wants[i].path));
		struct attributes a CLEANUP(attributes_release);

		if (wants[i].query) {
			const char *equals = strchr(wants[i].query, '=');

			vec_push(&r->query,
				 (struct parameter){xstrndup(wants[i].query,
							     (size_t)(equals - wants[i].query)),
						    xstrdup(equals + 1)});
		}
		attributes_read(r, &a);
		assert_string_equal(a.access.verb, wants[i].verb);
		assert_true(str_equal(a.access.group, wants[i].group));
		assert_true(str_equal(a.access.namespace, wants[i].namespace));
		assert_true(str_equal(a.access.resource, wants[i].resource));
		assert_true(str_equal(a.access.name, wants[i].name));
		assert_true(str_equal(a.access.subresource, wants[i].subresource));
		if (!wants[i].resource)
			assert_string_equal(a.access.path, wants[i].path);
		request_unref(r);
	}
}

static void refusals_say_what_was_wanted(void **state)
{
	static const struct user jane = {.name = "<jane>"};
	static const struct {
		struct access access;
		const char *reason, *message;
	} rows[] = {
		{{&jane, "list", "", "v1", "pods", "", "x", "", NULL},
		 "",
		 "pods is forbidden: User \"&lt;jane&gt;\" cannot list resource \"pods\" in API "
		 "group \"\" in the namespace \"x\""},
		{{&jane, "get", "a.b", "v1", "cs", "status", "", "n", NULL},
		 "RBAC: why",
		 "cs.a.b \"n\" is forbidden: User \"&lt;jane&gt;\" cannot get resource "
		 "\"cs/status\" in API group \"a.b\" at the cluster scope: RBAC: why"},
		{{.user = &jane, .verb = "get", .path = "/x"},
		 "",
		 "forbidden: User \"&lt;jane&gt;\" cannot get path \"/x\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;

		assert_int_equal(access_forbidden(&rows[i].access, rows[i].reason, &err), -1);
		assert_int_equal(error_http_status(err), 403);
		assert_string_equal(error_message(err), rows[i].message);
	}
}

static void accept_header_picks_the_form(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(accepts); i++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		struct media m;
		int result = media_negotiate(accepts[i].accept, accepts[i].offered, true, &m, &err);

		if (accepts[i].as < 0) {
			assert_int_equal(result, -1);
			assert_int_equal(error_http_status(err), 406);
			continue;
		}
		assert_int_equal(result, 0);
		assert_int_equal(m.as, accepts[i].as);
		assert_int_equal(m.yaml, accepts[i].yaml);
	}
}

static void bodies_are_json_or_yaml(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	enum body_form form;

	assert_int_equal(media_body(NULL, &form, NULL), 0);
	assert_int_equal(form, BODY_JSON);
	assert_int_equal(media_body("application/json; charset=utf-8", &form, NULL), 0);
	assert_int_equal(media_body("application/yaml", &form, NULL), 0);
	assert_int_equal(form, BODY_YAML);
	assert_int_equal(media_body("application/vnd.kubernetes.protobuf", &form, NULL), 0);
	assert_int_equal(form, BODY_PROTOBUF);
	assert_int_equal(media_body("text/plain", &form, &err), -1);
	assert_int_equal(error_http_status(err), 415);
	assert_true(media_accepts_gzip("deflate, gzip;q=0.5"));
	assert_false(media_accepts_gzip("gzip;q=0"));
	assert_false(media_accepts_gzip(NULL));
}

static char *make_dir(void)
{
	char *dir = xstrdup("/tmp/kubefs-serve-XXXXXX");

	assert_non_null(mkdtemp(dir));
	return dir;
}

static void remove_dir(char *dir)
{
	char *command = xasprintf("rm -r %s", dir);

	assert_int_equal(system(command), 0);
	free(command);
	free(dir);
}

static void a_header_holds_a_token(void **state)
{
	assert_null(auth_bearer(NULL));
	assert_null(auth_bearer("Basic s3cret"));
	assert_null(auth_bearer("Bearer "));
	assert_string_equal(auth_bearer("Bearer s3cret"), "s3cret");
	assert_string_equal(auth_bearer("bearer  s3cret"), "s3cret");
}

static X509 *read_certificate(const char *path)
{
	FILE *f = fopen(path, "r");
	X509 *cert;

	assert_non_null(f);
	cert = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	assert_non_null(cert);
	return cert;
}

/* The identity of a certificate with that subject: "CN=a/O=b". */
static struct identity *identity_of(const char *subject)
{
	X509 *cert = X509_new();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char *copy = xstrdup(subject), *rest = copy, *part;
	struct identity *id;
	ASN1_OBJECT *object;

	while ((part = strsep(&rest, "/"))) {
		char *value = strchr(part, '=');

		*value++ = '\0';
		object = OBJ_txt2obj(part, 0);
		X509_NAME_add_entry_by_OBJ(X509_get_subject_name(cert), object, MBSTRING_UTF8,
					   (unsigned char *)value, -1, -1, 0);
		ASN1_OBJECT_free(object);
	}
	X509_set_pubkey(cert, key);
	X509_sign(cert, key, EVP_sha256());
	id = auth_certificate(cert);
	X509_free(cert);
	EVP_PKEY_free(key);
	free(copy);
	return id;
}

static void a_certificate_names_its_user(void **state)
{
	struct identity *id = identity_of("CN=first/O=b/CN=last/O=a/O=b/1.3.6.1.4.1.57683.2=u-1");

	assert_string_equal(id->user.name, "last");
	assert_string_equal(id->user.uid, "u-1");
	assert_string_equal(id->user.groups[0], "b");
	assert_string_equal(id->user.groups[1], "a");
	assert_string_equal(id->user.groups[2], "system:authenticated");
	assert_null(id->user.groups[3]);
	identity_unref(id);
	assert_null(identity_of("O=system:masters"));
	assert_null(identity_of("CN=a/1.3.6.1.4.1.57683.2=x/1.3.6.1.4.1.57683.2=y"));
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void first_start_makes_certificates(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct pki p CLEANUP(pki_release) = {0};
	struct identity *id;
	char *dir = make_dir(), *kubeconfig = xasprintf("%s/kubeconfig", dir);
	X509 *ca, *server, *admin;

	assert_int_equal(pki_ensure(dir, "192.0.2.7", NOW, &p, &err), 0);
	assert_int_equal(mode_of(p.server_key), 0600);
	assert_int_equal(mode_of(p.admin_key), 0600);
	ca = read_certificate(p.ca_cert);
	server = read_certificate(p.server_cert);
	admin = read_certificate(p.admin_cert);
	assert_int_equal(X509_verify(server, X509_get0_pubkey(ca)), 1);
	assert_int_equal(X509_verify(admin, X509_get0_pubkey(ca)), 1);
	assert_int_equal(X509_check_host(server, "kubernetes.default.svc", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(server, "example.com", 0, 0, NULL), 0);
	assert_int_equal(X509_check_ip_asc(server, "10.96.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(server, "::1", 0), 1);
	assert_int_equal(X509_check_ip_asc(server, "192.0.2.7", 0), 1);
	id = auth_certificate(admin);
	assert_string_equal(id->user.name, "system:admin");
	assert_string_equal(id->user.groups[0], "system:masters");
	assert_string_equal(id->user.groups[1], "system:authenticated");
	assert_string_equal(id->user.extra[0].key, "authentication.kubernetes.io/credential-id");
	assert_true(str_has_prefix(id->user.extra[0].values[0], "X509SHA256="));
	identity_unref(id);
	assert_int_equal(pki_write_kubeconfig(dir, &p, "https://192.0.2.7:1", &err), 0);
	assert_int_equal(mode_of(kubeconfig), 0600);
	X509_free(ca);
	X509_free(server);
	X509_free(admin);
	free(kubeconfig);
	remove_dir(dir);
}

static char *slurp(const char *path)
{
	struct str text = STR_INIT;

	assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
	return str_take(&text);
}

/* What differs between two starts: "ca", "server", "admin". */
static void start_again(const char *dir, const char *host, int64_t now, bool ca, bool server,
			bool admin)
{
	static const char *const names[] = {"ca", "server", "admin"};
	const bool changes[] = {ca, server, admin};
	char *before[3];
	struct pki p CLEANUP(pki_release) = {0};

	for (size_t i = 0; i < 3; i++) {
		char *path = xasprintf("%s/pki/%s.crt", dir, names[i]);

		before[i] = slurp(path);
		free(path);
	}
	assert_int_equal(pki_ensure(dir, host, now, &p, NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		char *path = xasprintf("%s/pki/%s.crt", dir, names[i]);
		char *after = slurp(path);

		assert_int_equal(strcmp(before[i], after) != 0, changes[i]);
		free(path);
		free(after);
		free(before[i]);
	}
}

static void later_starts_renew_what_must_be(void **state)
{
	struct pki p CLEANUP(pki_release) = {0};
	char *dir = make_dir(), *path = xasprintf("%s/pki/admin.key", dir);

	assert_int_equal(pki_ensure(dir, "127.0.0.1", NOW, &p, NULL), 0);
	start_again(dir, "127.0.0.1", NOW + DAY, false, false, false);
	start_again(dir, "192.0.2.9", NOW + DAY, false, true, false);
	start_again(dir, "127.0.0.1", NOW + 300 * DAY, false, false, false);
	start_again(dir, "127.0.0.1", NOW + 340 * DAY, false, true, true);
	start_again(dir, "127.0.0.1", NOW + 3640 * DAY, true, true, true);
	assert_int_equal(file_replace(path, "damaged", 7, NULL), 0);
	start_again(dir, "127.0.0.1", NOW + 3640 * DAY, false, false, true);
	free(path);
	remove_dir(dir);
}

static void count(void *arg)
{
	atomic_fetch_add((_Atomic int *)arg, 1);
}

static void pool_runs_everything(void **state)
{
	struct serve_pool *p = serve_pool_new(8);
	_Atomic int ran = 0;

	for (int i = 0; i < 10000; i++)
		serve_pool_submit(p, count, &ran);
	serve_pool_free(p);
	assert_int_equal(ran, 10000);
	serve_pool_free(NULL);
}

struct meeting {
	struct serve_pool *pool;
	pthread_mutex_t lock;
	pthread_cond_t more;
	unsigned waiting, refused;
	bool over;
};

/* Waits as for a client that does not read. */
static void wait_for_end(void *arg)
{
	struct meeting *m = arg;
	bool may = serve_pool_begin_wait(m->pool);

	pthread_mutex_lock(&m->lock);
	m->waiting += may;
	m->refused += !may;
	pthread_cond_broadcast(&m->more);
	while (may && !m->over)
		pthread_cond_wait(&m->more, &m->lock);
	pthread_mutex_unlock(&m->lock);
	if (may)
		serve_pool_end_wait(m->pool);
}

/* Who waits leaves its place to others; at some number of them that is over. */
static void pool_works_beside_those_that_wait(void **state)
{
	struct meeting m = {.pool = serve_pool_new(2)};
	_Atomic int ran = 0;

	pthread_mutex_init(&m.lock, NULL);
	pthread_cond_init(&m.more, NULL);
	for (int i = 0; i < 20; i++)
		serve_pool_submit(m.pool, wait_for_end, &m);
	serve_pool_submit(m.pool, count, &ran);
	pthread_mutex_lock(&m.lock);
	while (m.waiting + m.refused < 20)
		pthread_cond_wait(&m.more, &m.lock);
	assert_int_equal(m.waiting, 6);
	m.over = true;
	pthread_cond_broadcast(&m.more);
	pthread_mutex_unlock(&m.lock);
	serve_pool_free(m.pool);
	assert_int_equal(ran, 1);
	pthread_mutex_destroy(&m.lock);
	pthread_cond_destroy(&m.more);
}

#define MEETING 16

/* More than work at a time: they meet, or this never ends. */
static void meet(void *arg)
{
	blocking_begin();
	blocking_begin();
	pthread_barrier_wait(arg);
	blocking_end();
	blocking_end();
}

static void pool_counts_no_job_that_waits(void **state)
{
	struct serve_pool *p = serve_pool_new(MEETING);
	pthread_barrier_t all;

	(void)state;
	pthread_barrier_init(&all, NULL, MEETING + 1);
	for (size_t round = 0; round < 20; round++) {
		for (size_t k = 0; k < MEETING; k++)
			serve_pool_submit(p, meet, &all);
		pthread_barrier_wait(&all);
	}
	serve_pool_free(p);
	pthread_barrier_destroy(&all);
}

struct gathering {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned here;
};

/* A wait for a time, or for another server, is one as well. */
static void gather(void *arg)
{
	struct gathering *g = arg;

	pthread_mutex_lock(&g->lock);
	g->here++;
	pthread_cond_broadcast(&g->changed);
	while (g->here < MEETING)
		clock_wait(clock_system(), &g->changed, &g->lock, CLOCK_NEVER);
	pthread_mutex_unlock(&g->lock);
}

static void pool_counts_no_job_that_waits_by_the_clock(void **state)
{
	struct gathering g = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct serve_pool *p = serve_pool_new(MEETING);

	(void)state;
	clock_cond_init(&g.changed);
	for (size_t k = 0; k < MEETING; k++)
		serve_pool_submit(p, gather, &g);
	pthread_mutex_lock(&g.lock);
	while (g.here < MEETING)
		clock_wait(clock_system(), &g.changed, &g.lock, CLOCK_NEVER);
	pthread_mutex_unlock(&g.lock);
	serve_pool_free(p);
	pthread_cond_destroy(&g.changed);
}

struct crowd {
	_Atomic unsigned now, most, done;
};

static void join_crowd(void *arg)
{
	struct crowd *c = arg;
	unsigned now = atomic_fetch_add(&c->now, 1) + 1, most = atomic_load(&c->most);

	while (now > most && !atomic_compare_exchange_weak(&c->most, &most, now))
		;
	for (size_t k = 0; k < 10; k++)
		sched_yield();
	atomic_fetch_sub(&c->now, 1);
	atomic_fetch_add(&c->done, 1);
}

static void pool_works_by_the_processors(void **state)
{
	unsigned bound = MAX(4u, 2u * (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
	struct serve_pool *p = serve_pool_new(4 * bound);
	struct crowd crowd = {0};

	(void)state;
	for (size_t k = 0; k < 2000; k++)
		serve_pool_submit(p, join_crowd, &crowd);
	/* A pool that ends lets everybody work. */
	while (atomic_load(&crowd.done) < 2000)
		sched_yield();
	assert_in_range(atomic_load(&crowd.most), 1, bound);
	serve_pool_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_name_resources),
		cmocka_unit_test(other_paths_name_none),
		cmocka_unit_test(paths_and_methods_say_what_is_wanted),
		cmocka_unit_test(refusals_say_what_was_wanted),
		cmocka_unit_test(accept_header_picks_the_form),
		cmocka_unit_test(bodies_are_json_or_yaml),
		cmocka_unit_test(a_header_holds_a_token),
		cmocka_unit_test(a_certificate_names_its_user),
		cmocka_unit_test(first_start_makes_certificates),
		cmocka_unit_test(later_starts_renew_what_must_be),
		cmocka_unit_test(pool_runs_everything),
		cmocka_unit_test(pool_works_beside_those_that_wait),
		cmocka_unit_test(pool_counts_no_job_that_waits),
		cmocka_unit_test(pool_counts_no_job_that_waits_by_the_clock),
		cmocka_unit_test(pool_works_by_the_processors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
