#!/bin/bash
# What is sent, counted; and one reader of one version. On the fake cluster, whatever the back end.
KUBEFS_TEST_BACKEND=fake
FAKE_ARGS='-c 1000'
unset KUBEFS_TEST_KUBECONFIG
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_mount
cd "$N/configmaps" || exit 99

# sends COUNT WHAT COMMAND: so many writes reach the cluster.
sends() {
	before=$(requests)
	bash -c "$3" 2>/dev/null
	is "$2" "$(($(requests) - before))" "$1"
}
sends 1 "a new file is one request" 'printf "data: {a: \"1\"}\n" >x.yaml'
sends 0 "cat" 'cat x.yaml >/dev/null'
sends 0 "touch" 'touch x.yaml'
sends 0 "truncating" ': >x.yaml'
sends 0 "an identical text" 'cp x.yaml /dev/shm/same.$$ && cp /dev/shm/same.$$ x.yaml; rm /dev/shm/same.$$'
sends 0 "cp -p and chmod" 'cp -p x.yaml y.tmp; chmod 644 x.yaml; rm y.tmp'
sends 1 "sed -i" 'sed -i s/\"1\"/\"2\"/ x.yaml'
sends 0 "sed -i that changes nothing" 'sed -i s/nothing/something/ x.yaml'
sends 1 "two writers of one redirection" '{ echo data:; cat <<<"  b: \"1\""; } >x.yaml'
sends 1 "a loop into apply" 'for l in "apiVersion: v1" "kind: ConfigMap" "metadata: {name: z}"; do echo "$l"; done >../apply'
sends 2 "vim: two writes" 'vim -Nu NONE -n -es -c "%s/b: \"1\"/b: \"2\"/" -c w -c "%s/b: \"2\"/b: \"3\"/" -c w -c q x.yaml </dev/null'
is "the second is in" "$(grep ' b:' x.yaml)" '  b: "3"'
sends 2 "removed and written again: the question whether it may, and an update" \
	'rm x.yaml; echo "data: {c: \"1\"}" >x.yaml'
is "no deletion comes after" "$(sleep 0.7; tail -1 "$T/requests" | cut -d' ' -f1)" patch

# One version is held open while there are a thousand others.
cat >"$T/reader.py" <<'END'
import os, sys, time, signal
path, pid = sys.argv[1], int(sys.argv[2])
def check(text, what):
    data = [l.split('"')[1] for l in text.split("\n") if l.startswith("  k0")]
    if len(set(data)) > 1:
        sys.exit(f"{what} saw {sorted(set(data))[:3]}")
    return data[0] if data else None
first = open(path)
text = first.read()
os.kill(pid, signal.SIGUSR1)
seen, opens, end = set(), 0, time.time() + 60
half = open(path)
part = half.read(64)
while len(seen) < 2 or (time.time() < end and "00000999" not in seen):
    f = open(path)
    size = os.fstat(f.fileno()).st_size
    now = f.read()
    if len(now) != size:
        sys.exit(f"size {size}, read {len(now)}")
    seen.add(check(now, "a new reader"))
    opens += 1
    first.seek(0)
    if first.read() != text:
        sys.exit("the first reader's text changed")
    if time.time() > end:
        sys.exit("the changes did not end")
check(part + half.read(), "the slow reader")
print(f"{opens} opens, {len(seen)} versions")
END
ok "no reader sees two versions" python3 "$T/reader.py" "$M/namespaces/default/configmaps/moving.yaml" "$mount_pid"
diag "$(cat "$T/ok.out")"
finish
