noinst_LIBRARIES += libscheduler.a
libscheduler_a_SOURCES = \
	src/scheduler/cycle.c src/scheduler/cycle.h \
	src/scheduler/plugin.h \
	src/scheduler/plugins/node_affinity.c \
	src/scheduler/plugins/node_name.c \
	src/scheduler/plugins/node_ports.c \
	src/scheduler/plugins/node_resources_fit.c \
	src/scheduler/plugins/node_unschedulable.c \
	src/scheduler/plugins/plugins.c \
	src/scheduler/plugins/taint_toleration.c \
	src/scheduler/queue.c src/scheduler/queue.h \
	src/scheduler/scheduler.c src/scheduler/scheduler.h \
	src/scheduler/snapshot.c src/scheduler/snapshot.h \
	src/scheduler/toleration.h

check_PROGRAMS += tests/unit/scheduler/test_cycle
tests_unit_scheduler_test_cycle_SOURCES = tests/unit/scheduler/test_cycle.c
tests_unit_scheduler_test_cycle_LDADD = $(LIBS_scheduler) $(CMOCKA_LIBS)
TESTS += tests/unit/scheduler/test_cycle
