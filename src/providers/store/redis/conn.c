/* SPDX-License-Identifier: Apache-2.0 */
/* redis/conn.c - one connection: made, spoken over, and ended. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "providers/store/redis/redis.h"

/* Whatever failed below, above this it is the backend that did. */
static int
failed(struct csn_redis_conn *conn, int errnum, const char *what)
{
	struct csn_ctx *ctx = conn->r->config.ctx;

	if (errnum == ENOMEM)
		return csn_nomem(ctx, "store", "talking with %s",
		    conn->node->name);
	if (errnum == ETIMEDOUT)
		return csn_fail(ctx, CSN_E_BACKEND, "store", "%s %s took too "
		    "long: is it overloaded, or timeout= or connect= too "
		    "short?", what, conn->node->name);
	if (errnum == ECONNRESET)
		return csn_fail(ctx, CSN_E_BACKEND, "store",
		    "%s %s: it closed the connection", what,
		    conn->node->name);
	return csn_fail_errno(ctx, CSN_E_BACKEND, "store", errnum,
	    "%s %s (is it running, and is the address right?)", what,
	    conn->node->name);
}

/* The TLS room's sentence, with the server's name before it. */
static int
failed_tls(struct csn_redis_conn *conn, int code, const char *what,
    const char *hint)
{
	struct csn_ctx *ctx = conn->r->config.ctx;

	return csn_fail(ctx, code == CSN_E_NOMEM ? code : CSN_E_BACKEND,
	    "store", "%s %s: %s%s", what, conn->node->name,
	    csn_message(), code == CSN_E_NOMEM ? "" : hint);
}

static int
secure(struct csn_redis_conn *conn, uint64_t deadline)
{
	struct csn_redis *r = conn->r;
	int rc;

	rc = csn_tls_connect(r->config.trust, conn->net.fd,
	    conn->node->host.name, deadline, &conn->tls);
	if (rc == CSN_E_SIGNER)
		return csn_fail(r->config.ctx, CSN_E_BACKEND, "store", "%s: "
		    "%s (ca=FILE names the CA to trust; the host in the URL "
		    "is the name that the certificate must carry)",
		    conn->node->name, csn_message());
	if (rc != 0)
		return failed_tls(conn, rc, "TLS 1.3 with",
		    " (is it a TLS port? redis:// is for those without)");
	if (!csn_tls_hybrid(conn->tls))
		atomic_fetch_add(&r->classical, 1);
	return 0;
}

static int
expect_ok(struct csn_redis_conn *conn, uint64_t deadline, const char *what)
{
	struct csn_ctx *ctx = conn->r->config.ctx;
	struct csn_redis_reply *reply;
	int rc;

	if ((rc = csn_redis_receive(conn, NULL, deadline, &reply)) != 0)
		return rc;
	if (reply->type == CSN_REDIS_STATUS) {
		rc = 0;
	} else if (csn_redis_is_error(reply, "LOADING") ||
	    reply->type != CSN_REDIS_ERROR) {
		rc = csn_redis_error(conn->r, conn->node, reply);
	} else if (strcmp(what, "AUTH") != 0) {
		rc = csn_fail(ctx, CSN_E_BACKEND, "store", "%s has no "
		    "database %u, or not for this user", conn->node->name,
		    conn->r->config.db);
	} else {
		/* Not in its words: an old one repeats the password. */
		rc = csn_fail(ctx, CSN_E_BACKEND, "store", "%s refuses the "
		    "%s: check the user, the password, and its ACL",
		    conn->node->name, conn->r->config.user != NULL ?
		    "user or password" : "password");
	}
	csn_redis_reply_free(reply);
	return rc;
}

static int
authenticate(struct csn_redis_conn *conn, uint64_t deadline)
{
	const struct csn_redis_config *c = &conn->r->config;
	const char *argv[3] = { "AUTH" };
	size_t lens[3] = { 4 };
	size_t argc = 1;

	if (c->user != NULL) {
		argv[argc] = c->user;
		lens[argc++] = strlen(c->user);
	}
	argv[argc] = c->password;
	lens[argc++] = c->password_len;
	return csn_redis_send_words(conn, argv, lens, argc, deadline);
}

static int
greet(struct csn_redis_conn *conn, uint64_t deadline)
{
	const struct csn_redis_config *c = &conn->r->config;
	char select[64], db[16];
	int rc, n;

	if (c->password != NULL && (rc = authenticate(conn, deadline)) != 0)
		return rc;
	if (c->db != 0) {
		(void)snprintf(db, sizeof(db), "%u", c->db);
		n = snprintf(select, sizeof(select),
		    "*2\r\n$6\r\nSELECT\r\n$%zu\r\n%s\r\n", strlen(db), db);
		if ((rc = csn_redis_send(conn, select, (size_t)n,
		    deadline)) != 0)
			return rc;
	}
	/* Both were sent before either is waited for. */
	if (c->password != NULL && (rc = expect_ok(conn, deadline,
	    "AUTH")) != 0)
		return rc;
	if (c->db != 0 && (rc = expect_ok(conn, deadline, "SELECT")) != 0)
		return rc;
	/* More than was asked for would be the next command's reply. */
	return csn_redis_reader_pending(conn->reader) ?
	    csn_redis_odd(conn->r, "AUTH") : 0;
}

int
csn_redis_conn_open(struct csn_redis *r, struct csn_redis_node *node,
    uint64_t deadline, struct csn_redis_conn **out)
{
	uint64_t until = csn_net_deadline(r->config.connect_ms);
	struct csn_redis_conn *conn;
	int rc;

	if (until > deadline)
		until = deadline;
	if ((conn = csn_calloc(1, sizeof(*conn))) == NULL)
		return csn_nomem(r->config.ctx, "store", "a connection to %s",
		    node->name);
	conn->r = r;
	conn->node = node;
	conn->net.fd = -1;
	if ((conn->reader = csn_redis_reader_new()) == NULL) {
		rc = failed(conn, ENOMEM, "");
		goto err;
	}
	if ((rc = csn_net_connect(&conn->net, node->host.name,
	    node->host.port, until)) != 0) {
		rc = failed(conn, rc, "connecting to");
		goto err;
	}
	atomic_fetch_add(&r->connects, 1);
	if (!r->config.tls)
		csn_net_block(&conn->net);
	if ((r->config.tls && (rc = secure(conn, until)) != 0) ||
	    (rc = greet(conn, deadline)) != 0)
		goto err;
	*out = conn;
	return 0;

err:
	csn_redis_conn_abandon(conn);
	return rc;
}

int
csn_redis_send_parts(struct csn_redis_conn *conn, struct iovec *iov,
    size_t n, uint64_t deadline)
{
	size_t i;
	int rc;

	if (conn->tls == NULL)
		return (rc = csn_net_send(&conn->net, iov, n, deadline)) == 0 ?
		    0 : failed(conn, rc, "sending to");
	for (i = 0; i < n; i++)
		if ((rc = csn_tls_write(conn->tls, iov[i].iov_base,
		    iov[i].iov_len, deadline)) != 0)
			return failed_tls(conn, rc, "sending to", "");
	return 0;
}

int
csn_redis_send(struct csn_redis_conn *conn, const void *p, size_t len,
    uint64_t deadline)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)p,
	    .iov_len = len };

	return csn_redis_send_parts(conn, &iov, 1, deadline);
}

int
csn_redis_send_words(struct csn_redis_conn *conn, const char *const *argv,
    const size_t *lens, size_t argc, uint64_t deadline)
{
	size_t size = 32, used, i;
	char *text;
	int rc;

	for (i = 0; i < argc; i++)
		size += lens[i] + 32;
	if ((text = csn_calloc(1, size)) == NULL)
		return failed(conn, ENOMEM, "");
	used = (size_t)snprintf(text, size, "*%zu\r\n", argc);
	for (i = 0; i < argc; i++) {
		used += (size_t)snprintf(text + used, size - used,
		    "$%zu\r\n", lens[i]);
		memcpy(text + used, argv[i], lens[i]);
		memcpy(text + used + lens[i], "\r\n", 2);
		used += lens[i] + 2;
	}
	rc = csn_redis_send(conn, text, used, deadline);
	/* It may be a password. */
	csn_wipe(text, used);
	csn_free(text);
	return rc;
}

/* At least a byte; *got 0 where the server hung up. */
static int
some(struct csn_redis_conn *conn, uint8_t *p, size_t cap, uint64_t deadline,
    size_t *got)
{
	ssize_t n;
	int rc;

	if (conn->tls != NULL) {
		if ((rc = csn_tls_read(conn->tls, p, cap, deadline,
		    got)) != 0)
			return failed_tls(conn, rc, "the answer of", "");
		return 0;
	}
	if ((n = csn_net_recv(&conn->net, p, cap, deadline)) < 0)
		return failed(conn, errno, "the answer of");
	*got = (size_t)n;
	return 0;
}

int
csn_redis_receive(struct csn_redis_conn *conn, struct csn_redis_sink *sink,
    uint64_t deadline, struct csn_redis_reply **out)
{
	struct csn_ctx *ctx = conn->r->config.ctx;
	size_t got = 0, room;
	uint8_t *p;
	int rc;

	csn_redis_reader_sink(conn->reader, sink);
	for (;;) {
		if ((rc = csn_redis_reader_next(conn->reader, out)) != 0)
			break;
		if (*out != NULL)
			return 0;
		/* A server that drips would otherwise never be late. */
		if (got > 0 && csn_net_deadline(0) >= deadline)
			return failed(conn, ETIMEDOUT, "the answer of");
		rc = CSN_E_NOMEM;
		if ((p = csn_redis_reader_room(conn->reader, &room)) == NULL)
			break;
		if ((rc = some(conn, p, room, deadline, &got)) != 0)
			return rc;
		if (got == 0)
			return failed(conn, ECONNRESET, "the answer of");
		rc = csn_redis_reader_took(conn->reader, got);
		if (rc != 0)
			break;
	}
	if (rc == CSN_E_NOMEM)
		return failed(conn, ENOMEM, "");
	return csn_fail(ctx, CSN_E_BACKEND, "store", rc == CSN_E_LIMIT ?
	    "%s answers with more than Redis can hold: is it a Redis server?" :
	    "%s answers with what is not Redis's protocol: is it a Redis "
	    "server, and is TLS (rediss://) as it should be?",
	    conn->node->name);
}

int
csn_redis_conn_alive(struct csn_redis_conn *conn)
{
	if (csn_redis_reader_pending(conn->reader))
		return 0;
	if (conn->tls == NULL)
		return csn_net_idle_ok(&conn->net);
	return csn_tls_idle(conn->tls);
}

void
csn_redis_conn_close(struct csn_redis_conn *conn)
{
	if (conn->tls != NULL)
		csn_tls_close(conn->tls);
	csn_redis_conn_abandon(conn);
}

void
csn_redis_conn_abandon(struct csn_redis_conn *conn)
{
	csn_tls_free(conn->tls);
	csn_net_close(&conn->net);
	csn_redis_reader_free(conn->reader);
	csn_free(conn);
}
