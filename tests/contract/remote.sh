#!/bin/sh
# The contract suite on a remote cluster: this program's own endpoint over an empty store.
dir=$(mktemp -d) || exit 99
"$top_builddir/kubefs" serve --local="$dir/store" --listen=127.0.0.1:0 --bare \
	>"$dir/out" 2>"$dir/err" &
server=$!
trap 'kill $server 2>/dev/null; wait $server; rm -rf "$dir"' EXIT
# It says where it listens once it does; its end without a word is a failure.
until grep -q 'serving at' "$dir/out"; do
	kill -0 $server 2>/dev/null || {
		echo 'Bail out! the endpoint did not start'
		sed 's/^/# /' "$dir/err"
		exit 1
	}
	sleep 0.1
done
KUBECONFIG=$(sed -n 's/.*kubeconfig //p' "$dir/out")
export KUBECONFIG
"$top_builddir/tests/contract/test_cluster" remote:
status=$?
# The server's own end is part of it.
kill $server && wait $server || { sed 's/^/# /' "$dir/err"; status=1; }
trap 'rm -rf "$dir"' EXIT
exit $status
