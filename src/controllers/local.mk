noinst_LIBRARIES += libcontrollers.a
libcontrollers_a_SOURCES = \
	src/controllers/common.c src/controllers/common.h \
	src/controllers/controllers.c src/controllers/controllers.h \
	src/controllers/namespace.c \
	src/controllers/replicaset.c src/controllers/replicaset.h \
	src/controllers/replicaset_rank.c \
	src/controllers/serviceaccount.c
