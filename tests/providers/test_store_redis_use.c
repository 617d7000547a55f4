/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_redis_use.c - users and passwords, the pool, forks, and a server
 * that dies, is slow, full, or turns replica.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/test.h"
#include "providers/redis_use.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#endif
#ifndef THREAD_SANITIZER
#define THREAD_SANITIZER 0
#endif

/* --- Users, passwords and what an ACL forbids --- */

static void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

TEST(users_and_passwords)
{
	struct redis_server own = { .program = server.program,
	    .more = (const char *const[]){
	    "--requirepass", "the default one", NULL } };
	struct redis_server main_server = server;
	char options[160], file[96], p[16], command[256];
	struct csn_store *store;

	assert_int_equal(redis_server_start(&own), 0);
	server = own;
	store = open_store("");
	assert_int_equal(put(store, "k", "v"), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "password"));
	csn_store_close(store);

	snprintf(file, sizeof(file), "%s/users.acl", own.dir);
	write_file(file, "the default one\n", 0600);
	snprintf(options, sizeof(options), "?password-file=%s", file);
	store = open_store(options);
	assert_int_equal(put(store, "k", "v"), 0);
	csn_store_close(store);
	write_file(file, "a wrong one", 0600);
	store = open_store(options);
	assert_int_equal(put(store, "k", "v"), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "refuses"));
	assert_null(strstr(csn_message(), "wrong one"));
	csn_store_close(store);
	/* Others can read it: no secret. */
	assert_int_equal(chmod(file, 0644), 0);
	snprintf(command, sizeof(command), "redis://127.0.0.1:%u%s",
	    own.port, options);
	assert_int_equal(csn_store_open(ctx, command, &store),
	    CSN_E_POLICY);

	assert_int_equal(setenv("CSN_TEST_REDIS", "the default one", 1), 0);
	store = open_store("?password-env=CSN_TEST_REDIS");
	assert_int_equal(get(store, "acme", "k", p, sizeof(p)), 0);
	csn_store_close(store);

	/* A user of the ACL who may only read; '%' escapes work. */
	snprintf(command, sizeof(command), "redis://:the%%20default%%20one"
	    "@127.0.0.1:%u", own.port);
	assert_int_equal(csn_store_open(ctx, command, &store), 0);
	assert_int_equal(put(store, "k", "v"), 0);
	csn_store_close(store);
	redis_server_stop(&own);
	server = main_server;
}

TEST(an_acl_user_may_do_what_it_may)
{
	struct csn_store *store;
	char url[256], p[16];

	say("ACL SETUSER reader on >p@ss ~csn:* +get", "+OK");
	snprintf(url, sizeof(url), "redis://reader:p%%40ss@127.0.0.1:%u",
	    server.port);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	assert_int_equal(get(store, "acme", "none", p, sizeof(p)),
	    CSN_E_NOT_FOUND);
	assert_int_equal(put(store, "k", "v"), CSN_E_POLICY);
	assert_non_null(strstr(csn_message(), "ACL"));
	csn_store_close(store);
	say("ACL DELUSER reader", ":1");
}

/* What docs/wire/redis-store.md says a user needs. */
TEST(the_documented_acl_is_enough)
{
	struct csn_store_stat st = { .size = sizeof(st) };
	struct csn_store *store;
	char url[256], p[16];
	uint64_t left = 0;
	size_t n = 0;

	say("ACL SETUSER caisson on >pw ~csn:* +get +set +del +unlink "
	    "+exists +strlen +pttl +scan +eval +dbsize +info +select",
	    "+OK");
	snprintf(url, sizeof(url), "redis://caisson:pw@127.0.0.1:%u/2",
	    server.port);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	assert_int_equal(put(store, "k", "v"), 0);
	assert_int_equal(get(store, "acme", "k", p, sizeof(p)), 0);
	assert_int_equal(csn_store_add_for(store, U("acme"), U("lock"),
	    U("me"), 60000), 0);
	assert_int_equal(csn_store_ttl(store, U("acme"), U("lock"), &left),
	    0);
	assert_int_equal(csn_store_remove_if(store, U("acme"), U("lock"),
	    U("me")), 0);
	assert_int_equal(csn_store_each(store, U("acme"), count, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(csn_store_stat(store, NULL, 0, &st), 0);
	assert_int_equal(st.entries, 1);
	assert_true(st.memory > 0);
	assert_int_equal(csn_store_remove(store, U("acme"), U("k")), 0);
	assert_int_equal(csn_store_drop(store, U("acme")), 0);
	csn_store_close(store);
	say("ACL DELUSER caisson", ":1");
}

/* A lock is released without scripts too. */
TEST(locks_work_where_scripts_are_forbidden)
{
	struct csn_store *store;
	char url[256];

	say("ACL SETUSER plain on >pw ~* +@all -@scripting", "+OK");
	snprintf(url, sizeof(url), "redis://plain:pw@127.0.0.1:%u",
	    server.port);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	assert_int_equal(csn_store_add_for(store, U("acme"), U("lock"),
	    U("me"), 60000), 0);
	assert_int_equal(csn_store_remove_if(store, U("acme"), U("lock"),
	    U("you")), CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_remove_if(store, U("acme"), U("none"),
	    U("me")), CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_remove_if(store, U("acme"), U("lock"),
	    U("me")), 0);
	assert_int_equal(csn_store_remove_if(store, U("acme"), U("lock"),
	    U("me")), CSN_E_NOT_FOUND);
	csn_store_close(store);
	say("ACL DELUSER plain", ":1");
}

/* --- The pool --- */

struct worker {
	struct csn_store *store;
	unsigned id, wrong;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	char key[32], value[32], p[32];
	unsigned i;

	for (i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "%u-%u", w->id, i % 7);
		snprintf(value, sizeof(value), "%u-%u", w->id, i);
		w->wrong += put(w->store, key, value) != 0;
		w->wrong += get(w->store, "acme", key, p, sizeof(p)) != 0 ||
		    strcmp(p, value) != 0;
	}
	return NULL;
}

TEST(the_pool_is_bounded)
{
	struct csn_store *store = open_store("?pool=3&timeout=5000");
	struct csn_store_stat st = { .size = sizeof(st) };
	struct worker w[16];
	pthread_t threads[16];
	size_t i;

	for (i = 0; i < 16; i++) {
		w[i] = (struct worker){ store, (unsigned)i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, work,
		    &w[i]), 0);
	}
	for (i = 0; i < 16; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(w[i].wrong, 0);
	}
	assert_int_equal(csn_store_stat(store, NULL, 0, &st), 0);
	assert_true(st.connects >= 1 && st.connects <= 3);
	assert_int_equal(st.classical, 0);
	csn_store_close(store);
	say("FLUSHALL", "+OK");
}

static int
visit_remove(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	(void)value_len;
	return csn_store_remove(arg, U("acme"), key, key_len);
}

TEST(one_connection_is_enough_to_remove_while_listing)
{
	struct csn_store *store = open_store("?pool=1");

	assert_int_equal(put(store, "a", "1"), 0);
	assert_int_equal(put(store, "b", "2"), 0);
	assert_int_equal(csn_store_each(store, U("acme"), visit_remove,
	    store), 0);
	say("DBSIZE", ":0");
	csn_store_close(store);
}

/* The child's words and the parent's never mix on one socket. */
TEST(a_forked_child_connects_anew)
{
	struct csn_store *store = open_store("?timeout=5000");
	struct worker w = { .store = store, .id = 1 };
	pid_t pid;
	int status = 0;

	assert_int_equal(put(store, "k", "v"), 0);
	if ((pid = fork()) == 0) {
		struct csn_store_stat st = { .size = sizeof(st) };

		w.id = 2;
		(void)work(&w);
		if (csn_store_stat(store, NULL, 0, &st) != 0 ||
		    st.connects != 2)
			w.wrong++;
		csn_store_close(store);
		_exit(w.wrong == 0 ? 0 : 1);
	}
	assert_true(pid > 0);
	(void)work(&w);
	assert_int_equal(w.wrong, 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	csn_store_close(store);
	say("FLUSHALL", "+OK");
}

/* Whatever lock another thread held just then, the child does not wait. */
TEST(a_child_forked_amid_calls_is_not_stuck)
{
	struct csn_store *store = open_store("?pool=2&timeout=5000");
	struct worker w[4];
	pthread_t threads[4];
	char p[16];
	int status, k, rc;
	pid_t pid;
	size_t i;

	if (THREAD_SANITIZER) {
		csn_store_close(store);
		test_skip("ThreadSanitizer takes a child's lack of its "
		    "parent's threads for a leak");
	}
	for (i = 0; i < 4; i++) {
		w[i] = (struct worker){ store, (unsigned)i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, work,
		    &w[i]), 0);
	}
	for (k = 0; k < 20; k++) {
		if ((pid = fork()) == 0) {
			(void)alarm(10);
			rc = put(store, "child", "v");
			if (rc == 0)
				rc = get(store, "acme", "child", p,
				    sizeof(p));
			csn_store_close(store);
			_exit(rc == 0 ? 0 : 1);
		}
		assert_true(pid > 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(w[i].wrong, 0);
	}
	csn_store_close(store);
	say("FLUSHALL", "+OK");
}

/* --- Server troubles --- */

TEST(a_server_that_comes_back_is_used_again)
{
	struct csn_store *store = open_store("?timeout=2000");
	struct redis_server own = { .program = server.program };
	char url[128], p[16];

	csn_store_close(store);
	assert_int_equal(redis_server_start(&own), 0);
	/* Else it would take as long as this. */
	snprintf(url, sizeof(url), "redis://127.0.0.1:%u?timeout=600000&"
	    "connect=600000", own.port);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	assert_int_equal(put(store, "k", "v"), 0);
	redis_server_kill(&own);
	assert_int_equal(get(store, "acme", "k", p, sizeof(p)),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "127.0.0.1:"));
	assert_int_equal(redis_server_start(&own), 0);
	assert_int_equal(get(store, "acme", "k", p, sizeof(p)),
	    CSN_E_NOT_FOUND);
	assert_int_equal(put(store, "k", "v"), 0);
	/* Restarted between two calls: nobody notices. */
	redis_server_kill(&own);
	assert_int_equal(redis_server_start(&own), 0);
	assert_int_equal(put(store, "k", "v"), 0);
	csn_store_close(store);
	redis_server_stop(&own);
}

TEST(a_slow_server_is_not_waited_for_past_the_timeout)
{
	struct csn_store *store = open_store("?timeout=300"), *patient;
	uint64_t start;

	patient = open_store("?timeout=60000");
	assert_int_equal(put(patient, "k", "v"), 0);
	stop_process(server.pid);
	start = test_now_ms();
	assert_int_equal(put(store, "k", "v2"), CSN_E_BACKEND);
	assert_true(test_now_ms() - start >= 250);
	assert_non_null(strstr(csn_message(), "too long"));
	assert_int_equal(kill(server.pid, SIGCONT), 0);
	assert_int_equal(put(patient, "k", "v3"), 0);
	csn_store_close(patient);
	csn_store_close(store);
	say("FLUSHALL", "+OK");
}

TEST(a_full_server_is_a_quota)
{
	struct csn_store *store = open_store("");
	uint8_t *p = calloc(1, 4 << 20);
	int i, rc = 0;

	assert_non_null(p);
	say("CONFIG SET maxmemory 20mb", "+OK");
	for (i = 0; i < 20 && rc == 0; i++)
		rc = csn_store_put(store, U("acme"), (uint8_t *)&i,
		    sizeof(i), p, 4 << 20);
	assert_int_equal(rc, CSN_E_QUOTA);
	assert_non_null(strstr(csn_message(), "maxmemory"));
	say("CONFIG SET maxmemory 0", "+OK");
	free(p);
	csn_store_close(store);
	say("FLUSHALL", "+OK");
}

TEST(a_replica_takes_no_writes)
{
	struct redis_server own = { .program = server.program };
	struct csn_store *store;
	char url[128], command[64], answer[128];
	int i;

	assert_int_equal(redis_server_start(&own), 0);
	snprintf(command, sizeof(command), "REPLICAOF 127.0.0.1 %u",
	    server.port);
	assert_int_equal(redis_say(own.port, command, answer,
	    sizeof(answer)), 0);
	snprintf(url, sizeof(url), "redis://127.0.0.1:%u?timeout=3000",
	    own.port);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	assert_int_equal(put(store, "k", "v"), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "read-only replica"));
	/* It is promoted: the same store goes on. */
	for (i = 0; i < 2; i++)
		assert_int_equal(redis_say(own.port, "REPLICAOF NO ONE",
		    answer, sizeof(answer)), 0);
	assert_int_equal(put(store, "k", "v"), 0);
	csn_store_close(store);
	redis_server_stop(&own);
}

TEST(a_single_server_is_no_cluster)
{
	struct csn_store *store = open_store("?cluster=1");

	assert_int_equal(put(store, "k", "v"), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "leave out cluster=1"));
	csn_store_close(store);
}

static int
run_with(const char *program)
{
	int failed;

	server = (struct redis_server){ .program = program };
	if (redis_server_start(&server) != 0)
		return 1;
	failed = test_run(program);
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
