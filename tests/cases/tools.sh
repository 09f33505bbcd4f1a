#!/bin/bash
# The programs that people edit and copy files with, each the real one: a valid save applies once;
# an invalid one shows the program an error where it looks for one, keeps the text beside the
# object and leaves the object as it was.
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_mount
cd "$N/configmaps" || exit 99
HOME=$T
export HOME
export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t

# Every change that a client of the server sees.
(cd "$T" && exec_kubectl get configmaps -n "$NS" -w --output-watch-events \
	-o jsonpath='{.type} {.object.metadata.name} {.object.data.k}{"\n"}' \
	>"$T/events" 2>"$T/watch.err") &
others+=($!)
wait_for 10 test -s "$T/events"

number=0
makes_object() {
	number=$((number + 1))
	name=o$number
	file=$name.yaml
	printf 'data: {k: "one"}\n' >"$file"
	uid=$(sed -n 's/^  uid: //p' "$file")
}
changes() { # the object's events, once a mark has come behind them
	printf 'data: {k: "mark"}\n' >mark$number.yaml
	wait_for 10 grep -q " mark$number " "$T/events" || echo "no mark"
	grep " $name " "$T/events" | cut -d' ' -f1,3 | tr '\n' ';'
}
has() { command -v "$1" >/dev/null; }

# edits WHAT COMMAND...: it turns "one" into "two" in $file.
edits() {
	local what=$1
	shift
	makes_object
	"$@" >"$T/tool.out" 2>&1 </dev/null || diag "$what: exit $?: $(cat "$T/tool.out")"
	is "$what: once, the same object" "$(changes)$(sed -n 's/^  uid: //p' $file)" \
		"ADDED one;MODIFIED two;$uid"
	rm -f $file~ .$file.un~ \#$file\#
	is "$what: nothing is left beside it" "$(ls -A | grep -c "$name[^0-9y]*\.yaml.")" 0
}
# breaks WHAT CHECKS COMMAND...: it makes the text invalid; CHECKS: yes when it looks for errors.
breaks() {
	local what=$1 checks=$2 status
	shift 2
	makes_object
	cp $file "$T/before"
	"$@" >"$T/tool.out" 2>&1 </dev/null
	status=$?
	[ "$checks" = no ] || ok "$what: an invalid save is an error" test $status -ne 0
	ok "$what: the object is as it was" diff $file "$T/before"
	ok "$what: the text is kept" test -s $file.rejected
	rm -f $file.rejected $file~ \#$file\# $file.save $file.tmp*
}
text() { sed "s/one/$1/" $file >"$T/text"; }
broken() { printf 'data: [\n' >"$T/text"; }

edit_ed() { printf 's/one/two/\nw\nq\n' | sed '1s/^/,/' | ed -s $file; }
edits "ed" edit_ed
break_ed() { printf '1i\n[\n.\nw\nq\n' | ed -s $file; }
breaks "ed" yes break_ed
edit_sed() { sed -i s/one/two/ $file; }
edits "sed -i" edit_sed
break_sed() { sed -i '1s/^/[/' $file; }
breaks "sed -i" yes break_sed
edit_perl() { perl -pi -e s/one/two/ $file; }
edits "perl -i" edit_perl
break_perl() { perl -pi -e 's/^data:/data: [/' $file; }
breaks "perl -i" no break_perl
edit_perl_backup() { perl -pi.bak~ -e s/one/two/ $file; rm -f $file.bak~; }
edits "perl -i.bak" edit_perl_backup
# Debian's yq is jq with YAML: -y keeps YAML, -i writes in place.
edit_yq() { yq -iy '.data.k = "two"' $file; }
break_yq() { yq -iy '.data = ["x"]' $file; }
if has yq; then
	edits "yq -i" edit_yq
	breaks "yq -i" no break_yq
fi
edit_vim() { vim -Nu NONE -es -c "set backupcopy=$1" -c '%s/one/two/' -c wq $file; }
for how in yes no auto; do edits "vim, backupcopy=$how" edit_vim $how; done
edit_vim_backup() { vim -Nu NONE -es -c 'set backup' -c '%s/one/two/' -c wq $file; }
edits "vim with a backup file" edit_vim_backup
break_vim() { vim -Nu NONE -es -c '%s/^data:/data: [/' -c w -c 'if &modified | cquit | endif' -c q $file; }
breaks "vim" no break_vim
edit_nano() {
	tmux -S "$T/tmux" -f /dev/null new-session -d -x 100 -y 40 \
		"HOME=$T nano $file; touch $T/left"
	wait_for 5 shows 'one'
	tmux -S "$T/tmux" send-keys 'C-\' 'one' Enter 'two' Enter 'A'
	wait_for 5 shows 'two'
	tmux -S "$T/tmux" send-keys C-o Enter
	wait_for 5 shows 'Wrote'
	tmux -S "$T/tmux" send-keys C-x
	wait_for 5 test -e "$T/left"
	rm -f "$T/left"
	tmux -S "$T/tmux" kill-server 2>/dev/null
	return 0
}
shows() { tmux -S "$T/tmux" capture-pane -p | grep -q "$1"; }
if has nano && has tmux; then edits "nano" edit_nano; fi
emacs_edit() {
	emacs --batch -Q $file --eval '(progn (goto-char 1) (search-forward "one") (replace-match "two") (save-buffer))'
}
emacs_break() { emacs --batch -Q $file --eval '(progn (goto-char 1) (insert "[") (save-buffer))'; }
if has emacs; then
	edits "emacs" emacs_edit
	breaks "emacs" yes emacs_break
fi

for tool in "cp" "cp -p" "cp --remove-destination" "install -m 644" "rsync -a" "rsync -a --inplace" \
	"rsync --checksum"; do
	copy() { text two; touch -d '1 hour' "$T/text"; $tool "$T/text" $file; }
	break_copy() { broken; touch -d '1 hour' "$T/text"; $tool "$T/text" $file; }
	edits "$tool" copy
	breaks "$tool" yes break_copy
done
edit_cp_r() { mkdir -p "$T/tree"; text two; cp "$T/text" "$T/tree/$file"; cp -r "$T/tree/." .; rm "$T/tree/$file"; }
edits "cp -r" edit_cp_r
edit_tee() { text two; tee $file <"$T/text"; }
break_tee() { broken; tee $file <"$T/text"; }
edits "tee" edit_tee
breaks "tee" yes break_tee
edit_dd() { text two; dd if="$T/text" of=$file bs=7; }
break_dd() { broken; dd if="$T/text" of=$file; }
edits "dd" edit_dd
breaks "dd" yes break_dd
edit_dd_fsync() { text two; dd if="$T/text" of=$file conv=fsync; }
edits "dd conv=fsync" edit_dd_fsync
edit_shell() { text two; cat "$T/text" >$file; }
edits ">" edit_shell
break_shell() { echo 'data: [' >$file; }
breaks ">" no break_shell
break_append() { echo '[' >>$file; }
breaks ">>" no break_append
edit_append() { echo '# a remark' >>$file; sed -i s/one/two/ $file; }
edits ">> of a remark changes nothing, sed does" edit_append
edit_truncate() { text two; truncate -s 0 $file; cat "$T/text" >$file; }
edits "truncate, then >" edit_truncate
edit_mv() { text two; mv "$T/text" $file; }
break_mv() { broken; mv "$T/text" $file; }
edits "mv" edit_mv
breaks "mv" yes break_mv
make_diff() { text two; diff -u --label a/$file --label b/$file $file "$T/text" >"$T/diff"; }
edit_patch() { make_diff; patch -p1 <"$T/diff"; }
edits "patch" edit_patch
edit_git_apply() { make_diff; git apply --unsafe-paths --directory="$PWD" "$T/diff" || git apply "$T/diff"; }
edits "git apply" edit_git_apply
edit_tar() { mkdir -p "$T/tree"; text two; cp "$T/text" "$T/tree/$file"; tar cf "$T/tar" -C "$T/tree" $file; tar xf "$T/tar"; rm "$T/tree/$file"; }
edits "tar x" edit_tar
edit_tar_overwrite() { mkdir -p "$T/tree"; text two; cp "$T/text" "$T/tree/$file"; tar cf "$T/tar" -C "$T/tree" $file; tar xf "$T/tar" --unlink-first; rm "$T/tree/$file"; }
edits "tar x --unlink-first" edit_tar_overwrite
# What was never looked at is read without a change of its directory under the reader.
ok "tar c of what nobody has looked at" tar cf "$T/system.tar" -C "$M" namespaces/kube-system cluster/clusterroles
# A whole namespace, with the names that come by themselves: those tar cannot write it tells, and goes on.
whole_namespace() {
	local whole=$T/whole status
	mkdir -p "$whole/configmaps" || return 1
	sed 's/^  labels:/&\n    restored: "yes"/' ../namespace.yaml >"$whole/namespace.yaml"
	cp ../apply ../events.log "$whole" && text two && cp "$T/text" "$whole/configmaps/$file" || return 1
	tar cf "$T/whole.tar" -C "$whole" .
	timeout $((20 * FACTOR)) tar xf "$T/whole.tar" -C ..
	status=$?
	echo "tar exits $status"
	[ $status -eq 2 ] && grep -q two $file && grep -q 'restored: "yes"' ../namespace.yaml
}
makes_object
ok "tar x of a whole namespace comes to an end, and restores it" whole_namespace
fails "what it cannot write has not become a file" test -s ../events.log
ok "without that it has nothing to tell" tar xf "$T/whole.tar" -C .. --exclude=./events.log
copy_into_new() {
	mkdir -p "$T/copy/configmaps" && printf 'data: {k: two}\n' >"$T/copy/configmaps/c.yaml" &&
		mkdir "$N-copy" && cp -r "$T/copy/." "$N-copy" && grep -q two "$N-copy/configmaps/c.yaml"
}
ok "cp -r of what a namespace has into one that is made first" copy_into_new
rm -r "$N-copy"
# A working tree of git over the objects: checkout removes and writes again.
edit_checkout() {
	git init -q --separate-git-dir="$T/git$number" "$T/work$number"
	export GIT_DIR=$T/git$number GIT_WORK_TREE=$PWD
	text two
	git add $file && git commit -qm one
	cp "$T/text" "$T/work$number/$file"
	GIT_WORK_TREE=$T/work$number git commit -qam two
	git checkout -q -f HEAD -- $file
	unset GIT_DIR GIT_WORK_TREE
}
edits "git checkout" edit_checkout
cat >"$T/code.py" <<'END'
# As VS Code saves: in place, with O_TRUNC and fsync; or, with atomic saves, a temporary file,
# fsync and a rename.
import os, sys
name, how, old, new = sys.argv[1:]
text = open(name).read().replace(old, new)
target = name if how == "direct" else name + ".vsctmp"
fd = os.open(target, os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if how == "direct" else os.O_EXCL), 0o644)
os.write(fd, text.encode())
os.fsync(fd)
os.close(fd)
if how != "direct":
    os.rename(target, name)
END
edit_code() { python3 "$T/code.py" $file "$1" one two; }
break_code() { python3 "$T/code.py" $file "$1" 'data:' 'data: ['; }
for how in direct atomic; do
	edits "VS Code, $how" edit_code $how
	breaks "VS Code, $how" yes break_code $how
done
finish
