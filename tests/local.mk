dist_check_SCRIPTS += tests/check-layers.sh tests/check-headers.sh
TESTS += tests/check-layers.sh tests/check-headers.sh
