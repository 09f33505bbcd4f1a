#!/bin/bash
# The recipes of contrib/examples, each run as its header says.
. "${top_srcdir:-.}/tests/cases/lib.sh"
PATH=$srcdir/contrib/examples:$PATH
start_mount
cd "$T" || exit 99
HOME=$T
export HOME GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t

# says STATUS TEXT COMMAND...: it ends with that status and prints the text.
says() {
	local want=$1 text=$2 status
	shift 2
	timeout $((60 * FACTOR)) "$@" >"$T/says.out" 2>&1
	status=$?
	echo "exit status $status:"
	cat "$T/says.out"
	[ $status -eq "$want" ] && grep -qE -- "$text" "$T/says.out"
}
# deployment NAME LABELS IMAGE REPLICAS
deployment() {
	cat >"$T/deployment" <<-END
	metadata: {labels: {team: web, app: shop}}
	spec:
	  replicas: $4
	  selector: {matchLabels: {$2}}
	  template:
	    metadata: {labels: {$2}}
	    spec: {containers: [{name: c, image: "$3"}]}
	END
	cp "$T/deployment" "$N/deployments/$1.yaml"
}
ready() { [ "$(sed -n 's/^  readyReplicas: //p' "$N/deployments/$1.yaml")" = "$2" ]; }
for recipe in "$srcdir"/contrib/examples/*; do
	[ -d "$recipe" ] || ok "${recipe##*/} without arguments tells how it is called" says 2 "^	${recipe##*/}" "$recipe"
done

# ---- blue and green: the service of the example

cp "$SEED/03-blue-green-service.yaml" "$N/apply"
ok "blue" deployment payment-service-blue 'app: payment-service, version: blue' pay:1 1
ok "the other colour is not there: nothing is switched" env SECONDS_TO_WAIT=1 \
	bash -c '! blue-green "$1" payment-service' - "$N"
ok "green" deployment payment-service-green 'app: payment-service, version: green' pay:2 1
ok "the switch waits until green is available" says 0 'blue -> green' blue-green "$N" payment-service
is "the service selects it" "$(sed -n 's/^    version: //p' "$N/services/payment-service.yaml")" green
ok "and back" says 0 'green -> blue' blue-green "$N" payment-service

# ---- canary

ok "web" deployment web 'app: web' web:1 3
ok "is ready" wait_for 30 ready web 3
ok "a canary of one, of two, then all" env SOAK=0 bash -c 'canary "$1" web web:2 1 2' - "$N"
# Those of before are there until they have ended.
all_run() { [ "$(grep -h ' image: web' "$N"/pods/web-*.yaml | tr -d ' -' | sort -u)" = "image:$1" ]; }
ok "all run the new image" wait_for 30 all_run web:2
fails "the canary is gone" test -e "$N/deployments/web-canary.yaml"
echo 'spec: {hard: {pods: 5}}' >"$N/resourcequotas/full.yaml"
ok "a quota that is full already" wait_for 20 grep -q "^  used:" "$N/resourcequotas/full.yaml"
ok "one that gets no pod is taken back" says 1 'web stays as it is' env PATIENCE=1 canary "$N" web web:3
fails "it is gone" test -e "$N/deployments/web-canary.yaml"
is "web is as it was" "$(sed -n 's/^ *- image: //p' "$N/deployments/web.yaml")" web:2
rm "$N/resourcequotas/full.yaml"

# ---- labels with sed

cp "$N/services/payment-service.yaml" "$T/service"
ok "a label of all that carry it" relabel team=web team=shop "$N"/*/*.yaml
is "three had it" "$(grep -lx '    team: shop' "$N"/*/*.yaml | wc -l)" 3
is "none has the old one" "$(grep -l 'team: web' "$N"/*/*.yaml | wc -l)" 0
ok "a selector's label is left alone" relabel app=web app=x "$N"/deployments/*.yaml
ok "it stands in the selector" grep -qx '      app: web' "$N/deployments/web.yaml"
is "what had no such label was not written" "$(cat "$N/services/payment-service.yaml")" "$(cat "$T/service")"

# ---- the operator of the example's migrations

makes customresourcedefinition migrations.db.company.com
cp "$SEED/04-crd-migrations.yaml" "$M/apply"
ok "the migrations' directory" wait_for 20 test -d "$N/migrations.db.company.com"
echo 'spec: {database: users, version: "3", migrations: [add-email]}' >"$N/migrations.db.company.com/before.yaml"
migration-operator "$N" >"$T/operator.out" 2>&1 &
operator=$!
others+=("$operator")
ok "a migration that was there gets its job" wait_for 20 test -e "$N/jobs/before-3.yaml"
echo 'spec: {database: orders, version: "1"}' >"$N/migrations.db.company.com/later.yaml"
ok "one that is made later too" wait_for 20 test -e "$N/jobs/later-1.yaml"
is "it runs what was asked for" "$(grep -A3 args: "$N/jobs/before-3.yaml" | tr -d ' \n')" \
	"-args:---database=users---to=3-add-email"
is "and belongs to it" "$(readlink "$N/jobs/before-3/owner")" "../../migrations.db.company.com/before.yaml"
sed -i 's/version: "1"/version: "2"/' "$N/migrations.db.company.com/later.yaml"
ok "another version is another job" wait_for 20 test -e "$N/jobs/later-2.yaml"
rm "$N/migrations.db.company.com/before.yaml"
ok "a job goes with its migration" wait_for 30 not test -e "$N/jobs/before-3.yaml"
kill "$operator"

# ---- an alert on events, and who crashes

alert "$M" "$NS.* BackOff " sh -c 'cat >>alerts' >/dev/null 2>"$T/alert.err" &
others+=($!)
cat >"$T/crash" <<'END'
metadata: {annotations: {simulated.kubefs.io/run-seconds: "0", simulated.kubefs.io/exit-code: "7"}}
spec: {containers: [{name: c, image: crash}]}
END
says 0 '' crashloops "$M" "$NS" >"$T/calm"
is "nothing crashes" "$(grep -c == "$T/calm")" 0
wait_for 20 cp "$T/crash" "$N/pods/crash.yaml"
ok "a pod crashes" wait_for 60 grep -q CrashLoopBackOff "$N/pods/crash.yaml"
ok "and is told, with how it ended" says 1 'exit code 7' crashloops "$M" "$NS"
ok "the last words of the run before" grep -q '^    .*ended with exit code 7' "$T/says.out"
ok "and what was said about it" grep -q '^  ! .* BackOff' "$T/says.out"
ok "its event raised the alert" wait_for 20 grep -q 'Pod/crash' "$T/alerts"
rm "$N/pods/crash.yaml"

# ---- the cluster as it is committed

G=$T/git
made_tree() {
	git init -q "$G" && mkdir -p "$G/namespaces/$NS-git/configmaps" "$G/namespaces/$NS-git/secrets" \
		"$G/cluster/clusterroles" || return 1
	printf 'metadata: {labels: {team: git}}\n' >"$G/namespaces/$NS-git/namespace.yaml"
	printf 'data: {k: v, list: "1"}\n' >"$G/namespaces/$NS-git/configmaps/one.yaml"
	printf 'data: {k: v}\n' >"$G/namespaces/$NS-git/configmaps/two.yaml"
	printf 'stringData: {password: x}\n' >"$G/namespaces/$NS-git/secrets/s.yaml"
	printf 'rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]\n' >"$G/cluster/clusterroles/$NS-git.yaml"
	git -C "$G" add . && git -C "$G" commit -qm one
}
makes clusterrole "$NS-git"
makes namespace "$NS-git"
makes configmap gitops default
C=$M/namespaces/$NS-git/configmaps
ok "a working tree" made_tree
ok "gitops -n tells what is missing" says 1 "missing: namespaces/$NS-git/configmaps/one.yaml" gitops -n "$G" "$M"
fails "and makes nothing" test -d "$M/namespaces/$NS-git"
ok "gitops applies it" gitops "$G" "$M"
ok "the objects are there" grep -q 'k: v' "$C/two.yaml"
ok "the namespace's own too" grep -q 'team: git' "$C/../namespace.yaml"
ok "nothing differs then" gitops -n "$G" "$M"
sed -i 's/k: v/k: by hand/' "$C/one.yaml"
ok "what was changed by hand is told" says 1 '.data.k: "by hand", committed is "v"' gitops -n "$G" "$M"
echo 'data: {k: w}' >"$G/namespaces/$NS-git/configmaps/one.yaml"
ok "what is not committed does not count" says 1 'committed is "v"' gitops -n "$G" "$M"
git -C "$G" rm -q "namespaces/$NS-git/configmaps/two.yaml"
git -C "$G" commit -qam two
ok "gitops brings it back, and prunes" says 0 "left out: namespaces/$NS-git/configmaps/two.yaml" gitops "$G" "$M"
is "as it is committed" "$(sed -n 's/^  k: //p' "$C/one.yaml")" w
fails "the field that was left out is gone" grep -q list: "$C/one.yaml"
fails "so is the object" test -e "$C/two.yaml"
ok "what nobody committed stays" test -e "$C/kube-root-ca.crt.yaml"
echo 'data: {k: [1]}' >"$G/namespaces/$NS-git/configmaps/one.yaml"
git -C "$G" commit -qam broken
ok "what is refused is told" says 1 'data' gitops "$G" "$M"
is "and leaves what is there" "$(sed -n 's/^  k: //p' "$C/one.yaml")" w
rm -f "$C/one.yaml.rejected"

# ---- backup, and an empty cluster

umask 022
ok "backup" backup "$M" "$T/saved.tar.gz"
is "only its owner may read it" "$(stat -c %a "$T/saved.tar.gz")" 600
mkdir "$T/new"
spawn_part new "$KUBEFS" -f --local="$T/new-store" "$T/new"
ok "an empty cluster" wait_for 30 test -s "$T/new/README"
ok "restore" restore "$T/saved.tar.gz" "$T/new"
# What a person wrote, of both clusters: without what a server gives, and what controllers make.
written() {
	(cd "$1/namespaces/$NS" && head -n 1000 deployments/*.yaml services/*.yaml migrations.db.company.com/*.yaml \
		../"$NS-git"/{configmaps/one,secrets/s}.yaml ../../cluster/clusterroles/"$NS-git".yaml | sed -E '/^status:/,/^==>/{/^==>/!d}
		/^  (uid|resourceVersion|creationTimestamp|generation|  deployment.*revision):/d
		/clusterIPs?:|^  - 10\./d')
}
same() { diff <(written "$M") <(written "$T/new"); }
ok "the new cluster has what the old one had" same
is "its Secrets too" "$(cat "$T/new/namespaces/$NS-git/secrets/s/data/password")" x
new_ready() { [ "$(grep -l 'phase: Running' "$T/new/namespaces/$NS/pods"/web-*.yaml | wc -l)" = 3 ]; }
ok "and its controllers run it" wait_for 30 new_ready
ok "the end of the new one" unmount "$T/new"
finish
