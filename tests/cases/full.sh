#!/bin/bash
# A full store is an error to who would make it larger, and to nobody else.
KUBEFS_TEST_BACKEND=local
unset KUBEFS_TEST_KUBECONFIG
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_mount --store-size=16Mi --nodes=0

# 512 KiB of one value: no two objects share a page.
printf 'data: {k: "%s"}\n' "$(head -c 393216 /dev/urandom | base64 -w 0)" >"$T/large"
fill() {
	for ((n = 0; n < 200; n++)); do
		cp "$T/large" "$N/configmaps/large-$n.yaml" 2>"$T/refusal" || return 0
	done
	return 1
}
listed() { kubectl get configmaps -n "$NS" -o name | grep -c large; }

ok "it gets full" fill
ok "before it is larger than it may be" test "$n" -le 32
is "the writer learns why" "$(grep -c 'No space left on device' "$T/refusal")" 1
ok "so does errors.log" grep -q "large-$n.yaml ENOSPC" "$M/errors.log"
cat >"$T/manifest" - "$T/large" <<END
apiVersion: v1
kind: ConfigMap
metadata: {name: large-$n, namespace: $NS}
END
is "and kubectl" "$(kubectl create -f "$T/manifest" 2>&1 | grep -c 'MAP_FULL')" 1
is "what was acknowledged is there" "$(listed)" "$n"
ok "what is there is read" cmp <(kubectl get configmap large-0 -n "$NS" -o yaml) "$N/configmaps/large-0.yaml"
ok "deleting works" rm "$N"/configmaps/large-*.yaml
gone() {
	tail -n 3 "$M/errors.log"
	[ "$(listed)" = 0 ]
}
ok "and takes them away" wait_for 10 gone
ok "which makes room" cp "$T/large" "$N/configmaps/again.yaml"
ok "fill it again" fill

ok "the mount ends" end_mount
start_cluster --store-size=64Mi --nodes=0
is "nothing is lost by giving it more" "$(listed)" "$n"
ok "and there is room" cp "$T/large" "$N/configmaps/more.yaml"
finish
