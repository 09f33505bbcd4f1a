noinst_LIBRARIES += libobject.a
libobject_a_SOURCES = \
	src/object/apply.c src/object/apply.h \
	src/object/apply_scale.c \
	src/object/base64.c src/object/base64.h \
	src/object/field_selector.c \
	src/object/fieldset.c src/object/fieldset.h \
	src/object/json.h \
	src/object/json_memory.c src/object/json_memory.h \
	src/object/json_path.c \
	src/object/json_read.c \
	src/object/json_write.c \
	src/object/jwt.c src/object/jwt.h \
	src/object/label.c src/object/label.h \
	src/object/managers.c src/object/managers.h \
	src/object/object.c src/object/object.h \
	src/object/patch.h \
	src/object/patch_json.c \
	src/object/patch_merge.c \
	src/object/patch_strategic.c \
	src/object/patch_three_way.c \
	src/object/pattern.c src/object/pattern.h \
	src/object/protobuf.c src/object/protobuf.h \
	src/object/quantities.c src/object/quantities.h \
	src/object/quantity.c src/object/quantity.h \
	src/object/schema.c src/object/schema.h \
	src/object/schema_custom.c \
	src/object/schema_present.c \
	src/object/schema_resources.h \
	src/object/schema_table.h \
	src/object/selector.c src/object/selector.h \
	src/object/status.c src/object/status.h \
	src/object/time.c src/object/time.h \
	src/object/typed.c src/object/typed.h \
	src/object/typed_check.c \
	src/object/unicode.c src/object/unicode.h \
	src/object/user.c src/object/user.h \
	src/object/x509.c src/object/x509.h \
	src/object/yaml.h \
	src/object/yaml_read.c \
	src/object/yaml_scalar.c src/object/yaml_scalar.h \
	src/object/yaml_write.c
nodist_libobject_a_SOURCES = src/object/schema_table.c

# The facts about Kubernetes' types, compiled in.
schema_sources = $(srcdir)/schema/types $(srcdir)/schema/defaults $(srcdir)/schema/present \
	$(srcdir)/schema/resources $(srcdir)/schema/protobuf
src/object/schema_table.c: $(schema_sources) $(srcdir)/tools/schema-compile
	$(AM_V_GEN)$(MKDIR_P) src/object && \
	$(PYTHON3) $(srcdir)/tools/schema-compile $(schema_sources) >$@.tmp && mv $@.tmp $@
BUILT_SOURCES += src/object/schema_table.c
CLEANFILES += src/object/schema_table.c src/object/schema_table.c.tmp
EXTRA_DIST += schema/README $(schema_sources) tools/schema-compile tools/schema-import \
	tools/schema-import-protobuf

check_PROGRAMS += tests/unit/object/test_base64
tests_unit_object_test_base64_SOURCES = tests/unit/object/test_base64.c
tests_unit_object_test_base64_LDADD = $(LIBS_object) $(CMOCKA_LIBS)
TESTS += tests/unit/object/test_base64

check_PROGRAMS += tests/unit/object/test_json
tests_unit_object_test_json_SOURCES = tests/unit/object/test_json.c
tests_unit_object_test_json_LDADD = $(LIBS_object) $(CMOCKA_LIBS)
TESTS += tests/unit/object/test_json
check_PROGRAMS += tests/unit/object/test_json_memory
tests_unit_object_test_json_memory_SOURCES = tests/unit/object/test_json_memory.c
tests_unit_object_test_json_memory_LDADD = $(LIBS_object) $(CMOCKA_LIBS)
TESTS += tests/unit/object/test_json_memory

check_PROGRAMS += tests/unit/object/test_jwt
tests_unit_object_test_jwt_SOURCES = tests/unit/object/test_jwt.c
tests_unit_object_test_jwt_LDADD = $(LIBS_object) $(CMOCKA_LIBS)
TESTS += tests/unit/object/test_jwt

check_PROGRAMS += tests/unit/object/test_protobuf
tests_unit_object_test_protobuf_SOURCES = tests/unit/object/test_protobuf.c
tests_unit_object_test_protobuf_LDADD = $(LIBS_object) $(CMOCKA_LIBS)
TESTS += tests/unit/object/test_protobuf

check_PROGRAMS += tests/unit/object/test_status
tests_unit_object_test_status_SOURCES = tests/unit/object/test_status.c
tests_unit_object_test_status_LDADD = $(LIBS_object) $(CMOCKA_LIBS)
TESTS += tests/unit/object/test_status

check_PROGRAMS += tests/unit/object/test_yaml
tests_unit_object_test_yaml_SOURCES = tests/unit/object/test_yaml.c
tests_unit_object_test_yaml_LDADD = $(LIBS_object) $(CMOCKA_LIBS)
TESTS += tests/unit/object/test_yaml
EXTRA_DIST += tests/vectors/generate.py tests/vectors/yaml.jsonl tests/vectors/yaml.expected

check_PROGRAMS += tests/unit/object/test_schema
tests_unit_object_test_schema_SOURCES = tests/unit/object/test_schema.c
tests_unit_object_test_schema_LDADD = $(LIBS_object) $(CMOCKA_LIBS)
TESTS += tests/unit/object/test_schema

check_PROGRAMS += tests/unit/object/test_quantity
tests_unit_object_test_quantity_SOURCES = tests/unit/object/test_quantity.c
tests_unit_object_test_quantity_LDADD = $(LIBS_object) $(CMOCKA_LIBS)
TESTS += tests/unit/object/test_quantity

check_PROGRAMS += tests/unit/object/test_selector
tests_unit_object_test_selector_SOURCES = tests/unit/object/test_selector.c
tests_unit_object_test_selector_LDADD = $(LIBS_object) $(CMOCKA_LIBS)
TESTS += tests/unit/object/test_selector

check_PROGRAMS += tests/unit/object/test_patch
tests_unit_object_test_patch_SOURCES = tests/unit/object/test_patch.c
tests_unit_object_test_patch_LDADD = $(LIBS_object) $(CMOCKA_LIBS)
TESTS += tests/unit/object/test_patch

check_PROGRAMS += tests/unit/object/test_pattern
tests_unit_object_test_pattern_SOURCES = tests/unit/object/test_pattern.c
tests_unit_object_test_pattern_LDADD = $(LIBS_object) $(CMOCKA_LIBS)
TESTS += tests/unit/object/test_pattern

check_PROGRAMS += tests/unit/object/test_apply
tests_unit_object_test_apply_SOURCES = tests/unit/object/test_apply.c
tests_unit_object_test_apply_LDADD = $(LIBS_object) $(CMOCKA_LIBS)
TESTS += tests/unit/object/test_apply
