#!/bin/bash
# The user's manifests through the mount, one after the other, as they were written.
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_cluster

ok "01 goes through the drop box" cp "$SEED/01-namespace-and-deployment.yaml" "$M/apply"
ok "its namespace is a directory" wait_for 5 test -d "$P/deployments"
ok "its Deployment is a file" wait_for 5 test -f "$P/deployments/api-server.yaml"
ok "three pods are made" wait_for 10 pods_are 3 true
ok "they wait for the Secret" wait_for 10 pods_are 3 "$IS_WAITING"

waiting_message() {
	kubectl get pods -n production \
		-o jsonpath='{range .items[*]}{.status.containerStatuses[0].state.waiting.message}{"\n"}{end}' |
		sort -u
}
is "kubelet's message tells which" "$(waiting_message)" 'secret "db-secret" not found'

asked=$(date +%s%N)
ok "the Secret is made from a value alone" \
	bash -c 'printf "stringData: {url: x}\n" >"$1"' - "$P/secrets/db-secret.yaml"
ok "all three pods run within 5 s" wait_for 5 pods_are 3 "$IS_RUNNING"
ok "and get ready after their readiness delay" wait_for 20 pods_are 3 "$IS_READY"
ok "which was not cut short" test $(($(date +%s%N) - asked)) -ge 5000000000
is "the value arrived" \
	"$(kubectl get secret db-secret -n production -o jsonpath='{.data.url}' | base64 -d)" x

for manifest in 04-crd-migrations 05-prometheus-configmap 06-quota-and-limits 07-network-policy; do
	ok "$manifest applies" cp "$SEED/$manifest.yaml" "$P/apply"
done

migrations=$P/migrations.db.company.com
ok "a custom resource's directory appears" wait_for 5 test -d "$migrations"
made_migration() {
	echo 'spec: {database: users, version: "3"}' >"$migrations/m1.yaml"
	[ "$(kubectl get migration m1 -n production -o jsonpath='{.spec.database}{.spec.version}')" = users3 ]
}
ok "an object of it is made from its spec alone" made_migration

wrong_migration() {
	echo "spec: {database: 7}" >"$T/m2" && errno EINVAL cp "$T/m2" "$migrations/m2.yaml" &&
		! kubectl get migration m2 -n production
}
ok "one of the wrong type is refused at close" wrong_migration
ok "with the field's path in errors.log" grep -F spec.database "$M/errors.log"
kept_migration() { grep -qF 'spec: {database: 7}' "$migrations/m2.yaml.rejected"; }
ok "and the text kept" kept_migration

# As kubectl prints them, which is as the server sends them.
causes='spec.selector: Required value
spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`
spec.template.spec.containers: Required value'

# refused_alike FILE NAME: through the mount and through kubectl, with exactly these causes.
refused_alike() {
	local through_kubectl through_mount size
	through_kubectl=$(kubectl apply --server-side=false -n production -f "$1" 2>&1 | sed -n 's/^\* //p')
	diff <(echo "$causes") <(echo "$through_kubectl") || return 1
	size=$(stat -c %s "$M/errors.log")
	errno EINVAL cp "$1" "$P/apply" || return 1
	through_mount=$(tail -c +$((size + 1)) "$M/errors.log" | grep -o "\"$2\" is invalid: \[.*\]" | tail -n 1)
	diff <(echo "\"$2\" is invalid: [$(paste -sd, <<<"$causes" | sed 's/,spec/, spec/g')]") \
		<(echo "$through_mount") || return 1
	! kubectl get deployment "$2" -n production
}
ok "02 is refused with its three causes" \
	refused_alike "$SEED/02-rolling-update-fragment.yaml" web-app
ok "08 likewise" refused_alike "$SEED/08-affinity-fragment.yaml" high-performance-app
finish
