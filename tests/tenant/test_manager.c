/* SPDX-License-Identifier: Apache-2.0 */
/* test_manager.c - one live session a tenant: found, kept apart, closed. */
#include "kv/message.h"
#include "lib/test.h"
#include "session/keys.h"
#include "session/pair.h"

static struct csn_ctx *ctx;
static struct csn_manager *mgr;

static struct csn_session *
create(const char *id)
{
	const struct csn_tenant t = { .size = sizeof(t), .id = id };
	struct csn_session *s;

	assert_int_equal(csn_manager_create(mgr, &t, &s), 0);
	assert_string_equal(csn_session_tenant_id(s), id);
	return s;
}

TEST(create_returns_the_live_one)
{
	const struct csn_tenant t = { .size = sizeof(t), .id = "acme" };
	struct csn_session *a = create("acme"), *b = create("acme"), *c, *d;

	assert_ptr_equal(a, b);
	assert_int_equal(csn_manager_count(mgr), 1);
	assert_int_equal(csn_manager_session(mgr, "acme", &c), 0);
	assert_ptr_equal(a, c);
	assert_int_equal(csn_manager_create(mgr, &t, NULL), 0);
	/* Closed by someone who held it: no longer live. */
	csn_session_close(a);
	d = create("acme");
	assert_ptr_not_equal(a, d);
	assert_int_equal(csn_session_is_valid(d), 1);
	assert_int_equal(csn_manager_count(mgr), 1);
	/* Nor is one that has expired. */
	pair_boot += 900000;
	csn_session_free(b);
	b = create("acme");
	assert_ptr_not_equal(b, d);
	assert_int_equal(csn_session_check_valid(d), CSN_E_CLOSED);
	csn_session_free(a);
	csn_session_free(b);
	csn_session_free(c);
	csn_session_free(d);
}

TEST(an_unknown_tenant_is_unknown_to_every_call)
{
	struct csn_kv_slot slot = slot_entry(0, 0);
	struct csn_session *s = NULL;
	struct csn_kv_item item;
	struct message p;

	csn_session_free(create("acme"));
	assert_int_equal(csn_manager_session(mgr, "other", &s),
	    CSN_E_UNKNOWN_TENANT);
	assert_null(s);
	assert_int_equal(csn_manager_close(mgr, "other"),
	    CSN_E_UNKNOWN_TENANT);
	assert_int_equal(csn_manager_set_quota(mgr, "other", 1, 1),
	    CSN_E_UNKNOWN_TENANT);
	message_fill(&p, &slot, 20, 20, 1);
	message_item(&p, NULL, &item);
	item.tenant = "other";
	assert_int_equal(csn_manager_seal(mgr, &item), CSN_E_UNKNOWN_TENANT);
	assert_int_equal(item.rc, CSN_E_UNKNOWN_TENANT);
	assert_true(all_zero(p.sealed, p.len));
	assert_int_equal(
	    csn_manager_seal_batch(mgr, NULL, &item, 1), CSN_E_UNKNOWN_TENANT);
	assert_null(item.session);
	item.tenant = NULL;
	assert_int_equal(csn_manager_seal(mgr, &item), CSN_E_ARG);
	item.tenant = "acme";
	assert_int_equal(csn_manager_seal(mgr, &item), 0);
	assert_null(item.session);
	assert_int_equal(message_open_by(&p, mgr, ctx, "other"),
	    CSN_E_UNKNOWN_TENANT);
	assert_int_equal(message_open_by(&p, mgr, ctx, NULL), CSN_E_ARG);
	item.tenant = "other";
	assert_int_equal(
	    csn_manager_open_batch(mgr, NULL, &item, 1), CSN_E_UNKNOWN_TENANT);
	assert_true(all_zero(p.key, 20) && all_zero(p.value, 20));
	message_free(&p);
}

TEST(bad_tenants_are_not_created)
{
	static const char *const bad[] = { NULL, "", "\xff\xff", "a\tb",
	    "0123456789012345678901234567890123456789012345678901234567890123"
	    "4" };
	struct csn_tenant t = { .size = sizeof(t) };
	struct csn_session *s = NULL;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		t.id = bad[i];
		assert_int_equal(csn_manager_create(mgr, &t, &s), CSN_E_ARG);
	}
	t.size = 3;
	assert_int_equal(csn_manager_create(mgr, &t, &s), CSN_E_ARG);
	assert_int_equal(csn_manager_create(mgr, NULL, &s), CSN_E_ARG);
	assert_int_equal(csn_manager_adopt(mgr, NULL), CSN_E_ARG);
	assert_int_equal(csn_manager_close(mgr, NULL), CSN_E_ARG);
	assert_int_equal(csn_manager_session(mgr, NULL, &s), CSN_E_ARG);
	assert_null(s);
	assert_int_equal(csn_manager_count(mgr), 0);
}

TEST(adopting_replaces_and_closes_the_former)
{
	struct csn_session *old = create("acme"), *s, *now;
	struct csn_kv_slot slot = slot_entry(0, 0);
	struct message p, q;

	message_make(&p, old, &slot, 8, 8, 1);
	s = pair_local(ctx, "acme", NULL);
	assert_int_equal(csn_manager_adopt(mgr, s), 0);
	assert_int_equal(csn_session_check_valid(old), CSN_E_CLOSED);
	assert_int_equal(csn_manager_count(mgr), 1);
	message_make(&q, s, &slot, 8, 8, 1);
	assert_int_equal(message_open_by(&q, mgr, ctx, "acme"), 0);
	assert_int_equal(message_open_by(&p, mgr, ctx, "acme"),
	    CSN_E_SESSION);
	/* The same once more changes nothing. */
	assert_int_equal(csn_manager_adopt(mgr, s), 0);
	assert_int_equal(csn_session_is_valid(s), 1);
	assert_int_equal(csn_manager_session(mgr, "acme", &now), 0);
	assert_ptr_equal(now, s);
	csn_session_free(now);
	/* What is over is not taken in. */
	assert_int_equal(csn_manager_adopt(mgr, old), CSN_E_CLOSED);
	message_free(&p);
	message_free(&q);
	csn_session_free(old);
	csn_session_free(s);
}

/* In a child: a manager of its parent's takes nothing. */
static int
adopt_in_child(void *arg)
{
	struct csn_session *s = arg;

	if (csn_session_after_fork(s) != 0)
		return 1;
	if (csn_manager_adopt(mgr, s) != CSN_E_FORK)
		return 2;
	return csn_session_audit_log(s) == NULL ? 0 : 3;
}

TEST(a_session_that_was_not_adopted_has_not_the_managers_log)
{
	struct csn_manager_options o = { .size = sizeof(o) };
	struct csn_session *s = pair_local(ctx, "acme", NULL);

	csn_manager_free(mgr);
	assert_int_equal(csn_audit_new_memory(ctx, 8, &o.audit), 0);
	assert_int_equal(csn_manager_new(ctx, &o, &mgr), 0);
	assert_int_equal(in_child(adopt_in_child, s), 0);
	assert_int_equal(csn_manager_adopt(mgr, s), 0);
	assert_ptr_equal(csn_session_audit_log(s), o.audit);
	csn_session_free(s);
	csn_manager_free(mgr);
	mgr = NULL;
	csn_audit_close(o.audit);
}

TEST(closing_ends_every_use)
{
	struct csn_session *s = create("acme");
	struct csn_kv_slot slot = slot_entry(0, 0);
	struct message p;

	message_make(&p, s, &slot, 8, 8, 1);
	assert_int_equal(csn_manager_close(mgr, "acme"), 0);
	assert_int_equal(csn_manager_count(mgr), 0);
	assert_int_equal(message_open(&p, s), CSN_E_CLOSED);
	assert_int_equal(message_open_by(&p, mgr, ctx, "acme"),
	    CSN_E_UNKNOWN_TENANT);
	csn_session_free(s);
	/* A new one of the same name is another session. */
	s = create("acme");
	assert_int_equal(message_open_by(&p, mgr, ctx, "acme"),
	    CSN_E_SESSION);
	csn_session_free(s);
	message_free(&p);
}

TEST(an_expired_tenant_is_told_so_and_swept)
{
	const struct csn_session_options late = { .size = sizeof(late),
	    .ttl_ms = 2000000 };
	struct csn_session *s = create("acme"), *other;
	struct csn_kv_slot slot = slot_entry(0, 0);
	struct message p;

	other = pair_local(ctx, "other", &late);
	assert_int_equal(csn_manager_adopt(mgr, other), 0);
	message_make(&p, s, &slot, 8, 8, 1);
	assert_int_equal(csn_manager_sweep(mgr), 0);
	pair_boot += 900000;
	assert_int_equal(message_open_by(&p, mgr, ctx, "acme"),
	    CSN_E_EXPIRED);
	assert_int_equal(csn_manager_sweep(mgr), 1);
	assert_int_equal(csn_manager_sweep(mgr), 0);
	assert_int_equal(csn_manager_count(mgr), 1);
	assert_int_equal(message_open_by(&p, mgr, ctx, "acme"),
	    CSN_E_UNKNOWN_TENANT);
	assert_int_equal(csn_session_check_valid(s), CSN_E_CLOSED);
	assert_int_equal(csn_session_check_valid(other), 0);
	message_free(&p);
	csn_session_free(s);
	csn_session_free(other);
}

static int
seal_by(const char *tenant, size_t len)
{
	struct csn_kv_slot slot = slot_entry(0, 0);
	struct csn_kv_item item;
	struct message p;
	int rc;

	message_fill(&p, &slot, len, 0, 1);
	message_item(&p, NULL, &item);
	item.tenant = tenant;
	rc = csn_manager_seal(mgr, &item);
	if (rc != 0)
		assert_true(all_zero(p.sealed, p.len));
	message_free(&p);
	return rc;
}

TEST(quotas_hold_for_bytes_and_entries)
{
	const struct csn_manager_options o = { .size = sizeof(o),
	    .quota_bytes = 1000, .quota_entries = 5 };
	struct csn_kv_slot slot = slot_entry(0, 0);
	struct csn_kv_item items[4];
	struct message p[4];
	int i;

	csn_manager_free(mgr);
	assert_int_equal(csn_manager_new(ctx, &o, &mgr), 0);
	csn_session_free(create("acme"));
	csn_session_free(create("other"));
	assert_int_equal(seal_by("acme", 400), 0);
	assert_int_equal(seal_by("acme", 601), CSN_E_QUOTA);
	assert_int_equal(seal_by("acme", 600), 0);
	assert_int_equal(seal_by("acme", 1), CSN_E_QUOTA);
	assert_int_equal(seal_by("acme", 0), 0);
	/* What failed was given back; another tenant has its own. */
	for (i = 0; i < 5; i++)
		assert_int_equal(seal_by("other", 10), 0);
	assert_int_equal(seal_by("other", 10), CSN_E_QUOTA);
	assert_int_equal(csn_manager_set_quota(mgr, "other", 0, 0), 0);
	assert_int_equal(seal_by("other", 100000), 0);
	assert_int_equal(csn_manager_set_quota(mgr, "acme", 2000, 7), 0);
	/* In a batch each counts, and the failed ones are given back. */
	for (i = 0; i < 4; i++) {
		message_fill(&p[i], &slot, 100, 0, 1);
		message_item(&p[i], NULL, &items[i]);
		items[i].tenant = "acme";
	}
	items[0].slot.role = 9;
	assert_int_equal(
	    csn_manager_seal_batch(mgr, NULL, items, 4), CSN_E_ARG);
	/* Three were used; the first took one, which came back late. */
	assert_int_equal(items[0].rc, CSN_E_ARG);
	assert_int_equal(items[1].rc, 0);
	assert_int_equal(items[2].rc, 0);
	assert_int_equal(items[3].rc, 0);
	assert_int_equal(seal_by("acme", 1), 0);
	assert_int_equal(seal_by("acme", 1), CSN_E_QUOTA);
	assert_int_equal(
	    csn_manager_seal_batch(mgr, NULL, &items[1], 3), CSN_E_QUOTA);
	for (i = 1; i < 4; i++) {
		assert_int_equal(items[i].rc, CSN_E_QUOTA);
		assert_null(items[i].session);
		assert_true(all_zero(p[i].sealed, p[i].len));
	}
	for (i = 0; i < 4; i++)
		message_free(&p[i]);
}

TEST(a_batch_mixes_tenants_and_sessions_of_its_own)
{
	enum { N = 300 };
	struct csn_session *own = pair_local(ctx, "own", NULL);
	struct csn_kv_item items[N];
	struct csn_kv_slot slot;
	struct message p[N];
	char names[7][16];
	uint32_t i;

	for (i = 0; i < 7; i++) {
		snprintf(names[i], sizeof(names[i]), "tenant-%u", i);
		if (i < 6)
			csn_session_free(create(names[i]));
	}
	for (i = 0; i < N; i++) {
		slot = slot_entry(0, i);
		message_fill(&p[i], &slot, 30, 30, i);
		message_item(&p[i], i % 10 == 3 ? own : NULL, &items[i]);
		items[i].tenant = i % 10 == 3 ? NULL : names[i % 7];
	}
	assert_int_equal(
	    csn_manager_seal_batch(mgr, NULL, items, N), CSN_E_UNKNOWN_TENANT);
	for (i = 0; i < N; i++) {
		p[i].sequence = items[i].sequence;
		p[i].version = items[i].version;
		assert_ptr_equal(items[i].session, i % 10 == 3 ? own : NULL);
		if (i % 10 == 3) {
			assert_int_equal(items[i].rc, 0);
			assert_int_equal(message_open(&p[i], own), 0);
		} else if (i % 7 == 6) {
			assert_int_equal(items[i].rc, CSN_E_UNKNOWN_TENANT);
		} else {
			assert_int_equal(message_open_by(&p[i], mgr, ctx,
			    names[i % 7]), 0);
			assert_int_equal(message_open_by(&p[i], mgr, ctx,
			    names[(i % 7 + 1) % 6]), CSN_E_TENANT);
		}
		message_free(&p[i]);
	}
	csn_session_free(own);
}

struct seen {
	int n;
	int stop_at;
	unsigned bits;
};

static int
visit(void *arg, const char *id)
{
	struct seen *seen = arg;

	seen->bits |= 1u << (id[0] - 'a');
	if (id[0] == 'c')	/* visiting may close what it sees */
		assert_int_equal(csn_manager_close(mgr, id), 0);
	return ++seen->n == seen->stop_at ? 77 : 0;
}

TEST(listing_visits_the_active_ones)
{
	struct seen seen = { 0, -1, 0 };
	struct csn_session *s;

	csn_session_free(create("a"));
	csn_session_free(create("b"));
	csn_session_free(create("c"));
	s = create("d");
	csn_session_close(s);
	csn_session_free(s);
	assert_int_equal(csn_manager_each(mgr, visit, &seen), 0);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.bits, 7);
	seen.n = 0;
	seen.bits = 0;
	assert_int_equal(csn_manager_each(mgr, visit, &seen), 0);
	assert_int_equal(seen.bits, 3);
	seen.n = 0;
	seen.stop_at = 1;
	assert_int_equal(csn_manager_each(mgr, visit, &seen), 77);
	assert_int_equal(seen.n, 1);
}

TEST(a_new_session_goes_on_with_the_quota_used)
{
	const struct csn_manager_options o = { .size = sizeof(o),
	    .quota_bytes = 1000, .quota_entries = 5 };

	csn_manager_free(mgr);
	assert_int_equal(csn_manager_new(ctx, &o, &mgr), 0);
	csn_session_free(create("acme"));
	assert_int_equal(seal_by("acme", 600), 0);
	pair_boot += 900000;
	csn_session_free(create("acme"));
	assert_int_equal(seal_by("acme", 401), CSN_E_QUOTA);
	assert_int_equal(seal_by("acme", 400), 0);
	assert_int_equal(seal_by("acme", 1), CSN_E_QUOTA);
}

BEFORE_EACH
{
	ctx = pair_ctx();
	assert_int_equal(csn_manager_new(ctx, NULL, &mgr), 0);
}

AFTER_EACH
{
	csn_manager_free(mgr);
	csn_manager_free(NULL);
	csn_ctx_free(ctx);
}
