/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_tdx_guest.c - what /dev/tdx_guest answers: the first byte says which
 * call fails and how, the rest is the TD report.
 */
#include "identity.h"

#include <errno.h>

#include "guest/tdx_guest.h"

struct answer {
	const uint8_t *p;
	size_t len;
	unsigned open, fails;
	int errnum;
};

static int
on_open(void *arg, const char *path)
{
	struct answer *a = arg;

	(void)path;
	if (a->fails == 1) {
		errno = a->errnum;
		return -1;
	}
	a->open++;
	return 3;
}

static int
on_ioctl(void *arg, int fd, unsigned long request, void *p)
{
	struct csn_tdx_report_req *req = p;
	struct answer *a = arg;

	check(fd == 3 && request == CSN_TDX_GET_REPORT0);
	memcpy(req->tdreport, a->p, a->len);
	if (a->fails == 2) {
		errno = a->errnum;
		return -1;
	}
	return 0;
}

static int
on_close(void *arg, int fd)
{
	struct answer *a = arg;

	check(fd == 3);
	a->open--;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const int errnums[] = { ENOENT, EIO, EINVAL, EACCES };
	static const uint8_t report_data[64];
	struct answer a = { .p = data + 1 };
	const struct csn_device_io io = { .arg = &a, .open = on_open,
	    .ioctl = on_ioctl, .close = on_close };
	const struct csn_device d = { .ctx = fuzz_ctx(), .io = &io,
	    .path = CSN_TDX_GUEST_PATH, .what = CSN_TDX_GUEST_WHAT };
	uint8_t report[1024] = { 0 };
	int rc;

	if (len == 0)
		return 0;
	a.len = len - 1 < sizeof(report) ? len - 1 : sizeof(report);
	a.fails = data[0] % 4;
	a.errnum = errnums[data[0] / 4 % 4];
	rc = csn_tdx_guest_report(&d, report_data, report);
	check(a.open == 0);
	if (a.fails == 1 || a.fails == 2)
		check(rc == CSN_E_BACKEND || rc == CSN_E_NOT_FOUND ||
		    rc == CSN_E_POLICY);
	else
		check(rc == 0 && memcmp(report, a.p, a.len) == 0);
	return 0;
}
