#!/bin/bash
# One signal ends every program of kubefs, soon and with status 0, whatever is being watched or read.
KUBEFS_TEST_BACKEND=remote
unset KUBEFS_TEST_KUBECONFIG
. "${top_srcdir:-.}/tests/cases/lib.sh"
find_tools

# Until a program takes its signals itself they end it as they end any other.
takes_signals() {
	local mask
	[ "$(cat /proc/"$1"/comm)" = "$(basename "$KUBEFS")" ] || return 1
	for mask in $(sed -n 's/^Sig\(Blk\|Cgt\):\s*/0x/p' /proc/"$1"/task/*/status); do
		[ $((mask & 0x4000)) = 0 ] || return 0
	done
	return 1
}
# ends SIGNAL PID NAME: at the first signal. What it still has to say is in its log.
ends() {
	wait_for 10 takes_signals "$2" && kill -"$1" "$2" && has_ended "$2" "$3"
}
# follow NAME COMMAND...: something that waits for what comes, and has begun to.
follow() {
	local name=$1
	shift
	"$@" >"$T/$name.seen" 2>"$T/$name.log" &
	others+=($!)
	wait_for 10 test -s "$T/$name.seen" || bail "$name has seen nothing"
}
follow_all() {
	local n
	for n in 1 2 3; do
		follow pods$n kubectl get pods -n production -w
	done
	follow events kubectl get --raw '/api/v1/events?watch=1'
}

for signal in TERM INT HUP; do
	start_serve
	ok "$signal ends an endpoint" ends $signal "$serve_pid" serve
	pids=()
done

# All parts together, each at work.
start_serve --bare
for part in controllers scheduler nodes; do
	spawn_part $part "$KUBEFS" $part --kubeconfig="$kubeconfig"
	eval "$part=$spawned"
done
wait_for 60 has_ready_node || bail "no node gets ready"
mount_with "$KUBEFS" -f --kubeconfig="$kubeconfig"
start_example
follow_all
follow tree tail -n +1 -f "$M/events.log"
# The API server alone goes on; a second process of each kind takes over from the first.
for part in controllers scheduler; do
	spawn $part-2 "$KUBEFS" $part --kubeconfig="$kubeconfig"
	ok "SIGTERM ends a $part that waits to lead" ends TERM $spawned $part
	ok "and one that leads" ends TERM "${!part}" $part
done
ok "SIGTERM ends nodes that run pods" ends TERM "$nodes" nodes
ok "SIGTERM ends a mount that is in use" ends TERM "$mount_pid" mount
mount_pid=
fails "which leaves nothing mounted" is_mounted "$M"
ok "SIGTERM ends an endpoint that is watched" ends TERM "$serve_pid" serve
serve_pid=
pids=()
stop_all

# Everything in one process, which goes by itself as it came.
BACKEND=local
start_cluster
ok "it is where the other left it" wait_for 30 pods_are 3 "$IS_READY"
follow_all
follow tree tail -n +1 -f "$M/events.log"
follow container kubectl logs -n production -f "$(kubectl get pods -n production -o name | head -n 1)"
ok "SIGTERM ends it" ends TERM "$mount_pid" mount
mount_pid=
fails "and it leaves nothing mounted" is_mounted "$M"
finish
