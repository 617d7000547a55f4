/* SPDX-License-Identifier: Apache-2.0 */
/* seal/sealed.c - a sealed file's header, and the keys that it leads to. */
#include <string.h>

#include "base/cbor.h"
#include "base/fail.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "seal/sealed.h"

#define ROOM "seal"

#define LABEL_KEK "caisson v1 sealed kek"
#define LABEL_COMMITMENT "caisson v1 sealed commitment"
#define LABEL_SEGMENTS "caisson v1 sealed segments"
#define WRAP_AES256_KW 1
#define LAST_SECOND 253402300799u	/* of the year 9999 */

enum { KEY_VERSION = 1, KEY_SUITE, KEY_ID, KEY_SEALER, KEY_SEGMENT,
    KEY_CREATED, KEY_TYPE };

void
csn_sealed_put_fixed(struct csn_out *w, const struct csn_sealed *h)
{
	struct csn_cbor_map m;

	csn_cbor_map_begin(w, &m);
	csn_cbor_key_int(&m, KEY_VERSION);
	csn_cbor_uint(w, CSN_SEALED_VERSION);
	csn_cbor_key_int(&m, KEY_SUITE);
	csn_cbor_uint(w, CSN_SEALED_SUITE);
	csn_cbor_key_int(&m, KEY_ID);
	csn_cbor_bytes(w, h->id, sizeof(h->id));
	csn_cbor_key_int(&m, KEY_SEALER);
	csn_cbor_textn(w, h->sealer, h->sealer_len);
	csn_cbor_key_int(&m, KEY_SEGMENT);
	csn_cbor_uint(w, h->segment);
	csn_cbor_key_int(&m, KEY_CREATED);
	csn_cbor_uint(w, h->created_s);
	if (h->type != NULL) {
		csn_cbor_key_int(&m, KEY_TYPE);
		csn_cbor_textn(w, h->type, h->type_len);
	}
	csn_cbor_map_end(&m);
}

void
csn_sealed_put_recipient(struct csn_out *w,
    const struct csn_sealed_recipient *r)
{
	csn_cbor_array(w, 4);
	csn_cbor_textn(w, r->alias, r->alias_len);
	csn_cbor_uint(w, (uint64_t)r->kem);
	csn_cbor_bytes(w, r->ct, r->ct_len);
	csn_cbor_bytes(w, r->wrap, CSN_WRAP_SIZE);
}

/* The fixed map's members, in the order that sorting gives them. */
static int
read_fixed(struct csn_ctx *ctx, struct csn_sealed *h)
{
	uint64_t key, version = 0, suite = 0, segment = 0;
	const uint8_t *id = NULL;
	struct csn_reader r;
	size_t i, n, len;
	int rc;

	if ((rc = csn_cbor_check(ctx, h->fixed, h->fixed_len)) != 0)
		return rc;
	csn_reader_init(&r, h->fixed, h->fixed_len);
	n = csn_cbor_get_map(&r);
	for (i = 0; i < n && csn_reader_ok(&r); i++) {
		key = csn_cbor_get_uint(&r);
		if (key == KEY_VERSION) {
			version = csn_cbor_get_uint(&r);
		} else if (key == KEY_SUITE) {
			suite = csn_cbor_get_uint(&r);
		} else if (key == KEY_ID) {
			id = csn_cbor_get_bytes(&r, &len);
			if (id != NULL && len == sizeof(h->id))
				memcpy(h->id, id, len);
			else
				r.bad = 1;
		} else if (key == KEY_SEALER) {
			h->sealer = csn_cbor_get_text(&r, &h->sealer_len);
		} else if (key == KEY_SEGMENT) {
			segment = csn_cbor_get_uint(&r);
		} else if (key == KEY_CREATED) {
			h->created_s = csn_cbor_get_uint(&r);
		} else if (key == KEY_TYPE) {
			h->type = csn_cbor_get_text(&r, &h->type_len);
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
	    id == NULL || h->sealer == NULL || h->sealer_len == 0 ||
	    h->sealer_len >= CSN_ALIAS_SIZE || !csn_segment_ok(segment) ||
	    h->created_s == 0 || h->created_s > LAST_SECOND ||
	    (h->type != NULL && (h->type_len == 0 ||
	    h->type_len > CSN_SEALED_TYPE_MAX ||
	    !csn_utf8_ok(h->type, h->type_len))))
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the sealed file's "
		    "header is incomplete, or a member is out of its limits");
	h->segment = (uint32_t)segment;
	return 0;
}

static void
read_recipient(struct csn_reader *r, struct csn_sealed_recipient *to)
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

int
csn_sealed_read(struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_sealed *out)
{
	struct csn_reader r, list;
	size_t i, commitment_len;
	int rc;

	memset(out, 0, sizeof(*out));
	if ((rc = csn_cbor_check(ctx, p, len)) != 0)
		return rc;
	csn_reader_init(&r, p, len);
	if (csn_cbor_get_array(&r) != 3)
		r.bad = 1;
	out->fixed = csn_cbor_get_bytes(&r, &out->fixed_len);
	csn_cbor_skip(&r, &out->list, &out->list_len);
	out->commitment = csn_cbor_get_bytes(&r, &commitment_len);
	if (!csn_reader_done(&r) || commitment_len != CSN_HASH_SIZE)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the sealed file's "
		    "header is not made of its three parts");
	if ((rc = read_fixed(ctx, out)) != 0)
		return rc;
	csn_reader_init(&list, out->list, out->list_len);
	out->n = csn_cbor_get_array(&list);
	if (out->n == 0 || out->n > CSN_SEALED_RECIPIENTS)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "a sealed file has 1 "
		    "to %d recipients", CSN_SEALED_RECIPIENTS);
	for (i = 0; i < out->n; i++)
		read_recipient(&list, &out->recipients[i]);
	if (!csn_reader_done(&list))
		return csn_fail(ctx, CSN_E_FORM, ROOM, "a recipient in the "
		    "sealed file's header makes no sense");
	return 0;
}

int
csn_sealed_prefix(struct csn_ctx *ctx, const uint8_t p[CSN_SEALED_PREFIX],
    size_t *header_len)
{
	if (memcmp(p, "CSNF", 4) != 0)	/* public */
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "these bytes are no sealed file");
	if (p[4] != CSN_SEALED_VERSION)
		return csn_fail(ctx, CSN_E_VERSION, ROOM, "the sealed file "
		    "is of version %u; this library reads %d", p[4],
		    CSN_SEALED_VERSION);
	*header_len = csn_load32(p + 5);
	if (*header_len == 0 || *header_len > CSN_SEALED_HEADER_MAX)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the sealed file's "
		    "header claims %zu bytes; it has at most %u",
		    *header_len, CSN_SEALED_HEADER_MAX);
	return 0;
}

int
csn_sealed_kek(struct csn_ctx *ctx, const struct csn_sealed_recipient *r,
    const uint8_t *fixed, size_t fixed_len,
    const uint8_t secret[CSN_KEM_SECRET_SIZE], uint8_t kek[CSN_KEY_SIZE])
{
	uint8_t info[sizeof(LABEL_KEK) + 8 + CSN_ALIAS_SIZE +
	    2 * CSN_HASH_SIZE];
	uint8_t ct_hash[CSN_HASH_SIZE], fixed_hash[CSN_HASH_SIZE];
	struct csn_out w;
	int rc;

	if ((rc = csn_sha3_256(ctx, r->ct, r->ct_len, ct_hash)) != 0 ||
	    (rc = csn_sha3_256(ctx, fixed, fixed_len, fixed_hash)) != 0)
		return rc;
	csn_out_fixed(&w, info, sizeof(info));
	csn_put_bytes(&w, LABEL_KEK, sizeof(LABEL_KEK) - 1);
	csn_put_u8(&w, WRAP_AES256_KW);
	csn_put_u16(&w, CSN_KEY_SIZE);
	csn_put_u8(&w, (uint8_t)r->kem);
	csn_put_bytes16(&w, r->alias, r->alias_len);
	csn_put_bytes(&w, ct_hash, sizeof(ct_hash));
	csn_put_bytes(&w, fixed_hash, sizeof(fixed_hash));
	if (!csn_out_ok(&w))
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "a recipient's name is too long");
	return csn_hkdf(ctx, CSN_HKDF_SHA3_256, NULL, 0, secret,
	    CSN_KEM_SECRET_SIZE, info, w.len, kek, CSN_KEY_SIZE);
}

int
csn_sealed_keys(struct csn_ctx *ctx, const uint8_t data[CSN_KEY_SIZE],
    const uint8_t *fixed, size_t fixed_len, const uint8_t *list,
    size_t list_len, uint8_t key[CSN_KEY_SIZE],
    uint8_t commitment[CSN_HASH_SIZE])
{
	uint8_t info[sizeof(LABEL_COMMITMENT) - 1 + CSN_HASH_SIZE];
	uint8_t salt[CSN_HASH_SIZE], prk[CSN_HASH_SIZE];
	int rc;

	memcpy(info, LABEL_COMMITMENT, sizeof(LABEL_COMMITMENT) - 1);
	if ((rc = csn_sha3_256(ctx, fixed, fixed_len, salt)) != 0 ||
	    (rc = csn_sha3_256(ctx, list, list_len, info +
	    sizeof(LABEL_COMMITMENT) - 1)) != 0)
		return rc;
	if ((rc = csn_hkdf_extract(ctx, salt, sizeof(salt), data,
	    CSN_KEY_SIZE, prk)) == 0 &&
	    (rc = csn_hkdf_expand(ctx, prk, info, sizeof(info), commitment,
	    CSN_HASH_SIZE)) == 0)
		rc = csn_hkdf_expand(ctx, prk, LABEL_SEGMENTS,
		    sizeof(LABEL_SEGMENTS) - 1, key, CSN_KEY_SIZE);
	csn_wipe(prk, sizeof(prk));
	return rc;
}

void
csn_sealed_aad(uint8_t out[CSN_SEALED_AAD],
    const uint8_t header_hash[CSN_HASH_SIZE], uint64_t index, int final)
{
	memcpy(out, header_hash, CSN_HASH_SIZE);
	csn_store64(out + CSN_HASH_SIZE, index);
	out[CSN_HASH_SIZE + 8] = final != 0;
}
