#include "base/vec.h"
#include "cache/informer.h"
#include "cli/contexts.h"
#include "cli/daemon.h"
#include "cli/mountpoint.h"
#include "cli/program.h"
#include "fs/fs.h"

#include <errno.h>
#include <stdlib.h>

static int fill_fs_options(struct fs_options *fs, const struct options *opt, struct error **err)
{
	for (size_t i = 0; i < opt->mount_options.n; i++)
		if (fs_option_set(fs, opt->mount_options.v[i], err) < 0)
			return -1;
	for (size_t i = 0; i < opt->namespaces.n; i++)
		vec_push(&fs->namespaces, xstrdup(opt->namespaces.v[i]));
	fs->debug = opt->debug;
	return 0;
}

static void ready(void *arg)
{
	daemon_ready(arg);
}

/* FS is taken; NULL: it could not be made. */
static int serve_mount(struct fs *fs, const char *mountpoint, struct daemon *daemon,
		       struct error **err)
{
	int status;

	if (!fs)
		return -1;
	status = fs_mount(fs, mountpoint, err);
	if (status == 0) {
		status = fs_run(fs, ready, daemon, err);
		fs_unmount(fs);
	}
	fs_free(fs);
	return status;
}

static int mount_one(const struct options *opt, const struct fs_options *fs, const char *mountpoint,
		     struct daemon *daemon, struct error **err)
{
	struct program program CLEANUP(program_stop) = {0};
	unsigned parts = PART_INFORMERS;

	if (opt->local)
		parts |= PART_OWN_CLUSTER | (opt->listen ? PART_SERVE : 0u);
	if (program_start(&program, opt, parts, err) < 0)
		return -1;
	return serve_mount(fs_new(program.cluster, program.informers, fs, err), mountpoint, daemon,
			   err);
}

static int mount_all(const struct options *opt, const struct fs_options *fs, const char *mountpoint,
		     struct daemon *daemon, struct error **err)
{
	struct contexts all CLEANUP(contexts_release) = {0};

	if (contexts_read(&all, opt, err) < 0)
		return -1;
	return serve_mount(contexts_tree(&all, fs), mountpoint, daemon, err);
}

static int check_options(const struct options *opt, struct error **err)
{
	if (opt->listen && !opt->local)
		return error_set(err, E_BAD_REQUEST, "--listen goes with --local");
	if (opt->audit_log && !opt->listen)
		return error_set(err, E_BAD_REQUEST, "--audit-log goes with --listen");
	if (opt->all_contexts && opt->local)
		return error_set(err, E_BAD_REQUEST,
				 "--all-contexts and --local exclude each other");
	if (opt->all_contexts && opt->context)
		return error_set(err, E_BAD_REQUEST,
				 "--all-contexts and a context exclude each other");
	return 0;
}

static int run(const struct options *given)
{
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct fs_options fs CLEANUP(fs_options_release);
	struct options opt = *given;
	char *mountpoint free_ptr = NULL, *kubeconfig free_ptr = NULL;
	struct daemon daemon;
	int status;

	fs_options_init(&fs);
	if (check_options(&opt, &err) < 0 || fill_fs_options(&fs, &opt, &err) < 0 ||
	    !(mountpoint = mountpoint_find(opt.mountpoint, &err)) ||
	    contexts_fix_paths(&opt, &kubeconfig, &err) < 0)
		return program_fail(err);
	if (opt.audit_log)
		program_block_hangup();
	if (daemon_begin(&daemon, opt.foreground || opt.debug) < 0) {
		error_set_errno(&err, errno, "going to the background");
		return program_fail(err);
	}
	status = (opt.all_contexts ? mount_all : mount_one)(&opt, &fs, mountpoint, &daemon, &err);
	return status < 0 ? program_fail(err) : 0;
}

const struct command cmd_mount = {
	.name = "mount",
	.synopsis = "[--local[=DIR]] [-o OPTIONS] MOUNTPOINT",
	.summary = "mount a cluster: your kubeconfig's, or one of its own",
	.bit = COMMAND_MOUNT,
	.run = run,
};
