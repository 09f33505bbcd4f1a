#!/bin/bash
# The tree as it is read: layout, names, sizes, times, modes.
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_mount
cd "$N" || exit 99
printf 'data: {a: "1"}\n' >configmaps/one.yaml
printf 'stringData: {k: v}\n' >secrets/hidden.yaml

is "the root" "$(ls "$M" | tr '\n' ' ')" "README apply cluster errors.log events.log namespaces "
ok "a built-in type is its plural" test -d deployments -a -d pods -a -d "$M/cluster/nodes"
fails "namespaces are not in cluster/" test -e "$M/cluster/namespaces"
is "other names are links" "$(readlink deploy) $(readlink po) $(readlink deployments.apps)" \
	"deployments pods deployments"
fails "links are not listed" sh -c 'ls | grep -qx po'
is "namespace.yaml is the namespace" "$(sed -n 's/^  name: //p' namespace.yaml)" "$NS"
is "an object is listed once" "$(ls configmaps | grep -c '^one')" 1
for f in configmaps/one.yaml configmaps/one.json configmaps/one/meta namespace.yaml "$M/README"; do
	is "the size of $f is exact" "$(stat -c %s $f)" "$(cat $f | wc -c)"
done
ok "the JSON form is JSON" python3 -m json.tool configmaps/one.json
ok "meta tells the uid" grep -q '^uid: ' configmaps/one/meta
fails "unlisted names exist only where the object does" test -e configmaps/none.json
is "an object's mode" "$(stat -c %a configmaps/one.yaml)" 644
is "a Secret's mode" "$(stat -c %a secrets/hidden.yaml)" 600
is "errors.log's mode" "$(stat -c %a "$M/errors.log")" 600
is "the name limit" "$(stat -f -c %l .)" 255
ino=$(stat -c %i configmaps/one.yaml)
mtime=$(stat -c %y configmaps/one.yaml)
sed -i 's/"1"/"2"/' configmaps/one.yaml
is "the inode number stays" "$(stat -c %i configmaps/one.yaml)" "$ino"
is "what was written is read" "$(grep " a:" configmaps/one.yaml)" '  a: "2"'
fails "a change moves mtime" test "$(stat -c %y configmaps/one.yaml)" = "$mtime"
is "find meets every object once" "$(find . -name 'one*' | wc -l)" 1
ok "grep -r reads the tree" grep -rq 'a: "2"' configmaps
ok "extended attributes are off" sh -c '! getfattr -d configmaps/one.yaml 2>/dev/null | grep -q kubefs'
ls configmaps >/dev/null
printf 'data: {}\n' >configmaps/two.yaml
ok "a new name is listed at once" sh -c 'ls configmaps | grep -qx two.yaml'
rm configmaps/two.yaml
fails "a removed name is gone at once" sh -c 'ls configmaps | grep -qx two.yaml'
long=$(printf 'a%.0s' $(seq 60))
long=$long.$long.$long.$long.aaaaaa
printf 'rules: []\n' >"roles/short.yaml"
printf 'apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: %s}\nrules: []\n' "$long" >apply
is "a long name is cut" "$(ls roles | grep '^%~' | wc -c)" $((2 + 200 + 1 + 8 + 5 + 1))
ok "and opens" grep -q "$long" roles/%~*
ok "events.log reads" cat events.log "$M/events.log"
finish
