/*
 * Mounts a fake cluster, for tests that count requests and for the benchmark of the tree alone.
 *
 *	fakefs [-o WORDS] [-p PODS] [-l LOG] [-c CHANGES] [-x TYPES] MOUNTPOINT
 *
 * -p: so many pods in the namespace "bench". -l: every request that is no GET, LIST or WATCH is
 * written to LOG, one line. -x: these types (plurals with commas) may not be listed. -c: on SIGUSR1
 * the ConfigMap default/moving is changed so many times. Stays in the foreground; prints "ready"
 * once the mount answers.
 */
#include "base/log.h"
#include "cluster/fake.h"
#include "fs/fs.h"
#include "object/json.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

struct fakefs {
	struct cluster *cluster;
	struct fs_options options;
	long pods, changes;
	atomic_bool stopped;
	FILE *log;
	const char *unlisted; /* NULL: all may be listed */
	sigset_t wake;
};

static bool may_list(const struct fakefs *f, const struct resource *r)
{
	size_t len = strlen(r->plural);
	const char *at = f->unlisted ? strstr(f->unlisted, r->plural) : NULL;

	return !at || (at[len] && at[len] != ',') || (at > f->unlisted && at[-1] != ',');
}

static int on_request(void *arg, const struct fake_request *r, struct error **err)
{
	static const char *const words[] = {"get",    "list",  "watch",	 "create",
					    "update", "patch", "delete", "deletecollection"};
	struct fakefs *f = arg;
	unsigned bit = 0;

	while (!(r->verb >> bit & 1))
		bit++;
	if (f->log && r->verb & ~(unsigned)(VERB_GET | VERB_LIST | VERB_WATCH))
		fprintf(f->log, "%s %s %s/%s %.*s\n", words[bit], r->resource->plural,
			r->namespace ? r->namespace : "", r->name ? r->name : "", (int)r->len,
			r->json ? r->json : "");
	if (r->verb == VERB_LIST && !may_list(f, r->resource))
		return error_set(err, E_FORBIDDEN, "%s is forbidden: cannot list",
				 r->resource->plural);
	return 0;
}

static void create(struct cluster *c, const char *plural, const char *namespace, json_t *tree)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct catalog *catalog CLEANUP(catalog_unref_cleanup) = cluster_catalog(c, NULL, NULL);
	const struct resource *r = catalog_find(catalog, "", "v1", plural);

	if (cluster_create_tree(c, NULL, r, namespace, tree, NULL, NULL, &err) < 0) {
		fprintf(stderr, "fakefs: %s\n", error_message(err));
		exit(1);
	}
	json_decref(tree);
}

static json_t *named(const char *kind, const char *name)
{
	return json_pack("{s:s,s:s,s:{s:s}}", "apiVersion", "v1", "kind", kind, "metadata", "name",
			 name);
}

/* As long as a real pod: about 2 KB, and 5 KB of managedFields. */
static json_t *pod(long i)
{
	char *name free_ptr = xasprintf("web-%06ld", i);
	json_t *tree = named("Pod", name), *env = json_array(), *fields = json_object();

	for (int k = 0; k < 20; k++) {
		char *key free_ptr = xasprintf("SETTING_%d", k);
		char *field free_ptr = xasprintf("k:{\"name\":\"SETTING_%d\"}", k);

		json_array_append_new(env, json_pack("{s:s,s:s}", "name", key, "value",
						     "a value of an environment variable of it"));
		json_object_set_new(fields, field,
				    json_pack("{s:{},s:{},s:{},s:{},s:{}}", ".", "f:name",
					      "f:value", "f:valueFromSomewhereElseThatIsLong",
					      "f:andOneMore"));
	}
	json_path_set(tree, "metadata.labels", json_pack("{s:s}", "app", "web"));
	json_path_set(tree, "metadata.managedFields",
		      json_pack("[{s:s,s:s,s:s,s:s,s:s,s:o}]", "manager", "kubectl", "operation",
				"Update", "apiVersion", "v1", "time", "2026-01-02T03:04:05Z",
				"fieldsType", "FieldsV1", "fieldsV1", fields));
	json_path_set(
		tree, "spec.containers",
		json_pack("[{s:s,s:s,s:o}]", "name", "web", "image", "nginx:1.27", "env", env));
	json_path_set(tree, "status.phase", json_string("Running"));
	return tree;
}

static void *change(void *arg)
{
	struct fakefs *f = arg;
	struct catalog *catalog = cluster_catalog(f->cluster, NULL, NULL);
	const struct resource *r = catalog_find(catalog, "", "v1", "configmaps");
	int number;

	sigwait(&f->wake, &number);
	for (long i = 0; i < f->changes && !f->stopped; i++) {
		char digits[24];

		snprintf(digits, sizeof(digits), "%08ld", i);
		json_t *patch json_auto = json_object();

		/* Every line of a version tells its number; the size differs from one to the next.
		 */
		for (int k = 0; k < 700; k++) {
			char *key free_ptr = xasprintf("data.k%05d", k);
			bool there = k < 400 + (int)(i % 4) * 100;

			json_path_set(patch, key, there ? json_string(digits) : json_null());
		}
		cluster_patch_tree(f->cluster, NULL, r, "default", "moving", NULL, PATCH_MERGE,
				   patch, NULL, NULL, NULL);
	}
	catalog_unref(catalog);
	return NULL;
}

static void on_ready(void *arg)
{
	puts("ready");
	fflush(stdout);
}

static void fill(struct fakefs *f)
{
	create(f->cluster, "namespaces", "", named("Namespace", "default"));
	create(f->cluster, "configmaps", "default", named("ConfigMap", "moving"));
	if (!f->pods)
		return;
	create(f->cluster, "namespaces", "", named("Namespace", "bench"));
	for (long i = 0; i < f->pods; i++)
		create(f->cluster, "pods", "bench", pod(i));
}

static void parse(struct fakefs *f, int argc, char **argv)
{
	char *word, *rest;
	int c;

	while ((c = getopt(argc, argv, "o:p:l:c:x:")) != -1) {
		if (c == 'p')
			f->pods = strtol(optarg, NULL, 10);
		else if (c == 'c')
			f->changes = strtol(optarg, NULL, 10);
		else if (c == 'x')
			f->unlisted = optarg;
		else if (c == 'l')
			f->log = fopen(optarg, "we");
		for (rest = optarg; c == 'o' && (word = strsep(&rest, ","));)
			fs_option_set(&f->options, word, NULL);
	}
	if (f->log)
		setlinebuf(f->log);
}

int main(int argc, char **argv)
{
	struct error *err = NULL;
	struct fakefs f = {0};
	struct informers *informers;
	pthread_t thread;
	struct fs *fs;
	int ret;

	object_init();
	fs_options_init(&f.options);
	parse(&f, argc, argv);
	sigemptyset(&f.wake);
	sigaddset(&f.wake, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &f.wake, NULL);
	f.cluster = cluster_open("fake:", NULL, &err);
	fill(&f);
	fake_on_request(f.cluster, on_request, &f);
	if (f.changes)
		pthread_create(&thread, NULL, change, &f);
	informers = informers_new(f.cluster, NULL);
	fs = fs_new(f.cluster, informers, &f.options, &err);
	if (!fs || fs_mount(fs, argv[optind], &err) < 0) {
		fprintf(stderr, "fakefs: %s\n", error_message(err));
		return 1;
	}
	ret = fs_run(fs, on_ready, NULL, &err);
	f.stopped = true;
	fs_unmount(fs);
	fs_free(fs);
	informers_free(informers);
	if (f.changes && pthread_kill(thread, SIGUSR1) == 0)
		pthread_join(thread, NULL);
	cluster_close(f.cluster);
	fs_options_release(&f.options);
	if (f.log)
		fclose(f.log);
	error_free(err);
	return ret < 0;
}
