/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_opener.c - a sealed file made here by an input's plan, with true keys,
 * tags and signatures: which segments there are and which of them says that it
 * is the last, and edits of header, segments and trailer before they are
 * signed. What opens says all that was sealed, and nothing else.
 */
#include <caisson/aead.h>

#include "base/cbor.h"
#include "crypto/crypto.h"
#include "people.h"
#include "resign.h"
#include "envelope/message.h"
#include "seal/sealed.h"

#define SEGMENT 4096u
#define MOST 4		/* segments */

static struct csn_identity *id;
static struct csn_trust *trust;

static void
finish(void)
{
	csn_trust_free(trust);
	csn_identity_free(id);
	id = NULL;
}

/* What is being written. */
struct file {
	struct csn_ctx *ctx;
	struct csn_reader *plan;
	struct csn_out w;
	struct csn_hash *hash;
	struct csn_aead *aead;
	uint8_t header_hash[CSN_HASH_SIZE];
	uint8_t plain[MOST * SEGMENT];
	size_t plain_len;
	uint64_t segments;
	int changed;
	int ended;
};

static void
put(struct file *f, const void *p, size_t len)
{
	csn_put_bytes(&f->w, p, len);
	must(csn_hash_update(f->hash, p, len));
}

/* Sign a payload, then edit it and sign it again by the plan. */
static uint8_t *
signed_by_plan(struct file *f, const char *typ, struct csn_out *payload,
    size_t *len)
{
	const struct csn_sign_key *key = csn_identity_sign_key(id);
	uint8_t *msg, *again;

	check(csn_out_ok(payload));
	must(csn_cose_sign(f->ctx, key, csn_identity_alias(id), typ,
	    payload->p, payload->len, &msg, len));
	f->changed |= fuzz_resign(f->ctx, key, msg, *len, f->plan, &again,
	    len);
	csn_free(msg);
	csn_out_wipe(payload);
	return again;
}

static void
put_header(struct file *f)
{
	uint8_t ct[CSN_KEM_MAX_CIPHERTEXT], secret[CSN_KEM_SECRET_SIZE];
	uint8_t data[CSN_KEY_SIZE] = { 'd' }, kek[CSN_KEY_SIZE];
	uint8_t wrap[CSN_WRAP_SIZE], key[CSN_KEY_SIZE];
	uint8_t commitment[CSN_HASH_SIZE], *cose, prefix[CSN_SEALED_PREFIX];
	struct csn_sealed h = { .sealer = csn_identity_alias(id),
	    .segment = SEGMENT, .created_s = FUZZ_NOW / 1000, .type = "fuzz",
	    .type_len = 4 };
	struct csn_sealed_recipient r = { .alias = h.sealer,
	    .kem = CSN_KEM_ML_KEM_512, .ct = ct, .wrap = wrap };
	struct csn_out fixed, list, payload;
	size_t len;

	h.sealer_len = r.alias_len = strlen(h.sealer);
	r.ct_len = csn_kem_ciphertext_size(r.kem);
	csn_out_init(&fixed);
	csn_out_init(&list);
	csn_out_init(&payload);
	csn_sealed_put_fixed(&fixed, &h);
	must(csn_kem_encapsulate(f->ctx, csn_identity_kem_key(id), ct,
	    sizeof(ct), secret));
	must(csn_sealed_kek(f->ctx, &r, fixed.p, fixed.len, secret, kek));
	must(csn_key_wrap(f->ctx, kek, data, wrap));
	csn_cbor_array(&list, 1);
	csn_sealed_put_recipient(&list, &r);
	must(csn_sealed_keys(f->ctx, data, fixed.p, fixed.len, list.p,
	    list.len, key, commitment));
	must(csn_aead_new(f->ctx, key, &f->aead));
	csn_cbor_array(&payload, 3);
	csn_cbor_bytes(&payload, fixed.p, fixed.len);
	csn_put_bytes(&payload, list.p, list.len);
	csn_cbor_bytes(&payload, commitment, sizeof(commitment));
	cose = signed_by_plan(f, CSN_SEALED_TYP, &payload, &len);
	memcpy(prefix, "CSNF\1", 5);
	csn_store32(prefix + 5, (uint32_t)len);
	put(f, prefix, sizeof(prefix));
	put(f, cose, len);
	must(csn_sha3_256(f->ctx, f->w.p, f->w.len, f->header_hash));
	csn_free(cose);
	csn_out_wipe(&fixed);
	csn_out_wipe(&list);
}

static void
put_segment(struct file *f)
{
	uint8_t record[CSN_SEALED_HEAD + SEGMENT + CSN_TAG_SIZE];
	uint8_t aad[CSN_SEALED_AAD], what = csn_read_u8(f->plan);
	int final = what & 1;
	size_t len = final ? csn_read_u16(f->plan) % (SEGMENT + 1) : SEGMENT;
	struct csn_aead_part part = { .in = record + CSN_SEALED_HEAD,
	    .out = record + CSN_SEALED_HEAD, .len = len };
	struct csn_aead_msg msg = { .aad = aad, .aad_len = sizeof(aad),
	    .parts = &part, .nparts = 1,
	    .tag = record + CSN_SEALED_HEAD + len };

	memset(record + CSN_SEALED_HEAD, (int)(f->segments + 1), len);
	memcpy(f->plain + f->plain_len, record + CSN_SEALED_HEAD, len);
	f->plain_len += len;
	csn_store32(record, (uint32_t)len | (final ? CSN_SEALED_FINAL : 0));
	csn_sealed_aad(aad, f->header_hash, f->segments, final);
	csn_nonce(msg.nonce, f->segments);
	must(csn_aead_seal_msg(f->aead, &msg));
	if (what & 2) {		/* a segment that is not its own any more */
		record[what % (CSN_SEALED_HEAD + len)] ^= 1;
		f->changed = 1;
	}
	put(f, record, CSN_SEALED_HEAD + len + CSN_TAG_SIZE);
	/* What follows the last one is too much. */
	f->changed |= f->ended;
	f->ended |= final;
	f->segments++;
}

static void
put_trailer(struct file *f)
{
	uint8_t hash[CSN_HASH_SIZE], head[4], *cose;
	struct csn_out payload;
	size_t len;

	must(csn_hash_final(f->hash, hash));
	csn_out_init(&payload);
	csn_cbor_array(&payload, 3);
	csn_cbor_bytes(&payload, hash, sizeof(hash));
	csn_cbor_uint(&payload, f->segments);
	csn_cbor_uint(&payload, f->plain_len);
	cose = signed_by_plan(f, CSN_SEALED_END_TYP, &payload, &len);
	csn_store32(head, (uint32_t)len);
	csn_put_bytes(&f->w, head, sizeof(head));
	csn_put_bytes(&f->w, cose, len);
	csn_free(cose);
	check(csn_out_ok(&f->w));
}

struct seen {
	const struct file *f;
	size_t len;
};

static int
see(void *arg, const uint8_t *p, size_t len)
{
	struct seen *s = arg;

	check(s->len + len <= s->f->plain_len);
	check(len == 0 || memcmp(p, s->f->plain + s->len, len) == 0);
	s->len += len;
	return 0;
}

static void
open_it(const struct file *f, size_t piece)
{
	struct csn_opener *o;
	struct seen s = { f, 0 };
	size_t at, n;
	int rc = 0;

	must(csn_opener_new(f->ctx, id, trust, NULL, &o));
	for (at = 0; rc == 0 && at < f->w.len; at += n) {
		n = f->w.len - at < piece ? f->w.len - at : piece;
		rc = csn_opener_update(o, f->w.p + at, n, see, &s);
	}
	if (rc == 0)
		rc = csn_opener_final(o, see, &s);
	/* Each byte that is signed is bound to all the others. */
	check((rc == 0) == (f->ended && !f->changed));
	check(rc != 0 || s.len == f->plain_len);
	csn_opener_free(o);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct file f;
	struct csn_reader r;
	uint8_t n;

	memset(&f, 0, sizeof(f));
	f.ctx = fuzz_ctx();
	f.plan = &r;
	if (id == NULL) {
		id = fuzz_identity(f.ctx);
		trust = fuzz_trust(f.ctx, id);
		check(atexit(finish) == 0);
	}
	csn_reader_init(&r, data, len);
	n = csn_read_u8(&r);
	csn_out_init(&f.w);
	must(csn_hash_new(f.ctx, &f.hash));
	must(csn_hash_start(f.hash));
	put_header(&f);
	do {
		put_segment(&f);
	} while (f.segments < 1u + n % MOST);
	put_trailer(&f);
	open_it(&f, n & 128 ? 1000 : f.w.len);
	csn_aead_free(f.aead);
	csn_hash_free(f.hash);
	csn_out_wipe(&f.w);
	return 0;
}
