/* SPDX-License-Identifier: Apache-2.0 */
/* base/crc32.h - the checksum that finds accidents, and no attacks. */
#ifndef CSN_BASE_CRC32_H
#define CSN_BASE_CRC32_H

#include <caisson/export.h>

/**
 * CRC-32 as IEEE 802.3 and gzip have it (RFC 1952, 8) of len more bytes; the
 * first crc is 0. Safe from many threads.
 */
uint32_t csn_crc32(uint32_t crc, const void *p, size_t len);

#endif
