/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/evidence.h - signed claims, and what verifying them found. */
#ifndef CAISSON_EVIDENCE_H
#define CAISSON_EVIDENCE_H

#include <caisson/crypto.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A verification result: every check that was made, in order, each by name
 * with its outcome. A result is good when no check failed; what was not
 * checked is listed too, because a caller may have to know.
 */
struct csn_result;

enum csn_check {
	CSN_CHECK_PASSED = 0,
	CSN_CHECK_FAILED = 1,
	CSN_CHECK_SKIPPED = 2	/* not checked: what it needs was not given */
};

CSN_API CSN_MUST_CHECK int csn_result_new(struct csn_ctx *ctx,
    struct csn_result **out);
/**
 * Add a check. name is short and stable ("signature", "expiry"); code is the
 * CSN_E_* that a failed check stands for, and 0 for any other. detail may be
 * NULL. Both strings are copied. CSN_E_ARG or CSN_E_NOMEM.
 */
CSN_API CSN_MUST_CHECK int csn_result_add(struct csn_result *r,
    const char *name, int status, int code, const char *detail);
CSN_API size_t csn_result_count(const struct csn_result *r);
/**
 * The strings are the result's own. 0, or CSN_E_NOT_FOUND past the end, which
 * ends a loop and is no failure: csn_message() stays as it was.
 */
CSN_API CSN_MUST_CHECK int csn_result_get(const struct csn_result *r,
    size_t i, const char **name, int *status, const char **detail);
/**
 * 0 where no check failed, else the code of the first that did. A result
 * without any check says nothing: ask csn_result_count() too.
 */
CSN_API int csn_result_code(const struct csn_result *r);
/**
 * JSON: {"valid":…,"checks":[{"name","status","code","detail"}…],
 * "not_checked":[…]}; csn_free. valid is false where there is no check at all;
 * not_checked are the names of those that were skipped.
 */
CSN_API CSN_MUST_CHECK int csn_result_json(struct csn_ctx *ctx,
    const struct csn_result *r, char **json);
CSN_API void csn_result_free(struct csn_result *r);

/*
 * COSE_Sign1 (RFC 9052) with ML-DSA (RFC 9964: alg -48, -49, -50; empty
 * context). The protected header holds alg, kid (the signer's DID as bytes:
 * Caisson's own messages use the short form, did:pqaid) and typ (RFC 9596),
 * one for each purpose, and nothing else; the same purpose is bound again as
 * external_aad, so that no signature made for one purpose verifies for
 * another. The unprotected header is empty. The message is tagged (18), its
 * payload attached, all of it deterministic, with no byte behind it.
 */

#define CSN_COSE_MAX (1u << 20)	/* bytes of a message, both ways */

/**
 * Sign payload as typ ("application/caisson-action+cwt", 1 to 255 bytes) with
 * kid (1 to 4095 bytes); *out is csn_free's. CSN_E_ARG where key has no
 * private half; CSN_E_LIMIT past CSN_COSE_MAX.
 */
CSN_API CSN_MUST_CHECK int csn_cose_sign(struct csn_ctx *ctx,
    const struct csn_sign_key *key, const char *kid, const char *typ,
    const uint8_t *payload, size_t payload_len, uint8_t **out,
    size_t *out_len);

/**
 * The kid of a message, for looking its key up in a trust store; nothing has
 * been verified. *kid points into msg and is not terminated.
 */
CSN_API CSN_MUST_CHECK int csn_cose_kid(struct csn_ctx *ctx,
    const uint8_t *msg, size_t len, const char **kid, size_t *kid_len);

/**
 * Verify under key, which came from the caller's trust store. The message's
 * alg must be the key's and its typ must be typ. *payload points into msg.
 * CSN_E_FORM, CSN_E_ALGORITHM, CSN_E_POLICY (another typ), CSN_E_SIGNATURE.
 */
CSN_API CSN_MUST_CHECK int csn_cose_verify(struct csn_ctx *ctx,
    const struct csn_sign_key *key, const char *typ, const uint8_t *msg,
    size_t len, const uint8_t **payload, size_t *payload_len);

/*
 * Armour: bytes as text between BEGIN and END lines (RFC 7468, strict form,
 * 64 columns), for pasting what this library signed into a mail or a page.
 */
#define CSN_LABEL_IDENTITY "CAISSON IDENTITY"
#define CSN_LABEL_ACTION "CAISSON ACTION"

/** *text is csn_free's. label is 1 to 64 capital letters and spaces. */
CSN_API CSN_MUST_CHECK int csn_armor(struct csn_ctx *ctx, const char *label,
    const uint8_t *p, size_t len, char **text);
/**
 * The bytes of one armoured block of that label, and nothing beside it but
 * white space; *out is csn_free's. CSN_E_FORM, CSN_E_LIMIT past
 * CSN_COSE_MAX.
 */
CSN_API CSN_MUST_CHECK int csn_dearmor(struct csn_ctx *ctx,
    const char *label, const char *text, size_t len, uint8_t **out,
    size_t *out_len);

#ifdef __cplusplus
}
#endif

#endif
