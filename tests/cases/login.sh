#!/bin/bash
# Ways to log in, and what may stand between a mount and its server: a credential plugin,
# impersonation, a pod's own account, HTTP/2.
KUBEFS_TEST_BACKEND=remote
unset KUBEFS_TEST_KUBECONFIG
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools
printf '%s\n' 'tok-admin,admin,u1,"system:masters"' 'tok-jane,jane,u2,"dev"' >"$T/tokens"
start_serve --bare --token-auth-file="$T/tokens"
address=$(sed -n 's|.*server: https://||p' "$kubeconfig")
kubectl create secret generic hidden --from-literal=password=hunter2 >/dev/null
kubectl create role reader --verb=get,list,watch --resource=configmaps >/dev/null
kubectl create rolebinding jane --role=reader --user=jane >/dev/null

# context NAME USER-AS-JSON [SERVER]: a kubeconfig with that user.
context() {
	jq -n --argjson user "$2" --arg server "https://${3:-$address}" --arg ca "$T/store/pki/ca.crt" '
		{apiVersion: "v1", kind: "Config", "current-context": "c",
		 contexts: [{name: "c", context: {cluster: "c", user: "u"}}],
		 clusters: [{name: "c", cluster: {server: $server, "certificate-authority": $ca}}],
		 users: [{name: "u", user: $user}]}' >"$T/$1"
}
mount_as() { mount_with "$KUBEFS" -f --kubeconfig="$T/$1" -o namespace=default && test -e "$M/README"; }
C=$M/namespaces/default/configmaps

# ---- A credential plugin

cat >"$T/plugin" <<END
#!/bin/sh
echo run >>"$T/runs"
[ -e "$T/logged-in" ] || { echo "your session is over: run 'cloud login'" >&2; exit 1; }
printf '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
	"status": {"token": "%s", "expirationTimestamp": "2100-01-01T00:00:00Z"}}' "\$1"
END
chmod 755 "$T/plugin"
exec_user() { printf '{"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "args": ["%s"], "interactiveMode": "IfAvailable"}}' "$1"; }
context plugged "$(exec_user tok-admin)"
mount_fails() { # PATTERN KUBECONFIG
	! timeout $((30 * FACTOR)) "$KUBEFS" -f --kubeconfig="$T/$2" "$M" >"$T/refused" 2>&1 && cat "$T/refused" &&
		grep -q "$1" "$T/refused"
}
ok "a plugin that fails says why on the terminal" mount_fails "status 1: your session is over: run 'cloud login'" plugged
touch "$T/logged-in"
rm "$T/runs"
ok "a plugin lets in" mount_as plugged
ok "with it objects are written" eval "echo 'data: {k: v}' | put '$C/x.yaml' && ls '$M/namespaces/default/secrets' '$M/cluster/nodes'"
is "it has run once" "$(wc -l <"$T/runs")" 1
ok "it ends" end_mount
context wrong "$(exec_user tok-nobody)"
ok "what a plugin prints may be refused" mount_fails 'credentials of context "c" (log in anew.*Unauthorized' wrong
fails "no token is told" grep -q tok-nobody "$T/refused"
context missing '{"exec": {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "no-such-cloud", "installHint": "apt install no-such-cloud"}}'
ok "one that is missing is told with what to do" mount_fails 'no-such-cloud of the kubeconfig is not installed: apt install' missing

# ---- As another

context masked '{"token": "tok-admin", "as": "jane", "as-groups": ["dev"]}'
ok "a mount as another user" mount_as masked
ok "reads what she may" grep -q 'k: v' "$C/x.yaml"
ok "and no more" errno EACCES ls "$M/namespaces/default/secrets"
ok "nor writes" errno EACCES eval "echo 'data: {k: w}' | put '$C/x.yaml'"
is "nodes are not hers" "$(ls "$M/cluster/nodes" 2>&1 | grep -c 'Permission denied')" 1
ok "it ends" end_mount

# ---- A pod's own account

if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	cat >"$T/pod" <<END
mount -t tmpfs tmpfs /run || exit
d=/run/secrets/kubernetes.io/serviceaccount
mkdir -p \$d && printf tok-admin >\$d/token && printf 'default\n' >\$d/namespace &&
	cp "$T/store/pki/ca.crt" \$d/ || exit
export HOME=/nowhere KUBERNETES_SERVICE_HOST=\${1%:*} KUBERNETES_SERVICE_PORT=\${1##*:}
unset KUBECONFIG
exec "$KUBEFS" -f "$M"
END
	spawn_part pod unshare -m --propagation private sh "$T/pod" "$address"
	in_pod() { nsenter -t "$spawned" -m "$@"; }
	ok "in a pod its account is used" wait_for 30 in_pod grep -q 'k: v' "$C/x.yaml"
	in_pod fusermount3 -u "$M" 2>/dev/null || in_pod umount "$M"
fi

# ---- HTTP/2

if command -v nghttpx >/dev/null; then
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	spawn nghttpx nghttpx --conf=/dev/null --no-ocsp -f "127.0.0.1,$port" -b "${address/:/,};;tls;proto=http/1.1" -k \
		--accesslog-file="$T/access" --accesslog-format='$alpn $request' \
		"$T/store/pki/server.key" "$T/store/pki/server.crt"
	others+=("$spawned")
	context two '{"token": "tok-admin"}' "127.0.0.1:$port"
	reachable() { curl -sk "https://127.0.0.1:$port/livez"; }
	wait_for 30 reachable
	ok "a server that offers HTTP/2" mount_as two
	ok "is read" grep -q 'k: v' "$C/x.yaml"
	ok "and written" sed -i 's/k: v/k: two/' "$C/x.yaml"
	is "as any" "$(kubectl get configmap x -o 'jsonpath={.data.k}')" two
	kubectl create configmap later --from-literal=k=v >/dev/null
	ok "a change is told" wait_for 10 grep -q 'k: v' "$C/later.yaml"
	ok "many readers at once" eval "ls '$M'/cluster/* '$M'/namespaces/default/*/ >/dev/null"
	ok "it ends" end_mount
	ok "it was HTTP/2" grep -q '^h2 GET /api/v1/configmaps' "$T/access"
fi
finish
