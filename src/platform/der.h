/* SPDX-License-Identifier: Apache-2.0 */
/* platform/der.h - the little DER (X.690) that vendors' extensions hold. */
#ifndef CSN_PLATFORM_DER_H
#define CSN_PLATFORM_DER_H

#include "base/cursor.h"

#define CSN_DER_BOOL 0x01
#define CSN_DER_INTEGER 0x02
#define CSN_DER_OCTETS 0x04
#define CSN_DER_OID 0x06
#define CSN_DER_ENUM 0x0a
#define CSN_DER_IA5 0x16
#define CSN_DER_SEQUENCE 0x30
#define CSN_DER_CONSTRUCTED 0x20	/* a bit of the tag */

/*
 * The next value of r: its tag (of one byte) and a reader over its contents.
 * 0 where it runs over, or its length is not in the shortest form; r is bad
 * then, and in is empty.
 */
uint8_t csn_der_next(struct csn_reader *r, struct csn_reader *in);
/* A view of the next value's contents where it has that tag, or NULL. */
const uint8_t *csn_der_value(struct csn_reader *r, uint8_t tag, size_t *len);
/* An INTEGER or ENUMERATED of 0 to 2^32 - 1; r is bad where it is not. */
uint32_t csn_der_uint(struct csn_reader *r);

#endif
