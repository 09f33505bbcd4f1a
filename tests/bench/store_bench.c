/*
 * Durable writes a second: LMDB with one commit a transaction and two keys each, against
 * store_commit from 8 and 64 threads, in the same directory in the same run.
 *
 *	store_bench [DIR [SECONDS]]	(SECONDS: LMDB's rate alone, as a bare number)
 */
#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define VALUE_SIZE 4096
#define RUN_NS (5 * NS_PER_S)

static char value[VALUE_SIZE];
static _Atomic unsigned long written;
static _Atomic bool failed;

static int64_t now(void)
{
	return clock_mono(clock_system());
}

static int lmdb_write(MDB_env *env, MDB_dbi dbi, unsigned long i)
{
	char names[2][32];
	MDB_txn *txn;
	int rc = mdb_txn_begin(env, NULL, 0, &txn);

	for (int k = 0; !rc && k < 2; k++) {
		int n = snprintf(names[k], sizeof(names[k]), "%d/%lu", k, i);
		MDB_val key = {(size_t)n, names[k]}, data = {k ? 16 : VALUE_SIZE, value};

		rc = mdb_put(txn, dbi, &key, &data, 0);
	}
	return rc ? rc : mdb_txn_commit(txn);
}

static double lmdb_rate(const char *dir, int64_t run_ns)
{
	int64_t start = now();
	unsigned long n = 0;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	mkdir(dir, 0700);
	if (mdb_env_create(&env) || mdb_env_set_mapsize(env, (size_t)4 << 30) ||
	    mdb_env_open(env, dir, 0, 0600) || mdb_txn_begin(env, NULL, 0, &txn) ||
	    mdb_dbi_open(txn, NULL, 0, &dbi) || mdb_txn_commit(txn))
		return 0;
	for (; now() - start < run_ns; n++)
		if (lmdb_write(env, dbi, n))
			return 0;
	mdb_env_close(env);
	return (double)n * NS_PER_S / (double)(now() - start);
}

struct writer {
	pthread_t thread;
	struct store *store;
	unsigned id;
	int64_t end;
};

static void *write_until(void *arg)
{
	struct writer *w = arg;

	for (unsigned long i = 0; now() < w->end && !failed; i++) {
		char key[48];
		struct store_op op = {.kind = STORE_PUT,
				      .key = key,
				      .expect = STORE_ABSENT,
				      .head = value,
				      .head_len = VALUE_SIZE};

		op.key_len = (size_t)snprintf(key, sizeof(key), "%u/%lu", w->id, i);
		if (store_commit(w->store, &op, 1, NULL, NULL, NULL))
			failed = true;
		else
			written++;
	}
	return NULL;
}

static double store_rate(const char *dir, unsigned threads)
{
	struct store *s = store_open(dir, NULL, NULL);
	struct writer w[64];
	int64_t start = now();

	if (!s)
		return 0;
	written = 0;
	for (unsigned i = 0; i < threads; i++) {
		w[i] = (struct writer){.store = s, .id = i, .end = start + RUN_NS};
		pthread_create(&w[i].thread, NULL, write_until, &w[i]);
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(w[i].thread, NULL);
	start = now() - start;
	store_close(s);
	return failed ? 0 : (double)written * NS_PER_S / (double)start;
}

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : ".";
	char *alone free_ptr = xasprintf("%s/lmdb", dir);
	char *few free_ptr = xasprintf("%s/store8", dir),
		  *many free_ptr = xasprintf("%s/store64", dir);
	double one, eight, all;

	memset(value, 'v', sizeof(value));
	if (argc > 2) {
		one = lmdb_rate(alone, (int64_t)(strtod(argv[2], NULL) * NS_PER_S));
		printf("%.0f\n", one);
		return one == 0;
	}
	one = lmdb_rate(alone, RUN_NS);
	eight = store_rate(few, 8);
	all = store_rate(many, 64);
	if (one == 0 || eight == 0 || all == 0) {
		fprintf(stderr, "cannot write below %s\n", dir);
		return 1;
	}
	printf("durable 4 KB writes/s  LMDB alone %.0f\n", one);
	printf("durable 4 KB writes/s  store, 8 threads %.0f, ratio %.1f\n", eight, eight / one);
	printf("durable 4 KB writes/s  store, 64 threads %.0f, ratio %.1f\n", all, all / one);
	return 0;
}
