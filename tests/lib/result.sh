# SPDX-License-Identifier: Apache-2.0
# tests/lib/result.sh - sourced by a test that is a script: `result STATUS
# NAME` says whether a case passed, and shows $log, if there is such a file,
# where it did not. The script ends with `exit $rc`.
rc=0

result()
{
	if [ "$1" = 0 ]; then
		echo "ok $2"
	else
		echo "not ok $2"
		[ ! -s "${log:-}" ] || sed 's/^/# /' "$log"
		rc=1
	fi
}
