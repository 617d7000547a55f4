/* SPDX-License-Identifier: Apache-2.0 */
/* kv/internal.h - how a batch becomes runs of messages. */
#ifndef CSN_KV_INTERNAL_H
#define CSN_KV_INTERNAL_H

#include <caisson/aead.h>
#include <caisson/kv.h>

#include "kv/place.h"
#include "session/keys.h"

/*
 * A batch on the way through: the caller's items are `stride` bytes apart.
 * Bytes moved: each plaintext byte is read once and each ciphertext byte
 * written once, by AES itself; beside that 144 bytes of header and tag a
 * message. No copy is made and, but for grouping a batch of several
 * sessions, nothing is allocated.
 */
struct csn_kv_batch {
	struct csn_ctx *ctx;
	uint8_t *items;
	size_t stride;
	uint64_t now_ms;	/* since boot, read a moment ago; 0: unread */
	/* Of the slot of the item `fp_item`; NULL where none is known yet. */
	const struct csn_slot_fingerprint *fp;
	uint32_t fp_item;
	/* Others may write to the sealed bytes meanwhile. */
	int shared;
	/* The slot that is expected says nothing of a token. */
	int any_token;
	/* Nothing leaves: only what is refused is logged. */
	int unlogged;
};

/* Messages of one session that are sealed or opened in one run. */
#define CSN_KV_RUN 256

static inline struct csn_kv_item *
csn_kv_at(const struct csn_kv_batch *b, size_t i)
{
	return (struct csn_kv_item *)(void *)(b->items + i * b->stride);
}

/*
 * Begin to fetch the item after next, and the header of the next one's
 * message: they come from memory while AES works on this one.
 */
static inline void
csn_kv_fetch(const struct csn_kv_batch *b, const uint32_t *index, size_t i,
    size_t n)
{
	const uint8_t *p;

	if (i + 2 < n) {
		p = (const uint8_t *)csn_kv_at(b, index[i + 2]);
		__builtin_prefetch(p, 1);
		__builtin_prefetch(p + 64, 1);
		__builtin_prefetch(p + 128, 1);
	}
	if (i + 1 < n) {
		p = csn_kv_at(b, index[i + 1])->sealed;
		__builtin_prefetch(p, 1);
		__builtin_prefetch(p + 64, 1);
		__builtin_prefetch(p + 128, 1);
	}
}

/*
 * Where plaintext and sealed bytes share a buffer, what is refused before AES
 * ran is left as it was: the caller may rotate, make room, and try again.
 */
static inline int
csn_kv_in_place(const struct csn_kv_item *it)
{
	uintptr_t from = (uintptr_t)it->sealed, to = from + it->sealed_len;
	uintptr_t k = (uintptr_t)it->key, v = (uintptr_t)it->value;

	return (k >= from && k < to) || (v >= from && v < to);
}

/*
 * K and V as one part where they lie behind one another on both sides, or
 * where one is empty: AES starts and stops once. Returns how many parts.
 */
static inline size_t
csn_kv_join(struct csn_aead_part parts[2])
{
	if (parts[0].len == 0) {
		parts[0] = parts[1];
		return parts[0].len != 0;
	}
	if (parts[1].len == 0)
		return 1;
	if (parts[0].in + parts[0].len != parts[1].in ||
	    parts[0].out + parts[0].len != parts[1].out)
		return 2;
	parts[0].len += parts[1].len;
	return 1;
}

/* 0, or CSN_E_ARG with the sentence. */
CSN_MUST_CHECK int csn_kv_slot_check(const struct csn_ctx *ctx,
    const struct csn_kv_slot *slot);

/*
 * Seal or open the items of one session that index lists; each item's rc is
 * set. Sealing may be held before its end: see csn_kv_seal_held.
 */
void csn_kv_seal_group(const struct csn_kv_batch *b, struct csn_session *s,
    const uint32_t *index, size_t n);
void csn_kv_open_group(const struct csn_kv_batch *b, struct csn_session *s,
    const uint32_t *index, size_t n);

/* Refuse an item that no session saw: its output is zeroed; returns rc. */
int csn_kv_seal_refuse(struct csn_kv_item *it, int rc);
int csn_kv_open_refuse(struct csn_kv_item *it, int rc);

/*
 * Seal one item, then call keep(arg) while the run is still open: what it
 * returns is the item's result, and only on 0 does the slot's version move.
 * Once keep was called the sealed bytes are its own: they are not touched.
 * shared: others may write to them.
 */
CSN_MUST_CHECK int csn_kv_seal_held(struct csn_ctx *ctx,
    struct csn_kv_item *item, int shared, int (*keep)(void *arg), void *arg);

/*
 * Open one item of a store: it must be of the item's slot, whose token is
 * filled in. With unlogged no success is logged, for a look that gives no
 * plaintext to anybody.
 */
CSN_MUST_CHECK int csn_kv_open_stored(struct csn_ctx *ctx,
    struct csn_kv_item *item, int shared, int unlogged);

/*
 * One audit record an entry, or one for all that succeeded, as the session
 * has it; each failure has a record of its own. 0, or the log's error.
 */
CSN_MUST_CHECK int csn_kv_audit(const struct csn_kv_batch *b,
    struct csn_session *s, const char *op, const uint32_t *index,
    size_t n);

/* Split items into sessions and hand each group on; items[i].session set. */
typedef void (*csn_kv_group_fn)(const struct csn_kv_batch *b,
    struct csn_session *s, const uint32_t *index, size_t n);
typedef int (*csn_kv_refuse_fn)(struct csn_kv_item *it, int rc);
void csn_kv_by_session(const struct csn_kv_batch *b, size_t from, size_t to,
    csn_kv_group_fn fn);

/*
 * Check that n items of the caller's have one size, which is known here, and
 * set their rc to 0; *stride is that size. CSN_E_ARG.
 */
CSN_MUST_CHECK int csn_kv_stride(struct csn_ctx *ctx,
    struct csn_kv_item *items, size_t n, size_t *stride);

/*
 * The whole batch on the pool; the first failing item's code. Items without
 * a session are refused with their rc, or CSN_E_ARG where that is 0.
 */
CSN_MUST_CHECK int csn_kv_run_batch(struct csn_ctx *ctx,
    struct csn_pool *pool, struct csn_kv_item *items, size_t n,
    size_t stride, csn_kv_group_fn fn, csn_kv_refuse_fn refuse);

#endif
