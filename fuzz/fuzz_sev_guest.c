/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_sev_guest.c - what /dev/sev-guest answers: a u32 for the size that the
 * response names, then its bytes up to 4000, then the certificate table.
 */
#include "identity.h"

#include <errno.h>

#include "base/cursor.h"
#include "guest/sev_guest.h"

struct answer {
	uint32_t size;
	const uint8_t *report, *certs;
	size_t report_len, certs_len;
};

static int
on_open(void *arg, const char *path)
{
	(void)arg;
	(void)path;
	return 3;
}

static int
on_ioctl(void *arg, int fd, unsigned long request, void *p)
{
	const struct answer *a = arg;
	struct csn_snp_ioctl *message = p;
	struct csn_snp_ext_report_req *req =
	    (void *)(uintptr_t)message->req_data;
	struct csn_snp_report_resp *resp =
	    (void *)(uintptr_t)message->resp_data;

	(void)fd;
	check(request == CSN_SNP_GET_EXT_REPORT);
	if (a->certs_len > req->certs_len) {
		req->certs_len = (uint32_t)(a->certs_len + 4095) & ~4095u;
		message->exitinfo2 = (uint64_t)CSN_SNP_VMM_INVALID_LEN << 32;
		errno = EIO;
		return -1;
	}
	if (a->certs_len > 0)
		memcpy((void *)(uintptr_t)req->certs_address, a->certs,
		    a->certs_len);
	resp->size = a->size;
	memcpy(resp->report, a->report, a->report_len);
	return 0;
}

static int
on_close(void *arg, int fd)
{
	(void)arg;
	(void)fd;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t report_data[64];
	struct answer a = { .size = 0 };
	const struct csn_device_io io = {
		.arg = &a, .open = on_open, .ioctl = on_ioctl,
		.close = on_close
	};
	const struct csn_device d = {
		.ctx = fuzz_ctx(), .io = &io, .path = "/dev/sev-guest",
		.what = CSN_SEV_GUEST_WHAT
	};
	uint8_t *out, *certs;
	size_t out_len, certs_len;
	struct csn_reader r;
	int rc;

	csn_reader_init(&r, data, len);
	a.size = csn_read_u32(&r);
	if (!csn_reader_ok(&r))
		return 0;
	a.report_len = r.left < 1184 ? r.left : 1184;
	a.report = csn_read_view(&r, a.report_len);
	a.certs_len = r.left < 16384 ? r.left : 16384;
	a.certs = csn_read_view(&r, a.certs_len);
	rc = csn_sev_guest_report(&d, report_data, 0, &out, &out_len, &certs,
	    &certs_len);
	if (rc != 0) {
		check(rc == CSN_E_BACKEND && out == NULL && certs == NULL);
		return 0;
	}
	check(out_len == a.size && out_len >= 1184 && out_len <= 3968);
	check(memcmp(out, a.report, a.report_len) == 0);
	/* Whole pages are given, and no more than these. */
	check(certs_len <= 16384);
	csn_free(out);
	csn_free(certs);
	return 0;
}
