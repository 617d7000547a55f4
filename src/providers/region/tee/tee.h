/* SPDX-License-Identifier: Apache-2.0 */
/* providers/region/tee/tee.h - what the providers sev_snp and tdx share. */
#ifndef CSN_PROVIDERS_REGION_TEE_TEE_H
#define CSN_PROVIDERS_REGION_TEE_TEE_H

#include <caisson/region.h>

#include "guest/device.h"
#include "guest/tsm.h"

struct csn_tee;

/* One kind of confidential guest. */
struct csn_tee_kind {
	const char *name;	/* the URL's scheme */
	const char *driver;	/* how configfs-tsm calls it */
	/* Where report data lies in evidence, or NULL where it is none. */
	const uint8_t *(*report_data)(const uint8_t *p, size_t len);
	/*
	 * The way without configfs-tsm: a device, what provides it, and how
	 * it is asked. NULL where there is none.
	 */
	const char *device;
	const char *what;
	int (*ask)(const struct csn_device *d, const uint8_t report_data[64],
	    uint32_t privlevel, uint8_t **out, size_t *len, uint8_t **certs,
	    size_t *certs_len);
};

/* The system calls, so that a simulated guest can stand there. */
struct csn_tee_io {
	const struct csn_tsm_io *tsm;
	const struct csn_device_io *device;
};
extern const struct csn_tee_io csn_tee_system;

extern const struct csn_tee_kind csn_tee_sev_snp;
extern const struct csn_tee_kind csn_tee_tdx;

/**
 * Open "MANIFEST?tsm=PATH&dev=PATH&vmpl=N&workload=ID&endorsements=PATH&
 * freeze=HOW&timeout=MS"; dev and vmpl where the kind has a device. kind and
 * io outlive *state.
 * CSN_E_BACKEND where neither way to evidence is there; CSN_E_ARG,
 * CSN_E_POLICY (the manifest is another workload's), or as
 * csn_manifest_load().
 */
CSN_MUST_CHECK int csn_tee_open(struct csn_ctx *ctx,
    const struct csn_tee_kind *kind, const struct csn_tee_io *io,
    const char *rest, void **state);

/* The functions of csn_region_provider over what csn_tee_open() gave. */
int csn_tee_list(void *state, int (*visit)(void *arg,
    const struct csn_region *region), void *arg);
int csn_tee_begin(void *state);
int csn_tee_end(void *state);
int csn_tee_read(void *state, const struct csn_region *region,
    uint64_t offset, void *out, size_t len);
const void *csn_tee_map(void *state, const struct csn_region *region);
int csn_tee_evidence(void *state, const uint8_t report_data[64],
    uint8_t **out, size_t *len, uint8_t **certs, size_t *certs_len);
void csn_tee_close(void *state);

#endif
