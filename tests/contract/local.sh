#!/bin/sh
# The contract suite on the local cluster.
exec "$top_builddir/tests/contract/test_cluster" local
