/* SPDX-License-Identifier: Apache-2.0 */
/* envelope/header.c - the header of a message and its AAD. */
#include "base/fail.h"
#include "crypto/crypto.h"
#include "envelope/header.h"

#define ROOM "envelope"

void
csn_head_begin(const struct csn_head *h, uint8_t out[CSN_SEAL_HEADER])
{
	out[0] = 'C';
	out[1] = 'S';
	out[2] = 'N';
	out[3] = CSN_SEAL_VERSION;
	out[CSN_H_SUITE] = (uint8_t)h->suite;
	out[CSN_H_MODE] = (uint8_t)(h->direction | h->replay << 4);
	memcpy(out + CSN_H_LABEL, h->label, sizeof(h->label));
	memcpy(out + CSN_H_SESSION, h->session, sizeof(h->session));
	memcpy(out + CSN_H_WRITER, h->writer, sizeof(h->writer));
	csn_store32(out + CSN_H_EPOCH, h->epoch);
}

int
csn_head_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	while (n > 0)
		any |= p[--n];
	return any == 0;
}

/* What all kinds share; the kind's own room has the last word. */
static int
check(const struct csn_ctx *ctx, const struct csn_envelope_kind *kind,
    const uint8_t *header, size_t sealed_len, const struct csn_head *h)
{
	const uint64_t whole = (uint64_t)h->len + kind->around;

	if (h->direction > 1 || h->replay < CSN_REPLAY_STORE ||
	    h->replay > CSN_REPLAY_OFF)
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "the header has a direction or replay mode that is not "
		    "known");
	if (h->kind >= 32 || (kind->kinds >> h->kind & 1) == 0)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the message is of "
		    "kind %u and not %s", h->kind, kind->what);
	if (kind->around != 0 && whole != sealed_len)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "the message has %zu "
		    "bytes where its header says %llu: it was cut or "
		    "lengthened", sealed_len, (unsigned long long)whole);
	return kind->check(ctx, h, header);
}

int
csn_head_decode(const struct csn_ctx *ctx,
    const struct csn_envelope_kind *kind, const uint8_t *sealed,
    size_t sealed_len, struct csn_head *h)
{
	if (sealed_len < CSN_SEAL_HEADER)
		return csn_fail(ctx, CSN_E_FORM, ROOM, "%zu bytes are too "
		    "few for a sealed message: its header alone has %d",
		    sealed_len, CSN_SEAL_HEADER);
	if (memcmp(sealed, "CSN", 3) != 0)	/* public */
		return csn_fail(ctx, CSN_E_FORM, ROOM,
		    "these bytes are no sealed message");
	if (sealed[3] != CSN_SEAL_VERSION)
		return csn_fail(ctx, CSN_E_VERSION, ROOM, "version %u of "
		    "the envelope is not known to this library: it reads "
		    "version %d", sealed[3], CSN_SEAL_VERSION);
	h->suite = sealed[CSN_H_SUITE];
	if (csn_kem_name((int)h->suite) == NULL)
		return csn_fail(ctx, CSN_E_SUITE, ROOM,
		    "suite %u is not known", h->suite);
	h->kind = sealed[CSN_H_KIND];
	h->direction = sealed[CSN_H_MODE] & 0x0f;
	h->replay = sealed[CSN_H_MODE] >> 4;
	memcpy(h->label, sealed + CSN_H_LABEL, sizeof(h->label));
	memcpy(h->session, sealed + CSN_H_SESSION, sizeof(h->session));
	memcpy(h->writer, sealed + CSN_H_WRITER, sizeof(h->writer));
	h->epoch = csn_load32(sealed + CSN_H_EPOCH);
	h->len = csn_load32(sealed + CSN_H_LEN);
	h->sequence = csn_load64(sealed + CSN_H_SEQUENCE);
	h->version = csn_load64(sealed + CSN_H_VERSION);
	return check(ctx, kind, sealed, sealed_len, h);
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

size_t
csn_aad_more(uint8_t *aad, size_t len, const void *more, uint32_t more_len)
{
	csn_store32(aad + len, more_len);
	memcpy(aad + len + 4, more, more_len);
	return len + 4 + more_len;
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
