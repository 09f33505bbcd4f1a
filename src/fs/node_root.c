/* The root, the directories that hold only what nodes[] says, and README. */
#include "fs/nodes.h"

#include "fs/contexts.h"
#include "fs/types.h"

static bool root_ready(struct node *root)
{
	return fs_settled(root->fs);
}

static int root_prepare(struct node *root, const struct call *call, struct error **err)
{
	return fs_connect(root->fs, call, err);
}

const struct node_ops root_ops = {.ready = root_ready, .prepare = root_prepare};
const struct node_ops plain_dir_ops = {0};

static void say_context(const struct node *n, struct str *out)
{
	const char *name = n->fs->connection->source.name;

	str_adds(out, "This is the context ");
	str_add_escaped(out, name, strlen(name));
	str_adds(out, " of your kubeconfig.\n");
}

static void unconnected_text(struct node *n, struct str *out)
{
	say_context(n, out);
	str_adds(out,
		 "\n"
		 "Its cluster cannot be shown now: errors.log here says why. Looking again tries\n"
		 "again; the other contexts are not concerned.\n");
}

static void readme_text(struct node *n, struct str *out)
{
	if (!n->fs->view) {
		unconnected_text(n, out);
		return;
	}
	if (n->fs->connection)
		say_context(n, out);
	str_addf(out, "This directory is the Kubernetes cluster %s.\n",
		 n->fs->cluster->description);
	str_adds(out,
		 "\n"
		 "  namespaces/NS/TYPE/NAME.yaml   an object, as kubectl get -o yaml prints it\n"
		 "  namespaces/NS/namespace.yaml   the namespace itself\n"
		 "  namespaces/NS/logs/POD/C.log   a container's log; tail -f follows\n"
		 "  cluster/TYPE/NAME.yaml         objects that are in no namespace\n"
		 "  apply, namespaces/NS/apply     drop boxes for manifests of any kinds\n"
		 "  events.log                     what happened, oldest first\n"
		 "  errors.log                     every refused write, with the server's reason\n"
		 "\n"
		 "Read with cat, grep and diff. Write with an editor, cp, sed -i or a shell:\n"
		 "\n"
		 "  cat app.yaml > apply           applies all of it; cat apply tells the outcome\n"
		 "  vim namespaces/default/deployments/web.yaml\n"
		 "  cp web.yaml namespaces/default/deployments/\n"
		 "  rm namespaces/default/pods/web-0.yaml\n"
		 "  mkdir namespaces/test; rm -r namespaces/test\n"
		 "                                 (rm of namespace.yaml alone deletes nothing)\n"
		 "\n"
		 "A write is one request, made when the writer closes the file. What is refused\n"
		 "fails there with an errno; the reason is in errors.log and in "
		 "NAME.yaml.rejected,\n"
		 "which also keeps the text.\n"
		 "\n"
		 "Names that open but are not listed: NAME.json, NAME/describe, NAME/events,\n"
		 "NAME/data/KEY, NAME/scale, NAME/restart, TYPE/.table, and every other name\n"
		 "kubectl has for a type (po, deploy, deployments.apps). kubefs-tree(5) has the "
		 "rest.\n");
}

const struct node_ops readme_ops = {.text = readme_text};
