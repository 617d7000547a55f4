/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_redis_nomem.c - each allocation of the Redis store fails once. */
#include "lib/failmalloc.h"
#include "lib/test.h"
#include "providers/redis_server.h"
#include "providers/store_suite.h"
#include "providers/tls_front.h"

static struct csn_ctx *ctx;
static struct redis_server server;
static char url[256];
static int reached;		/* the allocation that was to fail */

static int
nothing(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	(void)arg;
	(void)key;
	(void)key_len;
	(void)value_len;
	return 0;
}

/* 0, or the first failure; whatever it was, the store goes on. */
static int
life(int tls)
{
	struct csn_store_stat st = { .size = sizeof(st) };
	struct csn_store_buf buf = { 0 };
	struct csn_store *s = NULL;
	uint8_t p[600] = { 7 };
	uint64_t left;
	size_t len;
	int rc, i;

	rc = csn_store_open(ctx, url, &s);
	if (rc != 0) {
		reached = failmalloc_done();
		return rc;
	}
	for (i = 0; i < 3 && rc == 0; i++)
		rc = csn_store_put(s, U("acme"), (uint8_t *)&i, sizeof(i), p,
		    200);
	len = sizeof(p);
	i = 1;
	if (rc == 0)
		rc = csn_store_get(s, U("acme"), (uint8_t *)&i, sizeof(i), p,
		    &len);
	if (rc == 0 && (rc = csn_store_borrow(s, U("acme"), (uint8_t *)&i,
	    sizeof(i), &buf)) == 0)
		csn_store_release(s, &buf);
	if (rc == 0 && (rc = csn_store_reserve(s, U("acme"), sizeof(p),
	    &buf)) == 0) {
		memset(buf.p, 1, buf.len);
		rc = csn_store_commit(s, U("acme"), U("in place"), &buf);
	}
	if (rc == 0 && (rc = csn_store_add_for(s, U("acme"), U("lock"), p, 8,
	    60000)) == CSN_E_EXISTS)
		rc = 0;
	if (rc == 0)
		rc = csn_store_ttl(s, U("acme"), U("lock"), &left);
	if (rc == 0)
		rc = csn_store_remove_if(s, U("acme"), U("lock"), p, 8);
	if (rc == 0)
		rc = csn_store_each(s, U("acme"), nothing, NULL);
	if (rc == 0)
		rc = csn_store_stat(s, NULL, 0, &st);
	if (rc == 0)
		rc = csn_store_drop(s, U("acme"));
	reached = failmalloc_done();
	i = csn_store_put(s, U("acme"), U("after"), p, 9);
	/*
	 * What OpenSSL had no memory for while it was set up (a kind of
	 * signature, the strength of a CA's key) it does without, and then
	 * trusts less, not more: the next one opened is whole.
	 */
	if (i == CSN_E_BACKEND && tls) {
		csn_store_close(s);
		assert_int_equal(csn_store_open(ctx, url, &s), 0);
		i = csn_store_put(s, U("acme"), U("after"), p, 9);
	}
	if (i != 0)
		fail_msg("afterwards: %s", csn_message());
	assert_int_equal(csn_store_remove(s, U("acme"), U("after")), 0);
	assert_int_equal(csn_store_drop(s, U("acme")), 0);
	csn_store_close(s);
	return rc;
}

static void
each(int tls)
{
	long n;
	int rc;

	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	reached = 1;
	/* The first ones each, then here and there: OpenSSL's repeat. */
	for (n = 0; reached; n += n < 500 ? 1 : 37) {
		failmalloc_at(n);
		rc = life(tls);
		/* OpenSSL does not always say that it was memory. */
		if (rc != 0 && rc != CSN_E_NOMEM && !(tls &&
		    (rc == CSN_E_CRYPTO || rc == CSN_E_BACKEND ||
		    rc == CSN_E_FORM || rc == CSN_E_ALGORITHM)))
			fail_msg("allocation %ld: %s (%s)", n,
			    csn_error_name(rc), csn_message());
	}
	print_message("# up to allocation %ld\n", n);
	assert_true(n > 40);
}

TEST(a_single_server_without_memory)
{
	if (server.pid == 0)
		test_skip("redis-server is not on this machine");
	snprintf(url, sizeof(url), "redis://127.0.0.1:%u/1?timeout=3000&"
	    "prefix=nomem", server.port);
	each(0);
}

TEST(a_password_without_memory)
{
	char answer[64];

	if (server.pid == 0)
		test_skip("redis-server is not on this machine");
	assert_int_equal(redis_say(server.port, "ACL SETUSER joe on >pw ~* "
	    "+@all -@scripting", answer, sizeof(answer)), 0);
	snprintf(url, sizeof(url), "redis://joe:pw@127.0.0.1:%u?timeout=3000",
	    server.port);
	each(0);
}

TEST(tls_without_memory)
{
	struct test_cert *ca, *leaf;
	struct tls_front *f;
	char path[128];

	if (server.pid == 0)
		test_skip("redis-server is not on this machine");
	if (!failmalloc_works())
		test_skip("a sanitizer has the allocations");
	snprintf(path, sizeof(path), "%s/ca.pem", server.dir);
	ca = test_cert_new(NULL, NULL, 0, 10);
	leaf = test_cert_new(ca, "IP:127.0.0.1", 0, 10);
	test_cert_write(ca, path, NULL);
	/* In a process of its own: only our half is to lack memory. */
	f = tls_front_start(&(struct tls_front_options){ .cert = leaf,
	    .to = server.port, .apart = 1 });
	snprintf(url, sizeof(url), "rediss://127.0.0.1:%u/?timeout=3000&"
	    "connect=3000&ca=%s", tls_front_port(f), path);
	each(1);
	tls_front_stop(f);
	(void)remove(path);
	test_cert_free(leaf);
	test_cert_free(ca);
}

BEFORE_ALL
{
	assert_false(program_is_here("redis-server") &&
	    redis_server_start(&server) != 0);
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
}

AFTER_ALL
{
	redis_server_stop(&server);
	csn_ctx_free(ctx);
}
