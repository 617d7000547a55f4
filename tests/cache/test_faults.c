/* SPDX-License-Identifier: Apache-2.0 */
/* test_faults.c - whatever the backend does, the caller gets its value. */
#include <pthread.h>

#include "cache/cache_fixture.h"
#include "lib/test.h"

static struct cache_fixture l;

static void
fragile(struct csn_cache_options *c)
{
	c->flags |= CSN_CACHE_NO_L1;
	c->breaker_failures = 3;
	c->breaker_trials = 2;
	c->breaker_open_ms = 1000;
}

TEST(a_dead_backend_never_fails_the_caller)
{
	struct computation r = { .text = "computed" };
	struct csn_cache_stat st;
	unsigned calls;
	int i, rc;

	cache_start(&l, "faulty:", fragile);
	faulty.dead = 1;
	for (i = 0; i < 50; i++)
		assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	assert_int_equal(r.made, 50);
	st = cache_stat(l.cache);
	assert_int_equal(st.breaker, CSN_CACHE_BREAKER_OPEN);
	assert_int_equal(st.breaker_opens, 1);
	assert_int_equal(st.backend_errors, 3);
	assert_true(st.rejected > 40);
	/* Left alone: it is not called at all. */
	calls = faulty.calls;
	assert_false(cache_has(l.cache, "k", "computed", &rc));
	assert_int_equal(rc, CSN_E_BUSY);
	assert_int_equal(cache_set(l.cache, "k", "x"), CSN_E_BUSY);
	assert_int_equal(faulty.calls, calls);
	/* It comes back: tried after a while, then used again. */
	faulty.dead = 0;
	cache_ms += 1000;
	assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	assert_int_equal(cache_stat(l.cache).breaker,
	    CSN_CACHE_BREAKER_CLOSED);
	assert_true(cache_has(l.cache, "k", "computed", NULL));
	cache_end(&l);
}

TEST(l1_serves_while_the_backend_is_dead)
{
	struct cache_fixture m;

	cache_start(&m, "faulty:", NULL);
	assert_int_equal(cache_set(m.cache, "before", "v"), 0);
	faulty.dead = 1;
	assert_true(cache_has(m.cache, "before", "v", NULL));
	assert_int_equal(cache_set(m.cache, "after", "w"), CSN_E_BACKEND);
	assert_true(cache_has(m.cache, "after", "w", NULL));
	/* What cannot be deleted there is gone here, and the caller knows. */
	assert_int_equal(csn_cache_delete(m.cache, "before", NULL),
	    CSN_E_BACKEND);
	assert_false(cache_has(m.cache, "before", "v", NULL));
	cache_end(&m);
}

static void
slow(struct csn_cache_options *c)
{
	fragile(c);
	c->slow_ms = 20;
}

TEST(a_slow_backend_opens_the_breaker)
{
	struct computation r = { .text = "computed" };
	int i;

	cache_start(&l, "faulty:", slow);
	assert_int_equal(cache_set(l.cache, "k", "computed"), 0);
	faulty.slow_ms = 25;
	for (i = 0; i < 20; i++)
		assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	assert_int_equal(cache_stat(l.cache).slow_calls, 3);
	assert_int_equal(cache_stat(l.cache).breaker,
	    CSN_CACHE_BREAKER_OPEN);
	assert_int_equal(r.made, 17);
	cache_end(&l);
}

static void
few_at_a_time(struct csn_cache_options *c)
{
	/* Locks lie on a server of their own, which has its own count. */
	c->flags |= CSN_CACHE_NO_L1 | CSN_CACHE_NO_LOCK;
	c->inflight_max = 4;
	c->queue_ms = 5;
}

struct asker {
	char key[8];
	struct computation computation;
	int rc;
};

static void *
ask(void *arg)
{
	struct asker *a = arg;
	int i;

	for (i = 0; i < 3; i++)
		a->rc |= cache_compute(l.cache, a->key, &a->computation);
	return NULL;
}

TEST(no_more_calls_are_in_flight_than_allowed)
{
	struct asker askers[32];
	pthread_t threads[32];
	int i;

	cache_start(&l, "faulty:", few_at_a_time);
	faulty.slow_ms = 10;
	for (i = 0; i < 32; i++) {
		memset(&askers[i], 0, sizeof(askers[i]));
		snprintf(askers[i].key, sizeof(askers[i].key), "k%d", i);
		askers[i].computation.text = "v";
		assert_int_equal(pthread_create(&threads[i], NULL, ask,
		    &askers[i]), 0);
	}
	for (i = 0; i < 32; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(askers[i].rc, 0);
	}
	assert_in_range(faulty.most_inflight, 1, 4);
	assert_true(cache_stat(l.cache).shed > 0);
	cache_end(&l);
}

TEST(halves_and_flipped_bits_are_misses_that_count)
{
	struct csn_cache_call_options strict = { .size = sizeof(strict),
	    .flags = CSN_CACHE_STRICT };
	struct csn_cache_value v = { .size = sizeof(v) };
	_Atomic int *faults[] = { &faulty.half, &faulty.flip };
	size_t i;
	int rc, k;

	for (i = 0; i < 2; i++) {
		cache_start(&l, "faulty:", fragile);
		assert_int_equal(cache_set(l.cache, "k", "a value whose "
		    "half is still long enough for nonce and tag"), 0);
		*faults[i] = 1;
		assert_int_equal(csn_cache_get(l.cache, "k", &strict, &v),
		    CSN_E_TAG);
		for (k = 0; k < 2; k++) {
			assert_false(cache_has(l.cache, "k", "", &rc));
			assert_int_equal(rc, CSN_E_NOT_FOUND);
		}
		assert_int_equal(cache_stat(l.cache).tag_failures, 3);
		assert_int_equal(cache_stat(l.cache).breaker,
		    CSN_CACHE_BREAKER_OPEN);
		cache_end(&l);
		faulty_reset();
	}
	csn_cache_value_free(&v);
}

TEST(lengths_that_make_no_sense_are_failures)
{
	struct computation r = { .text = "computed" };
	int rc, i;

	for (i = 1; i <= 2; i++) {
		cache_start(&l, "faulty:", fragile);
		assert_int_equal(cache_set(l.cache, "k", "v"), 0);
		faulty.longer = i;
		assert_false(cache_has(l.cache, "k", "v", &rc));
		assert_int_equal(rc, CSN_E_BACKEND);
		assert_int_equal(cache_compute(l.cache, "k", &r), 0);
		cache_end(&l);
		faulty_reset();
	}
}

TEST(another_keys_value_is_refused)
{
	int rc;

	cache_start(&l, "faulty:", fragile);
	assert_int_equal(cache_set(l.cache, "other", "its"), 0);
	assert_int_equal(cache_set(l.cache, "k", "mine"), 0);
	faulty.other = 1;
	assert_false(cache_has(l.cache, "k", "its", &rc));
	assert_int_equal(rc, CSN_E_NOT_FOUND);
	assert_int_equal(cache_stat(l.cache).tag_failures, 1);
	cache_end(&l);
}

TEST(puts_that_keep_nothing_are_misses)
{
	struct computation r = { .text = "computed" };
	int i;

	cache_start(&l, "faulty:", fragile);
	faulty.silent_sets = 1;
	for (i = 0; i < 5; i++)
		assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	assert_int_equal(r.made, 5);
	cache_end(&l);
}

static void
short_lives(struct csn_cache_options *c)
{
	c->ttl_ms = 1000;
}

TEST(clocks_that_jump_serve_nothing_that_is_over)
{
	cache_start(&l, "memory:?bytes=64M", short_lives);
	assert_int_equal(cache_set(l.cache, "k", "v"), 0);
	cache_ms += UINT64_C(1) << 50;
	assert_false(cache_has(l.cache, "k", "v", NULL));
	cache_ms -= UINT64_C(1) << 50;
	/* It was over once: it does not come back. */
	assert_false(cache_has(l.cache, "k", "v", NULL));
	assert_int_equal(cache_set(l.cache, "k", "w"), 0);
	cache_ms -= 500;
	assert_true(cache_has(l.cache, "k", "w", NULL));
	cache_ms += 1500;
	assert_false(cache_has(l.cache, "k", "w", NULL));
	cache_end(&l);
}

TEST(a_store_without_lives_says_so)
{
	struct csn_cache_call_options how = { .size = sizeof(how), .ttl_ms =
	    1000 };
	struct computation r = { .text = "computed" };
	struct csn_cache_value v = { .size = sizeof(v) };

	cache_start(&l, "simple:", NULL);
	assert_int_equal(csn_cache_set(l.cache, "k", &how, "v", 1),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "end by themselves"));
	/* This process keeps it for that long; the store has nothing. */
	assert_true(cache_has(l.cache, "k", "v", NULL));
	cache_ms += 1000;
	assert_false(cache_has(l.cache, "k", "v", NULL));
	assert_int_equal(csn_cache_get_or_compute(l.cache, "k", &how,
	    compute_text, &r, &v), 0);
	csn_cache_value_free(&v);
	cache_end(&l);
}

struct told {
	unsigned kinds[16];
	unsigned opened;
};

static void
on_event(void *arg, const struct csn_cache_event *e)
{
	struct told *t = arg;

	assert_in_range(e->kind, 1, 10);
	assert_string_equal(e->key, "k");
	assert_string_equal(e->tenant, "default");
	t->kinds[e->kind]++;
	if (e->kind == CSN_CACHE_EVENT_BREAKER &&
	    e->breaker == CSN_CACHE_BREAKER_OPEN)
		t->opened++;
}

static struct told told;

static void
with_ears(struct csn_cache_options *c)
{
	fragile(c);
	c->on_event = on_event;
	c->on_event_arg = &told;
}

TEST(each_event_is_told)
{
	struct computation r = { .text = "computed" };
	int i;

	memset(&told, 0, sizeof(told));
	cache_start(&l, "faulty:", with_ears);
	assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	faulty.flip = 1;
	assert_false(cache_has(l.cache, "k", "", NULL));
	faulty.flip = 0;
	assert_int_equal(csn_cache_delete(l.cache, "k", NULL), 0);
	faulty.dead = 1;
	for (i = 0; i < 5; i++)
		assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	assert_int_equal(told.kinds[CSN_CACHE_EVENT_L2_HIT], 1);
	assert_int_equal(told.kinds[CSN_CACHE_EVENT_MISS], 7);
	assert_int_equal(told.kinds[CSN_CACHE_EVENT_COMPUTE], 6);
	assert_int_equal(told.kinds[CSN_CACHE_EVENT_SET], 6);
	assert_int_equal(told.kinds[CSN_CACHE_EVENT_REFUSED], 1);
	assert_int_equal(told.kinds[CSN_CACHE_EVENT_DELETE], 1);
	assert_int_equal(told.kinds[CSN_CACHE_EVENT_BACKEND_ERROR], 3);
	assert_int_equal(told.opened, 1);
	cache_end(&l);
}

TEST(numbers_are_prometheus_text)
{
	struct computation r = { .text = "computed" };
	char *text, *line, *save = NULL;
	unsigned samples = 0;
	int i;

	cache_start(&l, "faulty:", fragile);
	for (i = 0; i < 3; i++)
		assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	faulty.dead = 1;
	for (i = 0; i < 5; i++)
		assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	assert_int_equal(csn_cache_prometheus(l.cache, "a\"b", &text), 0);
	assert_non_null(strstr(text, "\ncaisson_cache_hits_total{cache="
	    "\"a\\\"b\",level=\"l2\"} 2\n"));
	assert_non_null(strstr(text, "\ncaisson_cache_breaker_state{cache="
	    "\"a\\\"b\"} 2\n"));
	assert_non_null(strstr(text, "\ncaisson_cache_computes_total{cache="
	    "\"a\\\"b\"} 6\n"));
	assert_non_null(strstr(text, "of=\"compute\",le=\"+Inf\"} 6\n"));
	for (line = strtok_r(text, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		if (line[0] == '#')
			continue;
		assert_non_null(strstr(line, "} "));
		samples++;
	}
	assert_in_range(samples, 100, 200);
	csn_free(text);
	assert_int_equal(csn_cache_prometheus(l.cache, NULL, &text), 0);
	assert_non_null(strstr(text, "\ncaisson_cache_computes_total 6\n"));
	csn_free(text);
	assert_int_equal(csn_cache_prometheus(l.cache, "a\nb", &text),
	    CSN_E_ARG);
	cache_end(&l);
}

BEFORE_ALL { faulty_register(); }
BEFORE_EACH { faulty_reset(); }
