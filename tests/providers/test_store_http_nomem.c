/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_http_nomem.c - each allocation of a store over HTTP fails once,
 * libcurl's and jansson's included: it says so, or went on without, and the
 * next operation is as good as ever.
 */
#include <limits.h>

#include <caisson/store.h>

#include "lib/failmalloc.h"
#include "lib/test.h"
#include "providers/blob_server.h"

#define U(s) ((const uint8_t *)(s)), strlen(s)

static struct csn_ctx *ctx;
static struct blob_server server;
static char *url;

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
life(void)
{
	struct csn_store_stat st = { .size = sizeof(st) };
	struct csn_store *s = NULL;
	uint8_t p[2000] = { 7 };
	struct csn_store_buf buf;
	size_t len = sizeof(p), n = 0;
	uint64_t ttl;
	int rc, gone;

	if ((rc = csn_store_open(ctx, url, &s)) != 0)
		return rc;
	rc = csn_store_put(s, U("acme"), U("k"), p, sizeof(p));
	if (rc == 0)
		rc = csn_store_get(s, U("acme"), U("k"), p, &len);
	if (rc == 0 && (rc = csn_store_borrow(s, U("acme"), U("k"),
	    &buf)) == 0)
		csn_store_release(s, &buf);
	if (rc == 0)
		rc = csn_store_ttl(s, U("acme"), U("k"), &ttl);
	if (rc == 0)
		rc = csn_store_each(s, U("acme"), count, &n);
	if (rc == 0)
		rc = csn_store_stat(s, NULL, 0, &st);
	if (rc == 0)
		rc = csn_store_add_for(s, U("acme"), U("lock"), p, 5, 60000);
	if (rc == 0)
		rc = csn_store_remove_if(s, U("acme"), U("lock"), p, 5);
	(void)failmalloc_done();
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

TEST(each_allocation_fails_once)
{
	int rc, failed;
	long n;

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocator here");
	if (!blob_server_there())
		test_skip("the example blob_server was not built");
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	assert_int_equal(blob_server_start(&server, 0, NULL), 0);
	url = blob_server_url(&server, "&timeout=5000&retries=0");
	assert_non_null(url);
	/* What libcurl keeps for good is loaded now. */
	assert_int_equal(life(), 0);
	for (n = 0;; n++) {
		failmalloc_at(n);
		rc = life();
		failed = failmalloc_done();
		if (!failed)
			break;
		/* libcurl calls some of them a failed connection or send. */
		assert_true(rc == 0 || rc == CSN_E_NOMEM ||
		    rc == CSN_E_BACKEND);
		assert_true(n < 100000);
	}
	assert_int_equal(rc, 0);
	print_message("# %ld allocations\n", n);
	free(url);
	blob_server_kill(&server);
	csn_ctx_free(ctx);
}
