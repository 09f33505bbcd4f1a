#include "local_fixture.h"

#include "base/str.h"
#include "object/json.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void fixture_start(struct local_fixture *f, const struct cluster_config *config)
{
	struct error *err = NULL;
	char *spec free_ptr = xasprintf("local:%s", f->directory);

	f->cluster = cluster_open(spec, config, &err);
	if (!f->cluster)
		fail_msg("%s", error_message(err));
	f->catalog = cluster_catalog(f->cluster, NULL, NULL);
}

void fixture_stop(struct local_fixture *f)
{
	catalog_unref(f->catalog);
	cluster_close(f->cluster);
}

void fixture_reload(struct local_fixture *f)
{
	catalog_unref(f->catalog);
	f->catalog = cluster_catalog(f->cluster, NULL, NULL);
}

void fixture_open(struct local_fixture *f, const struct cluster_config *config)
{
	*f = (struct local_fixture){.directory = "/tmp/kubefs-test-XXXXXX"};
	assert_non_null(mkdtemp(f->directory));
	fixture_start(f, config);
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

void fixture_close(struct local_fixture *f)
{
	fixture_stop(f);
	warnings_release(&f->warnings);
	annotations_release(&f->annotations);
	nftw(f->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const struct resource *fixture_type(struct local_fixture *f, const char *name)
{
	const struct resource *r = catalog_resolve(f->catalog, name);

	if (!r)
		fail_msg("no type %s", name);
	return r;
}

static char *quoted(const char *text)
{
	char *json = xstrdup(text);

	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	return json;
}

static struct call fixture_call(struct local_fixture *f)
{
	static const char *const groups[] = {"system:masters", NULL};
	static const struct user user = {.name = "admin", .uid = "admin", .groups = groups};

	warnings_release(&f->warnings);
	f->warnings = (struct warnings){0};
	annotations_release(&f->annotations);
	return (struct call){.user = &user,
			     .user_agent = "test",
			     .warnings = &f->warnings,
			     .annotations = &f->annotations};
}

json_t *fixture_create(struct local_fixture *f, const char *type, const char *namespace,
		       const char *text, struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	const struct call call = fixture_call(f);
	char *json free_ptr = quoted(text);

	if (cluster_create(f->cluster, &call, fixture_type(f, type), namespace, NULL, NULL, json,
			   strlen(json), NULL, &o, err) < 0)
		return NULL;
	return object_tree(o);
}

void fixture_make(struct local_fixture *f, const char *type, const char *namespace,
		  const char *text)
{
	struct error *err = NULL;
	json_t *tree json_auto = fixture_create(f, type, namespace, text, &err);

	if (!tree)
		fail_msg("%s", error_message(err));
}

static void on_created(struct cluster_later *later, struct object *o, const struct error *why)
{
	struct fixture_creation *c = (struct fixture_creation *)later;

	c->object = o;
	if (why)
		snprintf(c->why, sizeof(c->why), "%d %s", error_http_status(why),
			 error_message(why));
	sem_post(&c->told);
}

int fixture_create_later(struct local_fixture *f, struct fixture_creation *c, const char *type,
			 const char *namespace, const char *text)
{
	struct write_options opt = {.later = &c->later};
	char *json free_ptr = quoted(text);
	int result;

	*c = (struct fixture_creation){.later.done = on_created};
	sem_init(&c->told, 0, 0);
	result = cluster_create(f->cluster, NULL, fixture_type(f, type), namespace, NULL, NULL,
				json, strlen(json), &opt, &c->object, NULL);
	if (result == CLUSTER_LATER)
		sem_wait(&c->told);
	sem_destroy(&c->told);
	return result;
}

json_t *fixture_get(struct local_fixture *f, const char *type, const char *namespace,
		    const char *name)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	struct error *err = NULL;

	if (cluster_get(f->cluster, NULL, fixture_type(f, type), namespace, name, &o, &err) < 0)
		fail_msg("%s", error_message(err));
	return object_tree(o);
}

json_t *fixture_patch(struct local_fixture *f, const char *type, const char *namespace,
		      const char *name, const char *subresource, const char *text,
		      struct error **err)
{
	struct object *o CLEANUP(object_unref_cleanup) = NULL;
	const struct call call = fixture_call(f);
	char *json free_ptr = quoted(text);

	if (cluster_patch(f->cluster, &call, fixture_type(f, type), namespace, name, subresource,
			  PATCH_MERGE, json, strlen(json), NULL, &o, NULL, err) < 0)
		return NULL;
	return object_tree(o);
}

void fixture_refused(struct local_fixture *f, const char *type, const char *namespace,
		     const char *text, const char *message)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	json_t *tree json_auto = fixture_create(f, type, namespace, text, &err);

	if (tree)
		fail_msg("not refused: %s", text);
	assert_string_equal(error_message(err), message);
}

void assert_text(const json_t *tree, const char *path, const char *want)
{
	assert_string_equal(json_path_string(tree, path), want);
}
