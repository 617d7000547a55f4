/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_suite_more.c - the suite's cases about names of all kinds, large
 * values, values that end by themselves, and what locks are made of.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "lib/test.h"
#include "providers/store_suite.h"

#define MIB ((size_t)1 << 20)

static int
get_small(struct store_fixture *f, const char *space, const uint8_t *key,
    size_t key_len, uint8_t *out)
{
	size_t len = 1;

	return csn_store_get(f->store, U(space), key, key_len, out, &len);
}

static void
keys_are_any_bytes(void **state)
{
	static const char *const odd[] = {
		" ", "  ", "a b", "a\tb", "a\r\nset b 0 0 1\r\nx\r\n", "/", ".",
		"..", "../x", "a/b", "a", "A", "a:b", "{a}", "%61", "a%",
		"k\xc3\xa4se", "-", "_", "~", "*", "?", "[a]", "\\", "\"", "'",
		"a=b&c=d", "#", "\x7f", "\x01",
	};
	const size_t n = sizeof(odd) / sizeof(odd[0]);
	struct store_fixture *f = *state;
	/* Around 250 bytes, past which some stores name a key by its hash. */
	static const size_t lens[] = { 2, 126, 250, 251, CSN_STORE_MAX_KEY };
	const size_t n_lens = sizeof(lens) / sizeof(lens[0]);
	uint8_t key[CSN_STORE_MAX_KEY], p[1];
	size_t i, j;

	for (i = 0; i < n; i++) {
		p[0] = (uint8_t)i;
		assert_int_equal(csn_store_put(f->store, U("acme"),
		    U(odd[i]), p, 1), 0);
	}
	/* Each byte alone, short and long. */
	for (i = 0; i < 256; i++) {
		memset(key, (int)i, sizeof(key));
		p[0] = (uint8_t)i;
		for (j = 0; j < n_lens; j++)
			assert_int_equal(csn_store_put(f->store, U("bytes"),
			    key, lens[j], p, 1), 0);
	}
	for (i = 0; i < n; i++) {
		assert_int_equal(get_small(f, "acme",
		    (const uint8_t *)odd[i], strlen(odd[i]), p), 0);
		assert_int_equal(p[0], i);
	}
	for (i = 0; i < 256; i++) {
		memset(key, (int)i, sizeof(key));
		for (j = 0; j < n_lens; j++) {
			assert_int_equal(get_small(f, "bytes", key, lens[j],
			    p), 0);
			assert_int_equal(p[0], i);
		}
		/* The last byte alone tells long keys apart. */
		key[sizeof(key) - 1] ^= 1;
		assert_int_equal(get_small(f, "bytes", key, sizeof(key), p),
		    CSN_E_NOT_FOUND);
	}
}

struct bag {
	size_t n;
	uint8_t seen[256];
};

static int
visit_bytes(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	struct bag *bag = arg;
	size_t i;

	bag->n++;
	if (key_len != CSN_STORE_MAX_KEY || value_len != 1)
		return 1;
	for (i = 1; i < key_len; i++) {
		if (key[i] != key[0])
			return 2;
	}
	bag->seen[key[0]]++;
	return 0;
}

static void
list_gives_the_keys_whole(void **state)
{
	struct store_fixture *f = *state;
	uint8_t key[CSN_STORE_MAX_KEY];
	struct bag bag = { 0 };
	size_t i;

	if ((f->subject->lacks & STORE_LACKS_LIST) != 0)
		return;
	for (i = 0; i < 256; i++) {
		memset(key, (int)i, sizeof(key));
		assert_int_equal(csn_store_put(f->store, U("bytes"), key,
		    sizeof(key), key, 1), 0);
	}
	assert_int_equal(csn_store_each(f->store, U("bytes"), visit_bytes,
	    &bag), 0);
	assert_int_equal(bag.n, 256);
	for (i = 0; i < 256; i++)
		assert_int_equal(bag.seen[i], 1);
}

static int
visit_outside(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len)
{
	size_t *n = arg;

	(*n)++;
	return key_len == 5 && memcmp(key, "plain", 5) == 0 &&
	    value_len == 3 ? 0 : 1;
}

static void
keys_outside_any_space_are_apart(void **state)
{
	struct store_fixture *f = *state;
	uint8_t p[8];
	size_t n = 0, len = sizeof(p);

	assert_int_equal(csn_store_put(f->store, NULL, 0, U("plain"),
	    (const uint8_t *)"out", 3), 0);
	assert_int_equal(csn_store_put(f->store, U("acme"), U("plain"),
	    (const uint8_t *)"inside", 6), 0);
	assert_int_equal(csn_store_get(f->store, NULL, 0, U("plain"), p,
	    &len), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(p, "out", 3);
	if ((f->subject->lacks & STORE_LACKS_LIST) == 0) {
		assert_int_equal(csn_store_each(f->store, NULL, 0,
		    visit_outside, &n), 0);
		assert_int_equal(n, 1);
	}
	assert_int_equal(csn_store_drop(f->store, U("acme")), 0);
	len = sizeof(p);
	assert_int_equal(csn_store_get(f->store, (const uint8_t *)"", 0,
	    U("plain"), p, &len), 0);
	assert_int_equal(csn_store_remove(f->store, NULL, 0, U("plain")), 0);
	len = sizeof(p);
	assert_int_equal(csn_store_get(f->store, NULL, 0, U("plain"), p,
	    &len), CSN_E_NOT_FOUND);
}

static void
large_values_are_whole(void **state)
{
	static const size_t lens[] = { 1, 3, 16 };
	struct store_fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		if (f->subject->most > 0 && lens[i] * MIB > f->subject->most)
			break;
		store_put_value(f->store, "acme", "large", lens[i] * MIB, i);
		store_check_value(f->store, "acme", "large", lens[i] * MIB,
		    i);
	}
	store_put_value(f->store, "acme", "large", 0, 0);
	store_check_value(f->store, "acme", "large", 0, 0);
}

static unsigned
grain(const struct store_fixture *f)
{
	return f->subject->grain_ms > 0 ? f->subject->grain_ms : 10;
}

static int
exists(struct store_fixture *f, const char *key)
{
	uint8_t p[8];
	size_t len = sizeof(p);
	int rc;

	rc = csn_store_get(f->store, U("acme"), U(key), p, &len);
	assert_true(rc == 0 || rc == CSN_E_NOT_FOUND);
	return rc == 0;
}

static void
sleep_ms(unsigned ms)
{
	usleep(ms * 1000);
}

static void
without_it_says_so(struct store_fixture *f)
{
	const uint8_t *v = (const uint8_t *)"v";
	uint64_t left = 7;

	assert_int_equal(csn_store_put_for(f->store, U("acme"), U("k"), v, 1,
	    1000), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "store"));
	assert_int_equal(csn_store_ttl(f->store, U("acme"), U("k"), &left),
	    CSN_E_BACKEND);
	assert_int_equal(left, 7);
	/* Without an end it is a put. */
	assert_int_equal(csn_store_put_for(f->store, U("acme"), U("k"), v, 1,
	    0), 0);
	assert_true(exists(f, "k"));
}

static void
values_end_by_themselves(void **state)
{
	struct store_fixture *f = *state;
	const uint8_t *v = (const uint8_t *)"value";
	const unsigned g = grain(f), ttl = g < 200 ? 200 : g;
	uint64_t left = 0;
	unsigned waited;

	if ((csn_store_abilities(f->store) & CSN_STORE_TTL) == 0) {
		without_it_says_so(f);
		return;
	}
	assert_int_equal(csn_store_ttl(f->store, U("acme"), U("none"),
	    &left), CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_put_for(f->store, U("acme"), U("short"), v,
	    5, ttl), 0);
	assert_int_equal(csn_store_put_for(f->store, U("acme"), U("long"), v,
	    5, 3600000), 0);
	assert_int_equal(csn_store_put_for(f->store, U("acme"), U("ever"), v,
	    5, 0), 0);
	assert_true(exists(f, "short"));
	assert_int_equal(csn_store_ttl(f->store, U("acme"), U("short"),
	    &left), 0);
	assert_true(left > 0 && left <= ttl + g);
	assert_int_equal(csn_store_ttl(f->store, U("acme"), U("long"),
	    &left), 0);
	assert_true(left > 3500000 && left <= 3600000 + g);
	assert_int_equal(csn_store_ttl(f->store, U("acme"), U("ever"),
	    &left), 0);
	assert_int_equal(left, 0);
	for (waited = 0; exists(f, "short"); waited += 20) {
		assert_true(waited <= ttl + 2 * g + 2000);
		sleep_ms(20);
	}
	assert_int_equal(csn_store_ttl(f->store, U("acme"), U("short"),
	    &left), CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_remove(f->store, U("acme"), U("short")),
	    CSN_E_NOT_FOUND);
	assert_true(exists(f, "long"));
	assert_true(exists(f, "ever"));
}

static int
visit_n(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	(void)key;
	(void)key_len;
	(void)value_len;
	++*(size_t *)arg;
	return 0;
}

/* What ended is gone for every verb, and its name can be used again. */
static void
ended_values_are_not_there(void **state)
{
	struct store_fixture *f = *state;
	const uint8_t *v = (const uint8_t *)"value";
	const unsigned g = grain(f), ttl = g < 60 ? 60 : g;
	uint64_t left = 9;
	size_t n = 0;
	char key[16];
	int i;

	if ((csn_store_abilities(f->store) & CSN_STORE_TTL) == 0)
		return;
	for (i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		assert_int_equal(csn_store_put_for(f->store, U("acme"),
		    U(key), v, 5, ttl), 0);
	}
	/* A put takes the end away, a later one gives a later end. */
	assert_int_equal(csn_store_put(f->store, U("acme"), U("key-0"), v, 5),
	    0);
	assert_int_equal(csn_store_put_for(f->store, U("acme"), U("key-1"), v,
	    5, 3600000), 0);
	sleep_ms(ttl + 2 * g + 50);
	assert_true(exists(f, "key-0"));
	assert_int_equal(csn_store_ttl(f->store, U("acme"), U("key-0"),
	    &left), 0);
	assert_int_equal(left, 0);
	assert_true(exists(f, "key-1"));
	for (i = 2; i < 10; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		assert_false(exists(f, key));
	}
	if ((f->subject->lacks & STORE_LACKS_LIST) == 0) {
		assert_int_equal(csn_store_each(f->store, U("acme"), visit_n,
		    &n), 0);
		assert_int_equal(n, 2);
	}
	store_put_value(f->store, "acme", "key-5", 5, 1);
	store_check_value(f->store, "acme", "key-5", 5, 1);
}

#define SHORT_MS 10000
#define LONG_MS 3600000

struct turns {
	struct store_fixture *f;
	atomic_int done;
	int rc;
};

/* "short" with a short time, "long" with a long one, turn by turn. */
static void *
take_turns(void *arg)
{
	struct turns *t = arg;
	int i;

	for (i = 0; !atomic_load(&t->done) && t->rc == 0; i++)
		t->rc = csn_store_put_for(t->f->store, U("acme"), U("k"),
		    (const uint8_t *)(i % 2 == 0 ? "short" : "long"),
		    i % 2 == 0 ? 5 : 4, i % 2 == 0 ? SHORT_MS : LONG_MS);
	return NULL;
}

static void
a_value_and_its_time_are_of_one_moment(void **state)
{
	struct store_fixture *f = *state;
	struct turns t = { .f = f };
	uint64_t left;
	pthread_t thread;
	uint8_t p[8];
	size_t len;
	int i, rc;

	left = 7;
	len = 0;
	assert_int_equal(csn_store_get_for(f->store, U("acme"), U("none"), p,
	    &len, &left), CSN_E_NOT_FOUND);
	assert_int_equal(left, 7);
	assert_int_equal(csn_store_put(f->store, U("acme"), U("k"),
	    (const uint8_t *)"for ever", 8), 0);
	len = sizeof(p);
	assert_int_equal(csn_store_get_for(f->store, U("acme"), U("k"), p,
	    &len, &left), 0);
	assert_int_equal(len, 8);
	assert_memory_equal(p, "for ever", 8);
	if ((csn_store_abilities(f->store) & CSN_STORE_TTL) == 0) {
		assert_int_equal(left, 0);
		return;
	}
	/* A backend that cannot tell says that it cannot. */
	if (left == CSN_STORE_TTL_UNKNOWN)
		return;
	assert_int_equal(left, 0);
	len = 3;
	assert_int_equal(csn_store_get_for(f->store, U("acme"), U("k"), p,
	    &len, &left), CSN_E_BUFFER);
	assert_int_equal(len, 8);
	assert_int_equal(csn_store_put_for(f->store, U("acme"), U("k"),
	    (const uint8_t *)"short", 5, SHORT_MS), 0);
	assert_int_equal(pthread_create(&thread, NULL, take_turns, &t), 0);
	for (i = 0; i < 400; i++) {
		len = sizeof(p);
		if ((rc = csn_store_get_for(f->store, U("acme"), U("k"), p,
		    &len, &left)) != 0)
			break;
		/* A clock of seconds may round up by two of them. */
		if (len == 5 ? left > SHORT_MS + 2000 : left <= LONG_MS / 2)
			break;
	}
	atomic_store(&t.done, 1);
	(void)pthread_join(thread, NULL);
	assert_int_equal(t.rc, 0);
	assert_int_equal(i, 400);
}

static void
add_for_adds_where_nothing_is(void **state)
{
	struct store_fixture *f = *state;
	const uint8_t *a = (const uint8_t *)"token-a";
	const uint8_t *b = (const uint8_t *)"token-b";
	const unsigned g = grain(f), ttl = g < 200 ? 200 : g;
	uint8_t p[8];
	size_t len = sizeof(p);

	if ((csn_store_abilities(f->store) & CSN_STORE_LOCK) == 0) {
		assert_int_equal(csn_store_add_for(f->store, U("acme"),
		    U("lock"), a, 7, ttl), CSN_E_BACKEND);
		assert_int_equal(csn_store_remove_if(f->store, U("acme"),
		    U("lock"), a, 7), CSN_E_BACKEND);
		return;
	}
	assert_int_equal(csn_store_add_for(f->store, U("acme"), U("lock"), a,
	    7, ttl), 0);
	assert_int_equal(csn_store_add_for(f->store, U("acme"), U("lock"), b,
	    7, ttl), CSN_E_EXISTS);
	assert_true(strlen(csn_message()) > 0);
	assert_int_equal(csn_store_get(f->store, U("acme"), U("lock"), p,
	    &len), 0);
	assert_memory_equal(p, a, 7);
	/* Its holder died: it ends, and another may have it. */
	sleep_ms(ttl + 2 * g + 50);
	assert_int_equal(csn_store_add_for(f->store, U("acme"), U("lock"), b,
	    7, 3600000), 0);
	/* The former holder wakes up, and must not release it. */
	assert_int_equal(csn_store_remove_if(f->store, U("acme"), U("lock"),
	    a, 7), CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_remove_if(f->store, U("acme"), U("lock"),
	    b, 6), CSN_E_NOT_FOUND);
	assert_true(exists(f, "lock"));
	assert_int_equal(csn_store_remove_if(f->store, U("acme"), U("lock"),
	    b, 7), 0);
	assert_int_equal(csn_store_remove_if(f->store, U("acme"), U("lock"),
	    b, 7), CSN_E_NOT_FOUND);
	/* Without an end it stays; it gives way to nothing but a removal. */
	assert_int_equal(csn_store_add_for(f->store, U("acme"), U("lock"), a,
	    7, 0), 0);
	assert_int_equal(csn_store_add_for(f->store, U("acme"), U("lock"), b,
	    7, 0), CSN_E_EXISTS);
	assert_int_equal(csn_store_add_for(f->store, U("globex"), U("lock"),
	    b, 7, 0), 0);
	assert_int_equal(csn_store_add_for(f->store, U("acme"), U("empty"),
	    NULL, 0, 0), 0);
	assert_int_equal(csn_store_remove_if(f->store, U("acme"), U("empty"),
	    NULL, 0), 0);
}

#define RACERS 6
#define LAPS 60

struct racer {
	struct csn_store *store;
	uint8_t token;
	_Atomic int *inside;
	unsigned wrong, won;
};

/* Lock, be alone, unlock; bytes that nobody puts are never removed. */
static void *
race(void *arg)
{
	struct racer *r = arg;
	unsigned lap;
	int rc;

	for (lap = 0; lap < LAPS; lap++) {
		rc = csn_store_remove_if(r->store, U("acme"), U("lock"),
		    U("nobody's"));
		r->wrong += rc != CSN_E_NOT_FOUND;
		rc = csn_store_add_for(r->store, U("acme"), U("lock"),
		    &r->token, 1, 60000);
		if (rc == CSN_E_EXISTS)
			continue;
		r->wrong += rc != 0;
		if (rc != 0)
			continue;
		r->won++;
		r->wrong += ++*r->inside != 1;
		--*r->inside;
		r->wrong += csn_store_remove_if(r->store, U("acme"),
		    U("lock"), &r->token, 1) != 0;
	}
	return NULL;
}

static void
one_thread_at_a_time_has_the_lock(void **state)
{
	struct store_fixture *f = *state;
	struct racer r[RACERS];
	pthread_t threads[RACERS];
	_Atomic int inside = 0;
	unsigned i, won = 0;

	if ((csn_store_abilities(f->store) & CSN_STORE_LOCK) == 0)
		return;
	for (i = 0; i < RACERS; i++) {
		r[i] = (struct racer){ f->store, (uint8_t)(i + 1), &inside,
		    0, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, race,
		    &r[i]), 0);
	}
	for (i = 0; i < RACERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(r[i].wrong, 0);
		won += r[i].won;
	}
	assert_true(won > 0);
	assert_false(exists(f, "lock"));
}

static void
arguments_are_checked(void **state)
{
	struct store_fixture *f = *state;
	const uint8_t *v = (const uint8_t *)"v";
	uint64_t left;

	assert_int_equal(csn_store_put_for(f->store, U("a"), U(""), v, 1, 9),
	    CSN_E_ARG);
	assert_int_equal(csn_store_put_for(NULL, U("a"), U("k"), v, 1, 0),
	    CSN_E_ARG);
	assert_int_equal(csn_store_put_for(f->store, U("a"), U("k"), NULL, 1,
	    9), CSN_E_ARG);
	assert_int_equal(csn_store_add_for(f->store, U("a"), U("k"), NULL, 1,
	    9), CSN_E_ARG);
	assert_int_equal(csn_store_remove_if(f->store, U("a"), U("k"), NULL,
	    1), CSN_E_ARG);
	assert_int_equal(csn_store_ttl(f->store, U("a"), U("k"), NULL),
	    CSN_E_ARG);
	assert_int_equal(csn_store_ttl(NULL, U("a"), U("k"), &left),
	    CSN_E_ARG);
	assert_int_equal(csn_store_abilities(NULL), 0);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(keys_are_any_bytes),
	cmocka_unit_test(list_gives_the_keys_whole),
	cmocka_unit_test(keys_outside_any_space_are_apart),
	cmocka_unit_test(large_values_are_whole),
	cmocka_unit_test(values_end_by_themselves),
	cmocka_unit_test(ended_values_are_not_there),
	cmocka_unit_test(a_value_and_its_time_are_of_one_moment),
	cmocka_unit_test(add_for_adds_where_nothing_is),
	cmocka_unit_test(one_thread_at_a_time_has_the_lock),
	cmocka_unit_test(arguments_are_checked),
};

const struct CMUnitTest *
store_more_cases(size_t *n)
{
	*n = sizeof(cases) / sizeof(cases[0]);
	return cases;
}
