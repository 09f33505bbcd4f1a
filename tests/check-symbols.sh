#!/bin/sh
# No two folders define a function or variable of the same name: the linker would take the first
# archive's for both, without a word. Output: TAP, one test.
cd "${top_builddir:-.}" || exit 99
echo "1..1"
twice=$(for lib in lib*.a; do
	nm "$lib" 2>/dev/null | awk -v lib="$lib" '$2 ~ /^[TDBRC]$/ { print $3, lib }'
done | sort | awk '$1 == last { print "# " $0 " and " where } { last = $1; where = $2 }' |
	grep -v ' __[ato]san\| __odr_asan\| \.')
if [ -n "$twice" ]; then
	echo "not ok 1 - no name is defined in two libraries"
	echo "$twice"
else
	echo "ok 1 - no name is defined in two libraries"
fi
