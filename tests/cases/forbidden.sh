#!/bin/bash
# Types that may not be listed, on the fake cluster: they disturb nothing else.
KUBEFS_TEST_BACKEND=fake
FAKE_ARGS='-p 1 -x namespaces,secrets'
unset KUBEFS_TEST_KUBECONFIG
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_cluster -o namespace=bench,details
is "where namespaces may not be listed, the context's and those of the option are there" \
	"$(ls "$M/namespaces" | tr '\n' ' ')" "bench default "
ok "what may be listed in them is" grep -q '^kind: Pod' "$M/namespaces/bench/pods/web-000000.yaml"
fails "another namespace is not there" test -e "$M/namespaces/kube-system"
is "a type that may not be listed is EACCES" \
	"$(ls "$M/namespaces/bench/secrets" 2>&1 | grep -c 'Permission denied')" 1
ok "and the one beside it is not" ls "$M/namespaces/bench/configmaps"
is "find goes on past it" "$(find "$M/namespaces/bench" -name 'web-*.yaml' 2>/dev/null | wc -l)" 1
ok "writing goes on" sh -c "echo 'data: {}' >'$M/namespaces/bench/configmaps/x.yaml' && test -s '$M/namespaces/bench/configmaps/x.yaml'"
ok "-o details lists the unlisted names" sh -c "ls -a '$M/namespaces/bench/configmaps' | grep -qx x.json"
fails "but what blocks its reader" sh -c "ls -a '$M/namespaces/bench/configmaps' | grep -qx .watch"
ok "so that grep -r ends" timeout 60 grep -rq 'kind: ConfigMap' "$M/namespaces/bench/configmaps"
finish
