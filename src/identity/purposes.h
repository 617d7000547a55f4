/* SPDX-License-Identifier: Apache-2.0 */
/* identity/purposes.h - the words of enum csn_purpose. */
#ifndef CSN_IDENTITY_PURPOSES_H
#define CSN_IDENTITY_PURPOSES_H

#include <caisson/identity.h>

/* The one bit that the word means, or 0. */
uint32_t csn_purpose_of(const char *word, size_t len);
/* The word of the i-th bit, or NULL past the last. */
const char *csn_purpose_word(unsigned i);

struct json_t;
/* A set as an array of its words; NULL where memory fails. */
struct json_t *csn_purposes_json(uint32_t purposes);

#endif
