/* SPDX-License-Identifier: Apache-2.0 */
/* qmp.c - speak QEMU's machine protocol over a unix socket. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/fail.h"
#include "base/json.h"
#include "providers/region/qemu/qmp.h"

#define ROOM "region"
#define LOOK_MS 100		/* between two looks whether to go on */

struct csn_qmp {
	struct csn_ctx *ctx;
	int fd;
	int dead;		/* out of step: no further call */
	int refused;		/* the last command, by QEMU's word */
	int insisting;		/* whether or not the context is stopped */
	uid_t uid;
	uint64_t timeout_ms;
	int64_t id;		/* of the last command */
	char *buf;		/* what came and was not yet taken */
	size_t len;
	size_t cap;
	size_t taken;		/* of the line handed out last */
	unsigned resumes;	/* times that the guest was set going */
};

/* Wait for the socket until end. 0, or CSN_E_BACKEND. */
static int
wait_for(struct csn_qmp *q, short events, uint64_t end)
{
	struct pollfd p = { .fd = q->fd, .events = events };
	uint64_t now;
	int n;

	for (;;) {
		now = csn_now_ms();
		if (now >= end)
			return csn_fail(q->ctx, CSN_E_BACKEND, ROOM, "QEMU "
			    "did not answer within %llu ms",
			    (unsigned long long)q->timeout_ms);
		if (!q->insisting &&
		    (n = csn_stop_check(q->ctx, ROOM)) != 0)
			return n;
		n = poll(&p, 1, end - now < LOOK_MS ? (int)(end - now) :
		    LOOK_MS);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return csn_fail_errno(q->ctx, CSN_E_BACKEND, ROOM,
			    errno, "waiting for QEMU");
	}
}

static int
grow(struct csn_qmp *q)
{
	size_t cap = q->cap == 0 ? 16384 : q->cap * 2;
	char *more;

	if (q->len < q->cap)
		return 0;
	if (q->len >= CSN_QMP_LINE)
		return csn_fail(q->ctx, CSN_E_FORM, ROOM, "QEMU sent a "
		    "message of more than %zu bytes", CSN_QMP_LINE);
	if ((more = csn_realloc(q->buf, cap, 1)) == NULL)
		return csn_nomem(q->ctx, ROOM, "QEMU's answer");
	q->buf = more;
	q->cap = cap;
	return 0;
}

/* The next line, valid until the next call. */
static int
next_line(struct csn_qmp *q, uint64_t end, const char **line, size_t *len)
{
	size_t looked = 0;
	ssize_t n;
	char *nl;
	int rc;

	if (q->taken > 0) {
		memmove(q->buf, q->buf + q->taken, q->len - q->taken);
		q->len -= q->taken;
		q->taken = 0;
	}
	for (;;) {
		nl = q->len > looked ?
		    memchr(q->buf + looked, '\n', q->len - looked) : NULL;
		if (nl != NULL)
			break;
		looked = q->len;
		if ((rc = grow(q)) != 0 ||
		    (rc = wait_for(q, POLLIN, end)) != 0)
			return rc;
		n = recv(q->fd, q->buf + q->len, q->cap - q->len,
		    MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return csn_fail_errno(q->ctx, CSN_E_BACKEND, ROOM,
			    errno, "reading from QEMU");
		if (n == 0)
			return csn_fail(q->ctx, CSN_E_BACKEND, ROOM,
			    "QEMU hung up");
		q->len += (size_t)n;
	}
	*line = q->buf;
	*len = (size_t)(nl - q->buf);
	q->taken = *len + 1;
	return 0;
}

static int
send_all(struct csn_qmp *q, const char *p, size_t len, uint64_t end)
{
	ssize_t n;
	int rc;

	while (len > 0) {
		if ((rc = wait_for(q, POLLOUT, end)) != 0)
			return rc;
		n = send(q->fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return csn_fail_errno(q->ctx, CSN_E_BACKEND, ROOM,
			    errno, "writing to QEMU");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The next message that is no event. */
static int
next_message(struct csn_qmp *q, uint64_t end, struct csn_qmp_message *m)
{
	const char *line = NULL;
	size_t len = 0;
	int events = 0, rc;

	for (;;) {
		if ((rc = next_line(q, end, &line, &len)) != 0 ||
		    (rc = csn_qmp_parse(q->ctx, line, len, m)) != 0)
			return rc;
		if (m->kind != CSN_QMP_EVENT)
			return 0;
		q->resumes += strcmp(m->text, "RESUME") == 0;
		json_decref(m->json);
		if (++events > CSN_QMP_EVENTS)
			return csn_fail(q->ctx, CSN_E_FORM, ROOM,
			    "QEMU sent more than %d events and no answer",
			    CSN_QMP_EVENTS);
	}
}

static int
send_command(struct csn_qmp *q, const char *command, json_t *arguments,
    uint64_t end)
{
	json_t *json;
	char *text;
	int rc;

	json = json_pack("{ss sI so*}", "execute", command, "id",
	    (json_int_t)q->id, "arguments", arguments);
	text = json == NULL ? NULL : csn_json_text(json, JSON_COMPACT);
	json_decref(json);
	if (text == NULL)
		return csn_nomem(q->ctx, ROOM, "QEMU's answer");
	if ((rc = send_all(q, text, strlen(text), end)) == 0)
		rc = send_all(q, "\n", 1, end);
	free(text);
	return rc;
}

int
csn_qmp_call(struct csn_qmp *q, const char *command, json_t *arguments,
    json_t **value)
{
	struct csn_qmp_message m = { 0 };
	uint64_t end = csn_now_ms() + q->timeout_ms;
	int rc;

	if (q->dead) {
		json_decref(arguments);
		return csn_fail(q->ctx, CSN_E_BACKEND, ROOM, "the connection "
		    "to QEMU was lost before: open its regions again");
	}
	q->id++;
	if ((rc = send_command(q, command, arguments, end)) != 0 ||
	    (rc = next_message(q, end, &m)) != 0)
		goto lost;
	if (m.kind == CSN_QMP_GREETING || m.id != q->id) {
		json_decref(m.json);
		rc = csn_fail(q->ctx, CSN_E_FORM, ROOM,
		    "QEMU answered %s as something else", command);
		goto lost;
	}
	if (m.kind == CSN_QMP_ERROR)
		rc = csn_fail(q->ctx, CSN_E_BACKEND, ROOM, "QEMU refused %s: "
		    "%.300s", command, m.text);
	else if (value != NULL)
		*value = json_incref(m.value);
	json_decref(m.json);
	return rc;

lost:
	q->dead = 1;
	return rc;
}

/* 1 once m is the answer; what makes no sense is none of ours. */
static int
is_answer(struct csn_qmp *q, const char *line, size_t len, int *rc)
{
	struct csn_qmp_message m;
	int ours;

	if (csn_qmp_parse(q->ctx, line, len, &m) != 0)
		return 0;
	if (m.kind == CSN_QMP_EVENT)
		q->resumes += strcmp(m.text, "RESUME") == 0;
	ours = (m.kind == CSN_QMP_RETURN || m.kind == CSN_QMP_ERROR) &&
	    m.id == q->id;
	q->refused = ours && m.kind == CSN_QMP_ERROR;
	if (q->refused)
		*rc = csn_fail(q->ctx, CSN_E_BACKEND, ROOM,
		    "QEMU refused: %.300s", m.text);
	json_decref(m.json);
	return ours;
}

int
csn_qmp_insist(struct csn_qmp *q, const char *command, uint64_t patience_ms)
{
	uint64_t end = csn_now_ms() + patience_ms;
	const char *line = NULL;
	size_t len = 0;
	int rc;

	q->id++;
	q->refused = 0;
	q->insisting = 1;
	if ((rc = send_command(q, command, NULL, end)) == 0)
		do
			rc = next_line(q, end, &line, &len);
		while (rc == 0 && !is_answer(q, line, len, &rc));
	q->insisting = 0;
	return rc == 0 || rc == CSN_E_NOMEM ? rc : CSN_E_BACKEND;
}

/* While QEMU serves somebody else it may let nobody even wait. */
static int
connect_in_time(struct csn_qmp *q, const struct sockaddr_un *sun)
{
	uint64_t end = csn_now_ms() + q->timeout_ms;

	while (connect(q->fd, (const struct sockaddr *)sun,
	    sizeof(*sun)) != 0) {
		if ((errno != EAGAIN && errno != EINTR) || csn_now_ms() >= end)
			return -1;
		if (!q->insisting && csn_stop_check(q->ctx, ROOM) != 0) {
			errno = EINTR;
			return -1;
		}
		csn_sleep_us(5000);
	}
	return 0;
}

static int
connect_to(struct csn_qmp *q, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);

	if (strlen(path) >= sizeof(sun.sun_path))
		return csn_fail(q->ctx, CSN_E_ARG, ROOM, "the path of a "
		    "socket has at most %zu bytes: %.120s",
		    sizeof(sun.sun_path) - 1, path);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	q->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (q->fd < 0)
		return csn_fail_errno(q->ctx, CSN_E_BACKEND, ROOM, errno,
		    "a socket for QEMU");
	if (connect_in_time(q, &sun) != 0 ||
	    getsockopt(q->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
		return csn_fail_errno(q->ctx, CSN_E_BACKEND, ROOM, errno,
		    "%s (qemu -qmp unix:%s,server=on,wait=off)", path, path);
	q->uid = peer.uid;
	return 0;
}

static int
open_it(struct csn_ctx *ctx, const char *path, uint64_t timeout_ms,
    int always, struct csn_qmp **out)
{
	struct csn_qmp_message m;
	struct csn_qmp *q;
	int rc;

	if ((q = csn_calloc(1, sizeof(*q))) == NULL)
		return csn_nomem(ctx, ROOM, "QEMU's answer");
	q->ctx = ctx;
	q->fd = -1;
	q->timeout_ms = timeout_ms;
	q->insisting = always;
	if ((rc = connect_to(q, path)) != 0 ||
	    (rc = next_message(q, csn_now_ms() + timeout_ms, &m)) != 0)
		goto err;
	json_decref(m.json);
	if (m.kind != CSN_QMP_GREETING) {
		rc = csn_fail(ctx, CSN_E_FORM, ROOM,
		    "what listens at %s does not greet as QEMU does", path);
		goto err;
	}
	if ((rc = csn_qmp_call(q, "qmp_capabilities", NULL, NULL)) != 0)
		goto err;
	q->insisting = 0;
	*out = q;
	return 0;

err:
	csn_qmp_close(q);
	return rc;
}

int
csn_qmp_open(struct csn_ctx *ctx, const char *path, uint64_t timeout_ms,
    struct csn_qmp **out)
{
	return open_it(ctx, path, timeout_ms, 0, out);
}

int
csn_qmp_open_always(struct csn_ctx *ctx, const char *path,
    uint64_t timeout_ms, struct csn_qmp **out)
{
	return open_it(ctx, path, timeout_ms, 1, out);
}

int
csn_qmp_refused(const struct csn_qmp *q)
{
	return q->refused;
}

int
csn_qmp_alive(const struct csn_qmp *q)
{
	return !q->dead;
}

unsigned
csn_qmp_resumes(const struct csn_qmp *q)
{
	return q->resumes;
}

uid_t
csn_qmp_uid(const struct csn_qmp *q)
{
	return q->uid;
}

void
csn_qmp_close(struct csn_qmp *q)
{
	if (q == NULL)
		return;
	if (q->fd >= 0)
		(void)close(q->fd);
	free(q->buf);
	free(q);
}
