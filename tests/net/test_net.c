/* SPDX-License-Identifier: Apache-2.0 */
/* test_net.c - connections end by their deadline, whatever the peer does. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/test.h"
#include "net/net.h"
#include "net/resolve.h"

/* A peer that accepts once, sends some bytes, slowly or not, and waits. */
struct peer {
	pthread_t thread;
	int fd;
	uint16_t port;
	const char *bytes;
	size_t len;
	unsigned gap_ms;	/* between single bytes; 0: all at once */
	int stay;		/* until the other side closes */
};

static void *
serve(void *arg)
{
	struct peer *p = arg;
	char in[64];
	size_t i;
	int fd;

	if ((fd = accept(p->fd, NULL, NULL)) < 0)
		return NULL;
	if (p->gap_ms == 0) {
		(void)!write(fd, p->bytes, p->len);
	} else {
		for (i = 0; i < p->len; i++) {
			if (send(fd, p->bytes + i, 1, MSG_NOSIGNAL) != 1)
				break;
			usleep(p->gap_ms * 1000);
		}
	}
	while (p->stay && read(fd, in, sizeof(in)) > 0)
		continue;
	close(fd);
	return NULL;
}

static int
listen_on(uint16_t *port, int backlog)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static void
peer_start(struct peer *p)
{
	p->fd = listen_on(&p->port, 4);
	assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
}

static void
peer_end(struct peer *p)
{
	assert_int_equal(pthread_join(p->thread, NULL), 0);
	close(p->fd);
}

static uint64_t
now(void)
{
	return csn_net_deadline(0);
}

TEST(lines_and_bytes_arrive_whole)
{
	struct peer p = { .gap_ms = 1, .bytes = "VA 5\r\nhello\r\n\r\nEND\r\n",
	    .len = 20, .stay = 1 };
	uint64_t end = csn_net_deadline(5000);
	struct csn_net n;
	char *line, body[8] = { 0 };
	size_t len;

	peer_start(&p);
	assert_int_equal(csn_net_connect(&n, "127.0.0.1", p.port, end), 0);
	assert_int_equal(csn_net_line(&n, &line, &len, end), 0);
	assert_string_equal(line, "VA 5");
	assert_int_equal(len, 4);
	assert_int_equal(csn_net_read(&n, body, 5, end), 0);
	assert_string_equal(body, "hello");
	assert_int_equal(csn_net_skip(&n, 2, end), 0);
	assert_int_equal(csn_net_line(&n, &line, &len, end), 0);
	assert_int_equal(len, 0);
	assert_int_equal(csn_net_line(&n, &line, &len, end), 0);
	assert_string_equal(line, "END");
	assert_int_equal(csn_net_idle_ok(&n), 1);
	csn_net_close(&n);
	csn_net_close(&n);
	peer_end(&p);
}

TEST(silence_ends_at_the_deadline)
{
	struct peer p = { .bytes = "half a li", .len = 9, .stay = 1 };
	uint64_t begin = now();
	struct csn_net n;
	char *line, c[4];
	size_t len;

	peer_start(&p);
	assert_int_equal(csn_net_connect(&n, "localhost", p.port,
	    csn_net_deadline(2000)), 0);
	assert_int_equal(csn_net_line(&n, &line, &len, csn_net_deadline(100)),
	    ETIMEDOUT);
	assert_int_equal(csn_net_read(&n, c, 4, csn_net_deadline(100)), 0);
	assert_int_equal(csn_net_read(&n, c, 4, csn_net_deadline(100)), 0);
	assert_int_equal(csn_net_read(&n, c, 4, csn_net_deadline(100)),
	    ETIMEDOUT);
	assert_true(now() - begin >= 200 && now() - begin < 2000);
	csn_net_close(&n);
	peer_end(&p);
}

/* One byte a while is no way to hold anyone up for ever. */
TEST(trickle_ends_at_the_deadline)
{
	static char many[400];
	struct peer p = { .bytes = many, .len = sizeof(many), .gap_ms = 20 };
	uint64_t begin = now();
	struct csn_net n;
	char *line;
	size_t len;

	memset(many, 'x', sizeof(many));
	peer_start(&p);
	assert_int_equal(csn_net_connect(&n, "127.0.0.1", p.port,
	    csn_net_deadline(2000)), 0);
	assert_int_equal(csn_net_line(&n, &line, &len, csn_net_deadline(150)),
	    ETIMEDOUT);
	assert_true(now() - begin < 1500);
	csn_net_close(&n);
	peer_end(&p);
}

TEST(a_peer_that_goes_is_told)
{
	struct peer p = { .bytes = "abc", .len = 3 };
	uint64_t end = csn_net_deadline(3000);
	struct csn_net n;
	char c[8];

	peer_start(&p);
	assert_int_equal(csn_net_connect(&n, "127.0.0.1", p.port, end), 0);
	peer_end(&p);
	assert_int_equal(csn_net_idle_ok(&n), 0);
	assert_int_equal(csn_net_read(&n, c, 8, end), ECONNRESET);
	csn_net_close(&n);
	assert_int_equal(csn_net_connect(&n, "127.0.0.1", p.port, end),
	    ECONNREFUSED);
	assert_int_equal(n.fd, -1);
}

/* What is left over of one answer would be the next one's beginning. */
TEST(a_connection_with_bytes_left_over_is_not_idle)
{
	struct peer p = { .bytes = "one\r\ntwo\r\n", .len = 10, .stay = 1 };
	uint64_t end = csn_net_deadline(3000);
	struct csn_net n;
	size_t len;
	char *line;

	peer_start(&p);
	assert_int_equal(csn_net_connect(&n, "127.0.0.1", p.port, end), 0);
	while (recv(n.fd, (char[10]){ 0 }, 10, MSG_PEEK) < 10)
		usleep(1000);
	assert_int_equal(csn_net_line(&n, &line, &len, end), 0);
	assert_int_equal(csn_net_idle_ok(&n), 0);
	assert_int_equal(csn_net_line(&n, &line, &len, end), 0);
	assert_int_equal(csn_net_idle_ok(&n), 1);
	csn_net_close(&n);
	peer_end(&p);
}

TEST(lines_that_are_none_are_refused)
{
	static char endless[CSN_NET_LINE * 2];
	static const struct {
		const char *bytes;
		size_t len;
		int rc;
	} cases[] = {
		{ "bare\nlf\r\n", 9, EBADMSG },
		{ "bare\rcr\r\n", 9, EBADMSG },
		{ "\n", 1, EBADMSG },
		{ "nul\0\r\n", 6, EBADMSG },
		{ endless, sizeof(endless), EMSGSIZE },
	};
	struct csn_net n;
	struct peer p;
	char *line;
	size_t i, len;

	memset(endless, 'x', sizeof(endless));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		p = (struct peer){ .bytes = cases[i].bytes,
		    .len = cases[i].len, .stay = 1 };
		peer_start(&p);
		assert_int_equal(csn_net_connect(&n, "127.0.0.1", p.port,
		    csn_net_deadline(2000)), 0);
		assert_int_equal(csn_net_line(&n, &line, &len,
		    csn_net_deadline(2000)), cases[i].rc);
		csn_net_close(&n);
		peer_end(&p);
	}
}

TEST(connecting_ends_at_the_deadline)
{
	struct csn_net n[12];
	uint64_t begin;
	uint16_t port;
	int fd = listen_on(&port, 0), rc = 0;
	size_t i, k;

	/* Nobody accepts: soon the kernel drops what asks. */
	for (i = 0; i < 12 && rc == 0; i++) {
		begin = now();
		rc = csn_net_connect(&n[i], "127.0.0.1", port,
		    csn_net_deadline(150));
	}
	assert_int_equal(rc, ETIMEDOUT);
	assert_true(now() - begin >= 140 && now() - begin < 1500);
	for (k = 0; k < i; k++)
		csn_net_close(&n[k]);
	close(fd);
}

TEST(sending_ends_at_the_deadline)
{
	static char many[1 << 22];
	struct iovec iov[3] = { { many, 0 }, { many, sizeof(many) },
	    { many, sizeof(many) } };
	uint64_t begin;
	struct csn_net n;
	uint16_t port;
	int fd = listen_on(&port, 1), rc;

	/* Connected, and never read from. */
	assert_int_equal(csn_net_connect(&n, "127.0.0.1", port,
	    csn_net_deadline(1000)), 0);
	begin = now();
	do {
		iov[2] = iov[1] = (struct iovec){ many, sizeof(many) };
		rc = csn_net_send(&n, iov, 3, csn_net_deadline(150));
	} while (rc == 0 && now() - begin < 2000);
	assert_int_equal(rc, ETIMEDOUT);
	csn_net_close(&n);
	close(fd);
}

TEST(names_that_nobody_knows_are_refused)
{
	struct csn_net_address to[CSN_NET_ADDRESSES];
	struct csn_net n;
	uint64_t begin = now();
	size_t count = 0;
	int rc;

	assert_int_equal(csn_net_resolve("::1", 7, now(), to, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(to[0].at.ss_family, AF_INET6);
	rc = csn_net_connect(&n, "no-such-host.invalid", 7,
	    csn_net_deadline(700));
	assert_true(rc == EHOSTUNREACH || rc == ETIMEDOUT);
	assert_true(now() - begin < 3000);
	/* A quick answer may still come within the same millisecond. */
	rc = csn_net_connect(&n, "localhost", 7, now());
	assert_true(rc == ETIMEDOUT || rc == ECONNREFUSED);
}

TEST(unix_sockets_connect)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char *folder = folder_new(), longest[200];
	uint64_t end = csn_net_deadline(2000);
	struct csn_net n;
	int fd;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/socket", folder);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(csn_net_connect_unix(&n, a.sun_path, end),
	    ECONNREFUSED);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(csn_net_connect_unix(&n, a.sun_path, end), 0);
	csn_net_close(&n);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(csn_net_connect_unix(&n, longest, end),
	    ENAMETOOLONG);
	close(fd);
	folder_remove(folder);
}
