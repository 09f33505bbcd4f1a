# One target a parser: tests/fuzz/fuzz_NAME.c, its seeds in tests/fuzz/seeds/NAME. Every build
# replays the seeds; a build with --enable-fuzzing (clang) has the libFuzzer programs too.
# Those that run longest come first.
fuzz_names = json patch yaml cel credential headers http jsonpath protobuf selector
EXTRA_DIST += tests/fuzz/seeds

check_PROGRAMS += tests/fuzz/replay_cel tests/fuzz/replay_credential tests/fuzz/replay_headers \
	tests/fuzz/replay_http tests/fuzz/replay_json tests/fuzz/replay_jsonpath \
	tests/fuzz/replay_patch \
	tests/fuzz/replay_protobuf \
	tests/fuzz/replay_selector tests/fuzz/replay_yaml
TESTS += tests/fuzz/replay_cel tests/fuzz/replay_credential tests/fuzz/replay_headers \
	tests/fuzz/replay_http tests/fuzz/replay_json tests/fuzz/replay_jsonpath \
	tests/fuzz/replay_patch \
	tests/fuzz/replay_protobuf \
	tests/fuzz/replay_selector tests/fuzz/replay_yaml
tests_fuzz_replay_cel_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_cel.c tests/fuzz/fuzz.h
tests_fuzz_replay_cel_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_replay_cel_LDADD = $(LIBS_cel)
tests_fuzz_replay_credential_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_credential.c \
	tests/fuzz/fuzz.h
tests_fuzz_replay_credential_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_replay_credential_LDADD = $(LIBS_kinds)
tests_fuzz_replay_headers_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_headers.c tests/fuzz/fuzz.h
tests_fuzz_replay_headers_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_replay_headers_LDADD = $(LIBS_serve)
tests_fuzz_replay_http_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_http.c tests/fuzz/fuzz.h
tests_fuzz_replay_http_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_replay_http_LDADD = $(LIBS_serve)
tests_fuzz_replay_jsonpath_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_jsonpath.c tests/fuzz/fuzz.h
tests_fuzz_replay_jsonpath_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_replay_jsonpath_LDADD = $(LIBS_object)
tests_fuzz_replay_json_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_json.c tests/fuzz/fuzz.h
tests_fuzz_replay_json_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_replay_json_LDADD = $(LIBS_object)
tests_fuzz_replay_yaml_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_yaml.c tests/fuzz/fuzz.h
tests_fuzz_replay_yaml_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_replay_yaml_LDADD = $(LIBS_object)
tests_fuzz_replay_patch_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_patch.c tests/fuzz/fuzz.h
tests_fuzz_replay_patch_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_replay_patch_LDADD = $(LIBS_object)
tests_fuzz_replay_protobuf_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_protobuf.c tests/fuzz/fuzz.h
tests_fuzz_replay_protobuf_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_replay_protobuf_LDADD = $(LIBS_object)
tests_fuzz_replay_selector_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_selector.c tests/fuzz/fuzz.h
tests_fuzz_replay_selector_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_replay_selector_LDADD = $(LIBS_object)

if FUZZING
noinst_PROGRAMS += tests/fuzz/fuzz_cel tests/fuzz/fuzz_credential tests/fuzz/fuzz_headers \
	tests/fuzz/fuzz_http tests/fuzz/fuzz_json tests/fuzz/fuzz_jsonpath \
	tests/fuzz/fuzz_patch \
	tests/fuzz/fuzz_protobuf \
	tests/fuzz/fuzz_selector tests/fuzz/fuzz_yaml
tests_fuzz_fuzz_headers_SOURCES = tests/fuzz/fuzz_headers.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_headers_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_fuzz_headers_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_headers_LDADD = $(LIBS_serve)
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_http_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_fuzz_http_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_http_LDADD = $(LIBS_serve)
tests_fuzz_fuzz_jsonpath_SOURCES = tests/fuzz/fuzz_jsonpath.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_jsonpath_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_fuzz_jsonpath_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_jsonpath_LDADD = $(LIBS_object)
tests_fuzz_fuzz_protobuf_SOURCES = tests/fuzz/fuzz_protobuf.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_protobuf_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_fuzz_protobuf_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_protobuf_LDADD = $(LIBS_object)
tests_fuzz_fuzz_cel_SOURCES = tests/fuzz/fuzz_cel.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_cel_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_fuzz_cel_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_cel_LDADD = $(LIBS_cel)
tests_fuzz_fuzz_credential_SOURCES = tests/fuzz/fuzz_credential.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_credential_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_fuzz_credential_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_credential_LDADD = $(LIBS_kinds)
tests_fuzz_fuzz_patch_SOURCES = tests/fuzz/fuzz_patch.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_patch_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_fuzz_patch_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_patch_LDADD = $(LIBS_object)
tests_fuzz_fuzz_selector_SOURCES = tests/fuzz/fuzz_selector.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_selector_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_fuzz_selector_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_selector_LDADD = $(LIBS_object)
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_json_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_fuzz_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_json_LDADD = $(LIBS_object)
tests_fuzz_fuzz_yaml_SOURCES = tests/fuzz/fuzz_yaml.c tests/fuzz/fuzz.h
tests_fuzz_fuzz_yaml_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -UNDEBUG
tests_fuzz_fuzz_yaml_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_yaml_LDADD = $(LIBS_object)

FUZZ_SECONDS = 60
# Of those that no byte of a user's manifest reaches first.
FUZZ_OTHER_SECONDS = $(FUZZ_SECONDS)
fuzz_seconds = $(if $(filter yaml json patch,$*),$(FUZZ_SECONDS),$(FUZZ_OTHER_SECONDS))
# 0: another sequence each time. CI gives one, so that what it finds is of the change.
FUZZ_SEED = 0

fuzzers: $(fuzz_names:%=tests/fuzz/fuzz_%)
fuzz: $(fuzz_names:%=fuzz-%)
$(fuzz_names:%=fuzz-%): fuzz-%: tests/fuzz/fuzz_%
	@mkdir -p tests/fuzz/corpus/$*
	@if tests/fuzz/fuzz_$* -max_total_time=$(fuzz_seconds) -seed=$(FUZZ_SEED) -max_len=4096 \
		-timeout=10 \
		-artifact_prefix=tests/fuzz/$*- tests/fuzz/corpus/$* $(srcdir)/tests/fuzz/seeds/$* \
		>tests/fuzz/$*.out 2>&1; then \
		echo "PASS: fuzz $*, $(fuzz_seconds) s"; \
	else \
		tail -40 tests/fuzz/$*.out; echo "FAIL: fuzz $*"; exit 1; \
	fi
endif
.PHONY: fuzzers fuzz
