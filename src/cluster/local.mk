noinst_LIBRARIES += libcluster.a
libcluster_a_SOURCES = \
	src/cluster/backends.h \
	src/cluster/cluster.c src/cluster/cluster.h \
	src/cluster/fake.h \
	src/cluster/fake/fake.c \
	src/cluster/fake/fake.h \
	src/cluster/fake/watch.c \
	src/cluster/fake/write.c \
	src/cluster/patching.c src/cluster/patching.h \
	src/cluster/lifecycle.c src/cluster/lifecycle.h \
	src/cluster/local.h \
	src/cluster/open.c
