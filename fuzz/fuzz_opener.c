/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_opener.c - a sealed file made here by an input's plan, with true keys,
 * tags and signatures: which segments there are, which of them says that it
 * is the last and which begins another run, and edits of front, segments,
 * table and foot before they are signed. What opens says all that was sealed,
 * and nothing else, as it comes and at hand.
 */
#include "base/cbor.h"
#include "crypto/crypto.h"
#include "people.h"
#include "resign.h"
#include "sealed.h"
#include "seal/body.h"
#include "seal/foot.h"
#include "seal/front.h"

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
	struct csn_body body;
	struct csn_worker worker;
	uint8_t plain[MOST * SEGMENT];
	size_t plain_len;
	uint8_t tops[MOST][CSN_HASH_SIZE];
	uint8_t contents[MOST][CSN_HASH_SIZE];
	uint64_t segments;
	int resigned;		/* the sealer says something else */
	int changed;		/* what it does not say */
	int ended;
};

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
	f->resigned |= fuzz_resign(f->ctx, key, msg, *len, f->plan, &again,
	    len);
	csn_free(msg);
	csn_out_wipe(payload);
	return again;
}

static void
put_front(struct file *f)
{
	uint8_t data[CSN_KEY_SIZE] = { 'd' }, prk[CSN_HASH_SIZE], *cose;
	uint8_t commitment[CSN_HASH_SIZE], head_hash[CSN_HASH_SIZE];
	struct csn_front h = { .sealer = csn_identity_alias(id),
	    .segment = SEGMENT, .created_s = FUZZ_NOW / 1000, .type = "fuzz",
	    .type_len = 4, .integrity = csn_read_u8(f->plan) % 2 == 0 ?
	    CSN_SEALED_LEAVES : CSN_SEALED_TAGS };
	struct csn_out fixed, head, payload;
	size_t len;

	h.sealer_len = strlen(h.sealer);
	csn_out_init(&fixed);
	csn_out_init(&head);
	csn_out_init(&payload);
	csn_front_put_fixed(&fixed, &h);
	must(csn_front_keys(f->ctx, data, fixed.p, fixed.len, prk,
	    commitment));
	csn_front_put_head(&head, fixed.p, fixed.len, commitment);
	must(csn_sha3_256(f->ctx, head.p, head.len, head_hash));
	csn_cbor_array(&payload, 3);
	csn_cbor_bytes(&payload, head.p, head.len);
	csn_cbor_array(&payload, 1);
	must(csn_slot_put(f->ctx, csn_identity_kem_key(id), h.sealer,
	    head_hash, data, &payload));
	csn_cbor_uint(&payload, h.created_s);
	cose = signed_by_plan(f, CSN_SEALED_TYP, &payload, &len);
	csn_put_bytes(&f->w, "CSNF\2", 5);
	csn_put_u32(&f->w, (uint32_t)len);
	csn_put_bytes(&f->w, cose, len);
	must(csn_body_init(f->ctx, &f->body, SEGMENT, h.integrity, head_hash,
	    h.id, prk));
	must(csn_worker_init(&f->worker, &f->body));
	csn_free(cose);
	csn_out_wipe(&fixed);
	csn_out_wipe(&head);
}

/* Another run begins: its mark. */
static void
put_mark(struct file *f)
{
	uint8_t run[CSN_SEALED_ID];

	memset(run, (int)f->segments + 1, sizeof(run));
	must(csn_body_add_run(&f->body, f->segments, run));
	csn_put_u32(&f->w, CSN_BODY_MARK);
	csn_put_bytes(&f->w, run, sizeof(run));
}

static void
put_segment(struct file *f)
{
	uint8_t what = csn_read_u8(f->plan), *record = f->worker.record;
	int final = what & 1;
	size_t len = final ? csn_read_u16(f->plan) % (SEGMENT + 1) : SEGMENT;

	if (what & 4)
		put_mark(f);
	memset(f->worker.text, (int)(f->segments + 1), len);
	memcpy(f->plain + f->plain_len, f->worker.text, len);
	f->plain_len += len;
	must(csn_worker_seal(&f->worker, f->segments, len, final,
	    f->tops[f->segments], f->contents[f->segments]));
	if (what & 2) {		/* a segment that is not its own any more */
		record[what % (CSN_BODY_HEAD + len)] ^= 1;
		f->changed = 1;
	}
	csn_put_bytes(&f->w, record, len + CSN_BODY_RECORD);
	/* What follows the last one is too much, and so is an empty one. */
	f->changed |= f->ended || (final && len == 0 && f->segments != 0);
	f->ended |= final;
	f->segments++;
}

/* The table, an entry changed by the plan. */
static void
put_table(struct file *f)
{
	uint8_t table[MOST][CSN_HASH_SIZE], what = csn_read_u8(f->plan);

	if (f->body.integrity == CSN_SEALED_TAGS)
		return;
	memcpy(table, f->tops, sizeof(table));
	if (what & 1) {
		table[what / 2 % f->segments][what % CSN_HASH_SIZE] ^= 1;
		f->changed = 1;
	}
	csn_put_bytes(&f->w, table, (size_t)f->segments * CSN_HASH_SIZE);
}

static void
put_foot(struct file *f)
{
	struct csn_foot foot = { .length = f->plain_len,
	    .kind = CSN_CONTENT_TREE };
	uint8_t top[CSN_HASH_SIZE], *made, *cose;
	struct csn_out payload;
	struct csn_cose c;
	size_t len;

	must(csn_tops_fold(f->ctx, f->tops[0], f->segments, top));
	must(csn_body_root(&f->body, f->plain_len, top, foot.root));
	must(csn_tops_fold(f->ctx, f->contents[0], f->segments, top));
	must(csn_tree_root_of(f->ctx, f->plain_len, f->body.leaf, top,
	    foot.content));
	must(csn_foot_make(&f->body, id, &foot, &made, &len));
	must(csn_cose_parse(f->ctx, made + 4, len - 4 - CSN_FOOT_TAIL, &c));
	csn_out_init(&payload);
	csn_put_bytes(&payload, c.payload, c.payload_len);
	cose = signed_by_plan(f, CSN_SEALED_END_TYP, &payload, &len);
	csn_put_u32(&f->w, (uint32_t)len);
	csn_put_bytes(&f->w, cose, len);
	csn_put_u32(&f->w, (uint32_t)len);
	csn_put_bytes(&f->w, "CSNE", 4);
	csn_free(cose);
	csn_free(made);
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
	/* Each byte is bound to all the others, but what the sealer says. */
	check(rc != 0 || (f->ended && !f->changed));
	check(rc == 0 || !f->ended || f->changed || f->resigned);
	check(rc != 0 || s.len == f->plain_len);
	csn_opener_free(o);
	check((fuzz_at_hand(f->ctx, id, trust, f->w.p, f->w.len, f->plain,
	    f->plain_len) == 0) == (rc == 0));
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
	put_front(&f);
	do {
		put_segment(&f);
	} while (f.segments < 1u + n % MOST);
	put_table(&f);
	put_foot(&f);
	open_it(&f, n & 128 ? 1000 : f.w.len);
	csn_worker_clear(&f.worker);
	csn_body_clear(&f.body);
	csn_out_wipe(&f.w);
	return 0;
}
