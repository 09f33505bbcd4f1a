# What runs on a mount. Each case runs on a cluster of its own; KUBEFS_TEST_BACKEND chooses which.
CASES = \
	tests/cases/read.sh \
	tests/cases/write.sh \
	tests/cases/bad.sh \
	tests/cases/editors.sh \
	tests/cases/requests.sh
dist_check_SCRIPTS += $(CASES)
TESTS += tests/cases/requests.sh
EXTRA_DIST += tests/cases/lib.sh \
	tests/cases/seed/01-namespace-and-deployment.yaml \
	tests/cases/seed/02-rolling-update-fragment.yaml \
	tests/cases/seed/03-blue-green-service.yaml \
	tests/cases/seed/04-crd-migrations.yaml \
	tests/cases/seed/05-prometheus-configmap.yaml \
	tests/cases/seed/06-quota-and-limits.yaml \
	tests/cases/seed/07-network-policy.yaml \
	tests/cases/seed/08-affinity-fragment.yaml
