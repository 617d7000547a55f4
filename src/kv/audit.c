/* SPDX-License-Identifier: Apache-2.0 */
/* kv/audit.c - what sealing and opening leave in the log. */
#include <string.h>

#include "base/cancel.h"
#include "kv/internal.h"

#define RECORDS 32	/* appended as one group */
#define DETAIL 128	/* a slot's place and why it was refused; cut */

struct group {
	struct csn_audit_record r[RECORDS + 1];
	char detail[RECORDS + 1][DETAIL];
};

static char *
put_text(char *p, const char *end, const char *s)
{
	while (*s != '\0' && p < end)
		*p++ = *s++;
	return p;
}

static char *
put_number(char *p, const char *end, uint64_t v)
{
	char digits[21], *d = digits + sizeof(digits) - 1;

	*d = '\0';
	do {
		*--d = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return put_text(p, end, d);
}

/* "layer 3 position 17", of a block with its count; then why not. */
static void
say(const struct csn_kv_item *it, char text[DETAIL])
{
	const struct csn_kv_slot *slot = &it->slot;
	char *p = text, *end = text + DETAIL - 1;

	if (slot->layer == CSN_KV_ALL_LAYERS)
		p = put_text(p, end, "all layers");
	else
		p = put_number(put_text(p, end, "layer "), end, slot->layer);
	p = put_number(put_text(p, end, " position "), end, slot->position);
	if (slot->kind == CSN_KIND_KV_BLOCK)
		p = put_number(put_text(p, end, " count "), end, slot->count);
	if (it->rc != 0)
		p = put_text(put_text(p, end, ": "), end,
		    csn_error_text(it->rc));
	*p = '\0';
}

static void
record_of(struct csn_session *s, const char *op,
    const struct csn_kv_item *it, struct group *g, size_t k)
{
	struct csn_audit_record *r = &g->r[k];

	say(it, g->detail[k]);
	csn_session_record(s, op, it->rc, g->detail[k], r);
	r->flags |= CSN_AUDIT_HAS_SEQUENCE;
	r->sequence = it->sequence;
	r->bytes = it->rc == 0 ? (uint64_t)it->key_len + it->value_len : 0;
}

int
csn_kv_audit(const struct csn_kv_batch *b, struct csn_session *s,
    const char *op, const uint32_t *index, size_t n)
{
	struct csn_audit *log = csn_session_audit_log(s);
	const struct csn_kv_item *it;
	/* Of what succeeded in a batch: its own, beside the others. */
	struct csn_audit_record *all;
	struct group g;
	size_t i, k = 0;
	int rc, batch;

	if (log == NULL)
		return 0;
	/* What the batch pinned is let go after this. */
	CSN_UNCANCELLED;
	batch = csn_session_audit_grain(s) == CSN_AUDIT_PER_BATCH;
	all = &g.r[RECORDS];
	all->count = 0;
	for (i = 0; i < n; i++) {
		it = csn_kv_at(b, index[i]);
		if (b->unlogged && it->rc == 0)
			continue;
		if (batch && it->rc == 0) {
			if (all->count == 0) {
				record_of(s, op, it, &g, RECORDS);
				continue;
			}
			all->bytes += (uint64_t)it->key_len + it->value_len;
			all->count++;
			continue;
		}
		record_of(s, op, it, &g, k++);
		if (k == RECORDS) {
			if ((rc = csn_audit_append_many(log, g.r, k)) != 0)
				return rc;
			k = 0;
		}
	}
	if (all->count != 0)
		g.r[k++] = *all;
	return k == 0 ? 0 : csn_audit_append_many(log, g.r, k);
}
