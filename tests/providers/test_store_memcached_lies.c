/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_memcached_lies.c - servers that say what no memcached would, or
 * stop in the middle of it: an error within the timeout, and nothing served.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <caisson/store.h>

#include "lib/test.h"
#include "net/net.h"

#define U(s) ((const uint8_t *)(s)), strlen(s)
#define TIMEOUT 200

/* Answers each connection with the same bytes, once something was asked. */
struct liar {
	pthread_t thread;
	int fd;
	uint16_t port;
	const char *_Atomic first; /* to the first connection */
	const char *answer;	/* to the others, and to it where NULL */
	int close_after;
	unsigned gap_ms;	/* between single bytes; 0: all at once */
	_Atomic int connections, guests;
	_Atomic int stop;
};

struct guest {
	struct liar *liar;
	int fd, number;
};

static void
answer(struct liar *l, int fd, const char *p)
{
	size_t i, len = strlen(p);

	if (l->gap_ms == 0) {
		(void)!send(fd, p, len, MSG_NOSIGNAL);
		return;
	}
	for (i = 0; i < len && !l->stop; i++) {
		if (send(fd, p + i, 1, MSG_NOSIGNAL) != 1)
			return;
		usleep(l->gap_ms * 1000);
	}
}

static void *
entertain(void *arg)
{
	struct guest *g = arg;
	struct liar *l = g->liar;
	char in[4096];
	ssize_t n;

	while ((n = recv(g->fd, in, sizeof(in), 0)) > 0) {
		answer(l, g->fd, g->number == 0 && l->first != NULL ?
		    l->first : l->answer);
		if (l->close_after)
			break;
	}
	close(g->fd);
	free(g);
	l->guests--;
	return NULL;
}

static void *
serve(void *arg)
{
	struct liar *l = arg;
	struct guest *g;
	pthread_t thread;
	int fd;

	while ((fd = accept(l->fd, NULL, NULL)) >= 0) {
		if (l->stop || (g = malloc(sizeof(*g))) == NULL) {
			close(fd);
			break;
		}
		*g = (struct guest){ l, fd, l->connections++ };
		l->guests++;
		if (pthread_create(&thread, NULL, entertain, g) != 0) {
			l->guests--;
			break;
		}
		pthread_detach(thread);
	}
	return NULL;
}

static void
start(struct liar *l)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(l->fd >= 0);
	assert_int_equal(bind(l->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(l->fd, 16), 0);
	assert_int_equal(getsockname(l->fd, (struct sockaddr *)&a, &len), 0);
	l->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&l->thread, NULL, serve, l), 0);
}

static void
stop(struct liar *l)
{
	l->stop = 1;
	shutdown(l->fd, SHUT_RDWR);
	assert_int_equal(pthread_join(l->thread, NULL), 0);
	close(l->fd);
	/* Guests leave when their connections close. */
	while (l->guests > 0)
		usleep(1000);
}

static struct csn_ctx *ctx;

static struct csn_store *
open_store(const struct liar *l)
{
	struct csn_store *store;
	char url[96];

	snprintf(url, sizeof(url), "memcached://127.0.0.1:%u?timeout=%d",
	    l->port, TIMEOUT);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	return store;
}

BEFORE_ALL { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }
AFTER_ALL { csn_ctx_free(ctx); }

/* Every verb, against one answer: an error in time, and no bytes. */
static void
all_fail(struct csn_store *store, const char *space)
{
	uint64_t left = 5;
	uint8_t p[16], zero[16] = { 0 };
	size_t len, i;
	int rc[5];

	memset(p, 0, sizeof(p));
	len = sizeof(p);
	rc[0] = csn_store_get(store, U(space), U("k"), p, &len);
	assert_memory_equal(p, zero, sizeof(p));
	rc[1] = csn_store_ttl(store, U(space), U("k"), &left);
	assert_int_equal(left, 5);
	rc[2] = csn_store_put(store, U(space), U("k"), p, 4);
	rc[3] = csn_store_add_for(store, U(space), U("k"), p, 4, 1000);
	rc[4] = csn_store_remove_if(store, U(space), U("k"), p, 4);
	for (i = 0; i < 5; i++)
		assert_true(rc[i] != 0);
	assert_true(rc[0] != CSN_E_BUFFER);
	assert_true(strlen(csn_message()) > 10);
}

TEST(nonsense_is_refused)
{
	static const char *const lies[] = {
		"hello\r\n",
		"HTTP/1.1 400 Bad Request\r\n\r\n",
		"-ERR unknown command\r\n",
		"ERROR\r\n",
		"CLIENT_ERROR bad command line format\r\n",
		"SERVER_ERROR proxy timeout\r\n",
		"VA -1\r\n\r\n",
		"VA \r\n\r\n",
		"VA 5x\r\nhello\r\n",
		"VA 18446744073709551616\r\n",
		"VA 1073741825\r\n",
		"VA 5\r\nhello you\r\n",
		"VA 5\r\nhelloXX",
		"VA 5 t\r\nhello\r\n",
		"VA 5 t99999999999999999999\r\nhello\r\n",
		"VA 5 c-1\r\nhello\r\n",
		"STAT x 1\r\n",
		"END\r\n",
		"\r\n",
		"HD t1\nHD\r\n",
	};
	struct csn_store *store;
	size_t i;

	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct liar l = { .answer = lies[i] };

		start(&l);
		store = open_store(&l);
		all_fail(store, "");
		all_fail(store, "acme");
		csn_store_close(store);
		stop(&l);
	}
}

/* A proxy that passes over what it does not know: not "for ever" then. */
TEST(a_time_that_is_not_told_is_unknown)
{
	struct liar l = { .answer = "VA 2\r\nhi\r\n" };
	struct csn_store *store;
	uint64_t left = 5;
	uint8_t p[4];
	size_t len = sizeof(p);

	start(&l);
	store = open_store(&l);
	assert_int_equal(csn_store_get_for(store, NULL, 0, U("k"), p, &len,
	    &left), 0);
	assert_int_equal(len, 2);
	assert_true(left == CSN_STORE_TTL_UNKNOWN);
	csn_store_close(store);
	stop(&l);
	l = (struct liar){ .answer = "HD\r\n" };
	start(&l);
	store = open_store(&l);
	assert_int_equal(csn_store_ttl(store, NULL, 0, U("k"), &left),
	    CSN_E_BACKEND);
	csn_store_close(store);
	stop(&l);
}

TEST(an_old_memcached_is_named_as_such)
{
	struct liar l = { .answer = "ERROR\r\n" };
	struct csn_store *store;
	uint8_t p[4];
	size_t len = 4;

	start(&l);
	store = open_store(&l);
	assert_int_equal(csn_store_get(store, NULL, 0, U("k"), p, &len),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "1.6"));
	csn_store_close(store);
	stop(&l);
}

TEST(half_an_answer_ends_in_time)
{
	static const char *const halves[] = {
		"", "V", "VA 10\r", "VA 10\r\n", "VA 10\r\nabcdef",
		"VA 10\r\nabcdefghij", "VA 10\r\nabcdefghij\r", "H",
		"VA 100000\r\nshort",
	};
	struct csn_store *store;
	size_t i, k;

	for (i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		for (k = 0; k < 2; k++) {
			/* It stays silent from there on, or hangs up. */
			struct liar l = { .answer = halves[i],
			    .close_after = (int)k };

			start(&l);
			store = open_store(&l);
			all_fail(store, "");
			csn_store_close(store);
			stop(&l);
		}
	}
}

/* A byte now and then would go on for ever. */
TEST(a_trickle_ends_in_time)
{
	struct liar l = { .answer = "VA 1000\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	    .gap_ms = 30 };
	struct csn_store *store;

	start(&l);
	store = open_store(&l);
	all_fail(store, "");
	csn_store_close(store);
	stop(&l);
}

/*
 * A connection that breaks when it is used again: what may be done twice is
 * done on a new one, a lock is not.
 */
TEST(only_what_can_be_repeated_is)
{
	struct liar get = { .first = "EN\r\n", .answer = "VA 2\r\nhi\r\n" };
	struct liar lock = { .first = "EN\r\n", .answer = "HD\r\n" };
	struct csn_store *store;
	uint8_t p[4];
	size_t len = sizeof(p);

	start(&get);
	store = open_store(&get);
	assert_int_equal(csn_store_get(store, NULL, 0, U("k"), p, &len),
	    CSN_E_NOT_FOUND);
	get.first = "garbage\r\n";
	len = sizeof(p);
	assert_int_equal(csn_store_get(store, NULL, 0, U("k"), p, &len), 0);
	assert_int_equal(len, 2);
	assert_int_equal(get.connections, 2);
	csn_store_close(store);
	stop(&get);

	start(&lock);
	store = open_store(&lock);
	len = sizeof(p);
	assert_int_equal(csn_store_get(store, NULL, 0, U("k"), p, &len),
	    CSN_E_NOT_FOUND);
	lock.first = "garbage\r\n";
	assert_int_equal(csn_store_add_for(store, NULL, 0, U("k"), p, 1,
	    1000), CSN_E_BACKEND);
	assert_int_equal(lock.connections, 1);
	assert_int_equal(csn_store_add_for(store, NULL, 0, U("k"), p, 1,
	    1000), 0);
	assert_int_equal(lock.connections, 2);
	csn_store_close(store);
	stop(&lock);
}

TEST(options_are_checked)
{
	static const char *const bad[] = {
		"memcached:", "memcached:host", "memcached://",
		"memcached://:11211", "memcached://host:0",
		"memcached://host:70000", "memcached://host:1x",
		"memcached://a,,b", "memcached://a,", "memcached://[::1",
		"memcached://[::1]x", "memcached://user:pw@host",
		"memcached://h?timeout=0", "memcached://h?timeout=1s",
		"memcached://h?pool=0", "memcached://h?colour=blue",
		"memcached://h?pool", "memcached:/a/socket/whose/path/is/far/"
		"too/long/to/fit/into/what/the/kernel/has/room/for/in/the/"
		"address/of/such/a/thing",
	};
	struct csn_store *store = NULL;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(csn_store_open(ctx, bad[i], &store),
		    CSN_E_ARG);
		assert_non_null(strstr(csn_message(), "memcached"));
		assert_null(strstr(csn_message(), "/tmp"));
		assert_null(store);
	}
	assert_int_equal(csn_store_open(ctx,
	    "memcached://[::1]:11211,a.example,10.0.0.1:1?pool=4&connect=9",
	    &store), 0);
	csn_store_close(store);
}

TEST(a_password_is_not_repeated)
{
	static const char *const bad[] = {
		"memcached://u:secretpw@host",
		"memcached://a,u:secretpw@[::1]:11211",
		"memcached://[u:secretpw@::1]",
	};
	struct csn_store *store = NULL;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(csn_store_open(ctx, bad[i], &store),
		    CSN_E_ARG);
		assert_non_null(strstr(csn_message(), "no password"));
		assert_null(strstr(csn_message(), "secretpw"));
		assert_null(store);
	}
}
