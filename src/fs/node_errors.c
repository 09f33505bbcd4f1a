/* errors.log */
#include "fs/nodes.h"

#include "fs/journal.h"
#include "fs/spool.h"

static void errors_stat(struct node *n, struct stat *st)
{
	int64_t grown;

	st->st_size = (off_t)spool_size(journal_spool(n->fs->journal), &grown);
	if (grown)
		st->st_mtim = st->st_ctim = (struct timespec){grown / NS_PER_S, grown % NS_PER_S};
}

static int errors_open(struct node *n, const struct call *call, struct error **err)
{
	spool_open(journal_spool(n->fs->journal));
	return 0;
}

static void errors_close(struct node *n)
{
	spool_close(journal_spool(n->fs->journal));
}

static void errors_read(struct node *n, off_t offset, size_t size, struct str *out)
{
	spool_read(journal_spool(n->fs->journal), offset, size, out);
}

const struct node_ops errors_ops = {
	.stat = errors_stat,
	.open = errors_open,
	.close = errors_close,
	.read = errors_read,
};
