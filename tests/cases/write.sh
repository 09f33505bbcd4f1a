#!/bin/bash
# Writing: create, apply, edit, delete, and what is refused.
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_mount
cd "$N/configmaps" || exit 99

# cat's close is looked at; a shell's own redirection is not.
put() { cat >"$T/text" && cp "$T/text" "$1"; }

printf 'data: {a: "1", b: "1"}\n' | put x.yaml
is "a new file is created" "$(grep -c '^  [ab]: "1"' x.yaml)" 2
printf 'data: {a: "2"}\n' | put x.yaml
is "an apply takes away what it no longer has" "$(sed -n '/^data/,/^kind/p' x.yaml | tr -d '\n')" \
	'data:  a: "2"kind: ConfigMap'
sed 's/a: "2"/a: "3"/' x.yaml >"$T/edit" && cp "$T/edit" x.yaml
is "an edited read is merged" "$(grep ' a:' x.yaml)" '  a: "3"'
cp x.yaml "$T/old"
sed -i 's/a: "3"/a: "3"\n  c: "1"/' x.yaml
sed 's/a: "3"/a: "4"/' "$T/old" >"$T/edit"
ok "an older read merges with a change elsewhere" cp "$T/edit" x.yaml
is "both changes are there" "$(grep -cE '^  (a: "4"|c: "1")' x.yaml)" 2
sed 's/a: "3"/a: "5"/' "$T/old" >"$T/edit"
is "a change of the same field is refused" "$(cp "$T/edit" x.yaml 2>&1 | grep -c busy)" 1
is "and nothing was written" "$(grep ' a:' x.yaml)" '  a: "4"'
ok "the text stays" grep -q 'a: "5"' x.yaml.rejected
rm x.yaml.rejected
fails "rm drops it" test -e x.yaml.rejected

rv=$(resource_version x.yaml)
cat x.yaml >/dev/null; touch x.yaml; : >x.yaml; cp x.yaml "$T/same"; cp "$T/same" x.yaml
chmod 644 x.yaml; touch -d yesterday x.yaml; printf '' >>x.yaml
is "reading, touching, truncating and the same text send nothing" "$(resource_version x.yaml)" "$rv"

# The kernel keeps what a lookup told it: those of others, while a write is under way, must not stay.
cat >"$T/own.py" <<'END'
import os, sys
name, rounds, watchers = sys.argv[1], int(sys.argv[2]), []
for _ in range(2):
    pid = os.fork()
    while pid == 0:
        os.stat(name)
    watchers.append(pid)
stale = 0
for i in range(rounds):
    fd = os.open(name, os.O_WRONLY | os.O_TRUNC)
    os.write(fd, b'data: {k: v%d}\n' % i)
    os.close(fd)
    size = os.stat(name).st_size
    text = open(name).read()
    stale += 'k: v%d\n' % i not in text or size != len(text)
for pid in watchers:
    os.kill(pid, 9)
    os.waitpid(pid, 0)
print(stale)
END
echo 'data: {k: v}' >own.yaml
is "what was written is read at once, whoever looks meanwhile" "$(python3 "$T/own.py" own.yaml 100)" 0

{ printf 'data:\n'; cat <<'END'; } >y.yaml
  k: v
END
is "several writers of one redirection are one text" "$(grep -c 'k: v' y.yaml)" 1
{ echo 'apiVersion: v1'; cat <<'END'; (echo '  name: late'); } >../apply
kind: ConfigMap
metadata:
END
ok "so for apply" test -e late.yaml
printf 'data: {t: "1"}\n' | tee t.yaml >/dev/null
ok "tee" grep -q 't: "1"' t.yaml
printf 'data: {t: "2"}\n' >"$T/n" && mv "$T/n" t.yaml
ok "mv from elsewhere" grep -q 't: "2"' t.yaml
printf 'data: {t: "3"}\n' >.t.tmp && mv .t.tmp t.yaml
ok "a scratch file renamed onto an object applies" grep -q 't: "3"' t.yaml
fails "and is gone" test -e .t.tmp
is "objects have no rename" "$(mv t.yaml u.yaml 2>&1 | grep -c 'not permitted')" 1
mv t.yaml t.yaml~
ok "a backup by rename keeps the object" grep -q 't: "3"' t.yaml
ok "and has its text" grep -q 't: "3"' t.yaml~
rm t.yaml~

uid=$(sed -n 's/^  uid: //p' t.yaml)
sed 's/"3"/"4"/' t.yaml >"$T/again"
rm t.yaml
fails "rm" test -e t.yaml
cp "$T/again" t.yaml
is "removed and written again is one update" "$(sed -n 's/^  uid: //p' t.yaml) $(grep -c '"4"' t.yaml)" "$uid 1"
cp t.yaml "$T/backup"
rm t.yaml
sleep 0.7
wait_for 5 test ! -e t.yaml
ok "a backup is restored" cp "$T/backup" t.yaml
fails "as a new object" grep -q "$uid" t.yaml

ok "mkdir makes a namespace" mkdir "$M/namespaces/$NS-two"
printf 'data: {}\n' >"$M/namespaces/$NS-two/configmaps/mine.yaml"
is "rmdir refuses while something is in it" "$(rmdir "$M/namespaces/$NS-two" 2>&1 | grep -c 'not empty')" 1
# A controller brings them back as soon as they are removed: they are nobody's.
bare=$M/namespaces/$NS-bare
published=(serviceaccounts/default configmaps/kube-root-ca.crt)
[ $BACKEND = server ] || published+=(configmaps/openshift-service-ca.crt)
has_published() {
	local name
	for name in "${published[@]}"; do
		[ -e "$bare/$name.yaml" ] || return
	done
}
remove_bare() { rmdir "$bare" || { rm -rf "$bare" && false; }; }
ok "a namespace of which nothing is the user's" mkdir "$bare"
ok "gets what every namespace has" wait_for 10 has_published
ok "and goes with it" remove_bare
ok "rm -r" rm -r "$M/namespaces/$NS-two"
wait_for 10 test ! -e "$M/namespaces/$NS-two"
fails "it is gone" test -e "$M/namespaces/$NS-two"

printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b1}\n---\napiVersion: v1\nkind: Nope\nmetadata: {name: b2}\n' >"$T/two"
is "a type nobody serves" "$(cp "$T/two" ../apply 2>&1 | grep -c 'Invalid argument')" 1
ok "the others are applied" test -e b1.yaml
is "the report is comments" "$(grep -vc '^#' ../apply)" 0
ok "and tells" grep -q 'ConfigMap b1.*created' ../apply
finish
