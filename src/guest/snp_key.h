/* SPDX-License-Identifier: Apache-2.0 */
/* guest/snp_key.h - csn_snp_derived_key() through any device. */
#ifndef CSN_GUEST_SNP_KEY_H
#define CSN_GUEST_SNP_KEY_H

#include <caisson/guest.h>

#include "guest/device.h"

CSN_MUST_CHECK int csn_snp_derived_key_by(struct csn_ctx *ctx,
    const struct csn_device_io *io,
    const struct csn_snp_key_options *options, const char *label,
    uint8_t out[32]);

#endif
