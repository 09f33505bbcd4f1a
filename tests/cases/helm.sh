#!/bin/bash
# The stock helm on kubefs serve: the life of a release whose chart has a definition of its own, an
# object of it, a dependency and a hook for each step.
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools
start_serve

chart=$srcdir/tests/cases/chart
limit=$((60 * FACTOR))s

# fields of the newest revision, or of those in one state
history_is() { # FILTER WANT
	local got
	got=$(helm history web -o json | jq -r "$1")
	echo "$got"
	[ "$got" = "$2" ]
}
greeting() { kubectl get cm web -o 'jsonpath={.data.greeting}'; }
hook_ran() { # HOOK: the pod that helm made for it has succeeded
	kubectl get pod "web-$1" -o 'jsonpath={.status.phase}' | grep -x Succeeded
}
refuses() { # TEXT COMMAND...
	local text=$1
	shift
	! "$@" >"$T/refused.out" 2>&1 || return 1
	cat "$T/refused.out"
	grep -qF -- "$text" "$T/refused.out"
}

ok "install waits until all is ready" helm install web "$chart" --wait --timeout "$limit"
ok "the hook before it ran" hook_ran pre-install
ok "the hook after it ran" hook_ran post-install
is "the chart's own kind has its object" "$(kubectl get flavor web -o 'jsonpath={.spec.taste}')" vanilla
is "the definition's defaults are in it" "$(kubectl get flavor web -o 'jsonpath={.spec.scoops}')" 1
is "the dependency is there" "$(kubectl get deploy web-store -o 'jsonpath={.status.readyReplicas}')" 1
is "list tells it" "$(helm list -o json | jq -r '.[] | .name + " " + .status')" "web deployed"
ok "status tells it" helm status web
ok "a second one of that name is refused" refuses "cannot reuse a name" helm install web "$chart"
ok "test runs its hook" helm test web --timeout "$limit"
ok "and that one ended well" hook_ran test
fails "a test that fails tells so" eval \
	'helm upgrade web "$chart" --set exitCodes.test=3 --wait --timeout $limit && helm test web --timeout $limit'
ok "upgrade" helm upgrade web "$chart" --set greeting=bye --set replicas=3 --wait --timeout "$limit"
is "the new value is there" "$(greeting)" bye
is "and the new replicas" "$(kubectl get deploy web -o 'jsonpath={.status.readyReplicas}')" 3
ok "history has three revisions" history_is '[.[].revision] | join(",")' 1,2,3
ok "rollback" helm rollback web 1 --wait --timeout "$limit"
is "the first value is back" "$(greeting)" hello
ok "the hook after it ran" hook_ran post-rollback
ok "history tells it" history_is '.[-1].description' "Rollback to 1"
ok "a hook that fails stops an upgrade" refuses "pre-upgrade" helm upgrade web "$chart" \
	--set exitCodes.pre-upgrade=3 --set greeting=never --timeout "$limit"
is "nothing of it was written" "$(greeting)" hello
ok "it is a failed revision" history_is '.[-1].status' failed
ok "one that never gets ready is taken back" refuses "rolled back" helm upgrade web "$chart" \
	--set image=shop:2 --set store.missing=no-such-secret --rollback-on-failure --wait --timeout 3s
is "with its image" "$(kubectl get deploy web -o 'jsonpath={.spec.template.spec.containers[0].image}')" shop:1.0
ok "the same through server-side apply" helm upgrade web "$chart" --server-side=true \
	--force-conflicts --set greeting=applied --wait --timeout "$limit"
is "it is written" "$(greeting)" applied
ok "get manifest" eval 'helm get manifest web | grep -q "greeting: \"applied\""'
ok "a dry run on the server" helm upgrade web "$chart" --dry-run=server --set greeting=dry
is "has written nothing" "$(greeting)" applied
ok "uninstall" helm uninstall web --wait --timeout "$limit"
ok "the hook before it ran" hook_ran pre-delete
is "the release's objects are gone" \
	"$(kubectl get deploy,svc,cm,pdb,flavors,sa -o name | grep -c web)" 0
is "and its history" "$(helm list -q | wc -l)" 0
ok "the definition stays, as helm has it" kubectl get crd flavors.shop.example.com
finish
