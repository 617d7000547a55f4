/* SPDX-License-Identifier: Apache-2.0 */
/* test_stampede.c - of many who want one value, one computes it. */
#include <pthread.h>
#include <time.h>

#include "cache/cache_fixture.h"
#include "lib/test.h"

#define MANY 1000

static struct cache_fixture l;

struct asker {
	struct csn_cache *cache;
	struct computation *computation;
	pthread_barrier_t *start;
	int rc;
};

static void *
ask(void *arg)
{
	struct asker *a = arg;

	pthread_barrier_wait(a->start);
	a->rc = cache_compute(a->cache, "cold", a->computation);
	return NULL;
}

/* n threads at once, turn by turn over the caches; all must get rc. */
static void
stampede(struct csn_cache **caches, size_t ncaches, size_t n,
    struct computation *computation, int rc)
{
	struct asker *askers = calloc(n, sizeof(*askers));
	pthread_t *threads = calloc(n, sizeof(*threads));
	pthread_barrier_t start;
	pthread_attr_t attr;
	size_t i;

	assert_true(askers != NULL && threads != NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 << 10);
	pthread_barrier_init(&start, NULL, (unsigned)n);
	for (i = 0; i < n; i++) {
		askers[i].cache = caches[i % ncaches];
		askers[i].computation = computation;
		askers[i].start = &start;
		if (pthread_create(&threads[i], &attr, ask, &askers[i]) != 0)
			fail_msg("thread %zu does not start", i);
	}
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(askers[i].rc, rc);
	}
	pthread_barrier_destroy(&start);
	pthread_attr_destroy(&attr);
	free(askers);
	free(threads);
}

TEST(a_thousand_threads_make_one_computation)
{
	struct computation r = { .text = "computed once", .ms = 50 };
	struct csn_cache_stat st;

	cache_start(&l, "memory:?bytes=64M", NULL);
	stampede(&l.cache, 1, MANY, &r, 0);
	assert_int_equal(r.made, 1);
	st = cache_stat(l.cache);
	assert_int_equal(st.computes, 1);
	assert_int_equal(st.flight_timeouts, 0);
	cache_end(&l);
}

static void
no_l1(struct csn_cache_options *c)
{
	c->flags |= CSN_CACHE_NO_L1;
}

TEST(they_share_the_result_also_where_nothing_keeps_it)
{
	struct computation r = { .text = "kept nowhere", .ms = 300 };

	faulty_reset();
	faulty.dead = 1;
	cache_start(&l, "faulty:", no_l1);
	stampede(&l.cache, 1, 100, &r, 0);
	/* Those who came after it landed compute again: nothing keeps it. */
	assert_in_range(r.made, 1, 20);
	cache_end(&l);
}

TEST(a_failure_is_shared_too)
{
	struct computation r = { .text = "", .rc = CSN_E_IO, .ms = 200 };

	cache_start(&l, "memory:?bytes=64M", NULL);
	stampede(&l.cache, 1, 100, &r, CSN_E_IO);
	assert_in_range(r.made, 1, 20);
	cache_end(&l);
}

TEST(processes_share_a_lock)
{
	struct computation r = { .text = "computed once", .ms = 100 };
	struct csn_cache *caches[4];
	uint64_t waits = 0;
	int i;

	cache_start(&l, "memory:?bytes=64M", NULL);
	caches[0] = l.cache;
	for (i = 1; i < 4; i++)
		caches[i] = cache_second(&l, NULL);
	stampede(caches, 4, 100, &r, 0);
	assert_int_equal(r.made, 1);
	for (i = 0; i < 4; i++)
		waits += cache_stat(caches[i]).lock_waits;
	/* Who came late found the value at once. */
	assert_in_range(waits, 0, 3);
	for (i = 1; i < 4; i++)
		csn_cache_free(caches[i]);
	cache_end(&l);
}

static void
impatient(struct csn_cache_options *c)
{
	c->lock_wait_ms = 150;
	c->lock_ms = 5000;
	c->flight_wait_ms = 100;
}

TEST(who_waits_too_long_for_a_lock_computes)
{
	struct computation r = { .text = "anyway" };
	uint8_t lock[64];
	struct timespec t0, t1;
	size_t len = sizeof(lock);
	double took;

	cache_start(&l, "memory:?bytes=64M", impatient);
	/* A holder that died: its lock stays until it ends. */
	assert_int_equal(csn_store_add_for(l.store, NULL, 0,
	    (const uint8_t *)"k:lock", 6, (const uint8_t *)"dead", 4, 5000),
	    0);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	took = (double)(t1.tv_sec - t0.tv_sec) +
	    (double)(t1.tv_nsec - t0.tv_nsec) * 1e-9;
	assert_true(took >= 0.15 && took < 2);
	assert_int_equal(cache_stat(l.cache).lock_timeouts, 1);
	/* It is not ours to remove. */
	assert_int_equal(csn_store_get(l.store, NULL, 0,
	    (const uint8_t *)"k:lock", 6, lock, &len), 0);
	assert_int_equal(len, 4);
	/* When it has ended, the next takes it at once, and gives it back. */
	cache_ms += 5001;
	assert_int_equal(csn_cache_delete(l.cache, "k", NULL), 0);
	assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	assert_int_equal(cache_stat(l.cache).locks, 1);
	len = sizeof(lock);
	assert_int_equal(csn_store_get(l.store, NULL, 0,
	    (const uint8_t *)"k:lock", 6, lock, &len), CSN_E_NOT_FOUND);
	cache_end(&l);
}

/* While it computes, its lock ends and another process takes it. */
static int
lose_the_lock(void *arg, const char *key, struct csn_cache_value *out)
{
	(void)arg;
	cache_ms += 6000;
	assert_int_equal(csn_store_add_for(l.store, NULL, 0,
	    (const uint8_t *)"k:lock", 6, (const uint8_t *)"other", 5, 5000),
	    0);
	return csn_cache_value_set(out, key, strlen(key));
}

TEST(only_the_holder_lets_go)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	uint8_t lock[64];
	size_t len = sizeof(lock);

	cache_start(&l, "memory:?bytes=64M", impatient);
	assert_int_equal(csn_cache_get_or_compute(l.cache, "k", NULL,
	    lose_the_lock, NULL, &v), 0);
	assert_int_equal(csn_store_get(l.store, NULL, 0,
	    (const uint8_t *)"k:lock", 6, lock, &len), 0);
	assert_memory_equal(lock, "other", 5);
	csn_cache_value_free(&v);
	cache_end(&l);
}

TEST(long_keys_have_locks_too)
{
	struct computation r = { .text = "v" };
	char key[CSN_STORE_MAX_KEY + 1], other[sizeof(key)];

	memset(key, 'k', CSN_STORE_MAX_KEY);
	key[CSN_STORE_MAX_KEY] = '\0';
	memcpy(other, key, sizeof(key));
	other[CSN_STORE_MAX_KEY - 1] = 'l';
	cache_start(&l, "memory:?bytes=64M", NULL);
	assert_int_equal(cache_compute(l.cache, key, &r), 0);
	assert_int_equal(cache_compute(l.cache, other, &r), 0);
	assert_int_equal(cache_stat(l.cache).locks, 2);
	cache_end(&l);
}

TEST(who_waits_too_long_for_a_thread_computes)
{
	struct computation r = { .text = "slow", .ms = 400 };

	cache_start(&l, "memory:?bytes=64M", impatient);
	stampede(&l.cache, 1, 3, &r, 0);
	assert_int_equal(r.made, 3);
	assert_int_equal(cache_stat(l.cache).flight_timeouts, 2);
	cache_end(&l);
}

/* A computation that asks for its own value. */
static int
ask_again(void *arg, const char *key, struct csn_cache_value *out)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	int *depth = arg, rc;

	if (++*depth == 3)
		return csn_cache_value_set(out, "deep", 4);
	rc = csn_cache_get_or_compute(l.cache, key, NULL, ask_again, arg, &v);
	if (rc == 0)
		rc = csn_cache_value_set(out, v.data.p, v.data.len);
	csn_cache_value_free(&v);
	return rc;
}

TEST(a_computation_may_ask_for_itself)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	int depth = 0;

	cache_start(&l, "memory:?bytes=64M", NULL);
	assert_int_equal(csn_cache_get_or_compute(l.cache, "k", NULL,
	    ask_again, &depth, &v), 0);
	assert_memory_equal(v.data.p, "deep", 4);
	assert_int_equal(depth, 3);
	csn_cache_value_free(&v);
	cache_end(&l);
}

struct wish {
	pthread_barrier_t *both;
	uint32_t format;
	const char *text;
	struct csn_cache_value value;
	int rc;
};

/* It ends only once the other format's computation is under way too. */
static int
wait_for_the_other(void *arg, const char *key, struct csn_cache_value *out)
{
	struct wish *w = arg;

	(void)key;
	pthread_barrier_wait(w->both);
	return csn_cache_value_set(out, w->text, strlen(w->text));
}

static void *
ask_in_a_format(void *arg)
{
	struct wish *w = arg;
	struct csn_cache_call_options how = { .size = sizeof(how),
	    .format = w->format, .flags = CSN_CACHE_FORMAT };

	w->rc = csn_cache_get_or_compute(l.cache, "k", &how,
	    wait_for_the_other, w, &w->value);
	return NULL;
}

TEST(each_format_has_its_own_computation)
{
	pthread_barrier_t both;
	struct wish w[2] = {
		{ &both, CSN_CACHE_JSON, "[1]", { .size =
		    sizeof(w[0].value) }, -1 },
		{ &both, CSN_CACHE_BYTES, "bytes", { .size =
		    sizeof(w[0].value) }, -1 },
	};
	pthread_t threads[2];
	int i;

	pthread_barrier_init(&both, NULL, 2);
	faulty_reset();
	faulty.dead = 1;
	cache_start(&l, "faulty:", no_l1);
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    ask_in_a_format, &w[i]), 0);
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(w[i].rc, 0);
		assert_int_equal(w[i].value.data.len, strlen(w[i].text));
		assert_memory_equal(w[i].value.data.p, w[i].text,
		    strlen(w[i].text));
		csn_cache_value_free(&w[i].value);
	}
	assert_int_equal(cache_stat(l.cache).computes, 2);
	assert_int_equal(cache_stat(l.cache).flight_timeouts, 0);
	cache_end(&l);
	pthread_barrier_destroy(&both);
}

BEFORE_ALL { faulty_register(); }
