bin_PROGRAMS += kubefs
kubefs_SOURCES = \
	src/cli/cmd_components.c \
	src/cli/cmd_mount.c \
	src/cli/cmd_serve.c \
	src/cli/cmd_store.c \
	src/cli/command.h \
	src/cli/contexts.c src/cli/contexts.h \
	src/cli/daemon.c src/cli/daemon.h \
	src/cli/kubelet.c src/cli/kubelet.h \
	src/cli/main.c \
	src/cli/mountpoint.c src/cli/mountpoint.h \
	src/cli/options.c src/cli/options.h \
	src/cli/program.c src/cli/program.h
kubefs_LDADD = libfs.a libserve.a libcontrollers.a libscheduler.a libnode.a $(LIBS_cache) \
	$(FUSE_LIBS) $(LWS_LIBS) $(ZLIB_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS)
