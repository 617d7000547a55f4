/* SPDX-License-Identifier: Apache-2.0 */
/* attest/deliver.c - a report to a file, a socket or an HTTP server. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <caisson/attest.h>

#include "attest/attester.h"
#include "base/fail.h"
#include "base/file.h"
#include "net/endpoint.h"

#define ROOM "attest"
#define SOCKET_MS 5000		/* for a reader to take all of it */
#define AGAIN_MS 20
#define TIMEOUT_MS 5000		/* of one POST */
#define TRIES 3
#define MAX_ANSWER 65536	/* bytes, of which nothing is made */

/* The time is up, or the kernel says no. */
static int
failed(struct csn_ctx *ctx, const char *path, int rc)
{
	if (rc == CSN_E_CANCELLED)
		return csn_fail(ctx, rc, ROOM,
		    "sending a report to %s was called off", path);
	if (rc == CSN_E_BACKEND)
		return csn_fail(ctx, CSN_E_IO, ROOM, "who listens at %s did "
		    "not take a report within %d ms", path, SOCKET_MS);
	return csn_fail_errno(ctx, CSN_E_IO, ROOM, errno,
	    "cannot send a report to %s", path);
}

/* 0; CSN_E_IO with errno, or what ended the patience. */
static int
connect_until(int fd, const struct sockaddr_un *to,
    const struct csn_patience *patience)
{
	int rc;

	/* A socket whose queue is full cannot be waited for: ask again. */
	while (connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0) {
		if (errno != EAGAIN && errno != EINTR)
			return CSN_E_IO;
		if ((rc = csn_patience_wait(patience, -1, 0, AGAIN_MS)) != 0)
			return rc;
	}
	return 0;
}

/* Without a signal where nobody reads any more. The same. */
static int
send_until(int fd, const uint8_t *p, size_t len,
    const struct csn_patience *patience)
{
	ssize_t n;
	int rc;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			if ((rc = csn_patience_wait(patience, fd, POLLOUT,
			    SOCKET_MS)) != 0)
				return rc;
			continue;
		}
		if (n <= 0)
			return CSN_E_IO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
to_socket(struct csn_ctx *ctx, const char *path, const uint8_t *report,
    size_t len, int stop)
{
	struct csn_patience patience = csn_patience_of(ctx, stop, SOCKET_MS);
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof(to.sun_path))
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a socket's path has at most %zu bytes",
		    sizeof(to.sun_path) - 1);
	memcpy(to.sun_path, path, strlen(path) + 1);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0)) < 0)
		return csn_fail_errno(ctx, CSN_E_IO, ROOM, errno,
		    "cannot make a socket");
	if ((rc = connect_until(fd, &to, &patience)) != 0 ||
	    (rc = send_until(fd, report, len, &patience)) != 0)
		rc = failed(ctx, path, rc);
	if (close(fd) != 0 && rc == 0)
		rc = failed(ctx, path, CSN_E_IO);
	return rc;
}

/* The same report again does no harm, so a try that failed is repeated. */
static int
to_server(struct csn_ctx *ctx, const char *url, const uint8_t *report,
    size_t len, int stop)
{
	struct csn_http_response res;
	struct csn_patience patience;
	struct csn_endpoint e;
	int rc;

	if ((rc = csn_endpoint_open(ctx, url, TIMEOUT_MS, TRIES, &e)) != 0)
		return rc;
	patience = csn_patience_of(ctx, stop, (uint64_t)e.timeout_ms *
	    e.tries);
	rc = csn_endpoint_post(ctx, &e, "", "Content-Type: " CSN_REPORT_TYP,
	    report, len, MAX_ANSWER, &patience, &res);
	if (rc == 0)
		csn_http_response_free(&res);
	csn_endpoint_close(&e);
	return rc;
}

int
csn_report_deliver_until(struct csn_ctx *ctx, const char *url,
    const uint8_t *report, size_t len, int stop)
{
	if (url == NULL || report == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a report and where to put it are needed");
	if (strncmp(url, "file:", 5) == 0 && url[5] != '\0')
		return csn_file_replace(ctx, url + 5, report, len, 0644);
	if (strncmp(url, "unix:", 5) == 0 && url[5] != '\0')
		return to_socket(ctx, url + 5, report, len, stop);
	if (csn_endpoint_is(url))
		return to_server(ctx, url, report, len, stop);
	return csn_fail(ctx, CSN_E_ARG, ROOM, "reports go to file:PATH, "
	    "unix:PATH or an http or https URL, not to %.60s", url);
}

int
csn_report_deliver(struct csn_ctx *ctx, const char *url,
    const uint8_t *report, size_t len)
{
	return csn_report_deliver_until(ctx, url, report, len, -1);
}
