#include "hook_fixture.h"

#include "base/file.h"
#include "base/str.h"
#include "object/base64.h"
#include "object/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static char *read_text(const struct hook_fixture *f, const char *name)
{
	char *path free_ptr = xasprintf("%s/%s", f->server.directory, name);
	struct str text CLEANUP(str_release) = STR_INIT;

	assert_int_equal(file_read(path, 8192, &text, NULL), 0);
	return str_take(&text);
}

static char *read_ca(const struct hook_fixture *f, const char *name)
{
	char *pem free_ptr = read_text(f, name);
	struct str text CLEANUP(str_release) = STR_INIT;

	base64_encode(pem, strlen(pem), &text);
	return str_take(&text);
}

int hooks_start(void **state)
{
	struct hook_fixture *f = xcalloc(1, sizeof(*f));
	char *port free_ptr = NULL, *ca free_ptr = NULL, *url free_ptr = NULL;

	object_init();
	*state = f;
	if (!server_start(&f->server, "hook_server.py"))
		return -1;
	port = read_text(f, "port");
	ca = read_text(f, "ca.crt");
	f->port = atoi(port);
	f->ca = read_ca(f, "ca.crt");
	f->other_ca = read_ca(f, "other.crt");
	url = xasprintf("https://127.0.0.1:%d", f->port);
	f->http = http_new(&(struct http_config){.url = url, .ca = ca}, NULL);
	return f->http ? 0 : -1;
}

int hooks_stop(void **state)
{
	struct hook_fixture *f = *state;

	http_free(f->http);
	server_stop(&f->server);
	free(f->ca);
	free(f->other_ca);
	free(f);
	return 0;
}

int hooks_open(void **state)
{
	struct hook_fixture *f = *state;

	f->clock = clock_fake_new(1700000000 * NS_PER_S);
	fixture_open(&f->local,
		     &(struct cluster_config){.clock = f->clock, .store_size = 64u << 20});
	json_decref(hook_questions(f));
	return 0;
}

int hooks_close(void **state)
{
	struct hook_fixture *f = *state;

	fixture_close(&f->local);
	clock_fake_free(f->clock);
	return 0;
}

char *hook_config(const struct hook_fixture *f, const char *path)
{
	return xasprintf("{'url':'https://127.0.0.1:%d/%s','caBundle':'%s'}", f->port, path, f->ca);
}

json_t *hook_server_get(struct hook_fixture *f, const char *what)
{
	struct http_response r CLEANUP(http_response_release) = HTTP_RESPONSE_INIT;
	char *path free_ptr = xasprintf("/%s", what);
	struct error *err = NULL;

	if (http_do(f->http, NULL, &(struct http_request){.method = "GET", .path = path}, &r,
		    &err) < 0)
		fail_msg("%s", error_message(err));
	return json_read(r.body.s, r.body.len, NULL);
}

json_t *hook_questions(struct hook_fixture *f)
{
	json_t *log json_auto = hook_server_get(f, "log");

	return json_incref(json_object_get(log, "questions"));
}

#define VERSION(name, stored, spec)                                                           \
	"{'name':'" name "','served':true,'storage':" stored ",'schema':{'openAPIV3Schema':{" \
	"'type':'object','properties':{'spec':{'type':'object','properties':{" spec "}}}}},"  \
	"'subresources':{'scale':{'specReplicasPath':'.spec.replicas',"                       \
	"'statusReplicasPath':'.status.replicas'}}}"
#define REPLICAS "'replicas':{'type':'integer'}"
#define V1 VERSION("v1", "false", "'size':{'type':'integer'}," REPLICAS)
#define V2                                                                               \
	VERSION("v2", "true",                                                            \
		"'dimension':{'type':'object','properties':{'size':{'type':'integer'}}}" \
		"," REPLICAS)

void hook_types(struct hook_fixture *f)
{
	catalog_unref(f->local.catalog);
	f->local.catalog = cluster_catalog(f->local.cluster, NULL, NULL);
}

void hook_widgets(struct hook_fixture *f, const char *path)
{
	char *config free_ptr = hook_config(f, path);
	char *conversion free_ptr =
		xasprintf("'conversion':{'strategy':'Webhook','webhook':{"
			  "'conversionReviewVersions':['v1'],'clientConfig':%s}}}}",
			  config);
	struct str text CLEANUP(str_release) = STR_INIT;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *changed json_auto = NULL;

	if (!catalog_find(f->local.catalog, "example.com", "v2", "widgets")) {
		str_adds(&text, "{'apiVersion':'apiextensions.k8s.io/v1',"
				"'kind':'CustomResourceDefinition',"
				"'metadata':{'name':'widgets.example.com'},'spec':{"
				"'group':'example.com','scope':'Namespaced','names':{"
				"'plural':'widgets','kind':'Widget'},"
				"'versions':[" V1 "," V2 "],");
		str_adds(&text, conversion);
		fixture_make(&f->local, "crd", "", text.s);
	} else {
		str_adds(&text, "{'spec':{");
		str_adds(&text, conversion);
		changed = fixture_patch(&f->local, "crd", "", "widgets.example.com", NULL, text.s,
					&err);
		if (!changed)
			fail_msg("%s", error_message(err));
	}
	hook_types(f);
}
