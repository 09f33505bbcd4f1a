noinst_LIBRARIES += libobject.a
libobject_a_SOURCES =
