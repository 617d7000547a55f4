/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_exchange.c - a whole handshake with fresh keys, in which an input
 * edits the offer before it is signed, the reply, the confirmation, both
 * halves' exports and the session's. What was edited agrees on nothing; what
 * was not is a session that opens what its peer seals.
 */
#include <caisson/kv.h>

#include "edit.h"
#include "people.h"
#include "session/handshake.h"

#define ROOM 8192

static struct csn_identity *id;
static struct csn_trust *trust;

static void
finish(void)
{
	csn_trust_free(trust);
	csn_identity_free(id);
	id = NULL;
}

/* Edit a message that was made; what came of it, in room. */
static int
edit(struct csn_reader *r, const uint8_t *p, size_t len, uint8_t room[ROOM],
    size_t *n)
{
	check(len <= ROOM / 2);
	memcpy(room, p, *n = len);
	return fuzz_edit(r, room, n, ROOM - 1024);
}

/* The offer's signed part edited, and signed anew. */
static int
edit_offer(struct csn_ctx *ctx, struct csn_reader *r, const uint8_t *p,
    size_t len, uint8_t room[ROOM], size_t *n)
{
	static uint8_t sig[CSN_SIGN_MAX_SIGNATURE];
	const struct csn_sign_key *key = csn_identity_sign_key(id);
	size_t sig_len = csn_sign_signature_size(csn_sign_of(key));
	struct csn_offer_msg m;
	struct csn_out w;
	int changed;

	must(csn_offer_read(ctx, p, len, &m));
	changed = edit(r, p, m.signed_len, room, n);
	must(csn_sign(ctx, key, (const uint8_t *)CSN_OFFER_CONTEXT,
	    sizeof(CSN_OFFER_CONTEXT) - 1, room, *n, sig, sizeof(sig)));
	if (!changed) {
		/* The tenant remembers the very bytes that were sent. */
		memcpy(room, p, *n = len);
		return 0;
	}
	csn_out_fixed(&w, room + *n, ROOM - *n);
	csn_put_bytes16(&w, sig, sig_len);
	check(csn_out_ok(&w));
	*n += w.len;
	return 1;
}

static int
pass(struct csn_ctx *ctx, struct csn_session *from, struct csn_session *to)
{
	uint8_t sealed[CSN_SEAL_OVERHEAD + 5], out[5] = { 0 };
	struct csn_kv_item item = { .size = sizeof(item),
	    .session = from,
	    .slot = {.kind = CSN_KIND_KV_ENTRY,
		.role = CSN_KV_VALUE,
		.count = 1},
	    .const_value = (const uint8_t *)"hello",
	    .value_len = 5,
	    .sealed = sealed,
	    .sealed_len = sizeof(sealed) };
	int rc;

	if ((rc = csn_kv_seal(ctx, &item)) != 0)
		return rc;
	item.session = to;
	item.value = out;
	item.slot_expected = 1;
	if ((rc = csn_kv_open(ctx, &item)) == 0)
		check(memcmp(out, "hello", 5) == 0);
	return rc;
}

/* The server's session exported, edited, and read again. */
static void
reimport(struct csn_ctx *ctx, struct csn_reader *r, struct csn_session *s,
    struct csn_session *peer)
{
	struct csn_session *again = NULL;
	uint8_t room[ROOM], *p;
	int rc, changed;
	size_t n;

	must(csn_session_rotate(s, 0));
	must(csn_session_export(s, &p, &n));
	changed = edit(r, p, n, room, &n);
	csn_free(p);
	rc = csn_session_import(ctx, room, n, NULL, &again);
	check(changed || rc == 0);
	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_VERSION ||
	    rc == CSN_E_SUITE || rc == CSN_E_EXPIRED || rc == CSN_E_LIMIT);
	if (rc == 0) {
		rc = pass(ctx, again, peer);
		check(changed || rc == 0);
		csn_session_free(again);
	}
}

/* A half as bytes and back, unedited; or edited, and thrown away. */
static void
swap_halves(struct csn_ctx *ctx, struct csn_reader *r,
    struct csn_offer **offer, struct csn_pending **pending)
{
	struct csn_pending *other = NULL;
	struct csn_offer *o = NULL;
	uint8_t room[ROOM], *p;
	int rc, changed;
	size_t n;

	must(csn_offer_export(*offer, &p, &n));
	changed = edit(r, p, n, room, &n);
	csn_free(p);
	rc = csn_offer_import(ctx, room, n, &o);
	check(changed || rc == 0);
	if (rc == 0 && !changed) {
		csn_offer_free(*offer);
		*offer = o;
	} else {
		csn_offer_free(o);
	}
	must(csn_pending_export(*pending, &p, &n));
	changed = edit(r, p, n, room, &n);
	csn_free(p);
	rc = csn_pending_import(ctx, room, n, &other);
	check(changed || rc == 0);
	if (rc == 0 && !changed) {
		csn_pending_free(*pending);
		*pending = other;
	} else {
		csn_pending_free(other);
	}
}

struct run {
	struct csn_ctx *ctx;
	struct csn_reader *r;
	struct csn_offer *offer;
	struct csn_acceptor *acceptor;
	struct csn_pending *pending;
	struct csn_session *tenant, *server;
	uint8_t *reply, *confirm;
};

static int
exchange(struct run *u)
{
	struct csn_offer_options oo = { .size = sizeof(oo),
	    .kem = CSN_KEM_ML_KEM_512, .identity = id,
	    .server_did = csn_identity_alias(id) };
	uint8_t room[ROOM], *msg;
	size_t n, len;
	int rc, changed;

	must(csn_session_offer(u->ctx, &oo, &u->offer, &msg, &n));
	changed = edit_offer(u->ctx, u->r, msg, n, room, &n);
	csn_free(msg);
	rc = csn_session_accept(u->acceptor, room, n, NULL, &u->pending,
	    &u->reply, &len);
	check(changed || rc == 0);
	if (rc != 0)
		return rc;
	swap_halves(u->ctx, u->r, &u->offer, &u->pending);
	changed |= edit(u->r, u->reply, len, room, &n);
	rc = csn_session_finish(u->offer, trust, room, n, NULL, &u->tenant,
	    &u->confirm, &len);
	check((rc == 0) == !changed);
	if (rc != 0)
		return rc;
	changed = edit(u->r, u->confirm, len, room, &n);
	rc = csn_session_confirm(u->pending, room, n, NULL, &u->server);
	check((rc == 0) == !changed);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_acceptor_options ao = { .size = sizeof(ao),
	    .kems = 1u << CSN_KEM_ML_KEM_512 };
	struct csn_reader r;
	struct run u = { .ctx = fuzz_ctx(), .r = &r };

	if (id == NULL) {
		id = fuzz_identity(u.ctx);
		trust = fuzz_trust(u.ctx, id);
		check(atexit(finish) == 0);
	}
	csn_reader_init(&r, data, len);
	must(csn_acceptor_new(u.ctx, id, trust, &ao, &u.acceptor));
	if (exchange(&u) == 0) {
		must(pass(u.ctx, u.tenant, u.server));
		reimport(u.ctx, &r, u.server, u.tenant);
	}
	csn_session_free(u.tenant);
	csn_session_free(u.server);
	csn_pending_free(u.pending);
	csn_offer_free(u.offer);
	csn_acceptor_free(u.acceptor);
	csn_free(u.reply);
	csn_free(u.confirm);
	return 0;
}
