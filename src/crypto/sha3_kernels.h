/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/sha3_kernels.h - the kernels that sha3_lanes.c chooses from. */
#ifndef CSN_CRYPTO_SHA3_KERNELS_H
#define CSN_CRYPTO_SHA3_KERNELS_H

#include "crypto/sha3_lanes.h"

#if defined(__x86_64__) && defined(__GNUC__)
extern const struct csn_sha3_lanes csn_sha3_avx2;
extern const struct csn_sha3_lanes csn_sha3_avx512;
extern const struct csn_sha3_lanes csn_sha3_avx512vl;
#endif

#endif
