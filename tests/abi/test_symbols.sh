#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the libraries export is the list in symbols.txt, no more and no less.
set -u
export LC_ALL=C

list=$CAISSON_SOURCE_ROOT/tests/abi/symbols.txt
lib=$CAISSON_BUILD_ROOT/src
if [ "$CAISSON_SANITIZE" = 1 ]; then
	echo "skip exported_symbols: a sanitizer adds names of its own"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rc=0

# check CASE FILE: does FILE equal the list?
check()
{
	if diff -u "$list" "$2"; then
		echo "ok $1"
	else
		echo "not ok $1"
		echo "# A change on purpose: make symbols, and say so in the commit."
		rc=1
	fi
}

# A is the version's own name.
nm -D --defined-only --with-symbol-versions "$lib/libcaisson.so" |
	awk '$2 != "A" { print $NF }' >"$work/versions"
sed 's/@.*//' "$work/versions" | sort >"$work/so"
nm --defined-only --extern-only "$lib/libcaisson.a" |
	awk 'NF == 3 { print $NF }' | sort >"$work/a"
check shared_library_exports_the_list "$work/so"
check static_library_exports_the_list "$work/a"

if grep -v '@@CAISSON_[0-9]*$' "$work/versions"; then
	echo "# exported without a version"
	echo "not ok every_symbol_has_a_version"
	rc=1
else
	echo "ok every_symbol_has_a_version"
fi

# Every name that a public header marks as part of the interface is there.
cat "$CAISSON_SOURCE_ROOT"/include/caisson/*.h | tr '\n' ' ' |
	grep -o 'CSN_API [^;{(]*(' | grep -o 'csn_[a-z0-9_]*($' | tr -d '(' |
	sort -u >"$work/declared"
if comm -23 "$work/declared" "$work/so" | grep .; then
	echo "# declared with CSN_API, but not in the library"
	echo "not ok every_declared_function_exists"
	rc=1
else
	echo "ok every_declared_function_exists"
fi
exit $rc
