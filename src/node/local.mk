noinst_LIBRARIES += libnode.a
libnode_a_SOURCES = \
	src/node/agent.h \
	src/node/config.c \
	src/node/container.c src/node/container.h \
	src/node/engine.h \
	src/node/engine_simulated.c \
	src/node/kubelets.c src/node/kubelets.h \
	src/node/log.c \
	src/node/nodes.c src/node/nodes.h \
	src/node/pod.c \
	src/node/register.c

check_PROGRAMS += tests/unit/node/test_nodes
tests_unit_node_test_nodes_SOURCES = tests/unit/node/test_nodes.c
tests_unit_node_test_nodes_LDADD = $(LIBS_node) $(CMOCKA_LIBS)
TESTS += tests/unit/node/test_nodes
