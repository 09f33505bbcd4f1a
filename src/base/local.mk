noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	src/base/arena.c src/base/arena.h \
	src/base/banned.h \
	src/base/blocking.c src/base/blocking.h \
	src/base/call.c src/base/call.h \
	src/base/clock.c src/base/clock.h \
	src/base/columns.c src/base/columns.h \
	src/base/error.c src/base/error.h \
	src/base/file.c src/base/file.h \
	src/base/heap.c src/base/heap.h \
	src/base/identity.c src/base/identity.h \
	src/base/log.c src/base/log.h \
	src/base/map.c src/base/map.h \
	src/base/mem.c src/base/mem.h \
	src/base/progress.c src/base/progress.h \
	src/base/str.c src/base/str.h \
	src/base/vec.h

check_PROGRAMS += tests/unit/base/test_base
tests_unit_base_test_base_SOURCES = tests/unit/base/test_base.c
tests_unit_base_test_base_LDADD = $(LIBS_base) $(CMOCKA_LIBS)
TESTS += tests/unit/base/test_base
