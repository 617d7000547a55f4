#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What tools/deps says to who may not install, and of an old OpenSSL; on a
# machine of the test's own making: a PATH of stand-ins.
set -u

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/out
. "$CAISSON_SOURCE_ROOT/tests/lib/result.sh"

mkdir "$work/bin" "$work/deps"
for name in awk bash cat cut dirname env flock grep head mktemp printf rm \
    sed sha256sum sort tail tr uname; do
	ln -s "$(command -v $name)" "$work/bin/$name"
done
stub()
{
	printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/$1"
	chmod +x "$work/bin/$1"
}
for name in cc make g++ meson ninja python3 apt-get dpkg-source perl; do
	stub $name 'exit 0'
done
stub id 'echo 1000'
stub sudo 'exit 1'
# Every library is there but $ABSENT, and the system's OpenSSL is old.
# shellcheck disable=SC2016
stub pkg-config 'case "$*" in
--atleast-version*|*"${ABSENT:-nothing}"*) exit 1 ;;
--modversion*) echo 3.0.15 ;;
esac'
# shellcheck disable=SC2016
stub dpkg '[ "$1" = --compare-versions ] &&
    [ "$(printf "%s\n" "$2" "$4" | sort -V | head -n 1)" = "$2" ] &&
    [ "$2" != "$4" ]'

deps()
{
	env -i PATH="$work/bin" HOME="$work" CAISSON_DEPS="$work/deps" \
	    ABSENT="${absent:-}" "$CAISSON_SOURCE_ROOT/tools/deps" "$@" \
	    >"$work/out" 2>&1 </dev/null
}

# A private OpenSSL 3.5.6, built to the end.
recipe=$(bash -c "$(sed -n '/^options=/,/^recipe=/p' \
    "$CAISSON_SOURCE_ROOT/tools/deps"); echo \"\$recipe\"")
prefix=$work/deps/openssl-3.5.6-1-$(uname -m)
mkdir -p "$prefix/bin"
echo "$recipe" >"$prefix/.complete"
printf '#!/bin/sh\necho OpenSSL 3.5.6 7 Apr 2026\n' >"$prefix/bin/openssl"
chmod +x "$prefix/bin/openssl"

absent=jansson
deps
[ $? = 3 ] && grep -qx \
    '  sudo apt-get install -y --no-install-recommends libjansson-dev' \
    "$work/out"
result $? who_has_no_root_is_told_one_line_to_paste
rm "$work/bin/sudo"
deps
[ $? = 3 ] && grep -qx \
    "  su -c 'apt-get install -y --no-install-recommends libjansson-dev'" \
    "$work/out"
result $? who_has_no_sudo_is_told_another

absent=
deps --tests && grep -q 'are skipped: .*redis-server.*qemu-system-x86' \
    "$work/out" && grep -q 'install-recommends .*redis-server' "$work/out"
result $? what_tests_alone_start_may_be_missing
deps && ! grep -q redis-server "$work/out" && ! grep -q OLDER "$work/out"
result $? the_build_asks_for_no_server

echo 3.5.6-1~deb13u1 3.5.6-1~deb13u2 >"$prefix/.newest"
deps && grep -q 'OLDER than the newest of the distribution, 3.5.6-1~deb13u2' "$work/out"
result $? an_openssl_older_than_the_newest_is_said_to_be
echo 3.5.6-1~deb13u2 3.5.6-1~deb13u2 >"$prefix/.newest"
deps && ! grep -q OLDER "$work/out"
result $? the_newest_is_not
exit $rc
