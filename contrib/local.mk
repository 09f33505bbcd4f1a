dist_doc_DATA = README.md

examplesdir = $(docdir)/examples
dist_examples_SCRIPTS = \
	contrib/examples/alert \
	contrib/examples/backup \
	contrib/examples/blue-green \
	contrib/examples/canary \
	contrib/examples/crashloops \
	contrib/examples/gitops \
	contrib/examples/migration-operator \
	contrib/examples/relabel \
	contrib/examples/restore
shopdir = $(examplesdir)/shop
dist_shop_DATA = contrib/examples/shop/app.yaml

# Below any prefix that systemd and bash-completion look in: /usr and /usr/local.
completionsdir = $(datadir)/bash-completion/completions
dist_completions_DATA = contrib/completion/kubefs
systemunitdir = $(prefix)/lib/systemd/system
nodist_systemunit_DATA = contrib/systemd/kubefs-serve.service
userunitdir = $(prefix)/lib/systemd/user
nodist_userunit_DATA = contrib/systemd/kubefs.service

units = $(nodist_systemunit_DATA) $(nodist_userunit_DATA)
$(units): Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(SED) 's|@bindir[@]|$(bindir)|' $(top_srcdir)/$@.in >$@
contrib/systemd/kubefs-serve.service: contrib/systemd/kubefs-serve.service.in
contrib/systemd/kubefs.service: contrib/systemd/kubefs.service.in
CLEANFILES += $(units)

EXTRA_DIST += contrib/quickstart \
	contrib/systemd/kubefs-serve.service.in contrib/systemd/kubefs.service.in
