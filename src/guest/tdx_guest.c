/* SPDX-License-Identifier: Apache-2.0 */
/* tdx_guest.c - TD reports from /dev/tdx-guest, and run-time registers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <caisson/guest.h>

#include "base/fail.h"
#include "guest/tdx_guest.h"

#define ROOM "guest"

_Static_assert(sizeof(struct csn_tdx_report_req) == 1088, "ioctl argument");

int
csn_tdx_guest_report(const struct csn_device *d,
    const uint8_t report_data[64], uint8_t tdreport[1024])
{
	struct csn_tdx_report_req req = { 0 };
	int fd, rc;

	memcpy(req.report_data, report_data, sizeof(req.report_data));
	if ((rc = csn_device_open(d, &fd)) != 0)
		return rc;
	if (d->io->ioctl(d->io->arg, fd, CSN_TDX_GET_REPORT0, &req) != 0)
		rc = csn_fail_errno(d->ctx, CSN_E_BACKEND, ROOM, errno,
		    "%s: the TDX module refused a report", d->path);
	else
		memcpy(tdreport, req.tdreport, sizeof(req.tdreport));
	csn_device_close(d, fd);
	return rc;
}

int
csn_tdx_report(struct csn_ctx *ctx, const char *device,
    const uint8_t report_data[64], uint8_t tdreport[CSN_TDX_TDREPORT_SIZE])
{
	struct csn_device d = {
		.ctx = ctx, .io = &csn_device_system,
		.path = device == NULL ? CSN_TDX_GUEST_PATH : device,
		.what = CSN_TDX_GUEST_WHAT
	};

	if (ctx == NULL || report_data == NULL || tdreport == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a TD report needs a "
		    "context, 64 bytes of report data and a place");
	return csn_device_absent(ctx,
	    csn_tdx_guest_report(&d, report_data, tdreport));
}

int
csn_tdx_extend(struct csn_ctx *ctx, const char *folder, unsigned index,
    const uint8_t digest[CSN_TDX_RTMR_SIZE])
{
	char path[4096];
	int fd, n, errnum;
	ssize_t done;

	if (ctx == NULL || digest == NULL || index >= CSN_TDX_RTMRS)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a TD has the run-time "
		    "registers 0 to %d, extended by a digest of %d bytes",
		    CSN_TDX_RTMRS - 1, CSN_TDX_RTMR_SIZE);
	n = snprintf(path, sizeof(path), "%s/rtmr%u:sha384",
	    folder == NULL ? CSN_TDX_MEASUREMENTS : folder, index);
	if (n < 0 || (size_t)n >= sizeof(path))
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a path of %d bytes",
		    n);
	if ((fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY)) < 0) {
		errnum = errno;
		return errnum == ENOENT ? csn_fail(ctx, CSN_E_BACKEND, ROOM,
		    "%s is not there: a Linux of 6.16 or newer provides it, "
		    "with its module tdx-guest, in a guest of Intel TDX",
		    path) : csn_fail_errno(ctx, CSN_E_BACKEND, ROOM, errnum,
		    "%s cannot be opened", path);
	}
	/* One write is one extension: a rest must not become another. */
	do {
		done = write(fd, digest, CSN_TDX_RTMR_SIZE);
	} while (done < 0 && errno == EINTR);
	errnum = errno;
	(void)close(fd);
	if (done < 0)
		return csn_fail_errno(ctx, CSN_E_BACKEND, ROOM, errnum,
		    "%s was not extended", path);
	if (done != CSN_TDX_RTMR_SIZE)
		return csn_fail(ctx, CSN_E_BACKEND, ROOM,
		    "%s took %zd of %d bytes", path, done, CSN_TDX_RTMR_SIZE);
	return 0;
}
