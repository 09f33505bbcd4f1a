#!/bin/bash
# Logs and events as they come from a server that does all that a node may: many containers, runs
# before, bytes that are no text, two outputs that are not in order, connections that break.
KUBEFS_TEST_BACKEND=remote
unset KUBEFS_TEST_KUBECONFIG
. "${top_srcdir:-.}/tests/cases/lib.sh"
spawn logserver python3 "$srcdir/tests/cases/logserver.py" "$T/port"
others+=("$spawned")
wait_for 60 test -s "$T/port" || bail "no server"
server=http://127.0.0.1:$(cat "$T/port")
tell() { curl -sfS -X POST --data-binary @- "$server/do/$1" >/dev/null; }
cat >"$T/kubeconfig" <<END
{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: k, user: u}}],
 clusters: [{name: k, cluster: {server: "$server"}}], users: [{name: u, user: {token: t}}]}
END
# pod NAME STATUS: three kinds of containers.
pod() {
	tell "pod?name=$1" <<END
{"spec": {"nodeName": "n", "initContainers": [{"name": "init"}], "containers": [{"name": "a"}, {"name": "b"}],
 "ephemeralContainers": [{"name": "debug"}]}, "status": {"phase": "Running", $2}}
END
}
running='"containerStatuses": [{"name": "a", "restartCount": 0, "state": {"running": {}}}]'
restarted='"containerStatuses": [{"name": "a", "restartCount": 1, "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}}]'
pod p "$running"
for c in init a b debug; do echo "first of $c" | tell "log?pod=p&container=$c"; done
mount_with "$KUBEFS" -f --kubeconfig="$T/kubeconfig"
L=$M/namespaces/d/logs
cd "$L/p" || exit 99

is "each container has its log" "$(ls | tr '\n' ' ')" "a.log b.log debug.log init.log "
is "each has its own" "$(cat init.log a.log b.log debug.log | tr '\n' ' ')" \
	"first of init first of a first of b first of debug "
fails "there is no other" test -e c.log
fails "nor a run before, where none was" test -e a.previous.log

# Every byte comes through; a last line without its end, too.
printf 'nul \0 and \377\376 and \r and \033[31m\nlatin \351\n\n  spaced  \nno end' >"$T/bytes"
tell 'log?pod=p&container=b' <"$T/bytes"
ok "bytes that are no text" eval 'tail -n +2 b.log | cmp - "$T/bytes"'

# Of two outputs, which a runtime reads one after the other, lines may be out of order.
for at in 100.5 100.7 100.6 101.2 101.1 101.9; do echo "at $at" | tell "log?pod=p&container=init&at=$at"; done
in_order="first of init at 100.5 at 100.7 at 100.6 at 101.2 at 101.1 at 101.9 "
is "lines whose times are out of order" "$(cat init.log | tr '\n' ' ')" "$in_order"
echo "at 101.3" | tell 'log?pod=p&container=init&at=101.3'
is "and one that is late" "$(cat init.log | tr '\n' ' ')" "${in_order}at 101.3 "
is "come once" "$(cat init.log | tr '\n' ' ')" "${in_order}at 101.3 "

# ---- Followed

tail -c +1 -f a.log >"$T/tail.out" 2>"$T/tail.err" &
others+=($!)
seen() { grep -qx "$1" "$T/tail.out" || { cat "$T/tail.out"; return 1; }; }
ok "an open log is read" wait_for 10 seen 'first of a'
echo 'second' | tell 'log?pod=p&container=a'
ok "and grows" wait_for 10 seen second
for i in 1 2 3; do
	tell break </dev/null
	echo "after break $i" | tell 'log?pod=p&container=a'
	ok "it goes on when the connection broke ($i)" wait_for 20 seen "after break $i"
done
tell 'begin?pod=p&container=a' </dev/null
echo 'run two' | tell 'log?pod=p&container=a&at=200'
pod p "$restarted"
ok "and with the next run" wait_for 20 seen 'run two'
is "each line once, in order" "$(tr '\n' ' ' <"$T/tail.out")" \
	"first of a second after break 1 after break 2 after break 3 run two "
ok "the run before has a log" wait_for 10 test -e a.previous.log
is "with all that it wrote" "$(tr '\n' ' ' <a.previous.log)" \
	"first of a second after break 1 after break 2 after break 3 "

# ---- Long

bytes_asked() { curl -sfS "$server/do/asked" | jq '[.[].bytes] | add'; }
python3 -c 'for i in range(300000): print("line %07d of a log that is long, as long as logs are" % i)' >"$T/long"
pod big "$running"
# A log goes on from the second of its last line: here that second has no other.
head -n -1 "$T/long" | tell 'log?pod=big&container=a'
tail -n 1 "$T/long" | tell 'log?pod=big&container=a&at=200'
wait_for 10 test -e "$L/big/a.log"
ok "a log of $(stat -c %s "$T/long") bytes" eval 'tail -n 1 "$L/big/a.log" | grep "line 0299999"'
exec 7<"$L/big/a.log"
size=$(stat -L -c %s /dev/fd/7)
ok "of which the newest 16 MB are kept, and no less than three quarters" \
	test "$size" -le 16777216 -a "$size" -ge 12000000
ok "in whole lines" eval 'cat "$L/big/a.log" | cmp - <(tail -c "$size" "$T/long")'
before=$(bytes_asked)
echo 'one more' | tell 'log?pod=big&container=a&at=400'
more() { [ "$(tail -n 1 "$L/big/a.log")" = "one more" ]; }
ok "it grows" wait_for 10 more
for i in 1 2 3; do tail -c 100 "$L/big/a.log" >/dev/null; done
exec 7<&-
for i in 1 2 3; do tail -c 100 "$L/big/a.log" >/dev/null; done
sent=$(($(bytes_asked) - before))
ok "what is there already is not fetched again ($sent bytes)" test $sent -lt 10000
is "a read begins where it is told" \
	"$(dd if="$L/big/a.log" bs=1 skip=$((size - 20)) count=19 status=none)" "$(tail -c 20 "$T/long" | head -c 19)"

# ---- A pod that goes while it is read

pod gone "$running"
printf 'one\ntwo\n' | tell 'log?pod=gone&container=a'
wait_for 10 test -e "$L/gone/a.log"
exec 8<"$L/gone/a.log"
read -r line <&8
is "one line" "$line" one
tail -c +1 -f "$L/gone/a.log" >"$T/gone.out" 2>/dev/null &
others+=($!)
all() { [ "$(tr '\n' ' ' <"$T/gone.out")" = "one two " ]; }
ok "a second reader" wait_for 10 all
tell 'pod?name=gone' </dev/null
ok "its directory goes" wait_for 10 test ! -e "$L/gone"
read -r line <&8
is "what was fetched is still read" "$line" two
fails "to its end" read -r -t 5 line <&8
is "it has kept its size" "$(stat -L -c %s /dev/fd/8)" 8
pod gone "$running"
tell 'begin?pod=gone&container=a' </dev/null
echo 'of another' | tell 'log?pod=gone&container=a'
ok "another pod by its name" wait_for 10 test -e "$L/gone/a.log"
is "has a log of its own" "$(cat "$L/gone/a.log")" "of another"
ok "which the old reader does not see" all
exec 8<&-
is "a container that has not begun" "$(cat "$L/big/b.log" 2>&1 | grep -c 'Invalid argument')" 1

# ---- Events

event() { # NAME REASON TIMES
	tell "event?name=$1" <<END
{"involvedObject": {"kind": "Pod", "name": "p", "namespace": "d"}, "type": "Normal", "reason": "$2", "message": "told", $3}
END
}
event e3 Third '"firstTimestamp": "2026-01-02T03:00:00Z", "lastTimestamp": "2026-01-02T03:30:00Z", "count": 4'
event e1 First '"firstTimestamp": "2026-01-02T03:10:00Z", "lastTimestamp": "2026-01-02T03:10:00Z", "count": 1'
event e2 Second '"eventTime": "2026-01-02T03:20:00.123456Z"'
event e4 Fourth '"eventTime": "2026-01-02T03:05:00.000000Z", "series": {"count": 7, "lastObservedTime": "2026-01-02T03:35:00.000000Z"}'
told() { sed -E 's/^([^ ]+) +d +Normal +([A-Za-z]+) +Pod.p +/\1 \2 /' "$M/events.log"; }
is "events are sorted by when they were seen last, repeated ones folded" "$(told)" \
	"2026-01-02T03:10:00 First told
2026-01-02T03:20:00 Second told
2026-01-02T03:30:00 Third told (x4 over 30m)
2026-01-02T03:35:00 Fourth told (x7 over 30m)"
is "a namespace's are the same" "$(cat "$M/namespaces/d/events.log")" "$(cat "$M/events.log")"
tail -n +1 -f "$M/events.log" >"$T/events.out" 2>/dev/null &
others+=($!)
event e1 First '"firstTimestamp": "2026-01-02T03:10:00Z", "lastTimestamp": "2026-01-02T03:40:00Z", "count": 2'
again() { grep -q '03:40:00 .*told (x2 over 30m)' "$T/events.out"; }
ok "one that comes again is a line more" wait_for 10 again
finish
