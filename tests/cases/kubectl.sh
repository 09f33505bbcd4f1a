#!/bin/bash
# The stock kubectl on kubefs serve: its verbs, with what each has to leave behind.
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools
start_serve

says() { # TEXT COMMAND...: it succeeds and prints the text
	local text=$1
	shift
	"$@" >"$T/says.out" 2>&1 || { cat "$T/says.out"; return 1; }
	cat "$T/says.out"
	grep -qF -- "$text" "$T/says.out"
}
three_causes() { # FILE
	! kubectl apply -n default -f "$1" >"$T/causes.out" 2>&1 || return 1
	cat "$T/causes.out"
	[ "$(grep -c '^\* ' "$T/causes.out")" = 3 ] &&
		grep -qF 'spec.selector: Required value' "$T/causes.out" &&
		grep -qF '`selector` does not match template `labels`' "$T/causes.out" &&
		grep -qF 'spec.template.spec.containers: Required value' "$T/causes.out"
}
map() { kubectl get cm c -o "jsonpath={.data.$1}"; }
app() { kubectl -n production "$@"; }
rolled_out() { app rollout status deploy/api-server --timeout=$((60 * FACTOR))s; }
image() { app get deploy api-server -o 'jsonpath={.spec.template.spec.containers[0].image}'; }

cat >c.yaml <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: c, labels: {a: b}}
data: {k: v}
---
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {selector: {app: x}, ports: [{port: 80}]}
YAML

ok "apply creates both documents" says 'service/s created' kubectl apply -f c.yaml
ok "apply again changes nothing" says 'configmap/c unchanged' kubectl apply -f c.yaml
ok "diff is empty" kubectl diff -f c.yaml
sed -i 's/k: v/k: w/' c.yaml
fails "diff tells a change" kubectl diff -f c.yaml
ok "apply changes one" says 'configmap/c configured' kubectl apply -f c.yaml
is "the change is there" "$(map k)" w
ok "get by label" says configmap/c kubectl get cm -l a=b -o name
ok "create refuses what exists" eval '! kubectl create -f c.yaml >out 2>&1 && grep -q AlreadyExists out'
ok "replace" kubectl replace -f c.yaml
EDITOR="sed -i s/w/edited/" ok "edit" kubectl edit cm c
is "what the editor wrote" "$(map k)" edited
ok "merge patch" kubectl patch cm c --type=merge -p '{"data":{"m":"1"}}'
ok "JSON patch" kubectl patch cm c --type=json -p '[{"op":"add","path":"/data/j","value":"2"}]'
is "both patches are there" "$(map m)$(map j)" 12
ok "label" kubectl label cm c x=y
ok "annotate" kubectl annotate cm c note=hi
ok "wait for a field" kubectl wait --for=jsonpath='{.data.k}'=edited cm/c --timeout=10s
ok "delete waits" kubectl delete cm c --wait
fails "it is gone" kubectl get cm c

for fragment in 02-rolling-update 08-affinity; do
	ok "$fragment is refused with three causes" three_causes "$SEED/$fragment-fragment.yaml"
done

ok "the example" kubectl apply -f "$SEED/01-namespace-and-deployment.yaml"
kubectl apply -f - >secret.log 2>&1 <<'YAML'
apiVersion: v1
kind: Secret
metadata: {name: db-secret, namespace: production}
stringData: {url: x}
YAML
ok "rollout status" rolled_out
ok "strategic patch" app patch deploy api-server -p \
	'{"spec":{"template":{"spec":{"containers":[{"name":"api","env":[{"name":"E","value":"1"}]}]}}}}'
ok "scale" app scale deploy api-server --replicas=2
ok "set image" app set image deploy/api-server api=myapp/api:v9
ok "the new image rolls out" rolled_out
is "the image" "$(image)" myapp/api:v9
ok "rollout undo" app rollout undo deploy/api-server
ok "the old image rolls out" rolled_out
is "the image before" "$(image)" myapp/api:v1.2.3
ok "wait for a condition" app wait --for=condition=Available deploy/api-server --timeout=30s
pod=$(app get pods -o name | head -n 1)
ok "logs" says 'image myapp/api:v1.2.3' app logs "$pod"
ok "describe a pod" says 'Scheduled' app describe "$pod"
ok "describe a node" says 'Container Runtime Version:  simulated://' kubectl describe nodes
ok "explain" says RollingUpdateDeployment kubectl explain deployment.spec.strategy
ok "api-resources" says deployments kubectl api-resources
ok "cluster-info" says 'is running at' kubectl cluster-info

ok "a definition" kubectl apply -f "$SEED/04-crd-migrations.yaml"
ok "it is established" kubectl wait --for=condition=established crd/migrations.db.company.com \
	--timeout=10s
cat >m.yaml <<'YAML'
apiVersion: db.company.com/v1
kind: Migration
metadata: {name: m1}
spec: {database: users, version: "3"}
YAML
ok "a custom resource" kubectl apply -f m.yaml
ok "get it" says m1 kubectl get migrations
ok "somebody keeps it" kubectl patch migrations m1 --type=merge \
	-p '{"metadata":{"finalizers":["example.com/keep"]}}'
ok "delete the definition" kubectl delete crd migrations.db.company.com --wait=false
ok "it waits for its objects" kubectl wait --for=condition=Terminating \
	crd/migrations.db.company.com --timeout=10s
sed 's/m1/m2/' m.yaml >m2.yaml
ok "nothing is made of it any more" eval \
	'! kubectl create -f m2.yaml >out 2>&1 && grep -q "Forbidden.*create not allowed" out'
is "its types are shown to be read and deleted" \
	"$(kubectl get --raw /apis/db.company.com/v1 | jq -c '.resources[0].verbs')" \
	'["delete","deletecollection","get","list","watch"]'
ok "what is there can be changed" kubectl label migrations m1 a=b
ok "nobody keeps it" kubectl patch migrations m1 --type=merge -p '{"metadata":{"finalizers":null}}'
ok "the definition goes" kubectl wait --for=delete crd/migrations.db.company.com --timeout=10s

ok "delete without grace" app delete "$pod" --grace-period=0 --force
ok "delete, dependents first" app delete deploy api-server --cascade=foreground \
	--timeout=$((60 * FACTOR))s
is "none is left" "$(app get rs,pods -o name 2>&1)" ""
finish
