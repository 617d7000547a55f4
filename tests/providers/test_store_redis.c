/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_redis.c - the store in a single redis-server. */
#include "lib/test.h"
#include "providers/redis_use.h"

/* --- What a key is called, so that other programs see the same --- */

TEST(keys_are_named_as_documented)
{
	struct csn_store *store;
	char p[16];

	store = open_store("");
	assert_int_equal(csn_store_put(store, NULL, 0, U("ns:app:key"),
	    U("plain")), 0);
	say("GET ns:app:key", "$5\r\nplain");
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), U("in")), 0);
	say("GET csn:{61636d65}:k", "$2\r\nin");
	say("SET csn:{61636d65}:other hello", "+OK");
	assert_int_equal(get(store, "acme", "other", p, sizeof(p)), 0);
	assert_string_equal(p, "hello");
	csn_store_close(store);
	store = open_store("/3?prefix=our.app");
	assert_int_equal(put(store, "k", "in 3"), 0);
	assert_int_equal(get(store, "acme", "other", p, sizeof(p)),
	    CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_drop(store, U("acme")), 0);
	assert_int_equal(get(store, "acme", "k", p, sizeof(p)),
	    CSN_E_NOT_FOUND);
	csn_store_close(store);
	say("EXISTS csn:{61636d65}:k", ":1");
	say("FLUSHALL", "+OK");
}

TEST(listing_passes_over_what_is_not_ours)
{
	struct csn_store *store = open_store("");
	struct csn_store_stat st = { .size = sizeof(st) };
	char long_key[CSN_STORE_MAX_KEY + 2], command[sizeof(long_key) + 16];
	size_t n = 0;

	say("LPUSH a-list 1 2 3", ":3");
	say("LPUSH csn:{61636d65}:a-list 1 2 3", ":3");
	memset(long_key, 'x', CSN_STORE_MAX_KEY + 1);
	long_key[CSN_STORE_MAX_KEY + 1] = '\0';
	snprintf(command, sizeof(command), "SET %s v", long_key);
	say(command, "+OK");
	say("SET csn:{61636d6}:odd v", "+OK");
	assert_int_equal(put(store, "k", "four"), 0);
	assert_int_equal(csn_store_each(store, U("acme"), count, &n), 0);
	assert_int_equal(n, 1);
	n = 0;
	/* The one with half a byte in its braces is somebody's own. */
	assert_int_equal(csn_store_each(store, NULL, 0, count, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(csn_store_stat(store, U("acme"), &st), 0);
	assert_int_equal(st.entries, 1);
	assert_int_equal(st.bytes, 4);
	assert_int_equal(csn_store_stat(store, NULL, 0, &st), 0);
	assert_int_equal(st.entries, 5);
	assert_true(st.memory > 100000);
	assert_int_equal(csn_store_get(store, U("acme"), U("a-list"), NULL,
	    &(size_t){ 0 }), CSN_E_FORM);
	assert_non_null(strstr(csn_message(), "holds no string"));
	/* Dropping a space takes what is there under its name. */
	assert_int_equal(csn_store_drop(store, U("acme")), 0);
	say("EXISTS csn:{61636d65}:a-list a-list", ":1");
	csn_store_close(store);
	say("FLUSHALL", "+OK");
}

TEST(thousands_of_keys_are_listed_once_each)
{
	struct csn_store *store = open_store("?timeout=5000");
	struct csn_store_stat st = { .size = sizeof(st) };
	char key[32];
	int i;

	say("DEBUG POPULATE 20000 noise 10", "+OK");
	for (i = 0; i < 4000; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		assert_int_equal(put(store, key, "0123456789"), 0);
	}
	assert_int_equal(csn_store_stat(store, U("acme"), &st), 0);
	assert_int_equal(st.entries, 4000);
	assert_int_equal(st.bytes, 40000);
	assert_int_equal(csn_store_drop(store, U("acme")), 0);
	say("DBSIZE", ":20000");
	csn_store_close(store);
	say("FLUSHALL", "+OK");
}

TEST(a_user_without_transactions_still_reads)
{
	struct csn_store *store = open_store("");
	uint64_t left = 0;
	uint8_t p[8];
	size_t len = sizeof(p);

	say("CONFIG RESETSTAT", "+OK");
	assert_int_equal(put(store, "k", "four"), 0);
	say("ACL SETUSER default -multi", "+OK");
	assert_int_equal(csn_store_get_for(store, U("acme"), U("k"), p, &len,
	    &left), 0);
	assert_int_equal(len, 4);
	assert_true(left == CSN_STORE_TTL_UNKNOWN);
	say("ACL SETUSER default +multi", "+OK");
	csn_store_close(store);
	store = open_store("");
	len = sizeof(p);
	assert_int_equal(csn_store_get_for(store, U("acme"), U("k"), p, &len,
	    &left), 0);
	assert_int_equal(left, 0);
	csn_store_close(store);
	say("FLUSHALL", "+OK");
}

/* --- URLs --- */

TEST(urls_are_checked_with_clear_sentences)
{
	static const struct { const char *url, *says; } bad[] = {
		{ "redis:", "redis://host" },
		{ "redis://", "host" },
		{ "redis://host:0", "host:port" },
		{ "redis://host:65536", "host:port" },
		{ "redis://h ost", "host:port" },
		{ "redis://[::1", "host:port" },
		{ "redis://a,b", "cluster=1" },
		{ "redis://a/one", "database" },
		{ "redis://a/1?cluster=1", "database 0" },
		{ "redis://joe@a", "password" },
		{ "redis://joe:se%zzcret@a", "hex" },
		{ "redis://a?timeout=0", "timeout=0" },
		{ "redis://a?timeout=1s", "milliseconds" },
		{ "redis://a?pool=0", "1 to 1024" },
		{ "redis://a?cluster=2", "0 or 1" },
		{ "redis://a?prefix=a{b", "prefix" },
		{ "redis://a?colour=red", "no option colour" },
		{ "redis://a?timeout", "name=value" },
		{ "redis://a?ca=/x", "rediss://" },
		{ "redis://a?hybrid=require", "rediss://" },
		{ "rediss://a?hybrid=yes", "require" },
		{ "rediss://a?ca=/nonexistent", "/nonexistent" },
		{ "rediss://a?cert=/x", "key=FILE" },
		{ "redis://a?password-env=CSN_NO_SUCH", "CSN_NO_SUCH" },
		{ "redis://a?password-file=/nonexistent", "/nonexistent" },
		{ "redis://:a@a?password-env=PATH", "twice" },
	};
	struct csn_store *store;
	const char *said;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		store = NULL;
		assert_int_not_equal(csn_store_open(ctx, bad[i].url, &store),
		    0);
		assert_null(store);
		said = csn_message();
		if (strstr(said, bad[i].says) == NULL)
			fail_msg("%s: %s", bad[i].url, said);
		assert_null(strstr(said, "secret"));
		assert_null(strstr(said, "cret@"));
	}
	/* Nothing is connected by opening alone. */
	assert_int_equal(csn_store_open(ctx, "valkey://[::1]:1/", &store), 0);
	csn_store_close(store);
}

/* --- The suite --- */

static char *
make(void *arg)
{
	char answer[64], *url;

	if (redis_say(server.port, "FLUSHALL", answer, sizeof(answer)) != 0 ||
	    asprintf(&url, arg, server.port) < 0)
		return NULL;
	return url;
}

static int
run_with(const char *program)
{
	struct store_subject subjects[] = {
		{ .name = program, .make = make,
		    .arg = strstr(program, "valkey") != NULL ?
		    "valkey://127.0.0.1:%u/?timeout=10000" :
		    "redis://127.0.0.1:%u/?timeout=10000",
		    .lacks = STORE_LACKS_COUNTS },
	};
	int failed;

	server = (struct redis_server){ .program = program };
	if (redis_server_start(&server) != 0)
		return 1;
	failed = test_run(program);
	failed += store_suite_run(subjects, 1);
	redis_server_stop(&server);
	return failed;
}

int
test_main(void)
{
	return redis_run("redis-server", run_with) +
	    redis_run("valkey-server", run_with);
}

BEFORE_ALL { context_start(); }
AFTER_ALL { context_end(); }
