/*
 * The tree: a cluster as a FUSE filesystem. kubefs-tree(5) says what each file promises.
 *
 *	struct fs_options o;
 *	fs_options_init(&o);
 *	fs_option_set(&o, "ro", &err);			// for each word after -o
 *	struct fs *fs = fs_new(cluster, informers, &o, &err);
 *	fs_mount(fs, "/mnt", &err);			// from here on the name is a mount point
 *	fs_run(fs, ready, arg, &err);			// until fusermount3 -u, or a signal
 *	fs_unmount(fs);
 *	fs_free(fs);
 *
 * fs_new asks the cluster for its catalog and nothing else. Threads are started by fs_new, so a
 * program that goes to the background forks before.
 *
 * Threads: all functions from one thread.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include "base/clock.h"
#include "cache/informer.h"
#include "cluster/cluster.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct fs;

struct fs_words {
	char **v;
	size_t n, cap;
};

struct fs_options {
	bool read_only; /* ro */
	bool dry_run;	/* dryrun: every write is only tried on the server */
	bool force;	/* force: an apply takes over fields of any manager */
	bool tell;	/* tell: refusals are printed on the writer's terminal */
	bool details;	/* details: unlisted names are listed */
	bool xattr;	/* xattr: extended attributes tell what an object is */
	bool allow_other;
	bool debug;		/* libfuse's trace of every request, on stderr */
	int64_t delete_hold_ms; /* delete_hold=MS, 500; 0: deletions are sent at once */
	uid_t uid;		/* owner of every file; the caller's */
	gid_t gid;
	mode_t umask;		    /* bits no file has */
	struct fs_words protect;    /* protect=A:B-*: namespaces that are read only */
	struct fs_words namespaces; /* namespace=A: shown where namespaces may not be listed */
	struct fs_words fuse;	    /* words for libfuse and mount(8), as given */
	struct clock *clock;	    /* NULL: the system's */
};
void fs_options_init(struct fs_options *o);
void fs_options_release(struct fs_options *o);
/* One word of an -o list. One the tree does not know goes to libfuse. E_BAD_REQUEST: bad value. */
int fs_option_set(struct fs_options *o, const char *word, struct error **err);
/* Calls ROW for each word of the tree's own, as "-o delete_hold=MS", and what it does. */
void fs_options_help(void (*row)(const char *option, const char *help));

/* CLUSTER and INFORMERS outlive the tree; OPTIONS are copied. */
struct fs *fs_new(struct cluster *cluster, struct informers *informers,
		  const struct fs_options *options, struct error **err);
/* A cluster that a tree among several begins with. */
struct fs_context {
	const char *name; /* of the context; copied */
	/*
	 * Gives the cluster and its informers, which stay the context's. Called when the tree is
	 * first looked into, from one thread at a time, and again after a try that failed: what it
	 * gave then nobody uses any more.
	 */
	int (*open)(void *arg, struct cluster **cluster, struct informers **informers,
		    struct error **err);
	void *arg;
};
/*
 * The trees of several clusters, each in a directory of its own: kubefs-tree(5), "Several
 * clusters". Asks no cluster for anything. What the contexts give outlives the tree.
 */
struct fs *fs_new_contexts(const struct fs_context *contexts, size_t n,
			   const struct fs_options *options);
/* After fs_unmount. Held deletions have been sent by then. Takes NULL, returns NULL. */
struct fs *fs_free(struct fs *fs);

/* libfuse says on stderr what is wrong; the error repeats that it failed. */
int fs_mount(struct fs *fs, const char *mountpoint, struct error **err);
/*
 * Serves until the mount ends. SIGTERM, SIGINT and SIGHUP end it cleanly: held deletions are sent,
 * waiting calls are answered EINTR. READY (may be NULL) runs once the kernel has the first answer.
 */
int fs_run(struct fs *fs, void (*ready)(void *arg), void *arg, struct error **err);
/* Takes the mount away, if it still is there, and prints the names of .rejected files to stderr. */
void fs_unmount(struct fs *fs);

#endif
