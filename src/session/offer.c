/* SPDX-License-Identifier: Apache-2.0 */
/* session/offer.c - the tenant's side: offer and finish. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "session/handshake.h"

static size_t
seed_size(int suite)
{
	return suite == CSN_KEM_X_WING ? 32 : 64;
}

/* A KEM key from a fresh seed, which is kept at rest for an export. */
static int
make_kem(struct csn_offer *o)
{
	uint8_t seed[CSN_KEM_SEED_MAX];
	int rc;

	memset(seed, 0, sizeof(seed));
	o->seed_len = seed_size(o->suite);
	if ((rc = csn_random(o->ctx, seed, o->seed_len)) == 0 &&
	    (rc = csn_kem_from_seed(o->ctx, o->suite, seed, o->seed_len,
	    &o->kem)) == 0 &&
	    (rc = csn_key_mask(o->ctx, seed, &o->seed[0])) == 0)
		rc = csn_key_mask(o->ctx, seed + 32, &o->seed[1]);
	csn_wipe(seed, sizeof(seed));
	return rc;
}

static int
sign_offer(struct csn_ctx *ctx, const struct csn_identity *signer,
    struct csn_out *w)
{
	const struct csn_sign_key *key = csn_identity_sign_key(signer);
	uint8_t sig[CSN_SIGN_MAX_SIGNATURE];
	size_t n = csn_sign_signature_size(csn_sign_of(key));
	int rc;

	if (!csn_out_ok(w))
		return csn_nomem(ctx, "session", "an offer");
	if ((rc = csn_sign(ctx, key, (const uint8_t *)CSN_OFFER_CONTEXT,
	    sizeof(CSN_OFFER_CONTEXT) - 1, w->p, w->len, sig,
	    sizeof(sig))) == 0)
		csn_put_bytes16(w, sig, n);
	return rc;
}

int
csn_offer_make(struct csn_ctx *ctx, int suite, uint64_t ttl_ms,
    const char *server_alias, const struct csn_identity *signer,
    struct csn_offer **out)
{
	uint8_t ek[CSN_KEM_MAX_PUBLIC];
	struct csn_offer_msg m;
	struct csn_offer *o;
	struct csn_out w;
	int rc;

	csn_out_init(&w);
	if ((o = csn_calloc(1, sizeof(*o))) == NULL)
		return csn_nomem(ctx, "session", "an offer");
	o->ctx = ctx;
	o->suite = suite;
	memcpy(o->server, server_alias, strlen(server_alias));
	o->is_signed = signer != NULL;
	memset(&m, 0, sizeof(m));
	m.suite = suite;
	m.flags = signer != NULL ? CSN_HANDSHAKE_SIGNED : 0;
	m.time_ms = csn_ctx_wall_ms(ctx);
	m.ttl_ms = ttl_ms;
	m.server = (const uint8_t *)o->server;
	m.server_len = strlen(o->server);
	if (signer != NULL) {
		m.tenant = (const uint8_t *)csn_identity_alias(signer);
		m.tenant_len = strlen(csn_identity_alias(signer));
	}
	if ((rc = csn_random(ctx, m.nonce, sizeof(m.nonce))) != 0 ||
	    (rc = make_kem(o)) != 0 ||
	    (rc = csn_kem_public(ctx, o->kem, ek, sizeof(ek))) != 0)
		goto err;
	m.ek = ek;
	m.ek_len = csn_kem_public_size(suite);
	csn_offer_write(&w, &m);
	if (signer != NULL && (rc = sign_offer(ctx, signer, &w)) != 0)
		goto err;
	if (!csn_out_ok(&w)) {
		rc = csn_nomem(ctx, "session", "an offer");
		goto err;
	}
	o->msg = w.p;
	o->len = w.len;
	*out = o;
	return 0;

err:
	csn_out_wipe(&w);
	csn_offer_free(o);
	return rc;
}

/* Either form of DID to the short one. */
static int
alias_of(struct csn_ctx *ctx, const char *did, char out[CSN_ALIAS_MAX + 1])
{
	struct csn_sign_key *key;
	int rc;

	if (strncmp(did, "did:pqaid:", 10) == 0) {
		if (strlen(did) != 10 + 64)
			return csn_fail(ctx, CSN_E_ARG, "session",
			    "the server's DID has not the length of a "
			    "did:pqaid");
		memcpy(out, did, strlen(did) + 1);
		return 0;
	}
	if ((rc = csn_did_to_key(ctx, did, &key)) != 0)
		return rc;
	rc = csn_did_alias(ctx, key, out, CSN_ALIAS_MAX + 1);
	csn_sign_free(key);
	return rc;
}

int
csn_session_offer(struct csn_ctx *ctx,
    const struct csn_offer_options *options, struct csn_offer **state,
    uint8_t **msg, size_t *len)
{
	if (CSN_NEEDS(state, msg, len) != 0)
		return CSN_E_ARG;

	char server[CSN_ALIAS_MAX + 1];
	struct csn_offer_options o;
	struct csn_offer *offer;
	int rc;

	if ((rc = CSN_TAKE(&o, options, csn_offer_options,
	    server_did)) != 0)
		return rc;
	if (o.kem == 0)
		o.kem = CSN_KEM_ML_KEM_768;
	if (o.ttl_ms == 0)
		o.ttl_ms = CSN_DEFAULT_TTL_MS;
	if (o.server_did == NULL)
		return csn_fail(ctx, CSN_E_ARG, "session", "an offer is made "
		    "for one server: give its DID");
	if (csn_kem_name((int)o.kem) == NULL)
		return csn_fail(ctx, CSN_E_ARG, "session",
		    "there is no KEM %u", o.kem);
	if ((rc = alias_of(ctx, o.server_did, server)) != 0 ||
	    (rc = csn_offer_make(ctx, (int)o.kem, o.ttl_ms, server,
	    o.identity, &offer)) != 0)
		return rc;
	if ((*msg = csn_memdup(offer->msg, offer->len)) == NULL) {
		csn_offer_free(offer);
		return csn_nomem(ctx, "session", "an offer");
	}
	*len = offer->len;
	*state = offer;
	return 0;
}

void
csn_offer_free(struct csn_offer *state)
{
	if (state == NULL)
		return;
	csn_key_wipe(state->ctx, &state->seed[0]);
	csn_key_wipe(state->ctx, &state->seed[1]);
	csn_kem_free(state->kem);
	free(state->msg);
	csn_wipe_free(state, sizeof(*state));
}

int
csn_offer_is_signed(const struct csn_offer *state)
{
	return state->is_signed;
}

/* The server's key is the trust store's, never the message's. */
static int
check_server(struct csn_offer *o, struct csn_trust *trust,
    const struct csn_reply_msg *m, const uint8_t transcript[CSN_HASH_SIZE])
{
	uint8_t text[CSN_HASH_SIZE + CSN_MAC_SIZE];
	const struct csn_trust_entry *e;
	int rc;

	if ((m->flags & CSN_HANDSHAKE_SIGNED) == 0 || trust == NULL)
		return csn_fail(o->ctx, CSN_E_SIGNER, "session",
		    "the reply is not signed, or no trust store was given");
	if (m->server_len != strlen(o->server) ||
	    memcmp(m->server, o->server, m->server_len) != 0)	/* public */
		return csn_fail(o->ctx, CSN_E_SIGNER, "session", "the reply "
		    "comes from another server than the offer was for");
	if ((rc = csn_trust_find(o->ctx, trust, o->server,
	    strlen(o->server), CSN_PURPOSE_SERVER, &e)) != 0)
		return rc;
	memcpy(text, transcript, CSN_HASH_SIZE);
	memcpy(text + CSN_HASH_SIZE, m->mac, CSN_MAC_SIZE);
	rc = csn_verify(o->ctx, e->key, (const uint8_t *)CSN_REPLY_CONTEXT,
	    sizeof(CSN_REPLY_CONTEXT) - 1, text, sizeof(text), m->signature,
	    m->signature_len);
	csn_trust_release(trust, e);
	return rc;
}

/* Everything of the reply that was verified, as a session's beginning. */
static int
make_tenant_session(struct csn_ctx *ctx, const struct csn_reply_msg *m,
    const struct csn_agreed *a, const struct csn_session_options *options,
    struct csn_session **out)
{
	char id[CSN_TENANT_ID_MAX + 1], name[CSN_TENANT_NAME_MAX + 1];
	struct csn_session_seed seed;
	int rc;

	/* A NUL inside would end the text early: csn_tenant_check sees what
	 * is left, the MAC and the signature were over all of it. */
	if (memchr(m->tenant_id, 0, m->tenant_id_len) != NULL ||
	    (m->tenant_name_len != 0 && memchr(m->tenant_name, 0,
	    m->tenant_name_len) != NULL))
		return csn_fail(ctx, CSN_E_FORM, "session",
		    "the tenant's id or name has a NUL in it");
	memset(&seed, 0, sizeof(seed));
	memcpy(id, m->tenant_id, m->tenant_id_len);
	id[m->tenant_id_len] = '\0';
	if (m->tenant_name_len != 0)
		memcpy(name, m->tenant_name, m->tenant_name_len);
	name[m->tenant_name_len] = '\0';
	seed.own_direction = CSN_DIR_TENANT;
	seed.suite = (uint32_t)m->suite;
	seed.tenant_id = id;
	seed.tenant_name = name;
	memcpy(seed.id, m->session, sizeof(seed.id));
	seed.created_ms = m->created_ms;
	seed.expires_ms = m->expires_ms;
	memcpy(seed.chain[CSN_DIR_SERVER], a->keys[2], CSN_KEY_SIZE);
	memcpy(seed.chain[CSN_DIR_TENANT], a->keys[3], CSN_KEY_SIZE);
	rc = csn_session_make(ctx, &seed, options, out);
	csn_wipe(&seed, sizeof(seed));
	return rc;
}

int
csn_session_finish(struct csn_offer *offer, struct csn_trust *trust,
    const uint8_t *reply, size_t len,
    const struct csn_session_options *options, struct csn_session **out,
    uint8_t **confirm, size_t *confirm_len)
{
	if (CSN_NEEDS(offer, trust, out, confirm, confirm_len) != 0)
		return CSN_E_ARG;

	uint8_t secret[CSN_KEM_SECRET_SIZE], mac[CSN_MAC_SIZE];
	struct csn_ctx *ctx = offer->ctx;
	struct csn_session *session = NULL;
	struct csn_agreed a;
	struct csn_reply_msg m;
	uint8_t *msg = NULL;
	int rc;

	if (offer->spent)
		return csn_fail(ctx, CSN_E_CLOSED, "session",
		    "the offer was answered already: make another");
	if ((rc = csn_reply_read(ctx, reply, len, &m)) != 0)
		return rc;
	if (m.suite != offer->suite)
		return csn_fail(ctx, CSN_E_SUITE, "session", "the reply "
		    "answers with suite %d where %d was offered", m.suite,
		    offer->suite);
	if ((rc = csn_transcript(ctx, offer->msg, offer->len, reply,
	    m.body_len, a.transcript)) != 0 ||
	    (rc = check_server(offer, trust, &m, a.transcript)) != 0)
		goto out;
	if (m.expires_ms <= csn_ctx_wall_ms(ctx)) {
		rc = csn_fail(ctx, CSN_E_EXPIRED, "session",
		    "the session in the reply is over already");
		goto out;
	}
	if ((rc = csn_kem_decapsulate(ctx, offer->kem, m.ct, m.ct_len,
	    secret)) != 0 || (rc = csn_agree(ctx, &a, secret)) != 0 ||
	    (rc = csn_confirm_mac(ctx, &a, CSN_DIR_SERVER, mac)) != 0)
		goto out;
	if (!csn_equal(mac, m.mac, sizeof(mac))) {
		rc = csn_fail(ctx, CSN_E_TAG, "session", "the server does not "
		    "have the key that it should: the exchange was changed");
		goto out;
	}
	if ((rc = csn_confirm_mac(ctx, &a, CSN_DIR_TENANT, mac)) != 0 ||
	    (rc = make_tenant_session(ctx, &m, &a, options, &session)) != 0)
		goto out;
	if ((msg = csn_calloc(1, CSN_CONFIRM_SIZE)) == NULL) {
		rc = csn_nomem(ctx, "session", "a confirmation");
		goto out;
	}
	csn_confirm_write(msg, m.session, mac);
	offer->spent = 1;
	*confirm = msg;
	*confirm_len = CSN_CONFIRM_SIZE;
	*out = session;
	session = NULL;
out:
	csn_session_free(session);
	csn_wipe(&a, sizeof(a));
	csn_wipe(secret, sizeof(secret));
	csn_wipe(mac, sizeof(mac));
	return rc;
}
