/* SPDX-License-Identifier: Apache-2.0 */
/* op.c - the form of the names of what is logged. */
#include <string.h>

#include <caisson/audit.h>

int
csn_audit_op_valid(const char *name)
{
	size_t n = name == NULL ? 0 : strnlen(name, CSN_AUDIT_MAX_OP + 1);

	return n > 0 && n <= CSN_AUDIT_MAX_OP &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}
