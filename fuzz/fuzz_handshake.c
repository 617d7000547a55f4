/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_handshake.c - the first byte says what the rest is given to: a server
 * as an offer, a tenant as a reply, a server as a confirmation, or one of
 * the three imports. What is imported is exported as the same bytes, but for
 * the time of the export.
 */
#include "people.h"

#include <caisson/session.h>

#define TIME_AT 70	/* of a half that waits for its confirmation */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct csn_ctx *ctx;
static struct csn_identity *id;
static struct csn_trust *trust;
static struct csn_acceptor *acceptor;
static struct csn_offer *offer;
static struct csn_pending *pending;
static const struct csn_tenant tenant = { sizeof(tenant), "t", NULL };

static void
begin(void)
{
	struct csn_acceptor_options ao = { .size = sizeof(ao),
	    .kems = 1u << CSN_KEM_ML_KEM_512, .rate = 1u << 20,
	    .tenant_rate = 1u << 20, .max_skew_ms = 1u << 30,
	    .allow_transport = 1 };
	struct csn_offer_options oo = { .size = sizeof(oo),
	    .kem = CSN_KEM_ML_KEM_512 };
	uint8_t *msg, *reply;
	size_t len, reply_len;

	ctx = fuzz_ctx();
	id = fuzz_identity(ctx);
	trust = fuzz_trust(ctx, id);
	must(csn_acceptor_new(ctx, id, trust, &ao, &acceptor));
	oo.server_did = csn_identity_alias(id);
	must(csn_session_offer(ctx, &oo, &offer, &msg, &len));
	must(csn_session_accept(acceptor, msg, len, &tenant, &pending,
	    &reply, &reply_len));
	csn_free(msg);
	csn_free(reply);
}

static void
same(const uint8_t *data, size_t len, uint8_t *again, size_t again_len)
{
	if (again_len != len || memcmp(data, again, len) != 0)
		abort();
	csn_free(again);
}

static void
try_offer(const uint8_t *data, size_t len)
{
	const struct csn_tenant *by[] = { &tenant, NULL };
	struct csn_pending *p;
	uint8_t *reply;
	size_t n, i;

	for (i = 0; i < 2; i++)
		if (csn_session_accept(acceptor, data, len, by[i], &p,
		    &reply, &n) == 0) {
			csn_free(reply);
			csn_pending_free(p);
		}
}

static void
try_reply(const uint8_t *data, size_t len)
{
	struct csn_session *s;
	uint8_t *confirm;
	size_t n;

	/* The server's signature is over keys that no input can know. */
	if (csn_session_finish(offer, trust, data, len, NULL, &s, &confirm,
	    &n) == 0)
		abort();
}

static void
try_confirm(const uint8_t *data, size_t len)
{
	struct csn_session *s;

	if (csn_session_confirm(pending, data, len, NULL, &s) == 0)
		abort();
}

static void
try_import(int which, const uint8_t *data, size_t len)
{
	struct csn_offer *o;
	struct csn_pending *p;
	struct csn_session *s;
	uint8_t *again;
	size_t n;

	if (which == 0 && csn_offer_import(ctx, data, len, &o) == 0) {
		must(csn_offer_export(o, &again, &n));
		same(data, len, again, n);
		csn_offer_free(o);
	} else if (which == 1 &&
	    csn_pending_import(ctx, data, len, &p) == 0) {
		must(csn_pending_export(p, &again, &n));
		if (n == len)
			memcpy(again + TIME_AT, data + TIME_AT, 8);
		same(data, len, again, n);
		csn_pending_free(p);
	} else if (which == 2 &&
	    csn_session_import(ctx, data, len, NULL, &s) == 0) {
		if (csn_session_is_valid(s)) {
			must(csn_session_export(s, &again, &n));
			csn_wipe(again, n);
			csn_free(again);
		}
		csn_session_free(s);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (ctx == NULL)
		begin();
	if (len == 0)
		return 0;
	switch (data[0] % 6) {
	case 0:
		try_offer(data + 1, len - 1);
		break;
	case 1:
		try_reply(data + 1, len - 1);
		break;
	case 2:
		try_confirm(data + 1, len - 1);
		break;
	default:
		try_import(data[0] % 6 - 3, data + 1, len - 1);
		break;
	}
	return 0;
}
