/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/schedule.c - from a chain key to epochs and writers.
 *
 *   chain key n --"epoch"--> root of epoch n --"writer", id--> writer's key
 *       |
 *       +-------"ratchet"--> chain key n + 1
 *
 * Each arrow is HKDF-Expand with SHA3-256 (RFC 5869) and a label of its own.
 * Chain key n is wiped when n + 1 is there, so a root that was wiped cannot
 * be had again: forward secrecy for what is gone, no healing after a theft.
 */
#include <string.h>

#include "session/internal.h"

static const char LABEL_EPOCH[] = "caisson v1 epoch";
static const char LABEL_RATCHET[] = "caisson v1 ratchet";
static const char LABEL_WRITER[] = "caisson v1 writer";

static int
expand_to_rest(struct csn_ctx *ctx, const uint8_t prk[CSN_KEY_SIZE],
    const void *info, size_t len, struct csn_key *out)
{
	uint8_t key[CSN_KEY_SIZE];
	int rc;

	if ((rc = csn_hkdf_expand(ctx, prk, info, len, key,
	    sizeof(key))) == 0)
		rc = csn_key_mask(ctx, key, out);
	csn_wipe(key, sizeof(key));
	return rc;
}

int
csn_schedule_epoch(struct csn_ctx *ctx, const struct csn_key *chain,
    struct csn_key *root, struct csn_key *next)
{
	uint8_t prk[CSN_KEY_SIZE];
	int rc;

	if ((rc = csn_key_unmask(ctx, chain, prk)) != 0)
		return rc;
	if ((rc = expand_to_rest(ctx, prk, LABEL_EPOCH,
	    sizeof(LABEL_EPOCH) - 1, root)) == 0 &&
	    (rc = expand_to_rest(ctx, prk, LABEL_RATCHET,
	    sizeof(LABEL_RATCHET) - 1, next)) != 0)
		csn_key_wipe(ctx, root);
	csn_wipe(prk, sizeof(prk));
	return rc;
}

int
csn_schedule_writer(struct csn_ctx *ctx, const struct csn_key *root,
    const uint8_t id[16], struct csn_key *key)
{
	uint8_t info[sizeof(LABEL_WRITER) - 1 + 16], prk[CSN_KEY_SIZE];
	int rc;

	memcpy(info, LABEL_WRITER, sizeof(LABEL_WRITER) - 1);
	memcpy(info + sizeof(LABEL_WRITER) - 1, id, 16);
	if ((rc = csn_key_unmask(ctx, root, prk)) == 0)
		rc = expand_to_rest(ctx, prk, info, sizeof(info), key);
	csn_wipe(prk, sizeof(prk));
	return rc;
}
