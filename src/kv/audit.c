/* SPDX-License-Identifier: Apache-2.0 */
/* kv/audit.c - what sealing and opening leave in the log. */
#include <string.h>

#include "base/cancel.h"
#include "kv/internal.h"

#define RECORDS 32	/* appended as one group */

static void
record_of(struct csn_session *s, int op, const struct csn_kv_item *it,
    struct csn_audit_record *r)
{
	csn_session_record(s, op, it->rc, it->rc == 0 ? NULL :
	    csn_error_text(it->rc), r);
	r->flags |= CSN_AUDIT_HAS_SLOT | CSN_AUDIT_HAS_SEQUENCE;
	r->layer = it->slot.layer;
	r->position = it->slot.position;
	r->sequence = it->sequence;
	r->bytes = it->rc == 0 ? (uint64_t)it->key_len + it->value_len : 0;
}

int
csn_kv_audit(const struct csn_kv_batch *b, struct csn_session *s, int op,
    const uint32_t *index, size_t n)
{
	struct csn_audit *log = csn_session_audit_log(s);
	struct csn_audit_record records[RECORDS], all;
	const struct csn_kv_item *it;
	size_t i, k = 0;
	int rc, batch;

	if (log == NULL)
		return 0;
	/* What the batch pinned is let go after this. */
	CSN_UNCANCELLED;
	batch = csn_session_audit_grain(s) == CSN_AUDIT_PER_BATCH;
	memset(&all, 0, sizeof(all));
	for (i = 0; i < n; i++) {
		it = csn_kv_at(b, index[i]);
		if (b->unlogged && it->rc == 0)
			continue;
		if (batch && it->rc == 0) {
			if (all.count == 0) {
				record_of(s, op, it, &all);
				continue;
			}
			all.bytes += (uint64_t)it->key_len + it->value_len;
			all.count++;
			continue;
		}
		record_of(s, op, it, &records[k++]);
		if (k == RECORDS) {
			if ((rc = csn_audit_append_many(log, records,
			    k)) != 0)
				return rc;
			k = 0;
		}
	}
	if (all.size != 0)
		records[k++] = all;
	return k == 0 ? 0 : csn_audit_append_many(log, records, k);
}
