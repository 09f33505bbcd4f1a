/*
 * What every implementation of cluster.h keeps. Runs on the back end its argument names: "fake",
 * "local" (in a directory of its own), or any other spec as cluster_open takes it, say "remote:".
 */
#include "base/str.h"
#include "base/vec.h"
#include "cluster/cluster.h"
#include "object/json.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static struct cluster *cluster;
static struct catalog *catalog;
static bool checks; /* the back end validates and defaults: all but the fake */
static char directory[64];

static const struct resource *type(const char *name)
{
	const struct resource *r = catalog_resolve(catalog, name);

	assert_non_null(r);
	return r;
}

#define assert_ok(result, err)                              \
	do {                                                \
		if ((result) < 0)                           \
			fail_msg("%s", error_message(err)); \
	} while (0)

static struct object *create(const char *resource, const char *namespace, const char *json)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct object *o = NULL;

	assert_ok(cluster_create(cluster, NULL, type(resource), namespace, NULL, NULL, json,
				 strlen(json), NULL, &o, &err),
		  err);
	return o;
}

static enum error_code create_code(const char *resource, const char *namespace, const char *json,
				   struct error **err)
{
	return cluster_create(cluster, NULL, type(resource), namespace, NULL, NULL, json,
			      strlen(json), NULL, NULL, err) < 0
		       ? error_code(*err)
		       : E_OK;
}

static void drop(const char *resource, const char *namespace, const char *name)
{
	struct delete_options now = {.grace_period_s = 0};

	cluster_delete(cluster, NULL, type(resource), namespace, name, &now, NULL, NULL, NULL);
}

static void assert_string_at(const struct object *o, const char *path, const char *want)
{
	char *got free_ptr = object_string(o, path);

	if (!got)
		fail_msg("no %s in %s", path, o->json);
	assert_string_equal(got, want);
}

static const char config_map[] = "{\"metadata\":{\"name\":\"c\",\"labels\":{\"app\":\"x\"}},"
				 "\"data\":{\"k\":\"v\"}}";

static void test_create_and_get(void **state)
{
	struct object *made CLEANUP(object_unref_cleanup) =
		create("configmaps", "default", config_map);
	struct object *got CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_string_equal(made->api_version, "v1");
	assert_string_equal(made->kind, "ConfigMap");
	assert_string_equal(made->namespace, "default");
	assert_int_equal(strlen(made->uid), 36);
	assert_true(made->revision > 0);
	assert_ok(cluster_get(cluster, NULL, type("cm"), "default", "c", &got, &err), err);
	assert_int_equal(got->len, made->len);
	assert_memory_equal(got->json, made->json, made->len);
	assert_int_equal(create_code("cm", "default", config_map, &err), E_EXISTS);
	assert_string_equal(error_message(err), "configmaps \"c\" already exists");
	assert_string_equal(err->kind, "configmaps");
	drop("cm", "default", "c");
	error_clear(&err);
	assert_true(cluster_get(cluster, NULL, type("cm"), "default", "c", NULL, &err) < 0);
	assert_int_equal(error_code(err), E_NOT_FOUND);
	assert_string_equal(error_message(err), "configmaps \"c\" not found");
}

static void test_generated_name(void **state)
{
	struct object *made CLEANUP(object_unref_cleanup) =
		create("cm", "default", "{\"metadata\":{\"generateName\":\"gen-\"}}");

	assert_int_equal(strlen(made->name), 9);
	assert_int_equal(strncmp(made->name, "gen-", 4), 0);
	drop("cm", "default", made->name);
}

static void test_update(void **state)
{
	struct object *made CLEANUP(object_unref_cleanup) =
		create("deploy", "default",
		       "{\"metadata\":{\"name\":\"d\"},\"spec\":{\"selector\":{\"matchLabels\":{"
		       "\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},"
		       "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}");
	struct object *next CLEANUP(object_unref_cleanup) = NULL;
	struct object *same CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *tree json_auto = object_tree(made);

	assert_int_equal(made->generation, 1);
	json_path_set(tree, "spec.replicas", json_integer(3));
	json_path_set(tree, "status.replicas", json_integer(9));
	assert_ok(cluster_update_tree(cluster, NULL, type("deploy"), NULL, tree, NULL, &next, &err),
		  err);
	assert_int_equal(next->generation, 2);
	assert_string_equal(next->uid, made->uid);
	assert_int_equal(object_int(next, "status.replicas", 0), 0);
	assert_true(next->revision > made->revision);
	/* The tree still names the first version. */
	assert_true(cluster_update_tree(cluster, NULL, type("deploy"), NULL, tree, NULL, NULL,
					&err) < 0);
	assert_int_equal(error_code(err), E_CONFLICT);
	assert_non_null(strstr(error_message(err), "the object has been modified"));
	json_path_del(tree, "metadata.resourceVersion");
	error_clear(&err);
	assert_ok(cluster_update_tree(cluster, NULL, type("deploy"), NULL, tree, NULL, &same, &err),
		  err);
	assert_int_equal(same->revision, next->revision);
	drop("deploy", "default", "d");
}

static void test_status_and_scale(void **state)
{
	struct object *made CLEANUP(object_unref_cleanup) =
		create("deploy", "default",
		       "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"selector\":{\"matchLabels\":{"
		       "\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\"}},"
		       "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}}}");
	static const char patch[] = "{\"status\":{\"replicas\":2},\"spec\":{\"paused\":true}}";
	static const char scale[] = "{\"spec\":{\"replicas\":5}}";
	static const char none[] = "{\"spec\":{\"replicas\":0}}";
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct object *s CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_ok(cluster_patch(cluster, NULL, type("deploy"), "default", "s", "status",
				PATCH_MERGE, patch, strlen(patch), NULL, &o, NULL, &err),
		  err);
	assert_int_equal(object_int(o, "status.replicas", 0), 2);
	assert_null(object_find(o, "spec.paused").p);
	assert_int_equal(o->generation, 1);
	assert_ok(cluster_patch(cluster, NULL, type("deploy"), "default", "s", "scale", PATCH_MERGE,
				scale, strlen(scale), NULL, &s, NULL, &err),
		  err);
	assert_string_equal(s->kind, "Scale");
	assert_int_equal(object_int(s, "spec.replicas", 0), 5);
	assert_int_equal(object_int(s, "status.replicas", 0), 2);
	assert_string_at(s, "status.selector", "a=b");
	object_unref(steal(&s));
	assert_ok(cluster_patch(cluster, NULL, type("deploy"), "default", "s", "scale", PATCH_MERGE,
				none, strlen(none), NULL, &s, NULL, &err),
		  err);
	assert_int_equal(object_int(s, "spec.replicas", 0), 0);
	drop("deploy", "default", "s");
}

static void test_patches(void **state)
{
	struct object *made CLEANUP(object_unref_cleanup) = create("cm", "default", config_map);
	static const struct {
		enum patch_type type;
		const char *patch, *value;
	} table[] = {
		{PATCH_MERGE, "{\"data\":{\"k\":\"merge\"}}", "merge"},
		{PATCH_STRATEGIC, "{\"data\":{\"k\":\"strategic\"}}", "strategic"},
		{PATCH_JSON, "[{\"op\":\"replace\",\"path\":\"/data/k\",\"value\":\"json\"}]",
		 "json"},
	};
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct object *o CLEANUP(object_unref_cleanup) = NULL;

		assert_ok(cluster_patch(cluster, NULL, type("cm"), "default", "c", NULL,
					table[i].type, table[i].patch, strlen(table[i].patch), NULL,
					&o, NULL, &err),
			  err);
		assert_string_at(o, "data.k", table[i].value);
		assert_string_at(o, "metadata.labels.app", "x");
	}
	drop("cm", "default", "c");
}

static void test_apply(void **state)
{
	static const char manifest[] = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":"
				       "{\"name\":\"ap\"},\"data\":{\"a\":\"1\",\"b\":\"2\"}}";
	static const char less[] = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":"
				   "{\"name\":\"ap\"},\"data\":{\"a\":\"1\"}}";
	static const char other[] = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":"
				    "{\"name\":\"ap\"},\"data\":{\"a\":\"9\"}}";
	struct write_options one = {.field_manager = "one"}, two = {.field_manager = "two"};
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct object *p CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	bool made = false;

	assert_ok(cluster_patch(cluster, NULL, type("cm"), "default", "ap", NULL, PATCH_APPLY,
				manifest, strlen(manifest), &one, &o, &made, &err),
		  err);
	assert_true(made);
	assert_string_at(o, "data.b", "2");
	assert_ok(cluster_patch(cluster, NULL, type("cm"), "default", "ap", NULL, PATCH_APPLY, less,
				strlen(less), &one, &p, &made, &err),
		  err);
	assert_false(made);
	assert_null(object_find(p, "data.b").p);
	assert_true(cluster_patch(cluster, NULL, type("cm"), "default", "ap", NULL, PATCH_APPLY,
				  other, strlen(other), &two, NULL, NULL, &err) < 0);
	assert_int_equal(error_code(err), E_CONFLICT);
	drop("cm", "default", "ap");
}

struct names {
	struct str text;
	size_t n;
};

static bool add_name(void *arg, const char *json, size_t len)
{
	struct names *names = arg;
	char *name free_ptr = json_unquote(json_find(json, len, "metadata.name"));

	str_addf(&names->text, "%s ", name);
	names->n++;
	return true;
}

static void test_list(void **state)
{
	struct names names = {.text = STR_INIT};
	struct list_meta meta = {0};
	struct list_options opt = {.label_selector = "set=list", .limit = 2};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	char *token free_ptr = NULL;

	for (int i = 0; i < 5; i++) {
		char *json free_ptr = xasprintf("{\"metadata\":{\"name\":\"l%d\",\"labels\":{"
						"\"set\":\"list\",\"n\":\"%d\"}}}",
						i, i);

		object_unref(create("cm", "default", json));
	}
	assert_ok(cluster_list(cluster, NULL, type("cm"), "default", &opt, add_name, &names, &meta,
			       &err),
		  err);
	assert_string_equal(names.text.s, "l0 l1 ");
	token = steal(&meta.continue_token);
	assert_non_null(token);
	list_meta_release(&meta);
	opt.continue_token = token;
	opt.limit = 0;
	assert_ok(cluster_list(cluster, NULL, type("cm"), "", &opt, add_name, &names, &meta, &err),
		  NULL);
	list_meta_release(&meta);
	opt = (struct list_options){.label_selector = "set=list,n in (1,3)"};
	str_reset(&names.text);
	assert_ok(cluster_list(cluster, NULL, type("cm"), "", &opt, add_name, &names, &meta, &err),
		  err);
	assert_string_equal(names.text.s, "l1 l3 ");
	list_meta_release(&meta);
	opt = (struct list_options){.field_selector = "metadata.name=l4"};
	str_reset(&names.text);
	assert_ok(cluster_list(cluster, NULL, type("cm"), "", &opt, add_name, &names, &meta, &err),
		  err);
	assert_string_equal(names.text.s, "l4 ");
	list_meta_release(&meta);
	opt = (struct list_options){.label_selector = "set=list"};
	assert_ok(cluster_delete_collection(cluster, NULL, type("cm"), "default", &opt, NULL, &err),
		  err);
	str_reset(&names.text);
	assert_ok(cluster_list(cluster, NULL, type("cm"), "", &opt, add_name, &names, &meta, &err),
		  err);
	assert_string_equal(names.text.s, "");
	list_meta_release(&meta);
	str_release(&names.text);
}

/* What a watch told, as "A:name M:name D:name B:", and a way to wait for it. */
struct told {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct str text;
	size_t n;
	enum error_code closed;
};

static void on_event(void *arg, const struct watch_event *event)
{
	struct told *told = arg;

	pthread_mutex_lock(&told->lock);
	str_addf(&told->text, "%c:%s ", "AMDB"[event->type],
		 event -> type == WATCH_BOOKMARK ? event -> initial_events_end ? "end" : ""
						 : event->object->name);
	told->n++;
	pthread_cond_broadcast(&told->more);
	pthread_mutex_unlock(&told->lock);
}

static void on_closed(void *arg, const struct error *why)
{
	struct told *told = arg;

	pthread_mutex_lock(&told->lock);
	told->closed = error_code(why);
	pthread_cond_broadcast(&told->more);
	pthread_mutex_unlock(&told->lock);
}

static const struct watch_handler handler = {on_event, on_closed};

static void told_wait(struct told *told, size_t n)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 20;
	pthread_mutex_lock(&told->lock);
	while (told->n < n && pthread_cond_timedwait(&told->more, &told->lock, &end) == 0)
		;
	pthread_mutex_unlock(&told->lock);
	if (told->n < n)
		fail_msg("told only: %s", told->text.s);
}

static void told_init(struct told *told)
{
	*told = (struct told){.text = STR_INIT};
	pthread_mutex_init(&told->lock, NULL);
	pthread_cond_init(&told->more, NULL);
}

static void relabel(const char *name, const char *value)
{
	char *patch free_ptr = xasprintf("{\"metadata\":{\"labels\":{\"w\":\"%s\"}}}", value);
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_ok(cluster_patch(cluster, NULL, type("cm"), "default", name, NULL, PATCH_MERGE,
				patch, strlen(patch), NULL, NULL, NULL, &err),
		  err);
}

static void test_watch(void **state)
{
	struct object *first CLEANUP(object_unref_cleanup) = create(
		"cm", "default", "{\"metadata\":{\"name\":\"w1\",\"labels\":{\"w\":\"a\"}}}");
	struct watch_options opt = {.label_selector = "w=a", .resource_version = NULL};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct told all, from;
	struct watch *w, *v;

	told_init(&all);
	told_init(&from);
	w = cluster_watch(cluster, NULL, type("cm"), "default", &opt, &handler, &all, &err);
	assert_non_null(w);
	opt.resource_version = first->resource_version;
	v = cluster_watch(cluster, NULL, type("cm"), "", &opt, &handler, &from, &err);
	assert_non_null(v);
	told_wait(&all, 1);
	object_unref(create("cm", "default",
			    "{\"metadata\":{\"name\":\"w2\",\"labels\":{\"w\":\"b\"}}}"));
	relabel("w2", "a");
	relabel("w1", "b");
	drop("cm", "default", "w2");
	drop("cm", "default", "w1");
	told_wait(&all, 4);
	told_wait(&from, 3);
	watch_stop(w);
	watch_stop(v);
	assert_string_equal(all.text.s, "A:w1 A:w2 D:w1 D:w2 ");
	assert_string_equal(from.text.s, "A:w2 D:w1 D:w2 ");
	str_release(&all.text);
	str_release(&from.text);
}

static void test_watch_initial_events(void **state)
{
	struct object *first CLEANUP(object_unref_cleanup) = create(
		"cm", "default", "{\"metadata\":{\"name\":\"i1\",\"labels\":{\"i\":\"a\"}}}");
	struct watch_options opt = {
		.label_selector = "i=a", .send_initial_events = true, .bookmarks = true};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct told told;
	struct watch *w;

	told_init(&told);
	w = cluster_watch(cluster, NULL, type("cm"), "default", &opt, &handler, &told, &err);
	assert_non_null(w);
	told_wait(&told, 2);
	watch_stop(w);
	assert_string_equal(told.text.s, "A:i1 B:end ");
	drop("cm", "default", "i1");
	str_release(&told.text);
}

static void test_finalizers(void **state)
{
	struct object *made CLEANUP(object_unref_cleanup) =
		create("cm", "default",
		       "{\"metadata\":{\"name\":\"f\",\"finalizers\":[\"example.com/hold\"]}}");
	static const char release[] = "{\"metadata\":{\"finalizers\":null}}";
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct delete_options wrong = {.grace_period_s = -1, .uid = "other"};
	bool gone = true;

	assert_true(cluster_delete(cluster, NULL, type("cm"), "default", "f", &wrong, NULL, NULL,
				   &err) < 0);
	assert_int_equal(error_code(err), E_CONFLICT);
	error_clear(&err);
	assert_ok(cluster_delete(cluster, NULL, type("cm"), "default", "f", NULL, &o, &gone, &err),
		  err);
	assert_false(gone);
	assert_int_equal(strlen(o->deletion_timestamp), 20);
	assert_ok(cluster_patch(cluster, NULL, type("cm"), "default", "f", NULL, PATCH_MERGE,
				release, strlen(release), NULL, NULL, NULL, &err),
		  err);
	assert_true(cluster_get(cluster, NULL, type("cm"), "default", "f", NULL, &err) < 0);
	assert_int_equal(error_code(err), E_NOT_FOUND);
}

static const char pod[] = "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"name\":"
			  "\"c\",\"image\":\"i\"}]}}";

/* Where no controller makes it, the account that pods run as is to be made. */
static struct object *create_pod(void)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	enum error_code code = create_code("serviceaccounts", "default",
					   "{\"metadata\":{\"name\":\"default\"}}", &err);

	assert_true(code == E_OK || code == E_EXISTS);
	return create("pods", "default", pod);
}

static void test_pod_life(void **state)
{
	static const char binding[] =
		"{\"metadata\":{\"name\":\"p\"},\"target\":{\"kind\":\"Node\","
		"\"name\":\"n1\"}}";
	struct object *made CLEANUP(object_unref_cleanup) = create_pod();
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct object *bound CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct delete_options now = {.grace_period_s = 0};
	bool gone;

	assert_ok(cluster_create(cluster, NULL, type("pods"), "default", "p", "binding", binding,
				 strlen(binding), NULL, NULL, &err),
		  err);
	assert_ok(cluster_get(cluster, NULL, type("pods"), "default", "p", &bound, &err), err);
	assert_string_at(bound, "spec.nodeName", "n1");
	assert_string_at(bound, "status.conditions[0].type", "PodScheduled");
	assert_true(cluster_create(cluster, NULL, type("pods"), "default", "p", "binding", binding,
				   strlen(binding), NULL, NULL, &err) < 0);
	assert_int_equal(error_code(err), E_CONFLICT);
	error_clear(&err);
	assert_ok(
		cluster_delete(cluster, NULL, type("pods"), "default", "p", NULL, &o, &gone, &err),
		err);
	assert_false(gone);
	assert_int_equal(object_int(o, "metadata.deletionGracePeriodSeconds", 0), 30);
	assert_ok(cluster_delete(cluster, NULL, type("pods"), "default", "p", &now, NULL, &gone,
				 &err),
		  err);
	assert_true(gone);
}

static void test_get_at(void **state)
{
	struct object *made CLEANUP(object_unref_cleanup) = create("cm", "default", config_map);
	struct object *old CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	int result;

	relabel("c", "later");
	result = cluster_get_at(cluster, NULL, type("cm"), "default", "c", made->resource_version,
				&old, &err);
	if (result == 0)
		assert_string_equal(old->json, made->json);
	else
		assert_int_equal(error_code(err), E_NOT_SUPPORTED);
	drop("cm", "default", "c");
}

struct versions {
	char *v[8];
	size_t n;
};

static bool add_version(void *arg, const char *resource_version)
{
	struct versions *all = arg;

	all->v[all->n++] = xstrdup(resource_version);
	return all->n < ARRAY_SIZE(all->v);
}

/* Newest first; what had the name before is another object. */
static void test_versions(void **state)
{
	struct object *old CLEANUP(object_unref_cleanup) = create("cm", "default", config_map);
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct versions all = {0};

	drop("cm", "default", "c");
	struct object *made CLEANUP(object_unref_cleanup) = create("cm", "default", config_map);

	relabel("c", "later");
	if (cluster_versions(cluster, NULL, type("cm"), "default", "c", add_version, &all, &err) <
	    0) {
		assert_false(cluster_keeps_versions(cluster));
		assert_int_equal(error_code(err), E_NOT_SUPPORTED);
	} else {
		assert_int_equal(all.n, 2);
		assert_string_not_equal(all.v[0], made->resource_version);
		assert_string_equal(all.v[1], made->resource_version);
	}
	for (size_t i = 0; i < all.n; i++)
		free(all.v[i]);
	drop("cm", "default", "c");
}

static void test_dry_run(void **state)
{
	struct write_options dry = {.dry_run = true};
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	assert_ok(cluster_create(cluster, NULL, type("cm"), "default", NULL, NULL, config_map,
				 strlen(config_map), &dry, &o, &err),
		  err);
	assert_true(cluster_get(cluster, NULL, type("cm"), "default", "c", NULL, &err) < 0);
	assert_int_equal(error_code(err), E_NOT_FOUND);
}

static void test_duplicate_fields(void **state)
{
	static const char json[] = "{\"metadata\":{\"name\":\"dup\"},"
				   "\"data\":{\"a\":\"1\",\"a\":\"2\"},\"x\":1}";
	struct write_options opt = {.validation = FIELD_VALIDATION_STRICT};
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct warnings warnings = {0};
	struct call call = {.warnings = &warnings};

	if (!checks)
		return;
	assert_true(cluster_create(cluster, NULL, type("cm"), "default", NULL, NULL, json,
				   strlen(json), &opt, NULL, &err) < 0);
	assert_int_equal(error_code(err), E_BAD_REQUEST);
	assert_non_null(
		strstr(error_message(err), "duplicate field \"data.a\", unknown field \"x\""));
	error_clear(&err);
	opt.validation = FIELD_VALIDATION_WARN;
	assert_ok(cluster_create(cluster, &call, type("cm"), "default", NULL, NULL, json,
				 strlen(json), &opt, &o, &err),
		  err);
	assert_string_at(o, "data.a", "2");
	assert_int_equal(warnings.n, 2);
	assert_string_equal(warnings.v[0], "duplicate field \"data.a\"");
	warnings_release(&warnings);
	drop("cm", "default", "dup");
}

static void test_missing_namespace(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	if (!checks)
		return;
	assert_int_equal(create_code("cm", "nowhere", config_map, &err), E_NOT_FOUND);
	assert_string_equal(error_message(err), "namespaces \"nowhere\" not found");
}

static void assert_cause(const struct error *err, const char *field, const char *message)
{
	for (size_t i = 0; i < err->n_causes; i++)
		if (strcmp(err->causes[i].field, field) == 0 &&
		    strstr(err->causes[i].message, message) == err->causes[i].message)
			return;
	fail_msg("no cause %s: %s in %s", field, message, err->message);
}

static void test_fragment_refused(void **state)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;

	if (!checks)
		return;
	assert_int_equal(
		create_code("deploy", "default",
			    "{\"metadata\":{\"name\":\"web-app\"},\"spec\":{\"replicas\":4,"
			    "\"strategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":{"
			    "\"maxSurge\":1,\"maxUnavailable\":0}}}}",
			    &err),
		E_INVALID);
	assert_int_equal(err->n_causes, 3);
	assert_cause(err, "spec.selector", "Required value");
	assert_cause(err, "spec.template.metadata.labels",
		     "Invalid value: null: `selector` does "
		     "not match template `labels`");
	assert_cause(err, "spec.template.spec.containers", "Required value");
}

static void test_custom_resources(void **state)
{
	static const char definition[] =
		"{\"metadata\":{\"name\":\"migrations.db.example.com\"},\"spec\":{\"group\":"
		"\"db.example.com\",\"scope\":\"Namespaced\",\"names\":{\"plural\":\"migrations\","
		"\"singular\":\"migration\",\"kind\":\"Migration\"},\"versions\":[{\"name\":\"v1\","
		"\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":"
		"\"object\",\"properties\":{\"spec\":{\"type\":\"object\",\"properties\":{"
		"\"database\":{\"type\":\"string\"}}}}}}}]}}";
	struct catalog *before = catalog;
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct catalog *after CLEANUP(catalog_unref_cleanup) = NULL;

	if (!checks)
		return;
	object_unref(create("crd", "", definition));
	after = cluster_catalog(cluster, NULL, &err);
	catalog = after;
	assert_non_null(catalog_find(after, "db.example.com", "v1", "migrations"));
	o = create("migrations", "default",
		   "{\"apiVersion\":\"db.example.com/v1\",\"kind\":\"Migration\",\"metadata\":{"
		   "\"name\":\"m1\"},\"spec\":{\"database\":\"users\",\"odd\":1}}");
	assert_string_at(o, "spec.database", "users");
	assert_null(object_find(o, "spec.odd").p);
	assert_int_equal(create_code("migrations", "default",
				     "{\"apiVersion\":\"db.example.com/v1\",\"kind\":\"Migration\","
				     "\"metadata\":{\"name\":\"m2\"},\"spec\":{\"database\":7}}",
				     &err),
			 E_INVALID);
	assert_cause(err, "spec.database",
		     "Invalid value: \"integer\": spec.database in body must be of type string: "
		     "\"integer\"");
	catalog = before;
	/* Its objects go first, and the type after it. */
	do {
		drop("crd", "", "migrations.db.example.com");
		catalog_unref(after);
		after = cluster_catalog(cluster, NULL, &err);
	} while (catalog_find(after, "db.example.com", "v1", "migrations"));
}

static void test_services(void **state)
{
	static const char service[] = "{\"metadata\":{\"name\":\"%s\"},\"spec\":{\"type\":"
				      "\"NodePort\",\"ports\":[{\"port\":80}]}}";
	struct object *a CLEANUP(object_unref_cleanup) = NULL;
	struct object *b CLEANUP(object_unref_cleanup) = NULL;
	struct str json CLEANUP(str_release) = STR_INIT;
	char *ip free_ptr = NULL;
	char *other free_ptr = NULL;

	if (!checks)
		return;
	str_addf(&json, "%.*s%s%s", 21, service, "sa", strstr(service, "%s") + 2);
	a = create("svc", "default", json.s);
	str_reset(&json);
	str_addf(&json, "%.*s%s%s", 21, service, "sb", strstr(service, "%s") + 2);
	b = create("svc", "default", json.s);
	ip = object_string(a, "spec.clusterIP");
	other = object_string(b, "spec.clusterIP");
	assert_int_equal(strncmp(ip, "10.96.", 6), 0);
	assert_string_not_equal(ip, other);
	assert_true(object_int(a, "spec.ports[0].nodePort", 0) >= 30000);
	assert_int_not_equal(object_int(a, "spec.ports[0].nodePort", 0),
			     object_int(b, "spec.ports[0].nodePort", 0));
	drop("svc", "default", "sa");
	drop("svc", "default", "sb");
}

static int remove_file(const char *path, const struct stat *s, int flag, struct FTW *ftw)
{
	return remove(path);
}

static int run(const char *name, const char *spec)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_and_get),
		cmocka_unit_test(test_generated_name),
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_status_and_scale),
		cmocka_unit_test(test_patches),
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_watch_initial_events),
		cmocka_unit_test(test_finalizers),
		cmocka_unit_test(test_pod_life),
		cmocka_unit_test(test_get_at),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_duplicate_fields),
		cmocka_unit_test(test_missing_namespace),
		cmocka_unit_test(test_fragment_refused),
		cmocka_unit_test(test_custom_resources),
		cmocka_unit_test(test_services),
	};
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	int failed;

	cluster = cluster_open(spec, NULL, &err);
	if (!cluster) {
		fprintf(stderr, "%s: %s\n", spec, error_message(err));
		return 1;
	}
	catalog = cluster_catalog(cluster, NULL, &err);
	checks = strcmp(name, "fake") != 0;
	failed = cmocka_run_group_tests_name(name, tests, NULL, NULL);
	catalog_unref(catalog);
	cluster_close(cluster);
	return failed;
}

static int run_local(void)
{
	char *spec free_ptr = NULL;
	int failed;

	snprintf(directory, sizeof(directory), "%s", "/tmp/kubefs-contract-XXXXXX");
	if (!mkdtemp(directory))
		return 99;
	spec = xasprintf("local:%s", directory);
	failed = run("local", spec);
	nftw(directory, remove_file, 8, FTW_DEPTH | FTW_PHYS);
	return failed;
}

int main(int argc, char **argv)
{
	const char *which = argc > 1 ? argv[1] : "local";

	object_init();
	if (strcmp(which, "local") == 0)
		return run_local();
	return strcmp(which, "fake") == 0 ? run("fake", "fake:") : run("remote", which);
}
