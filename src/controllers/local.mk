noinst_LIBRARIES += libcontrollers.a
libcontrollers_a_SOURCES = \
	src/controllers/clusterrole_aggregation.c \
	src/controllers/common.c src/controllers/common.h \
	src/controllers/controllers.c src/controllers/controllers.h \
	src/controllers/csr_approving.c \
	src/controllers/csr_cleaner.c \
	src/controllers/csr_signing.c \
	src/controllers/deployment.c src/controllers/deployment.h \
	src/controllers/deployment_recreate.c \
	src/controllers/deployment_revision.c \
	src/controllers/deployment_rolling.c \
	src/controllers/deployment_scale.c \
	src/controllers/deployment_status.c \
	src/controllers/garbage_collector.c \
	src/controllers/garbage_graph.c src/controllers/garbage_graph.h \
	src/controllers/namespace.c \
	src/controllers/node_taints.c \
	src/controllers/policy_status.c \
	src/controllers/replicaset.c src/controllers/replicaset.h \
	src/controllers/replicaset_rank.c \
	src/controllers/resource_quota.c \
	src/controllers/root_ca.c \
	src/controllers/serviceaccount.c \
	src/controllers/storage_protection.c \
	src/controllers/token_secrets.c

check_PROGRAMS += tests/unit/controllers/test_end_to_end
tests_unit_controllers_test_end_to_end_SOURCES = tests/unit/controllers/test_end_to_end.c
tests_unit_controllers_test_end_to_end_LDADD = libcontrollers.a libscheduler.a libnode.a \
	$(LIBS_cache) $(CMOCKA_LIBS)
TESTS += tests/unit/controllers/test_end_to_end

check_PROGRAMS += tests/unit/controllers/test_reconcilers
tests_unit_controllers_test_reconcilers_SOURCES = tests/unit/controllers/test_reconcilers.c
tests_unit_controllers_test_reconcilers_LDADD = $(LIBS_controllers) $(CMOCKA_LIBS)
TESTS += tests/unit/controllers/test_reconcilers

check_PROGRAMS += tests/unit/controllers/test_credentials
tests_unit_controllers_test_credentials_SOURCES = tests/unit/controllers/test_credentials.c \
	tests/unit/kinds/csr_fixture.c tests/unit/kinds/csr_fixture.h
tests_unit_controllers_test_credentials_LDADD = $(LIBS_controllers) $(CMOCKA_LIBS)
TESTS += tests/unit/controllers/test_credentials
