/* SPDX-License-Identifier: Apache-2.0 */
/* audit/record.h - how every room begins a record. */
#ifndef CSN_AUDIT_RECORD_H
#define CSN_AUDIT_RECORD_H

#include <string.h>

#include <caisson/audit.h>

/*
 * A record of one operation that ended with code. A message of another tenant
 * is an isolation violation, whatever was attempted with it. The strings are
 * the caller's until the record was appended.
 */
static inline void
csn_audit_fill(struct csn_audit_record *r, const char *op, int code,
    const char *tenant, const char *detail)
{
	memset(r, 0, sizeof(*r));
	r->size = sizeof(*r);
	r->op = code == CSN_E_TENANT ? CSN_AUDIT_ISOLATION_VIOLATION : op;
	r->success = code == 0;
	r->code = code;
	r->count = 1;
	r->tenant = tenant;
	r->detail = detail;
}

#endif
