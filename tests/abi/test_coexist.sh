#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Caisson's private OpenSSL and the system's older one in the same process:
# each caller gets its own.
set -u

cases='static_beside_system_shared static_beside_system_static
    shared_beside_system_shared'
lib=$CAISSON_BUILD_ROOT/src
unset PKG_CONFIG_PATH

skip_all()
{
	local name
	for name in $cases; do
		echo "skip $name: $1"
	done
	exit 0
}

[ "$CAISSON_SANITIZE" = 0 ] ||
	skip_all "no static library is made under a sanitizer"
[ "$CAISSON_OPENSSL_PRIVATE" = 1 ] ||
	skip_all "Caisson uses this system's own OpenSSL"
system=$(pkg-config --modversion libcrypto 2>/dev/null) ||
	skip_all "this system has no OpenSSL to link beside ours (libssl-dev)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rc=0

# What the static library needs besides is what its pkg-config file says.
needs=$(PKG_CONFIG_PATH=$CAISSON_BUILD_ROOT/meson-private \
    pkg-config --print-requires-private caisson | awk '{ print $1 }' |
    grep -v '^libcrypto$')

# beside CASE LIBRARIES...: link the program with LIBRARIES, and run it.
beside()
{
	local name=$1 say
	shift
	# shellcheck disable=SC2046,SC2086
	if cc -o "$work/$name" -I"$CAISSON_SOURCE_ROOT/include" \
	    -I"$CAISSON_BUILD_ROOT/include" \
	    "$CAISSON_SOURCE_ROOT/tests/abi/coexist.c" "$@" \
	    $(pkg-config --libs $needs) -ldl -pthread &&
	    say=$(LD_LIBRARY_PATH=$lib "$work/$name") &&
	    printf '%s\n' "$say" | sed 's/^/# /' &&
	    printf '%s\n' "$say" | grep -q "^system OpenSSL $system " &&
	    printf '%s\n' "$say" | grep '^info' |
	    grep -Eq '[^0-9](3\.([5-9]|[1-9][0-9])|[4-9])\.[0-9]'; then
		echo "ok $name"
	else
		echo "not ok $name"
		rc=1
	fi
}

# The system's library comes first and last: order must not matter.
beside static_beside_system_shared -lcrypto "$lib/libcaisson.a" -lcrypto
beside shared_beside_system_shared -lcrypto "$lib/libcaisson.so"
archive=$(pkg-config --variable=libdir libcrypto)/libcrypto.a
if [ -f "$archive" ]; then
	beside static_beside_system_static "$lib/libcaisson.a" "$archive" \
	    "$lib/libcaisson.a"
else
	echo "skip static_beside_system_static: the system has no libcrypto.a"
fi
exit $rc
