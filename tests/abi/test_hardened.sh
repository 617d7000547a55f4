#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How the built files are linked and compiled: what is bound when, what may be
# written to, where indirect jumps may land.
set -u
export LC_ALL=C

lib=$CAISSON_BUILD_ROOT/src
. "$CAISSON_SOURCE_ROOT/tests/lib/result.sh"

# all CHECK: does CHECK FILE hold for the library and the program?
all()
{
	local file
	for file in "$lib/libcaisson.so" "$CAISSON_PROGRAM"; do
		if ! "$1" "$file"; then
			echo "# not $file"
			return 1
		fi
	done
}

now() { readelf -dW "$1" | grep -q BIND_NOW; }
relro()
{
	readelf -lW "$1" | grep -q GNU_RELRO &&
	    ! readelf -lW "$1" | grep 'GNU_STACK' | grep -q E
}
no_text_relocations() { ! readelf -dW "$1" | grep -q TEXTREL; }

# The functions that a call through the PLT reaches. What libc's static part
# calls itself (atexit, fork handlers) was not compiled here.
plt()
{
	readelf -rW "$1" | awk '/JUMP_SLO/ { print $5 }' |
		sed 's/@.*//' |
		grep -vx '__cxa_atexit\|__cxa_at_quick_exit\|__register_atfork\|__stack_chk_fail_local'
}

all now
result $? everything_is_bound_when_loaded
all relro
result $? what_was_relocated_and_the_stack_cannot_be_misused
all no_text_relocations
result $? no_code_is_relocated

if [ "$CAISSON_SANITIZE" = 1 ]; then
	for name in the_library_calls_through_no_plt indirect_jumps_have_marks; do
		echo "skip $name: a sanitizer brings code of its own"
	done
	exit $rc
fi
if plt "$lib/libcaisson.so" | grep .; then
	result 1 the_library_calls_through_no_plt
else
	result 0 the_library_calls_through_no_plt
fi

# marks FILE: has each of its objects the note? (The linker puts it into the
# library where the C library's own startup files have it, too.)
case $(uname -m) in
x86_64) mark='IBT, SHSTK' ;;
aarch64) mark='BTI, PAC' ;;
*) mark= ;;
esac
marks()
{
	readelf -nW "$1" 2>/dev/null | awk -v mark="$mark" '
		/^File:/ { all++ }
		index($0, mark) { with++ }
		END { if (all == 0) all = 1; exit !(with >= all) }'
}
if [ -z "$mark" ]; then
	echo "skip indirect_jumps_have_marks: not on $(uname -m)"
elif ! printf 'int f(void){return 0;}' | cc -x c -S -o - \
    "$([ "$mark" = 'IBT, SHSTK' ] && echo -fcf-protection ||
    echo -mbranch-protection=standard)" - >/dev/null 2>&1; then
	echo "skip indirect_jumps_have_marks: this compiler makes none"
else
	# Every object of ours, and the one of the static library, where
	# OpenSSL's are joined with them.
	marks "$lib/libcsn_objects.a" &&
	    { [ "$CAISSON_OPENSSL_PRIVATE" = 0 ] || marks "$lib/libcaisson.a"; }
	result $? indirect_jumps_have_marks
fi
exit $rc
