#!/bin/bash
# vim and sed -i with the real programs.
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_mount
cd "$N/deployments" || exit 99
# The reconcilers and nodes, where there are some, change its status all the time.
cat >x.yaml <<'END'
spec:
  replicas: 2
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec: {containers: [{name: c, image: v1}]}
END

edit() { vim -Nu NONE -n -es "$@" x.yaml </dev/null; }
edit -c '%s/image: v1/image: v2/' -c wq
is "vim writes" "$(grep -o "image: .*" x.yaml)" "image: v2"
edit -c 'set backupcopy=no' -c '%s/image: v2/image: v3/' -c wq
is "vim with backupcopy=no" "$(grep -o "image: .*" x.yaml)" "image: v3"
edit -c 'set backup backupcopy=yes' -c '%s/image: v3/image: v4/' -c wq
is "vim with a backup" "$(grep -o "image: .*" x.yaml)" "image: v4"
rm -f x.yaml~
vim -Nu NONE -es -c '%s/image: v4/image: v5/' -c wq x.yaml </dev/null
is "vim with a swap file" "$(grep -o "image: .*" x.yaml)" "image: v5"
is "nothing is left beside it" "$(ls -A | tr '\n' ' ')" "x.yaml "

sed -i 's/image: v5/image: v6/' x.yaml
is "sed -i" "$(grep -o "image: .*" x.yaml)" "image: v6"
cd ../configmaps || exit 99
ok "sed -i of many files" sh -c 'for i in 1 2 3; do echo "data: {k: a}" >m$i.yaml; done; sed -i s/a$/b/ m?.yaml'
is "changed them all" "$(grep -l 'k: b' m?.yaml | wc -l)" 3
finish
