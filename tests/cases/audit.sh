#!/bin/bash
# The audit log of the endpoint.
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools

cat >"$T/tokens" <<'END'
jane-token,jane,j1,"devs"
END
cat >"$T/policy.yaml" <<'END'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: [system:admin], verbs: [get], resources: [{group: "", resources: [configmaps]}]}
- {level: None, nonResourceURLs: ["/livez*"]}
- {level: Metadata}
END
L=$T/audit.jsonl
start_serve --bare --token-auth-file="$T/tokens" --audit-log="$L"
address=$(sed -n 's|.*server: https://||p' "$kubeconfig")
ask() { # TOKEN PATH ARGUMENT...
	local token=$1 path=$2
	shift 2
	curl -s --cacert "$T/store/pki/ca.crt" -D "$T/headers" -o "$T/answer" -H "Authorization: Bearer $token" "$@" \
		"https://$address$path"
}
# The events that a filter of jq finds, once there is one.
has_event() { jq -c "select($1)" "$L" 2>/dev/null | grep .; }
event() { wait_for 10 has_event "$1" && cat "$T/wait.out"; }

is "nobody else reads it" "$(stat -c %a "$L")" 600
kubectl create secret generic db --from-literal=password=open-sesame >/dev/null
event '.verb == "create" and .objectRef.resource == "secrets"' >"$T/one"
is "a creation is an Event" "$(jq -r '[.kind, .apiVersion, .level, .stage, .user.username, .objectRef.namespace,
	.objectRef.name, .objectRef.apiVersion, .responseStatus.code, .sourceIPs[0],
	.annotations["authorization.k8s.io/decision"]] | join(" ")' "$T/one")" \
	"Event audit.k8s.io/v1 Metadata ResponseComplete system:admin default db v1 201 127.0.0.1 allow"
ok "of a client" jq -e '.userAgent | startswith("kubectl")' "$T/one"
ok "with what it asked for" jq -e '.requestURI | startswith("/api/v1/namespaces/default/secrets?fieldManager=kubectl-create")' "$T/one"
ok "and when" jq -e '.requestReceivedTimestamp <= .stageTimestamp and (.auditID | length == 36)' "$T/one"
fails "nothing of a secret is in it" grep -q -e open-sesame -e "$(printf open-sesame | base64)" "$L"

ask jane-token /api/v1/namespaces/default/secrets -H 'Audit-ID: from-a-proxy' -H 'X-Forwarded-For: 192.0.2.7, 198.51.100.1'
is "an id that a request brings is its own" "$(tr -d '\r' <"$T/headers" | sed -n 's/^audit-id: //pI')" from-a-proxy
event '.auditID == "from-a-proxy"' >"$T/one"
is "a refusal says whose and why" "$(jq -r '[.user.username, .verb, .responseStatus.code, .responseStatus.reason,
	.annotations["authorization.k8s.io/decision"], (.sourceIPs | join(","))] | join(" ")' "$T/one")" \
	"jane list 403 Forbidden forbid 192.0.2.7,198.51.100.1,127.0.0.1"
ask wrong-token /version
event '.responseStatus.code == 401' >"$T/one"
is "as one of nobody" "$(jq -c '[.user, .requestURI, .verb, .responseStatus.reason]' "$T/one")" \
	'[{},"/version","get","Unauthorized"]'
kubectl --as=robert get pods >/dev/null 2>&1
event '.impersonatedUser.username == "robert" and .objectRef.resource == "pods"' >"$T/one"
is "acting as somebody" "$(jq -r '[.user.username, .responseStatus.code] | join(" ")' "$T/one")" "system:admin 403"
kubectl create role reader --verb=list --resource=pods >/dev/null
kubectl create rolebinding read --role=reader --user=jane >/dev/null
ask jane-token /api/v1/namespaces/default/pods
event '.user.username == "jane" and .verb == "list" and .responseStatus.code == 200' >"$T/one"
is "what allowed it" "$(jq -r '.annotations["authorization.k8s.io/reason"]' "$T/one")" \
	'RBAC: allowed by RoleBinding "read/default" of Role "reader" to User "jane"'
kubectl get configmaps -w --request-timeout=1s >/dev/null 2>&1
event '.verb == "watch" and .stage == "ResponseComplete"' >/dev/null
is "a watch begins and ends" "$(jq -r 'select(.verb == "watch" and .objectRef.resource == "configmaps") | .stage' "$L" | sort | paste -sd' ')" \
	"ResponseComplete ResponseStarted"
kubectl label namespace default pod-security.kubernetes.io/audit=restricted >/dev/null
kubectl create deployment web --image=a >/dev/null
event '.objectRef.name == "web"' >"$T/one"
ok "what Pod Security objects to" jq -e \
	'.annotations["pod-security.kubernetes.io/audit-violations"] | startswith("would violate PodSecurity \"restricted:latest\"")' "$T/one"

# Rotation.
mv "$L" "$L.1"
kill -HUP "$serve_pid"
wait_for 10 test -e "$L" || diag "no new file"
ask jane-token /api/v1/namespaces/default/services
ok "SIGHUP: a new file" event '.objectRef.resource == "services"'
fails "and the old one has ended" grep -q '"resource":"services"' "$L.1"
ok "every line is one event" jq -e .auditID "$L" "$L.1"
end_process "$serve_pid"
pids=()
serve_pid=

# A full disk: requests go on, and it is told.
start_serve --bare --audit-log=/dev/full
ok "nobody waits for a full disk" kubectl get namespaces
ok "which is told" wait_for 10 grep -q 'audit log /dev/full: No space left' "$T/serve.log"
metric() { kubectl get --raw /metrics | grep -q '^kubefs_audit_failed_writes_total [1-9]'; }
ok "and counted" wait_for 10 metric
end_process "$serve_pid"
pids=()
serve_pid=

rm "$L"
start_serve --bare --token-auth-file="$T/tokens" --audit-log="$L" --audit-policy-file="$T/policy.yaml"
address=$(sed -n 's|.*server: https://||p' "$kubeconfig")
kubectl get configmap kube-root-ca.crt >/dev/null 2>&1
ask jane-token /api/v1/namespaces/default/configmaps/x
curl -s --cacert "$T/store/pki/ca.crt" "https://$address/livez" >/dev/null
ask jane-token /api/v1/namespaces/default/services
ok "a policy says what is recorded" event '.objectRef.resource == "services"'
is "and what is not" "$(jq -r '[.user.username, .verb, .objectRef.resource] | join(" ")' "$L" |
	grep -e configmaps -e livez)" "jane get configmaps"
end_process "$serve_pid"
pids=()
serve_pid=

# Bodies: those of what is secret only by a rule that names it.
cat >"$T/bodies.yaml" <<'END'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- {level: Request, verbs: [create], resources: [{group: apps}]}
- {level: RequestResponse, namespaces: [told], resources: [{group: "", resources: [secrets]}]}
- {level: RequestResponse, resources: [{group: "", resources: [services]}], omitManagedFields: false}
- {level: RequestResponse}
END
rm "$L"
start_serve --bare --token-auth-file="$T/tokens" --audit-log="$L" --audit-policy-file="$T/bodies.yaml"
kubectl create deployment api --image=a >/dev/null
event '.verb == "create" and .objectRef.name == "api"' >"$T/one"
is "Request: what was sent" "$(jq -c '[.level, .requestObject.spec.template.spec.containers[0].image, .responseObject]' "$T/one")" \
	'["Request","a",null]'
kubectl scale deployment api --replicas=2 >/dev/null
event '.objectRef.subresource == "scale" and .verb == "patch"' >"$T/one"
is "RequestResponse: a patch and what it made" \
	"$(jq -c '[.level, .requestObject, .responseObject.kind, .responseObject.spec.replicas]' "$T/one")" \
	'["RequestResponse",{"spec":{"replicas":2}},"Scale",2]'
kubectl label deployment api a=b >/dev/null
event '.verb == "patch" and .objectRef.resource == "deployments" and (.objectRef.subresource | not)' >"$T/one"
is "without managed fields" "$(jq -c '[.responseObject.metadata.labels.a, .responseObject.metadata.managedFields]' "$T/one")" \
	'["b",null]'
kubectl create service clusterip db --tcp=80 >/dev/null
event '.verb == "create" and .objectRef.resource == "services"' >"$T/one"
is "but where a rule keeps them" "$(jq -r '.responseObject.metadata.managedFields[0].manager' "$T/one")" kubectl-create
kubectl get services >/dev/null
event '.verb == "list" and .objectRef.resource == "services"' >"$T/one"
is "a list is told as it was sent" "$(jq -c '[.responseObject.kind, ([.responseObject.rows[].object.metadata.name] | sort), .requestObject]' "$T/one")" \
	'["Table",["db"],null]'
kubectl get services missing >/dev/null 2>&1
event '.responseStatus.code == 404' >"$T/one"
is "and so is a refusal" "$(jq -r '.responseObject.reason' "$T/one")" NotFound
kubectl create namespace told >/dev/null
kubectl create secret generic db --from-literal=password=open-sesame >/dev/null
kubectl create configmap db --from-literal=password=open-sesame >/dev/null
kubectl get secrets,configmaps -o yaml >/dev/null
kubectl create serviceaccount robot >/dev/null
token=$(kubectl create token robot)
event '.objectRef.subresource == "token"' >"$T/one"
is "a rule about everything does not mean what is secret" "$(jq -c '[.level, has("requestObject"), has("responseObject")]' "$T/one")" \
	'["Metadata",false,false]'
fails "nothing of it is in the log" grep -q -e open-sesame -e "$(printf open-sesame | base64)" -e "$token" "$L"
kubectl -n told create secret generic db --from-literal=password=open-sesame >/dev/null
event '.objectRef.namespace == "told" and .verb == "create" and .objectRef.resource == "secrets"' >"$T/one"
is "one that names it does" "$(jq -r '[.level, (.requestObject.data.password | @base64d)] | join(" ")' "$T/one")" \
	"RequestResponse open-sesame"
is "and nobody else reads it" "$(stat -c %a "$L")" 600
ok "every event is one line" jq -e .auditID "$L"
printf 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: All}]\n' >"$T/bad.yaml"
fails "a policy that is none is refused" "$KUBEFS" serve --local="$T/bad" --listen=127.0.0.1:0 --audit-log="$L" \
	--audit-policy-file="$T/bad.yaml"
finish
