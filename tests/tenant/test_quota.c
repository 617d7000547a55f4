/* SPDX-License-Identifier: Apache-2.0 */
/* test_quota.c - what a tenant used is its own, whoever comes and goes. */
#include <pthread.h>
#include <sched.h>

#include "kv/message.h"
#include "lib/test.h"
#include "session/pair.h"
#include "tenant/manager.h"

#define N 600		/* more than one run of a batch */
#define LEN 10

static const struct csn_tenant acme = { .size = sizeof(acme), .id = "acme" };
static struct csn_ctx *ctx;
static struct csn_manager *mgr;
static struct csn_kv_item items[N];
static uint8_t plain[LEN], sealed[N][LEN + CSN_SEAL_OVERHEAD];

static void
limit(uint64_t bytes, uint64_t entries)
{
	const struct csn_manager_options o = { .size = sizeof(o),
	    .quota_bytes = bytes, .quota_entries = entries };

	csn_manager_free(mgr);
	assert_int_equal(csn_manager_new(ctx, &o, &mgr), 0);
	assert_int_equal(csn_manager_create(mgr, &acme, NULL), 0);
}

static void
item(size_t i)
{
	struct csn_kv_item *it = &items[i];

	memset(it, 0, sizeof(*it));
	it->size = sizeof(*it);
	it->tenant = "acme";
	it->slot = slot_entry(0, i);
	it->slot.role = CSN_KV_KEY;
	it->key = plain;
	it->key_len = LEN;
	it->sealed = sealed[i];
	it->sealed_len = sizeof(sealed[i]);
}

static int
seal_one(void)
{
	item(0);
	return csn_manager_seal(mgr, &items[0]);
}

/* How many of a batch of N were sealed. */
static size_t
seal_all(void)
{
	size_t i, good = 0;

	for (i = 0; i < N; i++)
		item(i);
	assert_int_not_equal(csn_manager_seal_batch(mgr, NULL, items, N), 0);
	for (i = 0; i < N; i++)
		good += items[i].rc == 0;
	return good;
}

/* The first member's lies there while one uses it, and no longer. */
TEST(an_account_is_let_go_by_each_member_that_goes)
{
	struct csn_session *s;
	struct csn_member *m;
	int i;

	limit(0, 100);
	for (i = 0; i < 5; i++) {
		assert_int_equal(seal_one(), 0);
		s = pair_local(ctx, "acme", NULL);
		assert_int_equal(csn_manager_adopt(mgr, s), 0);
		csn_session_free(s);
	}
	assert_int_equal(csn_member_get(mgr, "acme", &m), 0);
	assert_ptr_not_equal(m->account, m);
	assert_int_equal(m->account->entries, 5);
	assert_int_equal(m->account->holders, 1);
	csn_member_release(m);
}

static struct csn_session *first;
static pthread_t other;

static void *
close_it(void *arg)
{
	assert_int_equal(csn_manager_close(mgr, arg), 0);
	return NULL;
}

/*
 * In the middle of a batch's first run another thread closes the tenant,
 * which waits for the run, and it is made anew before the run ends.
 */
static void
close_meanwhile(const struct csn_aead_msg *msg)
{
	(void)msg;
	counting_hook = NULL;
	assert_int_equal(pthread_create(&other, NULL, close_it,
	    (void *)(uintptr_t)"acme"), 0);
	while (csn_manager_count(mgr) != 0)
		sched_yield();
	assert_int_equal(csn_manager_create(mgr, &acme, NULL), 0);
}

TEST(a_tenant_made_anew_is_not_given_back_what_it_never_used)
{
	size_t good;

	limit(N * LEN, N);
	counting_hook = close_meanwhile;
	good = seal_all();
	assert_int_equal(pthread_join(other, NULL), 0);
	/* The session closed after a run: the rest failed. */
	assert_in_range(good, 1, N - 1);
	for (good = 0; good < N; good++)
		assert_int_equal(seal_one(), 0);
	assert_int_equal(seal_one(), CSN_E_QUOTA);
}

TEST(a_quota_below_what_was_used_lets_nothing_more_through)
{
	int i;

	limit(0, 0);
	/* What was sealed while there was none counts as well. */
	for (i = 0; i < 10; i++)
		assert_int_equal(seal_one(), 0);
	assert_int_equal(csn_manager_set_quota(mgr, "acme", 0, 5), 0);
	assert_int_equal(seal_one(), CSN_E_QUOTA);
	assert_int_equal(csn_manager_set_quota(mgr, "acme", 5 * LEN, 0), 0);
	assert_int_equal(seal_one(), CSN_E_QUOTA);
	assert_int_equal(csn_manager_set_quota(mgr, "acme", 11 * LEN, 11), 0);
	assert_int_equal(seal_one(), 0);
	assert_int_equal(seal_one(), CSN_E_QUOTA);
}

TEST(what_a_quota_refused_of_a_batch_is_not_given_back)
{
	size_t good;

	/* Room for all but 100 of them. */
	limit(0, N - 100);
	good = seal_all();
	assert_int_equal(good, N - 100);
	assert_int_equal(items[N - 1].rc, CSN_E_QUOTA);
	assert_int_equal(seal_one(), CSN_E_QUOTA);
}

static void *
adopt_it(void *arg)
{
	assert_int_equal(csn_manager_adopt(mgr, arg), 0);
	return NULL;
}

static void
adopt_meanwhile(const struct csn_aead_msg *msg)
{
	struct csn_session *now, *next;

	(void)msg;
	counting_hook = NULL;
	next = pair_local(ctx, "acme", NULL);
	assert_int_equal(pthread_create(&other, NULL, adopt_it, next), 0);
	do {
		assert_int_equal(csn_manager_session(mgr, "acme", &now), 0);
		csn_session_free(now);
		sched_yield();
	} while (now == first);
	csn_session_free(next);
}

TEST(a_tenant_with_another_session_is_given_back_what_failed)
{
	size_t good, i;

	limit(N * LEN, N);
	assert_int_equal(csn_manager_session(mgr, "acme", &first), 0);
	counting_hook = adopt_meanwhile;
	good = seal_all();
	assert_int_equal(pthread_join(other, NULL), 0);
	assert_in_range(good, 1, N - 1);
	for (i = good; i < N; i++)
		assert_int_equal(seal_one(), 0);
	assert_int_equal(seal_one(), CSN_E_QUOTA);
	csn_session_free(first);
}

TEST(a_new_session_goes_on_with_the_quota_used)
{
	struct csn_session *s;
	int i;

	limit(100 * LEN, 100);
	for (i = 0; i < 40; i++)
		assert_int_equal(seal_one(), 0);
	assert_int_equal(csn_manager_set_quota(mgr, "acme", 0, 60), 0);
	/* Its session ends by time: the next has what is left. */
	pair_boot += 900000;
	assert_int_equal(seal_one(), CSN_E_EXPIRED);
	assert_int_equal(csn_manager_create(mgr, &acme, NULL), 0);
	for (i = 0; i < 10; i++)
		assert_int_equal(seal_one(), 0);
	/* And so has one that is brought, and one after that. */
	for (i = 0; i < 5; i++) {
		s = pair_local(ctx, "acme", NULL);
		assert_int_equal(csn_manager_adopt(mgr, s), 0);
		csn_session_free(s);
		assert_int_equal(seal_one(), 0);
		assert_int_equal(seal_one(), 0);
	}
	assert_int_equal(seal_one(), CSN_E_QUOTA);
	assert_int_equal(csn_manager_set_quota(mgr, "acme", 61 * LEN, 0), 0);
	assert_int_equal(seal_one(), 0);
	assert_int_equal(seal_one(), CSN_E_QUOTA);
	/* Closed and come again, it is a new one with the manager's. */
	assert_int_equal(csn_manager_close(mgr, "acme"), 0);
	assert_int_equal(csn_manager_create(mgr, &acme, NULL), 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(seal_one(), 0);
	assert_int_equal(seal_one(), CSN_E_QUOTA);
}

BEFORE_EACH
{
	ctx = pair_ctx_with("counting", 0);
	assert_int_equal(csn_manager_new(ctx, NULL, &mgr), 0);
}

AFTER_EACH
{
	counting_hook = NULL;
	csn_manager_free(mgr);
	csn_ctx_free(ctx);
}

BEFORE_ALL { counting_register(); }
