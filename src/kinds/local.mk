noinst_LIBRARIES += libkinds.a
libkinds_a_SOURCES =
