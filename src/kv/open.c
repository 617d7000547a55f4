/* SPDX-License-Identifier: Apache-2.0 */
/* kv/open.c - opening entries and blocks under one session. */
#include <string.h>

#include "base/fail.h"
#include "base/sized.h"
#include "kv/internal.h"

/* Of opening: what is kept of a message takes 130 bytes of stack. */
#define OPEN_RUN 48

/* What a message's header says. */
struct said {
	struct csn_head head;
	struct csn_kv_slot slot;
	uint32_t key_len;
};

/* Messages that share session, direction, epoch and writer: one key. */
struct run {
	struct csn_open_run keys;
	struct csn_lane *lane;
	uint8_t first[CSN_H_LEN];	/* of the first message's header */
	size_t n;
	uint32_t index[OPEN_RUN];
	size_t key_len[OPEN_RUN];	/* the message's; then the room */
	size_t value_len[OPEN_RUN];
	uint8_t skipped[OPEN_RUN];	/* in place, and AES did not run */
	struct csn_open_done done[OPEN_RUN];
	struct csn_slot_name names[OPEN_RUN];
};

/* No plaintext is longer than the message: more room needs no wiping. */
static void
wipe_room(struct csn_kv_item *it)
{
	if (it->key != NULL)
		csn_wipe(it->key, it->key_len < it->sealed_len ?
		    it->key_len : it->sealed_len);
	if (it->value != NULL)
		csn_wipe(it->value, it->value_len < it->sealed_len ?
		    it->value_len : it->sealed_len);
}

static int
same_slot(const struct csn_kv_slot *slot, const struct csn_kv_slot *h,
    int any_token)
{
	return slot->kind == h->kind && slot->role == h->role &&
	    slot->layer == h->layer && slot->count == h->count &&
	    slot->position == h->position &&
	    (any_token || (slot->token_id == h->token_id &&
	    ((slot->flags ^ h->flags) & CSN_KV_HAS_TOKEN) == 0)) &&
	    memcmp(slot->name, h->name, 32) == 0;	/* public */
}

/*
 * Form: the header, and room for what it promises. The header is looked at
 * once and copied: where somebody else may write meanwhile, what is checked,
 * authenticated and acted on must be the same bytes.
 */
static int
check_form(const struct csn_ctx *ctx, const struct csn_kv_item *it,
    uint8_t header[CSN_SEAL_HEADER], struct said *said)
{
	uint32_t value_len;
	int rc;

	if (it->sealed == NULL || (it->key == NULL && it->key_len != 0) ||
	    (it->value == NULL && it->value_len != 0))
		return csn_fail(ctx, CSN_E_ARG, "kv",
		    "a NULL buffer was given with a length");
	if (it->sealed_len >= CSN_SEAL_HEADER)
		memcpy(header, it->sealed, CSN_SEAL_HEADER);
	if ((rc = csn_head_decode(ctx, &csn_kv_kind, header, it->sealed_len,
	    &said->head)) != 0)
		return rc;
	said->key_len = csn_kv_place_read(header, &said->slot);
	value_len = said->head.len - said->key_len;
	if (it->key_len < said->key_len || it->value_len < value_len)
		return csn_fail(ctx, CSN_E_BUFFER, "kv", "K has %u and V %u "
		    "bytes: there is room for %zu and %zu", said->key_len,
		    value_len, it->key_len, it->value_len);
	return 0;
}

/* Whether the message can go on under the run's key. */
static int
fits(const struct run *r, const uint8_t *header)
{
	return r->n > 0 && r->n < OPEN_RUN &&
	    header[CSN_H_SUITE] == r->first[CSN_H_SUITE] &&
	    header[CSN_H_MODE] == r->first[CSN_H_MODE] &&
	    memcmp(header + CSN_H_LABEL, r->first + CSN_H_LABEL,
	    CSN_H_LEN - CSN_H_LABEL) == 0;	/* public */
}

/* The item's lengths for the run's: the message's once it is verified. */
static void
swap_lengths(struct csn_kv_item *it, struct run *r, size_t i)
{
	size_t key_len = it->key_len, value_len = it->value_len;

	it->key_len = r->key_len[i];
	it->value_len = r->value_len[i];
	r->key_len[i] = key_len;
	r->value_len[i] = value_len;
}

/* End the run: replay, audit; what is refused is wiped. */
static void
end_run(const struct csn_kv_batch *b, struct csn_session *s, struct run *r)
{
	struct csn_kv_item *it;
	size_t i;
	int rc;

	if (r->n == 0)
		return;
	csn_lane_release(r->lane);
	csn_session_open_end(s, &r->keys, r->done, r->n);
	for (i = 0; i < r->n; i++) {
		it = csn_kv_at(b, r->index[i]);
		if ((it->rc = r->done[i].rc) == 0)
			swap_lengths(it, r, i);
	}
	/* No plaintext leaves without a record of it, where records are
	 * asked for. */
	rc = csn_kv_audit(b, s, CSN_AUDIT_DECRYPT, r->index, r->n);
	for (i = 0; i < r->n; i++) {
		it = csn_kv_at(b, r->index[i]);
		if (it->rc == 0 && rc != 0) {
			swap_lengths(it, r, i);
			it->rc = rc;
		}
		if (it->rc != 0 && !r->skipped[i])
			wipe_room(it);
	}
	r->n = 0;
}

int
csn_kv_open_refuse(struct csn_kv_item *it, int rc)
{
	if (!csn_kv_in_place(it))
		wipe_room(it);
	return it->rc = rc;
}

/* Refused before a key was found for it. */
static void
refuse(const struct csn_kv_batch *b, struct csn_session *s, uint32_t index,
    int rc)
{
	(void)csn_kv_open_refuse(csn_kv_at(b, index), rc);
	/* The refusal stands whether the log takes it or not. */
	CSN_IGNORE(csn_kv_audit(b, s, CSN_AUDIT_DECRYPT, &index, 1));
}

/* Begin a run with this message's key. */
static int
begin_run(const struct csn_kv_batch *b, struct csn_session *s,
    const struct csn_head *h, struct run *r)
{
	int rc;

	if ((rc = csn_session_open_begin(s, h, &r->keys)) != 0)
		return rc;
	if ((rc = csn_lane_acquire(b->ctx, &r->keys.key, &r->lane)) != 0) {
		csn_session_open_end(s, &r->keys, NULL, 0);
		return rc;
	}
	memcpy(r->first, r->keys.aad.bytes, CSN_H_LEN);
	return 0;
}

/* AES over one message of the run, whose header is in its AAD. */
static void
open_item(const struct csn_kv_batch *b, struct csn_session *s, struct run *r,
    uint32_t index, const struct said *said)
{
	struct csn_kv_item *it = csn_kv_at(b, index);
	struct csn_open_done *done = &r->done[r->n];
	struct csn_aead_part parts[2];
	uint8_t tag[CSN_TAG_SIZE];
	struct csn_message msg = { .aad = r->keys.aad.bytes,
	    .aad_len = r->keys.aad.len, .number = said->head.sequence,
	    .parts = parts, .tag = tag, .shared = b->shared };
	const uint32_t value_len = said->head.len - said->key_len;

	memcpy(tag, it->sealed + CSN_SEAL_HEADER, sizeof(tag));
	parts[0].in = it->sealed + CSN_SEAL_OVERHEAD;
	parts[0].out = it->key;
	parts[0].len = said->key_len;
	parts[1].in = parts[0].in + said->key_len;
	parts[1].out = it->value;
	parts[1].len = value_len;
	r->key_len[r->n] = said->key_len;
	r->value_len[r->n] = value_len;
	r->skipped[r->n] = 0;
	msg.nparts = csn_kv_join(parts);
	if (it->slot_expected &&
	    !same_slot(&it->slot, &said->slot, b->any_token)) {
		done->rc = csn_fail(b->ctx, CSN_E_TAG, "kv", "the message is "
		    "of another slot of tenant %s: it was moved here",
		    csn_session_tenant_id(s));
		r->skipped[r->n] = csn_kv_in_place(it) != 0;
	} else
		done->rc = csn_message_open(r->lane, &msg);
	if (done->rc == 0)
		it->slot = said->slot;
	it->sequence = done->sequence = said->head.sequence;
	it->version = done->version = said->head.version;
	memcpy(done->tag, tag, sizeof(done->tag));
	done->has_tag = 1;
	if (done->rc == 0)
		csn_kv_slot_name(&it->slot, &r->names[r->n]);
	done->name = &r->names[r->n];
	r->index[r->n++] = index;
}

void
csn_kv_open_group(const struct csn_kv_batch *b, struct csn_session *s,
    const uint32_t *index, size_t n)
{
	struct csn_kv_item *it;
	struct said said;
	struct run r;
	size_t i;
	int rc;

	r.n = 0;
	for (i = 0; i < n; i++) {
		it = csn_kv_at(b, index[i]);
		csn_kv_fetch(b, index, i, n);
		if ((rc = check_form(b->ctx, it, r.keys.aad.bytes,
		    &said)) != 0) {
			refuse(b, s, index[i], rc);
			continue;
		}
		if (!fits(&r, r.keys.aad.bytes)) {
			end_run(b, s, &r);
			if ((rc = begin_run(b, s, &said.head, &r)) != 0) {
				refuse(b, s, index[i], rc);
				continue;
			}
		}
		open_item(b, s, &r, index[i], &said);
	}
	end_run(b, s, &r);
}

int
csn_kv_open_stored(struct csn_ctx *ctx, struct csn_kv_item *item, int shared,
    int unlogged)
{
	struct csn_kv_batch b = { .ctx = ctx, .items = (uint8_t *)item,
	    .stride = sizeof(*item), .shared = shared, .any_token = 1,
	    .unlogged = unlogged };
	uint32_t zero = 0;

	item->slot_expected = 1;
	csn_kv_open_group(&b, item->session, &zero, 1);
	return item->rc;
}

int
csn_kv_open(struct csn_ctx *ctx, struct csn_kv_item *item)
{
	if (item == NULL)
		return CSN_NEEDS(item);

	struct csn_kv_batch b = { ctx, (uint8_t *)item, sizeof(*item) };
	uint32_t zero = 0;
	int rc;

	if ((rc = CSN_GIVE_CHECK(item, csn_kv_item, version)) != 0)
		return rc;
	if (item->session == NULL)
		return csn_kv_open_refuse(item, csn_fail(ctx, CSN_E_ARG,
		    "kv", "the item has no session: give one, or use a "
		    "manager"));
	csn_kv_open_group(&b, item->session, &zero, 1);
	return item->rc;
}
