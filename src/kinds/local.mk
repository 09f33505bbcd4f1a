noinst_LIBRARIES += libkinds.a
libkinds_a_SOURCES = \
	src/kinds/access.h \
	src/kinds/accessreview.c \
	src/kinds/admissionpolicy.c \
	src/kinds/apiservice.c \
	src/kinds/builtin.h \
	src/kinds/catalog.c \
	src/kinds/cells.c \
	src/kinds/certificatesigningrequest.c \
	src/kinds/check.c \
	src/kinds/column_path.c \
	src/kinds/componentstatus.c \
	src/kinds/configmap.c \
	src/kinds/controllerrevision.c \
	src/kinds/crd.c \
	src/kinds/cron.c \
	src/kinds/cron.h \
	src/kinds/cronjob.c \
	src/kinds/csi.c \
	src/kinds/resourceclaim.c \
	src/kinds/resourceslice.c \
	src/kinds/rule_device.c \
	src/kinds/csr.c src/kinds/csr.h \
	src/kinds/custom.h \
	src/kinds/custom_default.c \
	src/kinds/custom_format.c \
	src/kinds/custom_inside.c \
	src/kinds/custom_path.c \
	src/kinds/custom_rules.c \
	src/kinds/custom_rules.h \
	src/kinds/custom_rules_check.c \
	src/kinds/custom_rules_tree.h \
	src/kinds/custom_schema.c \
	src/kinds/custom_schema.h \
	src/kinds/custom_structural.c \
	src/kinds/custom_value.c \
	src/kinds/daemonset.c \
	src/kinds/defaults.c \
	src/kinds/deployment.c \
	src/kinds/endpoints.c \
	src/kinds/endpointslice.c \
	src/kinds/event.c \
	src/kinds/expression.c src/kinds/expression.h \
	src/kinds/field.c \
	src/kinds/field.h \
	src/kinds/field_errors.c \
	src/kinds/fill.c \
	src/kinds/fill.h \
	src/kinds/image_name.c \
	src/kinds/image_name.h \
	src/kinds/flowcontrol.c \
	src/kinds/hpa.c \
	src/kinds/ingress.c \
	src/kinds/ingressclass.c \
	src/kinds/ipaddress.c \
	src/kinds/job.c \
	src/kinds/kind.c \
	src/kinds/kind.h \
	src/kinds/lease.c \
	src/kinds/limitrange.c \
	src/kinds/meta.c \
	src/kinds/names.c \
	src/kinds/names.h \
	src/kinds/namespace.c \
	src/kinds/networkpolicy.c \
	src/kinds/node.c \
	src/kinds/pdb.c \
	src/kinds/persistentvolume.c \
	src/kinds/persistentvolumeclaim.c \
	src/kinds/pod.c \
	src/kinds/pod.h \
	src/kinds/pod_resize.c \
	src/kinds/pod_resources.c \
	src/kinds/pod_resources.h \
	src/kinds/pod_status.c \
	src/kinds/pod_write.c \
	src/kinds/podtemplate.c \
	src/kinds/priorityclass.c \
	src/kinds/quota.c \
	src/kinds/quota.h \
	src/kinds/rbac.c \
	src/kinds/rbac.h \
	src/kinds/replicaset.c \
	src/kinds/resource.c \
	src/kinds/resource.h \
	src/kinds/resourcequota.c \
	src/kinds/role.c \
	src/kinds/row.h \
	src/kinds/rule_admission.c \
	src/kinds/rule_amount.c \
	src/kinds/rule_container.c \
	src/kinds/rule_env.c \
	src/kinds/rule_names.c \
	src/kinds/rule_net.c \
	src/kinds/rule_pod.c \
	src/kinds/rule_probe.c \
	src/kinds/rule_resource.c \
	src/kinds/rule_scheduling.c \
	src/kinds/rule_security.c \
	src/kinds/rule_selector.c \
	src/kinds/rule_volume.c \
	src/kinds/rule_workload.c \
	src/kinds/rules.h \
	src/kinds/runtimeclass.c \
	src/kinds/secret.c \
	src/kinds/service.c \
	src/kinds/service.h \
	src/kinds/service_write.c \
	src/kinds/serviceaccount.c \
	src/kinds/servicecidr.c \
	src/kinds/statefulset.c \
	src/kinds/storageclass.c \
	src/kinds/table.c \
	src/kinds/table_autoscaling.c \
	src/kinds/table_core.c \
	src/kinds/table_network.c \
	src/kinds/table_pod.c \
	src/kinds/table_policy.c \
	src/kinds/table_storage.c \
	src/kinds/table_workloads.c \
	src/kinds/tables.h \
	src/kinds/volumeattachment.c \
	src/kinds/warn.c \
	src/kinds/warn.h \
	src/kinds/warn_overlaps.c \
	src/kinds/webhookconfiguration.c

check_PROGRAMS += tests/unit/kinds/test_catalog
tests_unit_kinds_test_catalog_SOURCES = tests/unit/kinds/test_catalog.c
tests_unit_kinds_test_catalog_LDADD = $(LIBS_kinds) $(CMOCKA_LIBS)
TESTS += tests/unit/kinds/test_catalog

check_PROGRAMS += tests/unit/kinds/test_tables
tests_unit_kinds_test_tables_SOURCES = tests/unit/kinds/test_tables.c
tests_unit_kinds_test_tables_LDADD = $(LIBS_kinds) $(CMOCKA_LIBS)
TESTS += tests/unit/kinds/test_tables

check_PROGRAMS += tests/unit/kinds/test_custom
tests_unit_kinds_test_custom_SOURCES = tests/unit/kinds/test_custom.c
tests_unit_kinds_test_custom_LDADD = $(LIBS_kinds) $(CMOCKA_LIBS)
TESTS += tests/unit/kinds/test_custom

check_PROGRAMS += tests/unit/kinds/test_validation
tests_unit_kinds_test_validation_SOURCES = tests/unit/kinds/test_validation.c \
	tests/unit/kinds/rows.c tests/unit/kinds/rows.h
tests_unit_kinds_test_validation_LDADD = $(LIBS_kinds) $(CMOCKA_LIBS)
TESTS += tests/unit/kinds/test_validation

check_PROGRAMS += tests/unit/kinds/test_written
tests_unit_kinds_test_written_SOURCES = tests/unit/kinds/test_written.c \
	tests/unit/kinds/rows.c tests/unit/kinds/rows.h
tests_unit_kinds_test_written_LDADD = $(LIBS_kinds) $(CMOCKA_LIBS)
TESTS += tests/unit/kinds/test_written

check_PROGRAMS += tests/unit/kinds/test_groups
tests_unit_kinds_test_groups_SOURCES = tests/unit/kinds/test_groups.c \
	tests/unit/kinds/rows.c tests/unit/kinds/rows.h
tests_unit_kinds_test_groups_LDADD = $(LIBS_kinds) $(CMOCKA_LIBS)
TESTS += tests/unit/kinds/test_groups

check_PROGRAMS += tests/unit/kinds/test_csr
tests_unit_kinds_test_csr_SOURCES = tests/unit/kinds/test_csr.c \
	tests/unit/kinds/csr_fixture.c tests/unit/kinds/csr_fixture.h
tests_unit_kinds_test_csr_LDADD = $(LIBS_kinds) $(CMOCKA_LIBS)
TESTS += tests/unit/kinds/test_csr

check_PROGRAMS += tests/unit/kinds/test_rbac
tests_unit_kinds_test_rbac_SOURCES = tests/unit/kinds/test_rbac.c
tests_unit_kinds_test_rbac_LDADD = $(LIBS_kinds) $(CMOCKA_LIBS)
TESTS += tests/unit/kinds/test_rbac
