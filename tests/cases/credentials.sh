#!/bin/bash
# Who gets in at the endpoint, and how: TLS, addresses, service account tokens.
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools

# ---- Where it listens

refused() { # ADDRESS
	! timeout 20 "$KUBEFS" serve --bare --local="$T/other" --listen="$1" >"$T/refused.out" 2>&1 &&
		grep -qF -- --allow-remote "$T/refused.out"
}
for address in 0.0.0.0:0 :0 '[::]:0' 192.0.2.1:0; do
	ok "--listen=$address wants --allow-remote" refused "$address"
done
start_serve --bare --listen=0.0.0.0:0 --allow-remote
ok "with it all addresses are served" kubectl get --raw /livez
end_part() { kill "$1" && wait_for 30 gone "$1"; }
gone() { ! running "$1"; }
end_part "$serve_pid"
start_serve

# ---- TLS

address=$(sed -n 's|.*server: https://||p' "$kubeconfig")
certificates=$T/store/pki
handshake() { openssl s_client -connect "$address" -CAfile "$certificates/ca.crt" \
	-verify_return_error "$@" </dev/null >"$T/tls.out" 2>&1; }
cipher() { sed -n 's/.*Cipher is //p' "$T/tls.out" | head -n 1; }
ok "TLS 1.3" handshake -tls1_3
ok "TLS 1.2" handshake -tls1_2
matches_cipher() { [[ $(cipher) =~ $1 ]]; }
ok "with forward secrecy and authenticated encryption" matches_cipher '^ECDHE-.*(GCM|CHACHA20)'
# The client would take these; level 0 lets it offer what is long broken.
fails "TLS 1.1" handshake -tls1_1 -cipher 'ALL:@SECLEVEL=0'
fails "TLS 1.0" handshake -tls1 -cipher 'ALL:@SECLEVEL=0'
for weak in ECDHE-ECDSA-AES128-SHA ECDHE-ECDSA-AES256-SHA384 AES128-GCM-SHA256 NULL; do
	fails "TLS 1.2 with $weak" handshake -tls1_2 -cipher "$weak:@SECLEVEL=0"
done

# ---- Tokens

as() { # TOKEN ARGUMENT...: kubectl with nothing but the token
	local token=$1
	shift
	"$KUBECTL" --kubeconfig=/dev/null --server="https://$address" --cache-dir="$T/token-cache" \
		--certificate-authority="$certificates/ca.crt" --token="$token" "$@"
}
claims() { # TOKEN
	local part
	part=$(cut -d. -f2 <<<"$1" | tr _- /+)
	while [ $((${#part} % 4)) -ne 0 ]; do part+='='; done
	base64 -d <<<"$part"
}
claim() { claims "$1" | jq -r "$2"; }

ok "a service account" kubectl create serviceaccount robot
token=$(kubectl create token robot)
is "its token is its own" "$(as "$token" auth whoami -o jsonpath='{.status.userInfo.username}')" \
	system:serviceaccount:default:robot
is "for an hour" "$(claim "$token" '.exp - .iat')" 3600
is "for as long as asked for" \
	"$(claim "$(kubectl create token robot --duration=2h)" '.exp - .iat')" 7200
fails "a minute is too short" kubectl create token robot --duration=1m
vault=$(kubectl create token robot --audience=vault)
is "for others" "$(claim "$vault" '.aud[0]')" vault
fails "then it does not log in here" as "$vault" get --raw /version
fails "nor does half a token" as "${token%???}" get --raw /version
is "the keys to check it with" "$(kubectl get --raw /openid/v1/jwks | jq -r '.keys[0].alg')" RS256
is "and whose they are" \
	"$(kubectl get --raw /.well-known/openid-configuration | jq -r .issuer)" "$(claim "$token" .iss)"

ok "a secret to bind to" kubectl create secret generic holder
bound=$(kubectl create token robot --bound-object-kind=Secret --bound-object-name=holder)
ok "a bound token logs in" as "$bound" get --raw /version
ok "the secret goes" kubectl delete secret holder
fails "and the token with it" as "$bound" get --raw /version
ok "the account goes" kubectl delete serviceaccount robot
fails "and its token" as "$token" get --raw /version

# ---- Tokens that are kept in secrets

kept() { kubectl get secret kept -o "jsonpath={.data.$1}" | base64 -d; }
has_token() { [ -n "$(kept token)" ]; }
no_secret() { ! kubectl get secret kept; }
ok "another account" kubectl create serviceaccount keeper
kubectl apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: Secret
metadata: {name: kept, annotations: {kubernetes.io/service-account.name: keeper}}
type: kubernetes.io/service-account-token
YAML
ok "its secret gets a token" wait_for 30 has_token
is "the token is the account's" \
	"$(as "$(kept token)" auth whoami -o jsonpath='{.status.userInfo.username}')" \
	system:serviceaccount:default:keeper
is "the namespace is beside it" "$(kept namespace)" default
is "and the authority" "$(kept 'ca\.crt')" "$(cat "$certificates/ca.crt")"
kept_token=$(kept token)
ok "the account goes" kubectl delete serviceaccount keeper
fails "and the token with it" as "$kept_token" get --raw /version
ok "and the secret" wait_for 30 no_secret

# ---- Certificates

# request NAME SUBJECT SIGNER USAGES [OPENSSL-ARGUMENT...]: a certificate signing request
request() {
	local name=$1 subject=$2 signer=$3 usages=$4
	shift 4
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$subject" \
		-keyout "$name.key" -out "$name.csr" "$@" 2>"$T/req.out" &&
		kubectl apply -f - <<YAML
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: $name}
spec:
  request: $(base64 -w0 "$name.csr")
  signerName: kubernetes.io/$signer
  usages: [$usages]
  expirationSeconds: 86400
YAML
}
csr() { kubectl get csr "$1" -o "jsonpath={.$2}"; }
is_issued() { [ -n "$(csr "$1" status.certificate)" ]; }
certificate() { csr "$1" status.certificate | base64 -d >"$1.crt" && [ -s "$1.crt" ]; }
with_certificate() { # NAME ARGUMENT...: kubectl with nothing but its certificate
	local name=$1
	shift
	"$KUBECTL" --kubeconfig=/dev/null --server="https://$address" --cache-dir="$T/cert-cache" \
		--certificate-authority="$certificates/ca.crt" --client-certificate="$name.crt" \
		--client-key="$name.key" "$@"
}
failed_because() { [[ $(csr "$1" 'status.conditions[?(@.type=="Failed")].message') == *"$2"* ]]; }

ok "a request" request jane /O=dev/O=ops/CN=jane kube-apiserver-client '"client auth"'
is "in the name of who made it" "$(csr jane spec.username)" system:admin
is "waits" "$(csr jane status.certificate)" ""
ok "until it is approved" kubectl certificate approve jane
ok "then it is signed" wait_for 30 is_issued jane
ok "by the cluster's authority" eval 'certificate jane &&
	openssl verify -CAfile "$certificates/ca.crt" -purpose sslclient jane.crt'
fails "for a day" openssl x509 -in jane.crt -checkend 86400 -noout
ok "which has just begun" openssl x509 -in jane.crt -checkend 85000 -noout
is "its owner logs in" "$(with_certificate jane auth whoami -o json |
	jq -c '.status.userInfo | [.username, .groups]')" '["jane",["dev","ops","system:authenticated"]]'
ok "a denied one" request john /CN=john kube-apiserver-client '"client auth"'
ok "is denied" kubectl certificate deny john
fails "and cannot be approved" kubectl certificate approve john
fails "nobody gets a certificate of system:masters" \
	request root /O=system:masters/CN=root kube-apiserver-client '"client auth"'

ok "a node's request" request node-a /O=system:nodes/CN=system:node:a \
	kube-apiserver-client-kubelet '"client auth","digital signature"'
ok "is approved and signed by itself" wait_for 30 is_issued node-a
ok "a node's server asks for its names" request serving-a /O=system:nodes/CN=system:node:a \
	kubelet-serving '"server auth","digital signature"' -addext subjectAltName=DNS:a,IP:192.0.2.1
ok "is approved" kubectl certificate approve serving-a
ok "and signed" wait_for 30 is_issued serving-a
ok "with them" eval 'certificate serving-a &&
	openssl x509 -in serving-a.crt -noout -checkip 192.0.2.1 | grep -q "does match"'
fails "which logs nobody in" with_certificate serving-a get --raw /version
ok "one without names" request serving-b /O=system:nodes/CN=system:node:b kubelet-serving \
	'"server auth","digital signature"'
ok "may be approved" kubectl certificate approve serving-b
ok "and is not signed" wait_for 30 failed_because serving-b 'subjectAltName is required'

finish
