#!/bin/bash
# Prometheus with the user's own configuration finds the pods of kubefs serve, and scrapes the
# endpoint itself. Debian builds its package without kubernetes_sd_configs: the first half needs one
# that has them, named by PROMETHEUS; the second runs with either.
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools
start_serve
PROMETHEUS=${PROMETHEUS:-prometheus}

kubectl apply -f "$SEED/05-prometheus-configmap.yaml" >/dev/null || bail "the user's ConfigMap is refused"
kubectl get cm prometheus-config -o 'jsonpath={.data.prometheus\.yml}' >user.yml
kubectl config view --raw -o 'jsonpath={.users[0].user.client-certificate-data}' | base64 -d >client.crt
(umask 077 && kubectl config view --raw -o 'jsonpath={.users[0].user.client-key-data}' | base64 -d >client.key)
kubectl config view --raw -o 'jsonpath={.clusters[0].cluster.certificate-authority-data}' | base64 -d >ca.crt
endpoint=$(kubectl config view -o 'jsonpath={.clusters[0].cluster.server}')

# free_port: nobody listens there.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
# start_prometheus CONFIGURATION: answers at $api.
start_prometheus() {
	local port
	port=$(free_port)
	api=http://127.0.0.1:$port/api/v1
	spawn prometheus "$PROMETHEUS" --config.file="$1" --storage.tsdb.path="$T/tsdb" \
		--web.listen-address="127.0.0.1:$port"
	others+=("$spawned")
	wait_for 30 answered_or_dead
}
has_answered() { curl -sf "$api/status/config"; }
answered_or_dead() { has_answered || ! running "$spawned"; }
targets() { curl -sf "$api/targets"; }
# targets_are N FILTER: so many of the user's job's targets pass this filter of jq.
targets_are() {
	local n
	n=$(targets | jq "[.data.activeTargets[] | select(.labels.job == \"kubernetes-pods\")
		| select($2)] | length")
	echo "$n targets: $2"
	[ "$n" = "$1" ]
}
sample_is() { # QUERY WANT
	local got
	got=$(curl -sfG "$api/query" --data-urlencode "query=$1" | jq -r '.data.result[0].value[1]')
	echo "$got"
	[ "$got" = "$2" ]
}

# Where the cluster is: what a Prometheus outside of it has to add.
scrape_jobs() {
	cat <<-YAML
	- job_name: kubefs
	  scheme: https
	  scrape_interval: 1s
	  scrape_timeout: 1s
	  tls_config: {ca_file: $T/ca.crt, cert_file: $T/client.crt, key_file: $T/client.key}
	  static_configs:
	  - targets: ['${endpoint#https://}']
	YAML
}
user_jobs() { sed "s|^\( *\)- role: pod|&\n\1  kubeconfig_file: $kubeconfig|" user.yml; }

discovery() {
	ok "no pod is found where there is none" targets_are 0 true
	cat >pods.yaml <<-'YAML'
	apiVersion: apps/v1
	kind: Deployment
	metadata: {name: scraped}
	spec:
	  replicas: 3
	  selector: {matchLabels: {app: scraped}}
	  template:
	    metadata:
	      labels: {app: scraped}
	      annotations: {prometheus.io/scrape: "true", prometheus.io/path: /stats}
	    spec: {containers: [{name: c, image: c, ports: [{containerPort: 9102}]}]}
	---
	apiVersion: v1
	kind: Pod
	metadata: {name: unscraped}
	spec: {containers: [{name: c, image: c}]}
	YAML
	ok "pods are made" kubectl apply -f pods.yaml
	ok "the annotated ones are found" wait_for 30 targets_are 3 true
	ok "with port and path of theirs" targets_are 3 '.scrapeUrl | test("^http://[0-9.]+:9102/stats$")'
	ok "the other one is dropped by the user's rule" eval "targets | jq -e '
		[.data.droppedTargets[].discoveredLabels
		| select(.__meta_kubernetes_pod_name == \"unscraped\")] | length == 1'"
	ok "the labels that Prometheus makes of a pod are right" wait_for 30 targets_are 3 '
		.discoveredLabels | .__meta_kubernetes_pod_ready == "true"
		and .__meta_kubernetes_pod_phase == "Running"
		and .__meta_kubernetes_pod_controller_kind == "ReplicaSet"
		and (.__meta_kubernetes_pod_node_name | startswith("node-"))'
	kubectl scale deploy scraped --replicas=4 >/dev/null
	ok "one more is found" wait_for 30 targets_are 4 true
	kubectl delete deploy scraped >/dev/null
	ok "those that are gone are no targets" wait_for 30 targets_are 0 true
}

{ user_jobs && scrape_jobs; } >prometheus.yml
start_prometheus prometheus.yml
if grep -q 'kubernetes_sd_configs not found' prometheus.log; then
	diag "$PROMETHEUS is built without Kubernetes discovery: it scrapes only"
	{ echo scrape_configs: && scrape_jobs; } >prometheus.yml
	start_prometheus prometheus.yml
else
	ok "Prometheus takes the user's configuration" has_answered
	discovery
fi

ok "it scrapes the endpoint" wait_for 30 sample_is 'up{job="kubefs"}' 1
for metric in $(curl -sf --cacert ca.crt --cert client.crt --key client.key "$endpoint/metrics" |
	sed -n 's/^# TYPE \([a-z_]*\) \(counter\|gauge\)$/\1/p'); do
	ok "$metric has samples" wait_for 10 sample_is "count($metric) > bool 0" 1
done
ok "its requests are counted" wait_for 10 sample_is 'sum(apiserver_request_total) > bool 3' 1
finish
