# One suite for every implementation of cluster.h.
check_PROGRAMS += tests/contract/test_cluster
tests_contract_test_cluster_SOURCES = tests/contract/test_cluster.c
tests_contract_test_cluster_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
# The third needs an endpoint, too.
contract_scripts = tests/contract/fake.sh tests/contract/local.sh
dist_check_SCRIPTS += tests/contract/fake.sh tests/contract/local.sh tests/contract/remote.sh
TESTS += tests/contract/fake.sh tests/contract/local.sh tests/contract/remote.sh

check_PROGRAMS += tests/contract/test_remote_serve
tests_contract_test_remote_serve_SOURCES = tests/contract/test_remote_serve.c
tests_contract_test_remote_serve_LDADD = $(LIBS_serve) $(CMOCKA_LIBS)
TESTS += tests/contract/test_remote_serve
