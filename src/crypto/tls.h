/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/tls.h - TLS 1.3 for clients, with a post-quantum key exchange. */
#ifndef CSN_CRYPTO_TLS_H
#define CSN_CRYPTO_TLS_H

#include <caisson/context.h>

/*
 * TLS 1.3 (RFC 8446) and nothing older, with X25519MLKEM768 where the server
 * has it, else X25519. The server's certificate and name are always verified.
 * No file and no environment is looked at: certificates and keys are the
 * caller's bytes. Deadlines are net/net.h's.
 */

struct csn_tls_options {
	const uint8_t *ca;	/* PEM certificates that are trusted */
	size_t ca_len;
	const uint8_t *cert;	/* our own, PEM, its chain behind it; or NULL */
	size_t cert_len;
	const uint8_t *key;	/* the key of cert, PEM without a passphrase */
	size_t key_len;
	int hybrid_only;	/* refuse a server that has only X25519 */
};

/* What connections have in common. Any number of threads may use one. */
struct csn_tls_config;

/**
 * CSN_E_FORM for PEM that holds nothing usable or a key that is not the
 * certificate's, CSN_E_ALGORITHM, CSN_E_NOMEM or CSN_E_CRYPTO.
 */
CSN_MUST_CHECK int csn_tls_config_new(struct csn_ctx *ctx,
    const struct csn_tls_options *options, struct csn_tls_config **out);
void csn_tls_config_free(struct csn_tls_config *config);

/* One connection; one thread at a time. It does not own its socket. */
struct csn_tls;

/**
 * Shake hands over fd, a connected socket that does not block, with the
 * server called host (a name, or an address as text) until the deadline. The
 * certificate is held to the context's clock. config outlives the connection.
 * On error the caller closes fd: CSN_E_SIGNER (a certificate that is not
 * trusted, of another name or time), CSN_E_BACKEND (all that the peer or the
 * network can do), CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_tls_connect(const struct csn_tls_config *config,
    int fd, const char *host, uint64_t deadline, struct csn_tls **out);

/**
 * Read at least a byte and at most cap; *got 0 where the peer closed.
 * CSN_E_BACKEND, also where the deadline passed; CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_tls_read(struct csn_tls *tls, void *p, size_t cap,
    uint64_t deadline, size_t *got);
/** Write all of it. As csn_tls_read. */
CSN_MUST_CHECK int csn_tls_write(struct csn_tls *tls, const void *p,
    size_t len, uint64_t deadline);
/** 1 while the peer has neither closed nor sent what nobody asked for. */
int csn_tls_idle(struct csn_tls *tls);
/** "X25519MLKEM768": the key exchange that was agreed on. */
const char *csn_tls_group(const struct csn_tls *tls);
int csn_tls_hybrid(const struct csn_tls *tls);	/* 1: post-quantum */

/** Say goodbye, without waiting. A forked child only frees: it would lie. */
void csn_tls_close(struct csn_tls *tls);
void csn_tls_free(struct csn_tls *tls);	/* NULL is fine */

#endif
