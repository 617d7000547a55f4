/* SPDX-License-Identifier: Apache-2.0 */
/* op.c - the names of what is logged. */

#include <string.h>

#include <caisson/audit.h>

static const char *const names[] = {
	[CSN_AUDIT_ENCRYPT] = "encrypt",
	[CSN_AUDIT_DECRYPT] = "decrypt",
	[CSN_AUDIT_ROTATE] = "rotate",
	[CSN_AUDIT_ISOLATION_VIOLATION] = "isolation-violation",
	[CSN_AUDIT_SESSION_OPEN] = "session-open",
	[CSN_AUDIT_SESSION_CLOSE] = "session-close",
	[CSN_AUDIT_SESSION_EXPIRE] = "session-expire",
	[CSN_AUDIT_RECOVERY] = "recovery",
};

#define NAMES ((int)(sizeof(names) / sizeof(names[0])))

const char *
csn_audit_op_name(int op)
{
	return op > 0 && op < NAMES ? names[op] : NULL;
}

int
csn_audit_op_parse(const char *name)
{
	int op;

	for (op = 1; name != NULL && op < NAMES; op++) {
		if (strcmp(name, names[op]) == 0)
			return op;
	}
	return 0;
}
