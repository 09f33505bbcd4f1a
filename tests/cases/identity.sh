#!/bin/bash
# Byte identity: every object of every type there is, read with kubectl, through the mount, and
# with kubectl again. Where the two kubectl outputs are equal, the mount's is too.
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_cluster
start_example
for manifest in 04-crd-migrations 05-prometheus-configmap 06-quota-and-limits 07-network-policy; do
	cp "$SEED/$manifest.yaml" "$P/apply" || bail "$manifest is refused"
done
wait_for 10 test -d "$P/migrations.db.company.com" &&
	echo 'spec: {database: users, version: "3"}' >"$P/migrations.db.company.com/m1.yaml" || bail "no custom resource"

# Each object of the tree: TYPE NAMESPACE NAME FILE, "-" for no namespace.
objects() {
	local file namespace type
	for file in "$M"/cluster/*/*.yaml; do
		[ -e "$file" ] || continue
		type=${file%/*}
		printf '%s\t-\t%s\t%s\n' "${type##*/}" "$(basename "$file" .yaml)" "$file"
	done
	for namespace in "$M"/namespaces/*; do
		printf 'namespaces\t-\t%s\t%s\n' "${namespace##*/}" "$namespace/namespace.yaml"
		for file in "$namespace"/*/*.yaml; do
			[ -e "$file" ] || continue
			type=${file%/*}
			printf '%s\t%s\t%s\t%s\n' "${type##*/}" "${namespace##*/}" \
				"$(basename "$file" .yaml)" "$file"
		done
	done
}

# Whether FILE has COUNT documents; kubectl writes each at once.
documents() { [ "$(awk '/^---$/ { n += text; text = 0; next } { text = 1 } END { print n + text }' "$1")" -ge "$2" ]; }
# read_all TO: what kubectl get -o yaml prints of each object, in TO/TYPE/NAMESPACE/NAME. A watch
# prints all of a type one by one, where a list would indent and so fold them differently.
read_all() {
	local to=$1 type
	rm -rf "$to"
	for type in "${types[@]}"; do
		mkdir -p "$to/$type"
		kubectl get "$type" -A --watch -o yaml >"$to/$type.yaml" 2>/dev/null &
		wait_for 30 documents "$to/$type.yaml" "$(grep -c "^$type	" "$T/objects")" ||
			echo "$type: not all was listed" >>"$T/differ"
		kill $! && wait $! 2>/dev/null
		awk -v to="$to/$type" '
			function end() {
				if (text == "") return
				if (namespace == "") namespace = "-"
				printf "%s", text >(to "/" namespace " " name)
				close(to "/" namespace " " name)
				text = name = namespace = ""
			}
			/^---$/ { end(); next }
			/^[^ ]/ { meta = $0 == "metadata:" }
			meta && /^  name: / { name = $2; gsub("\"", "", name) }
			meta && /^  namespace: / { namespace = $2; gsub("\"", "", namespace) }
			{ text = text $0 "\n" }
			END { end() }' "$to/$type.yaml"
	done
}
# Each object on a line behind what it is and its version, its keys in order.
keyed() {
	jq -S -c '[.apiVersion, .kind, (.metadata | .namespace, .name, .resourceVersion)], .' | paste - -
}
# Names the objects that differ, of those that kubectl read alike both times.
compare_yaml() {
	local type namespace name file
	while IFS=$'\t' read -r type namespace name file; do
		cmp -s "$T/first/$type/$namespace $name" "$T/second/$type/$namespace $name" || continue
		compared=$((compared + 1))
		diff "$T/first/$type/$namespace $name" "$T/tree/$type/$namespace $name.yaml" >"$T/diff" ||
			{ echo "$file"; head -n 12 "$T/diff"; } >>"$T/differ"
	done <"$T/objects"
}
# The same of JSON, where both have the same version.
compare_json() {
	awk -F '\t' -v count="$T/count" '
		NR == FNR { tree[$1] = $2; next }
		$1 in tree { n++; if (tree[$1] != $2) print $1; }
		END { print n + 0 >count }' <(cat "$T"/tree/*/*.json | keyed) <(jq -c '.items[]' "$T/json" | keyed)
}

objects >"$T/objects"
mapfile -t types < <(cut -f1 "$T/objects" | sort -u)
mkdir "$T/tree" && mkdir "${types[@]/#/$T/tree/}"
: >"$T/differ"
compared=0
read_all "$T/first"
while IFS=$'\t' read -r type namespace name file; do
	cat "$file" >"$T/tree/$type/$namespace $name.yaml"
	cat "${file%.yaml}.json" >"$T/tree/$type/$namespace $name.json"
done <"$T/objects" 2>/dev/null
kubectl get "$(IFS=, && echo "${types[*]}")" -A -o json --show-managed-fields >"$T/json"
read_all "$T/second"
compare_yaml
ok "there is much to compare ($compared objects)" test "$compared" -ge 40
ok "each file is what kubectl get -o yaml prints" diff /dev/null "$T/differ"
ok "each NAME.json is what kubectl get -o json prints" diff /dev/null <(compare_json)
ok "there is much to compare as JSON ($(cat "$T/count") objects)" test "$(cat "$T/count")" -ge 40

# What kubectl lists of every type, against the names in the tree; events come and go.
listed_by_kubectl() {
	kubectl get "$(kubectl api-resources --verbs=list,get -o name | grep -v '^events' | paste -s -d ,)" \
		-A -o jsonpath='{range .items[*]}{.kind}{" "}{.metadata.namespace}{" "}{.metadata.name}{"\n"}{end}' | sort
}
listed_by_tree() {
	objects | while IFS=$'\t' read -r type _ _ file; do
		[ "$type" = events ] || echo "$file"
	done | xargs -d '\n' awk '
		function tell() { if (kind) print kind, namespace, name }
		FNR == 1 { tell(); kind = namespace = name = ""; meta = 0 }
		/^[^ ]/ { meta = $0 == "metadata:" }
		/^kind: / { kind = $2 }
		meta && /^  name: / { name = $2; gsub("\"", "", name) }
		meta && /^  namespace: / { namespace = $2; gsub("\"", "", namespace) }
		END { tell() }' | sort
}
same_names() { diff <(listed_by_kubectl) <(listed_by_tree); }
ok "the tree has what kubectl lists, no more and no less" wait_for 10 same_names
finish
