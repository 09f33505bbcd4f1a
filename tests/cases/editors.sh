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

edit -c '%s/image: v5/image: v6/' -c w -c 'sleep 500m' -c '%s/image: v6/image: v7/' -c w -c q
is "edit, :w, edit the same field, :w" "$(grep -o "image: .*" x.yaml)" "image: v7"

# The same in a terminal: a prompt would wait for an answer and time out.
if command -v tmux >/dev/null; then
	s=$T/tmux
	tmux -S "$s" -f /dev/null new-session -d -x 100 -y 60 "vim -Nu NONE -n x.yaml; touch $T/left"
	keys() { tmux -S "$s" send-keys "$@"; }
	shows() { tmux -S "$s" capture-pane -p | grep -q "$1"; }
	wait_for 5 shows 'image: v7'
	keys ':%s/image: v7/image: v8/' Enter ':w' Enter
	# Others that look at the same time do not make vim see an older version.
	wait_for 5 grep -q 'image: v8' x.yaml
	sleep 1
	keys ':%s/image: v8/image: v9/' Enter ':w' Enter
	ok "a second :w in a terminal" wait_for 5 grep -q 'image: v9' x.yaml
	fails "without a prompt" shows '[Rr]eally want\|WARNING'
	keys ':q' Enter
	ok "and vim leaves" wait_for 5 test -e "$T/left"
	tmux -S "$s" kill-server 2>/dev/null
else
	sed -i 's/image: v7/image: v9/' x.yaml
fi
sed -i 's/image: v9/image: v10/' x.yaml
is "sed -i" "$(grep -o "image: .*" x.yaml)" "image: v10"
cd ../configmaps || exit 99
ok "sed -i of many files" sh -c 'for i in 1 2 3; do echo "data: {k: a}" >m$i.yaml; done; sed -i s/a$/b/ m?.yaml'
is "changed them all" "$(grep -l 'k: b' m?.yaml | wc -l)" 3
finish
