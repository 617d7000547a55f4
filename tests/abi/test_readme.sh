#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# README's C, as it stands there, in a program: no compiler has a warning for
# it, and what it seals opens.
set -u

if [ "$CAISSON_SANITIZE" = 1 ]; then
	echo "skip readme: a user's program is not linked with a sanitizer"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
. "$CAISSON_SOURCE_ROOT/tests/lib/result.sh"

# What stands between the lines ```c and ```.
awk '/^```/ { inside = /^```c$/; next } inside' \
    "$CAISSON_SOURCE_ROOT/README.md" >"$work/snippet"
{
	grep '^#include' "$work/snippet"
	cat <<'EOF'
#include <stdlib.h>
#include <string.h>

int
main(void)
{
	static uint8_t k[64] = { 1 }, v[64] = { 2 }, out[4096];
	size_t k_len = sizeof(k), v_len = sizeof(v);

EOF
	grep -v '^#include' "$work/snippet" | sed 's|^.|\t&|'
	cat <<'EOF'
	memset(k, 0, sizeof(k));
	memset(v, 0, sizeof(v));
	if (csn_manager_open(mgr, &item) != 0 || k[0] != 1 || v[0] != 2)
		return EXIT_FAILURE;
	csn_manager_free(mgr);
	csn_ctx_free(ctx);
	return EXIT_SUCCESS;
}
EOF
} >"$work/app.c"

lib=$CAISSON_BUILD_ROOT/src
for compiler in cc gcc clang; do
	command -v $compiler >/dev/null 2>&1 || continue
	rm -f "$work/app"
	$compiler -std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow \
	    -Werror -I"$CAISSON_SOURCE_ROOT/include" \
	    -I"$CAISSON_BUILD_ROOT/include" "$work/app.c" \
	    -L"$lib" -lcaisson -o "$work/app" >"$work/log" 2>&1
	result $? readme_compiles_without_a_warning_by_$compiler
done
LD_LIBRARY_PATH=$lib "$work/app" >"$work/log" 2>&1
result $? what_readme_seals_opens
exit $rc
