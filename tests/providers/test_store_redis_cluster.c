/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_redis_cluster.c - the store in a cluster of six redis-servers:
 * while slots move, and while a master dies.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/test.h"
#include "providers/redis_cluster.h"
#include "providers/store/redis/redis.h"
#include "providers/store_suite.h"

#define NODES REDIS_NODES

static struct redis_cluster cluster;
static struct redis_server *const node = cluster.node;
static struct csn_ctx *ctx;

/* What node i answers; its first words are want, where that is given. */
static void
ask(size_t i, const char *command, const char *want, char *out, size_t cap)
{
	assert_int_equal(redis_say(node[i].port, command, out, cap), 0);
	if (want != NULL && strncmp(out, want, strlen(want)) != 0)
		fail_msg("node %zu, %s: %s", i, command, out);
}

static void
say(size_t i, const char *command, const char *want)
{
	char answer[1024];

	ask(i, command, want, answer, sizeof(answer));
}

/* The slots of the node whose line of CLUSTER NODES begins with these 40
 * digits, as that answer has them; NULL where it does not list it whole. */
static const char *
slots_of(const char *answer, const char *id, size_t *len)
{
	const char *p, *end;
	int field;

	for (p = answer; strncmp(p, id, 40) != 0; p = end + 1)
		if ((end = strchr(p, '\n')) == NULL)
			return NULL;
	if ((end = strchr(p, '\n')) == NULL)
		return NULL;
	for (field = 0; field < 8 && p < end; field++) {
		p += strcspn(p, " \n");
		p += *p == ' ';
	}
	*len = (size_t)(end - p);
	return p;
}

/*
 * Does each node say the same of who has which slots? A slot's move is told
 * by gossip: a replica that takes over before it heard of one does not own
 * it, and the cluster stays incomplete (Redis before 7.2).
 */
static int
agreed(void)
{
	char first[4096], other[4096];
	const char *a, *b, *line, *end;
	size_t i, n, m;

	if (redis_say(node[0].port, "CLUSTER NODES", first,
	    sizeof(first)) != 0)
		return 0;
	for (i = 1; i < NODES; i++) {
		if (redis_say(node[i].port, "CLUSTER NODES", other,
		    sizeof(other)) != 0)
			return 0;
		for (line = first; (end = strchr(line, '\n')) != NULL;
		    line = end + 1) {
			/* The answer's length, and what ends it. */
			if (end - line <= 40)
				continue;
			a = slots_of(first, line, &n);
			b = slots_of(other, line, &m);
			if (a == NULL || b == NULL || n != m ||
			    strncmp(a, b, n) != 0)
				return 0;
		}
	}
	return 1;
}

static struct csn_store *
open_store(const char *options)
{
	char *url = redis_cluster_url(&cluster, options);
	struct csn_store *store = NULL;

	assert_non_null(url);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	free(url);
	return store;
}

/* The master of a key's slot, as the cluster says. */
static size_t
owner_of(const char *key)
{
	char command[128], answer[256], *colon;
	unsigned long port;
	size_t i;

	snprintf(command, sizeof(command), "STRLEN %s", key);
	ask(0, command, NULL, answer, sizeof(answer));
	if (strncmp(answer, "-MOVED", 6) != 0)
		return 0;
	colon = strrchr(answer, ':');
	assert_non_null(colon);
	port = strtoul(colon + 1, NULL, 10);
	for (i = 0; i < NODES && node[i].port != port; i++)
		;
	assert_true(i < NODES);
	return i;
}

static void
id_of(size_t i, char id[41])
{
	char answer[256];

	ask(i, "CLUSTER MYID", "$40", answer, sizeof(answer));
	assert_true(strlen(answer) >= 45);
	memcpy(id, answer + 5, 40);
	id[40] = '\0';
}

static void
flush_all(void)
{
	char answer[256];
	size_t i;

	/* A replica refuses; its master has done it. */
	for (i = 0; i < NODES; i++)
		if (node[i].pid > 0)
			(void)redis_say(node[i].port, "FLUSHALL", answer,
			    sizeof(answer));
}

static void
holds(struct csn_store *store, const char *space, const char *key,
    const char *want)
{
	uint64_t left = 7;
	uint8_t p[64];
	size_t len = sizeof(p);

	if (csn_store_get(store, U(space), U(key), p, &len) != 0)
		fail_msg("%s %s: %s", space, key, csn_message());
	assert_int_equal(len, strlen(want));
	assert_memory_equal(p, want, len);
	/* The same by a transaction, which is redirected otherwise. */
	len = sizeof(p);
	if (csn_store_get_for(store, U(space), U(key), p, &len, &left) != 0)
		fail_msg("%s %s: %s", space, key, csn_message());
	assert_int_equal(len, strlen(want));
	assert_memory_equal(p, want, len);
	assert_int_equal(left, 0);
}

static int
count(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	size_t *n = arg;

	(void)key;
	(void)key_len;
	(void)value_len;
	(*n)++;
	return 0;
}

#define KEYS 40

/* Move the keys from first on, and every second after it. */
static void
migrate(size_t from, size_t to, int first)
{
	char command[160];
	int i;

	for (i = first; i < KEYS; i += 2) {
		snprintf(command, sizeof(command), "MIGRATE 127.0.0.1 %u "
		    "csn:{61636d65}:key-%d 0 5000", node[to].port, i);
		say(from, command, "+");
	}
}

static void
set_slot(size_t i, unsigned slot, const char *what, const char *id)
{
	char command[128];

	snprintf(command, sizeof(command), "CLUSTER SETSLOT %u %s %s", slot,
	    what, id);
	say(i, command, "+OK");
}

/* A slot with its keys on two servers: nothing is missing, nothing is twice. */
TEST(a_slot_in_the_middle_of_its_move)
{
	const char *name = "csn:{61636d65}:key-0";
	struct csn_store *store = open_store("&timeout=4000");
	struct csn_store_stat st = { .size = sizeof(st) };
	char key[32], value[32], from_id[41], to_id[41];
	unsigned slot = csn_redis_slot((const uint8_t *)name, strlen(name));
	size_t from = owner_of(name), to, n = 0, len = 0;
	int i;

	to = owner_of("elsewhere");
	for (i = 0; to == from; i++) {
		snprintf(key, sizeof(key), "elsewhere-%d", i);
		to = owner_of(key);
	}
	id_of(from, from_id);
	id_of(to, to_id);
	for (i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		snprintf(value, sizeof(value), "value %d", i);
		assert_int_equal(csn_store_put(store, U("acme"), U(key),
		    U(value)), 0);
	}
	set_slot(to, slot, "IMPORTING", from_id);
	set_slot(from, slot, "MIGRATING", to_id);
	migrate(from, to, 0);

	/* ASK for half of them. */
	for (i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		snprintf(value, sizeof(value), "value %d", i);
		holds(store, "acme", key, value);
	}
	assert_int_equal(csn_store_get(store, U("acme"), U("none"), NULL,
	    &len), CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_each(store, U("acme"), count, &n), 0);
	assert_int_equal(n, KEYS);
	assert_int_equal(csn_store_stat(store, U("acme"), &st), 0);
	assert_int_equal(st.entries, KEYS);
	assert_int_equal(csn_store_put(store, U("acme"), U("key-2"),
	    U("new")), 0);
	holds(store, "acme", "key-2", "new");
	assert_int_equal(csn_store_add_for(store, U("acme"), U("lock"),
	    U("me"), 60000), 0);
	assert_int_equal(csn_store_add_for(store, U("acme"), U("lock"),
	    U("you"), 60000), CSN_E_EXISTS);
	assert_int_equal(csn_store_remove_if(store, U("acme"), U("lock"),
	    U("you")), CSN_E_NOT_FOUND);
	assert_int_equal(csn_store_remove_if(store, U("acme"), U("lock"),
	    U("me")), 0);
	assert_int_equal(csn_store_remove(store, U("acme"), U("key-4")), 0);
	assert_int_equal(csn_store_remove(store, U("acme"), U("key-4")),
	    CSN_E_NOT_FOUND);

	/* It settles; MOVED is followed, and the map learns. */
	migrate(from, to, 1);
	set_slot(to, slot, "NODE", to_id);
	set_slot(from, slot, "NODE", to_id);
	holds(store, "acme", "key-1", "value 1");
	n = 0;
	assert_int_equal(csn_store_each(store, U("acme"), count, &n), 0);
	assert_int_equal(n, KEYS - 1);
	assert_int_equal(csn_store_drop(store, U("acme")), 0);
	n = 0;
	assert_int_equal(csn_store_each(store, U("acme"), count, &n), 0);
	assert_int_equal(n, 0);
	csn_store_close(store);
}

/* The transaction finds its server too. */
TEST(locks_work_without_scripts)
{
	struct csn_store *store;
	char url[160];
	size_t i;

	for (i = 0; i < NODES; i++)
		say(i, "ACL SETUSER plain on >pw ~* +@all -@scripting",
		    "+OK");
	snprintf(url, sizeof(url), "redis://plain:pw@127.0.0.1:%u/"
	    "?cluster=1&timeout=4000", node[2].port);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	for (i = 0; i < 8; i++) {
		snprintf(url, sizeof(url), "lock-%zu", i);
		assert_int_equal(csn_store_add_for(store, NULL, 0, U(url),
		    U("me"), 60000), 0);
		assert_int_equal(csn_store_remove_if(store, NULL, 0, U(url),
		    U("you")), CSN_E_NOT_FOUND);
		assert_int_equal(csn_store_remove_if(store, NULL, 0, U(url),
		    U("me")), 0);
	}
	csn_store_close(store);
}

/* --- Load while the cluster changes --- */

#define WORKERS 3
#define SPREAD 400

struct worker {
	struct csn_store *store;
	unsigned id;
	_Atomic int *stop;
	int hopes;		/* errors of the backend are borne */
	_Atomic unsigned done;
	unsigned failed, wrong;
	uint64_t slowest_ms;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	char key[32], value[32];
	uint64_t left;
	unsigned last[SPREAD] = { 0 }, i, k;
	uint64_t start, took;
	uint8_t p[32];
	size_t len;
	int rc;

	for (i = 1; !atomic_load(w->stop); i++) {
		k = (i * 7919u) % SPREAD;
		snprintf(key, sizeof(key), "load-%u-%u", w->id, k);
		start = test_now_ms();
		len = sizeof(p);
		rc = i % 2 == 0 ? csn_store_get(w->store, NULL, 0, U(key), p,
		    &len) : csn_store_get_for(w->store, NULL, 0, U(key), p,
		    &len, &left);
		snprintf(value, sizeof(value), "%u", last[k]);
		if (rc == 0)
			w->wrong += !w->hopes && (len != strlen(value) ||
			    memcmp(p, value, len) != 0);
		else if (rc == CSN_E_NOT_FOUND)
			w->wrong += !w->hopes && last[k] != 0;
		else if (rc == CSN_E_BACKEND)
			w->failed++;
		else
			w->wrong++;
		snprintf(value, sizeof(value), "%u", i);
		rc = csn_store_put(w->store, NULL, 0, U(key), U(value));
		if (rc == 0)
			last[k] = i;
		else if (rc == CSN_E_BACKEND)
			w->failed++;
		else
			w->wrong++;
		if (rc != 0 && !w->hopes)
			print_message("# %s\n", csn_message());
		took = test_now_ms() - start;
		if (took > w->slowest_ms)
			w->slowest_ms = took;
		w->done++;
	}
	return NULL;
}

/* Until each has done n rounds more. */
static void
let_work(struct worker *w, unsigned n)
{
	unsigned goal[WORKERS];
	size_t i;

	for (i = 0; i < WORKERS; i++)
		goal[i] = atomic_load(&w[i].done) + n;
	for (i = 0; i < WORKERS; i++)
		while (atomic_load(&w[i].done) < goal[i])
			usleep(1000);
}

TEST(resharding_under_load_loses_nothing)
{
	struct csn_store *store = open_store("&timeout=60000");
	_Atomic int stop = 0;
	struct worker w[WORKERS];
	pthread_t threads[WORKERS];
	char command[512], from[41], to[41];
	size_t i, a = owner_of("one"), b = a;
	int k, rc;

	for (k = 0; b == a; k++) {
		snprintf(command, sizeof(command), "other-%d", k);
		b = owner_of(command);
	}
	id_of(a, from);
	id_of(b, to);
	for (i = 0; i < WORKERS; i++) {
		w[i] = (struct worker){ .store = store, .id = (unsigned)i,
		    .stop = &stop };
		assert_int_equal(pthread_create(&threads[i], NULL, work,
		    &w[i]), 0);
	}
	let_work(w, 50);
	snprintf(command, sizeof(command), "redis-cli --cluster reshard "
	    "127.0.0.1:%u --cluster-from %s --cluster-to %s --cluster-slots "
	    "600 --cluster-yes >/dev/null 2>&1", node[0].port, from, to);
	rc = system(command);
	let_work(w, 50);
	atomic_store(&stop, 1);
	for (i = 0; i < WORKERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		print_message("# %u rounds, the slowest %llu ms\n", w[i].done,
		    (unsigned long long)w[i].slowest_ms);
		assert_int_equal(w[i].wrong, 0);
		assert_int_equal(w[i].failed, 0);
	}
	assert_int_equal(rc, 0);
	csn_store_close(store);
	flush_all();
}

/* The number behind name in a master's "INFO replication". */
static long long
replication(size_t master, const char *name)
{
	char info[4096];
	const char *p;

	if (redis_say(node[master].port, "INFO replication", info,
	    sizeof(info)) != 0 || (p = strstr(info, name)) == NULL)
		return -1;
	return atoll(p + strlen(name));
}

TEST(a_dead_master_is_replaced_by_its_replica)
{
	struct csn_store *store = open_store("&timeout=1000");
	const char *name = "csn:{61636d65}:key-0";
	_Atomic int stop = 0;
	struct worker w = { .store = store, .stop = &stop, .hopes = 1 };
	long long goal = -1;
	pthread_t thread;
	size_t dead;
	int rc = -1, failures = 0, i;

	assert_true(redis_cluster_settled(&cluster));
	for (i = 0; i < 600 && !agreed(); i++)
		usleep(50000);
	assert_true(agreed());
	assert_int_equal(csn_store_put(store, U("acme"), U("key-0"),
	    U("before")), 0);
	/* Replication is asynchronous: let it reach the replica. */
	dead = owner_of(name);
	for (i = 0; i < 600 && (goal < 0 ||
	    replication(dead, ",offset=") < goal); i++) {
		if (goal < 0)
			goal = replication(dead, "master_repl_offset:");
		usleep(50000);
	}
	assert_true(goal >= 0 && i < 600);
	assert_int_equal(pthread_create(&thread, NULL, work, &w), 0);
	redis_server_kill(&node[dead]);
	for (i = 0; i < 600 && rc != 0; i++) {
		rc = csn_store_put(store, U("acme"), U("key-1"), U("after"));
		if (rc == 0)
			break;
		assert_int_equal(rc, CSN_E_BACKEND);
		failures++;
		usleep(50000);
	}
	atomic_store(&stop, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	print_message("# %d calls failed until the replica took over; the "
	    "slowest took %llu ms\n", failures,
	    (unsigned long long)w.slowest_ms);
	assert_int_equal(rc, 0);
	assert_int_equal(w.wrong, 0);
	holds(store, "acme", "key-0", "before");
	holds(store, "acme", "key-1", "after");
	assert_int_equal(csn_store_drop(store, U("acme")), 0);
	csn_store_close(store);
	/* It comes back as a replica, and nothing changes for us. */
	assert_int_equal(redis_server_start(&node[dead]), 0);
	assert_true(redis_cluster_settled(&cluster));
	store = open_store("&timeout=4000");
	assert_int_equal(csn_store_put(store, U("acme"), U("key-1"),
	    U("again")), 0);
	holds(store, "acme", "key-1", "again");
	csn_store_close(store);
}

TEST(whoever_forgets_cluster_is_told)
{
	struct csn_store *store;
	char url[128];
	size_t i, other = owner_of("k");

	for (i = 0; i == other; i++)
		;
	snprintf(url, sizeof(url), "redis://127.0.0.1:%u", node[i].port);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	assert_int_equal(csn_store_put(store, NULL, 0, U("k"), U("v")),
	    CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "cluster=1"));
	csn_store_close(store);
}

/* Where all that the URL names is down, another host of it serves. */
TEST(any_host_of_the_url_will_do)
{
	struct csn_store_stat st = { .size = sizeof(st) };
	struct csn_store *store;
	size_t n = 0;
	char url[128];

	flush_all();
	snprintf(url, sizeof(url), "redis://127.0.0.1:1,127.0.0.1:%u/"
	    "?cluster=1&timeout=4000", node[4].port);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), U("v")), 0);
	holds(store, "acme", "k", "v");
	/* Masters are asked, each once: not the URL's hosts. */
	assert_int_equal(csn_store_put(store, NULL, 0, U("a"), U("v")), 0);
	assert_int_equal(csn_store_put(store, NULL, 0, U("b"), U("v")), 0);
	assert_int_equal(csn_store_each(store, NULL, 0, count, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(csn_store_stat(store, NULL, 0, &st), 0);
	assert_int_equal(st.entries, 3);
	assert_int_equal(csn_store_remove(store, U("acme"), U("k")), 0);
	csn_store_close(store);
}

static char *
make(void *arg)
{
	(void)arg;
	flush_all();
	return redis_cluster_url(&cluster, "&timeout=10000");
}

BEFORE_ALL { assert_int_equal(csn_ctx_new(NULL, &ctx), 0); }
AFTER_ALL { csn_ctx_free(ctx); }

static void
no_server(void **state)
{
	(void)state;
	test_skip("redis-server or redis-cli is not on this machine");
}

int
test_main(void)
{
	const struct CMUnitTest without[] = {
		cmocka_unit_test(no_server),
	};
	const struct store_subject subject = { .name = "redis-cluster",
	    .make = make, .lacks = STORE_LACKS_COUNTS };
	int failed;

	if (!redis_cluster_is_here()) {
		test_leave_out();
		return cmocka_run_group_tests_name("Redis cluster", without,
		    NULL, NULL);
	}
	if (redis_cluster_start(&cluster) != 0) {
		redis_cluster_stop(&cluster);
		fprintf(stderr, "the cluster did not come up\n");
		return 1;
	}
	failed = store_suite_run(&subject, 1);
	failed += test_run("Redis cluster");
	redis_cluster_stop(&cluster);
	return failed;
}
