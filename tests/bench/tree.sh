#!/bin/bash
# The tree against the limit: 10,000 files of the same shape in both, the same commands, one run.
#	tests/bench/tree.sh [FILES]		(top_builddir names the build)
# Prints: what, the tree's seconds, the limit's, the ratio.
set -u
files=${1:-10000}
b=${top_builddir:-.}
t=$(mktemp -d)
mkdir "$t/tree" "$t/limit"
trap 'fusermount3 -u "$t/tree"; fusermount3 -u "$t/limit"; wait; rm -rf "$t"' EXIT
"$b/tests/unit/fs/fakefs" -p "$files" "$t/tree" >"$t/tree.log" 2>&1 &
"$b/tests/bench/constfs" "$files" 1843 web- "$t/limit" >"$t/limit.log" 2>&1 &
until grep -q ready "$t/tree.log" && grep -q ready "$t/limit.log"; do sleep 0.1; done
tree=$t/tree/namespaces/bench/pods
limit=$t/limit/namespaces/bench/pods
stat "$tree" >/dev/null
ls "$tree/web-000000.yaml" >/dev/null # the type's one LIST is not what is measured

seconds() { # COMMAND...: to $s
	local begin=$EPOCHREALTIME
	"$@" >/dev/null
	s=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f", b - a }')
}
line() { # WHAT COMMAND... with DIR for the directory
	local what=$1 of tree_s
	shift
	seconds "${@/DIR/$tree}"
	tree_s=$s
	seconds "${@/DIR/$limit}"
	awk -v w="$what" -v a="$tree_s" -v b="$s" \
		'BEGIN { printf "%-24s %8.3f s  limit %8.3f s  ratio %.2f\n", w, a, b, a / b }'
}
line "ls -l, first" ls -l DIR
line "ls -l, again" ls -l DIR
line "grep -r, cold" grep -r nothing-has-this DIR
line "grep -r, warm" grep -r nothing-has-this DIR
