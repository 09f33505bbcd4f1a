#!/bin/bash
# A stock kubectl's verbs beyond the everyday ones (kubectl.sh), each with what it leaves behind.
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
refuses() { # TEXT COMMAND...
	local text=$1
	shift
	! "$@" >"$T/refused.out" 2>&1 || { cat "$T/refused.out"; return 1; }
	cat "$T/refused.out"
	grep -qF -- "$text" "$T/refused.out"
}
at() { kubectl get "$1" -o "jsonpath=$2"; } # at OBJECT PATH
limit=$((60 * FACTOR))s

# ---- create, every subcommand

ok "create namespace" kubectl create namespace made
ok "create configmap" kubectl create configmap cm --from-literal=a=b --from-file=f=/etc/hostname
is "with both" "$(at cm/cm '{.data.a}')$(at cm/cm '{.data.f}')" "b$(cat /etc/hostname)"
ok "create secret generic" kubectl create secret generic s --from-literal=k=v
is "encoded" "$(at secret/s '{.data.k}')" "$(printf v | base64)"
ok "create secret docker-registry" kubectl create secret docker-registry d --docker-server=r.example.com \
	--docker-username=u --docker-password=p
openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.crt -subj /CN=x >/dev/null 2>&1
ok "create secret tls" kubectl create secret tls t --cert=tls.crt --key=tls.key
ok "create serviceaccount" kubectl create serviceaccount robot
ok "create token" says . kubectl create token robot --duration=10m
ok "create role" kubectl create role reader --verb=get,list --resource=pods
ok "create rolebinding" kubectl create rolebinding reads --role=reader --serviceaccount=default:robot
ok "create clusterrole" kubectl create clusterrole all-reader --verb=get --resource=nodes
ok "create clusterrolebinding" kubectl create clusterrolebinding reads --clusterrole=all-reader --user=jane
ok "create quota" kubectl create quota q --hard=configmaps=20 -n made
ok "create poddisruptionbudget" kubectl create poddisruptionbudget pdb --selector=app=web --min-available=1
ok "create priorityclass" kubectl create priorityclass high --value=1000
ok "create deployment" kubectl create deployment web --image=web:1 --replicas=2 --port=8080
ok "create job" kubectl create job j --image=job:1
ok "create cronjob" kubectl create cronjob c --image=job:1 --schedule='0 3 * * *'
ok "create job from a cronjob" kubectl create job from-c --from=cronjob/c
ok "create service clusterip" kubectl create service clusterip ip --tcp=80:8080
ok "create service nodeport" kubectl create service nodeport np --tcp=80
ok "create service loadbalancer" kubectl create service loadbalancer lb --tcp=80
ok "create service externalname" kubectl create service externalname en --external-name=x.example.com
ok "create ingress" kubectl create ingress in --rule='h.example.com/p=ip:80'
is "its backend" "$(at ing/in '{.spec.rules[0].http.paths[0].backend.service.name}')" ip

# ---- outputs

ok "rollout" kubectl rollout status deploy/web --timeout="$limit"
for form in wide yaml json name 'jsonpath={.metadata.name}' 'go-template={{.metadata.name}}' \
	custom-columns=N:.metadata.name; do
	ok "get -o $form" says web kubectl get deploy web -o "$form"
done
ok "get --show-labels" says app=web kubectl get pods --show-labels
ok "get --sort-by" says web kubectl get pods --sort-by=.metadata.name
ok "get -L" says APP kubectl get pods -L app
ok "get all" says deployment.apps/web kubectl get all
ok "get --raw" says '"gitVersion"' kubectl get --raw /version
ok "events" says ScalingReplicaSet kubectl events
types=$(kubectl api-resources --verbs=list -o name | grep -vx componentstatuses) # there are none
ok "one of every kind" kubectl apply -f "$srcdir/tests/cases/kinds.yaml"
openssl req -new -key tls.key -subj /CN=one -out one.csr
ok "a certificate signing request" kubectl apply -f - <<END
{apiVersion: certificates.k8s.io/v1, kind: CertificateSigningRequest, metadata: {name: one},
 spec: {signerName: example.com/one, usages: [client auth], request: $(base64 -w0 one.csr)}}
END
# What there is first of each type is described, all of a namespace in one go, and each description
# said whose it is.
first_of_each() { # prints NAMESPACE TYPE/NAME, "-" for none
	kubectl get "$(paste -s -d , <<<"$types")" -A -o json | jq -r --arg types "$types" '
		[.items[] | {type: (.kind + "." + (.apiVersion | split("/") | if length == 2 then .[0] else "" end)),
			where: (.metadata.namespace // "-"), name: .metadata.name}] | unique_by(.type)[] |
		"\(.where) \(.type | rtrimstr("."))/\(.name)"'
}
describe_all() {
	local namespace
	first_of_each >"$T/first" || return 1
	echo "$(wc -l <"$T/first") objects of $(wc -l <<<"$types") types"
	[ "$(wc -l <"$T/first")" = "$(wc -l <<<"$types")" ] || { cat "$T/first"; return 1; }
	for namespace in $(cut -d' ' -f1 "$T/first" | sort -u); do
		kubectl describe -n "${namespace/#-/default}" $(sed -n "s/^$namespace //p" "$T/first")
	done >"$T/described" || return 1
	comm -23 <(sed 's,.*/,,' "$T/first" | sort) <(sed -n 's/^Name: *//p' "$T/described" | sort) >"$T/untold"
	cat "$T/untold"
	[ ! -s "$T/untold" ]
}
ok "describe of every kind" describe_all
ok "what was made for it goes" kubectl delete --wait=false -f "$srcdir/tests/cases/kinds.yaml"
ok "the request too" kubectl delete csr one
ok "top is refused clearly" refuses 'Metrics API not available' kubectl top nodes
ok "version" says 'Server Version: v1.36' kubectl version
ok "api-versions" says apps/v1 kubectl api-versions
ok "explain --recursive" says containers kubectl explain pods --recursive
ok "explain a field" says 'FIELD: strategy' kubectl explain deploy.spec.strategy
ok "cluster-info dump" kubectl cluster-info dump --namespaces default --output-directory="$T/dump"

# ---- changes

ok "expose" kubectl expose deploy web --port=80 --name=exposed
is "its selector" "$(at svc/exposed '{.spec.selector.app}')" web
ok "autoscale" kubectl autoscale deploy web --min=1 --max=5 --cpu=80%
is "its bounds" "$(at hpa/web '{.spec.minReplicas}-{.spec.maxReplicas}')" 1-5
ok "set env" kubectl set env deploy/web A=1
ok "set resources" kubectl set resources deploy/web --limits=cpu=100m
ok "set serviceaccount" kubectl set serviceaccount deploy/web robot
ok "set selector" kubectl set selector svc/ip x=y
ok "set subject" kubectl set subject rolebinding/reads --user=joe
is "all set" "$(at deploy/web '{.spec.template.spec.containers[0].env[0].value}{.spec.template.spec.serviceAccountName}')$(
	at svc/ip '{.spec.selector.x}')$(at rolebinding/reads '{.subjects[1].name}')" 1robotyjoe
ok "rollout pause" kubectl rollout pause deploy/web
ok "rollout resume" kubectl rollout resume deploy/web
ok "rollout restart" kubectl rollout restart deploy/web
ok "it rolls out" kubectl rollout status deploy/web --timeout="$limit"
ok "rollout history" says 'REVISION' kubectl rollout history deploy/web
ok "one of them" says 'web:1' kubectl rollout history deploy/web --revision=1
ok "rollout undo to the first" kubectl rollout undo deploy/web --to-revision=1
ok "it rolls out too" kubectl rollout status deploy/web --timeout="$limit"
is "as it was" "$(at deploy/web '{.spec.template.spec.containers[0].env}')" ""
ok "taint" kubectl taint node node-1 k=v:NoSchedule
is "is there" "$(at node/node-1 '{.spec.taints[0].key}')" k
ok "and goes" kubectl taint node node-1 k-
ok "cordon" kubectl cordon node-1
is "no pod comes" "$(at node/node-1 '{.spec.unschedulable}')" true
ok "drain" kubectl drain node-2 --ignore-daemonsets --delete-emptydir-data --force --timeout="$limit"
is "no pod stays" "$(kubectl get pods --field-selector=spec.nodeName=node-2,status.phase=Running -o name)" ""
ok "uncordon" kubectl uncordon node-1 node-2
ok "label, overwrite, remove" eval 'kubectl label cm cm a=1 && kubectl label cm cm a=2 --overwrite && kubectl label cm cm a-'
ok "annotate all" kubectl annotate cm --all note=x
ok "run" kubectl run once --image=once:1 --restart=Never --annotations=simulated.kubefs.io/run-seconds=0
ok "wait for its end" kubectl wait --for=jsonpath='{.status.phase}'=Succeeded pod/once --timeout="$limit"
ok "replace --force" eval 'kubectl get cm cm -o yaml | kubectl replace --force -f -'
ok "patch a subresource" kubectl patch deploy web --subresource=scale --type=merge -p '{"spec":{"replicas":1}}'
is "scaled" "$(at deploy/web '{.spec.replicas}')" 1
ok "a pod to talk to" kubectl run idle --image=idle:1
ok "it runs" kubectl wait --for=condition=Ready pod/idle --timeout="$limit"
nothing='containers of pods are simulated, nothing runs in them'
for sockets in true false; do # what it tries first, and what it does without
	export KUBECTL_REMOTE_COMMAND_WEBSOCKETS=$sockets KUBECTL_PORT_FORWARD_WEBSOCKETS=$sockets
	ok "exec is refused, WebSocket $sockets" refuses "$nothing" kubectl exec idle -- true
	ok "so is attach" refuses "$nothing" kubectl attach idle
	ok "and port-forward" refuses "$nothing" kubectl port-forward idle :1
	ok "and cp to it" refuses "$nothing" kubectl cp tls.key idle:/tmp/x
	ok "and cp from it" refuses "$nothing" kubectl cp idle:/tmp/x x
done
unset KUBECTL_REMOTE_COMMAND_WEBSOCKETS KUBECTL_PORT_FORWARD_WEBSOCKETS
ok "exec in a pod that is not there" refuses NotFound kubectl exec none -- true
ok "debug ends, with what its container says" says 'image sh:1: simulated by kubefs, no program runs' \
	timeout "$limit" "$KUBECTL" --kubeconfig="$kubeconfig" debug -it idle --image=sh:1 -c shell
is "its end" "$(at pod/idle '{.status.ephemeralContainerStatuses[0].state.terminated.reason}')" Completed
is "is not the pod's" "$(at pod/idle '{.status.phase}{.status.conditions[?(@.type=="Ready")].status}')" RunningTrue
ok "logs -f ends with its container" says 'ended with exit code 0' \
	timeout "$limit" "$KUBECTL" --kubeconfig="$kubeconfig" logs -f once
ok "logs of all" says 'simulated by kubefs' kubectl logs -l app=web --all-containers
ok "certificate" says 'No resources found' kubectl get csr

# ---- apply

cat >set.yaml <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: one, labels: {set: x}}
data: {k: v}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: two, labels: {set: x}}
YAML
ok "apply a set" kubectl apply -f set.yaml --prune -l set=x
sed -i '/^---/,$d' set.yaml
ok "apply --prune takes what is left out" says 'configmap/two pruned' kubectl apply -f set.yaml --prune -l set=x
ok "apply --server-side" kubectl apply --server-side --force-conflicts -f set.yaml
sed -i 's/k: v/k: w/' set.yaml
ok "another manager's conflict is told" refuses 'conflict with "kubectl"' \
	kubectl apply --server-side --field-manager=other -f set.yaml
ok "apply --dry-run=server" says 'server dry run' kubectl apply --dry-run=server -f set.yaml
is "changes nothing" "$(at cm/one '{.data.k}')" v
ok "apply view-last-applied" says 'k: v' kubectl apply view-last-applied cm/one
ok "kustomize" eval 'mkdir k && cp set.yaml k/ && printf "namePrefix: k-\nresources: [set.yaml]\n" >k/kustomization.yaml &&
	kubectl apply -k k && kubectl get cm k-one'

# ---- delete

ok "delete --dry-run=server" kubectl delete cm one --dry-run=server
ok "it is there" kubectl get cm one
ok "delete by file" kubectl delete -f set.yaml
ok "delete by label" kubectl delete cm -l nobody=has
ok "delete --all" kubectl delete cm --all -n made
ok "delete --cascade=orphan" kubectl delete deploy web --cascade=orphan
ok "leaves what it owned" says replicaset kubectl get rs -l app=web -o name
ok "delete --now" kubectl delete pods -l app=web --now --wait=false
ok "delete --ignore-not-found" kubectl delete cm none --ignore-not-found
ok "delete what is not there is refused" refuses NotFound kubectl delete cm none
ok "delete a namespace" kubectl delete namespace made --timeout="$limit"
finish
