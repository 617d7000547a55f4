#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The headers are C++ as well, and const bytes are sealed from it.
set -u

if [ "$CAISSON_SANITIZE" = 1 ]; then
	echo "skip cplusplus: a sanitizer's library wants a sanitizer's program"
	exit 0
fi
if ! command -v g++ >/dev/null; then
	echo "skip cplusplus: there is no C++ compiler"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$CAISSON_SOURCE_ROOT/tests/abi/const_buffer.c" "$work/const_buffer.cc"
for how in "cc -std=c11 const_buffer.c" "g++ -std=c++11 const_buffer.cc" \
    "g++ -std=c++20 const_buffer.cc"; do
	read -r compiler standard file <<<"$how"
	from=$work/$file
	[ "$file" = const_buffer.c ] &&
	    from=$CAISSON_SOURCE_ROOT/tests/abi/const_buffer.c
	if "$compiler" "$standard" -Wall -Wextra -Wcast-qual -Werror \
	    -I"$CAISSON_SOURCE_ROOT/include" \
	    -I"$CAISSON_BUILD_ROOT/include" "$from" \
	    -L"$CAISSON_BUILD_ROOT/src" -lcaisson \
	    -Wl,-rpath,"$CAISSON_BUILD_ROOT/src" -o "$work/run" \
	    >"$work/log" 2>&1 && "$work/run"; then
		echo "ok const_bytes_are_sealed_with_$standard"
	else
		sed 's/^/# /' "$work/log"
		echo "not ok const_bytes_are_sealed_with_$standard"
		failed=1
	fi
done
exit "${failed:-0}"
