/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_nomem.c - each allocation of a store's life fails once: in
 * memory with values that end, in files, in LMDB, in memcached. It says so,
 * or went on without, and the next operation is as good as ever.
 */
#include <unistd.h>

#include <caisson/store.h>

#include "csn_config.h"
#include "lib/failmalloc.h"
#include "lib/test.h"
#include "providers/memcached_server.h"

#define U(s) ((const uint8_t *)(s)), strlen(s)

static struct csn_ctx *ctx;
static int came_to_it;

static int
count(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	(void)key;
	(void)key_len;
	(void)value_len;
	++*(size_t *)arg;
	return 0;
}

static int
life(const char *url, int lists)
{
	struct csn_store_stat st = { .size = sizeof(st) };
	struct csn_store *s = NULL;
	uint8_t p[6000] = { 7 }, key[CSN_STORE_MAX_KEY];
	struct csn_store_buf buf;
	size_t len = sizeof(p), n = 0;
	uint64_t ttl;
	int rc, gone;

	memset(key, 0xfe, sizeof(key));
	came_to_it = 1;
	if ((rc = csn_store_open(ctx, url, &s)) != 0)
		return rc;
	rc = csn_store_put(s, U("acme"), U("k"), p, sizeof(p));
	if (rc == 0)
		rc = csn_store_get(s, U("acme"), U("k"), p, &len);
	if (rc == 0)
		rc = csn_store_put_for(s, NULL, 0, key, sizeof(key), p, 5,
		    60000);
	if (rc == 0 && (rc = csn_store_borrow(s, U("acme"), U("k"),
	    &buf)) == 0)
		csn_store_release(s, &buf);
	if (rc == 0)
		rc = csn_store_ttl(s, NULL, 0, key, sizeof(key), &ttl);
	if (rc == 0 && lists)
		rc = csn_store_each(s, U("acme"), count, &n);
	if (rc == 0)
		rc = csn_store_stat(s, NULL, 0, &st);
	if (rc == 0)
		rc = csn_store_add_for(s, U("acme"), U("lock"), p, 5, 60000);
	if (rc == 0)
		rc = csn_store_remove_if(s, U("acme"), U("lock"), p, 5);
	came_to_it = failmalloc_done();
	/* Whatever failed: it goes on. */
	len = sizeof(p);
	assert_int_equal(csn_store_put(s, U("acme"), U("after"), p, 9), 0);
	assert_int_equal(csn_store_get(s, U("acme"), U("after"), p, &len), 0);
	assert_int_equal(len, 9);
	gone = csn_store_remove(s, U("acme"), U("lock"));
	assert_true(gone == 0 || gone == CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_drop(s, U("acme")), 0);
	csn_store_close(s);
	return rc;
}

static void
each_fails_once(const char *url, int lists)
{
	long n;
	int rc;

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	assert_int_equal(life(url, lists), 0);
	for (n = 0; n < 20000; n++) {
		failmalloc_at(n);
		rc = life(url, lists);
		(void)failmalloc_done();
		if (rc != 0 && rc != CSN_E_NOMEM && rc != CSN_E_CRYPTO)
			fail_msg("%s, allocation %ld: %s (%s)", url, n,
			    csn_error_name(rc), csn_message());
		if (!came_to_it)
			break;
	}
	assert_int_equal(rc, 0);
	print_message("# %s: %ld allocations\n", url, n);
	csn_ctx_free(ctx);
}

static void
in_a_folder(const char *scheme)
{
	char *folder, url[96];

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	folder = folder_new();
	snprintf(url, sizeof(url), "%s:%s/s?sync=none", scheme, folder);
	each_fails_once(url, 1);
	folder_remove(folder);
}

TEST(memory_without_memory)
{
	each_fails_once("memory:?bytes=8M", 1);
}

TEST(files_without_memory)
{
	in_a_folder("file");
}

TEST(lmdb_without_memory)
{
#ifdef CSN_HAVE_LMDB
	in_a_folder("lmdb");
#else
	test_skip("this build is without LMDB");
#endif
}

TEST(memcached_without_memory)
{
	struct memcached_server server = { 0 };
	char url[64];

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	if (!memcached_is_here())
		test_skip("memcached is not on this machine");
	assert_int_equal(memcached_start(&server), 0);
	/* A name, so that the resolver's thread has its turn as well. */
	snprintf(url, sizeof(url), "memcached://localhost:%u?timeout=5000",
	    server.port);
	each_fails_once(url, 0);
	memcached_kill(&server);
}
