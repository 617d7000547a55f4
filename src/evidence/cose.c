/* SPDX-License-Identifier: Apache-2.0 */
/* evidence/cose.c - COSE_Sign1 (RFC 9052) with ML-DSA (RFC 9964). */
#include <string.h>

#include "base/alloc.h"
#include "base/cbor.h"
#include "base/fail.h"
#include "evidence/cose.h"

#define ROOM "evidence"

#define TAG_SIGN1 18		/* RFC 9052, 4.2 */
#define HEADER_ALG 1		/* RFC 9052, 3.1 */
#define HEADER_KID 4
#define HEADER_TYP 16		/* RFC 9596 */

#define MAX_KID 4095
#define MAX_TYP 255

int
csn_cose_of_sign(int sign)
{
	switch (sign) {
	case CSN_SIGN_ML_DSA_44:
		return -48;
	case CSN_SIGN_ML_DSA_65:
		return -49;
	case CSN_SIGN_ML_DSA_87:
		return -50;
	default:
		return 0;
	}
}

int
csn_cose_to_sign(int64_t alg)
{
	switch (alg) {
	case -48:
		return CSN_SIGN_ML_DSA_44;
	case -49:
		return CSN_SIGN_ML_DSA_65;
	case -50:
		return CSN_SIGN_ML_DSA_87;
	default:
		return 0;
	}
}

/*
 * Sig_structure (RFC 9052, 4.4): "Signature1", the protected header, the
 * external data, the payload. The typ is the external data as well, so that
 * a verifier that overlooks the header still cannot take one purpose's
 * signature for another's.
 */
static int
sig_structure(struct csn_ctx *ctx, const uint8_t *header, size_t header_len,
    const char *typ, size_t typ_len, const uint8_t *payload,
    size_t payload_len, struct csn_out *w)
{
	csn_out_init(w);
	csn_cbor_array(w, 4);
	csn_cbor_text(w, "Signature1");
	csn_cbor_bytes(w, header, header_len);
	csn_cbor_bytes(w, typ, typ_len);
	csn_cbor_bytes(w, payload, payload_len);
	if (!csn_out_ok(w))
		return csn_nomem(ctx, ROOM,
		    "the bytes that a signature covers");
	return 0;
}

static void
put_header(struct csn_out *w, int alg, const char *kid, size_t kid_len,
    const char *typ)
{
	struct csn_cbor_map m;

	csn_cbor_map_begin(w, &m);
	csn_cbor_key_int(&m, HEADER_ALG);
	csn_cbor_int(w, alg);
	csn_cbor_key_int(&m, HEADER_KID);
	csn_cbor_bytes(w, kid, kid_len);
	csn_cbor_key_int(&m, HEADER_TYP);
	csn_cbor_text(w, typ);
	csn_cbor_map_end(&m);
}

static int
sign_args(struct csn_ctx *ctx, const struct csn_sign_key *key,
    const char *kid, const char *typ, const uint8_t *payload, size_t len,
    size_t max, const void *out)
{
	if (key == NULL || kid == NULL || typ == NULL ||
	    (payload == NULL && len != 0) || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Signing needs a key, a key id, a type and a payload.");
	if (!csn_sign_is_private(key))
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A public key cannot sign: load the key pair.");
	if (kid[0] == '\0' || strlen(kid) > MAX_KID || typ[0] == '\0' ||
	    strlen(typ) > MAX_TYP)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A key id has 1 to %d bytes and a type 1 to %d.",
		    MAX_KID, MAX_TYP);
	/* What is left is for header, signature and their heads. */
	if (len > max - 16384)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM,
		    "A payload of %zu bytes is too long for a signed "
		    "message.", len);
	return 0;
}

int
csn_cose_sign(struct csn_ctx *ctx, const struct csn_sign_key *key,
    const char *kid, const char *typ, const uint8_t *payload,
    size_t payload_len, uint8_t **out, size_t *out_len)
{
	return csn_cose_sign_max(ctx, key, kid, typ, payload, payload_len,
	    CSN_COSE_MAX, out, out_len);
}

int
csn_cose_sign_max(struct csn_ctx *ctx, const struct csn_sign_key *key,
    const char *kid, const char *typ, const uint8_t *payload,
    size_t payload_len, size_t max, uint8_t **out, size_t *out_len)
{
	struct csn_out header = { 0 }, tbs = { 0 }, msg = { 0 };
	struct csn_cbor_map others;
	uint8_t sig[CSN_SIGN_MAX_SIGNATURE];
	size_t sig_len;
	int rc;

	if ((rc = sign_args(ctx, key, kid, typ, payload, payload_len, max,
	    out)) != 0)
		goto out;
	csn_out_init(&header);
	put_header(&header, csn_cose_of_sign(csn_sign_of(key)), kid,
	    strlen(kid), typ);
	if (!csn_out_ok(&header)) {
		rc = csn_nomem(ctx, ROOM, "a protected header");
		goto out;
	}
	if ((rc = sig_structure(ctx, header.p, header.len, typ, strlen(typ),
	    payload, payload_len, &tbs)) != 0)
		goto out;
	if ((rc = csn_sign(ctx, key, NULL, 0, tbs.p, tbs.len, sig,
	    sizeof(sig))) != 0)
		goto out;
	sig_len = csn_sign_signature_size(csn_sign_of(key));

	csn_out_init(&msg);
	csn_cbor_tag(&msg, TAG_SIGN1);
	csn_cbor_array(&msg, 4);
	csn_cbor_bytes(&msg, header.p, header.len);
	csn_cbor_map_begin(&msg, &others);
	csn_cbor_map_end(&others);
	csn_cbor_bytes(&msg, payload, payload_len);
	csn_cbor_bytes(&msg, sig, sig_len);
	if (!csn_out_ok(&msg)) {
		rc = csn_nomem(ctx, ROOM, "a signed message");
		goto out;
	}
	/* The buffer changes hands. */
	*out = msg.p;
	*out_len = msg.len;
	memset(&msg, 0, sizeof(msg));
out:
	csn_out_wipe(&header);
	csn_out_wipe(&tbs);
	csn_out_wipe(&msg);
	return rc;
}

/* The three members of the protected header, and no fourth. */
static int
parse_header(struct csn_ctx *ctx, struct csn_cose *out)
{
	struct csn_reader r;
	const uint8_t *kid = NULL;
	int64_t alg = 0, label;
	size_t i, n;
	int rc;

	if ((rc = csn_cbor_check(ctx, out->header, out->header_len)) != 0)
		return rc;
	csn_reader_init(&r, out->header, out->header_len);
	n = csn_cbor_get_map(&r);
	for (i = 0; i < n && csn_reader_ok(&r); i++) {
		label = csn_cbor_get_int(&r);
		if (!csn_reader_ok(&r))
			break;
		if (label == HEADER_ALG) {
			alg = csn_cbor_get_int(&r);
		} else if (label == HEADER_KID) {
			kid = csn_cbor_get_bytes(&r, &out->kid_len);
		} else if (label == HEADER_TYP) {
			out->typ = csn_cbor_get_text(&r, &out->typ_len);
		} else {
			return csn_fail(ctx, CSN_E_FORM, ROOM,
			    "The protected header has a member %lld that is "
			    "not known here.", (long long)label);
		}
	}
	out->kid = (const char *)kid;
	if (!csn_reader_done(&r) || alg == 0 || kid == NULL ||
	    out->typ == NULL || out->kid_len == 0 || out->kid_len > MAX_KID ||
	    out->typ_len == 0 || out->typ_len > MAX_TYP)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "The protected header is not made of alg, kid and typ.");
	if ((out->alg = csn_cose_to_sign(alg)) == 0)
		return csn_fail(ctx, CSN_E_ALGORITHM, ROOM,
		    "The message is signed with COSE algorithm %lld; only "
		    "ML-DSA (-48, -49, -50) is read here.", (long long)alg);
	return 0;
}

int
csn_cose_parse(struct csn_ctx *ctx, const uint8_t *msg, size_t len,
    struct csn_cose *out)
{
	return csn_cose_parse_max(ctx, msg, len, CSN_COSE_MAX, out);
}

int
csn_cose_parse_max(struct csn_ctx *ctx, const uint8_t *msg, size_t len,
    size_t max, struct csn_cose *out)
{
	struct csn_reader r;
	size_t fields, others;
	uint64_t tag;
	int rc;

	memset(out, 0, sizeof(*out));
	if (msg == NULL || len == 0)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "There is no signed message: it has no bytes.");
	if (len > max)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM,
		    "A signed message of %zu bytes is too long.", len);
	if ((rc = csn_cbor_check(ctx, msg, len)) != 0)
		return rc;
	csn_reader_init(&r, msg, len);
	tag = csn_cbor_get_tag(&r);
	fields = csn_cbor_get_array(&r);
	out->header = csn_cbor_get_bytes(&r, &out->header_len);
	others = csn_cbor_get_map(&r);
	if (!csn_reader_ok(&r) || tag != TAG_SIGN1 || fields != 4)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "This is no COSE_Sign1 message.");
	/* Whatever stands there is signed by nobody. */
	if (others != 0)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "The message has an unprotected header, which must be "
		    "empty.");
	out->payload = csn_cbor_get_bytes(&r, &out->payload_len);
	out->sig = csn_cbor_get_bytes(&r, &out->sig_len);
	if (!csn_reader_done(&r))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "This is no COSE_Sign1 message with a payload.");
	if ((rc = parse_header(ctx, out)) != 0)
		return rc;
	if (out->sig_len != csn_sign_signature_size(out->alg))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "A signature of %zu bytes is not one of %s.",
		    out->sig_len, csn_sign_name(out->alg));
	return 0;
}

int
csn_cose_check(struct csn_ctx *ctx, const struct csn_sign_key *key,
    const char *typ, const struct csn_cose *msg)
{
	struct csn_out tbs = { 0 };
	int rc;

	if (msg->typ_len != strlen(typ) ||
	    /* public */ memcmp(msg->typ, typ, msg->typ_len) != 0)
		return csn_fail(ctx, CSN_E_POLICY, ROOM,
		    "The message was signed for another purpose: its type "
		    "is not %s.", typ);
	/* The trusted key says which algorithm it is, not the message. */
	if (msg->alg != csn_sign_of(key))
		return csn_fail(ctx, CSN_E_ALGORITHM, ROOM,
		    "The message names %s, but the key is of %s.",
		    csn_sign_name(msg->alg), csn_sign_name(csn_sign_of(key)));
	if ((rc = sig_structure(ctx, msg->header, msg->header_len, msg->typ,
	    msg->typ_len, msg->payload, msg->payload_len, &tbs)) == 0)
		rc = csn_verify(ctx, key, NULL, 0, tbs.p, tbs.len, msg->sig,
		    msg->sig_len);
	csn_out_wipe(&tbs);
	return rc;
}

int
csn_cose_kid(struct csn_ctx *ctx, const uint8_t *msg, size_t len,
    const char **kid, size_t *kid_len)
{
	struct csn_cose cose;
	int rc;

	if (kid == NULL || kid_len == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "A key id needs a place to go.");
	if ((rc = csn_cose_parse(ctx, msg, len, &cose)) != 0)
		return rc;
	*kid = cose.kid;
	*kid_len = cose.kid_len;
	return 0;
}

int
csn_cose_verify(struct csn_ctx *ctx, const struct csn_sign_key *key,
    const char *typ, const uint8_t *msg, size_t len, const uint8_t **payload,
    size_t *payload_len)
{
	struct csn_cose cose;
	int rc;

	if (key == NULL || typ == NULL || payload == NULL ||
	    payload_len == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "Verifying needs a key, a type and a place for the "
		    "payload.");
	if ((rc = csn_cose_parse(ctx, msg, len, &cose)) != 0 ||
	    (rc = csn_cose_check(ctx, key, typ, &cose)) != 0)
		return rc;
	*payload = cose.payload;
	*payload_len = cose.payload_len;
	return 0;
}
