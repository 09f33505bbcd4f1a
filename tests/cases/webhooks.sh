#!/bin/bash
# kubectl apply through admission webhooks over HTTPS: what they change, refuse and warn of.
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools
start_serve --bare

# The webhooks of the unit tests; they serve until their standard input ends.
mkdir "$T/hook"
mkfifo "$T/hold"
python3 "$srcdir/tests/unit/cluster/hook_server.py" "$T/hook" <"$T/hold" >"$T/hook.log" 2>&1 3>&- &
others+=($!)
hook=$!
exec 9>"$T/hold"
wait_for 30 grep -q ready "$T/hook.log" || bail "no webhooks: $(cat "$T/hook.log")"
url=https://127.0.0.1:$(cat "$T/hook/port")
ca=$(base64 -w0 "$T/hook/ca.crt")

# webhook KIND NAME PATH FAILURE-POLICY LABEL: asked about configmaps whose label "hook" is LABEL.
webhook() {
	kubectl apply -f - >/dev/null <<END
apiVersion: admissionregistration.k8s.io/v1
kind: $1WebhookConfiguration
metadata: {name: $2}
webhooks:
- name: $2.example.com
  clientConfig: {url: "$url/$3", caBundle: $ca}
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: $4
  objectSelector: {matchLabels: {hook: $5}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]
END
}
map() { # NAME HOOK VALUE
	printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, labels: {hook: %s}}\ndata: {k: "%s"}\n' "$@" >"$T/map.yaml"
}
label() { kubectl get configmap "$1" -o jsonpath='{.metadata.labels.seen}'; }
apply() { kubectl apply "$@" -f "$T/map.yaml" 2>&1; }

ok "a mutating webhook" webhook Mutating m 'mutate/label=seen' Fail changed
ok "a validating one" webhook Validating v 'validate/denies=closed' Fail refused
ok "one that warns" webhook Validating w validate/warns Fail warned
ok "one that does not matter" webhook Validating i validate/broken Ignore ignored

map a changed 1
is "apply makes it" "$(apply)" "configmap/a created"
is "as the webhook changed it" "$(label a)" yes
is "applied again it is what it was" "$(apply)" "configmap/a unchanged"
ok "and does not differ" kubectl diff -f "$T/map.yaml"
map a changed 2
is "another value" "$(apply)" "configmap/a configured"
is "the webhook's label stays" "$(label a)" yes
map b changed 1
is "a server-side apply" "$(apply --server-side)" "configmap/b serverside-applied"
is "is changed too" "$(label b)" yes
is "again" "$(apply --server-side)" "configmap/b serverside-applied"
map c changed 1
is "a dry run shows it changed" "$(kubectl apply --dry-run=server -f "$T/map.yaml" -o jsonpath='{.metadata.labels.seen}')" yes
fails "and keeps nothing" kubectl get configmap c

denial='Error from server: error when creating "STDIN": admission webhook "v.example.com" denied the request: closed'
map d refused 1
is "a refusal is told with whose it is" "$(apply | sed "s|$T/map.yaml|STDIN|")" "$denial"
fails "nothing was made" kubectl get configmap d
fails "of a server-side apply neither" apply --server-side
map a refused 3
fails "a change is refused" apply
is "and the object is as it was" "$(kubectl get configmap a -o jsonpath='{.data.k} {.metadata.labels.hook}')" "2 changed"
map e warned 1
is "a warning reaches the terminal" "$(apply)" "Warning: mind the gap
configmap/e created"
map f ignored 1
is "one that fails and may be ignored is" "$(apply)" "configmap/f created"

kill "$hook"
wait "$hook" 2>/dev/null
others=()
map g changed 1
ok "one that is away stops what it is asked about" eval \
	'! apply >"$T/out" && grep "failed calling webhook \"m.example.com\"" "$T/out"'
map h ignored 1
is "unless it may be ignored" "$(apply)" "configmap/h created"
map i other 1
is "what it is not asked about goes on" "$(apply)" "configmap/i created"
finish
