noinst_LIBRARIES += libfs.a
libfs_a_SOURCES = \
	src/fs/core.h src/fs/fs.h src/fs/fs.c \
	src/fs/absent.c src/fs/absent.h \
	src/fs/contexts.c src/fs/contexts.h \
	src/fs/draft.c src/fs/draft.h \
	src/fs/follow.c src/fs/follow.h \
	src/fs/holds.c src/fs/holds.h \
	src/fs/journal.c src/fs/journal.h \
	src/fs/log.c src/fs/log.h \
	src/fs/namespace.c src/fs/namespace.h \
	src/fs/node.c src/fs/nodes.h \
	src/fs/describe.c src/fs/describe.h src/fs/describe_node.c src/fs/describe_pod.c \
	src/fs/describe_service.c src/fs/describe_storage.c src/fs/describe_workload.c \
	src/fs/node_apply.c src/fs/node_contexts.c src/fs/node_data.c src/fs/node_describe.c src/fs/node_errors.c src/fs/node_events.c src/fs/node_history.c src/fs/node_kept.c src/fs/node_log.c src/fs/node_logs.c \
	src/fs/node_namespaces.c src/fs/node_object.c src/fs/node_root.c src/fs/node_owned.c src/fs/node_owner.c src/fs/node_scale.c src/fs/node_select.c \
	src/fs/node_table.c src/fs/node_types.c src/fs/node_watch.c \
	src/fs/notifier.c src/fs/notifier.h \
	src/fs/ops.c src/fs/ops.h src/fs/ops_dir.c src/fs/ops_file.c src/fs/ops_tree.c src/fs/ops_xattr.c \
	src/fs/options.c \
	src/fs/pool.c src/fs/pool.h \
	src/fs/process.c src/fs/process.h \
	src/fs/scratch.c src/fs/session.c \
	src/fs/spool.c src/fs/spool.h \
	src/fs/table.c \
	src/fs/tell.c src/fs/tell.h \
	src/fs/texts.c src/fs/texts.h \
	src/fs/tree.c \
	src/fs/types.c src/fs/types.h src/fs/view.c \
	src/fs/waiter.c src/fs/waiter.h \
	src/fs/wants.c src/fs/wants.h \
	src/fs/write.c src/fs/write.h src/fs/write_apply.c src/fs/write_edit.c \
	src/fs/write_part.c

check_PROGRAMS += tests/unit/fs/fakefs
tests_unit_fs_fakefs_SOURCES = tests/unit/fs/fakefs.c
tests_unit_fs_fakefs_LDADD = $(LIBS_fs) $(FUSE_LIBS)

check_PROGRAMS += tests/unit/fs/test_contexts
tests_unit_fs_test_contexts_SOURCES = tests/unit/fs/test_contexts.c
tests_unit_fs_test_contexts_LDADD = $(LIBS_fs) $(FUSE_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/fs/test_contexts

check_PROGRAMS += tests/unit/fs/test_fs
tests_unit_fs_test_fs_SOURCES = tests/unit/fs/test_fs.c
tests_unit_fs_test_fs_LDFLAGS = -Wl,--wrap=informer_list
tests_unit_fs_test_fs_LDADD = $(LIBS_fs) $(FUSE_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/fs/test_fs

check_PROGRAMS += tests/unit/fs/test_ops
tests_unit_fs_test_ops_SOURCES = tests/unit/fs/test_ops.c
# Before what is banned: members of it have such names.
tests_unit_fs_test_ops_CPPFLAGS = -include linux/fuse.h $(AM_CPPFLAGS)
tests_unit_fs_test_ops_LDADD = $(LIBS_fs) $(FUSE_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/fs/test_ops
