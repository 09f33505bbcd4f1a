noinst_LIBRARIES += libhttp.a
libhttp_a_SOURCES = \
	src/http/feed.c src/http/feed.h \
	src/http/header.c \
	src/http/http.c src/http/http.h src/http/http_private.h \
	src/http/request.c \
	src/http/stream.c

check_PROGRAMS += tests/unit/http/test_header
tests_unit_http_test_header_SOURCES = tests/unit/http/test_header.c
tests_unit_http_test_header_LDADD = $(LIBS_http) $(CMOCKA_LIBS)
TESTS += tests/unit/http/test_header
