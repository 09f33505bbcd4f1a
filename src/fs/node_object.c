/* NAME.yaml, NAME.json, NAME/ and NAME/meta. */
#include "fs/nodes.h"

#include "fs/draft.h"
#include "fs/holds.h"
#include "fs/notifier.h"
#include "fs/texts.h"
#include "fs/types.h"
#include "fs/write.h"
#include "kinds/kind.h"
#include "object/json.h"
#include "object/time.h"

#include <inttypes.h>
#include <openssl/sha.h>

#define YAML_SUFFIX ".yaml"
#define LONG_NAME 250 /* bytes; a longer file name is cut */
#define LONG_KEPT 200

bool resource_is_secret(const struct resource *r)
{
	return r && r->group[0] == '\0' && strcmp(r->plural, "secrets") == 0;
}

void object_file_name(const char *name, struct str *out)
{
	size_t len = strlen(name);
	unsigned char sum[SHA256_DIGEST_LENGTH];

	if (len + strlen(YAML_SUFFIX) <= LONG_NAME) {
		str_addf(out, "%s" YAML_SUFFIX, name);
		return;
	}
	SHA256((const unsigned char *)name, len, sum);
	str_addf(out, "%%~%.*s~%02x%02x%02x%02x" YAML_SUFFIX, LONG_KEPT, name, sum[0], sum[1],
		 sum[2], sum[3]);
}

static struct object *find_long(struct node *dir, const char *file)
{
	struct object_list list = {0};
	struct object *found = NULL;

	shown_list(dir->fs->holds, dir->type->informer, dir->namespace, &list);
	vec_each (&list, o) {
		struct str name CLEANUP(str_release) = STR_INIT;

		object_file_name((*o)->name, &name);
		if (!found && strcmp(name.s, file) == 0)
			found = object_ref(*o);
	}
	object_list_release(&list);
	return found;
}

/* The object NAME, but not when its deletion is held. */
static struct object *get_object(struct node *dir, const char *name)
{
	return dir->type ? shown_get(dir->fs->holds, dir->type->informer, dir->namespace, name)
			 : NULL;
}

static struct object *with_suffix(struct node *dir, const char *file, const char *suffix)
{
	size_t len = strlen(file), cut = strlen(suffix);

	if (len <= cut || !str_has_suffix(file, suffix))
		return NULL;
	char *name free_ptr = xstrndup(file, len - cut);

	return get_object(dir, name);
}

struct object *object_of_file(struct node *dir, const char *name)
{
	if (str_has_prefix(name, "%~") && dir->type)
		return find_long(dir, name);
	if (strlen(name) > LONG_NAME)
		return NULL;
	return with_suffix(dir, name, YAML_SUFFIX);
}

char *object_name_of_file(const struct resource *r, const char *file)
{
	size_t len = strlen(file), cut = strlen(YAML_SUFFIX);
	name_rule *rule = r->particulars ? r->particulars->name_rule : NULL;

	if (len <= cut || !str_has_suffix(file, YAML_SUFFIX))
		return NULL;
	char *name free_ptr = xstrndup(file, len - cut);

	return name_problem(rule ? rule : name_dns_subdomain, name) ? NULL : steal(&name);
}

struct newest {
	int64_t user, any; /* wall ns */
};

static bool key_is(struct span key, const char *name)
{
	return key.len == strlen(name) && memcmp(key.p, name, key.len) == 0;
}

/*
 * Kubernetes' own annotations (deployment.kubernetes.io/revision): a controller keeps its books
 * there, nobody asked for them.
 */
static bool is_bookkeeping(struct span key)
{
	static const char *const domains[] = {"kubernetes.io", "k8s.io"};
	const char *slash = memchr(key.p, '/', key.len);
	size_t len = slash ? (size_t)(slash - key.p) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(domains); i++) {
		size_t n = strlen(domains[i]);

		if (len < n || memcmp(key.p + len - n, domains[i], n) != 0)
			continue;
		/* A key of fieldsV1 begins with "f:". */
		if (len == n || key.p[len - n - 1] == '.' || key.p[len - n - 1] == ':')
			return true;
	}
	return false;
}

static bool annotations_are_books(void *arg, struct span key, struct span value)
{
	return key_is(key, ".") || is_bookkeeping(key);
}

static bool metadata_is_books(void *arg, struct span key, struct span value)
{
	return key_is(key, "f:annotations") && json_each(value, annotations_are_books, NULL);
}

static bool fields_are_books(void *arg, struct span key, struct span value)
{
	return key_is(key, "f:metadata") && json_each(value, metadata_is_books, NULL);
}

/* The members of one managedFields entry that matter, picked out in one pass. */
struct managed {
	struct span time, subresource, fields;
};

static bool managed_member(void *arg, struct span key, struct span value)
{
	struct managed *m = arg;

	if (key_is(key, "time"))
		m->time = value;
	else if (key_is(key, "subresource"))
		m->subresource = value;
	else if (key_is(key, "fieldsV1"))
		m->fields = value;
	return true;
}

static bool newest_entry(void *arg, struct span key, struct span value)
{
	struct newest *n = arg;
	struct managed m = {0};
	int64_t at;

	json_each(value, managed_member, &m);
	char *text free_ptr = m.time.p ? json_unquote(m.time) : NULL;

	if (!text || time_parse(text, &at) < 0)
		return true;
	n->any = MAX(n->any, at);
	if (at > n->user && !m.subresource.p &&
	    !(m.fields.p && json_each(m.fields, fields_are_books, NULL)))
		n->user = at;
	return true;
}

static void mix(uint64_t *h, struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t i = 0; i < s.len; i++)
		*h = (*h ^ p[i]) * 1099511628211ull;
}

static bool mix_annotation(void *arg, struct span key, struct span value)
{
	if (!is_bookkeeping(key)) {
		mix(arg, key);
		mix(arg, value);
	}
	return true;
}

static bool mix_metadata(void *arg, struct span key, struct span value)
{
	if (key_is(key, "annotations"))
		json_each(value, mix_annotation, arg);
	else if (!key_is(key, "resourceVersion") && !key_is(key, "managedFields") &&
		 !key_is(key, "generation")) /* a Deployment's moves with a controller's books */
		mix(arg, value);
	return true;
}

static bool mix_member(void *arg, struct span key, struct span value)
{
	if (key_is(key, "metadata"))
		json_each(value, mix_metadata, arg);
	else if (!key_is(key, "status"))
		mix(arg, value);
	return true;
}

/* The seconds are the server's; the nanoseconds tell two changes of one second apart. */
void object_times(const struct object *o, struct timespec *mtime, struct timespec *changed)
{
	struct newest n = {0};
	uint64_t h = 14695981039346656037ull;
	int64_t created = 0;

	if (time_parse(o->creation_timestamp, &created) < 0)
		created = 0;
	if (o->managed_fields.p)
		json_each(o->managed_fields, newest_entry, &n);
	json_each((struct span){o->json, o->len}, mix_member, &h);
	mtime->tv_sec = (n.user ? n.user : created) / NS_PER_S;
	mtime->tv_nsec = (long)(h % NS_PER_S);
	changed->tv_sec = (n.any ? n.any : created) / NS_PER_S;
	changed->tv_nsec = (long)(o->revision % NS_PER_S);
}

static void file_init(struct node *n)
{
	n->size = object_yaml_size(n->object);
	n->ino = ino_hash(n->fs, n->object->uid, "");
	object_times(n->object, &n->mtime, &n->changed);
}

static bool find_file(struct node *dir, const char *name, struct found *f)
{
	f->object = object_of_file(dir, name);
	return f->object != NULL;
}

static void list_objects(struct node *dir, struct listing *l)
{
	struct object_list list = {0};
	const char *last = strchr(row_last(l->kind), '.');
	bool yaml = last && strcmp(last, YAML_SUFFIX) == 0;

	if (!dir->type)
		return;
	shown_list(dir->fs->holds, dir->type->informer, dir->namespace, &list);
	vec_each (&list, o) {
		struct str name CLEANUP(str_release) = STR_INIT;

		if (yaml)
			object_file_name((*o)->name, &name);
		else
			str_addf(&name, "%s%s", (*o)->name, last ? last : "");
		if (name.len <= NAME_BYTES)
			listing_add(l, name.s,
				    last ? ino_hash(dir->fs, (*o)->uid, yaml ? "" : "json") : 0);
	}
	object_list_release(&list);
}

/* What NAME/ holds of the version that was; streams go on. */
static void versions_stale(struct node *dir)
{
	VEC(char *) names = VEC_INIT;

	map_each (dir->children, e) {
		struct node *n = e->value;

		if (node_is_dir(n))
			versions_stale(n);
		else if (!(n->kind->flags & NODE_STREAM))
			vec_push(&names, xstrdup(e->key));
	}
	vec_each (&names, name) {
		node_stale(dir, *name);
		free(*name);
	}
	vec_release(&names);
	node_names_changed(dir);
}

/* The name FILE shows NOW (NULL: nothing). Whoever wrote it may have looked it up before its event
 * came: that node stays the one of its version, only the kernel is told. */
static void file_changed(struct node *dir, const char *file, const struct object *now)
{
	const struct node *n = node_child(dir, file);

	if (n && n->object && now && object_same_version(n->object, now))
		notifier_entry(dir->fs->notifier, dir, file);
	else
		node_stale(dir, file);
}

/* Called for every change of every type that is looked at: it touches only names that are known. */
static void object_changed(struct tree_type *t, struct object *old, struct object *new_)
{
	struct object *o = new_ ? new_ : old;
	struct node *dir = type_directory(t, o->namespace), *below;
	struct str file CLEANUP(str_release) = STR_INIT, json CLEANUP(str_release) = STR_INIT;

	if (!dir)
		return;
	object_file_name(o->name, &file);
	str_addf(&json, "%s.json", o->name);
	file_changed(dir, file.s, new_);
	file_changed(dir, json.s, new_);
	below = node_child(dir, o->name);
	if (below)
		versions_stale(below);
	if (below && !new_)
		node_stale(dir, o->name);
	if (!old || !new_)
		type_names_changed(t, dir);
}

static int submit_file(struct node *dir, const char *name, struct draft *d, pid_t writer,
		       const struct call *call, struct error **err)
{
	struct object *old CLEANUP(object_unref_cleanup) = NULL;
	char *own free_ptr = object_name_of_file(dir->resource, name);

	pthread_mutex_lock(&dir->fs->lock);
	old = object_of_file(dir, name);
	pthread_mutex_unlock(&dir->fs->lock);
	struct target t = {dir->fs, dir->resource, dir->namespace, old ? old->name : own};

	return write_draft(&t, dir, name, d, writer, call, err);
}

static int remove_file(struct node *dir, const char *name, struct node *n, const struct call *call,
		       struct error **err)
{
	if (!(dir->resource->verbs & VERB_DELETE))
		return error_set(err, E_PERMISSION, "%s cannot be deleted", dir->resource->plural);
	return holds_delete(dir->fs, dir->resource, n->object, call, err);
}

const struct node_ops object_file_ops = {
	.find = find_file,
	.list = list_objects,
	.init = file_init,
	.changed = object_changed,
	.submit = submit_file,
	.remove = remove_file,
};

static bool find_json(struct node *dir, const char *name, struct found *f)
{
	f->object = with_suffix(dir, name, ".json");
	return f->object != NULL;
}

static void json_init(struct node *n)
{
	file_init(n);
	n->ino = ino_hash(n->fs, n->object->uid, "json");
}

static void json_text(struct node *n, struct str *out)
{
	text_render(n->object, true, out);
}

const struct node_ops object_json_ops = {
	.find = find_json,
	.list = list_objects,
	.init = json_init,
	.text = json_text,
};

static bool find_dir(struct node *dir, const char *name, struct found *f)
{
	f->object = get_object(dir, name);
	return f->object != NULL;
}

static void dir_init(struct node *n)
{
	object_times(n->object, &n->mtime, &n->changed);
	if (resource_is_secret(n->resource))
		n->mode &= ~(mode_t)0077;
}

const struct node_ops object_dir_ops = {
	.find = find_dir,
	.list = list_objects,
	.init = dir_init,
};

struct node *type_directory_of(struct node *n)
{
	while (n && n->kind->ops != &type_ops)
		n = n->parent;
	return n;
}

/* The directory outlives versions. */
struct object *object_of_dir(struct node *dir)
{
	return get_object(dir->parent, dir->name);
}

struct object *object_above(struct node *dir, struct error **err)
{
	struct object *o;

	pthread_mutex_lock(&dir->fs->lock);
	o = object_of_dir(dir);
	pthread_mutex_unlock(&dir->fs->lock);
	if (!o)
		error_set(err, E_NOT_FOUND, "%s is gone", dir->name);
	return o;
}

static bool find_meta(struct node *dir, const char *name, struct found *f)
{
	f->object = object_of_dir(dir);
	return f->object != NULL;
}

static bool add_manager(void *arg, struct span key, struct span value)
{
	char *manager free_ptr = json_unquote(json_find(value.p, value.len, "manager"));
	char *operation free_ptr = json_unquote(json_find(value.p, value.len, "operation"));
	char *part free_ptr = json_unquote(json_find(value.p, value.len, "subresource"));
	char *when free_ptr = json_unquote(json_find(value.p, value.len, "time"));

	str_addf(arg, "manager: %s %s%s%s %s\n", manager ? manager : "", operation ? operation : "",
		 part ? " " : "", part ? part : "", when ? when : "");
	return true;
}

static void meta_text(struct node *n, struct str *out)
{
	const struct object *o = n->object;
	struct owner owner;

	str_addf(out, "uid: %s\nresourceVersion: %s\napiVersion: %s\nkind: %s\n", o->uid,
		 o->resource_version, o->api_version, o->kind);
	str_addf(out, "name: %s\n", o->name);
	if (*o->namespace)
		str_addf(out, "namespace: %s\n", o->namespace);
	if (object_controller(o, &owner)) {
		str_addf(out, "owner: %s/%s %s\n", owner.kind, owner.name, owner.uid);
		owner_release(&owner);
	}
	if (o->managed_fields.p)
		json_each(o->managed_fields, add_manager, out);
}

const struct node_ops object_meta_ops = {
	.find = find_meta,
	.init = dir_init,
	.text = meta_text,
};
