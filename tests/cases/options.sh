#!/bin/bash
# Who may do what in a mount, and each -o option on a real one.
KUBEFS_TEST_BACKEND=remote
unset KUBEFS_TEST_KUBECONFIG
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools
start_serve --bare
kubectl create configmap plain --from-literal=k=v >/dev/null
kubectl create secret generic hidden --from-literal=password=hunter2 >/dev/null
kubectl create namespace prod-eu >/dev/null
kubectl create configmap plain -n prod-eu --from-literal=k=v >/dev/null
D=$M/namespaces/default
chmod 755 "$T" # others may reach the mount point; what is below it decides

mount_o() { # OPTIONS [ARGUMENT...]
	local options=$1
	shift
	mount_with "$KUBEFS" -f --kubeconfig="$kubeconfig" -o "$options" "$@"
	test -s "$D/configmaps/plain.yaml" && test -s "$D/secrets/hidden.yaml"
}
# Another user, without any capability.
other() { setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"; }
may_be_another=false
[ "$(id -u)" -ne 0 ] || may_be_another=true
data() { kubectl get configmap "${1:-plain}" "${@:2}" -o 'jsonpath={.data.k}'; }

# ---- Who may

if $may_be_another; then
	ok "a mount without options" mount_o delete_hold=0
	ok "another user gets nothing" errno EACCES other ls "$M"
	ok "not even a name's attributes" errno EACCES other stat "$M/README"
	ok "it ends" end_mount

	ok "a mount with allow_other,details" mount_o allow_other,details
	ok "another user reads" other grep -q 'k: v' "$D/configmaps/plain.yaml"
	ok "and lists" other ls "$M/cluster/nodes" "$D/secrets"
	ok "but does not write" errno EACCES other sh -c "echo x >>'$D/configmaps/plain.yaml'"
	ok "nor makes" errno EACCES other sh -c "echo x >'$D/configmaps/new.yaml'"
	ok "nor removes" errno EACCES other rm "$D/configmaps/plain.yaml"
	ok "nor makes a namespace" errno EACCES other mkdir "$M/namespaces/new"
	ok "nor uses a drop box" errno EACCES other sh -c "echo x >'$M/apply'"
	ok "nor a file of a part" errno EACCES other sh -c "echo x >'$D/configmaps/plain/data/k'"
	ok "nor renames" errno EACCES other mv "$D/configmaps/plain.yaml" "$D/configmaps/plain.tmp"
	is "nothing of it was written" "$(data)" v
	ok "errors.log is the mounter's alone" errno EACCES other cat "$M/errors.log"

	# A Secret in all its forms, listed or not; what an editor leaves beside it; what was refused.
	cp "$D/secrets/hidden.yaml" "$D/secrets/hidden.yaml.tmp"
	chmod 666 "$D/secrets/hidden.yaml.tmp"
	printf 'stringData: {password: hunter2}\nimmutable: 7\n' | put "$D/secrets/hidden.yaml" 2>/dev/null
	ok "its refused text is there" grep -q hunter2 "$D/secrets/hidden.yaml.rejected"
	find "$D/secrets/" "$D/secrets/hidden" "$D/secrets/hidden/data" -maxdepth 1 -type f >"$T/files"
	printf '%s\n' "$D/secrets/.watch" "$D/secrets/.table" "$D/secrets/hidden.json" >>"$T/files"
	ok "there is much to try" test "$(wc -l <"$T/files")" -ge 8
	ok "the mounter reads it" grep -q "$(base64 <<<hunter2 | cut -c1-8)" "$D/secrets/hidden.json"
	while read -r file; do
		ok "another user does not read ${file#"$D/"}" errno EACCES other head -c 1 "$file"
	done <"$T/files"
	is "a chmod does not open it" "$(stat -c %a "$D/secrets/hidden.yaml.tmp")" 600
	is "no value of it in errors.log" "$(grep -c hunter2 "$M/errors.log")" 0
	is "the refusal is" "$(grep -c 'secrets/hidden.yaml' "$M/errors.log")" 1
	ok "it ends" end_mount

	ok "a mount with uid=, gid= and umask=" mount_o allow_other,uid=65534,gid=65533,umask=027
	is "its files have them" "$(stat -c '%u %g %a' "$D/configmaps/plain.yaml" "$D/configmaps" "$D/secrets/hidden.yaml" | tr '\n' ,)" \
		"65534 65533 640,65534 65533 750,65534 65533 600,"
	ok "that user is the owner now" other grep -q password "$D/secrets/hidden.yaml"
	ok "and writes" other sed -i 's/k: v/k: w/' "$D/configmaps/plain.yaml"
	is "which is applied" "$(data)" w
	ok "chown to what it is passes" chown 65534:65533 "$D/configmaps/plain.yaml"
	ok "to another it does not" errno EPERM chown 1:1 "$D/configmaps/plain.yaml"
	ok "it ends" end_mount
	kubectl create configmap plain --from-literal=k=v --dry-run=client -o yaml | kubectl replace -f - >/dev/null
fi

# ---- ro and protect: every operation that writes is EROFS

cat >"$T/writes.py" <<'END'
import errno, os, sys
d, scope = sys.argv[1:]
c, plain = d + "/configmaps/", d + "/configmaps/plain.yaml"
w = lambda path, flags: os.close(os.open(path, os.O_WRONLY | flags, 0o644))
both = {
    "create": lambda: w(c + "new.yaml", os.O_CREAT),
    "create a scratch file": lambda: w(c + "new.tmp", os.O_CREAT | os.O_EXCL),
    "open for writing": lambda: w(plain, 0),
    "open for reading and writing": lambda: os.close(os.open(plain, os.O_RDWR)),
    "append": lambda: w(plain, os.O_APPEND),
    "truncate at open": lambda: w(plain, os.O_TRUNC),
    "unlink": lambda: os.unlink(plain),
    "rename": lambda: os.rename(plain, c + "plain.tmp"),
    "write a key": lambda: w(c + "plain/data/k", os.O_TRUNC),
    "make a key": lambda: w(c + "plain/data/new", os.O_CREAT),
    "remove a key": lambda: os.unlink(c + "plain/data/k"),
    "apply": lambda: w(d + "/apply", os.O_TRUNC),
    "write the namespace": lambda: w(d + "/namespace.yaml", 0),
    "make a directory": lambda: os.mkdir(c + "new"),
    "remove a type's directory": lambda: os.rmdir(d + "/configmaps"),
}
whole = {
    "make a namespace": lambda: os.mkdir(d + "/../new"),
    "remove a namespace": lambda: os.rmdir(d),
    "truncate": lambda: os.truncate(plain, 0),
    "chmod": lambda: os.chmod(plain, 0o600),
    "chown": lambda: os.chown(plain, 12, 12),
    "utimens": lambda: os.utime(plain, (1, 1)),
    "symlink": lambda: os.symlink("x", c + "link"),
    "link": lambda: os.link(plain, c + "hard"),
    "mkfifo": lambda: os.mkfifo(c + "fifo"),
    "mkdir in the root": lambda: os.mkdir(d + "/../../new"),
    "apply in the root": lambda: w(d + "/../../apply", os.O_TRUNC),
    "setxattr": lambda: os.setxattr(plain, "user.x", b"1"),
}
bad = 0
for name, do in {**both, **(whole if scope == "whole" else {})}.items():
    try:
        do()
        told = "it passed"
    except OSError as e:
        told = errno.errorcode[e.errno]
    if told != "EROFS":
        print(name + ": " + told)
        bad = 1
sys.exit(bad)
END
namespaces=$(kubectl get namespaces -o name | wc -l)
ok "a mount with ro" mount_o ro,details
ok "every operation is EROFS" python3 "$T/writes.py" "$D" whole
is "modes tell it" "$(stat -c %a "$D/configmaps/plain.yaml" "$D/configmaps" "$M/apply" | tr '\n' ' ')" "444 555 444 "
ok "it is read all the same" grep -q 'k: v' "$D/configmaps/plain.yaml"
ok "it ends" end_mount
is "nothing has changed" "$(data) $(kubectl get namespaces -o name | wc -l)" "v $namespaces"

ok "a mount with protect=" mount_o 'protect=kube-system:prod-*'
ok "in a namespace that it names every operation is EROFS" python3 "$T/writes.py" "$M/namespaces/prod-eu" part
ok "so is its removal" errno EROFS rmdir "$M/namespaces/prod-eu"
is "its object is as it was" "$(data plain -n prod-eu)" v
ok "another namespace is written" sed -i 's/k: v/k: w/' "$D/configmaps/plain.yaml"
is "as ever" "$(data)" w
ok "it ends" end_mount

# ---- dryrun

ok "a mount with dryrun" mount_o dryrun,delete_hold=0
rv=$(kubectl get configmap plain -o 'jsonpath={.metadata.resourceVersion}')
ok "an edit passes" sed -i 's/k: w/k: x/' "$D/configmaps/plain.yaml"
ok "a new object does" eval "echo 'data: {k: v}' | put '$D/configmaps/new.yaml'"
ok "a namespace does not appear" not mkdir "$M/namespaces/dry"
ok "a deletion passes" rm "$D/configmaps/plain.yaml"
ok "a drop box does" eval "echo '{apiVersion: v1, kind: ConfigMap, metadata: {name: boxed}}' | put '$D/apply'"
ok "what the server refuses is refused" errno EINVAL eval "echo 'data: {k: [1]}' | put '$D/configmaps/plain.yaml'"
ok "it ends" end_mount
is "the object is as it was" "$(kubectl get configmap plain -o 'jsonpath={.metadata.resourceVersion}')" "$rv"
is "and nothing new is there" "$(kubectl get configmap new boxed --ignore-not-found -o name)$(kubectl get namespace dry --ignore-not-found -o name)" ""

# ---- force

theirs() { printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\ndata: {k: theirs}\n'; }
theirs | kubectl apply --server-side --field-manager=other -f - >/dev/null
echo 'data: {k: mine}' >"$T/mine"
ok "a mount without force" mount_o xattr
ok "a field of another manager is not taken" errno EBUSY cp "$T/mine" "$D/configmaps/shared.yaml"
is "it stays" "$(data shared)" theirs

# ---- xattr

value() { python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "user.kubefs." + sys.argv[2]).decode())' "$@"; }
names() { python3 -c 'import os, sys; print(" ".join(os.listxattr(sys.argv[1])))' "$1"; }
for pair in uid:uid resourceVersion:resourceVersion; do
	is "xattr ${pair%:*}" "$(value "$D/configmaps/shared.yaml" "${pair%:*}")" \
		"$(kubectl get configmap shared -o "jsonpath={.metadata.${pair#*:}}")"
done
is "xattr apiVersion and kind" "$(value "$M/cluster/clusterroles/admin.yaml" apiVersion) $(value "$M/cluster/clusterroles/admin.yaml" kind)" \
	"rbac.authorization.k8s.io/v1 ClusterRole"
ok "xattr error tells why a text was refused" eval "value '$D/configmaps/shared.yaml' error | grep other >/dev/null"
is "on the text, too" "$(value "$D/configmaps/shared.yaml.rejected" error)" "$(value "$D/configmaps/shared.yaml" error)"
is "they are listed" "$(names "$D/configmaps/shared.yaml")" \
	"user.kubefs.uid user.kubefs.resourceVersion user.kubefs.apiVersion user.kubefs.kind user.kubefs.error"
is "where there are any" "$(names "$D/configmaps")$(names "$M/README")" ""
ok "another is not there" errno ENODATA python3 -c 'import os, sys; os.getxattr(sys.argv[1], "user.other")' "$D/configmaps/shared.yaml"
ok "cp -a takes them along, or not, as the other filesystem can" cp -a "$D/configmaps/shared.yaml" "$T/a"
ok "it ends" end_mount
ok "a mount with force" mount_o force
ok "takes it" cp "$T/mine" "$D/configmaps/shared.yaml"
for i in $(seq 510); do printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: many-%s}\n' "$i"; done >"$T/many"
ok "and many others, for later" cp "$T/many" "$D/apply"
is "then it is mine" "$(data shared)" mine
ok "without the option there are no attributes" errno EOPNOTSUPP python3 -c 'import os, sys; os.listxattr(sys.argv[1])' "$D/configmaps/shared.yaml"
ok "it ends" end_mount

# ---- A terminal is told how far it is

on_terminal() { # until the tree has been read, with what the terminal got in $T/typescript
	script -qefc "exec '$KUBEFS' -f --kubeconfig='$kubeconfig' '$M'" "$T/typescript" </dev/null >/dev/null 2>&1 &
	others+=($!)
	wait_for 60 answers && ls "$D/configmaps" >/dev/null && unmount "$M" && wait_for 30 not running $!
}
ok "a mount on a terminal" on_terminal
ok "discovery is shown" grep -qa 'asking https://.* which types it has' "$T/typescript"
ok "so is a long list" grep -qaE 'configmaps: 500( of [0-9]+)? listed' "$T/typescript"

# ---- No secret in what is written down

ok "a mount that tells every step" mount_o allow_other -d
sed -i "s/password: .*/password: $(printf hunter3 | base64)/" "$D/secrets/hidden.yaml"
is "a Secret is edited" "$(kubectl get secret hidden -o 'jsonpath={.data.password}' | base64 -d)" hunter3
printf 'stringData: {password: "hunter4"}\ntype: Changed\n' | put "$D/secrets/hidden.yaml" 2>/dev/null
ok "and refused" test -s "$D/secrets/hidden.yaml.rejected"
ok "it ends" end_mount
ok "its trace is there" grep -q LOOKUP "$T/mount.log"
fails "with no value in it" grep -aE "hunter[34]|$(printf hunter3 | base64)|PRIVATE KEY" "$T/mount.log" "$T/serve.log"
finish
