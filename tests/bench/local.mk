# `make bench` builds these and runs tests/bench/run, which tells what it measures. constfs is the
# limit of what a FUSE filesystem can do; tree.sh measures the tree of a fake cluster beside it.
BENCHES = tests/bench/store_bench tests/bench/https_bench tests/bench/constfs
EXTRA_PROGRAMS += $(BENCHES)
tests_bench_store_bench_SOURCES = tests/bench/store_bench.c
tests_bench_store_bench_LDADD = $(LIBS_store)
tests_bench_https_bench_SOURCES = tests/bench/https_bench.c
tests_bench_https_bench_LDADD = $(LIBS_base) -lssl $(CRYPTO_LIBS)
tests_bench_constfs_SOURCES = tests/bench/constfs.c
tests_bench_constfs_LDADD = $(FUSE_LIBS)
EXTRA_DIST += tests/bench/run tests/bench/fresh tests/bench/tree.sh
CLEANFILES += $(BENCHES)

bench: kubefs $(BENCHES)
	top_srcdir=$(abs_top_srcdir) top_builddir=$(abs_top_builddir) \
		$(top_srcdir)/tests/bench/run
