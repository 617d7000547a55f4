/* SPDX-License-Identifier: Apache-2.0 */
/* evidence/armor.h - base64 for what travels as text. */
#ifndef CSN_EVIDENCE_ARMOR_H
#define CSN_EVIDENCE_ARMOR_H

#include <caisson/evidence.h>

/* Base64 with padding, one line (RFC 4648, 4); NULL where memory fails. */
char *csn_base64_encode(const uint8_t *p, size_t len);

/*
 * Strictly: padding needed, no other characters, spare bits zero. *out is
 * malloc'ed. CSN_E_FORM or CSN_E_NOMEM.
 */
CSN_MUST_CHECK int csn_base64_decode(const char *s, size_t len,
    uint8_t **out, size_t *out_len);

#endif
