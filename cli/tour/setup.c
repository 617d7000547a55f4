/* SPDX-License-Identifier: Apache-2.0 */
/* cli/tour/setup.c - who is who, and sessions by real messages. */
#include <stdlib.h>
#include <string.h>

#include "tour.h"

static int
trust(struct tour *t, struct csn_trust *store, const struct csn_identity *id,
    uint32_t purposes, const char *tenant_id)
{
	struct csn_trust_entry entry = { .size = sizeof(entry) };

	entry.purposes = purposes;
	entry.did = csn_identity_did(id);
	entry.label = csn_identity_name(id);
	entry.tenant_id = tenant_id;
	entry.document = csn_identity_document(id, &entry.document_len);
	return csn_trust_add(t->ctx, store, &entry);
}

static int
identity(struct tour *t, const char *name, uint32_t purposes,
    struct csn_identity **out)
{
	struct csn_identity_options options = { .size = sizeof(options) };

	options.name = name;
	options.purposes = purposes;
	return csn_identity_new(t->ctx, &options, out);
}

int
tour_identities(struct tour *t)
{
	struct tour_tenant *tenant;
	uint64_t began = cli_now_ns();
	size_t i;
	int rc;

	tour_step(t, "identities", "Who is who");
	tour_tell(t, "A server and two tenants, alice and bob, each make an "
	    "ML-DSA-65 key pair to sign with and an ML-KEM-768 key pair. "
	    "Each keeps a trust store: the server knows its tenants, a "
	    "tenant knows the server, and nobody takes a key from a message.");
	if ((rc = identity(t, "server", CSN_PURPOSE_SERVER |
	    CSN_PURPOSE_AUDIT, &t->server)) != 0 ||
	    (rc = csn_trust_new(t->ctx, &t->trust)) != 0 ||
	    (rc = trust(t, t->trust, t->server, CSN_PURPOSE_AUDIT,
	    NULL)) != 0)
		goto err;
	for (i = 0; i < TOUR_TENANTS; i++) {
		tenant = &t->tenants[i];
		tenant->id = i == 0 ? "alice" : "bob";
		if ((rc = identity(t, tenant->id, CSN_PURPOSE_TENANT,
		    &tenant->identity)) != 0 ||
		    (rc = csn_trust_new(t->ctx, &tenant->trust)) != 0 ||
		    (rc = trust(t, tenant->trust, t->server,
		    CSN_PURPOSE_SERVER, NULL)) != 0 ||
		    (rc = trust(t, t->trust, tenant->identity,
		    CSN_PURPOSE_TENANT, tenant->id)) != 0)
			goto err;
		tour_fact(t, tenant->id,
		    json_string(csn_identity_alias(tenant->identity)));
	}
	tour_fact(t, "server", json_string(csn_identity_alias(t->server)));
	(void)tour_check(t, csn_trust_count(t->trust) == 3, "3 identities, "
	    "each vouched for by its own signed document, in %.0f ms",
	    (double)(cli_now_ns() - began) / 1e6);
	return 0;

err:
	return tour_lib(t, rc, "cannot make the identities");
}

struct messages {
	uint8_t *offer, *reply, *confirm;
	size_t offer_len, reply_len, confirm_len;
};

static void
messages_free(struct messages *m)
{
	csn_free(m->offer);
	csn_free(m->reply);
	csn_free(m->confirm);
}

/* Four steps, three messages; the bytes go by like on a wire. */
static int
handshake(struct tour *t, struct csn_acceptor *acceptor,
    struct tour_tenant *tenant, struct messages *m,
    struct csn_session **server_end)
{
	struct csn_offer_options ask = { .size = sizeof(ask) };
	struct csn_session_options options = { .size = sizeof(options) };
	struct csn_offer *offer = NULL;
	struct csn_pending *pending = NULL;
	int rc;

	options.audit = t->audit;
	ask.identity = tenant->identity;
	ask.server_did = csn_identity_did(t->server);
	if ((rc = csn_session_offer(t->ctx, &ask, &offer, &m->offer,
	    &m->offer_len)) != 0 ||
	    (rc = csn_session_accept(acceptor, m->offer, m->offer_len, NULL,
	    &pending, &m->reply, &m->reply_len)) != 0 ||
	    (rc = csn_session_finish(offer, tenant->trust, m->reply,
	    m->reply_len, NULL, &tenant->session, &m->confirm,
	    &m->confirm_len)) != 0 ||
	    (rc = csn_session_confirm(pending, m->confirm, m->confirm_len,
	    &options, server_end)) != 0)
		goto out;
out:
	csn_offer_free(offer);
	csn_pending_free(pending);
	return rc;
}

/* The tenant's prompt, sealed at its end, opens at the server's. */
static int
first_message(struct tour *t, size_t i, struct csn_session *server_end,
    int *same)
{
	size_t len = (size_t)t->sample.tokens * 4;
	const uint8_t *tokens = tour_rows(t, i, 0, 0) - len;
	uint8_t *sealed = NULL, *plain = NULL;
	struct csn_kv_item item;
	int rc = CSN_E_NOMEM;

	sealed = malloc(len + CSN_SEAL_OVERHEAD);
	plain = malloc(len);
	if (sealed == NULL || plain == NULL)
		goto out;
	memset(&item, 0, sizeof(item));
	item.size = sizeof(item);
	item.session = t->tenants[i].session;
	item.slot.kind = CSN_KIND_KV_BLOCK;
	item.slot.role = CSN_KV_KEY;
	item.slot.layer = CSN_KV_ALL_LAYERS;
	item.slot.count = t->sample.tokens;
	item.key = (uint8_t *)(uintptr_t)tokens;
	item.key_len = len;
	item.sealed = sealed;
	item.sealed_len = len + CSN_SEAL_OVERHEAD;
	if ((rc = csn_kv_seal(t->ctx, &item)) != 0)
		goto out;
	item.session = server_end;
	item.key = plain;
	if ((rc = csn_kv_open(t->ctx, &item)) != 0)
		goto out;
	*same = item.key_len == len && memcmp(plain, tokens, len) == 0;
out:
	free(sealed);
	free(plain);
	return rc;
}

int
tour_sessions(struct tour *t)
{
	struct csn_acceptor *acceptor = NULL;
	struct csn_session *end = NULL;
	struct messages m;
	uint64_t began;
	size_t i;
	int rc, same = 0;

	tour_step(t, "sessions", "Sessions, by real messages");
	tour_tell(t, "Each tenant offers a fresh ML-KEM-768 key, signed. The "
	    "server checks the signature, encapsulates and signs its reply. "
	    "The tenant's confirmation makes the session live. The keys come "
	    "from all of it.");
	if ((rc = csn_acceptor_new(t->ctx, t->server, t->trust, NULL,
	    &acceptor)) != 0)
		goto lib;
	for (i = 0; i < TOUR_TENANTS; i++) {
		memset(&m, 0, sizeof(m));
		began = cli_now_ns();
		rc = handshake(t, acceptor, &t->tenants[i], &m, &end);
		began = cli_now_ns() - began;
		messages_free(&m);
		if (rc != 0 || (rc = first_message(t, i, end, &same)) != 0 ||
		    (rc = csn_manager_adopt(t->manager, end)) != 0)
			goto lib;
		csn_session_free(end);
		end = NULL;
		(void)tour_check(t, same, "%s: %zu + %zu + %zu bytes, %.1f ms; "
		    "the prompt sealed by %s opens at the server",
		    t->tenants[i].id, m.offer_len, m.reply_len,
		    m.confirm_len, (double)began / 1e6, t->tenants[i].id);
		tour_fact(t, t->tenants[i].id, json_pack(
		    "{s:I, s:I, s:I, s:f}", "offer_bytes",
		    (json_int_t)m.offer_len, "reply_bytes",
		    (json_int_t)m.reply_len, "confirmation_bytes",
		    (json_int_t)m.confirm_len, "ms", (double)began / 1e6));
	}
	csn_acceptor_free(acceptor);
	return 0;

lib:
	csn_session_free(end);
	csn_acceptor_free(acceptor);
	return tour_lib(t, rc, "cannot establish a session");
}
