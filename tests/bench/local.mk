# See Makefile.am: append to TESTS, check_PROGRAMS, EXTRA_DIST.
EXTRA_PROGRAMS += tests/bench/store_bench
tests_bench_store_bench_SOURCES = tests/bench/store_bench.c
tests_bench_store_bench_LDADD = $(LIBS_store)

# The limit of what a FUSE filesystem can do, and the tree beside it (tree.sh).
EXTRA_PROGRAMS += tests/bench/constfs
tests_bench_constfs_SOURCES = tests/bench/constfs.c
tests_bench_constfs_LDADD = $(FUSE_LIBS)
EXTRA_DIST += tests/bench/tree.sh
