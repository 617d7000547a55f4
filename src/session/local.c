/* SPDX-License-Identifier: Apache-2.0 */
/* session/local.c - both ends in one process, through the same exchange. */
#include <string.h>

#include "base/fail.h"
#include "session/handshake.h"

/* The tenant's half: decapsulate, derive, compare with the server's. */
static int
tenant_half(struct csn_ctx *ctx, const struct csn_offer *o,
    const uint8_t *body, size_t body_len, const struct csn_agreed *server)
{
	uint8_t secret[CSN_KEM_SECRET_SIZE];
	static const uint8_t no_mac[CSN_MAC_SIZE];
	struct csn_reply_msg m;
	struct csn_agreed a;
	struct csn_out w;
	int rc;

	/*
	 * As a reply that came: its body, and room for a MAC behind it. The
	 * same bytes have the same transcript. Where both ends are here,
	 * comparing the keys themselves says all that their MACs would.
	 */
	csn_out_init(&w);
	csn_put_bytes(&w, body, body_len);
	csn_put_bytes(&w, no_mac, sizeof(no_mac));
	memcpy(a.transcript, server->transcript, sizeof(a.transcript));
	if (!csn_out_ok(&w))
		rc = csn_nomem(ctx, "session", "a session");
	else if ((rc = csn_reply_read(ctx, w.p, w.len, &m)) == 0 &&
	    (rc = csn_kem_decapsulate(ctx, o->kem, m.ct, m.ct_len,
	    secret)) == 0 && (rc = csn_agree(ctx, &a, secret)) == 0 &&
	    !csn_equal(a.keys, server->keys, sizeof(a.keys)))
		rc = csn_fail(ctx, CSN_E_CRYPTO, "session", "the two ends of "
		    "a local session did not agree");
	csn_out_wipe(&w);
	csn_wipe(secret, sizeof(secret));
	csn_wipe(&a, sizeof(a));
	return rc;
}

int
csn_session_local(struct csn_ctx *ctx, const struct csn_tenant *given,
    const struct csn_session_options *options, struct csn_session **out)
{
	if (CSN_NEEDS(out) != 0)
		return CSN_E_ARG;

	uint8_t secret[CSN_KEM_SECRET_SIZE];
	struct csn_session_options o;
	struct csn_tenant tenant;
	struct csn_session_seed seed;
	struct csn_offer *offer = NULL;
	struct csn_offer_msg m;
	struct csn_agreed a;
	struct csn_pending p;
	struct csn_out body;
	int rc;

	if ((rc = csn_session_options_take(options, &o)) != 0 ||
	    (rc = csn_tenant_take(given, &tenant)) != 0)
		return rc;
	if (o.kem == 0)
		o.kem = CSN_KEM_ML_KEM_768;
	if (csn_kem_name((int)o.kem) == NULL)
		return csn_fail(ctx, CSN_E_ARG, "session",
		    "there is no KEM %u", o.kem);
	if ((rc = csn_tenant_check(ctx, tenant.id,
	    tenant.display_name)) != 0)
		return rc;
	memset(&p, 0, sizeof(p));
	memset(&seed, 0, sizeof(seed));
	csn_out_init(&body);
	if ((rc = csn_offer_make(ctx, (int)o.kem, o.ttl_ms, "local", NULL,
	    &offer)) != 0 ||
	    (rc = csn_offer_read(ctx, offer->msg, offer->len, &m)) != 0 ||
	    (rc = csn_reply_make(ctx, &m, "local", &tenant, o.ttl_ms, &body,
	    &p, secret)) != 0 ||
	    (rc = csn_transcript(ctx, offer->msg, offer->len, body.p,
	    body.len, a.transcript)) != 0 ||
	    (rc = csn_agree(ctx, &a, secret)) != 0 ||
	    (rc = tenant_half(ctx, offer, body.p, body.len, &a)) != 0)
		goto out;
	seed.own_direction = CSN_DIR_SERVER;
	seed.open_own = 1;
	seed.suite = o.kem;
	seed.tenant_id = p.tenant_id;
	seed.tenant_name = p.tenant_name;
	memcpy(seed.id, p.session, sizeof(seed.id));
	seed.created_ms = p.created_ms;
	seed.expires_ms = p.expires_ms;
	memcpy(seed.chain, a.keys[2], sizeof(seed.chain));
	rc = csn_session_make(ctx, &seed, &o, out);
out:
	csn_offer_free(offer);
	csn_out_wipe(&body);
	csn_wipe(secret, sizeof(secret));
	csn_wipe(&a, sizeof(a));
	csn_wipe(&seed, sizeof(seed));
	return rc;
}
