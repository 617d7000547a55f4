/* SPDX-License-Identifier: Apache-2.0 */
/* guest/sev_guest.h - the ioctls of /dev/sev-guest. */
#ifndef CSN_GUEST_SEV_GUEST_H
#define CSN_GUEST_SEV_GUEST_H

#include "guest/device.h"

#define CSN_SEV_GUEST_PATH "/dev/sev-guest"
#define CSN_SEV_GUEST_WHAT "the kernel module sev-guest, in a guest of " \
    "AMD SEV-SNP,"

/*
 * The kernel's structures (Documentation/virt/coco/sev-guest.rst), written
 * here because the header of some distributions does not compile.
 */
#define CSN_SNP_GET_REPORT 0xc0205300ul
#define CSN_SNP_GET_DERIVED_KEY 0xc0205301ul
#define CSN_SNP_GET_EXT_REPORT 0xc0205302ul

#define CSN_SNP_VMM_INVALID_LEN 1u	/* the certificates do not fit */
#define CSN_SNP_VMM_BUSY 2u		/* the host throttles */

struct csn_snp_ioctl {
	uint8_t msg_version;	/* not 0 */
	uint8_t pad[7];
	uint64_t req_data;
	uint64_t resp_data;
	uint64_t exitinfo2;	/* low half firmware, high half host */
};

struct csn_snp_report_req {
	uint8_t user_data[64];
	uint32_t vmpl;
	uint8_t reserved[28];
};

struct csn_snp_ext_report_req {
	struct csn_snp_report_req data;
	uint64_t certs_address;
	uint32_t certs_len;	/* whole pages, 16 KiB at most */
	uint32_t pad;
};

struct csn_snp_report_resp {
	uint32_t status;
	uint32_t size;
	uint8_t reserved[24];
	uint8_t report[3968];
};

struct csn_snp_key_req {
	uint32_t root_key_select;
	uint32_t reserved;
	uint64_t guest_field_select;
	uint32_t vmpl;
	uint32_t guest_svn;
	uint64_t tcb_version;
};

struct csn_snp_key_resp {
	uint32_t status;
	uint8_t reserved[28];
	uint8_t key[32];
};

/**
 * A report over report_data for a VM privilege level from 0 to 3, with the
 * certificate table that the host gives along (may be empty); both are
 * csn_free's. CSN_E_BACKEND for what kernel, firmware or host refuse,
 * CSN_E_BUSY where the host throttles for too long, CSN_E_NOT_FOUND,
 * CSN_E_NOMEM. On error both are NULL.
 */
CSN_MUST_CHECK int csn_sev_guest_report(const struct csn_device *d,
    const uint8_t report_data[64], uint32_t vmpl, uint8_t **out, size_t *len,
    uint8_t **certs, size_t *certs_len);

/** A key that the firmware derives as req says; errors as above. */
CSN_MUST_CHECK int csn_sev_guest_key(const struct csn_device *d,
    const struct csn_snp_key_req *req, uint8_t key[32]);

#endif
