/* SPDX-License-Identifier: Apache-2.0 */
/* cache/kit_seal.c - sealing and opening as CacheKit does it. */
#include <endian.h>
#include <string.h>

#include <caisson/aead.h>

#include "base/fail.h"
#include "cache/kit.h"

#define ROOM "cache"

/* A length, big-endian, and the bytes; where the next field goes. */
static uint8_t *
put_field(uint8_t *out, const char *p, size_t len)
{
	uint32_t be = htobe32((uint32_t)len);

	memcpy(out, &be, sizeof(be));
	memcpy(out + sizeof(be), p, len);
	return out + sizeof(be) + len;
}

int
csn_kit_aad(const struct csn_ctx *ctx, const struct csn_cachekit_bind *bind,
    uint8_t out[CSN_KIT_AAD_MAX], size_t *len)
{
	size_t format_len, type_len;
	uint8_t *to = out;

	if (bind->tenant == NULL || bind->tenant_len == 0 ||
	    bind->tenant_len > CSN_CACHEKIT_TENANT_MAX)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a tenant's name has 1 "
		    "to %d bytes", CSN_CACHEKIT_TENANT_MAX);
	if (bind->key == NULL || bind->key_len == 0 ||
	    bind->key_len > CSN_CACHEKIT_KEY_MAX)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a sealed entry wants a "
		    "cache key of 1 to %d bytes", CSN_CACHEKIT_KEY_MAX);
	format_len = bind->format != NULL ? strlen(bind->format) : 0;
	type_len = bind->type != NULL ? strlen(bind->type) : 0;
	if (format_len == 0 || format_len > CSN_KIT_FORMAT_MAX ||
	    type_len > CSN_KIT_TYPE_MAX)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a sealed entry wants a "
		    "format of 1 to %d bytes, and a type of at most %d",
		    CSN_KIT_FORMAT_MAX, CSN_KIT_TYPE_MAX);
	*to++ = 3;
	to = put_field(to, bind->tenant, bind->tenant_len);
	to = put_field(to, bind->key, bind->key_len);
	to = put_field(to, bind->format, format_len);
	to = bind->compressed ? put_field(to, "True", 4) :
	    put_field(to, "False", 5);
	if (type_len != 0)
		to = put_field(to, bind->type, type_len);
	*len = (size_t)(to - out);
	return 0;
}

/* The next nonce: never one twice under a key, whatever happens. */
static int
take_nonce(struct csn_cachekit *kit, struct csn_kit_tenant *t, uint64_t blocks,
    uint8_t nonce[CSN_NONCE_SIZE])
{
	uint64_t n, all;

	n = atomic_fetch_add_explicit(&t->messages, 1, memory_order_relaxed);
	all = blocks + atomic_fetch_add_explicit(&t->blocks, blocks,
	    memory_order_relaxed);
	if (n >= CSN_KIT_MESSAGES || all > CSN_KIT_BLOCKS) {
		/* Both stay past their end, however often this is asked. */
		atomic_store(&t->messages, CSN_KIT_MESSAGES);
		return csn_fail(kit->ctx, CSN_E_LIMIT, ROOM, "a tenant's key "
		    "has sealed as much as AES-GCM allows (2^32 messages or 1 "
		    "TiB): rotate the master key");
	}
	if (csn_fork_check_at(kit->ctx, kit->generation, n, 1) != 0)
		return csn_kit_forked(kit);
	memcpy(nonce, t->prefix, CSN_KIT_NONCE_PREFIX);
	nonce[8] = (uint8_t)(n >> 24);
	nonce[9] = (uint8_t)(n >> 16);
	nonce[10] = (uint8_t)(n >> 8);
	nonce[11] = (uint8_t)n;
	return 0;
}

int
csn_kit_seal(struct csn_cachekit *kit, struct csn_kit_tenant *t,
    const struct csn_cachekit_bind *bind, const uint8_t *head,
    size_t head_len, const uint8_t *in, size_t len, uint8_t *out)
{
	uint8_t aad[CSN_KIT_AAD_MAX];
	uint8_t *body = out + CSN_NONCE_SIZE;
	struct csn_aead_part parts[] = {
		{ .in = head, .out = body, .len = head_len },
		{ .in = in, .out = body + head_len, .len = len },
	};
	struct csn_aead_msg msg = { .aad = aad,
	    .parts = head_len != 0 ? parts : parts + 1,
	    .nparts = head_len != 0 ? 2 : 1, .tag = body + head_len + len };
	struct csn_lane *lane;
	int rc;

	if ((rc = csn_kit_aad(kit->ctx, bind, aad, &msg.aad_len)) != 0 ||
	    (rc = take_nonce(kit, t, (head_len + len + 15) / 16 +
	    (msg.aad_len + 15) / 16 + 2, msg.nonce)) != 0 ||
	    (rc = csn_lane_acquire(kit->ctx, &t->keys[0], &lane)) != 0)
		goto err;
	rc = csn_lane_seal(lane, &msg);
	csn_lane_release(lane);
	if (rc != 0)
		goto err;
	memcpy(out, msg.nonce, CSN_NONCE_SIZE);
	return 0;

err:
	csn_wipe(out, head_len + len + CSN_CACHEKIT_OVERHEAD);
	return rc;
}

/* With one key. CSN_E_TAG sets no lasting sentence: another may follow. */
static int
open_with(struct csn_cachekit *kit, const struct csn_key *key,
    const uint8_t *aad, size_t aad_len, const uint8_t *in, size_t len,
    uint8_t *head, size_t head_len, uint8_t *out)
{
	const uint8_t *body = in + CSN_NONCE_SIZE;
	struct csn_aead_part parts[] = {
		{ .in = body, .out = head, .len = head_len },
		{ .in = body + head_len, .out = out,
		    .len = len - CSN_CACHEKIT_OVERHEAD - head_len },
	};
	uint8_t tag[CSN_TAG_SIZE];
	struct csn_aead_msg msg = { .aad = aad, .aad_len = aad_len,
	    .parts = head_len != 0 ? parts : parts + 1,
	    .nparts = head_len != 0 ? 2 : 1, .tag = tag };
	struct csn_lane *lane;
	int rc;

	memcpy(msg.nonce, in, CSN_NONCE_SIZE);
	memcpy(tag, in + len - CSN_TAG_SIZE, CSN_TAG_SIZE);
	if ((rc = csn_lane_acquire(kit->ctx, key, &lane)) != 0)
		return rc;
	rc = csn_lane_open(lane, &msg);
	csn_lane_release(lane);
	return rc;
}

int
csn_kit_open(struct csn_cachekit *kit, struct csn_kit_tenant *t,
    const struct csn_cachekit_bind *bind, const uint8_t *fingerprint,
    const uint8_t *in, size_t len, uint8_t *head, size_t head_len,
    uint8_t *out, size_t *which)
{
	uint8_t aad[CSN_KIT_AAD_MAX];
	size_t aad_len, i, first = 0, last = t->nkeys;
	size_t out_len = len - CSN_CACHEKIT_OVERHEAD - head_len;
	int rc;

	for (i = 0; fingerprint != NULL && i < t->nkeys; i++)
		if (memcmp(fingerprint, t->fingerprints[i], /* public */
			CSN_FINGERPRINT_SIZE) == 0) {
			first = i;
			last = i + 1;
		}
	if ((rc = csn_kit_aad(kit->ctx, bind, aad, &aad_len)) != 0)
		goto err;
	for (i = first; i < last; i++) {
		rc = open_with(kit, &t->keys[i], aad, aad_len, in, len, head,
		    head_len, out);
		if (rc == 0) {
			if (which != NULL)
				*which = i;
			return 0;
		}
		/* What a failed open wrote is not plaintext, and still. */
		csn_wipe(head, head_len);
		csn_wipe(out, out_len);
		if (rc != CSN_E_TAG)
			return rc;
	}
	return csn_fail(kit->ctx, CSN_E_TAG, ROOM, "the entry does not verify "
	    "under %zu master key%s: it was changed, belongs to another key, "
	    "tenant or format, or its master key is not in the ring",
	    last - first, last - first == 1 ? "" : "s");

err:
	csn_wipe(head, head_len);
	csn_wipe(out, out_len);
	return rc;
}

int
csn_cachekit_seal(struct csn_cachekit *kit,
    const struct csn_cachekit_bind *bind, const uint8_t *in, size_t len,
    uint8_t *out)
{
	if (CSN_NEEDS(kit, bind) != 0)
		return CSN_E_ARG;

	struct csn_kit_tenant *t;
	int rc;

	if (len > CSN_CACHEKIT_SEAL_MAX)
		return csn_fail(kit->ctx, CSN_E_LIMIT, ROOM, "%zu bytes are "
		    "too many for one sealed entry", len);
	if ((rc = csn_kit_hold(kit, bind->tenant, bind->tenant_len,
	    &t)) != 0) {
		csn_wipe(out, len + CSN_CACHEKIT_OVERHEAD);
		return rc;
	}
	rc = csn_kit_seal(kit, t, bind, NULL, 0, in, len, out);
	csn_kit_release(kit, t);
	return rc;
}

int
csn_cachekit_open(struct csn_cachekit *kit,
    const struct csn_cachekit_bind *bind, const uint8_t fingerprint[16],
    const uint8_t *in, size_t len, uint8_t *out, size_t *which)
{
	if (CSN_NEEDS(kit, bind) != 0)
		return CSN_E_ARG;

	struct csn_kit_tenant *t;
	int rc;

	if (len < CSN_CACHEKIT_OVERHEAD)
		return csn_fail(kit->ctx, CSN_E_FORM, ROOM, "%zu bytes are "
		    "too few for a sealed entry: nonce and tag alone are %d",
		    len, CSN_CACHEKIT_OVERHEAD);
	if ((rc = csn_kit_hold(kit, bind->tenant, bind->tenant_len,
	    &t)) != 0) {
		csn_wipe(out, len - CSN_CACHEKIT_OVERHEAD);
		return rc;
	}
	rc = csn_kit_open(kit, t, bind, fingerprint, in, len, NULL, 0, out,
	    which);
	csn_kit_release(kit, t);
	return rc;
}
