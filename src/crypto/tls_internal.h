/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/tls_internal.h - what the files about TLS share. */
#ifndef CSN_CRYPTO_TLS_INTERNAL_H
#define CSN_CRYPTO_TLS_INTERNAL_H

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "crypto/internal.h"
#include "crypto/tls.h"

struct csn_tls_config {
	struct csn_ctx *ctx;
	SSL_CTX *ssl;
	BIO_METHOD *socket;
};

struct csn_tls {
	const struct csn_tls_config *config;
	SSL *ssl;
	int fd;
};

/* A BIO over struct csn_tls's fd (its data). NULL where memory is out. */
BIO_METHOD *csn_tls_socket_method(void);

#endif
