/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/providers/tls_front.h - a TLS terminator before a plain server, and
 * certificates for it. What fails in making them ends the test.
 */
#ifndef CAISSON_TESTS_TLS_FRONT_H
#define CAISSON_TESTS_TLS_FRONT_H

#include <stdint.h>

struct test_cert;		/* a certificate and its key */

/*
 * With issuer NULL, a CA. names is as "IP:127.0.0.1,DNS:localhost"; the days
 * count from now.
 */
struct test_cert *test_cert_new(const struct test_cert *issuer,
    const char *names, long from_days, long until_days);
/* The same with an RSA key, which TLS 1.2 takes whatever curves are offered. */
struct test_cert *test_cert_new_rsa(const struct test_cert *issuer,
    const char *names, unsigned bits);
void test_cert_write(const struct test_cert *c, const char *cert_path,
    const char *key_path);	/* key_path may be NULL */
/* The same certificate, but with a key of a kind that nobody knows. */
void test_cert_write_odd(const struct test_cert *c, const char *cert_path);
void test_cert_free(struct test_cert *c);

struct tls_front_options {
	const struct test_cert *cert;
	const struct test_cert *client_ca;	/* who signs clients, or NULL */
	const char *groups;		/* NULL: OpenSSL's */
	int tls12;			/* nothing newer */
	int weak;			/* it shows whatever certificate */
	const char *asked;		/* for whom it has to be asked (SNI) */
	uint16_t to;			/* the plain server's port */
	int apart;			/* in a process of its own */
};

struct tls_front;
struct tls_front *tls_front_start(const struct tls_front_options *options);
uint16_t tls_front_port(const struct tls_front *f);
void tls_front_stop(struct tls_front *f);

#endif
