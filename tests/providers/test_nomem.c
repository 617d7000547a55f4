/* SPDX-License-Identifier: Apache-2.0 */
/* test_nomem.c - each allocation of a provider's life fails once. */
#include <limits.h>

#include "lib/failmalloc.h"
#include "lib/test.h"
#include "providers/keystore_suite.h"
#include "providers/store_suite.h"

#define SECRET KEYSTORE_SECRET, strlen(KEYSTORE_SECRET)
#define U(s) ((const uint8_t *)(s)), strlen(s)

static struct csn_ctx *ctx;
static const char *url;

static int
nothing(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	(void)arg;
	(void)key;
	(void)key_len;
	(void)value_len;
	return 0;
}

static int
store_life(void)
{
	uint8_t value[500] = { 7 }, key[CSN_STORE_MAX_KEY] = { 1 };
	struct csn_store_buf buf;
	struct csn_store *s = NULL;
	char space[16];
	int rc, i;

	if ((rc = csn_store_open(ctx, url, &s)) != 0)
		return rc;
	/* Enough of both that tables grow. */
	for (i = 0; i < 20000 && rc == 0; i++) {
		snprintf(space, sizeof(space), "tenant-%d", i % 5000);
		memcpy(key, &i, sizeof(i));
		rc = csn_store_put(s, U(space), key, 20, value, 100);
	}
	if (rc == 0)
		rc = csn_store_reserve(s, U("acme"), sizeof(value), &buf);
	/* A key that does not fit where it should be. */
	if (rc == 0)
		rc = csn_store_commit(s, U("acme"), key, sizeof(key), &buf);
	if (rc == 0)
		rc = csn_store_each(s, U("acme"), nothing, NULL);
	if (rc == 0 && (rc = csn_store_borrow(s, U("acme"), key,
	    sizeof(key), &buf)) == 0)
		csn_store_release(s, &buf);
	/* Whatever failed: it goes on. */
	(void)failmalloc_done();
	assert_int_equal(csn_store_put(s, U("acme"), U("after"), value, 9),
	    0);
	assert_int_equal(csn_store_drop(s, U("acme")), 0);
	csn_store_close(s);
	return rc;
}

static int
keystore_life(void)
{
	uint8_t key[CSN_KEY_SIZE] = { 1 }, wrap[CSN_KEYSTORE_MAX_WRAP];
	struct csn_keystore *ks = NULL;
	size_t len = sizeof(wrap);
	int rc;

	if ((rc = csn_keystore_open(ctx, url, SECRET, &ks)) != 0)
		return rc;
	if ((rc = csn_keystore_create(ks, "k")) == CSN_E_EXISTS)
		rc = 0;
	if (rc == 0 && (rc = csn_keystore_wrap(ks, "k", NULL, 0, key, wrap,
	    &len)) == 0)
		rc = csn_keystore_unwrap(ks, "k", NULL, 0, wrap, len, key);
	if (rc == 0)
		rc = csn_keystore_lock(ks);
	if (rc == 0)
		rc = csn_keystore_unlock(ks, SECRET);
	csn_keystore_close(ks);
	return rc;
}

/* A keystore that is made while memory is short opens afterwards. */
static int
making_life(void)
{
	long held = failmalloc_hold();
	char *folder = folder_new(), name[300];
	struct csn_keystore *ks = NULL;
	int rc;

	failmalloc_resume(held);
	snprintf(name, sizeof(name), "file:%s/keys", folder);
	rc = csn_keystore_open(ctx, name, SECRET, &ks);
	(void)failmalloc_done();
	csn_keystore_close(ks);
	assert_int_equal(csn_keystore_open(ctx, name, SECRET, &ks), 0);
	csn_keystore_close(ks);
	folder_remove(folder);
	return rc;
}

static void
each(int (*life)(void), long enough, long most)
{
	int rc, failed, again = 0;
	long n;

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	/* The first ones each, then here and there: they repeat. */
	for (n = 0; n < most; n += n < 100 ? 1 : 17) {
		failmalloc_at(n);
		rc = life();
		failed = failmalloc_done();
		again = rc == 0 ? again + 1 : 0;
		/* OpenSSL's Argon2id may give a wrong key then. */
		if (rc == CSN_E_PASSPHRASE && life == keystore_life)
			rc = CSN_E_NOMEM;
		if (rc != 0 && rc != CSN_E_NOMEM && rc != CSN_E_CRYPTO)
			fail_msg("%s, allocation %ld: %s (%s)", url, n,
			    csn_error_name(rc), csn_message());
		/* A life resets the count before its end: many good ones. */
		if (!failed && again > enough)
			break;
	}
	print_message("# %s: up to allocation %ld\n", url, n);
}

TEST(store_without_memory)
{
	url = "memory:?bytes=64M";
	each(store_life, 40, LONG_MAX);
}

TEST(keystores_without_memory)
{
	char *folder, file[300];

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	folder = folder_new();
	url = "memory:";
	each(keystore_life, 10, LONG_MAX);
	keystore_make_cheap(ctx, folder);
	snprintf(file, sizeof(file), "file:%s", folder);
	url = file;
	each(keystore_life, 10, LONG_MAX);
	folder_remove(folder);
	/* Each costs real passphrases: those where Argon2id is at work. */
	url = "file: made";
	each(making_life, 8, 16);
}

BEFORE_ALL { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }
AFTER_ALL { csn_ctx_free(ctx); }
