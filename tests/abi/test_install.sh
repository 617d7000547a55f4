#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `make install` puts in place is enough to build against, shared and
# static, and holds nothing that leads back into the source or build tree.
set -u

if [ "$CAISSON_SANITIZE" = 1 ]; then
	echo "skip install: a build with a sanitizer is never installed"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$CAISSON_SOURCE_ROOT/tests/lib/result.sh"

meson install -C "$CAISSON_BUILD_ROOT" --no-rebuild --destdir "$work/dest" \
    >"$work/log" 2>&1
status=$?
result $status destdir_install
if [ $status != 0 ]; then
	tail -n 20 "$work/log"
	exit 1
fi

# What is made at build lies where shells and man look for it.
share=$(dirname "$(find "$work/dest" -name site-functions)")/..
missing=
for file in bash-completion/completions/caisson zsh/site-functions/_caisson \
    fish/vendor_completions.d/caisson.fish man/man1/caisson.1 \
    man/man1/caisson-file.1 man/man3/libcaisson.3; do
	[ -s "$share/$file" ] || missing="$missing $file"
done
[ -z "$missing" ]
result $? "completions_and_manual$missing"

pc=$(find "$work/dest" -name caisson.pc)
libdir=$(dirname "$(dirname "$pc")")
prefix=$(sed -n 's/^prefix=//p' "$pc")
flags()
{
	PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config \
	    --define-variable=prefix="$work/dest$prefix" "$@" caisson
}

cat >"$work/user.c" <<'EOF'
#include <caisson/caisson.h>
#ifdef CAISSON_ADVANCED_H
#error caisson.h includes advanced.h
#endif
#include <caisson/advanced.h>

#include <stdio.h>

int
main(void)
{
	struct csn_ctx *ctx;
	uint8_t hash[CSN_HASH_SIZE];

	if (csn_ctx_new(NULL, &ctx) != 0)
		return 1;
	if (csn_sha3_256(ctx, "", 0, hash) != 0 || hash[0] != 0xa7)
		return 1;
	if (csn_hkdf(ctx, CSN_HKDF_SHA3_256, NULL, 0, hash, sizeof(hash),
	    NULL, 0, hash, sizeof(hash)) != 0)
		return 1;
	csn_ctx_free(ctx);
	puts(csn_version());
	return 0;
}
EOF

version=$(flags --modversion)
# shellcheck disable=SC2046
cc -o "$work/shared" "$work/user.c" $(flags --cflags --libs) &&
    ldd "$work/shared" | grep -q 'libcaisson\.so\.0' &&
    [ "$(LD_LIBRARY_PATH=$libdir "$work/shared")" = "$version" ]
result $? shared_by_pkg_config

# shellcheck disable=SC2046
cc -o "$work/static" "$work/user.c" $(flags --cflags) \
    $(flags --static --libs | sed 's/-lcaisson/-l:libcaisson.a/') &&
    ! ldd "$work/static" | grep -q libcaisson &&
    [ "$("$work/static")" = "$version" ]
result $? static_by_pkg_config

# With -static all comes from archives, the C library too. Debian does not
# ship every library as one.
absent=
for flag in $(flags --static --libs-only-l); do
	file=$(cc -print-file-name="lib${flag#-l}.a")
	[ "$flag" = -lcaisson ] || [ -f "$file" ] || absent="$absent $file"
done
if [ -n "$absent" ]; then
	echo "skip wholly_static_by_pkg_config: not on this system:$absent"
else
	# shellcheck disable=SC2046
	cc -static -o "$work/whole" "$work/user.c" \
	    $(flags --static --cflags --libs) 2>"$work/log" &&
	    ! readelf -d "$work/whole" | grep -q NEEDED &&
	    [ "$("$work/whole")" = "$version" ]
	status=$?
	result $status wholly_static_by_pkg_config
	[ $status = 0 ] || cat "$work/log"
fi

program=$work/dest$prefix/bin/caisson
[ -x "$program" ] && "$program" version >"$work/out" &&
    grep -q "$version" "$work/out"
result $? installed_program_runs

! ldd "$libdir/libcaisson.so" | grep -q 'lib\(crypto\|ssl\)\.so' ||
    [ "$CAISSON_OPENSSL_PRIVATE" = 0 ]
result $? no_second_openssl_is_loaded

# A checkout at /caisson is no part of include/caisson or ${includedir}/caisson.
! grep -rlI -e "[^[:alnum:]_.}-]$CAISSON_SOURCE_ROOT/" \
    -e "[^[:alnum:]_.}-]$CAISSON_BUILD_ROOT/" "$work/dest" &&
    ! readelf -d "$libdir/libcaisson.so" "$program" | grep -Ei 'r(un)?path'
result $? no_path_of_the_build_is_left
exit $rc
