#!/bin/bash
# A server that stops answering, dies and comes back, below a mount; and how a mount ends with
# files open.
KUBEFS_TEST_BACKEND=remote
unset KUBEFS_TEST_KUBECONFIG
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_mount
cd "$N/configmaps" || exit 99
echo 'data: {a: "1"}' >x.yaml
ls . >/dev/null
is "an object is there" "$(grep -c 'a: "1"' x.yaml)" 1

# ends_by SIGNAL COMMAND...: the command waits for the server, and a signal ends it.
blocked() { grep -q fuse "/proc/$1/wchan" 2>/dev/null || grep -q request_wait /proc/"$1"/stack 2>/dev/null; }
ends_by() {
	local signal=$1 pid
	shift
	"$@" >"$T/waiting.out" 2>&1 &
	pid=$!
	others+=("$pid")
	wait_for 5 blocked "$pid" || { echo "it does not wait: $(cat "$T/waiting.out")"; return 1; }
	kill "-$signal" "$pid"
	wait_for 5 not running "$pid" || { echo "$signal does not end it"; return 1; }
	wait "$pid" 2>/dev/null
	return 0
}

kill -STOP "$serve_pid"
echo 'data: {a: "2"}' >"$T/two"
ok "what is cached is read while the server says nothing" grep -q 'a: "1"' x.yaml
ok "ls, too" ls .
ok "and df" timeout 5 df "$M"
ok "and ls of what is above" timeout 5 ls -la "$T"
ok "a signal ends a write that waits" ends_by HUP cp "$T/two" x.yaml
ok "a termination does" ends_by TERM sh -c "exec cp '$T/two' x.yaml"
ok "a kill ends a deletion that waits" ends_by KILL rm -f x.yaml
ok "a termination ends the first look into a type" ends_by TERM ls ../replicasets
ok "and mkdir" ends_by TERM mkdir "$M/namespaces/never"
bash -c 'sleep 0.4 & echo "data: {a: \"3\"}" >z.yaml; wait' &
writer=$!
wait_for 5 blocked $writer
sleep 1
kill -CONT "$serve_pid"
wait $writer
ok "a child that ends does not take back what its parent wrote" wait_for 10 grep -q 'a: "3"' z.yaml
rm -f x.yaml.rejected
wait_for 10 cp "$T/two" x.yaml
is "afterwards all is as before" "$(grep -c 'a: "2"' x.yaml)" 1

# It dies.
kill -9 "$serve_pid"
wait "$serve_pid" 2>/dev/null
pids=()
told() { grep -q "$1" "$M/errors.log"; }
ok "errors.log says since when the server is away" wait_for 20 told 'cannot be reached since 20'
is "once" "$(grep -c 'cannot be reached since' "$M/errors.log")" 1
ok "what is cached is still read" grep -q 'a: "2"' x.yaml
ok "a write fails with an errno that tells" errno EHOSTUNREACH cp "$T/two" y.yaml
ok "its text stays" grep -q 'a: "2"' y.yaml.rejected
cd / || exit 99
address=$(sed -n 's|.*server: https://||p' "$kubeconfig")
: >"$T/serve.log"
spawn_part serve "$KUBEFS" serve --local="$T/store" --listen="$address"
serve_pid=$spawned
wait_for 30 grep -q '^kubefs: serving' "$T/serve.log" || bail "the endpoint does not come back"
ok "errors.log says that it is back" wait_for 40 told 'answers again'
printf 'data: {a: "3"}\n' >"$T/three"
ok "and writes go through" wait_for 10 cp "$T/three" "$N/configmaps/x.yaml"

# ---- The end of a mount with files open

exec 7>"$N/configmaps/half.yaml"
printf 'data: {half: "yes"}\n' >&7
printf 'data: {gone: "no"}\n' >"$N/configmaps/gone.yaml"
rm "$N/configmaps/gone.yaml"
cat "$N/configmaps/.watch" >/dev/null 2>&1 &
reader=$!
others+=($reader)
wait_for 5 blocked $reader
kill -TERM "$mount_pid"
ok "a termination ends a read that waits for changes" wait_for 5 not running $reader
ok "a termination ends the mount with a file open" wait_for 10 not running "$mount_pid"
wait "$mount_pid"
is "with status 0" $? 0
exec 7>&- 2>/dev/null
ok "it names what was still being written" grep -q 'half.yaml was still being written' "$T/mount.log"
fails "and nothing of it was sent" kubectl get configmap half -n "$NS"
fails "the deletion that was held has been sent" kubectl get configmap gone -n "$NS"
mount_pid=
! is_mounted "$M" || fusermount3 -uz "$M"

# Closed before the unmount, released after it: sent.
mount_with "$KUBEFS" -f --kubeconfig="$kubeconfig"
ls "$N/configmaps" >/dev/null
for i in 1 2 3 4 5; do printf 'data: {late: "%s"}\n' $i >"$N/configmaps/late$i.yaml" & done
wait $(jobs -p | grep -vxF -e "$mount_pid" -e "$serve_pid")
ok "an unmount" end_mount
is "loses nothing that was closed" "$(kubectl get configmaps -n "$NS" -o name | grep -c late)" 5

# Lazily, with a file open for writing: its last close comes after the mount is gone from the tree.
mount_with "$KUBEFS" -f --kubeconfig="$kubeconfig"
exec 7>"$N/configmaps/lazy.yaml"
printf 'data: {lazy: "yes"}\n' >&7
fusermount3 -uz "$M"
exec 7>&-
ok "fusermount3 -uz with a file open ends when it is closed" wait_for 10 not running "$mount_pid"
wait "$mount_pid"
mount_pid=
ok "and what was written is applied" kubectl get configmap lazy -n "$NS"

# In the middle of every operation: each waits, in a directory of its own, and a signal ends it.
waiting=()
waits() { # WHAT COMMAND...
	local what=$1
	shift
	"$@" >>"$T/waits.out" 2>&1 &
	waiting+=($!)
	others+=($!)
	ok "the server says nothing: $what waits" wait_for 10 blocked $!
}
all_wait() { # TYPE TYPE: two that nobody has looked at
	waiting=()
	waits "a write" cp "$T/two" "$N/configmaps/dead.yaml"
	waits "a text that is applied" dd if="$T/manifest" of="$N/apply" status=none
	waits "a value" dd if="$T/two" of="$N/configmaps/x/data/a" status=none
	waits "rm" rm -f "$N/secrets/s.yaml"
	waits "mkdir" mkdir "$M/namespaces/never"
	waits "mv onto an object" mv "$N/serviceaccounts/s.tmp" "$N/serviceaccounts/s.yaml"
	waits "the first look into a type" ls "$N/$1"
	waits "opening one of its files" cat "$N/$2/none.yaml"
	waits "a description" cat "$N/configmaps/x/describe"
	waits "a stream of changes" cat "$N/secrets/.watch"
	waits "a condition" cat "$N/secrets/.wait/none/Ready"
}
have_ended() {
	local pid
	for pid in "${waiting[@]}"; do
		not running "$pid" || { echo "$(tr '\0' ' ' <"/proc/$pid/cmdline") is left"; return 1; }
	done
}
mount_with "$KUBEFS" -f --kubeconfig="$kubeconfig"
echo 'stringData: {a: "1"}' >"$N/secrets/s.yaml"
for type in configmaps secrets serviceaccounts; do ls "$N/$type" >/dev/null; done
echo '{}' >"$N/serviceaccounts/s.tmp"
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: late}\n' >"$T/manifest"
kill -STOP "$serve_pid"
all_wait replicasets replicationcontrollers
kill -TERM "${waiting[@]}"
ok "a signal ends them all" wait_for 5 have_ended

# A sudden death: every blocked call ends, and the same directory is mounted again.
all_wait statefulsets daemonsets
kill -9 "$mount_pid"
ok "after kill -9 every one of them ends within a second" wait_for 1 have_ended
wait "$mount_pid" "${waiting[@]}" 2>/dev/null
mount_pid=
kill -CONT "$serve_pid"
fusermount3 -uz "$M" 2>/dev/null
mount_with "$KUBEFS" -f --kubeconfig="$kubeconfig"
ok "and mounting again works" test -s "$N/namespace.yaml"
finish
