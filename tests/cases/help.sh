#!/bin/bash
# What a user asks first: --help, the man pages and bash's completion tell the same, which is all there
# is; a line of fstab and systemd's units do what they say.
. "${top_srcdir:-.}/tests/cases/lib.sh"
PATH=$builddir:$PATH
man=$srcdir/man

kubefs --help >"$T/help"
commands() { sed -n 's/^  kubefs \([a-z]*\) .*/\1/p' "$T/help"; }
for command in $(commands); do kubefs "$command" --help >"$T/help.$command"; done
options() { sed -n 's/^  \(-[a-zA-Z], \)\{0,1\}--\([a-z-]*\).*/\2/p' "$T/help.$1"; }
mount_words() { sed -n 's/^  -o \([a-z_]*\).*/\1/p' "$T/help.mount"; }
all_options() { for command in $(commands); do options "$command"; done | sort -u; }

# ---- --help

ok "kubefs --help tells the commands" test "$(commands | wc -l)" -ge 6
for command in $(commands); do
	ok "kubefs $command --help" grep -q "^usage: kubefs $command " "$T/help.$command"
done
ok "the words after -o are told" grep -qx delete_hold <(mount_words)

# ---- the man pages

items() { sed -n 's/^\.It //p' "$man/kubefs.1"; }
documented() { items | grep -oE 'Fl -[a-z-]+|, -[a-z-]+|; .*-[a-z-]+' | grep -oE -- '-[a-z-]+$' | sed 's/^-//' | sort -u; }
is "each option has its item in kubefs(1), and there is no other" "$(diff <(all_options) <(documented))" ""
words_documented() { sed -n '/^Mount options/,/^\.El/p' "$man/kubefs.1" | sed -n 's/^\.It //p' | grep -oE 'Cm [a-z_]+' | cut -d' ' -f2 | sort -u; }
is "so has each mount option" "$(diff <(mount_words | sort -u) <(words_documented))" ""
is "each command too" "$(diff <(commands | sort) <(items | sed -n 's/^Cm \([a-z]*\).*/\1/p' | grep -xf <(commands) | sort -u))" ""
# The rows of the tree: a name that is fixed stands in kubefs-tree(5).
rows() { sed -n 's/.*{t* *"[^"]*\/\([A-Za-z.]*\)", .*/\1/p; s/.*{"\([A-Za-z.]*\)", .*/\1/p' "$srcdir/src/fs/table.c" | sort -u; }
undocumented() { for row in $(rows); do grep -qF -- "$row" "$man/kubefs-tree.5" || echo "$row"; done; }
ok "the tree's rows are read from its table" test "$(rows | wc -l)" -ge 20
is "each fixed name of the tree is in kubefs-tree(5)" "$(undocumented)" ""
if command -v mandoc >/dev/null; then
	is "mandoc has nothing to say" "$(mandoc -T lint -W warning "$man"/*.[15] 2>&1 | grep -v mandoc.db)" ""
fi
for page in "$man"/*.[15]; do ok "${page##*/} has examples" grep -q '^\.Sh EXAMPLES' "$page"; done

# ---- completion

# completes WORD...: what is offered for the last one
completes() {
	bash --norc -c '
		compopt() { :; }
		. "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_kubefs
		printf "%s\n" "${COMPREPLY[@]}"' - "$srcdir/contrib/completion/kubefs" "$@"
}
is "completion offers the commands" "$(completes kubefs s | sort | tr '\n' ' ')" \
	"$(commands | grep ^s | sort | tr '\n' ' ')"
for command in $(commands); do
	is "all options of $command" "$(completes kubefs "$command" -- | sed 's/^--//; s/=$//' | sort)" "$(options "$command" | sort)"
done
is "the mount options, after a comma too" "$(completes kubefs -o ro,d | tr '\n' ' ')" "ro,dryrun ro,details ro,delete_hold= "
is "what store does" "$(completes kubefs store re)" restore
mkdir "$T/dirs" "$T/dirs/one"
is "a directory to mount on" "$(cd "$T/dirs" && completes kubefs o)" one

# ---- fstab

# mount(8) looks for programs in the system's directories alone: here this build is one of them, seen
# by nobody else.
by_mount() {
	cat >"$T/by_mount.sh"
	printf 'local:%s %s fuse.kubefs noauto,user,_netdev,nofail,allow_other,umask=027 0 0\n' \
		"$T/fstab-store" "$M" >"$T/fstab"
	M=$M T=$T unshare -m sh -ec 'mount -t tmpfs none /usr/local/bin; ln -s "$1" /usr/local/bin/kubefs; . "$2"' - \
		"$KUBEFS" "$T/by_mount.sh"
}
if [ "$(id -u)" = 0 ] && [ -x /sbin/mount.fuse3 ]; then
	ok "mount(8) mounts a line of fstab, with its options; umount(8) ends it" by_mount <<-'END'
	mount --fstab "$T/fstab" "$M"
	test -s "$M/README"
	test "$(stat -c %a "$M/namespaces/default/namespace.yaml")" = 640
	umount "$M"
	END
	ok "mount -t fuse.kubefs -o ro" by_mount <<-'END'
	until mount -t fuse.kubefs -o ro "local:$T/fstab-store" "$M"; do sleep 0.2; done
	! mkdir "$M/namespaces/x" 2>"$T/refused"
	umount "$M"
	grep 'Read-only file system' "$T/refused"
	END
	ok "a source that is none is refused" by_mount <<-'END'
	! mount -t fuse.kubefs nonsense "$M" 2>"$T/refused"
	grep 'the source is local:DIR, context:NAME or kubefs' "$T/refused"
	END
fi

# ---- make install

installs() {
	make -C "$builddir" -s DESTDIR="$T/dest" prefix=/usr install >/dev/null &&
		(cd "$T/dest" && find . -type f -o -type l | sort >"$T/installed") && cat "$T/installed"
}
ok "make install" installs
for file in bin/kubefs share/man/man1/kubefs.1 share/man/man5/kubefs-tree.5 share/doc/kubefs/README.md \
	share/doc/kubefs/examples/gitops share/bash-completion/completions/kubefs \
	lib/systemd/user/kubefs.service lib/systemd/system/kubefs-serve.service; do
	ok "installs $file" grep -qx "./usr/$file" "$T/installed"
done
unit() { # FILE [OPTION]: systemd reads it, with the program where this build has it
	sed "s|@bindir@|$builddir|" "$srcdir/contrib/systemd/${1##*/}.in" >"$T/${1##*/}" &&
		systemd-analyze verify --man=no ${2:-} "$T/${1##*/}" >"$T/verify" 2>&1
	cat "$T/verify"
	! grep -F "${1##*/}" "$T/verify"
}
if command -v systemd-analyze >/dev/null; then
	ok "systemd has nothing to say of the user's unit" unit kubefs.service --user
	ok "nor of the system's" unit kubefs-serve.service
fi
ok "make uninstall" make -C "$builddir" -s DESTDIR="$T/dest" prefix=/usr uninstall
is "leaves no file" "$(find "$T/dest" -type f -o -type l)" ""
finish
