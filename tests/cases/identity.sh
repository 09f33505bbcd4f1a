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

shopt -s nullglob
# Each object of the tree: its file, from $M.
objects() { (cd "$M" && printf '%s\n' cluster/*/*.yaml namespaces/*/namespace.yaml namespaces/*/*/*.yaml); }
types_of() { sed -E 's,^namespaces/[^/]*/namespace\.yaml$,namespaces,; s,^(cluster|namespaces/[^/]*)/([^/]*)/.*,\2,'; }

# What kubectl get -o yaml prints of each object. A list would indent and so fold them differently: of
# what it gets as JSON, another prints one by one what it would make.
get_yaml() { # TYPES
	kubectl get "$1" -A -o json >"$T/list.json" &&
		kubectl create --dry-run=client --validate=false -f "$T/list.json" -o yaml >"$T/list.yaml"
}
# Each in a file of the name that the tree has for it.
split_yaml() {
	local files
	mapfile -t files < <(cd "$T/tree" && find . -name '*.yaml')
	(cd "$T/tree" && awk -v to="$T/kubectl/" -v list="$T/list.yaml" '
		function end(	key) {
			key = head namespace SUBSEP name
			if (file != list) files[key] = file
			else if (key in files) {
				printf "%s", text >(to files[key])
				close(to files[key])
			}
			text = head = name = namespace = ""
		}
		NR > 1 && FNR == 1 || /^---$/ { end() }
		FNR == 1 { file = FILENAME }
		/^---$/ { next }
		/^[^ ]/ { meta = $0 == "metadata:" }
		/^(apiVersion|kind): / { head = head $2 SUBSEP }
		meta && /^  name: / { name = $2; gsub("\"", "", name) }
		meta && /^  namespace: / { namespace = $2; gsub("\"", "", namespace) }
		{ text = text $0 "\n" }
		END { end() }' "${files[@]}" "$T/list.yaml")
}
sums() { (cd "$T/$1" && xargs -d '\n' md5sum <"$T/objects" 2>/dev/null) | sort; }
# Names the objects that differ. What changed while all was read has a later version in the tree,
# which was read last.
compare_yaml() {
	local file
	compared=$(comm -12 <(sums kubectl) <(sums tree) | wc -l)
	comm -23 <(sums kubectl) <(sums tree) | while read -r _ file; do
		[ -e "$T/tree/$file" ] || continue
		[ "$(resource_version "$T/tree/$file")" -gt "$(resource_version "$T/kubectl/$file")" ] ||
			{ echo "$file"; diff "$T/kubectl/$file" "$T/tree/$file" | head -n 12; }
	done >>"$T/differ"
}
# Each object on a line behind what it is and its version, its keys in order.
keyed() {
	jq -S -c '[.apiVersion, .kind, (.metadata | .namespace, .name, .resourceVersion)], .' | paste - -
}
# The same of JSON, where both have the same version.
compare_json() {
	awk -F '\t' -v count="$T/count" '
		NR == FNR { tree[$1] = $2; next }
		$1 in tree { n++; if (tree[$1] != $2) print $1; }
		END { print n + 0 >count }' <(xargs -d '\n' cat <"$T/json-files" | keyed) <(jq -c '.items[]' "$T/json" | keyed)
}

: >"$T/differ"
objects >"$T/objects"
sed 's/\.yaml$/.json/' "$T/objects" >"$T/json-files"
types_of <"$T/objects" | sort -u >"$T/types"
mkdir "$T/kubectl" "$T/tree"
(cd "$T/kubectl" && sed 's,/[^/]*$,,' "$T/objects" | sort -u | xargs -d '\n' mkdir -p)
get_yaml "$(paste -s -d , "$T/types")" || bail "kubectl does not print them all"
# Some have gone by now.
(cd "$M" && cat "$T/objects" "$T/json-files" | xargs -d '\n' cp --parents -t "$T/tree") 2>/dev/null
kubectl get "$(paste -s -d , "$T/types")" -A -o json --show-managed-fields >"$T/json"
split_yaml
compare_yaml
ok "there is much to compare ($compared objects)" test "$compared" -ge 40
ok "each file is what kubectl get -o yaml prints" diff /dev/null "$T/differ"
crd=migrations.db.company.com
ok "which prints one alone as all were printed" diff <(kubectl get crd $crd -o yaml) \
	"$T/kubectl/cluster/customresourcedefinitions/$crd.yaml"
ok "each NAME.json is what kubectl get -o json prints" diff /dev/null <(cd "$T/tree" && compare_json 2>/dev/null)
ok "there is much to compare as JSON ($(cat "$T/count") objects)" test "$(cat "$T/count")" -ge 40

# What kubectl lists of every type, against the names in the tree; events come and go.
listed_by_kubectl() {
	kubectl get "$(kubectl api-resources --verbs=list,get -o name | grep -v '^events' | paste -s -d ,)" \
		-A -o jsonpath='{range .items[*]}{.kind}{" "}{.metadata.namespace}{" "}{.metadata.name}{"\n"}{end}' | sort
}
listed_by_tree() {
	cd "$M" && objects | grep -v '/events/' | xargs -d '\n' awk '
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
