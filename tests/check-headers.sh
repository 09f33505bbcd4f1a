#!/bin/sh
# Every header compiles alone: it includes what it uses. Output: TAP, one test a header.
cd "${top_srcdir:-.}" || exit 99
headers=$(find src -name '*.h' ! -name banned.h | sort)
flags=$(pkg-config --cflags jansson yaml-0.1 openssl lmdb libcurl libwebsockets fuse3)
echo "1..$(echo "$headers" | wc -l)"
n=0
for h in $headers; do
	n=$((n + 1))
	if out=$(echo "#include \"${h#src/}\"" |
		${CC:-cc} -std=gnu17 -Wall -Wextra -Wno-unused-parameter -Werror -D_GNU_SOURCE \
			-D_FILE_OFFSET_BITS=64 -Isrc -I"${top_builddir:-.}" -I"${top_builddir:-.}/src" \
			$flags -include src/base/banned.h -fsyntax-only -x c - 2>&1); then
		echo "ok $n - $h compiles alone"
	else
		echo "not ok $n - $h compiles alone"
		echo "$out" | sed 's/^/# /'
	fi
done
