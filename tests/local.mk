dist_check_SCRIPTS += tests/check-layers.sh tests/check-headers.sh tests/check-symbols.sh
TESTS += tests/check-layers.sh tests/check-headers.sh tests/check-symbols.sh
