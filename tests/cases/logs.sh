#!/bin/bash
# A log that is open goes on when its container is started anew.
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_mount
cat >"$T/pod" <<'END'
metadata:
  annotations: {simulated.kubefs.io/run-seconds: "1", simulated.kubefs.io/exit-code: "1"}
spec: {containers: [{name: c, image: crash}]}
END
wait_for 20 cp "$T/pod" "$N/pods/crash.yaml" || bail "no pod" # its ServiceAccount is made first
runs() { grep -qE 'restartCount: [1-9]|running:' "$N/pods/crash.yaml"; }
ok "a pod that ends and is started again" wait_for 30 runs
tail -c +1 -f "$N/logs/crash/c.log" >"$T/tail.out" 2>"$T/tail.err" &
others+=($!)
restarted() { grep -q 'restartCount: [2-9]' "$N/pods/crash.yaml"; }
more() { [ "$(sort -u "$T/tail.out" | wc -l)" -gt "$1" ]; }
ok "its log is read" wait_for 10 test -s "$T/tail.out"
first=$(sort -u "$T/tail.out" | wc -l)
ok "an open log goes on with the next run" wait_for 40 more "$first"
is "no line comes twice" "$(sort "$T/tail.out" | uniq -d | wc -l)" 0
ok "the run before has a log of its own" grep -q 'ended with exit code 1' "$N/logs/crash/c.previous.log"
finish
