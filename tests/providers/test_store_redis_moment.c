/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_redis_moment.c - a value and what is left of its time, in one
 * transaction; and servers that have none.
 */
#include "lib/test.h"
#include "providers/redis_stub.h"
#include "providers/redis_use.h"

#define MAP "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:PORT\r\n"
#define TAKEN { "+OK\r\n", 0, STUB_KEEP }, { "+QUEUED\r\n", 0, STUB_KEEP }, \
	{ "+QUEUED\r\n", 0, STUB_KEEP }
#define HI "$2\r\nhi\r\n"
#define KEEP(text) { text, 0, STUB_KEEP }

static struct redis_stub *stub;
static struct csn_store *store;
static uint64_t left;

static void
begin(const struct stub_answer *answers, size_t n, int cluster)
{
	char url[128];

	stub = redis_stub_start(answers, n, cluster ? MAP : NULL);
	snprintf(url, sizeof(url), "redis://127.0.0.1:%u/?timeout=2000&pool=1"
	    "%s", redis_stub_port(stub), cluster ? "&cluster=1" : "");
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
}

static void
end(void)
{
	csn_store_close(store);
	redis_stub_stop(stub);
}

/* Ask for k; the value, where it comes, is "hi". How many commands it took. */
static size_t
ask(int want)
{
	size_t len, before = redis_stub_commands(stub);
	uint8_t p[8] = { 0 };

	left = 1234;
	len = sizeof(p);
	assert_int_equal(csn_store_get_for(store, U("acme"), U("k"), p, &len,
	    &left), want);
	if (want == 0) {
		assert_int_equal(len, 2);
		assert_memory_equal(p, "hi", 2);
	} else {
		assert_int_equal(left, 1234);
	}
	return redis_stub_commands(stub) - before;
}

TEST(both_come_in_one_go)
{
	static const struct stub_answer answers[] = {
		TAKEN, KEEP("*2\r\n" HI ":5000\r\n"),
		TAKEN, KEEP("*2\r\n" HI ":-1\r\n"),
		TAKEN, KEEP("*2\r\n" HI ":0\r\n"),
		TAKEN, KEEP("*2\r\n" HI ":-2\r\n"),
		TAKEN, KEEP("*2\r\n$-1\r\n:-2\r\n"),
	};

	begin(answers, sizeof(answers) / sizeof(answers[0]), 0);
	assert_int_equal(ask(0), 4);
	assert_int_equal(left, 5000);
	assert_int_equal(ask(0), 4);
	assert_int_equal(left, 0);
	/* Not for ever: its last millisecond. */
	assert_int_equal(ask(0), 4);
	assert_int_equal(left, 1);
	/* Nor where it ended between the two, as it can in Redis 5. */
	assert_int_equal(ask(0), 4);
	assert_int_equal(left, 1);
	assert_int_equal(ask(CSN_E_NOT_FOUND), 4);
	assert_int_equal(redis_stub_connections(stub), 1);
	end();
}

TEST(a_foreign_value_is_told_from_a_dead_server)
{
	static const struct stub_answer answers[] = {
		TAKEN, KEEP("*2\r\n-WRONGTYPE Operation\r\n:-1\r\n"),
		TAKEN, KEEP("*2\r\n" HI ":7\r\n"),
	};

	begin(answers, sizeof(answers) / sizeof(answers[0]), 0);
	assert_int_equal(ask(CSN_E_FORM), 4);
	assert_non_null(strstr(csn_message(), "holds no string"));
	assert_int_equal(ask(0), 4);
	end();
}

TEST(where_transactions_are_refused_the_time_is_unknown)
{
	static const struct stub_answer refused[] = {
		KEEP("-NOPERM no permissions to run 'multi'\r\n"), KEEP(HI),
		KEEP(":5000\r\n"), KEEP("-ERR EXEC without MULTI\r\n"),
		KEEP(HI),
	};
	static const struct stub_answer unknown[] = {
		KEEP("-ERR unknown command 'MULTI'\r\n"), KEEP(HI),
		KEEP("-NOPERM pttl\r\n"),
		KEEP("-ERR unknown command 'EXEC'\r\n"), KEEP(HI),
	};
	static const struct stub_answer own_words[] = {
		KEEP("-ERR this proxy takes no MULTI\r\n"), KEEP(HI),
		KEEP(":5000\r\n"), KEEP("-ERR this proxy takes no EXEC\r\n"),
		KEEP(HI),
	};
	static const struct stub_answer hangs_up[] = {
		{ "", 0, STUB_CLOSE }, { "", 0, STUB_CLOSE }, KEEP(HI),
	};

	begin(refused, 5, 0);
	assert_int_equal(ask(0), 5);
	assert_true(left == CSN_STORE_TTL_UNKNOWN);
	/* It is not asked for again at once. */
	assert_int_equal(ask(0), 1);
	assert_true(left == CSN_STORE_TTL_UNKNOWN);
	end();
	begin(unknown, 5, 0);
	assert_int_equal(ask(0), 5);
	assert_true(left == CSN_STORE_TTL_UNKNOWN);
	end();
	begin(own_words, 5, 0);
	assert_int_equal(ask(0), 5);
	assert_true(left == CSN_STORE_TTL_UNKNOWN);
	assert_int_equal(ask(0), 1);
	end();
	begin(hangs_up, 3, 0);
	assert_int_equal(ask(0), 3);
	assert_true(left == CSN_STORE_TTL_UNKNOWN);
	assert_int_equal(ask(0), 1);
	end();
}

/* What comes next on that connection would be queued, and "OK" said of it. */
TEST(a_transaction_that_cannot_end_takes_its_connection_along)
{
	static const struct stub_answer begun[] = {
		TAKEN, KEEP("-NOPERM no permissions to run 'exec'\r\n"),
		KEEP(HI),
	};
	static const struct stub_answer ended[] = {
		TAKEN, KEEP("-EXECABORT Transaction discarded because of: "
		    "NOPERM no permissions to run 'exec'\r\n"), KEEP(HI),
	};

	begin(begun, 5, 0);
	assert_int_equal(ask(0), 5);
	assert_int_equal(redis_stub_connections(stub), 2);
	end();
	begin(ended, 5, 0);
	assert_int_equal(ask(0), 5);
	assert_int_equal(redis_stub_connections(stub), 1);
	end();
}

TEST(a_key_that_is_not_allowed_stops_no_other_keys_transaction)
{
	static const struct stub_answer answers[] = {
		KEEP("+OK\r\n"), KEEP("-NOPERM no access to this key\r\n"),
		KEEP("-NOPERM no access to this key\r\n"),
		KEEP("-EXECABORT Transaction discarded because of previous "
		    "errors.\r\n"), KEEP("-NOPERM no access to this key\r\n"),
		TAKEN, KEEP("*2\r\n" HI ":9\r\n"),
	};

	begin(answers, sizeof(answers) / sizeof(answers[0]), 0);
	assert_int_equal(ask(CSN_E_POLICY), 5);
	assert_int_equal(ask(0), 4);
	assert_int_equal(left, 9);
	end();
}

TEST(redirections_are_followed_where_they_come)
{
	static const struct stub_answer answers[] = {
		/* Redis says it of each command, and of EXEC too. */
		KEEP("+OK\r\n"), KEEP("-MOVED 1 127.0.0.1:PORT\r\n"),
		KEEP("-MOVED 1 127.0.0.1:PORT\r\n"),
		KEEP("-EXECABORT Transaction discarded because of previous "
		    "errors.\r\n"),
		TAKEN, KEEP("-EXECABORT Transaction discarded because of: "
		    "MOVED 1 127.0.0.1:PORT\r\n"),
		TAKEN, KEEP("-EXECABORT Transaction discarded because of: "
		    "ASK 1 127.0.0.1:PORT\r\n"),
		KEEP("+OK\r\n"), TAKEN, KEEP("*2\r\n" HI ":5\r\n"),
	};

	begin(answers, sizeof(answers) / sizeof(answers[0]), 1);
	assert_int_equal(ask(0), sizeof(answers) / sizeof(answers[0]));
	assert_int_equal(left, 5);
	end();
}

/* Each reply of a transaction is of its kind, or it is not this one's. */
TEST(a_transaction_out_of_step_is_no_answer)
{
	static const struct stub_answer shifted[] = {
		KEEP("$6\r\nstolen\r\n"), KEEP("+OK\r\n"), KEEP("+QUEUED\r\n"),
		KEEP("+QUEUED\r\n"),
		TAKEN, KEEP("*2\r\n" HI ":5\r\n"),
	};
	static const struct stub_answer amid[] = {
		KEEP("+OK\r\n"), KEEP("+QUEUED\r\n"),
		KEEP("*2\r\n$2\r\nno\r\n:5\r\n"), KEEP("*2\r\n" HI ":5\r\n"),
		TAKEN, KEEP("*2\r\n" HI ":5\r\n"),
	};
	static const struct stub_answer odd[] = {
		TAKEN, KEEP("+QUEUED\r\n"), TAKEN, KEEP("*2\r\n" HI ":5\r\n"),
	};

	begin(shifted, 8, 0);
	assert_int_equal(ask(0), 8);
	assert_int_equal(redis_stub_connections(stub), 2);
	end();
	begin(amid, 8, 0);
	assert_int_equal(ask(0), 8);
	assert_int_equal(redis_stub_connections(stub), 2);
	end();
	begin(odd, 8, 0);
	assert_int_equal(ask(CSN_E_BACKEND), 4);
	assert_int_equal(ask(0), 4);
	assert_int_equal(redis_stub_connections(stub), 2);
	end();
}

TEST(half_a_transaction_is_no_answer)
{
	static const struct stub_answer answers[] = {
		KEEP("+OK\r\n"), KEEP("+QUEUED\r\n"), { "", 0, STUB_HANG },
	};
	static const struct stub_answer odd[] = {
		TAKEN, KEEP("*1\r\n" HI),
		TAKEN, KEEP("*2\r\n" HI "$1\r\n5\r\n"),
		TAKEN, KEEP("*2\r\n:1\r\n:1\r\n"),
	};
	size_t i;

	begin(answers, 3, 0);
	(void)ask(CSN_E_BACKEND);
	end();
	begin(odd, sizeof(odd) / sizeof(odd[0]), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(ask(CSN_E_BACKEND), 4);
	end();
}

BEFORE_ALL { context_start(); }
AFTER_ALL { context_end(); }
