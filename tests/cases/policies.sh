#!/bin/bash
# Admission policies at the endpoint, with the stock kubectl: what they refuse, warn of and change.
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools

echo 'token,system:admin,a,"system:masters"' >"$T/tokens"
start_serve --token-auth-file="$T/tokens"
address=$(sed -n 's|.*server: https://||p' "$kubeconfig")
says() { "$@" 2>&1 | tail -n 1; }
apply() { kubectl apply -f - >/dev/null; }
jane() { kubectl --as=jane "$@"; }

# ---- What is not wanted

apply <<'EOY'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: limits.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: limits, singular: limit, kind: Limit}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {replicas: {type: integer}}
EOY
apply <<'EOY'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: few-replicas}
spec:
  paramKind: {apiVersion: example.com/v1, kind: Limit}
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments, deployments/scale]}
  variables:
  - {name: most, expression: params.replicas}
  validations:
  - expression: object.spec.replicas <= variables.most
    messageExpression: "'at most ' + string(variables.most) + ' replicas'"
    reason: Forbidden
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: few-replicas}
spec:
  policyName: few-replicas
  validationActions: [Deny]
  paramRef: {selector: {}, parameterNotFoundAction: Allow}
EOY
ok "without parameters nobody is asked" kubectl create deployment many --image=i --replicas=9
apply <<'EOY'
apiVersion: example.com/v1
kind: Limit
metadata: {name: three, namespace: default}
replicas: 3
EOY
is "too many" "$(says kubectl create deployment more --image=i --replicas=4)" \
	"error: failed to create deployment: deployments.apps \"more\" is forbidden: ValidatingAdmissionPolicy 'few-replicas' with binding 'few-replicas' denied request: at most 3 replicas"
ok "as many as may be" kubectl create deployment few --image=i --replicas=3
is "scaled" "$(says kubectl scale deployment few --replicas=5)" \
	"Error from server (Forbidden): deployments.apps \"few\" is forbidden: ValidatingAdmissionPolicy 'few-replicas' with binding 'few-replicas' denied request: at most 3 replicas"
ok "parameters change" kubectl patch limit three --type=merge -p '{"replicas":5}'
ok "what is wanted with them" kubectl scale deployment few --replicas=5
ok "its types are checked" wait_for 20 sh -c "kubectl --kubeconfig='$kubeconfig' get \
	validatingadmissionpolicy few-replicas -o jsonpath='{.status.observedGeneration}' | grep -qx 1"
is "and fit" "$(kubectl get validatingadmissionpolicy few-replicas -o jsonpath='{.status.typeChecking}')" '{}'

# ---- What is only told

apply <<'EOY'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: labels}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: ["*"], resources: ["*/*"]}
  matchConditions:
  - {name: people, expression: "request.userInfo.username == 'system:admin'"}
  validations:
  - {expression: "request.operation == 'DELETE' || request.resource.resource != 'configmaps' || has(object.metadata.labels)", message: no labels}
  - {expression: "request.?subResource.orValue('') != 'eviction' || object.kind == 'Eviction' && object.metadata.name != 'kept'", message: it stays}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: labels}
spec: {policyName: labels, validationActions: [Warn]}
EOY
is "a warning" "$(kubectl create configmap plain 2>&1 | head -n 1)" \
	"Warning: Validation failed for ValidatingAdmissionPolicy 'labels' with binding 'labels': no labels"
ok "and it is there" kubectl get configmap plain
ok "it may deny, too" kubectl patch validatingadmissionpolicybinding labels --type=merge \
	-p '{"spec":{"validationActions":["Deny"]}}'
fails "from then on" kubectl create configmap other
for pod in kept gone; do
	kubectl run "$pod" --image=i >/dev/null
	curl -s --cacert "$T/store/pki/ca.crt" -H 'Authorization: Bearer token' \
		-H 'Content-Type: application/json' \
		-d '{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"'$pod'"}}' \
		"https://$address/api/v1/namespaces/default/pods/$pod/eviction" >"$T/$pod"
done
ok "an eviction is refused as such" grep -q 'it stays' "$T/kept"
ok "another is not" grep -q Success "$T/gone"
fails "an expression that is none" apply <<'EOY'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: broken}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations: [{expression: "object.spec..x"}]
EOY

# ---- What is changed

apply <<'EOY'
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: side}
spec:
  reinvocationPolicy: IfNeeded
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
    objectSelector: {matchLabels: {side: "yes"}}
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration:
      expression: >
        Object{spec: Object.spec{initContainers: [Object.spec.initContainers{
        name: "proxy", image: "proxy:1", restartPolicy: "Always"}]}}
  - patchType: JSONPatch
    jsonPatch:
      expression: >
        [JSONPatch{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("example.com/by"),
        value: request.userInfo.username.replace(":", "-")}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: side}
spec: {policyName: side}
EOY
ok "a pod" kubectl run web --image=i --labels=side=yes
is "gets a container" "$(kubectl get pod web -o jsonpath='{.spec.initContainers[*].image}')" proxy:1
is "with its defaults" "$(kubectl get pod web -o jsonpath='{.spec.initContainers[0].imagePullPolicy}')" IfNotPresent
is "and a label" "$(kubectl get pod web -o jsonpath='{.metadata.labels.example\.com/by}')" system-admin
ok "another" kubectl run plain --image=i --labels=a=b
is "does not" "$(kubectl get pod plain -o jsonpath='{.spec.initContainers}')" ""

# ---- Who may read parameters

ok "who writes policies" kubectl create clusterrole policies --verb=create --resource=validatingadmissionpolicies
ok "writes them" kubectl create clusterrolebinding policies --clusterrole=policies --user=jane
cat >"$T/secrets.yaml" <<'EOY'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: peek}
spec:
  paramKind: {apiVersion: v1, kind: Secret}
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations: [{expression: "params.data.x == ''"}]
EOY
fails "not of what he cannot read" jane create -f "$T/secrets.yaml"
ok "who may read" kubectl create clusterrole secrets --verb=get --resource=secrets
ok "secrets" kubectl create clusterrolebinding secrets --clusterrole=secrets --user=jane
ok "may" jane create -f "$T/secrets.yaml"

# ---- Another start

end_process "$serve_pid"
pids=()
start_serve
fails "policies outlive the process" kubectl create configmap other

finish
