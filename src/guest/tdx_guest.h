/* SPDX-License-Identifier: Apache-2.0 */
/* guest/tdx_guest.h - the ioctl of /dev/tdx_guest. */
#ifndef CSN_GUEST_TDX_GUEST_H
#define CSN_GUEST_TDX_GUEST_H

#include "guest/device.h"

#define CSN_TDX_GUEST_PATH "/dev/tdx_guest"
#define CSN_TDX_GUEST_WHAT "the kernel module tdx-guest, in a guest of " \
    "Intel TDX,"
#define CSN_TDX_MEASUREMENTS \
    "/sys/devices/virtual/misc/tdx_guest/measurements"

/* The kernel's structure (Documentation/virt/coco/tdx-guest.rst). */
#define CSN_TDX_GET_REPORT0 0xc4405401ul

struct csn_tdx_report_req {
	uint8_t report_data[64];
	uint8_t tdreport[1024];
};

/** As csn_tdx_report() of <caisson/guest.h>; CSN_E_NOT_FOUND for no device. */
CSN_MUST_CHECK int csn_tdx_guest_report(const struct csn_device *d,
    const uint8_t report_data[64], uint8_t tdreport[1024]);

#endif
