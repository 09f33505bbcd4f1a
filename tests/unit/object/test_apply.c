#include "object/apply.h"
#include "object/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define CONFIG_MAP "io.k8s.api.core.v1.ConfigMap"
#define DEPLOYMENT "io.k8s.api.apps.v1.Deployment"
#define SERVICE "io.k8s.api.core.v1.Service"

/* Written with ' for ". */
static json_t *json(const char *text)
{
	char *copy free_ptr = xstrdup(text);
	json_error_t e;
	json_t *j;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	j = json_loads(copy, JSON_DECODE_ANY, &e);
	if (!j)
		fail_msg("%s: %s", text, e.text);
	return j;
}

/* Consumes GOT. */
static void assert_json(json_t *got, const char *want)
{
	json_auto json_t *w = json(want);
	char *text free_ptr = json_to_text(got, JSON_COMPACT);

	if (!json_equal(got, w))
		fail_msg("got %s\nwant %s", text ? text : "nothing", want);
	json_decref(got);
}

/* One object and what happens to it, the clock a minute a step. */
struct scene {
	const struct schema_type *type;
	const char *api_version;
	json_t *live;
	int minute;
	struct error *err;
};

static struct scene scene_new(const char *type)
{
	struct scene s = {.type = schema_type_find(type)};

	s.api_version = *s.type->group ? "apps/v1" : "v1";
	return s;
}

static void scene_end(struct scene *s)
{
	json_decref(s->live);
	error_clear(&s->err);
}

static struct apply_options options(struct scene *s, const char *manager, char *now)
{
	snprintf(now, 32, "2026-11-23T20:%02d:00Z", s->minute++);
	return (struct apply_options){
		.manager = manager, .api_version = s->api_version, .subresource = "", .now = now};
}

/* False on failure, which is in s->err. */
static bool apply(struct scene *s, const char *manager, bool force, const char *config)
{
	json_auto json_t *c = json(config);
	char now[32];
	struct apply_options opt = options(s, manager, now);
	json_t *result;

	opt.force = force;
	error_clear(&s->err);
	result = apply_patch(s->live, c, s->type, &opt, &s->err);
	if (!result)
		return false;
	json_decref(s->live);
	s->live = result;
	return true;
}

static void update(struct scene *s, const char *manager, const char *after)
{
	json_t *a = json(after);
	char now[32];
	struct apply_options opt = options(s, manager, now);

	assert_int_equal(apply_track_update(s->live, a, s->type, &opt, NULL), 0);
	json_decref(s->live);
	s->live = a;
}

/* {"manager Operation": fields}, in a map, to compare. */
static json_t *owners(const struct scene *s)
{
	json_t *out = json_object(), *entry;
	size_t i;

	json_array_foreach (json_path(s->live, "metadata.managedFields"), i, entry) {
		char *key free_ptr = xasprintf("%s %s", json_path_string(entry, "manager"),
					       json_path_string(entry, "operation"));

		json_object_set(out, key, json_object_get(entry, "fieldsV1"));
	}
	return out;
}

static void a_first_apply_owns_its_fields(void **state)
{
	struct scene s CLEANUP(scene_end) = scene_new(CONFIG_MAP);

	assert_true(apply(&s, "one", false,
			  "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'c',"
			  "'labels':{'x':'y'}},'data':{'a':'1'}}"));
	assert_json(json_incref(json_path(s.live, "metadata.managedFields")),
		    "[{'manager':'one','operation':'Apply','apiVersion':'v1',"
		    "'time':'2026-11-23T20:00:00Z','fieldsType':'FieldsV1','fieldsV1':"
		    "{'f:metadata':{'f:labels':{'f:x':{}}},'f:data':{'f:a':{}}}}]");
	/* The same again changes nothing, not even the time. */
	assert_true(apply(&s, "one", false,
			  "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'c',"
			  "'labels':{'x':'y'}},'data':{'a':'1'}}"));
	assert_string_equal(json_path_string(s.live, "metadata.managedFields[0].time"),
			    "2026-11-23T20:00:00Z");
}

static void what_is_left_out_goes(void **state)
{
	struct scene s CLEANUP(scene_end) = scene_new(CONFIG_MAP);

	assert_true(apply(&s, "one", false, "{'data':{'a':'1','b':'2'}}"));
	assert_true(apply(&s, "two", false, "{'data':{'b':'2','c':'3'}}"));
	assert_true(apply(&s, "one", false, "{'data':{'a':'9'}}"));
	/* b stays: two owns it as well. */
	assert_json(json_incref(json_path(s.live, "data")), "{'a':'9','b':'2','c':'3'}");
	assert_json(owners(&s), "{'one Apply':{'f:data':{'f:a':{}}},"
				"'two Apply':{'f:data':{'f:b':{},'f:c':{}}}}");
	assert_true(apply(&s, "two", false, "{}"));
	assert_json(json_incref(json_path(s.live, "data")), "{'a':'9'}");
	/* Nothing owned any more: no managers, no empty map. */
	assert_true(apply(&s, "one", false, "{'metadata':{'name':'c'}}"));
	assert_json(json_incref(s.live), "{'metadata':{'name':'c'}}");
}

static void a_change_of_anothers_field_is_a_conflict(void **state)
{
	struct scene s CLEANUP(scene_end) = scene_new(CONFIG_MAP);

	update(&s, "golden", "{'metadata':{'name':'c'},'data':{'a':'1','b':'1'}}");
	assert_json(owners(&s), "{'golden Update':{'f:data':{'.':{},'f:a':{},'f:b':{}}}}");
	assert_false(apply(&s, "one", false, "{'data':{'a':'2'}}"));
	assert_int_equal(error_code(s.err), E_CONFLICT);
	assert_string_equal(error_message(s.err), "Apply failed with 1 conflict: conflict with "
						  "\"golden\" using v1: .data.a");
	assert_int_equal(s.err->n_causes, 1);
	assert_string_equal(s.err->causes[0].reason, "FieldManagerConflict");
	assert_string_equal(s.err->causes[0].message, "conflict with \"golden\" using v1");
	assert_string_equal(s.err->causes[0].field, ".data.a");
	/* The same value is shared. */
	assert_true(apply(&s, "one", false, "{'data':{'a':'1'}}"));
	assert_json(owners(&s), "{'golden Update':{'f:data':{'.':{},'f:a':{},'f:b':{}}},"
				"'one Apply':{'f:data':{'f:a':{}}}}");
	/* Force takes the field over. */
	assert_true(apply(&s, "one", true, "{'data':{'a':'2'}}"));
	assert_json(owners(&s), "{'golden Update':{'f:data':{'.':{},'f:b':{}}},"
				"'one Apply':{'f:data':{'f:a':{}}}}");
	/* An update takes it back. */
	update(&s, "golden", "{'metadata':{'name':'c'},'data':{'a':'5','b':'1'}}");
	assert_json(owners(&s), "{'golden Update':{'f:data':{'.':{},'f:a':{},'f:b':{}}}}");
}

#define WEB(replicas, image)                                                                     \
	"{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'name':'d'},'spec':{"           \
	"'selector':{'matchLabels':{'app':'a'}},'replicas':" replicas ",'template':{'metadata':" \
	"{'labels':{'app':'a'}},'spec':{'containers':[{'name':'c','image':'" image "'}]}}}}"

static void conflicts_are_listed_by_manager(void **state)
{
	struct scene s CLEANUP(scene_end) = scene_new(DEPLOYMENT);

	assert_true(apply(&s, "one", false, WEB("3", "nginx")));
	assert_json(owners(&s),
		    "{'one Apply':{'f:spec':{'f:selector':{},'f:replicas':{},'f:template':{"
		    "'f:metadata':{'f:labels':{'f:app':{}}},'f:spec':{'f:containers':{"
		    "'k:{\\'name\\':\\'c\\'}':{'.':{},'f:name':{},'f:image':{}}}}}}}}");
	assert_false(apply(&s, "two", false, WEB("2", "other")));
	assert_string_equal(error_message(s.err),
			    "Apply failed with 2 conflicts: conflicts with \"one\":\n"
			    "- .spec.replicas\n"
			    "- .spec.template.spec.containers[name=\"c\"].image");
}

static void list_elements_are_told_apart_by_their_keys(void **state)
{
	struct scene s CLEANUP(scene_end) = scene_new(SERVICE);

	assert_true(apply(&s, "one", false,
			  "{'spec':{'ports':[{'port':80,'name':'a'},"
			  "{'port':53,'protocol':'UDP','name':'b'}]}}"));
	assert_json(owners(&s),
		    "{'one Apply':{'f:spec':{'f:ports':{"
		    "'k:{\\'port\\':80,\\'protocol\\':\\'TCP\\'}':{'.':{},'f:name':{},'f:port':{}},"
		    "'k:{\\'port\\':53,\\'protocol\\':\\'UDP\\'}':"
		    "{'.':{},'f:name':{},'f:port':{},'f:protocol':{}}}}}}");
	assert_true(apply(&s, "two", false, "{'spec':{'ports':[{'port':443}]}}"));
	assert_json(
		json_incref(json_path(s.live, "spec.ports")),
		"[{'port':80,'name':'a'},{'port':53,'protocol':'UDP','name':'b'},{'port':443}]");
	assert_true(apply(&s, "one", false, "{'spec':{'ports':[{'port':80,'name':'a'}]}}"));
	assert_json(json_incref(json_path(s.live, "spec.ports")),
		    "[{'port':80,'name':'a'},{'port':443}]");
	assert_false(apply(&s, "one", false,
			   "{'apiVersion':'v1','kind':'Service','metadata':{'name':'s'},"
			   "'spec':{'ports':[{'port':80},{'port':80,'name':'c'}]}}"));
	assert_string_equal(error_message(s.err),
			    "failed to create typed patch object (/s; /v1, Kind=Service): "
			    ".spec.ports: duplicate entries for key [port=80,protocol=\"TCP\"]");
}

static void sets_and_atomic_values(void **state)
{
	struct scene s CLEANUP(scene_end) = scene_new(SERVICE);

	assert_true(apply(&s, "one", false,
			  "{'metadata':{'finalizers':['x/1']},'spec':{'selector':{'a':'b'}}}"));
	assert_json(owners(&s), "{'one Apply':{'f:metadata':{'f:finalizers':{'v:\\'x/1\\'':{}}},"
				"'f:spec':{'f:selector':{}}}}");
	assert_true(apply(&s, "two", false, "{'metadata':{'finalizers':['x/2']}}"));
	assert_json(json_incref(json_path(s.live, "metadata.finalizers")), "['x/1','x/2']");
	/* The selector is one value: another key of it is a conflict. */
	assert_false(apply(&s, "two", false, "{'spec':{'selector':{'c':'d'}}}"));
	assert_string_equal(error_message(s.err),
			    "Apply failed with 1 conflict: conflict with \"one\": .spec.selector");
	assert_true(apply(&s, "one", false, "{'spec':{'selector':{'c':'d'}}}"));
	assert_json(json_incref(json_path(s.live, "spec.selector")), "{'c':'d'}");
	assert_json(json_incref(json_path(s.live, "metadata.finalizers")), "['x/2']");
}

static void an_object_without_managers_belongs_to_the_time_before(void **state)
{
	struct scene s CLEANUP(scene_end) = scene_new(CONFIG_MAP);

	s.live = json("{'metadata':{'name':'c'},'data':{'a':'1','b':'1'}}");
	assert_false(apply(&s, "one", false, "{'data':{'a':'2'}}"));
	assert_string_equal(error_message(s.err), "Apply failed with 1 conflict: conflict with "
						  "\"before-first-apply\" using v1: .data.a");
	assert_true(apply(&s, "one", true, "{'data':{'a':'2'}}"));
	assert_json(owners(&s), "{'before-first-apply Update':{'f:data':{'.':{},'f:b':{}}},"
				"'one Apply':{'f:data':{'f:a':{}}}}");
}

static void an_update_moves_what_it_changed(void **state)
{
	struct scene s CLEANUP(scene_end) = scene_new(CONFIG_MAP);

	assert_true(apply(&s, "one", false, "{'metadata':{'name':'c'},'data':{'a':'1','b':'1'}}"));
	update(&s, "editor", "{'metadata':{'name':'c'},'data':{'a':'1','b':'2','c':'3'}}");
	assert_json(owners(&s), "{'one Apply':{'f:data':{'f:a':{}}},"
				"'editor Update':{'f:data':{'f:b':{},'f:c':{}}}}");
	assert_string_equal(json_path_string(s.live, "metadata.managedFields[0].manager"), "one");
	/* What an update removes, nobody owns. */
	update(&s, "editor", "{'metadata':{'name':'c'},'data':{'b':'2'}}");
	assert_json(owners(&s), "{'editor Update':{'f:data':{'f:b':{}}}}");
}

static void bad_requests_are_refused(void **state)
{
	struct scene s CLEANUP(scene_end) = scene_new(CONFIG_MAP);

	assert_false(apply(&s, "", false, "{}"));
	assert_int_equal(error_code(s.err), E_INVALID);
	assert_false(apply(&s, "one", false, "[]"));
	assert_int_equal(error_code(s.err), E_BAD_REQUEST);
	assert_false(apply(&s, "one", false, "{'metadata':{'managedFields':[{'manager':'x'}]}}"));
	assert_string_equal(error_message(s.err), "metadata.managedFields must be nil");
	/* managedFields that are not what they should be. */
	s.live = json("{'metadata':{'managedFields':[7,{'fieldsV1':{'f':{},'':{},'k:x':{},'zz':1}},"
		      "{'manager':'one','operation':'Apply','fieldsV1':{'f':{},'f:':{'v:':{}}}}]},"
		      "'data':{'a':'1'}}");
	assert_false(apply(&s, "one", false, "{'data':{'a':'2'}}"));
	assert_string_equal(error_message(s.err), "failed to decode managed fields");
	/* Elements that are none are no fields. */
	json_decref(s.live);
	s.live = json("{'metadata':{'managedFields':[{'manager':'one','operation':'Apply',"
		      "'fieldsType':'FieldsV1','fieldsV1':{'f':{},'':{},'f:':{'v:':{}}}}]},"
		      "'data':{'a':'1'}}");
	assert_true(apply(&s, "one", false, "{'data':{'a':'2'}}"));
}

static void list_order_follows_the_configuration(void **state)
{
	static const struct {
		const char *live, *config, *want;
	} cases[] = {
		{"['a','b','c']", "['c','a']", "['b','c','a']"},
		{"['s1','l','s2']", "['n','s2','s1']", "['l','n','s2','s1']"},
		{"['a','l','b']", "['n','a','b','m']", "['n','a','l','b','m']"},
		{"[]", "['x','y']", "['x','y']"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scene s CLEANUP(scene_end) = scene_new(CONFIG_MAP);
		char *live free_ptr =
			xasprintf("{'metadata':{'name':'c','finalizers':%s}}", cases[i].live);
		char *config free_ptr =
			xasprintf("{'metadata':{'name':'c','finalizers':%s}}", cases[i].config);

		s.live = json(live);
		assert_true(apply(&s, "one", true, config));
		assert_json(json_incref(json_path(s.live, "metadata.finalizers")), cases[i].want);
	}
}

static void kubectl_takes_over_what_it_last_applied(void **state)
{
	struct scene s CLEANUP(scene_end) = scene_new(CONFIG_MAP);

	update(&s, "kubectl-client-side-apply",
	       "{'metadata':{'name':'c','annotations':{"
	       "'kubectl.kubernetes.io/last-applied-configuration':"
	       "'{\\'apiVersion\\':\\'v1\\',\\'data\\':{\\'a\\':\\'1\\'}}'}},"
	       "'data':{'a':'1','b':'1'}}");
	assert_false(apply(&s, "other", false, "{'data':{'a':'2'}}"));
	assert_false(apply(&s, "kubectl", false, "{'data':{'a':'2','b':'2'}}"));
	assert_string_equal(error_message(s.err),
			    "Apply failed with 1 conflict: conflict with "
			    "\"kubectl-client-side-apply\" using v1: .data.b");
	assert_true(apply(&s, "kubectl", false, "{'data':{'a':'2'}}"));
	assert_string_equal(json_path_string(s.live, "data.a"), "2");
	assert_string_equal(json_path_string(s.live, "metadata.annotations[kubectl.kubernetes.io/"
						     "last-applied-configuration]"),
			    "{\"data\":{\"a\":\"2\"}}\n");
}

static void what_the_server_puts_back_is_nobodys(void **state)
{
	static const char *const reset[] = {"status", "metadata.labels", NULL};
	struct scene s CLEANUP(scene_end) = scene_new(DEPLOYMENT);
	json_auto json_t *after = json("{'metadata':{'labels':{'a':'b'}},'spec':{'replicas':2},"
				       "'status':{'replicas':1}}");
	char now[32];
	struct apply_options opt = options(&s, "one", now);

	opt.reset = reset;
	assert_int_equal(apply_track_update(NULL, after, s.type, &opt, NULL), 0);
	s.live = json_incref(after);
	assert_json(owners(&s), "{'one Update':{'f:spec':{'f:replicas':{}}}}");
}

/* The set of a container with a port and two probes, whose httpGet has PATH too. */
static char *owned_container(const char *name, const char *port, const char *path)
{
	return xasprintf("'k:{\\'name\\':\\'%s\\'}':{'.':{},'f:name':{},'f:resources':{},"
			 "'f:ports':{'.':{},'k:{\\'containerPort\\':%s,\\'protocol\\':\\'TCP\\'}':"
			 "{'.':{},'f:containerPort':{}}},"
			 "'f:livenessProbe':{'.':{},'f:httpGet':{%s'.':{},'f:port':{}},"
			 "'f:periodSeconds':{}},"
			 "'f:readinessProbe':{'.':{},'f:httpGet':{%s'.':{},'f:port':{}},"
			 "'f:periodSeconds':{}}}",
			 name, port, path, path);
}

/* What has the same fields has the same set; other fields, or other items, have another. */
static void a_creation_owns_what_it_names(void **state)
{
	struct scene s CLEANUP(scene_end) = scene_new(DEPLOYMENT);
	char *a free_ptr = owned_container("a", "1", "'f:path':{},");
	char *b free_ptr = owned_container("b", "2", "");
	char *want free_ptr = xasprintf("{'one Update':{'f:spec':{'f:template':{'f:spec':"
					"{'f:containers':{%s,%s}}}}}}",
					a, b);

	update(&s, "one",
	       "{'spec':{'template':{'spec':{'containers':["
	       "{'name':'a','ports':[{'containerPort':1}],"
	       "'livenessProbe':{'httpGet':{'path':'/'},'periodSeconds':1},"
	       "'readinessProbe':{'httpGet':{'path':'/x'},'periodSeconds':2}},"
	       "{'name':'b','ports':[{'containerPort':2}],"
	       "'livenessProbe':{'httpGet':{'port':80},'periodSeconds':1},"
	       "'readinessProbe':{'httpGet':{},'periodSeconds':null}}]}}}}");
	assert_json(owners(&s), want);
}

static void many_updaters_become_one(void **state)
{
	struct scene s CLEANUP(scene_end) = scene_new(CONFIG_MAP);
	json_t *list;

	for (int i = 0; i < 14; i++) {
		char *name free_ptr = xasprintf("m%d", i);
		json_auto json_t *next = s.live ? json_deep_copy(s.live) : json_object();
		char *path free_ptr = xasprintf("data.%s", name);
		char *text = NULL;

		json_path_set(next, path, json_string("x"));
		text = json_to_text(next, JSON_COMPACT);
		update(&s, name, text);
		free(text);
	}
	list = json_path(s.live, "metadata.managedFields");
	assert_int_equal(json_array_size(list), 10);
	assert_string_equal(json_path_string(json_array_get(list, 0), "manager"),
			    "ancient-changes");
	assert_int_equal(json_object_size(json_path(json_array_get(list, 0), "fieldsV1[f:data]")),
			 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_apply_owns_its_fields),
		cmocka_unit_test(what_is_left_out_goes),
		cmocka_unit_test(a_change_of_anothers_field_is_a_conflict),
		cmocka_unit_test(conflicts_are_listed_by_manager),
		cmocka_unit_test(list_elements_are_told_apart_by_their_keys),
		cmocka_unit_test(sets_and_atomic_values),
		cmocka_unit_test(an_object_without_managers_belongs_to_the_time_before),
		cmocka_unit_test(an_update_moves_what_it_changed),
		cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(list_order_follows_the_configuration),
		cmocka_unit_test(kubectl_takes_over_what_it_last_applied),
		cmocka_unit_test(what_the_server_puts_back_is_nobodys),
		cmocka_unit_test(a_creation_owns_what_it_names),
		cmocka_unit_test(many_updaters_become_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
