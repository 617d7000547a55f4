/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keystore_suite.c - the contract of <caisson/keystore.h> as cases that run
 * over every provider alike.
 */
#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

#include "lib/test.h"
#include "providers/keystore_suite.h"

#define SECRET KEYSTORE_SECRET, strlen(KEYSTORE_SECRET)
#define NEXT "another that is as long", 23
#define AAD(s) (const uint8_t *)(s), strlen(s)

struct fixture {
	const char *url;
	struct csn_ctx *ctx;
	struct csn_keystore *ks;
	char *folder;
};

static int
setup(void **state)
{
	struct fixture *f;
	const char *at;
	char *url;
	int rc;

	if ((f = calloc(1, sizeof(*f))) == NULL ||
	    (f->folder = folder_new()) == NULL ||
	    csn_ctx_new(NULL, &f->ctx) != 0)
		return -1;
	f->url = *state;
	*state = f;
	at = strstr(f->url, "%s");
	if (asprintf(&url, "%.*s%s", at == NULL ? (int)strlen(f->url) :
	    (int)(at - f->url), f->url, at == NULL ? "" : f->folder) < 0)
		return -1;
	if (strncmp(url, "file:", 5) == 0)
		keystore_make_cheap(f->ctx, f->folder);
	rc = csn_keystore_open(f->ctx, url, SECRET, &f->ks);
	free(url);
	return rc;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	csn_keystore_close(f->ks);
	csn_ctx_free(f->ctx);
	folder_remove(f->folder);
	free(f);
	return 0;
}

static void
wraps_come_back(void **state)
{
	struct fixture *f = *state;
	uint8_t key[CSN_KEY_SIZE], got[CSN_KEY_SIZE];
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP];
	size_t len = sizeof(wrap);

	memset(key, 0x5a, sizeof(key));
	assert_int_equal(csn_keystore_create(f->ks, "acme"), 0);
	assert_int_equal(csn_keystore_wrap(f->ks, "acme", AAD("vault 1"), key,
	    wrap, &len), 0);
	assert_true(len >= 40 && len <= sizeof(wrap));
	assert_null(memmem(wrap, len, key, sizeof(key)));
	assert_int_equal(csn_keystore_unwrap(f->ks, "acme", AAD("vault 1"),
	    wrap, len, got), 0);
	assert_memory_equal(got, key, sizeof(key));
	/* Without aad, too. */
	len = sizeof(wrap);
	assert_int_equal(csn_keystore_wrap(f->ks, "acme", NULL, 0, key, wrap,
	    &len), 0);
	assert_int_equal(csn_keystore_unwrap(f->ks, "acme", NULL, 0, wrap,
	    len, got), 0);
	assert_memory_equal(got, key, sizeof(key));
}

static void
other_bytes_do_not_unwrap(void **state)
{
	static const uint8_t zero[CSN_KEY_SIZE];
	struct fixture *f = *state;
	uint8_t key[CSN_KEY_SIZE] = { 1 }, got[CSN_KEY_SIZE];
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP];
	size_t len = sizeof(wrap), i;
	int rc;

	assert_int_equal(csn_keystore_create(f->ks, "acme"), 0);
	assert_int_equal(csn_keystore_create(f->ks, "globex"), 0);
	assert_int_equal(csn_keystore_wrap(f->ks, "acme", AAD("a"), key, wrap,
	    &len), 0);
	for (i = 0; i < len; i++) {
		wrap[i] ^= 4;
		memset(got, 9, sizeof(got));
		rc = csn_keystore_unwrap(f->ks, "acme", AAD("a"), wrap, len,
		    got);
		assert_true(rc == CSN_E_TAG || rc == CSN_E_FORM);
		assert_memory_equal(got, zero, sizeof(zero));
		wrap[i] ^= 4;
	}
	assert_int_equal(csn_keystore_unwrap(f->ks, "acme", AAD("b"), wrap,
	    len, got), CSN_E_TAG);
	assert_int_equal(csn_keystore_unwrap(f->ks, "acme", NULL, 0, wrap,
	    len, got), CSN_E_TAG);
	assert_int_equal(csn_keystore_unwrap(f->ks, "globex", AAD("a"), wrap,
	    len, got), CSN_E_TAG);
	for (i = 0; i < len; i++) {
		rc = csn_keystore_unwrap(f->ks, "acme", AAD("a"), wrap, i,
		    got);
		assert_true(rc == CSN_E_TAG || rc == CSN_E_FORM);
	}
	assert_int_equal(csn_keystore_unwrap(f->ks, "acme", AAD("a"), wrap,
	    len, got), 0);
}

static void
names_are_checked(void **state)
{
	struct fixture *f = *state;
	char name[CSN_KEYSTORE_MAX_NAME + 2];

	memset(name, 'n', sizeof(name));
	name[CSN_KEYSTORE_MAX_NAME + 1] = '\0';
	assert_int_equal(csn_keystore_create(f->ks, name), CSN_E_ARG);
	name[CSN_KEYSTORE_MAX_NAME] = '\0';
	assert_int_equal(csn_keystore_create(f->ks, name), 0);
	assert_int_equal(csn_keystore_create(f->ks, name), CSN_E_EXISTS);
	assert_int_equal(csn_keystore_create(f->ks, ""), CSN_E_ARG);
	assert_int_equal(csn_keystore_create(f->ks, NULL), CSN_E_ARG);
	assert_int_equal(csn_keystore_create(f->ks, "a\nb"), CSN_E_ARG);
	assert_int_equal(csn_keystore_create(f->ks, "\xff"), CSN_E_ARG);
	/* A name is no path. */
	assert_int_equal(csn_keystore_create(f->ks, "../up"), 0);
	assert_int_equal(csn_keystore_create(f->ks, "."), 0);
	assert_int_equal(csn_keystore_create(f->ks, "a/b %41"), 0);
	assert_int_equal(csn_keystore_create(f->ks, "Zoë"), 0);
}

struct names {
	size_t n;
	char seen[16][CSN_KEYSTORE_MAX_NAME + 1];
	int stop;
};

static int
visit(void *arg, const char *name)
{
	struct names *names = arg;

	assert_true(names->n < 16);
	memcpy(names->seen[names->n++], name, strlen(name) + 1);
	return names->stop;
}

static int
has(const struct names *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->n; i++) {
		if (strcmp(names->seen[i], name) == 0)
			return 1;
	}
	return 0;
}

static void
keys_are_listed_and_removed(void **state)
{
	struct fixture *f = *state;
	struct names names = { 0 };
	uint8_t key[CSN_KEY_SIZE] = { 1 }, wrap[CSN_KEYSTORE_MAX_WRAP];
	size_t len = sizeof(wrap);

	assert_int_equal(csn_keystore_each(f->ks, visit, &names), 0);
	assert_int_equal(names.n, 0);
	assert_int_equal(csn_keystore_create(f->ks, "acme"), 0);
	assert_int_equal(csn_keystore_create(f->ks, "a/b%"), 0);
	assert_int_equal(csn_keystore_create(f->ks, "third"), 0);
	assert_int_equal(csn_keystore_each(f->ks, visit, &names), 0);
	assert_int_equal(names.n, 3);
	assert_true(has(&names, "acme") && has(&names, "a/b%") &&
	    has(&names, "third"));
	names.n = 0;
	names.stop = 7;
	assert_int_equal(csn_keystore_each(f->ks, visit, &names), 7);
	assert_int_equal(names.n, 1);
	assert_int_equal(csn_keystore_wrap(f->ks, "acme", AAD("a"), key, wrap,
	    &len), 0);
	assert_int_equal(csn_keystore_remove(f->ks, "acme"), 0);
	assert_int_equal(csn_keystore_remove(f->ks, "acme"),
	    CSN_E_NOT_FOUND);
	assert_int_equal(csn_keystore_unwrap(f->ks, "acme", AAD("a"), wrap,
	    len, key), CSN_E_NOT_FOUND);
	assert_int_equal(csn_keystore_wrap(f->ks, "acme", AAD("a"), key, wrap,
	    &len), CSN_E_NOT_FOUND);
	/* The same name again is another key. */
	assert_int_equal(csn_keystore_create(f->ks, "acme"), 0);
	assert_int_equal(csn_keystore_unwrap(f->ks, "acme", AAD("a"), wrap,
	    len, key), CSN_E_TAG);
	names = (struct names){ 0 };
	assert_int_equal(csn_keystore_each(f->ks, visit, &names), 0);
	assert_int_equal(names.n, 3);
}

static void
small_buffer_is_told_the_length(void **state)
{
	struct fixture *f = *state;
	uint8_t key[CSN_KEY_SIZE] = { 1 }, wrap[CSN_KEYSTORE_MAX_WRAP];
	size_t len = 0, need;

	assert_int_equal(csn_keystore_create(f->ks, "acme"), 0);
	assert_int_equal(csn_keystore_wrap(f->ks, "acme", AAD("a"), key, NULL,
	    &len), CSN_E_BUFFER);
	assert_true(len > 32 && len <= sizeof(wrap));
	need = len--;
	assert_int_equal(csn_keystore_wrap(f->ks, "acme", AAD("a"), key, wrap,
	    &len), CSN_E_BUFFER);
	assert_int_equal(len, need);
	assert_int_equal(csn_keystore_wrap(f->ks, "acme", AAD("a"), key, wrap,
	    &len), 0);
	assert_int_equal(len, need);
}

static void
locked_does_nothing_until_unlocked(void **state)
{
	struct fixture *f = *state;
	uint8_t key[CSN_KEY_SIZE] = { 1 }, wrap[CSN_KEYSTORE_MAX_WRAP];
	struct names names = { 0 };
	size_t len = sizeof(wrap);

	assert_int_equal(csn_keystore_create(f->ks, "acme"), 0);
	assert_int_equal(csn_keystore_wrap(f->ks, "acme", AAD("a"), key, wrap,
	    &len), 0);
	assert_int_equal(csn_keystore_lock(f->ks), 0);
	assert_int_equal(csn_keystore_lock(f->ks), 0);
	assert_int_equal(csn_keystore_unwrap(f->ks, "acme", AAD("a"), wrap,
	    len, key), CSN_E_LOCKED);
	assert_int_equal(csn_keystore_wrap(f->ks, "acme", AAD("a"), key, wrap,
	    &len), CSN_E_LOCKED);
	assert_int_equal(csn_keystore_create(f->ks, "b"), CSN_E_LOCKED);
	assert_int_equal(csn_keystore_remove(f->ks, "acme"), CSN_E_LOCKED);
	assert_int_equal(csn_keystore_each(f->ks, visit, &names),
	    CSN_E_LOCKED);
	assert_int_equal(csn_keystore_unlock(f->ks, "wrong", 5),
	    CSN_E_PASSPHRASE);
	assert_int_equal(csn_keystore_unlock(f->ks, NULL, 0),
	    CSN_E_PASSPHRASE);
	assert_true(strlen(csn_message()) > 0);
	assert_int_equal(csn_keystore_create(f->ks, "b"), CSN_E_LOCKED);
	assert_int_equal(csn_keystore_unlock(f->ks, SECRET), 0);
	assert_int_equal(csn_keystore_unwrap(f->ks, "acme", AAD("a"), wrap,
	    len, key), 0);
	assert_int_equal(key[0], 1);
}

static void
secret_changes_where_it_can(void **state)
{
	struct fixture *f = *state;
	uint8_t key[CSN_KEY_SIZE] = { 1 }, wrap[CSN_KEYSTORE_MAX_WRAP];
	size_t len = sizeof(wrap);
	int rc;

	assert_int_equal(csn_keystore_create(f->ks, "acme"), 0);
	assert_int_equal(csn_keystore_wrap(f->ks, "acme", AAD("a"), key, wrap,
	    &len), 0);
	rc = csn_keystore_change_secret(f->ks, "wrong", 5, NEXT);
	if (rc == CSN_E_BACKEND)
		return;
	assert_int_equal(rc, CSN_E_PASSPHRASE);
	assert_int_equal(csn_keystore_change_secret(f->ks, SECRET, NEXT), 0);
	assert_int_equal(csn_keystore_lock(f->ks), 0);
	assert_int_equal(csn_keystore_unlock(f->ks, SECRET),
	    CSN_E_PASSPHRASE);
	assert_int_equal(csn_keystore_unlock(f->ks, NEXT), 0);
	assert_int_equal(csn_keystore_unwrap(f->ks, "acme", AAD("a"), wrap,
	    len, key), 0);
}

/* As an index uses it: written one ahead, then advanced. */
static void
a_counter_goes_up_or_is_said_to_be_missing(void **state)
{
	struct fixture *f = *state;
	uint64_t first, is;
	int rc;

	rc = csn_keystore_generation(f->ks, &first);
	if (rc == CSN_E_BACKEND) {
		assert_int_equal(csn_keystore_advance(f->ks, 1),
		    CSN_E_BACKEND);
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(csn_keystore_advance(f->ks, first), 0);
	assert_int_equal(csn_keystore_generation(f->ks, &is), 0);
	assert_int_equal(is, first);
	assert_int_equal(csn_keystore_advance(f->ks, first + 1), 0);
	assert_int_equal(csn_keystore_advance(f->ks, first + 1), 0);
	assert_int_equal(csn_keystore_generation(f->ks, &is), 0);
	assert_int_equal(is, first + 1);
	assert_int_equal(csn_keystore_advance(f->ks, first), CSN_E_REPLAY);
	assert_int_equal(csn_keystore_advance(f->ks, first + 3), CSN_E_DRIFT);
	assert_int_equal(csn_keystore_lock(f->ks), 0);
	assert_int_equal(csn_keystore_generation(f->ks, &is), CSN_E_LOCKED);
	assert_int_equal(csn_keystore_advance(f->ks, first), CSN_E_LOCKED);
	assert_int_equal(csn_keystore_unlock(f->ks, SECRET), 0);
	assert_int_equal(csn_keystore_generation(f->ks, &is), 0);
	assert_int_equal(is, first + 1);
}

#define THREADS 4

struct worker {
	struct csn_keystore *ks;
	uint8_t number;
	size_t wrong;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	uint8_t key[CSN_KEY_SIZE], got[CSN_KEY_SIZE];
	uint8_t wrap[CSN_KEYSTORE_MAX_WRAP];
	char own[16];
	size_t i, len;

	snprintf(own, sizeof(own), "own-%u", w->number);
	for (i = 0; i < 20; i++) {
		memset(key, (int)(w->number * 16 + i), sizeof(key));
		len = sizeof(wrap);
		w->wrong += csn_keystore_wrap(w->ks, "shared", &w->number, 1,
		    key, wrap, &len) != 0;
		w->wrong += csn_keystore_unwrap(w->ks, "shared", &w->number,
		    1, wrap, len, got) != 0;
		w->wrong += memcmp(key, got, sizeof(key)) != 0;
		w->wrong += csn_keystore_create(w->ks, own) != 0;
		w->wrong += csn_keystore_remove(w->ks, own) != 0;
	}
	return NULL;
}

static void
many_threads_use_one_keystore(void **state)
{
	struct fixture *f = *state;
	struct worker w[THREADS];
	pthread_t t[THREADS];
	size_t i;

	assert_int_equal(csn_keystore_create(f->ks, "shared"), 0);
	for (i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ f->ks, (uint8_t)i, 0 };
		assert_int_equal(pthread_create(&t[i], NULL, work, &w[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(t[i], NULL), 0);
		assert_int_equal(w[i].wrong, 0);
	}
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(wraps_come_back),
	cmocka_unit_test(other_bytes_do_not_unwrap),
	cmocka_unit_test(names_are_checked),
	cmocka_unit_test(keys_are_listed_and_removed),
	cmocka_unit_test(small_buffer_is_told_the_length),
	cmocka_unit_test(locked_does_nothing_until_unlocked),
	cmocka_unit_test(secret_changes_where_it_can),
	cmocka_unit_test(a_counter_goes_up_or_is_said_to_be_missing),
	cmocka_unit_test(many_threads_use_one_keystore),
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

int
keystore_suite(const char *const *urls, size_t n)
{
	struct CMUnitTest *tests;
	char *name;
	size_t i, k;
	int failed;

	if ((tests = calloc(n * CASES, sizeof(*tests))) == NULL)
		return 1;
	for (i = 0; i < n; i++) {
		for (k = 0; k < CASES; k++) {
			if (asprintf(&name, "%.*s: %s",
			    (int)strcspn(urls[i], ":"), urls[i],
			    cases[k].name) < 0)
				return 1;
			tests[i * CASES + k] = (struct CMUnitTest){
			    name, cases[k].test_func, setup, teardown,
			    (void *)(uintptr_t)urls[i] };
		}
	}
	failed = _cmocka_run_group_tests("keystore suite", tests, n * CASES,
	    NULL, NULL);
	for (i = 0; i < n * CASES; i++)
		free((void *)(uintptr_t)tests[i].name);
	free(tests);
	return failed;
}
