/* SPDX-License-Identifier: Apache-2.0 */
/* audit/chain.h - how one record holds on to the one before. */
#ifndef CSN_AUDIT_CHAIN_H
#define CSN_AUDIT_CHAIN_H

#include "audit/line.h"
#include "crypto/crypto.h"

/*
 * For a line whose body is its bytes up to the quote that ends prev:
 *
 *   digest = SHA3-256(head || body)
 *   mac    = HMAC-SHA3-256(key, digest)
 *   head   = SHA3-256(digest || mac)                  for the next line
 *   key    = HMAC-SHA3-256(key, "caisson audit next key")
 *
 * Before the first line head = SHA3-256("caisson audit log" || log id) and
 * key is random. A MAC is over 32 bytes and the next key over 22, so neither
 * can pass for the other.
 */
struct csn_audit_chain {
	uint64_t n;			/* lines so far */
	uint8_t head[CSN_HASH_SIZE];
	uint8_t key[CSN_HASH_SIZE];	/* for line n; wiped by its owner */
};

CSN_MUST_CHECK int csn_audit_chain_start(struct csn_ctx *ctx,
    const uint8_t log[CSN_AUDIT_LOG_ID], uint8_t head[CSN_HASH_SIZE]);

/* Take a body in: *mac is its MAC, and the chain is one further. */
CSN_MUST_CHECK int csn_audit_chain_seal(struct csn_ctx *ctx,
    struct csn_hash *hash, struct csn_audit_chain *c, const void *body,
    size_t len, uint8_t mac[CSN_HASH_SIZE]);

/* The key of a line so many further on. */
CSN_MUST_CHECK int csn_audit_chain_skip(struct csn_ctx *ctx,
    struct csn_audit_chain *c, uint64_t lines);

enum {
	CSN_AUDIT_LINE_GOOD = 0,
	CSN_AUDIT_LINE_NUMBER = 1,	/* not the next number */
	CSN_AUDIT_LINE_PREV = 2,	/* does not hold on to the former */
	CSN_AUDIT_LINE_MAC = 3
};

/*
 * Check a line that was read (text is where it begins) and go one further.
 * keyed 0: the MAC is not checked. One of the above, or a negative error.
 */
CSN_MUST_CHECK int csn_audit_chain_check(struct csn_ctx *ctx,
    struct csn_hash *hash, struct csn_audit_chain *c, int keyed,
    const struct csn_audit_line *line, const char *text);

#endif
