noinst_LIBRARIES += libserve.a
libserve_a_SOURCES = \
	src/serve/access.c src/serve/access.h \
	src/serve/announce.c src/serve/announce.h \
	src/serve/audit.c src/serve/audit.h \
	src/serve/audit_body.c src/serve/audit_body.h \
	src/serve/audit_policy.c src/serve/audit_policy.h \
	src/serve/auth.c src/serve/auth.h \
	src/serve/bytes.h \
	src/serve/discovery.c src/serve/discovery.h \
	src/serve/exchange.c src/serve/exchange.h \
	src/serve/headers.c src/serve/headers.h \
	src/serve/http.c src/serve/http.h \
	src/serve/impersonate.c \
	src/serve/kubelet.c src/serve/kubelet.h \
	src/serve/list.c \
	src/serve/media.c src/serve/media.h \
	src/serve/metrics.c src/serve/metrics.h \
	src/serve/openapi.c src/serve/openapi.h src/serve/openapi_write.c \
	src/serve/openid.c src/serve/openid.h \
	src/serve/pki.c src/serve/pki.h \
	src/serve/pool.c src/serve/pool.h \
	src/serve/query.c src/serve/query.h \
	src/serve/receive.c \
	src/serve/render.c src/serve/render.h \
	src/serve/request.c src/serve/request.h \
	src/serve/resource.c src/serve/resource.h \
	src/serve/route.c \
	src/serve/send.c \
	src/serve/serve.c src/serve/serve.h src/serve/server.h \
	src/serve/target.c src/serve/target.h \
	src/serve/watch.c \
	src/serve/writer.c src/serve/writer.h

check_PROGRAMS += tests/unit/serve/test_serve_parts
tests_unit_serve_test_serve_parts_SOURCES = tests/unit/serve/test_serve_parts.c
tests_unit_serve_test_serve_parts_LDADD = $(LIBS_serve) $(CMOCKA_LIBS)
TESTS += tests/unit/serve/test_serve_parts

check_PROGRAMS += tests/unit/serve/test_serve
tests_unit_serve_test_serve_SOURCES = tests/unit/serve/test_serve.c
tests_unit_serve_test_serve_LDADD = $(LIBS_serve) $(CMOCKA_LIBS)
TESTS += tests/unit/serve/test_serve
