#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A checkout that was copied or moved together with its build folder builds
# into itself: Meson writes full paths.
set -u

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
. "$CAISSON_SOURCE_ROOT/tests/lib/result.sh"

cd "$CAISSON_SOURCE_ROOT" || exit 1
if ! tools/deps --print-prefix >/dev/null; then
	echo "skip moved: tools/deps has built no OpenSSL here"
	exit 0
fi
unset CAISSON_WERROR CAISSON_CHECK
mkdir -p "$work/old/docs"
cp -R meson.build meson_options.txt include src serve cli data fuzz tools \
    "$work/old"
cp -R docs/man "$work/old/docs"

configure()
{
	tools/configure build -Dtests=false -Dbench=false -Dexamples=false \
	    >"$work/log" 2>&1
}

# Does the build folder here name FOLDER anywhere?
names()
{
	grep -qF "$1/" build/build.ninja build/compile_commands.json
}

cd "$work/old" && configure && names "$work/old"
result $? a_new_checkout_is_configured
configure && ! grep -q . "$work/log"
result $? nothing_is_made_anew_where_it_stands
meson configure build -Dlmdb=disabled >"$work/log" 2>&1

cp -R "$work/old" "$work/copy"
cd "$work/copy" && configure && ! names "$work/old" && names "$work/copy"
result $? a_copied_checkout_builds_nothing_of_the_old_one
grep -q 'another folder' "$work/log"
result $? and_says_so

mv "$work/copy" "$work/moved"
cd "$work/moved" && configure && ! names "$work/copy" && names "$work/moved"
result $? a_moved_checkout_builds_where_it_is
meson introspect --buildoptions build | python3 -c '
import json, sys
v = {o["name"]: o["value"] for o in json.load(sys.stdin)}
sys.exit(v["lmdb"] != "disabled" or v["tests"])'
result $? options_that_were_given_are_kept
exit $rc
