/* SPDX-License-Identifier: Apache-2.0 */
/* test_nomem.c - each allocation fails once: told, nothing lost or leaked. */
#include "kv/store_fixture.h"
#include "lib/failmalloc.h"
#include "lib/test.h"
#include "session/pair.h"

/* The codes that a lack of memory may have; the cryptographic library does
 * not always say why it failed. */
static int
says_so(int rc)
{
	return rc == CSN_E_NOMEM || rc == CSN_E_CRYPTO ||
	    rc == CSN_E_ALGORITHM;
}

/*
 * op(n) does something whose n-th allocation fails, looks that what there was
 * is still good, and returns its code; *fired says whether there were n.
 */
typedef int (*op_fn)(unsigned long n, int *fired);

static void
each_fails_once(op_fn op)
{
	unsigned long n, count = 0;
	long blocks[3];
	int rc, fired, round;

	if (!failmalloc_works())
		test_skip("a sanitizer has its own allocator");
	assert_int_equal(op(0, &fired), 0);
	for (round = 0; round < 3; round++) {
		for (n = 1; ; n++) {
			rc = op(n, &fired);
			if (!fired)
				break;
			if (rc != 0 && !says_so(rc))
				fail_msg("allocation %lu: %s", n,
				    csn_error_name(rc));
		}
		assert_int_equal(rc, 0);
		count = n - 1;
		blocks[round] = failmalloc_blocks();
	}
	/* What the first rounds left is kept for reuse, once. */
	assert_int_equal(blocks[1], blocks[2]);
	print_message("# %lu allocations\n", count);
}

static int
op_ctx(unsigned long n, int *fired)
{
	struct csn_ctx *ctx = NULL;
	int rc;

	failmalloc_at((long)n - 1);
	rc = csn_ctx_new(NULL, &ctx);
	*fired = failmalloc_done();
	if (rc != 0)
		assert_null(ctx);
	csn_ctx_free(ctx);
	return rc;
}

static struct csn_ctx *ctx;
static struct pair p;

static int
op_local(unsigned long n, int *fired)
{
	const struct csn_tenant t = { .size = sizeof(t), .id = "acme",
	    .display_name = "A" };
	struct csn_session *s = NULL;
	struct text x;
	int rc;

	failmalloc_at((long)n - 1);
	rc = csn_session_local(ctx, &t, NULL, &s);
	*fired = failmalloc_done();
	if (rc != 0)
		assert_null(s);
	else {
		assert_int_equal(text_seal(s, 1, "x", &x), 0);
		assert_int_equal(text_open(s, &x, "x"), 0);
	}
	csn_session_free(s);
	return rc;
}

/* One step of the handshake at a time fails, and is then done again. */
static int step;

static int
do_step(int now, struct messages *m, const struct csn_tenant *by)
{
	const struct csn_offer_options o = { .size = sizeof(o),
	    .kem = CSN_KEM_X_WING, .identity = by == NULL ? p.tenant : NULL,
	    .server_did = csn_identity_did(p.server) };

	switch (now) {
	case 0:
		return csn_session_offer(p.tenant_ctx, &o, &m->state,
		    &m->offer, &m->offer_len);
	case 1:
		return csn_session_accept(p.acceptor, m->offer, m->offer_len,
		    by, &m->pending, &m->reply, &m->reply_len);
	case 2:
		return csn_session_finish(m->state, p.tenant_trusts,
		    m->reply, m->reply_len, NULL, &m->tenant, &m->confirm,
		    &m->confirm_len);
	default:
		return csn_session_confirm(m->pending, m->confirm,
		    m->confirm_len, NULL, &m->server);
	}
}

static int
op_handshake(unsigned long n, int *fired)
{
	struct messages m;
	int rc = 0, i;

	memset(&m, 0, sizeof(m));
	*fired = 0;
	for (i = 0; i < 4 && rc == 0; i++) {
		if (i == step)
			failmalloc_at((long)n - 1);
		rc = do_step(i, &m, NULL);
		if (i == step)
			*fired = failmalloc_done();
		if (i != step || rc == 0)
			continue;
		/* The accepted offer is spent; the others may try again. */
		if (i != 1)
			assert_int_equal(do_step(i, &m, NULL), 0);
		break;
	}
	messages_free(&m);
	return rc;
}

static int
op_seal(unsigned long n, int *fired)
{
	struct csn_ctx *fresh = pair_ctx();
	struct csn_session *s = pair_local(fresh, "acme", NULL);
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct message q;
	int rc;

	message_fill(&q, &slot, 50, 50, 1);
	failmalloc_at((long)n - 1);
	rc = message_seal(&q, s);
	*fired = failmalloc_done();
	if (rc != 0)
		assert_int_equal(message_seal(&q, s), 0);
	assert_int_equal(message_open(&q, s), 0);
	message_free(&q);
	csn_session_free(s);
	csn_ctx_free(fresh);
	return rc;
}

static int
op_open(unsigned long n, int *fired)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .replay = CSN_REPLAY_CHANNEL };
	struct csn_session *a, *b;
	struct csn_kv_item item;
	struct text x;
	uint8_t *bytes, key[8];
	size_t len;
	int rc;

	/* Of the next epoch, by a writer that is not known yet. */
	a = pair_local(ctx, "acme", &o);
	assert_int_equal(text_seal(a, 1, "x", &x), 0);
	assert_int_equal(csn_session_export(a, &bytes, &len), 0);
	assert_int_equal(csn_session_import(ctx, bytes, len, &o, &b), 0);
	csn_wipe(bytes, len);
	csn_free(bytes);
	assert_int_equal(csn_session_rotate(b, 0), 0);
	assert_int_equal(text_seal(b, 1, "next", &x), 0);
	memset(&item, 0, sizeof(item));
	item.size = sizeof(item);
	item.session = a;
	item.key = key;
	item.key_len = sizeof(key);
	item.sealed = x.sealed;
	item.sealed_len = x.len;
	memset(key, 1, sizeof(key));
	failmalloc_at((long)n - 1);
	rc = csn_kv_open(ctx, &item);
	*fired = failmalloc_done();
	if (rc != 0) {
		assert_true(all_zero(key, sizeof(key)));
		/* Refused for want of memory, it is not used up. */
		assert_int_equal(text_open(a, &x, "next"), 0);
	}
	assert_int_equal(text_open(a, &x, "next"), CSN_E_REPLAY);
	csn_session_free(a);
	csn_session_free(b);
	return rc;
}

/* Slots whose table has to grow for a batch: none may be lost by that. */
static int
op_batch(unsigned long n, int *fired)
{
	enum { OLD = 48, ALL = 120 };
	struct csn_session *s[2];
	struct csn_kv_item items[ALL];
	struct message old[OLD], q[ALL];
	struct csn_kv_slot slot;
	int rc, i;

	s[0] = pair_local(ctx, "a", NULL);
	s[1] = pair_local(ctx, "b", NULL);
	for (i = 0; i < ALL; i++) {
		slot = slot_entry(0, (uint64_t)i);
		if (i < OLD)
			message_make(&old[i], s[i % 2], &slot, 9, 9, 1);
		message_fill(&q[i], &slot, 20, 20, (unsigned)i);
		message_item(&q[i], s[i % 2], &items[i]);
	}
	failmalloc_at((long)n - 1);
	rc = csn_kv_seal_batch(ctx, NULL, items, ALL);
	*fired = failmalloc_done();
	for (i = 0; i < ALL; i++) {
		q[i].sequence = items[i].sequence;
		q[i].version = items[i].version;
		if (items[i].rc == 0)
			assert_int_equal(message_open(&q[i], s[i % 2]), 0);
		else
			assert_true(all_zero(q[i].sealed, q[i].len));
		/* One of the two is good, always. */
		if (i < OLD)
			assert_int_equal(message_open(&old[i], s[i % 2]),
			    items[i].rc == 0 ? CSN_E_REPLAY : 0);
		message_free(&q[i]);
		if (i < OLD)
			message_free(&old[i]);
	}
	csn_session_free(s[0]);
	csn_session_free(s[1]);
	return rc;
}

static int
op_manager(unsigned long n, int *fired)
{
	const struct csn_tenant t = { .size = sizeof(t), .id = "acme" };
	struct csn_manager *mgr = NULL;
	struct csn_session *s = NULL, *mine, *own[2] = { NULL, NULL };
	int rc;

	mine = pair_local(ctx, "mine", NULL);
	failmalloc_at((long)n - 1);
	rc = csn_manager_new(ctx, NULL, &mgr);
	if (rc == 0)
		rc = csn_manager_create(mgr, &t, &s);
	if (rc == 0)
		rc = csn_manager_adopt(mgr, mine);
	if (rc == 0)
		rc = csn_manager_session(mgr, "mine", &own[0]);
	if (rc == 0)
		rc = csn_manager_close(mgr, "acme");
	*fired = failmalloc_done();
	if (rc != 0)
		assert_int_equal(csn_session_is_valid(mine), 1);
	csn_session_free(own[0]);
	csn_session_free(s);
	csn_manager_free(mgr);
	csn_session_free(mine);
	return rc;
}

static struct store_fixture sh;

static int
op_store(unsigned long n, int *fired)
{
	struct csn_kv_slot slot = slot_entry(0, 1);
	struct csn_session *s;
	struct message q;
	uint8_t key[100], value[100];
	size_t key_len = 100, value_len = 100, done;
	int rc;

	message_fill(&q, &slot, 100, 100, 5);
	assert_int_equal(store_put(&sh, "acme", &slot, 100, 100, 4), 0);
	assert_int_equal(csn_manager_session(sh.mgr, "acme", &s), 0);
	failmalloc_at((long)n - 1);
	rc = csn_kv_store_put(sh.kv, "acme", &slot, q.key, 100, q.value, 100);
	if (rc == 0)
		rc = csn_session_rotate(s, 0);
	if (rc == 0)
		rc = csn_kv_store_reseal(sh.kv, "acme", 0, &done);
	if (rc == 0)
		rc = csn_kv_store_get(sh.kv, "acme", &slot, key, &key_len,
		    value, &value_len);
	*fired = failmalloc_done();
	csn_session_free(s);
	pair_boot += 40000;	/* old epochs go */
	/* The old one or the new one, whole. */
	key_len = value_len = 100;
	assert_int_equal(csn_kv_store_get(sh.kv, "acme", &slot, key,
	    &key_len, value, &value_len), 0);
	if (memcmp(key, q.key, 100) != 0)
		assert_int_equal(store_get(&sh, "acme", &slot, 100, 100, 4),
		    0);
	message_free(&q);
	assert_int_equal(csn_kv_store_remove(sh.kv, "acme", &slot), 0);
	return rc;
}

static int
op_describe(unsigned long n, int *fired)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL), *t = NULL;
	char *json = NULL;
	uint8_t *bytes = NULL;
	size_t len = 0;
	struct text x;
	int rc;

	assert_int_equal(text_seal(s, 1, "x", &x), 0);
	failmalloc_at((long)n - 1);
	rc = csn_session_json(s, &json);
	if (rc == 0)
		rc = csn_session_export(s, &bytes, &len);
	if (rc == 0)
		rc = csn_session_import(ctx, bytes, len, NULL, &t);
	*fired = failmalloc_done();
	csn_free(json);
	csn_wipe(bytes, len);
	csn_free(bytes);
	csn_session_free(t);
	assert_int_equal(text_open(s, &x, "x"), 0);
	csn_session_free(s);
	return rc;
}

TEST(making_a_context)
{
	each_fails_once(op_ctx);
}

GROUP("with two ends");

TEST(a_local_session)
{
	each_fails_once(op_local);
}

TEST(each_step_of_a_handshake)
{
	for (step = 0; step < 4; step++)
		each_fails_once(op_handshake);
}

TEST(sealing)
{
	each_fails_once(op_seal);
}

TEST(opening_what_moves_the_ratchet)
{
	each_fails_once(op_open);
}

TEST(a_batch_of_two_sessions)
{
	each_fails_once(op_batch);
}

TEST(a_manager_and_its_tenants)
{
	each_fails_once(op_manager);
}

TEST(a_store_put_resealed_and_read)
{
	const struct csn_session_options session = { .size = sizeof(session),
	    .ttl_ms = CSN_NEVER, .max_age_ms = CSN_NEVER };
	const struct store_options o = { .ctx = pair_ctx_with(NULL, 4),
	    .session = &session };

	store_start(&sh, "memory:?bytes=1M&slab=64K", &o);
	each_fails_once(op_store);
	store_end(&sh);
}

TEST(describing_and_exporting)
{
	each_fails_once(op_describe);
}

BEFORE_EACH
{
	pair_start(&p, NULL);
	/* Lanes are made once and stay: few, so that all are soon there. */
	ctx = pair_ctx_with(NULL, 4);
}

AFTER_EACH
{
	pair_end(&p);
	csn_ctx_free(ctx);
}
