#!/bin/bash
# What a client may make the endpoint hold or wait for.
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools
ulimit -Sn 300
start_serve --bare
address=$(sed -n 's|.*server: https://||p' "$kubeconfig")
python3 "$srcdir/tests/cases/limits.py" "$T/store" "$address" "$serve_pid" >"$T/limits.out" 2>"$T/limits.log"
status=$?
while read -r word rest; do
	case $word in
	ok) result 0 "${rest#* - }" ;;
	not) result 1 "${rest#* - }" ;;
	\#) diag "${rest}" ;;
	esac
done <"$T/limits.out"
is "all was tried" "$status" 0
finish
