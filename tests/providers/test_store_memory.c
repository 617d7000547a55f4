/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_memory.c - limits, shares, eviction and economy in RAM. */
#include <pthread.h>

#include <caisson/store.h>

#include "lib/test.h"

#define U(s) ((const uint8_t *)(s)), strlen(s)
#define MIB ((size_t)1 << 20)

static struct csn_ctx *ctx;

BEFORE_ALL { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }
AFTER_ALL { csn_ctx_free(ctx); }

static struct csn_store *
open_store(const char *url)
{
	struct csn_store *store;

	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	return store;
}

static int
put_n(struct csn_store *store, const char *space, uint32_t n, size_t len)
{
	struct csn_store_buf buf;
	uint8_t key[24] = { 0 };
	int rc;

	memcpy(key, &n, sizeof(n));
	if ((rc = csn_store_reserve(store, U(space), len, &buf)) != 0)
		return rc;
	memset(buf.p, (int)(n & 0xff), len);
	return csn_store_commit(store, U(space), key, sizeof(key), &buf);
}

static int
has_n(struct csn_store *store, const char *space, uint32_t n)
{
	struct csn_store_buf buf;
	uint8_t key[24] = { 0 };
	size_t i;

	memcpy(key, &n, sizeof(n));
	if (csn_store_borrow(store, U(space), key, sizeof(key), &buf) != 0)
		return 0;
	for (i = 0; i < buf.len; i++)
		assert_int_equal(buf.p[i], n & 0xff);
	csn_store_release(store, &buf);
	return 1;
}

static struct csn_store_stat
stat_of(struct csn_store *store, const char *space)
{
	struct csn_store_stat st = { .size = sizeof(st) };

	assert_int_equal(csn_store_stat(store, (const uint8_t *)space,
	    space == NULL ? 0 : strlen(space), &st), 0);
	return st;
}

TEST(options_are_checked_with_clear_sentences)
{
	static const char *const bad[][2] = {
		{ "memory:/tmp", "path" },
		{ "memory:?bytes=", "bytes" },
		{ "memory:?bytes=12Q", "bytes" },
		{ "memory:?bytes=100", "bytes" },
		{ "memory:?bytes=99999999999999999999", "bytes" },
		{ "memory:?bytes=18014398509481984K", "bytes" },
		{ "memory:?bytes=5T", "bytes" },
		{ "memory:?bytes=-1", "bytes" },
		{ "memory:?bytes=2M&share=0.0", "share" },
		{ "memory:?bytes=2M&share=1.5", "share" },
		{ "memory:?bytes=2M&share=3M", "share" },
		{ "memory:?bytes=2M&share=0..1", "share" },
		{ "memory:?bytes=2M&share=", "share" },
		{ "memory:?bytes=2M&share=18446744073710.0", "share" },
		{ "memory:?slab=3M", "slab" },
		{ "memory:?slab=64M", "slab" },
		{ "memory:?slab=4M&bytes=2M", "slab" },
		{ "memory:?colour=red", "colour" },
		{ "memory:?bytes", "name=value" },
		{ "memory:?&", "name=value" },
	};
	struct csn_store *store = NULL;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(csn_store_open(ctx, bad[i][0], &store),
		    CSN_E_ARG);
		assert_non_null(strstr(csn_message(), bad[i][1]));
		assert_null(store);
	}
	store = open_store("memory:?bytes=4M&share=0.25&slab=256K");
	assert_int_equal(stat_of(store, NULL).limit, 4 * MIB);
	assert_int_equal(stat_of(store, "acme").limit, MIB);
	csn_store_close(store);
	store = open_store("memory:?bytes=8192K&share=1.0");
	assert_int_equal(stat_of(store, "acme").limit, 8 * MIB);
	csn_store_close(store);
	store = open_store("memory:?share=2M");
	assert_int_equal(stat_of(store, "acme").limit, 2 * MIB);
	csn_store_close(store);
}

TEST(least_recently_used_goes_first)
{
	struct csn_store *store = open_store("memory:?bytes=4M");
	uint32_t i, n;

	/* 900 KB each: four fit. */
	for (i = 0; i < 4; i++)
		assert_int_equal(put_n(store, "acme", i, 900000), 0);
	assert_int_equal(stat_of(store, NULL).evictions, 0);
	assert_true(has_n(store, "acme", 0));
	assert_int_equal(put_n(store, "acme", 4, 900000), 0);
	assert_true(has_n(store, "acme", 0));
	assert_false(has_n(store, "acme", 1));
	assert_true(has_n(store, "acme", 2));
	assert_int_equal(stat_of(store, NULL).evictions, 1);
	csn_store_close(store);

	/* And among many small ones: what is read stays. */
	store = open_store("memory:?bytes=4M");
	for (i = 0; i < 40000; i++) {
		assert_int_equal(put_n(store, "acme", i, 144), 0);
		if (i % 100 == 0)
			assert_true(has_n(store, "acme", 7 < i ? 7 : 0));
	}
	assert_true(stat_of(store, NULL).evictions > 20000);
	assert_true(has_n(store, "acme", 7));
	assert_false(has_n(store, "acme", 8));
	for (i = n = 0; i < 1000; i++)
		n += (uint32_t)has_n(store, "acme", 39999 - i);
	assert_int_equal(n, 1000);
	csn_store_close(store);
}

TEST(limit_holds_while_sizes_change)
{
	static const size_t lens[] = { 144, 4240, 100, 70000, 144, 20000,
	    MIB, 144, 500000, 1000 };
	struct csn_store *store = open_store("memory:?bytes=8M");
	struct csn_store_stat st;
	uint32_t n = 0;
	size_t i, put, k;

	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		/* Three times the store in values of that size. */
		for (put = 0; put < 24 * MIB; put += lens[i] + 200) {
			assert_int_equal(put_n(store, "acme", n++, lens[i]),
			    0);
			assert_true(has_n(store, "acme", n - 1));
		}
		st = stat_of(store, NULL);
		assert_true(st.memory < 8 * MIB + 4 * MIB);
		/* And the store is well used by the new size. */
		k = 6 * MIB / (lens[i] + 300);
		assert_true(st.entries >= k * 3 / 4);
	}
	assert_int_equal(csn_store_drop(store, U("acme")), 0);
	assert_int_equal(stat_of(store, NULL).entries, 0);
	csn_store_close(store);
}

TEST(random_sizes_fill_the_store)
{
	struct csn_store *store = open_store("memory:?bytes=32M");
	struct csn_store_stat st;
	uint32_t r = 1, n;
	size_t len;

	for (n = 0; n < 30000; n++) {
		r = r * 1664525u + 1013904223u;
		len = (size_t)1 << (6 + (r >> 24) % 13);
		len += (r >> 8) % len;
		assert_int_equal(put_n(store, "acme", n, len), 0);
	}
	st = stat_of(store, NULL);
	print_message("# %llu of 32 MiB are values\n",
	    (unsigned long long)st.bytes >> 20);
	assert_true(st.bytes > 20 * MIB);
	assert_true(st.evictions > 1000);
	csn_store_close(store);
}

TEST(share_bounds_one_tenant)
{
	struct csn_store *store = open_store("memory:?bytes=16M&share=0.25");
	struct csn_store_stat st;
	uint32_t i;

	for (i = 0; i < 100; i++)
		assert_int_equal(put_n(store, "quiet", i, 4240), 0);
	for (i = 0; i < 10000; i++)
		assert_int_equal(put_n(store, "loud", i, 4240), 0);
	st = stat_of(store, "loud");
	assert_true(st.memory <= 4 * MIB);
	assert_true(st.memory > 3 * MIB);
	assert_true(st.evictions > 8000);
	assert_int_equal(st.puts, 10000);
	/* Its neighbour lost nothing. */
	for (i = 0; i < 100; i++)
		assert_true(has_n(store, "quiet", i));
	assert_int_equal(stat_of(store, "quiet").evictions, 0);
	/* A loud tenant keeps what it reads, too. */
	for (i = 10000; i < 13000; i++) {
		assert_int_equal(put_n(store, "loud", i, 4240), 0);
		assert_true(has_n(store, "loud", 10000));
	}
	assert_int_equal(put_n(store, "loud", 1, 5 * MIB), CSN_E_QUOTA);
	assert_non_null(strstr(csn_message(), "share"));
	assert_int_equal(put_n(store, "loud", 1, 17 * MIB), CSN_E_QUOTA);
	assert_non_null(strstr(csn_message(), "limit"));
	csn_store_close(store);
}

TEST(everything_borrowed_is_a_clean_refusal)
{
	struct csn_store *store = open_store("memory:?bytes=4M");
	struct csn_store_buf held[8];
	uint32_t i, n;

	for (n = 0; n < 8; n++) {
		if (csn_store_reserve(store, U("acme"), 900000,
		    &held[n]) != 0)
			break;
	}
	assert_int_equal(n, 4);
	assert_int_equal(csn_message_code(), CSN_E_QUOTA);
	assert_non_null(strstr(csn_message(), "evicted"));
	csn_store_abort(store, &held[0]);
	assert_int_equal(put_n(store, "acme", 1, 900000), 0);
	/* What is borrowed is not evicted, only the rest is. */
	assert_true(has_n(store, "acme", 1));
	for (i = 1; i < n; i++)
		csn_store_abort(store, &held[i]);
	assert_int_equal(put_n(store, "acme", 2, 900000), 0);
	assert_true(has_n(store, "acme", 1));
	csn_store_close(store);
}

struct told {
	struct csn_store *store;
	size_t n;
	uint32_t last;
};

/* Called with no lock held: it may use the store. */
static void
on_evicted(void *arg, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	struct told *told = arg;
	uint8_t p[1];
	size_t len = 0;

	assert_int_equal(space_len, 4);
	assert_memory_equal(space, "acme", 4);
	assert_int_equal(key_len, 24);
	memcpy(&told->last, key, sizeof(told->last));
	assert_int_equal(csn_store_get(told->store, space, space_len, key,
	    key_len, p, &len), CSN_E_NOT_FOUND);
	told->n++;
}

TEST(evictions_are_told)
{
	struct csn_store *store = open_store("memory:?bytes=4M");
	struct told told = { .store = store }, other = { .store = store };
	uint32_t i;

	assert_int_equal(csn_store_on_evict(store, on_evicted, &told), 0);
	for (i = 0; i < 10; i++)
		assert_int_equal(put_n(store, "acme", i, 900000), 0);
	assert_int_equal(told.n, 6);
	assert_int_equal(told.last, 5);
	assert_int_equal(told.n, stat_of(store, NULL).evictions);
	/* A second one is told beside the first, until it is taken off. */
	assert_int_equal(csn_store_on_evict(store, on_evicted, &other), 0);
	assert_int_equal(put_n(store, "acme", 10, 900000), 0);
	assert_int_equal(told.n, 7);
	assert_int_equal(other.n, 1);
	csn_store_off_evict(store, on_evicted, &other);
	csn_store_off_evict(store, on_evicted, &other);
	assert_int_equal(put_n(store, "acme", 11, 900000), 0);
	assert_int_equal(told.n, 8);
	assert_int_equal(other.n, 1);
	/* Removing and dropping are the caller's doing, not evictions. */
	assert_int_equal(csn_store_drop(store, U("acme")), 0);
	assert_int_equal(told.n, 8);
	csn_store_close(store);
}

/* Nobody asks for them again, and still their memory comes back. */
TEST(ended_values_are_reclaimed)
{
	struct csn_ctx_options options = {
		.size = sizeof(options),
		.clock = &test_clock,
	};
	struct csn_store_stat st = { .size = sizeof(st) };
	struct csn_store *store;
	uint8_t p[100] = { 0 };
	struct csn_ctx *own;
	uint64_t left;
	uint32_t i;

	test_ms = 1000;
	assert_int_equal(csn_ctx_new(&options, &own), 0);
	assert_int_equal(csn_store_open(own, "memory:", &store), 0);
	assert_int_equal(csn_store_abilities(store),
	    CSN_STORE_TTL | CSN_STORE_LOCK);
	for (i = 0; i < 20000; i++) {
		assert_int_equal(csn_store_put_for(store, U("acme"),
		    (const uint8_t *)&i, 4, p, sizeof(p), 500 + i % 7), 0);
	}
	i = 6;
	test_ms = 1505;
	assert_int_equal(csn_store_ttl(store, U("acme"), (const uint8_t *)&i,
	    4, &left), 0);
	assert_int_equal(left, 1);
	test_ms = 1506;
	assert_int_equal(csn_store_ttl(store, U("acme"), (const uint8_t *)&i,
	    4, &left), CSN_E_NOT_FOUND);
	for (i = 100000; i < 160000; i++) {
		assert_int_equal(csn_store_put_for(store, U("acme"),
		    (const uint8_t *)&i, 4, p, sizeof(p), 1), 0);
		test_ms++;
	}
	assert_int_equal(csn_store_stat(store, NULL, 0, &st), 0);
	assert_true(st.entries < 30000);
	assert_int_equal(st.evictions, 0);
	/* The end of time does not overflow. */
	assert_int_equal(csn_store_put_for(store, U("acme"), U("k"), p, 1,
	    UINT64_MAX), 0);
	assert_int_equal(csn_store_ttl(store, U("acme"), U("k"), &left), 0);
	csn_store_close(store);
	csn_ctx_free(own);
}

TEST(dropped_memory_is_overwritten)
{
	static const size_t lens[] = { 144, 4240, 100000 };
	struct csn_store *store = open_store("memory:?bytes=16M");
	struct csn_store_buf buf, held;
	const uint8_t *where;
	size_t i, k;

	for (i = 0; i < 3; i++) {
		/* A neighbour in the slab keeps the slab where it is. */
		assert_int_equal(csn_store_reserve(store, U("other"), lens[i],
		    &held), 0);
		assert_int_equal(csn_store_reserve(store, U("acme"), lens[i],
		    &buf), 0);
		where = buf.p;
		memset(buf.p, 0xa5, lens[i]);
		assert_int_equal(csn_store_commit(store, U("acme"), U("k"),
		    &buf), 0);
		assert_int_equal(csn_store_drop(store, U("acme")), 0);
		for (k = 0; k < lens[i]; k++)
			assert_int_not_equal(where[k], 0xa5);
		csn_store_abort(store, &held);
	}
	csn_store_close(store);
}

/* What an entry costs beyond its value and its key of 24 bytes. */
TEST(overhead_is_small)
{
	static const struct { size_t len, n, most; } sizes[] = {
		{ 144, 100000, 130 },
		{ 1024 + 144, 40000, 200 },
		{ 4096 + 144, 10000, 400 },
		{ 16384 + 144, 4000, 1300 },
		{ 65536 + 144, 1000, 4300 },
		{ 2 * MIB + 144, 40, 4300 },
	};
	struct csn_store *store;
	struct csn_store_stat st;
	uint64_t empty, over;
	uint32_t k;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		store = open_store("memory:?bytes=512M");
		empty = stat_of(store, NULL).memory;
		for (k = 0; k < sizes[i].n; k++)
			assert_int_equal(put_n(store, "acme", k,
			    sizes[i].len), 0);
		st = stat_of(store, NULL);
		assert_int_equal(st.entries, sizes[i].n);
		/* A slab that is just begun is no entry's cost. */
		over = (st.memory - empty - st.bytes) / sizes[i].n;
		print_message("# %zu-byte values: %llu bytes over each\n",
		    sizes[i].len, (unsigned long long)over);
		assert_true(over <= sizes[i].most + 2 * MIB / sizes[i].n);
		csn_store_close(store);
	}
}

#define THREADS 4

struct worker {
	struct csn_store *store;
	uint32_t from;
	size_t wrong;
};

/* Writers of many sizes at the limit: evicting, all at once. */
static void *
churn(void *arg)
{
	static const char *const spaces[] = { "a", "b", "c", "d", "e" };
	struct worker *w = arg;
	struct csn_store_buf buf;
	uint8_t key[24] = { 0 };
	uint32_t i, n, r = w->from + 1;
	const char *space;
	size_t len, k;

	for (i = 0; i < 6000; i++) {
		r = r * 1664525u + 1013904223u;
		space = spaces[(r >> 9) % 5];
		n = (r >> 12) % 5000;
		memcpy(key, &n, sizeof(n));
		if (r % 3 == 0) {
			if (csn_store_borrow(w->store, U(space), key,
			    sizeof(key), &buf) != 0)
				continue;
			for (k = 0; k < buf.len; k += 61)
				w->wrong += buf.p[k] != (n & 0xff);
			csn_store_release(w->store, &buf);
			continue;
		}
		if (r % 701 == 1) {
			w->wrong += csn_store_drop(w->store, U(space)) != 0;
			continue;
		}
		len = (r >> 8) % 17 == 0 ? 150000 : 50 + (r >> 4) % 6000;
		w->wrong += put_n(w->store, space, n, len) != 0;
	}
	return NULL;
}

TEST(threads_evict_at_once)
{
	struct csn_store *store = open_store("memory:?bytes=8M&share=0.5");
	struct worker w[THREADS];
	pthread_t threads[THREADS];
	struct csn_store_stat st;
	size_t i;

	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ store, (uint32_t)i * 1000, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, churn,
		    &w[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(w[i].wrong, 0);
	}
	st = stat_of(store, NULL);
	assert_true(st.evictions > 100);
	assert_true(st.bytes <= 8 * MIB);
	csn_store_close(store);
}

TEST(many_spaces_are_ordinary)
{
	struct csn_store *store = open_store("memory:?bytes=256M");
	struct csn_store_stat st;
	char space[32];
	uint64_t empty;
	uint32_t i;

	empty = stat_of(store, NULL).memory;
	for (i = 0; i < 20000; i++) {
		snprintf(space, sizeof(space), "tenant-%u", i);
		assert_int_equal(put_n(store, space, i, 144), 0);
	}
	st = stat_of(store, NULL);
	assert_int_equal(st.entries, 20000);
	assert_true((st.memory - empty) / 20000 < 1000);
	for (i = 0; i < 20000; i++) {
		snprintf(space, sizeof(space), "tenant-%u", i);
		assert_true(has_n(store, space, i));
		assert_int_equal(csn_store_drop(store, U(space)), 0);
	}
	st = stat_of(store, NULL);
	assert_int_equal(st.entries, 0);
	csn_store_close(store);
}
