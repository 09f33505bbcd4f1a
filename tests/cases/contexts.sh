#!/bin/bash
# A mount stays with its context: neither use-context nor a changed kubeconfig sends an edit
# elsewhere.
KUBEFS_TEST_BACKEND=remote
unset KUBEFS_TEST_KUBECONFIG
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools
start_serve --bare
first=$kubeconfig
spawn_part serve2 "$KUBEFS" serve --bare --local="$T/store2" --listen=127.0.0.1:0
wait_for 30 grep -q '^kubefs: serving' "$T/serve2.log" || bail "no second endpoint"
second=$T/store2/kubeconfig
on_first() { "$KUBECTL" --kubeconfig="$first" --cache-dir="$T/c1" "$@"; }
on_second() { "$KUBECTL" --kubeconfig="$second" --cache-dir="$T/c2" "$@"; }

# One file with both, contexts one and two.
for which in first second; do
	"$KUBECTL" --kubeconfig="${!which}" config view --raw --flatten -o json >"$T/$which.json"
done
jq -n --slurpfile a "$T/first.json" --slurpfile b "$T/second.json" '
	def named(n): .[0] | {c: (.clusters[0] | .name = n), u: (.users[0] | .name = n),
		x: {name: n, context: {cluster: n, user: n}}};
	($a | named("one")) as $one | ($b | named("two")) as $two |
	{apiVersion: "v1", kind: "Config", "current-context": "one", clusters: [$one.c, $two.c],
	 users: [$one.u, $two.u], contexts: [$one.x, $two.x]}' >"$T/both"
mount_with "$KUBEFS" -f --kubeconfig="$T/both"
cd "$M/namespaces/default/configmaps" || exit 99
echo 'data: {k: "1"}' >x.yaml
on_second create configmap x --from-literal=k=other >/dev/null
"$KUBECTL" --kubeconfig="$T/both" config use-context two >/dev/null
sed -i 's/k: "1"/k: "2"/' x.yaml
echo 'data: {k: "1"}' >y.yaml
is "an edit after use-context goes where the mount is" "$(on_first get configmap x -o jsonpath='{.data.k}')" 2
is "and not to the other" "$(on_second get configmap x -o jsonpath='{.data.k}')" other
ok "so does what is new" on_first get configmap y
fails "and not there" on_second get configmap y
rm x.yaml
sync "$PWD" 2>/dev/null
wait_for 5 not on_first get configmap x
ok "and what is removed" not on_first get configmap x
ok "the other's is still there" on_second get configmap x
cd / || exit 99
ok "a new mount takes the new context" end_mount
mount_with "$KUBEFS" -f --kubeconfig="$T/both"
is "and shows the other cluster" "$(grep -c 'k: other' "$M/namespaces/default/configmaps/x.yaml")" 1
finish
