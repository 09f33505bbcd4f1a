#include "base/vec.h"
#include "cache/informer.h"
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

static int serve_mount(struct program *program, const struct fs_options *options,
		       const char *mountpoint, struct daemon *daemon, struct error **err)
{
	struct fs *fs = fs_new(program->cluster, program->informers, options, err);
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

static int run(const struct options *opt)
{
	unsigned parts = PART_INFORMERS;
	struct error *err CLEANUP(error_free_cleanup) = NULL;
	struct program program CLEANUP(program_stop) = {0};
	struct fs_options fs CLEANUP(fs_options_release);
	char *mountpoint free_ptr = NULL;
	struct daemon daemon;

	fs_options_init(&fs);
	if (fill_fs_options(&fs, opt, &err) < 0 ||
	    !(mountpoint = mountpoint_find(opt->mountpoint, &err)))
		return program_fail(err);
	if (opt->local)
		parts |= PART_OWN_CLUSTER | (opt->listen ? PART_SERVE : 0u);
	else if (opt->listen) {
		error_set(&err, E_BAD_REQUEST, "--listen goes with --local");
		return program_fail(err);
	}
	if (daemon_begin(&daemon, opt->foreground || opt->debug) < 0) {
		error_set_errno(&err, errno, "going to the background");
		return program_fail(err);
	}
	if (program_start(&program, opt, parts, &err) < 0 ||
	    serve_mount(&program, &fs, mountpoint, &daemon, &err) < 0)
		return program_fail(err);
	return 0;
}

const struct command cmd_mount = {
	.name = "mount",
	.synopsis = "[--local[=DIR]] [-o OPTIONS] MOUNTPOINT",
	.summary = "mount a cluster: your kubeconfig's, or one of its own",
	.bit = COMMAND_MOUNT,
	.run = run,
};
