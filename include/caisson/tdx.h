/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/tdx.h - what a guest of Intel TDX asks of its own platform. */
#ifndef CAISSON_TDX_H
#define CAISSON_TDX_H

#include <caisson/context.h>

#ifdef __cplusplus
extern "C" {
#endif

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
