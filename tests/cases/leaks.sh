#!/bin/bash
# A mount, used and unmounted, under valgrind: no leak, no read or write of what is not its own. In
# a build with a sanitizer that one watches instead: valgrind cannot run it.
. "${top_srcdir:-.}/tests/cases/lib.sh"
[ $BACKEND != server ] || bail "a server's own process is not this case's to watch"

watched=("$KUBEFS")
if [ $FACTOR = 1 ]; then
	FACTOR=12
	watched=(valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect
		--errors-for-leak-kinds=definite,indirect --error-exitcode=66 "$KUBEFS")
fi
find_tools
kubeconfig=$T/store/kubeconfig
if [ $BACKEND = local ]; then
	give_key
	mount_with "${watched[@]}" -f --local="$T/store" --listen=127.0.0.1:0 --store-size=256M
else
	start_serve
	mount_with "${watched[@]}" -f --kubeconfig="$kubeconfig"
fi

ok "the example gets ready" start_example
ok "everything is read" eval 'ls -lR "$M" >list && grep -r . "$M/namespaces/production" >all'
ok "a template, a log, events, a table" eval 'cat "$P"/deployments/api-server.{yaml,json} "$P"/events.log \
	"$P"/logs/*/*.log >/dev/null'
ok "an edit" sed -i 's/v1.2.3/v1.2.4/' "$P/deployments/api-server.yaml"
ok "an apply of many" cp "$SEED/04-crd-migrations.yaml" "$M/apply"
ok "a kind of its own" wait_for 10 test -d "$P/migrations.db.company.com"
ok "an object of it" eval "echo 'spec: {database: users, version: \"3\"}' |
	put '$P/migrations.db.company.com/m1.yaml'"
ok "a refusal" errno EINVAL eval "echo 'spec: {database: 7}' | put '$P/migrations.db.company.com/m2.yaml'"
ok "is told" grep -q spec.database "$M/errors.log"
ok "a text that does not parse" errno EINVAL eval "echo 'a: [' | put '$P/secrets/x.yaml'"
ok "a secret is copied" cp "$P/secrets/db-secret.yaml" "$T/secret.yaml"
ok "a deletion" rm "$P/secrets/db-secret.yaml"
# What belongs to a deployment may go before rm comes to it.
ok "the whole namespace goes" rm -rf "$P"
ok "and is gone" wait_for 20 not test -e "$P"
ok "nothing was lost or read beyond its end" end_mount
! [ -s mount.log ] || diag "$(tail -n 60 mount.log)"
finish
