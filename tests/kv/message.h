/* SPDX-License-Identifier: Apache-2.0 */
/* tests/kv/message.h - one sealed entry or block, and what was in it. */
#ifndef CAISSON_TESTS_KV_MESSAGE_H
#define CAISSON_TESTS_KV_MESSAGE_H

#include <caisson/aead.h>
#include <caisson/kv.h>

/* Buffers of exactly the lengths, so that a byte past them shows. */
struct message {
	struct csn_kv_slot slot;
	size_t key_len;
	size_t value_len;
	uint8_t *key;		/* what was sealed */
	uint8_t *value;
	uint8_t *sealed;
	size_t len;
	uint64_t sequence;
	uint64_t version;
};

struct csn_kv_slot slot_entry(uint32_t layer, uint64_t position);
struct csn_kv_slot slot_block(uint8_t name, uint64_t position,
    uint32_t count);

/* K and V bytes that seed decides; not sealed yet. */
void message_fill(struct message *p, const struct csn_kv_slot *slot,
    size_t key_len, size_t value_len, unsigned seed);
void message_free(struct message *p);

/* The item that seals it, and one that opens it into key and value. */
void message_item(struct message *p, struct csn_session *s,
    struct csn_kv_item *item);
/* Seal it; what csn_kv_seal() returns. */
int message_seal(struct message *p, struct csn_session *s);
/* Sealed, or the test fails. */
void message_make(struct message *p, struct csn_session *s,
    const struct csn_kv_slot *slot, size_t key_len, size_t value_len,
    unsigned seed);

/*
 * Open it, with room for any split of its bytes. What opens is compared with
 * what was sealed; what does not must have left zeroes, and the sealed bytes
 * as they were. Returns what csn_kv_open() does.
 */
int message_open(const struct message *p, struct csn_session *s);
/* The same by a manager and the tenant's id. */
int message_open_by(const struct message *p, struct csn_manager *mgr,
    struct csn_ctx *ctx, const char *tenant);
/* Only where it is that slot's. */
int message_open_at(const struct message *p, struct csn_session *s,
    const struct csn_kv_slot *slot);

int all_zero(const void *p, size_t len);

/*
 * The OpenSSL engine, counting: name it "counting" to pair_ctx_with() after
 * counting_register().
 */
void counting_register(void);
extern unsigned long counted_opens;
extern unsigned long counted_seals;
/* What sealing fails with just now; 0: it does not. */
extern int counting_fails;
/* Called before AES runs, in the middle of a run; NULL for none. */
extern void (*counting_hook)(const struct csn_aead_msg *msg);

#endif
