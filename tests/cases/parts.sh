#!/bin/bash
# An API server alone, with the reconcilers, the scheduler and the nodes as programs of their own:
# pods run, and their logs come from kubelet's API, which lets in who may reach through a node.
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools
start_serve --bare
start_parts
own_nodes=() # they go with the server
mount_with "$KUBEFS" -f --kubeconfig="$kubeconfig"
cat >"$T/pod.yaml" <<'END'
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: default}
spec: {containers: [{name: c, image: nginx}, {name: d, image: redis}]}
END
ok "a pod is made" cp "$T/pod.yaml" "$M/namespaces/default/pods/web.yaml"
ok "and runs" kubectl wait --for=condition=Ready pod/web --timeout=$((30 * FACTOR))s

spawn followed "$KUBECTL" --kubeconfig="$kubeconfig" logs -f web -c c
follower=$spawned
others+=("$follower")
ok "kubectl logs" sh -c '"$0" --kubeconfig="$1" logs web -c d | grep -q "image redis"' "$KUBECTL" "$kubeconfig"
ok "kubectl logs -f" wait_for 20 grep -q 'image nginx' "$T/followed.log"
ok "the tree's logs" grep -q 'image nginx' "$M/namespaces/default/logs/web/c.log"
is "one that is none is refused" \
	"$(kubectl get --raw '/api/v1/namespaces/default/pods/web/log?container=x' 2>&1)" \
	'Error from server (BadRequest): container x is not valid for pod web'
is "a previous one that is not there too" "$(kubectl logs web -c c --previous 2>&1)" \
	'Error from server (BadRequest): previous terminated container "c" in pod "web" not found'
ok "exec is refused" eval '! kubectl exec web -c c -- true >"$T/exec" 2>&1 && grep "nothing runs in them" "$T/exec"'
ok "logs -f has not ended" running "$follower"
kill "$follower"

node=$(kubectl get pod web -o jsonpath='{.spec.nodeName}')
kubelet=$(kubectl get node "$node" -o jsonpath='https://{.status.addresses[0].address}:{.status.daemonEndpoints.kubeletEndpoint.Port}')
# Connections to that port, in the kernel's own form.
unread() { ! awk -v port="$(printf ':%04X$' "${kubelet##*:}")" '$3 ~ port && $4 == "01"' /proc/net/tcp | grep .; }
ok "a kubelet that nobody reads from is let go" wait_for 10 unread
pki=$T/store/pki
# ask PATH [CURL-ARGUMENT...]: the status of kubelet's answer.
ask() {
	local path=$1
	shift
	curl -sk -o "$T/answer" -w '%{http_code}' "$@" "$kubelet$path"
}
log=/containerLogs/default/web/c
is "kubelet is healthy" "$(ask /healthz)" 200
is "a stranger gets no log" "$(ask $log)" 401
is "who may reach through nodes gets it" "$(ask $log --cert "$pki/kubelet-client.crt" --key "$pki/kubelet-client.key")" 200
ok "the same log" grep -q 'image nginx' "$T/answer"
is "what is no path of kubelet's" "$(ask /api/v1/pods --cert "$pki/kubelet-client.crt" --key "$pki/kubelet-client.key")" 404

# Somebody whom the cluster knows, and who may nothing.
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=jane \
	-keyout "$T/jane.key" -out "$T/jane.csr" 2>"$T/openssl.log" &&
	openssl x509 -req -in "$T/jane.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -days 1 \
		-out "$T/jane.crt" 2>>"$T/openssl.log" || bail "no certificate for jane"
is "who may not is told so" "$(ask $log --cert "$T/jane.crt" --key "$T/jane.key")" 403
kubectl create clusterrole reach --verb=get --resource=nodes/proxy >"$T/role.log" &&
	kubectl create clusterrolebinding reach --clusterrole=reach --user=jane >>"$T/role.log"
is "until a role allows it" "$(ask $log --cert "$T/jane.crt" --key "$T/jane.key")" 200
finish
