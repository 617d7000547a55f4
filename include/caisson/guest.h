/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/guest.h - what a confidential guest asks of its own platform. */
#ifndef CAISSON_GUEST_H
#define CAISSON_GUEST_H

#include <caisson/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- AMD SEV-SNP --------------------------------------------------------- */

/* What a derived key depends on: another value is another key. */
enum csn_snp_field {
	CSN_SNP_GUEST_POLICY = 1,
	CSN_SNP_IMAGE_ID = 2,
	CSN_SNP_FAMILY_ID = 4,
	CSN_SNP_MEASUREMENT = 8,
	CSN_SNP_GUEST_SVN = 16,
	CSN_SNP_TCB_VERSION = 32
};

enum csn_snp_root_key {
	CSN_SNP_ROOT_VCEK = 0,	/* of this chip (or its VLEK) */
	CSN_SNP_ROOT_VMRK = 1	/* of a migration agent, goes along */
};

struct csn_snp_key_options {
	uint32_t size;
	uint32_t root_key;	/* enum csn_snp_root_key */
	uint64_t fields;	/* of enum csn_snp_field */
	uint32_t vmpl;		/* 0 to 3, the caller's or a less privileged */
	uint32_t guest_svn;	/* for CSN_SNP_GUEST_SVN: at most its own */
	uint64_t tcb_version;	/* for CSN_SNP_TCB_VERSION: at most the
				   committed one */
	const char *device;	/* NULL for /dev/sev-guest */
};

/**
 * A secret that this guest gets again after each start, and no other guest
 * does whose chip or chosen fields differ: HKDF-SHA3-256 with the salt
 * "caisson snp derived key" over the firmware's key, and label as info, so
 * that keys of different labels tell nothing of each other. The 32 bytes
 * serve as the seed of an ML-DSA key (csn_sign_from_seed()): an attester's
 * identity that is stored nowhere. Without CSN_SNP_MEASUREMENT any guest that
 * the host starts on this chip gets the same.
 *
 * label has 1 to 255 bytes. CSN_E_ARG; CSN_E_BACKEND where the device is not
 * there (the sentence says what provides it) or the firmware refuses;
 * CSN_E_BUSY, CSN_E_CRYPTO. On error out is zero.
 */
CSN_API CSN_MUST_CHECK int csn_snp_derived_key(struct csn_ctx *ctx,
    const struct csn_snp_key_options *options, const char *label,
    uint8_t out[32]);

/* --- Intel TDX ----------------------------------------------------------- */

#define CSN_TDX_TDREPORT_SIZE 1024
#define CSN_TDX_RTMR_SIZE 48	/* SHA-384 */
#define CSN_TDX_RTMRS 4

/**
 * The TDREPORT over report_data, from device (NULL for /dev/tdx_guest).
 *
 * It is authenticated by a MAC under a key of this very processor: a verifier
 * on the same machine can check it, and nobody elsewhere. What a remote
 * verifier takes is a quote, which the region provider "tdx:" puts into a
 * report. CSN_E_BACKEND names the device and what provides it where it is not
 * there; CSN_E_ARG. On error tdreport is untouched.
 */
CSN_API CSN_MUST_CHECK int csn_tdx_report(struct csn_ctx *ctx,
    const char *device, const uint8_t report_data[64],
    uint8_t tdreport[CSN_TDX_TDREPORT_SIZE]);

/**
 * Extend the run-time measurement register of that index, 0 to 3, by a
 * digest: it becomes SHA-384(register || digest) and cannot be set back.
 * Quotes hold it from then on. folder is the kernel's folder of measurements,
 * NULL for /sys/devices/virtual/misc/tdx_guest/measurements (Linux 6.16).
 * Most kernels and TDX modules keep 0 and 1 for the firmware. CSN_E_ARG or
 * CSN_E_BACKEND, which names the missing file and what provides it.
 */
CSN_API CSN_MUST_CHECK int csn_tdx_extend(struct csn_ctx *ctx,
    const char *folder, unsigned index,
    const uint8_t digest[CSN_TDX_RTMR_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
