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

finish
