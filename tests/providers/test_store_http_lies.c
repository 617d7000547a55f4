/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_http_lies.c - the store over HTTP and servers that fail, refuse,
 * lie or are none: each status its own sentence, again only where it is safe.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>
#include <time.h>

#include <caisson/store.h>

#include "lib/liar.h"
#include "lib/test.h"
#include "providers/store_suite.h"

#define BLOB "Caisson-Store: 1\r\n"
#define NONE "Content-Length: 0\r\n\r\n"
#define CREATED "HTTP/1.1 201 Created\r\n" BLOB NONE
#define MISSING "HTTP/1.1 404 Not Found\r\n" BLOB NONE
#define BUSY "HTTP/1.1 503 Busy\r\n" BLOB NONE
#define VALUE "HTTP/1.1 200 OK\r\n" BLOB "Content-Length: 5\r\n"

static struct csn_ctx *ctx;
static struct liar *liar;
static struct csn_store *store;
static uint8_t value[5] = "value";

static uint64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
start(const struct liar_answer *answers, size_t n, const char *options)
{
	char url[128];

	liar = liar_start(answers, n);
	assert_non_null(liar);
	(void)snprintf(url, sizeof(url),
	    "http://127.0.0.1:%u/base?allow-private=1&timeout=60000%s",
	    liar_port(liar), options);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
}

static void
stop(void)
{
	csn_store_close(store);
	liar_stop(liar);
}

static void
says(const char *sentence)
{
	if (strstr(csn_message(), sentence) == NULL)
		fail_msg("'%s' does not say '%s'", csn_message(),
		    sentence);
	assert_non_null(strstr(csn_message(), "127.0.0.1:"));
}

static int
get(void)
{
	uint8_t p[5];
	size_t len = sizeof(p);

	return csn_store_get(store, U("acme"), U("k"), p, &len);
}

static int
put(void)
{
	return csn_store_put(store, U("acme"), U("k"), value, sizeof(value));
}

TEST(each_status_has_its_sentence)
{
	static const struct {
		const char *status;
		int code;
		const char *sentence;
	} cases[] = {
		{ "400 Bad", CSN_E_BACKEND, "request wrong (400)" },
		{ "401 Who", CSN_E_POLICY, "wants a token" },
		{ "403 No", CSN_E_POLICY, "does not allow" },
		{ "405 No", CSN_E_BACKEND, "cannot do this" },
		{ "408 Late", CSN_E_BACKEND, "ran out of time" },
		{ "413 Big", CSN_E_LIMIT, "of this size (413)" },
		{ "429 Slow", CSN_E_RATE, "too many requests" },
		{ "500 Oops", CSN_E_BACKEND, "failed inside (500)" },
		{ "501 What", CSN_E_BACKEND, "cannot do this" },
		{ "502 Gate", CSN_E_BACKEND, "behind it (502)" },
		{ "503 Busy", CSN_E_BACKEND, "not available now" },
		{ "504 Gate", CSN_E_BACKEND, "ran out of time" },
		{ "507 Full", CSN_E_QUOTA, "no room left" },
		{ "302 Found", CSN_E_BACKEND, "answers 302" },
		{ "418 Tea", CSN_E_BACKEND, "answers 418" },
	};
	struct liar_answer a = { 0 };
	char bytes[128];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(bytes, sizeof(bytes), "HTTP/1.1 %s\r\n%s%s",
		    cases[i].status, BLOB, NONE);
		a.bytes = bytes;
		start(&a, 1, "");
		assert_int_equal(get(), cases[i].code);
		says(cases[i].sentence);
		assert_int_equal(put(), cases[i].code);
		says(cases[i].sentence);
		stop();
	}
}

/* A captive portal's page is no value, its 404 no miss. */
TEST(other_servers_are_told_apart)
{
	static const struct liar_answer portal = { .bytes =
	    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html" };
	static const struct liar_answer other = { .bytes =
	    "HTTP/1.1 404 Not Found\r\n" NONE };
	static const struct liar_answer lists = { .bytes =
	    "HTTP/1.1 200 OK\r\n" BLOB "Content-Encoding: br\r\n" NONE };

	start(&portal, 1, "");
	assert_int_equal(get(), CSN_E_BACKEND);
	says("not as a server of blobs");
	assert_int_equal(put(), CSN_E_BACKEND);
	stop();
	start(&other, 1, "");
	assert_int_equal(get(), CSN_E_BACKEND);
	says("no server of blobs under this URL's path");
	stop();
	start(&lists, 1, "");
	assert_int_equal(get(), CSN_E_BACKEND);
	stop();
}

TEST(half_a_value_is_no_value)
{
	static const struct liar_answer a[] = {
		{ .bytes = VALUE "\r\nval", .then = LIAR_CLOSE },
		{ .bytes = VALUE "\r\nval", .then = LIAR_RESET },
		{ .bytes = VALUE "\r\nvalue" },
	};

	/* Asked again it is whole. */
	start(a, 3, "");
	assert_int_equal(get(), 0);
	assert_int_equal(liar_requests(liar), 3);
	stop();
	start(a, 1, "&retries=1");
	assert_int_equal(get(), CSN_E_BACKEND);
	says("in the middle of its answer");
	assert_int_equal(liar_requests(liar), 2);
	stop();
}

TEST(slow_servers_cost_no_more_than_the_timeout)
{
	static const struct liar_answer drip = { .bytes = VALUE
	    "\r\nvaluevalue", .drip_ms = 50, .then = LIAR_HANG };
	static const struct liar_answer silent = { .bytes = "",
	    .then = LIAR_HANG };

	start(&drip, 1, "&timeout=600");
	assert_int_equal(get(), CSN_E_BACKEND);
	says("within");
	stop();
	start(&silent, 1, "&timeout=600");
	assert_int_equal(put(), CSN_E_BACKEND);
	assert_int_equal(liar_requests(liar), 1);
	stop();
}

TEST(again_where_it_is_safe)
{
	static const struct liar_answer busy[] = {
		{ .bytes = BUSY }, { .bytes = BUSY }, { .bytes = CREATED },
	};
	static const struct liar_answer lost[] = {
		{ .bytes = "", .then = LIAR_CLOSE }, { .bytes = CREATED },
	};
	static const struct liar_answer gone[] = {
		{ .bytes = "", .then = LIAR_CLOSE }, { .bytes = MISSING },
	};

	start(busy, 3, "");
	assert_int_equal(put(), 0);
	assert_int_equal(liar_requests(liar), 3);
	stop();
	start(busy, 3, "&retries=0");
	assert_int_equal(put(), CSN_E_BACKEND);
	assert_int_equal(liar_requests(liar), 1);
	stop();
	start(lost, 2, "");
	assert_int_equal(put(), 0);
	assert_int_equal(liar_requests(liar), 2);
	stop();
	/* Refused before anything was done: a lock may be tried again. */
	start(busy, 3, "");
	assert_int_equal(csn_store_add_for(store, U("acme"), U("k"), value,
	    5, 1000), 0);
	assert_non_null(strstr(liar_request(liar, 2),
	    "\r\nIf-None-Match: *\r\n"));
	assert_non_null(strstr(liar_request(liar, 2),
	    "\r\nCaisson-TTL: 1000\r\n"));
	stop();
	/* It may have been taken: nobody asks twice. */
	start(lost, 2, "");
	assert_int_equal(csn_store_add_for(store, U("acme"), U("k"), value,
	    5, 1000), CSN_E_BACKEND);
	assert_int_equal(liar_requests(liar), 1);
	stop();
	/* The first try removed it. */
	start(gone, 2, "");
	assert_int_equal(csn_store_remove(store, U("acme"), U("k")), 0);
	stop();
	start(gone + 1, 1, "");
	assert_int_equal(csn_store_remove(store, U("acme"), U("k")),
	    CSN_E_NOT_FOUND);
	stop();
}

static void *
put_once(void *arg)
{
	atomic_store((atomic_int *)arg, put());
	return NULL;
}

TEST(who_is_cancelled_between_two_tries_ends_its_call_first)
{
	static const struct liar_answer soon[] = {
		{ .bytes = "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\n" NONE },
		{ .bytes = CREATED },
	};
	atomic_int rc = 1;
	pthread_t thread;

	start(soon, 2, "");
	assert_int_equal(pthread_create(&thread, NULL, put_once, &rc), 0);
	while (liar_requests(liar) == 0)
		usleep(1000);
	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(rc, 0);
	stop();
}

TEST(retry_after_is_respected)
{
	static const struct liar_answer soon[] = {
		{ .bytes = "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\n" NONE },
		{ .bytes = CREATED },
	};
	static const struct liar_answer late = { .bytes =
	    "HTTP/1.1 429 Slow\r\nRetry-After: 60\r\n" NONE };
	static const struct liar_answer odd[] = {
		{ .bytes = "HTTP/1.1 503 Busy\r\nRetry-After: Fri, 31 Dec "
		    "1999 23:59:59 GMT\r\n" NONE },
		{ .bytes = CREATED },
	};
	uint64_t began = now_ms();

	start(soon, 2, "");
	assert_int_equal(put(), 0);
	assert_true(now_ms() - began >= 1000);
	stop();
	/* Too late for us: no waiting at all. */
	start(&late, 1, "&timeout=600");
	assert_int_equal(put(), CSN_E_RATE);
	says("60 s");
	assert_int_equal(liar_requests(liar), 1);
	stop();
	start(odd, 2, "");
	assert_int_equal(put(), 0);
	stop();
}

static int
ignore(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	(void)arg;
	(void)key;
	(void)key_len;
	(void)value_len;
	return 0;
}

TEST(lists_that_lie)
{
	static const struct {
		const char *json;
		const char *sentence;
	} cases[] = {
		{ "", "not JSON" },
		{ "[]", "without \"keys\"" },
		{ "{\"keys\":[]}", "without \"keys\"" },
		{ "{\"keys\":[],\"more\":true}", "sends none" },
		{ "{\"keys\":[{\"key\":\"YQ\"}],\"more\":false}",
		    "no \"key\" or \"size\"" },
		{ "{\"keys\":[{\"key\":\"YQ\",\"size\":-1}],\"more\":false}",
		    "no \"key\" or \"size\"" },
		{ "{\"keys\":[{\"key\":\"Y Q\",\"size\":1}],\"more\":false}",
		    "base64url" },
		{ "{\"keys\":[{\"key\":\"YR\",\"size\":1}],\"more\":false}",
		    "base64url" },
		{ "{\"keys\":[{\"key\":\"\",\"size\":1}],\"more\":false}",
		    "base64url" },
		{ "{\"keys\":[{\"key\":\"Yg\",\"size\":1},{\"key\":\"YQ\","
		    "\"size\":1}],\"more\":false}", "not in order" },
		/* The same page for ever. */
		{ "{\"keys\":[{\"key\":\"YQ\",\"size\":1}],\"more\":true}",
		    "not in order" },
	};
	struct liar_answer a = { 0 };
	char bytes[512];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(bytes, sizeof(bytes), "HTTP/1.1 200 OK\r\n"
		    BLOB "Content-Length: %zu\r\n\r\n%s",
		    strlen(cases[i].json), cases[i].json);
		a.bytes = bytes;
		start(&a, 1, "");
		assert_int_equal(csn_store_each(store, U("acme"), ignore,
		    NULL), CSN_E_BACKEND);
		says(cases[i].sentence);
		stop();
	}
}

TEST(headers_that_lie)
{
	static const struct liar_answer odd_ttl = { .bytes = VALUE
	    "Caisson-TTL: soon\r\n\r\n" };
	static const struct liar_answer weak = { .bytes = VALUE
	    "ETag: W/\"1\"\r\n\r\nvalue" };
	static const struct liar_answer none = { .bytes = VALUE
	    "\r\nvalue" };
	static const struct liar_answer odd_stat = { .bytes = VALUE
	    "\r\n[1,2]" };
	static const struct liar_answer changed[] = {
		{ .bytes = VALUE "ETag: \"1\"\r\n\r\nvalue" },
		{ .bytes = "HTTP/1.1 412 Changed\r\n" BLOB NONE },
	};
	struct csn_store_stat st = { .size = sizeof(st) };
	uint64_t ttl = 7;

	start(&odd_ttl, 1, "");
	assert_int_equal(csn_store_ttl(store, U("acme"), U("k"), &ttl),
	    CSN_E_BACKEND);
	says("Caisson-TTL");
	assert_int_equal(ttl, 7);
	stop();
	start(&weak, 1, "");
	assert_int_equal(csn_store_remove_if(store, U("acme"), U("k"), value,
	    5), CSN_E_BACKEND);
	says("strong ETag");
	assert_int_equal(liar_requests(liar), 1);
	stop();
	start(&none, 1, "");
	assert_int_equal(csn_store_remove_if(store, U("acme"), U("k"), value,
	    5), CSN_E_BACKEND);
	stop();
	start(&odd_stat, 1, "");
	assert_int_equal(csn_store_stat(store, NULL, 0, &st), CSN_E_BACKEND);
	says("statistics");
	stop();
	/* Between the look and the removal it became another value. */
	start(changed, 2, "");
	assert_int_equal(csn_store_remove_if(store, U("acme"), U("k"), value,
	    5), CSN_E_NOT_FOUND);
	assert_non_null(strstr(liar_request(liar, 1),
	    "\r\nIf-Match: \"1\"\r\n"));
	stop();
}

TEST(names_in_the_path)
{
	static const struct liar_answer a = { .bytes = CREATED };
	static const uint8_t key[] = { 0xff, 0xfe, 0x00, 0x2f };

	start(&a, 1, "");
	assert_int_equal(csn_store_put(store, U("acme"), key, sizeof(key),
	    value, 5), 0);
	assert_int_equal(csn_store_put(store, NULL, 0, U("abc"), value, 5),
	    0);
	assert_non_null(strstr(liar_request(liar, 0),
	    "PUT /base/v1/blobs/YWNtZQ/__4ALw HTTP/1.1\r\n"));
	assert_non_null(strstr(liar_request(liar, 1),
	    "PUT /base/v1/blobs/_/YWJj HTTP/1.1\r\n"));
	assert_non_null(strstr(liar_request(liar, 0),
	    "\r\nContent-Type: application/octet-stream\r\n"));
	stop();
}

/* One request and one connection, whatever its length. */
TEST(a_large_value_is_borrowed_at_once)
{
	static char bytes[200200];
	static struct liar_answer a = { .bytes = bytes };
	struct csn_store_buf buf;
	int i, n;

	n = snprintf(bytes, sizeof(bytes), "HTTP/1.1 200 OK\r\n" BLOB
	    "Content-Length: 200000\r\n\r\n");
	memset(bytes + n, 'x', 200000);
	a.len = (size_t)n + 200000;
	start(&a, 1, "");
	for (i = 0; i < 3; i++) {
		assert_int_equal(csn_store_borrow(store, U("acme"), U("k"),
		    &buf), 0);
		assert_int_equal(buf.len, 200000);
		assert_int_equal((uintptr_t)buf.p % 64, 0);
		assert_memory_equal(buf.p, bytes + n, buf.len);
		csn_store_release(store, &buf);
	}
	assert_int_equal(liar_requests(liar), 3);
	assert_int_equal(liar_connections(liar), 1);
	stop();
	start(&a, 1, "&max=199999&retries=0");
	assert_int_equal(csn_store_borrow(store, U("acme"), U("k"), &buf),
	    CSN_E_BACKEND);
	says("larger than the limit");
	stop();
}

TEST(options_are_checked)
{
	static const char *const bad[] = {
		"http://a.example?timeout=0", "http://a.example?timeout=x",
		"http://a.example?connect=9999999999",
		"http://a.example?retries=11", "http://a.example?max=0",
		"http://a.example?allow-private=yes",
		"http://a.example?no-such=1", "http://a.example?timeout",
		"http://a.example?token-env=NO_SUCH_VARIABLE_HERE",
		"http://user:secret@a.example", "http:", "http:a.example",
		"https://", "https://a.example/#x",
	};
	struct csn_store *s;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (csn_store_open(ctx, bad[i], &s) != CSN_E_ARG)
			fail_msg("%s is taken, or: %s", bad[i],
			    csn_message());
		assert_null(strstr(csn_message(), "secret"));
	}
	assert_int_equal(csn_store_open(ctx,
	    "http://a.example?token-file=/nonexistent/token", &s),
	    CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_open(ctx,
	    "https://a.example/x?timeout=1&connect=1&retries=0&max=1T&"
	    "allow-private=0&token-in-clear=1&ca=/nonexistent", &s), 0);
	csn_store_close(s);
}

BEFORE_ALL { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }
AFTER_ALL { csn_ctx_free(ctx); }
