/*
 * Bindings: posted to a pod's subresource or to bindings, they say where the pod runs and are kept
 * nowhere; what is wrong with them is told in kube-apiserver's words.
 */
#include "local_fixture.h"

#include "object/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define ON_NODE "'target':{'kind':'Node','name':'node-1'}}"

static struct local_fixture f;

static int setup(void **state)
{
	(void)state;
	fixture_open(&f, NULL);
	fixture_make(&f, "namespaces", "", "{'metadata':{'name':'n'}}");
	fixture_make(&f, "serviceaccounts", "n", "{'metadata':{'name':'default'}}");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_close(&f);
	return 0;
}

static void make_pod(const char *name, const char *more)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{'metadata':{'name':'%s'},'spec':{%s'containers':[{'name':'c','image':'i'}]}}",
		 name, more);
	fixture_make(&f, "pods", "n", text);
}

/* The answer's kind is a Status, or it is refused. POD NULL: to bindings. */
static int post(const char *pod, const char *text, struct error **err)
{
	const struct resource *r =
		pod ? fixture_type(&f, "pods") : catalog_find(f.catalog, "", "v1", "bindings");
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	char json[512];
	size_t len = 0;

	for (; text[len]; len++)
		json[len] = text[len] == '\'' ? '"' : text[len];
	assert_non_null(r);
	if (cluster_create(f.cluster, NULL, r, "n", pod, pod ? "binding" : NULL, json, len, NULL,
			   &o, err) < 0)
		return -1;
	assert_string_equal(o->kind, "Status");
	return 0;
}

static void assert_refused(const char *pod, const char *text, int status, const char *kind,
			   const char *message)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_int_equal(post(pod, text, &err), -1);
	assert_string_equal(error_message(err), message);
	assert_int_equal(error_http_status(err), status);
	assert_string_equal(err->kind ? err->kind : "", kind);
}

static void assert_node(const char *pod, const char *node)
{
	json_t *after json_auto = fixture_get(&f, "pods", "n", pod);

	assert_text(after, "spec.nodeName", node);
}

static void bindings_bind_the_pod_they_name(void **state)
{
	struct error *err = NULL;

	(void)state;
	assert_refused(NULL, "{'metadata':{'name':'old'}," ON_NODE, 404, "pods",
		       "pods \"old\" not found");
	assert_refused(NULL, "{" ON_NODE, 400, "", "Name parameter required.");
	assert_refused(NULL, "{'metadata':{'name':'old','namespace':'other'}," ON_NODE, 400, "",
		       "the namespace of the provided object does not match the namespace sent on "
		       "the request");
	make_pod("old", "");
	assert_int_equal(post(NULL, "{'metadata':{'name':'old'}," ON_NODE, &err), 0);
	assert_node("old", "node-1");
	assert_refused(NULL, "{'metadata':{'name':'old'}," ON_NODE, 409, "pods/binding",
		       "Operation cannot be fulfilled on pods/binding \"old\": pod old is already "
		       "assigned to node \"node-1\"");
}

static void a_binding_says_where(void **state)
{
	struct error *err = NULL;

	(void)state;
	make_pod("p", "");
	assert_refused("p", "{'metadata':{'name':'q'}," ON_NODE, 400, "",
		       "name in URL does not match name in Binding object");
	assert_refused("p", "{" ON_NODE, 400, "",
		       "name in URL does not match name in Binding object");
	assert_refused("p", "{'metadata':{'name':'p'}}", 500, "", "target.name: Required value");
	assert_refused("p", "{'metadata':{'name':'p'},'target':{'kind':'Pod','name':'x'}}", 500, "",
		       "target.kind: Unsupported value: \"Pod\": supported values: \"Node\", "
		       "\"<empty>\"");
	assert_refused("p", "{'metadata':{'name':'p'},'target':{'kind':'Pod'}}", 500, "",
		       "[target.kind: Unsupported value: \"Pod\": supported values: \"Node\", "
		       "\"<empty>\", target.name: Required value]");
	assert_refused("p", "{'kind':'Pod','metadata':{'name':'p'}," ON_NODE, 400, "",
		       "Pod in version \"v1\" cannot be handled as a Binding: converting (v1.Pod) "
		       "to (core.Binding): unknown conversion");
	assert_node("p", "");
	assert_int_equal(post("p", "{'metadata':{'name':'p'},'target':{'name':'node-2'}}", &err),
			 0);
	assert_node("p", "node-2");
}

static void a_pod_that_cannot_be_bound_says_why(void **state)
{
	struct delete_options opt = {.grace_period_s = -1};
	struct error *err = NULL;
	bool gone = false;

	(void)state;
	make_pod("gated", "'schedulingGates':[{'name':'example.com/wait'}],");
	assert_refused("gated", "{'metadata':{'name':'gated'}," ON_NODE, 409, "pods/binding",
		       "Operation cannot be fulfilled on pods/binding \"gated\": pod gated has "
		       "non-empty .spec.schedulingGates");
	assert_node("gated", "");
	fixture_make(&f, "pods", "n",
		     "{'metadata':{'name':'leaving','finalizers':['example.com/stay']},"
		     "'spec':{'containers':[{'name':'c','image':'i'}]}}");
	assert_int_equal(cluster_delete(f.cluster, NULL, fixture_type(&f, "pods"), "n", "leaving",
					&opt, NULL, &gone, &err),
			 0);
	assert_refused("leaving", "{'metadata':{'name':'leaving'}," ON_NODE, 409, "pods/binding",
		       "Operation cannot be fulfilled on pods/binding \"leaving\": pod leaving is "
		       "being deleted, cannot be assigned to a host");
}

/* Another pod of the name, or a later version of it, is not the one that was meant. */
static void a_binding_may_name_its_pod_exactly(void **state)
{
	static const char *const metadata[] = {"'uid':'u'", "'resourceVersion':'1'"};

	(void)state;
	make_pod("exact", "");
	for (size_t i = 0; i < ARRAY_SIZE(metadata); i++) {
		struct error *err CLEANUP(error_free_cleanup) = NULL;
		char text[256];

		snprintf(text, sizeof(text), "{'metadata':{'name':'exact',%s}," ON_NODE,
			 metadata[i]);
		assert_int_equal(post("exact", text, &err), -1);
		assert_int_equal(error_http_status(err), 409);
		assert_string_equal(err->kind, "pods");
		assert_non_null(strstr(error_message(err), "Precondition failed: "));
	}
	assert_node("exact", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bindings_bind_the_pod_they_name),
		cmocka_unit_test(a_binding_says_where),
		cmocka_unit_test(a_pod_that_cannot_be_bound_says_why),
		cmocka_unit_test(a_binding_may_name_its_pod_exactly),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
