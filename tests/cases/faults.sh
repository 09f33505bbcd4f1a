#!/bin/bash
# Known faults of filesystems of this kind, each shown absent. Three have cases of their own: types
# that may not be listed (forbidden.sh), a server that hangs (away.sh), contexts (contexts.sh).
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_mount
cd "$N/configmaps" || exit 99
printf 'data: {a: "1"}\n' >x.yaml
ok "an object" grep -q 'a: "1"' x.yaml
cp x.yaml "$T/x"
rv=$(resource_version x.yaml)
unchanged() { diff x.yaml "$T/x" && [ "$(kubectl get configmap x -n "$NS" -o jsonpath='{.metadata.resourceVersion}')" = "$rv" ]; }

# Each change of the namespace's ConfigMaps, as a client of the server sees it.
(cd "$T" && exec_kubectl get configmaps -n "$NS" -w --output-watch-events \
	-o jsonpath='{.type} {.object.metadata.name} {.object.metadata.resourceVersion}{"\n"}' \
	>"$T/events" 2>"$T/watch.err") &
others+=($!)
wait_for 10 grep -q ' x ' "$T/events"
events_of() { grep -c " $1 " "$T/events"; }
told() { [ "$(events_of "$1")" -ge "$2" ]; }

# cat or touch sends a write.
cat x.yaml >/dev/null
touch x.yaml
touch -d '1 hour ago' x.yaml
python3 -c 'import os; f = open("x.yaml", "r+"); f.read(); os.utime("x.yaml"); f.close()'
ok "reading and touching send nothing" unchanged

# truncate sends a stub.
truncate -s 0 x.yaml
truncate -s 20 x.yaml
: >x.yaml
python3 -c 'import os; os.truncate("x.yaml", 5); f = os.open("x.yaml", os.O_WRONLY | os.O_TRUNC); os.ftruncate(f, 7); os.close(f)'
ok "truncating sends nothing" unchanged
fails "and refuses nothing" test -e x.yaml.rejected

# Text is sent at the first chunk that happens to parse.
cat >"$T/chunks.py" <<'END'
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
for i in range(40):
    os.write(fd, b"data:\n" if i == 0 else b'  k%02d: "%d"\n' % (i, i))
    os.stat(sys.argv[1])
    if i % 10 == 9:
        open(sys.argv[1]).close()
os.close(fd)
END
ok "chunks that each are YAML" python3 "$T/chunks.py" chunks.yaml
ok "arrive" wait_for 10 told chunks 1
ok "a mark behind them" sh -c 'echo "data: {}" >mark1.yaml'
ok "is told" wait_for 10 told mark1 1
is "they were one write" "$(events_of chunks) $(grep -c '^  k' chunks.yaml)" "1 39"

# An object larger than one write() is sent in pieces.
python3 -c 'print("data:"); [print("  k%05d: %s" % (i, "x" * 80)) for i in range(8000)]' >"$T/large"
ok "an object of $(stat -c %s "$T/large") bytes" cp "$T/large" large.yaml
ok "a second, in writes of 1000 bytes" dd if="$T/large" of=large2.yaml bs=1000 status=none
echo 'data: {}' >mark2.yaml
wait_for 10 told mark2 1
is "each is one write" "$(events_of large) $(events_of large2)" "1 1"
is "with all that was written" "$(grep -c '^  k' large.yaml) $(grep -c '^  k' large2.yaml)" "8000 8000"

# The reason of a refusal becomes the file's content; a refused text is read back as if it were live.
printf 'data: [\n' >"$T/bad"
printf 'metadata: {labels: {"-bad-": "x"}}\ndata: {a: "9"}\n' >"$T/invalid"
for text in bad invalid; do
	ok "a text that is refused ($text)" errno EINVAL cp "$T/$text" x.yaml
	ok "the file is the object, not the reason or the text" unchanged
	is "to a reader who had it open as well" "$(stat -c %s x.yaml) $(wc -c <x.yaml)" \
		"$(stat -c %s "$T/x") $(stat -c %s "$T/x")"
	ok "what was refused stands beside it" sh -c "grep -v '^# kubefs: ' x.yaml.rejected | diff - '$T/$text'"
done
errno EINVAL cp "$T/bad" fresh.yaml >/dev/null
fails "a refused new file is no object" test -e fresh.yaml
fails "nor listed as one" sh -c 'ls | grep -qx fresh.yaml'
rm -f x.yaml.rejected fresh.yaml.rejected

# A deleted namespace stays.
makes namespace "$NS-gone"
mkdir "$M/namespaces/$NS-gone"
echo 'data: {}' >"$M/namespaces/$NS-gone/configmaps/in.yaml"
ls "$M/namespaces/$NS-gone/configmaps" >/dev/null
ok "kubectl deletes a namespace" kubectl delete namespace "$NS-gone"
ok "its directory goes" wait_for 20 test ! -e "$M/namespaces/$NS-gone"
fails "from the listing, too" sh -c "ls '$M/namespaces' | grep -qx '$NS-gone'"
fails "and what was in it" test -e "$M/namespaces/$NS-gone/configmaps/in.yaml"

# Sizes of 0 or a guess.
sizes() {
	local files=("$N"/*/*.yaml "$M"/cluster/*/*.yaml "$M"/namespaces/*/namespace.yaml)
	diff <(stat -c '%s %n' "${files[@]}") <(wc -c "${files[@]}" | sed '$d; s/^ *//') && [ -s x.yaml ]
}
# Nodes write their status now and then: between the two looks there may be another version.
ok "sizes are exact" wait_for 10 sizes

# Equal names in two namespaces collide.
makes namespace "$NS-two"
mkdir "$M/namespaces/$NS-two"
printf 'data: {a: "second"}\n' >"$M/namespaces/$NS-two/configmaps/x.yaml"
is "equal names in two namespaces are two objects" \
	"$(grep -h ' a: ' x.yaml "$M/namespaces/$NS-two/configmaps/x.yaml" | tr -d '\n')" '  a: "1"  a: second'
fails "of two inode numbers" test x.yaml -ef "$M/namespaces/$NS-two/configmaps/x.yaml"
rm "$M/namespaces/$NS-two/configmaps/x.yaml"
ok "one's deletion leaves the other" unchanged
rm -r "$M/namespaces/$NS-two"

# echo > never arrives.
echo 'data: {k: "echo"}' >echo.yaml
is "echo > has arrived when the shell goes on" \
	"$(kubectl get configmap echo -n "$NS" -o jsonpath='{.data.k}')" echo
sh -c 'echo "data: {k: \"sh\"}" >echo.yaml'
is "of a shell that ends, too" "$(kubectl get configmap echo -n "$NS" -o jsonpath='{.data.k}')" sh
echo '  more: "1"' >>echo.yaml
is "and >>, refused where it makes no sense" "$(ls echo.yaml.rejected)" echo.yaml.rejected
rm echo.yaml.rejected

# fchown or fchmod on an editor's temporary file fails.
cat >"$T/save.py" <<'END'
import os, sys
name, tmp = sys.argv[1], sys.argv[1] + ".tmp123"
old = os.stat(name)
text = open(name).read().replace('"1"', '"2"')
fd = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
os.fchmod(fd, old.st_mode & 0o7777)
os.fchown(fd, old.st_uid, old.st_gid)
os.write(fd, text.encode())
os.utime(fd, ns=(old.st_atime_ns, old.st_mtime_ns))
os.fsync(fd)
os.fchmod(fd, 0o600)
if os.fstat(fd).st_mode & 0o777 != 0o600:
    sys.exit("the mode was not set")
os.fchown(fd, -1, -1)
os.close(fd)
os.rename(tmp, name)
END
ok "an editor may change owner, mode and times of its temporary file" python3 "$T/save.py" x.yaml
is "and its rename applies" "$(kubectl get configmap x -n "$NS" -o jsonpath='{.data.a}')" 2
is "the object's mode stays" "$(stat -c %a x.yaml)" 644
finish
