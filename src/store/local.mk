noinst_LIBRARIES += libstore.a
libstore_a_SOURCES = \
	src/store/backup.c \
	src/store/backup.h \
	src/store/check.c \
	src/store/commit.c \
	src/store/compact.c \
	src/store/control.c \
	src/store/entry.c \
	src/store/internal.h \
	src/store/keys.c \
	src/store/maintain.c \
	src/store/maintain.h \
	src/store/open.c \
	src/store/prefixes.c \
	src/store/read.c \
	src/store/reseal.c \
	src/store/restore.c \
	src/store/seal.c \
	src/store/shared.c \
	src/store/shrink.c \
	src/store/space.c \
	src/store/store.h \
	src/store/wal.c \
	src/store/wal.h \
	src/store/wal_checkpoint.c \
	src/store/wal_recover.c \
	src/store/watch.c

check_PROGRAMS += tests/unit/store/test_store tests/unit/store/test_open tests/unit/store/test_watch \
	tests/unit/store/test_maintain tests/unit/store/test_seal tests/unit/store/test_shared
tests_unit_store_test_store_SOURCES = tests/unit/store/test_store.c tests/unit/store/util.h
tests_unit_store_test_store_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_store_test_store_LDADD = $(LIBS_store) $(CMOCKA_LIBS)
tests_unit_store_test_open_SOURCES = tests/unit/store/test_open.c tests/unit/store/util.h
tests_unit_store_test_open_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_store_test_open_LDADD = $(LIBS_store) $(CMOCKA_LIBS)
tests_unit_store_test_shared_SOURCES = tests/unit/store/test_shared.c tests/unit/store/util.h
tests_unit_store_test_shared_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_store_test_shared_LDADD = $(LIBS_store) $(CMOCKA_LIBS)
tests_unit_store_test_watch_SOURCES = tests/unit/store/test_watch.c tests/unit/store/util.h
tests_unit_store_test_watch_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_store_test_watch_LDADD = $(LIBS_store) $(CMOCKA_LIBS)
TESTS += tests/unit/store/test_store tests/unit/store/test_open tests/unit/store/test_watch \
	tests/unit/store/test_maintain tests/unit/store/test_seal tests/unit/store/test_shared
tests_unit_store_test_maintain_SOURCES = tests/unit/store/test_maintain.c tests/unit/store/util.h
tests_unit_store_test_maintain_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_store_test_maintain_LDADD = $(LIBS_store) $(CMOCKA_LIBS)
tests_unit_store_test_seal_SOURCES = tests/unit/store/test_seal.c tests/unit/store/util.h
tests_unit_store_test_seal_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_store_test_seal_LDADD = $(LIBS_store) $(CMOCKA_LIBS)
