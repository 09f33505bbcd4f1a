#!/bin/sh
# Every header compiles alone: it includes what it uses. The build has shown that of those which
# the source of the same name includes first; the others are compiled. Output: TAP, one test a header.
cd "${top_srcdir:-.}" || exit 99
headers=$(find src -name '*.h' ! -name banned.h | sort)
flags=$(pkg-config --cflags jansson yaml-0.1 openssl lmdb libcurl libwebsockets fuse3)

# Whose source was compiled in this build, with the header as its first line but for comments.
come_first() {
	find src -name '*.c' -exec awk '
		FNR == 1 { own = FILENAME; sub(/\.c$/, ".h", own); looking = 1 }
		looking && /^[ \t]*#/ {
			looking = 0
			if ($0 == "#include \"" substr(own, 5) "\"") print own
		}' {} + |
	while read -r h; do
		[ ! -e "${top_builddir:-.}/${h%.h}.o" ] || echo "$h"
	done
}
built=$(come_first)
compiles() { # HEADER
	case "
$built
" in
	*"
$1
"*) return 0 ;;
	esac
	echo "#include \"${1#src/}\"" |
		${CC:-cc} -std=gnu17 -Wall -Wextra -Wno-unused-parameter -Werror -D_GNU_SOURCE \
			-D_FILE_OFFSET_BITS=64 -Isrc -I"${top_builddir:-.}" -I"${top_builddir:-.}/src" \
			$flags -include src/base/banned.h -fsyntax-only -x c - 2>&1
}

echo "1..$(echo "$headers" | wc -l)"
n=0
for h in $headers; do
	n=$((n + 1))
	if out=$(compiles "$h"); then
		echo "ok $n - $h compiles alone"
	else
		echo "not ok $n - $h compiles alone"
		echo "$out" | sed 's/^/# /'
	fi
done
