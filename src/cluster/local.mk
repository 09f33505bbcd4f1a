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
	src/cluster/listeners.c src/cluster/listeners.h \
	src/cluster/local.h \
	src/cluster/local/access.c src/cluster/local/access.h \
	src/cluster/local/access_review.c \
	src/cluster/local/admission.c src/cluster/local/admission.h \
	src/cluster/local/admission_cel.c src/cluster/local/admission_cel.h \
	src/cluster/local/admission_match.c src/cluster/local/admission_match.h \
	src/cluster/local/admission_request.c src/cluster/local/admission_request.h \
	src/cluster/local/admission/certificates.c \
	src/cluster/local/admission/common.c \
	src/cluster/local/admission/default_class.c \
	src/cluster/local/admission/limit_ranger.c \
	src/cluster/local/admission/mutating_policy.c \
	src/cluster/local/admission/mutating_webhook.c \
	src/cluster/local/admission/namespace_lifecycle.c \
	src/cluster/local/admission/node_taint.c \
	src/cluster/local/admission/owner_references.c \
	src/cluster/local/admission/plugins.c src/cluster/local/admission/plugins.h \
	src/cluster/local/admission/policy.c src/cluster/local/admission/policy.h \
	src/cluster/local/admission/policy_visit.c \
	src/cluster/local/admission/pod_resize.c \
	src/cluster/local/admission/pod_security.c src/cluster/local/admission/pod_security.h \
	src/cluster/local/admission/pod_security_baseline.c \
	src/cluster/local/admission/pod_security_checks.c \
	src/cluster/local/admission/pod_security_checks.h \
	src/cluster/local/admission/pod_security_restricted.c \
	src/cluster/local/admission/pod_security_tell.c \
	src/cluster/local/admission/pod_topology_labels.c \
	src/cluster/local/admission/priority.c \
	src/cluster/local/admission/resource_quota.c \
	src/cluster/local/admission/runtime_class.c \
	src/cluster/local/admission/service_account.c \
	src/cluster/local/admission/storage.c \
	src/cluster/local/admission/toleration.c \
	src/cluster/local/admission/validating_policy.c \
	src/cluster/local/admission/validating_webhook.c \
	src/cluster/local/admission/webhook_call.c \
	src/cluster/local/admission/webhooks.c src/cluster/local/admission/webhooks.h \
	src/cluster/local/binding.c \
	src/cluster/local/bootstrap.c \
	src/cluster/local/bootstrap_rbac.c \
	src/cluster/local/bootstrap_self.c \
	src/cluster/local/commit.c \
	src/cluster/local/convert.c \
	src/cluster/local/convert_hook.c \
	src/cluster/local/convert_hpa.c \
	src/cluster/local/crd.c \
	src/cluster/local/crd_cleanup.c \
	src/cluster/local/crd_names.c \
	src/cluster/local/crd_services.c \
	src/cluster/local/delete.c \
	src/cluster/local/device_access.c \
	src/cluster/local/escalation.c \
	src/cluster/local/evict.c \
	src/cluster/local/hook.c src/cluster/local/hook.h \
	src/cluster/local/hook_service.c \
	src/cluster/local/kept.c src/cluster/local/kept.h \
	src/cluster/local/keys.c \
	src/cluster/local/list.c \
	src/cluster/local/local.c \
	src/cluster/local/patched.c \
	src/cluster/local/pipeline.c \
	src/cluster/local/policies.h \
	src/cluster/local/proxy.c \
	src/cluster/local/policy_grant.c \
	src/cluster/local/private.h \
	src/cluster/local/rbac_table.h \
	src/cluster/local/reviews.c src/cluster/local/reviews.h \
	src/cluster/local/scale.c \
	src/cluster/local/self_review.c \
	src/cluster/local/services.c \
	src/cluster/local/stored.c \
	src/cluster/local/strategy.c \
	src/cluster/local/track.c \
	src/cluster/local/watch.c src/cluster/local/watch.h \
	src/cluster/local/watch_hook.c \
	src/cluster/local/write.c \
	src/cluster/local/token_check.c \
	src/cluster/local/token_request.c \
	src/cluster/local/token_review.c \
	src/cluster/local/token_used.c \
	src/cluster/local/tokens.h \
	src/cluster/open.c \
	src/cluster/token_file.c src/cluster/token_file.h \
	src/cluster/remote/auth.c \
	src/cluster/remote/catalog.c \
	src/cluster/remote/discovery.c \
	src/cluster/remote/kubeconfig.c \
	src/cluster/remote/kubeconfig.h \
	src/cluster/remote/kubeconfig_entry.c \
	src/cluster/remote/kubeconfig_entry.h \
	src/cluster/remote/kubeconfig_file.c \
	src/cluster/remote/kubeconfig_file.h \
	src/cluster/remote/kubeconfig_user.c \
	src/cluster/remote/list.c \
	src/cluster/remote/live.c \
	src/cluster/remote/plugin.c \
	src/cluster/remote/plugin.h \
	src/cluster/remote/plugin_process.c \
	src/cluster/remote/plugin_process.h \
	src/cluster/remote/remote.c \
	src/cluster/remote/remote.h \
	src/cluster/remote/request.c \
	src/cluster/remote/split.c \
	src/cluster/remote/split.h

nodist_libcluster_a_SOURCES = src/cluster/local/rbac_table.c

# The roles and bindings that a cluster begins with, compiled in.
src/cluster/local/rbac_table.c: $(srcdir)/schema/rbac $(srcdir)/tools/rbac-compile
	$(AM_V_GEN)$(MKDIR_P) src/cluster/local && \
	$(PYTHON3) $(srcdir)/tools/rbac-compile $(srcdir)/schema/rbac >$@.tmp && mv $@.tmp $@
BUILT_SOURCES += src/cluster/local/rbac_table.c
CLEANFILES += src/cluster/local/rbac_table.c src/cluster/local/rbac_table.c.tmp
EXTRA_DIST += schema/rbac tools/rbac-compile tools/rbac-import

check_PROGRAMS += tests/unit/cluster/test_remote_split
tests_unit_cluster_test_remote_split_SOURCES = tests/unit/cluster/test_remote_split.c
tests_unit_cluster_test_remote_split_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_remote_split

check_PROGRAMS += tests/unit/cluster/test_remote
tests_unit_cluster_test_remote_SOURCES = tests/unit/cluster/test_remote.c \
	tests/unit/cluster/remote_fixture.c tests/unit/cluster/remote_fixture.h \
	tests/unit/cluster/server_process.c tests/unit/cluster/server_process.h
tests_unit_cluster_test_remote_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_remote
EXTRA_DIST += tests/unit/cluster/remote_server.py tests/unit/cluster/hook_server.py

check_PROGRAMS += tests/unit/cluster/test_convert_hook
tests_unit_cluster_test_convert_hook_SOURCES = tests/unit/cluster/test_convert_hook.c \
	tests/unit/cluster/hook_fixture.c tests/unit/cluster/hook_fixture.h \
	tests/unit/cluster/local_fixture.c tests/unit/cluster/local_fixture.h \
	tests/unit/cluster/server_process.c tests/unit/cluster/server_process.h
tests_unit_cluster_test_convert_hook_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_convert_hook

check_PROGRAMS += tests/unit/cluster/test_admission_hook
tests_unit_cluster_test_admission_hook_SOURCES = tests/unit/cluster/test_admission_hook.c \
	tests/unit/cluster/hook_fixture.c tests/unit/cluster/hook_fixture.h \
	tests/unit/cluster/local_fixture.c tests/unit/cluster/local_fixture.h \
	tests/unit/cluster/server_process.c tests/unit/cluster/server_process.h
tests_unit_cluster_test_admission_hook_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_admission_hook

check_PROGRAMS += tests/unit/cluster/test_remote_login
tests_unit_cluster_test_remote_login_SOURCES = tests/unit/cluster/test_remote_login.c \
	tests/unit/cluster/remote_fixture.c tests/unit/cluster/remote_fixture.h \
	tests/unit/cluster/server_process.c tests/unit/cluster/server_process.h
tests_unit_cluster_test_remote_login_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_remote_login

check_PROGRAMS += tests/unit/cluster/test_remote_kubeconfig
tests_unit_cluster_test_remote_kubeconfig_SOURCES = tests/unit/cluster/test_remote_kubeconfig.c
tests_unit_cluster_test_remote_kubeconfig_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_remote_kubeconfig

check_PROGRAMS += tests/unit/cluster/test_admission
tests_unit_cluster_test_admission_SOURCES = tests/unit/cluster/test_admission.c \
	tests/unit/cluster/local_fixture.c tests/unit/cluster/local_fixture.h
tests_unit_cluster_test_admission_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_admission

check_PROGRAMS += tests/unit/cluster/test_policies
tests_unit_cluster_test_policies_SOURCES = tests/unit/cluster/test_policies.c \
	tests/unit/cluster/local_fixture.c tests/unit/cluster/local_fixture.h
tests_unit_cluster_test_policies_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_policies

check_PROGRAMS += tests/unit/cluster/test_answers
tests_unit_cluster_test_answers_SOURCES = tests/unit/cluster/test_answers.c \
	tests/unit/cluster/local_fixture.c tests/unit/cluster/local_fixture.h
tests_unit_cluster_test_answers_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_answers

check_PROGRAMS += tests/unit/cluster/test_binding
tests_unit_cluster_test_binding_SOURCES = tests/unit/cluster/test_binding.c \
	tests/unit/cluster/local_fixture.c tests/unit/cluster/local_fixture.h
tests_unit_cluster_test_binding_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_binding

check_PROGRAMS += tests/unit/cluster/test_definitions
tests_unit_cluster_test_definitions_SOURCES = tests/unit/cluster/test_definitions.c \
	tests/unit/cluster/local_fixture.c tests/unit/cluster/local_fixture.h
tests_unit_cluster_test_definitions_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_definitions

check_PROGRAMS += tests/unit/cluster/test_crd_cleanup
tests_unit_cluster_test_crd_cleanup_SOURCES = tests/unit/cluster/test_crd_cleanup.c \
	tests/unit/cluster/local_fixture.c tests/unit/cluster/local_fixture.h
tests_unit_cluster_test_crd_cleanup_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_crd_cleanup

check_PROGRAMS += tests/unit/cluster/test_pages
tests_unit_cluster_test_pages_SOURCES = tests/unit/cluster/test_pages.c \
	tests/unit/cluster/local_fixture.c tests/unit/cluster/local_fixture.h
tests_unit_cluster_test_pages_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_pages

check_PROGRAMS += tests/unit/cluster/test_quota
tests_unit_cluster_test_quota_SOURCES = tests/unit/cluster/test_quota.c \
	tests/unit/cluster/local_fixture.c tests/unit/cluster/local_fixture.h
tests_unit_cluster_test_quota_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_quota

check_PROGRAMS += tests/unit/cluster/test_pod_security
tests_unit_cluster_test_pod_security_SOURCES = tests/unit/cluster/test_pod_security.c \
	tests/unit/cluster/local_fixture.c tests/unit/cluster/local_fixture.h
tests_unit_cluster_test_pod_security_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_pod_security

check_PROGRAMS += tests/unit/cluster/test_tokens
tests_unit_cluster_test_tokens_SOURCES = tests/unit/cluster/test_tokens.c \
	tests/unit/cluster/local_fixture.c tests/unit/cluster/local_fixture.h
tests_unit_cluster_test_tokens_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_tokens

check_PROGRAMS += tests/unit/cluster/test_access
tests_unit_cluster_test_access_SOURCES = tests/unit/cluster/test_access.c \
	tests/unit/cluster/local_fixture.c tests/unit/cluster/local_fixture.h
tests_unit_cluster_test_access_LDADD = $(LIBS_cluster) $(CMOCKA_LIBS)
TESTS += tests/unit/cluster/test_access
