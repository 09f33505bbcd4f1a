noinst_LIBRARIES += libcontrollers.a
libcontrollers_a_SOURCES = \
	src/controllers/common.c src/controllers/common.h \
	src/controllers/controllers.c src/controllers/controllers.h \
	src/controllers/deployment.c src/controllers/deployment.h \
	src/controllers/deployment_recreate.c \
	src/controllers/deployment_revision.c \
	src/controllers/deployment_rolling.c \
	src/controllers/deployment_scale.c \
	src/controllers/deployment_status.c \
	src/controllers/garbage_collector.c \
	src/controllers/garbage_graph.c src/controllers/garbage_graph.h \
	src/controllers/namespace.c \
	src/controllers/replicaset.c src/controllers/replicaset.h \
	src/controllers/replicaset_rank.c \
	src/controllers/serviceaccount.c
