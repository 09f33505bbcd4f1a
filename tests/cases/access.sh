#!/bin/bash
# Who may do what at the endpoint: roles and bindings, acting as others, reviews, refusals.
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools

cat >"$T/tokens" <<'EOF'
boss-token,boss,b1,"system:masters"
jane-token,jane,j1,"devs,night shift"
EOF
start_serve --token-auth-file="$T/tokens"
address=$(sed -n 's|.*server: https://||p' "$kubeconfig")
with() { # TOKEN ARGUMENT...: kubectl with nothing but the token
	local token=$1
	shift
	"$KUBECTL" --kubeconfig=/dev/null --server="https://$address" --cache-dir="$T/cache-$token" \
		--certificate-authority="$T/store/pki/ca.crt" --token="$token" "$@"
}
jane() { with jane-token "$@"; }
# The last line that a command says, whatever comes of it.
says() { "$@" 2>&1 | tail -n 1; }
request() { # TOKEN PATH ARGUMENT...: status and message
	local token=$1 path=$2
	shift 2
	curl -s --cacert "$T/store/pki/ca.crt" -o "$T/answer" -w '%{http_code} ' \
		-H "Authorization: Bearer $token" "$@" "https://$address$path"
	jq -r '.message // .status.userInfo' "$T/answer" 2>/dev/null || cat "$T/answer"
}

# ---- Who one is

is "a token's user" "$(jane auth whoami -o jsonpath='{.status.userInfo.username} {.status.userInfo.uid}')" \
	"jane j1"
is "and his groups" "$(jane auth whoami -o jsonpath='{.status.userInfo.groups}')" \
	'["devs","night shift","system:authenticated"]'
is "the kubeconfig's user is one of system:masters" \
	"$(kubectl auth whoami -o jsonpath='{.status.userInfo.groups[0]}')" system:masters
is "nobody gets nothing" \
	"$(curl -sk -o /dev/null -w '%{http_code}' "https://$address/version")" 401
is "but health" "$(curl -sk "https://$address/livez")" ok

# ---- What one may

is "everything, in system:masters" "$(with boss-token auth can-i '*' '*')" yes
is "nothing else by itself" "$(jane auth can-i list pods)" no
ok "but what there is to discover" jane api-resources
is "a refusal names all there is to name" "$(request jane-token /api/v1/namespaces/default/secrets)" \
	'403 secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "default"'
is "of one object" "$(request jane-token /apis/apps/v1/namespaces/default/deployments/web/scale)" \
	'403 deployments.apps "web" is forbidden: User "jane" cannot get resource "deployments/scale" in API group "apps" in the namespace "default"'
is "of the cluster" "$(request jane-token '/api/v1/nodes?watch=true')" \
	'403 nodes is forbidden: User "jane" cannot watch resource "nodes" in API group "" at the cluster scope'
is "of a collection" "$(request jane-token /api/v1/namespaces/default/pods -X DELETE)" \
	'403 pods is forbidden: User "jane" cannot deletecollection resource "pods" in API group "" in the namespace "default"'
is "of a path" "$(request jane-token /metrics)" '403 forbidden: User "jane" cannot get path "/metrics"'
is "kubectl tells it" "$(says jane get secrets)" \
	'Error from server (Forbidden): secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "default"'

ok "a role" kubectl create role reader --verb=get,list,watch --resource=configmaps
ok "is bound to a group" kubectl create rolebinding read --role=reader --group=devs
ok "and holds at once" jane get configmaps
is "there" "$(jane auth can-i list configmaps)" yes
is "and nowhere else" "$(jane auth can-i list configmaps -n kube-system)" no
fails "for these verbs only" jane create configmap mine
ok "it is listed" grep -q '^configmaps  *\[\]  *\[\]  *\[get list watch\]' \
	<(jane auth can-i --list)
ok "of a path" kubectl create clusterrole scraper --verb=get --non-resource-url=/metrics
ok "likewise" kubectl create clusterrolebinding scrape --clusterrole=scraper --user=jane
is "holds too" "$(request jane-token /metrics | head -c 3)" 200
ok "a binding goes" kubectl delete rolebinding read
is "and what it allowed" "$(jane auth can-i list configmaps)" no

cat >"$T/roles.yaml" <<'EOF'
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: shop-keeper}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: shop-keepers, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: shop-keeper}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: jane}]
EOF
ok "auth reconcile makes" kubectl auth reconcile -f "$T/roles.yaml"
is "what it says" "$(jane auth can-i get pods)" yes
sed -i 's/verbs: \[get\]/verbs: [get, delete]/' "$T/roles.yaml"
ok "and adds" kubectl auth reconcile -f "$T/roles.yaml"
is "to it" "$(jane auth can-i delete pods)" yes

# ---- The roles that are there

size() { kubectl get clusterrole "$1" -o json | jq '.rules | length'; }
grown() { [ "$(size "$1")" -gt "$2" ]; }
ok "view is gathered from its parts" wait_for 20 grown view 10
ok "edit has them too" wait_for 20 grown edit 25
before=$(size view)
ok "one more part" kubectl create clusterrole see-widgets --verb=get --resource=nodes
ok "by its label" kubectl label clusterrole see-widgets rbac.authorization.k8s.io/aggregate-to-view=true
ok "joins" wait_for 20 grown view "$before"
ok "a viewer" kubectl create rolebinding viewers --clusterrole=view --serviceaccount=default:robot
robot=system:serviceaccount:default:robot
is "sees" "$(kubectl auth can-i list services --as=$robot)" yes
is "no secrets" "$(kubectl auth can-i get secrets --as=$robot)" no

# ---- Granting

ok "who may write roles" kubectl create role writer --verb=create,get,patch --resource=roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io
ok "and has little else" kubectl create rolebinding writes --role=writer --user=jane
ok "gives what he has" jane create role same --verb=get,delete --resource=pods
is "and no more" "$(jane create role more --verb=get --resource=secrets,pods 2>&1 | head -n 1)" \
	'Error from server (Forbidden): roles.rbac.authorization.k8s.io "more" is forbidden: user "jane" (groups=["devs" "night shift" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:'
fails "by a binding either" jane create rolebinding up --clusterrole=cluster-admin --user=jane
is "nor by a change" "$(jane patch role same --type=json -p '[{"op":"add","path":"/rules/0/verbs/-","value":"create"}]' 2>&1 | grep -c 'not currently held')" 1
fails "a binding's role is for ever" kubectl patch rolebinding writes --type=merge -p '{"roleRef":{"name":"same"}}'

# ---- Acting as others

is "as another" "$(kubectl --as=joe auth whoami -o jsonpath='{.status.userInfo.username}')" joe
is "of groups" "$(kubectl --as=joe --as-group=a --as-group='b c' auth whoami -o jsonpath='{.status.userInfo.groups}')" \
	'["a","b c","system:authenticated"]'
is "as an account" "$(kubectl --as=$robot auth whoami -o jsonpath='{.status.userInfo.groups}')" \
	'["system:serviceaccounts","system:serviceaccounts:default","system:authenticated"]'
is "as all that one may be" "$(request boss-token /apis/authentication.k8s.io/v1/selfsubjectreviews \
	-d '{}' -H 'Content-Type: application/json' -H 'X-Before: 1' -H 'Impersonate-Extra-Example.Com%2fScopes: a' \
	-H 'Impersonate-Extra-Team: b' -H 'X-Between: 2' -H 'Impersonate-Extra-Example.Com%2fScopes: c' -H 'Impersonate-Group: g' \
	-H 'Impersonate-User: joe' -H 'Impersonate-Uid: 7' -H 'X-After: 3' | tr -d ' \n')" \
	'201{"extra":{"example.com/scopes":["a","c"],"team":["b"]},"groups":["g","system:authenticated"],"uid":"7","username":"joe"}'
# The library that reads the headers takes "X-A" for the beginning of a name that it knows.
is "nobody is acted as unseen" "$(request boss-token /apis/authentication.k8s.io/v1/selfsubjectreviews \
	-d '{}' -H 'Content-Type: application/json' -H 'X-A: b' -H 'Impersonate-User: joe' | head -c 3)" 400
ok "and the next request is heard" with boss-token --as=joe auth whoami
is "a group alone is nobody" "$(request boss-token /version -H 'Impersonate-Group: g' | head -c 3)" 400
is "not everybody may" "$(says jane --as=joe get pods)" \
	'Error from server (Forbidden): pods is forbidden: User "jane" cannot impersonate-on:user-info:list resource "pods" in API group "" in the namespace "default"'
ok "by the verb" kubectl create clusterrole actor --verb=impersonate --resource=users --resource-name=joe
ok "impersonate" kubectl create clusterrolebinding acts --clusterrole=actor --user=jane
is "one may, as whom it says" "$(jane --as=joe auth whoami -o jsonpath='{.status.userInfo.username}')" joe
fails "not as another" jane --as=jack auth whoami
fails "nor in a group" jane --as=joe --as-group=system:masters auth whoami
is "and then has his rights alone" "$(jane --as=joe auth can-i get pods)" no

cat >"$T/narrow.yaml" <<'EOF'
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: narrow}
rules:
- {apiGroups: [authentication.k8s.io], resources: [serviceaccounts], verbs: ["impersonate:serviceaccount"]}
- {apiGroups: [""], resources: [services], verbs: ["impersonate-on:serviceaccount:list"]}
EOF
ok "narrower" kubectl apply -f "$T/narrow.yaml"
ok "for some verbs" kubectl create clusterrolebinding narrow --clusterrole=narrow --user=jane
ok "it works for these" jane --as=$robot get services
fails "and no others" jane --as=$robot get configmaps

finish
