/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto/tls_socket.c - a socket as OpenSSL's BIO.
 *
 * OpenSSL's own writes with write(2), which ends a program by SIGPIPE where
 * the peer is gone; a library may neither have that nor change signals.
 */
#include <errno.h>
#include <sys/socket.h>

#include "crypto/tls_internal.h"

static int
sock_write(BIO *bio, const char *p, size_t len, size_t *done)
{
	const struct csn_tls *t = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	do {
		n = send(t->fd, p, len, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	*done = n > 0 ? (size_t)n : 0;
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		BIO_set_retry_write(bio);
	return n > 0;
}

static int
sock_read(BIO *bio, char *p, size_t cap, size_t *got)
{
	const struct csn_tls *t = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	do {
		n = recv(t->fd, p, cap, 0);
	} while (n < 0 && errno == EINTR);
	*got = n > 0 ? (size_t)n : 0;
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		BIO_set_retry_read(bio);
	return n > 0;
}

static long
sock_ctrl(BIO *bio, int command, long number, void *p)
{
	(void)bio;
	(void)number;
	(void)p;
	/* Nothing is held back, so a flush has always been done. */
	return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *
csn_tls_socket_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "caisson socket");

	if (m != NULL && BIO_meth_set_write_ex(m, sock_write) == 1 &&
	    BIO_meth_set_read_ex(m, sock_read) == 1 &&
	    BIO_meth_set_ctrl(m, sock_ctrl) == 1)
		return m;
	BIO_meth_free(m);
	return NULL;
}
