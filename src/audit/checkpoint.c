/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.c - a head that a key vouches for. */

#include <string.h>

#include "audit/checkpoint.h"
#include "base/alloc.h"
#include "base/cbor.h"
#include "base/fail.h"
#include "evidence/armor.h"

#define TYP "application/caisson-audit+cwt"

#define VERSION 1

/* CWT claims (RFC 8392): iat, and private ones. */
enum {
	CLAIM_IAT = 6,
	CLAIM_VERSION = -70000,
	CLAIM_LOG = -70020,
	CLAIM_LINES = -70021,
	CLAIM_HEAD = -70022
};

int
csn_audit_checkpoint_make(struct csn_ctx *ctx,
    const struct csn_identity *signer, const uint8_t log[CSN_AUDIT_LOG_ID],
    uint64_t n, const uint8_t head[CSN_HASH_SIZE], uint64_t unix_ms,
    char **out)
{
	const struct csn_sign_key *key = csn_identity_sign_key(signer);
	const uint8_t *payload;
	struct csn_cbor_map m;
	struct csn_out w;
	uint8_t *cose = NULL;
	size_t len, payload_len;
	int rc;

	csn_out_init(&w);
	csn_cbor_map_begin(&w, &m);
	csn_cbor_key_int(&m, CLAIM_IAT);
	csn_cbor_uint(&w, unix_ms / 1000);
	csn_cbor_key_int(&m, CLAIM_VERSION);
	csn_cbor_uint(&w, VERSION);
	csn_cbor_key_int(&m, CLAIM_LOG);
	csn_cbor_bytes(&w, log, CSN_AUDIT_LOG_ID);
	csn_cbor_key_int(&m, CLAIM_LINES);
	csn_cbor_uint(&w, n);
	csn_cbor_key_int(&m, CLAIM_HEAD);
	csn_cbor_bytes(&w, head, CSN_HASH_SIZE);
	csn_cbor_map_end(&m);
	if (!csn_out_ok(&w)) {
		rc = CSN_E_NOMEM;
		goto out;
	}
	rc = csn_cose_sign(ctx, key, csn_identity_alias(signer), TYP, w.p,
	    w.len, &cose, &len);
	/*
	 * A line cannot be taken back, and OpenSSL 3.5 was seen to give a
	 * wrong signature, and success, where memory ran out meanwhile.
	 */
	if (rc == 0)
		rc = csn_cose_verify(ctx, key, TYP, cose, len, &payload,
		    &payload_len);
	if (rc == 0 && (*out = csn_base64_encode(cose, len)) == NULL)
		rc = CSN_E_NOMEM;
	if (rc == CSN_E_SIGNATURE)
		rc = csn_fail(ctx, CSN_E_CRYPTO, "audit",
		    "the checkpoint's signature came out wrong");
out:
	if (rc == CSN_E_NOMEM)
		rc = csn_fail(ctx, rc, "audit", "no memory for a checkpoint");
	csn_free(cose);
	csn_out_wipe(&w);
	return rc;
}

static int
read_payload(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    uint8_t log[CSN_AUDIT_LOG_ID], uint64_t *n, uint8_t head[CSN_HASH_SIZE])
{
	const uint8_t *id, *h;
	struct csn_reader r;
	size_t id_len, h_len;
	int rc, form;

	if ((rc = csn_cbor_check(ctx, p, len)) != 0)
		return rc;
	csn_reader_init(&r, p, len);
	/* Deterministic, so there is one order that they can be in. */
	form = csn_cbor_get_map(&r) == 5;
	form &= csn_cbor_get_int(&r) == CLAIM_IAT;
	(void)csn_cbor_get_uint(&r);
	form &= csn_cbor_get_int(&r) == CLAIM_VERSION;
	form &= csn_cbor_get_uint(&r) == VERSION;
	form &= csn_cbor_get_int(&r) == CLAIM_LOG;
	id = csn_cbor_get_bytes(&r, &id_len);
	form &= csn_cbor_get_int(&r) == CLAIM_LINES;
	*n = csn_cbor_get_uint(&r);
	form &= csn_cbor_get_int(&r) == CLAIM_HEAD;
	h = csn_cbor_get_bytes(&r, &h_len);
	if (!form || !csn_reader_done(&r) || id_len != CSN_AUDIT_LOG_ID ||
	    h_len != CSN_HASH_SIZE)
		return csn_fail(ctx, CSN_E_FORM, "audit",
		    "a checkpoint that does not say what it is about");
	memcpy(log, id, CSN_AUDIT_LOG_ID);
	memcpy(head, h, CSN_HASH_SIZE);
	return 0;
}

int
csn_audit_checkpoint_verify(struct csn_ctx *ctx, struct csn_trust *trust,
    const char *cose, size_t len, uint8_t log[CSN_AUDIT_LOG_ID], uint64_t *n,
    uint8_t head[CSN_HASH_SIZE])
{
	const struct csn_trust_entry *entry = NULL;
	const uint8_t *payload;
	const char *kid;
	size_t msg_len, kid_len, payload_len;
	uint8_t *msg = NULL;
	int rc;

	if ((rc = csn_base64_decode(cose, len, &msg, &msg_len)) != 0)
		return csn_fail(ctx, rc, "audit",
		    "a checkpoint that is no base64");
	if ((rc = csn_cose_kid(ctx, msg, msg_len, &kid, &kid_len)) == 0 &&
	    (rc = csn_trust_find(ctx, trust, kid, kid_len, CSN_PURPOSE_AUDIT,
	    &entry)) == 0 &&
	    (rc = csn_cose_verify(ctx, entry->key, TYP, msg, msg_len,
	    &payload, &payload_len)) == 0)
		rc = read_payload(ctx, payload, payload_len, log, n, head);
	if (entry != NULL)
		csn_trust_release(trust, entry);
	csn_free(msg);
	return rc;
}
