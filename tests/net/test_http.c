/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client: its guard, its limits, its deadlines, servers that lie. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/liar.h"
#include "lib/test.h"
#include "net/http.h"

#define OK "HTTP/1.1 200 OK\r\n"

static struct csn_ctx *ctx;
static int absent;

#define need_http() do {						\
	if (absent)							\
		test_skip("no libcurl here");				\
} while (0)

static uint64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static struct csn_http *
client(unsigned port, const struct csn_http_options *options)
{
	struct csn_http_options opt = { .allow_private = 1,
	    .timeout_ms = 2000 };
	struct csn_http *http;
	char url[64];

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/base", port);
	assert_int_equal(csn_http_new(ctx, url, options != NULL ? options :
	    &opt, &http), 0);
	return http;
}

/* GET /x from a server that gives these answers; the code, res filled. */
static int
get(const struct liar_answer *answers, size_t n, size_t max,
    struct csn_http_response *res)
{
	struct csn_http_request req = { .method = "GET", .target = "/x",
	    .max = max };
	struct liar *l = liar_start(answers, n);
	struct csn_http *http;
	int rc;

	assert_non_null(l);
	http = client(liar_port(l), NULL);
	rc = csn_http_send(http, &req, res);
	csn_http_free(http);
	liar_stop(l);
	return rc;
}

static void
expect_lie(const char *answer, enum liar_then then, const char *sentence)
{
	struct liar_answer a = { .bytes = answer, .then = then };
	struct csn_http_response res;
	uint64_t began = now_ms();

	assert_int_equal(get(&a, 1, 1000, &res), CSN_E_BACKEND);
	if (strstr(csn_message(), sentence) == NULL)
		fail_msg("'%s' does not say '%s'", csn_message(),
		    sentence);
	assert_non_null(strstr(csn_message(), "127.0.0.1:"));
	assert_true(now_ms() - began < 4000);
	csn_http_response_free(&res);
}

TEST(test_answers_come_whole)
{
	static const struct liar_answer a[] = {
		{ .bytes = OK "Content-Length: 5\r\nETag:  \"abc\" \r\n\r\n"
		    "hello" },
		{ .bytes = "HTTP/1.1 404 Gone\r\ncontent-length: 2\r\n\r\nno" },
		{ .bytes = "HTTP/1.1 302 Found\r\nLocation: http://1.1.1.1/"
		    "\r\nContent-Length: 0\r\n\r\n" },
		{ .bytes = OK "Transfer-Encoding: chunked\r\n\r\n"
		    "3\r\nabc\r\n4\r\ndefg\r\n0\r\nETag: late\r\n\r\n" },
		{ .bytes = "HTTP/1.1 103 Early Hints\r\nETag: early\r\n\r\n"
		    "HTTP/1.1 204 No Content\r\n\r\n" },
	};
	static const char *const headers[] = { "X-One: 1", NULL };
	struct csn_http_request req = { .method = "PUT", .target = "/k?a=b",
	    .headers = headers, .body = "body", .body_len = 4, .max = 100 };
	struct csn_http_options opt = { .allow_private = 1,
	    .token = "s3cret" };
	struct csn_http_response res;
	struct csn_http *http;
	struct liar *l;
	const char *v;
	size_t len;

	need_http();
	l = liar_start(a, 5);
	http = client(liar_port(l), &opt);
	assert_int_equal(csn_http_send(http, &req, &res), 0);
	assert_int_equal(res.status, 200);
	assert_int_equal(res.len, 5);
	assert_string_equal((char *)res.body, "hello");
	v = csn_http_header(&res, "etag", &len);
	assert_int_equal(len, 5);
	assert_memory_equal(v, "\"abc\"", 5);
	assert_null(csn_http_header(&res, "eta", &len));
	csn_http_response_free(&res);

	v = liar_request(l, 0);
	assert_non_null(strstr(v, "PUT /base/k?a=b HTTP/1.1\r\n"));
	assert_non_null(strstr(v, "\r\nX-One: 1\r\n"));
	assert_non_null(strstr(v, "\r\nContent-Length: 4\r\n"));
	assert_non_null(strstr(v, "\r\nAuthorization: Bearer s3cret\r\n"));
	assert_null(strstr(v, "Expect"));
	assert_null(strstr(v, "Content-Type"));

	req.method = "GET";
	assert_int_equal(csn_http_send(http, &req, &res), 0);
	assert_int_equal(res.status, 404);
	assert_string_equal((char *)res.body, "no");
	csn_http_response_free(&res);
	/* A redirect is the caller's to judge. */
	assert_int_equal(csn_http_send(http, &req, &res), 0);
	assert_int_equal(res.status, 302);
	csn_http_response_free(&res);
	assert_int_equal(csn_http_send(http, &req, &res), 0);
	assert_string_equal((char *)res.body, "abcdefg");
	assert_null(csn_http_header(&res, "ETag", &len));
	csn_http_response_free(&res);
	assert_int_equal(csn_http_send(http, &req, &res), 0);
	assert_int_equal(res.status, 204);
	assert_null(csn_http_header(&res, "ETag", &len));
	csn_http_response_free(&res);
	/* All of it on one connection. */
	assert_int_equal(liar_connections(l), 1);
	csn_http_free(http);
	liar_stop(l);
}

TEST(test_into_a_buffer_of_the_callers)
{
	static const struct liar_answer a[] = {
		{ .bytes = OK "Content-Length: 4\r\n\r\nfour" },
		{ .bytes = OK "Content-Length: 6\r\n\r\nsixsix" },
		{ .bytes = OK "Transfer-Encoding: chunked\r\n\r\n"
		    "4\r\nfour\r\n3\r\nmor\r\n0\r\n\r\n" },
		{ .bytes = "HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nnot" },
		{ .bytes = OK "Content-Length: 999999\r\n\r\nthe first",
		    .then = LIAR_HANG },
		/* No length, and more than anybody takes. */
		{ .bytes = OK "Transfer-Encoding: chunked\r\n\r\n"
		    "4\r\nfour\r\n7\r\nandmore\r\n0\r\n\r\n" },
	};
	struct csn_http_request req = { .method = "GET", .target = "",
	    .max = 1000000 };
	struct csn_http_response res;
	uint8_t buf[4] = { 0 };
	struct csn_http *http;
	struct liar *l;

	need_http();
	req.into = buf;
	req.into_cap = sizeof(buf);
	l = liar_start(a, 6);
	http = client(liar_port(l), NULL);
	assert_int_equal(csn_http_send(http, &req, &res), 0);
	assert_int_equal(res.len, 4);
	assert_null(res.body);
	assert_memory_equal(buf, "four", 4);
	csn_http_response_free(&res);
	assert_int_equal(csn_http_send(http, &req, &res), CSN_E_BUFFER);
	assert_int_equal(res.len, 6);
	csn_http_response_free(&res);
	assert_int_equal(csn_http_send(http, &req, &res), CSN_E_BUFFER);
	assert_int_equal(res.len, 7);
	csn_http_response_free(&res);
	/* What an error says goes elsewhere. */
	assert_int_equal(csn_http_send(http, &req, &res), 0);
	assert_int_equal(res.status, 404);
	assert_string_equal((char *)res.body, "not");
	csn_http_response_free(&res);
	assert_int_equal(liar_connections(l), 1);
	/* A large one is not waited for. */
	assert_int_equal(csn_http_send(http, &req, &res), CSN_E_BUFFER);
	assert_int_equal(res.len, 999999);
	csn_http_response_free(&res);
	req.max = 8;
	assert_int_equal(csn_http_send(http, &req, &res), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(), "larger than the limit"));
	csn_http_response_free(&res);
	csn_http_free(http);
	liar_stop(l);
}

TEST(test_servers_that_lie)
{
	char *large;

	need_http();
	expect_lie(OK "Content-Length: 10\r\n\r\nfive.", LIAR_CLOSE,
	    "in the middle");
	expect_lie("", LIAR_CLOSE, "without an answer");
	expect_lie(OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
	    LIAR_CLOSE, "two different Content-Lengths");
	expect_lie(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
	    "\r\n5\r\nhello\r\n0\r\n\r\n", LIAR_CLOSE, "both");
	expect_lie(OK "Content-Length: 1001\r\n\r\nx", LIAR_HANG,
	    "larger than the limit");
	expect_lie(OK "Content-Length: 99999999999999999999\r\n\r\nx",
	    LIAR_HANG, "127.0.0.1");
	expect_lie(OK "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
	    LIAR_CLOSE, "Content-Encoding");
	expect_lie(OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
	    LIAR_CLOSE, "127.0.0.1");
	expect_lie(OK "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
	    LIAR_CLOSE, "127.0.0.1");
	expect_lie("I am no HTTP server\r\n", LIAR_CLOSE, "127.0.0.1");
	expect_lie("HTTP/1.1 200 OK\r\nContent-Le", LIAR_RESET, "127.0.0.1");

	large = malloc(70001);
	assert_non_null(large);
	/* Bytes without end and without a length. */
	(void)memset(large, 'x', 70000);
	large[70000] = '\0';
	memcpy(large, OK "\r\n", sizeof(OK "\r\n") - 1);
	expect_lie(large, LIAR_CLOSE, "larger than the limit");
	/* Headers without end. */
	memcpy(large, OK "A: ", sizeof(OK "A: ") - 1);
	memcpy(large + 69996, "\r\n\r\n", 4);
	expect_lie(large, LIAR_CLOSE, "127.0.0.1");
	free(large);
}

TEST(test_deadlines)
{
	struct csn_http_options opt = { .allow_private = 1,
	    .timeout_ms = 400, .connect_ms = 300 };
	static const struct liar_answer slow = {
	    .bytes = OK "Content-Length: 100\r\n\r\ndrip, drip, drip, drip, "
		"drip, drip, drip, drip", .drip_ms = 20, .then = LIAR_HANG };
	static const struct liar_answer silent = { .bytes = "",
	    .then = LIAR_HANG };
	struct csn_http_request req = { .method = "GET", .target = "/",
	    .max = 1000 };
	struct csn_http_response res;
	struct csn_http *http;
	struct liar *l;
	uint64_t began;

	need_http();
	l = liar_start(&slow, 1);
	http = client(liar_port(l), &opt);
	began = now_ms();
	assert_int_equal(csn_http_send(http, &req, &res), CSN_E_BACKEND);
	assert_true(now_ms() - began < 1500);
	assert_non_null(strstr(csn_message(), "within 400 ms"));
	assert_int_equal(res.reached, 1);
	csn_http_response_free(&res);
	csn_http_free(http);
	liar_stop(l);

	l = liar_start(&silent, 1);
	http = client(liar_port(l), &opt);
	req.timeout_ms = 200;
	began = now_ms();
	assert_int_equal(csn_http_send(http, &req, &res), CSN_E_BACKEND);
	assert_true(now_ms() - began < 1200);
	assert_non_null(strstr(csn_message(), "within 200 ms"));
	csn_http_response_free(&res);
	csn_http_free(http);
	liar_stop(l);
}

/* A listener whose queue is full: a SYN gets no answer. */
TEST(test_no_connection)
{
	struct csn_http_options opt = { .allow_private = 1,
	    .timeout_ms = 2000, .connect_ms = 300 };
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct csn_http_request req = { .method = "GET", .target = "/",
	    .max = 1000 };
	socklen_t len = sizeof(in);
	struct csn_http_response res;
	struct csn_http *http;
	int fd, fill[8], i;
	uint64_t began;

	need_http();
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	/* Nobody listens yet. */
	http = client(ntohs(in.sin_port), &opt);
	assert_int_equal(csn_http_send(http, &req, &res), CSN_E_BACKEND);
	assert_non_null(strstr(csn_message(),
	    strerror(ECONNREFUSED)));
	assert_int_equal(res.reached, 0);
	csn_http_response_free(&res);

	assert_int_equal(listen(fd, 0), 0);
	for (i = 0; i < 8; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK |
		    SOCK_CLOEXEC, 0);
		(void)connect(fill[i], (struct sockaddr *)&in, sizeof(in));
	}
	began = now_ms();
	assert_int_equal(csn_http_send(http, &req, &res), CSN_E_BACKEND);
	assert_true(now_ms() - began < 1500);
	assert_non_null(strstr(csn_message(), "no connection"));
	assert_int_equal(res.reached, 0);
	csn_http_response_free(&res);
	csn_http_free(http);
	for (i = 0; i < 8; i++)
		(void)close(fill[i]);
	(void)close(fd);
}

static const char *
kind(const char *text)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return csn_http_address_private((struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return csn_http_address_private((struct sockaddr *)&in6);
}

TEST(test_addresses)
{
	static const char *const private[] = {
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255",
		"100.64.0.1", "100.127.255.255", "100.100.100.200",
		"127.0.0.1", "127.255.0.1", "169.254.169.254", "169.254.0.1",
		"172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.0.192",
		"192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
		"224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
		"168.63.129.16", "::", "::1", "::ffff:127.0.0.1",
		"::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
		"64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
		"::ffff:0:127.0.0.1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
		"fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254",
		"ff02::1", "2001::1", "2001:db8::1", "100::1", "3fff::1",
	};
	static const char *const public[] = {
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1",
		"100.63.255.255", "100.128.0.1", "126.1.1.1", "128.0.0.1",
		"169.253.1.1", "172.15.1.1", "172.32.0.1", "192.167.1.1",
		"192.169.1.1", "223.255.255.255", "168.63.129.15",
		"2606:4700::1111", "2001:4860:4860::8888", "::ffff:8.8.8.8",
		"64:ff9b::8.8.8.8", "2002:808:808::1", "fbff::1",
	};
	const struct sockaddr unix_domain = { .sa_family = AF_UNIX };
	size_t i;

	for (i = 0; i < sizeof(private) / sizeof(private[0]); i++) {
		if (kind(private[i]) == NULL)
			fail_msg("%s counts as public", private[i]);
	}
	for (i = 0; i < sizeof(public) / sizeof(public[0]); i++) {
		if (kind(public[i]) != NULL)
			fail_msg("%s counts as %s", public[i],
			    kind(public[i]));
	}
	assert_string_equal(kind("::ffff:127.0.0.1"), "loopback");
	assert_string_equal(kind("169.254.169.254"), "link-local");
	assert_non_null(csn_http_address_private(&unix_domain));
}

/* Names and spellings that end at this machine are refused all the same. */
TEST(test_guard_refuses_after_resolution)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost",
	    "[::1]", "[::ffff:127.0.0.1]", "0", "2130706433", "0x7f.1",
	    "127.1" };
	static const struct liar_answer a = {
	    .bytes = OK "Content-Length: 0\r\n\r\n" };
	struct csn_http_request req = { .method = "GET", .target = "/",
	    .max = 1000 };
	struct csn_http_response res;
	struct csn_http *http;
	struct liar *l;
	char url[64];
	size_t i;
	int rc;

	need_http();
	l = liar_start(&a, 1);
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		(void)snprintf(url, sizeof(url), "http://%s:%u/", hosts[i],
		    liar_port(l));
		assert_int_equal(csn_http_new(ctx, url, NULL, &http), 0);
		rc = csn_http_send(http, &req, &res);
		if (rc != CSN_E_POLICY && (strchr(url, '[') == NULL ||
		    rc != CSN_E_BACKEND))
			fail_msg("%s gives %s: %s", url, csn_error_name(rc),
			    csn_message());
		csn_http_response_free(&res);
		csn_http_free(http);
	}
	assert_int_equal(liar_connections(l), 0);
	liar_stop(l);
}

TEST(test_no_proxy_of_the_environment)
{
	static const struct liar_answer a = {
	    .bytes = OK "Content-Length: 0\r\n\r\n" };
	struct csn_http_request req = { .method = "GET", .target = "/",
	    .max = 1000 };
	struct csn_http_response res;
	struct liar *proxy, *l;
	struct csn_http *http;
	char url[64];

	need_http();
	proxy = liar_start(&a, 1);
	l = liar_start(&a, 1);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u",
	    liar_port(proxy));
	assert_int_equal(setenv("http_proxy", url, 1), 0);
	assert_int_equal(setenv("ALL_PROXY", url, 1), 0);
	http = client(liar_port(l), NULL);
	assert_int_equal(csn_http_send(http, &req, &res), 0);
	(void)unsetenv("http_proxy");
	(void)unsetenv("ALL_PROXY");
	assert_int_equal(liar_connections(proxy), 0);
	assert_int_equal(liar_connections(l), 1);
	csn_http_response_free(&res);
	csn_http_free(http);
	liar_stop(l);
	liar_stop(proxy);
}

TEST(test_arguments)
{
	static const char *const bad[] = { "", "ftp://a/", "file:///etc/x",
	    "http://", "http://user@a/", "http://u:pass@a/", "http://a/#b",
	    "a:80", "http://a:99999/", "http://a b/", "gopher://a" };
	static const char *const broken[] = { "A: b\r\nC: d", NULL };
	struct csn_http_options opt = { .token = "two words" };
	struct csn_http_request req = { .method = "GET", .target = "/",
	    .max = 1000 };
	struct csn_http_response res;
	struct csn_http *http;
	size_t i;

	need_http();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (csn_http_new(ctx, bad[i], NULL, &http) != CSN_E_ARG)
			fail_msg("%s is taken", bad[i]);
		assert_null(strstr(csn_message(), "pass@"));
	}
	assert_int_equal(csn_http_new(ctx, "http://a/", &opt, &http),
	    CSN_E_ARG);
	assert_null(strstr(csn_message(), "two words"));
	opt.token = "a\r\nX-Injected: 1";
	assert_int_equal(csn_http_new(ctx, "http://a/", &opt, &http),
	    CSN_E_ARG);

	assert_int_equal(csn_http_new(ctx, "https://a.example/v1/", NULL,
	    &http), 0);
	assert_string_equal(csn_http_where(http), "a.example:443");
	req.target = "@evil.example/";
	assert_int_equal(csn_http_send(http, &req, &res), CSN_E_ARG);
	req.target = "/a b";
	assert_int_equal(csn_http_send(http, &req, &res), CSN_E_ARG);
	req.target = "/";
	req.method = "GET / HTTP/1.1\r\nA: b";
	assert_int_equal(csn_http_send(http, &req, &res), CSN_E_ARG);
	req.method = "GET";
	req.headers = broken;
	assert_int_equal(csn_http_send(http, &req, &res), CSN_E_ARG);
	csn_http_free(http);
	csn_http_free(NULL);
}

/* A child leaves its parent's connection alone. */
TEST(test_fork)
{
	static const struct liar_answer a = {
	    .bytes = OK "Content-Length: 2\r\n\r\nok" };
	struct csn_http_request req = { .method = "GET", .target = "/",
	    .max = 1000 };
	struct csn_http_response res;
	struct csn_http *http;
	int status, rc;
	struct liar *l;
	pid_t pid;

	need_http();
	l = liar_start(&a, 1);
	http = client(liar_port(l), NULL);
	assert_int_equal(csn_http_send(http, &req, &res), 0);
	csn_http_response_free(&res);
	assert_int_equal(csn_http_send(http, &req, &res), 0);
	csn_http_response_free(&res);
	assert_int_equal(liar_connections(l), 1);
	if ((pid = fork()) == 0) {
		/* The liar serves one at a time: our parent's is open. */
		req.timeout_ms = 300;
		rc = csn_http_send(http, &req, &res);
		csn_http_response_free(&res);
		csn_http_free(http);
		_exit(rc == CSN_E_BACKEND ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(csn_http_send(http, &req, &res), 0);
	assert_string_equal((char *)res.body, "ok");
	csn_http_response_free(&res);
	assert_int_equal(liar_connections(l), 1);
	csn_http_free(http);
	liar_stop(l);
}

/*
 * Over http a token goes to this machine alone, unless that is asked for.
 * 0.0.0.0 leads here too, but is no loopback address: it stands for another.
 */
TEST(test_token_in_the_clear)
{
	static const struct liar_answer a = {
	    .bytes = OK "Content-Length: 0\r\n\r\n" };
	struct csn_http_options opt = { .allow_private = 1,
	    .token = "s3cret", .timeout_ms = 2000 };
	struct csn_http_request req = { .method = "GET", .target = "/",
	    .max = 1000 };
	struct csn_http_response res;
	struct csn_http *http;
	struct liar *l;
	char url[64];

	need_http();
	l = liar_start(&a, 1);
	(void)snprintf(url, sizeof(url), "http://0.0.0.0:%u/",
	    liar_port(l));
	assert_int_equal(csn_http_new(ctx, url, &opt, &http), 0);
	assert_int_equal(csn_http_send(http, &req, &res), CSN_E_POLICY);
	assert_non_null(strstr(csn_message(), "in the clear"));
	assert_null(strstr(csn_message(), "s3cret"));
	csn_http_response_free(&res);
	csn_http_free(http);
	assert_int_equal(liar_connections(l), 0);
	opt.token_in_clear = 1;
	assert_int_equal(csn_http_new(ctx, url, &opt, &http), 0);
	assert_int_equal(csn_http_send(http, &req, &res), 0);
	csn_http_response_free(&res);
	csn_http_free(http);
	assert_int_equal(liar_connections(l), 1);
	liar_stop(l);
}

BEFORE_ALL
{
	struct csn_http *http;
	int rc;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	rc = csn_http_new(ctx, "http://a.example/", NULL, &http);
	absent = rc == CSN_E_UNKNOWN_BACKEND;
	if (rc == 0)
		csn_http_free(http);
}

AFTER_ALL { csn_ctx_free(ctx); }
