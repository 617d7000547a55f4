/* SPDX-License-Identifier: Apache-2.0 */
/* session/messages.c - the bytes of the exchange, and what they derive. */
#include <string.h>

#include "base/fail.h"
#include "session/handshake.h"

static int
read_head(const struct csn_ctx *ctx, struct csn_reader *r, const char *magic,
    const char *what)
{
	const uint8_t *p = csn_read_view(r, 4);

	if (p == NULL || memcmp(p, magic, 3) != 0)	/* public */
		return csn_fail(ctx, CSN_E_FORM, "session",
		    "these bytes are no session %s", what);
	if (p[3] != 1)
		return csn_fail(ctx, CSN_E_VERSION, "session", "version %u of "
		    "a session %s is not known to this library", p[3], what);
	return 0;
}

static int
bad_form(const struct csn_ctx *ctx, const char *what)
{
	return csn_fail(ctx, CSN_E_FORM, "session", "the %s is cut short, too "
	    "long, or a field in it has the wrong length", what);
}

static int
read_suite(const struct csn_ctx *ctx, struct csn_reader *r, int *suite,
    uint32_t *flags, const char *what)
{
	uint16_t zero;

	*suite = csn_read_u8(r);
	*flags = csn_read_u8(r);
	zero = csn_read_u16(r);
	if (!csn_reader_ok(r))
		return bad_form(ctx, what);
	if (zero != 0 || (*flags & ~CSN_HANDSHAKE_SIGNED) != 0)
		return csn_fail(ctx, CSN_E_FORM, "session",
		    "the %s has flags that are not known", what);
	if (csn_kem_name(*suite) == NULL)
		return csn_fail(ctx, CSN_E_SUITE, "session",
		    "the %s asks for suite %d, which is not known", what,
		    *suite);
	return 0;
}

int
csn_offer_read(const struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_offer_msg *m)
{
	struct csn_reader r;
	int rc;

	memset(m, 0, sizeof(*m));
	csn_reader_init(&r, p, len);
	if ((rc = read_head(ctx, &r, "CSO", "offer")) != 0 ||
	    (rc = read_suite(ctx, &r, &m->suite, &m->flags, "offer")) != 0)
		return rc;
	m->time_ms = csn_read_u64(&r);
	m->ttl_ms = csn_read_u64(&r);
	csn_read_bytes(&r, m->nonce, sizeof(m->nonce));
	m->server = csn_read_view16(&r, &m->server_len);
	m->tenant = csn_read_view16(&r, &m->tenant_len);
	m->ek = csn_read_view16(&r, &m->ek_len);
	m->signed_len = len - r.left;
	if ((m->flags & CSN_HANDSHAKE_SIGNED) != 0)
		m->signature = csn_read_view16(&r, &m->signature_len);
	if (!csn_reader_done(&r) || m->server_len > CSN_ALIAS_MAX ||
	    m->tenant_len > CSN_ALIAS_MAX ||
	    ((m->flags & CSN_HANDSHAKE_SIGNED) != 0) !=
	    (m->tenant_len != 0) ||
	    m->ek_len != csn_kem_public_size(m->suite))
		return bad_form(ctx, "offer");
	return 0;
}

void
csn_offer_write(struct csn_out *w, const struct csn_offer_msg *m)
{
	csn_put_bytes(w, "CSO\1", 4);
	csn_put_u8(w, (uint8_t)m->suite);
	csn_put_u8(w, (uint8_t)m->flags);
	csn_put_u16(w, 0);
	csn_put_u64(w, m->time_ms);
	csn_put_u64(w, m->ttl_ms);
	csn_put_bytes(w, m->nonce, sizeof(m->nonce));
	csn_put_bytes16(w, m->server, m->server_len);
	csn_put_bytes16(w, m->tenant, m->tenant_len);
	csn_put_bytes16(w, m->ek, m->ek_len);
}

int
csn_reply_read(const struct csn_ctx *ctx, const uint8_t *p, size_t len,
    struct csn_reply_msg *m)
{
	struct csn_reader r;
	int rc;

	memset(m, 0, sizeof(*m));
	csn_reader_init(&r, p, len);
	if ((rc = read_head(ctx, &r, "CSR", "reply")) != 0 ||
	    (rc = read_suite(ctx, &r, &m->suite, &m->flags, "reply")) != 0)
		return rc;
	csn_read_bytes(&r, m->session, sizeof(m->session));
	csn_read_bytes(&r, m->nonce, sizeof(m->nonce));
	m->created_ms = csn_read_u64(&r);
	m->expires_ms = csn_read_u64(&r);
	m->server = csn_read_view16(&r, &m->server_len);
	m->tenant_id = csn_read_view16(&r, &m->tenant_id_len);
	m->tenant_name = csn_read_view16(&r, &m->tenant_name_len);
	m->ct = csn_read_view16(&r, &m->ct_len);
	m->body_len = len - r.left;
	csn_read_bytes(&r, m->mac, sizeof(m->mac));
	if ((m->flags & CSN_HANDSHAKE_SIGNED) != 0)
		m->signature = csn_read_view16(&r, &m->signature_len);
	if (!csn_reader_done(&r) || m->server_len > CSN_ALIAS_MAX ||
	    m->tenant_id_len == 0 || m->tenant_id_len > CSN_TENANT_ID_MAX ||
	    m->tenant_name_len > CSN_TENANT_NAME_MAX ||
	    m->ct_len != csn_kem_ciphertext_size(m->suite))
		return bad_form(ctx, "reply");
	return 0;
}

void
csn_reply_write(struct csn_out *w, const struct csn_reply_msg *m)
{
	csn_put_bytes(w, "CSR\1", 4);
	csn_put_u8(w, (uint8_t)m->suite);
	csn_put_u8(w, (uint8_t)m->flags);
	csn_put_u16(w, 0);
	csn_put_bytes(w, m->session, sizeof(m->session));
	csn_put_bytes(w, m->nonce, sizeof(m->nonce));
	csn_put_u64(w, m->created_ms);
	csn_put_u64(w, m->expires_ms);
	csn_put_bytes16(w, m->server, m->server_len);
	csn_put_bytes16(w, m->tenant_id, m->tenant_id_len);
	csn_put_bytes16(w, m->tenant_name, m->tenant_name_len);
	csn_put_bytes16(w, m->ct, m->ct_len);
}

void
csn_confirm_write(uint8_t out[CSN_CONFIRM_SIZE],
    const uint8_t session[CSN_SESSION_ID_SIZE],
    const uint8_t mac[CSN_MAC_SIZE])
{
	memcpy(out, "CSC\1", 4);
	memcpy(out + 4, session, CSN_SESSION_ID_SIZE);
	memcpy(out + 4 + CSN_SESSION_ID_SIZE, mac, CSN_MAC_SIZE);
}

int
csn_transcript(struct csn_ctx *ctx, const uint8_t *offer, size_t offer_len,
    const uint8_t *body, size_t body_len, uint8_t out[CSN_HASH_SIZE])
{
	struct csn_out w;
	int rc;

	csn_out_init(&w);
	csn_put_bytes(&w, CSN_TRANSCRIPT_LABEL,
	    sizeof(CSN_TRANSCRIPT_LABEL) - 1);
	csn_put_u32(&w, (uint32_t)offer_len);
	csn_put_bytes(&w, offer, offer_len);
	csn_put_u32(&w, (uint32_t)body_len);
	csn_put_bytes(&w, body, body_len);
	rc = csn_out_ok(&w) ? csn_sha3_256(ctx, w.p, w.len, out) :
	    csn_nomem(ctx, "session", "a transcript");
	csn_out_wipe(&w);
	return rc;
}

int
csn_agree(struct csn_ctx *ctx, struct csn_agreed *a,
    const uint8_t secret[CSN_KEM_SECRET_SIZE])
{
	uint8_t prk[CSN_HASH_SIZE];
	int rc;

	if ((rc = csn_hkdf_extract(ctx, a->transcript, sizeof(a->transcript),
	    secret, CSN_KEM_SECRET_SIZE, prk)) == 0)
		rc = csn_hkdf_expand(ctx, prk, CSN_KEYS_LABEL,
		    sizeof(CSN_KEYS_LABEL) - 1, a->keys[0], sizeof(a->keys));
	csn_wipe(prk, sizeof(prk));
	return rc;
}

int
csn_confirm_mac(struct csn_ctx *ctx, const struct csn_agreed *a,
    int direction, uint8_t mac[CSN_MAC_SIZE])
{
	struct csn_piece piece = { a->transcript, sizeof(a->transcript) };

	return csn_hmac(ctx, a->keys[direction], CSN_KEY_SIZE, &piece, 1,
	    mac);
}
