# Sourced by every case: starts a cluster and mounts it, speaks TAP, cleans up.
#
#	. "${srcdir:-.}/tests/cases/lib.sh"
#	start_mount [-o WORDS]		# sets $M (mount point), $N (namespace directory), $T (scratch)
#	ok "what must hold" COMMAND...
#	is "what must be equal" "$got" "$want"
#	finish
#
# KUBEFS_TEST_BACKEND: local (a cluster in the mount's own process; the default), remote (a mount
# of `kubefs serve` over HTTPS), fake (the unit tests' cluster, which counts requests). With
# KUBEFS_TEST_KUBECONFIG the mount is of that server.
# $N is namespaces/$NS, made for the test and deleted with it.
set -u
srcdir=${top_srcdir:-${srcdir:-.}}
builddir=${top_builddir:-.}
KUBEFS=${KUBEFS:-$builddir/kubefs}
FAKEFS=${FAKEFS:-$builddir/tests/unit/fs/fakefs}
BACKEND=${KUBEFS_TEST_BACKEND:-local}
[ -z "${KUBEFS_TEST_KUBECONFIG:-}" ] || BACKEND=server
SEED=$srcdir/tests/cases/seed
tap_count=0
tap_failed=0
pids=

T=$(mktemp -d "${TMPDIR:-/tmp}/kubefs-case.XXXXXX")
M=$T/mnt
mkdir "$M"
cd "$T" || exit 99

diag() { printf '%s\n' "$*" | sed 's/^/# /'; }
result() { # STATUS DESCRIPTION
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $2"
	fi
}
ok() {
	what=$1
	shift
	"$@" >"$T/ok.out" 2>&1
	status=$?
	result $status "$what"
	[ $status -eq 0 ] || diag "$* exited $status: $(cat "$T/ok.out")"
}
fails() {
	what=$1
	shift
	if "$@" >"$T/ok.out" 2>&1; then result 1 "$what"; else result 0 "$what"; fi
}
is() {
	if [ "$2" = "$3" ]; then
		result 0 "$1"
	else
		result 1 "$1"
		diag "got:  $2"
		diag "want: $3"
	fi
}
# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	end=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 0.05
	done
}

stop_all() {
	[ -z "${NS:-}" ] || [ "$BACKEND" != server ] || rm -rf "$M/namespaces/$NS" 2>/dev/null
	cd / || :
	fusermount3 -u "$M" 2>/dev/null || fusermount3 -uz "$M" 2>/dev/null
	for p in $pids; do kill "$p" 2>/dev/null; done
	for p in $pids; do wait "$p" 2>/dev/null; done
	[ "${KEEP:-}" ] || rm -rf "$T"
}
trap stop_all EXIT
trap 'exit 130' INT TERM HUP

is_mounted() { [ -e "$M/README" ]; }
# A program in the background; its output goes to $T/NAME.log.
spawn() {
	log=$T/$1.log
	shift
	"$@" >"$log" 2>&1 &
	pids="$! $pids"
}
begin_mount() {
	case $BACKEND in
	local) spawn mount "$KUBEFS" -f --local="$T/store" "$@" "$M" ;;
	remote)
		spawn serve "$KUBEFS" serve --local="$T/store" --listen=127.0.0.1:0
		wait_for 20 grep -q '^kubefs: serving' "$T/serve.log" || return 1
		spawn mount "$KUBEFS" -f --kubeconfig="$T/store/kubeconfig" "$@" "$M"
		;;
	server) spawn mount "$KUBEFS" -f --kubeconfig="$KUBEFS_TEST_KUBECONFIG" "$@" "$M" ;;
	fake) spawn mount "$FAKEFS" ${FAKE_ARGS:-} -l "$T/requests" "$@" "$M" ;;
	*) echo "Bail out! unknown back end $BACKEND"; exit 99 ;;
	esac
	mount_pid=${pids%% *}
	wait_for 30 is_mounted
}
start_mount() {
	if ! begin_mount "$@"; then
		cat "$T"/*.log | sed 's/^/# /'
		echo "Bail out! the mount did not come up"
		exit 99
	fi
	NS=case-$$
	N=$M/namespaces/$NS
	mkdir "$N" || exit 99
}
# How many writes the cluster has been asked for; only the fake one counts.
requests() { wc -l <"$T/requests"; }
resource_version() { sed -n 's/^  resourceVersion: "\(.*\)"/\1/p' "$1"; }
finish() {
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
	exit
}
