# See Makefile.am: append to TESTS, check_PROGRAMS, EXTRA_DIST.
EXTRA_PROGRAMS += tests/bench/store_bench
tests_bench_store_bench_SOURCES = tests/bench/store_bench.c
tests_bench_store_bench_LDADD = $(LIBS_store)
