/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/attest_key.h - where an attester's signing key comes from. */
#ifndef CAISSON_ATTEST_KEY_H
#define CAISSON_ATTEST_KEY_H

#include <caisson/identity.h>
#include <caisson/keystore.h>
#include <caisson/guest.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An attester signs with an identity (csn_attester_options). Beside a folder
 * (csn_identity_load()) there are two ways to one: its secret is kept wrapped
 * under a key of a keystore, or the firmware of SEV-SNP derives it anew in
 * each run and it is kept nowhere. The same secret gives the same keys, and so
 * the same DID for a trust store; the identity's document is signed anew.
 *
 * The options are those of csn_identity_new(), but purposes 0 is
 * CSN_PURPOSE_REPORT. An X-Wing key is CSN_E_ALGORITHM.
 */

/**
 * The identity that a secret of 32 random bytes stands for: seeds for ML-DSA
 * (32 bytes) and ML-KEM (64) are HKDF-SHA3-256 of it, with the salt "caisson
 * attester key" and the parameter set's name ("ML-DSA-65") as info.
 * CSN_E_ARG, CSN_E_ALGORITHM, CSN_E_NOMEM, CSN_E_CRYPTO.
 */
CSN_API CSN_MUST_CHECK int csn_attest_key_derive(struct csn_ctx *ctx,
    const struct csn_identity_options *options, const uint8_t secret[32],
    struct csn_identity **out);

/** The label under which csn_snp_derived_key() gives an attester's secret. */
#define CSN_ATTEST_KEY_LABEL "attester"

/**
 * The identity of this guest of SEV-SNP: csn_attest_key_derive() of what
 * csn_snp_derived_key() gives for snp and that label, with their errors. snp
 * says what the key depends on: with CSN_SNP_MEASUREMENT another image has
 * another identity.
 */
CSN_API CSN_MUST_CHECK int csn_attest_key_snp(struct csn_ctx *ctx,
    const struct csn_identity_options *options,
    const struct csn_snp_key_options *snp, struct csn_identity **out);

/**
 * Make a fresh secret and put it, wrapped under the key key_name of ks, into
 * a new file of mode 0600 (docs/wire/keystore.md). CSN_E_EXISTS where path is
 * there; CSN_E_NOT_FOUND for no such key, CSN_E_LOCKED, CSN_E_IO,
 * CSN_E_RANDOM.
 */
CSN_API CSN_MUST_CHECK int csn_attest_key_create(struct csn_ctx *ctx,
    struct csn_keystore *ks, const char *key_name, const char *path);
/**
 * The identity of such a file. CSN_E_NOT_FOUND for no file or no such key,
 * CSN_E_FORM or CSN_E_TAG where the file is damaged or was wrapped under
 * another key, CSN_E_VERSION, CSN_E_LOCKED; as csn_attest_key_derive().
 */
CSN_API CSN_MUST_CHECK int csn_attest_key_open(struct csn_ctx *ctx,
    struct csn_keystore *ks, const char *key_name, const char *path,
    const struct csn_identity_options *options, struct csn_identity **out);

#ifdef __cplusplus
}
#endif

#endif
