/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/attest_tamper.c - what an intruder with a debugger does: flip one
 * bit of a running process's memory.
 *
 *   attest_tamper PID NOTE-FOLDER REGION OFFSET
 *
 * Nothing in the process notices: no signal, no fault, no system call of its
 * own. A verifier that asks for the memory's hash does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include <caisson/caisson.h>

struct wanted {
	const char *id;
	struct csn_region region;
};

static int
look(void *arg, const struct csn_region *r)
{
	struct wanted *w = arg;

	if (strcmp(r->id, w->id) != 0)
		return 0;
	w->region = *r;
	w->region.id = w->id;
	w->region.description = "";
	return 1;
}

int
main(int argc, char **argv)
{
	struct iovec here, there;
	struct csn_regions *regions = NULL;
	struct csn_ctx *ctx = NULL;
	struct wanted w = { .id = argc > 3 ? argv[3] : "" };
	struct timespec now;
	unsigned long long offset;
	char url[1024];
	uint8_t byte;
	int bad = 3;

	if (argc != 5) {
		fprintf(stderr, "usage: attest_tamper PID NOTE-FOLDER REGION "
		    "OFFSET\n");
		return 2;
	}
	offset = strtoull(argv[4], NULL, 0);
	(void)snprintf(url, sizeof(url), "process:%s?note=%s", argv[1],
	    argv[2]);
	if (csn_ctx_new(NULL, &ctx) != 0)
		return 3;
	if (csn_regions_open(ctx, url, &regions) != 0 ||
	    csn_regions_each(regions, look, &w) != 1 ||
	    csn_regions_read(regions, &w.region, offset, &byte, 1) != 0) {
		fprintf(stderr, "attest_tamper: %s\n", csn_message());
		goto out;
	}
	byte ^= 1;
	here.iov_base = &byte;
	there.iov_base = (void *)(uintptr_t)(w.region.address + offset);
	here.iov_len = there.iov_len = 1;
	if (process_vm_writev((pid_t)strtol(argv[1], NULL, 10), &here, 1,
	    &there, 1, 0) != 1) {
		perror("process_vm_writev");
		goto out;
	}
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	printf("flipped one bit of %s at 0x%llx, at %lld ms\n", w.id, offset,
	    (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
	bad = 0;
out:
	csn_regions_close(regions);
	csn_ctx_free(ctx);
	return bad;
}
