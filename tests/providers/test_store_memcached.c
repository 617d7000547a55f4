/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_memcached.c - the store in memcached: the suite over a real
 * server, and what happens where that dies, stalls or is full.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/test.h"
#include "net/net.h"
#include "providers/memcached_server.h"
#include "providers/store_suite.h"

static struct memcached_server server;

static char *
make(void *arg)
{
	const struct memcached_server *s = arg;
	char out[64], *url;

	if (memcached_say(s, "flush_all", "OK", out, sizeof(out)) != 0 ||
	    asprintf(&url, "memcached://127.0.0.1:%u?timeout=10000",
	    s->port) < 0)
		return NULL;
	return url;
}

struct fixture {
	struct memcached_server servers[2];
	struct csn_ctx *ctx;
	struct csn_store *store;
};

static void
setup(struct fixture *f)
{
	char url[96];

	assert_false(!memcached_is_here());
	assert_false(memcached_start(&f->servers[0]) != 0 ||
	    memcached_start(&f->servers[1]) != 0 || csn_ctx_new(NULL, &f->ctx)
	    != 0);
	snprintf(url, sizeof(url), "memcached://127.0.0.1:%u?timeout=400",
	    f->servers[0].port);
	assert_int_equal(csn_store_open(f->ctx, url, &f->store), 0);
}

static void
teardown(struct fixture *f)
{
	csn_store_close(f->store);
	csn_ctx_free(f->ctx);
	memcached_kill(&f->servers[0]);
	memcached_kill(&f->servers[1]);
}

FIXTURE(struct fixture, setup, teardown);

TEST(keys_outside_spaces_go_as_they_are, struct fixture *f)
{
	char out[256];
	uint8_t p[8];
	size_t len = sizeof(p);

	assert_int_equal(csn_store_put(f->store, NULL, 0,
	    U("ns:shop:func:f:args:0123:1s"), (const uint8_t *)"hello", 5),
	    0);
	assert_int_equal(memcached_say(&f->servers[0],
	    "get ns:shop:func:f:args:0123:1s", "END", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "VALUE ns:shop:func:f:args:0123:1s 0 5\r\n"
	    "hello\r\n"));
	/* And what others put there is read. */
	assert_int_equal(memcached_say(&f->servers[0],
	    "set theirs 0 0 3\r\nabc", "STORED", out, sizeof(out)), 0);
	assert_int_equal(csn_store_get(f->store, NULL, 0, U("theirs"), p,
	    &len), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(p, "abc", 3);
	/* A key with our prefix is no way to a space's value. */
	assert_int_equal(csn_store_put(f->store, NULL, 0, U("csn:m:1"), p, 3),
	    0);
	assert_int_equal(memcached_say(&f->servers[0], "get csn:m:1", "END",
	    out, sizeof(out)), 0);
	assert_string_equal(out, "END\r\n");
}

/* Names as docs/wire/store.md has them, made by other means. */
TEST(names_are_as_specified, struct fixture *f)
{
	char out[256];

	assert_int_equal(csn_store_put(f->store, U("acme"), U("k"),
	    (const uint8_t *)"hello", 5), 0);
	assert_int_equal(memcached_say(&f->servers[0], "mg "
	    "csn:v:ca3e5a0c754cbf34d94625a54d51e4767197436191bc1665 s",
	    "HD", out, sizeof(out)), 0);
	assert_string_equal(out, "HD s13\r\n");
	assert_int_equal(memcached_say(&f->servers[0], "mg "
	    "csn:m:51d5d86f52c390f55c86ee644e76fc12c0fcef6a5e2d442e s",
	    "HD", out, sizeof(out)), 0);
	assert_string_equal(out, "HD s8\r\n");
	assert_int_equal(csn_store_put(f->store, NULL, 0, U("a b"),
	    (const uint8_t *)"hello", 5), 0);
	assert_int_equal(memcached_say(&f->servers[0], "get "
	    "csn:k:8196ca2bb0dcbc3adc065a9854f81c0d7707637c483c3492",
	    "END", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "\r\nhello\r\n"));
}

TEST(a_dead_server_is_an_error_and_comes_back, struct fixture *f)
{
	uint64_t left;
	uint8_t p[8];
	size_t len = sizeof(p);

	store_put_value(f->store, "acme", "k", 8, 1);
	memcached_kill(&f->servers[0]);
	assert_int_equal(csn_store_get(f->store, U("acme"), U("k"), p, &len),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "127.0.0.1:"));
	assert_int_equal(csn_store_put(f->store, U("acme"), U("k"), p, 8),
	    CSN_E_BACKEND);
	assert_int_equal(csn_store_add_for(f->store, U("acme"), U("l"), p, 8,
	    1000), CSN_E_BACKEND);
	assert_int_equal(csn_store_ttl(f->store, U("acme"), U("k"), &left),
	    CSN_E_BACKEND);
	assert_int_equal(csn_store_drop(f->store, U("acme")), CSN_E_BACKEND);
	assert_int_equal(memcached_start(&f->servers[0]), 0);
	/* It forgot everything, and takes new values at once. */
	len = sizeof(p);
	assert_int_equal(csn_store_get(f->store, U("acme"), U("k"), p, &len),
	    CSN_E_NOT_FOUND);
	store_put_value(f->store, "acme", "k", 8, 2);
	store_check_value(f->store, "acme", "k", 8, 2);
}

/* Connections that a restart closed are not used again: no call fails. */
TEST(a_restart_between_calls_goes_unnoticed, struct fixture *f)
{
	uint8_t p[8] = { 0 };
	size_t len = sizeof(p);
	int i;

	for (i = 0; i < 3; i++) {
		store_put_value(f->store, "acme", "k", 8, 1);
		memcached_kill(&f->servers[0]);
		assert_int_equal(memcached_start(&f->servers[0]), 0);
		len = sizeof(p);
		assert_int_equal(csn_store_get(f->store, U("acme"), U("k"), p,
		    &len), CSN_E_NOT_FOUND);
		memcached_kill(&f->servers[0]);
		assert_int_equal(memcached_start(&f->servers[0]), 0);
		assert_int_equal(csn_store_add_for(f->store, U("acme"),
		    U("lock"), p, 1, 0), 0);
	}
}

struct waiter {
	struct csn_store *store;
	int rc;
	uint64_t took;
};

static void *
wait_for_it(void *arg)
{
	struct waiter *w = arg;
	uint64_t begin = csn_net_deadline(0);
	uint8_t p[8];
	size_t len = sizeof(p);

	w->rc = csn_store_get(w->store, U("acme"), U("k"), p, &len);
	w->took = csn_net_deadline(0) - begin;
	return NULL;
}

TEST(a_stalled_server_holds_nobody_up, struct fixture *f)
{
	struct csn_store *narrow;
	struct waiter w[3];
	pthread_t threads[3];
	char url[96];
	int i;

	snprintf(url, sizeof(url),
	    "memcached://127.0.0.1:%u?timeout=300&pool=1",
	    f->servers[0].port);
	assert_int_equal(csn_store_open(f->ctx, url, &narrow), 0);
	store_put_value(narrow, "acme", "k", 8, 1);
	stop_process(f->servers[0].pid);
	/* One has the connection, the others wait for it: all in time. */
	for (i = 0; i < 3; i++) {
		w[i] = (struct waiter){ .store = narrow };
		assert_int_equal(pthread_create(&threads[i], NULL,
		    wait_for_it, &w[i]), 0);
	}
	for (i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_true(w[i].rc == CSN_E_BACKEND ||
		    w[i].rc == CSN_E_BUSY);
		assert_true(w[i].took >= 250 && w[i].took < 1500);
	}
	assert_int_equal(kill(f->servers[0].pid, SIGCONT), 0);
	store_check_value(narrow, "acme", "k", 8, 1);
	csn_store_close(narrow);
}

static void *
work(void *arg)
{
	struct waiter *w = arg;
	uint8_t p[64] = { 0 };
	char key[16];
	int i;

	for (i = 0; i < 200 && w->rc == 0; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		w->rc = csn_store_put(w->store, U("acme"), U(key), p,
		    sizeof(p));
	}
	return NULL;
}

/* Two servers, a connection to each, and many who wait for either. */
TEST(who_waits_for_a_connection_gets_one, struct fixture *f)
{
	enum { THREADS = 8 };
	struct waiter w[THREADS];
	pthread_t threads[THREADS];
	struct csn_store *both;
	char url[128];
	int i;

	snprintf(url, sizeof(url), "memcached://127.0.0.1:%u,127.0.0.1:%u"
	    "?timeout=10000&pool=1", f->servers[0].port, f->servers[1].port);
	assert_int_equal(csn_store_open(f->ctx, url, &both), 0);
	for (i = 0; i < THREADS; i++) {
		w[i] = (struct waiter){ .store = both };
		assert_int_equal(pthread_create(&threads[i], NULL, work,
		    &w[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(w[i].rc, 0);
	}
	csn_store_close(both);
}

TEST(too_large_a_value_is_said, struct fixture *f)
{
	const size_t large = (size_t)21 << 20;
	uint8_t *p = calloc(1, large);

	assert_non_null(p);
	assert_int_equal(csn_store_put(f->store, U("acme"), U("k"), p,
	    large), CSN_E_LIMIT);
	assert_non_null(strstr(csn_message(), "-I"));
	free(p);
	/* The connection still is in step. */
	store_put_value(f->store, "acme", "k", 100, 1);
	store_check_value(f->store, "acme", "k", 100, 1);
}

TEST(several_servers_share_the_keys, struct fixture *f)
{
	struct csn_store *both, *first;
	uint8_t p[8] = { 0 };
	char url[128], key[16];
	size_t len;
	int i, rc, here = 0, gone = 0;

	snprintf(url, sizeof(url),
	    "memcached://127.0.0.1:%u,127.0.0.1:%u?timeout=400",
	    f->servers[0].port, f->servers[1].port);
	assert_int_equal(csn_store_open(f->ctx, url, &both), 0);
	first = f->store;
	for (i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		store_put_value(both, "acme", key, 8, (uint64_t)i);
		store_put_value(both, "globex", key, 8, (uint64_t)i);
		len = sizeof(p);
		rc = csn_store_get(first, U("acme"), U(key), p, &len);
		here += rc == 0;
	}
	assert_true(here > 20 && here < 80);
	assert_int_equal(csn_store_drop(both, U("acme")), 0);
	for (i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		len = sizeof(p);
		assert_int_equal(csn_store_get(both, U("acme"), U(key), p,
		    &len), CSN_E_NOT_FOUND);
		store_check_value(both, "globex", key, 8, (uint64_t)i);
	}
	/* One dies: its keys fail, the other's are served. */
	memcached_kill(&f->servers[1]);
	for (i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		len = sizeof(p);
		rc = csn_store_get(both, U("globex"), U(key), p, &len);
		assert_true(rc == 0 || rc == CSN_E_BACKEND);
		gone += rc != 0;
	}
	assert_true(gone > 20 && gone < 80);
	assert_int_equal(csn_store_drop(both, U("globex")), CSN_E_BACKEND);
	csn_store_close(both);
}

TEST(a_lock_left_in_a_dropped_space_gives_way, struct fixture *f)
{
	const uint8_t *a = (const uint8_t *)"a";

	assert_int_equal(csn_store_add_for(f->store, U("acme"), U("lock"), a,
	    1, 0), 0);
	assert_int_equal(csn_store_drop(f->store, U("acme")), 0);
	assert_int_equal(csn_store_remove_if(f->store, U("acme"), U("lock"),
	    a, 1), CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_add_for(f->store, U("acme"), U("lock"), a,
	    1, 0), 0);
	assert_int_equal(csn_store_add_for(f->store, U("acme"), U("lock"), a,
	    1, 0), CSN_E_EXISTS);
	assert_int_equal(csn_store_remove_if(f->store, U("acme"), U("lock"),
	    a, 1), 0);
}

TEST(long_times_are_dates, struct fixture *f)
{
	static const uint64_t day = 86400000;
	uint64_t left = 0;

	assert_int_equal(csn_store_put_for(f->store, NULL, 0, U("k"), NULL, 0,
	    60 * day), 0);
	assert_int_equal(csn_store_ttl(f->store, NULL, 0, U("k"), &left), 0);
	assert_true(left > 59 * day && left <= 60 * day + 4000);
	assert_int_equal(csn_store_put_for(f->store, NULL, 0, U("k"), NULL, 0,
	    UINT64_MAX), 0);
	assert_int_equal(csn_store_ttl(f->store, NULL, 0, U("k"), &left), 0);
	assert_true(left > 365 * day);
}

/* The second that is added, for memcached's clock has no smaller part. */
TEST(what_is_left_is_no_more_than_what_was_asked_for, struct fixture *f)
{
	const uint64_t asked = 100000;
	uint64_t left = 0;
	uint8_t p[8];
	size_t len = sizeof(p);

	assert_int_equal(csn_store_put_for(f->store, U("acme"), U("k"),
	    (const uint8_t *)"v", 1, asked), 0);
	assert_int_equal(csn_store_get_for(f->store, U("acme"), U("k"), p,
	    &len, &left), 0);
	assert_true(left > 0 && left <= asked);
	assert_int_equal(csn_store_ttl(f->store, U("acme"), U("k"), &left),
	    0);
	assert_true(left > 0 && left <= asked);
}

TEST(sockets_and_statistics_work, struct fixture *f)
{
	struct csn_store_stat st = { .size = sizeof(st) };
	char *folder = folder_new(), path[80], url[96];
	struct memcached_server own = { .path = path };
	struct csn_store *store;

	snprintf(path, sizeof(path), "%s/socket", folder);
	assert_int_equal(memcached_start(&own), 0);
	snprintf(url, sizeof(url), "memcached:%s", path);
	assert_int_equal(csn_store_open(f->ctx, url, &store), 0);
	store_put_value(store, "acme", "k", 100, 1);
	store_check_value(store, "acme", "k", 100, 1);
	assert_int_equal(csn_store_stat(store, NULL, 0, &st), 0);
	assert_int_equal(st.entries, 2);	/* it, and its space's mark */
	assert_true(st.bytes > 100);
	assert_int_equal(st.limit, 64u << 20);
	assert_int_equal(csn_store_stat(store, U("acme"), &st),
	    CSN_E_BACKEND);
	csn_store_close(store);
	memcached_kill(&own);
	folder_remove(folder);
}

TEST(a_forked_child_opens_its_own, struct fixture *f)
{
	uint8_t p[8];
	size_t len = sizeof(p);
	pid_t pid;
	int rc;

	store_put_value(f->store, "acme", "k", 8, 1);
	if ((pid = fork()) == 0)
		_exit(csn_store_get(f->store, U("acme"), U("k"), p, &len) ==
		    CSN_E_FORK ? 0 : 1);
	assert_int_equal(waitpid(pid, &rc, 0), pid);
	assert_int_equal(WEXITSTATUS(rc), 0);
	store_check_value(f->store, "acme", "k", 8, 1);
}

static void
skipped_without_the_server(void **state)
{
	(void)state;
	test_skip("memcached is not on this machine");
}

int
test_main(void)
{
	static const struct store_subject subject = {
		.name = "memcached", .make = make, .arg = &server,
		.lacks = STORE_LACKS_LIST | STORE_LACKS_COUNTS,
		.grain_ms = 2000, .most = (size_t)17 << 20,
	};
	const struct CMUnitTest none[] = {
		cmocka_unit_test(skipped_without_the_server),
	};
	int failed;

	if (!memcached_is_here()) {
		test_leave_out();
		return cmocka_run_group_tests_name("memcached store", none,
		    NULL, NULL);
	}
	if (memcached_start(&server) != 0)
		return 1;
	failed = store_suite_run(&subject, 1);
	memcached_kill(&server);
	return failed + test_run("memcached store");
}
