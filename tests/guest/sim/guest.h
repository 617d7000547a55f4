/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/guest/sim/guest.h - confidential guests: a made-up processor behind
 * configfs-tsm, /dev/sev-guest and /dev/tdx_guest.
 */
#ifndef CAISSON_TESTS_GUEST_SIM_GUEST_H
#define CAISSON_TESTS_GUEST_SIM_GUEST_H

#include "guest/device.h"
#include "guest/sim/tsm_model.h"
#include "platform/fake_snp.h"
#include "platform/fake_tdx.h"

struct sim_guest {
	struct fake_snp *snp;	/* one of both */
	struct fake_tdx *tdx;
	struct tsm_driver driver;
	int tdx_version;	/* of quotes; 4 */
	int other_data;		/* evidence over other data than asked for */
	int debug;		/* launched with debugging allowed */
	int masked;		/* the host does not tell the chip's id */
	int no_certs;		/* the host gives no certificates */
};

/* What the guest's processor signs of itself, over data. */
void sim_snp_report(const struct sim_guest *g, const uint8_t data[64],
    unsigned privlevel, uint8_t out[FAKE_SNP_REPORT]);

void sim_snp_start(struct sim_guest *g);
void sim_tdx_start(struct sim_guest *g);
void sim_guest_end(struct sim_guest *g);

#define SIM_DEVICE "/sim/guest-device"

/* A device that is asked by ioctl; it looks at the bytes, not at our types. */
struct sim_device {
	const struct sim_guest *guest;
	int missing;		/* the errno of open, or 0 */
	/* What goes wrong. */
	int fails;		/* an errno for each request */
	uint32_t firmware, host;	/* the two halves of exitinfo2 */
	unsigned busy;		/* so many requests are throttled first */
	uint32_t status;	/* of the response */
	uint32_t size;		/* in the response, instead of the right one */
	uint32_t certs_pages;	/* how many the certificates fill, at least */
	int no_extended;	/* the host fails the extended request */
	uint32_t certs_len;	/* written back with a report, where not 0 */
	uint32_t certs_at;	/* the first one's offset, where not 0 */
	/* What was seen. */
	int open;		/* now */
	unsigned requests;
	unsigned long number;	/* of the last */
	uint8_t message[32];	/* the argument of the last */
	uint8_t request[128];	/* what it points to */
};

/* The seam for d, which begins as zeros but for guest. */
struct csn_device_io sim_sev_device(struct sim_device *d);
struct csn_device_io sim_tdx_device(struct sim_device *d);
/* The key that the device derives for a request of 32 bytes. */
void sim_derived_key(const uint8_t request[32], uint8_t key[32]);

#endif
