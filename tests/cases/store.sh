#!/bin/bash
# kubefs store: looking after a local cluster's store, at work and stopped.
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools

D=$T/store
store() { # what it says is kept
	local status
	"$KUBEFS" store "$@" >"$T/said" 2>&1
	status=$?
	cat "$T/said"
	return $status
}
end_serve() {
	end_process "$serve_pid"
	pids=()
	serve_pid=
}
start_serve --bare
kubectl create secret generic db --from-literal=password=open-sesame >/dev/null || bail "no secret"
kubectl create configmap settings --from-literal=color=blue >/dev/null || bail "no config map"
objects() { kubectl get secrets,configmaps -A -o json | jq -S '.items'; }
objects >"$T/before"

ok "a store at work is checked" store check "$D"
ok "how many secrets are encrypted, and with which key" \
	grep -qx 'encrypted    [1-9][0-9]* versions of secrets with key [0-9a-f]*, the first of data.keys' "$T/said"
ok "and backed up" store backup "$D" "$T/backup"
ok "which says that the keys are not in it" grep -q 'keys are not in it' "$T/said"
is "nobody else reads a backup" "$(stat -c %a "$T/backup")" 600
fails "secrets are not to be read in it" grep -qa open-sesame "$T/backup"
ok "and compacted" store compact "$D"
objects >"$T/compacted"
ok "which takes nothing from those who use it" cmp "$T/before" "$T/compacted"
ok "it is sound afterwards" store check "$D"
fails "it is not replaced" store restore --force "$D" "$T/backup"
ok "whose it is" grep -q 'in use by process' "$T/said"
fails "nor given another key" store rotate-key "$D"
kubectl delete configmap settings >/dev/null
end_serve

ok "a stopped one is checked" store check "$D"
ok "compacted" store compact "$D"
ok "and given another key" store rotate-key "$D"
ok "that everything is encrypted with" store check "$D"
is "the old one for nothing" "$(grep -c 'encrypted    0 versions' "$T/said")" 1
fails "one that is there is not written over" store restore "$D" "$T/backup"
ok "without being told to" grep -q 'without --force' "$T/said"
head -c 5000 "$T/backup" >"$T/half"
fails "half a backup is refused" store restore --force "$D" "$T/half"
ok "a whole one takes its place" store restore --force "$D" "$T/backup"
start_serve --bare
objects >"$T/after"
ok "all is as it was" cmp "$T/before" "$T/after"
end_serve

fails "elsewhere the keys are missing" store restore "$T/other/place" "$T/backup"
ok "and said to be" grep -q 'data.keys does not hold' "$T/said"
cp "$D/data.keys" "$T/other/place/"
ok "with them it is restored there" store restore "$T/other/place" "$T/backup"
ok "whole" store check "$T/other/place"

# One bit, where the file shows the config map.
python3 - "$T/other/place/data.mdb" <<'END'
import sys
bytes = bytearray(open(sys.argv[1], 'rb').read())
at = bytes.index(b'"color":"blue"')
while at >= 0:
    bytes[at + 9] ^= 1
    at = bytes.find(b'"color":"blue"')
open(sys.argv[1], 'wb').write(bytes)
END
store check "$T/other/place" >"$T/check.out" 2>&1
is "damage has status 1" $? 1
ok "and is told" grep -q '^damage       a record is not as it was written' "$T/check.out"
fails "and not backed up" store backup "$T/other/place" "$T/bad"
# Pages that are not to be believed: no crash.
python3 - "$T/other/place/data.mdb" <<'END'
import sys
bytes = bytearray(open(sys.argv[1], 'rb').read())
for page in range(2, len(bytes) // 4096):
    bytes[page * 4096 + 10:page * 4096 + 200] = b'\xff' * 190
open(sys.argv[1], 'wb').write(bytes)
END
store check "$T/other/place" >"$T/check.out" 2>&1
is "so has rubbish" $? 1
store check "$T/nowhere" >/dev/null 2>&1
is "and no store at all" $? 1
store bake "$D" >/dev/null 2>&1
is "an action there is not is wrong usage" $? 2
finish
