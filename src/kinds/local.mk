noinst_LIBRARIES += libkinds.a
libkinds_a_SOURCES = \
	src/kinds/catalog.c \
	src/kinds/cells.h \
	src/kinds/cells.c src/kinds/tables.h \
	src/kinds/core.c \
	src/kinds/pod.c \
	src/kinds/pod_resources.c src/kinds/pod_resources.h \
	src/kinds/pod_spec.c \
	src/kinds/quota.c src/kinds/quota.h \
	src/kinds/service.c \
	src/kinds/workloads.c \
	src/kinds/check.c \
	src/kinds/defaults.c \
	src/kinds/field_errors.c \
	src/kinds/meta.c \
	src/kinds/names.c \
	src/kinds/kind.c src/kinds/kind.h \
	src/kinds/table.c \
	src/kinds/table_autoscaling.c \
	src/kinds/table_core.c \
	src/kinds/table_network.c \
	src/kinds/table_pod.c \
	src/kinds/table_policy.c \
	src/kinds/table_storage.c \
	src/kinds/table_workloads.c \
	src/kinds/resource.c src/kinds/resource.h \
	src/kinds/row.h

check_PROGRAMS += tests/unit/kinds/test_catalog
tests_unit_kinds_test_catalog_SOURCES = tests/unit/kinds/test_catalog.c
tests_unit_kinds_test_catalog_LDADD = $(LIBS_kinds) $(CMOCKA_LIBS)
TESTS += tests/unit/kinds/test_catalog

check_PROGRAMS += tests/unit/kinds/test_tables
tests_unit_kinds_test_tables_SOURCES = tests/unit/kinds/test_tables.c
tests_unit_kinds_test_tables_LDADD = $(LIBS_kinds) $(CMOCKA_LIBS)
TESTS += tests/unit/kinds/test_tables
