#!/bin/sh
# The contract suite on the fake cluster.
exec "$top_builddir/tests/contract/test_cluster" fake
