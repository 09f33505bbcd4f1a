#!/bin/bash
# sed -i on a Deployment's file rolls it, without fewer pods than its strategy allows at any time;
# the manifest copied back rolls it back.
. "${top_srcdir:-.}/tests/cases/lib.sh"
start_cluster
start_example
deployment=$P/deployments/api-server.yaml

# watch_pods NAME: every event of every pod, as JSON documents in $T/NAME.json.
watch_pods() {
	exec_kubectl get pods -n production -l app=api-server \
		-w --output-watch-events -o json >"$T/$1.json" 2>"$T/$1.log" &
	watcher=$!
	others+=("$watcher")
	wait_for 10 pods_seen "$1" 3 || bail "the watch does not begin"
}

pods_seen() { [ "$(jq -s length "$T/$1.json" 2>/dev/null || echo 0)" -ge "$2" ]; }

# The fewest ready pods and the most living ones that the events tell of, from when all were ready.
extremes() {
	jq -rn '
		def living: .metadata.deletionTimestamp == null;
		def is_ready: living and any(.status.conditions[]?; .type == "Ready" and .status == "True");
		reduce inputs as $e ({pods: {}, fewest: null, most: 0};
			(if $e.type == "DELETED" then del(.pods[$e.object.metadata.uid])
			 else .pods[$e.object.metadata.uid] = $e.object end)
			| ([.pods[] | select(is_ready)] | length) as $n
			| if .fewest == null and $n < 3 then .
			  else .fewest = ([.fewest // $n, $n] | min)
			     | .most = ([.most, ([.pods[] | select(living)] | length)] | max) end)
		| "\(.fewest) ready, \(.most) living"' "$T/$1.json"
}

rolled_out() { kubectl rollout status deployment/api-server -n production --timeout=$((60 * FACTOR))s; }

# all_logs_name IMAGE: each container's log names the image it was started from in its first line.
all_logs_name() {
	local pod n=0
	for pod in $(kubectl get pods -n production -l app=api-server -o json |
		jq -r '.items[] | select(.metadata.deletionTimestamp == null) | .metadata.name'); do
		head -n 1 "$P/logs/$pod/api.log" | tee /dev/stderr | grep -qF "$1" || return 1
		n=$((n + 1))
	done
	[ $n -eq 3 ]
}

# end_watch NAME: the watch has everything up to now, then ends.
end_watch() {
	local version
	version=$(kubectl get pods -n production -l app=api-server -o json |
		jq '[.items[].metadata.resourceVersion | tonumber] | max')
	wait_for 10 watch_reached "$1" "$version"
	kill "$watcher" 2>/dev/null
	wait "$watcher" 2>/dev/null
}

watch_reached() {
	jq -en --argjson v "$2" 'any(inputs; (.object.metadata.resourceVersion | tonumber) >= $v)' \
		"$T/$1.json" >/dev/null 2>&1
}

watch_pods forward
ok "sed -i takes a new image" sed -i 's/v1.2.3/v1.2.4/' "$deployment"
is "the server has it" \
	"$(kubectl get deployment api-server -n production -o jsonpath='{..containers[0].image}')" \
	myapp/api:v1.2.4
ok "kubectl rollout status ends well" rolled_out
end_watch forward
# maxUnavailable 25% of three rounds down to none, maxSurge up to one.
is "three pods were ready at any time" "$(extremes forward)" "3 ready, 4 living"
ok "each log's first line names the new image" all_logs_name myapp/api:v1.2.4

watch_pods back
# The Deployment without the Namespace before it.
sed '1,/^---$/d' "$SEED/01-namespace-and-deployment.yaml" >"$T/api-server.yaml"
ok "the manifest copied onto it is applied" cp "$T/api-server.yaml" "$deployment"
ok "which rolls back" rolled_out
end_watch back
is "three pods were ready at any time of that" "$(extremes back)" "3 ready, 4 living"
ok "each log's first line names the old image" all_logs_name myapp/api:v1.2.3
finish
