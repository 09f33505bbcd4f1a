#!/bin/bash
# Several clusters in one mount: each connected when it is first entered, a write goes to the cluster
# of its path, and one that cannot be had disturbs no other.
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

# A server that takes connections and says nothing.
cat >"$T/silent.py" <<'END'
import socket, sys
s = socket.create_server(("127.0.0.1", 0), backlog=64)
print(s.getsockname()[1], flush=True)
kept = []
while True:
    kept.append(s.accept())
    print("asked", flush=True)
END
spawn silent python3 "$T/silent.py"
others+=("$spawned")
wait_for 30 test -s "$T/silent.log" || bail "no silent server"
silent=$(head -n 1 "$T/silent.log")

for which in first second; do
	"$KUBECTL" --kubeconfig="${!which}" config view --raw --flatten -o json >"$T/$which.json"
done
arn=arn:aws:eks:eu-west-1:123456789012:cluster/prod
long=$(printf 'x%.0s' $(seq 300))
jq -n --slurpfile a "$T/first.json" --slurpfile b "$T/second.json" --arg arn "$arn" \
	--arg long "$long" --arg silent "https://127.0.0.1:$silent" '
	def named(n): .[0] | {c: (.clusters[0] | .name = n), u: (.users[0] | .name = n)};
	def context(n; c): {name: n, context: {cluster: c, user: c}};
	($a | named("one")) as $one | ($b | named("two")) as $two |
	{apiVersion: "v1", kind: "Config", "current-context": "one",
	 clusters: [$one.c, $two.c, {name: "dead", cluster: {server: "https://127.0.0.1:1"}},
		{name: "silent", cluster: {server: $silent}}],
	 users: [$one.u, $two.u, {name: "dead", user: {token: "s3cr3t"}},
		{name: "silent", user: {token: "s3cr3t"}}],
	 contexts: [context("one"; "one"), context($arn; "two"), context("again"; "one"),
		context(".."; "two"), context("README"; "two"), context($long; "two"),
		context("dead"; "dead"), context("silent"; "silent"),
		context("nowhere"; "no-such-cluster")]}' >"$T/all"
# A relative name: the daemon leaves the directory it was started in.
spawn mount "$KUBEFS" -f --all-contexts --kubeconfig=all "$M"
mount_pid=$spawned
wait_for 60 answers_or_dead
answers || bail "the mount did not come up: $(tail -n 1 "$T/mount.log")"

# ---- Names

cut="%~$(printf 'x%.0s' $(seq 200))~$(printf '%s' "$long" | sha256sum | cut -c1-8)"
is "a directory for each context" "$(ls -A "$M" | tr '\n' ' ')" \
	"%2E. %52EADME $cut README again arn:aws:eks:eu-west-1:123456789012:cluster%2Fprod dead nowhere one silent "
ok "README tells which is which" grep -qF "%2Fprod is the context $arn" "$M/README"
is "asking for names and attributes connects none" "$(wc -l <"$T/silent.log")" 1
one=$M/one
two=$M/arn:aws:eks:eu-west-1:123456789012:cluster%2Fprod

# ---- Each path is a cluster

ok "the first is entered" test -s "$one/namespaces/default/namespace.yaml"
ok "the second is" test -s "$two/namespaces/default/namespace.yaml"
ok "one with a name that is cut" test -s "$M/$cut/namespaces/default/namespace.yaml"
ok "one that is called .." test -s "$M/%2E./namespaces/default/namespace.yaml"
ok "each has a README of its own" grep -qF "the context $arn" "$two/README"
echo 'data: {k: first}' | put "$one/namespaces/default/configmaps/x.yaml"
echo 'data: {k: second}' | put "$two/namespaces/default/configmaps/x.yaml"
is "a write goes to the cluster of its path" "$(on_first get configmap x -o jsonpath='{.data.k}')" first
is "and the other one's to its own" "$(on_second get configmap x -o jsonpath='{.data.k}')" second
"$KUBECTL" --kubeconfig="$T/all" config use-context "$arn" >/dev/null
sed -i 's/first/still the first/' "$one/namespaces/default/configmaps/x.yaml"
is "whatever use-context says" "$(on_first get configmap x -o jsonpath='{.data.k}')" "still the first"
(cd "$two/namespaces/default/configmaps" && rm ../../../../one/namespaces/default/configmaps/x.yaml)
wait_for 10 not on_first get configmap x
fails "a deletion does, too" on_first get configmap x
ok "and the other one's object stays" on_second get configmap x
echo 'apiVersion: v1
kind: ConfigMap
metadata: {name: boxed}' >"$two/apply"
ok "a drop box is its cluster's" on_second get configmap boxed
fails "and no other's" on_first get configmap boxed

# ---- Caches and numbers

number() { stat -c %i "$1"; }
differ() { [ "$(number "$1")" != "$(number "$2")" ]; }
for file in README namespaces namespaces/default namespaces/default/namespace.yaml errors.log; do
	ok "$file has a number in each, also where it is one cluster" differ "$one/$file" "$M/again/$file"
done
is "the two contexts of one cluster show the same" \
	"$(cat "$M/again/namespaces/default/namespace.yaml")" "$(cat "$one/namespaces/default/namespace.yaml")"
echo 'data: {k: seen}' | put "$one/namespaces/default/configmaps/both.yaml"
ok "what one writes the other sees" wait_for 10 grep -q 'k: seen' "$M/again/namespaces/default/configmaps/both.yaml"
is ".. of a tree is the directory of all" "$(number "$one/..")" "$(number "$M")"
cp "$two/namespaces/default/configmaps/x.yaml" "$T/copy"
is "no object moves to another cluster" \
	"$(mv "$two/namespaces/default/configmaps/x.yaml" "$one/namespaces/default/configmaps/y.yaml" 2>&1 |
	grep -c 'not permitted')" 1
ok "it is where it was" on_second get configmap x
ok "a scratch file does" eval "cp '$T/copy' '$two/namespaces/default/configmaps/t.tmp' &&
	mv '$two/namespaces/default/configmaps/t.tmp' '$one/namespaces/default/configmaps/x.yaml'"
ok "and is applied there" on_first get configmap x

# ---- What cannot be had

is "a dead one has README and errors.log" "$(ls "$M/dead" | tr '\n' ' ')" "README errors.log "
ok "which says why" grep -q 'dead cannot be connected: .*127.0.0.1:1' "$M/dead/errors.log"
ok "and its README where to look" grep -q errors.log "$M/dead/README"
ok "its paths fail with what is wrong" errno EHOSTUNREACH ls "$M/dead/namespaces"
ok "a broken kubeconfig's" eval "ls '$M/nowhere' && grep -q 'no cluster \"no-such-cluster\"' '$M/nowhere/errors.log'"
fails "its token is in no log" grep -rqs s3cr3t "$M/dead/errors.log" "$T/mount.log"
fails "an error of one is in no other's" grep -q 127.0.0.1:1 "$one/errors.log"

ls "$M/silent" >/dev/null 2>&1 &
waiting=$!
others+=("$waiting")
ok "a silent one is asked" wait_for 30 grep -q asked "$T/silent.log"
ok "meanwhile the others answer" timeout $((5 * FACTOR)) ls "$one/namespaces" "$M" "$two/namespaces"
ok "and take writes" eval "echo 'data: {k: meanwhile}' | put '$one/namespaces/default/configmaps/m.yaml'"
ok "and ls -l of all contexts does not wait" timeout $((5 * FACTOR)) ls -l "$M"
kill "$waiting"
ok "a signal ends who waits for it" wait_for 5 not running "$waiting"

# It comes back.
sed -i 's/no-such-cluster/one/' "$T/all"
has_come() { ls "$M/nowhere/namespaces"; }
ok "one that is mended is there at a later look" wait_for 40 has_come
is "without a new mount" "$(ls "$M/nowhere" | tr '\n' ' ')" "README apply cluster errors.log events.log namespaces "
fails "its README is a cluster's now" grep -q 'cannot be shown' "$M/nowhere/README"

# ---- The end

ls "$M/silent" >/dev/null 2>&1 &
others+=($!)
rm "$two/namespaces/default/configmaps/x.yaml"
printf 'data: {a: [\n' | put "$one/namespaces/default/configmaps/bad.yaml" 2>/dev/null
kill "$mount_pid"
ok "a termination ends all" wait_for 20 not running "$mount_pid"
wait "$mount_pid"
is "with status 0" $? 0
mount_pid=
ok "refused texts are named with their context" grep -qx 'one/namespaces/default/configmaps/bad.yaml.rejected' "$T/mount.log"
fails "held deletions have been sent" on_second get configmap x
is "--all-contexts goes with no context" \
	"$("$KUBEFS" --all-contexts --context=one "$M" 2>&1 | grep -c 'exclude each other')" 1
is "and with a kubeconfig" \
	"$("$KUBEFS" --all-contexts --kubeconfig=/nowhere "$M" 2>&1 | grep -c '/nowhere: No such file')" 1
finish
