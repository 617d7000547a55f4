/* SPDX-License-Identifier: Apache-2.0 */
/* test_kit.c - tenants' keys, nonces, and what the seal is bound to. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/vectors.h"
#include "lib/test.h"

#include <caisson/advanced.h>
#include <caisson/cachekit.h>

#include "cache/kit.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static const uint8_t plain[] = "what a cache keeps";
#define LEN sizeof(plain)
#define SEALED (LEN + CSN_CACHEKIT_OVERHEAD)

static struct csn_cachekit *
kit_of(const char *current, const char *previous, uint32_t tenants)
{
	struct csn_cachekit_options o = { .size = sizeof(o),
	    .tenants = tenants };
	struct csn_cachekit_ring *keys;
	struct csn_cachekit *kit;

	assert_int_equal(csn_cachekit_ring_hex(test_ctx, "test", current,
	    previous, 0, &keys), 0);
	assert_int_equal(csn_cachekit_new(test_ctx, keys, &o, &kit), 0);
	csn_cachekit_ring_free(keys);
	return kit;
}

static struct csn_cachekit_bind
bind_of(const char *tenant, const char *key)
{
	struct csn_cachekit_bind b = { .tenant = tenant,
	    .tenant_len = strlen(tenant), .key = key, .key_len = strlen(key),
	    .format = "msgpack", .type = "msgpack", .compressed = 1 };

	return b;
}

static int
opens(struct csn_cachekit *kit, const struct csn_cachekit_bind *bind,
    const uint8_t *print, const uint8_t *sealed, size_t len, size_t *which)
{
	static const uint8_t zero[LEN];
	uint8_t out[LEN];
	int rc;

	memset(out, 0xee, sizeof(out));
	rc = csn_cachekit_open(kit, bind, print, sealed, len, out, which);
	if (rc == 0)
		assert_memory_equal(out, plain, LEN);
	else if (len >= CSN_CACHEKIT_OVERHEAD)
		assert_memory_equal(out, zero, len - CSN_CACHEKIT_OVERHEAD);
	return rc;
}

/* Swapped between tenants, keys, formats, or anything that it is bound to. */
TEST(test_bound_to_its_place)
{
	struct csn_cachekit *kit = kit_of(A, NULL, 0);
	struct csn_cachekit_bind good = bind_of("one", "a:b:c"), b;
	uint8_t sealed[SEALED];

	assert_int_equal(csn_cachekit_seal(kit, &good, plain, LEN, sealed),
	    0);
	assert_int_equal(opens(kit, &good, NULL, sealed, SEALED, NULL), 0);
	b = bind_of("two", "a:b:c");
	assert_int_equal(opens(kit, &b, NULL, sealed, SEALED, NULL),
	    CSN_E_TAG);
	b = bind_of("one", "a:b:d");
	assert_int_equal(opens(kit, &b, NULL, sealed, SEALED, NULL),
	    CSN_E_TAG);
	/* The lengths keep fields apart. */
	b = bind_of("onea", ":b:c");
	assert_int_equal(opens(kit, &b, NULL, sealed, SEALED, NULL),
	    CSN_E_TAG);
	b = good;
	b.format = "orjson";
	assert_int_equal(opens(kit, &b, NULL, sealed, SEALED, NULL),
	    CSN_E_TAG);
	b = good;
	b.compressed = 0;
	assert_int_equal(opens(kit, &b, NULL, sealed, SEALED, NULL),
	    CSN_E_TAG);
	b = good;
	b.type = NULL;
	assert_int_equal(opens(kit, &b, NULL, sealed, SEALED, NULL),
	    CSN_E_TAG);
	csn_cachekit_free(kit);
}

TEST(test_each_bit_and_each_cut)
{
	struct csn_cachekit *kit = kit_of(A, B, 0);
	struct csn_cachekit_bind b = bind_of("one", "a:b:c");
	uint8_t sealed[SEALED];
	size_t i;

	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, sealed), 0);
	for (i = 0; i < 8 * SEALED; i++) {
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(opens(kit, &b, NULL, sealed, SEALED, NULL),
		    CSN_E_TAG);
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = 0; i < SEALED; i++)
		assert_int_equal(opens(kit, &b, NULL, sealed, i, NULL),
		    i < CSN_CACHEKIT_OVERHEAD ? CSN_E_FORM : CSN_E_TAG);
	csn_cachekit_free(kit);
}

TEST(test_arguments)
{
	struct csn_cachekit *kit = kit_of(A, NULL, 0);
	struct csn_cachekit_bind b;
	uint8_t sealed[SEALED], zero[SEALED] = { 0 };
	char *long_name;

	assert_non_null(long_name = malloc(CSN_CACHEKIT_KEY_MAX + 2));
	memset(long_name, 'x', CSN_CACHEKIT_KEY_MAX + 1);
	long_name[CSN_CACHEKIT_KEY_MAX + 1] = '\0';
	b = bind_of("", "k");
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, sealed),
	    CSN_E_ARG);
	b = bind_of("t", "");
	memset(sealed, 1, sizeof(sealed));
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, sealed),
	    CSN_E_ARG);
	assert_memory_equal(sealed, zero, SEALED);
	b = bind_of("t", long_name);
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, sealed),
	    CSN_E_ARG);
	b.key_len--;
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, sealed), 0);
	b = bind_of("t", "k");
	b.tenant = long_name;
	b.tenant_len = CSN_CACHEKIT_TENANT_MAX + 1;
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, sealed),
	    CSN_E_ARG);
	b.tenant_len--;
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, sealed), 0);
	b = bind_of("\xff", "k");
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, sealed),
	    CSN_E_ARG);
	b = bind_of("t", "k");
	b.format = "";
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, sealed),
	    CSN_E_ARG);
	free(long_name);
	csn_cachekit_free(kit);
}

/* Old keys open, in order; a fingerprint that is known is binding. */
TEST(test_rotation)
{
	struct csn_cachekit *old = kit_of(A, NULL, 0);
	struct csn_cachekit *now = kit_of(C, B "," A, 0);
	struct csn_cachekit *gone = kit_of(C, B, 0);
	struct csn_cachekit_bind b = bind_of("one", "a:b:c");
	uint8_t sealed[SEALED], prints[3][16];
	size_t i, which = 9;

	for (i = 0; i < 3; i++)
		assert_int_equal(csn_cachekit_fingerprint(now, "one", 3, i,
		    prints[i]), 0);
	assert_int_equal(csn_cachekit_fingerprint(now, "one", 3, 3,
	    prints[0]), CSN_E_ARG);
	assert_int_equal(csn_cachekit_seal(old, &b, plain, LEN, sealed), 0);
	assert_int_equal(opens(now, &b, NULL, sealed, SEALED, &which), 0);
	assert_int_equal(which, 2);
	assert_int_equal(opens(now, &b, prints[2], sealed, SEALED, &which),
	    0);
	assert_int_equal(opens(now, &b, prints[1], sealed, SEALED, &which),
	    CSN_E_TAG);
	assert_int_equal(opens(now, &b, plain, sealed, SEALED, &which), 0);
	assert_int_equal(opens(gone, &b, NULL, sealed, SEALED, &which),
	    CSN_E_TAG);
	assert_int_equal(csn_cachekit_seal(now, &b, plain, LEN, sealed), 0);
	assert_int_equal(opens(old, &b, NULL, sealed, SEALED, &which),
	    CSN_E_TAG);
	assert_int_equal(opens(now, &b, NULL, sealed, SEALED, &which), 0);
	assert_int_equal(which, 0);
	csn_cachekit_free(old);
	csn_cachekit_free(now);
	csn_cachekit_free(gone);
}

TEST(test_domains_differ)
{
	struct csn_cachekit *kit = kit_of(A, NULL, 0);
	uint8_t key[4][CSN_KEY_SIZE];
	int i, j;

	for (i = 1; i <= 3; i++)
		assert_int_equal(csn_cachekit_derive(kit, "t", 1, i, key[i]),
		    0);
	assert_int_equal(csn_cachekit_derive(kit, "u", 1, 1, key[0]), 0);
	for (i = 0; i < 4; i++)
		for (j = 0; j < i; j++)
			assert_memory_not_equal(key[i], key[j], CSN_KEY_SIZE);
	assert_int_equal(csn_cachekit_derive(kit, "t", 1, 4, key[0]),
	    CSN_E_ARG);
	assert_int_equal(csn_cachekit_derive(kit, "t", 0, 1, key[0]),
	    CSN_E_ARG);
	csn_cachekit_free(kit);
}

/* --- nonces ----------------------------------------------------------- */

TEST(test_nonces_count_up_and_end)
{
	struct csn_cachekit *kit = kit_of(A, NULL, 0);
	struct csn_cachekit_bind b = bind_of("one", "k");
	uint8_t first[SEALED], next[SEALED];
	struct csn_kit_tenant *t;

	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, first), 0);
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, next), 0);
	assert_memory_equal(first + 8, "\0\0\0\0", 4);
	assert_memory_equal(next + 8, "\0\0\0\1", 4);
	assert_memory_equal(first, next, 8);

	assert_int_equal(csn_kit_hold(kit, "one", 3, &t), 0);
	atomic_store(&t->messages, CSN_KIT_MESSAGES - 1);
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, next), 0);
	assert_memory_equal(next + 8, "\xff\xff\xff\xff", 4);
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, next),
	    CSN_E_LIMIT);
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, next),
	    CSN_E_LIMIT);
	/* It still opens, and other tenants are not concerned. */
	assert_int_equal(opens(kit, &b, NULL, first, SEALED, NULL), 0);
	b = bind_of("two", "k");
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, next), 0);
	csn_kit_release(kit, t);

	assert_int_equal(csn_kit_hold(kit, "two", 3, &t), 0);
	atomic_store(&t->blocks, CSN_KIT_BLOCKS - 3);
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, next),
	    CSN_E_LIMIT);
	csn_kit_release(kit, t);
	csn_cachekit_free(kit);
}

/* A tenant that was evicted comes back under another prefix. */
TEST(test_eviction)
{
	struct csn_cachekit *kit = kit_of(A, NULL, 2);
	struct csn_cachekit_bind b = bind_of("one", "k");
	uint8_t first[SEALED], next[SEALED];
	struct csn_kit_tenant *t;
	uint32_t before, used, lanes;
	char name[8] = "t0";
	int i;

	csn_keyring_stat(test_ctx, &before, &lanes);
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, first), 0);
	/* Held over its eviction, its keys live until it is let go. */
	assert_int_equal(csn_kit_hold(kit, "one", 3, &t), 0);
	for (i = 0; i < 4; i++) {
		struct csn_cachekit_bind other = bind_of(name, "k");

		name[1] = (char)('0' + i);
		assert_int_equal(csn_cachekit_seal(kit, &other, plain, LEN,
		    next), 0);
	}
	assert_int_equal(atomic_load(&t->held.refs), 1);
	csn_keyring_stat(test_ctx, &used, &lanes);
	assert_int_equal(used, before + 3);
	csn_kit_release(kit, t);
	/* Its expanded key went with it. */
	csn_keyring_stat(test_ctx, &used, &lanes);
	assert_int_equal(used, before + 2);
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, next), 0);
	assert_memory_not_equal(first, next, 8);
	assert_memory_equal(next + 8, "\0\0\0\0", 4);
	assert_int_equal(opens(kit, &b, NULL, first, SEALED, NULL), 0);
	csn_cachekit_free(kit);
}

TEST(test_a_child_takes_its_own_prefix)
{
	struct csn_cachekit *kit = kit_of(A, NULL, 0);
	struct csn_cachekit_bind b = bind_of("one", "k");
	uint8_t first[SEALED], next[SEALED];
	int status;
	pid_t child;

	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, first), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (csn_cachekit_seal(kit, &b, plain, LEN, next) !=
		    CSN_E_FORK)
			_exit(1);
		if (csn_cachekit_after_fork(kit) != 0 ||
		    csn_cachekit_seal(kit, &b, plain, LEN, next) != 0)
			_exit(2);
		_exit(memcmp(first, next, 8) == 0 ? 3 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	/* The parent goes on as if nothing had been. */
	assert_int_equal(csn_cachekit_after_fork(kit), 0);
	assert_int_equal(csn_cachekit_seal(kit, &b, plain, LEN, next), 0);
	assert_memory_equal(first, next, 8);
	csn_cachekit_free(kit);
}

/* --- threads ---------------------------------------------------------- */

#define THREADS 4
#define EACH 2000

struct worker {
	struct csn_cachekit *kit;
	uint8_t *nonces;
	int number;
	int bad;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	char tenant[8];
	struct csn_cachekit_bind b;
	struct csn_cachekit_entry e = { .size = sizeof(e),
	    .shape = CSN_CACHEKIT_AUTO_MSGPACK, .key = "k", .key_len = 1,
	    .tenant = tenant };
	struct csn_cache_buffer stored = { 0 }, value = { 0 };
	uint8_t sealed[SEALED], out[LEN];
	int i;

	for (i = 0; i < EACH; i++) {
		snprintf(tenant, sizeof(tenant), "t%d", i % 20);
		b = bind_of(tenant, "k");
		if (csn_cachekit_seal(w->kit, &b, plain, LEN, sealed) != 0 ||
		    csn_cachekit_open(w->kit, &b, NULL, sealed, SEALED, out,
		    NULL) != 0 || memcmp(out, plain, LEN) != 0)
			w->bad++;
		memcpy(w->nonces + 12 * i, sealed, 12);
		e.tenant_len = strlen(tenant);
		if (i % 4 == 0 && (csn_cachekit_pack(test_ctx, w->kit, &e,
		    plain, LEN, &stored) != 0 || csn_cachekit_unpack(test_ctx,
		    w->kit, &e, stored.p, stored.len, &value, NULL) != 0 ||
		    value.len != LEN || memcmp(value.p, plain, LEN) != 0))
			w->bad++;
	}
	csn_cache_buffer_free(&stored);
	csn_cache_buffer_free(&value);
	return NULL;
}

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 12);
}

/* More tenants than places, from many threads: no nonce comes twice. */
TEST(test_threads_share_a_kit)
{
	struct csn_cachekit *kit = kit_of(A, B, 8);
	struct worker w[THREADS];
	pthread_t threads[THREADS];
	uint8_t *nonces;
	int i;

	assert_non_null(nonces = malloc(12 * EACH * THREADS));
	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ kit, nonces + 12 * EACH * i, i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, work,
		    &w[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(w[i].bad, 0);
	}
	qsort(nonces, EACH * THREADS, 12, by_bytes);
	for (i = 1; i < EACH * THREADS; i++)
		assert_memory_not_equal(nonces + 12 * i,
		    nonces + 12 * (i - 1), 12);
	free(nonces);
	csn_cachekit_free(kit);
}

BEFORE_ALL { test_ctx_start(); }
AFTER_ALL { test_ctx_end(); }
