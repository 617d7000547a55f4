/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - open a guest's device, or say what would provide it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "guest/device.h"

#define ROOM "guest"
#define FIRST_WAIT_US UINT64_C(2000)
#define MOST_DOUBLINGS 7

static int
system_open(void *arg, const char *path)
{
	(void)arg;
	return open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
}

static int
system_ioctl(void *arg, int fd, unsigned long request, void *p)
{
	(void)arg;
	return ioctl(fd, request, p);
}

static int
system_close(void *arg, int fd)
{
	(void)arg;
	return close(fd);
}

const struct csn_device_io csn_device_system = {
	.open = system_open, .ioctl = system_ioctl, .close = system_close
};

int
csn_device_open(const struct csn_device *d, int *fd)
{
	if ((*fd = d->io->open(d->io->arg, d->path)) >= 0)
		return 0;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return csn_fail(d->ctx, CSN_E_NOT_FOUND, ROOM,
		    "%s is not there: %s provides it", d->path, d->what);
	case EACCES:
	case EPERM:
		return csn_fail(d->ctx, CSN_E_BACKEND, ROOM, "%s: not "
		    "permitted: it takes root, or another owner of the "
		    "device", d->path);
	default:
		return csn_fail_errno(d->ctx, CSN_E_BACKEND, ROOM, errno,
		    "%s cannot be opened", d->path);
	}
}

void
csn_device_close(const struct csn_device *d, int fd)
{
	(void)d->io->close(d->io->arg, fd);
}

int
csn_device_probe(const struct csn_device *d)
{
	int fd, rc;

	if ((rc = csn_device_open(d, &fd)) == 0)
		csn_device_close(d, fd);
	return rc;
}

int
csn_device_absent(struct csn_ctx *ctx, int rc)
{
	if (rc != CSN_E_NOT_FOUND)
		return rc;
	return csn_fail(ctx, CSN_E_BACKEND, ROOM, "%s", csn_message());
}

void
csn_device_wait(unsigned attempt)
{
	csn_sleep_us(FIRST_WAIT_US <<
	    (attempt < MOST_DOUBLINGS ? attempt : MOST_DOUBLINGS));
}
