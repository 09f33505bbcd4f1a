noinst_LIBRARIES += libcel.a
libcel_a_SOURCES = \
	src/cel/cel.h \
	src/cel/check.c src/cel/check.h \
	src/cel/convert.c src/cel/convert.h \
	src/cel/cost.c \
	src/cel/eval.c \
	src/cel/format.c src/cel/format.h \
	src/cel/function.c src/cel/function.h \
	src/cel/lex.c \
	src/cel/lib_authorizer.c \
	src/cel/lib_kubernetes.c \
	src/cel/lib_lists.c \
	src/cel/lib_net.c \
	src/cel/lib_optional.c \
	src/cel/lib_patch.c \
	src/cel/lib_regex.c \
	src/cel/lib_standard.c \
	src/cel/lib_strings.c \
	src/cel/lib_time.c \
	src/cel/net.c \
	src/cel/parse.c \
	src/cel/syntax.h \
	src/cel/type.c \
	src/cel/value.c src/cel/value.h

check_PROGRAMS += tests/unit/cel/test_cel
tests_unit_cel_test_cel_SOURCES = tests/unit/cel/test_cel.c
tests_unit_cel_test_cel_LDADD = $(LIBS_cel) $(CMOCKA_LIBS)
TESTS += tests/unit/cel/test_cel
