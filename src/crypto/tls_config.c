/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/tls_config.c - whom a TLS client trusts, and who it is. */
#include <limits.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "crypto/tls_internal.h"

/* Both shares are sent at once ('*'): a server with one costs no round. */
#define GROUPS "*X25519MLKEM768:*X25519"
#define HYBRID_GROUPS "X25519MLKEM768"

/* OpenSSL would ask the terminal. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static BIO *
reader(const uint8_t *p, size_t len)
{
	return len > INT_MAX ? NULL : BIO_new_mem_buf(p, (int)len);
}

/* The next certificate of a text, or NULL: at its end, or for an error. */
static X509 *
next_cert(struct csn_ctx *ctx, BIO *bio)
{
	X509 *x = X509_new_ex(csn_crypto_lib(ctx), NULL);

	if (x != NULL && PEM_read_bio_X509(bio, &x, no_passphrase,
	    NULL) == NULL) {
		X509_free(x);
		x = NULL;
	}
	return x;
}

/* Was it only the text's end that stopped next_cert? */
static int
at_end(void)
{
	unsigned long e = ERR_peek_last_error();

	return ERR_GET_LIB(e) == ERR_LIB_PEM &&
	    ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
}

static int
out_of_memory(void)
{
	return ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE;
}

static int
trust(struct csn_tls_config *c, const uint8_t *pem, size_t len)
{
	X509_STORE *store = SSL_CTX_get_cert_store(c->ssl);
	size_t n = 0;
	X509 *x;
	BIO *bio;
	int rc = 0;

	if ((bio = reader(pem, len)) == NULL)
		return csn_ossl_fail_as(c->ctx, CSN_E_NOMEM, "reading the "
		    "trusted certificates");
	while (rc == 0 && (x = next_cert(c->ctx, bio)) != NULL) {
		/*
		 * Its extensions are parsed once: where memory is out just
		 * then, it would be distrusted for good. One whose key is of
		 * no known kind verifies nothing.
		 */
		ERR_clear_error();
		if (X509_check_purpose(x, -1, 0) != 1 && out_of_memory()) {
			rc = csn_ossl_fail_as(c->ctx, CSN_E_NOMEM,
			    "reading a trusted certificate");
		} else if (X509_get0_pubkey(x) != NULL) {
			if (X509_STORE_add_cert(store, x) != 1)
				rc = csn_ossl_fail(c->ctx,
				    "trusting a certificate");
			n++;
		}
		X509_free(x);
	}
	BIO_free(bio);
	if (rc == 0 && !at_end())
		rc = csn_ossl_fail_as(c->ctx, CSN_E_FORM,
		    "a trusted certificate does not read");
	ERR_clear_error();
	if (rc == 0 && n == 0)
		rc = csn_fail(c->ctx, CSN_E_FORM, "crypto", "there is no "
		    "certificate to trust: a PEM file with the CA's is meant");
	return rc;
}

static int
present_chain(struct csn_tls_config *c, BIO *bio)
{
	X509 *x;
	int rc = 0;

	if ((x = next_cert(c->ctx, bio)) == NULL)
		return csn_ossl_fail_as(c->ctx, CSN_E_FORM,
		    "our own certificate does not read as PEM");
	if (SSL_CTX_use_certificate(c->ssl, x) != 1)
		rc = csn_ossl_fail_as(c->ctx, CSN_E_FORM,
		    "our own certificate cannot be used");
	X509_free(x);
	while (rc == 0 && (x = next_cert(c->ctx, bio)) != NULL) {
		if (SSL_CTX_add1_chain_cert(c->ssl, x) != 1)
			rc = csn_ossl_fail(c->ctx, "our certificate's chain");
		X509_free(x);
	}
	ERR_clear_error();
	return rc;
}

static int
present(struct csn_tls_config *c, const struct csn_tls_options *o)
{
	EVP_PKEY *key = NULL;
	BIO *cert, *pem;
	int rc;

	cert = reader(o->cert, o->cert_len);
	pem = o->key == NULL ? NULL : reader(o->key, o->key_len);
	if (o->key == NULL)
		rc = csn_fail(c->ctx, CSN_E_FORM, "crypto",
		    "a certificate of our own needs its key beside it");
	else if (cert == NULL || pem == NULL)
		rc = csn_ossl_fail_as(c->ctx, CSN_E_NOMEM,
		    "reading our own certificate");
	else
		rc = present_chain(c, cert);
	if (rc == 0 && (key = PEM_read_bio_PrivateKey_ex(pem, NULL,
	    no_passphrase, NULL, csn_crypto_lib(c->ctx), NULL)) == NULL)
		rc = csn_ossl_fail_as(c->ctx, CSN_E_FORM, "our certificate's "
		    "key does not read as PEM without a passphrase");
	if (rc == 0 && SSL_CTX_use_PrivateKey(c->ssl, key) != 1)
		rc = csn_ossl_fail_as(c->ctx, CSN_E_FORM,
		    "our key is not that of our certificate");
	EVP_PKEY_free(key);
	BIO_free(pem);
	BIO_free(cert);
	return rc;
}

int
csn_tls_config_new(struct csn_ctx *ctx, const struct csn_tls_options *o,
    struct csn_tls_config **out)
{
	struct csn_tls_config *c;
	int rc;

	if ((c = csn_calloc(1, sizeof(*c))) == NULL)
		return csn_nomem(ctx, "crypto", "TLS");
	c->ctx = ctx;
	c->socket = csn_tls_socket_method();
	c->ssl = SSL_CTX_new_ex(csn_crypto_lib(ctx), NULL,
	    TLS_client_method());
	if (c->socket == NULL || c->ssl == NULL ||
	    SSL_CTX_set_min_proto_version(c->ssl, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(c->ssl, TLS1_3_VERSION) != 1) {
		rc = csn_ossl_fail(ctx, "TLS 1.3");
		goto err;
	}
	if (SSL_CTX_set1_groups_list(c->ssl, o->hybrid_only ? HYBRID_GROUPS :
	    GROUPS) != 1) {
		rc = csn_ossl_fail_as(ctx, CSN_E_ALGORITHM, "X25519MLKEM768");
		goto err;
	}
	SSL_CTX_set_security_level(c->ssl, 2);
	SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
	(void)SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_mode(c->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	if ((rc = trust(c, o->ca, o->ca_len)) != 0 ||
	    (o->cert != NULL && (rc = present(c, o)) != 0))
		goto err;
	*out = c;
	return 0;

err:
	csn_tls_config_free(c);
	return rc;
}

void
csn_tls_config_free(struct csn_tls_config *c)
{
	if (c == NULL)
		return;
	SSL_CTX_free(c->ssl);
	BIO_meth_free(c->socket);
	csn_free(c);
}
