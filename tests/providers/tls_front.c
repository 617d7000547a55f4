/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/test.h"
#include "providers/tls_front.h"

#define MAX_CONNECTIONS 8192

struct test_cert {
	X509 *x;
	EVP_PKEY *key;
};

/* --- Certificates --- */

static void
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static struct test_cert *
make_cert(EVP_PKEY *key, const struct test_cert *issuer, const char *names,
    long from_days, long until_days)
{
	static long serial = 1;
	struct test_cert *c = calloc(1, sizeof(*c));
	X509_NAME *name;

	assert_non_null(c);
	c->key = key;
	c->x = X509_new();
	assert_non_null(c->key);
	assert_non_null(c->x);
	assert_int_equal(X509_set_version(c->x, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(c->x),
	    serial++), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(c->x),
	    from_days * 86400 - 60));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(c->x),
	    until_days * 86400));
	name = X509_get_subject_name(c->x);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)(issuer == NULL ? "a test's CA" :
	    "a test's server"), -1, -1, 0), 1);
	assert_int_equal(X509_set_pubkey(c->x, c->key), 1);
	assert_int_equal(X509_set_issuer_name(c->x, issuer == NULL ? name :
	    X509_get_subject_name(issuer->x)), 1);
	add_extension(c->x, issuer == NULL ? c->x : issuer->x,
	    NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" :
	    "critical,CA:FALSE");
	if (names != NULL)
		add_extension(c->x, issuer == NULL ? c->x : issuer->x,
		    NID_subject_alt_name, names);
	assert_true(X509_sign(c->x, issuer == NULL ? c->key : issuer->key,
	    EVP_sha256()) > 0);
	return c;
}

struct test_cert *
test_cert_new(const struct test_cert *issuer, const char *names,
    long from_days, long until_days)
{
	return make_cert(EVP_EC_gen("P-256"), issuer, names, from_days,
	    until_days);
}

struct test_cert *
test_cert_new_rsa(const struct test_cert *issuer, const char *names,
    unsigned bits)
{
	return make_cert(EVP_RSA_gen(bits), issuer, names, 0, 10);
}

void
test_cert_write(const struct test_cert *c, const char *cert_path,
    const char *key_path)
{
	FILE *f = fopen(cert_path, "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, c->x), 1);
	assert_int_equal(fclose(f), 0);
	if (key_path == NULL)
		return;
	f = fopen(key_path, "w");
	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	assert_int_equal(PEM_write_PrivateKey(f, c->key, NULL, NULL, 0, NULL,
	    NULL), 1);
	assert_int_equal(fclose(f), 0);
}

void
test_cert_write_odd(const struct test_cert *c, const char *cert_path)
{
	static const uint8_t ec[] = {
		0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01
	};
	FILE *f = fopen(cert_path, "w");
	uint8_t *der = NULL, *at;
	int len = i2d_X509(c->x, &der);

	assert_non_null(f);
	assert_true(len > 0);
	at = memmem(der, (size_t)len, ec, sizeof(ec));
	assert_non_null(at);
	at[sizeof(ec) - 1] = 0x77;
	assert_true(PEM_write(f, "CERTIFICATE", "", der, len) > 0);
	assert_int_equal(fclose(f), 0);
	OPENSSL_free(der);
}

void
test_cert_free(struct test_cert *c)
{
	if (c == NULL)
		return;
	X509_free(c->x);
	EVP_PKEY_free(c->key);
	free(c);
}

/* --- The terminator --- */

struct link {
	struct tls_front *front;
	int fd;
	pthread_t thread;
};

struct tls_front {
	SSL_CTX *ssl;
	int listener;
	uint16_t port, to;
	pthread_t thread;
	struct link link[MAX_CONNECTIONS];
	size_t n;
	pid_t pid;
};

static int
dial(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		(void)close(fd);
		return -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static int
send_all(int fd, const char *p, size_t len)
{
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n) {
		if ((n = send(fd, p, len, MSG_NOSIGNAL)) <= 0)
			return 0;
	}
	return 1;
}

static void
relay(SSL *ssl, int client, int server)
{
	struct pollfd p[2] = { { .fd = client, .events = POLLIN },
	    { .fd = server, .events = POLLIN } };
	char bytes[16384];
	ssize_t got;
	int n;

	for (;;) {
		if (SSL_pending(ssl) == 0 && poll(p, 2, -1) < 0)
			return;
		if (SSL_pending(ssl) > 0 || p[0].revents != 0) {
			n = SSL_read(ssl, bytes, sizeof(bytes));
			if (n <= 0 || !send_all(server, bytes, (size_t)n))
				return;
			p[0].revents = 0;
		} else if (p[1].revents != 0) {
			got = recv(server, bytes, sizeof(bytes), 0);
			if (got <= 0 || SSL_write(ssl, bytes,
			    (int)got) != got)
				return;
		}
	}
}

static void *
serve(void *arg)
{
	struct link *l = arg;
	SSL *ssl = SSL_new(l->front->ssl);
	int server;

	if (ssl != NULL && SSL_set_fd(ssl, l->fd) == 1 &&
	    SSL_accept(ssl) == 1 && (server = dial(l->front->to)) >= 0) {
		relay(ssl, l->fd, server);
		(void)close(server);
	}
	SSL_free(ssl);
	(void)shutdown(l->fd, SHUT_RDWR);
	return NULL;
}

static void *
run(void *arg)
{
	struct tls_front *f = arg;
	struct link *l;
	int fd, on = 1;

	while ((fd = accept(f->listener, NULL, NULL)) >= 0) {
		if (f->n == MAX_CONNECTIONS) {
			(void)close(fd);
			continue;
		}
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
		l = &f->link[f->n];
		l->front = f;
		l->fd = fd;
		if (pthread_create(&l->thread, NULL, serve, l) == 0)
			f->n++;
	}
	return NULL;
}

static int
look_at_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl,
	    TLSEXT_NAMETYPE_host_name);

	(void)alert;
	return name != NULL && strcmp(name, arg) == 0 ? SSL_TLSEXT_ERR_OK :
	    SSL_TLSEXT_ERR_ALERT_FATAL;
}

struct tls_front *
tls_front_start(const struct tls_front_options *o)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	struct tls_front *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->ssl = SSL_CTX_new(TLS_server_method());
	assert_non_null(f->ssl);
	if (o->weak)
		SSL_CTX_set_security_level(f->ssl, 0);
	if (o->asked != NULL) {
		SSL_CTX_set_tlsext_servername_callback(f->ssl, look_at_name);
		SSL_CTX_set_tlsext_servername_arg(f->ssl,
		    (void *)(uintptr_t)o->asked);
	}
	assert_int_equal(SSL_CTX_use_certificate(f->ssl, o->cert->x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(f->ssl, o->cert->key), 1);
	if (o->groups != NULL)
		assert_int_equal(SSL_CTX_set1_groups_list(f->ssl, o->groups),
		    1);
	if (o->tls12)
		assert_int_equal(SSL_CTX_set_max_proto_version(f->ssl,
		    TLS1_2_VERSION), 1);
	if (o->client_ca != NULL) {
		assert_int_equal(X509_STORE_add_cert(
		    SSL_CTX_get_cert_store(f->ssl), o->client_ca->x), 1);
		SSL_CTX_set_verify(f->ssl, SSL_VERIFY_PEER |
		    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	f->to = o->to;
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(f->listener >= 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&in,
	    sizeof(in)), 0);
	assert_int_equal(listen(f->listener, 64), 0);
	assert_int_equal(getsockname(f->listener, (struct sockaddr *)&in,
	    &len), 0);
	f->port = ntohs(in.sin_port);
	if (!o->apart) {
		assert_int_equal(pthread_create(&f->thread, NULL, run, f),
		    0);
	} else if ((f->pid = fork()) == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)signal(SIGPIPE, SIG_IGN);
		(void)run(f);
		_exit(0);
	}
	return f;
}

uint16_t
tls_front_port(const struct tls_front *f)
{
	return f->port;
}

void
tls_front_stop(struct tls_front *f)
{
	size_t i;

	if (f == NULL)
		return;
	(void)shutdown(f->listener, SHUT_RDWR);
	if (f->pid > 0) {
		(void)kill(f->pid, SIGKILL);
		(void)waitpid(f->pid, NULL, 0);
	} else {
		(void)pthread_join(f->thread, NULL);
	}
	(void)close(f->listener);
	for (i = 0; i < f->n; i++)
		(void)shutdown(f->link[i].fd, SHUT_RDWR);
	for (i = 0; i < f->n; i++) {
		(void)pthread_join(f->link[i].thread, NULL);
		(void)close(f->link[i].fd);
	}
	SSL_CTX_free(f->ssl);
	free(f);
}
