# See Makefile.am: append to TESTS, check_PROGRAMS, EXTRA_DIST.
