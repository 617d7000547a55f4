#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A bit that is flipped in a live process is named within an interval.
set -u

name=a_flipped_bit_of_a_live_process_is_named_by_region_and_leaf
build=$CAISSON_BUILD_ROOT
if [ ! -x "$build/examples/attest_live" ]; then
	echo "skip $name: the examples are not built"
elif "$CAISSON_SOURCE_ROOT/tools/demo-attest" "$build"; then
	echo "ok $name"
else
	echo "not ok $name"
	exit 1
fi
