#!/bin/bash
# Which close applies; what is told of a refusal; what is protected; what outlives a node.
. "${top_srcdir:-.}/tests/cases/lib.sh"
mkdir "$T/bin"
start_mount -o tell,protect=kube-system:prod-*
cd "$N/configmaps" || exit 99

# ---- One opening, many closes

# A shell makes its descriptor 1 of the 7 for each echo, and closes that again.
exec 7>x.yaml
printf 'data:\n' >&7
printf '  a: "1"\n' >&7
fails "a close among several applies nothing" test -e x.yaml.rejected
printf '  b: "1"\n' >&7
exec 7>&-
is "the last one applies all of it" "$(grep -c '^  [ab]: "1"' x.yaml)" 2
rv=$(resource_version x.yaml)
exec 7>x.yaml
printf 'data: [\n' >&7
is "what is half is not sent" "$(resource_version x.yaml)" "$rv"
exec 7>&-
ok "and refused when it is whole" test -e x.yaml.rejected
rm x.yaml.rejected

cat >"$T/close.py" <<'END'
import os, sys, time
name = sys.argv[1]
def text(v): return b'data: {k: "%s"}\n' % v
def shown(): return open(name, 'rb').read()
def check(what, yes): print("ok" if yes else "not: " + what)

fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
twin = os.dup(fd)
os.write(fd, text(b"1"))
os.close(fd)
there = os.path.exists(name) and b'"1"' in shown() and b'uid' in shown()
check("a twin holds it open", not there)
os.close(twin)
check("the twin's close applies", b'k: "1"' in shown())

# Two openings of one process: each one's close applies its own text.
a = os.open(name, os.O_WRONLY | os.O_TRUNC)
b = os.open(name, os.O_WRONLY | os.O_TRUNC)
os.write(a, text(b"2"))
os.close(a)
check("the first of two openings applies at its close", b'k: "2"' in shown())
os.write(b, text(b"3"))
os.close(b)
check("and the second at its own", b'k: "3"' in shown())

# Inherited by a child that ends first, and by one that ends last.
fd = os.open(name, os.O_WRONLY | os.O_TRUNC)
if os.fork() == 0:
    os.write(fd, text(b"4"))
    os._exit(0)
os.wait()
check("a child's end applies nothing", b'k: "3"' in shown())
os.close(fd)
check("the opener's close applies what the child wrote", b'k: "4"' in shown())
fd = os.open(name, os.O_WRONLY | os.O_TRUNC)
r, w = os.pipe()
if os.fork() == 0:
    os.close(w)
    os.read(r, 1)
    os.write(fd, text(b"5"))
    os._exit(0)
os.close(fd)
check("an opener that closes before anything was written applies nothing", b'k: "4"' in shown())
os.close(w)
os.wait()
for _ in range(200):
    if b'k: "5"' in shown():
        break
    time.sleep(0.05)
check("the last reference applies it", b'k: "5"' in shown())

# fsync applies at once, and the close after it nothing more.
fd = os.open(name, os.O_WRONLY | os.O_TRUNC)
os.write(fd, text(b"6"))
os.fsync(fd)
check("fsync applies", b'k: "6"' in shown())
before = shown()
os.close(fd)
check("the close after it sends nothing", shown() == before)

# A refusal is the error of fsync, and of close.
for end in os.fsync, os.close:
    fd = os.open(name, os.O_WRONLY | os.O_TRUNC)
    os.write(fd, b"data: [\n")
    try:
        end(fd)
        check("a refusal is told", False)
    except OSError as e:
        check("the errno of a refusal", e.errno == 22)
    if end == os.fsync:
        os.close(fd)
check("the object is as it was", shown() == before)
END
is "dup, fork, fsync, two openings" "$(python3 "$T/close.py" y.yaml 2>&1 | grep -v '^ok$')" ""
rm -f y.yaml.rejected

# ---- The report

echo 'data: {}' >z.yaml
sed -n '1,/^metadata/p' z.yaml >"$T/z"; printf 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: zz}\n' >../apply
told=$(cat ../apply)
is "apply tells what became of it" "$(grep -c 'ConfigMap zz.*created' <<<"$told")" 1
# The kernel forgets what nobody has open when it is asked to; where it may not be asked, nothing is lost.
sync; echo 2 >/proc/sys/vm/drop_caches 2>/dev/null
is "also when the kernel has forgotten the file" "$(cat ../apply)" "$told"

# ---- A descriptor by its name

echo 'data: {a: "1"}' >fd.yaml
ok "tee /dev/stderr writes on an object" \
	bash -c 'echo "data: {a: \"2\"}" | tee /dev/stderr 2>fd.yaml >/dev/null'
is "as it was told" "$(sed -n 's/^  a: //p' fd.yaml)" '"2"'
ok "so does > /dev/fd/3" bash -c 'exec 3>fd.yaml; echo "data: {a: \"3\"}" >/dev/fd/3'
is "which applies it" "$(sed -n 's/^  a: //p' fd.yaml)" '"3"'
is "and there it can be read" "$(bash -c 'exec 3<>fd.yaml; head -c 10 /dev/fd/3')" apiVersion
rm fd.yaml

# ---- Namespaces

is "namespace.json is the namespace" "$(jq -r .metadata.name ../namespace.json)" "$NS"
fails "it is not listed" sh -c 'ls .. | grep -q namespace.json'
uid=$(jq -r .metadata.uid ../namespace.json)
ok "rm namespace.yaml succeeds, so that rm -r can" rm ../namespace.yaml
is "and a namespace goes with its directory only" "$(jq -r '.metadata.uid + .status.phase' ../namespace.json)" "${uid}Active"

# ---- Protected

cm=$(ls "$M/namespaces/kube-system/configmaps" | head -n 1)
ok "a protected namespace has something to read" test -s "$M/namespaces/kube-system/configmaps/$cm"
is "its files say they are read only" "$(stat -c %a "$M/namespaces/kube-system/configmaps/$cm")" 444
printf 'data: {}\n' >"$T/text"
ok "a write there is EROFS" errno EROFS cp "$T/text" "$M/namespaces/kube-system/configmaps/new.yaml"
ok "so is rm" errno EROFS rm -f "$M/namespaces/kube-system/configmaps/$cm"
ok "so is mv onto it" errno EROFS mv "$T/text" "$M/namespaces/kube-system/configmaps/$cm"
printf 'data: {}\n' >"$T/text"
ok "and its drop box" errno EROFS dd if="$T/text" of="$M/namespaces/kube-system/apply" status=none
ok "nor may the root's drop box write there" errno EROFS sh -c \
	"printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: sneak, namespace: kube-system}\n' >'$T/sneak' && cp '$T/sneak' '$M/apply'"
ok "nor rmdir it" errno EROFS rmdir "$M/namespaces/kube-system"
ok "nor make one of a protected name" errno EROFS mkdir "$M/namespaces/prod-new"
ok "others are not protected" cp "$T/text" other.yaml

# ---- The writer's terminal

script -qec "echo 'data: [' >'$N/configmaps/told.yaml'" "$T/typescript" >/dev/null 2>&1 </dev/null
ok "-o tell prints the reason on the writer's terminal" grep -q 'kubefs: .*told.yaml: line' "$T/typescript"
is "and nowhere else" "$({ echo 'data: [' >told.yaml; } 2>&1 | grep -c '^kubefs:')" 0
rm told.yaml.rejected
finish
