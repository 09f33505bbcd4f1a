#!/bin/bash
# Bad input: a clear error each, nothing lost, nothing crashed.
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_mount
cd "$N/configmaps" || exit 99
printf 'data: {a: "1"}\n' >keep.yaml
rv=$(resource_version keep.yaml)

# refuses TEXT-FILE NAME ERRNO-TEXT WHAT
refuses() {
	is "$4" "$(cp "$1" "$2" 2>&1 | grep -c -m1 "$3")" 1
}
printf 'data: {a: [\n' >"$T/syntax"
refuses "$T/syntax" keep.yaml 'Invalid argument' "not YAML"
ok "its text stays" grep -q 'data: {a: \[' keep.yaml.rejected
ok "the reason is before it" grep -q '^# kubefs: line ' keep.yaml.rejected
ok "errors.log has it" grep -q 'keep.yaml EINVAL: line ' "$M/errors.log"
python3 - "$T" <<'END'
import os, sys
t = sys.argv[1]
w = lambda n, s: open(f"{t}/{n}", "w").write(s)
w("bomb", "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join(['*a%d' % (i - 1)] * 10)}]\n" for i in range(1, 10)))
w("deep", "data: " + "[" * 5000 + "]" * 5000 + "\n")
w("kind", "apiVersion: v1\nkind: Secret\nmetadata: {name: keep}\n")
w("name", "metadata: {name: other}\n")
w("namespace", "metadata: {namespace: other}\n")
w("list", "- a\n- b\n")
w("two", "data: {a: b}\n---\ndata: {c: d}\n")
open(f"{t}/binary", "wb").write(bytes(range(256)) * 16)
END
refuses "$T/bomb" keep.yaml 'Invalid argument\|too large' "aliases that expand without end"
refuses "$T/deep" keep.yaml 'Invalid argument\|too large' "deep nesting"
refuses "$T/kind" keep.yaml 'Invalid argument' "another kind than the directory's"
refuses "$T/name" keep.yaml 'Invalid argument' "another name than the file's"
refuses "$T/namespace" keep.yaml 'Invalid argument' "another namespace than the path's"
refuses "$T/list" keep.yaml 'Invalid argument' "a list"
refuses "$T/two" keep.yaml 'Invalid argument' "two documents in one file"
refuses "$T/binary" keep.yaml 'Invalid argument' "binary"
truncate -s 100M "$T/huge"
refuses "$T/huge" huge.yaml 'File too large' "100 MB"
fails "it left nothing" test -e huge.yaml
is "nothing of it all was written" "$(resource_version keep.yaml)" "$rv"
fails "the name .." mkdir "$M/namespaces/.."
is "a name of 300 characters" \
	"$(touch "$(printf 'a%.0s' $(seq 300)).yaml" 2>&1 | grep -c 'too long')" 1
echo x >'with space.yaml'
ok "a name that no object can have is a scratch file" grep -qx x 'with space.yaml'
fails "a file in namespaces/" touch "$M/namespaces/file"
fails "a directory among objects" mkdir dir
fails "writing README" sh -c 'echo x >"$1"' - "$M/README"
fails "writing the JSON form" sh -c 'echo x >keep.json'
dd if=/dev/zero of=scratch bs=1M count=15 2>/dev/null
is "scratch files are bounded" "$(dd if=/dev/zero of=more.tmp bs=1M count=4 2>&1 | grep -c 'No space')" 1
rm scratch more.tmp
ok "and what is removed is free again" dd if=/dev/zero of=again.tmp bs=1M count=15
ok "a later success removes the refused text" sh -c "echo 'data: {b: \"2\"}' >'$T/good' && cp '$T/good' keep.yaml"
fails "of the same name" test -e keep.yaml.rejected
printf 'stringData: {password: "hunter2"}\nkind: 7\n' >"$T/secret"
cp "$T/secret" ../secrets/s.yaml 2>/dev/null
fails "no value of a Secret is in errors.log" grep -q hunter2 "$M/errors.log"
is "its refused text is as private as it" "$(stat -c %a ../secrets/s.yaml.rejected)" 600
ok "the mount still answers" test -e "$M/README"
finish
