/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_qemu_dump.c - guest memory by way of QEMU's monitor and a file: the
 * first byte says how long the file is that QEMU leaves, the rest is what
 * the monitor says, its greeting first.
 */
#include "providers/region/qemu/qemu.h"
#include "server.h"

#define ASKED 64

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t bytes[256] = { 1, 2, 3 };
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_guest_dump d;
	struct csn_qmp *qmp = NULL;
	uint8_t out[ASKED];
	int rc;

	if (len == 0 || len > 60000)
		return 0;
	rc = csn_qmp_open(ctx, fuzz_server(data + 1, len - 1), 20000, &qmp);
	if (rc != 0) {
		check(rc == CSN_E_BACKEND || rc == CSN_E_FORM);
		check(qmp == NULL);
		fuzz_server_quiet();
		return 0;
	}
	check(csn_guest_dump_open(ctx, qmp, NULL, &d) == 0);
	/* What QEMU writes there meanwhile. */
	check(pwrite(d.fd, bytes, data[0], 0) == data[0]);
	rc = csn_guest_dump_save(&d, 4096, ASKED);
	check(rc == 0 || rc == CSN_E_BACKEND || rc == CSN_E_FORM);
	if (rc == 0) {
		check(data[0] == ASKED);
		check(csn_guest_dump_read(&d, 4096, out, ASKED) == 0);
		check(memcmp(out, bytes, ASKED) == 0);
		check(csn_guest_dump_read(&d, 4096 + ASKED - 1, out, 2) ==
		    CSN_E_BACKEND);
	}
	csn_guest_dump_forget(&d);
	check(d.size == 0);
	csn_guest_dump_close(&d);
	csn_qmp_close(qmp);
	fuzz_server_quiet();
	return 0;
}
