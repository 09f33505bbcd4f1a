examples = \
	contrib/examples/alert \
	contrib/examples/backup \
	contrib/examples/blue-green \
	contrib/examples/canary \
	contrib/examples/crashloops \
	contrib/examples/gitops \
	contrib/examples/migration-operator \
	contrib/examples/relabel \
	contrib/examples/restore

EXTRA_DIST += contrib/quickstart contrib/examples/shop/app.yaml $(examples)
