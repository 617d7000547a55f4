/* SPDX-License-Identifier: Apache-2.0 */
/* test_l1.c - the level in memory: bounded, in order, and never behind. */
#include <pthread.h>

#include "cache/l1.h"
#include "cache/cache_fixture.h"
#include "lib/test.h"

static struct csn_ctx *ctx;

static struct csn_l1_name
name_of(const struct csn_l1 *l1, const char *tenant, const char *key)
{
	struct csn_l1_name n = { .tenant = tenant, .key = key,
	    .tenant_len = (uint32_t)strlen(tenant),
	    .key_len = (uint32_t)strlen(key) };

	n.hash = csn_l1_hash(l1, &n);
	return n;
}

static void
put(struct csn_l1 *l1, const struct csn_l1_name *n, size_t len, uint8_t fill)
{
	struct csn_l1_entry *e = csn_l1_entry_new(n, len);

	assert_non_null(e);
	memset(e->bytes, fill, len);
	e->len = len;
	(void)csn_l1_end(l1, n, csn_l1_begin(l1, n), e);
	csn_l1_unpin(e);
}

/* The first byte of what is there, or -1. */
static int
look(struct csn_l1 *l1, const struct csn_l1_name *n)
{
	uint64_t left;
	struct csn_l1_entry *e = csn_l1_find(l1, n, &left);
	int byte = e != NULL ? e->bytes[0] : -1;

	csn_l1_unpin(e);
	return byte;
}

TEST(names_are_compared_whole)
{
	struct csn_l1_name a, b;
	struct csn_l1 *l1;

	assert_int_equal(csn_l1_new(ctx, 1 << 20, 1, &l1), 0);
	a = name_of(l1, "ab", "c");
	b = name_of(l1, "a", "bc");
	put(l1, &a, 1, 1);
	assert_int_equal(look(l1, &b), -1);
	b.hash = a.hash;	/* as if they collided */
	assert_int_equal(look(l1, &b), -1);
	put(l1, &b, 1, 2);
	assert_int_equal(look(l1, &a), 1);
	assert_int_equal(look(l1, &b), 2);
	csn_l1_free(l1);
	csn_l1_free(NULL);
}

TEST(the_least_recently_used_goes_first)
{
	struct csn_l1_name n[10];
	struct csn_l1_stat st;
	struct csn_l1 *l1;
	char keys[10][8];
	int i;

	assert_int_equal(csn_l1_new(ctx, 10 * 1150, 1, &l1), 0);
	for (i = 0; i < 10; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%d", i);
		n[i] = name_of(l1, "t", keys[i]);
		if (i < 9)
			put(l1, &n[i], 1024, (uint8_t)i);
	}
	assert_int_equal(look(l1, &n[0]), 0);	/* used: the newest now */
	put(l1, &n[9], 2048, 9);
	assert_int_equal(look(l1, &n[1]), -1);
	assert_int_equal(look(l1, &n[0]), 0);
	assert_int_equal(look(l1, &n[9]), 9);
	csn_l1_stat(l1, &st);
	assert_in_range(st.bytes, 1, 10 * 1150);
	assert_int_equal(st.evictions, 1);
	/* What is larger than all of it is not kept, and evicts nothing. */
	put(l1, &n[2], 20000, 2);
	assert_int_equal(look(l1, &n[2]), -1);
	csn_l1_stat(l1, &st);
	assert_int_equal(st.evictions, 1);
	csn_l1_free(l1);
}

TEST(the_limit_is_of_all_shards_together)
{
	struct csn_l1_stat st;
	struct csn_l1_name n;
	struct csn_l1 *l1;
	char key[16];
	int i;

	assert_int_equal(csn_l1_new(ctx, 64 << 10, 64, &l1), 0);
	/* More than a 64th each: a shard may take it all. */
	for (i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		n = name_of(l1, "t", key);
		put(l1, &n, 5000 + (size_t)i % 3000, 1);
		assert_int_equal(look(l1, &n), 1);
		csn_l1_stat(l1, &st);
		assert_in_range(st.bytes, 1, 64 << 10);
	}
	csn_l1_stat(l1, &st);
	assert_in_range(st.entries, 8, 12);
	assert_int_equal(csn_l1_clear(l1, NULL, NULL), st.entries);
	csn_l1_stat(l1, &st);
	assert_int_equal(st.bytes, 0);
	csn_l1_free(l1);
}

TEST(a_pinned_entry_stays_whole)
{
	struct csn_l1_entry *e;
	struct csn_l1_name n;
	struct csn_l1 *l1;
	uint64_t left;
	size_t i;

	assert_int_equal(csn_l1_new(ctx, 1 << 20, 4, &l1), 0);
	n = name_of(l1, "t", "k");
	put(l1, &n, 1000, 7);
	assert_non_null(e = csn_l1_find(l1, &n, &left));
	put(l1, &n, 1000, 8);
	csn_l1_forget(l1, e);	/* is not in its place any more */
	assert_int_equal(look(l1, &n), 8);
	(void)csn_l1_clear(l1, NULL, NULL);
	for (i = 0; i < 1000; i++)
		assert_int_equal(e->bytes[i], 7);
	csn_l1_unpin(e);
	csn_l1_free(l1);
}

TEST(a_copy_from_the_store_is_never_behind)
{
	struct csn_l1_entry *old;
	struct csn_l1_name n;
	struct csn_l1 *l1;
	uint32_t read, first, second;

	assert_int_equal(csn_l1_new(ctx, 1 << 20, 4, &l1), 0);
	n = name_of(l1, "t", "k");
	assert_non_null(old = csn_l1_entry_new(&n, 1));
	old->bytes[0] = 1;
	old->len = 1;
	/* Read before a change began, kept after: not kept. */
	read = csn_l1_ticket(l1, &n);
	put(l1, &n, 1, 2);
	assert_int_equal(csn_l1_fill(l1, &n, read, old), 0);
	assert_int_equal(look(l1, &n), 2);
	/* Read while it was under way: not kept when it is over. */
	first = csn_l1_begin(l1, &n);
	read = csn_l1_ticket(l1, &n);
	assert_int_equal(csn_l1_end(l1, &n, first, NULL), 1);
	assert_int_equal(csn_l1_fill(l1, &n, read, old), 0);
	assert_int_equal(look(l1, &n), -1);
	/* Two changes at once: nobody knows whose the store has. */
	first = csn_l1_begin(l1, &n);
	second = csn_l1_begin(l1, &n);
	(void)csn_l1_end(l1, &n, second, old);
	(void)csn_l1_end(l1, &n, first, old);
	assert_int_equal(look(l1, &n), -1);
	/* Nothing in between: kept. */
	read = csn_l1_ticket(l1, &n);
	assert_int_equal(csn_l1_fill(l1, &n, read, old), 1);
	assert_int_equal(look(l1, &n), 1);
	/* Cleared while it was read: not kept. */
	read = csn_l1_ticket(l1, &n);
	assert_int_equal(csn_l1_clear(l1, NULL, NULL), 1);
	assert_int_equal(csn_l1_fill(l1, &n, read, old), 0);
	csn_l1_unpin(old);
	csn_l1_free(l1);
}

struct hammer {
	struct csn_l1 *l1;
	unsigned seed;
	int wrong;
};

static void *
hammer(void *arg)
{
	struct hammer *h = arg;
	struct csn_l1_entry *e;
	struct csn_l1_name n;
	char key[16];
	unsigned i, k;
	uint64_t left;
	size_t len;

	for (i = 0; i < 20000; i++) {
		h->seed = h->seed * 1103515245 + 12345;
		k = h->seed >> 16 & 127;
		snprintf(key, sizeof(key), "k%u", k);
		n = name_of(h->l1, "t", key);
		if ((h->seed >> 8 & 3) == 0) {
			len = 100 + k * 20;
			if ((e = csn_l1_entry_new(&n, len)) == NULL)
				continue;
			memset(e->bytes, (int)k, len);
			e->len = len;
			(void)csn_l1_end(h->l1, &n, csn_l1_begin(h->l1, &n),
			    e);
		} else if ((e = csn_l1_find(h->l1, &n,
		    &left)) != NULL) {
			h->wrong |= e->len != 100 + k * 20 ||
			    e->bytes[0] != k || e->bytes[e->len - 1] != k;
			if ((h->seed >> 8 & 31) == 1)
				csn_l1_forget(h->l1, e);
		}
		csn_l1_unpin(e);
		if (i % 5000 == 0)
			(void)csn_l1_clear(h->l1, NULL, NULL);
	}
	return NULL;
}

TEST(many_threads_at_once)
{
	struct hammer h[8];
	pthread_t threads[8];
	struct csn_l1_stat st;
	struct csn_l1 *l1;
	unsigned i;

	assert_int_equal(csn_l1_new(ctx, 64 << 10, 8, &l1), 0);
	for (i = 0; i < 8; i++) {
		h[i] = (struct hammer){ .l1 = l1, .seed = i };
		assert_int_equal(pthread_create(&threads[i], NULL, hammer,
		    &h[i]), 0);
	}
	for (i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(h[i].wrong, 0);
	}
	csn_l1_stat(l1, &st);
	assert_in_range(st.bytes, 0, 64 << 10);
	(void)csn_l1_clear(l1, NULL, NULL);
	csn_l1_stat(l1, &st);
	assert_int_equal(st.bytes, 0);
	csn_l1_free(l1);
}

BEFORE_ALL { ctx = cache_ctx(); }
AFTER_ALL { csn_ctx_free(ctx); }
