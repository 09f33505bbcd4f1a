#!/bin/bash
# A mount that cannot work says why on stderr, ends with the right status and leaves nothing mounted.
. "${top_srcdir:-.}/tests/cases/lib.sh"
mkdir "$T/home"
: >"$T/file"
HOME=$T/home
export HOME
unset KUBECONFIG KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT

# dies STATUS PATTERN ARGUMENT...: kubefs ends with STATUS before long, says what PATTERN matches on
# stderr and nothing on stdout, and mounts nothing.
dies() {
	local want=$1 pattern=$2 status
	shift 2
	timeout $((40 * FACTOR)) "$KUBEFS" "$@" >"$T/stdout" 2>"$T/stderr" </dev/null
	status=$?
	if is_mounted "$M"; then
		unmount "$M"
		echo "is mounted"
		return 1
	fi
	echo "exit status $status, wanted $want; stderr:"
	cat "$T/stderr"
	[ $status -eq "$want" ] && grep -qE "$pattern" "$T/stderr" && [ ! -s "$T/stdout" ]
}

# kubeconfig_file TEXT
kubeconfig_file() { printf '%s\n' "$1" >"$T/kubeconfig"; }

valid_kubeconfig='apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: t}}]'

ok "no argument: usage" dies 2 'usage|kubefs mount'
ok "an unknown option" dies 2 'no-such-option' --no-such-option "$M"
ok "an unknown letter" dies 2 '[-]Z' -Z "$M"
ok "an option of another command" dies 2 'bare' mount --bare "$M"
ok "an option without its value" dies 2 'kubeconfig' --kubeconfig
ok "a number that is none" dies 2 'nodes' --local="$T/store" --nodes=many "$M"
ok "a size that is none" dies 2 'store-size' --local="$T/store" --store-size=large "$M"
ok "a size for nothing" dies 2 'store-size.*16Mi' --local="$T/store" --store-size=1Mi "$M"
ok "an argument too many" dies 2 'three' one two three
ok "no mount point" dies 1 'mount point' --local="$T/store"
ok "--listen without --local" dies 1 'listen' --listen=127.0.0.1:0 "$M"
ok "a mount point that is missing" dies 1 "$T/none: No such file" --local="$T/store" "$T/none"
ok "a mount point that is a file" dies 1 "$T/file: [Nn]ot a directory" --local="$T/store" "$T/file"
ok "an unknown mount option" dies 1 'nosuchoption' --local="$T/store" -o nosuchoption "$M"
ok "a store that is a file" dies 1 "$T/file" --local="$T/file" "$M"
ok "no kubeconfig at all" dies 1 'kube' "$M"
ok "a kubeconfig that is missing" dies 1 "$T/none" --kubeconfig="$T/none" "$M"
kubeconfig_file 'clusters: [{'
ok "a kubeconfig that is no YAML" dies 1 "$T/kubeconfig" --kubeconfig="$T/kubeconfig" "$M"
kubeconfig_file "$valid_kubeconfig"
ok "a context that is not in it" dies 1 'other' --kubeconfig="$T/kubeconfig" --context=other "$M"
ok "a server that cannot be reached" dies 1 '127.0.0.1' --kubeconfig="$T/kubeconfig" "$M"

# In the background: the command returns once the tree answers, and keeps our stderr no longer.
background_mount() {
	"$KUBEFS" --local="$T/store" "$M" 2>&1 | cat
	[ "${PIPESTATUS[0]}" -eq 0 ] && [ -s "$M/README" ] &&
		fusermount3 -u "$M" && ! is_mounted "$M"
}
ok "to the background and back" background_mount
# A store belongs to one process: the second mount works when the first one's has ended.
ok "and again" wait_for 20 background_mount
finish
