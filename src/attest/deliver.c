/* attest/deliver.c - a report to a file, a socket or an HTTP server. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <caisson/attest.h>

#include "attest/endpoint.h"
#include "base/fail.h"
#include "base/file.h"

#define ROOM "attest"
#define PATIENCE_S 5		/* for a reader that does not read */
#define TIMEOUT_MS 5000		/* of one POST */
#define TRIES 3
#define MAX_ANSWER 65536	/* bytes, of which nothing is made */

/* As csn_write_all(), without a signal where nobody reads any more. */
static int
send_all(int fd, const uint8_t *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
to_socket(struct csn_ctx *ctx, const char *path, const uint8_t *report,
    size_t len)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, rc = 0;

	if (strlen(path) >= sizeof(to.sun_path))
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a socket's path has at most %zu bytes",
		    sizeof(to.sun_path) - 1);
	memcpy(to.sun_path, path, strlen(path) + 1);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return csn_fail_errno(ctx, CSN_E_IO, ROOM, errno,
		    "cannot make a socket");
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
	    sizeof(patience)) != 0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0 ||
	    send_all(fd, report, len) != 0)
		rc = csn_fail_errno(ctx, CSN_E_IO, ROOM, errno,
		    "cannot send a report to %s", path);
	if (close(fd) != 0 && rc == 0)
		rc = csn_fail_errno(ctx, CSN_E_IO, ROOM, errno,
		    "cannot send a report to %s", path);
	return rc;
}

/* The same report again does no harm, so a try that failed is repeated. */
static int
to_server(struct csn_ctx *ctx, const char *url, const uint8_t *report,
    size_t len)
{
	struct csn_http_response res;
	struct csn_endpoint e;
	int rc;

	if ((rc = csn_endpoint_open(ctx, url, TIMEOUT_MS, TRIES, &e)) != 0)
		return rc;
	rc = csn_endpoint_post(ctx, &e, "", "Content-Type: " CSN_REPORT_TYP,
	    report, len, MAX_ANSWER, &res);
	if (rc == 0)
		csn_http_response_free(&res);
	csn_endpoint_close(&e);
	return rc;
}

int
csn_report_deliver(struct csn_ctx *ctx, const char *url,
    const uint8_t *report, size_t len)
{
	if (url == NULL || report == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a report and where to put it are needed");
	if (strncmp(url, "file:", 5) == 0 && url[5] != '\0')
		return csn_file_replace(ctx, url + 5, report, len, 0644);
	if (strncmp(url, "unix:", 5) == 0 && url[5] != '\0')
		return to_socket(ctx, url + 5, report, len);
	if (csn_endpoint_is(url))
		return to_server(ctx, url, report, len);
	return csn_fail(ctx, CSN_E_ARG, ROOM, "reports go to file:PATH, "
	    "unix:PATH or an http or https URL, not to %.60s", url);
}
