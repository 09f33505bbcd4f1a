# See Makefile.am: append to TESTS, check_PROGRAMS, EXTRA_DIST.
check_PROGRAMS += tests/fault/kill tests/fault/enospc
tests_fault_kill_SOURCES = tests/fault/kill.c tests/fault/records.h tests/unit/store/util.h
tests_fault_kill_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_fault_kill_LDADD = $(LIBS_store) $(CMOCKA_LIBS)
tests_fault_enospc_SOURCES = tests/fault/enospc.c tests/unit/store/util.h
tests_fault_enospc_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_fault_enospc_LDADD = $(LIBS_store) $(CMOCKA_LIBS)
TESTS += tests/fault/kill tests/fault/enospc
