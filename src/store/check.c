#include "store/internal.h"
#include "store/maintain.h"

#include <string.h>
#include <sys/stat.h>

#define PROBLEMS_TOLD 100

struct check {
	struct store *store;
	MDB_txn *txn;
	uint64_t newest, compacted;
	store_judge *judge;
	void *arg;
	struct store_report *report;
	struct str plain;
};

static void problem(struct check *c, const struct ref *ref, const char *what)
{
	struct store_report *r = c->report;

	if (r->n_problems++ < PROBLEMS_TOLD)
		vec_push(&r->problems,
			 ref ? xasprintf("%s (revision %llu, operation %u)", what,
					 (unsigned long long)ref->revision, ref->index)
			     : xstrdup(what));
}

static const char *version_problem(const struct check *c, const MDB_val *key, const struct entry *e,
				   const struct ref *ref)
{
	if (!entry_is_intact(e))
		return "a record is not as it was written";
	if (e->key_len != key->mv_size || memcmp(e->key, key->mv_data, e->key_len))
		return "a record of another key";
	if (e->at.version != ref->version)
		return "a version is missing";
	if (e->at.revision > c->newest)
		return "a record from the future";
	if (e->prev.revision >= e->at.revision)
		return "a version older than the one before it";
	return NULL;
}

static struct store_key_use *key_use(struct check *c, uint64_t id)
{
	struct store_key_use use = {.id = id};

	vec_each (&c->report->keys, k)
		if (k->id == id)
			return k;
	vec_push(&c->report->keys, use);
	return &c->report->keys.v[c->report->keys.n - 1];
}

/* The keys at hand, in their order, used or not. */
static void name_keys(struct check *c)
{
	vec_each (&c->store->keys, k) {
		struct store_key_use *use = key_use(c, k->id);

		use->known = true;
		use->first = k == c->store->keys.v;
	}
}

static void count(struct check *c, const struct entry *e)
{
	struct store_report *r = c->report;

	r->records++;
	r->bytes += e->len;
	r->without_sum += !e->summed;
	if (e->sealed)
		key_use(c, seal_key_of(e))->records++;
	else
		r->plain += e->len && seal_wanted(c->store, e->key, e->key_len);
}

static void check_value(struct check *c, const struct entry *e)
{
	struct entry copy = *e;
	int rc = seal_open(c->store, &copy, &c->plain);
	const char *what = NULL;

	if (rc == RC_NO_KEY)
		what = "a value is encrypted with a key that data.keys does not hold";
	else if (rc)
		what = "an encrypted value is not what was written there";
	else if (c->judge)
		what = c->judge(c->arg, copy.key, copy.key_len, copy.value, copy.len,
				copy.at.revision, copy.deleted);
	if (what)
		problem(c, &e->at, what);
}

/* All versions of one key, from the newest back. */
static void check_chain(struct check *c, const MDB_val *key, struct ref ref, bool deleted)
{
	struct entry e;
	int rc = entry_get(c->store, c->txn, &ref, &e);

	if (rc) {
		problem(c, &ref, "the newest version of a key cannot be read");
		return;
	}
	if (e.deleted != deleted)
		problem(c, &ref, "an object and its last record do not agree");
	for (; !rc; rc = entry_get(c->store, c->txn, &ref, &e)) {
		const char *what = version_problem(c, key, &e, &ref);

		if (what) {
			problem(c, &ref, what);
			return;
		}
		count(c, &e);
		check_value(c, &e);
		ref = e.prev;
	}
	if (rc != MDB_NOTFOUND)
		problem(c, &ref, "a record cannot be read");
	else if (ref.revision > c->compacted)
		problem(c, &ref, "a version that was not compacted is missing");
}

/* A damaged tree may lead in circles: no more keys are believed than it says there are. */
static uint64_t check_tree(struct check *c, MDB_dbi dbi, bool deleted)
{
	MDB_cursor *cursor = NULL;
	MDB_val key, data;
	MDB_stat st;
	uint64_t n = 0;
	int rc = mdb_stat(c->txn, dbi, &st);

	if (!rc)
		rc = mdb_cursor_open(c->txn, dbi, &cursor);
	while (!rc && !(rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT))) {
		struct ref ref;

		if (n++ == st.ms_entries)
			rc = MDB_CORRUPTED;
		else if (ref_parse(&data, &ref))
			problem(c, NULL, "a key leads to no record");
		else
			check_chain(c, &key, ref, deleted);
	}
	mdb_cursor_close(cursor);
	if (rc != MDB_NOTFOUND)
		problem(c, NULL, mdb_strerror(rc));
	else if (n != st.ms_entries)
		problem(c, NULL, "a tree has lost keys");
	return n;
}

static int check_all(struct check *c, struct error **err)
{
	struct store *s = c->store;
	struct store_report *r = c->report;
	MDB_stat st;
	int rc = snapshot_revisions(s, c->txn, &c->newest, &c->compacted);

	if (!rc)
		rc = mdb_stat(c->txn, s->log, &st);
	if (rc)
		return store_fail(err, rc, "cannot read the store");
	r->id = s->id;
	r->revision = c->newest;
	r->compacted = c->compacted;
	name_keys(c);
	space_report(s, c->txn, r);
	r->objects = check_tree(c, s->objects, false);
	r->deletions = check_tree(c, s->deleted, true);
	if (!r->n_problems && r->records != st.ms_entries)
		problem(c, NULL, "the log has records of no key");
	return 0;
}

static int verdict(struct check *c, struct error **err)
{
	const struct store_report *r = c->report;

	if (!r->n_problems)
		return 0;
	return error_set(err, E_INTERNAL, "the store %s is damaged: %s", c->store->dir,
			 r->problems.v[0]);
}

int store_check(struct store *s, store_judge *judge, void *arg, struct store_report *report,
		struct error **err)
{
	struct store_report own CLEANUP(store_report_release) = {0};
	struct check c = {.store = s,
			  .judge = judge,
			  .arg = arg,
			  .report = report ? report : &own,
			  .plain = STR_INIT,
			  .txn = reader_begin(s, err)};
	int rc;

	if (!c.txn)
		return -1;
	rc = check_all(&c, err);
	reader_end(s, c.txn);
	str_wipe(&c.plain);
	return rc ? rc : verdict(&c, err);
}

void store_report_release(struct store_report *r)
{
	vec_each (&r->problems, p)
		free(*p);
	vec_release(&r->problems);
	vec_release(&r->keys);
}
