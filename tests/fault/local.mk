# See Makefile.am: append to TESTS, check_PROGRAMS, EXTRA_DIST.
check_PROGRAMS += tests/fault/kill tests/fault/enospc tests/fault/maintain tests/fault/power
tests_fault_kill_SOURCES = tests/fault/kill.c tests/fault/records.h tests/unit/store/util.h
tests_fault_kill_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_fault_kill_LDADD = $(LIBS_store) $(CMOCKA_LIBS)
tests_fault_enospc_SOURCES = tests/fault/enospc.c tests/unit/store/util.h
tests_fault_enospc_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_fault_enospc_LDADD = $(LIBS_store) $(CMOCKA_LIBS)
tests_fault_maintain_SOURCES = tests/fault/maintain.c tests/unit/store/util.h
tests_fault_maintain_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_fault_maintain_LDADD = $(LIBS_store) $(CMOCKA_LIBS)
# Its functions stand for those LMDB calls, which have no 64 in their names.
tests_fault_power_SOURCES = tests/fault/power.c tests/fault/records.h tests/unit/store/util.h
tests_fault_power_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir) -U_FILE_OFFSET_BITS
tests_fault_power_LDADD = $(LIBS_store) $(CMOCKA_LIBS)
TESTS += tests/fault/kill tests/fault/enospc tests/fault/maintain tests/fault/power
