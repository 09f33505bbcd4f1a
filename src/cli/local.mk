bin_PROGRAMS += kubefs
kubefs_SOURCES = src/cli/main.c
kubefs_LDADD = libfs.a libserve.a libcontrollers.a libscheduler.a libnode.a $(LIBS_cache) \
	$(FUSE_LIBS) $(LWS_LIBS) $(ZLIB_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS)
