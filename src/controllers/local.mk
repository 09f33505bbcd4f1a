noinst_LIBRARIES += libcontrollers.a
libcontrollers_a_SOURCES =
