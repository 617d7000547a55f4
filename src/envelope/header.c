/* SPDX-License-Identifier: Apache-2.0 */
/* envelope/header.c - the header of a message and its AAD. */
#include "base/fail.h"
#include "base/sized.h"
#include "crypto/crypto.h"
#include "envelope/header.h"

#define KNOWN_FLAGS (CSN_HEADER_TENANT_SENT | CSN_HEADER_HAS_TOKEN)

void
csn_header_encode_run(const struct csn_header *h,
    uint8_t out[CSN_SEAL_HEADER])
{
	out[0] = 'C';
	out[1] = 'S';
	out[2] = 'N';
	out[3] = CSN_SEAL_VERSION;
	out[4] = (uint8_t)h->suite;
	out[6] = (uint8_t)(h->flags | h->replay << 4);
	memcpy(out + CSN_H_LABEL, h->tenant_label, 8);
	memcpy(out + CSN_H_SESSION, h->session, 16);
	memcpy(out + CSN_H_WRITER, h->writer, 16);
	csn_store32(out + 48, h->epoch);
}

void
csn_header_encode(const struct csn_header *h, uint8_t out[CSN_SEAL_HEADER])
{
	csn_header_encode_run(h, out);
	out[5] = (uint8_t)h->kind;
	out[7] = (uint8_t)h->role;
	csn_store32(out + 52, h->layer);
	csn_store64(out + CSN_H_SEQUENCE, h->sequence);
	csn_store64(out + 64, h->version);
	csn_store64(out + 72, h->position);
	memcpy(out + 80, h->name, 32);
	csn_store32(out + 112, h->token_id);
	csn_store32(out + 116, h->count);
	csn_store32(out + 120, h->key_len);
	csn_store32(out + 124, h->len);
}

/* A cache's entry has no KV fields, and a commitment behind the tag. */
static int
check_cache(const struct csn_ctx *ctx, const struct csn_header *h,
    size_t sealed_len)
{
	if (h->flags != 0 || h->role != 0 || h->layer != 0 ||
	    h->token_id != 0 || h->count != 0 || h->key_len != 0)
		return csn_fail(ctx, CSN_E_FORM, "seal",
		    "the header mixes a cache's entry with KV fields");
	if ((uint64_t)h->len + CSN_SEAL_OVERHEAD + CSN_HASH_SIZE !=
	    sealed_len)
		return csn_fail(ctx, CSN_E_FORM, "seal", "the entry has %zu "
		    "bytes where its header says %llu: it was cut or "
		    "lengthened", sealed_len, (unsigned long long)h->len +
		    CSN_SEAL_OVERHEAD + CSN_HASH_SIZE);
	return 0;
}

/* What the kinds share and where they differ. */
static int
check_fields(const struct csn_ctx *ctx, const struct csn_header *h,
    size_t sealed_len)
{
	if ((h->flags & ~KNOWN_FLAGS) != 0 || h->replay < CSN_REPLAY_STORE ||
	    h->replay > CSN_REPLAY_OFF)
		return csn_fail(ctx, CSN_E_FORM, "seal",
		    "the header has flags that are not known");
	if ((h->flags & CSN_HEADER_HAS_TOKEN) == 0 && h->token_id != 0)
		return csn_fail(ctx, CSN_E_FORM, "seal",
		    "the header has a token id that it says it has not");
	if (h->kind == CSN_KIND_STREAM) {
		if (h->role != 0 || h->key_len != 0)
			return csn_fail(ctx, CSN_E_FORM, "seal",
			    "the header mixes a stream with KV fields");
		return 0;
	}
	if (h->kind == CSN_KIND_CACHE)
		return check_cache(ctx, h, sealed_len);
	if (h->kind != CSN_KIND_KV_ENTRY && h->kind != CSN_KIND_KV_BLOCK)
		return csn_fail(ctx, CSN_E_FORM, "seal",
		    "kind %u is not known", h->kind);
	if (h->role < 1 || h->role > 3)
		return csn_fail(ctx, CSN_E_FORM, "seal",
		    "role %u is none of key, value and both", h->role);
	if (h->key_len > h->len)
		return csn_fail(ctx, CSN_E_FORM, "seal",
		    "K has %u bytes of %u in all", h->key_len, h->len);
	if ((uint64_t)h->len + CSN_SEAL_OVERHEAD != sealed_len)
		return csn_fail(ctx, CSN_E_FORM, "seal", "the message has "
		    "%zu bytes where its header says %llu: it was cut or "
		    "lengthened", sealed_len,
		    (unsigned long long)h->len + CSN_SEAL_OVERHEAD);
	return 0;
}

int
csn_header_decode(const struct csn_ctx *ctx, const uint8_t *sealed,
    size_t sealed_len, struct csn_header *h)
{
	if (sealed_len < CSN_SEAL_HEADER)
		return csn_fail(ctx, CSN_E_FORM, "seal", "%zu bytes are too "
		    "few for a sealed message: its header alone has %d",
		    sealed_len, CSN_SEAL_HEADER);
	if (memcmp(sealed, "CSN", 3) != 0)	/* public */
		return csn_fail(ctx, CSN_E_FORM, "seal",
		    "these bytes are no sealed message");
	if (sealed[3] != CSN_SEAL_VERSION)
		return csn_fail(ctx, CSN_E_VERSION, "seal", "version %u of "
		    "the envelope is not known to this library: it reads "
		    "version %d", sealed[3], CSN_SEAL_VERSION);
	h->suite = sealed[4];
	if (csn_kem_name((int)h->suite) == NULL)
		return csn_fail(ctx, CSN_E_SUITE, "seal",
		    "suite %u is not known", h->suite);
	h->size = sizeof(*h);
	h->kind = sealed[5];
	h->flags = sealed[6] & 0x0f;
	h->replay = sealed[6] >> 4;
	h->role = sealed[7];
	memcpy(h->tenant_label, sealed + CSN_H_LABEL, 8);
	memcpy(h->session, sealed + CSN_H_SESSION, 16);
	memcpy(h->writer, sealed + CSN_H_WRITER, 16);
	h->epoch = csn_load32(sealed + 48);
	h->layer = csn_load32(sealed + 52);
	h->sequence = csn_load64(sealed + CSN_H_SEQUENCE);
	h->version = csn_load64(sealed + 64);
	h->position = csn_load64(sealed + 72);
	memcpy(h->name, sealed + 80, 32);
	h->token_id = csn_load32(sealed + 112);
	h->count = csn_load32(sealed + 116);
	h->key_len = csn_load32(sealed + 120);
	h->len = csn_load32(sealed + 124);
	return check_fields(ctx, h, sealed_len);
}

int
csn_header_read(struct csn_ctx *ctx, const uint8_t *sealed, size_t len,
    struct csn_header *out)
{
	struct csn_header h = { 0 };
	int rc;

	if ((rc = CSN_GIVE_CHECK(out, csn_header, name)) != 0 ||
	    (rc = csn_header_decode(ctx, sealed, len, &h)) != 0)
		return rc;
	CSN_GIVE(out, &h, csn_header);
	return 0;
}

size_t
csn_aad_tail(uint8_t out[CSN_AAD_TAIL_MAX], const char *tenant_id,
    uint64_t segment, int final)
{
	size_t n = strlen(tenant_id);

	out[0] = (uint8_t)n;
	out[1] = (uint8_t)(n >> 8);
	memcpy(out + 2, tenant_id, n);
	csn_store64(out + 2 + n, segment);
	out[2 + n + 8] = final != 0;
	return 2 + n + 8 + 1;
}

int
csn_tenant_label(struct csn_ctx *ctx, const char *tenant_id,
    uint8_t label[8])
{
	static const char prefix[] = "caisson tenant v1:";
	uint8_t text[sizeof(prefix) - 1 + CSN_TENANT_ID_MAX];
	uint8_t hash[CSN_HASH_SIZE];
	size_t n = strlen(tenant_id);
	int rc;

	memcpy(text, prefix, sizeof(prefix) - 1);
	memcpy(text + sizeof(prefix) - 1, tenant_id, n);
	if ((rc = csn_sha3_256(ctx, text, sizeof(prefix) - 1 + n, hash)) == 0)
		memcpy(label, hash, 8);
	return rc;
}
