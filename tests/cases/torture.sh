#!/bin/bash
# Many processes use the tree in every way at once, while controllers change what they use; then it
# holds what the server holds, and nothing is left in the program. Seconds here; `make torture` takes
# TORTURE_SECONDS (1200), 32 processes and 5,000 objects, and then does it again: emptied after a
# second time, the program has no more than after the first. In the end a signal comes in the midst.
. "${top_srcdir:-.}/tests/cases/lib.sh"
seconds=${TORTURE_SECONDS:-5}
processes=${TORTURE_PROCESSES:-8}
objects=${TORTURE_OBJECTS:-200}
start_mount
cd "$T" || exit 99

manifests() {
	local n
	for ((n = 0; n < objects; n++)); do
		printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c-%04d, labels: {app: torture}}\ndata: {k: "0"}\n' $n
	done
	for ((n = 0; n < 3 + objects / 500; n++)); do
		cat <<-END
			---
			apiVersion: apps/v1
			kind: Deployment
			metadata: {name: d-$n}
			spec:
			  replicas: 2
			  selector: {matchLabels: {app: d-$n}}
			  template: {metadata: {labels: {app: d-$n}}, spec: {containers: [{name: c, image: v1}]}}
		END
	done
}
ok "$objects ConfigMaps, and Deployments" eval 'manifests >manifests.yaml && cp manifests.yaml "$N/apply"'

# What the program has: its own memory, open files, threads, and the inodes that it knows once the
# kernel has forgotten what it need not know.
forget() { [ ! -w /proc/sys/vm/drop_caches ] || echo 2 >/proc/sys/vm/drop_caches; }
counts() {
	sed -n 's/^RssAnon:\s*\([0-9]*\) kB/\1/p;s/^Threads:\s*//p' /proc/"$mount_pid"/status
	ls /proc/"$mount_pid"/fd | wc -l
	forget
	echo $(($(stat -f -c '%c - %d' "$M")))
}
look() { find "$M" -name none -ls; }
# The same twice: the second time all is in its caches.
torture() {
	python3 "$srcdir/tests/fs/torture.py" "$1" "$processes" "$2" "$N" && return
	tail -n 20 "$M/errors.log"
	return 1
}
look
ok "some seconds, to begin with" torture 2 1
look
before=($(counts))
ok "$processes processes for $seconds seconds" torture "$seconds" 2
grep -h '^#' ok.out | tr ' ' '\n' | grep = | awk -F= '{n[$1] += $2} END {for (o in n) printf "%s %d, ", o, n[o]; print ""}' |
	fold -s -w 100 | sed 's/^/# /'
rm -f "$N"/configmaps/*.rejected

# Controllers come to an end.
settled() { kubectl get deployments -n "$NS" -o json | jq -e 'all(.items[]; .status.observedGeneration == .metadata.generation
	and (.status.replicas // 0) == .spec.replicas and (.status.readyReplicas // 0) == .spec.replicas)'; }
ok "the controllers have done their work" wait_for 120 settled

# The tree and kubectl's text of the same object, all of them; what differs is looked at alone.
cat >compare.py <<'END'
import os, re, subprocess, sys, time
mount, kubectl = sys.argv[1], sys.argv[2:]
def get(*words):
    return subprocess.run(kubectl + ["get", *words, "-o", "yaml"], stdout=subprocess.PIPE, text=True).stdout
def key(text):
    """Kind, namespace and name."""
    def of(pattern):
        m = re.search(pattern, text, re.M)
        return m[1].strip("'\"") if m else ""
    inside = r"^metadata:\n(?:(?: .*)?\n)*?  %s: (.*)\n"
    return of(r"^kind: (.*)$"), of(inside % "namespace"), of(inside % "name")
def items(text):
    """The objects of a list, each as if it stood alone."""
    all_ = re.findall(r"^- (.*\n(?:(?:  .*)?\n)*)", text, re.M)
    return {key(o): o for o in (x.replace("\n  ", "\n") for x in all_)}
def read(path):
    try:
        return open(path).read()
    except FileNotFoundError:
        return ""
def same_alone(k, path):
    for _ in range(20):
        if path and read(path) == get(k[0].lower(), k[2], *(["-n", k[1]] if k[1] else [])):
            return True
        time.sleep(0.2)
    print(k, path, "differs")
    return False
def types(top):
    return [t for t in sorted(os.listdir(top)) if t != "logs" and os.path.isdir(top + "/" + t)]
tops = [mount + "/namespaces/" + n for n in os.listdir(mount + "/namespaces")]
server = items(get(",".join(types(mount + "/cluster"))))
server.update(items(get(",".join(types(tops[0])), "-A")))
tree = {}
for top in [mount + "/cluster"] + tops:
    for d in types(top):
        for n in os.listdir(top + "/" + d):
            text = read(top + "/" + d + "/" + n)
            tree[key(text)] = (text, top + "/" + d + "/" + n)
apart = [k for k in set(tree) | set(server) if k not in tree or tree[k][0] != server.get(k)]
wrong = sum(not same_alone(k, tree.get(k, ("", None))[1]) for k in apart)
size = sum(len(text) for text, path in tree.values()) // max(len(tree), 1)
print("%d objects of %d bytes, %d of them compared alone, %d differ" % (len(tree), size, len(apart), wrong))
sys.exit(wrong != 0 or len(tree) < 50)
END
ok "the tree is what kubectl gets" python3 compare.py "$M" "$KUBECTL" --kubeconfig="$kubeconfig" \
	--cache-dir="$T/kube-cache"
told=$(tail -n 1 ok.out)
diag "$told"
is "no scratch file is left" "$(find "$M/namespaces" -name '*.rejected' -o -name '*~*' -o -name '*.tmp' | wc -l)" 0

look
after=($(counts))
diag "memory ${before[0]} KB, then ${after[0]} KB; threads ${before[1]}, ${after[1]}; open files" \
	"${before[2]}, ${after[2]}; inodes ${before[3]}, ${after[3]}"
ok "no file is left open" test $((after[2] - before[2])) -le 8
# Workers come as they are needed, up to a bound.
ok "no thread is left" test $((after[1] - before[1])) -le 40
[ ! -w /proc/sys/vm/drop_caches ] ||
	ok "no inode is left" test "${after[3]}" -le $((before[3] + before[3] / 5 + 300))
# But there are more objects than at first, events above all: each takes its bytes and 4 KB.
read -r more _ _ size _ <<<"${told/objects of/x x}"
more=$((more > objects ? (more - objects) * (size + 4096) / 1024 : 0))
ok "memory does not grow with use" \
	test "${after[0]}" -le $((before[0] + before[0] / 2 + 65536 * FACTOR + more * FACTOR))

# What it has when all objects that were made are gone, and the allocator has given back what it can.
gone() { [ ! -e "$N" ] && not kubectl get namespace "$NS" && [ -z "$(kubectl get cm,deploy,rs,pods -n "$NS" -o name)" ]; }
# What was shown last is kept, 64 MB of it: versions of this one each time.
fill() {
	local n
	for ((n = 0; n < 80; n++)); do
		printf 'data: {k: "%0900000d"}\n' $n >"$N/configmaps/large.yaml" && wc -c "$N/configmaps/large.yaml" || return 1
	done
}
give_back() { gdb -p "$mount_pid" -batch -ex 'call (int)malloc_trim(0)' >gdb.log 2>&1 && grep -q '^\$1' gdb.log; }
emptied() {
	ok "its caches are full" fill
	ok "all of it is removed" rm -r "$N"
	ok "and gone" wait_for 300 gone
	look
	forget
	give_back || diag "without gdb, memory counts with what is free in it"
	held=($(counts))
}
use_again() {
	mkdir "$N" && cp manifests.yaml "$N/apply" && torture $((seconds / 4)) 3
}
if [ "$seconds" -ge 60 ]; then
	emptied
	before=("${held[@]}")
	ok "the same once more, for a quarter of the time" use_again
	emptied
	diag "emptied twice: memory ${before[0]} KB, then ${held[0]} KB; threads ${before[1]}, ${held[1]};" \
		"open files ${before[2]}, ${held[2]}; inodes ${before[3]}, ${held[3]}"
	ok "no file more is open" test "${held[2]}" -le $((before[2] + 2))
	ok "there are no more threads" test "${held[1]}" -le $((before[1] + 8))
	[ ! -w /proc/sys/vm/drop_caches ] ||
		ok "there are no more inodes" test "${held[3]}" -le $((before[3] + 10))
	ok "it takes no more memory" test "${held[0]}" -le $((before[0] + before[0] / 10 + 4096 * FACTOR))
fi

# What holds a directory then has its answer all the same, and the notice that waits for it goes.
revision() { kubectl get --raw "/api/v1/namespaces/$NS/configmaps?limit=1" | jq -r .metadata.resourceVersion; }
busy() { [ "$(revision)" -gt $((began + 20 * processes)) ]; }
[ -e "$N" ] || { mkdir "$N" && cp manifests.yaml "$N/apply"; }
began=$(revision)
torture 60 4 >busy.log 2>&1 &
user=$!
ok "they are at work again" wait_for 60 busy
ends() { end_process "$mount_pid" "the mount" || { umount -f "$M"; return 1; }; }
ok "a signal ends the mount in the midst of it" ends
mount_pid=
wait $user
finish
