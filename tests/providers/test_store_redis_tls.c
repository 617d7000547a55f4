/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_store_redis_tls.c - rediss:// through a TLS 1.3 terminator: with the
 * hybrid key exchange and without it, and before servers not to be trusted.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/test.h"
#include "providers/redis_server.h"
#include "providers/store_suite.h"
#include "providers/tls_front.h"

static struct redis_server server;
static struct csn_ctx *ctx;
static struct test_cert *ca, *leaf;
static char ca_path[128], other_path[128], cert_path[128], key_path[128];

static struct csn_store *
open_store(uint16_t port, const char *ca_file, const char *more)
{
	struct csn_store *store = NULL;
	char url[512];

	snprintf(url, sizeof(url), "rediss://127.0.0.1:%u/?timeout=3000&"
	    "connect=2000&ca=%s%s", port, ca_file, more);
	if (csn_store_open(ctx, url, &store) != 0)
		fail_msg("%s: %s", url, csn_message());
	return store;
}

static struct csn_store_stat
stat_of(struct csn_store *store)
{
	struct csn_store_stat st = { .size = sizeof(st) };

	assert_int_equal(csn_store_stat(store, NULL, 0, &st), 0);
	return st;
}

static void
put_and_get(struct csn_store *store)
{
	uint8_t p[16];
	size_t len = sizeof(p);

	if (csn_store_put(store, U("acme"), U("k"), U("value")) != 0)
		fail_msg("%s", csn_message());
	assert_int_equal(csn_store_get(store, U("acme"), U("k"), p, &len), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(p, "value", 5);
}

/* The store cannot be used, and says why. */
static void
refused(uint16_t port, const char *ca_file, const char *more,
    const char *says)
{
	struct csn_store *store = open_store(port, ca_file, more);

	assert_int_equal(csn_store_put(store, U("acme"), U("k"), U("v")),
	    CSN_E_BACKEND);
	if (strstr(csn_message(), says) == NULL)
		fail_msg("%s", csn_message());
	assert_non_null(strstr(csn_message(), "127.0.0.1:"));
	csn_store_close(store);
}

TEST(the_key_exchange_is_hybrid)
{
	struct tls_front *f = tls_front_start(&(struct tls_front_options){
	    .cert = leaf, .to = server.port });
	struct csn_store *store;
	struct csn_store_stat st;

	store = open_store(tls_front_port(f), ca_path, "");
	put_and_get(store);
	st = stat_of(store);
	assert_int_equal(st.connects, 1);
	assert_int_equal(st.classical, 0);
	csn_store_close(store);
	store = open_store(tls_front_port(f), ca_path, "&hybrid=require");
	put_and_get(store);
	csn_store_close(store);
	tls_front_stop(f);
}

/* It works, and the statistics say so; who wants can refuse it. */
TEST(a_server_with_x25519_alone_is_counted)
{
	struct tls_front *f = tls_front_start(&(struct tls_front_options){
	    .cert = leaf, .to = server.port, .groups = "X25519" });
	struct csn_store *store;
	struct csn_store_stat st;

	store = open_store(tls_front_port(f), ca_path, "");
	put_and_get(store);
	st = stat_of(store);
	assert_int_equal(st.connects, 1);
	assert_int_equal(st.classical, 1);
	csn_store_close(store);
	refused(tls_front_port(f), ca_path, "&hybrid=require", "TLS");
	tls_front_stop(f);
}

TEST(an_unknown_ca_is_refused)
{
	struct tls_front *f = tls_front_start(&(struct tls_front_options){
	    .cert = leaf, .to = server.port });

	refused(tls_front_port(f), other_path, "", "not trusted");
	tls_front_stop(f);
}

TEST(certificates_of_another_time_or_name_are_refused)
{
	static const struct {
		const char *names;
		long from, until;
		const char *says;
	} bad[] = {
		{ "IP:127.0.0.1", -10, -1, "expired" },
		{ "IP:127.0.0.1", 2, 10, "not yet valid" },
		{ "IP:127.0.0.2,DNS:localhost", 0, 10, "mismatch" },
		{ NULL, 0, 10, "mismatch" },
	};
	struct tls_front *f;
	struct test_cert *cert;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cert = test_cert_new(ca, bad[i].names, bad[i].from,
		    bad[i].until);
		f = tls_front_start(&(struct tls_front_options){
		    .cert = cert, .to = server.port });
		refused(tls_front_port(f), ca_path, "", bad[i].says);
		tls_front_stop(f);
		test_cert_free(cert);
	}
}

TEST(names_are_verified_too)
{
	struct test_cert *cert = test_cert_new(ca, "DNS:localhost", 0, 10);
	struct tls_front *f = tls_front_start(&(struct tls_front_options){
	    .cert = cert, .to = server.port });
	struct csn_store *store;
	char url[512];

	refused(tls_front_port(f), ca_path, "", "mismatch");
	snprintf(url, sizeof(url), "valkeys://localhost:%u/?timeout=3000&"
	    "connect=2000&ca=%s", tls_front_port(f), ca_path);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	put_and_get(store);
	csn_store_close(store);
	tls_front_stop(f);
	test_cert_free(cert);
}

/* Our own CA's certificate for another host is no more than a stranger's. */
TEST(a_certificate_for_another_host_is_refused)
{
	static const char *const names[] = {
		"DNS:other.example", "DNS:localhost.other.example",
		"IP:127.0.0.1"
	};
	struct test_cert *cert;
	struct csn_store *store;
	struct tls_front *f;
	char url[512];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cert = test_cert_new(ca, names[i], 0, 10);
		f = tls_front_start(&(struct tls_front_options){
		    .cert = cert, .to = server.port });
		snprintf(url, sizeof(url), "rediss://localhost:%u/?timeout="
		    "3000&connect=2000&ca=%s", tls_front_port(f), ca_path);
		assert_int_equal(csn_store_open(ctx, url, &store), 0);
		assert_int_equal(csn_store_put(store, U("acme"), U("k"),
		    U("v")), CSN_E_BACKEND);
		if (strstr(csn_message(), "mismatch") == NULL)
			fail_msg("%s: %s", names[i], csn_message());
		csn_store_close(store);
		tls_front_stop(f);
		test_cert_free(cert);
	}
}

static uint64_t
boot_ms(void *arg)
{
	(void)arg;
	return test_now_ms();
}

static uint64_t
next_month(void *arg)
{
	(void)arg;
	return ((uint64_t)time(NULL) + 30 * 86400) * 1000;
}

/* What time it is, the context says, as for all that expires. */
TEST(a_certificate_is_judged_by_the_contexts_clock)
{
	const struct csn_clock clock = { .size = sizeof(clock),
	    .boot_ms = boot_ms, .wall_ms = next_month };
	const struct csn_ctx_options o = { .size = sizeof(o),
	    .clock = &clock };
	struct tls_front *f = tls_front_start(&(struct tls_front_options){
	    .cert = leaf, .to = server.port });
	struct csn_ctx *now = ctx;

	assert_int_equal(csn_ctx_new(&o, &ctx), 0);
	refused(tls_front_port(f), ca_path, "", "expired");
	csn_ctx_free(ctx);
	ctx = now;
	tls_front_stop(f);
}

/* Our CA signed it, but anybody may make a key of 1024 bits up. */
TEST(a_weak_key_is_refused)
{
	struct test_cert *weak = test_cert_new_rsa(ca, "IP:127.0.0.1", 1024);
	struct tls_front *f = tls_front_start(&(struct tls_front_options){
	    .cert = weak, .to = server.port, .weak = 1 });

	refused(tls_front_port(f), ca_path, "", "too weak");
	tls_front_stop(f);
	test_cert_free(weak);
}

/* A certificate that can verify nothing is none to trust. */
TEST(a_ca_with_an_unknown_kind_of_key_is_not_enough)
{
	struct csn_store *store;
	char url[512];

	test_cert_write_odd(ca, other_path);
	snprintf(url, sizeof(url), "rediss://127.0.0.1:%u/?ca=%s",
	    server.port, other_path);
	assert_int_equal(csn_store_open(ctx, url, &store), CSN_E_FORM);
	assert_non_null(strstr(csn_message(),
	    "no certificate to trust"));
}

/* Where several servers share an address, the right one answers. */
TEST(a_server_is_told_for_whom_it_is_asked)
{
	struct tls_front *f = tls_front_start(&(struct tls_front_options){
	    .cert = leaf, .to = server.port, .asked = "localhost" });
	struct csn_store *store;
	char url[512];

	snprintf(url, sizeof(url), "rediss://localhost:%u/?timeout=3000&"
	    "connect=2000&ca=%s", tls_front_port(f), ca_path);
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	put_and_get(store);
	csn_store_close(store);
	tls_front_stop(f);
}

/*
 * A server of TLS 1.2 with an EC key refuses us for the curves that we offer,
 * one with an RSA key for the version alone.
 */
TEST(tls_1_2_is_refused)
{
	struct test_cert *rsa = test_cert_new_rsa(ca, "IP:127.0.0.1", 2048);
	struct csn_store *store;
	struct tls_front *f;
	int i;

	for (i = 0; i < 2; i++) {
		f = tls_front_start(&(struct tls_front_options){
		    .cert = i == 0 ? leaf : rsa, .to = server.port,
		    .tls12 = 1 });
		refused(tls_front_port(f), ca_path, "", "TLS 1.3");
		tls_front_stop(f);
	}
	/* It is not the key that is refused. */
	f = tls_front_start(&(struct tls_front_options){ .cert = rsa,
	    .to = server.port });
	store = open_store(tls_front_port(f), ca_path, "");
	put_and_get(store);
	csn_store_close(store);
	tls_front_stop(f);
	test_cert_free(rsa);
}

TEST(a_plain_server_is_refused)
{
	refused(server.port, ca_path, "", "TLS 1.3");
}

/* And the other way around: nothing waits past its timeout. */
TEST(tls_is_missing_on_our_side)
{
	struct tls_front *f = tls_front_start(&(struct tls_front_options){
	    .cert = leaf, .to = server.port });
	struct csn_store *store;
	char url[128];

	snprintf(url, sizeof(url), "redis://127.0.0.1:%u?timeout=500",
	    tls_front_port(f));
	assert_int_equal(csn_store_open(ctx, url, &store), 0);
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), U("v")),
	    CSN_E_BACKEND);
	csn_store_close(store);
	tls_front_stop(f);
}

/* It takes the connection and never says a word. */
TEST(a_silent_server_is_not_waited_for)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct csn_store *store;
	socklen_t len = sizeof(in);
	uint64_t start;

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	store = open_store(ntohs(in.sin_port), ca_path, "&connect=300");
	start = test_now_ms();
	assert_int_equal(csn_store_put(store, U("acme"), U("k"), U("v")),
	    CSN_E_BACKEND);
	assert_true(test_now_ms() - start >= 250);
	assert_non_null(strstr(csn_message(), "handshake"));
	assert_non_null(strstr(csn_message(), "is it a TLS port?"));
	csn_store_close(store);
	(void)close(fd);
}

TEST(a_client_certificate_is_shown)
{
	struct tls_front *f = tls_front_start(&(struct tls_front_options){
	    .cert = leaf, .client_ca = ca, .to = server.port });
	struct csn_store *store;
	char more[300], url[512];

	refused(tls_front_port(f), ca_path, "", "127.0.0.1");
	snprintf(more, sizeof(more), "&cert=%s&key=%s", cert_path, key_path);
	store = open_store(tls_front_port(f), ca_path, more);
	put_and_get(store);
	csn_store_close(store);
	tls_front_stop(f);
	/* With its CA behind it, as a chain. */
	snprintf(url, sizeof(url), "cat %s %s > %s", cert_path, ca_path,
	    other_path);
	assert_int_equal(system(url), 0);
	f = tls_front_start(&(struct tls_front_options){
	    .cert = leaf, .client_ca = ca, .to = server.port });
	snprintf(more, sizeof(more), "&cert=%s&key=%s", other_path, key_path);
	store = open_store(tls_front_port(f), ca_path, more);
	put_and_get(store);
	csn_store_close(store);
	tls_front_stop(f);
	/* A key that is not the certificate's. */
	snprintf(url, sizeof(url), "rediss://127.0.0.1/?ca=%s&cert=%s&key=%s",
	    ca_path, ca_path, key_path);
	assert_int_equal(csn_store_open(ctx, url, &store), CSN_E_FORM);
	snprintf(url, sizeof(url), "rediss://127.0.0.1/?ca=%s", key_path);
	assert_int_equal(csn_store_open(ctx, url, &store), CSN_E_FORM);
	assert_non_null(strstr(csn_message(), "certificate"));
}

TEST(a_child_and_its_parent_have_their_own_tls)
{
	struct tls_front *f = tls_front_start(&(struct tls_front_options){
	    .cert = leaf, .to = server.port });
	struct csn_store *store = open_store(tls_front_port(f), ca_path, "");
	int status = 0, i;
	pid_t pid;

	put_and_get(store);
	if ((pid = fork()) == 0) {
		for (i = 0; i < 20; i++)
			put_and_get(store);
		csn_store_close(store);
		_exit(0);
	}
	for (i = 0; i < 20; i++)
		put_and_get(store);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(stat_of(store).connects, 1);
	csn_store_close(store);
	tls_front_stop(f);
}

/* --- The suite --- */

static struct tls_front *suite_front;

static char *
make(void *arg)
{
	char answer[64], *url;

	(void)arg;
	suite_front = tls_front_start(&(struct tls_front_options){
	    .cert = leaf, .to = server.port });
	if (redis_say(server.port, "FLUSHALL", answer, sizeof(answer)) != 0 ||
	    asprintf(&url, "rediss://127.0.0.1:%u/?timeout=10000&ca=%s",
	    tls_front_port(suite_front), ca_path) < 0)
		return NULL;
	return url;
}

static void
clear(void *arg, const char *url)
{
	(void)arg;
	(void)url;
	tls_front_stop(suite_front);
	suite_front = NULL;
}

static void
certificates_make(void)
{
	struct test_cert *other = test_cert_new(NULL, NULL, 0, 10);

	ca = test_cert_new(NULL, NULL, 0, 10);
	leaf = test_cert_new(ca, "IP:127.0.0.1,DNS:localhost", 0, 10);
	snprintf(ca_path, sizeof(ca_path), "%s/ca.pem", server.dir);
	snprintf(other_path, sizeof(other_path), "%s/other.pem", server.dir);
	snprintf(cert_path, sizeof(cert_path), "%s/cert.pem", server.dir);
	snprintf(key_path, sizeof(key_path), "%s/key.pem", server.dir);
	test_cert_write(ca, ca_path, NULL);
	test_cert_write(other, other_path, NULL);
	test_cert_write(leaf, cert_path, key_path);
	test_cert_free(other);
}

BEFORE_ALL
{
	certificates_make();
	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
}

AFTER_ALL { csn_ctx_free(ctx); }

static void
no_server(void **state)
{
	(void)state;
	test_skip("redis-server is not on this machine");
}

int
test_main(void)
{
	const struct CMUnitTest without[] = {
		cmocka_unit_test(no_server),
	};
	const struct store_subject subject = { .name = "redis-tls",
	    .make = make, .clear = clear, .lacks = STORE_LACKS_COUNTS };
	int failed;

	if (!program_is_here("redis-server")) {
		test_leave_out();
		return cmocka_run_group_tests_name("Redis over TLS", without,
		    NULL, NULL);
	}
	/* The terminator's own OpenSSL writes with write(2). */
	(void)signal(SIGPIPE, SIG_IGN);
	if (redis_server_start(&server) != 0)
		return 1;
	failed = test_run("Redis over TLS");
	if (failed == 0)
		failed = store_suite_run(&subject, 1);
	test_cert_free(leaf);
	test_cert_free(ca);
	(void)unlink(ca_path);
	(void)unlink(other_path);
	(void)unlink(cert_path);
	(void)unlink(key_path);
	redis_server_stop(&server);
	return failed;
}
