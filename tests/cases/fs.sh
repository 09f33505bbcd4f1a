#!/bin/bash
# The tree as a filesystem: what POSIX says of each call, random operations against a copy in
# memory, fio's verification, and listings while names come and go. `make check-fs` runs it at
# length (FS_ROUNDS); kubefs-tree(5) tells which parts of such suites do not apply.
. "${top_srcdir:-.}/tests/cases/lib.sh"
rounds=${FS_ROUNDS:-1}
fs=$builddir/tests/fs
[ -x "$fs/fsx" ] || bail "no $fs/fsx: make check builds it"
start_mount
cd "$N/configmaps" || exit 99

ok "calls and what they return" python3 "$srcdir/tests/fs/posix.py" "$srcdir/tests/fs/posix.table" "$PWD"

random_file() {
	local seed
	for ((seed = 1; seed <= 2 * rounds; seed++)); do
		"$fs/fsx" -s $seed -n 1500 fsx.tmp || return
	done
	rm fsx.tmp
}
ok "random operations on a scratch file" random_file
random_value() {
	echo 'data: {v: ""}' >fsx.yaml
	"$fs/fsx" -o -s $rounds -m 3000 -n $((200 * rounds)) fsx/data/v &&
		"$fs/fsx" -o -s $rounds -m 100000 -n $((50 * rounds)) fsx/data/v || return
	rm fsx.yaml
}
ok "random operations on a ConfigMap's value" random_value

# Jobs one after the other and two at a time, in blocks that fit no page, read back and compared.
# Each round is a job of its own: with loops= fio takes blocks of many sizes for wrong on any disk.
verify() {
	local job seed
	for job in "--rw=write --bs=4k" "--rw=randwrite --bs=1000" "--rw=randrw --bsrange=100-9000" \
		"--rw=randwrite --bs=4k --direct=1" "--rw=write --bs=3000 --numjobs=2 --fsync=7"; do
		for ((seed = 1; seed <= rounds; seed++)); do
			fio --output="$T/fio" --name=job --directory="$PWD" --filename_format='fio-$jobnum.tmp' \
				--ioengine=psync --fallocate=none --size=1m --verify=crc32c --verify_fatal=1 \
				--do_verify=1 --randseed=$seed $job || { cat "$T/fio"; return 1; }
			rm -f fio-*.tmp
		done
	done
}
# Debian's package; where there is none the random operations above have to do.
if command -v fio >/dev/null; then ok "fio reads back what it wrote" verify; fi

steady=300
many() { for ((n = 0; n < steady; n++)); do
	printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: steady-%04d}\n' $n; done; }
ok "$steady objects" eval 'many >../apply; [ "$(ls | grep -c steady)" = $steady ]'
ok "while names come and go a listing has each that stays once" \
	"$fs/readdir" $steady $((40 * rounds)) "$PWD"

# A directory of 100,000: the fake cluster's pods.
if [ "$rounds" -gt 1 ]; then
	cd "$T" && mkdir large
	spawn large "$FAKEFS" -p 100000 "$T/large"
	others+=("$spawned")
	ok "100,000 objects" wait_for 600 test -e large/namespaces/bench/pods/web-000000.yaml
	listed() { [ "$(ls "$@" | sort -u | wc -l)" = 100000 ]; }
	ok "are listed" listed large/namespaces/bench/pods
	ok "and once more" listed -U large/namespaces/bench/pods
	ok "with what stat tells" eval '[ "$(find large/namespaces/bench/pods -name "web-*" -size +0 | wc -l)" = 100000 ]'
	fusermount3 -u large
fi
finish
