#include "cli/contexts.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct context {
	struct options opt; /* what is borrowed stays so */
	struct program program;
};

static int open_context(void *arg, struct cluster **cluster, struct informers **informers,
			struct error **err)
{
	struct context *c = arg;

	program_stop(&c->program); /* of a try that failed */
	c->program = (struct program){0};
	if (program_start(&c->program, &c->opt, PART_INFORMERS, err) < 0)
		return -1;
	*cluster = c->program.cluster;
	*informers = c->program.informers;
	return 0;
}

int contexts_read(struct contexts *all, const struct options *opt, struct error **err)
{
	if (kubeconfig_contexts(opt->kubeconfig, &all->names, err) < 0)
		return -1;
	all->v = xcalloc(all->names.n, sizeof(*all->v));
	for (size_t i = 0; i < all->names.n; i++) {
		all->v[i].opt = *opt;
		all->v[i].opt.context = all->names.v[i];
	}
	return 0;
}

struct fs *contexts_tree(struct contexts *all, const struct fs_options *options)
{
	struct fs_context *sources free_ptr = xcalloc(all->names.n, sizeof(*sources));

	for (size_t i = 0; i < all->names.n; i++)
		sources[i] = (struct fs_context){all->names.v[i], open_context, &all->v[i]};
	return fs_new_contexts(sources, all->names.n, options);
}

void contexts_release(struct contexts *all)
{
	for (size_t i = 0; all->v && i < all->names.n; i++)
		program_stop(&all->v[i].program);
	free(steal(&all->v));
	kubeconfig_texts_release(&all->names);
}

/* NAME from the root on, appended. */
static int add_absolute(const char *name, size_t len, struct str *out, struct error **err)
{
	char *here free_ptr = NULL;

	if (len && *name != '/') {
		here = getcwd(NULL, 0);
		if (!here)
			return error_set_errno(err, errno, "the working directory");
		str_addf(out, "%s/", here);
	}
	str_add(out, name, len);
	return 0;
}

static int fix_environment(struct error **err)
{
	struct str list CLEANUP(str_release) = STR_INIT;
	const char *old = getenv("KUBECONFIG");

	while (old && *old) {
		size_t n = strcspn(old, ":");

		if (list.len)
			str_addc(&list, ':');
		if (add_absolute(old, n, &list, err) < 0)
			return -1;
		old += n + (old[n] == ':');
	}
	if (list.len)
		setenv("KUBECONFIG", list.s, 1);
	return 0;
}

int contexts_fix_paths(struct options *opt, char **kubeconfig, struct error **err)
{
	struct str path CLEANUP(str_release) = STR_INIT;

	if (opt->kubeconfig) {
		if (add_absolute(opt->kubeconfig, strlen(opt->kubeconfig), &path, err) < 0)
			return -1;
		opt->kubeconfig = *kubeconfig = str_take(&path);
	}
	return fix_environment(err);
}
