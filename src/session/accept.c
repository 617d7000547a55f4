/* SPDX-License-Identifier: Apache-2.0 */
/* session/accept.c - the server's side: accept and confirm. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "session/handshake.h"
#include "session/limits.h"

#define DEFAULT_MAX_TTL_MS 86400000u
#define DEFAULT_SKEW_MS 120000u
#define DEFAULT_RATE 200u
#define DEFAULT_TENANT_RATE 60u

struct csn_acceptor {
	struct csn_ctx *ctx;
	const struct csn_identity *identity;
	struct csn_trust *trust;
	struct csn_acceptor_options o;
	uint8_t secret[32];	/* of mark() */
	struct csn_limits limits;
};

/*
 * What the limits know a sender, or one's offer, by. Under a secret of this
 * server's nobody can choose two that meet, and with the sender in it nobody's
 * offer is taken for another's that has the same nonce.
 */
static int
mark(struct csn_acceptor *a, char kind, const void *sender, size_t len,
    const uint8_t nonce[32], uint8_t out[CSN_HASH_SIZE])
{
	const struct csn_piece pieces[] = { { &kind, 1 }, { nonce, 32 },
	    { sender, len } };

	return csn_hmac(a->ctx, a->secret, sizeof(a->secret), pieces, 3, out);
}

/* The tenant's key that is to have signed it, or the transport's tenant. */
static int
mark_offer(struct csn_acceptor *a, const struct csn_offer_msg *m,
    const struct csn_tenant *transport, uint8_t out[CSN_HASH_SIZE])
{
	if (m->tenant_len != 0)
		return mark(a, 'd', m->tenant, m->tenant_len, m->nonce, out);
	return mark(a, 't', transport->id, strlen(transport->id), m->nonce,
	    out);
}

static int
sender_may(struct csn_acceptor *a, const char *tenant_id)
{
	static const uint8_t none[32];
	uint8_t id[CSN_HASH_SIZE];
	int rc;

	if ((rc = mark(a, 's', tenant_id, strlen(tenant_id), none,
	    id)) != 0)
		return rc;
	if (!csn_limits_sender(&a->limits, id, sizeof(id),
	    csn_ctx_boot_ms(a->ctx)))
		return csn_fail(a->ctx, CSN_E_RATE, "session", "tenant %s "
		    "offers too often: at most %u a minute are answered",
		    tenant_id, a->o.tenant_rate);
	return 0;
}

int
csn_acceptor_new(struct csn_ctx *ctx, const struct csn_identity *identity,
    struct csn_trust *trust, const struct csn_acceptor_options *options,
    struct csn_acceptor **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	struct csn_acceptor_options o;
	struct csn_acceptor *a;
	int rc;

	if (identity == NULL || trust == NULL)
		return csn_fail(ctx, CSN_E_ARG, "session",
		    "a server needs an identity and a trust store");
	if ((rc = CSN_TAKE(&o, options, csn_acceptor_options,
	    allow_transport)) != 0)
		return rc;
	if ((a = csn_calloc(1, sizeof(*a))) == NULL)
		return csn_nomem(ctx, "session", "a server");
	a->ctx = ctx;
	a->identity = identity;
	a->trust = trust;
	a->o = o;
	if (a->o.kems == 0)
		a->o.kems = 1u << CSN_KEM_ML_KEM_768 |
		    1u << CSN_KEM_ML_KEM_1024 | 1u << CSN_KEM_X_WING;
	if (a->o.max_ttl_ms == 0)
		a->o.max_ttl_ms = DEFAULT_MAX_TTL_MS;
	if (a->o.max_skew_ms == 0)
		a->o.max_skew_ms = DEFAULT_SKEW_MS;
	if (a->o.rate == 0)
		a->o.rate = DEFAULT_RATE;
	if (a->o.burst == 0)
		a->o.burst = a->o.rate > UINT32_MAX / 2 ? UINT32_MAX :
		    2 * a->o.rate;
	if (a->o.tenant_rate == 0)
		a->o.tenant_rate = DEFAULT_TENANT_RATE;
	if ((rc = csn_random(ctx, a->secret, sizeof(a->secret))) != 0) {
		free(a);
		return rc;
	}
	csn_limits_init(&a->limits, a->o.rate, a->o.burst, a->o.tenant_rate,
	    csn_ctx_boot_ms(ctx));
	*out = a;
	return 0;
}

void
csn_acceptor_free(struct csn_acceptor *acceptor)
{
	if (acceptor == NULL)
		return;
	csn_limits_end(&acceptor->limits);
	csn_wipe(acceptor->secret, sizeof(acceptor->secret));
	free(acceptor);
}

/* What can be told before anything costs much. */
static int
check_cheap(struct csn_acceptor *a, const struct csn_offer_msg *m,
    const struct csn_tenant *transport, uint8_t seen[CSN_HASH_SIZE])
{
	const char *own = csn_identity_alias(a->identity);
	uint64_t now = csn_ctx_wall_ms(a->ctx);
	uint64_t off = m->time_ms > now ? m->time_ms - now : now - m->time_ms;
	int rc;

	if ((a->o.kems & 1u << m->suite) == 0)
		return csn_fail(a->ctx, CSN_E_SUITE, "session",
		    "this server does not accept %s",
		    csn_kem_name(m->suite));
	if (m->server_len != strlen(own) ||
	    memcmp(m->server, own, m->server_len) != 0)	/* public */
		return csn_fail(a->ctx, CSN_E_SIGNER, "session",
		    "the offer is made for another server: %.*s",
		    (int)m->server_len, (const char *)m->server);
	if (off > a->o.max_skew_ms)
		return csn_fail(a->ctx, CSN_E_EXPIRED, "session", "the offer "
		    "is %llu s away from this server's time: at most %llu s "
		    "are allowed", (unsigned long long)off / 1000,
		    (unsigned long long)a->o.max_skew_ms / 1000);
	if (m->tenant_len == 0 && !(transport != NULL && a->o.allow_transport))
		return csn_fail(a->ctx, CSN_E_SIGNER, "session", "the offer "
		    "is not signed and no transport vouches for its tenant");
	if (!csn_limits_any(&a->limits, csn_ctx_boot_ms(a->ctx)))
		return csn_fail(a->ctx, CSN_E_RATE, "session",
		    "too many offers: at most %u a second are answered",
		    a->o.rate);
	if ((rc = mark_offer(a, m, transport, seen)) != 0)
		return rc;
	if (csn_limits_seen(&a->limits, seen, now))
		return csn_fail(a->ctx, CSN_E_REPLAY, "session",
		    "the offer was answered before");
	return 0;
}

/* Who it is, by the signature of a key that we trust to be a tenant's. */
static int
authenticate(struct csn_acceptor *a, const uint8_t *offer,
    const struct csn_offer_msg *m, char id[CSN_TENANT_ID_MAX + 1],
    char name[CSN_TENANT_NAME_MAX + 1])
{
	const struct csn_trust_entry *e;
	int rc;

	if ((rc = csn_trust_find(a->ctx, a->trust, (const char *)m->tenant,
	    m->tenant_len, CSN_PURPOSE_TENANT, &e)) != 0)
		return rc;
	rc = csn_verify(a->ctx, e->key, (const uint8_t *)CSN_OFFER_CONTEXT,
	    sizeof(CSN_OFFER_CONTEXT) - 1, offer, m->signed_len,
	    m->signature, m->signature_len);
	if (rc == 0 && e->tenant_id == NULL)
		rc = csn_fail(a->ctx, CSN_E_SIGNER, "session", "the trust "
		    "store does not say which tenant %.*s is",
		    (int)m->tenant_len, (const char *)m->tenant);
	if (rc == 0 && (rc = csn_tenant_check(a->ctx, e->tenant_id,
	    e->label)) == 0) {
		memcpy(id, e->tenant_id, strlen(e->tenant_id) + 1);
		memcpy(name, e->label != NULL ? e->label : "",
		    e->label != NULL ? strlen(e->label) + 1 : 1);
	}
	csn_trust_release(a->trust, e);
	return rc;
}

int
csn_reply_make(struct csn_ctx *ctx, const struct csn_offer_msg *offer,
    const char *server_alias, const struct csn_tenant *tenant,
    uint64_t ttl_ms, struct csn_out *body, struct csn_pending *p,
    uint8_t secret[CSN_KEM_SECRET_SIZE])
{
	uint8_t ct[CSN_KEM_MAX_CIPHERTEXT];
	struct csn_kem_key *ek = NULL;
	struct csn_reply_msg m;
	int rc;

	memset(&m, 0, sizeof(m));
	m.suite = offer->suite;
	m.flags = strcmp(server_alias, "local") != 0 ?
	    CSN_HANDSHAKE_SIGNED : 0;
	m.created_ms = csn_ctx_wall_ms(ctx);
	m.expires_ms = ttl_ms > UINT64_MAX - m.created_ms ? UINT64_MAX :
	    m.created_ms + ttl_ms;
	m.server = (const uint8_t *)server_alias;
	m.server_len = strlen(server_alias);
	m.tenant_id = (const uint8_t *)tenant->id;
	m.tenant_id_len = strlen(tenant->id);
	if (tenant->display_name != NULL) {
		m.tenant_name = (const uint8_t *)tenant->display_name;
		m.tenant_name_len = strlen(tenant->display_name);
	}
	if ((rc = csn_random(ctx, m.session, sizeof(m.session))) != 0 ||
	    (rc = csn_random(ctx, m.nonce, sizeof(m.nonce))) != 0 ||
	    (rc = csn_kem_from_public(ctx, offer->suite, offer->ek,
	    offer->ek_len, &ek)) != 0 ||
	    (rc = csn_kem_encapsulate(ctx, ek, ct, sizeof(ct), secret)) != 0)
		goto out;
	m.ct = ct;
	m.ct_len = csn_kem_ciphertext_size(offer->suite);
	csn_reply_write(body, &m);
	if (!csn_out_ok(body)) {
		rc = csn_nomem(ctx, "session", "a reply");
		goto out;
	}
	p->ctx = ctx;
	p->suite = offer->suite;
	memcpy(p->session, m.session, sizeof(p->session));
	p->created_ms = m.created_ms;
	p->expires_ms = m.expires_ms;
	p->expires_boot = csn_add_ms(csn_ctx_boot_ms(ctx), ttl_ms);
	memcpy(p->tenant_id, tenant->id, strlen(tenant->id) + 1);
	if (tenant->display_name != NULL)
		memcpy(p->tenant_name, tenant->display_name,
		    strlen(tenant->display_name) + 1);
out:
	csn_kem_free(ek);
	return rc;
}

/* Sign transcript and MAC, and put the reply together. */
static int
sign_reply(struct csn_acceptor *a, const struct csn_agreed *agreed,
    const uint8_t mac[CSN_MAC_SIZE], struct csn_out *w)
{
	const struct csn_sign_key *key = csn_identity_sign_key(a->identity);
	uint8_t text[CSN_HASH_SIZE + CSN_MAC_SIZE];
	uint8_t sig[CSN_SIGN_MAX_SIGNATURE];
	int rc;

	memcpy(text, agreed->transcript, CSN_HASH_SIZE);
	memcpy(text + CSN_HASH_SIZE, mac, CSN_MAC_SIZE);
	if ((rc = csn_sign(a->ctx, key, (const uint8_t *)CSN_REPLY_CONTEXT,
	    sizeof(CSN_REPLY_CONTEXT) - 1, text, sizeof(text), sig,
	    sizeof(sig))) != 0)
		return rc;
	csn_put_bytes(w, mac, CSN_MAC_SIZE);
	csn_put_bytes16(w, sig, csn_sign_signature_size(csn_sign_of(key)));
	return csn_out_ok(w) ? 0 : csn_nomem(a->ctx, "session", "a reply");
}

/* The server's half waits, its keys at rest. */
static int
keep_pending(struct csn_ctx *ctx, const struct csn_agreed *a,
    struct csn_pending *p)
{
	int i, rc = 0;

	memcpy(p->transcript, a->transcript, sizeof(p->transcript));
	for (i = 0; i < 3 && rc == 0; i++)
		rc = csn_key_mask(ctx, a->keys[1 + i], &p->keys[i]);
	return rc;
}

/* From an offer whose tenant is known to the signed reply. */
static int
answer(struct csn_acceptor *a, const uint8_t *offer, size_t len,
    const struct csn_offer_msg *m, const struct csn_tenant *tenant,
    struct csn_pending *p, struct csn_out *w)
{
	uint8_t secret[CSN_KEM_SECRET_SIZE], mac[CSN_MAC_SIZE];
	uint64_t ttl = m->ttl_ms < a->o.max_ttl_ms ? m->ttl_ms :
	    a->o.max_ttl_ms;
	struct csn_agreed agreed;
	int rc;

	if ((rc = csn_reply_make(a->ctx, m, csn_identity_alias(a->identity),
	    tenant, ttl, w, p, secret)) == 0 &&
	    (rc = csn_transcript(a->ctx, offer, len, w->p, w->len,
	    agreed.transcript)) == 0 &&
	    (rc = csn_agree(a->ctx, &agreed, secret)) == 0 &&
	    (rc = csn_confirm_mac(a->ctx, &agreed, CSN_DIR_SERVER,
	    mac)) == 0 &&
	    (rc = sign_reply(a, &agreed, mac, w)) == 0)
		rc = keep_pending(a->ctx, &agreed, p);
	csn_wipe(secret, sizeof(secret));
	csn_wipe(&agreed, sizeof(agreed));
	return rc;
}

int
csn_session_accept(struct csn_acceptor *acceptor, const uint8_t *offer,
    size_t len, const struct csn_tenant *given,
    struct csn_pending **pending, uint8_t **reply, size_t *reply_len)
{
	if (CSN_NEEDS(acceptor, pending, reply, reply_len) != 0)
		return CSN_E_ARG;

	char id[CSN_TENANT_ID_MAX + 1], name[CSN_TENANT_NAME_MAX + 1];
	struct csn_tenant tenant = { sizeof(tenant), id, name }, by;
	const struct csn_tenant *transport = given != NULL ? &by : NULL;
	struct csn_ctx *ctx = acceptor->ctx;
	uint64_t skew = acceptor->o.max_skew_ms;
	uint8_t seen[CSN_HASH_SIZE];
	struct csn_pending *p = NULL;
	struct csn_offer_msg m;
	struct csn_out w;
	int rc;

	csn_out_init(&w);
	if ((rc = csn_tenant_take(given, &by)) != 0 ||
	    (transport != NULL && (rc = csn_tenant_check(ctx, transport->id,
	    transport->display_name)) != 0) ||
	    (rc = csn_offer_read(ctx, offer, len, &m)) != 0 ||
	    (rc = check_cheap(acceptor, &m, transport, seen)) != 0)
		return rc;
	if (m.tenant_len == 0)
		tenant = *transport;
	else if ((rc = authenticate(acceptor, offer, &m, id, name)) != 0)
		return rc;
	/* A transport that names a tenant is not overruled by a signature. */
	if (m.tenant_len != 0 && transport != NULL &&
	    strcmp(transport->id, id) != 0)
		return csn_fail(ctx, CSN_E_TENANT, "session", "the offer is "
		    "signed by tenant %s but came by the transport of "
		    "tenant %.64s", id, transport->id);
	if ((rc = sender_may(acceptor, tenant.id)) != 0)
		return rc;
	rc = csn_limits_remember(&acceptor->limits, seen,
	    csn_ctx_wall_ms(ctx), csn_add_ms(m.time_ms,
	    csn_add_ms(skew, 1)));
	if (rc != 1)
		return csn_fail(ctx, rc == 0 ? CSN_E_REPLAY : rc, "session",
		    rc == 0 ? "the offer was answered before" :
		    "too many offers were answered lately: try later");
	if ((p = csn_calloc(1, sizeof(*p))) == NULL)
		return csn_nomem(ctx, "session", "a session");
	p->ctx = ctx;
	if ((rc = answer(acceptor, offer, len, &m, &tenant, p, &w)) != 0) {
		csn_out_wipe(&w);
		csn_pending_free(p);
		return rc;
	}
	*pending = p;
	*reply = w.p;
	*reply_len = w.len;
	return 0;
}

void
csn_pending_free(struct csn_pending *pending)
{
	int i;

	if (pending == NULL)
		return;
	for (i = 0; i < 3; i++)
		csn_key_wipe(pending->ctx, &pending->keys[i]);
	csn_wipe_free(pending, sizeof(*pending));
}

/* The confirmation's MAC under the tenant's key. */
static int
check_confirm(struct csn_pending *p, const uint8_t *confirm, size_t len)
{
	uint8_t expected[CSN_CONFIRM_SIZE], mac[CSN_MAC_SIZE];
	struct csn_agreed a;
	int rc;

	if (len != CSN_CONFIRM_SIZE ||
	    memcmp(confirm, "CSC", 3) != 0)	/* public */
		return csn_fail(p->ctx, CSN_E_FORM, "session",
		    "these bytes are no session confirmation");
	if (confirm[3] != 1)
		return csn_fail(p->ctx, CSN_E_VERSION, "session", "version %u "
		    "of a confirmation is not known to this library",
		    confirm[3]);
	memcpy(a.transcript, p->transcript, sizeof(a.transcript));
	if ((rc = csn_key_unmask(p->ctx, &p->keys[0],
	    a.keys[CSN_DIR_TENANT])) == 0 &&
	    (rc = csn_confirm_mac(p->ctx, &a, CSN_DIR_TENANT, mac)) == 0) {
		csn_confirm_write(expected, p->session, mac);
		if (!csn_equal(expected, confirm, sizeof(expected)))
			rc = csn_fail(p->ctx, CSN_E_TAG, "session", "the "
			    "confirmation is not that of tenant %s for this "
			    "session", p->tenant_id);
	}
	csn_wipe(&a, sizeof(a));
	csn_wipe(mac, sizeof(mac));
	return rc;
}

int
csn_session_confirm(struct csn_pending *pending, const uint8_t *confirm,
    size_t len, const struct csn_session_options *options,
    struct csn_session **out)
{
	if (CSN_NEEDS(pending, out) != 0)
		return CSN_E_ARG;

	struct csn_session_seed seed;
	uint64_t reached;
	int rc;

	if (pending->spent)
		return csn_fail(pending->ctx, CSN_E_CLOSED, "session",
		    "the session was confirmed already");
	if ((rc = check_confirm(pending, confirm, len)) != 0)
		return rc;
	reached = csn_life_reached(pending->ctx, pending->expires_ms,
	    pending->expires_boot);
	if (pending->expires_ms <= reached)
		return csn_fail(pending->ctx, CSN_E_EXPIRED, "session",
		    "the session was over before it was confirmed");
	memset(&seed, 0, sizeof(seed));
	seed.own_direction = CSN_DIR_SERVER;
	seed.suite = (uint32_t)pending->suite;
	seed.tenant_id = pending->tenant_id;
	seed.tenant_name = pending->tenant_name;
	memcpy(seed.id, pending->session, sizeof(seed.id));
	seed.created_ms = pending->created_ms;
	seed.expires_ms = pending->expires_ms;
	seed.as_of_ms = reached;
	if ((rc = csn_key_unmask(pending->ctx, &pending->keys[1],
	    seed.chain[CSN_DIR_SERVER])) == 0 &&
	    (rc = csn_key_unmask(pending->ctx, &pending->keys[2],
	    seed.chain[CSN_DIR_TENANT])) == 0 &&
	    (rc = csn_session_make(pending->ctx, &seed, options, out)) == 0)
		pending->spent = 1;
	csn_wipe(&seed, sizeof(seed));
	return rc;
}
