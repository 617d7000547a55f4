/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fork_held.c - a fork in the middle of each call that touches keys, with
 * what other threads hold: no child waits for ever, none masks a key as its
 * parent does.
 */
#include <unistd.h>

#include <caisson/keystore.h>
#include <caisson/kv.h>

#include "identity/people.h"
#include "lib/test.h"
#include "session/halt.h"
#include "session/keys.h"
#include "session/pair.h"

static struct {
	struct csn_ctx *ctx;
	struct csn_session *session;
	struct csn_manager *mgr;
	struct csn_keystore *memory, *folder;
	struct csn_identity *id, *other;
	struct csn_trust *trust;
	struct csn_acceptor *acceptor;
	struct csn_session *reader;	/* follows session */
	struct text text;		/* sealed under session */
	uint8_t *offer, *exported;
	size_t offer_len, exported_len;
	uint32_t others;		/* names of keystores' keys */
	char *path;
} f;

/* Each returns 0, or the first error. No assertion of cmocka's: a child
 * runs them too. */
#define TRY(call) do {							\
	int rc_ = (call);						\
	if (rc_ != 0)							\
		return rc_;						\
} while (0)

static int
seal(struct csn_session *s, struct text *t)
{
	struct csn_kv_item item = { .size = sizeof(item), .session = s };

	item.slot.kind = CSN_KIND_KV_ENTRY;
	item.slot.role = CSN_KV_KEY;
	item.slot.count = 1;
	item.key = (uint8_t *)(uintptr_t)"held";
	item.key_len = 4;
	item.sealed = t->sealed;
	item.sealed_len = t->len = 4 + CSN_SEAL_OVERHEAD;
	return csn_kv_seal(f.ctx, &item);
}

static int
open_it(struct csn_session *s, const struct text *t)
{
	uint8_t key[4];
	struct csn_kv_item item = { .size = sizeof(item),
	    .session = s,
	    .key = key,
	    .key_len = sizeof(key),
	    .sealed_len = t->len,
	    .sealed = (uint8_t *)(uintptr_t)t->sealed};

	return csn_kv_open(f.ctx, &item);
}

static int
local(void *arg)
{
	const struct csn_tenant t = { .size = sizeof(t), .id = "other" };
	struct csn_session *s;
	struct text text;

	(void)arg;
	TRY(csn_session_local(f.ctx, &t, NULL, &s));
	TRY(seal(s, &text));
	TRY(open_it(s, &text));
	TRY(csn_session_rotate(s, 0));
	TRY(seal(s, &text));
	csn_session_free(s);
	return 0;
}

static int
offer(void *arg)
{
	const struct csn_offer_options o = { .size = sizeof(o),
	    .server_did = csn_identity_did(f.id) };
	struct csn_offer *state, *again;
	uint8_t *msg, *kept;
	size_t len, kept_len;

	(void)arg;
	TRY(csn_session_offer(f.ctx, &o, &state, &msg, &len));
	TRY(csn_offer_export(state, &kept, &kept_len));
	TRY(csn_offer_import(f.ctx, kept, kept_len, &again));
	csn_offer_free(state);
	csn_offer_free(again);
	csn_free(msg);
	csn_free(kept);
	return 0;
}

static int
import_offer(void *arg)
{
	struct csn_offer *state;

	(void)arg;
	TRY(csn_offer_import(f.ctx, f.offer, f.offer_len, &state));
	csn_offer_free(state);
	return 0;
}

static int
handshake(void *arg)
{
	struct messages m;
	const struct csn_offer_options o = { .size = sizeof(o),
	    .identity = f.id, .server_did = csn_identity_did(f.id) };
	struct text text;

	(void)arg;
	memset(&m, 0, sizeof(m));
	TRY(csn_session_offer(f.ctx, &o, &m.state, &m.offer, &m.offer_len));
	TRY(csn_session_accept(f.acceptor, m.offer, m.offer_len, NULL,
	    &m.pending, &m.reply, &m.reply_len));
	TRY(csn_session_finish(m.state, f.trust, m.reply, m.reply_len, NULL,
	    &m.tenant, &m.confirm, &m.confirm_len));
	TRY(csn_session_confirm(m.pending, m.confirm, m.confirm_len, NULL,
	    &m.server));
	TRY(seal(m.tenant, &text));
	TRY(open_it(m.server, &text));
	messages_free(&m);
	return 0;
}

static int
move_session(void *arg)
{
	struct csn_session *s;
	struct text text;
	uint8_t *p;
	size_t len;

	(void)arg;
	TRY(csn_session_import(f.ctx, f.exported, f.exported_len, NULL, &s));
	TRY(csn_session_export(s, &p, &len));
	csn_free(p);
	TRY(seal(s, &text));
	csn_session_free(s);
	return 0;
}

/* In the parent; a child has to take it over first. */
static int
shared_session(void *arg)
{
	struct text text;
	uint8_t *p;
	size_t len;

	(void)arg;
	TRY(seal(f.session, &text));
	TRY(open_it(f.session, &text));
	TRY(csn_session_export(f.session, &p, &len));
	csn_free(p);
	return 0;
}

static int
take_over(void *arg)
{
	struct text text;

	if (seal(f.session, &text) != CSN_E_FORK ||
	    open_it(f.session, &f.text) != CSN_E_FORK ||
	    csn_session_rotate(f.session, 0) != CSN_E_FORK)
		return CSN_E_ARG;
	TRY(csn_session_after_fork(f.session));
	TRY(shared_session(arg));
	csn_session_close(f.session);
	return 0;
}

static int
just_close(void *arg)
{
	(void)arg;
	csn_session_close(f.session);
	return 0;
}

/* The chain goes on twice, and a reader looks ahead and follows. */
static int
move_on(void *arg)
{
	struct text text;

	(void)arg;
	TRY(csn_session_rotate(f.session, 0));
	TRY(csn_session_rotate(f.session, 0));
	TRY(seal(f.session, &text));
	return open_it(f.reader, &text);
}

/* Whatever the child found, it has the same epochs as everybody. */
static int
have_the_same_epochs(void *arg)
{
	struct csn_session *fresh;
	struct text text;
	int i;

	(void)arg;
	TRY(csn_session_after_fork(f.session));
	TRY(csn_session_after_fork(f.reader));
	TRY(csn_session_import(f.ctx, f.exported, f.exported_len, NULL,
	    &fresh));
	for (i = 0; i < 3; i++) {
		TRY(seal(f.session, &text));
		TRY(open_it(fresh, &text));
		TRY(open_it(f.reader, &text));
		TRY(csn_session_rotate(f.session, 0));
	}
	csn_session_free(f.reader);
	csn_session_free(f.session);
	csn_session_free(fresh);
	return 0;
}

static int
keystore(struct csn_keystore *ks, const char *secret)
{
	uint8_t key[CSN_KEY_SIZE] = { 5 }, out[256], back[CSN_KEY_SIZE];
	size_t len = sizeof(out);
	char name[32];

	snprintf(name, sizeof(name), "key %u", f.others);
	TRY(csn_keystore_create(ks, name));
	TRY(csn_keystore_wrap(ks, name, NULL, 0, key, out, &len));
	TRY(csn_keystore_unwrap(ks, name, NULL, 0, out, len, back));
	TRY(csn_keystore_lock(ks));
	TRY(csn_keystore_unlock(ks, secret, strlen(secret)));
	return csn_keystore_remove(ks, name);
}

static int
memory_keystore(void *arg)
{
	(void)arg;
	return keystore(f.memory, "pw");
}

static int
file_keystore(void *arg)
{
	(void)arg;
	return keystore(f.folder, "pw");
}

static int
manager(void *arg)
{
	const struct csn_tenant t = { .size = sizeof(t), .id = "acme" };
	struct csn_session *s;
	struct text text;

	(void)arg;
	TRY(csn_manager_create(f.mgr, &t, &s));
	TRY(seal(s, &text));
	csn_session_free(s);
	return csn_manager_close(f.mgr, "acme");
}

/* The parent's is refused, its own works, and both end. */
static int
own_manager(void *arg)
{
	const struct csn_tenant t = { .size = sizeof(t), .id = "acme" };
	struct csn_session *s;
	int rc;

	if (csn_manager_create(f.mgr, &t, &s) != CSN_E_FORK ||
	    csn_manager_session(f.mgr, "acme", &s) != CSN_E_FORK ||
	    csn_manager_close(f.mgr, "acme") != CSN_E_FORK ||
	    csn_manager_count(f.mgr) != 0 || csn_manager_sweep(f.mgr) != 0)
		return CSN_E_ARG;
	csn_manager_free(f.mgr);
	TRY(csn_manager_new(f.ctx, NULL, &f.mgr));
	rc = manager(arg);
	csn_manager_free(f.mgr);
	return rc;
}

static int
look(void *arg, const struct csn_trust_entry *entry)
{
	(void)arg;
	(void)entry;
	return 0;
}

static int
trust(void *arg)
{
	const struct csn_trust_entry e = { .size = sizeof(e),
	    .did = csn_identity_did(f.other),
	    .purposes = CSN_PURPOSE_SERVER };

	(void)arg;
	TRY(csn_trust_add(f.ctx, f.trust, &e));
	TRY(csn_trust_each(f.trust, look, NULL));
	return csn_trust_remove(f.ctx, f.trust, e.did);
}

static int
trust_and_more(void *arg)
{
	int rc;

	TRY(handshake(arg));
	/* The parent's thread may have been in the middle of adding it. */
	rc = csn_trust_remove(f.ctx, f.trust, csn_identity_did(f.other));
	return rc != 0 && rc != CSN_E_NOT_FOUND ? rc : trust(arg);
}

static int
contexts(void *arg)
{
	struct csn_ctx *ctx;

	(void)arg;
	TRY(csn_ctx_new(NULL, &ctx));
	csn_ctx_free(ctx);
	return 0;
}

/* What a thread is in the middle of, and what the child does then. */
static const struct {
	const char *name;
	int (*call)(void *arg);
	int (*child)(void *arg);
	unsigned most;			/* places to stop at */
} calls[] = {
	{ "a local session", local, local, 60 },
	{ "an offer", offer, offer, 60 },
	{ "an offer's import", import_offer, import_offer, 60 },
	{ "a handshake", handshake, handshake, 120 },
	{ "an import", move_session, move_session, 60 },
	{ "a session in use", shared_session, take_over, 60 },
	{ "a session that is closed", shared_session, just_close, 60 },
	{ "a chain that moves on", move_on, have_the_same_epochs, 60 },
	{ "a keystore in memory", memory_keystore, memory_keystore, 60 },
	{ "a keystore in files", file_keystore, file_keystore, 60 },
	{ "a manager", manager, own_manager, 60 },
	{ "a trust store", trust, trust_and_more, 60 },
	{ "a context", contexts, contexts, 30 },
};

static int
child(void *arg)
{
	const size_t *i = arg;
	uint64_t salt = halt_salt(f.ctx);
	int rc;

	f.others++;
	halt_hold_keyring(f.ctx);
	rc = calls[*i].child(arg);
	if (rc != 0) {
		fprintf(stderr, "%s: %d, %s\n", calls[*i].name, rc,
		    csn_message());
		return 1;
	}
	/* Whatever it did first, its keys are not masked as the parent's. */
	if (calls[*i].call != contexts && halt_salt(f.ctx) == salt)
		return 2;
	return 0;
}

TEST(no_child_waits_for_what_a_thread_of_its_parent_held)
{
	unsigned n, step;
	int status, reached;
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		/* The first places one by one, then ever fewer of them. */
		for (n = 0, reached = 1, step = 1; reached &&
		    n < calls[i].most; n += step) {
			reached = halt_and_fork(calls[i].call, child, &i, n,
			    &status);
			if (status != 0)
				fail_msg("%s, place %u: the child says %d",
				    calls[i].name, n, status);
			if (n >= 12)
				step = n / 2;
		}
}

BEFORE_ALL
{
	const struct csn_offer_options o = { .size = sizeof(o),
	    .server_did = "did:pqaid:00000000000000000000000000000000"
	    "00000000000000000000000000000000" };
	const struct csn_acceptor_options often = { .size = sizeof(often),
	    .rate = 100000, .tenant_rate = 1000000 };
	struct csn_offer *offered;
	uint8_t *msg;
	size_t len;
	char *url;

	f.ctx = halt_ctx();
	f.session = pair_local(f.ctx, "acme", NULL);
	assert_int_equal(seal(f.session, &f.text), 0);
	assert_int_equal(csn_session_export(f.session, &f.exported,
	    &f.exported_len), 0);
	assert_int_equal(csn_session_import(f.ctx, f.exported, f.exported_len,
	    NULL, &f.reader), 0);
	assert_int_equal(csn_session_offer(f.ctx, &o, &offered, &msg, &len),
	    0);
	assert_int_equal(csn_offer_export(offered, &f.offer, &f.offer_len),
	    0);
	csn_offer_free(offered);
	csn_free(msg);
	assert_int_equal(csn_manager_new(f.ctx, NULL, &f.mgr), 0);
	assert_int_equal(csn_keystore_open(f.ctx, "memory:", "pw", 2,
	    &f.memory), 0);
	f.path = folder_new();
	assert_true(asprintf(&url, "file:%s/ks", f.path) > 0);
	assert_int_equal(csn_keystore_open(f.ctx, url, "pw", 2, &f.folder),
	    0);
	free(url);
	people_now = csn_ctx_wall_ms(f.ctx);
	f.id = people_quick(f.ctx, 1, "both ends");
	f.other = people_quick(f.ctx, 2, "another");
	assert_int_equal(csn_trust_new(f.ctx, &f.trust), 0);
	people_trust(f.ctx, f.trust, f.id, CSN_PURPOSE_TENANT |
	    CSN_PURPOSE_SERVER);
	assert_int_equal(csn_acceptor_new(f.ctx, f.id, f.trust, &often,
	    &f.acceptor), 0);
}

AFTER_ALL
{
	csn_acceptor_free(f.acceptor);
	csn_trust_free(f.trust);
	csn_identity_free(f.id);
	csn_identity_free(f.other);
	csn_keystore_close(f.memory);
	csn_keystore_close(f.folder);
	csn_manager_free(f.mgr);
	csn_session_free(f.reader);
	csn_session_free(f.session);
	csn_free(f.offer);
	csn_free(f.exported);
	csn_ctx_free(f.ctx);
	folder_remove(f.path);
}
