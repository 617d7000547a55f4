/* SPDX-License-Identifier: Apache-2.0 */
/* wrap.c - a data key wrapped under a key-encryption key and bound to aad. */

#include <string.h>

#include "providers/keystore/provider.h"

#define FORMAT 1

static const char wrap_label[] = "caisson keystore wrap";
static const char commit_label[] = "caisson keystore commitment";

static int
wrap_key(struct csn_ctx *ctx, const uint8_t kek[CSN_KEY_SIZE],
    const uint8_t digest[CSN_HASH_SIZE], uint8_t out[CSN_KEY_SIZE])
{
	uint8_t info[sizeof(wrap_label) - 1 + CSN_HASH_SIZE];

	memcpy(info, wrap_label, sizeof(wrap_label) - 1);
	memcpy(info + sizeof(wrap_label) - 1, digest, CSN_HASH_SIZE);
	return csn_hkdf_expand(ctx, kek, info, sizeof(info), out,
	    CSN_KEY_SIZE);
}

static int
commitment(struct csn_ctx *ctx, const uint8_t kek[CSN_KEY_SIZE],
    const uint8_t digest[CSN_HASH_SIZE], const uint8_t wrapped[CSN_WRAP_SIZE],
    uint8_t out[CSN_HASH_SIZE])
{
	uint8_t info[sizeof(commit_label) - 1 + CSN_HASH_SIZE +
	    CSN_WRAP_SIZE];
	size_t at = sizeof(commit_label) - 1;

	memcpy(info, commit_label, at);
	memcpy(info + at, digest, CSN_HASH_SIZE);
	memcpy(info + at + CSN_HASH_SIZE, wrapped, CSN_WRAP_SIZE);
	return csn_hkdf_expand(ctx, kek, info, sizeof(info), out,
	    CSN_HASH_SIZE);
}

int
csn_ks_wrap(struct csn_ctx *ctx, const uint8_t kek[CSN_KEY_SIZE],
    const uint8_t *aad, size_t aad_len, const uint8_t key[CSN_KEY_SIZE],
    uint8_t out[CSN_KS_WRAP_SIZE])
{
	uint8_t digest[CSN_HASH_SIZE], sub[CSN_KEY_SIZE];
	int rc;

	out[0] = FORMAT;
	if ((rc = csn_sha3_256(ctx, aad, aad_len, digest)) != 0 ||
	    (rc = wrap_key(ctx, kek, digest, sub)) != 0 ||
	    (rc = csn_key_wrap(ctx, sub, key, out + 1)) != 0 ||
	    (rc = commitment(ctx, kek, digest, out + 1,
	    out + 1 + CSN_WRAP_SIZE)) != 0)
		memset(out, 0, CSN_KS_WRAP_SIZE);
	csn_wipe(sub, sizeof(sub));
	return rc;
}

int
csn_ks_unwrap(struct csn_ctx *ctx, const uint8_t kek[CSN_KEY_SIZE],
    const uint8_t *aad, size_t aad_len, const uint8_t *in, size_t len,
    uint8_t key[CSN_KEY_SIZE])
{
	uint8_t digest[CSN_HASH_SIZE], sub[CSN_KEY_SIZE];
	uint8_t is[CSN_HASH_SIZE];
	int rc;

	memset(key, 0, CSN_KEY_SIZE);
	if (len != CSN_KS_WRAP_SIZE || in[0] != FORMAT)
		return csn_fail(ctx, CSN_E_FORM, "keystore",
		    "%zu bytes that are no wrapped key", len);
	if ((rc = csn_sha3_256(ctx, aad, aad_len, digest)) != 0 ||
	    (rc = commitment(ctx, kek, digest, in + 1, is)) != 0)
		goto out;
	if (!csn_equal(is, in + 1 + CSN_WRAP_SIZE, sizeof(is))) {
		rc = csn_fail(ctx, CSN_E_TAG, "keystore", "a wrapped key that "
		    "was not wrapped under this key and for this use");
		goto out;
	}
	if ((rc = wrap_key(ctx, kek, digest, sub)) == 0)
		rc = csn_key_unwrap(ctx, sub, in + 1, key);
out:
	csn_wipe(sub, sizeof(sub));
	csn_wipe(is, sizeof(is));
	return rc;
}

int
csn_ks_wrap_masked(struct csn_ctx *ctx, const struct csn_key *kek,
    const uint8_t *aad, size_t aad_len, const uint8_t key[CSN_KEY_SIZE],
    uint8_t *out, size_t *out_len)
{
	uint8_t plain[CSN_KEY_SIZE];
	size_t cap = *out_len;
	int rc;

	*out_len = CSN_KS_WRAP_SIZE;
	if (cap < CSN_KS_WRAP_SIZE)
		return csn_fail(ctx, CSN_E_BUFFER, "keystore", "a wrapped key "
		    "has %d bytes, the buffer %zu", CSN_KS_WRAP_SIZE, cap);
	if ((rc = csn_key_unmask(ctx, kek, plain)) == 0)
		rc = csn_ks_wrap(ctx, plain, aad, aad_len, key, out);
	csn_wipe(plain, sizeof(plain));
	return rc;
}

int
csn_ks_unwrap_masked(struct csn_ctx *ctx, const struct csn_key *kek,
    const uint8_t *aad, size_t aad_len, const uint8_t *in, size_t len,
    uint8_t key[CSN_KEY_SIZE])
{
	uint8_t plain[CSN_KEY_SIZE];
	int rc;

	memset(key, 0, CSN_KEY_SIZE);
	if ((rc = csn_key_unmask(ctx, kek, plain)) == 0)
		rc = csn_ks_unwrap(ctx, plain, aad, aad_len, in, len, key);
	csn_wipe(plain, sizeof(plain));
	return rc;
}

int
csn_ks_fail_locked(struct csn_ctx *ctx)
{
	return csn_fail(ctx, CSN_E_LOCKED, "keystore",
	    "the keystore is locked: unlock it first");
}

int
csn_ks_fail_missing(struct csn_ctx *ctx, const char *key_name)
{
	return csn_fail(ctx, CSN_E_NOT_FOUND, "keystore",
	    "the keystore has no key named %s", key_name);
}

int
csn_ks_fail_exists(struct csn_ctx *ctx, const char *key_name)
{
	return csn_fail(ctx, CSN_E_EXISTS, "keystore",
	    "the keystore has a key named %s already", key_name);
}
