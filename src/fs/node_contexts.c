/* The directory that the trees of several contexts are in, and its README. */
#include "fs/nodes.h"

#include "fs/contexts.h"

static struct node *find_tree(struct node *dir, const char *name)
{
	struct fs *tree = fs_below(dir->fs, name);

	if (!tree)
		return NULL;
	FS_LOCK(tree);
	return node_ref(tree->root);
}

const struct node_ops contexts_ops = {.below = find_tree};

/* They are found by the directory's own function, not as nodes of its tree. */
static bool find_none(struct node *dir, const char *name, struct found *f)
{
	return false;
}

static void list_trees(struct node *dir, struct listing *l)
{
	vec_each (&dir->fs->below, tree)
		listing_add(l, (*tree)->name, (*tree)->root->ino);
}

const struct node_ops context_ops = {.find = find_none, .list = list_trees};

static void readme_text(struct node *n, struct str *out)
{
	str_adds(out,
		 "Each directory here is a context of your kubeconfig, as it was when this was\n"
		 "mounted. Its cluster is connected when the directory is first looked into; what\n"
		 "you write goes to the cluster of its path, always. README in each has the rest.\n"
		 "\n"
		 "Where a cluster cannot be reached its directory holds errors.log, which says\n"
		 "why; looking into it again tries again. No other directory is concerned.\n");
	vec_each (&n->fs->below, tree) {
		const char *context = (*tree)->connection->source.name;

		if (strcmp(context, (*tree)->name) != 0) {
			str_addf(out, "\n%s is the context ", (*tree)->name);
			str_add_escaped(out, context, strlen(context));
		}
	}
	if (out->s[out->len - 1] != '\n')
		str_addc(out, '\n');
}

const struct node_ops contexts_readme_ops = {.text = readme_text};
