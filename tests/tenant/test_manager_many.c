/* SPDX-License-Identifier: Apache-2.0 */
/* test_manager_many.c - many tenants, and many threads at them. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "kv/message.h"
#include "lib/test.h"
#include "session/pair.h"

#define MAKERS 4

static struct csn_ctx *ctx;
static struct csn_manager *mgr;
static _Atomic int errors;

struct part {
	pthread_t thread;
	uint32_t from, to;
};

static void *
make_many(void *arg)
{
	const struct part *part = arg;
	struct csn_tenant t = { .size = sizeof(t) };
	char id[24];
	uint32_t i;

	t.id = id;
	for (i = part->from; i < part->to; i++) {
		snprintf(id, sizeof(id), "tenant-%u", i);
		if (csn_manager_create(mgr, &t, NULL) != 0)
			atomic_fetch_add(&errors, 1);
	}
	return NULL;
}

TEST(a_hundred_thousand_tenants_are_ordinary)
{
	const char *sanitized = getenv("CAISSON_SANITIZE");
	uint32_t n = sanitized != NULL && strcmp(sanitized, "1") == 0 ?
	    20000 : 100000, i, k;
	struct csn_kv_slot slot = slot_entry(0, 0);
	struct timespec from, to;
	struct part part[MAKERS];
	struct csn_kv_item item;
	struct message p;
	char id[24];

#ifdef __SANITIZE_THREAD__
	n = 20000;
#endif
	clock_gettime(CLOCK_MONOTONIC, &from);
	atomic_store(&errors, 0);
	for (i = 0; i < MAKERS; i++) {
		part[i].from = n / MAKERS * i;
		part[i].to = n / MAKERS * (i + 1);
		assert_int_equal(pthread_create(&part[i].thread, NULL,
		    make_many, &part[i]), 0);
	}
	for (i = 0; i < MAKERS; i++)
		assert_int_equal(pthread_join(part[i].thread, NULL), 0);
	assert_int_equal(atomic_load(&errors), 0);
	clock_gettime(CLOCK_MONOTONIC, &to);
	print_message("# %u tenants in %.1f s\n", n,
	    (double)(to.tv_sec - from.tv_sec) +
	    (double)(to.tv_nsec - from.tv_nsec) / 1e9);
	assert_int_equal(csn_manager_count(mgr), n);
	for (i = 0; i < 20000; i++) {
		k = i * 7919u % n;
		snprintf(id, sizeof(id), "tenant-%u", k);
		slot.position = i;
		message_fill(&p, &slot, 16, 16, i);
		message_item(&p, NULL, &item);
		item.tenant = id;
		assert_int_equal(csn_manager_seal(mgr, &item), 0);
		p.sequence = item.sequence;
		p.version = item.version;
		assert_int_equal(message_open_by(&p, mgr, ctx, id), 0);
		if (i % 100 == 0) {
			snprintf(id, sizeof(id), "tenant-%u", (k + 1) % n);
			assert_int_equal(message_open_by(&p, mgr, ctx, id),
			    CSN_E_TENANT);
		}
		message_free(&p);
	}
}

/* Threads make, use, replace and close the same few tenants. */
static void *
meddle(void *arg)
{
	unsigned me = *(unsigned *)arg, i;
	struct csn_tenant t = { .size = sizeof(t) };
	struct csn_session *s;
	struct csn_kv_item item;
	uint8_t key[32], sealed[32 + CSN_SEAL_OVERHEAD];
	char id[16];
	int rc;

	t.id = id;
	for (i = 0; i < 1500; i++) {
		snprintf(id, sizeof(id), "t%u", (i * 13 + me) % 17);
		memset(&item, 0, sizeof(item));
		item.size = sizeof(item);
		item.tenant = id;
		item.slot = slot_entry(me, i);
		item.slot.role = CSN_KV_KEY;
		item.key = key;
		item.key_len = sizeof(key);
		memset(key, (int)me, sizeof(key));
		item.sealed = sealed;
		item.sealed_len = sizeof(sealed);
		rc = csn_manager_seal(mgr, &item);
		if (rc == 0) {
			memset(key, 0, sizeof(key));
			rc = csn_manager_open(mgr, &item);
			if (rc == 0 && (key[0] != (uint8_t)me ||
			    item.key_len != sizeof(key)))
				atomic_fetch_add(&errors, 1);
			item.key_len = sizeof(key);
		}
		/* Somebody else may have closed or replaced it. */
		if (rc != 0 && rc != CSN_E_UNKNOWN_TENANT &&
		    rc != CSN_E_CLOSED && rc != CSN_E_SESSION)
			atomic_fetch_add(&errors, 1);
		if (rc != 0 || i % 50 == 7) {
			rc = csn_manager_create(mgr, &t, &s);
			if (rc == 0)
				csn_session_free(s);
			else
				atomic_fetch_add(&errors, 1);
		}
		if (i % 31 == 5 && (rc = csn_manager_close(mgr, id)) != 0 &&
		    rc != CSN_E_UNKNOWN_TENANT)
			atomic_fetch_add(&errors, 1);
		if (i % 200 == 3 && csn_session_local(ctx, &t, NULL,
		    &s) == 0) {
			if (csn_manager_adopt(mgr, s) != 0)
				atomic_fetch_add(&errors, 1);
			csn_session_free(s);
		}
		if (i % 100 == 50)
			(void)csn_manager_sweep(mgr);
		if (i % 100 == 51)
			(void)csn_manager_count(mgr);
	}
	return NULL;
}

TEST(many_threads_use_one_manager)
{
	pthread_t threads[8];
	unsigned me[8], i;

	atomic_store(&errors, 0);
	for (i = 0; i < 8; i++) {
		me[i] = i + 1;
		assert_int_equal(pthread_create(&threads[i], NULL, meddle,
		    &me[i]), 0);
	}
	for (i = 0; i < 8; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&errors), 0);
	assert_true(csn_manager_count(mgr) <= 17);
}

static atomic_int closed;

/* Closes the one tenant over and over, until it is told to end. */
static void *
keep_closing(void *arg)
{
	const atomic_int *over = arg;
	int rc;

	while (!atomic_load(over))
		if ((rc = csn_manager_close(mgr, "acme")) == 0)
			atomic_fetch_add(&closed, 1);
		else if (rc != CSN_E_UNKNOWN_TENANT)
			atomic_fetch_add(&errors, 1);
	return NULL;
}

TEST(who_makes_a_session_has_it_though_another_closes_it_at_once)
{
	const struct csn_tenant t = { .size = sizeof(t), .id = "acme" };
	const int times = getenv("CAISSON_SANITIZE") != NULL ? 2000 : 20000;
	struct csn_session *s;
	pthread_t threads[2];
	atomic_int over = 0;
	int i;

	atomic_store(&errors, 0);
	atomic_store(&closed, 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    keep_closing, &over), 0);
	while (atomic_load(&closed) < times) {
		assert_int_equal(csn_manager_create(mgr, &t, &s), 0);
		assert_string_equal(csn_session_tenant_id(s), "acme");
		csn_session_free(s);
	}
	atomic_store(&over, 1);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&errors), 0);
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
