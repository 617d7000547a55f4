/* SPDX-License-Identifier: Apache-2.0 */
/* sized_rows.c - the structures of all rooms but the cache. */
#include <stdlib.h>
#include <string.h>

#include "abi/sized.h"
#include "crypto/crypto.h"
#include "identity/people.h"

static uint8_t page[4096];

static int
session_made(int rc, struct csn_session **s)
{
	if (rc == 0)
		csn_session_free(*s);
	return rc;
}

static int
ctx_new(void *s)
{
	struct csn_ctx *ctx;
	int rc = csn_ctx_new(s, &ctx);

	if (rc == 0)
		csn_ctx_free(ctx);
	return rc;
}

static int
ctx_new_with_clock(void *s)
{
	struct csn_ctx_options o = { .size = sizeof(o), .clock = s };

	return ctx_new(&o);
}

static int
session_local(void *s)
{
	struct csn_session *out;

	return session_made(csn_session_local(w.ctx, s, NULL, &out), &out);
}

static int
session_local_with(void *s)
{
	const struct csn_tenant t = { sizeof(t), "acme", NULL };
	struct csn_session *out;

	return session_made(csn_session_local(w.ctx, &t, s, &out), &out);
}

static int
session_import(void *s)
{
	struct csn_session *out;
	uint8_t *p;
	size_t len;
	int rc;

	if ((rc = csn_session_export(w.session, &p, &len)) != 0)
		return rc;
	rc = session_made(csn_session_import(w.ctx, p, len, s, &out), &out);
	csn_wipe(p, len);
	csn_free(p);
	return rc;
}

static int
session_offer(void *s)
{
	struct csn_offer_options *o = s;
	struct csn_offer *offer;
	uint8_t *p;
	size_t len;
	int rc;

	o->server_did = csn_identity_did(w.identity);
	if ((rc = csn_session_offer(w.ctx, o, &offer, &p, &len)) == 0) {
		csn_offer_free(offer);
		csn_free(p);
	}
	return rc;
}

static int
session_accept(void *s)
{
	const struct csn_offer_options o = { .size = sizeof(o),
		.server_did = csn_identity_did(w.identity) };
	struct csn_pending *pending;
	struct csn_offer *offer;
	uint8_t *p, *reply;
	size_t len, reply_len;
	int rc;

	if ((rc = csn_session_offer(w.ctx, &o, &offer, &p, &len)) != 0)
		return CSN_E_CRYPTO;
	if ((rc = csn_session_accept(w.acceptor, p, len, s, &pending, &reply,
	    &reply_len)) == 0) {
		csn_pending_free(pending);
		csn_free(reply);
	}
	csn_offer_free(offer);
	csn_free(p);
	return rc;
}

/* The whole exchange, with s as the options of one end. */
static int
exchange(const void *tenants, const void *servers)
{
	const struct csn_offer_options o = { .size = sizeof(o),
		.server_did = csn_identity_did(w.identity) };
	const struct csn_tenant t = { sizeof(t), "acme", NULL };
	struct csn_session *a = NULL, *b = NULL;
	uint8_t *offer, *reply = NULL, *confirm = NULL;
	struct csn_pending *pending = NULL;
	size_t n, reply_len, confirm_len;
	struct csn_offer *state;
	int rc;

	if ((rc = csn_session_offer(w.ctx, &o, &state, &offer, &n)) != 0)
		return rc;
	if ((rc = csn_session_accept(w.acceptor, offer, n, &t, &pending,
	    &reply, &reply_len)) == 0 &&
	    (rc = csn_session_finish(state, w.trust, reply, reply_len, tenants,
	    &a, &confirm, &confirm_len)) == 0)
		rc = csn_session_confirm(pending, confirm, confirm_len,
		    servers, &b);
	csn_session_free(a);
	csn_session_free(b);
	csn_pending_free(pending);
	csn_offer_free(state);
	csn_free(offer);
	csn_free(reply);
	csn_free(confirm);
	return rc;
}

static int
session_finish(void *s)
{
	return exchange(s, NULL);
}

static int
session_confirm(void *s)
{
	return exchange(NULL, s);
}

static int
acceptor_new(void *s)
{
	struct csn_acceptor *out;
	int rc = csn_acceptor_new(w.ctx, w.identity, w.trust, s, &out);

	if (rc == 0)
		csn_acceptor_free(out);
	return rc;
}

static int
session_get_info(void *s)
{
	return csn_session_get_info(w.session, s);
}

static int
manager_new(void *s)
{
	struct csn_manager *out;
	int rc = csn_manager_new(w.ctx, s, &out);

	if (rc == 0)
		csn_manager_free(out);
	return rc;
}

static int
manager_new_with_session(void *s)
{
	struct csn_manager_options o = { .size = sizeof(o), .session = s };

	return manager_new(&o);
}

static int
manager_create(void *s)
{
	return csn_manager_create(w.manager, s, NULL);
}

static int
kv_store_new(void *s)
{
	struct csn_kv_store *kv;
	int rc = csn_kv_store_new(w.manager, w.store, s, &kv);

	if (rc == 0)
		csn_kv_store_free(kv);
	return rc;
}

static int
kv_store_stat(void *s)
{
	return csn_kv_store_stat(w.kv, "acme", s);
}

static int
store_stat(void *s)
{
	return csn_store_stat(w.store, NULL, 0, s);
}

static int
identity_made(int rc, struct csn_identity **id)
{
	if (rc == 0)
		csn_identity_free(*id);
	return rc;
}

static int
identity_new(void *s)
{
	struct csn_identity *id;

	return identity_made(csn_identity_new(w.ctx, s, &id), &id);
}

static int
identity_import(void *s)
{
	struct csn_identity *id;
	char *pem;
	int rc;

	if ((rc = csn_sign_to_pem(w.ctx, csn_identity_sign_key(w.identity), 1,
	    NULL, 0, &pem)) != 0)
		return CSN_E_CRYPTO;
	rc = identity_made(csn_identity_import(w.ctx, s, pem, strlen(pem),
	    NULL, 0, NULL, 0, &id), &id);
	csn_free(pem);
	return rc;
}

static int
attest_key_derive(void *s)
{
	struct csn_identity *id;

	return identity_made(csn_attest_key_derive(w.ctx, s, page, &id), &id);
}

static int
trust_add(void *s)
{
	struct csn_trust_entry *e = s;
	int rc;

	e->did = csn_identity_did(w.identity);
	(void)!csn_trust_remove(w.ctx, w.trust, e->did);
	rc = csn_trust_add(w.ctx, w.trust, e);
	/* As it was. */
	(void)!csn_trust_remove(w.ctx, w.trust, csn_identity_did(w.identity));
	people_trust(w.ctx, w.trust, w.identity, CSN_PURPOSE_SERVER);
	return rc;
}

static int
action_issue(void *s)
{
	struct csn_action *a = s;
	uint8_t *out;
	size_t len;
	int rc;

	a->subject = csn_identity_did(w.identity);
	if ((rc = csn_action_issue(w.ctx, w.identity, a, NULL, 0, &out,
	    &len)) == 0)
		csn_free(out);
	return rc;
}

static int
audit_append(void *s)
{
	return csn_audit_append(w.log, s);
}

static int
audit_open(void *s)
{
	struct csn_audit *log;
	int rc = csn_audit_open(w.ctx, w.folder, s, &log);

	if (rc == 0)
		csn_audit_close(log);
	return rc;
}

static int
visit_none(void *arg, uint64_t n, uint64_t ms,
    const struct csn_audit_record *record)
{
	(void)arg;
	(void)n;
	(void)ms;
	(void)record;
	return 0;
}

static int
audit_query(void *s)
{
	return csn_audit_each(w.log, s, visit_none, NULL);
}

static int
audit_export(void *s)
{
	char *json;
	int rc = csn_audit_export(w.log, s, &json);

	if (rc == 0)
		csn_free(json);
	return rc;
}

static int
audit_verify(void *s)
{
	return csn_audit_verify(w.ctx, "/nowhere", s, NULL);
}

static int
attester_new(void *s)
{
	struct csn_attester *a;
	int rc = csn_attester_new(w.ctx, w.regions, s, &a);

	if (rc == 0)
		csn_attester_free(a);
	return rc;
}

static int
attester_snapshot(void *s)
{
	return csn_attester_snapshot(w.attester, 0, s);
}

static int
verifier_new(void *s)
{
	struct csn_verifier_options *o = s;
	struct csn_verifier *v;
	int rc;

	o->trust = w.trust;
	if ((rc = csn_verifier_new(w.ctx, o, &v)) == 0)
		csn_verifier_free(v);
	return rc;
}

static int
watch_new(void *s)
{
	struct csn_watch *c;
	int rc = csn_watch_new(w.ctx, w.attester, s, &c);

	if (rc == 0)
		csn_watch_free(c);
	return rc;
}

static int
platform_verify(void *s)
{
	return csn_platform_verify(w.ctx, CSN_PLATFORM_SEV_SNP, page,
	    sizeof(page), s, w.result);
}

static int
snp_derived_key(void *s)
{
	uint8_t key[32];

	return csn_snp_derived_key(w.ctx, s, "label", key);
}

static int
attest_key_snp(void *s)
{
	const struct csn_identity_options o = { .size = sizeof(o),
		.name = "a" };
	struct csn_identity *id;

	return identity_made(csn_attest_key_snp(w.ctx, &o, s, &id), &id);
}

static int
regions_add_buffer(void *s)
{
	int rc = csn_regions_add_buffer(w.regions, s, page);

	if (rc == 0 && csn_regions_remove_buffer(w.regions, "more") != 0)
		return CSN_E_REGION;
	return rc;
}

static int
attest_register(void *s)
{
	int rc = csn_note_add(w.note, s);

	if (rc == 0 && csn_note_remove(w.note, "more") != 0)
		return CSN_E_REGION;
	return rc;
}

static int
regions_read(void *s)
{
	struct csn_region *r = s;
	uint8_t got[8];

	/* The one that is there. */
	r->id = "page";
	r->address = 0x10000;
	return csn_regions_read(w.regions, s, 0, got, sizeof(got));
}

static int
regions_dirty(void *s)
{
	struct csn_range range;
	size_t n;

	return csn_regions_dirty(w.regions, s, &range, 1, &n);
}

static int
header_read(void *s)
{
	uint8_t k[16] = { 0 }, sealed[sizeof(k) + CSN_SEAL_OVERHEAD];
	struct csn_kv_item item = {
		.size = sizeof(item), .session = w.session,
		.slot = { .kind = CSN_KIND_KV_ENTRY, .role = CSN_KV_KEY,
		    .count = 1 },
		.key = k, .key_len = sizeof(k),
		.sealed = sealed, .sealed_len = sizeof(sealed),
	};

	if (csn_kv_seal(w.ctx, &item) != 0)
		return CSN_E_CRYPTO;
	return csn_header_read(w.ctx, sealed, sizeof(sealed), s);
}

static int
opener_new(void *s)
{
	struct csn_opener *opener;
	int rc;

	if ((rc = csn_opener_new(w.ctx, w.identity, w.trust, s,
	    &opener)) == 0)
		csn_opener_free(opener);
	return rc;
}

static int
sealer_new(void *s)
{
	const struct csn_document *to = w.document;
	struct csn_sealer_options *o = s;
	struct csn_sealer *sealer;
	int rc;

	o->signer = w.identity;
	o->recipients = &to;
	o->nrecipients = 1;
	if ((rc = csn_sealer_new(w.ctx, o, &sealer)) == 0)
		csn_sealer_free(sealer);
	return rc;
}

static int
reads_nothing(void *arg, uint64_t offset, uint8_t *p, size_t len,
    size_t *got)
{
	(void)arg;
	(void)offset;
	(void)p;
	*got = 0;
	return len == 0 ? 0 : CSN_E_IO;
}

static int
writes_nowhere(void *arg, uint64_t offset, const uint8_t *p, size_t len)
{
	(void)arg;
	(void)offset;
	(void)p;
	(void)len;
	return 0;
}

static const struct csn_sealed_io no_bytes = { .size = sizeof(no_bytes),
    .flags = CSN_IO_ANYWHERE, .read = reads_nothing,
    .write = writes_nowhere };

/* An empty file from a source, and what is known of it. */
static int
seal_all(const struct csn_sealed_io *source, struct csn_sealed_facts *facts)
{
	const struct csn_document *to = w.document;
	const struct csn_sealer_options o = { .size = sizeof(o),
	    .signer = w.identity, .recipients = &to, .nrecipients = 1 };
	struct csn_sealer *sealer;
	int rc;

	if ((rc = csn_sealer_new(w.ctx, &o, &sealer)) != 0)
		return CSN_E_CRYPTO;
	if ((rc = csn_sealer_run(sealer, source, &no_bytes)) == 0 &&
	    facts != NULL)
		rc = csn_sealer_facts(sealer, facts);
	csn_sealer_free(sealer);
	return rc;
}

static int
sealer_run(void *s)
{
	return seal_all(s, NULL);
}

static int
sealer_facts(void *s)
{
	return seal_all(&no_bytes, s);
}

static uint64_t
some_time(void *arg)
{
	(void)arg;
	return PEOPLE_START;
}

const struct row rows[] = {
	ROW(csn_ctx_options, 24, ctx_new, 0, .lanes = 4),
	ROW(csn_clock, 32, ctx_new_with_clock, 0, .wall_ms = some_time),
	ROW(csn_tenant, 24, session_local, 0, .id = "acme"),
	ROW(csn_tenant, 24, session_accept, 0, .id = "acme"),
	ROW(csn_tenant, 24, manager_create, 0, .id = "acme"),
	ROW(csn_session_options, 80, session_local_with, 0, .ttl_ms = 9000),
	ROW(csn_session_options, 80, session_import, 0, .ttl_ms = 9000),
	ROW(csn_session_options, 80, session_finish, 0, .ttl_ms = 9000),
	ROW(csn_session_options, 80, session_confirm, 0, .ttl_ms = 9000),
	ROW(csn_session_options, 80, manager_new_with_session, 0,
	    .ttl_ms = 9000),
	ROW(csn_offer_options, 32, session_offer, 0, .ttl_ms = 9000),
	ROW(csn_acceptor_options, 40, acceptor_new, 0, .rate = 1),
	ROW(csn_session_info, 96, session_get_info, 0, .kem = 0),
	ROW(csn_manager_options, 40, manager_new, 0, .quota_entries = 1),
	ROW(csn_kv_store_options, 12, kv_store_new, 0, .reseal_batch = 1),
	ROW(csn_store_stat, 96, kv_store_stat, 0, .reserved = 0),
	ROW(csn_store_stat, 96, store_stat, 0, .reserved = 0),
	ROW(csn_identity_options, 40, identity_new, 0, .name = "a",
	    .sign = CSN_SIGN_ML_DSA_44),
	ROW(csn_identity_options, 40, identity_import, 0, .name = "a"),
	ROW(csn_identity_options, 40, attest_key_derive, 0, .name = "a"),
	ROW(csn_trust_entry, 80, trust_add, 0,
	    .purposes = CSN_PURPOSE_SERVER),
	ROW(csn_action, 56, action_issue, 0, .scope = "kv:open",
	    .expires_ms = PEOPLE_START + 9000),
	ROW(csn_audit_record, 80, audit_append, 0,
	    .op = CSN_AUDIT_SESSION_OPEN),
	ROW(csn_audit_options, 40, audit_open, 0,
	    .sync = CSN_AUDIT_SYNC_NEVER),
	ROW(csn_audit_filter, 48, audit_query, 0, .limit = 1),
	ROW(csn_audit_filter, 48, audit_export, 0, .limit = 1),
	ROW(csn_audit_verify_options, 32, audit_verify, CSN_E_NOT_FOUND,
	    .trust = NULL),
	ROW(csn_attester_options, 72, attester_new, 0, .workload = "w"),
	ROW(csn_snapshot, 128, attester_snapshot, 0, .measure = 0),
	ROW(csn_verifier_options, 56, verifier_new, 0, .skew_ms = 1000),
	ROW(csn_watch_options, 72, watch_new, 0,
	    .interval_ms = 1000),
	ROW(csn_platform_options, 96, platform_verify, CSN_E_VERSION,
	    .require = CSN_REQUIRE_NONCE),
	ROW(csn_snp_key_options, 40, snp_derived_key, CSN_E_BACKEND,
	    .device = "/nowhere"),
	ROW(csn_snp_key_options, 40, attest_key_snp, CSN_E_BACKEND,
	    .device = "/nowhere"),
	ROW(csn_region, 48, regions_add_buffer, 0, .id = "more",
	    .description = "", .address = 0x20000, .size = sizeof(page),
	    .protection = CSN_PROT_RW),
	ROW(csn_region, 48, attest_register, 0, .id = "more",
	    .description = "", .address = 0x20000, .size = sizeof(page),
	    .protection = CSN_PROT_RW),
	ROW(csn_region, 48, regions_read, 0, .description = "",
	    .size = sizeof(page), .protection = CSN_PROT_RW),
	ROW(csn_region, 48, regions_dirty, CSN_E_BACKEND, .id = "page",
	    .description = "", .address = 0x10000, .size = sizeof(page),
	    .protection = CSN_PROT_RW),
	ROW(csn_header, 152, header_read, 0, .kind = 0),
	ROW(csn_sealer_options, 40, sealer_new, 0, .segment = 0),
	ROW(csn_opener_options, 24, opener_new, 0, .at_ms = 0),
	ROW(csn_sealed_io, 40, sealer_run, 0, .flags = CSN_IO_ANYWHERE,
	    .read = reads_nothing),
	ROW(csn_sealed_facts, 160, sealer_facts, 0, .segment = 0),
	ROW(csn_model_source, 40, model_read, 0, .read = model_bytes),
	ROW(csn_model_options, 16, model_options, 0, .flags = CSN_MODEL_PART),
	ROW(csn_model_facts, 64, model_facts, 0, .format = 0),
	ROW(csn_model_file, 32, model_file, 0, .tensors = 0),
	ROW(csn_model_tensor, 72, model_tensor, 0, .flags = 0),
	ROW(csn_model_tensor, 72, model_find, 0, .flags = 0),
	ROW(csn_model_value, 72, model_value, 0, .type = 0),
	ROW(csn_model_value, 72, model_get, 0, .type = 0),
};
const size_t nrows = sizeof(rows) / sizeof(rows[0]);
