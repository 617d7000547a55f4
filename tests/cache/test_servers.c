/* SPDX-License-Identifier: Apache-2.0 */
/* test_servers.c - what a backend answers, and which of its servers fails. */
#include "cache/cache_fixture.h"
#include "lib/test.h"

#define BREAKER_FAILURES 5

static struct cache_fixture l;

static void
without_l1(struct csn_cache_options *c)
{
	c->flags |= CSN_CACHE_NO_L1;
	c->breaker_failures = BREAKER_FAILURES;
	c->breaker_trials = 1;
	c->breaker_open_ms = 1000;
}

static int
get(const char *key, uint32_t *source)
{
	struct csn_cache_value v = { .size = sizeof(v) };
	int rc = csn_cache_get(l.cache, key, NULL, &v);

	if (source != NULL)
		*source = v.source;
	csn_cache_value_free(&v);
	return rc;
}

TEST(l1_keeps_nothing_whose_end_the_backend_cannot_tell)
{
	uint32_t source;
	int i;

	cache_start(&l, "apart:", NULL);
	assert_int_equal(cache_set(l.cache, "k", "v"), 0);
	assert_int_equal(csn_cache_clear(l.cache, "none", NULL), 0);
	/* Another process's set: this one's L1 has never had it. */
	csn_cache_free(l.cache);
	l.cache = cache_second(&l, NULL);
	for (i = 0; i < 3; i++) {
		assert_int_equal(get("k", &source), 0);
		assert_int_equal(source, CSN_CACHE_FROM_L2);
	}
	cache_end(&l);
}

TEST(l1_keeps_a_value_no_longer_than_the_backend_has_it)
{
	struct csn_cache_call_options how = { .size = sizeof(how), .ttl_ms =
	    5000 };
	uint32_t source;

	cache_start(&l, "faulty:", NULL);
	assert_int_equal(csn_cache_set(l.cache, "k", &how, "v", 1), 0);
	csn_cache_free(l.cache);
	l.cache = cache_second(&l, NULL);
	cache_ms += 3000;
	assert_int_equal(get("k", &source), 0);
	assert_int_equal(source, CSN_CACHE_FROM_L2);
	cache_ms += 1999;
	assert_int_equal(get("k", &source), 0);
	assert_int_equal(source, CSN_CACHE_FROM_L1);
	cache_ms += 1;
	assert_int_equal(get("k", NULL), CSN_E_NOT_FOUND);
	cache_end(&l);
}

TEST(a_value_that_the_backend_refuses_is_computed_and_given)
{
	static const int answers[] = { CSN_E_LIMIT, CSN_E_QUOTA, CSN_E_FORM,
	    CSN_E_POLICY, CSN_E_BACKEND };
	struct computation r = { .text = "computed" };
	size_t i;

	cache_start(&l, "faulty:", without_l1);
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		faulty.put_answer = answers[i];
		assert_int_equal(cache_compute(l.cache, "k", &r), 0);
		/* Who sets it is told. */
		assert_int_equal(cache_set(l.cache, "k", "v"), answers[i]);
	}
	assert_int_equal(r.made, i);
	cache_end(&l);
}

static int
too_large(void *arg, const char *key, struct csn_cache_value *out)
{
	(void)arg;
	(void)key;
	if (csn_cache_value_room(out, (size_t)CSN_CACHEKIT_VALUE_MAX + 1) != 0)
		return CSN_E_NOMEM;
	memset(out->data.p, 0, out->data.len);
	return 0;
}

TEST(a_value_that_the_format_refuses_fails_the_call)
{
	struct csn_cache_value v = { .size = sizeof(v) };

	cache_start(&l, "faulty:", without_l1);
	assert_int_equal(csn_cache_get_or_compute(l.cache, "k", NULL,
	    too_large, NULL, &v), CSN_E_LIMIT);
	csn_cache_value_free(&v);
	cache_end(&l);
}

TEST(one_dead_server_of_several_does_not_stand_for_all)
{
	static const char *const keys[] = { "1a", "2a", "3a", "1b", "2b",
	    "3b" };
	const size_t n = sizeof(keys) / sizeof(keys[0]);
	unsigned found = 0, busy = 0;
	size_t i, round;
	int rc;

	cache_start(&l, "faulty:", without_l1);
	for (i = 0; i < n; i++)
		assert_int_equal(cache_set(l.cache, keys[i], "v"), 0);
	faulty.dead_server = 2;
	for (round = 0; round < 50; round++)
		for (i = 0; i < n; i++) {
			rc = get(keys[i], NULL);
			if (keys[i][0] != '2')
				assert_int_equal(rc, 0);
			found += rc == 0;
			busy += rc == CSN_E_BUSY;
		}
	assert_int_equal(found, 200);
	/* The dead one is left alone all the same. */
	assert_int_equal(busy, 100 - BREAKER_FAILURES);
	assert_int_equal(cache_stat(l.cache).breaker,
	    CSN_CACHE_BREAKER_OPEN);
	assert_int_equal(cache_stat(l.cache).breaker_opens, 1);
	faulty.dead_server = 0;
	cache_ms += 1000;
	assert_int_equal(get("2a", NULL), 0);
	assert_int_equal(cache_stat(l.cache).breaker,
	    CSN_CACHE_BREAKER_CLOSED);
	cache_end(&l);
}

TEST(a_value_is_kept_where_only_its_locks_server_is_dead)
{
	struct computation r = { .text = "computed" };

	cache_start(&l, "faulty:", without_l1);
	faulty.dead_server = 9;
	assert_int_equal(cache_compute(l.cache, "1a", &r), 0);
	assert_int_equal(faulty.puts, 1);
	assert_int_equal(cache_compute(l.cache, "1a", &r), 0);
	assert_int_equal(r.made, 1);
	cache_end(&l);
}

TEST(an_answer_about_one_key_is_no_dead_backend)
{
	static const int answers[] = { CSN_E_FORM, CSN_E_POLICY,
	    CSN_E_NOT_FOUND, CSN_E_LIMIT };
	size_t i, k;

	cache_start(&l, "faulty:", without_l1);
	assert_int_equal(cache_set(l.cache, "k", "v"), 0);
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		faulty.get_answer = answers[i];
		for (k = 0; k < 3 * BREAKER_FAILURES; k++)
			assert_int_equal(get("k", NULL), CSN_E_NOT_FOUND);
	}
	faulty.get_answer = 0;
	assert_int_equal(cache_stat(l.cache).breaker,
	    CSN_CACHE_BREAKER_CLOSED);
	assert_int_equal(get("k", NULL), 0);
	cache_end(&l);
}

TEST(a_hung_backend_costs_a_caller_one_wait)
{
	struct computation r = { .text = "computed" };
	unsigned before;

	cache_start(&l, "faulty:", without_l1);
	faulty.dead = 1;
	before = faulty.calls;
	assert_int_equal(cache_compute(l.cache, "k", &r), 0);
	assert_int_equal(faulty.calls - before, 1);
	cache_end(&l);
}

BEFORE_ALL { faulty_register(); }

static void
reset(void)
{
	faulty_reset();
}

BEFORE_EACH { reset(); }
AFTER_EACH { reset(); }
