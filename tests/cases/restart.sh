#!/bin/bash
# kill -9 in the middle of writes: every blocked call ends, the same directory can be mounted again,
# and everything that was acknowledged is there.
. "${top_srcdir:-.}/tests/cases/lib.sh"
[ $BACKEND != server ] || bail "this case kills its cluster: it has one of its own"
start_cluster
mkdir "$M/namespaces/load" || bail "no namespace"
load=$M/namespaces/load
wait_for 5 test -d "$load/configmaps" || bail "no directory"

# writer N: makes objects until one fails, and notes each that was acknowledged.
writer() {
	exec python3 - "$load/configmaps" "$1" >>"$T/acknowledged" <<-'END'
	import os, sys
	i = 0
	while True:
	    name = "w%s-%d" % (sys.argv[2], i)
	    try:
	        f = os.open("%s/%s.yaml" % (sys.argv[1], name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
	        os.write(f, b'data: {from: "%s", value: "%d"}\n' % (sys.argv[2].encode(), i))
	        os.close(f)
	    except OSError:
	        break
	    os.write(1, name.encode() + b"\n")
	    i += 1
	END
}

acknowledged() { [ "$(wc -l <"$T/acknowledged" 2>/dev/null || echo 0)" -ge "$1" ]; }

# round N: load, death, a new mount at the same place.
round() {
	local enough=$(($1 * 150)) writers=() all=() reader
	for n in 1 2 3 4; do
		writer "$1$n" &
		writers+=($!)
	done
	tail -f "$M/events.log" >/dev/null 2>&1 &
	reader=$!
	others+=("${writers[@]}" "$reader")
	ok "writes go through" wait_for 30 acknowledged $enough
	kill -9 "$mount_pid"
	[ $BACKEND = local ] || kill -9 "$serve_pid"
	ok "every blocked call ends" wait_for 10 none_runs "${writers[@]}"
	kill "$reader" 2>/dev/null
	wait "${writers[@]}" "$reader" "$mount_pid" 2>/dev/null
	others=()
	pids=()
	start_cluster
	ok "the same directory is mounted again" test -s "$M/README"
	ok "all that was acknowledged is there" nothing_lost
}

none_runs() {
	for pid in "$@"; do
		! running "$pid" || return 1
	done
}

nothing_lost() {
	kubectl get configmaps -n load -o json |
		jq -r '.items[] | select("w\(.data.from)-\(.data.value)" == .metadata.name) | .metadata.name' |
		sort >"$T/there"
	sort "$T/acknowledged" | comm -23 - "$T/there" >"$T/lost"
	echo "there: $(wc -l <"$T/there"), acknowledged: $(wc -l <"$T/acknowledged")"
	head -n 5 "$T/lost"
	[ ! -s "$T/lost" ] && diff <(ls "$load/configmaps" | grep '^w' | sed 's/\.yaml$//' | sort) "$T/there"
}

round 1
round 2

# A clean end between, for the difference.
ok "unmounting ends the process" end_mount
fails "no dead mount is left below it" is_mounted "$M"
[ $BACKEND = local ] || ok "a signal ends the endpoint" end_process "$serve_pid"
pids=()
serve_pid=
start_cluster
ok "and nothing is lost by it" nothing_lost
finish
