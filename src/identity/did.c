/* SPDX-License-Identifier: Apache-2.0 */
/* identity/did.c - DIDs, computed from ML-DSA keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "identity/did.h"
#include "identity/words.h"

#define ROOM "identity"

/* 'z' says base58btc (Multibase). */
static const char did_key[] = "did:key:z";
static const char did_alias[] = "did:pqaid:";

#define CODEC_SIZE 2

/*
 * mldsa-44-pub 0x1210, mldsa-65-pub 0x1211, mldsa-87-pub 0x1212 of the
 * multicodec table, as unsigned varints.
 */
static const struct {
	int sign;
	uint8_t codec[CODEC_SIZE];
} codecs[] = {
	{ CSN_SIGN_ML_DSA_44, { 0x90, 0x24 } },
	{ CSN_SIGN_ML_DSA_65, { 0x91, 0x24 } },
	{ CSN_SIGN_ML_DSA_87, { 0x92, 0x24 } },
};
#define NCODECS (sizeof(codecs) / sizeof(codecs[0]))

int
csn_did_new(struct csn_ctx *ctx, const struct csn_sign_key *key, char **out)
{
	uint8_t raw[CODEC_SIZE + CSN_SIGN_MAX_PUBLIC];
	char *base58 = NULL, *did;
	size_t i, len, n;
	int rc;

	if (key == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A DID is computed from a key, and there is none.");
	for (i = 0; codecs[i].sign != csn_sign_of(key); i++) {
		if (i + 1 == NCODECS)
			return csn_fail(ctx, CSN_E_ALGORITHM, ROOM,
			    "There is no did:key for this algorithm.");
	}
	memcpy(raw, codecs[i].codec, CODEC_SIZE);
	len = csn_sign_public_size(codecs[i].sign);
	if ((rc = csn_sign_public(ctx, key, raw + CODEC_SIZE, len)) != 0)
		return rc;
	if ((base58 = csn_base58_encode(raw, CODEC_SIZE + len)) == NULL)
		goto nomem;
	n = sizeof(did_key) + strlen(base58);
	if ((did = csn_calloc(n, 1)) == NULL)
		goto nomem;
	(void)snprintf(did, n, "%s%s", did_key, base58);
	free(base58);
	*out = did;
	return 0;

nomem:
	free(base58);
	return csn_nomem(ctx, ROOM, "a DID");
}

int
csn_did_key(struct csn_ctx *ctx, const struct csn_sign_key *key, char *out,
    size_t cap)
{
	char *did;
	size_t n;
	int rc;

	if (out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A DID needs a place to go.");
	if ((rc = csn_did_new(ctx, key, &did)) != 0)
		return rc;
	if ((n = strlen(did)) >= cap)
		rc = csn_fail(ctx, CSN_E_BUFFER, ROOM,
		    "A did:key of %zu bytes does not fit in %zu.", n + 1, cap);
	else
		memcpy(out, did, n + 1);
	free(did);
	return rc;
}

int
csn_did_alias(struct csn_ctx *ctx, const struct csn_sign_key *key, char *out,
    size_t cap)
{
	uint8_t pk[CSN_SIGN_MAX_PUBLIC], digest[CSN_HASH_SIZE];
	size_t len;
	int rc;

	if (key == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "An alias needs a key and a place to go.");
	if (cap < CSN_ALIAS_SIZE)
		return csn_fail(ctx, CSN_E_BUFFER, ROOM,
		    "An alias of %d bytes does not fit in %zu.",
		    CSN_ALIAS_SIZE, cap);
	len = csn_sign_public_size(csn_sign_of(key));
	if ((rc = csn_sign_public(ctx, key, pk, sizeof(pk))) != 0 ||
	    (rc = csn_sha3_256(ctx, pk, len, digest)) != 0)
		return rc;
	memcpy(out, did_alias, sizeof(did_alias) - 1);
	csn_hex_encode(digest, sizeof(digest), out + sizeof(did_alias) - 1);
	return 0;
}

/* The codec and the key bytes of a did:key, malloc'ed in *raw. */
static int
decode(struct csn_ctx *ctx, const char *did, size_t len, uint8_t **raw,
    size_t *raw_len)
{
	size_t head = sizeof(did_key) - 1;
	int rc;

	/* Base58 is quadratic: nothing long is tried. */
	if (len <= head || len >= CSN_DID_SIZE ||
	    !csn_same(did, head, did_key, head))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "This is no did:key in base58btc.");
	rc = csn_base58_decode(did + head, len - head, raw, raw_len);
	if (rc == CSN_E_NOMEM)
		return csn_fail(ctx, rc, ROOM, "No memory to read a DID.");
	if (rc != 0 || *raw_len < CODEC_SIZE) {
		if (rc == 0)
			free(*raw);
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "The did:key is not written in base58btc.");
	}
	return 0;
}

int
csn_did_read(struct csn_ctx *ctx, const char *did, size_t len,
    struct csn_sign_key **out)
{
	uint8_t *raw;
	size_t i, n;
	int rc;

	if ((rc = decode(ctx, did, len, &raw, &n)) != 0)
		return rc;
	for (i = 0; i < NCODECS; i++) {
		if (csn_same(raw, CODEC_SIZE, codecs[i].codec, CODEC_SIZE))
			break;
	}
	if (i == NCODECS)
		rc = csn_fail(ctx, CSN_E_ALGORITHM, ROOM,
		    "The did:key is not one of an ML-DSA key.");
	else if (n - CODEC_SIZE != csn_sign_public_size(codecs[i].sign))
		rc = csn_fail(ctx, CSN_E_FORM, ROOM,
		    "The did:key holds %zu bytes, which is no key of %s.",
		    n - CODEC_SIZE, csn_sign_name(codecs[i].sign));
	else
		rc = csn_sign_from_public(ctx, codecs[i].sign,
		    raw + CODEC_SIZE, n - CODEC_SIZE, out);
	free(raw);
	return rc;
}

int
csn_did_to_key(struct csn_ctx *ctx, const char *did,
    struct csn_sign_key **out)
{
	if (did == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A DID and a place for its key are needed.");
	return csn_did_read(ctx, did, strlen(did), out);
}

int
csn_did_matches(struct csn_ctx *ctx, const char *did,
    const struct csn_sign_key *key)
{
	char alias[CSN_ALIAS_SIZE];
	struct csn_sign_key *other;
	int same;

	if (did == NULL || key == NULL)
		return 0;
	if (strncmp(did, did_alias, sizeof(did_alias) - 1) == 0)
		return csn_did_alias(ctx, key, alias, sizeof(alias)) == 0 &&
		    strcmp(did, alias) == 0;
	/* One spelling a key: base58 has no two for the same bytes. */
	if (csn_did_to_key(ctx, did, &other) != 0)
		return 0;
	same = csn_sign_same(ctx, other, key);
	csn_sign_free(other);
	return same;
}

int
csn_sign_same(struct csn_ctx *ctx, const struct csn_sign_key *a,
    const struct csn_sign_key *b)
{
	uint8_t pa[CSN_SIGN_MAX_PUBLIC], pb[CSN_SIGN_MAX_PUBLIC];

	return csn_sign_of(a) == csn_sign_of(b) &&
	    csn_sign_public(ctx, a, pa, sizeof(pa)) == 0 &&
	    csn_sign_public(ctx, b, pb, sizeof(pb)) == 0 &&
	    csn_same(pa, csn_sign_public_size(csn_sign_of(a)), pb,
	    csn_sign_public_size(csn_sign_of(b)));
}

int
csn_kem_same(struct csn_ctx *ctx, const struct csn_kem_key *a,
    const struct csn_kem_key *b)
{
	uint8_t ea[CSN_KEM_MAX_PUBLIC], eb[CSN_KEM_MAX_PUBLIC];

	return csn_kem_of(a) == csn_kem_of(b) &&
	    csn_kem_public(ctx, a, ea, sizeof(ea)) == 0 &&
	    csn_kem_public(ctx, b, eb, sizeof(eb)) == 0 &&
	    csn_same(ea, csn_kem_public_size(csn_kem_of(a)), eb,
	    csn_kem_public_size(csn_kem_of(b)));
}

int
csn_sign_copy_public(struct csn_ctx *ctx, const struct csn_sign_key *key,
    struct csn_sign_key **out)
{
	uint8_t pk[CSN_SIGN_MAX_PUBLIC];
	int rc;

	if ((rc = csn_sign_public(ctx, key, pk, sizeof(pk))) != 0)
		return rc;
	return csn_sign_from_public(ctx, csn_sign_of(key), pk,
	    csn_sign_public_size(csn_sign_of(key)), out);
}

void
csn_did_brief(const char *did, size_t len, char out[CSN_DID_BRIEF])
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (did[i] < '!' || did[i] > '~') {
			(void)snprintf(out, CSN_DID_BRIEF, "(no DID)");
			return;
		}
	}
	/* An alias fits whole. */
	if (len < CSN_DID_BRIEF)
		(void)snprintf(out, CSN_DID_BRIEF, "%.*s", (int)len,
		    did);
	else
		(void)snprintf(out, CSN_DID_BRIEF, "%.40s...", did);
}
