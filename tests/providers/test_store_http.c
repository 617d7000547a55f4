/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_http.c - the store over HTTP: the suite over the example
 * server, and that server killed, full and guarded by a token.
 */
#include <sys/stat.h>
#include <unistd.h>

#include <caisson/store.h>

#include "lib/test.h"
#include "providers/blob_server.h"
#include "providers/store_suite.h"

#define TOKEN "correct-horse-battery"

static struct csn_ctx *ctx;
static struct blob_server server;
static char token_path[64];

#define need_server() do {						\
	if (!blob_server_there())					\
		test_skip("the example blob_server was not built");	\
} while (0)

/* A server of its own for each case, so that it is empty. */
static char *
make(void *arg)
{
	const char *const with_token[] = { "--token-file", token_path, NULL };
	const char *options = arg;
	int token = strstr(options, "token") != NULL;

	if (blob_server_start(&server, 0, token ? with_token : NULL) != 0)
		return NULL;
	return blob_server_url(&server, options);
}

static void
clear(void *arg, const char *url)
{
	(void)arg;
	(void)url;
	blob_server_kill(&server);
}

static struct csn_store *
open_store(const char *options)
{
	char *url = blob_server_url(&server, options);
	struct csn_store *store;

	assert_non_null(url);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	free(url);
	return store;
}

TEST(killed_and_started_again)
{
	struct csn_store *store;
	uint8_t p[8];
	size_t len = 5;

	need_server();
	assert_int_equal(blob_server_start(&server, 0, NULL), 0);
	store = open_store("");
	assert_int_equal(csn_store_put(store, U("acme"), U("k"),
	    (const uint8_t *)"value", 5), 0);
	blob_server_kill(&server);
	assert_int_equal(csn_store_get(store, U("acme"), U("k"), p, &len),
	    CSN_E_BACKEND);
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), p, 5),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "127.0.0.1:"));
	/* The same handle finds it again, and what it lost is not there. */
	assert_int_equal(blob_server_start(&server, server.port, NULL), 0);
	assert_int_equal(csn_store_get(store, U("acme"), U("k"), p, &len),
	    CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_put(store, U("acme"), U("k"),
	    (const uint8_t *)"again", 5), 0);
	len = sizeof(p);
	assert_int_equal(csn_store_get(store, U("acme"), U("k"), p, &len), 0);
	assert_memory_equal(p, "again", 5);
	csn_store_close(store);
	blob_server_kill(&server);
}

TEST(limits_of_the_server)
{
	const char *const small[] = { "--max", "100000", "--store",
	    "memory:?bytes=1M&share=65536", NULL };
	struct csn_store *store, *less;
	uint8_t *p;

	need_server();
	assert_int_equal(blob_server_start(&server, 0, small), 0);
	store = open_store("");
	less = open_store("&max=50");
	p = calloc(1, 3000000);
	assert_non_null(p);
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), p, 1000), 0);
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), p, 3000000),
	    CSN_E_LIMIT);
	assert_non_null(strstr(csn_message(), "413"));
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), p, 90000),
	    CSN_E_QUOTA);
	assert_non_null(strstr(csn_message(), "507"));
	assert_int_equal(csn_store_put(less, U("acme"), U("k"), p, 51),
	    CSN_E_LIMIT);
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), p, 1000), 0);
	free(p);
	csn_store_close(less);
	csn_store_close(store);
	blob_server_kill(&server);
}

TEST(tokens)
{
	const char *const with_token[] = { "--token-file", token_path, NULL };
	struct csn_store *right, *wrong, *none;
	char options[128];
	char *url;

	need_server();
	assert_int_equal(blob_server_start(&server, 0, with_token), 0);
	(void)snprintf(options, sizeof(options), "&token-file=%s",
	    token_path);
	assert_int_equal(setenv("TEST_BLOB_TOKEN", "not-" TOKEN, 1), 0);
	right = open_store(options);
	wrong = open_store("&token-env=TEST_BLOB_TOKEN");
	none = open_store("");
	assert_int_equal(csn_store_put(right, U("acme"), U("k"),
	    (const uint8_t *)"v", 1), 0);
	assert_int_equal(csn_store_put(wrong, U("acme"), U("k"),
	    (const uint8_t *)"v", 1), CSN_E_POLICY);
	assert_non_null(strstr(csn_message(), "401"));
	assert_null(strstr(csn_message(), TOKEN));
	assert_int_equal(csn_store_remove(none, U("acme"), U("k")),
	    CSN_E_POLICY);
	csn_store_close(none);
	csn_store_close(wrong);
	csn_store_close(right);

	/* A file that others can read is no place for a token. */
	assert_int_equal(chmod(token_path, 0644), 0);
	url = blob_server_url(&server, options);
	assert_int_equal(csn_store_open(ctx, url, &right), CSN_E_POLICY);
	assert_null(strstr(csn_message(), TOKEN));
	free(url);
	assert_int_equal(chmod(token_path, 0600), 0);
	blob_server_kill(&server);
}

struct seen {
	struct csn_store *store;
	size_t n;
	size_t bytes;
};

static int
visit(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	struct seen *seen = arg;

	seen->n++;
	seen->bytes += value_len;
	/* To take away what one stands on confuses no page. */
	return csn_store_remove(seen->store, U("acme"), key, key_len);
}

static int
stop_at_three(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len)
{
	size_t *n = arg;

	(void)key;
	(void)key_len;
	(void)value_len;
	return ++*n == 3 ? 77 : 0;
}

TEST(lists_come_in_pages)
{
	struct csn_store_stat st = { .size = sizeof(st) };
	struct seen seen = { 0 };
	struct csn_store *store;
	size_t i, n = 0;
	char key[16];

	need_server();
	assert_int_equal(blob_server_start(&server, 0, NULL), 0);
	store = open_store("&timeout=10000");
	for (i = 0; i < 2500; i++) {
		(void)snprintf(key, sizeof(key), "%zu", i * 7919);
		assert_int_equal(csn_store_put(store, U("acme"), U(key),
		    (const uint8_t *)key, strlen(key)), 0);
	}
	assert_int_equal(csn_store_each(store, U("acme"), stop_at_three, &n),
	    77);
	assert_int_equal(n, 3);
	seen.store = store;
	assert_int_equal(csn_store_each(store, U("acme"), visit, &seen), 0);
	assert_int_equal(seen.n, 2500);
	assert_int_equal(csn_store_stat(store, U("acme"), &st), 0);
	assert_int_equal(st.entries, 0);
	csn_store_close(store);
	blob_server_kill(&server);
}

TEST(private_addresses_are_refused)
{
	struct csn_store *store;
	char url[64];

	need_server();
	assert_int_equal(blob_server_start(&server, 0, NULL), 0);
	(void)snprintf(url, sizeof(url), "http://localhost:%u", server.port);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	assert_int_equal(csn_store_put(store, U("acme"), U("k"),
	    (const uint8_t *)"v", 1), CSN_E_POLICY);
	assert_non_null(strstr(csn_message(), "loopback"));
	assert_non_null(strstr(csn_message(), "allow-private=1"));
	csn_store_close(store);
	blob_server_kill(&server);
}

BEFORE_ALL { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }

AFTER_ALL
{
	blob_server_kill(&server);
	csn_ctx_free(ctx);
}

static int
make_token(void)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	(void)snprintf(token_path, sizeof(token_path), "%s/caisson-XXXXXX",
	    tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
	if ((fd = mkstemp(token_path)) < 0)
		return -1;
	if (write(fd, TOKEN "\n", sizeof(TOKEN)) != sizeof(TOKEN))
		return -1;
	return close(fd);
}

int
test_main(void)
{
	char with_token[128];
	struct store_subject subjects[] = {
		{ .name = "http", .make = make, .clear = clear,
		    .arg = (void *)(uintptr_t)"&timeout=10000" },
		{ .name = "http with a token", .make = make, .clear = clear,
		    .arg = with_token },
	};
	int failed;

	if (make_token() != 0)
		return 1;
	(void)snprintf(with_token, sizeof(with_token),
	    "&timeout=10000&token-file=%s", token_path);
	failed = test_run(NULL);
	if (blob_server_there())
		failed += store_suite_run(subjects, 2);
	(void)unlink(token_path);
	return failed;
}
