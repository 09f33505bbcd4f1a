#!/bin/bash
# The names that open and are not listed.
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_mount
cd "$N" || exit 99
cat >"$T/app" <<'END'
apiVersion: v1
kind: ConfigMap
metadata: {name: cm}
data: {plain: "one\n", app.yaml: "a: 1\n", empty: ""}
binaryData: {bin: AAEC}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {password: hunter2}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}, annotations: {note: for people}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: c
        image: web:1
        args: [serve]
        ports: [{containerPort: 80, name: http}]
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
        env: [{name: A, value: b}, {name: C, valueFrom: {configMapKeyRef: {name: cm, key: plain}}}]
        readinessProbe: {httpGet: {port: http, path: /ready}}
        volumeMounts: [{name: v, mountPath: /v}]
      volumes: [{name: v, configMap: {name: cm}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http, name: http}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: j, image: job}]}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: claim}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
END
cp "$T/app" apply || bail "$(cat apply)"
ready() { [ "$(ls pods | grep -c '^web-')" = 2 ] && [ "$(grep -l 'phase: Running' pods/web-*.yaml | wc -l)" = 2 ]; }
wait_for 40 ready || bail "no pods"
pod=$(ls pods | grep -m1 '^web-')
pod=${pod%.yaml}
rs=$(ls replicasets | grep -m1 '^web-')

# ---- They are there where the object is, and only there

for name in cm.json cm/ cm/meta cm/describe cm/events cm/data; do
	ok "configmaps/$name" test -e "configmaps/$name"
	fails "only where the object is: none${name#cm}" test -e "configmaps/none${name#cm}"
done
fails "none of them is listed" sh -c "ls -a configmaps deployments | grep -qxE 'cm|cm.json|web|web.json|\.table'"
fails "a ConfigMap has no scale" test -e configmaps/cm/scale
fails "nor a restart" test -e configmaps/cm/restart
fails "nor an owner" test -e configmaps/cm/owner
fails "a Deployment has no data" test -e deployments/web/data
is "the object's directory lists what it has" "$(ls deployments/web | tr '\n' ' ')" "describe events history log logs meta owned restart scale "
ok "O_EXCL works beside them" sh -c "set -C; echo 'data: {}' >configmaps/excl.yaml"
fails "and refuses what is there" sh -c "set -C; echo 'data: {}' >configmaps/cm.yaml"

# ---- describe: kubectl's sections

sections() { sed -nE 's/^( *[A-Z][A-Za-z -]*):.*/\1/p' "$1" | grep -vE '^ +(Normal|Warning)' ; }
# describes TYPE NAME FILE: every line that kubectl prints, but ages; local time is the same.
describes() {
	local namespace=(-n "$NS")
	[ "$1" != node ] || namespace=()
	kubectl describe "$1" "$2" "${namespace[@]}" >"$T/kubectl" || return 1
	cat "$3" >"$T/tree" || return 1
	diff <(sections "$T/kubectl") <(sections "$T/tree")
}
ok "describe of a pod" wait_for 5 describes pod "$pod" "pods/$pod/describe"
ok "of a deployment" wait_for 5 describes deployment web deployments/web/describe
ok "of a service" wait_for 5 describes service web services/web/describe
ok "of a job" wait_for 5 describes job once jobs/once/describe
ok "of a claim" wait_for 5 describes pvc claim persistentvolumeclaims/claim/describe
node=$(ls "$M/cluster/nodes" | head -n 1)
node=${node%.yaml}
ok "of a node" wait_for 15 describes node "$node" "$M/cluster/nodes/$node/describe"
is "with what is allocated" "$(grep -A4 '^Allocated' "$M/cluster/nodes/$node/describe" | grep -c '  cpu .*m (.*%)')" 1
ok "of another kind" grep -q '^Policy Types\|^API Version: ' <(cat configmaps/cm/describe)
# Words, not only sections: lines without times and ages.
words() { sed -E 's/ +/ /g' "$1" | grep -vE '[0-9]+s|[0-9]{2}:[0-9]{2}:' | sort; }
same_words() {
	describes "$@" && words "$T/kubectl" >"$T/w1" && words "$T/tree" >"$T/w2" && diff "$T/w1" "$T/w2"
}
ok "word for word, a pod" wait_for 5 same_words pod "$pod" "pods/$pod/describe"
ok "a deployment" wait_for 5 same_words deployment web deployments/web/describe
ok "a service" wait_for 5 same_words service web services/web/describe
ok "a job" wait_for 5 same_words job once jobs/once/describe
ok "a claim" wait_for 5 same_words pvc claim persistentvolumeclaims/claim/describe
makes event "$NS.before" default
kubectl create -n default -f - >/dev/null <<END
{apiVersion: v1, kind: Event, metadata: {name: $NS.before}, reason: Before, message: of one before it,
 type: Normal, count: 1, involvedObject: {apiVersion: v1, kind: Node, name: $node, uid: before}}
END
ok "a node" wait_for 5 same_words node "$node" "$M/cluster/nodes/$node/describe"

# ---- events, owner, table

ok "a pod's own events" grep -q 'Pod/'"$pod" "pods/$pod/events"
is "and no others" "$(grep -vc "Pod/$pod " "pods/$pod/events")" 0
is "the owner is a link" "$(readlink -f "pods/$pod/owner")" "$(readlink -f "replicasets/$rs")"
ok "that leads on" grep -q '^kind: Deployment' "replicasets/${rs%.yaml}/owner"
table() { kubectl get "$1" -n "$NS" -o wide >"$T/kubectl" && diff <(sed 's/ [0-9]*s//g' "$T/kubectl") <(sed 's/ [0-9]*s//g' "$1/.table"); }
for type in pods deployments services configmaps jobs; do
	ok ".table of $type is what kubectl get -o wide prints" wait_for 5 table $type
done

# ---- owned and history

is "owned are links to what it owns" "$(ls deployments/web/owned)" "replicasets.$rs"
ok "that lead there" grep -q '^kind: ReplicaSet' "deployments/web/owned/replicasets.$rs"
is "of a ReplicaSet its pods" "$(ls "replicasets/${rs%.yaml}/owned" | grep -c '^pods.web-')" 2
is "what owns nothing has none" "$(ls -A configmaps/cm/owned)" ""
if [ $BACKEND = local ]; then
	echo 'data: {k: "1"}' | put configmaps/kept.yaml
	sed -i 's/k: "1"/k: "2"/' configmaps/kept.yaml
	first=$(ls configmaps/kept/history | head -n 1)
	is "what is no workload has the versions that are kept" "$(ls configmaps/kept/history | wc -l)" 2
	ok "as they were" grep -q 'k: "1"' "configmaps/kept/history/$first"
	ok "cp of one brings it back" cp "configmaps/kept/history/$first" configmaps/kept.yaml
	ok "for all to see" grep -q 'k: "1"' configmaps/kept.yaml
	is "as a new version" "$(ls configmaps/kept/history | wc -l)" 3
	is "a Secret's are its owner's alone" "$(echo 'data: {}' | put secrets/kept.yaml; stat -c %a secrets/kept/history/*)" 400
fi
sed -i 's/image: web:1/image: web:2/' deployments/web.yaml
versions() { [ "$(ls deployments/web/history | tr '\n' ' ')" = "1.yaml 2.yaml " ]; }
ok "history has a workload's versions" wait_for 10 versions
ok "as they were" grep -q 'image: web:1' deployments/web/history/1.yaml
ok "the last is what is there" grep -q 'image: web:2' deployments/web/history/2.yaml
cp deployments/web/history/1.yaml deployments/web.yaml
is "cp of one rolls back" "$(kubectl get deployment web -n "$NS" -o jsonpath='{.spec.template.spec.containers[0].image}')" web:1
rolled_back() { versions=$(ls deployments/web/history | tr '\n' ' '); [ "$versions" = "2.yaml 3.yaml " ] && [ "$(ls deployments/web/logs | wc -l)" = 2 ]; }
ok "as a new version" wait_for 40 rolled_back
ready
wait_for 40 ready
pod=$(ls pods | grep -m1 '^web-')
pod=${pod%.yaml}

# ---- log and logs

is "logs of a pod" "$(ls "pods/$pod/logs/")" c.log
is "logs of a workload: its pods'" "$(ls deployments/web/logs | sort | tr '\n' ' ')" \
	"$(ls pods | sed -n 's/^\(web-.*\)\.yaml/\1/p' | sort | tr '\n' ' ')"
ok "each leads to its logs" grep -q started "deployments/web/logs/$pod/c.log"
ok "log of a pod" grep -q "^$pod container c" "pods/$pod/log"
is "log of a workload has the lines of all pods, with their names" \
	"$(grep started deployments/web/log | cut -d' ' -f1 | sort | tr '\n' ' ')" \
	"$(ls deployments/web/logs | sort | tr '\n' ' ')"
tail -c +1 -f deployments/web/log >"$T/log.out" 2>/dev/null &
tail=$!
others+=($tail)
started() { [ "$(grep -c started "$T/log.out")" = "$1" ] || { cat "$T/log.out"; return 1; }; }
ok "it is followed" wait_for 5 started 2
echo 3 >deployments/web/scale
ok "on to pods that are new" wait_for 40 started 3
is "no line comes twice" "$(sort "$T/log.out" | uniq -d | wc -l)" 0
kill $tail
echo 2 >deployments/web/scale
two() { [ "$(ls deployments/web/logs | wc -l)" = 2 ]; }
ok "a pod that goes is gone from logs" wait_for 40 two

# ---- scale and restart

is "scale tells the replicas" "$(cat deployments/web/scale)" 2
echo 1 >deployments/web/scale
is "and sets them" "$(kubectl get deployment web -n "$NS" -o jsonpath='{.spec.replicas}')" 1
is "which is read at once" "$(cat deployments/web/scale)" 1
is "in the object, too" "$(sed -n '/^spec:/,/^status:/s/^  replicas: //p' deployments/web.yaml)" 1
printf 'many\n' >"$T/many"
ok "what is no number is EINVAL" errno EINVAL dd if="$T/many" of=deployments/web/scale status=none
ok "and told in errors.log" grep -q 'deployments/web/scale EINVAL: the number' "$M/errors.log"
echo now >deployments/web/restart
ok "restart restarts" grep -q 'kubectl.kubernetes.io/restartedAt' deployments/web.yaml
ok "and tells when" grep -q '^20' deployments/web/restart

# ---- data

is "the keys" "$(ls configmaps/cm/data | tr '\n' ' ')" "app.yaml bin empty plain "
is "a value" "$(cat configmaps/cm/data/plain)" one
is "an empty one" "$(cat configmaps/cm/data/empty | wc -c)$(stat -c %s configmaps/cm/data/empty)" 00
is "a binary one" "$(od -An -tx1 configmaps/cm/data/bin)" " 00 01 02"
is "a Secret's is decoded" "$(cat secrets/s/data/password)" hunter2
is "and private" "$(stat -c %a secrets/s/data secrets/s/data/password | tr '\n' ' ')" "700 600 "
value() { kubectl get "$1" "$2" -n "$NS" -o json | jq -r "$3"; }
echo two >configmaps/cm/data/plain
is "a value is written" "$(value cm cm .data.plain)" two
is "alone" "$(value cm cm '.data["app.yaml"] + .binaryData.bin')" "a: 1
AAEC"
sed -i 's/1/2/' configmaps/cm/data/app.yaml
is "sed -i" "$(value cm cm '.data["app.yaml"]')" "a: 2"
printf '\377\376' >configmaps/cm/data/plain
is "what is no text moves to binaryData" "$(value cm cm '[.data.plain, .binaryData.plain] | tostring')" '[null,"//4="]'
printf 'new\n' >configmaps/cm/data/new.conf
is "a new key" "$(value cm cm '.data["new.conf"]')" new
vim -Nu NONE -es -c 's/new/newer/' -c wq configmaps/cm/data/new.conf </dev/null
is "vim" "$(value cm cm '.data["new.conf"]')" newer
rm configmaps/cm/data/new.conf
is "a key that is removed" "$(value cm cm '.data["new.conf"]')" null
printf hunter3 >secrets/s/data/password
is "a Secret's value is written" "$(value secret s '.data.password | @base64d')" hunter3
is "nothing is left beside the keys" "$(ls -A configmaps/cm/data | tr '\n' ' ')" "app.yaml bin empty plain "

# ---- .label and .field

for i in 1 2 3; do
	printf 'metadata: {labels: {app.kubernetes.io/name: web, tier: t%d}}\n' $i >configmaps/l$i.yaml
done
sel=configmaps/.label/app.kubernetes.io/name=web,tier!=t2
is "a directory of what a label selector picks" "$(ls $sel | tr '\n' ' ')" "l1.yaml l3.yaml "
is "as links" "$(readlink -f $sel/l1.yaml)" "$N/configmaps/l1.yaml"
ok "that open" grep -q 'tier: t1' $sel/l1.yaml
fails "what it does not pick is not there" test -e $sel/l2.yaml
is "sets" "$(ls 'configmaps/.label/tier in (t1,t2)' | tr '\n' ' ')" "l1.yaml l2.yaml "
sed -i 's/tier: t3/tier: t2/' configmaps/l3.yaml
is "a change moves an object out" "$(ls $sel | tr '\n' ' ')" "l1.yaml "
sed -i 's/tier: t2/tier: t9/' configmaps/l2.yaml
is "and another in" "$(ls $sel | tr '\n' ' ')" "l1.yaml l2.yaml "
fails "a selector that is none" test -e 'configmaps/.label/a=b=c'
is "a field selector" "$(ls configmaps/.field/metadata.name=l2)" l2.yaml
fails "find meets no object twice" sh -c 'find configmaps -name "l1*" | grep -q label'

# ---- .watch and .wait

timeout 60 cat configmaps/.watch >"$T/watch" &
others+=($!)
seen() { jq -r "select(.object.metadata.name == \"$1\") | .type" "$T/watch" | tr '\n' ' '; }
sees() { seen "$1"; [ "$(seen "$1")" = "$2" ]; }
ok ".watch begins with what is there" wait_for 5 sees l1 "ADDED "
echo 'data: {k: "1"}' >configmaps/w.yaml
sed -i 's/k: "1"/k: "2"/' configmaps/w.yaml
kubectl delete configmap w -n "$NS" >/dev/null
ok "and tells each change once, as a line of JSON" wait_for 5 sees w "ADDED MODIFIED DELETED "
cat >"$T/loop" <<'END'
while IFS= read -r line; do
	case $line in *'"name":"stop"'*) break ;; esac
	n=$((n + 1))
done <configmaps/.watch
echo $n
END
objects=$(ls configmaps | wc -l)
timeout 20 bash "$T/loop" >"$T/loop.out" &
loop=$!
sleep 0.3
echo 'data: {}' >configmaps/stop.yaml
wait $loop
is "while read gets every line whole" "$(cat "$T/loop.out")" "$objects"
timeout 20 cat pods/.wait/later/Ready >"$T/wait" &
waiting=$!
sleep 0.3
ok "a wait for what does not exist yet waits" running $waiting
printf 'spec: {containers: [{name: c, image: c}]}\n' >pods/later.yaml
ok "until the condition is true" wait $waiting
is "and tells" "$(cat "$T/wait")" "Ready True"
is "at once when it is true already" "$(timeout 5 cat pods/.wait/later/Ready)" "Ready True"
cat pods/.wait/never/Ready >/dev/null 2>&1 &
waiting=$!
sleep 0.2
kill $waiting
ok "a signal ends it" wait_for 2 not running $waiting
wait $waiting 2>/dev/null
cat >"$T/poll.py" <<'END'
import os, select, sys, time
fd = os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK)
os.read(fd, 1 << 20)
p = select.poll()
try:
    while os.read(fd, 1 << 20): pass
except BlockingIOError:
    print("would block")
END
is "a reader that must not block is told so" "$(python3 "$T/poll.py" secrets/.watch)" "would block"

# ---- Other names of types

for name in po pods deploy deployments.apps svc cm; do
	ok "$name" ls "$name"
done
is "are links" "$(readlink svc) $(readlink cm)" "services configmaps"
finish
