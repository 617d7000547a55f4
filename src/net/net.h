/* SPDX-License-Identifier: Apache-2.0 */
/* net/net.h - connections that never wait longer than they are told. */
#ifndef CSN_NET_NET_H
#define CSN_NET_NET_H

#include <sys/uio.h>

#include <caisson/export.h>

/*
 * One connection, used by one thread at a time. What can take time takes a
 * deadline and gives 0 or an errno number, for csn_fail_errno():
 * ETIMEDOUT at the deadline, ECONNRESET where the peer closed, and EAI's
 * failures as EHOSTUNREACH. After any failure the connection is of no more
 * use but to be closed. Nothing raises SIGPIPE.
 */
struct csn_net {
	int fd;			/* non-blocking, close-on-exec */
	int blocks;		/* csn_net_block(): it is not */
	uint8_t *in;		/* what came and was not read yet */
	size_t at, have;
};

/* The longest line that csn_net_line() takes, its end included. */
#define CSN_NET_LINE 8192u

/* ms from now, on CLOCK_MONOTONIC: what the functions below call deadline. */
uint64_t csn_net_deadline(uint64_t ms);

/**
 * Connect to host (a name or a numeric address) and port over TCP, one
 * address after another until the deadline. Names are resolved within it as
 * well: a resolver that does not answer is left to itself.
 */
CSN_MUST_CHECK int csn_net_connect(struct csn_net *n, const char *host,
    uint16_t port, uint64_t deadline);
/** ENAMETOOLONG for a path that no socket address can hold. */
CSN_MUST_CHECK int csn_net_connect_unix(struct csn_net *n, const char *path,
    uint64_t deadline);
/*
 * From now on csn_net_recv() may wait in recv(2) itself, which is one call of
 * the kernel and not three; all others ask for no waiting with each call.
 */
#define CSN_NET_BLOCK_MS 100
void csn_net_block(struct csn_net *n);
/** As recv(2), before the deadline: -1 with errno, ETIMEDOUT among them. */
ssize_t csn_net_recv(struct csn_net *n, void *p, size_t len,
    uint64_t deadline);
/** Closes; a struct of zeroes with fd -1, or one closed before, is fine. */
void csn_net_close(struct csn_net *n);

/** Wait for POLLIN or POLLOUT on a descriptor, for those with their own. */
CSN_MUST_CHECK int csn_net_wait(int fd, short events, uint64_t deadline);

/** All of it. iov is used up. */
CSN_MUST_CHECK int csn_net_send(struct csn_net *n, struct iovec *iov,
    size_t count, uint64_t deadline);
/** Exactly len bytes. */
CSN_MUST_CHECK int csn_net_read(struct csn_net *n, void *p, size_t len,
    uint64_t deadline);
/** Read len bytes and forget them. */
CSN_MUST_CHECK int csn_net_skip(struct csn_net *n, size_t len,
    uint64_t deadline);
/**
 * A line that ends in CR LF, which are replaced by a NUL: *line is valid
 * until the next call. EMSGSIZE past CSN_NET_LINE, EBADMSG for a NUL, a bare
 * LF or a bare CR in it.
 */
CSN_MUST_CHECK int csn_net_line(struct csn_net *n, char **line, size_t *len,
    uint64_t deadline);

/**
 * Whether an idle connection can be used again: 1, or 0 where the peer has
 * closed it or bytes lie in it that nobody asked for.
 */
int csn_net_idle_ok(const struct csn_net *n);

#endif
