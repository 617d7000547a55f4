/* SPDX-License-Identifier: Apache-2.0 */
/* platform/tpm_quote.c - a TPM 2.0 quote, byte by byte. */
#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "base/fail.h"
#include "base/json.h"
#include "platform/tpm.h"

#define ROOM "platform"

/* TCG TPM 2.0 Part 2: 6.2, 6.3 and 6.9. */
#define GENERATED 0xff544347u	/* TPM_GENERATED_VALUE */
#define ATTEST_QUOTE 0x8018u	/* TPM_ST_ATTEST_QUOTE */
#define ALG_SHA256 0x000bu
#define ALG_SHA384 0x000cu
#define ALG_SHA512 0x000du
#define ALG_RSASSA 0x0014u
#define ALG_RSAPSS 0x0016u
#define ALG_ECDSA 0x0018u

#define MAX_NAME 66		/* a TPM2B_NAME: an algorithm and a hash */
#define MAX_HASH 64
#define MAX_RSA 512		/* bytes: 4096 bits */
#define MAX_FIELD 48		/* P-384 */

static const struct {
	uint16_t alg;
	const char *name;
	size_t size;
} banks[] = {
	{ ALG_SHA256, "sha256", 32 },
	{ ALG_SHA384, "sha384", 48 },
	{ ALG_SHA512, "sha512", 64 },
};

#define COUNT (sizeof(banks) / sizeof(banks[0]))

/* --- names of PCRs --------------------------------------------------- */

uint16_t
csn_tpm_bank(size_t n, size_t *size)
{
	if (n >= COUNT)
		return 0;
	*size = banks[n].size;
	return banks[n].alg;
}

void
csn_tpm_pcr_name(uint16_t alg, unsigned pcr, char out[CSN_TPM_PCR_NAME])
{
	size_t i;

	out[0] = '\0';
	for (i = 0; i < COUNT; i++)
		if (banks[i].alg == alg)
			(void)snprintf(out, CSN_TPM_PCR_NAME, "%s:%u",
			    banks[i].name, pcr % CSN_TPM_PCRS);
}

size_t
csn_tpm_pcr_size(const char *name)
{
	char text[CSN_TPM_PCR_NAME];
	unsigned pcr;
	size_t i;

	for (i = 0; i < COUNT; i++)
		for (pcr = 0; pcr < CSN_TPM_PCRS; pcr++) {
			csn_tpm_pcr_name(banks[i].alg, pcr, text);
			if (strcmp(text, name) == 0)
				return banks[i].size;
		}
	return 0;
}

/* --- reading ----------------------------------------------------------- */

static uint16_t
be16(struct csn_reader *r)
{
	unsigned high = csn_read_u8(r);

	return (uint16_t)(high << 8 | csn_read_u8(r));
}

static uint32_t
be32(struct csn_reader *r)
{
	uint32_t high = be16(r);

	return high << 16 | be16(r);
}

static uint64_t
be64(struct csn_reader *r)
{
	uint64_t high = be32(r);

	return high << 32 | be32(r);
}

/* A TPM2B of at most max bytes. */
static const uint8_t *
sized(struct csn_reader *r, size_t max, size_t *len)
{
	*len = be16(r);
	if (*len > max)
		r->bad = 1;
	return csn_read_view(r, *len);
}

static int
malformed(struct csn_ctx *ctx, const char *what)
{
	return csn_fail(ctx, CSN_E_FORM, ROOM, "the TPM quote %s", what);
}

static int
not_taken(struct csn_ctx *ctx, const char *what, unsigned alg)
{
	return csn_fail(ctx, CSN_E_ALGORITHM, ROOM,
	    "the TPM quote has %s 0x%04x, which is not taken", what, alg);
}

/* TPMS_PCR_SELECTION (10.6.2): a bank, once, and bits of its PCRs. */
static int
read_selection(struct csn_ctx *ctx, struct csn_reader *r,
    struct csn_tpm_quote *q)
{
	struct csn_tpm_bank *b = &q->banks[q->nbanks];
	size_t i, n;

	b->alg = be16(r);
	n = csn_read_u8(r);
	if (n > CSN_TPM_PCRS / 8)
		return malformed(ctx, "selects PCRs past the 31st");
	for (i = 0; i < n; i++)
		b->selected |= (uint32_t)csn_read_u8(r) << (8 * i);
	if (!csn_reader_ok(r))
		return malformed(ctx, "is cut off in its selection of PCRs");
	for (i = 0; i < q->nbanks; i++)
		if (q->banks[i].alg == b->alg)
			return malformed(ctx, "selects a bank of PCRs twice");
	for (i = 0; i < COUNT; i++)
		if (banks[i].alg == b->alg)
			b->size = banks[i].size;
	/* Of a bank without any selected the algorithm is no matter. */
	if (b->size == 0 && b->selected != 0)
		return not_taken(ctx, "PCRs of the hash", b->alg);
	q->nbanks++;
	return 0;
}

/* TPMS_QUOTE_INFO (10.12.1), the last of the structure. */
static int
read_info(struct csn_ctx *ctx, struct csn_reader *r, struct csn_tpm_quote *q)
{
	uint32_t count = be32(r);
	int rc;

	if (!csn_reader_ok(r) || count > CSN_TPM_BANKS)
		return malformed(ctx, "has no list of selected PCRs");
	while (count-- > 0)
		if ((rc = read_selection(ctx, r, q)) != 0)
			return rc;
	q->pcr_digest = sized(r, MAX_HASH, &q->pcr_digest_len);
	return csn_reader_done(r) ? 0 :
	    malformed(ctx, "is not as long as it says");
}

/* TPMS_ATTEST (10.12.12). */
static int
read_attest(struct csn_ctx *ctx, struct csn_tpm_quote *q)
{
	struct csn_reader r;
	uint32_t magic;
	uint16_t type;
	uint8_t safe;

	csn_reader_init(&r, q->attest, q->attest_len);
	magic = be32(&r);
	type = be16(&r);
	if (!csn_reader_ok(&r))
		return malformed(ctx, "is cut off");
	if (magic != GENERATED)
		return malformed(ctx, "does not begin with 0xff544347, so no "
		    "TPM made it");
	if (type != ATTEST_QUOTE)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the TPM attests "
		    "something of type 0x%04x, which is no quote", type);
	q->signer = sized(&r, MAX_NAME, &q->signer_len);
	q->extra = sized(&r, MAX_HASH + 2, &q->extra_len);
	q->clock = be64(&r);
	q->resets = be32(&r);
	q->restarts = be32(&r);
	safe = csn_read_u8(&r);
	q->safe = safe == 1;
	q->firmware = csn_read_view(&r, 8);
	if (!csn_reader_ok(&r) || safe > 1)
		return malformed(ctx, "is cut off or malformed before its "
		    "PCRs");
	return read_info(ctx, &r, q);
}

/* TPMT_SIGNATURE (11.3.4). */
static int
read_signature(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_tpm_quote *q)
{
	struct csn_pubkey_signature *s = &q->signature;
	struct csn_reader r;
	unsigned scheme, hash;
	size_t max;

	csn_reader_init(&r, p, len);
	scheme = be16(&r);
	hash = be16(&r);
	if (!csn_reader_ok(&r))
		return malformed(ctx, "is cut off in its signature");
	s->scheme = scheme == ALG_RSASSA ? CSN_RSA_PKCS1 :
	    scheme == ALG_RSAPSS ? CSN_RSA_PSS :
	    scheme == ALG_ECDSA ? CSN_ECDSA : 0;
	if (s->scheme == 0)
		return not_taken(ctx, "a signature of the kind", scheme);
	s->hash = hash == ALG_SHA256 ? CSN_PUBKEY_SHA256 :
	    hash == ALG_SHA384 ? CSN_PUBKEY_SHA384 : 0;
	if (s->hash == 0)
		return not_taken(ctx, "a signature with the hash", hash);
	max = s->scheme == CSN_ECDSA ? MAX_FIELD : MAX_RSA;
	s->r = sized(&r, max, &s->r_len);
	if (s->scheme == CSN_ECDSA)
		s->s = sized(&r, max, &s->s_len);
	return csn_reader_done(&r) ? 0 :
	    malformed(ctx, "has a malformed signature");
}

/* Each bank's share of the values. */
static int
share_values(struct csn_ctx *ctx, struct csn_tpm_quote *q)
{
	struct csn_reader r;
	uint32_t bits;
	size_t i, n;

	csn_reader_init(&r, q->values, q->values_len);
	for (i = 0; i < q->nbanks; i++) {
		for (n = 0, bits = q->banks[i].selected; bits != 0;
		    bits &= bits - 1)
			n++;
		q->banks[i].values = csn_read_view(&r, n * q->banks[i].size);
	}
	return csn_reader_done(&r) ? 0 : malformed(ctx,
	    "comes with other PCR values than those it selects");
}

int
csn_tpm_parse(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_tpm_quote *q)
{
	const uint8_t *signature;
	struct csn_reader r;
	size_t signature_len;
	int rc;

	memset(q, 0, sizeof(*q));
	csn_reader_init(&r, p, len);
	q->attest = sized(&r, UINT16_MAX, &q->attest_len);
	signature = sized(&r, UINT16_MAX, &signature_len);
	if (csn_reader_ok(&r) && r.left > 0)
		q->values = sized(&r, UINT16_MAX, &q->values_len);
	if (!csn_reader_done(&r))
		return malformed(ctx, "is not two or three pieces, each "
		    "behind its length");
	if ((rc = read_attest(ctx, q)) != 0 ||
	    (rc = read_signature(ctx, signature, signature_len, q)) != 0)
		return rc;
	return q->values != NULL ? share_values(ctx, q) : 0;
}

const uint8_t *
csn_tpm_pcr(const struct csn_tpm_quote *q, uint16_t alg, unsigned pcr)
{
	const struct csn_tpm_bank *b;
	size_t i, before = 0;
	unsigned n;

	for (i = 0; i < q->nbanks; i++) {
		b = &q->banks[i];
		if (b->alg != alg || b->values == NULL ||
		    (b->selected >> pcr & 1) == 0)
			continue;
		for (n = 0; n < pcr; n++)
			before += b->selected >> n & 1;
		return b->values + before * b->size;
	}
	return NULL;
}

/* --- for people ---------------------------------------------------------- */

static int
pcrs_json(const struct csn_tpm_quote *q, json_t *o)
{
	char name[CSN_TPM_PCR_NAME];
	const struct csn_tpm_bank *b;
	const uint8_t *p;
	unsigned pcr;
	size_t i;
	int bad = 0;

	for (i = 0; i < q->nbanks; i++)
		for (b = &q->banks[i], pcr = 0; pcr < CSN_TPM_PCRS; pcr++) {
			if ((b->selected >> pcr & 1) == 0)
				continue;
			csn_tpm_pcr_name(b->alg, pcr, name);
			p = csn_tpm_pcr(q, b->alg, pcr);
			bad |= p != NULL ? csn_json_hex(o, name, p, b->size) :
			    json_object_set_new(o, name, json_null());
		}
	return bad;
}

int
csn_tpm_json(struct csn_ctx *ctx, const uint8_t *p, size_t len, json_t **out)
{
	static const char *const schemes[] = {
		"", "rsassa", "rsapss", "ecdsa"
	};
	struct csn_tpm_quote q;
	json_t *o, *pcrs;
	int rc, bad;

	if ((rc = csn_tpm_parse(ctx, p, len, &q)) != 0)
		return rc;
	o = json_object();
	pcrs = json_object();
	bad = json_object_set_new(o, "platform", json_string("tpm2")) |
	    csn_json_hex(o, "nonce", q.extra, q.extra_len) |
	    csn_json_hex(o, "qualified_signer", q.signer, q.signer_len) |
	    csn_json_uint(o, "clock", q.clock) |
	    json_object_set_new(o, "clock_safe", json_boolean(q.safe)) |
	    csn_json_uint(o, "reset_count", q.resets) |
	    csn_json_uint(o, "restart_count", q.restarts) |
	    csn_json_hex(o, "firmware_version", q.firmware, 8) |
	    csn_json_hex(o, "pcr_digest", q.pcr_digest, q.pcr_digest_len) |
	    json_object_set_new(o, "signature",
	    json_string(schemes[q.signature.scheme])) |
	    json_object_set_new(o, "hash", json_string(q.signature.hash ==
	    CSN_PUBKEY_SHA384 ? "sha384" : "sha256")) |
	    pcrs_json(&q, pcrs) |
	    json_object_set_new(o, "pcrs", pcrs);
	if (bad != 0) {
		json_decref(o);
		return csn_nomem(ctx, ROOM, "showing a TPM quote");
	}
	*out = o;
	return 0;
}
