# What runs on a mount. Each case runs on a cluster of its own: as it stands on a local one, and
# through a made script NAME.remote.sh on a mount of kubefs serve.
mount_cases = \
	tests/cases/bad.sh \
	tests/cases/closing.sh \
	tests/cases/edges.sh \
	tests/cases/editors.sh \
	tests/cases/faults.sh \
	tests/cases/fs.sh \
	tests/cases/identity.sh \
	tests/cases/leaks.sh \
	tests/cases/read.sh \
	tests/cases/recipes.sh \
	tests/cases/restart.sh \
	tests/cases/rollout.sh \
	tests/cases/seed.sh \
	tests/cases/tools.sh \
	tests/cases/torture.sh \
	tests/cases/unlisted.sh \
	tests/cases/write.sh
remote_cases = $(mount_cases:.sh=.remote.sh)
# These choose what they run on.
other_cases = \
	tests/cases/access.sh \
	tests/cases/all-contexts.sh \
	tests/cases/audit.sh \
	tests/cases/away.sh \
	tests/cases/contexts.sh \
	tests/cases/credentials.sh \
	tests/cases/exits.sh \
	tests/cases/forbidden.sh \
	tests/cases/full.sh \
	tests/cases/helm.sh \
	tests/cases/help.sh \
	tests/cases/kubectl.sh \
	tests/cases/login.sh \
	tests/cases/limits.sh \
	tests/cases/logs.sh \
	tests/cases/parts.sh \
	tests/cases/logstream.sh \
	tests/cases/options.sh \
	tests/cases/policies.sh \
	tests/cases/prometheus.sh \
	tests/cases/requests.sh \
	tests/cases/signals.sh \
	tests/cases/store.sh \
	tests/cases/verbs.sh \
	tests/cases/webhooks.sh

dist_check_SCRIPTS += $(mount_cases) $(other_cases)
check_SCRIPTS += $(remote_cases)
TESTS += $(mount_cases) $(remote_cases) $(other_cases)
CLEANFILES += $(remote_cases)
EXTRA_DIST += tests/cases/lib.sh tests/cases/limits.py \
	tests/cases/logserver.py \
	tests/cases/chart \
	tests/cases/kinds.yaml \
	tests/cases/seed/01-namespace-and-deployment.yaml \
	tests/cases/seed/02-rolling-update-fragment.yaml \
	tests/cases/seed/03-blue-green-service.yaml \
	tests/cases/seed/04-crd-migrations.yaml \
	tests/cases/seed/05-prometheus-configmap.yaml \
	tests/cases/seed/06-quota-and-limits.yaml \
	tests/cases/seed/07-network-policy.yaml \
	tests/cases/seed/08-affinity-fragment.yaml

$(remote_cases): Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	printf '#!/bin/sh\nKUBEFS_TEST_BACKEND=remote exec "%s"\n' \
		'$(abs_top_srcdir)/tests/cases/$(@F:.remote.sh=.sh)' >$@ && \
	chmod +x $@

# kubectl and helm, when a case had to bring them.
.PHONY: clean-case-tools
clean-local: clean-case-tools
clean-case-tools:
	rm -rf tests/cases/tools
