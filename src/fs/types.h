/*
 * The types of the cluster as the tree shows them: a view of the catalog by directory name, and
 * one informer for each type that somebody has looked at.
 *
 * Threads: a view is immutable. Types: all functions from any thread; none under fs->lock where
 * it says so.
 */
#ifndef FS_TYPES_H
#define FS_TYPES_H

#include "fs/core.h"

/* Directory names of one catalog. Refcounted. */
struct view {
	_Atomic unsigned refs;
	struct catalog *catalog;
	struct map *in_namespace, *in_cluster; /* name -> const struct resource *, of the catalog */
	const struct resource *namespaces, *pods, *events; /* NULL where they are not served */
};
/* Reads the catalog; may wait. Without namespaces it is no cluster: E_NOT_SUPPORTED. */
struct view *view_new(struct cluster *c, const struct call *call, struct error **err);
struct view *view_ref(struct view *v);
void view_unref(struct view *v);
DEFINE_CLEANUP(struct view *, view_unref)
/* The current one; a ref. Takes fs->lock. */
struct view *view_get(struct fs *fs);
/* Reads the catalog again and tells the kernel which directories came and went. */
void view_refresh(struct fs *fs);
/* Any name kubectl takes, when it has a directory there: its name. NULL: none. The caller frees. */
char *view_resolve(struct view *v, bool namespaced, const char *name);

/* A type somebody looks at, in one namespace or ("") all. Refcounted; holds the informer. */
struct tree_type {
	_Atomic unsigned refs;
	struct fs *fs;			 /* NULL once types_free took it */
	const struct resource *resource; /* a ref */
	char *key, *namespace, *directory;
	bool away;		   /* counted in fs->unreachable */
	bool listed;		   /* all that was there at first has been told; under fs->lock */
	bool slow;		   /* its first list is told to take long; under fs->lock */
	int64_t began_ns;	   /* monotonic */
	struct informer *informer; /* NULL once types_free took it */
	struct tree_type *next, **prev; /* of fs->all_types */
};
/* Starts its informer on first use. Not under fs->lock. */
struct tree_type *type_get(struct fs *fs, const struct resource *r, const char *namespace);
struct tree_type *type_ref(struct tree_type *t);
/* Not under fs->lock. */
void type_unref(struct tree_type *t);
DEFINE_CLEANUP(struct tree_type *, type_unref)
/*
 * The type as NAMESPACE may see it: all namespaces in one informer, or where that may not be
 * listed, the namespace alone. Waits for its first list. A ref in *out.
 */
int type_open(struct fs *fs, const struct resource *r, const char *namespace,
	      const struct call *call, struct tree_type **out, struct error **err);
/* The same, which AT then has, if it has none yet. */
int type_open_at(struct node *at, const struct resource *r, const struct call *call,
		 struct error **err);
/* The one type_open would give, when it needs no waiting; NULL: wait. A ref. Under fs->lock. */
struct tree_type *type_ready(struct fs *fs, const struct resource *r, const char *namespace);
/* OLD is now NEW (NULL: not there yet, gone): what was told of it is forgotten, here and in the
 * kernel. Events do this by themselves; who has the server's answer does it before its own answer.
 * Not under fs->lock. */
void type_told(struct tree_type *t, struct object *old, struct object *new_);
/* A name of DIR has come or gone with an object of T. What was there when the type was first looked
 * at is no change of the directory: whoever reads it meanwhile (tar) sees its times stay. Under
 * fs->lock. */
void type_names_changed(struct tree_type *t, struct node *dir);
/* Gives back every type's informer, at the end, whoever still has a ref of the type. */
void types_free(struct fs *fs);
/* The directory the type's objects of NAMESPACE are in, if the tree knows it. Under fs->lock. */
struct node *type_directory(struct tree_type *t, const char *namespace);
/* namespaces/NAMESPACE, if the tree knows it. Borrowed, under fs->lock. */
struct node *namespace_directory(struct fs *fs, const char *namespace);

#endif
