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

kubectl_get() {
	local type=$1 namespace=$2 name=$3
	shift 3
	[ "$namespace" = - ] && namespace=
	kubectl get "$type" "$name" ${namespace:+-n "$namespace"} "$@"
}

# compare_objects ROUND: names the objects whose two readings differ, in $T/differ.ROUND.
compare_objects() {
	local type namespace name file first second
	compared=0
	: >"$T/differ"
	: >"$T/differ.json"
	while IFS=$'\t' read -r type namespace name file; do
		kubectl_get "$type" "$namespace" "$name" -o yaml >"$T/first" 2>/dev/null || continue
		cat "$file" >"$T/tree" 2>/dev/null
		cat "${file%.yaml}.json" >"$T/tree.json" 2>/dev/null
		kubectl_get "$type" "$namespace" "$name" -o json --show-managed-fields \
			>"$T/second.json" 2>/dev/null
		kubectl_get "$type" "$namespace" "$name" -o yaml >"$T/second" 2>/dev/null
		cmp -s "$T/first" "$T/second" || continue
		compared=$((compared + 1))
		diff "$T/first" "$T/tree" >"$T/diff" ||
			{ echo "$file"; head -n 12 "$T/diff"; } >>"$T/differ"
		# A namespace's JSON has no file of its own.
		[ "$type" = namespaces ] ||
			diff <(jq -S . "$T/second.json") <(jq -S . "$T/tree.json") >"$T/diff" ||
			{ echo "$file"; head -n 12 "$T/diff"; } >>"$T/differ.json"
	done <"$T/objects"
}

objects >"$T/objects"
compare_objects
ok "there is much to compare ($compared objects)" test "$compared" -ge 40
ok "each file is what kubectl get -o yaml prints" diff /dev/null "$T/differ"
ok "each NAME.json is what kubectl get -o json prints" diff /dev/null "$T/differ.json"

# What kubectl lists of every type, against the names in the tree; events come and go.
listed_by_kubectl() {
	local type
	for type in $(kubectl api-resources --verbs=list,get -o name | grep -v '^events'); do
		kubectl get "$type" -A -o jsonpath='{range .items[*]}{.kind}{" "}{.metadata.namespace}{" "}{.metadata.name}{"\n"}{end}'
	done | sort
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
