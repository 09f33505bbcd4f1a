noinst_LIBRARIES += libfs.a
libfs_a_SOURCES =
