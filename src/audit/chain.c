/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c - how one record holds on to the one before. */

#include <string.h>

#include "audit/chain.h"

static int
digest2(struct csn_hash *hash, const uint8_t first[CSN_HASH_SIZE],
    const void *p, size_t len, uint8_t out[CSN_HASH_SIZE])
{
	int rc;

	if ((rc = csn_hash_start(hash)) != 0 ||
	    (rc = csn_hash_update(hash, first, CSN_HASH_SIZE)) != 0 ||
	    (rc = csn_hash_update(hash, p, len)) != 0)
		return rc;
	return csn_hash_final(hash, out);
}

static int
next_key(struct csn_ctx *ctx, uint8_t key[CSN_HASH_SIZE])
{
	static const char label[] = "caisson audit next key";
	struct csn_piece piece = { label, sizeof(label) - 1 };
	uint8_t next[CSN_HASH_SIZE];
	int rc;

	rc = csn_hmac(ctx, key, CSN_HASH_SIZE, &piece, 1, next);
	if (rc == 0)
		memcpy(key, next, CSN_HASH_SIZE);
	csn_wipe(next, sizeof(next));
	return rc;
}

int
csn_audit_chain_start(struct csn_ctx *ctx,
    const uint8_t log[CSN_AUDIT_LOG_ID], uint8_t head[CSN_HASH_SIZE])
{
	static const char label[] = "caisson audit log";
	uint8_t in[sizeof(label) - 1 + CSN_AUDIT_LOG_ID];

	memcpy(in, label, sizeof(label) - 1);
	memcpy(in + sizeof(label) - 1, log, CSN_AUDIT_LOG_ID);
	return csn_sha3_256(ctx, in, sizeof(in), head);
}

int
csn_audit_chain_seal(struct csn_ctx *ctx, struct csn_hash *hash,
    struct csn_audit_chain *c, const void *body, size_t len,
    uint8_t mac[CSN_HASH_SIZE])
{
	uint8_t digest[CSN_HASH_SIZE], head[CSN_HASH_SIZE];
	struct csn_piece piece = { digest, sizeof(digest) };
	int rc;

	if ((rc = digest2(hash, c->head, body, len, digest)) != 0 ||
	    (rc = csn_hmac(ctx, c->key, sizeof(c->key), &piece, 1,
	    mac)) != 0 ||
	    (rc = digest2(hash, digest, mac, CSN_HASH_SIZE, head)) != 0 ||
	    (rc = next_key(ctx, c->key)) != 0)
		return rc;
	memcpy(c->head, head, sizeof(head));
	c->n++;
	return 0;
}

int
csn_audit_chain_skip(struct csn_ctx *ctx, struct csn_audit_chain *c,
    uint64_t lines)
{
	int rc = 0;

	for (; lines > 0 && rc == 0; lines--)
		rc = next_key(ctx, c->key);
	return rc;
}

int
csn_audit_chain_check(struct csn_ctx *ctx, struct csn_hash *hash,
    struct csn_audit_chain *c, int keyed, const struct csn_audit_line *line,
    const char *text)
{
	uint8_t digest[CSN_HASH_SIZE], mac[CSN_HASH_SIZE];
	struct csn_piece piece = { digest, sizeof(digest) };
	int rc, same = 1;

	if (line->n != c->n)
		return CSN_AUDIT_LINE_NUMBER;
	if (memcmp(line->prev, c->head, CSN_HASH_SIZE) != 0) /* public */
		return CSN_AUDIT_LINE_PREV;
	if ((rc = digest2(hash, c->head, text, line->body_len, digest)) != 0)
		return rc;
	if (keyed) {
		if ((rc = csn_hmac(ctx, c->key, sizeof(c->key), &piece, 1,
		    mac)) != 0)
			return rc;
		same = csn_equal(mac, line->mac, sizeof(mac));
		csn_wipe(mac, sizeof(mac));
		if (!same)
			return CSN_AUDIT_LINE_MAC;
		if ((rc = next_key(ctx, c->key)) != 0)
			return rc;
	}
	if ((rc = digest2(hash, digest, line->mac, CSN_HASH_SIZE,
	    c->head)) != 0)
		return rc;
	c->n++;
	return CSN_AUDIT_LINE_GOOD;
}
