#!/bin/bash
# The edges of a filesystem: programs that walk a tree, names as long as they get, what is open when its
# object goes, two writers of one file, a mount that is read only.
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_mount
cd "$N/configmaps" || exit 99

many() { for n in $(seq 100 299); do
	printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m-%s}\ndata: {k: "value %s"}\n' $n $n; done; }
ok "200 objects" eval 'many >../apply'

# ---- Programs that walk

is "find meets each once" "$(find . -name 'm-*' | sort | uniq -c | awk '$1 == 1' | wc -l)" 200
is "and nothing that is unlisted" "$(find . | grep -c -e json -e '/\.[tw]')" 0
ok "find -ls, -newer and by size" eval '[ $(find . -name "m-*" -size -2k -newermt 2020-01-01 -ls | wc -l) = 200 ]'
is "du counts what there is" "$(du -sb --apparent-size . | cut -f1)" \
	"$(($(cat ./*.yaml | wc -c) + $(stat -c %s .)))"
is "grep -r" "$(grep -rl 'k: value 1' . | grep -c 'm-1')" 100
ok "tar" tar cf "$T/tar" .
is "and what is in it" "$(tar xOf "$T/tar" ./m-150.yaml)" "$(cat m-150.yaml)"
mkdir "$T/copy"
ok "cp -a" cp -a . "$T/copy"
ok "diff -r finds it the same" diff -r . "$T/copy"
ok "rsync -a to elsewhere" rsync -a ./ "$T/copy"
is "finds nothing to do the second time" "$(rsync -ai ./ "$T/copy" | wc -l)" 0
rv=$(resource_version m-150.yaml)
ok "rsync -a back" rsync -a "$T/copy/" ./
is "sends nothing" "$(resource_version m-150.yaml)" "$rv"
sed -i 's/value 150/value changed/' "$T/copy/m-150.yaml"
is "diff -r finds the one that is not" "$(diff -rq . "$T/copy" | wc -l)" 1
is "rsync brings it" "$(rsync -ai "$T/copy/" ./ | grep -c '^>f'; grep -c 'value changed' m-150.yaml)" "1
1"

# ---- Names

name=$(printf 'n%.0s' $(seq 253))
name=${name:0:60}.${name:0:60}.${name:0:60}.${name:0:70}
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {k: "long"}\n' "$name" >"$T/long"
is "a name of 253 characters" "${#name}" 253
ok "is applied" cp "$T/long" ../apply
file=$(ls | grep '^%~')
is "its file's name is cut" "${#file}" $((2 + 200 + 1 + 8 + 5))
ok "and read" grep -q 'k: long' "$file"
ok "and edited" sed -i 's/k: long/k: edited/' "$file"
is "as the object of that name" "$(kubectl get configmap "$name" -n "$NS" -o jsonpath='{.data.k}')" edited
is "a text that is refused stays beside it" "$(echo 'data: [' | put "$file" 2>/dev/null; ls | grep -c '^%~.*rejected')" 1
rm -f ./%~*.rejected
ok "and removed" rm "$file"
name=${name:0:245}
name=${name%.}
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {k: "fits"}\n' "$name" >"$T/long"
ok "one of ${#name} characters" cp "$T/long" "$name.yaml"
ok "keeps its name" grep -q 'k: fits' "$name.yaml"
rm "$name.yaml"
ok "a longer one is ENAMETOOLONG" errno ENAMETOOLONG cp "$T/long" "$(printf 'n%.0s' $(seq 251)).yaml"

# ---- What is open when its object goes, or is written by another

exec 7<m-101.yaml 8>m-102.yaml
text=$(cat m-101.yaml)
rm m-101.yaml
kubectl delete configmap m-102 -n "$NS" >/dev/null
gone() { [ ! -e m-101.yaml ] && [ ! -e m-102.yaml ]; }
ok "objects that go while they are open" wait_for 10 gone
is "are read as they were" "$(cat <&7)" "$text"
echo 'data: {k: "again"}' >&8
exec 7<&- 8>&-
is "and made anew by who was writing" "$(grep -c 'k: again' m-102.yaml)" 1

cat >"$T/two.py" <<'END'
# Two openings of one object, each with a text of its own: the last close says what it is.
import errno, os, sys
def write(fd, text):
    os.pwrite(fd, text, 0)
a = os.open("m-103.yaml", os.O_WRONLY | os.O_TRUNC)
b = os.open("m-103.yaml", os.O_WRONLY | os.O_TRUNC)
os.write(a, b'data: {k: "a')
os.write(b, b'data: {k: "b"}\n')
os.write(a, b'"}\n')
os.close(b)
if '  k: b\n' not in open("m-103.yaml").read():
    sys.exit("the first close was not applied")
os.close(a)
if '  k: a\n' not in open("m-103.yaml").read():
    sys.exit("the second was not, or the two were mixed")
# Two that changed the same field of the same version: the second is told.
text = open("m-103.yaml").read()
for i, want in enumerate((0, errno.EBUSY)):
    pid = os.fork()
    if pid == 0:
        fd = os.open("m-103.yaml", os.O_WRONLY | os.O_TRUNC)
        os.write(fd, text.replace("k: a", "k: writer%d" % i).encode())
        try:
            os.close(fd)
        except OSError as e:
            os._exit(e.errno)
        os._exit(0)
    got = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if got != want:
        sys.exit("writer %d: %d, not %d" % (i, got, want))
END
ok "two writers of one file" python3 "$T/two.py"
rm -f m-103.yaml.rejected

# ---- Read only

if [ "$BACKEND" != local ]; then
	mkdir "$T/ro"
	spawn ro "$KUBEFS" -f --kubeconfig="$kubeconfig" -o ro "$T/ro"
	ro=$spawned
	R=$T/ro/namespaces/$NS/configmaps
	ok "a mount that is read only" wait_for 60 test -e "$R/m-200.yaml"
	is "has modes that say so" "$(stat -c '%a %n' "$R/m-200.yaml" | cut -d' ' -f1)" 444
	for call in "cp $T/long $R/new.yaml" "cp $T/long $R/m-200.yaml" "rm -f $R/m-200.yaml" "touch $R/new.tmp" \
		"mv $R/m-200.yaml $R/x.tmp" "mkdir $T/ro/namespaces/new" "rmdir $T/ro/namespaces/$NS" \
		"truncate -s 0 $R/m-200.yaml" "chmod 600 $R/m-200.yaml" "dd if=$T/long of=$T/ro/apply status=none" \
		"dd if=$T/long of=$R/m-200/data/k status=none" "ln -s x $R/l.tmp"; do
		ok "EROFS: ${call%% *} ${call##*/}" errno EROFS $call
	done
	unmount "$T/ro"
	ok "and ends" has_ended "$ro" "the mount that is read only"
fi
finish
