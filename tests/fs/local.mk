# Programs that try the tree as a filesystem; tests/cases/fs.sh runs them on a mount.
check_PROGRAMS += tests/fs/readdir tests/fs/fsx
tests_fs_readdir_SOURCES = tests/fs/readdir.c
tests_fs_readdir_LDADD = $(LIBS_base)
tests_fs_fsx_SOURCES = tests/fs/fsx.c
tests_fs_fsx_LDADD = $(LIBS_base)
EXTRA_DIST += tests/fs/torture.py tests/fs/posix.py tests/fs/posix.table

# The same at length, on both back ends: minutes.
.PHONY: check-fs
check-fs:
	FS_ROUNDS=$${FS_ROUNDS:-20} $(MAKE) $(AM_MAKEFLAGS) check \
		TESTS='tests/cases/fs.sh tests/cases/fs.remote.sh'

# Twenty minutes of every operation at once, on both back ends; in a build with a sanitizer, too.
.PHONY: torture
torture:
	TORTURE_SECONDS=$${TORTURE_SECONDS:-1200} TORTURE_PROCESSES=$${TORTURE_PROCESSES:-32} \
	TORTURE_OBJECTS=$${TORTURE_OBJECTS:-5000} $(MAKE) $(AM_MAKEFLAGS) check LOG_COMPILER= \
		SH_LOG_COMPILER= TESTS='tests/cases/torture.sh tests/cases/torture.remote.sh'
EXTRA_DIST += tests/fs/NOTAPPLICABLE.md
