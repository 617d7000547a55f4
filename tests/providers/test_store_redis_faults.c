/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_redis_faults.c - a Redis server that is slow, dead, breaks off,
 * or lies: each is a sentence, and nothing waits past its timeout.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/test.h"
#include "providers/redis_server.h"
#include "providers/redis_stub.h"
#include "providers/store_suite.h"

/* Where it is to pass; and where only the server's answer is waited for. */
#define TIMEOUT_MS 400
#define LONG_MS 60000

#define MAP "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:PORT\r\n"

static struct csn_ctx *ctx;

static struct csn_store *
open_for(const struct redis_stub *s, int ms, const char *more)
{
	struct csn_store *store = NULL;
	char url[256];

	snprintf(url, sizeof(url), "redis://127.0.0.1:%u/?timeout=%d&pool=1"
	    "%s", redis_stub_port(s), ms, more);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	return store;
}

static struct csn_store *
open_stub(const struct redis_stub *s, const char *more)
{
	return open_for(s, LONG_MS, more);
}

static int
get(struct csn_store *store)
{
	uint8_t p[64];
	size_t len = sizeof(p);

	return csn_store_get(store, U("acme"), U("k"), p, &len);
}

/*
 * A get that meets this answer gives that code and a sentence. A server that
 * hangs is given up: else this would not come back before it does.
 */
static void
meets(const struct stub_answer *a, const char *map, int code,
    const char *says)
{
	struct redis_stub *s = redis_stub_start(a, 1, map);
	struct csn_store *store = open_for(s, strcmp(says, "too long") == 0 ?
	    TIMEOUT_MS : LONG_MS, map != NULL ? "&cluster=1" : "");
	int rc = get(store);

	if (rc != code || strstr(csn_message(), says) == NULL)
		fail_msg("%.40s: %s, %s", a->bytes, csn_error_name(rc),
		    csn_message());
	csn_store_close(store);
	redis_stub_stop(s);
}

TEST(each_error_has_its_sentence)
{
	static const struct {
		const char *answer;
		int code;
		const char *says;
	} errors[] = {
		{ "-LOADING Redis is loading\r\n", CSN_E_BACKEND, "loading" },
		{ "-OOM command not allowed\r\n", CSN_E_QUOTA, "memory" },
		{ "-READONLY You can't write\r\n", CSN_E_BACKEND,
		    "read-only replica" },
		{ "-NOAUTH Authentication required.\r\n", CSN_E_BACKEND,
		    "password-env" },
		{ "-NOPERM this user has no permissions\r\n", CSN_E_POLICY,
		    "ACL" },
		{ "-MISCONF Redis is configured\r\n", CSN_E_QUOTA, "disk" },
		{ "-BUSY Redis is busy\r\n", CSN_E_BACKEND, "script" },
		{ "-MASTERDOWN Link\r\n", CSN_E_BACKEND, "master" },
		{ "-NOREPLICAS Not enough\r\n", CSN_E_BACKEND, "replicas" },
		{ "-MOVED 1 127.0.0.1:1\r\n", CSN_E_BACKEND, "cluster=1" },
		{ "-WRONGTYPE Operation\r\n", CSN_E_FORM, "no string" },
		{ "-ERR odd \x01\x7f words\r\n", CSN_E_BACKEND,
		    "odd ?? words" },
		{ "-ERR unknown command 'AUTH', with args beginning with: "
		    "'hush'\r\n", CSN_E_BACKEND, "unknown command 'AUTH'" },
		{ "-\r\n", CSN_E_BACKEND, "answers" },
		{ "$-1\r\n", CSN_E_NOT_FOUND, "no such key" },
	};
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		meets(&(struct stub_answer){ .bytes = errors[i].answer },
		    NULL, errors[i].code, errors[i].says);
		assert_null(strstr(csn_message(), "hush"));
	}
}

TEST(half_an_answer_is_no_answer)
{
	static const struct {
		struct stub_answer a;
		const char *says;
	} half[] = {
		{ { "$5\r\nhel", 0, STUB_HANG }, "too long" },
		{ { "$5\r\nhel", 0, STUB_CLOSE }, "closed" },
		{ { "$5\r\nhello", 0, STUB_CLOSE }, "closed" },
		{ { "", 0, STUB_CLOSE }, "closed" },
		{ { "", 0, STUB_HANG }, "too long" },
		{ { "$", 0, STUB_HANG }, "too long" },
		/* Each byte comes, but the whole does not in time. */
		{ { "$60\r\n0123456789012345678901234567890123456789", 25,
		    STUB_HANG }, "too long" },
		{ { "$600000000000\r\nx", 0, STUB_HANG }, "more than Redis" },
		{ { "$536870912\r\nx", 0, STUB_HANG }, "too long" },
	};
	size_t i;

	for (i = 0; i < sizeof(half) / sizeof(half[0]); i++)
		meets(&half[i].a, NULL, CSN_E_BACKEND, half[i].says);
}

TEST(what_is_not_redis_is_told_so)
{
	static const char *const other[] = {
		"HTTP/1.1 400 Bad Request\r\n\r\n", "\x15\x03\x03\x00\x02",
		"SSH-2.0-x\r\n", "$x\r\n", "$-2\r\n", "*-2\r\n", ":\r\n",
		":12a\r\n", ("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"
		    "*1\r\n*1\r\n:1\r\n"), "%1\r\n+a\r\n+b\r\n", ",1.5\r\n",
		"#t\r\n",
	};
	static const char *const odd[] = { "+OK\r\n", ":5\r\n", "*0\r\n",
	    "*1\r\n$1\r\nx\r\n" };
	static const char *const huge[] = { "*2147483647\r\n", "*262145\r\n",
	    "*2\r\n*262142\r\n" };
	size_t i;

	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		meets(&(struct stub_answer){ .bytes = other[i],
		    .then = STUB_HANG }, NULL, CSN_E_BACKEND,
		    "Redis's protocol");
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		meets(&(struct stub_answer){ .bytes = odd[i] }, NULL,
		    CSN_E_BACKEND, "kind");
	for (i = 0; i < 2; i++)
		meets(&(struct stub_answer){ .bytes = huge[i],
		    .then = STUB_HANG }, NULL, CSN_E_BACKEND,
		    "more than Redis can hold");
	/* Within the limit: it waits, and memory is not what it promised. */
	meets(&(struct stub_answer){ .bytes = huge[2], .then = STUB_HANG },
	    NULL, CSN_E_BACKEND, "too long");
}

static atomic_int asked;

static int
after_20(void *arg)
{
	(void)arg;
	return atomic_fetch_add(&asked, 1) >= 20;
}

static int
visit_none(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	size_t *n = arg;

	(void)key;
	(void)key_len;
	(void)value_len;
	(*n)++;
	return 0;
}

/* Its names come again and again, under a cursor that never is 0. */
TEST(a_list_without_end_is_left_when_the_program_says_so)
{
	static const struct stub_answer turns[] = {
		{ "*2\r\n$1\r\n7\r\n*0\r\n", 0, STUB_KEEP },
		{ "*2\r\n$1\r\n8\r\n*0\r\n", 0, STUB_KEEP },
		{ "*2\r\n$1\r\n7\r\n*0\r\n", 0, STUB_KEEP },
		{ "*2\r\n$1\r\n8\r\n*0\r\n", 0, STUB_KEEP },
		{ "*2\r\n$1\r\n7\r\n*1\r\n$1\r\nx\r\n", 0, STUB_KEEP },
		{ ":1\r\n", 0, STUB_KEEP }, { ":1\r\n", 0, STUB_KEEP },
		{ "*2\r\n$1\r\n8\r\n*1\r\n$1\r\nx\r\n", 0, STUB_KEEP },
		{ ":1\r\n", 0, STUB_KEEP }, { ":1\r\n", 0, STUB_KEEP },
		{ "*2\r\n$1\r\n9\r\n*0\r\n", 0, STUB_KEEP },
	};
	const struct csn_ctx_options options = { .size = sizeof(options),
	    .stopped = after_20 };
	struct csn_ctx *usual = ctx;
	struct redis_stub *s = redis_stub_start(turns, 11, NULL);
	struct csn_store *store;
	size_t n = 0;

	/* One that says the same cursor twice goes in a circle. */
	store = open_stub(s, "");
	assert_int_equal(csn_store_each(store, NULL, 0, visit_none, &n),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "never comes"));
	/* A name that comes twice is visited once. */
	assert_int_equal(n, 1);
	csn_store_close(store);
	redis_stub_stop(s);

	assert_int_equal(csn_ctx_new(&options, &ctx), 0);
	s = redis_stub_start(turns, 4, NULL);
	store = open_stub(s, "");
	atomic_store(&asked, 0);
	assert_int_equal(csn_store_each(store, NULL, 0, visit_none, &n),
	    CSN_E_BACKEND);	/* the last answer again: a circle */
	csn_store_close(store);
	redis_stub_stop(s);
	s = redis_stub_start(turns, 2, NULL);
	store = open_stub(s, "");
	atomic_store(&asked, 20);
	assert_int_equal(csn_store_each(store, NULL, 0, visit_none, &n),
	    CSN_E_CANCELLED);
	assert_int_equal(csn_store_drop(store, U("acme")), CSN_E_CANCELLED);
	assert_int_equal(redis_stub_commands(s), 0);
	csn_store_close(store);
	redis_stub_stop(s);
	csn_ctx_free(ctx);
	ctx = usual;
}

/* What is safe to repeat is sent once more; what is not, never. */
TEST(broken_connections_are_tried_once_more)
{
	static const struct stub_answer broken_once[] = {
		{ "", 0, STUB_CLOSE }, { "$2\r\nhi\r\n", 0, STUB_KEEP },
	};
	static const struct stub_answer removed[] = {
		{ "", 0, STUB_CLOSE }, { ":0\r\n", 0, STUB_KEEP },
	};
	static const struct stub_answer broken[] = {
		{ "", 0, STUB_CLOSE },
	};
	struct redis_stub *s = redis_stub_start(broken_once, 2, NULL);
	struct csn_store *store = open_stub(s, "");

	assert_int_equal(get(store), 0);
	assert_int_equal(redis_stub_commands(s), 2);
	assert_int_equal(redis_stub_connections(s), 2);
	csn_store_close(store);
	redis_stub_stop(s);

	/* The first may have removed it: it is gone, and that was asked. */
	s = redis_stub_start(removed, 2, NULL);
	store = open_stub(s, "");
	assert_int_equal(csn_store_remove(store, U("acme"), U("k")), 0);
	assert_int_equal(csn_store_remove(store, U("acme"), U("k")),
	    CSN_E_NOT_FOUND);
	csn_store_close(store);
	redis_stub_stop(s);

	s = redis_stub_start(broken, 1, NULL);
	store = open_stub(s, "");
	assert_int_equal(get(store), CSN_E_BACKEND);
	assert_int_equal(redis_stub_commands(s), 2);
	assert_int_equal(csn_store_add_for(store, U("acme"), U("lock"),
	    U("me"), 1000), CSN_E_BACKEND);
	assert_int_equal(redis_stub_commands(s), 3);
	assert_int_equal(csn_store_remove_if(store, U("acme"), U("lock"),
	    U("me")), CSN_E_BACKEND);
	assert_int_equal(redis_stub_commands(s), 4);
	csn_store_close(store);
	redis_stub_stop(s);
}

/* An answer too many would become the next question's. */
TEST(answers_do_not_slip)
{
	static const struct stub_answer more[] = {
		{ "$1\r\na\r\n$6\r\nstolen\r\n", 0, STUB_KEEP },
		{ "$1\r\nb\r\n", 0, STUB_KEEP },
	};
	struct redis_stub *s = redis_stub_start(more, 2, NULL);
	struct csn_store *store = open_stub(s, "");
	uint8_t p[8];
	size_t len = sizeof(p);

	assert_int_equal(csn_store_get(store, U("acme"), U("k"), p, &len), 0);
	assert_int_equal(p[0], 'a');
	len = sizeof(p);
	assert_int_equal(csn_store_get(store, U("acme"), U("k"), p, &len), 0);
	assert_int_equal(len, 1);
	assert_int_equal(p[0], 'b');
	assert_int_equal(redis_stub_connections(s), 2);
	csn_store_close(store);
	redis_stub_stop(s);
}

/* A reply that the command cannot have is one to something else. */
TEST(a_connection_that_lost_step_is_used_no_more)
{
	static const struct stub_answer late[] = {
		{ ":5\r\n", 0, STUB_KEEP }, { "$1\r\nb\r\n", 0, STUB_KEEP },
		{ "$1\r\nc\r\n", 0, STUB_KEEP }, { "+OK\r\n", 0, STUB_KEEP },
		{ "$1\r\nd\r\n", 0, STUB_KEEP },
	};
	static const struct stub_answer early[] = {
		{ "+OK\r\n$6\r\nstolen\r\n", 0, STUB_KEEP },
		{ "$1\r\na\r\n", 0, STUB_KEEP },
	};
	static const struct stub_answer moved[] = {
		{ "-ASK 1 127.0.0.1:PORT\r\n", 0, STUB_KEEP },
		{ "$6\r\nstolen\r\n", 0, STUB_KEEP },
		{ "$1\r\nd\r\n", 0, STUB_KEEP },
	};
	struct redis_stub *s = redis_stub_start(late, 5, NULL);
	struct csn_store *store = open_stub(s, "");
	uint8_t p[8] = { 0 };
	size_t len = sizeof(p);
	char url[96];

	assert_int_equal(csn_store_get(store, U("acme"), U("k"), p, &len),
	    CSN_E_BACKEND);
	assert_int_equal(csn_store_get(store, U("acme"), U("k"), p, &len), 0);
	assert_int_equal(p[0], 'b');
	assert_int_equal(redis_stub_connections(s), 2);
	assert_int_equal(csn_store_remove(store, U("acme"), U("k")),
	    CSN_E_BACKEND);
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), p, 1), 0);
	assert_int_equal(redis_stub_connections(s), 3);
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), p, 1),
	    CSN_E_BACKEND);
	assert_int_equal(get(store), 0);
	assert_int_equal(redis_stub_connections(s), 4);
	csn_store_close(store);
	redis_stub_stop(s);

	/* More than was asked for before anything was. */
	s = redis_stub_start(early, 2, NULL);
	(void)snprintf(url, sizeof(url), "redis://127.0.0.1:%u/1?pool=1",
	    redis_stub_port(s));
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	assert_int_equal(get(store), CSN_E_BACKEND);
	assert_int_equal(redis_stub_commands(s), 1);
	csn_store_close(store);
	redis_stub_stop(s);

	s = redis_stub_start(moved, 3, MAP);
	store = open_stub(s, "&cluster=1");
	len = sizeof(p);
	assert_int_equal(csn_store_get(store, U("acme"), U("k"), p, &len), 0);
	assert_int_equal(p[0], 'd');
	assert_int_equal(redis_stub_connections(s), 2);
	csn_store_close(store);
	redis_stub_stop(s);
}

TEST(half_a_value_is_left_to_nobody)
{
	static char text[30000];
	const struct stub_answer broken[] = {
		{ text, 0, STUB_CLOSE }, { "$-1\r\n", 0, STUB_KEEP },
		{ text, 0, STUB_CLOSE }, { text, 0, STUB_CLOSE },
		{ text, 25, STUB_HANG },
	};
	struct redis_stub *s = redis_stub_start(broken, 4, NULL);
	struct csn_store *store = open_stub(s, "");
	uint8_t *p = calloc(2, 60000);
	size_t len, i;
	int round;

	assert_non_null(p);
	(void)snprintf(text, sizeof(text), "$60000\r\n");
	memset(text + 8, 'x', sizeof(text) - 9);
	/* Broken off and then gone; and broken off twice. */
	for (round = 0; round < 2; round++) {
		len = 60000;
		assert_int_equal(csn_store_get(store, U("acme"), U("k"), p,
		    &len), round == 0 ? CSN_E_NOT_FOUND : CSN_E_BACKEND);
		for (i = 0; i < 120000; i++)
			assert_int_equal(p[i], 0);
	}
	csn_store_close(store);
	redis_stub_stop(s);

	/* A byte now and then is no reason to wait, however large it is. */
	s = redis_stub_start(broken + 4, 1, NULL);
	store = open_for(s, TIMEOUT_MS, "");
	len = 60000;
	assert_int_equal(csn_store_get(store, U("acme"), U("k"), p, &len),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "too long"));
	assert_int_equal(p[0], 0);
	csn_store_close(store);
	redis_stub_stop(s);
	free(p);
}

TEST(a_cluster_that_misleads_is_left)
{
	static const struct { const char *answer, *map, *says; } bad[] = {
		{ "-MOVED 1 127.0.0.1:PORT\r\n", MAP, "circle" },
		{ "-MOVED 1 :PORT\r\n", MAP, "circle" },
		{ "-ASK 1 127.0.0.1:PORT\r\n", MAP, "circle" },
		{ "-MOVED\r\n", MAP, "does not read" },
		{ "-MOVED 1\r\n", MAP, "does not read" },
		{ "-MOVED 99999 127.0.0.1:PORT\r\n", MAP, "does not read" },
		{ "-MOVED 1 127.0.0.1:0\r\n", MAP, "does not read" },
		{ "-MOVED 1 127.0.0.1:99999\r\n", MAP, "does not read" },
		{ "-MOVED 1 a b:1\r\n", MAP, "does not read" },
		{ "-TRYAGAIN Multiple keys\r\n", MAP, "being moved" },
		{ "-CLUSTERDOWN Hash slot\r\n", MAP, "down" },
		{ "+OK\r\n", "*0\r\n", "no slots" },
		{ "+OK\r\n", ":1\r\n", "does not read" },
		{ "+OK\r\n", "*1\r\n:1\r\n", "does not read" },
		{ "+OK\r\n", "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n"
		    ":1\r\n", "does not read" },
		{ "+OK\r\n", "*1\r\n*3\r\n:5\r\n:4\r\n*2\r\n$1\r\na\r\n"
		    ":1\r\n", "does not read" },
		{ "+OK\r\n", "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n$1\r\na\r\n"
		    ":0\r\n", "does not read" },
		{ "+OK\r\n", "*1\r\n*3\r\n:0\r\n:9\r\n*2\r\n$3\r\na\r\n"
		    "\r\n:1\r\n", "does not read" },
		{ "+OK\r\n", "-ERR This instance has cluster support "
		    "disabled\r\n", "leave out cluster=1" },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		meets(&(struct stub_answer){ .bytes = bad[i].answer },
		    bad[i].map, CSN_E_BACKEND, bad[i].says);
}

static int
visit(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	(void)arg;
	(void)key;
	(void)key_len;
	(void)value_len;
	return 0;
}

TEST(a_scan_that_lies_is_refused)
{
	static const char *const bad[] = {
		"+OK\r\n", "*1\r\n$1\r\n0\r\n", "*2\r\n:0\r\n*0\r\n",
		"*2\r\n$1\r\nx\r\n*0\r\n", "*2\r\n$0\r\n\r\n*0\r\n",
		"*2\r\n$21\r\n000000000000000000000\r\n*0\r\n",
		"*2\r\n$1\r\n0\r\n$1\r\nx\r\n", "*2\r\n$-1\r\n*0\r\n",
	};
	struct redis_stub *s;
	struct csn_store *store;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		s = redis_stub_start(&(struct stub_answer){ .bytes = bad[i] },
		    1, NULL);
		store = open_stub(s, "");
		assert_int_equal(csn_store_each(store, U("acme"), visit,
		    NULL), CSN_E_BACKEND);
		assert_int_equal(csn_store_drop(store, U("acme")),
		    CSN_E_BACKEND);
		csn_store_close(store);
		redis_stub_stop(s);
	}
	/* Names of no space of ours, and what is no name, are passed over. */
	s = redis_stub_start(&(struct stub_answer){ .bytes = "*2\r\n$1\r\n0"
	    "\r\n*4\r\n:1\r\n$-1\r\n$5\r\nother\r\n$15\r\ncsn:{61636d65}:\r\n"
	    }, 1, NULL);
	store = open_stub(s, "");
	assert_int_equal(csn_store_each(store, U("acme"), visit, NULL), 0);
	csn_store_close(store);
	redis_stub_stop(s);
}

TEST(nobody_there_is_told_at_once)
{
	struct csn_store *store;
	char url[128];

	/* Else it would take as long as this. */
	snprintf(url, sizeof(url), "redis://127.0.0.1:%u?timeout=600000&"
	    "connect=600000", free_port());
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	assert_int_equal(get(store), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "refused"));
	csn_store_close(store);
	assert_int_equal(csn_store_open(ctx, "redis://no-such-host.invalid"
	    "?timeout=600", &store), 0);
	assert_int_equal(get(store), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "no-such-host"));
	csn_store_close(store);
}

/* A listener whose queue is full: packets to it go unanswered. */
struct swallower {
	int fd, fill[8];
	uint16_t port;
};

static void
swallower_start(struct swallower *s)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	size_t i;

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(s->fd, 0), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&in, &len), 0);
	s->port = ntohs(in.sin_port);
	for (i = 0; i < 8; i++) {
		s->fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK |
		    SOCK_CLOEXEC, 0);
		(void)connect(s->fill[i], (struct sockaddr *)&in, sizeof(in));
	}
	usleep(20000);
}

static void
swallower_stop(const struct swallower *s)
{
	size_t i;

	for (i = 0; i < 8; i++)
		(void)close(s->fill[i]);
	(void)close(s->fd);
}

TEST(a_network_that_swallows_is_not_waited_for)
{
	struct swallower s;
	struct csn_store *store;
	uint64_t start;
	char url[128];

	swallower_start(&s);
	snprintf(url, sizeof(url), "redis://127.0.0.1:%u?connect=200&"
	    "timeout=600000", s.port);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	start = test_now_ms();
	assert_int_equal(get(store), CSN_E_BACKEND);
	assert_true(test_now_ms() - start >= 180);
	assert_non_null(strstr(csn_message(), "connect="));
	csn_store_close(store);
	swallower_stop(&s);
}

/* Two dead hosts take a call's whole time, but not the next one's too. */
TEST(the_third_host_of_a_cluster_gets_its_turn)
{
	static const struct stub_answer hi = { "$2\r\nhi\r\n", 0, STUB_KEEP };
	struct redis_stub *stub = redis_stub_start(&hi, 1, MAP);
	struct swallower a, b;
	struct csn_store *store;
	char url[160];
	int i, rc = -1;

	swallower_start(&a);
	swallower_start(&b);
	snprintf(url, sizeof(url), "redis://127.0.0.1:%u,127.0.0.1:%u,"
	    "127.0.0.1:%u/?cluster=1&connect=200&timeout=390", a.port, b.port,
	    redis_stub_port(stub));
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	/* At the third, where what is left of its time is enough. */
	for (i = 0; i < 30 && rc != 0; i++)
		rc = get(store);
	assert_int_equal(rc, 0);
	csn_store_close(store);
	swallower_stop(&a);
	swallower_stop(&b);
	redis_stub_stop(stub);
}

TEST(a_hanging_server_does_not_use_up_the_pool)
{
	static const struct stub_answer hang = { "", 0, STUB_HANG };
	struct redis_stub *s = redis_stub_start(&hang, 1, NULL);
	struct csn_store *store = open_for(s, TIMEOUT_MS, "");
	size_t i;

	/* Each drops its connection, so the pool of one never runs dry. */
	for (i = 1; i <= 2; i++) {
		assert_int_equal(get(store), CSN_E_BACKEND);
		assert_non_null(strstr(csn_message(), "the answer of"));
		assert_int_equal(redis_stub_connections(s), i);
	}
	csn_store_close(store);
	redis_stub_stop(s);
}

struct caller {
	struct csn_store *store;
	atomic_int rc;		/* of its call, once that is over */
};

static void *
call_once(void *arg)
{
	struct caller *c = arg;

	atomic_store(&c->rc, get(c->store));
	return NULL;
}

/* Else its connection would be nobody's, and the pool of one stay dry. */
TEST(who_is_cancelled_while_it_waits_ends_its_call_first)
{
	static const struct stub_answer answers[] = {
		{ "", 0, STUB_HANG }, { "$2\r\nhi\r\n", 0, STUB_KEEP },
	};
	struct redis_stub *s = redis_stub_start(answers, 2, NULL);
	struct caller c = { open_for(s, TIMEOUT_MS, ""), 1 };
	struct csn_store *patient = open_stub(s, "");
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, call_once, &c), 0);
	while (redis_stub_commands(s) == 0)
		usleep(1000);
	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(c.rc, CSN_E_BACKEND);
	assert_int_equal(get(patient), 0);
	csn_store_close(patient);
	csn_store_close(c.store);
	redis_stub_stop(s);
}

BEFORE_ALL { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }
AFTER_ALL { csn_ctx_free(ctx); }
