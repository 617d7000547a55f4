/* SPDX-License-Identifier: Apache-2.0 */
/* seal/front.c - a sealed file's head and key slots, and where they lead. */
#include <string.h>

#include <caisson/advanced.h>

#include "base/cbor.h"
#include "base/fail.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "seal/front.h"

#define ROOM "seal"

#define LABEL_KEK "caisson v2 sealed kek"
#define LABEL_COMMITMENT "caisson v2 sealed commitment"
#define WRAP_AES256_KW 1
#define LAST_SECOND 253402300799u	/* of the year 9999 */

enum { KEY_VERSION = 1, KEY_SUITE, KEY_ID, KEY_SEALER, KEY_SEGMENT,
    KEY_CREATED, KEY_TYPE, KEY_INTEGRITY };

int
csn_front_is(const char *p, size_t len, const char *s)
{
	return len == strlen(s) && memcmp(p, s, len) == 0;	/* public */
}

void
csn_front_put_fixed(struct csn_out *w, const struct csn_front *f)
{
	struct csn_cbor_map m;

	csn_cbor_map_begin(w, &m);
	csn_cbor_key_int(&m, KEY_VERSION);
	csn_cbor_uint(w, CSN_SEALED_VERSION);
	csn_cbor_key_int(&m, KEY_SUITE);
	csn_cbor_uint(w, CSN_SEALED_SUITE);
	csn_cbor_key_int(&m, KEY_ID);
	csn_cbor_bytes(w, f->id, sizeof(f->id));
	csn_cbor_key_int(&m, KEY_SEALER);
	csn_cbor_textn(w, f->sealer, f->sealer_len);
	csn_cbor_key_int(&m, KEY_SEGMENT);
	csn_cbor_uint(w, f->segment);
	csn_cbor_key_int(&m, KEY_CREATED);
	csn_cbor_uint(w, f->created_s);
	if (f->type != NULL) {
		csn_cbor_key_int(&m, KEY_TYPE);
		csn_cbor_textn(w, f->type, f->type_len);
	}
	csn_cbor_key_int(&m, KEY_INTEGRITY);
	csn_cbor_uint(w, f->integrity);
	csn_cbor_map_end(&m);
}

void
csn_front_put_head(struct csn_out *w, const uint8_t *fixed, size_t fixed_len,
    const uint8_t commitment[CSN_HASH_SIZE])
{
	csn_cbor_array(w, 2);
	csn_cbor_bytes(w, fixed, fixed_len);
	csn_cbor_bytes(w, commitment, CSN_HASH_SIZE);
}

void
csn_front_put_slot(struct csn_out *w, const struct csn_key_slot *slot)
{
	csn_cbor_array(w, 4);
	csn_cbor_textn(w, slot->alias, slot->alias_len);
	csn_cbor_uint(w, (uint64_t)slot->kem);
	csn_cbor_bytes(w, slot->ct, slot->ct_len);
	csn_cbor_bytes(w, slot->wrap, CSN_WRAP_SIZE);
}

/* The fixed map's members, in the order that sorting gives them. */
static int
read_fixed(struct csn_ctx *ctx, struct csn_front *f)
{
	uint64_t key, version = 0, suite = 0, segment = 0,
	    integrity = 0;
	const uint8_t *id = NULL;
	struct csn_reader r;
	size_t i, n, len;
	int rc;

	if ((rc = csn_cbor_check(ctx, f->fixed, f->fixed_len)) != 0)
		return rc;
	csn_reader_init(&r, f->fixed, f->fixed_len);
	n = csn_cbor_get_map(&r);
	for (i = 0; i < n && csn_reader_ok(&r); i++) {
		key = csn_cbor_get_uint(&r);
		if (key == KEY_VERSION) {
			version = csn_cbor_get_uint(&r);
		} else if (key == KEY_SUITE) {
			suite = csn_cbor_get_uint(&r);
		} else if (key == KEY_ID) {
			id = csn_cbor_get_bytes(&r, &len);
			if (id != NULL && len == sizeof(f->id))
				memcpy(f->id, id, len);
			else
				r.bad = 1;
		} else if (key == KEY_SEALER) {
			f->sealer = csn_cbor_get_text(&r, &f->sealer_len);
		} else if (key == KEY_SEGMENT) {
			segment = csn_cbor_get_uint(&r);
		} else if (key == KEY_CREATED) {
			f->created_s = csn_cbor_get_uint(&r);
		} else if (key == KEY_TYPE) {
			f->type = csn_cbor_get_text(&r, &f->type_len);
		} else if (key == KEY_INTEGRITY) {
			integrity = csn_cbor_get_uint(&r);
		} else
			r.bad = 1;
		/* Version and suite sort first: another one's members are
		 * not looked at. */
		if (key == KEY_VERSION && version != CSN_SEALED_VERSION &&
		    csn_reader_ok(&r))
			return csn_fail(ctx, CSN_E_VERSION, ROOM, "the sealed "
			    "file is of version %llu; this library reads %d",
			    (unsigned long long)version, CSN_SEALED_VERSION);
		if (key == KEY_SUITE && suite != CSN_SEALED_SUITE &&
		    csn_reader_ok(&r))
			return csn_fail(ctx, CSN_E_SUITE, ROOM, "the sealed "
			    "file uses suite %llu, which is not known",
			    (unsigned long long)suite);
	}
	if (!csn_reader_done(&r) || version == 0 || suite == 0 ||
	    id == NULL || f->sealer == NULL || f->sealer_len == 0 ||
	    f->sealer_len >= CSN_ALIAS_SIZE || !csn_segment_ok(segment) ||
	    f->created_s == 0 || f->created_s > LAST_SECOND ||
	    (integrity != CSN_SEALED_LEAVES && integrity != CSN_SEALED_TAGS) ||
	    (f->type != NULL && (f->type_len == 0 ||
	    f->type_len > CSN_SEALED_TYPE_MAX ||
	    !csn_utf8_ok(f->type, f->type_len))))
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the sealed file's "
		    "head is incomplete, or a member is out of its limits");
	f->segment = (uint32_t)segment;
	f->integrity = (uint32_t)integrity;
	return 0;
}

static void
read_slot(struct csn_reader *r, struct csn_key_slot *to)
{
	uint64_t kem;
	size_t wrap_len;

	if (csn_cbor_get_array(r) != 4)
		r->bad = 1;
	to->alias = csn_cbor_get_text(r, &to->alias_len);
	kem = csn_cbor_get_uint(r);
	to->ct = csn_cbor_get_bytes(r, &to->ct_len);
	to->wrap = csn_cbor_get_bytes(r, &wrap_len);
	to->kem = kem <= CSN_KEM_X_WING ? (int)kem : 0;
	if (to->alias == NULL || to->alias_len >= CSN_ALIAS_SIZE ||
	    to->kem == 0 || to->ct_len != csn_kem_ciphertext_size(to->kem) ||
	    wrap_len != CSN_WRAP_SIZE)
		r->bad = 1;
}

static int
read_head(struct csn_ctx *ctx, struct csn_front *f)
{
	size_t commitment_len;
	struct csn_reader r;
	int rc;

	if ((rc = csn_cbor_check(ctx, f->head, f->head_len)) != 0)
		return rc;
	csn_reader_init(&r, f->head, f->head_len);
	if (csn_cbor_get_array(&r) != 2)
		r.bad = 1;
	f->fixed = csn_cbor_get_bytes(&r, &f->fixed_len);
	f->commitment = csn_cbor_get_bytes(&r, &commitment_len);
	if (!csn_reader_done(&r) || commitment_len != CSN_HASH_SIZE)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the sealed file's "
		    "head is not made of its two parts");
	return read_fixed(ctx, f);
}

int
csn_front_read(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_front *out)
{
	struct csn_reader r;
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	if ((rc = csn_cbor_check(ctx, p, len)) != 0)
		return rc;
	csn_reader_init(&r, p, len);
	if (csn_cbor_get_array(&r) != 3)
		r.bad = 1;
	out->head = csn_cbor_get_bytes(&r, &out->head_len);
	if (!csn_reader_ok(&r))
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the sealed file's "
		    "front is not made of its three parts");
	if ((rc = read_head(ctx, out)) != 0)
		return rc;
	out->n = csn_cbor_get_array(&r);
	if (out->n > CSN_SEALED_SLOTS)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "a sealed file has at "
		    "most %d recipients", CSN_SEALED_SLOTS);
	for (i = 0; i < out->n; i++)
		read_slot(&r, &out->slots[i]);
	out->wrapped_s = csn_cbor_get_uint(&r);
	if (!csn_reader_done(&r) || out->wrapped_s < out->created_s ||
	    out->wrapped_s > LAST_SECOND)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "a recipient in the "
		    "sealed file's front makes no sense, or its time");
	return 0;
}

int
csn_front_prefix(struct csn_ctx *ctx, const uint8_t p[CSN_SEALED_PREFIX],
    size_t *len)
{
	if (memcmp(p, "CSNF", 4) != 0)	/* public */
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "these bytes are no sealed file");
	if (p[4] != CSN_SEALED_VERSION)
		return csn_fail(ctx, CSN_E_VERSION, ROOM, "the sealed file "
		    "is of version %u; this library reads %d", p[4],
		    CSN_SEALED_VERSION);
	*len = csn_load32(p + 5);
	if (*len == 0 || *len > CSN_SEALED_FRONT_MAX)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the sealed file's "
		    "front claims %zu bytes; it has at most %u", *len,
		    CSN_SEALED_FRONT_MAX);
	return 0;
}

int
csn_front_sign(struct csn_ctx *ctx, const struct csn_identity *signer,
    const uint8_t *head, size_t head_len, const uint8_t *slots,
    size_t slots_len, size_t n, uint64_t wrapped_s, uint8_t **out,
    size_t *len)
{
	struct csn_out w;
	uint8_t *cose;
	size_t cose_len;
	int rc;

	csn_out_init(&w);
	csn_cbor_array(&w, 3);
	csn_cbor_bytes(&w, head, head_len);
	csn_cbor_array(&w, n);
	csn_put_bytes(&w, slots, slots_len);
	csn_cbor_uint(&w, wrapped_s);
	rc = !csn_out_ok(&w) ? csn_nomem(ctx, ROOM, "a sealed file") :
	    csn_cose_sign(ctx, csn_identity_sign_key(signer),
	    csn_identity_alias(signer), CSN_SEALED_TYP, w.p, w.len, &cose,
	    &cose_len);
	csn_out_wipe(&w);
	if (rc != 0)
		return rc;
	csn_out_init(&w);
	csn_put_bytes(&w, "CSNF", 4);
	csn_put_u8(&w, CSN_SEALED_VERSION);
	csn_put_u32(&w, (uint32_t)cose_len);
	csn_put_bytes(&w, cose, cose_len);
	csn_free(cose);
	if (!csn_out_ok(&w)) {
		csn_out_wipe(&w);
		return csn_nomem(ctx, ROOM, "a sealed file");
	}
	*out = w.p;
	*len = w.len;
	return 0;
}

int
csn_front_keys(struct csn_ctx *ctx, const uint8_t data[CSN_KEY_SIZE],
    const uint8_t *fixed, size_t fixed_len, uint8_t prk[CSN_HASH_SIZE],
    uint8_t commitment[CSN_HASH_SIZE])
{
	uint8_t salt[CSN_HASH_SIZE];
	int rc;

	if ((rc = csn_sha3_256(ctx, fixed, fixed_len, salt)) == 0 &&
	    (rc = csn_hkdf_extract(ctx, salt, sizeof(salt), data,
	    CSN_KEY_SIZE, prk)) == 0)
		rc = csn_hkdf_expand(ctx, prk, LABEL_COMMITMENT,
		    sizeof(LABEL_COMMITMENT) - 1, commitment, CSN_HASH_SIZE);
	return rc;
}

static int
slot_kek(struct csn_ctx *ctx, const struct csn_key_slot *slot,
    const uint8_t head_hash[CSN_HASH_SIZE],
    const uint8_t secret[CSN_KEM_SECRET_SIZE], uint8_t kek[CSN_KEY_SIZE])
{
	uint8_t info[sizeof(LABEL_KEK) + 8 + CSN_ALIAS_SIZE +
	    2 * CSN_HASH_SIZE];
	uint8_t ct_hash[CSN_HASH_SIZE];
	struct csn_out w;
	int rc;

	if ((rc = csn_sha3_256(ctx, slot->ct, slot->ct_len, ct_hash)) != 0)
		return rc;
	csn_out_fixed(&w, info, sizeof(info));
	csn_put_bytes(&w, LABEL_KEK, sizeof(LABEL_KEK) - 1);
	csn_put_u8(&w, WRAP_AES256_KW);
	csn_put_u16(&w, CSN_KEY_SIZE);
	csn_put_u8(&w, (uint8_t)slot->kem);
	csn_put_bytes16(&w, slot->alias, slot->alias_len);
	csn_put_bytes(&w, ct_hash, sizeof(ct_hash));
	csn_put_bytes(&w, head_hash, CSN_HASH_SIZE);
	if (!csn_out_ok(&w))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "a recipient's name is too long");
	return csn_hkdf(ctx, CSN_HKDF_SHA3_256, NULL, 0, secret,
	    CSN_KEM_SECRET_SIZE, info, w.len, kek, CSN_KEY_SIZE);
}

int
csn_slot_put(struct csn_ctx *ctx, const struct csn_kem_key *kem,
    const char *alias, const uint8_t head_hash[CSN_HASH_SIZE],
    const uint8_t data[CSN_KEY_SIZE], struct csn_out *out)
{
	uint8_t ct[CSN_KEM_MAX_CIPHERTEXT], wrap[CSN_WRAP_SIZE];
	uint8_t secret[CSN_KEM_SECRET_SIZE], kek[CSN_KEY_SIZE];
	struct csn_key_slot slot = { .alias = alias, .alias_len = strlen(alias),
	    .kem = csn_kem_of(kem), .ct = ct,
	    .ct_len = csn_kem_ciphertext_size(csn_kem_of(kem)),
	    .wrap = wrap };
	int rc;

	if ((rc = csn_kem_encapsulate(ctx, kem, ct, sizeof(ct),
	    secret)) == 0 &&
	    (rc = slot_kek(ctx, &slot, head_hash, secret, kek)) == 0 &&
	    (rc = csn_key_wrap(ctx, kek, data, wrap)) == 0)
		csn_front_put_slot(out, &slot);
	csn_wipe(secret, sizeof(secret));
	csn_wipe(kek, sizeof(kek));
	return rc;
}

int
csn_slot_open(struct csn_ctx *ctx, const struct csn_kem_key *kem,
    const struct csn_key_slot *slot, const uint8_t head_hash[CSN_HASH_SIZE],
    uint8_t data[CSN_KEY_SIZE])
{
	uint8_t secret[CSN_KEM_SECRET_SIZE], kek[CSN_KEY_SIZE];
	int rc;

	if ((rc = csn_kem_decapsulate(ctx, kem, slot->ct, slot->ct_len,
	    secret)) == 0 &&
	    (rc = slot_kek(ctx, slot, head_hash, secret, kek)) == 0)
		rc = csn_key_unwrap(ctx, kek, slot->wrap, data);
	csn_wipe(secret, sizeof(secret));
	csn_wipe(kek, sizeof(kek));
	return rc;
}

int
csn_front_data_key(struct csn_ctx *ctx, const struct csn_front *f,
    const struct csn_identity *identity, const uint8_t *given,
    const uint8_t head_hash[CSN_HASH_SIZE], uint8_t data[CSN_KEY_SIZE])
{
	const struct csn_kem_key *kem;
	const struct csn_key_slot *slot = NULL;
	size_t i;

	if (given != NULL) {
		memcpy(data, given, CSN_KEY_SIZE);
		return 0;
	}
	for (i = 0; i < f->n && slot == NULL; i++)
		if (csn_front_is(f->slots[i].alias, f->slots[i].alias_len,
		    csn_identity_alias(identity)))
			slot = &f->slots[i];
	if (slot == NULL)
		return csn_fail(ctx, CSN_E_NOT_FOUND, ROOM, f->n != 0 ?
		    "the file is not sealed to %s, but to %zu others" :
		    "the file is sealed to nobody: who keeps its key opens it",
		    csn_identity_name(identity), f->n);
	kem = csn_identity_kem_key(identity);
	if (slot->kem != csn_kem_of(kem))
		return csn_fail(ctx, CSN_E_ALGORITHM, ROOM, "the file is "
		    "sealed to an %s key of %s, who has one of %s",
		    csn_kem_name(slot->kem), csn_identity_name(identity),
		    csn_kem_name(csn_kem_of(kem)));
	return csn_slot_open(ctx, kem, slot, head_hash, data);
}
