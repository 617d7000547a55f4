/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/tls.c - one TLS connection, whose every wait has an end. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "crypto/tls_internal.h"
#include "net/net.h"

/*
 * What SSL_get_error said of a call that did not go through: 0 once waiting
 * has made another try worth it.
 */
static int
again(struct csn_tls *t, int error, uint64_t deadline, const char *what)
{
	struct csn_ctx *ctx = t->config->ctx;
	int errnum = errno;

	switch (error) {
	case SSL_ERROR_WANT_READ:
		errnum = csn_net_wait(t->fd, POLLIN, deadline);
		break;
	case SSL_ERROR_WANT_WRITE:
		errnum = csn_net_wait(t->fd, POLLOUT, deadline);
		break;
	case SSL_ERROR_SYSCALL:
	case SSL_ERROR_ZERO_RETURN:
		ERR_clear_error();
		if (errnum == 0 || errnum == EPIPE)
			errnum = ECONNRESET;
		break;
	default:
		return csn_ossl_fail_as(ctx, CSN_E_BACKEND, what);
	}
	if (errnum == 0)
		return 0;
	return csn_fail_errno(ctx, errnum == ENOMEM ? CSN_E_NOMEM :
	    CSN_E_BACKEND, "crypto", errnum, "%s", what);
}

/* Which name the certificate is to carry, and at what time it counts. */
static int
expect(struct csn_tls *t, const char *host)
{
	struct csn_ctx *ctx = t->config->ctx;
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);
	unsigned char address[sizeof(struct in6_addr)];
	int ok;

	X509_VERIFY_PARAM_set_time(param,
	    (time_t)(csn_ctx_wall_ms(ctx) / 1000));
	if (inet_pton(AF_INET, host, address) == 1 ||
	    inet_pton(AF_INET6, host, address) == 1)
		ok = X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	else
		ok = SSL_set1_host(t->ssl, host) == 1 &&
		    SSL_set_tlsext_host_name(t->ssl, host) == 1;
	return ok ? 0 : csn_ossl_fail(ctx, "the server's name for TLS");
}

static int
shake(struct csn_tls *t, const char *host, uint64_t deadline)
{
	long verdict;
	int n, error, rc;

	for (;;) {
		ERR_clear_error();
		errno = 0;
		if ((n = SSL_connect(t->ssl)) == 1)
			return 0;
		error = SSL_get_error(t->ssl, n);
		verdict = SSL_get_verify_result(t->ssl);
		if (error == SSL_ERROR_SSL && verdict != X509_V_OK) {
			ERR_clear_error();
			return csn_fail(t->config->ctx,
			    verdict == X509_V_ERR_OUT_OF_MEM ? CSN_E_NOMEM :
			    CSN_E_SIGNER, "crypto", "the certificate that %s "
			    "shows is not trusted: %s", host,
			    X509_verify_cert_error_string(verdict));
		}
		if ((rc = again(t, error, deadline, "TLS handshake")) != 0)
			return rc;
	}
}

int
csn_tls_connect(const struct csn_tls_config *config, int fd,
    const char *host, uint64_t deadline, struct csn_tls **out)
{
	struct csn_tls *t;
	BIO *bio = NULL;
	int rc;

	if ((t = csn_calloc(1, sizeof(*t))) == NULL)
		return csn_nomem(config->ctx, "crypto", "a TLS connection");
	t->config = config;
	t->fd = fd;
	if ((t->ssl = SSL_new(config->ssl)) == NULL ||
	    (bio = BIO_new(config->socket)) == NULL) {
		rc = csn_ossl_fail(config->ctx, "a TLS connection");
		goto err;
	}
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	if ((rc = expect(t, host)) != 0 ||
	    (rc = shake(t, host, deadline)) != 0)
		goto err;
	*out = t;
	return 0;

err:
	csn_tls_free(t);
	return rc;
}

int
csn_tls_read(struct csn_tls *t, void *p, size_t cap, uint64_t deadline,
    size_t *got)
{
	int error, rc;

	*got = 0;
	for (;;) {
		ERR_clear_error();
		errno = 0;
		if (SSL_read_ex(t->ssl, p, cap, got) == 1)
			return 0;
		error = SSL_get_error(t->ssl, 0);
		if (error == SSL_ERROR_ZERO_RETURN)
			return 0;
		if ((rc = again(t, error, deadline, "reading")) != 0)
			return rc;
	}
}

int
csn_tls_write(struct csn_tls *t, const void *p, size_t len,
    uint64_t deadline)
{
	const uint8_t *from = p;
	size_t n;
	int rc;

	while (len > 0) {
		ERR_clear_error();
		errno = 0;
		if (SSL_write_ex(t->ssl, from, len, &n) == 1) {
			from += n;
			len -= n;
		} else if ((rc = again(t, SSL_get_error(t->ssl, 0), deadline,
		    "writing")) != 0) {
			return rc;
		}
	}
	return 0;
}

int
csn_tls_idle(struct csn_tls *t)
{
	uint8_t byte;
	size_t n;
	int idle;

	ERR_clear_error();
	/* A ticket or a key update is taken in; anything else is the end. */
	idle = SSL_peek_ex(t->ssl, &byte, 1, &n) != 1 &&
	    SSL_get_error(t->ssl, 0) == SSL_ERROR_WANT_READ;
	ERR_clear_error();
	return idle;
}

const char *
csn_tls_group(const struct csn_tls *t)
{
	const char *name = SSL_get0_group_name(t->ssl);

	return name == NULL ? "unknown" : name;
}

int
csn_tls_hybrid(const struct csn_tls *t)
{
	return strcmp(csn_tls_group(t), "X25519MLKEM768") == 0;
}

void
csn_tls_close(struct csn_tls *t)
{
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
}

void
csn_tls_free(struct csn_tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	ERR_clear_error();
	csn_free(t);
}
