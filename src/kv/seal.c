/* SPDX-License-Identifier: Apache-2.0 */
/* kv/seal.c - sealing entries and blocks under one session. */
#include <string.h>

#include "base/fail.h"
#include "base/sized.h"
#include "kv/internal.h"

int
csn_kv_slot_check(const struct csn_ctx *ctx, const struct csn_kv_slot *slot)
{
	static const uint8_t zero[32];

	if (slot->kind != CSN_KIND_KV_ENTRY && slot->kind != CSN_KIND_KV_BLOCK)
		return csn_fail(ctx, CSN_E_ARG, "kv", "kind %u is neither an "
		    "entry nor a block", slot->kind);
	if (slot->role < CSN_KV_KEY || slot->role > CSN_KV_BOTH)
		return csn_fail(ctx, CSN_E_ARG, "kv",
		    "role %u is none of key, value and both", slot->role);
	if ((slot->flags & ~CSN_KV_HAS_TOKEN) != 0)
		return csn_fail(ctx, CSN_E_ARG, "kv",
		    "the slot has unknown flags");
	if ((slot->flags & CSN_KV_HAS_TOKEN) == 0 && slot->token_id != 0)
		return csn_fail(ctx, CSN_E_ARG, "kv", "a token id is given "
		    "without CSN_KV_HAS_TOKEN");
	if (slot->kind == CSN_KIND_KV_ENTRY && (slot->count != 1 ||
	    slot->layer == CSN_KV_ALL_LAYERS ||
	    memcmp(slot->name, zero, 32) != 0))	/* public */
		return csn_fail(ctx, CSN_E_ARG, "kv", "an entry is one "
		    "position of one layer and has no name: use a block");
	return 0;
}

/*
 * Whether [p, p + len) lies in the message where it would be overwritten
 * before it is read. `there` is where in place it belongs.
 */
static int
in_the_way(const struct csn_kv_item *it, const uint8_t *p, size_t len,
    const uint8_t *there)
{
	uintptr_t from = (uintptr_t)it->sealed, at = (uintptr_t)p;
	size_t all = it->key_len + it->value_len + CSN_SEAL_OVERHEAD;

	return len != 0 && p != there && at < from + all && from < at + len;
}

/* The item makes sense as something to seal. */
static int
check(const struct csn_ctx *ctx, const struct csn_kv_item *it)
{
	uint64_t len = (uint64_t)it->key_len + it->value_len;
	int rc;

	if ((rc = csn_kv_slot_check(ctx, &it->slot)) != 0)
		return rc;
	if ((it->key == NULL && it->key_len != 0) ||
	    (it->value == NULL && it->value_len != 0) || it->sealed == NULL)
		return csn_fail(ctx, CSN_E_ARG, "kv",
		    "a NULL buffer was given with a length");
	if ((it->slot.role == CSN_KV_KEY && it->value_len != 0) ||
	    (it->slot.role == CSN_KV_VALUE && it->key_len != 0))
		return csn_fail(ctx, CSN_E_ARG, "kv",
		    "K and V were given for a slot that has one role");
	if (it->key_len > CSN_SEAL_MAX || it->value_len > CSN_SEAL_MAX ||
	    len > CSN_SEAL_MAX)
		return csn_fail(ctx, CSN_E_LIMIT, "kv", "%llu bytes are more "
		    "than one message holds: seal them as a stream",
		    (unsigned long long)len);
	if (it->sealed_len < len + CSN_SEAL_OVERHEAD)
		return csn_fail(ctx, CSN_E_BUFFER, "kv", "the sealed message "
		    "needs %llu bytes, its buffer has %zu",
		    (unsigned long long)len + CSN_SEAL_OVERHEAD,
		    it->sealed_len);
	if (in_the_way(it, it->key, it->key_len,
	    it->sealed + CSN_SEAL_OVERHEAD) ||
	    in_the_way(it, it->value, it->value_len,
	    it->sealed + CSN_SEAL_OVERHEAD + it->key_len))
		return csn_fail(ctx, CSN_E_ARG, "kv", "K or V overlaps the "
		    "sealed message: in place K begins %d bytes into it, "
		    "with V behind", CSN_SEAL_OVERHEAD);
	return 0;
}

static void
wipe_out(struct csn_kv_item *it)
{
	size_t len = it->sealed_len;

	if (it->key_len <= CSN_SEAL_MAX && it->value_len <= CSN_SEAL_MAX &&
	    it->key_len + it->value_len + CSN_SEAL_OVERHEAD < len)
		len = it->key_len + it->value_len + CSN_SEAL_OVERHEAD;
	if (it->sealed != NULL)
		csn_wipe(it->sealed, len);
}

int
csn_kv_seal_refuse(struct csn_kv_item *it, int rc)
{
	if (!csn_kv_in_place(it))
		wipe_out(it);
	return it->rc = rc;
}

/* The fingerprint of an item's slot, which may have been taken before. */
static void
fingerprint(const struct csn_kv_batch *b, const struct csn_session *s,
    uint32_t item, struct csn_slot_fingerprint *out)
{
	struct csn_slot_name name;

	if (b->fp != NULL && item == b->fp_item) {
		*out = *b->fp;
		return;
	}
	csn_kv_slot_name(&csn_kv_at(b, item)->slot, &name);
	csn_session_slot_fingerprint(s, &name, out);
}

/* AES over the run's items, in a lane that is held. */
static void
seal_items(const struct csn_kv_batch *b, struct csn_session *s,
    struct csn_seal_run *run, struct csn_lane *lane,
    const uint32_t *index, struct csn_slot_fingerprint *fps)
{
	uint8_t *header = run->aad.bytes, tag[CSN_TAG_SIZE];
	struct csn_aead_part parts[2];
	struct csn_message msg = { .aad = header, .aad_len = run->aad.len,
	    .parts = parts, .tag = tag, .shared = b->shared };
	struct csn_kv_item *it;
	size_t i;

	for (i = 0; i < run->n; i++) {
		it = csn_kv_at(b, index[i]);
		csn_kv_fetch(b, index, i, run->n);
		it->sequence = run->first_sequence + i;
		it->version = run->first_version == 0 ? 0 :
		    run->first_version + i;
		csn_head_finish(header, it->slot.kind,
		    (uint32_t)(it->key_len + it->value_len), it->sequence,
		    it->version);
		csn_kv_place_write(&it->slot, (uint32_t)it->key_len, header);
		msg.number = it->sequence;
		parts[0].in = it->key;
		parts[0].out = it->sealed + CSN_SEAL_OVERHEAD;
		parts[0].len = it->key_len;
		parts[1].in = it->value;
		parts[1].out = parts[0].out + it->key_len;
		parts[1].len = it->value_len;
		msg.nparts = csn_kv_join(parts);
		it->rc = csn_message_seal(lane, &msg);
		/* Now that its fields lie in the cache as they were stored. */
		memcpy(it->sealed, header, CSN_SEAL_HEADER);
		memcpy(it->sealed + CSN_SEAL_HEADER, tag, sizeof(tag));
		if (it->rc != 0)
			memset(&fps[i], 0, sizeof(fps[i]));
		else if (run->first_version != 0) {
			fingerprint(b, s, index[i], &fps[i]);
			fps[i].who = csn_slot_who((int)run->direction,
			    run->writer, tag);
		}
	}
}

struct keeper {
	int (*keep)(void *arg);
	void *arg;
};

/*
 * One run of at most CSN_KV_RUN checked items: granted, sealed, logged, kept,
 * ended. Returns how many it took.
 */
static size_t
seal_run(const struct csn_kv_batch *b, struct csn_session *s,
    const uint32_t *index, size_t n, const struct keeper *keeper)
{
	struct csn_slot_fingerprint fps[CSN_KV_RUN];
	struct csn_seal_run run;
	struct csn_lane *lane;
	struct csn_kv_item *it;
	uint64_t bytes = 0, blocks = 0, len;
	size_t i;
	int rc, end, sealed = 0, handed = 0;

	for (i = 0; i < n; i++) {
		it = csn_kv_at(b, index[i]);
		len = (uint64_t)it->key_len + it->value_len;
		bytes += len;
		/* The longest AAD that there is: never too few. */
		blocks += csn_message_blocks(len, CSN_AAD_MAX);
	}
	if ((rc = csn_session_seal_begin(s, n, bytes, blocks,
	    b->now_ms, &run)) != 0)
		goto refused;
	if ((rc = csn_lane_acquire(b->ctx, &run.key, &lane)) == 0) {
		seal_items(b, s, &run, lane, index, fps);
		sealed = 1;
		csn_lane_release(lane);
		rc = csn_kv_audit(b, s, CSN_AUDIT_ENCRYPT, index, run.n);
	}
	/* A keeper is given one item; one that AES failed has no bytes. */
	if (rc == 0 && keeper != NULL &&
	    (rc = csn_kv_at(b, index[0])->rc) == 0) {
		/* From here on the bytes are the keeper's. */
		handed = 1;
		rc = keeper->keep(keeper->arg);
	}
	end = csn_session_seal_end(s, &run, rc == 0 &&
	    run.first_version != 0 ? fps : NULL, run.n);
	if (rc == 0)
		rc = end;
	if (rc != 0)
		for (i = 0; i < run.n; i++)
			csn_kv_at(b, index[i])->rc = rc;
	for (i = 0; i < run.n && !handed; i++) {
		it = csn_kv_at(b, index[i]);
		if (it->rc != 0 && sealed)
			wipe_out(it);
		else if (it->rc != 0)
			(void)csn_kv_seal_refuse(it, it->rc);
	}
	return run.n;

refused:
	for (i = 0; i < n; i++)
		(void)csn_kv_seal_refuse(csn_kv_at(b, index[i]), rc);
	/* There is nothing to undo where the log cannot take this either. */
	CSN_IGNORE(csn_kv_audit(b, s, CSN_AUDIT_ENCRYPT, index, n));
	return n;
}

static void
seal_group(const struct csn_kv_batch *b, struct csn_session *s,
    const uint32_t *index, size_t n, const struct keeper *keeper)
{
	uint32_t good[CSN_KV_RUN];
	struct csn_kv_item *it;
	size_t at = 0, ngood, took, i;

	while (at < n) {
		for (ngood = 0; at < n && ngood < CSN_KV_RUN; at++) {
			it = csn_kv_at(b, index[at]);
			it->rc = check(b->ctx, it);
			if (it->rc == 0)
				good[ngood++] = index[at];
			else
				(void)csn_kv_seal_refuse(it, it->rc);
		}
		for (i = 0; i < ngood; i += took)
			took = seal_run(b, s, good + i, ngood - i, keeper);
	}
}

void
csn_kv_seal_group(const struct csn_kv_batch *b, struct csn_session *s,
    const uint32_t *index, size_t n)
{
	seal_group(b, s, index, n, NULL);
}

int
csn_kv_seal_held(struct csn_ctx *ctx, struct csn_kv_item *item,
    int shared, int (*keep)(void *arg), void *arg)
{
	struct csn_kv_batch b = { .ctx = ctx, .items = (uint8_t *)item,
	    .stride = sizeof(*item), .shared = shared };
	struct keeper keeper = { keep, arg };
	uint32_t zero = 0;

	seal_group(&b, item->session, &zero, 1, &keeper);
	return item->rc;
}

int
csn_kv_seal(struct csn_ctx *ctx, struct csn_kv_item *item)
{
	if (item == NULL)
		return CSN_NEEDS(item);

	struct csn_kv_batch b = { ctx, (uint8_t *)item, sizeof(*item) };
	uint32_t zero = 0;
	int rc;

	if ((rc = CSN_GIVE_CHECK(item, csn_kv_item, version)) != 0)
		return rc;
	if (item->session == NULL)
		return csn_kv_seal_refuse(item, csn_fail(ctx, CSN_E_ARG,
		    "kv", "the item has no session: give one, or use a "
		    "manager"));
	seal_group(&b, item->session, &zero, 1, NULL);
	return item->rc;
}
