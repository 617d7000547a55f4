/* SPDX-License-Identifier: Apache-2.0 */
/* net.c - connecting, sending and receiving before a deadline. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/net.h"
#include "net/resolve.h"

uint64_t
csn_net_deadline(uint64_t ms)
{
	uint64_t now = csn_now_ms();

	return ms < UINT64_MAX - now ? now + ms : UINT64_MAX;
}

int
csn_net_wait(int fd, short events, uint64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now, left;
	int n;

	for (;;) {
		now = csn_now_ms();
		left = now < deadline ? deadline - now : 0;
		n = poll(&p, 1, left > 1000000 ? 1000000 : (int)left);
		if (n > 0)
			return 0; /* or an error, which the call will meet */
		if (n < 0 && errno != EINTR)
			return errno;
		if (n == 0 && csn_now_ms() >= deadline)
			return ETIMEDOUT;
	}
}

/* A descriptor that connects to one address; n->fd is it, also where not. */
static int
dial(struct csn_net *n, const struct sockaddr *to, socklen_t len,
    uint64_t deadline)
{
	socklen_t size = sizeof(int);
	int rc, one = 1;

	n->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (n->fd < 0)
		return errno;
	if (to->sa_family != AF_UNIX)
		(void)setsockopt(n->fd, IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));
	if (connect(n->fd, to, len) == 0)
		return 0;
	if (errno != EINPROGRESS && errno != EINTR)
		return errno;
	if ((rc = csn_net_wait(n->fd, POLLOUT, deadline)) != 0)
		return rc;
	if (getsockopt(n->fd, SOL_SOCKET, SO_ERROR, &rc, &size) != 0)
		return errno;
	return rc;
}

static int
start(struct csn_net *n)
{
	n->fd = -1;
	n->blocks = 0;
	n->at = n->have = 0;
	n->in = csn_realloc(NULL, CSN_NET_LINE, 1);
	return n->in == NULL ? ENOMEM : 0;
}

int
csn_net_connect(struct csn_net *n, const char *host, uint16_t port,
    uint64_t deadline)
{
	struct csn_net_address to[CSN_NET_ADDRESSES];
	size_t i, count = 0;
	int rc;

	if ((rc = start(n)) != 0)
		return rc;
	rc = csn_net_resolve(host, port, deadline, to, &count);
	for (i = 0; i < count; i++) {
		rc = dial(n, (const struct sockaddr *)(void *)&to[i].at,
		    to[i].len, deadline);
		if (rc == 0)
			return 0;
		if (n->fd >= 0)
			(void)close(n->fd);
		n->fd = -1;
		if (rc == ETIMEDOUT)
			break;
	}
	csn_net_close(n);
	return rc;
}

int
csn_net_connect_unix(struct csn_net *n, const char *path, uint64_t deadline)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int rc;

	if ((rc = start(n)) != 0)
		return rc;
	if (len >= sizeof(to.sun_path)) {
		rc = ENAMETOOLONG;
	} else {
		memcpy(to.sun_path, path, len);
		rc = dial(n, (const struct sockaddr *)(void *)&to, sizeof(to),
		    deadline);
	}
	if (rc != 0)
		csn_net_close(n);
	return rc;
}

void
csn_net_block(struct csn_net *n)
{
	const struct timeval some = { .tv_usec = CSN_NET_BLOCK_MS * 1000 };
	int flags = fcntl(n->fd, F_GETFL);

	n->blocks = flags >= 0 && setsockopt(n->fd, SOL_SOCKET, SO_RCVTIMEO,
	    &some, sizeof(some)) == 0 &&
	    fcntl(n->fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

ssize_t
csn_net_recv(struct csn_net *n, void *p, size_t len, uint64_t deadline)
{
	/* Once, for a while that ends before the deadline. */
	int flags = n->blocks && csn_net_deadline(CSN_NET_BLOCK_MS) <
	    deadline ? 0 : MSG_DONTWAIT;
	ssize_t k;
	int rc;

	for (;; flags = MSG_DONTWAIT) {
		if ((k = recv(n->fd, p, len, flags)) >= 0)
			return k;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -1;
		if ((rc = csn_net_wait(n->fd, POLLIN, deadline)) != 0) {
			errno = rc;
			return -1;
		}
	}
}

void
csn_net_close(struct csn_net *n)
{
	if (n->fd >= 0)
		(void)close(n->fd);
	n->fd = -1;
	csn_wipe_free(n->in, n->in == NULL ? 0 : CSN_NET_LINE);
	n->in = NULL;
	n->at = n->have = 0;
}

int
csn_net_send(struct csn_net *n, struct iovec *iov, size_t count,
    uint64_t deadline)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = count };
	ssize_t sent;
	size_t k;
	int rc;

	for (;;) {
		while (m.msg_iovlen > 0 && m.msg_iov->iov_len == 0) {
			m.msg_iov++;
			m.msg_iovlen--;
		}
		if (m.msg_iovlen == 0)
			return 0;
		if (csn_now_ms() >= deadline)
			return ETIMEDOUT;
		sent = sendmsg(n->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0) {
			if (errno == EAGAIN) {
				if ((rc = csn_net_wait(n->fd, POLLOUT,
				    deadline)) != 0)
					return rc;
			} else if (errno != EINTR) {
				return errno == EPIPE ? ECONNRESET : errno;
			}
			continue;
		}
		while (sent > 0) {
			k = m.msg_iov->iov_len;
			if (k > (size_t)sent)
				k = (size_t)sent;
			m.msg_iov->iov_base = (char *)m.msg_iov->iov_base + k;
			m.msg_iov->iov_len -= k;
			sent -= (ssize_t)k;
			if (m.msg_iov->iov_len == 0) {
				m.msg_iov++;
				m.msg_iovlen--;
			}
		}
	}
}

/* Some bytes, at least one, into p. */
static int
receive(struct csn_net *n, void *p, size_t len, size_t *got,
    uint64_t deadline)
{
	ssize_t k;
	int rc;

	for (;;) {
		/* A peer that never stops sending is late as well. */
		if (csn_now_ms() >= deadline)
			return ETIMEDOUT;
		k = recv(n->fd, p, len, MSG_DONTWAIT);
		if (k > 0) {
			*got = (size_t)k;
			return 0;
		}
		if (k == 0)
			return ECONNRESET;
		if (errno == EAGAIN) {
			if ((rc = csn_net_wait(n->fd, POLLIN, deadline)) != 0)
				return rc;
		} else if (errno != EINTR) {
			return errno;
		}
	}
}

/* More behind what is there, which moves to the front first. */
static int
fill(struct csn_net *n, uint64_t deadline)
{
	size_t got = 0;
	int rc;

	if (n->at > 0) {
		memmove(n->in, n->in + n->at, n->have);
		n->at = 0;
	}
	if (n->have == CSN_NET_LINE)
		return EMSGSIZE;
	rc = receive(n, n->in + n->have, CSN_NET_LINE - n->have, &got,
	    deadline);
	n->have += got;
	return rc;
}

static size_t
take(struct csn_net *n, void *p, size_t len)
{
	size_t k = len < n->have ? len : n->have;

	if (p != NULL && k > 0)
		memcpy(p, n->in + n->at, k);
	n->at += k;
	n->have -= k;
	return k;
}

int
csn_net_read(struct csn_net *n, void *p, size_t len, uint64_t deadline)
{
	uint8_t *to = p;
	size_t k, got = 0;
	int rc;

	k = take(n, to, len);
	while (k < len) {
		/* Past what is buffered, large values go where they belong. */
		if (len - k >= CSN_NET_LINE / 2) {
			rc = receive(n, to + k, len - k, &got, deadline);
		} else {
			rc = fill(n, deadline);
			got = rc == 0 ? take(n, to + k, len - k) : 0;
		}
		if (rc != 0)
			return rc;
		k += got;
	}
	return 0;
}

int
csn_net_skip(struct csn_net *n, size_t len, uint64_t deadline)
{
	int rc;

	for (;;) {
		len -= take(n, NULL, len);
		if (len == 0)
			return 0;
		if ((rc = fill(n, deadline)) != 0)
			return rc;
	}
}

int
csn_net_line(struct csn_net *n, char **line, size_t *len, uint64_t deadline)
{
	uint8_t *p, *end;
	size_t seen = 0, k;
	int rc;

	for (;;) {
		p = n->in + n->at;
		end = memchr(p + seen, '\n', n->have - seen);
		if (end != NULL)
			break;
		seen = n->have;
		if ((rc = fill(n, deadline)) != 0)
			return rc;
	}
	k = (size_t)(end - p);
	if (k == 0 || p[k - 1] != '\r' || memchr(p, '\r', k - 1) != NULL ||
	    memchr(p, '\0', k) != NULL)
		return EBADMSG;
	p[k - 1] = '\0';
	*line = (char *)p;
	*len = k - 1;
	(void)take(n, NULL, k + 1);
	return 0;
}

int
csn_net_idle_ok(const struct csn_net *n)
{
	struct pollfd p = { .fd = n->fd, .events = POLLIN };

	return n->fd >= 0 && n->have == 0 && poll(&p, 1, 0) == 0;
}
