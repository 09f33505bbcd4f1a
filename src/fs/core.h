/*
 * Inside the tree: nodes, their providers, and what they share. Not for other folders.
 *
 * A node is what the kernel knows by a number: a directory, a file, or one version of an object's
 * file. Nodes of one version never change: a newer version gets a node of its own with the same
 * st_ino, so that an open file keeps its bytes and the pages the kernel holds of them. A directory
 * knows the newest node of each name (children); a node that is no longer that one lives until
 * the last reference goes.
 *
 * What a name means is told by nodes[] (table.c): one row a kind of file, each with the functions
 * of its provider (node_<name>.c).
 *
 * Threads: fs->lock guards children, drafts, holds and every field of a node that changes. It is
 * never held while asking the cluster, rendering, or telling the kernel. Order: fs->lock, then an
 * informer's own lock.
 */
#ifndef FS_CORE_H
#define FS_CORE_H

#include "base/map.h"
#include "base/vec.h"
#include "base/str.h"
#include "fs/fs.h"
#include "fs/pool.h"

#include <pthread.h>
#include <sys/stat.h>

struct node;
struct node_kind;
struct draft;
struct tree_type;
struct listing;

enum {
	ATTR_FOREVER_S = 86400, /* events invalidate exactly, so the kernel may keep all of it */
	NAME_BYTES = 255,
	TEXT_MAX = 16 << 20,	/* of one written file */
	SCRATCH_MAX = 16 << 20, /* of all scratch files together */
	REJECTED_MAX = 16 << 20,
	SERVED_MAX = 64 << 20,
	SPOOL_MAX = 16 << 20, /* of one log */
};

/* What a provider's find tells of a name. All of it goes to the new node. */
struct found {
	struct object *object;		 /* a ref, or NULL */
	const struct resource *resource; /* a ref, or NULL */
	char *link;			 /* a symlink's target, owned */
	struct tree_type *type;		 /* a ref, or NULL */
};

/* The functions of a provider; an empty slot means nothing to do. */
struct node_ops {
	/* Of a directory: the root of another tree, by its name here; NULL: it is none of these. A
	 * new ref. */
	struct node *(*below)(struct node *dir, const char *name);
	/* Of a directory: may its names be looked at without waiting? NULL: yes. Under fs->lock. */
	bool (*ready)(struct node *dir);
	/* Waits until they may. */
	int (*prepare)(struct node *dir, const struct call *call, struct error **err);
	/* Of a row whose last component varies: is NAME one of these in DIR? Under fs->lock. */
	bool (*find)(struct node *dir, const char *name, struct found *out);
	/* Adds such names of DIR. Not under fs->lock: there may be 100,000 of them. */
	void (*list)(struct node *dir, struct listing *l);
	/* Fills in what is fixed for the node's life: size, times, number, mode. Under fs->lock. */
	void (*init)(struct node *n);
	/* Size and times that move, of a stream. */
	void (*stat)(struct node *n, struct stat *st);
	/* The whole text of a small generated file; made once, when the node is. */
	void (*text)(struct node *n, struct str *out);
	/* Of a stream: before it is read; after the last reader has gone. May wait. */
	int (*open)(struct node *n, const struct call *call, struct error **err);
	void (*close)(struct node *n);
	/* Of what is followed (follow.h): it was poked. */
	void (*again)(struct node *n, const struct call *call);
	void (*read)(struct node *n, off_t offset, size_t size, struct str *out);
	/* The whole text of a file that is made anew for each opening. May wait. */
	int (*render)(struct node *n, const struct call *call, struct str *out, struct error **err);
	/* Of a file whose read blocks: what one opening waits on. Its directory's type is ready.
	 * Under fs->lock. */
	struct waiter *(*begin)(struct node *n);
	/* Of a directory that takes scratch files: the provider whose submit is given what is
	 * written as NAME; NULL: nobody's, it is a scratch file. */
	const struct node_ops *(*writes)(struct node *dir, const char *name);
	/* What a writer of this file has written, whole. WRITER: the process. */
	int (*submit)(struct node *dir, const char *name, struct draft *d, pid_t writer,
		      const struct call *call, struct error **err);
	/* May wait. The name is gone when it succeeds. */
	int (*remove)(struct node *dir, const char *name, struct node *n, const struct call *call,
		      struct error **err);
	/* An object of TYPE has changed: forget what was told of it (node_stale). Under fs->lock.
	 */
	void (*changed)(struct tree_type *type, struct object *old, struct object *new_);
	/* Of a directory: makes NAME in it. */
	int (*mkdir)(struct node *dir, const char *name, const struct call *call,
		     struct error **err);
	void (*release)(struct node *n);
};

enum node_flags {
	NODE_UNLISTED = 1, /* opens, but is not in a listing */
	NODE_STREAM = 2,   /* direct I/O; the size moves */
	NODE_SCRATCH = 4,  /* a directory that takes scratch files */
	NODE_FORMAT_JSON = 8,
	NODE_BRIEF = 16,   /* found anew at each look: no event tells when it changes */
	NODE_CLUSTER = 32, /* is there only while the tree is connected */
};

/* One row of nodes[]. PATH: %n a namespace, %t a type, %o an object, %a an alias, %c a container,
 * %k a key, %s a part of a selector, %l a link, %w a condition, %h
 * a version. */
struct node_kind {
	const char *path;
	mode_t mode; /* file type and permissions, before ro and umask */
	unsigned flags;
	const struct node_ops *ops;
};

struct node {
	struct fs *fs;
	struct node *parent; /* a ref; NULL of the root */
	const struct node_kind *kind;
	char *name;
	const char *namespace;		 /* borrowed from a parent or own name; "" */
	const struct resource *resource; /* a ref */
	struct tree_type *type;		 /* a ref; of a type's directory */
	struct object *object;		 /* a ref; the version */
	struct str text;		 /* of a generated file or a link */
	struct draft *draft;		 /* a ref; of a scratch file, or being written */
	uint64_t ino, refs;
	uint64_t lookups;		  /* how many of refs are the kernel's */
	struct node *all_next, *all_prev; /* of fs->all */
	size_t size;
	mode_t mode;
	struct timespec mtime, changed;
	struct map *children; /* name -> newest node, borrowed; of a directory */
	struct map *drafts;   /* name -> scratch node, a ref; of a directory */
	struct node *before;  /* a ref; the one of its name whose scratch files it took over */
	uint64_t names;	      /* generation of its listing */
	uint64_t listed;      /* digest of what the kernel may keep of it; 0: nothing */
	size_t entries;	      /* of its last listing */
	unsigned caching;     /* openings whose entries the kernel keeps, all of that listing */
	pid_t reserved;	      /* the thread that may open this node for writing; 0: any */
	bool private;	      /* for one writer: not the newest of its name */
	bool adrift;	      /* its name shows another directory now, or it is in such a one */
	unsigned opens;
	void *state; /* the provider's */
};

struct view;
struct texts;
struct served;
struct journal;
struct holds;
struct wants;
struct absent;
struct notifier;
struct followers;
struct waiter;

/*
 * A tree: that of one cluster, or the directory that several of them are in. Each of these is a
 * struct fs of its own, with its own locks, threads and caches, so that none waits for another;
 * what they share is the connection to the kernel, whose numbers are addresses of nodes.
 */
struct fs {
	struct fs_options opt;
	struct cluster *cluster;     /* NULL: not connected yet */
	struct informers *informers; /* likewise */
	struct fs *above; /* the tree whose directory it is; NULL: it is mounted itself */
	char *name;	  /* of that directory */
	struct {
		struct fs **v;
		size_t n, cap;
	} below;		       /* the trees in it; fixed before the mount */
	struct connection *connection; /* of one that is in another, else NULL */
	uint64_t ino_seed;	       /* two trees number the same object differently */
	struct clock *clock;
	pthread_mutex_t lock;
	struct node *root;
	struct node *all;	     /* every node */
	size_t n_nodes;		     /* so many */
	struct view *view;	     /* NULL: not connected yet */
	struct map *types;	     /* key -> struct tree_type */
	struct tree_type *all_types; /* those of the map, and what still has a ref */
	struct handle *handles;	     /* every opening that the kernel has not released */
	struct pool *pool;
	struct notifier *notifier;
	struct texts *texts;
	struct served *served;
	struct journal *journal;
	struct holds *holds;
	struct wants *wants;
	struct absent *absent;
	struct followers *followers;
	struct map *reports;	/* namespace -> text: what became of the last apply there */
	struct waiter *waiters; /* every one */
	bool waiters_stopped;
	unsigned unreachable; /* types whose server does not answer */
	struct session *session;
	pthread_cond_t view_changed;
	uint64_t next_ino;
	size_t scratch_bytes, rejected_bytes;
	int64_t started; /* wall */
};

#define FS_LOCK(fs) \
	pthread_mutex_t *fs_lock_ __attribute__((cleanup(fs_unlock_cleanup), unused)) = fs_lock(fs)
static inline pthread_mutex_t *fs_lock(struct fs *fs)
{
	pthread_mutex_lock(&fs->lock);
	return &fs->lock;
}
static inline void fs_unlock_cleanup(pthread_mutex_t **m)
{
	pthread_mutex_unlock(*m);
}

/* node.c */
/* Under fs->lock, but for the root. */
struct node *node_new(struct fs *fs, struct node *parent, const struct node_kind *kind,
		      const char *name);
struct node *node_ref(struct node *n); /* under fs->lock */
/* Not under fs->lock. Takes NULL. */
void node_unref(struct node *n);
/* The kernel has COUNT refs fewer. */
void node_forget(struct node *n, uint64_t count);
/* The mount is gone: takes back every ref the kernel still had. */
void nodes_forget_all(struct fs *fs);
DEFINE_CLEANUP(struct node *, node_unref)
void node_stat(struct node *n, struct stat *st);
/* NAME in DIR is no longer what it was: the next lookup makes a new node. A directory may still be
 * somebody's working directory: what is in it is looked up each time from now on. Under fs->lock.
 */
void node_stale(struct node *dir, const char *name);
/* A name of DIR has appeared or gone. Under fs->lock. */
void node_names_changed(struct node *dir);
/* The child the tree knows now, or NULL. Borrowed, under fs->lock. */
struct node *node_child(struct node *dir, const char *name);
bool node_is_dir(const struct node *n);
/* The provider that NAME in DIR is written to; NULL: a scratch file. */
const struct node_ops *node_writes(struct node *dir, const char *name);
/* The number the kernel knows it by. */
uint64_t node_id(const struct node *n);
/* One of protect=. */
bool namespace_is_protected(const struct fs *fs, const char *namespace);
/* The namespace of the node is read only: ro, or protected. */
bool node_read_only(const struct node *n);
/* "namespaces/default/pods/web.yaml", appended. */
void node_path(const struct node *n, struct str *out);
uint64_t ino_hash(const struct fs *fs, const char *a, const char *b);

/* contexts.c */
/* Connects a tree that is in another, unless it is connected; waits. Whether it could is told by
 * fs->view and errors.log: only who gives up waiting gets an error. */
int fs_connect(struct fs *fs, const struct call *call, struct error **err);
/* May its root be looked into without waiting: it is connected, or has just failed to be? Under
 * fs->lock. */
bool fs_settled(struct fs *fs);
/* Why it is not connected; E_UNAVAILABLE where nobody has tried. Under fs->lock. */
int fs_connect_failure(struct fs *fs, struct error **err);
/* The tree in FS that is called NAME, or NULL. */
struct fs *fs_below(struct fs *fs, const char *name);
void connection_free(struct connection *c);
/* From now on FS shows this cluster: all three are set. V is taken. */
void fs_adopt(struct fs *fs, struct cluster *cluster, struct informers *informers, struct view *v);
/* fs_new without a cluster. ABOVE may be NULL. */
struct fs *fs_new_unconnected(const struct fs_options *options, struct fs *above, const char *name);
/* FS and the trees in it, one after the other. */
void fs_each(struct fs *fs, void (*each)(struct fs *tree));

/* table.c */
extern const struct node_kind nodes[];
extern const size_t n_nodes;
/* The root of a cluster's tree; the directory of such trees. */
const struct node_kind *row_root(void);
const struct node_kind *row_contexts(void);
/* Rows directly below DIR, in order: the one after AFTER (NULL: the first), or NULL. */
const struct node_kind *row_next(const struct node_kind *dir, const struct node_kind *after);
/* The last component of its path. */
const char *row_last(const struct node_kind *k);

/* tree.c: names to nodes, with no kernel involved. */
/* Finds NAME in DIR, waiting where needed; a new ref. E_NOT_FOUND, E_FORBIDDEN, ... */
int tree_lookup(struct node *dir, const char *name, pid_t tid, const struct call *call,
		struct node **out, struct error **err);
/* Path from the root. For tests and for the program itself. */
int tree_resolve(struct fs *fs, const char *path, const struct call *call, struct node **out,
		 struct error **err);
/* The object's file NAME of DIR as a node of its own, for this thread to write on; a new ref, or
 * NULL where there is none. Under fs->lock. */
struct node *tree_private(struct node *dir, const char *name, pid_t tid);
bool tree_ready(struct node *dir);
int tree_prepare(struct node *dir, const struct call *call, struct error **err);
/* Appends SIZE bytes from OFFSET of a file's content. */
void tree_read(struct node *n, off_t offset, size_t size, struct str *out);

struct entry {
	char *name;
	uint64_t ino;
	mode_t mode;
};
struct listing {
	struct node *dir;
	const struct node_kind *kind; /* the row that is being listed */
	uint64_t names;		      /* generation it is of */
	uint64_t digest;	      /* of its names and numbers, in their order; never 0 */
	struct entry *v;
	size_t n, cap;
};
/* DIR is prepared. Replaces what L holds. */
void tree_list(struct node *dir, struct listing *l);
void listing_add(struct listing *l, const char *name, uint64_t ino);
void listing_release(struct listing *l);

#endif
