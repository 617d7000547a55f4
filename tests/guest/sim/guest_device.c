/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_device.c - /dev/sev-guest and /dev/tdx_guest at the seam. Offsets are
 * those of the kernel's documentation, written out, so that a structure of
 * ours that is laid out otherwise is found.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/sim/guest.h"

#define FD 7
#define PAGE 4096u

/* A field of so many bytes, little-endian. */
static uint64_t
field(const uint8_t *p, size_t bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | p[bytes];
	return v;
}

static void *
pointer(const uint8_t *p)
{
	return (void *)(uintptr_t)field(p, 8);
}

static int
device_open(void *arg, const char *path)
{
	struct sim_device *d = arg;

	errno = strcmp(path, SIM_DEVICE) != 0 ? ENOENT : d->missing;
	if (errno != 0)
		return -1;
	d->open++;
	return FD;
}

static int
device_close(void *arg, int fd)
{
	struct sim_device *d = arg;

	d->open--;
	return fd == FD ? 0 : -1;
}

static int
fail(uint8_t *message, uint32_t firmware, uint32_t host, int errnum)
{
	fake_le(message + 24, firmware, 4);
	fake_le(message + 28, host, 4);
	errno = errnum;
	return -1;
}

/* The table in whole pages; its length, or 0 where it does not fit. */
static size_t
give_certs(const struct sim_device *d, uint8_t *to, size_t room,
    size_t *need)
{
	struct fake_bytes table = fake_snp_table(d->guest->snp);
	size_t pages = (table.len + PAGE - 1) / PAGE;

	if (pages < d->certs_pages)
		pages = d->certs_pages;
	*need = pages * PAGE;
	if (*need <= room)
		memcpy(to, table.p, table.len);
	if (*need <= room && d->certs_at != 0)
		fake_le(to + 16, d->certs_at, 4);
	free(table.p);
	return *need <= room;
}

static int
give_report(struct sim_device *d, const uint8_t *request, uint8_t *response)
{
	uint8_t report[FAKE_SNP_REPORT];

	memset(response, 0, 4000);
	fake_le(response, d->status, 4);
	fake_le(response + 4, d->size != 0 ? d->size : FAKE_SNP_REPORT, 4);
	if (d->status != 0)
		return 0;
	sim_snp_report(d->guest, request, (unsigned)field(request + 64, 4),
	    report);
	memcpy(response + 32, report, sizeof(report));
	return 0;
}

void
sim_derived_key(const uint8_t request[32], uint8_t key[32])
{
	uint8_t in[48] = "of this chip    ";

	memcpy(in + 16, request, 32);
	fake_sha256(in, sizeof(in), key);
}

static int
sev_ioctl(void *arg, int fd, unsigned long number, void *p)
{
	struct sim_device *d = arg;
	uint8_t *message = p, *request = pointer(message + 8);
	uint8_t *response = pointer(message + 16);
	size_t room, need;

	d->requests++;
	d->number = number;
	memcpy(d->message, message, sizeof(d->message));
	memset(d->request, 0, sizeof(d->request));
	memcpy(d->request, request, number == 0xc0205300 ? 96 :
	    number == 0xc0205301 ? 32 : 112);
	/* No answer of the firmware yet. */
	fake_le(message + 24, 0xff, 8);
	if (fd != FD || message[0] == 0)
		return fail(message, 0xff, 0, EINVAL);
	if (d->busy > 0) {
		d->busy--;
		return fail(message, 0, 2, EIO);
	}
	if (d->fails != 0)
		return fail(message, d->firmware, d->host, d->fails);
	fake_le(message + 24, 0, 8);
	switch (number) {
	case 0xc0205300:
		return give_report(d, request, response);
	case 0xc0205301:
		memset(response, 0, 64);
		fake_le(response, d->status, 4);
		sim_derived_key(request, response + 32);
		return 0;
	case 0xc0205302:
		room = field(request + 104, 4);
		if (room % PAGE != 0 || room > 4 * PAGE)
			return fail(message, 0xff, 0, EINVAL);
		if (d->no_extended)
			return fail(message, 0, 0x7fffffff, EIO);
		if (!give_certs(d, pointer(request + 96), room, &need)) {
			fake_le(request + 104, need, 4);
			return fail(message, 0, 1, EIO);
		}
		if (d->certs_len != 0)
			fake_le(request + 104, d->certs_len, 4);
		return give_report(d, request, response);
	default:
		return fail(message, 0xff, 0, ENOTTY);
	}
}

static int
tdx_ioctl(void *arg, int fd, unsigned long number, void *p)
{
	struct sim_device *d = arg;
	uint8_t *message = p;
	size_t i;

	d->requests++;
	d->number = number;
	memcpy(d->request, message, 64);
	if (fd != FD || number != 0xc4405401 || d->fails != 0) {
		errno = d->fails != 0 ? d->fails : ENOTTY;
		return -1;
	}
	/* REPORTMACSTRUCT: type TDX, then at 128 the report data. */
	memset(message + 64, 0, 1024);
	message[64] = 0x81;
	memcpy(message + 64 + 128, message, 64);
	for (i = 0; i < 32; i++)
		message[64 + 224 + i] = 0xa5;
	return 0;
}

struct csn_device_io
sim_sev_device(struct sim_device *d)
{
	struct csn_device_io io = {
		.arg = d, .open = device_open, .ioctl = sev_ioctl,
		.close = device_close
	};

	return io;
}

struct csn_device_io
sim_tdx_device(struct sim_device *d)
{
	struct csn_device_io io = {
		.arg = d, .open = device_open, .ioctl = tdx_ioctl,
		.close = device_close
	};

	return io;
}
