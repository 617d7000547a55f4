/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_redis_parse.c - what the Redis store reads: slots of keys, maps
 * of clusters, redirections, hosts of URLs.
 */
#include "lib/test.h"
#include "providers/redis_feed.h"
#include "providers/store/redis/redis.h"

static unsigned
slot(const char *key)
{
	return csn_redis_slot((const uint8_t *)key, strlen(key));
}

/* The check value of CRC-16/XMODEM, and the cluster specification's rules. */
TEST(slots_are_those_of_redis)
{
	assert_int_equal(slot("123456789"), 0x31c3);
	assert_int_equal(slot("foo"), 12182);
	assert_int_equal(slot(""), 0);
	assert_int_equal(slot("{user1000}.following"), slot("user1000"));
	assert_int_equal(slot("{user1000}.following"),
	    slot("{user1000}.followers"));
	assert_int_not_equal(slot("foo{}{bar}"), slot("bar"));
	assert_int_equal(slot("foo{{bar}}zap"), slot("{bar"));
	assert_int_equal(slot("foo{bar}{zap}"), slot("bar"));
	assert_int_not_equal(slot("foo{bar"), slot("bar"));
}

static struct csn_redis_reply *
reply_of(const char *text)
{
	struct csn_redis_reader *reader = csn_redis_reader_new();
	struct csn_redis_reply *reply = NULL;
	size_t i;

	assert_non_null(reader);
	/* Byte by byte: the reader keeps what is not whole. */
	for (i = 0; text[i] != '\0'; i++) {
		assert_null(reply);
		assert_int_equal(redis_feed(reader, text + i, 1), 0);
		assert_int_equal(csn_redis_reader_next(reader, &reply), 0);
	}
	assert_non_null(reply);
	assert_false(csn_redis_reader_pending(reader));
	csn_redis_reader_free(reader);
	return reply;
}

TEST(arrays_are_so_deep_and_no_deeper)
{
	struct csn_redis_reader *reader;
	struct csn_redis_reply *reply;
	char text[64];
	int depth, i, rc;

	for (depth = 1; depth <= CSN_REDIS_MAX_DEPTH + 1; depth++) {
		reader = csn_redis_reader_new();
		assert_non_null(reader);
		for (i = 0; i < depth; i++)
			memcpy(text + 4 * i, "*1\r\n", 4);
		memcpy(text + 4 * depth, ":1\r\n", 5);
		assert_int_equal(redis_feed(reader, text, strlen(text)), 0);
		rc = csn_redis_reader_next(reader, &reply);
		assert_int_equal(rc, depth <= CSN_REDIS_MAX_DEPTH ? 0 :
		    CSN_E_FORM);
		if (rc == 0)
			csn_redis_reply_free(reply);
		csn_redis_reader_free(reader);
	}
}

TEST(maps_are_read)
{
	struct csn_redis_host asked = { .name = "seed", .port = 1 };
	struct csn_redis_range *ranges;
	struct csn_redis_reply *r;
	size_t n = 0;

	r = reply_of("*3\r\n"
	    "*4\r\n:0\r\n:5460\r\n*4\r\n$8\r\n10.0.0.1\r\n:7000\r\n$2\r\nid"
	    "\r\n*2\r\n$8\r\nhostname\r\n$1\r\nh\r\n*3\r\n$8\r\n10.0.0.4\r\n"
	    ":7003\r\n$2\r\nid\r\n"
	    "*3\r\n:5461\r\n:5461\r\n*2\r\n$-1\r\n:7001\r\n"
	    "*3\r\n:5462\r\n:16383\r\n*2\r\n$3\r\n::1\r\n:7002\r\n");
	assert_int_equal(csn_redis_map_read(r, &asked, &ranges, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(ranges[0].to, 5460);
	assert_string_equal(ranges[0].master.name, "10.0.0.1");
	assert_int_equal(ranges[0].master.port, 7000);
	assert_int_equal(ranges[1].from, 5461);
	assert_string_equal(ranges[1].master.name, "seed");
	assert_string_equal(ranges[2].master.name, "::1");
	csn_free(ranges);
	csn_redis_reply_free(r);
}

TEST(redirections_are_read)
{
	struct csn_redis_host asked = { .name = "seed", .port = 1 }, to;
	struct csn_redis_reply *r;
	unsigned at = 0;

	r = reply_of("-MOVED 3999 127.0.0.1:6381\r\n");
	assert_int_equal(csn_redis_redirect_read(r, &asked, &at, &to), 0);
	assert_int_equal(at, 3999);
	assert_string_equal(to.name, "127.0.0.1");
	assert_int_equal(to.port, 6381);
	csn_redis_reply_free(r);
	r = reply_of("-ASK 0 2001:db8::1:6381\r\n");
	assert_int_equal(csn_redis_redirect_read(r, &asked, &at, &to), 0);
	assert_int_equal(at, 0);
	assert_string_equal(to.name, "2001:db8::1");
	csn_redis_reply_free(r);
	r = reply_of("-MOVED 16383 :6381\r\n");
	assert_int_equal(csn_redis_redirect_read(r, &asked, &at, &to), 0);
	assert_string_equal(to.name, "seed");
	csn_redis_reply_free(r);
}

TEST(hosts_are_read)
{
	static const struct {
		const char *text, *name;
		uint16_t port;
	} good[] = {
		{ "host", "host", 6379 }, { "host:1", "host", 1 },
		{ "127.0.0.1:65535", "127.0.0.1", 65535 },
		{ "[::1]", "::1", 6379 }, { "[::1]:7", "::1", 7 },
		{ "::1", "::1", 6379 },
	};
	static const char *const bad[] = { "", ":1", "host:", "host:0",
	    "host:65536", "host:1x", "[::1", "[]:1", "[::1]x", "a b",
	    "a/b", "a@b", "a%20b" };
	struct csn_redis_host h;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(csn_redis_host_parse(good[i].text,
		    strlen(good[i].text), 6379, &h), 0);
		assert_string_equal(h.name, good[i].name);
		assert_int_equal(h.port, good[i].port);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(csn_redis_host_parse(bad[i], strlen(bad[i]),
		    6379, &h), -1);
}

/* A value goes straight to where it belongs, as far as it fits. */
TEST(values_are_poured)
{
	static const char text[] = "$5\r\nhello\r\n*1\r\n$2\r\nhi\r\n";
	struct csn_redis_reader *reader = csn_redis_reader_new();
	struct csn_redis_reply *reply;
	struct csn_redis_sink sink = { .allocate = 1 };
	uint8_t p[8] = { 0 };

	assert_non_null(reader);
	csn_redis_reader_sink(reader, &sink);
	assert_int_equal(redis_feed(reader, text, sizeof(text) - 1), 0);
	assert_int_equal(csn_redis_reader_next(reader, &reply), 0);
	assert_null(reply->p);
	assert_int_equal(sink.len, 5);
	assert_memory_equal(sink.p, "hello", 5);
	assert_int_equal((uintptr_t)sink.p % 64, 0);
	csn_redis_reply_free(reply);
	csn_free(sink.raw);
	/* Only a whole reply is a value; and the sink is for one reply. */
	assert_true(csn_redis_reader_pending(reader));
	assert_int_equal(csn_redis_reader_next(reader, &reply), 0);
	assert_memory_equal(reply->item[0]->p, "hi", 3);
	csn_redis_reply_free(reply);

	sink = (struct csn_redis_sink){ .p = p, .cap = 4 };
	csn_redis_reader_sink(reader, &sink);
	assert_int_equal(redis_feed(reader, text, 11), 0);
	assert_int_equal(csn_redis_reader_next(reader, &reply), 0);
	assert_int_equal(sink.len, 5);
	assert_int_equal(p[0], 0);
	csn_redis_reply_free(reply);
	csn_redis_reader_free(reader);
}
