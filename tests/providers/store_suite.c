/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_suite.c - the contract of <caisson/store.h> as cases that run over
 * every provider alike.
 */
#include <pthread.h>

#include "lib/test.h"
#include "providers/store_suite.h"

static int
setup(void **state)
{
	struct store_fixture *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return -1;
	f->subject = *state;
	*state = f;
	f->url = f->subject->make(f->subject->arg);
	if (f->url == NULL || csn_ctx_new(NULL, &f->ctx) != 0)
		return -1;
	if (csn_store_open(f->ctx, f->url, &f->store) != 0) {
		print_error("%s: %s\n", f->url, csn_message());
		return -1;
	}
	return 0;
}

static int
teardown(void **state)
{
	struct store_fixture *f = *state;

	csn_store_close(f->store);
	csn_ctx_free(f->ctx);
	if (f->subject->clear != NULL)
		f->subject->clear(f->subject->arg, f->url);
	free(f->url);
	free(f);
	return 0;
}

void
store_fill(uint8_t *p, size_t len, uint64_t seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

void
store_check_value(struct csn_store *store, const char *space,
    const char *key, size_t want, uint64_t seed)
{
	uint8_t *got, *expected;
	size_t len = want;

	got = malloc(want + 1);
	expected = malloc(want + 1);
	assert_non_null(got);
	assert_non_null(expected);
	store_fill(expected, want, seed);
	assert_int_equal(csn_store_get(store, U(space), U(key), got, &len),
	    0);
	assert_int_equal(len, want);
	assert_memory_equal(got, expected, want);
	free(got);
	free(expected);
}

void
store_put_value(struct csn_store *store, const char *space, const char *key,
    size_t len, uint64_t seed)
{
	uint8_t *p = malloc(len + 1);

	assert_non_null(p);
	store_fill(p, len, seed);
	assert_int_equal(csn_store_put(store, U(space), U(key), p, len), 0);
	free(p);
}

void
store_check_entries(struct store_fixture *f, const char *space,
    uint64_t entries)
{
	struct csn_store_stat st = { .size = sizeof(st) };
	int rc;

	rc = csn_store_stat(f->store, (const uint8_t *)space,
	    space == NULL ? 0 : strlen(space), &st);
	if ((f->subject->lacks & STORE_LACKS_COUNTS) != 0) {
		assert_true(rc == 0 || (rc == CSN_E_BACKEND && space != NULL));
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(st.entries, entries);
}

static void
put_then_get_gives_the_same_bytes(void **state)
{
	static const size_t lens[] = { 0, 1, 63, 64, 65, 144, 1000, 4096,
	    4240, 32768, 65536, 300000, (2u << 20) + 144 };
	struct store_fixture *f = *state;
	size_t i, n = sizeof(lens) / sizeof(lens[0]);
	char key[32];

	if (f->subject->most > 0 && f->subject->most < lens[n - 1])
		n--;
	for (i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "key-%zu", i);
		store_put_value(f->store, "acme", key, lens[i], i);
	}
	for (i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "key-%zu", i);
		store_check_value(f->store, "acme", key, lens[i], i);
	}
}

static void
put_replaces(void **state)
{
	struct store_fixture *f = *state;

	store_put_value(f->store, "acme", "k", 100, 1);
	store_put_value(f->store, "acme", "k", 5000, 2);
	store_check_value(f->store, "acme", "k", 5000, 2);
	store_put_value(f->store, "acme", "k", 10, 3);
	store_check_value(f->store, "acme", "k", 10, 3);
	store_check_entries(f, "acme", 1);
}

static void
spaces_are_apart(void **state)
{
	struct store_fixture *f = *state;
	uint8_t p[8];
	size_t len = sizeof(p);

	store_put_value(f->store, "acme", "k", 8, 1);
	assert_int_equal(csn_store_get(f->store, U("globex"), U("k"), p,
	    &len), CSN_E_NOT_FOUND);
	store_put_value(f->store, "globex", "k", 8, 2);
	store_check_value(f->store, "acme", "k", 8, 1);
	store_check_value(f->store, "globex", "k", 8, 2);
	/* No two pairs run together into the same name. */
	store_put_value(f->store, "ab", "c", 8, 3);
	store_put_value(f->store, "a", "bc", 8, 4);
	store_check_value(f->store, "ab", "c", 8, 3);
	store_check_value(f->store, "a", "bc", 8, 4);
}

static void
names_have_limits(void **state)
{
	struct store_fixture *f = *state;
	uint8_t name[CSN_STORE_MAX_KEY + 1], p[4] = { 1, 2, 3, 4 };
	size_t len = sizeof(p);

	memset(name, 'n', sizeof(name));
	assert_int_equal(csn_store_put(f->store, name, CSN_STORE_MAX_SPACE,
	    name, CSN_STORE_MAX_KEY, p, 4), 0);
	memset(p, 0, sizeof(p));
	assert_int_equal(csn_store_get(f->store, name, CSN_STORE_MAX_SPACE,
	    name, CSN_STORE_MAX_KEY, p, &len), 0);
	assert_int_equal(p[3], 4);
	assert_int_equal(csn_store_put(f->store, name,
	    CSN_STORE_MAX_SPACE + 1, name, 1, p, 4), CSN_E_ARG);
	assert_int_equal(csn_store_put(f->store, name, 1, name,
	    CSN_STORE_MAX_KEY + 1, p, 4), CSN_E_ARG);
	assert_int_equal(csn_store_put(f->store, NULL, 1, name, 1, p, 4),
	    CSN_E_ARG);
	assert_int_equal(csn_store_put(f->store, name, 1, name, 0, p, 4),
	    CSN_E_ARG);
	assert_int_equal(csn_store_put(f->store, name, 1, name, 1, NULL, 4),
	    CSN_E_ARG);
}

static void
small_buffer_is_told_the_length(void **state)
{
	struct store_fixture *f = *state;
	uint8_t p[10];
	size_t len = sizeof(p);

	store_put_value(f->store, "acme", "k", 11, 1);
	assert_int_equal(csn_store_get(f->store, U("acme"), U("k"), p, &len),
	    CSN_E_BUFFER);
	assert_int_equal(len, 11);
	len = 0;
	assert_int_equal(csn_store_get(f->store, U("acme"), U("k"), NULL,
	    &len), CSN_E_BUFFER);
	assert_int_equal(len, 11);
}

static void
remove_takes_one_away(void **state)
{
	struct store_fixture *f = *state;
	uint8_t p[8];
	size_t len = sizeof(p);

	store_put_value(f->store, "acme", "a", 8, 1);
	store_put_value(f->store, "acme", "b", 8, 2);
	assert_int_equal(csn_store_remove(f->store, U("acme"), U("a")), 0);
	assert_int_equal(csn_store_remove(f->store, U("acme"), U("a")),
	    CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_get(f->store, U("acme"), U("a"), p, &len),
	    CSN_E_NOT_FOUND);
	assert_true(strlen(csn_message()) > 0);
	store_check_value(f->store, "acme", "b", 8, 2);
}

struct seen {
	struct csn_store *store;
	size_t n, bytes;
	size_t stop_at;
};

static int
visit_count(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	struct seen *seen = arg;

	assert_true(key_len >= 4 && memcmp(key, "key-", 4) == 0);
	seen->n++;
	seen->bytes += value_len;
	return seen->n == seen->stop_at ? 77 : 0;
}

static int
visit_remove(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	struct seen *seen = arg;

	(void)value_len;
	seen->n++;
	return csn_store_remove(seen->store, U("acme"), key, key_len);
}

static void
list_visits_one_space(void **state)
{
	struct store_fixture *f = *state;
	struct seen seen = { .store = f->store };
	char key[32];
	size_t i;

	if ((f->subject->lacks & STORE_LACKS_LIST) != 0) {
		assert_int_equal(csn_store_each(f->store, U("acme"),
		    visit_count, &seen), CSN_E_BACKEND);
		assert_true(strlen(csn_message()) > 20);
		return;
	}
	for (i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "key-%zu", i);
		store_put_value(f->store, "acme", key, 10, i);
		store_put_value(f->store, "globex", key, 20, i);
	}
	assert_int_equal(csn_store_each(f->store, U("acme"), visit_count,
	    &seen), 0);
	assert_int_equal(seen.n, 100);
	assert_int_equal(seen.bytes, 1000);
	seen.n = 0;
	seen.stop_at = 7;
	assert_int_equal(csn_store_each(f->store, U("acme"), visit_count,
	    &seen), 77);
	assert_int_equal(seen.n, 7);
	seen.n = 0;
	assert_int_equal(csn_store_each(f->store, U("acme"), visit_remove,
	    &seen), 0);
	assert_int_equal(seen.n, 100);
	store_check_entries(f, "acme", 0);
	store_check_entries(f, "globex", 100);
	seen.n = 0;
	assert_int_equal(csn_store_each(f->store, U("nobody"), visit_count,
	    &seen), 0);
	assert_int_equal(seen.n, 0);
}

static void
drop_takes_a_whole_space(void **state)
{
	struct store_fixture *f = *state;
	char key[32];
	uint8_t p[64];
	size_t i, len;

	for (i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "key-%zu", i);
		store_put_value(f->store, "acme", key, 64 + i * 40, i);
		store_put_value(f->store, "globex", key, 64, i);
	}
	assert_int_equal(csn_store_drop(f->store, U("acme")), 0);
	for (i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "key-%zu", i);
		len = sizeof(p);
		assert_int_equal(csn_store_get(f->store, U("acme"), U(key), p,
		    &len), CSN_E_NOT_FOUND);
		store_check_value(f->store, "globex", key, 64, i);
	}
	store_check_entries(f, "acme", 0);
	store_check_entries(f, NULL, 300);
	/* Its name can be used again. */
	store_put_value(f->store, "acme", "key-0", 64, 5);
	store_check_value(f->store, "acme", "key-0", 64, 5);
	assert_int_equal(csn_store_drop(f->store, U("nobody")), 0);
	/* Keys outside any space may be anybody's. */
	assert_int_equal(csn_store_drop(f->store, NULL, 0), CSN_E_ARG);
}

static void
statistics_count(void **state)
{
	struct store_fixture *f = *state;
	struct csn_store_stat st = { .size = sizeof(st) };
	uint8_t p[8];
	size_t len = sizeof(p);

	store_put_value(f->store, "acme", "a", 8, 1);
	store_put_value(f->store, "acme", "b", 8, 2);
	store_check_value(f->store, "acme", "a", 8, 1);
	assert_int_equal(csn_store_get(f->store, U("acme"), U("z"), p, &len),
	    CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_remove(f->store, U("acme"), U("b")), 0);
	assert_int_equal(csn_store_stat(f->store, NULL, 0, &st), 0);
	assert_int_equal(st.size, sizeof(st));
	assert_int_equal(st.puts, 2);
	assert_int_equal(st.hits, 1);
	assert_int_equal(st.misses, 1);
	assert_int_equal(st.deletes, 1);
	if ((f->subject->lacks & STORE_LACKS_COUNTS) == 0) {
		assert_int_equal(st.entries, 1);
		assert_int_equal(st.bytes, 8);
		assert_true(st.memory >= st.bytes);
	}
}

static void
reserve_and_borrow_are_in_place(void **state)
{
	static const size_t lens[] = { 0, 144, 5000, (2u << 20) + 144 };
	struct store_fixture *f = *state;
	struct csn_store_buf buf, again;
	uint8_t *expected, key[CSN_STORE_MAX_KEY];
	size_t i, key_len;

	memset(key, 'k', sizeof(key));
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		/* Short keys, and the longest that there may be. */
		key_len = i % 2 == 0 ? 24 : sizeof(key);
		key[0] = (uint8_t)i;
		assert_int_equal(csn_store_reserve(f->store, U("acme"),
		    lens[i], &buf), 0);
		assert_int_equal(buf.len, lens[i]);
		assert_int_equal((uintptr_t)buf.p % 64, 0);
		store_fill(buf.p, lens[i], i);
		assert_int_equal(csn_store_borrow(f->store, U("acme"), key,
		    key_len, &again), CSN_E_NOT_FOUND);
		assert_int_equal(csn_store_commit(f->store, U("acme"), key,
		    key_len, &buf), 0);
		assert_null(buf.handle);
		assert_int_equal(csn_store_borrow(f->store, U("acme"), key,
		    key_len, &again), 0);
		assert_int_equal(again.len, lens[i]);
		assert_int_equal((uintptr_t)again.p % 64, 0);
		expected = malloc(lens[i] + 1);
		assert_non_null(expected);
		store_fill(expected, lens[i], i);
		assert_memory_equal(again.p, expected, lens[i]);
		free(expected);
		csn_store_release(f->store, &again);
		assert_null(again.handle);
	}
}

static void
abort_leaves_nothing(void **state)
{
	struct store_fixture *f = *state;
	struct csn_store_buf buf;

	assert_int_equal(csn_store_reserve(f->store, U("acme"), 1000, &buf),
	    0);
	memset(buf.p, 1, buf.len);
	csn_store_abort(f->store, &buf);
	csn_store_abort(f->store, &buf);
	assert_int_equal(csn_store_reserve(f->store, U("acme"), 1000, &buf),
	    0);
	memset(buf.p, 1, buf.len);
	/* A commit that is refused ends the reservation too. */
	assert_int_equal(csn_store_commit(f->store, U("acme"), U(""), &buf),
	    CSN_E_ARG);
	assert_null(buf.handle);
	assert_int_equal(csn_store_commit(f->store, U("acme"), U("k"), &buf),
	    CSN_E_ARG);
	store_check_entries(f, NULL, 0);
}

static void
borrowed_stays_whole_whatever_happens(void **state)
{
	static const size_t lens[] = { 144, 100000 };
	struct store_fixture *f = *state;
	struct csn_store_buf buf[3];
	uint8_t *expected;
	char key[32];
	size_t i, k;

	for (i = 0; i < 2; i++) {
		expected = malloc(lens[i]);
		assert_non_null(expected);
		store_fill(expected, lens[i], 9);
		for (k = 0; k < 3; k++) {
			snprintf(key, sizeof(key), "key-%zu", k);
			store_put_value(f->store, "acme", key, lens[i], 9);
			assert_int_equal(csn_store_borrow(f->store, U("acme"),
			    U(key), &buf[k]), 0);
		}
		store_put_value(f->store, "acme", "key-0", lens[i], 10);
		assert_int_equal(csn_store_remove(f->store, U("acme"),
		    U("key-1")), 0);
		assert_int_equal(csn_store_drop(f->store, U("acme")), 0);
		for (k = 0; k < 200; k++) {
			snprintf(key, sizeof(key), "key-%zu", k);
			store_put_value(f->store, "globex", key, lens[i], k);
		}
		for (k = 0; k < 3; k++) {
			assert_memory_equal(buf[k].p, expected, lens[i]);
			csn_store_release(f->store, &buf[k]);
		}
		assert_int_equal(csn_store_drop(f->store, U("globex")), 0);
		free(expected);
	}
}

#define THREADS 4
#define ROUNDS 3000

struct worker {
	struct csn_store *store;
	unsigned seed;
	size_t wrong;
	char why[300];		/* of the first call that failed */
};

static void
note_failure(struct worker *w, int rc)
{
	if (rc == 0 || rc == CSN_E_NOT_FOUND)
		return;
	if (w->wrong++ == 0)
		snprintf(w->why, sizeof(w->why), "%s: %s",
		    csn_error_name(rc), csn_message());
}

/* A value says which key it belongs to, over and over. */
static void *
work(void *arg)
{
	static const char *const spaces[] = { "acme", "globex", "initech" };
	struct worker *w = arg;
	struct csn_store_buf buf;
	unsigned r = w->seed;
	const char *space;
	uint8_t key[16] = { 0 };
	size_t i, k, len;
	int rc;

	for (i = 0; i < ROUNDS; i++) {
		r = r * 1664525u + 1013904223u;
		space = spaces[(r >> 8) % 3];
		key[0] = (uint8_t)((r >> 12) % 64);
		switch ((r >> 20) % 8) {
		case 0: case 1: case 2:
			len = key[0] % 8 == 0 ? 70000 : 100 + (r >> 24);
			rc = csn_store_reserve(w->store, U(space), len, &buf);
			if (rc == 0) {
				memset(buf.p, key[0], len);
				rc = csn_store_commit(w->store, U(space), key,
				    sizeof(key), &buf);
			}
			note_failure(w, rc);
			break;
		case 3: case 4: case 5: case 6:
			rc = csn_store_borrow(w->store, U(space), key,
			    sizeof(key), &buf);
			note_failure(w, rc);
			if (rc != 0)
				break;
			for (k = 0; k < buf.len; k++)
				w->wrong += buf.p[k] != key[0];
			csn_store_release(w->store, &buf);
			break;
		default:
			if (r % 16 == 0)
				rc = csn_store_drop(w->store, U(space));
			else
				rc = csn_store_remove(w->store, U(space), key,
				    sizeof(key));
			note_failure(w, rc);
			break;
		}
	}
	return NULL;
}

static void
many_threads_never_see_a_torn_value(void **state)
{
	struct store_fixture *f = *state;
	struct worker w[THREADS];
	pthread_t threads[THREADS];
	size_t i;

	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .store = f->store,
		    .seed = (unsigned)i * 77 + 1 };
		assert_int_equal(pthread_create(&threads[i], NULL, work,
		    &w[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		if (w[i].wrong != 0)
			fail_msg("%zu wrong; %s", w[i].wrong, w[i].why);
	}
	assert_int_equal(csn_store_drop(f->store, U("acme")), 0);
	assert_int_equal(csn_store_drop(f->store, U("globex")), 0);
	assert_int_equal(csn_store_drop(f->store, U("initech")), 0);
	store_check_entries(f, NULL, 0);
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(put_then_get_gives_the_same_bytes),
	cmocka_unit_test(put_replaces),
	cmocka_unit_test(spaces_are_apart),
	cmocka_unit_test(names_have_limits),
	cmocka_unit_test(small_buffer_is_told_the_length),
	cmocka_unit_test(remove_takes_one_away),
	cmocka_unit_test(list_visits_one_space),
	cmocka_unit_test(drop_takes_a_whole_space),
	cmocka_unit_test(statistics_count),
	cmocka_unit_test(reserve_and_borrow_are_in_place),
	cmocka_unit_test(abort_leaves_nothing),
	cmocka_unit_test(borrowed_stays_whole_whatever_happens),
	cmocka_unit_test(many_threads_never_see_a_torn_value),
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

int
store_suite_run(const struct store_subject *subjects, size_t n)
{
	const struct CMUnitTest *more, *one;
	struct CMUnitTest *tests;
	size_t i, k, each;
	char *name;
	int failed;

	more = store_more_cases(&each);
	each += CASES;
	if ((tests = calloc(n * each, sizeof(*tests))) == NULL)
		return 1;
	for (i = 0; i < n; i++) {
		for (k = 0; k < each; k++) {
			one = k < CASES ? &cases[k] : &more[k - CASES];
			if (asprintf(&name, "%s %s", subjects[i].name,
			    one->name) < 0)
				return 1;
			tests[i * each + k] = (struct CMUnitTest){ name,
			    one->test_func, setup, teardown,
			    (void *)(uintptr_t)&subjects[i] };
		}
	}
	failed = _cmocka_run_group_tests("store suite", tests, n * each,
	    NULL, NULL);
	for (i = 0; i < n * each; i++)
		free((void *)(uintptr_t)tests[i].name);
	free(tests);
	return failed;
}

static char *
make_url(void *arg)
{
	return strdup(arg);
}

int
store_suite(const char *const *urls, size_t n)
{
	struct store_subject *subjects;
	size_t i;
	int failed;

	if ((subjects = calloc(n, sizeof(*subjects))) == NULL)
		return 1;
	for (i = 0; i < n; i++) {
		subjects[i].name = urls[i];
		subjects[i].make = make_url;
		subjects[i].arg = (void *)(uintptr_t)urls[i];
		/* The smallest of them holds 16 MiB. */
		subjects[i].most = 4u << 20;
	}
	failed = store_suite_run(subjects, n);
	free(subjects);
	return failed;
}
