/* attest/deliver.c - a report to a file or a socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <caisson/attest.h>

#include "base/fail.h"
#include "base/file.h"

#define ROOM "attest"
#define PATIENCE_S 5		/* for a reader that does not read */

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
	return csn_fail(ctx, CSN_E_ARG, ROOM, "reports go to file:PATH or "
	    "unix:PATH, not to %.60s", url);
}
