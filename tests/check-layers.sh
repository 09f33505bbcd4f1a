#!/bin/sh
# A folder of src/ may include what stands below it, never beside or above it.
# The numbers are the floors; two folders on one floor do not include each other.
# Output: TAP, one test a folder.
cd "${top_srcdir:-.}/src" || exit 99
floors='base 0
object 1
cel 2
store 2
http 2
kinds 3
cluster 4
cluster/remote 5
cluster/local 5
cluster/fake 5
cache 6
fs 7
serve 7
controllers 7
scheduler 7
node 7
cli 8'

echo "1..$(echo "$floors" | wc -l)"
n=0
echo "$floors" | while read -r folder floor; do
	n=$((n + 1))
	bad=$(grep -Hn '^[[:space:]]*#[[:space:]]*include "' $(find "$folder" -name '*.[ch]') /dev/null |
		awk -v folder="$folder" -v floor="$floor" -v floors="$floors" '
		BEGIN {
			n = split(floors, rows, "\n")
			for (i = 1; i <= n; i++) { split(rows[i], f, " "); at[f[1]] = f[2] }
		}
		{
			file = $0; sub(/:.*/, "", file)
			# The innermost folder with a floor that holds the file owns the line.
			own = file; while (own ~ "/" && !(own in at)) sub("/[^/]*$", "", own)
			if (own != folder) next
			path = $0; sub(/^[^"]*"/, "", path); sub(/".*/, "", path)
			to = path; while (to ~ "/" && !(to in at)) sub("/[^/]*$", "", to)
			if (path == "config.h" || to == folder) next
			# cluster_open() names its implementations: the one table that looks up.
			if (file == "cluster/open.c" && to ~ "^cluster/") next
			if (!(to in at)) { print "# " $0 " (name the folder: \"folder/file.h\")"; next }
			if (at[to] >= floor) print "# " $0
		}')
	if [ -n "$bad" ]; then
		echo "not ok $n - src/$folder includes only what stands below it"
		echo "$bad"
	else
		echo "ok $n - src/$folder includes only what stands below it"
	fi
done
