noinst_LIBRARIES += libcache.a
libcache_a_SOURCES = \
	src/cache/changes.c \
	src/cache/controller.c src/cache/controller.h \
	src/cache/fanout.c src/cache/fanout.h \
	src/cache/indexer.c src/cache/indexer.h \
	src/cache/informer.c src/cache/informer.h src/cache/informer_private.h \
	src/cache/leader.c src/cache/leader.h \
	src/cache/recorder.c src/cache/recorder.h \
	src/cache/reflector.c \
	src/cache/workqueue.c src/cache/workqueue.h

check_PROGRAMS += tests/unit/cache/test_indexer
tests_unit_cache_test_indexer_SOURCES = tests/unit/cache/test_indexer.c
tests_unit_cache_test_indexer_LDADD = libcache.a $(LIBS_object) $(CMOCKA_LIBS)
TESTS += tests/unit/cache/test_indexer

check_PROGRAMS += tests/unit/cache/test_workqueue
tests_unit_cache_test_workqueue_SOURCES = tests/unit/cache/test_workqueue.c
tests_unit_cache_test_workqueue_LDADD = libcache.a $(LIBS_base) $(CMOCKA_LIBS)
TESTS += tests/unit/cache/test_workqueue

check_PROGRAMS += tests/unit/cache/test_informer
tests_unit_cache_test_informer_SOURCES = tests/unit/cache/test_informer.c
tests_unit_cache_test_informer_LDADD = $(LIBS_cache) $(CMOCKA_LIBS)
TESTS += tests/unit/cache/test_informer

check_PROGRAMS += tests/unit/cache/test_leader
tests_unit_cache_test_leader_SOURCES = tests/unit/cache/test_leader.c
tests_unit_cache_test_leader_LDADD = $(LIBS_cache) $(CMOCKA_LIBS)
TESTS += tests/unit/cache/test_leader
